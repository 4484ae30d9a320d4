//! What an ad platform or an onboarding partner wants done to a value before it
//! may match on it.
//!
//! The platforms agree on SHA-256 and on nothing else. `Jane.Doe+x@Gmail.com`
//! keeps dots and tag for Meta, loses both for Google and UID2, and the last of
//! these wants Base64 where the others want hexadecimal. A telephone number has
//! a plus for Google and none for Meta; LiveRamp takes it without its country
//! and by SHA-1. A digest of the wrong form is not an error anywhere: it just
//! matches nobody. So there is no "hash of an e-mail" here, only what one
//! [`Profile`] does to one [`Kind`] of value:
//!
//! ```
//! use liaison_sdk::hash::{Kind, Profile, Unfit};
//!
//! let jane = " Jane.Doe+x@Gmail.com";
//! assert_eq!(Profile::Meta.normalise(Kind::Email, jane).unwrap(), "jane.doe+x@gmail.com");
//! assert_eq!(Profile::Google.normalise(Kind::Email, jane).unwrap(), "janedoe@gmail.com");
//!
//! // As it is sent: normalised, and hashed where the platform demands it.
//! let sent = Profile::Meta.prepare(Kind::Email, "John_Smith@gmail.com").unwrap();
//! assert_eq!(sent, "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f");
//! assert_eq!(Profile::Google.prepare(Kind::Country, " fr ").unwrap(), "FR");
//!
//! // What cannot be matched on is told apart from what can, without the value.
//! assert_eq!(Profile::Meta.prepare(Kind::Email, "nobody"), Err(Unfit::Email));
//! ```
//!
//! # Rules
//!
//! - **Never guess that a value is hashed already.** A value of 64 hexadecimal
//!   digits may be a customer's number. Where the mapping says that a field holds
//!   digests, use [`Profile::adopt`].
//! - **Telephone numbers are international.** Which country a national number
//!   belongs to is known to whoever has the row; see [`crate::phone`].
//! - **A value that is unfit is the item's fault, not the batch's**: an [`Unfit`]
//!   becomes a [`Fault`], for [`Outcome::Rejected`](crate::Outcome::Rejected).
//! - Values are taken as the hub hands them over: Unicode in form C.
//!
//! Each platform's module names the source of its rules, and where the
//! platform's own code and its documentation disagree.

mod countries;
mod form;
mod rule;

mod adobe;
mod google;
mod linkedin;
mod liveramp;
mod meta;
mod tiktok;
mod uid2;

pub use form::Form;

use crate::fault::{Fault, FaultCode};
use rule::Rule;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A telephone number in international form.
    Phone,
    /// A given name.
    FirstName,
    /// The first letter of a given name, from the whole name.
    FirstInitial,
    /// A family name.
    LastName,
    /// A gender: `f` or `m`, or a word that begins so.
    Gender,
    /// A date of birth, `1990-02-05` or `19900205`, as one value.
    BirthDate,
    /// The year of a date of birth.
    BirthYear,
    /// The month of a date of birth.
    BirthMonth,
    /// The day of the month of a date of birth.
    BirthDay,
    /// Street and house number.
    Street,
    /// A town.
    City,
    /// A state, province or region.
    Region,
    /// A postcode.
    Postcode,
    /// A country as ISO 3166-1 alpha-2.
    Country,
    /// The organisation's own identifier of the person.
    ExternalId,
    /// A mobile advertising identifier.
    DeviceId,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Email,
        Self::Phone,
        Self::FirstName,
        Self::FirstInitial,
        Self::LastName,
        Self::Gender,
        Self::BirthDate,
        Self::BirthYear,
        Self::BirthMonth,
        Self::BirthDay,
        Self::Street,
        Self::City,
        Self::Region,
        Self::Postcode,
        Self::Country,
        Self::ExternalId,
        Self::DeviceId,
    ];

    /// Its word, as in the annotations of discovery.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::FirstName => "first-name",
            Self::FirstInitial => "first-initial",
            Self::LastName => "last-name",
            Self::Gender => "gender",
            Self::BirthDate => "birth-date",
            Self::BirthYear => "birth-year",
            Self::BirthMonth => "birth-month",
            Self::BirthDay => "birth-day",
            Self::Street => "street",
            Self::City => "city",
            Self::Region => "region",
            Self::Postcode => "postcode",
            Self::Country => "country",
            Self::ExternalId => "external-id",
            Self::DeviceId => "device-id",
        }
    }
}

