//! A small seeded share of the fleets; `cargo run -p simulation -- COUNT SEED`
//! runs as many as asked.

use simulation::{fleet::Fleet, oracle};

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
