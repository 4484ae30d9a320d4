//! Records of a file that is read in ranges: never more of it in memory than
//! one range and one row.

use liaison_sdk::csv::{self, Scan};

use crate::file_fault::{FileFault, ROW_BYTES_MAX};
use crate::settings::Layout;

/// So much is asked from the host at once.
const RANGE_BYTES: u32 = 256 * 1024;

/// One record of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Its bytes without the line end.
    pub raw: Vec<u8>,
    /// Its cells, for CSV.
    pub cells: Vec<Vec<u8>>,
    /// The line where it begins, counted from 1.
    pub line: u64,
}

/// Where to go on in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Bytes before it.
    pub offset: u64,
    /// Its line, counted from 1.
    pub line: u64,
}

impl Position {
    /// The begin of a file.
    pub const START: Self = Self { offset: 0, line: 1 };
}

/// A window that moves over a file.
pub struct Window<Read> {
    read: Read,
    layout: Layout,
    size: u64,
    bytes: Vec<u8>,
    begin: usize,
    at: Position,
}

impl<Read, Failure> Window<Read>
where
    Read: FnMut(u64, u32) -> Result<Vec<u8>, Failure>,
    Failure: From<FileFault>,
{
    /// A window at a position of a file of `size` bytes; `read` takes an offset
    /// and a number of bytes.
    pub const fn new(read: Read, layout: Layout, size: u64, at: Position) -> Self {
        Self { read, layout, size, bytes: Vec::new(), begin: 0, at }
    }

    /// Where the next record begins.
    pub const fn position(&self) -> Position {
        self.at
    }

    /// The next record that is not a blank line; `None` at the end.
    ///
    /// # Errors
    /// What `read` answers, and [`FileFault`] when no record can be told.
    pub fn next_record(&mut self) -> Result<Option<Record>, Failure> {
        let mut cells = Vec::new();
        loop {
            self.skip_byte_order_mark()?;
            let left = self.bytes.get(self.begin..).unwrap_or_default();
            let last = self.at.offset + left.len() as u64 >= self.size;
            match scan(self.layout, left, last, &mut cells) {
                Scan::End => return Ok(None),
                Scan::Unclosed => return Err(FileFault::OpenQuote { line: self.at.line }.into()),
                Scan::More => self.extend()?,
                Scan::Record { content, consumed } => {
                    let raw = left.get(..content).unwrap_or_default().to_vec();
                    let line = self.at.line;
                    self.advance(consumed);
                    if !raw.is_empty() {
                        return Ok(Some(Record { raw, cells, line }));
                    }
                }
            }
        }
    }

    fn extend(&mut self) -> Result<(), Failure> {
        self.bytes.drain(..self.begin.min(self.bytes.len()));
        self.begin = 0;
        if self.bytes.len() > ROW_BYTES_MAX {
            return Err(FileFault::RowTooLong { line: self.at.line }.into());
        }
        let from = self.at.offset + self.bytes.len() as u64;
        let more = (self.read)(from, RANGE_BYTES)?;
        if more.is_empty() {
            // Shorter than it was said to be; never wait for what does not come.
            self.size = from;
        }
        self.bytes.extend(more);
        Ok(())
    }

    fn advance(&mut self, consumed: usize) {
        let passed = self.bytes.get(self.begin..self.begin + consumed).unwrap_or_default();
        let newlines = passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        let lone_return = newlines == 0 && passed.last() == Some(&b'\r');
        self.at.line += newlines + u64::from(lone_return);
        self.at.offset += consumed as u64;
        self.begin += consumed;
    }

    fn skip_byte_order_mark(&mut self) -> Result<(), Failure> {
        if self.at.offset > 0 || self.size == 0 {
            return Ok(());
        }
        if self.bytes.is_empty() {
            self.extend()?;
        }
        let length = byte_order_mark(&self.bytes)?;
        if length > 0 {
            self.advance(length);
        }
        Ok(())
    }
}

/// The length of a UTF-8 byte order mark.
///
/// # Errors
/// [`FileFault::Utf16`] for that of another encoding.
pub fn byte_order_mark(bytes: &[u8]) -> Result<usize, FileFault> {
    match bytes {
        [0xef, 0xbb, 0xbf, ..] => Ok(3),
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => Err(FileFault::Utf16),
        _ => Ok(0),
    }
}

/// The first record of a window.
pub fn scan(layout: Layout, window: &[u8], last: bool, cells: &mut Vec<Vec<u8>>) -> Scan {
    match layout {
        Layout::Csv { delimiter, .. } => csv::scan(window, delimiter, last, cells),
        Layout::Ndjson => scan_line(window, last),
    }
}

fn scan_line(window: &[u8], last: bool) -> Scan {
    let end = window.iter().position(|byte| *byte == b'\n');
    let (line, consumed) = match end {
        Some(end) => (window.get(..end).unwrap_or_default(), end + 1),
        None if !last => return Scan::More,
        None if window.is_empty() => return Scan::End,
        None => (window, window.len()),
    };
    Scan::Record { content: line.trim_ascii_end().len(), consumed }
}
