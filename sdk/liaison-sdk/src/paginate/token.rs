//! Pages by a token.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::page::{Page, ReadRequest};
use crate::row::Row;

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
        match another(self.token.as_deref(), next)? {
            None => Ok(Page::of(rows).complete()),
            token => Page::of(rows).more_from(&Self { token }),
        }
    }
}

/// The token that follows, if there is one and it is not the one just used.
pub(super) fn another(used: Option<&str>, next: Option<String>) -> Result<Option<String>, Fault> {
    match next.filter(|token| !token.is_empty()) {
        Some(token) if used == Some(&token) => {
            Err(Fault::drift("next page token", "another token"))
        }
        next => Ok(next),
    }
}
