//! Finding rows by key or by matching fields.

use serde_json::{Map, Value};

use crate::bindings::lookup::exports::liaison::connector::lookup as api;
use crate::fault::Fault;
use crate::row::Row;

/// How to find a row.
#[derive(Debug, Clone, PartialEq)]
pub enum LookupKey {
    /// By its key.
    Key(String),
    /// By fields that discovery marks as matchable; all must be equal.
    Fields(Map<String, Value>),
}

/// Rows to find.
#[derive(Debug, Clone, PartialEq)]
pub struct LookupRequest {
    /// The stream.
    pub stream: String,
    /// What to find.
    pub keys: Vec<LookupKey>,
    /// Fields that are mapped; empty = all.
    pub fields: Vec<String>,
}

/// What was found for one key.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    clippy::large_enum_variant,
    reason = "a batch of answers is short-lived; a box would be every author's burden"
)]
pub enum Found {
    /// Nothing.
    None,
    /// One row.
    One(Row),
    /// Several rows fit; their keys.
    Several(Vec<String>),
}

impl Found {
    /// None, one or several, from the rows that fit.
    pub fn from_rows(mut rows: Vec<Row>) -> Self {
        match (rows.pop(), rows.is_empty()) {
            (None, _) => Self::None,
            (Some(row), true) => Self::One(row),
            (Some(row), false) => {
                rows.push(row);
                Self::Several(rows.into_iter().filter_map(|row| row.key).collect())
            }
        }
    }
}

impl TryFrom<api::LookupRequest> for LookupRequest {
    type Error = Fault;

    fn try_from(request: api::LookupRequest) -> Result<Self, Fault> {
        let keys = request.keys.into_iter().map(key).collect::<Result<_, _>>()?;
        Ok(Self { stream: request.stream, keys, fields: request.fields })
    }
}

fn key(key: api::LookupKey) -> Result<LookupKey, Fault> {
    Ok(match key {
        api::LookupKey::Key(key) => LookupKey::Key(key),
        api::LookupKey::Fields(text) => {
            LookupKey::Fields(serde_json::from_str(&text).map_err(Fault::bug)?)
        }
    })
}

impl TryFrom<Found> for api::Found {
    type Error = Fault;

    fn try_from(found: Found) -> Result<Self, Fault> {
        Ok(match found {
            Found::None => Self::None,
            Found::One(row) => Self::One(row.to_line()?),
            Found::Several(keys) => Self::Several(keys),
        })
    }
}
