//! Forms of identities that need no numbering plan and no name system: names,
//! dates, and what web sites and devices hand out.

use hub_model::time_format::is_iso_date;
use unicode_normalization::UnicodeNormalization;

use super::normalise::Reason;

/// Shortest identifier of a browser, in characters: shorter ones are counters,
/// and counters of two sites meet.
const COOKIE_CHARS_MIN: usize = 8;
/// Shortest identifier of a device, in hexadecimal digits (that of a network
/// interface), and the longest (a digest of 256 bits).
const DEVICE_DIGITS: std::ops::RangeInclusive<usize> = 12..=64;

/// What a site stored in a browser: visible ASCII, as it is.
pub(super) fn cookie(text: &str) -> Result<String, Reason> {
    let visible = text.chars().all(|c| c.is_ascii_graphic() && !"\",;\\".contains(c));
    let long = text.len() >= COOKIE_CHARS_MIN;
    if visible && long { Ok(text.to_owned()) } else { Err(Reason::Cookie) }
}

/// Hexadecimal digits in lower case; the separators and braces that UUIDs and
/// hardware addresses are written with are left out.
pub(super) fn device(text: &str) -> Result<String, Reason> {
    let separator = |c: char| matches!(c, '-' | ':' | '{' | '}');
    let digits = text.chars().filter(|c| !separator(*c)).collect::<String>().to_ascii_lowercase();
    let hexadecimal = digits.chars().all(|c| c.is_ascii_hexdigit());
    if hexadecimal && DEVICE_DIGITS.contains(&digits.len()) {
        Ok(digits)
    } else {
        Err(Reason::Device)
    }
}

/// A name as people compare names: `É. Le-Goff` and `e le goff` are one. Marks
/// that are part of a letter outside the Latin, Greek and Cyrillic scripts stay.
pub(super) fn name(text: &str) -> Result<String, Reason> {
    let bare = text.to_lowercase().nfd().filter(|c| !is_accent(*c)).collect::<String>();
    let mut plain = String::with_capacity(bare.len());
    for c in bare.nfc() {
        match c {
            'ß' => plain.push_str("ss"),
            'œ' => plain.push_str("oe"),
            'æ' => plain.push_str("ae"),
            'ø' => plain.push('o'),
            'ł' => plain.push('l'),
            'đ' | 'ð' => plain.push('d'),
            'þ' => plain.push_str("th"),
            'ı' => plain.push('i'),
            c if is_punctuation(c) => plain.push(' '),
            c => plain.push(c),
        }
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    let name = words.join(" ");
    if name.chars().any(char::is_alphabetic) { Ok(name) } else { Err(Reason::Name) }
}

/// Combining marks of the European scripts.
const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

const fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c, '\u{a0}'..='\u{a9}' | '\u{ab}'..='\u{b4}' | '\u{b6}'..='\u{b9}')
        || matches!(c, '\u{2b9}'..='\u{2cf}' | '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{3002}')
}

/// A day of the calendar in its ISO form.
pub(super) fn date(text: &str) -> Result<String, Reason> {
    if is_iso_date(text) { Ok(text.to_owned()) } else { Err(Reason::Date) }
}
