//! A small seeded share of the fleets; `cargo xtask sim` runs as many as asked.

use hub_core::planted::Bug;
use hub_model::ConsentKey;
use simulation::fleet::Fleet;
use simulation::many;

use super::block_on;

/// Seeds that once failed, kept for ever. When what a seed decides changes, it
/// means another fleet; it is run all the same.
const ONCE_FAILED: &[u64] = &[
    28, 195, 298, 438, 455, 463, 559, 567, 599, 624, 637, 899, 968, 992, 1128, 3878, 4310, 5622,
    100_176, 20_261_330, 20_261_697, 20_262_901, 20_271_934, 20_274_118, 20_276_605, 20_278_144,
    20_280_582, 20_284_984, 20_285_546, 20_401_319, 20_403_030, 20_404_044, 20_412_965, 20_414_703,
];
/// Fleets in the ordinary tests.
const FLEETS: u64 = 500;
/// Fleets within which a planted bug is seen.
const FLEETS_PER_BUG: u64 = 300;

fn must_hold(first: u64, count: u64) -> many::Figures {
    many::run(first, count, |_, seed, wrong| {
        for finding in wrong {
            println!("seed {seed}: {}: {}", finding.invariant, finding.text);
        }
    })
}

#[test]
fn fleets_converge_and_fall_silent() {
    let figures = must_hold(0, FLEETS);
    assert_eq!(figures.failed, 0, "{}", figures.text());
    // The weather was bad enough to mean something.
    let rough = [figures.crashes, figures.faults, figures.hints, figures.decisions];
    assert!(rough.iter().all(|times| *times > FLEETS / 5), "{}", figures.text());
    let slow = [figures.jobs, figures.forgotten, figures.counted, figures.allowances];
    assert!(slow.iter().all(|times| *times > FLEETS / 5), "{}", figures.text());
    for seed in ONCE_FAILED {
        let figures = must_hold(*seed, 1);
        assert_eq!(figures.failed, 0, "{}", figures.text());
    }
}

/// Each of these bugs is seen by one of the first fleets; `cargo xtask sim
/// --planted` takes longer for the others.
#[test]
fn planted_bugs_are_seen() {
    let quickly = [
        Bug::WriteUnread,
        Bug::FormAssumed,
        Bug::NoTombstones,
        Bug::UnknownIsDone,
        Bug::UnknownIsNotDone,
        Bug::SearchBelieved,
        Bug::AttemptNotKept,
        Bug::PositionFirst,
        Bug::DueIfHigher,
        Bug::CreatedSpeaks,
        Bug::FreshKeys,
        Bug::BatchResent,
        Bug::NotHalved,
        Bug::AcceptedIsDone,
        Bug::AnswersShifted,
        Bug::QuotaIgnored,
        Bug::RefusalIgnored,
        Bug::DeletedForAll,
        Bug::DeletesEverywhere,
    ];
    for bug in quickly {
        let caught = many::hunt(bug, 0, FLEETS_PER_BUG);
        assert!(caught.is_some(), "{} is not seen", bug.name());
    }
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
    let required = [ConsentKey::new("marketing", "email")];
    for seed in 0..10 {
        let without = block_on(written_by_the_hub(seed, required.to_vec()));
        assert_eq!(without, 0, "seed {seed}: written without the consent");
    }
    let asked_nothing = (0..10).map(|seed| block_on(written_by_the_hub(seed, Vec::new())));
    assert!(asked_nothing.sum::<usize>() > 0, "the fleets write nothing at all");
}
