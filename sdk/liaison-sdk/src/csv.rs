//! One record of CSV (RFC 4180) from a window of bytes, and back.
//!
//! Files are read in ranges, and a reader over a window must say three things that a
//! stream parser does not: where a record ends in bytes (that is the cursor),
//! that a record is not complete yet, and that a quote is never closed. The
//! last matters most: taken as one long record, an open quote swallows the
//! rest of the file and every row in it would look deleted. A test compares
//! the grammar with that of the `csv` crate.

/// What a window begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// A record.
    Record {
        /// Its bytes without the line end.
        content: usize,
        /// Its bytes with the line end.
        consumed: usize,
    },
    /// Not a whole record yet.
    More,
    /// The file ends inside a quoted cell.
    Unclosed,
    /// Nothing is left.
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    CellStart,
    Plain,
    Quoted,
    QuoteInQuoted,
}

/// Scans the first record of `window` and puts its cells into `cells`. A blank
/// line is a record with `content` 0. `last` says that nothing follows the window.
pub fn scan(window: &[u8], delimiter: u8, last: bool, cells: &mut Vec<Vec<u8>>) -> Scan {
    cells.clear();
    if window.is_empty() {
        return if last { Scan::End } else { Scan::More };
    }
    let mut state = State::CellStart;
    let mut cell = Vec::new();
    for (at, &byte) in window.iter().enumerate() {
        state = match (state, byte) {
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) => {
                cell.push(byte);
                State::Quoted
            }
            (State::CellStart, b'"') => State::Quoted,
            (State::QuoteInQuoted, b'"') => {
                cell.push(b'"');
                State::Quoted
            }
            (_, b'\r' | b'\n') => {
                let Some(consumed) = line_end(window, at, last) else { return Scan::More };
                cells.push(cell);
                return Scan::Record { content: at, consumed };
            }
            (_, byte) if byte == delimiter => {
                cells.push(std::mem::take(&mut cell));
                State::CellStart
            }
            (_, byte) => {
                cell.push(byte);
                State::Plain
            }
        };
    }
    match (last, state) {
        (false, _) => Scan::More,
        (true, State::Quoted) => Scan::Unclosed,
        (true, _) => {
            cells.push(cell);
            Scan::Record { content: window.len(), consumed: window.len() }
        }
    }
}

/// Where the next record begins; `None` when a `\n` may still follow a `\r`.
fn line_end(window: &[u8], at: usize, last: bool) -> Option<usize> {
    if window.get(at) == Some(&b'\n') {
        return Some(at + 1);
    }
    match window.get(at + 1) {
        Some(b'\n') => Some(at + 2),
        Some(_) => Some(at + 1),
        None if last => Some(at + 1),
        None => None,
    }
}

/// Appends a record, without a line end.
pub fn write_record<'a>(
    out: &mut Vec<u8>,
    delimiter: u8,
    cells: impl ExactSizeIterator<Item = &'a str>,
) {
    // A blank line would be skipped on reading.
    let only_one = cells.len() == 1;
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.push(delimiter);
        }
        let special = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\r' | b'\n');
        if cell.bytes().any(special) || (only_one && cell.is_empty()) {
            out.push(b'"');
            out.extend(
                cell.bytes()
                    .flat_map(|byte| std::iter::repeat_n(byte, if byte == b'"' { 2 } else { 1 })),
            );
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::{Scan, scan, write_record};

    fn records(text: &[u8], window_bytes: usize) -> Option<Vec<Vec<Vec<u8>>>> {
        let (mut start, mut end) = (0, 0);
        let (mut records, mut cells) = (Vec::new(), Vec::new());
        loop {
            match scan(&text[start..end], b',', end == text.len(), &mut cells) {
                Scan::Record { content, consumed } => {
                    if content > 0 {
                        records.push(cells.clone());
                    }
                    start += consumed;
                }
                Scan::More => end = text.len().min(end + window_bytes),
                Scan::Unclosed => return None,
                Scan::End => return Some(records),
            }
        }
    }

    proptest! {
        #[test]
        fn the_grammar_is_that_of_the_csv_crate(
            text in "[a,\"\r\n é]{0,40}",
            window_bytes in 1usize..9,
        ) {
            if let Some(ours) = records(text.as_bytes(), window_bytes) {
                let theirs: Vec<Vec<Vec<u8>>> = ::csv::ReaderBuilder::new()
                    .has_headers(false)
                    .flexible(true)
                    .from_reader(text.as_bytes())
                    .into_byte_records()
                    .map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect())
                    .collect();
                prop_assert_eq!(ours, theirs);
            }
        }

        #[test]
        fn what_is_written_is_read(rows in prop::collection::vec(
            prop::collection::vec("[a,\"\r\n; é']{0,6}", 1..4), 0..5,
        )) {
            let mut text = Vec::new();
            for row in &rows {
                write_record(&mut text, b',', row.iter().map(String::as_str));
                text.push(b'\n');
            }
            let expected: Vec<Vec<Vec<u8>>> = rows
                .iter()
                .map(|row| row.iter().map(|cell| cell.clone().into_bytes()).collect())
                .collect();
            prop_assert_eq!(records(&text, 3).unwrap(), expected);
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_is_not_a_record() {
        assert_eq!(records(b"id,name\n1,\"ana\n2,bob\n", 64), None);
        assert!(records(b"id,name\n1,5\" pipe\n", 64).is_some());
    }
}
