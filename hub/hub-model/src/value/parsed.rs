//! Values straight from a deserializer.
//!
//! Rows come by the million, so no document is built and taken apart again on
//! the way. What breaks a limit is read to its end all the same: the answer
//! says why it is no value, and the text around it can be read on.

use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Object, Text, Value, ValueError};
use crate::id;
use crate::limits::{DEPTH_LEVELS_MAX, RECORD_FIELDS_MAX, VALUE_BYTES_MAX};
use crate::number::Number;

/// The only key of the object as which `serde_json` tells an exact number.
const NUMBER: &str = "$serde_json::private::Number";

/// A value, or why it is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed(pub Result<Value, ValueError>);

/// The fields of a row, each under the limits, or why they are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedRow(pub Result<Object, RowError>);

/// Why something is not the fields of a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// It is no object.
    #[error("not an object")]
    Kind,
    /// Too many fields.
    #[error("more than {RECORD_FIELDS_MAX} fields")]
    Fields,
    /// A field's name is none.
    #[error("{0:?} is no name of a field")]
    Name(Text),
    /// A field's value is none.
    #[error("field {0}: {1}")]
    Value(Text, ValueError),
}

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Levels(DEPTH_LEVELS_MAX).deserialize(deserializer)?;
        let small = |value: Value| {
            if value.size_bytes() > VALUE_BYTES_MAX { Err(ValueError::Size) } else { Ok(value) }
        };
        Ok(Self(value.and_then(small)))
    }
}

/// A value with so many levels left.
#[derive(Clone, Copy)]
struct Levels(usize);

impl<'de> DeserializeSeed<'de> for Levels {
    type Value = Result<Value, ValueError>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match self.0.checked_sub(1) {
            Some(below) => deserializer.deserialize_any(Within(Self(below))),
            None => IgnoredAny::deserialize(deserializer).map(|_| Err(ValueError::Depth)),
        }
    }
}

/// What is met, and the levels below it.
struct Within(Levels);

impl<'de> Visitor<'de> for Within {
    type Value = Result<Value, ValueError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Ok(Value::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Ok(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Ok(Value::Bool(flag)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Ok(Value::from(number)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(exact(&number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        let number = serde_json::Number::from_f64(number);
        Ok(number.map_or(Ok(Value::Null), |number| exact(&number.to_string())))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Ok(Value::text(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Ok(Vec::new());
        while let Ok(kept) = &mut list {
            match items.next_element_seed(self.0)? {
                None => break,
                Some(Ok(item)) => kept.push(item),
                Some(Err(error)) => list = Err(error),
            }
        }
        while list.is_err() && items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(list.map(Value::List))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut object = Ok(Vec::new());
        while let Ok(kept) = &mut object {
            let Some(key) = entries.next_key::<Text>()? else { break };
            if kept.is_empty() && key == NUMBER {
                return entries.next_value::<Text>().map(|text| exact(&text));
            }
            match entries.next_value_seed(self.0)? {
                Ok(item) => kept.push((key, item)),
                Err(error) => object = Err(error),
            }
        }
        while object.is_err() && entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        // Of two entries of one key the later one stays.
        Ok(object.map(|entries| Value::Object(entries.into_iter().collect())))
    }
}

fn exact(text: &str) -> Result<Value, ValueError> {
    let number = Number::parse(text).ok_or_else(|| ValueError::Number(text.to_owned()))?;
    Ok(Value::Number(number))
}

impl<'de> Deserialize<'de> for ParsedRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Fields).map(Self)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Result<Object, RowError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Err(RowError::Kind))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Err(RowError::Kind))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Err(RowError::Kind))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Err(RowError::Kind))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Err(RowError::Kind))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Err(RowError::Kind))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Err(RowError::Kind))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut row = Ok(Vec::new());
        while let Ok(kept) = &mut row {
            let Some(name) = entries.next_key::<Text>()? else { break };
            if kept.is_empty() && name == NUMBER {
                row = Err(RowError::Kind);
                entries.next_value::<IgnoredAny>()?;
                continue;
            }
            let Parsed(value) = entries.next_value()?;
            match value {
                _ if kept.len() == RECORD_FIELDS_MAX => row = Err(RowError::Fields),
                _ if !id::valid(&name) => row = Err(RowError::Name(name)),
                Ok(value) => kept.push((name, value)),
                Err(error) => row = Err(RowError::Value(name, error)),
            }
        }
        while row.is_err() && entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(row.map(|fields| fields.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Parsed, ParsedRow, RowError, Value, ValueError};

    fn row(text: &str) -> Result<super::Object, RowError> {
        serde_json::from_str::<ParsedRow>(text).expect(text).0
    }

    #[test]
    fn a_value_is_what_a_document_of_it_is() {
        let texts = [
            "null",
            "true",
            "-12.5e-7",
            "9007199254740993.10",
            "1e999999",
            r#""e\u0301\n""#,
            r#"[1,[2,{"a":null}],"x"]"#,
            r#"{"b":1.0,"a":{"c":[]},"b":2}"#,
            "{}",
            "[1e999999,2]",
            r#"{"a":{"b":1e999999,"c":1},"d":2}"#,
            "[[[[[[[[[[[[[[[[[[1],2],3]]]]]]]]]]]]]]]]",
        ];
        let long = format!("[\"{}\",1]", "x".repeat(40_000));
        for text in texts.into_iter().chain([long.as_str()]) {
            let Parsed(direct) = serde_json::from_str(text).expect(text);
            let document = serde_json::from_str(text).expect(text);
            assert_eq!(direct, Value::from_json(document), "{text}");
        }
    }

    #[test]
    fn a_row_says_what_it_lacks_and_the_rest_is_read_on() {
        let name = "n".repeat(600);
        let many: Vec<_> = (0..1_001).map(|n| format!("\"f{n}\":1")).collect();
        let cases = [
            ("[1,[2]]".to_owned(), RowError::Kind),
            ("12.5".to_owned(), RowError::Kind),
            ("\"text\"".to_owned(), RowError::Kind),
            ("null".to_owned(), RowError::Kind),
            (format!("{{{}}}", many.join(",")), RowError::Fields),
            (format!("{{\"{name}\":1,\"b\":2}}"), RowError::Name(name.as_str().into())),
            (
                r#"{"a":1,"n":1e+999999,"z":{}}"#.to_owned(),
                RowError::Value("n".into(), ValueError::Number("1e+999999".to_owned())),
            ),
        ];
        for (text, error) in cases {
            let both: (ParsedRow, u8) = serde_json::from_str(&format!("[{text},7]")).expect(&text);
            assert_eq!(both, (ParsedRow(Err(error)), 7), "{text}");
        }
        assert_eq!(row("{}"), Ok(super::Object::new()));
        let kept = row(r#"{"b":"x","a":1,"b":null}"#).unwrap();
        assert_eq!(serde_json::to_string(&kept).unwrap(), r#"{"a":1,"b":null}"#);
    }
}
