//! Field values: JSON with exact numbers, sorted object keys and text in NFC,
//! so that `==` is canonical equality and formatting is never a change.

mod parsed;

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::limits::{DEPTH_LEVELS_MAX, VALUE_BYTES_MAX};
use crate::number::Number;

pub use parsed::{Parsed, ParsedRow, RowError};

/// Text that is cheap to copy: a value stands in its row, its record and its
/// profile, and short ones need no memory of their own.
pub type Text = ecow::EcoString;

/// An object with its keys in order.
pub type Object = BTreeMap<Text, Value>;

/// One value of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Value {
    /// Present and empty: "the system says there is none".
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// An exact decimal number.
    Number(Number),
    /// Text in NFC.
    Text(Text),
    /// An ordered list.
    List(Vec<Value>),
    /// An object, keys sorted.
    Object(Object),
}

/// Why a JSON document is not a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// A number outside the exact range.
    #[error("number {0} is outside the exact range")]
    Number(String),
    /// Nested too deep.
    #[error("nested deeper than {DEPTH_LEVELS_MAX} levels")]
    Depth,
    /// Too large.
    #[error("larger than {VALUE_BYTES_MAX} bytes")]
    Size,
}

impl Value {
    /// Text, normalised to NFC.
    pub fn text(text: impl Into<Text>) -> Self {
        let text = text.into();
        Self::Text(if text.is_ascii() || is_nfc(&text) { text } else { text.nfc().collect() })
    }

    /// From parsed JSON, under the limits of depth and size.
    ///
    /// # Errors
    /// [`ValueError`] when a limit is exceeded or a number is not exact.
    pub fn from_json(json: serde_json::Value) -> Result<Self, ValueError> {
        let value = Self::convert(json, DEPTH_LEVELS_MAX)?;
        if value.size_bytes() > VALUE_BYTES_MAX {
            return Err(ValueError::Size);
        }
        Ok(value)
    }

    fn convert(json: serde_json::Value, levels_left: usize) -> Result<Self, ValueError> {
        let below = levels_left.checked_sub(1).ok_or(ValueError::Depth)?;
        Ok(match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(flag) => Self::Bool(flag),
            serde_json::Value::Number(number) => {
                let text = number.to_string();
                Self::Number(Number::parse(&text).ok_or(ValueError::Number(text))?)
            }
            serde_json::Value::String(text) => Self::text(text),
            serde_json::Value::Array(items) => Self::List(
                items
                    .into_iter()
                    .map(|item| Self::convert(item, below))
                    .collect::<Result<_, _>>()?,
            ),
            serde_json::Value::Object(entries) => Self::Object(
                entries
                    .into_iter()
                    .map(|(key, item)| Ok((key.into(), Self::convert(item, below)?)))
                    .collect::<Result<_, _>>()?,
            ),
        })
    }

    /// As JSON; numbers keep their exact value.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(flag) => serde_json::Value::Bool(*flag),
            Self::Number(number) => number
                .to_string()
                .parse::<serde_json::Number>()
                .map_or(serde_json::Value::Null, serde_json::Value::Number),
            Self::Text(text) => serde_json::Value::String(text.to_string()),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Object(entries) => {
                entries.iter().map(|(key, item)| (key.to_string(), item.to_json())).collect()
            }
        }
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the value is [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What kind of value it is, in a word: all that a fault may say about a
    /// value, which may be personal.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(text) if text.is_empty() => "empty text",
            Self::Text(_) => "text",
            Self::List(_) => "list",
            Self::Object(_) => "object",
        }
    }

    /// About how many bytes the JSON form takes.
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) => 5,
            Self::Number(number) => number.to_string().len(),
            Self::Text(text) => text.len() + 2,
            Self::List(items) => 2 + items.iter().map(|item| item.size_bytes() + 1).sum::<usize>(),
            Self::Object(entries) => {
                2 + entries
                    .iter()
                    .map(|(key, item)| key.len() + 4 + item.size_bytes())
                    .sum::<usize>()
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Number::from(number))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Number(_) => self.to_json().serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(entries) => serializer.collect_map(entries),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Parsed(value) = Parsed::deserialize(deserializer)?;
        value.map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, ValueError};

    fn parse(text: &str) -> Result<Value, ValueError> {
        Value::from_json(serde_json::from_str(text).expect(text))
    }

    #[test]
    fn formatting_is_not_a_change() {
        assert_eq!(parse(r#"{"b":1.0,"a":[1e2]}"#), parse(r#"{ "a": [100], "b": 1 }"#));
        assert_eq!(parse("\"e\u{301}\""), parse("\"\u{e9}\""));
        assert_ne!(parse("null"), parse("\"\""));
    }

    #[test]
    fn numbers_stay_exact() {
        let text = r#"{"id":9007199254740993,"price":0.1000000000000000055511151231257827}"#;
        assert_eq!(serde_json::to_string(&parse(text).unwrap()).unwrap(), text);
    }

    #[test]
    fn limits_hold() {
        let deep = format!("{}1{}", "[".repeat(20), "]".repeat(20));
        assert_eq!(parse(&deep), Err(ValueError::Depth));
        assert_eq!(parse(&format!("\"{}\"", "x".repeat(40_000))), Err(ValueError::Size));
        assert!(matches!(parse("1e400000"), Err(ValueError::Number(_))));
    }
}
