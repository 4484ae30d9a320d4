//! Pages by time and key together.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::page::{Page, ReadRequest};
use crate::row::Row;

/// Pages of rows after a time and key, for vendors that sort by both and filter
/// by `(time = t and key > k) or time > t`. However many rows have one time, each
/// is shown once, and a row that changes meanwhile moves to the end and is shown
/// there. Time is the vendor's own text, compared by the vendor alone.
///
/// Changes that appear late, with a time that was passed already, are missed: where
/// a vendor has such, leave out what is younger than they may be late, or use
/// [`Since`](super::Since) with an overlap.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Keyset {
    /// Time and key of the last row shown; none = the beginning.
    pub after: Option<(String, String)>,
}

impl Keyset {
    /// The position that a request asks for.
    ///
    /// # Errors
    /// `cursor-expired` for a cursor in another form.
    pub fn of(request: &ReadRequest) -> Result<Self, Fault> {
        Ok(request.cursor()?.unwrap_or_default())
    }

    /// The page of these rows, each with the text of its time, asked for with a page
    /// size of `limit`.
    ///
    /// # Errors
    /// `schema-drift` when the last row has no key, or is the one after which was
    /// asked: it would never end.
    pub fn page(self, rows: Vec<(String, Row)>, limit: usize) -> Result<Page, Fault> {
        let more = !rows.is_empty() && rows.len() >= limit;
        let next = match rows.last() {
            None => self.clone(),
            Some((time, row)) => {
                let key = row.key.clone().ok_or_else(|| Fault::drift("last row", "a key"))?;
                Self { after: Some((time.clone(), key)) }
            }
        };
        if more && next == self {
            return Err(Fault::drift("last row", "a row after the one asked for"));
        }
        let page = Page::of(rows.into_iter().map(|(_, row)| row).collect());
        match (more, &next.after) {
            (true, _) => page.more_from(&next),
            (false, Some(_)) => page.next_from(&next),
            (false, None) => Ok(page),
        }
    }
}
