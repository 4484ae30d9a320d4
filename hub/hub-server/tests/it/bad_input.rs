//! The catalogue of bad inputs: each is refused with its code, its place and a
//! way to mend, and nothing is changed.

use crate::hub::Hub;
use crate::place::{Place, free_port, main_file};

struct Case {
    name: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    args: &'static [&'static str],
    exit: i32,
    code: &'static str,
    place: &'static str,
    mend: &'static str,
}

const CHECK: &[&str] = &["check"];

/// The sound file with something appended.
fn and(more: &str) -> Vec<(&'static str, Vec<u8>)> {
    vec![("liaison.toml", format!("{}{more}", main_file(8420)).into_bytes())]
}

/// The sound file with one text put for another.
fn but(old: &str, new: &str) -> Vec<(&'static str, Vec<u8>)> {
    let text = main_file(8420);
    assert!(text.contains(old));
    vec![("liaison.toml", text.replacen(old, new, 1).into_bytes())]
}

const CONNECTION: &str = "[connections.crm]\nconnector = \"crm\"\n";

/// A connection and a sync whose keys are given.
fn sync(keys: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = and(CONNECTION);
    let fields = "[[fields]]\nfield = \"email\"\ntrait = \"email\"\nidentity = \"email\"\n";
    files.push(("syncs/people.toml", format!("{keys}{fields}").into_bytes()));
    files
}

fn scheduled(schedule: &str) -> Vec<(&'static str, Vec<u8>)> {
    sync(&format!(
        "connection = \"crm\"\nstream = \"people\"\nkind = \"person\"\nschedule = \"{schedule}\"\n"
    ))
}

fn component(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = and(CONNECTION);
    files.push(("connectors/crm.wasm", bytes.to_vec()));
    files
}

fn case(
    name: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    args: &'static [&'static str],
    (exit, code, place, mend): (i32, &'static str, &'static str, &'static str),
) -> Case {
    Case { name, files, args, exit, code, place, mend }
}

fn utf16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

fn configuration() -> Vec<Case> {
    let sync_keys = "stream = \"people\"\nkind = \"person\"\nschedule = \"manual\"\n";
    vec![
        case("no file", vec![], CHECK, (2, "config/file-missing", "liaison.toml", "create it")),
        case("not TOML", and("[[["), CHECK, (2, "config/syntax", "liaison.toml:10", "")),
        case(
            "UTF-16",
            vec![("liaison.toml", utf16(&main_file(8420)))],
            CHECK,
            (2, "config/encoding", "liaison.toml", "UTF-8"),
        ),
        case(
            "double key",
            and("normaliser = \"email\"\n"),
            CHECK,
            (2, "config/duplicate-key", "liaison.toml:10", "keep one"),
        ),
        case(
            "unknown key",
            but("zone =", "zome ="),
            CHECK,
            (2, "config/unknown-key", "liaison.toml:4", "did you mean `zone`"),
        ),
        case(
            "wrong type",
            but("version = 1", "version = \"1\""),
            CHECK,
            (2, "config/wrong-type", "liaison.toml:1", "write"),
        ),
        case(
            "newer version",
            but("version = 1", "version = 9"),
            CHECK,
            (2, "config/newer-version", "liaison.toml:1", "newer"),
        ),
        case(
            "open to all",
            but("127.0.0.1", "0.0.0.0"),
            CHECK,
            (2, "config/not-loopback", "liaison.toml:7", "TLS proxy"),
        ),
        case(
            "port beyond",
            but(":8420", ":70000"),
            CHECK,
            (2, "config/listen", "liaison.toml:7", "1 to 65535"),
        ),
        case(
            "literal secret",
            and(
                "[connections.crm]\nconnector = \"crm\"\n[connections.crm.credentials.login]\ntoken = \"hunter2\"\n",
            ),
            CHECK,
            (2, "config/literal-secret", "liaison.toml:13", "env:NAME"),
        ),
        case(
            "unknown connection",
            sync(&format!("connection = \"crn\"\n{sync_keys}")),
            CHECK,
            (2, "config/unknown-connection", "syncs/people.toml:1", "did you mean `crm`"),
        ),
        case(
            "misspelt schedule",
            sync(
                "connection = \"crm\"\nstream = \"people\"\nkind = \"person\"\nshedule = \"manual\"\n",
            ),
            CHECK,
            (2, "config/unknown-key", "syncs/people.toml:4", "did you mean `schedule`"),
        ),
    ]
}

