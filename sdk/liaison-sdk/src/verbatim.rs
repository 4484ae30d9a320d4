//! Rows that are passed on as the vendor wrote them.
//!
//! Most connectors of JSON APIs change nothing in a row: they need its key and
//! pass on the rest. Parsing it into a map only to write it again is most of
//! what such a page costs in the sandbox, and the hub checks every byte anyhow.
//!
//! ```
//! use liaison_sdk::{Fault, Row, Verbatim};
//!
//! #[derive(serde::Deserialize)]
//! struct Answer {
//!     customers: Vec<Verbatim>,
//! }
//!
//! fn rows(answer: Answer) -> Result<Vec<Row>, Fault> {
//!     answer.customers.into_iter().map(|row| Row::verbatim(row.text("id")?, row)).collect()
//! }
//! # let answer = serde_json::from_str(r#"{ "customers": [{ "id": "C1", "n": 1.10 }] }"#).unwrap();
//! # assert_eq!(
//! #     rows(answer).unwrap()[0].to_line().unwrap(),
//! #     r#"{"key":"C1","change":"upsert","data":{ "id": "C1", "n": 1.10 }}"#,
//! # );
//! ```

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer as _, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::fault::Fault;

/// A JSON object as the vendor wrote it, not taken apart.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Verbatim(Box<RawValue>);

impl Verbatim {
    /// Its text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// A field that holds text or a number, as text: what keys are made of.
    ///
    /// # Errors
    /// `schema-drift` when it is no object, or has no such field.
    pub fn text(&self, name: &str) -> Result<String, Fault> {
        let drift = || Fault::drift(name, "text or a number");
        let mut reader = serde_json::Deserializer::from_str(self.as_str());
        match reader.deserialize_map(One(name)).map_err(|_| drift())? {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Number(number)) => Ok(number.to_string()),
            _ => Err(drift()),
        }
    }

    /// On one line, as rows are passed on. A line break in JSON is white space:
    /// within text it is written as `\n`.
    pub(crate) fn on_one_line(self) -> Result<Self, Fault> {
        if !self.as_str().contains(['\n', '\r']) {
            return Ok(self);
        }
        let text = self.as_str().replace(['\n', '\r'], " ");
        RawValue::from_string(text).map(Self).map_err(Fault::bug)
    }
}

impl PartialEq for Verbatim {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// Looks for one field of an object and skips the others.
struct One<'a>(&'a str);

impl<'de> Visitor<'de> for One<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = entries.next_key::<std::borrow::Cow<'de, str>>()? {
            if name == self.0 {
                found = Some(entries.next_value()?);
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Verbatim;
    use crate::row::Row;

    fn verbatim(text: &str) -> Verbatim {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_key_is_text_or_a_number() {
        let row = r#"{"a":{"id":1},"id":"C\u00e9","n":9007199254740993.10,"x":null}"#;
        for (name, expected) in
            [("id", Some("C\u{e9}")), ("n", Some("9007199254740993.10")), ("x", None), ("y", None)]
        {
            assert_eq!(verbatim(row).text(name).ok().as_deref(), expected, "{name}");
        }
        assert!(verbatim("[1]").text("id").is_err());
    }

    #[test]
    fn a_row_stays_on_its_line() {
        let row = verbatim("{\r\n  \"id\": \"1\",\n  \"t\": \"a\\nb\"\n}");
        let line = Row::verbatim("1", row).unwrap().to_line().unwrap();
        assert!(!line.contains(['\n', '\r']), "{line}");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        let data = json!({ "id": "1", "t": "a\nb" });
        assert_eq!(read, json!({ "key": "1", "change": "upsert", "data": data }));
    }
}
