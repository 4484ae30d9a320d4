//! How heavy a commit is, measured the same way by everybody.
//!
//! Whoever cuts a page into slices and whoever refuses a slice must agree, or a
//! slice that passes in the tests is refused in production. The weight is
//! therefore a function of the write set alone: the bytes of its rows as JSON,
//! and a fixed sum per row for keys and framing.

use std::io;

use serde::Serialize;

use crate::write_set::WriteSet;

/// What a row weighs besides its JSON: key, index entries, framing.
pub const ROW_BYTES: usize = 64;

impl WriteSet {
    /// The weight of everything but the inbox bodies, compared with
    /// [`hub_model::limits::SLICE_BYTES_MAX`] by `commit`. Bodies are new rows
    /// that nothing refers to, so a store may write them ahead of the commit.
    pub fn weight_bytes(&self) -> usize {
        let positions: usize = self
            .positions
            .iter()
            .map(|change| {
                ROW_BYTES + change.name.as_str().len() + change.new.as_ref().map_or(0, Vec::len)
            })
            .sum();
        let tokens: usize = self
            .tokens
            .iter()
            .map(|(connection, name, sealed)| {
                ROW_BYTES + connection.len() + name.len() + sealed.as_ref().map_or(0, Vec::len)
            })
            .sum();
        rows(&self.records)
            + rows(&self.profiles)
            + rows(&self.aliases)
            + rows(&self.claims)
            + rows(&self.decisions)
            + rows(&self.changes)
            + rows(&self.pending)
            + rows(&self.settled)
            + rows(&self.quarantined)
            + rows(&self.released)
            + rows(&self.reviews)
            + rows(&self.runs)
            + positions
            + tokens
    }

    /// The bytes of the inbox bodies, compared with
    /// [`crate::rules::INBOX_COMMIT_BYTES_MAX`] by `commit`.
    pub fn inbox_bytes(&self) -> usize {
        self.inbox.iter().map(|body| ROW_BYTES + body.len()).sum()
    }
}

/// The JSON bytes of one row, as they count in a commit.
pub fn row_bytes(row: &impl Serialize) -> usize {
    let mut counter = Counter(0);
    // Counting cannot fail; a row that cannot be written as JSON is refused
    // where it is written.
    let _ = serde_json::to_writer(&mut counter, row);
    ROW_BYTES + counter.0
}

fn rows<T: Serialize>(rows: &[T]) -> usize {
    rows.iter().map(row_bytes).sum()
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
