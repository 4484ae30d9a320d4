//! Exact decimal numbers: JSON text in, JSON text out, never through a binary
//! float. Two numbers are equal when their values are, however they were
//! written: `1`, `1.0` and `1e0` are one number.

use std::cmp::Ordering;
use std::fmt;

use crate::limits::{NUMBER_DIGITS_MAX, NUMBER_EXPONENT_MAX};

/// How many places either side of the point are written out in full.
const PLAIN_PLACES_MAX: i64 = 40;

/// An exact decimal: `(-1)^negative * digits * 10^exponent`, kept canonical
/// (no leading or trailing zero digit; zero has no digits and no sign).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Number {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Number {
    /// Parses the number grammar of JSON (RFC 8259). `None` for anything else,
    /// for more than [`NUMBER_DIGITS_MAX`] digits and for exponents beyond
    /// [`NUMBER_EXPONENT_MAX`].
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        let all_digits = whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
        if whole.is_empty() || leading_zero || !all_digits {
            return None;
        }
        if whole.len() + fraction.len() > NUMBER_DIGITS_MAX {
            return None;
        }
        let scale = i64::try_from(fraction.len()).ok()?;
        Self::canonical(negative, format!("{whole}{fraction}"), exponent - scale)
    }

    fn canonical(negative: bool, digits: String, exponent: i64) -> Option<Self> {
        let significant = digits.trim_start_matches('0');
        let trimmed = significant.trim_end_matches('0');
        if trimmed.is_empty() {
            return Some(Self { negative: false, digits: String::new(), exponent: 0 });
        }
        let dropped = i64::try_from(significant.len() - trimmed.len()).ok()?;
        let exponent = exponent.checked_add(dropped)?;
        (exponent.abs() <= NUMBER_EXPONENT_MAX).then(|| Self {
            negative,
            digits: trimmed.to_owned(),
            exponent,
        })
    }

    /// The value as `i64`, if it is a whole number in range.
    pub fn as_i64(&self) -> Option<i64> {
        if self.digits.is_empty() {
            return Some(0);
        }
        if self.exponent < 0 || self.exponent > 19 {
            return None;
        }
        self.to_string().parse().ok()
    }

    /// Position of the leading digit: the number is `0.d1d2... * 10^magnitude`.
    fn magnitude(&self) -> i64 {
        self.exponent + i64::try_from(self.digits.len()).unwrap_or(i64::MAX)
    }

    fn cmp_absolute(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            // With equal magnitudes the digit strings compare like fractions.
            (false, false) => self
                .magnitude()
                .cmp(&other.magnitude())
                .then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.strip_prefix('+').unwrap_or(text).parse().ok()
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        let digits = value.unsigned_abs().to_string();
        // At most nineteen digits: always within the limits.
        Self::canonical(value < 0, digits, 0).unwrap_or(Self {
            negative: false,
            digits: String::new(),
            exponent: 0,
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_absolute(other),
            (true, true) => other.cmp_absolute(self),
        }
    }
}

impl fmt::Display for Number {
    /// Plain notation up to [`PLAIN_PLACES_MAX`] places either side of the point, otherwise
    /// scientific; both are valid JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        let sign = if self.negative { "-" } else { "" };
        let magnitude = self.magnitude();
        if self.exponent >= 0 && magnitude <= PLAIN_PLACES_MAX {
            let zeros = usize::try_from(self.exponent).unwrap_or(0);
            return write!(f, "{sign}{}{}", self.digits, "0".repeat(zeros));
        }
        if self.exponent < 0 && magnitude > 0 && self.exponent >= -PLAIN_PLACES_MAX {
            let split = usize::try_from(magnitude).unwrap_or(0);
            let (whole, fraction) = self.digits.split_at(split);
            return write!(f, "{sign}{whole}.{fraction}");
        }
        if self.exponent < 0 && magnitude <= 0 && self.exponent >= -PLAIN_PLACES_MAX {
            let zeros = usize::try_from(-magnitude).unwrap_or(0);
            return write!(f, "{sign}0.{}{}", "0".repeat(zeros), self.digits);
        }
        let (first, rest) = self.digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        write!(f, "{sign}{first}{point}{rest}e{}", magnitude - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::Number;

    #[test]
    fn equal_values_are_one_number() {
        let cases = [
            ("1", "1.0"),
            ("1", "1e0"),
            ("100", "1E+2"),
            ("-0", "0.000"),
            ("0.1", "10e-2"),
            ("12345678901234567890.10", "12345678901234567890.1"),
        ];
        for (a, b) in cases {
            assert_eq!(Number::parse(a), Number::parse(b), "{a} {b}");
            assert!(Number::parse(a).is_some(), "{a}");
        }
    }

    #[test]
    fn display_is_json_and_reads_back() {
        let cases = [
            ("0", "0"),
            ("-12.50", "-12.5"),
            ("9007199254740993", "9007199254740993"),
            ("0.000001", "0.000001"),
            ("1e60", "1e60"),
            ("-1.25e-60", "-1.25e-60"),
        ];
        for (text, shown) in cases {
            let number = Number::parse(text).expect(text);
            assert_eq!(number.to_string(), shown);
            assert_eq!(Number::parse(shown), Some(number));
        }
    }

    #[test]
    fn what_json_refuses_is_refused() {
        for text in ["", "-", "01", "1.", ".5", "1e", "1e+", "+1", "NaN", "1e99999999", " 1", "1_0"]
        {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn order_is_by_value() {
        let ordered = ["-10", "-9.5", "-0.1", "0", "1e-9", "0.1", "9", "10", "1e3"];
        for pair in ordered.windows(2) {
            assert!(Number::parse(pair[0]) < Number::parse(pair[1]), "{pair:?}");
        }
    }
}
