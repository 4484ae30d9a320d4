//! Runs that are recorded, replayed where their system is not, and made into tests.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::hub::Hub;
use crate::place::{Place, free_port, main_file};
use crate::with_components::{self, CSV, component};

const CANARY: &str = "c4n4ry-in-the-m1ne";

/// A vendor that answers everything with one page, and repeats what it was sent.
fn vendor() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut seen = [0; 8192];
            let bytes = stream.read(&mut seen).unwrap_or(0);
            let head = String::from_utf8_lossy(&seen[..bytes]).into_owned();
            let sent = head.lines().find(|line| line.to_lowercase().starts_with("authorization"));
            let body = format!(
                "<html>Down for maintenance, write to ana.martin@x.fr<!-- {} --></html>",
                sent.unwrap_or_default()
            );
            let length = body.len();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\
                        Date: Mon, 30 Nov 2026 12:00:00 GMT\r\n";
            let _ = write!(stream, "{head}Content-Length: {length}\r\n\r\n{body}");
        }
    });
    port
}

pub fn crm() -> Place {
    let port = vendor();
    let main = format!(
        "{}[connectors]\ndir = \"connectors\"\n[connections.crm]\nconnector = \"crm-hubspot\"\n\
         hosts = [\"127.0.0.1:{port}\"]\nprivate = [\"127.0.0.1/32:{port}\"]\n\
         insecure_http = true\nsettings = {{ url = \"http://127.0.0.1:{port}\" }}\n\
         credentials.token = {{ token = \"file:token\" }}\n",
        main_file(free_port())
    );
    let sync = "connection = \"crm\"\nstream = \"contacts\"\nschedule = \"manual\"\n\
                [[fields]]\nfield = \"email\"\ntrait = \"email\"\nidentity = \"email\"\n";
    let place = Place::new(&[
        ("liaison.toml", main.as_bytes()),
        ("syncs/people.toml", sync.as_bytes()),
        ("connectors/crm-hubspot.wasm", &component("crm-hubspot")),
        ("token", CANARY.as_bytes()),
    ]);
    private(&place.path().join("token"));
    place
}

#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

fn recordings(place: &Place) -> Vec<Value> {
    let list = place.run(&["recording", "list", "--json"]).ended(0).json();
    list["recordings"].as_array().unwrap().clone()
}

#[test]
fn a_failing_run_is_replayed_on_a_clean_machine_and_becomes_a_test() {
    let place = crm();
    let ran = place.run(&["sync", "run", "people", "--record", "--json"]).ended(1);
    let run = ran.json()["id"].as_str().unwrap().to_owned();
    assert!(ran.stderr.contains(&format!("liaison replay {run}")), "{}", ran.stderr);
    let file = PathBuf::from(recordings(&place)[0]["file"].as_str().unwrap());
    let text = unpacked(&file);
    assert!(text.contains("Down for maintenance") && !text.contains(CANARY), "{text}");
    let here = place.run(&["replay", &run, "--json"]).ended(0).json();
    let here = &here["recordings"][0];
    assert_eq!((&here["same"], &here["run"]), (&true.into(), &run.as_str().into()), "{here}");
    let last = here["calls"].as_array().unwrap().last().unwrap();
    assert_eq!(last["gave"]["fault"]["code"], "schema-drift", "{last}");

    // Nothing but the component and the recording.
    let clean = Place::new(&[
        ("connectors/crm-hubspot.wasm", &component("crm-hubspot")),
        ("run.ndjson.gz", &std::fs::read(&file).unwrap()),
    ]);
    let before = clean.snapshot();
    let recording = clean.path().join("run.ndjson.gz").display().to_string();
    let there = clean.run(&["replay", &recording, "--json"]).ended(0).json();
    assert_eq!(there["recordings"][0]["output"], here["output"]);
    assert_eq!(there["recordings"][0]["calls"], here["calls"]);
    assert_eq!(clean.snapshot(), before, "replaying left something behind");
    clean.run(&["replay", &recording, "--page", "99"]).ended(2);

    let case = place.path().join("cases/down");
    let case = case.to_str().unwrap();
    let made = place.run(&["recording", "test", &run, "--into", case, "--json"]).ended(0).json();
    assert_eq!(made["same"], true);
    let about: Value = serde_json::from_str(&place.read("cases/down/case.json")).unwrap();
    assert_eq!((&about["masked"], &about["output"]), (&true.into(), &made["output"]));
    let text = unpacked(&place.path().join("cases/down/recording.ndjson.gz"));
    assert!(!text.contains("martin") && text.contains('@'), "{text}");
    place.run(&["replay", case]).ended(0);
    let again = place.run(&["recording", "test", &run, "--into", case]).ended(2);
    assert!(again.stderr.contains("error[recording/case]"), "{}", again.stderr);
}

