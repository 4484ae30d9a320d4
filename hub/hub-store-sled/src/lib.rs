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
//! The layout is plain: one tree, a table per first byte of the key, JSON
//! values in checked frames ([`frame`], [`keys`]). One thread writes ([`commit`]),
//! readers share a lock with it only while a batch is applied, so every call
//! sees whole commits. After the first error of a write nothing is written or
//! read any more until the store is opened again.

// What a row is.
mod frame;
mod keys;
mod meta;
mod rows;

// The directory.
mod engine;
mod open;
mod place;
mod witness;

// Writing, then reading.
mod commit;
mod plan;
mod read;
mod verify;

// What callers see.
mod fault;
mod guard;
mod store;

pub use fault::hush_panics;
#[cfg(feature = "without-guards")]
pub use guard::{Guard, switch_off};
pub use place::FORMAT;
pub use store::SledStore;
