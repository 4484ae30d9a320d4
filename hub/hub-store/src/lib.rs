//! The storage port: one atomic, durable-on-return, idempotent `commit`, and
//! batched reads in words of records, profiles, claims and positions.
//!
//! The port never speaks of keys, trees or tables, so a body is free in its
//! layout. What makes a body correct is not its code but the conformance suite
//! in [`conformance`], which runs on every one of them. What two bodies must
//! decide alike is written once: which commits are refused ([`rules`]), how
//! heavy a commit is ([`weight`]), what belongs together ([`audit`]), what is told
//! of former times ([`history`]), and how a store is written out whole ([`dump`]). Those see a body only through [`View`],
//! a handful of single-row look-ups, and [`dump::Tables`].
//!
//! A commit carries everything that one slice of work concluded together with
//! the position it was concluded from; the position is compared before it is
//! set. So a page read twice changes nothing, a crash loses nothing that was
//! acknowledged, and two workers at one position cannot both win.
//!
//! One `Store` is one workspace. Nothing spans two.

// The port.
pub mod store;
pub mod upkeep;
pub mod write_set;

// What every body decides alike.
pub mod audit;
pub mod dump;
pub mod history;
pub mod rules;
pub mod view;
pub mod weight;

// A body, and the suite of all.
pub mod conformance;
pub mod memory;

pub use dump::{DumpCursor, DumpPage};
pub use history::{AsOf, Became, HistoryPage, Moment, Version};
pub use memory::MemoryStore;
pub use store::{
    Error, EventPage, EventPlace, InboxEntry, Known, LogPage, MovesPage, Review, Stats, Store,
    VerifyFinding,
};
pub use view::View;
pub use write_set::{Continued, Counters, PositionChange, WriteSet};
