//! What partners match people by, and the values of one person.

use liaison_sdk::hash::{Kind, Profile, Unfit};
use liaison_sdk::{Fault, FaultCode, Field, Member};
use serde::Deserialize;

use crate::settings::{Outbound, Partner};

/// Longest id of an organisation's own, in bytes.
const ID_BYTES_MAX: usize = 256;

/// A kind of identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identifier {
    /// The organisation's own id of the person.
    CustomerId,
    /// Addresses.
    Email,
    /// Telephone numbers.
    Phone,
    /// Advertising ids of Apple's devices.
    Idfa,
    /// Advertising ids of Android devices.
    Gaid,
}

/// A field of the stream of memberships.
struct Source {
    field: &'static str,
    title: &'static str,
    pii: &'static str,
    identifier: Identifier,
    /// The value is a digest already.
    digest: bool,
}

const fn source(
    field: &'static str,
    title: &'static str,
    pii: &'static str,
    identifier: Identifier,
) -> Source {
    Source { field, title, pii, identifier, digest: false }
}

const SOURCES: [Source; 7] = [
    source("customer_id", "Customer", "id", Identifier::CustomerId),
    source("email", "E-mail", "email", Identifier::Email),
    Source {
        digest: true,
        ..source("email_sha256", "E-mail, as SHA-256", "email", Identifier::Email)
    },
    source("phone", "Telephone", "phone", Identifier::Phone),
    Source {
        digest: true,
        ..source("phone_sha1", "Telephone, as SHA-1", "phone", Identifier::Phone)
    },
    source("idfa", "Apple device", "id", Identifier::Idfa),
    source("gaid", "Android device", "id", Identifier::Gaid),
];

impl Identifier {
    const fn kind(self) -> Kind {
        match self {
            Self::CustomerId => Kind::ExternalId,
            Self::Email => Kind::Email,
            Self::Phone => Kind::Phone,
            Self::Idfa | Self::Gaid => Kind::DeviceId,
        }
    }

    /// The value as the partner wants it.
    fn prepare(self, profile: Profile, digest: bool, value: &str) -> Result<String, Fault> {
        let fit = match self {
            _ if digest => profile.adopt(self.kind(), value),
            Self::CustomerId => return customer(value),
            Self::Idfa => return device(value).map(|id| id.to_uppercase()),
            Self::Gaid => return device(value).map(|id| id.to_lowercase()),
            Self::Email | Self::Phone => profile.prepare(self.kind(), value),
        };
        Ok(fit?)
    }
}

/// An id of the organisation's own. A colon, or what it is encoded as, is not taken
/// by Audience Manager, and a tab would end the id.
fn customer(value: &str) -> Result<String, Fault> {
    let id = value.trim();
    let odd = id.contains(|c: char| c == ':' || c.is_control());
    if id.is_empty() || id.len() > ID_BYTES_MAX || odd || id.to_uppercase().contains("%3A") {
        let expected = "an id of at most 256 bytes without a colon or control characters";
        return Err(Fault::new(FaultCode::Rejected).with("expected", expected));
    }
    Ok(id.to_owned())
}

/// An advertising id: 32 hexadecimal digits in groups.
fn device(value: &str) -> Result<&str, Fault> {
    let id = value.trim();
    let groups: Vec<usize> = id.split('-').map(str::len).collect();
    let hexadecimal = id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if groups == [8, 4, 4, 4, 12] && hexadecimal {
        return Ok(id);
    }
    let expected = "an advertising id such as 97987bca-ae59-4c7d-94ba-ee4f19ab8c21";
    Err(Fault::new(FaultCode::Rejected).with("expected", expected))
}

impl Partner {
    /// How it wants values.
    pub const fn profile(&self) -> Profile {
        match self {
            Self::AudienceManager(_) => Profile::Adobe,
            Self::LiveRamp(_) => Profile::LiveRamp,
        }
    }
}

impl Outbound {
    /// What members are matched by, as discovery says it.
    pub fn fields(&self) -> impl Iterator<Item = Field> + '_ {
        let profile = self.partner.profile();
        self.sources().map(move |it| {
            let field = Field::text(it.field).title(it.title).pii(it.pii).matchable();
            let kind = it.identifier.kind();
            let hashed = !it.digest && profile.form(kind).is_some();
            if hashed { field.hash_profile(profile.annotation(kind)) } else { field }
        })
    }

    fn sources(&self) -> impl Iterator<Item = &'static Source> + '_ {
        SOURCES.iter().filter(|it| self.identifiers.contains(&it.identifier))
    }

    /// The values of a member, by the kinds of the settings. One that nobody could be
    /// matched by is left out while another finds the person.
    ///
    /// # Errors
    /// `rejected` when nothing finds it, with what is wrong with the first value;
    /// `not-supported` for a field that there is not.
    pub fn values(&self, member: &Member) -> Result<Vec<Vec<String>>, Fault> {
        let (profile, mut unfit) = (self.partner.profile(), None);
        let mut values = vec![Vec::new(); self.identifiers.len()];
        for identity in &member.identities {
            let source = self.sources().find(|it| it.field == identity.namespace);
            let source =
                source.ok_or_else(|| Fault::no_field(&identity.namespace, "memberships"))?;
            let column = self.identifiers.iter().position(|it| *it == source.identifier);
            let own = column.and_then(|column| values.get_mut(column));
            match (source.identifier.prepare(profile, source.digest, &identity.value), own) {
                (Ok(value), Some(own)) if !own.contains(&value) => own.push(value),
                (Ok(_), _) => {}
                (Err(fault), _) => drop(unfit.get_or_insert_with(|| fault.at(source.field))),
            }
        }
        if values.iter().any(|own| !own.is_empty()) {
            return Ok(values);
        }
        let fields: Vec<&str> = self.sources().map(|it| it.field).collect();
        Err(unfit.unwrap_or_else(|| Fault::from(Unfit::Empty).at(fields.join(", "))))
    }
}