/// Whose rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Profile {
    /// Meta: Conversions API and Custom Audiences.
    Meta,
    /// Google: Data Manager API, Customer Match.
    Google,
    /// LinkedIn: Matched Audiences, Conversions API.
    LinkedIn,
    /// TikTok: Customer File audiences, Events API.
    TikTok,
    /// UID2 and The Trade Desk.
    Uid2,
    /// LiveRamp onboarding files.
    LiveRamp,
    /// Adobe Audience Manager.
    Adobe,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Meta,
        Self::Google,
        Self::LinkedIn,
        Self::TikTok,
        Self::Uid2,
        Self::LiveRamp,
        Self::Adobe,
    ];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Google => "google",
            Self::LinkedIn => "linkedin",
            Self::TikTok => "tiktok",
            Self::Uid2 => "uid2",
            Self::LiveRamp => "liveramp",
            Self::Adobe => "adobe",
        }
    }

    /// The annotation of a field that holds such a value, for
    /// [`Field::hash_profile`](crate::Field::hash_profile): `meta/email`.
    pub fn annotation(self, kind: Kind) -> String {
        format!("{}/{}", self.as_str(), kind.as_str())
    }

    /// How the platform wants it; none where it takes no such value.
    pub fn form(self, kind: Kind) -> Option<Form> {
        self.rule(kind).map(|rule| rule.form)
    }

    /// The value as this platform matches on it, not yet hashed.
    ///
    /// # Errors
    /// [`Unfit`], when nobody could be matched by it.
    pub fn normalise(self, kind: Kind, value: &str) -> Result<String, Unfit> {
        let rule = self.rule(kind).ok_or(Unfit::NotTaken)?;
        let normalised = (rule.normalise)(value)?;
        if normalised.trim().is_empty() { Err(Unfit::Empty) } else { Ok(normalised) }
    }

    /// The value as it is sent: normalised, and hashed where this platform
    /// demands it.
    ///
    /// # Errors
    /// As [`Self::normalise`].
    pub fn prepare(self, kind: Kind, value: &str) -> Result<String, Unfit> {
        let form = self.form(kind).ok_or(Unfit::NotTaken)?;
        Ok(form.of(&self.normalise(kind, value)?))
    }

    /// A digest that was made elsewhere, in hexadecimal, in the form in which
    /// this platform wants it. Only for fields of which the mapping says that
    /// they hold digests; by which rules the value was normalised before cannot
    /// be seen any more.
    ///
    /// # Errors
    /// [`Unfit::Digest`] when it is no digest of the kind that is wanted, or when
    /// the value is wanted in clear.
    pub fn adopt(self, kind: Kind, digest: &str) -> Result<String, Unfit> {
        self.form(kind).ok_or(Unfit::NotTaken)?.adopt(digest.trim())
    }

    fn rule(self, kind: Kind) -> Option<Rule> {
        match self {
            Self::Meta => meta::rule(kind),
            Self::Google => google::rule(kind),
            Self::LinkedIn => linkedin::rule(kind),
            Self::TikTok => tiktok::rule(kind),
            Self::Uid2 => uid2::rule(kind),
            Self::LiveRamp => liveramp::rule(kind),
            Self::Adobe => adobe::rule(kind),
        }
    }
}

/// Why nobody can be matched by a value. It never holds the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// The platform takes no such value.
    NotTaken,
    /// There is nothing in it.
    Empty,
    /// It is no e-mail address.
    Email,
    /// It is no international telephone number.
    Phone,
    /// It is neither `f` nor `m`, nor begins so.
    Gender,
    /// It is no day since 1900.
    BirthDate,
    /// It is no country of ISO 3166-1 alpha-2.
    Country,
    /// It is no digest of the kind that is wanted.
    Digest,
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotTaken => "a kind of value that this platform takes",
            Self::Empty => "a value that is not empty",
            Self::Email => "an e-mail address",
            Self::Phone => "an international telephone number such as +33123456789",
            Self::Gender => "f or m",
            Self::BirthDate => "a day since 1900, such as 1990-02-05",
            Self::Country => "a country as two letters of ISO 3166-1, such as FR",
            Self::Digest => "a digest in hexadecimal, of a value that is wanted hashed",
        })
    }
}

impl std::error::Error for Unfit {}

impl From<Unfit> for Fault {
    fn from(unfit: Unfit) -> Self {
        let code = match unfit {
            Unfit::NotTaken => FaultCode::NotSupported,
            _ => FaultCode::Rejected,
        };
        Self::new(code).with("expected", unfit)
    }
}

#[cfg(test)]
mod tests;
