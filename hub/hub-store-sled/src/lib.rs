//! The default body of the storage port, on sled 0.34.7 with its guards.
//!
//! sled gives an ordered map with atomic batches and checksummed log frames,
//! in the process, without C code. What it does not give by itself was found by
//! measurement, and each guard here exists because its absence lost data:
//!
//! - its `flush` does not reach the disk, so we sync `db` by a handle of our
//!   own before any commit is acknowledged ([`commit`]);
//! - it does not sync what it creates, so we do ([`place`]);
//! - a kill while it writes a snapshot leaves a file that it later takes for
//!   the newest one, so we remove it before opening ([`place`]);
//! - torn large writes can make it come up empty without a word, so commits are
//!   small and a [`witness`] file beside it remembers how far it was;
//! - values above a quarter of a segment go to files that it never syncs, so
//!   values are cut into pieces ([`rows`]);
//! - damaged files make it panic, so it is opened and used where a panic
//!   becomes an error ([`open`], [`store`]);
//! - it cannot be opened on a full disk, so a reserve is kept that can be given
//!   up ([`place`]).
//!
//! # The layout
//!
//! What comes by the million never goes into a tree of random keys, because
//! that is what the engine is slow and large at: two thirds of the time of a
//! plain layout went into index rows. The store is a small log inside the
//! engine instead, one batch per commit, keys in order, almost nothing
//! overwritten:
//!
//! | key | what | how often overwritten |
//! |---|---|---|
//! | `R` block | up to 32 records, packed and compressed ([`pack`], [`block`]) | never |
//! | `P` block | up to 32 profiles, or what became of their numbers ([`pack`]) | never |
//! | `E` block | up to 32 events ([`events`]) | never |
//! | `e` identity, commit | where the events lie that it brought of that identity | when one leaves |
//! | `G` run, number | up to 32 entries of the write ledger ([`ledger`]) | when one leaves |
//! | `g` record, number | that entries in a chunk are about a record | when they leave |
//! | `I` commit, piece | what the commit changed in the index ([`delta`]) | never |
//! | `L` commit | the change log, references only ([`log`]) | never |
//! | `A`, `a`, `d`, `G` | who is in which segment, and who entered and left ([`standings`]) | as they change |
//! | `M` | the meta row: counters, counts, last blocks ([`meta`]) | by every commit |
//! | the rest | positions, deliveries under way, runs, quarantine ...: small JSON rows ([`keys`]) | as they change |
//!
//! A new version of a record goes to a new block and the old one is dead until
//! the store is compacted; what was erased is dead in the same way ([`scrub`]). A
//! new version of a profile points to where the one before lies, which stays as
//! history: an update of a profile costs four or five bytes more than without,
//! once twelve more a commit for its moment, and nothing is read for it. A first
//! version costs nothing. Compaction follows these ways back and keeps what is
//! still told of former times ([`lineage`]).
//! Keys of rows, identities and places are an index in memory ([`index`]), read
//! from its own log at opening. A record that was only
//! ever read keeps its values once: assertion and last form are "as in the raw
//! row", two bytes a field. A row may carry a mark of its caller's, so that a
//! row that was read before costs one look at memory and nothing else.
//!
//! Values are in checked frames ([`frame`]). One thread writes ([`commit`]),
//! readers share a lock with it only while a batch is applied, so every call
//! sees whole commits. After the first error of a write nothing is written or
//! read any more until the store is opened again.

//!
//! # What a load looks like
//!
//! `docs/load-2m.svg` is a load of two million new customers through a connector
//! into an empty store, with throughput and the memory of the whole process:
//! about 130 CPU microseconds a row, the last hundred thousand a sixth more than
//! the first, and 0.41 KB of memory a profile. `cargo xtask bench` measures it
//! again, beside references of the same run.

// What a row is.
mod frame;
mod keys;
mod rows;

// People by the million: packed rows in blocks, and what leads to them.
mod pack;

mod block;
mod event_index;
mod index;

mod delta;

// The rest.
mod log;
mod meta;

// The directory.
mod engine;
mod open;
mod place;
mod witness;

// Writing, then reading.
mod commit;
mod dump;
mod plan;

mod people;

mod events;
mod standings;

mod ledger;

mod read;
mod verify;

// Copies, made while commits go on.
mod backup;
mod compact;
mod copy;
mod lineage;
mod scrub;

// What callers see.
mod fault;
mod guard;
mod store;

pub use fault::hush_panics;
#[cfg(feature = "without-guards")]
pub use guard::{Guard, switch_off};
pub use place::FORMAT;
pub use store::SledStore;
