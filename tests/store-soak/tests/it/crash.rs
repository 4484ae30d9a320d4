//! Kills at random moments, the opening included.

use store_soak::crash::{Options, run};

use crate::{SEED, program};

const KILLS: u64 = 12;

#[test]
fn what_was_acknowledged_survives_kills() {
    let report = run(&program(), Options { kills: KILLS, seed: SEED }, |_| {}).unwrap();
    println!("{report}seed {SEED}");
    assert_eq!(report.tally.failures, Vec::<String>::new(), "seed {SEED}");
    assert_eq!(report.kills, KILLS);
    assert!(report.acked > 0, "no commit was ever acknowledged: the writer lives too short");
}
