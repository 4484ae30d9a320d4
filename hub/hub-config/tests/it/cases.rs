//! A case is a configuration, what is expected of it in `expected.txt`, and
//! perhaps a connector's schema in `settings-schema.json`. Set UPDATE_EXPECT=1
//! to write what was found, and read the difference.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hub_config::{ConfigFault, code, load, settings_faults};

use crate::summary::summary;

/// A text that cases use for secrets in the wrong place.
const CANARY: &str = "hunter2";

pub(crate) fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    cases
}

fn name(case: &Path) -> &str {
    case.file_name().unwrap().to_str().unwrap()
}

/// The faults of a case, those of its settings included.
fn faults(case: &Path) -> Vec<ConfigFault> {
    let config = match load(case) {
        Ok(config) => config,
        Err(faults) => return faults,
    };
    let Ok(schema) = fs::read_to_string(case.join("settings-schema.json")) else {
        return Vec::new();
    };
    let schema = serde_json::from_str(&schema).unwrap();
    config.connections.iter().flat_map(|connection| settings_faults(connection, &schema)).collect()
}

fn found(case: &Path) -> String {
    let faults = faults(case);
    if faults.is_empty() {
        return summary(&load(case).unwrap());
    }
    faults.iter().map(|fault| format!("{fault}\n    at `{}`\n", fault.place)).collect()
}

#[test]
fn every_case_is_as_expected() {
    let mut wrong = Vec::new();
    for case in cases() {
        let found = found(&case);
        let expected = case.join("expected.txt");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).ok().as_ref() != Some(&found) {
            wrong.push(format!("== {}\n{found}", name(&case)));
        }
    }
    assert!(wrong.is_empty(), "not as in expected.txt:\n{}", wrong.join("\n"));
}

#[test]
fn good_cases_are_good_and_others_are_not() {
    for case in cases() {
        let good = name(&case).starts_with("good-") || name(&case) == "09-bom-and-crlf";
        assert_eq!(faults(&case).is_empty(), good, "{}", name(&case));
    }
}

#[test]
fn no_fault_repeats_a_secret() {
    for case in cases() {
        for fault in faults(&case) {
            let json = serde_json::to_string(&fault).unwrap();
            let debug = format!("{fault} {fault:?} {json}");
            assert!(!debug.contains(CANARY), "{}: {debug}", name(&case));
        }
    }
}

#[test]
fn every_fault_has_a_known_code_a_place_and_whole_sentences() {
    let mut seen = BTreeSet::new();
    for case in cases() {
        for fault in faults(&case) {
            assert!(code::ALL.contains(&fault.code), "{fault}");
            assert!(!fault.location.file.is_empty(), "{fault}");
            // Their problem says what is expected, and that is all.
            let bare = [code::SYNTAX, code::OUT_OF_RANGE, code::EMPTY, code::UNKNOWN_WORD];
            let bare = bare.contains(&fault.code);
            assert!(bare || !fault.mend().is_empty(), "how to mend it? {fault}");
            assert!(!fault.problem().ends_with("is wrong"), "an argument is missing: {fault:?}");
            assert!(!fault.to_string().contains('\n'), "{fault}");
            seen.insert(fault.code);
        }
    }
    // These need files that no repository should hold; see `files.rs`.
    let elsewhere = [code::FILE_UNREADABLE, code::FILE_TOO_LARGE, code::TOO_MANY_FILES];
    let unseen: Vec<_> =
        code::ALL.iter().filter(|c| !seen.contains(**c) && !elsewhere.contains(c)).collect();
    assert!(unseen.is_empty(), "no case shows {unseen:?}");
}