fn schedules() -> Vec<Case> {
    let at = "syncs/people.toml:4";
    let refused =
        |name, schedule, code, mend| case(name, scheduled(schedule), CHECK, (2, code, at, mend));
    vec![
        refused("empty schedule", "", "config/empty", ""),
        refused("minute 60", "60 * * * *", "schedule/value", "sync list"),
        refused("six fields", "0 0 2 * * *", "schedule/seconds-field", "drop"),
        refused("31 February", "0 0 31 2 *", "schedule/never-fires", ""),
        refused("Friday to Monday", "0 9 * * FRI-MON", "schedule/reversed-range", "write the list"),
        refused("Quartz", "0 9 L * *", "schedule/quartz", ""),
        refused("no unit", "every 5 minutes", "schedule/every", "every 15m"),
        case(
            "zone of summer",
            sync(
                "connection = \"crm\"\nstream = \"people\"\nkind = \"person\"\nschedule = \"0 9 * * *\"\nzone = \"Europe/Pari\"\n",
            ),
            CHECK,
            (2, "schedule/zone", "syncs/people.toml:5", "Europe/Paris"),
        ),
    ]
}

fn components() -> Vec<Case> {
    let at = "liaison.toml:11";
    let refused =
        |name, bytes: &[u8], code, mend| case(name, component(bytes), CHECK, (2, code, at, mend));
    vec![
        case(
            "no component",
            and(CONNECTION),
            CHECK,
            (2, "connector/missing", at, "put the component file there"),
        ),
        refused("empty file", b"", "connector/not-wasm", "component file"),
        refused(
            "a web page",
            b"<!doctype html><title>404</title>",
            "connector/not-wasm",
            "download",
        ),
        refused(
            "a program",
            b"\x7fELF\x02\x01\x01\0\0\0\0\0",
            "connector/not-wasm",
            "component file",
        ),
        refused("a core module", b"\0asm\x01\0\0\0", "connector/core-module", "component"),
        refused("a stub of a component", b"\0asm\x0d\0\x01\0\x01", "connector/damaged", "fetch"),
        refused("no manifest", b"\0asm\x0d\0\x01\0", "connector/manifest", "manifest"),
        case(
            "inspecting a web page",
            component(b"<html>"),
            &["connector", "inspect", "crm"],
            (2, "connector/not-wasm", "crm.wasm", "component file"),
        ),
    ]
}

fn commands() -> Vec<Case> {
    let people = || scheduled("manual");
    vec![
        case(
            "a sync of another name",
            people(),
            &["sync", "run", "poeple"],
            (2, "cli/unknown-sync", "syncs", "did you mean `people`"),
        ),
        case(
            "a connection of another name",
            people(),
            &["connection", "check", "erp"],
            (2, "cli/unknown-connection", "liaison.toml", "there are: crm"),
        ),
        case(
            "a connector of another name",
            people(),
            &["connector", "inspect", "erp"],
            (2, "connector/missing", "erp.wasm", "put the component file"),
        ),
        case(
            "no namespace",
            and(""),
            &["profile", "get", "ana"],
            (2, "cli/identity", "identity", "email:ana@example.org"),
        ),
        case(
            "another namespace",
            and(""),
            &["profile", "get", "crm:1"],
            (2, "cli/unknown-namespace", "identity", "liaison.toml"),
        ),
        case(
            "no address",
            and(""),
            &["profile", "get", "email:ana"],
            (2, "cli/identity", "identity", "form"),
        ),
        case(
            "no store",
            and(""),
            &["store", "verify"],
            (3, "store/none", "data/default", "data_dir"),
        ),
        case(
            "no hub",
            and(""),
            &["token", "link"],
            (4, "hub/not-running", "data", "liaison serve"),
        ),
        case(
            "no token",
            and(""),
            &["token", "show"],
            (2, "token/none", "api-token", "liaison token new"),
        ),
        case(
            "a filter that is none",
            and(""),
            &["check", "--log", "a=b=c"],
            (2, "cli/log-filter", "--log", "info"),
        ),
        case(
            "data in a file",
            vec![("liaison.toml", main_file(free_port()).into_bytes()), ("data", b"x".to_vec())],
            &["serve"],
            (3, "store/folder", "data", "data_dir"),
        ),
    ]
}

