//! `liaison connector run`, `record` and `shadow`: a component by itself against an
//! account, and another version of it beside.

use serde_json::Value;

use crate::place::{Place, free_port, main_file};
use crate::replaying::crm;
use crate::with_components::component;

const ITEMS: &str = r#"[
    { "action": "create", "patch": { "name": "Dora Klein", "email": "dora@x.fr" } },
    { "action": "create", "patch": { "name": "Egon Voss", "email": "egon@x.fr" } }
]"#;

/// A connection that keeps what is written in a folder, a row to a page.
fn place() -> Place {
    let main = format!(
        "{}[connectors]\ndir = \"connectors\"\n[connections.crm]\nconnector = \"guest-simple\"\n\
         folders.box = {{ path = \"box\", writable = true }}\n\
         settings = {{ folder = \"box\", page = 1 }}\n",
        main_file(free_port())
    );
    let sync = "connection = \"crm\"\nstream = \"people\"\nkind = \"person\"\n\
                schedule = \"manual\"\n[[fields]]\nfield = \"email\"\ntrait = \"email\"\n\
                identity = \"email\"\n";
    let place = Place::new(&[
        ("liaison.toml", main.as_bytes()),
        ("syncs/people.toml", sync.as_bytes()),
        ("connectors/guest-simple.wasm", &component("guest-simple")),
        ("items.json", ITEMS.as_bytes()),
    ]);
    std::fs::create_dir_all(place.path().join("box")).unwrap();
    place
}

fn path(place: &Place, name: &str) -> String {
    place.path().join(name).display().to_string()
}

#[test]
fn one_call_is_made_and_shown() {
    let place = place();
    let crm = ["connector", "run", "crm"];
    let run = |args: &[&str]| place.run(&[&crm[..], args].concat());
    assert_eq!(run(&["check"]).ended(0).stdout, "crm  ok\n");
    let found = run(&["discover", "--json"]).ended(0).json();
    assert_eq!(found["streams"][0]["name"], "people");

    let items = path(&place, "items.json");
    let shown = run(&["write", "people", &items]).ended(1);
    assert!(shown.stderr.contains("nothing was sent"), "{}", shown.stderr);
    assert!(shown.stdout.contains("create") && shown.stdout.contains("dora@x.fr"));
    assert_eq!(run(&["read", "people", "--json"]).ended(0).json()["items"], serde_json::json!([]));

    let sent = run(&["write", "people", &items, "--yes", "--json"]).ended(0).json();
    assert_eq!(sent["outcomes"][0]["outcome"], "created", "{sent}");
    let first = run(&["read", "people", "--json"]).ended(0);
    assert!(first.stderr.contains("there is more: --cursor"), "{}", first.stderr);
    let first = first.json();
    assert_eq!((first["items"].as_array().unwrap().len(), &first["more"]), (1, &true.into()));
    let cursor = first["next"].as_str().unwrap();
    let second = run(&["read", "people", "--cursor", cursor, "--json"]).ended(0).json();
    assert_eq!(second["items"][0]["data"]["email"], "egon@x.fr", "{second}");
    let all = run(&["read", "people", "--pages", "9"]).ended(0).stdout;
    assert!(all.contains("dora@x.fr") && all.ends_with("2 rows, complete\n"), "{all}");

    let key = sent["outcomes"][0]["key"].as_str().unwrap();
    run(&["lookup", "people", key]).ended(0);
    run(&["lookup", "people", key, "nobody"]).ended(1);
    place.write("lost.json", b"[{ \"action\": \"delete\", \"key\": \"nobody\" }]");
    let lost = run(&["write", "people", &path(&place, "lost.json"), "--yes"]).ended(1);
    assert!(lost.stdout.contains("conflict"), "{}", lost.stdout);
    let unknown = run(&["read", "poeple"]).ended(1);
    assert!(unknown.stderr.contains("error[not-found]"), "{}", unknown.stderr);
    assert!(!place.path().join("data").exists(), "a call left something behind");
}

