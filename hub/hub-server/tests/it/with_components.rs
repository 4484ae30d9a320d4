//! The whole way with real components: a file becomes people, by this process
//! or by a running hub, with the same result.

use std::path::PathBuf;

use serde_json::Value;

use crate::hub::Hub;
use crate::place::{Place, free_port, main_file};

/// A component that `cargo xtask components` built.
pub fn component(name: &str) -> Vec<u8> {
    let folder = std::env::var_os("LIAISON_COMPONENTS_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/components")),
        PathBuf::from,
    );
    let path = folder.join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; run `cargo xtask components` first", path.display())
    })
}

const FILES: &str = "[connectors]\ndir = \"connectors\"\n[connections.list]\nconnector = \"files\"\n\
    [connections.list.folders]\nin = { path = \"in\" }\n[connections.list.settings]\nfolder = \"in\"\n\
    [connections.list.settings.streams.people]\nfile = \"people.csv\"\nkey = \"id\"\n";

const PEOPLE: &str = "connection = \"list\"\nstream = \"people\"\nkind = \"person\"\nschedule = \"manual\"\n\
    [[fields]]\nfield = \"name\"\ntrait = \"name\"\n\
    [[fields]]\nfield = \"email\"\ntrait = \"email\"\nidentity = \"email\"\n";

const CSV: &str = "id,name,email\n1,Ana,ana@x.fr\n2,Bob,bob@x.fr\n3,Ana M.,ANA@x.fr\n";

fn place() -> Place {
    let main = format!("{}{FILES}", main_file(free_port()));
    let place =
        Place::new(&[("liaison.toml", main.as_bytes()), ("syncs/people.toml", PEOPLE.as_bytes())]);
    place.write("in/people.csv", CSV.as_bytes());
    place.write("connectors/files.wasm", &component("files"));
    place
}

#[test]
fn a_file_becomes_people_by_this_process_and_by_a_hub() {
    let place = place();
    place.run(&["check"]).ended(0);
    let list = place.run(&["connector", "list", "--json"]).ended(0).json();
    assert_eq!(list["connectors"][0]["id"], "files");
    place.run(&["connection", "check", "list"]).ended(0);
    let found = place.run(&["connection", "discover", "list", "--json"]).ended(0).json();
    assert_eq!(found["streams"][0]["name"], "people");
    assert!(!place.path().join("data").exists(), "looking left something behind");

    let run = place.run(&["sync", "run", "people", "--json"]).ended(0).json();
    assert_eq!((&run["status"], &run["counts"]["new"]), (&"succeeded".into(), &3.into()), "{run}");
    let again = place.run(&["sync", "run", "people", "--json"]).ended(0).json();
    assert_eq!((&again["counts"]["new"], &again["counts"]["changed"]), (&0.into(), &0.into()));

    let ana = place.run(&["profile", "get", "email: ANA@X.fr", "--json"]).ended(0).json();
    assert_eq!(ana["profiles"][0]["records"].as_array().unwrap().len(), 2, "{ana}");
    place.run(&["profile", "get", "email:nobody@x.fr"]).ended(1);
    let export = place.run(&["profile", "export"]).ended(0).stdout;
    let lines: Vec<Value> =
        export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    for line in &lines {
        let keys: Vec<&String> = line.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["id", "identities", "kind", "records", "traits"]);
    }

    let hub = Hub::start(&place);
    assert_eq!(place.run(&["profile", "export"]).ended(0).stdout, export);
    place.write("in/people.csv", format!("{CSV}4,Eva,eva@x.fr\n").as_bytes());
    let run = place.run(&["sync", "run", "people", "--json"]).ended(0).json();
    assert_eq!((&run["status"], &run["counts"]["new"]), (&"succeeded".into(), &1.into()), "{run}");
    let status = place.run(&["sync", "status", "people", "--json"]).ended(0).json();
    assert_eq!(status["status"], "succeeded");
    assert_eq!(place.run(&["store", "stats", "--json"]).ended(0).json()["profiles"], 3);
    let (code, talk) = hub.stop();
    assert_eq!(code, 0, "{talk:#?}");
    let said = talk.join("\n");
    assert!(!said.contains("@x.fr") && !said.contains("Ana"), "personal data in the log: {said}");
    place.run(&["store", "verify"]).ended(0);
}

