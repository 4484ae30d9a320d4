//! Exact decimal numbers: JSON text in, JSON text out, never through a binary
//! float. Two numbers are equal when their values are, however they were
//! written: `1`, `1.0` and `1e0` are one number.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{NUMBER_DIGITS_MAX, NUMBER_EXPONENT_MAX};
use crate::value::Value;

/// How many places either side of the point are written out in full.
const PLAIN_PLACES_MAX: i64 = 40;

/// A value that is no number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a number")]
pub struct NotANumber;

/// An exact decimal: `(-1)^negative * digits * 10^exponent`, kept canonical
/// (no leading or trailing zero digit; zero has no digits and no sign).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
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

    /// The exact product; `None` beyond the limits of a number.
    pub fn times(&self, other: &Self) -> Option<Self> {
        let digit = |byte: u8| u64::from(byte - b'0');
        let mut places = vec![0_u64; self.digits.len() + other.digits.len()];
        for (i, a) in self.digits.bytes().rev().enumerate() {
            for (place, b) in places.iter_mut().skip(i).zip(other.digits.bytes().rev()) {
                *place += digit(a) * digit(b);
            }
        }
        let mut carry = 0;
        let mut digits: Vec<char> = Vec::with_capacity(places.len());
        for place in places {
            let sum = place + carry;
            digits.extend(char::from_digit(u32::try_from(sum % 10).ok()?, 10));
            carry = sum / 10;
        }
        let digits: String = digits.into_iter().rev().collect();
        let negative = self.negative != other.negative;
        let product = Self::canonical(negative, digits, self.exponent + other.exponent)?;
        (product.digits.len() <= NUMBER_DIGITS_MAX).then_some(product)
    }

    /// One divided by it, if that has exact decimals: its digits are then a
    /// power of two or of five. `None` for zero, and for more than 18 digits.
    pub fn reciprocal(&self) -> Option<Self> {
        let mut rest: u64 = self.digits.parse().ok().filter(|digits| *digits > 0)?;
        // 10^k / 2^k = 5^k, and the other way round.
        let (mut places, mut share) = (0_i64, 1_u128);
        for (factor, counterpart) in [(2, 5), (5, 2)] {
            while rest.is_multiple_of(factor) {
                rest /= factor;
                places += 1;
                share = share.checked_mul(counterpart)?;
            }
        }
        if rest != 1 {
            return None;
        }
        let exponent = self.exponent.checked_neg()?.checked_sub(places)?;
        Self::canonical(self.negative, share.to_string(), exponent)
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

impl TryFrom<Value> for Number {
    type Error = NotANumber;

    fn try_from(value: Value) -> Result<Self, NotANumber> {
        match value {
            Value::Number(number) => Ok(number),
            _ => Err(NotANumber),
        }
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
    fn products_and_shares_are_exact() {
        let n = |text: &str| Number::parse(text).unwrap();
        let products = [
            ("0", "12", "0"),
            ("-1.5", "2", "-3"),
            ("0.1", "0.1", "0.01"),
            (
                "99999999999999999999",
                "99999999999999999999",
                "9999999999999999999800000000000000000001",
            ),
            ("-7e30", "-1e-30", "7"),
        ];
        for (a, b, product) in products {
            assert_eq!(n(a).times(&n(b)), Some(n(product)), "{a} {b}");
            assert_eq!(n(b).times(&n(a)), Some(n(product)), "{b} {a}");
        }
        let long = n(&"9".repeat(600));
        assert_eq!(long.times(&long), None);
        let shares = [
            ("100", Some("0.01")),
            ("0.01", Some("100")),
            ("-8", Some("-0.125")),
            ("1.25", Some("0.8")),
            ("1", Some("1")),
            ("3", None),
            ("0", None),
            ("60", None),
        ];
        for (number, share) in shares {
            let reciprocal = n(number).reciprocal();
            assert_eq!(reciprocal, share.map(n), "{number}");
            if let Some(reciprocal) = reciprocal {
                assert_eq!(reciprocal.times(&n(number)), Some(1.into()), "{number}");
            }
        }
        let json = serde_json::to_string(&n("0.10")).unwrap();
        assert_eq!(json, "0.1");
        assert_eq!(serde_json::from_str::<Number>(&json).unwrap(), n("0.1"));
        assert!(serde_json::from_str::<Number>("\"1\"").is_err());
    }

    #[test]
    fn order_is_by_value() {
        let ordered = ["-10", "-9.5", "-0.1", "0", "1e-9", "0.1", "9", "10", "1e3"];
        for pair in ordered.windows(2) {
            assert!(Number::parse(pair[0]) < Number::parse(pair[1]), "{pair:?}");
        }
    }
}
