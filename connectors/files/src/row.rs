//! From the bytes of one record to a row, and back.
//!
//! Columns of CSV become text, never anything else: `007` stays `007`. An
//! empty cell is null, and a null or an empty text is written as an empty cell.

use liaison_sdk::csv;
use serde_json::{Map, Value};

use crate::file_fault::FileFault;
use crate::formula;
use crate::settings::{Layout, Stream};

/// A row as a JSON object.
pub type Row = Map<String, Value>;

/// Longest key in bytes; the hub's limit.
const KEY_BYTES_MAX: usize = 512;
/// So much of a broken row is shown to the person who mends it.
const RAW_CHARS_MAX: usize = 4_096;

/// A row that cannot be used; the file goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its key, if that much could be read.
    pub key: Option<String>,
    /// A stable word: `cells`, `utf-8`, `json`, `not-an-object`, `key`.
    pub reason: &'static str,
    /// The raw text, shortened.
    pub raw: String,
}

/// The columns of a CSV file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Their names, in order.
    pub columns: Vec<String>,
}

impl Header {
    /// From the cells of the first record.
    ///
    /// # Errors
    /// [`FileFault`] when a name is missing, doubled or not text.
    pub fn parse(cells: &[Vec<u8>], key: &str) -> Result<Self, FileFault> {
        let mut columns: Vec<String> = Vec::with_capacity(cells.len());
        for (index, cell) in cells.iter().enumerate() {
            let column = index + 1;
            let name = std::str::from_utf8(cell).map_err(|_| FileFault::HeaderEncoding)?.trim();
            if !usable(name) {
                return Err(FileFault::ColumnName { column });
            }
            if columns.iter().any(|known| known == name) {
                return Err(FileFault::DuplicateColumn { column });
            }
            columns.push(name.to_owned());
        }
        if columns.iter().any(|column| column == key) {
            Ok(Self { columns })
        } else {
            Err(FileFault::NoKeyColumn { key: key.to_owned() })
        }
    }
}

/// Whether text may be a key or a field's name in the hub.
pub fn usable(name: &str) -> bool {
    !name.is_empty() && name.len() <= KEY_BYTES_MAX && !name.chars().any(char::is_control)
}

/// A row of CSV.
///
/// # Errors
/// [`Broken`] with the reason; `raw` is the record's text.
pub fn from_cells(
    cells: &[Vec<u8>],
    header: &Header,
    stream: &Stream,
    raw: &[u8],
) -> Result<(String, Row), Broken> {
    let broken = |key, reason| Broken { key, reason, raw: shortened(raw) };
    let unguarded = match stream.layout {
        Layout::Csv { escape_formulas, .. } => escape_formulas,
        Layout::Ndjson => false,
    };
    let mut row = Row::new();
    for (name, cell) in header.columns.iter().zip(cells) {
        let text = std::str::from_utf8(cell).map_err(|_| broken(None, "utf-8"))?;
        let text = if unguarded { formula::unguard(text) } else { text };
        let value = if text.is_empty() { Value::Null } else { Value::from(text) };
        row.insert(name.clone(), value);
    }
    let key = key_of(&row, &stream.key);
    if cells.len() != header.columns.len() {
        return Err(broken(None, "cells"));
    }
    key.map(|key| (key, row)).ok_or_else(|| broken(None, "key"))
}

/// A row of NDJSON.
///
/// # Errors
/// [`Broken`] with the reason.
pub fn from_json(content: &[u8], key: &str) -> Result<(String, Row), Broken> {
    let broken = |reason| Broken { key: None, reason, raw: shortened(content) };
    let text = std::str::from_utf8(content).map_err(|_| broken("utf-8"))?;
    match serde_json::from_str(text) {
        Ok(Value::Object(row)) => {
            let key = key_of(&row, key).ok_or_else(|| broken("key"))?;
            Ok((key, row))
        }
        Ok(_) => Err(broken("not-an-object")),
        Err(_) => Err(broken("json")),
    }
}

/// The key of a row: text as it is, a number as it is written.
pub fn key_of(row: &Row, column: &str) -> Option<String> {
    row.get(column).and_then(key_text)
}

/// A value as a key.
pub fn key_text(value: &Value) -> Option<String> {
    let key = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    usable(&key).then_some(key)
}

/// A value as the text of a cell.
pub fn cell_text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Appends a row of CSV, without a line end.
pub fn write_csv(out: &mut Vec<u8>, row: &Row, columns: &[String], delimiter: u8, escape: bool) {
    let cells: Vec<String> = columns
        .iter()
        .map(|column| {
            let text = cell_text(row.get(column));
            if escape { formula::guard(&text) } else { text }
        })
        .collect();
    csv::write_record(out, delimiter, cells.iter().map(String::as_str));
}

/// What a reader will see of a value in this layout.
pub fn stored(value: &Value, layout: Layout) -> Value {
    match layout {
        Layout::Ndjson => value.clone(),
        Layout::Csv { .. } => match cell_text(Some(value)) {
            text if text.is_empty() => Value::Null,
            text => Value::String(text),
        },
    }
}

/// The version of a row: FNV-1a, 64 bits, over its members that are not null.
/// It must differ by accident only; nobody gains by forging one.
pub fn version(row: &Row) -> String {
    let mut digest: u64 = 0xcbf2_9ce4_8422_2325;
    for (name, value) in row.iter().filter(|(_, value)| !value.is_null()) {
        for byte in format!("{name:?}:{value},").bytes() {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{digest:016x}")
}

fn shortened(raw: &[u8]) -> String {
    // Cut before decoding: a row may be a mebibyte.
    let head = raw.get(..RAW_CHARS_MAX * 4).unwrap_or(raw);
    String::from_utf8_lossy(head).chars().take(RAW_CHARS_MAX).collect()
}
