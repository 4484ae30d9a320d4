//! The two ways in which most vendors page, as cursors that a connector can
//! hand to the hub as they are.

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
        if rows.len() < limit {
            return Ok(Page::of(rows).complete());
        }
        Page::of(rows).more_from(&Self { offset: self.offset.saturating_add(seen) })
    }
}

/// Pages by a token that the vendor hands out; no token means the end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NextToken {
    /// The vendor's token; none = the beginning.
    pub token: Option<String>,
}

impl NextToken {
    /// The position that a request asks for.
    ///
    /// # Errors
    /// `cursor-expired` for a cursor in another form.
    pub fn of(request: &ReadRequest) -> Result<Self, Fault> {
        Ok(request.cursor()?.unwrap_or_default())
    }

    /// The page of these rows, with the token that came along; without one the
    /// snapshot is complete and the next one starts anew.
    ///
    /// # Errors
    /// `drift` when the vendor hands out the token that was just used: it would
    /// never end.
    pub fn page(self, rows: Vec<Row>, next: Option<String>) -> Result<Page, Fault> {
        match next.filter(|token| !token.is_empty()) {
            None => Ok(Page::of(rows).complete()),
            next if next == self.token => Err(Fault::drift("next page token", "another token")),
            next => Page::of(rows).more_from(&Self { token: next }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NextToken, Offset};
    use crate::page::ReadRequest;
    use crate::row::Row;

    #[test]
    fn offsets_advance_until_a_page_is_not_full() {
        let request = ReadRequest::start("people");
        let page = Offset::of(&request).unwrap().page(vec![Row::delete("1")], 1).unwrap();
        assert!(page.more && page.snapshot_complete.is_none());
        let second = Offset::of(&request.after(&page)).unwrap();
        assert_eq!(second, Offset { offset: 1 });
        let page = second.page(Vec::new(), 1).unwrap();
        assert!(!page.more && page.snapshot_complete.is_some() && page.next.is_none());
    }

    #[test]
    fn a_token_that_repeats_is_refused() {
        let start = NextToken::default();
        let page = start.page(Vec::new(), Some("a".to_owned())).unwrap();
        let request = ReadRequest::start("people").after(&page);
        let second = NextToken::of(&request).unwrap();
        assert!(second.clone().page(Vec::new(), Some("a".to_owned())).is_err());
        assert!(second.page(Vec::new(), None).unwrap().snapshot_complete.is_some());
    }
}
