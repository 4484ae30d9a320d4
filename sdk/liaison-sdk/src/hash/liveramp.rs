//! LiveRamp onboarding files.
//!
//! Source: "Hashing Identifiers" and "Formatting Identifiers" of LiveRamp's
//! documentation: an address in small letters without any white space, as SHA-256
//! (MD5 and SHA-1 are taken too); a telephone number by SHA-1 without its country,
//! for the United States only, since files of the European Union must not hold
//! hashed ones; names and postal address never hashed; device identifiers by
//! SHA-1, Apple's in capitals and Google's in small letters, in files of their own.
//! Which of the two a device has cannot be seen, so device identifiers are sent as
//! the file's own rule demands and are not prepared here.

use super::rule::{Rule, email_without_spaces, phone_digits, trimmed};
use super::{Form, Kind, Unfit};

/// Digits of a number of the North American plan, without its country code.
const NATIONAL_DIGITS: usize = 10;

pub(super) fn rule(kind: Kind) -> Option<Rule> {
    match kind {
        Kind::Email => Rule::hashed(email_without_spaces),
        Kind::Phone => Some(Rule { normalise: national, form: Form::Sha1Hex }),
        Kind::FirstName | Kind::LastName | Kind::Street | Kind::City | Kind::Region => {
            Rule::plain(trimmed)
        }
        Kind::Postcode => Rule::plain(|value| Ok(value.trim().replace('-', ""))),
        _ => None,
    }
}

/// The ten digits of a number of the North American plan.
fn national(value: &str) -> Result<String, Unfit> {
    let digits = phone_digits(value)?;
    let national = digits.strip_prefix('1').filter(|rest| rest.len() == NATIONAL_DIGITS);
    national.map(str::to_owned).ok_or(Unfit::Phone)
}
