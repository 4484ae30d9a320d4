//! From a field's value to an identity: one spelling per person, and nothing
//! from values that cannot name one.

use hub_model::limits::KEY_BYTES_MAX;
use hub_model::{Identity, Namespace, Normaliser, Value};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

use super::composite;
use super::forms::{cookie, date, device, name};
use super::stop_values::{is_stop_value, is_word};
use super::text::clean;

/// Longest e-mail address, in bytes of its ASCII form (RFC 5321, 4.5.3.1.3:
/// a path of 256 bytes with its brackets).
const EMAIL_BYTES_MAX: usize = 254;
/// Longest text that is tried as a telephone number: E.164 allows 15 digits,
/// the rest is punctuation and an extension.
const PHONE_CHARS_MAX: usize = 40;

/// Why a value does not have its namespace's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Neither text nor a number (for an e-mail: not text).
    Kind,
    /// Longer than the form allows.
    Length,
    /// Contains control characters.
    Control,
    /// Not an e-mail address of the plain form `local@domain`.
    Email,
    /// The part behind the `@` is no domain name.
    Domain,
    /// Not a telephone number that exists in a numbering plan.
    Phone,
    /// A national telephone number, and the namespace has no country.
    Country,
    /// Too short or too strange for what a web site stores in a browser.
    Cookie,
    /// Not the hexadecimal digits of a device.
    Device,
    /// A name without a letter.
    Name,
    /// Not a day of the calendar in the form `YYYY-MM-DD`.
    Date,
    /// Not as many parts as the composite has.
    Parts,
}

impl Reason {
    /// The reason as a stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Length => "length",
            Self::Control => "control",
            Self::Email => "email",
            Self::Domain => "domain",
            Self::Phone => "phone",
            Self::Country => "country",
            Self::Cookie => "cookie",
            Self::Device => "device",
            Self::Name => "name",
            Self::Date => "date",
            Self::Parts => "parts",
        }
    }
}

/// What a value says about who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Normalised {
    /// It names somebody.
    Identity(Identity),
    /// There is no value.
    Empty,
    /// It lacks the form of the namespace. It stays an ordinary field value;
    /// nobody is ever joined by it.
    Invalid(Reason),
    /// It has the form and still names nobody: a placeholder, a mailbox of an
    /// office, a value that the namespace lists under `never`.
    Never,
}

/// Normalises a value of an identity field by the rules of its namespace.
/// Normalising a normalised value changes nothing. Of a composite only its
/// normal form is such a value; [`composite::identity`] makes it from a record.
pub fn normalise(namespace: &Namespace, value: &Value) -> Normalised {
    match form(namespace, namespace.normaliser, value) {
        Form::Empty => Normalised::Empty,
        Form::Invalid(reason) => Normalised::Invalid(reason),
        Form::Never => Normalised::Never,
        Form::Is(form) if is_never(namespace, &form) => Normalised::Never,
        Form::Is(form) => Normalised::Identity(Identity::new(&namespace.name, &form)),
    }
}

fn is_never(namespace: &Namespace, form: &str) -> bool {
    namespace.never.iter().any(|never| never == form)
}

/// The namespace with its list of values that never identify in normal form,
/// as [`normalise`] compares it, and the places in that list of values that
/// lack the form of the namespace: they would never be met.
pub fn settle_never(mut namespace: Namespace) -> (Namespace, Vec<usize>) {
    let mut strange = Vec::new();
    let mut settled = Vec::new();
    for (index, never) in namespace.never.iter().enumerate() {
        match form(&namespace, namespace.normaliser, &Value::text(&**never)) {
            Form::Is(form) => settled.push(form),
            // It names nobody anyhow.
            Form::Never => {}
            Form::Empty | Form::Invalid(_) => strange.push(index),
        }
    }
    namespace.never = settled;
    (namespace, strange)
}

/// The forms as cleaners use them, for values that name nobody.
pub(crate) mod normal {
    use super::super::text::clean;

    /// NFC text without blanks and invisible characters at its ends.
    pub(crate) fn trim(text: &str) -> String {
        clean(text)
    }

    /// An e-mail address in its normal form.
    pub(crate) fn email(text: &str) -> Option<String> {
        super::email(&clean(text)).ok()
    }

    /// A telephone number in E.164.
    pub(crate) fn phone(text: &str, country: Option<&str>) -> Option<String> {
        super::phone(&clean(text), country).ok()
    }
}

/// A value in the form of a normaliser, before the namespace's own list.
pub(super) enum Form {
    Is(String),
    Empty,
    Invalid(Reason),
    Never,
}

