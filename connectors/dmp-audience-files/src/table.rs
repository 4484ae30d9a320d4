//! The rows of a file: a header, and records below it.
//!
//! A record that is broken by itself is one invalid row. Only what makes the rest of the
//! file doubtful (no key column, an open quote, a row without an end) is a fault of the
//! file.

use std::collections::BTreeSet;

use liaison_sdk::csv::{self, Scan};
use liaison_sdk::files::Stat;
use liaison_sdk::{Fault, FaultCode, Row};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::settings::Inbound;
use crate::text::Text;

/// So much of a file is looked at at once; a row is never longer.
const WINDOW_BYTES: u32 = 1024 * 1024;
/// Longest key in bytes; the hub's limit.
const KEY_BYTES_MAX: usize = 512;
/// UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Where to go on in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Bytes before it.
    pub offset: u64,
    /// Its line, counted from 1.
    pub line: u64,
}

/// A record of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its key, where it has one.
    pub key: Option<String>,
    /// Its line.
    line: u64,
    /// Its cells, or its text and what is wrong with it.
    cells: Result<Vec<String>, (String, &'static str)>,
}

/// Some records, and where to go on; none = that was all.
pub type Records = (Vec<Record>, Option<Position>);

/// A file with its header.
pub struct Table<'a> {
    text: Text<'a>,
    delimiter: u8,
    columns: Vec<String>,
    key: usize,
    begin: Position,
}

impl<'a> Table<'a> {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// `schema-drift` for a header that lacks the key; otherwise the file's.
    pub fn open(stream: &'a Inbound, stat: &'a Stat) -> Result<Self, Fault> {
        let text = Text::open(&stream.folder, stat)?;
        let window = text.window(0, WINDOW_BYTES)?;
        let mark = usize::from(window.bytes.starts_with(&BYTE_ORDER_MARK)) * BYTE_ORDER_MARK.len();
        let bytes = window.bytes.get(mark..).unwrap_or_default();
        let mut cells = Vec::new();
        let drift = |expected: &str| {
            let place = format!("{} line 1", stat.name);
            Fault::drift(place, expected)
        };
        let Scan::Record { consumed, .. } =
            csv::scan(bytes, stream.delimiter(), window.last, &mut cells)
        else {
            return Err(drift("a header"));
        };
        let columns = cells.into_iter().map(String::from_utf8).collect::<Result<Vec<_>, _>>();
        let columns: Vec<String> = columns.map_err(|_| drift("a header in UTF-8"))?;
        if columns.iter().collect::<BTreeSet<_>>().len() != columns.len() {
            return Err(drift("a header that names each column once"));
        }
        let Some(key) = columns.iter().position(|column| *column == stream.key) else {
            return Err(drift("a header with the key column").with("key", &stream.key));
        };
        let lines = lines_of(bytes.get(..consumed).unwrap_or_default());
        let begin = Position { offset: (mark + consumed) as u64, line: 1 + lines };
        Ok(Self { text, delimiter: stream.delimiter(), columns, key, begin })
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The first records from a position on, or from the begin.
    ///
    /// # Errors
    /// `schema-drift` when the rest of the file is doubtful; otherwise the file's.
    pub fn records(&self, from: Option<Position>, rows_max: usize) -> Result<Records, Fault> {
        let mut at = from.unwrap_or(self.begin);
        let window = self.text.window(at.offset, WINDOW_BYTES)?;
        let (mut rest, mut records, mut cells) = (window.bytes.as_slice(), Vec::new(), Vec::new());
        while records.len() < rows_max {
            let (content, consumed) = match csv::scan(rest, self.delimiter, window.last, &mut cells)
            {
                Scan::Record { content, consumed } => (content, consumed),
                Scan::End => return Ok((records, None)),
                Scan::Unclosed => return Err(self.doubt(at, "a quote that is closed")),
                Scan::More if rest.len() < window.bytes.len() => break,
                Scan::More => return Err(self.doubt(at, "a row of at most 1 MiB")),
            };
            let (raw, behind) = rest.split_at_checked(consumed).unwrap_or((rest, &[]));
            if content > 0 {
                let raw_row = raw.get(..content).unwrap_or_default();
                records.push(self.record(at.line, raw_row, &cells));
            }
            at.offset += consumed as u64;
            at.line += lines_of(raw);
            rest = behind;
        }
        let done = window.last && rest.is_empty();
        Ok((records, Some(at).filter(|_| !done)))
    }

    fn doubt(&self, at: Position, expected: &str) -> Fault {
        let fault = self.text.fault(FaultCode::SchemaDrift).with("expected", expected);
        let place = format!("{} line {}", fault.place, at.line);
        fault.at(place)
    }

    fn record(&self, line: u64, raw: &[u8], cells: &[Vec<u8>]) -> Record {
        let broken = |problem| Err((String::from_utf8_lossy(raw).into_owned(), problem));
        let texts: Result<Vec<String>, _> =
            cells.iter().map(|cell| String::from_utf8(cell.clone())).collect();
        let key = match &texts {
            Ok(texts) => texts.get(self.key).map(|key| key.trim().to_owned()),
            Err(_) => None,
        };
        let key = key.filter(|key| (1..=KEY_BYTES_MAX).contains(&key.len()));
        let cells = match texts {
            Err(_) => broken("encoding"),
            Ok(texts) if texts.len() != self.columns.len() => broken("columns"),
            Ok(_) if key.is_none() => broken("key"),
            Ok(texts) => Ok(texts),
        };
        Record { key, line, cells }
    }

    /// A record as a row, as it is in the file.
    pub fn row(&self, record: Record) -> Row {
        match (record.key, record.cells) {
            (Some(key), Ok(cells)) => {
                let value = |cell: String| if cell.is_empty() { Value::Null } else { cell.into() };
                let cells = cells.into_iter().map(value);
                let data: Map<String, Value> = self.columns.iter().cloned().zip(cells).collect();
                Row::upsert(key, data)
            }
            (key, Err((raw, problem))) => {
                Row::invalid(key, format!("line {}", record.line), problem, raw)
            }
            (None, Ok(_)) => Row::invalid(None, format!("line {}", record.line), "key", ""),
        }
    }

    /// The row of a key whose values are over.
    pub fn ended(&self, key: &str) -> Row {
        let value = |(column, name): (usize, &String)| {
            let value = if column == self.key { key.into() } else { Value::Null };
            (name.clone(), value)
        };
        let data: Map<String, Value> = self.columns.iter().enumerate().map(value).collect();
        Row::upsert(key, data)
    }
}

fn lines_of(bytes: &[u8]) -> u64 {
    let newlines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    let lone_return = newlines == 0 && bytes.last() == Some(&b'\r');
    newlines + u64::from(lone_return)
}
