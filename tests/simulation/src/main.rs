//! `simulation COUNT [FIRST_SEED]`: runs fleets and prints what it saw; one fleet
//! alone is printed in full when it failed.

use std::process::ExitCode;

use simulation::{fleet::Fleet, oracle};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let (Some(Ok(count)), first) = (args.next(), args.next()) else {
        eprintln!("usage: simulation COUNT [FIRST_SEED]   e.g. simulation 1000 0");
        return ExitCode::from(2);
    };
    let first = first.and_then(Result::ok).unwrap_or(0);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else {
        return ExitCode::from(1);
    };
    let (mut failed, mut writes, mut edits, mut crashes) = (0, 0, 0, 0);
    for seed in first..first + count {
        let mut fleet = Fleet::new(seed);
        let wrong = runtime.block_on(async {
            let silent = fleet.run().await;
            oracle::findings(&fleet, silent).await
        });
        writes += fleet.writes();
        edits += fleet.edits();
        crashes += fleet.crashes;
        if !wrong.is_empty() {
            failed += 1;
            println!("seed {seed}: {}", wrong.join("; "));
            if count == 1 {
                runtime.block_on(oracle::print(&fleet));
            }
        }
    }
    println!("{count} fleets, {failed} failed; {edits} edits, {writes} writes, {crashes} crashes");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