#[test]
fn a_mapping_that_does_not_fit_is_found_by_check() {
    let place = place();
    for (old, new, code, mend) in [
        (
            "stream = \"people\"",
            "stream = \"poeple\"",
            "mapping/unknown-stream",
            "did you mean `people`",
        ),
        (
            "field = \"email\"",
            "field = \"e_mail\"",
            "mapping/unknown-field",
            "did you mean `email`",
        ),
    ] {
        place.write("syncs/people.toml", PEOPLE.replacen(old, new, 1).as_bytes());
        let ran = place.run(&["check"]).ended(2);
        assert!(ran.stderr.contains(&format!("error[{code}]")), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("syncs/people.toml:") && ran.stderr.contains(mend),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn one_broken_connection_leaves_the_others_running() {
    let place = place();
    let main = place.read("liaison.toml") + "[connections.lost]\nconnector = \"lost\"\n";
    place.write("liaison.toml", main.as_bytes());
    place.write("syncs/lost.toml", PEOPLE.replacen("\"list\"", "\"lost\"", 1).as_bytes());
    place.write("connectors/lost.wasm", b"<html>404</html>");
    let mut hub = Hub::start(&place);
    hub.wait_for("error[connector/not-wasm]");
    let ran = place.run(&["sync", "run", "lost", "--json"]).ended(1);
    assert_eq!(ran.json()["fault"]["code"], "config");
    assert!(ran.stderr.contains("connector/not-wasm"), "{}", ran.stderr);
    let run = place.run(&["sync", "run", "people", "--json"]).ended(0).json();
    assert_eq!(run["counts"]["new"], 3, "{run}");
    place.run(&["sync", "status"]).ended(1);
}

const ERP: &str = "[connectors]\ndir = \"connectors\"\n[connections.erp]\nconnector = \"erp-tryton\"\n\
    hosts = [\"127.0.0.1:1\"]\nprivate = [\"127.0.0.1/32:1\"]\ninsecure_http = true\n\
    [connections.erp.settings]\nurl = \"http://127.0.0.1:1\"\ndatabase = \"demo\"\n\
    [connections.erp.credentials.session]\nusername = \"env:ERP_USER\"\npassword = \"file:password\"\n";

fn erp() -> Place {
    let place =
        Place::new(&[("liaison.toml", format!("{}{ERP}", main_file(free_port())).as_bytes())]);
    place.write("connectors/erp-tryton.wasm", &component("erp-tryton"));
    place.write("password", b"hunter2\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = place.path().join("password");
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    }
    place
}

fn check(place: &Place, args: &[&str]) -> crate::place::Ran {
    let output = place.command(args).env("ERP_USER", "admin").output().unwrap();
    crate::place::Ran::of(output)
}

#[test]
fn secrets_settings_and_hosts_are_checked_before_anything_runs() {
    let place = erp();
    check(&place, &["check"]).ended(0);
    let unset = place.run(&["check"]).ended(2);
    assert!(unset.stderr.contains("error[secret/variable]"), "{}", unset.stderr);
    assert!(
        unset.stderr.contains("ERP_USER") && unset.stderr.contains("liaison.toml:"),
        "{}",
        unset.stderr
    );

    for (old, new, code) in [
        ("database = \"demo\"\n", "", "config/missing-key"),
        ("database = \"demo\"", "databse = \"demo\"", "config/settings-key"),
        ("hosts = [\"127.0.0.1:1\"]", "hosts = [\"127.0.0.2:1\"]", "config/host-not-granted"),
        ("username = \"env:ERP_USER\"\n", "", "secret/parts"),
        ("file:password", "file:nowhere", "secret/file"),
        ("credentials.session", "credentials.sesion", "secret/unknown-slot"),
    ] {
        let before = place.read("liaison.toml");
        assert!(before.contains(old), "{old}");
        place.write("liaison.toml", before.replacen(old, new, 1).as_bytes());
        let ran = check(&place, &["check"]).ended(2);
        assert!(ran.stderr.contains(&format!("error[{code}]")), "{code}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("liaison.toml:") && !ran.stderr.contains("hunter2"),
            "{}",
            ran.stderr
        );
        place.write("liaison.toml", before.as_bytes());
    }
}

#[cfg(unix)]
#[test]
fn a_secret_that_everybody_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = erp();
    let path = place.path().join("password");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
    let ran = check(&place, &["check"]).ended(2);
    assert!(ran.stderr.contains("error[secret/exposed]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("chmod 600") && !ran.stderr.contains("hunter2"), "{}", ran.stderr);
}

#[test]
fn an_unreachable_system_is_a_finding_with_its_reason() {
    let ran = check(&erp(), &["connection", "check", "erp"]).ended(1);
    assert!(ran.stderr.contains("error[unreachable]"), "{}", ran.stderr);
    assert!(ran.stderr.contains(" mend: "), "{}", ran.stderr);
}
