//! Kills at random moments of everything that is done with a store.

use store_soak::crash::{Moment, Options, Programs, run};
use xtask::{paths, unavailable::Unavailable};

use crate::{SEED, program};

const KILLS: u64 = 60;

#[test]
fn what_was_acknowledged_survives_kills() {
    let liaison = paths::binary();
    if !liaison.is_file() {
        let how = "`cargo build --workspace` makes it";
        Unavailable::new(liaison.display().to_string(), how).skip("store-soak crash");
        return;
    }
    let programs = Programs { soak: program(), liaison };
    let report = run(&programs, Options { kills: KILLS, seed: SEED }, |_| {}).unwrap();
    println!("{report}seed {SEED}");
    assert_eq!(report.tally.failures, Vec::<String>::new(), "seed {SEED}");
    assert_eq!(report.kills(), KILLS);
    assert!(report.acked > 0, "no commit was ever acknowledged: the writer lives too short");
    let hit = Moment::all().filter(|moment| report.kills_at(*moment) > 0).count();
    assert!(hit > 4, "{hit} kinds of moments in {KILLS} kills: the rest ends before its kill");
}
