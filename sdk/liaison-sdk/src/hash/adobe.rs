//! Adobe Audience Manager: people-based destinations and onboarding files.
//!
//! Source: "Prerequisites and Considerations" of people-based destinations (addresses
//! trimmed, in small letters, as SHA-256 in hexadecimal: the data source's label is
//! `Emails(SHA256, lowercased)`). Device identifiers are sent in clear, Apple's in
//! capitals and Google's in small letters; which of the two it is, the caller knows
//! from the file that it writes, so they pass as they are. Adobe publishes no vectors
//! of known input.

use super::Kind;
use super::rule::{Rule, email, trimmed};

pub(super) fn rule(kind: Kind) -> Option<Rule> {
    match kind {
        Kind::Email => Rule::hashed(email),
        Kind::ExternalId | Kind::DeviceId => Rule::plain(trimmed),
        _ => None,
    }
}
