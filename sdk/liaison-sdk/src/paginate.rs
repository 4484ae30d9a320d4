//! The ways in which vendors page, as cursors that a connector can hand to the
//! hub as they are. Each is a small value that is in the cursor and nothing else:
//! `of` reads it from the request, `page` makes the page and the next cursor.
//!
//! | the vendor offers | use |
//! |---|---|
//! | rows after so many rows | [`Offset`] |
//! | page 1, 2, 3 | [`PageNumber`] |
//! | a token for the next page | [`NextToken`] |
//! | the address of the next page, in the answer or in a `Link` header | [`NextUrl`], [`next_link`] |
//! | rows changed since a time, oldest change first | [`Since`] |
//! | the same, and a filter over time *and* key | [`Keyset`] |
//! | what happened between two times | [`Window`] |
//!
//! The first four read everything, and end with a complete snapshot: what was not
//! shown no longer exists. The last three go on where they stopped; they never see
//! a deletion that the vendor does not report as a change, so a stream read this
//! way is not one of complete snapshots.
//!
//! Reading is at least once: showing a row again costs the hub a comparison, while
//! a row that was passed over is lost until it changes again. Where the two are in
//! balance, these choose the former.

mod keyset;
mod offset;
mod since;
mod token;
mod url;
mod window;

pub use keyset::Keyset;
pub use offset::{Offset, PageNumber};
pub use since::{Since, SinceRules};
pub use token::NextToken;
pub use url::{NextUrl, next_link};
pub use window::{Window, WindowRules};

#[cfg(test)]
mod tests;
