//! Fleets of systems, and stages of a few known rows.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod audiences;
mod budgets;
mod conflicts;
mod delivery;
mod erasure;
mod events;
mod fleets;
mod history;
mod jobs;
mod ledger;
mod objects;
mod owner;
mod people;
mod plans;
mod policies;
mod pushed;
mod quality;
mod rejected;
mod retention;
mod segments;
mod transforms;
mod undo;

use std::future::Future;

/// Runs a test's future to its end.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}
