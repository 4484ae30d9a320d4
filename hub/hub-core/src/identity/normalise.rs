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
mod tests {
    use hub_model::{Namespace, Normaliser, Value};

    use super::{Normalised, Reason, normalise, settle_never};
    use crate::fixture::{Rng, namespace};

    fn is(namespace: &Namespace, text: &str) -> String {
        match normalise(namespace, &Value::text(text)) {
            Normalised::Identity(identity) => identity.value.to_string(),
            Normalised::Empty => "empty".to_owned(),
            Normalised::Invalid(reason) => format!("invalid {}", reason.as_str()),
            Normalised::Never => "never".to_owned(),
        }
    }

    fn check(namespace: &Namespace, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(is(namespace, text), *expected, "{text:?}");
        }
    }

    #[test]
    fn e_mail_addresses() {
        let mut email = namespace("email", Normaliser::Email);
        email.never = vec!["accueil@mairie.fr".to_owned()];
        let long = format!("{}@x.fr", "a".repeat(250));
        let longest = format!("{}@x.fr", "a".repeat(249));
        check(
            &email,
            &[
                (" A@B.Fr ", "a@b.fr"),
                ("ana@x.fr.", "ana@x.fr"),
                ("ana+news@x.fr", "ana+news@x.fr"),
                ("a\u{200b}na\u{feff}@x.fr", "ana@x.fr"),
                ("\u{202e}ana@x.fr", "ana@x.fr"),
                ("jose\u{301}@x.fr", "jos\u{e9}@x.fr"),
                ("ana@b\u{fc}cher.example", "ana@xn--bcher-kva.example"),
                ("ANA@B\u{dc}CHER.example", "ana@xn--bcher-kva.example"),
                ("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
                // A Cyrillic letter is another address, not a way into this one.
                ("\u{430}na@x.fr", "\u{430}na@x.fr"),
                ("", "empty"),
                (" \u{200b} ", "empty"),
                ("ana", "invalid email"),
                ("ana@x@y.fr", "invalid email"),
                ("@x.fr", "invalid email"),
                ("ana@", "invalid domain"),
                ("ana@.", "invalid domain"),
                ("ana@x..fr", "invalid domain"),
                ("ana@x_y z.fr", "invalid domain"),
                ("\"ana b\"@x.fr", "invalid email"),
                ("ana b@x.fr", "invalid email"),
                ("ana@x.fr, bob@x.fr", "invalid email"),
                ("Ana <ana@x.fr>", "invalid email"),
                ("a\u{0}b@x.fr", "invalid control"),
                (&long, "invalid length"),
                (&longest, &longest),
                ("test@test.com", "never"),
                ("NoReply@shop.fr", "never"),
                ("info@x.fr", "never"),
                ("informatique@x.fr", "informatique@x.fr"),
                ("null", "never"),
                ("N/A", "never"),
                ("nobody@nowhere.invalid", "never"),
                ("Accueil@Mairie.fr", "never"),
            ],
        );
    }

    #[test]
    fn telephone_numbers() {
        let french = namespace("phone", Normaliser::Phone);
        check(
            &french,
            &[
                ("06 12 34 56 98", "+33612345698"),
                ("06.12.34.56.98", "+33612345698"),
                ("+33 6 12 34 56 98", "+33612345698"),
                ("+33 (0)6 12 34 56 98", "+33612345698"),
                ("0033 6 12 34 56 98", "+33612345698"),
                ("0033 (0) 6 12 34 56 98", "+33612345698"),
                ("\u{202a}+33612345698\u{202c}", "+33612345698"),
                ("+44 20 7946 0018", "+442079460018"),
                ("tel:+33-6-12-34-56-98", "+33612345698"),
                ("01 40 20 50 50 ext. 12", "+33140205050;ext=12"),
                ("+33140205050;ext=12", "+33140205050;ext=12"),
                ("+33140205050;ext=", "invalid phone"),
                ("01 40 20 50 50 ext. 12;ext=3", "invalid phone"),
                ("", "empty"),
                ("12", "invalid phone"),
                ("call me", "invalid phone"),
                ("06 12 34 56 98 77 66", "invalid phone"),
                ("+999 123456789", "invalid phone"),
                ("0600000000", "never"),
                // Counting is not a number either.
                ("06 12 34 56 78", "never"),
                ("null", "never"),
                (&"1".repeat(41), "invalid length"),
            ],
        );
        let nowhere = Namespace { country: None, ..french };
        check(
            &nowhere,
            &[
                ("06 12 34 56 98", "invalid country"),
                ("+33 6 12 34 56 98", "+33612345698"),
                ("00 33 6 12 34 56 98", "+33612345698"),
            ],
        );
    }

    #[test]
    fn codes_and_exact_values() {
        check(
            &namespace("code", Normaliser::Code),
            &[
                (" AbC-1 ", "abc-1"),
                ("0042", "0042"),
                ("000000", "never"),
                ("0", "never"),
                ("n/a", "never"),
                ("---", "never"),
                ("XXXXXX", "never"),
                ("1111", "1111"),
            ],
        );
        check(&namespace("exact", Normaliser::Exact), &[(" AbC ", "AbC"), ("NULL", "never")]);
        let code = namespace("code", Normaliser::Code);
        let number = normalise(&code, &Value::from(42));
        assert!(matches!(number, Normalised::Identity(id) if &*id.value == "42"));
        assert_eq!(normalise(&code, &Value::Null), Normalised::Empty);
        assert_eq!(normalise(&code, &Value::Bool(true)), Normalised::Invalid(Reason::Kind));
        assert_eq!(is(&code, &"x1".repeat(300)), "invalid length");
    }

    #[test]
    fn names_dates_browsers_and_devices() {
        check(
            &namespace("name", Normaliser::Name),
            &[
                ("\u{c9}lodie  Le-Goff", "elodie le goff"),
                ("e\u{301}lodie le goff.", "elodie le goff"),
                ("O\u{2019}Brien", "o brien"),
                ("Stra\u{df}e \u{d8}st", "strasse ost"),
                ("\u{130}pek", "ipek"),
                ("\u{41a}\u{438}\u{439}", "\u{43a}\u{438}\u{438}"),
                ("\u{915}\u{93f}", "\u{915}\u{93f}"),
                ("Unknown", "never"),
                ("...", "invalid name"),
                ("12", "invalid name"),
                ("", "empty"),
            ],
        );
        check(
            &namespace("born", Normaliser::Date),
            &[
                (" 1957-01-10 ", "1957-01-10"),
                ("1957-02-30", "invalid date"),
                ("10/01/1957", "invalid date"),
                ("19570110", "invalid date"),
                ("1900-01-01", "never"),
                ("1970-01-01", "never"),
            ],
        );
        check(
            &namespace("cookie", Normaliser::Cookie),
            &[
                ("GA1.2.1719.Ab", "GA1.2.1719.Ab"),
                ("short", "invalid cookie"),
                ("two words", "invalid cookie"),
                ("caf\u{e9}caf\u{e9}", "invalid cookie"),
                ("undefined", "never"),
                ("00000000", "never"),
                ("00000000-0000-0000-0000-000000000000", "never"),
            ],
        );
        check(
            &namespace("device", Normaliser::Device),
            &[
                ("{6D92078A-8246-4BA4-AE5B-76104861E7DC}", "6d92078a82464ba4ae5b76104861e7dc"),
                ("00:1B:44:11:3A:B7", "001b44113ab7"),
                ("00000000-0000-0000-0000-000000000000", "never"),
                ("not-a-device", "invalid device"),
                ("12", "invalid device"),
            ],
        );
    }

    #[test]
    fn never_lists_are_compared_in_normal_form() {
        let mut email = namespace("email", Normaliser::Email);
        email.never = vec!["Accueil@Mairie.FR".into(), "nonsense".into(), "info@x.fr".into()];
        let (email, strange) = settle_never(email);
        assert_eq!((&*email.never, &*strange), (&["accueil@mairie.fr".to_owned()][..], &[1][..]));
        check(&email, &[("ACCUEIL@mairie.fr", "never"), ("mairie@mairie.fr", "mairie@mairie.fr")]);
    }

    #[test]
    fn a_plain_domain_is_one_that_stays_as_it_is() {
        let alphabet = ['a', 'z', '0', '-', '-', '.', 'x', 'n', 'A', '\u{e9}', '_', ' '];
        let long =
            ["a".repeat(63), "a".repeat(64), ["ab."; 84].concat() + "a", ["ab."; 85].concat()];
        let mut plain = 0;
        let some = (0..20_000).map(|seed| {
            let mut rng = Rng(seed);
            (0..rng.below(12)).map(|_| *rng.pick(&alphabet)).collect::<String>()
        });
        for domain in some.chain(long) {
            if super::is_plain_domain(&domain) {
                plain += 1;
                assert_eq!(idna::domain_to_ascii_strict(&domain).ok(), Some(domain));
            }
        }
        assert!(plain > 1_000, "{plain}");
    }

    /// Whatever text arrives: no panic, and the normal form is its own.
    #[test]
    fn normal_forms_are_stable() {
        let alphabet: Vec<char> = "aZ0169+ ()@.-;=ext\u{e9}\u{301}\u{df}\u{130}\u{200d}\u{feff}\u{3002}\u{ff20}\u{0}\u{661}\u{1f600}n\"<".chars().collect();
        let normalisers = [
            Normaliser::Email,
            Normaliser::Phone,
            Normaliser::Code,
            Normaliser::Exact,
            Normaliser::Cookie,
            Normaliser::Device,
            Normaliser::Name,
            Normaliser::Date,
        ];
        let mut named = 0;
        for seed in 0..8_000 {
            let mut rng = Rng(seed);
            let namespace = namespace("n", *rng.pick(&normalisers));
            let starts =
                ["", "ana@x.fr", "0612345698", "+33", "00", "1957-01-10", "6d92078a82464ba4"];
            let start = *rng.pick(&starts);
            let mut text: Vec<char> = start.chars().collect();
            for _ in 0..rng.below(6) {
                text.insert(rng.below(text.len() + 1), *rng.pick(&alphabet));
            }
            let text: String = text.into_iter().collect();
            if let Normalised::Identity(identity) = normalise(&namespace, &Value::text(&*text)) {
                named += 1;
                let again = normalise(&namespace, &Value::text(&*identity.value));
                assert_eq!(again, Normalised::Identity(identity), "{text:?}");
            }
        }
        assert!(named > 500, "{named}");
    }
}