#[test]
fn a_call_becomes_a_case() {
    let place = place();
    let record = |case: &str, call: &[&str]| {
        let case = path(&place, case);
        place.run(&[&["connector", "record", "crm", "--into", &case][..], call].concat())
    };
    let items = path(&place, "items.json");
    let unsent = record("unsent", &["write", "people", &items]).ended(2);
    assert!(unsent.stderr.contains("no call was made"), "{}", unsent.stderr);
    record("write", &["write", "people", &items, "--yes"]).ended(0);
    let read = record("read", &["read", "people", "--pages", "2"]).ended(0);
    assert!(read.stderr.contains("dora@x.fr"), "{}", read.stderr);
    for (case, asked, calls) in [("write", "write", 1), ("read", "read", 2)] {
        place.run(&["replay", &path(&place, case)]).ended(0);
        let about = place.read(&format!("{case}/case.json"));
        assert!(!about.contains("dora"), "{about}");
        let about: Value = serde_json::from_str(&about).unwrap();
        assert_eq!(about["calls"].as_array().unwrap().len(), calls, "{about}");
        assert_eq!(about["calls"][0]["asked"], asked);
    }
    let again = record("read", &["read", "people"]).ended(2);
    assert!(again.stderr.contains("error[recording/case]"), "{}", again.stderr);
    // A call that fails is worth a case too.
    record("failed", &["read", "poeple"]).ended(0);
}

/// Another connector's code under the id of an installed one.
fn other_version(place: &Place) -> String {
    let other = replaced(&component("guest-hostile"), b"guest-hostile\"", b"guest-simple\" ");
    place.write("other.wasm", &other);
    path(place, "other.wasm")
}

#[test]
fn another_version_is_tried_on_live_pages_and_reaches_nobody() {
    let place = place();
    let items = path(&place, "items.json");
    place.run(&["connector", "run", "crm", "write", "people", &items, "--yes"]).ended(0);
    let before = place.snapshot();
    let itself = path(&place, "connectors/guest-simple.wasm");
    let same = place.run(&["connector", "shadow", &itself, "--json"]).ended(0).json();
    assert_eq!((&same["same"], &same["inputs"][0]["masked"]), (&true.into(), &true.into()));
    assert_eq!(same["inputs"][0]["calls"].as_array().unwrap().len(), 2, "{same}");
    assert_eq!(place.snapshot(), before, "a shadow left something behind");

    let other = other_version(&place);
    let ran = place.run(&["connector", "shadow", &other]).ended(1);
    assert!(ran.stdout.contains("0.1.0 -> 0.1.0  differs"), "{}", ran.stdout);
    assert!(ran.stdout.contains("email (mapped to email): "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("dora") && ran.stdout.contains("@"), "{}", ran.stdout);
    let plain = place.run(&["connector", "shadow", &other, "--unmasked"]).ended(1);
    assert!(plain.stdout.contains("dora@x.fr"), "{}", plain.stdout);
    place.run(&["connector", "run", "crm", "read", "people"]).ended(0);
}

#[test]
fn another_version_is_tried_on_recordings_request_by_request() {
    let place = crm();
    let ran = place.run(&["sync", "run", "people", "--record", "--json"]).ended(1);
    let run = ran.json()["id"].as_str().unwrap().to_owned();
    let next = replaced(&component("crm-hubspot"), b"/crm/properties/", b"/crm/propertiez/");
    place.write("next.wasm", &next);
    let next = path(&place, "next.wasm");
    let ran = place.run(&["connector", "shadow", &next, "--recording", &run, "--json"]).ended(1);
    let view = ran.json();
    let calls = view["inputs"][0]["calls"].as_array().unwrap();
    let differing = calls.iter().flat_map(|call| call["requests"].as_array().unwrap());
    let differing: Vec<&Value> = differing.collect();
    assert!(!differing.is_empty(), "{view}");
    for request in differing {
        assert_eq!(request["part"], "url", "{request}");
        assert!(request["runs"].as_str().unwrap().contains("/crm/properties/"), "{request}");
        assert!(request["other"].as_str().unwrap().contains("/crm/propertiez/"), "{request}");
    }
    // What they make of the same answers is the same.
    assert!(calls.iter().all(|call| call["changes"] == serde_json::json!([])), "{view}");
}

#[test]
fn a_version_needs_an_input() {
    let main = format!("{}[connectors]\ndir = \"connectors\"\n", main_file(free_port()));
    let simple = component("guest-simple");
    let place =
        Place::new(&[("liaison.toml", main.as_bytes()), ("connectors/guest-simple.wasm", &simple)]);
    let itself = path(&place, "connectors/guest-simple.wasm");
    let none = place.run(&["connector", "shadow", &itself]).ended(2);
    assert!(none.stderr.contains("error[connector/no-input]"), "{}", none.stderr);
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut found = 0;
    for at in 0..bytes.len().saturating_sub(from.len()) {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found > 0, "there is nothing to replace");
    bytes
}
