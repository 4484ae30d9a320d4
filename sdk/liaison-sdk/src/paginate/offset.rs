//! Pages by counting.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::page::{Page, ReadRequest};
use crate::row::Row;

/// Pages by offset: the next page begins after the rows seen so far. A page
/// that is not full is the last one. Rows can move between pages while they are
/// read, so a snapshot read this way is `complete` only for vendors that sort
/// by something stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Offset {
    /// Rows before this page.
    pub offset: u64,
}

impl Offset {
    /// The position that a request asks for.
    ///
    /// # Errors
    /// `cursor-expired` for a cursor in another form.
    pub fn of(request: &ReadRequest) -> Result<Self, Fault> {
        Ok(request.cursor()?.unwrap_or_default())
    }

    /// The page of these rows, asked for with a page size of `limit`; after the
    /// last one the snapshot is complete and the next one starts anew.
    ///
    /// # Errors
    /// `bug`; no offset is known to cause it.
    pub fn page(self, rows: Vec<Row>, limit: usize) -> Result<Page, Fault> {
        let seen = u64::try_from(rows.len()).map_err(Fault::bug)?;
        if rows.is_empty() || rows.len() < limit {
            return Ok(Page::of(rows).complete());
        }
        Page::of(rows).more_from(&Self { offset: self.offset.saturating_add(seen) })
    }
}

/// Pages by their number. What is said of [`Offset`] about rows that move holds
/// here too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageNumber {
    /// The page to ask for.
    pub number: u64,
}

impl PageNumber {
    /// The page that a request asks for; the vendor counts from `first`.
    ///
    /// # Errors
    /// `cursor-expired` for a cursor in another form.
    pub fn of(request: &ReadRequest, first: u64) -> Result<Self, Fault> {
        Ok(request.cursor()?.unwrap_or(Self { number: first }))
    }

    /// The page of these rows, asked for with a page size of `limit`: one that is
    /// not full is the last.
    ///
    /// # Errors
    /// `bug`; no number is known to cause it.
    pub fn page(self, rows: Vec<Row>, limit: usize) -> Result<Page, Fault> {
        let last = rows.len() < limit;
        self.page_until(rows, last)
    }

    /// The page of these rows, from a vendor that says which page is the last. An
    /// empty page is the last whatever it says.
    ///
    /// # Errors
    /// `bug`; no number is known to cause it.
    pub fn page_until(self, rows: Vec<Row>, last: bool) -> Result<Page, Fault> {
        if last || rows.is_empty() {
            return Ok(Page::of(rows).complete());
        }
        Page::of(rows).more_from(&Self { number: self.number.saturating_add(1) })
    }
}
