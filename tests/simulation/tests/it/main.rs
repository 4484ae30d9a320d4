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
mod made_of;
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
mod suppressions;
mod transforms;
mod undo;

use std::future::Future;

use hub_model::{FieldMapping, FieldName, Mapping, StreamRef, SyncId};

/// Runs a test's future to its end.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// What a sync of people does who are found by their address.
fn mapping(id: &str, fields: Vec<FieldMapping>) -> Mapping {
    let stream = StreamRef::new("default", id, "people");
    let matching = vec![FieldName::from("email")];
    Mapping { fields, matching, deletes_percent_max: 100, ..Mapping::new(SyncId::new(id), stream) }
}
