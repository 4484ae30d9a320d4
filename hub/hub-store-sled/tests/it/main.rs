//! The sled body: the port's suite, and what happens when the files or the
//! process are not as they should be.

#![allow(clippy::unwrap_used, reason = "a test that cannot make its files has failed")]

mod conformance;
mod copies;
mod damage;
mod events;
mod format;
mod opening;
mod witness;

use std::path::Path;

use hub_model::WorkspaceId;
use hub_store::conformance::{WORKSPACE, fixtures};
use hub_store::{Error, Store};
use hub_store_sled::SledStore;

/// The workspace of every test.
fn workspace() -> WorkspaceId {
    WorkspaceId::new(WORKSPACE)
}

/// Opens or makes the store of a test.
fn open(dir: &Path) -> Result<SledStore, Error> {
    SledStore::open(dir, &workspace())
}

/// A store with people `1..=last`, one commit each, closed.
async fn filled(dir: &Path, last: u64) {
    let store = open(dir).unwrap();
    for number in 1..=last {
        store.commit(fixtures::person(number)).await.unwrap();
    }
    store.close();
}

/// The text of an error, whatever its kind.
fn text<T>(answer: Result<T, Error>) -> String {
    answer.map(|_| String::new()).unwrap_or_else(|error| error.to_string())
}