/// `namespace` lends its country to telephone numbers and its parts to
/// composites.
pub(super) fn form(namespace: &Namespace, normaliser: Normaliser, value: &Value) -> Form {
    let text = match value {
        Value::Null => return Form::Empty,
        Value::Text(text) => clean(text),
        Value::Number(number) if normaliser != Normaliser::Email => number.to_string(),
        _ => return Form::Invalid(Reason::Kind),
    };
    if text.is_empty() {
        return Form::Empty;
    }
    // A word such as "n/a" is no malformed address: it is a way to say nothing.
    if is_word(&text.to_lowercase()) {
        return Form::Never;
    }
    if text.chars().any(char::is_control) {
        return Form::Invalid(Reason::Control);
    }
    let form = match normaliser {
        Normaliser::Email => email(&text),
        Normaliser::Phone => phone(&text, namespace.country.as_deref()),
        Normaliser::Code => Ok(clean(&text.to_lowercase())),
        Normaliser::Exact => Ok(text),
        Normaliser::Cookie => cookie(&text),
        Normaliser::Device => device(&text),
        Normaliser::Name => name(&text),
        Normaliser::Date => date(&text),
        Normaliser::Composite => return composite::again(namespace, &text),
    };
    match form {
        Err(reason) => Form::Invalid(reason),
        Ok(form) if form.len() > KEY_BYTES_MAX => Form::Invalid(Reason::Length),
        Ok(form) if is_stop_value(normaliser, &form) => Form::Never,
        Ok(form) => Form::Is(form),
    }
}

/// `local@domain`, lower case, the domain in its ASCII form (UTS 46). Quoted
/// local parts are refused: they are valid by RFC 5321 and never somebody's
/// everyday address.
fn email(text: &str) -> Result<String, Reason> {
    let lower = clean(&text.to_lowercase());
    let (local, domain) = lower.split_once('@').ok_or(Reason::Email)?;
    let strange = |c: char| c.is_whitespace() || "\"(),:;<>@[\\]".contains(c);
    if local.is_empty() || local.contains(strange) || domain.contains('@') {
        return Err(Reason::Email);
    }
    let domain = domain.trim_end_matches('.');
    let address = if is_plain_domain(domain) {
        format!("{local}@{domain}")
    } else {
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| Reason::Domain)?;
        if domain.is_empty() {
            return Err(Reason::Domain);
        }
        format!("{local}@{domain}")
    };
    if address.len() > EMAIL_BYTES_MAX { Err(Reason::Length) } else { Ok(address) }
}

/// Longest domain name and longest label of one, in bytes (RFC 1035, 2.3.4,
/// without the root).
const DOMAIN_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// Whether lower-case text is a domain name in its ASCII form already: what
/// UTS 46 leaves as it is. Nearly all are.
fn is_plain_domain(domain: &str) -> bool {
    let plain = |label: &[u8]| {
        let ends = [label.first(), label.last()];
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
            && ends.iter().all(|end| *end != Some(&b'-'))
            // `xn--` and its like say that the rest is in another form.
            && label.get(2..4) != Some(b"--")
    };
    domain.len() <= DOMAIN_BYTES_MAX && domain.as_bytes().split(|b| *b == b'.').all(plain)
}

/// E.164; a number with an extension keeps it (`+33140205050;ext=12`, as in
/// RFC 3966), since colleagues share the part before it.
fn phone(text: &str, country: Option<&str>) -> Result<String, Reason> {
    if text.chars().count() > PHONE_CHARS_MAX {
        return Err(Reason::Length);
    }
    // Our own form of an extension, which the library does not read.
    let (text, told) = match text.split_once(EXTENSION) {
        Some((text, extension)) => (text, Some(extension)),
        None => (text, None),
    };
    let international = international(text);
    let country = country.and_then(|code| Region::from_code(code).ok());
    if country.is_none() && !international.starts_with('+') {
        return Err(Reason::Country);
    }
    let number = PHONE_NUMBER_UTIL.parse(&international, country).map_err(|_| Reason::Phone)?;
    if !number.is_valid() {
        return Err(Reason::Phone);
    }
    let plain = number.format_as(PhoneNumberFormat::E164);
    let read = number.extension.as_deref().filter(|text| !text.is_empty());
    match (told, read) {
        (None, None) => Ok(plain.into_owned()),
        (Some(extension), None) | (None, Some(extension)) if is_extension(extension) => {
            Ok(format!("{plain}{EXTENSION}{extension}"))
        }
        _ => Err(Reason::Phone),
    }
}

/// What stands before an extension (RFC 3966, 5.3).
const EXTENSION: &str = ";ext=";
/// Longest extension, in digits.
const EXTENSION_DIGITS_MAX: usize = 9;

fn is_extension(text: &str) -> bool {
    (1..=EXTENSION_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// `+` in place of `00`, and without the `(0)` that people put behind the
/// country code.
fn international(text: &str) -> String {
    let compact =
        text.strip_prefix("00").map_or_else(|| text.to_owned(), |rest| format!("+{rest}"));
    if compact.starts_with('+') { compact.replacen("(0)", "", 1) } else { compact }
}

#[cfg(test)]
mod tests;
