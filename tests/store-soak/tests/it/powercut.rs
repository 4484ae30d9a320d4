//! Power cuts.

use store_soak::powercut::{Options, run};

use crate::{SEED, recorder};

const IMAGES: u64 = 16;

/// Every recording also proves its recorder: all events in a row make the files
/// that the writer left, byte by byte.
#[test]
fn what_was_acknowledged_survives_power_cuts() {
    let options = Options { images: IMAGES, seed: SEED, plan: None };
    let report = run(&recorder(), options, |_| {}).unwrap();
    println!("{report}seed {SEED}");
    assert_eq!(report.tally.failures, Vec::<String>::new(), "seed {SEED}");
    assert!(report.acked > 0, "no image had to hold anything");
}
