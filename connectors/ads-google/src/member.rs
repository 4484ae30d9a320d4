//! One person as Google matches people: addresses, numbers, and a name with postcode
//! and country as one.

use liaison_sdk::hash::{Kind, Profile, Unfit};
use liaison_sdk::{Fault, FaultCode, Field, Member};
use serde_json::{Map, Value, json};

use crate::settings::Settings;

/// Most identifiers of one person.
const IDENTIFIERS_MAX: usize = 10;
/// The parts of an address, all of which must be there.
const ADDRESS: [(&str, &str, Kind); 4] = [
    ("first_name", "givenName", Kind::FirstName),
    ("last_name", "familyName", Kind::LastName),
    ("country", "regionCode", Kind::Country),
    ("postcode", "postalCode", Kind::Postcode),
];

/// A field that is an identifier of its own.
struct Single {
    field: &'static str,
    title: &'static str,
    pii: &'static str,
    /// The value is a digest already.
    digest: bool,
    name: &'static str,
    kind: Kind,
}

const fn single(
    field: &'static str,
    title: &'static str,
    pii: &'static str,
    name: &'static str,
    kind: Kind,
) -> Single {
    Single { field, title, pii, digest: false, name, kind }
}

const SINGLES: [Single; 4] = [
    single("email", "E-mail", "email", "emailAddress", Kind::Email),
    Single {
        digest: true,
        ..single("email_sha256", "E-mail, as SHA-256", "email", "emailAddress", Kind::Email)
    },
    single("phone", "Telephone", "phone", "phoneNumber", Kind::Phone),
    Single {
        digest: true,
        ..single("phone_sha256", "Telephone, as SHA-256", "phone", "phoneNumber", Kind::Phone)
    },
];

/// What members are matched by, as discovery says it.
pub fn fields() -> impl Iterator<Item = Field> {
    let singles = SINGLES.iter().map(|it| {
        let field = Field::text(it.field).title(it.title).pii(it.pii).matchable();
        if it.digest { field } else { field.hash_profile(Profile::Google.annotation(it.kind)) }
    });
    let parts = ADDRESS.iter().map(|(field, _, kind)| {
        let pii = if field.ends_with("name") { "name" } else { "address" };
        let field = Field::text(*field).pii(pii).matchable();
        field.hash_profile(Profile::Google.annotation(*kind))
    });
    singles.chain(parts)
}

/// The identifiers of a member. A value that nobody could be matched by is left out
/// while another one finds the person, and so is an address that lacks a part.
///
/// # Errors
/// `rejected`, when nothing finds it, with what is wrong with the first value;
/// `not-supported` for a field that there is not.
pub fn identifiers(member: &Member) -> Result<Vec<Value>, Fault> {
    let (mut identifiers, mut address, mut unfit) = (Vec::new(), Map::new(), None);
    for identity in &member.identities {
        let field = identity.namespace.as_str();
        let one = SINGLES.iter().find(|it| it.field == field);
        let part = ADDRESS.iter().find(|(name, _, _)| *name == field);
        let value = match (one, part) {
            (Some(one), _) if one.digest => Profile::Google.adopt(one.kind, &identity.value),
            (Some(one), _) => Profile::Google.prepare(one.kind, &identity.value),
            (None, Some((_, _, kind))) => Profile::Google.prepare(*kind, &identity.value),
            (None, None) => {
                return Err(Fault::new(FaultCode::NotSupported)
                    .at(field)
                    .with("expected", "a field of the stream of memberships"));
            }
        };
        match (value, one, part) {
            (Ok(value), Some(one), _) => {
                let identifier = json!({ one.name: value });
                if !identifiers.contains(&identifier) {
                    identifiers.push(identifier);
                }
            }
            (Ok(value), None, Some((_, name, _))) => {
                address.entry(*name).or_insert_with(|| value.into());
            }
            (Ok(_), None, None) => {}
            (Err(reason), _, _) => drop(unfit.get_or_insert((field, reason))),
        }
    }
    identifiers.truncate(IDENTIFIERS_MAX - 1);
    if address.len() == ADDRESS.len() {
        identifiers.push(json!({ "address": address }));
    }
    if !identifiers.is_empty() {
        return Ok(identifiers);
    }
    Err(match unfit {
        Some((field, reason)) => Fault::from(reason).at(field),
        None => Fault::from(Unfit::Empty)
            .at("email, phone, or first_name, last_name, country and postcode"),
    })
}

/// A person who joins, with the consents that go along.
///
/// # Errors
/// As [`identifiers`]; `rejected` for somebody who has refused.
pub fn joining(settings: &Settings, member: &Member) -> Result<Value, Fault> {
    let mut person = json!({"userData": {"userIdentifiers": identifiers(member)?}});
    let mut consent = Map::new();
    for (name, purpose) in [
        ("adUserData", &settings.ad_user_data),
        ("adPersonalization", &settings.ad_personalization),
    ] {
        match member.consents.iter().find(|consent| consent.purpose == *purpose) {
            Some(given) if given.granted => {
                drop(consent.insert(name.into(), "CONSENT_GRANTED".into()))
            }
            Some(_) => {
                return Err(Fault::new(FaultCode::Rejected)
                    .at(&**purpose)
                    .with("expected", "a consent that is not refused"));
            }
            None => {}
        }
    }
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
