//! Who is who, on data whose truth is known; `cargo xtask identity` runs the
//! larger sets.

use std::fs;

use bench::crowd::Crowd;
use xtask::{
    febrl,
    identity::set::{Set, lay_out_febrl},
};

/// Rows of the crowd here: a company, and a library, of many.
const ROWS: usize = 3_000;
const SEED: u64 = 1;

#[test]
fn the_people_of_febrl_are_found_and_nobody_else() {
    let data = match febrl::ready() {
        Ok(data) => data,
        Err(missing) => {
            return missing.skip("identity::the_people_of_febrl_are_found_and_nobody_else");
        }
    };
    let folder = tempfile::tempdir().unwrap();
    lay_out_febrl(&data, 1, folder.path()).unwrap();
    let set = Set::febrl(1).unwrap();
    let score = set.resolve(folder.path()).unwrap();
    assert!(set.is_met(&score), "{score:?}");
    assert_eq!((score.records, score.persons), (1_000, 500));
}

#[test]
fn guards_keep_apart_who_shares_telephones_mailboxes_and_browsers() {
    let [guarded, unguarded] = [true, false].map(|guarded| {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        Crowd::make(SEED, ROWS).write(&folder.path().join("in")).unwrap();
        let set = Set::crowd(guarded);
        let score = set.resolve(folder.path()).unwrap();
        assert!(set.is_met(&score), "seed {SEED}: {score:?}");
        score
    });
    assert!(guarded.recall() > 0.7, "seed {SEED}: {guarded:?}");
    assert!(unguarded.precision() < 0.5, "seed {SEED}: {unguarded:?}");
}
