//! From what a guest said to what the hub takes for said.
//!
//! Every function here is total: whatever the bytes are, the answer is a value
//! under the limits of the data model or a typed fault. A row that is wrong
//! becomes a bad item of its page; a page that is wrong becomes a fault of the
//! call. No customer's value goes into a fault's arguments.

pub mod fault;
pub mod outcome;
pub mod page;
pub mod row;
pub mod stream;

use hub_model::limits::{DEPTH_LEVELS_MAX, RECORD_FIELDS_MAX, VALUE_BYTES_MAX};
use hub_model::value::ValueError;
use hub_model::{Fault, FaultCode, Object, Text, Value};

/// A row's fields, each under the limits.
///
/// # Errors
/// `row-limit` or `row-invalid`, naming the field and never its value.
pub fn object(json: serde_json::Value) -> Result<Object, Fault> {
    let serde_json::Value::Object(fields) = json else {
        return Err(Fault::new(FaultCode::RowInvalid).at("data").with("expected", "object"));
    };
    if fields.len() > RECORD_FIELDS_MAX {
        return Err(Fault::new(FaultCode::RowLimit).with("fields_max", RECORD_FIELDS_MAX));
    }
    fields.into_iter().map(field).collect()
}

fn field((name, json): (String, serde_json::Value)) -> Result<(Text, Value), Fault> {
    if !hub_model::id::valid(&name) {
        let place: String = name.chars().take(40).collect();
        let fault = Fault::new(FaultCode::RowInvalid).at(place.escape_debug().to_string());
        return Err(fault.with("expected", "a field name"));
    }
    match Value::from_json(json) {
        Ok(value) => Ok((name.into(), value)),
        Err(error) => Err(match error {
            ValueError::Size => {
                Fault::new(FaultCode::RowLimit).with("value_bytes_max", VALUE_BYTES_MAX)
            }
            ValueError::Depth => {
                Fault::new(FaultCode::RowLimit).with("depth_max", DEPTH_LEVELS_MAX)
            }
            ValueError::Number(_) => {
                Fault::new(FaultCode::RowInvalid).with("expected", "an exact number")
            }
        }
        .at(name)),
    }
}

/// Text of at most so many bytes, cut between characters.
pub(crate) fn cut(text: &str, bytes_max: usize) -> String {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default().to_owned()
}

/// The answer broke the contract in a way that only the connector's author can mend.
pub(crate) fn bug(what: &str) -> Fault {
    Fault::new(FaultCode::ConnectorBug).with("what", what)
}

/// The page broke the contract.
pub(crate) fn malformed(what: &str) -> Fault {
    Fault::new(FaultCode::PageMalformed).with("what", what)
}
