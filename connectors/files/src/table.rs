//! A whole file in memory, for writing: rows by key, in their order.
//!
//! What is not touched keeps its bytes (also rows that nobody can read), new
//! rows and new columns are appended, so that a person who compares two
//! versions of the file sees exactly what the hub changed.

use std::collections::HashMap;
use std::ops::Range;

use liaison_sdk::csv::{self, Scan};

use crate::file_fault::{FileFault, ROW_BYTES_MAX};
use crate::row::{self, Broken, Header, Row};
use crate::settings::{Layout, Stream};
use crate::window::{byte_order_mark, scan};

/// A file in memory.
pub struct Table<'a> {
    stream: &'a Stream,
    bytes: Vec<u8>,
    /// The byte order mark and the header, as they are.
    head: Range<usize>,
    header: Header,
    columns_before: usize,
    lines: Vec<Line>,
    by_key: HashMap<String, usize>,
    /// Earlier rows of keys that the file has several times; the last one counts.
    overruled: HashMap<String, Vec<usize>>,
    changed: bool,
}

enum Line {
    /// Bytes of the file, without the line end.
    Kept(Range<usize>),
    /// A row that was written.
    Written(Row),
    /// A row that was removed.
    Gone,
}

impl<'a> Table<'a> {
    /// The table of a file that does not exist yet.
    pub fn empty(stream: &'a Stream) -> Self {
        let columns = if stream.columns.is_empty() {
            vec![stream.key.clone()]
        } else {
            stream.columns.clone()
        };
        Self {
            stream,
            bytes: Vec::new(),
            head: 0..0,
            header: Header { columns },
            columns_before: 0,
            lines: Vec::new(),
            by_key: HashMap::new(),
            overruled: HashMap::new(),
            changed: false,
        }
    }

    /// The table of a file's bytes.
    ///
    /// # Errors
    /// [`FileFault`] when the file as a whole cannot be read.
    pub fn parse(stream: &'a Stream, bytes: Vec<u8>) -> Result<Self, FileFault> {
        let mut table = Self::empty(stream);
        let mut at = byte_order_mark(&bytes)?;
        let mut cells = Vec::new();
        let mut headed = stream.layout == Layout::Ndjson;
        let mut line = 1;
        loop {
            let window = bytes.get(at..).unwrap_or_default();
            let (content, consumed) = match scan(stream.layout, window, true, &mut cells) {
                Scan::Record { content, consumed } => (content, consumed),
                Scan::Unclosed => return Err(FileFault::OpenQuote { line }),
                Scan::End | Scan::More => break,
            };
            if content > 0 && headed {
                let raw = window.get(..content).unwrap_or_default();
                table.keep(raw, &cells, at..at + content);
            } else if content > 0 {
                table.header = Header::parse(&cells, &stream.key)?;
                table.columns_before = table.header.columns.len();
                table.head = 0..at + content;
                headed = true;
            }
            line += window.iter().take(consumed).filter(|byte| **byte == b'\n').count() as u64;
            at += consumed;
        }
        table.bytes = bytes;
        Ok(table)
    }

    fn keep(&mut self, raw: &[u8], cells: &[Vec<u8>], place: Range<usize>) {
        if let Ok((key, _)) = self.decode(raw, cells)
            && let Some(earlier) = self.by_key.insert(key.clone(), self.lines.len())
        {
            self.overruled.entry(key).or_default().push(earlier);
        }
        self.lines.push(Line::Kept(place));
    }

    fn decode(&self, raw: &[u8], cells: &[Vec<u8>]) -> Result<(String, Row), Broken> {
        match self.stream.layout {
            Layout::Csv { .. } => row::from_cells(cells, &self.header, self.stream, raw),
            Layout::Ndjson => row::from_json(raw, &self.stream.key),
        }
    }

    /// The row of a key; the last one, where a file has several.
    pub fn get(&self, key: &str) -> Option<Row> {
        match self.lines.get(*self.by_key.get(key)?)? {
            Line::Gone => None,
            Line::Written(row) => Some(row.clone()),
            Line::Kept(place) => {
                let raw = self.bytes.get(place.clone())?;
                let mut cells = Vec::new();
                scan(self.stream.layout, raw, true, &mut cells);
                let columns = self.header.columns.len();
                // Columns that were added since are empty in it.
                cells.resize(columns.max(cells.len()), Vec::new());
                self.decode(raw, &cells).ok().map(|(_, row)| row)
            }
        }
    }

    /// Writes the row of a key.
    pub fn put(&mut self, key: &str, row: Row) {
        for column in row.keys() {
            if !self.header.columns.contains(column) {
                self.header.columns.push(column.clone());
            }
        }
        self.changed = true;
        let next = self.lines.len();
        match self.by_key.get(key).and_then(|at| self.lines.get_mut(*at)) {
            Some(line) => *line = Line::Written(row),
            None => {
                self.lines.push(Line::Written(row));
                self.by_key.insert(key.to_owned(), next);
            }
        }
    }

    /// Removes every row of a key; whether there was one.
    pub fn remove(&mut self, key: &str) -> bool {
        let Some(last) = self.by_key.remove(key) else { return false };
        let earlier = self.overruled.remove(key).unwrap_or_default();
        for at in earlier.into_iter().chain([last]) {
            if let Some(line) = self.lines.get_mut(at) {
                *line = Line::Gone;
            }
        }
        self.changed = true;
        true
    }

    /// Whether the file must be written.
    pub const fn is_changed(&self) -> bool {
        self.changed
    }

    /// The bytes of the file as it is now.
    pub fn into_bytes(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 8);
        let kept = |place: &Range<usize>| self.bytes.get(place.clone()).unwrap_or_default();
        let columns_added = self.header.columns.len() - self.columns_before;
        if let Layout::Csv { delimiter, .. } = self.stream.layout {
            if columns_added == 0 {
                out.extend_from_slice(kept(&self.head));
            } else {
                let mark = byte_order_mark(&self.bytes).unwrap_or_default();
                out.extend_from_slice(self.bytes.get(..mark).unwrap_or_default());
                let columns = self.header.columns.iter().map(String::as_str);
                csv::write_record(&mut out, delimiter, columns);
            }
            out.push(b'\n');
        }
        for line in &self.lines {
            match (line, self.stream.layout) {
                (Line::Gone, _) => continue,
                (Line::Kept(place), Layout::Ndjson) => out.extend_from_slice(kept(place)),
                (Line::Kept(place), Layout::Csv { delimiter, .. }) => {
                    out.extend_from_slice(kept(place));
                    out.extend(std::iter::repeat_n(delimiter, columns_added));
                }
                (Line::Written(row), _) => self.encode(row, &self.header.columns, &mut out),
            }
            out.push(b'\n');
        }
        out
    }

    /// Whether a row can be read again once it is written: one that is too long would
    /// keep everybody from reading the file.
    pub fn fits(&self, row: &Row) -> bool {
        let mut columns = self.header.columns.clone();
        columns.extend(row.keys().filter(|name| !self.header.columns.contains(name)).cloned());
        let mut out = Vec::new();
        self.encode(row, &columns, &mut out);
        out.len() <= ROW_BYTES_MAX
    }

    fn encode(&self, row: &Row, columns: &[String], out: &mut Vec<u8>) {
        match self.stream.layout {
            Layout::Csv { delimiter, escape_formulas } => {
                row::write_csv(out, row, columns, delimiter, escape_formulas);
            }
            Layout::Ndjson => {
                let text = serde_json::Value::Object(row.clone()).to_string();
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
}
