//! The integrator's way: what `sdk/README.md` and `liaison connector` promise.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use doubles::contacts::Contacts;
use doubles::http::Server;
use plugin_api::Manifest;
use plugin_gateway::OAuthRecipe;
use serde_json::{Value, json};
use xtask::{components, paths, process};

fn readme() -> String {
    fs::read_to_string(paths::root().join("sdk/README.md")).unwrap()
}

/// The blocks of one language, without their fences.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

fn squeezed(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// The crate of the tutorial, which is compiled and tested as a guest.
fn template(name: &str) -> String {
    let folder = "hub/hub-server/src/commands/connector/template";
    fs::read_to_string(paths::root().join(folder).join(name)).unwrap()
}

#[test]
fn every_line_of_code_in_the_tutorial_is_of_the_template() {
    let code = [template("lib.rs"), template("tests.rs")];
    let readme = readme();
    let rust = blocks(&readme, "rust");
    assert!(rust.len() >= 10, "{}", rust.len());
    for block in rust {
        let wanted = squeezed(block);
        let found = code.iter().any(|text| {
            squeezed(text).windows(wanted.len()).any(|lines| lines == wanted.as_slice())
        });
        assert!(found, "not in the template:\n{block}");
    }
    let manifest = template("connector.json");
    let (slots, of_template): (Vec<&str>, Vec<&str>) = blocks(&readme, "json")
        .into_iter()
        .partition(|block| block.trim_start().starts_with("\"credentials\""));
    for block in of_template {
        for line in squeezed(block).iter().map(|line| line.trim_end_matches(',')) {
            assert!(manifest.contains(line), "not in the manifest: {line}");
        }
    }
    assert_eq!(slots.len(), 1, "the slots of other vendors");
    for block in slots {
        are_slots(block);
    }
}

/// What the tutorial shows of other vendors' manifests is at least read as it stands.
fn are_slots(block: &str) {
    let mut manifest: Value = serde_json::from_str(&template("connector.json")).unwrap();
    let shown: Value = serde_json::from_str(&format!("{{{block}}}")).unwrap();
    manifest["credentials"] = shown["credentials"].clone();
    let manifest: Manifest = serde_json::from_value(manifest).unwrap();
    for slot in manifest.credentials {
        assert_eq!(slot.kind, "oauth2", "{block}");
        let _: OAuthRecipe = serde_json::from_value(slot.recipe.unwrap()).unwrap();
    }
}

#[test]
fn every_must_names_its_rule_and_every_rule_its_must() {
    let readme = readme();
    let specification = readme.split("## The specification").nth(1).unwrap();
    let specification = specification.split("\n## ").next().unwrap();
    let sentences: Vec<&str> = specification.split("\n\n").flat_map(numbered).collect();
    for (index, sentence) in sentences.iter().enumerate() {
        assert!(sentence.starts_with(&format!("{}. ", index + 1)), "the number of: {sentence}");
    }
    let named = |text: &str| -> Vec<String> {
        text.split('`').filter(|word| word.contains("::")).map(str::to_owned).collect()
    };
    let known: BTreeSet<String> =
        plugin_conformance::rule_names().into_iter().map(str::to_owned).collect();
    let mut seen = BTreeSet::new();
    for sentence in sentences {
        let rules = named(sentence);
        assert_eq!(sentence.contains("MUST"), !rules.is_empty(), "{sentence}");
        assert!(sentence.contains("MUST") || sentence.contains("SHOULD"), "{sentence}");
        seen.extend(rules);
    }
    assert_eq!(seen, known);
}

/// The numbered sentences of a paragraph, each to where the next one begins.
fn numbered(paragraph: &str) -> Vec<&str> {
    let begins =
        |line: &str| line.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    let mut starts = Vec::new();
    let mut at = 0;
    for line in paragraph.split_inclusive('\n') {
        if begins(line) {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([paragraph.len()]);
    starts.iter().zip(ends).map(|(start, end)| &paragraph[*start..end]).collect()
}

fn liaison(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(paths::binary());
    command.current_dir(folder).args(arguments).env("API_TOKEN", "s3cret").env_remove("RUST_LOG");
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn every_command_of_the_tutorial_exists() {
    let readme = readme();
    let lines = blocks(&readme, "sh").into_iter().flat_map(str::lines);
    let commands = lines.filter_map(|line| line.split_once("liaison ").map(|(_, rest)| rest));
    let mut count = 0;
    for command in commands {
        let words = command.split_whitespace().skip_while(|word| word.starts_with("--config"));
        let mut words: Vec<&str> = words.skip_while(|word| *word == "try").take(2).collect();
        words.push("--help");
        let output = liaison(&paths::root(), &words);
        assert!(output.status.success(), "{command}: {}", said(&output));
        count += 1;
    }
    assert!(count >= 5, "{count}");
}

#[test]
fn from_new_to_a_score_without_a_blemish() {
    let folder = tempfile::tempdir().unwrap();
    let sdk = paths::root().join("sdk/liaison-sdk");
    let sdk = sdk.to_str().unwrap();
    let new = ["connector", "new", "crm-kit", "--title", "The \"kit\"", "--sdk", sdk];
    let output = liaison(folder.path(), &new);
    assert!(output.status.success(), "{}", said(&output));
    let again = liaison(folder.path(), &new);
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    assert!(said(&again).contains("error[connector/exists]"), "{}", said(&again));

    let krate = folder.path().join("crm-kit");
    // The versions that are at hand.
    fs::copy(paths::root().join("Cargo.lock"), krate.join("Cargo.lock")).unwrap();
    let built = components::build_workspace(&krate).unwrap();
    assert_eq!(built.len(), 1);
    let module = paths::guests_target().join("wasm32-unknown-unknown/guest/crm_kit.wasm");
    fs::create_dir_all(krate.join("target/connectors")).unwrap();
    let to = "target/connectors/crm-kit.wasm";
    let output =
        liaison(&krate, &["connector", "pack", module.to_str().unwrap(), "--to", to, "--json"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(fs::read(krate.join(to)).unwrap(), fs::read(&built[0].path).unwrap());
    fs::remove_file(&built[0].path).unwrap();

    let mut account = Contacts::new("s3cret");
    account.page_rows = 3;
    for number in 1..=7 {
        account.enter(&json!({ "name": format!("N{number}"), "email": format!("n{number}@x.fr") }));
    }
    let contacts = Server::start(account).unwrap();
    let hub = krate.join("try/liaison.toml");
    let text = fs::read_to_string(&hub).unwrap().replace("8765", &contacts.port().to_string());
    fs::write(&hub, text).unwrap();
    let test = ["--config", "try", "connector", "test", "account", "--samples", "try/samples.json"];
    let output = liaison(&krate, &[&test[..], &["--json", "--badge", "badge.svg"]].concat());
    assert!(output.status.success(), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    // It has no audience, and nothing is pushed to it.
    let not_its = |rule: &&str| rule.starts_with("audience::") || rule.starts_with("inbound::");
    let rules = plugin_conformance::rule_names().into_iter().filter(|it| !not_its(it)).count();
    assert_eq!(report["score"]["kept"], rules, "{report:#}");
    let badge = fs::read_to_string(krate.join("badge.svg")).unwrap();
    assert!(badge.contains(&format!("{rules}/{rules}")), "{badge}");
    assert!(!said(&output).contains("s3cret"));

    // The same against an account that loses rows at the border of a page.
    contacts.vendor().loses_after = Some(7);
    let output = liaison(&krate, &test);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let line = "destination::rows_written_together_are_all_shown  broken";
    assert!(said(&output).contains(line), "{}", said(&output));
}

#[test]
fn a_missing_target_is_told_with_its_three_ways() {
    let folder = tempfile::tempdir().unwrap();
    let sdk = paths::root().join("sdk/liaison-sdk");
    let new = ["connector", "new", "crm-kit", "--sdk", sdk.to_str().unwrap()];
    assert!(liaison(folder.path(), &new).status.success());
    // A compiler that knows no target.
    let rustc = folder.path().join("rustc");
    fs::write(&rustc, "#!/bin/sh\necho /nowhere\n").unwrap();
    process::run(Command::new("chmod").arg("+x").arg(&rustc)).unwrap();
    let mut command = Command::new(paths::binary());
    command.current_dir(folder.path()).args(["connector", "build", "crm-kit"]);
    let output = command.env("RUSTC", &rustc).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    for part in ["connector/target", "rustup target add", "libstd", "cargo xtask components"] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
}
