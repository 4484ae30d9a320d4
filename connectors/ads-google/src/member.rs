//! One person as Google matches people: addresses, numbers, and a name with postcode
//! and country as one.

use liaison_sdk::hash::{Kind, Profile, Unfit};
use liaison_sdk::{Consent, Fault, Field, Member};
use serde_json::{Map, Value, json};

use crate::settings::Settings;

/// Most identifiers of one person.
const IDENTIFIERS_MAX: usize = 10;
/// Parts of an address, all of which must be there.
const PARTS: usize = 4;

/// A field, and what Google calls it.
struct Source {
    field: &'static str,
    title: &'static str,
    pii: &'static str,
    /// The value is a digest already.
    digest: bool,
    /// It is a part of an address, and no identifier of its own.
    part: bool,
    name: &'static str,
    kind: Kind,
}

const fn source(
    field: &'static str,
    title: &'static str,
    pii: &'static str,
    name: &'static str,
    kind: Kind,
) -> Source {
    Source { field, title, pii, digest: false, part: false, name, kind }
}

const SOURCES: [Source; 4 + PARTS] = [
    source("email", "E-mail", "email", "emailAddress", Kind::Email),
    Source {
        digest: true,
        ..source("email_sha256", "E-mail, as SHA-256", "email", "emailAddress", Kind::Email)
    },
    source("phone", "Telephone", "phone", "phoneNumber", Kind::Phone),
    Source {
        digest: true,
        ..source("phone_sha256", "Telephone, as SHA-256", "phone", "phoneNumber", Kind::Phone)
    },
    Source {
        part: true,
        ..source("first_name", "Given name", "name", "givenName", Kind::FirstName)
    },
    Source {
        part: true,
        ..source("last_name", "Family name", "name", "familyName", Kind::LastName)
    },
    Source { part: true, ..source("country", "Country", "address", "regionCode", Kind::Country) },
    Source {
        part: true,
        ..source("postcode", "Postcode", "address", "postalCode", Kind::Postcode)
    },
];

/// What members are matched by, as discovery says it.
pub fn fields() -> impl Iterator<Item = Field> {
    SOURCES.iter().map(|it| {
        let field = Field::text(it.field).title(it.title).pii(it.pii).matchable();
        if it.digest { field } else { field.hash_profile(Profile::Google.annotation(it.kind)) }
    })
}

/// What somebody can be matched by, gathered value by value.
#[derive(Debug, Default)]
pub struct Identifiers {
    singles: Vec<Value>,
    address: Map<String, Value>,
    unfit: Option<Fault>,
}

impl Identifiers {
    /// Takes the value of a field in; false for a field that nobody is matched by.
    ///
    /// A value that nobody could be matched by is left out while another one finds the
    /// person, and so is an address that lacks a part.
    pub fn add(&mut self, field: &str, value: &str) -> bool {
        let Some(source) = SOURCES.iter().find(|it| it.field == field) else { return false };
        let value = match source.digest {
            true => Profile::Google.adopt(source.kind, value),
            false => Profile::Google.prepare(source.kind, value),
        };
        match value {
            Ok(value) if source.part => {
                self.address.entry(source.name).or_insert_with(|| value.into());
            }
            Ok(value) => {
                let identifier = json!({ source.name: value });
                if !self.singles.contains(&identifier) {
                    self.singles.push(identifier);
                }
            }
            Err(reason) => {
                self.unfit.get_or_insert_with(|| Fault::from(reason).at(field));
            }
        }
        true
    }

    /// The identifiers, as many as Google takes; and what is wrong with the first value
    /// that is none.
    pub fn finish(mut self) -> (Vec<Value>, Option<Fault>) {
        let is_whole = self.address.len() == PARTS;
        self.singles.truncate(IDENTIFIERS_MAX - usize::from(is_whole));
        if is_whole {
            self.singles.push(json!({ "address": self.address }));
        }
        (self.singles, self.unfit)
    }
}

/// The identifiers of a member.
///
/// # Errors
/// `rejected`, when nothing finds it, with what is wrong with the first value;
/// `not-supported` for a field that there is not.
pub fn identifiers(member: &Member) -> Result<Vec<Value>, Fault> {
    let mut identifiers = Identifiers::default();
    for identity in &member.identities {
        if !identifiers.add(&identity.namespace, &identity.value) {
            return Err(Fault::no_field(&identity.namespace, "memberships"));
        }
    }
    match identifiers.finish() {
        (identifiers, unfit) if identifiers.is_empty() => Err(unfit.unwrap_or_else(|| {
            Fault::from(Unfit::Empty)
                .at("email, phone, or first_name, last_name, country and postcode")
        })),
        (identifiers, _) => Ok(identifiers),
    }
}

/// What Google is told about consents.
///
/// # Errors
/// `rejected` for somebody who has refused.
pub fn consent(settings: &Settings, consents: &[Consent]) -> Result<Map<String, Value>, Fault> {
    let mut told = Map::new();
    for (name, purpose) in [
        ("adUserData", &settings.ad_user_data),
        ("adPersonalization", &settings.ad_personalization),
    ] {
        match consents.iter().find(|consent| consent.purpose == *purpose) {
            Some(given) if given.granted => {
                drop(told.insert(name.into(), "CONSENT_GRANTED".into()))
            }
            Some(_) => return Err(Fault::rejected(purpose, "a consent that is not refused")),
            None => {}
        }
    }
    Ok(told)
}

/// A person who joins, with the consents that go along.
///
/// # Errors
/// As [`identifiers`]; `rejected` for somebody who has refused.
pub fn joining(settings: &Settings, member: &Member) -> Result<Value, Fault> {
    let mut person = json!({"userData": {"userIdentifiers": identifiers(member)?}});
    let consent = consent(settings, &member.consents)?;
    if !consent.is_empty() {
        person["consent"] = consent.into();
    }
    Ok(person)
}

/// A person who leaves: nobody asks whether he agrees.
///
/// # Errors
/// As [`identifiers`].
pub fn leaving(member: &Member) -> Result<Value, Fault> {
    Ok(json!({"userData": {"userIdentifiers": identifiers(member)?}}))
}
