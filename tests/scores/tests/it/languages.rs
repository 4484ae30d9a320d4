//! The connector that `liaison connector new` begins, in each language that has an SDK: the
//! same rules are kept as in Rust.

use std::{fs, process::Command};

use scores::{Against, Case, Score};
use xtask::{
    guests::{self, Guest},
    languages::Language,
    paths, process,
};

use crate::contacts;

const SOUND: Case = Case {
    connector: "guest-template",
    class: "CRM",
    against: Against::OwnDouble,
    also: "",
    begin: |_| contacts(None),
};

/// Rules kept, and what was broken, in front of an account of its own.
fn score(guest: &Guest) -> Score {
    let folder = tempfile::tempdir().unwrap();
    let score = Score::of(guest, Some(&SOUND), folder.path()).unwrap();
    assert!(score.broken.is_empty() && score.missing.is_none(), "{}: {score:#?}", guest.name);
    score
}

#[test]
fn the_same_connector_keeps_the_same_rules_in_each_language() {
    let guests = guests::find(&paths::root()).unwrap();
    let rust = score(guests.iter().find(|guest| guest.name == SOUND.connector).unwrap());
    assert!(rust.kept >= 28, "{rust:#?}");
    for language in Language::ALL {
        let guest = match language.ready() {
            Ok(guest) => guest,
            Err(missing) => {
                missing.skip(&format!("languages::the_same_connector: {language:?}"));
                continue;
            }
        };
        let other = score(&guest);
        let figures = |it: &Score| (it.kept, it.not_judgeable, it.directions.clone());
        assert_eq!(figures(&other), figures(&rust), "{language:?}: {other:#?}");
    }
}

#[test]
fn each_sdk_passes_its_own_tests() {
    for language in Language::ALL {
        match language.ready() {
            Ok(_) => drop(language.test_sdk().unwrap_or_else(|error| panic!("{error:#}"))),
            Err(missing) => missing.skip(&format!("languages::each_sdk: {language:?}")),
        }
    }
}

#[test]
fn what_is_begun_in_a_language_passes_its_own_tests() {
    for (language, word, sdk) in
        [(Language::Python, "python", "python"), (Language::TypeScript, "ts", "typescript")]
    {
        if let Err(missing) = language.ready() {
            missing.skip(&format!("languages::what_is_begun: {language:?}"));
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(paths::binary());
        command.current_dir(folder.path()).args(["connector", "new", "crm-kit"]);
        command.args(["--lang", word, "--sdk"]).arg(paths::root().join("sdk").join(sdk));
        process::read(&mut command).unwrap();
        let begun = folder.path().join("crm-kit");
        let manifest = fs::read_to_string(begun.join("connector.json")).unwrap();
        assert!(manifest.contains("\"crm-kit\"") && !manifest.contains("{{"), "{manifest}");
        let readme = fs::read_to_string(begun.join("README.md")).unwrap();
        assert!(readme.contains("target/connectors/crm-kit.wasm"), "{readme}");
        language.test(&begun).unwrap_or_else(|error| panic!("{language:?}: {error:#}"));

        // And becomes a package by the same commands as in Rust.
        let run = |args: &[&str]| {
            let command = Command::new(paths::binary());
            let mut command = language.installed(&begun, command).unwrap();
            process::read(command.args(args)).unwrap_or_else(|error| panic!("{error:#}"))
        };
        run(&["connector", "build"]);
        let package = "target/connectors/crm-kit.wasm";
        run(&["connector", "keygen"]);
        run(&["connector", "sign", package]);
        let shown = run(&["connector", "inspect", package]);
        let unsigned = shown.contains("UNSIGNED") || shown.contains("not verified");
        assert!(shown.contains("0.1.0") && !unsigned, "{language:?}: {shown}");
    }
}