#[test]
fn every_bad_input_is_refused_and_nothing_is_changed() {
    let cases = [configuration(), schedules(), components(), commands()].concat();
    assert!(cases.len() >= 30);
    let mut wrong = Vec::new();
    for case in &cases {
        let files: Vec<(&str, &[u8])> = case.files.iter().map(|(n, b)| (*n, &**b)).collect();
        let place = Place::new(&files);
        let before = place.snapshot();
        let ran = place.run(case.args);
        let error = format!("error[{}]", case.code);
        let at =
            ran.stderr.lines().any(|line| line.starts_with("   at: ") && line.contains(case.place));
        let mend = case.mend.is_empty()
            || ran
                .stderr
                .lines()
                .any(|line| line.starts_with(" mend: ") && line.contains(case.mend));
        let right = ran.code == case.exit && ran.stderr.contains(&error) && at && mend;
        if !right || !ran.stdout.is_empty() || ran.stderr.contains("hunter2") {
            wrong.push(format!("{}: exit {}\n{}{}", case.name, ran.code, ran.stdout, ran.stderr));
        }
        assert_eq!(place.snapshot(), before, "{} changed something", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

impl Clone for Case {
    fn clone(&self) -> Self {
        Self { files: self.files.clone(), ..*self }
    }
}

#[test]
fn all_faults_are_reported_at_once_also_as_json() {
    let mut files = scheduled("60 * * * *");
    files.push((
        "syncs/orders.toml",
        b"connection = \"crm\"\nstream = \"orders\"\nkind = \"person\"\nschedule = \"0 25 * * *\"\n\
          [[fields]]\nfield = \"a\"\ntrait = \"a\"\n"
            .to_vec(),
    ));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (*n, &**b)).collect();
    let ran = Place::new(&files).run(&["check", "--json"]).ended(2);
    let json = ran.json();
    let places: Vec<&str> =
        json["errors"].as_array().unwrap().iter().map(|e| e["place"].as_str().unwrap()).collect();
    assert_eq!(places.len(), 2, "{json}");
    assert!(places.iter().any(|p| p.starts_with("syncs/orders.toml:4")));
    assert!(places.iter().any(|p| p.starts_with("syncs/people.toml:4")));
}

#[test]
fn a_port_in_use_names_its_owner() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let place = Place::new(&[("liaison.toml", main_file(port).as_bytes())]);
    let before = place.snapshot();
    let ran = place.run(&["serve"]).ended(2);
    assert!(ran.stderr.contains("error[serve/port-in-use]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("liaison.toml:7"), "{}", ran.stderr);
    if cfg!(target_os = "linux") {
        assert!(ran.stderr.contains(&std::process::id().to_string()), "{}", ran.stderr);
    }
    assert_eq!(place.snapshot(), before);
}

#[test]
fn a_store_in_use_names_its_owner_and_is_left_alone() {
    let place = Place::sound();
    let hub = Hub::start(&place);
    place.write("liaison.toml", main_file(free_port()).as_bytes());
    for args in [&["serve"][..], &["store", "verify"]] {
        let ran = place.run(args).ended(3);
        assert!(ran.stderr.contains("error[store/locked]"), "{}", ran.stderr);
        assert!(ran.stderr.contains(&hub.pid().to_string()), "{}", ran.stderr);
    }
    assert_eq!(hub.stop().0, 0);
    place.run(&["store", "verify"]).ended(0);
}

#[cfg(unix)]
#[test]
fn files_that_others_may_read_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::sound();
    place.run(&["token", "new"]).ended(0);
    let token = place.path().join("data/api-token");
    std::fs::set_permissions(&token, PermissionsExt::from_mode(0o644)).unwrap();
    let ran = place.run(&["token", "show"]).ended(2);
    assert!(ran.stderr.contains("error[serve/private-file]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("chmod 600"), "{}", ran.stderr);
    assert!(ran.stdout.is_empty());
}
