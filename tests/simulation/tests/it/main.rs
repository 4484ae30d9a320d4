//! A small seeded share of the fleets; `cargo run -p simulation -- COUNT SEED`
//! runs as many as asked.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod conflicts;
mod erasure;
mod events;
mod history;
mod objects;
mod owner;
mod plans;
mod quality;
mod retention;
mod transforms;

use std::future::Future;

mod people;

use hub_model::ConsentKey;
use simulation::{fleet::Fleet, oracle};

/// Runs a test's future to its end.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// Seeds that once failed, kept for ever.
const ONCE_FAILED: &[u64] = &[3878, 4310, 5622];
/// Fleets in the ordinary tests.
const FLEETS: u64 = 100;

#[test]
fn fleets_converge_and_fall_silent() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut failed = Vec::new();
    for seed in ONCE_FAILED.iter().copied().chain(0..FLEETS) {
        let wrong = runtime.block_on(async {
            let mut fleet = Fleet::new(seed);
            let silent = fleet.run().await;
            oracle::findings(&fleet, silent).await
        });
        if !wrong.is_empty() {
            failed.push(format!("seed {seed}: {}", wrong.join("; ")));
        }
    }
    assert!(failed.is_empty(), "{} fleets failed:\n{}", failed.len(), failed.join("\n"));
}

/// Rows that the hub wrote last in the last system of a fleet.
async fn written_by_the_hub(seed: u64, requires: Vec<ConsentKey>) -> usize {
    let mut fleet = Fleet::new(seed);
    fleet.requires = requires;
    fleet.run().await;
    let system = fleet.systems.last().expect("a system").lock().expect("nobody panicked");
    system.rows.values().filter(|row| row.by_hub).count()
}

/// Nobody in these fleets consents to anything.
#[test]
fn what_requires_a_consent_that_nobody_gave_receives_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let required = [ConsentKey::new("marketing", "email")];
    for seed in 0..10 {
        let without = runtime.block_on(written_by_the_hub(seed, required.to_vec()));
        assert_eq!(without, 0, "seed {seed}: written without the consent");
    }
    let asked_nothing = (0..10).map(|seed| runtime.block_on(written_by_the_hub(seed, Vec::new())));
    assert!(asked_nothing.sum::<usize>() > 0, "the fleets write nothing at all");
}
