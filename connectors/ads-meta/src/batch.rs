//! Rows of people as one request: a schema that holds what somebody of them has, and
//! a blank where a person lacks it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::member::{Column, Row};

/// The payload of a request.
pub fn payload(rows: &[&Row]) -> Value {
    let mut columns: BTreeSet<Column> = rows.iter().flat_map(|row| row.keys().copied()).collect();
    if columns.is_empty() {
        // Nobody remains in the audience; a schema is wanted all the same.
        columns.insert(Column::Email);
    }
    let data = rows.iter().map(|row| {
        let value = |column| row.get(column).map_or("", String::as_str);
        columns.iter().map(value).collect::<Vec<_>>()
    });
    let data: Vec<Vec<&str>> = data.collect();
    let schema: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
    json!({"schema": schema, "data": data})
}
