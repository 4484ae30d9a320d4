//! LinkedIn: DMP segments (Matched Audiences) and Conversions API.
//!
//! Source: "DMP Segment Users" and "Conversions API" of the LinkedIn Marketing API:
//! an address in small letters without white space around it, as SHA-256 in
//! hexadecimal (`SHA256_EMAIL`); names and country in clear; device identifiers in
//! clear. LinkedIn publishes no vectors of known input.

use super::Kind;
use super::rule::{Rule, country, email, trimmed};

pub(super) fn rule(kind: Kind) -> Option<Rule> {
    match kind {
        Kind::Email => Rule::hashed(email),
        Kind::FirstName | Kind::LastName | Kind::ExternalId | Kind::DeviceId => {
            Rule::plain(trimmed)
        }
        Kind::Country => Rule::plain(country),
        _ => None,
    }
}
