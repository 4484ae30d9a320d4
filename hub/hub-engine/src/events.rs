//! Events through the engine: appended with the position that they were read at,
//! read as somebody's history, and removed when their time is over or when a
//! person is erased.
//!
//! What an event is and whose it is says [`hub_core::event`]. Its key is all that
//! is needed to know it again, so a page that is read twice appends nothing the
//! second time. An event is never changed; when its system deletes it, it goes,
//! and it is taken again if its system shows it again. That a stream does not show
//! an event any more means nothing: systems show the latest.

mod append;
mod forget;
mod history;

pub(crate) use append::{Ties, append, is_refused};
pub(crate) use forget::{forget_person, sweep};
pub use history::{EVENTS_LOOKED_AT_MAX, of_profile};