#[test]
fn what_is_no_recording_or_not_the_recorded_component_is_told() {
    let place = crm();
    let ran = place.run(&["sync", "run", "people", "--record", "--json"]).ended(1);
    let run = ran.json()["id"].as_str().unwrap().to_owned();
    let file = PathBuf::from(recordings(&place)[0]["file"].as_str().unwrap());
    place.write("other.wasm", &component("erp-tryton"));
    let other = place.path().join("other.wasm").display().to_string();
    let ran = place.run(&["replay", &run, "--component", &other]).ended(1);
    assert!(ran.stdout.contains("differs"), "{}", ran.stdout);
    assert!(ran.stderr.contains("another component than recorded"), "{}", ran.stderr);
    assert!(ran.stderr.contains("recorded: GET http://127.0.0.1"), "{}", ran.stderr);

    let good = std::fs::read(&file).unwrap();
    let mut lines: Vec<String> = unpacked(&file).lines().map(str::to_owned).collect();
    lines[1] = lines[1].replace("maintenance", "maintenanse");
    let mut edited = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    lines.iter().for_each(|line| writeln!(edited, "{line}").unwrap());
    for (bytes, code, place_of_it) in [
        (&good[..good.len() / 2], "recording/damaged", "line "),
        (&edited.finish().unwrap(), "recording/changed", "line 2 "),
        (b"id,name\n", "recording/damaged", "line 1 "),
        (b"", "recording/damaged", "line 1 "),
    ] {
        place.write("bad.ndjson.gz", bytes);
        let bad = place.path().join("bad.ndjson.gz").display().to_string();
        let ran = place.run(&["replay", &bad]).ended(2);
        assert!(ran.stderr.contains(&format!("error[{code}]")), "{code}: {}", ran.stderr);
        assert!(ran.stderr.contains(place_of_it), "{}", ran.stderr);
    }
    let ran = place.run(&["replay", "1-peple"]).ended(2);
    assert!(ran.stderr.contains("error[recording/unknown]"), "{}", ran.stderr);
    let clean = Place::new(&[("run.ndjson.gz", &good)]);
    let recording = clean.path().join("run.ndjson.gz").display().to_string();
    let ran = clean.run(&["replay", &recording]).ended(2);
    assert!(ran.stderr.contains("error[replay/component]"), "{}", ran.stderr);
}

#[test]
fn the_configuration_says_which_runs_are_kept() {
    let place = with_components::place();
    let main = place.read("liaison.toml");
    place.run(&["sync", "run", "people"]).ended(0);
    assert!(recordings(&place).is_empty());
    place.write("liaison.toml", format!("{main}[recording]\non = \"failure\"\n").as_bytes());
    place.run(&["sync", "run", "people"]).ended(0);
    assert!(recordings(&place).is_empty(), "a good run is kept");
    std::fs::remove_file(place.path().join("in/people.csv")).unwrap();
    let failed = place.run(&["sync", "run", "people", "--json"]).ended(1).json();
    let kept = recordings(&place);
    assert_eq!((kept.len(), &kept[0]["run"]), (1, &failed["id"]));

    place.write("in/people.csv", CSV.as_bytes());
    place.write("liaison.toml", format!("{main}[recording]\non = \"always\"\n").as_bytes());
    let hub = Hub::start(&place);
    let ran = place.run(&["sync", "run", "people", "--record"]).ended(2);
    assert!(ran.stderr.contains("error[recording/by-hub]"), "{}", ran.stderr);
    let run = place.run(&["sync", "run", "people", "--json"]).ended(0).json();
    let run = run["id"].as_str().unwrap();
    let kept = || recordings(&place).iter().any(|it| it["run"] == run);
    for _ in 0..100 {
        if !kept() {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    assert!(kept(), "the hub kept no recording");
    hub.stop();

    let masked = place.path().join("masked.ndjson.gz");
    let to = masked.display().to_string();
    place.run(&["recording", "export", run, "--mask", "--to", &to]).ended(0);
    let text = unpacked(&masked);
    assert!(text.contains("id,name,email") && !text.contains("Ana"), "{text}");
    assert!(!text.to_lowercase().contains("ana@"), "{text}");
    place.run(&["replay", &to]).ended(0);
    place.run(&["recording", "export", run, "--to", &to]).ended(2);
}

/// Recordings of failing runs that were made into tests: a version of the connector that
/// makes something else of them is noticed.
#[test]
fn kept_cases_give_what_they_gave() {
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let mut found = 0;
    for entry in std::fs::read_dir(cases).unwrap() {
        let case = entry.unwrap().path();
        let about = std::fs::read_to_string(case.join("case.json")).unwrap();
        let about: Value = serde_json::from_str(&about).unwrap();
        let place = Place::new(&[("it.wasm", &component(about["connector"].as_str().unwrap()))]);
        let component = place.path().join("it.wasm").display().to_string();
        let case = case.display().to_string();
        place.run(&["replay", &case, "--component", &component]).ended(0);
        found += 1;
    }
    assert!(found > 0, "{cases} is empty");
}
