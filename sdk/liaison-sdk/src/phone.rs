//! Telephone numbers, as far as it can be done without knowing every country's
//! plan: the digits of an international number, and a national number made
//! international by somebody who knows whose it is.
//!
//! ```
//! use liaison_sdk::phone;
//!
//! assert_eq!(phone::digits("+33 (6) 12-34-56-78").as_deref(), Some("33612345678"));
//! assert_eq!(phone::digits("06 12 34 56 78"), None); // whose country?
//! // France: calling code 33, a trunk zero that is not dialled from abroad.
//! let number = phone::international("06 12 34 56 78", "33", "0");
//! assert_eq!(number.as_deref(), Some("+33612345678"));
//! ```

/// Fewest digits of an international number, country code included.
pub const DIGITS_MIN: usize = 7;
/// Most digits of an international number (E.164), country code included.
pub const DIGITS_MAX: usize = 15;

/// The digits of an international number, country code first, without plus or
/// `00`. None when it is no such number: too few digits or too many, a national
/// one (no country code begins with a zero), or one with the trunk zero in
/// brackets, of which nobody knows whether it belongs there.
pub fn digits(number: &str) -> Option<String> {
    if number.contains("(0)") {
        return None;
    }
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let has_plus = number.trim_start().starts_with('+');
    let digits = digits.strip_prefix("00").filter(|_| !has_plus).unwrap_or(&digits);
    let fits = (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()) && !digits.starts_with('0');
    fits.then(|| digits.to_owned())
}

/// A number with its plus (E.164). One without plus or `00` is taken for one of
/// the country with that calling code, and loses the prefix that is dialled
/// within the country only (`0` in most of Europe, `1` in North America, nothing
/// in Italy).
pub fn international(number: &str, calling_code: &str, trunk_prefix: &str) -> Option<String> {
    let number = number.trim();
    let with_plus = |digits: String| format!("+{digits}");
    if number.starts_with('+') || number.starts_with("00") {
        return digits(number).map(with_plus);
    }
    let national: String = number.chars().filter(char::is_ascii_digit).collect();
    let national = national.strip_prefix(trunk_prefix).unwrap_or(&national);
    if national.is_empty() {
        return None;
    }
    digits(&format!("+{calling_code}{national}")).map(with_plus)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::{digits, international};

    /// The vectors that the SDKs of all languages are held to.
    #[derive(Deserialize)]
    struct Vectors {
        digits: Vec<Digits>,
        international: Vec<International>,
    }

    #[derive(Deserialize)]
    struct Digits {
        number: String,
        digits: Option<String>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct International {
        number: String,
        calling_code: String,
        trunk_prefix: String,
        international: Option<String>,
    }

    fn vectors() -> Vectors {
        serde_json::from_str(include_str!("../../vectors/phone.json")).unwrap()
    }

    #[test]
    fn an_international_number_is_its_digits() {
        for it in vectors().digits {
            assert_eq!(digits(&it.number), it.digits, "{}", it.number);
        }
    }

    #[test]
    fn a_national_number_takes_its_country() {
        for it in vectors().international {
            let made = international(&it.number, &it.calling_code, &it.trunk_prefix);
            assert_eq!(made, it.international, "{}", it.number);
        }
    }
}
