//! Small seeded runs of each proof. The long runs are `cargo xtask ring`, `undo` and
//! `crash --of delivery`.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use sync_soak::{kills, ring, stack, undo};
use xtask::{mail, tryton};

const SEED: u64 = 20_261_130;

/// A folder to work in, or `None` after the test was noted as skipped.
fn folder(test: &str) -> Option<tempfile::TempDir> {
    match tryton::ready().and_then(|_| mail::ready()) {
        Ok(_) => Some(tempfile::tempdir().unwrap()),
        Err(missing) => {
            missing.skip(test);
            None
        }
    }
}

fn proved<R>(name: &str, prove: impl FnOnce(&Path) -> anyhow::Result<R>) -> Option<R> {
    let folder = folder(name)?;
    Some(prove(folder.path()).unwrap_or_else(|error| panic!("seed {SEED}: {error:#}")))
}

#[test]
fn five_systems_agree_and_fall_silent() {
    let options = ring::Options { people: 30, edits: 2, seed: SEED };
    proved("five_systems_agree_and_fall_silent", |work| ring::prove(work, &options));
}

#[test]
fn fifteen_tools_sync_on_schedule() {
    let options = stack::Options { people: 24, seconds: 12 };
    let report = proved("fifteen_tools_sync_on_schedule", |work| stack::prove(work, &options));
    if let Some(report) = report {
        assert_eq!(report.connections.len(), 15, "{report:#?}");
    }
}

#[test]
fn a_wrecked_mapping_is_taken_back_and_plans_are_kept() {
    let options = undo::Options { parties: 150, edits: 9, seed: SEED };
    let name = "a_wrecked_mapping_is_taken_back_and_plans_are_kept";
    proved(name, |work| undo::prove(work, &options));
}

#[test]
fn kills_in_delivery_double_nothing_unseen() {
    let options = kills::Options { kills: 6, seed: SEED, people: 12 };
    let name = "kills_in_delivery_double_nothing_unseen";
    if let Some(report) = proved(name, |work| kills::prove(work, &options)) {
        report.judge().unwrap_or_else(|error| panic!("seed {SEED}: {error:#}\n{report:#?}"));
    }
}
