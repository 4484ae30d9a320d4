//! What the platforms' rules are put together from.

use super::{Form, Unfit, countries};
use crate::phone;
use crate::time::Day;

/// What a platform does to one kind of value.
pub(super) struct Rule {
    /// To the form in which it is compared.
    pub(super) normalise: fn(&str) -> Result<String, Unfit>,
    /// And how it is sent.
    pub(super) form: Form,
}

impl Rule {
    /// Sent in clear.
    pub(super) const fn plain(normalise: fn(&str) -> Result<String, Unfit>) -> Option<Self> {
        Some(Self { normalise, form: Form::Plain })
    }

    /// Sent as SHA-256 in hexadecimal.
    pub(super) const fn hashed(normalise: fn(&str) -> Result<String, Unfit>) -> Option<Self> {
        Some(Self { normalise, form: Form::Sha256Hex })
    }
}

/// Without white space at either end.
pub(super) fn trimmed(value: &str) -> Result<String, Unfit> {
    Ok(value.trim().to_owned())
}

/// Without white space at either end, in small letters.
pub(super) fn small(value: &str) -> Result<String, Unfit> {
    Ok(value.trim().to_lowercase())
}

/// An address in small letters, without white space at either end.
pub(super) fn email(value: &str) -> Result<String, Unfit> {
    let address = value.trim().to_lowercase();
    parts(&address)?;
    Ok(address)
}

/// An address in small letters, without any white space.
pub(super) fn email_without_spaces(value: &str) -> Result<String, Unfit> {
    email(&without_spaces(value))
}

/// An address as [`email`]; in these domains, where dots mean nothing and a
/// plus begins a tag, without both.
pub(super) fn email_without_tags(value: &str, domains: &[&str]) -> Result<String, Unfit> {
    let address = email(value)?;
    let (local, domain) = parts(&address)?;
    if !domains.contains(&domain) {
        return Ok(address);
    }
    let local: String = local.split('+').next().unwrap_or_default().replace('.', "");
    if local.is_empty() { Err(Unfit::Email) } else { Ok(format!("{local}@{domain}")) }
}

/// What is left and right of the one `@`. Stricter than some of the platforms'
/// own code: an address that can receive nothing matches nobody.
fn parts(address: &str) -> Result<(&str, &str), Unfit> {
    let (local, domain) = address.split_once('@').ok_or(Unfit::Email)?;
    let sound = !local.is_empty()
        && !domain.contains('@')
        && domain.split('.').all(|label| !label.is_empty())
        && domain.contains('.')
        && !address.contains(char::is_whitespace);
    if sound { Ok((local, domain)) } else { Err(Unfit::Email) }
}

/// Country code and number, digits only.
pub(super) fn phone_digits(value: &str) -> Result<String, Unfit> {
    phone::digits(value).ok_or(Unfit::Phone)
}

/// The same with a plus: E.164.
pub(super) fn phone_e164(value: &str) -> Result<String, Unfit> {
    Ok(format!("+{}", phone_digits(value)?))
}

/// A country, in small letters.
pub(super) fn country_small(value: &str) -> Result<String, Unfit> {
    country(value).map(|code| code.to_lowercase())
}

/// A country, in capital letters.
pub(super) fn country(value: &str) -> Result<String, Unfit> {
    let code = value.trim().to_uppercase();
    if countries::is_country(&code) { Ok(code) } else { Err(Unfit::Country) }
}

/// A day of birth.
pub(super) fn birth(value: &str) -> Result<Day, Unfit> {
    const FIRST_YEAR: i32 = 1900;
    let day = Day::parse(value.trim()).ok_or(Unfit::BirthDate)?;
    if day.year >= FIRST_YEAR { Ok(day) } else { Err(Unfit::BirthDate) }
}

/// Without any white space.
pub(super) fn without_spaces(value: &str) -> String {
    value.chars().filter(|character| !character.is_whitespace()).collect()
}
