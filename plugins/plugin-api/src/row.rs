//! The fields of a row: text until somebody looks at them.
//!
//! Most rows of a page were read before and are known again by their text. So a
//! row crosses the port as its connector wrote it, checked to be JSON and no
//! further; what it takes to make fields of it is paid for rows that are new.

use std::borrow::Cow;

use hub_model::limits::{DEPTH_LEVELS_MAX, RECORD_FIELDS_MAX, VALUE_BYTES_MAX};
use hub_model::value::{ParsedRow, RowError, ValueError};
use hub_model::{Fault, FaultCode, Object};

/// Longest part of a field's name that a fault repeats, in characters.
const PLACE_CHARS_MAX: usize = 40;

/// The fields of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// As the connector wrote them: JSON.
    Text(Box<str>),
    /// Taken apart.
    Fields(Object),
}

impl Row {
    /// The fields, each under the limits.
    ///
    /// # Errors
    /// `row-limit` or `row-invalid`, naming the field and never its value, and
    /// `page-malformed` for text that is no JSON after all.
    pub fn fields(&self) -> Result<Cow<'_, Object>, Fault> {
        match self {
            Self::Fields(fields) => Ok(Cow::Borrowed(fields)),
            Self::Text(text) => {
                let parsed = serde_json::from_str(text);
                // The parser's message may quote the row.
                let malformed = || Fault::new(FaultCode::PageMalformed).at("data");
                parsed
                    .map_err(|_| malformed().with("expected", "JSON"))
                    .and_then(fields)
                    .map(Cow::Owned)
            }
        }
    }

    /// As text. A row that was taken apart reads the same whenever its fields are
    /// the same.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            // Fields hold nothing that cannot be written as JSON.
            Self::Fields(fields) => Cow::Owned(serde_json::to_string(fields).unwrap_or_default()),
        }
    }

    /// About how many bytes it has.
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Fields(fields) => {
                fields.iter().map(|(name, value)| name.len() + value.size_bytes()).sum()
            }
        }
    }
}

impl From<Object> for Row {
    fn from(fields: Object) -> Self {
        Self::Fields(fields)
    }
}

/// The fields that were parsed, or the fault that they are none.
///
/// # Errors
/// As [`Row::fields`].
pub fn fields(ParsedRow(row): ParsedRow) -> Result<Object, Fault> {
    row.map_err(|error| match error {
        RowError::Kind => Fault::new(FaultCode::RowInvalid).at("data").with("expected", "object"),
        RowError::Fields => {
            Fault::new(FaultCode::RowLimit).at("data").with("fields_max", RECORD_FIELDS_MAX)
        }
        RowError::Name(name) => {
            let place: String = name.chars().take(PLACE_CHARS_MAX).collect();
            let fault = Fault::new(FaultCode::RowInvalid).at(place.escape_debug().to_string());
            fault.with("expected", "a field name")
        }
        RowError::Value(name, error) => value(&error).at(name.as_str()),
    })
}

fn value(error: &ValueError) -> Fault {
    match error {
        ValueError::Size => {
            Fault::new(FaultCode::RowLimit).with("value_bytes_max", VALUE_BYTES_MAX)
        }
        ValueError::Depth => Fault::new(FaultCode::RowLimit).with("depth_max", DEPTH_LEVELS_MAX),
        ValueError::Number(_) => {
            Fault::new(FaultCode::RowInvalid).with("expected", "an exact number")
        }
    }
}

#[cfg(test)]
mod tests {
    use hub_model::{FaultCode, Object};

    use super::Row;

    #[test]
    fn text_becomes_the_fields_that_it_says() {
        let row = Row::Text(r#"{"b":1.0,"a":"x"}"#.into());
        let fields = row.fields().unwrap().into_owned();
        assert_eq!(Row::from(fields).text(), r#"{"a":"x","b":1}"#);
        assert_eq!(*Row::Text("{}".into()).fields().unwrap(), Object::new());
    }

    #[test]
    fn text_that_is_no_row_says_why_without_a_value() {
        let deep = format!(r#"{{"d":{}1{}}}"#, "[".repeat(40), "]".repeat(40));
        let large = format!(r#"{{"t":"{}"}}"#, "x".repeat(40_000));
        let many: Vec<_> = (0..1_001).map(|n| format!(r#""f{n}":1"#)).collect();
        let wide = format!("{{{}}}", many.join(","));
        let cases = [
            ("[]", FaultCode::RowInvalid, "data"),
            ("{\"\\u0001\":1}", FaultCode::RowInvalid, "\\u{1}"),
            (r#"{"n":1e999999}"#, FaultCode::RowInvalid, "n"),
            (&deep, FaultCode::RowLimit, "d"),
            (&large, FaultCode::RowLimit, "t"),
            (&wide, FaultCode::RowLimit, "data"),
            // Half a pair: JSON to the letter, and still no text.
            (r#"{"t":"\ud800"}"#, FaultCode::PageMalformed, "data"),
        ];
        for (text, code, place) in cases {
            let fault = Row::Text(text.into()).fields().unwrap_err();
            let shown: String = text.chars().take(40).collect();
            assert_eq!((fault.code, fault.place.as_str()), (code, place), "{shown}");
        }
    }
}
