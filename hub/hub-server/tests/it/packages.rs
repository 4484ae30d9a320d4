//! Connectors as packages: what is let in, what is refused, and what becomes of one
//! that was altered after it was installed.

use serde_json::{Value, json};

use crate::place::{Place, Ran, free_port, main_file};
use crate::with_components::component;

/// The connector that these tests install.
const ID: &str = "guest-template";
/// What begins the custom section of the manifest: its id, its length in two bytes, and
/// the length of its name.
const SECTION_HEAD_BYTES: usize = 4;

/// The connector without its manifest, and the manifest.
fn parts() -> (Vec<u8>, Value) {
    let whole = component(ID);
    let name = b"liaison:manifest";
    let at = whole.windows(name.len()).rposition(|window| window == name).unwrap();
    let manifest = serde_json::from_slice(&whole[at + name.len()..]).unwrap();
    (whole[..at - SECTION_HEAD_BYTES].to_vec(), manifest)
}

/// The connector with a manifest of ours.
pub fn package(edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let (bare, mut manifest) = parts();
    edit(&mut manifest);
    plugin_pack::append(&bare, manifest.to_string().as_bytes()).unwrap()
}

/// The connector in some version.
pub fn version(version: &str) -> Vec<u8> {
    package(|manifest| manifest["version"] = version.into())
}

/// A place with a connection of the connector, and two authors' keys.
pub fn place(port: u16) -> Place {
    let main = format!(
        "{}[connectors]\ndir = \"connectors\"\n[connections.crm]\nconnector = \"{ID}\"\n\
         hosts = [\"127.0.0.1:{port}\"]\nprivate = [\"127.0.0.1/32:{port}\"]\ninsecure_http = true\n\
         [connections.crm.settings]\nurl = \"http://127.0.0.1:{port}\"\n\
         [connections.crm.credentials.token]\ntoken = \"env:TOKEN\"\n",
        main_file(free_port())
    );
    let place = Place::new(&[("liaison.toml", main.as_bytes())]);
    for author in ["author", "other"] {
        let key = place.path().join(format!("{author}.key"));
        place.run(&["connector", "keygen", "--to", key.to_str().unwrap()]).ended(0);
    }
    place
}

/// Runs a command with the connection's secret set.
pub fn run(place: &Place, args: &[&str]) -> Ran {
    Ran::of(place.command(args).env("TOKEN", "t0ken").env("USER", "ana").output().unwrap())
}

/// Offers a package.
fn offer(place: &Place, verb: &str, file: &str, more: &[&str]) -> Ran {
    let path = place.path().join(file);
    run(place, &[&["connector", verb, path.to_str().unwrap(), "--json"], more].concat())
}

/// Writes a package, signed by an author.
pub fn write(place: &Place, file: &str, bytes: &[u8], author: Option<&str>) {
    place.write(file, bytes);
    if let Some(author) = author {
        let (path, key) = (place.path().join(file), place.path().join(format!("{author}.key")));
        let (path, key) = (path.to_str().unwrap(), key.to_str().unwrap());
        place.run(&["connector", "sign", path, "--key", key]).ended(0);
    }
}

/// The place with version 1.0.0 installed.
pub fn installed(port: u16) -> Place {
    let place = place(port);
    write(&place, "offered/one.wasm", &version("1.0.0"), Some("author"));
    offer(&place, "install", "offered/one.wasm", &["--approve"]).ended(0);
    place
}

/// The only connector of a list.
fn listed(place: &Place) -> Value {
    run(place, &["connector", "list", "--json"]).ended(0).json()["connectors"][0].clone()
}

fn wider(version: &str) -> Vec<u8> {
    package(|manifest| {
        manifest["version"] = version.into();
        manifest["hosts"] = json!(["{settings.url}", "collect.example"]);
    })
}

#[test]
fn a_package_is_approved_upgraded_held_and_removed() {
    let place = place(1);
    write(&place, "offered/one.wasm", &version("1.0.0"), Some("author"));
    let before = place.snapshot();
    let asked = offer(&place, "install", "offered/one.wasm", &[]).ended(1);
    for part in ["connector/not-approved", "wants host {settings.url}", "wants credential token"] {
        assert!(asked.stderr.contains(part), "{part}: {}", asked.stderr);
    }
    assert_eq!(place.snapshot(), before);

    let done = offer(&place, "install", "offered/one.wasm", &["--approve"]).ended(0).json();
    let key = place.read("author.key.pub").lines().nth(1).unwrap().to_owned();
    assert_eq!(done["connectors"][0]["state"], "installed");
    assert_eq!(done["connectors"][0]["signed_by"], key);
    let lock = place.read("connectors.lock");
    for part in ["[connectors.guest-template.runs]", "by = \"ana\"", &key, "\"token: bearer\""] {
        assert!(lock.contains(part), "{part}: {lock}");
    }
    assert_eq!(listed(&place)["installed"], true);
    run(&place, &["check"]).ended(0);
    let shown = run(&place, &["connector", "inspect", ID]).ended(0).stdout;
    assert!(shown.contains("by ana") && shown.contains(&key), "{shown}");

    // A later version that asks for no more runs at once.
    write(&place, "offered/two.wasm", &version("1.1.0"), Some("author"));
    offer(&place, "upgrade", "offered/two.wasm", &[]).ended(0);
    assert_eq!(listed(&place)["version"], "1.1.0");

    // One that asks for more waits, and the old one goes on.
    write(&place, "offered/three.wasm", &wider("1.2.0"), Some("author"));
    let held = offer(&place, "upgrade", "offered/three.wasm", &[]).ended(1);
    assert_eq!(held.json()["connectors"][0]["wider"]["hosts"], json!(["collect.example"]));
    let now = listed(&place);
    assert_eq!((&now["version"], &now["held"]["version"]), (&"1.1.0".into(), &"1.2.0".into()));
    let check = run(&place, &["check"]).ended(0);
    assert!(check.stderr.contains("1.2.0 is held, 1.1.0 runs"), "{}", check.stderr);
    let lock = place.read("connectors.lock");
    let shown = run(&place, &["connector", "approve", ID, "--json"]).ended(0).json();
    assert_eq!((&shown["approved"], &shown["from"]), (&false.into(), &"1.1.0".into()));
    assert_eq!(place.read("connectors.lock"), lock);
    run(&place, &["connector", "approve", ID, "--yes"]).ended(0);
    let now = listed(&place);
    assert_eq!((&now["version"], &now["held"]), (&"1.2.0".into(), &Value::Null));
    run(&place, &["connector", "approve", ID, "--yes"]).ended(2);
    // Only what the lock file names is kept.
    assert_eq!(std::fs::read_dir(place.path().join("connectors/sha256")).unwrap().count(), 2);

    let used = run(&place, &["connector", "remove", ID]).ended(2);
    assert!(used.stderr.contains("connector/in-use"), "{}", used.stderr);
    place.write("liaison.toml", main_file(free_port()).as_bytes());
    run(&place, &["connector", "remove", ID]).ended(0);
    assert!(run(&place, &["connector", "list", "--json"]).ended(0).stdout.contains("[]"));
    run(&place, &["connector", "remove", ID]).ended(2);
}

struct Bad {
    name: &'static str,
    bytes: Vec<u8>,
    author: Option<&'static str>,
    verb: &'static str,
    code: &'static str,
}

fn bad() -> Vec<Bad> {
    let bad = |name, bytes, author, verb, code| Bad { name, bytes, author, verb, code };
    let signed = Some("author");
    let (bare, manifest) = parts();
    let twice = plugin_pack::append(&version("2.0.0"), manifest.to_string().as_bytes()).unwrap();
    let cut = version("2.0.0");
    let contract = package(|it| (it["version"], it["contract"]) = ("2.0.0".into(), "9.0.0".into()));
    let other = package(|it| (it["id"], it["version"]) = ("another".into(), "2.0.0".into()));
    let promises = package(|it| it["capabilities"] = json!(["source", "sender"]));
    vec![
        bad("unsigned", version("2.0.0"), None, "upgrade", "connector/no-longer-signed"),
        bad("another key", version("2.0.0"), Some("other"), "upgrade", "connector/other-key"),
        bad("truncated", cut[..cut.len() / 2].to_vec(), None, "upgrade", "connector/damaged"),
        bad("no manifest", bare, None, "upgrade", "connector/manifest"),
        bad("two manifests", twice, None, "upgrade", "connector/manifest"),
        bad("contract too new", contract, None, "upgrade", "connector/contract"),
        bad("promises what it has not", promises, None, "upgrade", "connector/unfit"),
        bad("another id", other.clone(), signed, "upgrade", "connector/not-installed"),
        bad("another id, unsigned", other, None, "install", "connector/unsigned"),
        bad("older", version("0.9.0"), signed, "upgrade", "connector/downgrade"),
        bad("the same version", wider("1.0.0"), signed, "upgrade", "connector/downgrade"),
        bad("no version", version("newest"), signed, "upgrade", "connector/version"),
        bad("there already", version("2.0.0"), signed, "install", "connector/installed"),
        bad("a page", b"<html>404</html>".to_vec(), None, "install", "connector/not-wasm"),
    ]
}

#[test]
fn bad_packages_are_refused_and_nothing_changes() {
    let place = installed(1);
    let refused = |name: &str, verb: &str, code: &str| {
        let before = place.snapshot();
        let ran = offer(&place, verb, "offered/bad.wasm", &["--approve"]).ended(2);
        assert_eq!(ran.json()["errors"][0]["code"], code, "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains(" mend: "), "{name}: {}", ran.stderr);
        assert_eq!(place.snapshot(), before, "{name}");
    };
    let (file, signature) = ("offered/bad.wasm", place.path().join("offered/bad.wasm.minisig"));
    for case in bad() {
        write(&place, file, &case.bytes, case.author);
        refused(case.name, case.verb, case.code);
        let _ = std::fs::remove_file(&signature);
    }

    // A byte of the code, and one of the manifest, are not what was signed.
    let good = version("2.0.0");
    let altered = |at: usize| {
        let mut altered = good.clone();
        altered[at] ^= 1;
        altered
    };
    let title = b"Template guest";
    let in_manifest = good.windows(title.len()).rposition(|window| window == title).unwrap();
    // Where the form stays sound: only the signature tells.
    let sound = |at: &usize| plugin_host::inspect::inspect(&altered(*at)).is_ok();
    let in_code = (good.len() / 3..good.len()).find(sound).unwrap();
    write(&place, file, &good, Some("author"));
    for (name, at) in [("a byte of the code", in_code), ("a byte of the manifest", in_manifest)] {
        place.write(file, &altered(at));
        refused(name, "upgrade", "connector/tampered");
    }
    place.write("offered/bad.wasm.minisig", b"no signature");
    refused("a signature that is none", "upgrade", "connector/signature");

    // A device or a sparse file has no end.
    let large = std::fs::File::create(place.path().join(file)).unwrap();
    large.set_len(1 << 30).unwrap();
    let ran = offer(&place, "upgrade", file, &["--approve"]).ended(2);
    assert_eq!(ran.json()["errors"][0]["code"], "connector/too-large");
    #[cfg(unix)]
    {
        std::fs::remove_file(place.path().join(file)).unwrap();
        std::os::unix::fs::symlink("one.wasm", place.path().join(file)).unwrap();
        refused("a link", "upgrade", "connector/symlink");
    }
    assert_eq!(listed(&place)["version"], "1.0.0");
}

#[test]
fn neither_clear_text_nor_the_own_network_nor_another_digest_is_let_in() {
    let place = place(1);
    write(&place, "offered/one.wasm", &version("1.0.0"), Some("author"));
    let (file, before) = (place.path().join("offered/one.wasm"), place.snapshot());
    let (file, other) = (file.to_str().unwrap(), format!("sha256:{}", "0".repeat(64)));
    let cases: [(&[&str], &str); 5] = [
        (&["http://127.0.0.1:9/x.wasm"], "connector/fetch"),
        (&["https://127.0.0.1:9/x.wasm"], "connector/fetch"),
        (&["https://connectors.example/x.wasm?version=2"], "connector/fetch"),
        (&[file, "--digest", &other], "connector/tampered"),
        (&[file, "--digest", "latest"], "connector/digest"),
    ];
    for (args, code) in cases {
        let args = [&["connector", "install", "--approve", "--json"], args].concat();
        let ran = run(&place, &args).ended(2);
        assert_eq!(ran.json()["errors"][0]["code"], code, "{args:?}: {}", ran.stderr);
        assert_eq!(place.snapshot(), before, "{args:?}");
    }
    let shown = run(&place, &["connector", "inspect", file, "--json"]).ended(0).json();
    let digest = format!("sha256:{}", shown["digest"].as_str().unwrap());
    run(&place, &["connector", "install", "--approve", file, "--digest", &digest]).ended(0);
}

#[test]
fn what_was_altered_does_not_run_and_the_others_do() {
    let place = installed(1);
    let list = "[connections.list]\nconnector = \"files\"\n[connections.list.folders]\nin = { path = \"in\" }\n\
        [connections.list.settings]\nfolder = \"in\"\n\
        [connections.list.settings.streams.people]\nfile = \"people.csv\"\nkey = \"id\"\n";
    place.write("liaison.toml", (place.read("liaison.toml") + list).as_bytes());
    place.write(
        "syncs/people.toml",
        b"connection = \"list\"\nstream = \"people\"\nkind = \"person\"\nschedule = \"manual\"\n\
          [[fields]]\nfield = \"email\"\ntrait = \"email\"\nidentity = \"email\"\n",
    );
    place.write("in/people.csv", b"id,email\n1,ana@x.fr\n");
    write(&place, "offered/files.wasm", &component("files"), None);
    offer(&place, "install", "offered/files.wasm", &["--approve"]).ended(2);
    offer(&place, "install", "offered/files.wasm", &["--approve", "--allow-unsigned"]).ended(0);
    let check = run(&place, &["check"]).ended(0);
    assert!(check.stderr.contains("`files` is signed by nobody"), "{}", check.stderr);
    let table = run(&place, &["connector", "list"]).ended(0).stdout;
    assert!(table.contains("UNSIGNED"), "{table}");

    let lock = place.read("connectors.lock");
    let digest = listed_digest(&place);
    let stored = format!("connectors/sha256/{digest}.wasm");
    let (good, signature) =
        (std::fs::read(place.path().join(&stored)).unwrap(), format!("{stored}.minisig"));
    let signed = place.read(&signature);
    write(&place, "offered/next.wasm", &version("1.1.0"), Some("author"));
    let next = std::fs::read(place.path().join("offered/next.wasm")).unwrap();
    let remove = |name: &str| std::fs::remove_file(place.path().join(name)).unwrap();
    let refused = |name: &str, code: &str| {
        let check = run(&place, &["check"]).ended(2);
        assert!(check.stderr.contains(&format!("error[{code}]")), "{name}: {}", check.stderr);
        assert!(check.stderr.contains(" mend: "), "{name}: {}", check.stderr);
    };
    let mended = |name: &str| {
        offer(&place, "install", "offered/one.wasm", &[]).ended(0);
        run(&place, &["check"]).ended(0);
        assert_eq!(std::fs::read(place.path().join(&stored)).unwrap(), good, "{name}");
    };

    // Replaced after it was verified, by a package that the same author signed.
    place.write(&stored, &next);
    refused("another package", "connector/tampered");
    let ran = run(&place, &["sync", "run", "people", "--json"]).ended(0).json();
    assert_eq!(ran["status"], "succeeded", "the other connector: {ran}");
    mended("another package");
    let mut altered = good.clone();
    *altered.last_mut().unwrap() = b' ';
    place.write(&stored, &altered);
    refused("a byte", "connector/tampered");
    mended("a byte");
    remove(&signature);
    refused("no signature", "connector/tampered");
    mended("no signature");
    assert_eq!(place.read(&signature), signed);
    remove(&stored);
    refused("gone", "connector/unreadable");
    mended("gone");
    #[cfg(unix)]
    {
        remove(&stored);
        std::os::unix::fs::symlink(
            place.path().join("offered/one.wasm"),
            place.path().join(&stored),
        )
        .unwrap();
        refused("a link", "connector/symlink");
        mended("a link");
    }

    // The lock file itself: another digest, another version, fewer approvals.
    let moved = format!("connectors/sha256/{}.wasm", hex(&next));
    place.write(&moved, &next);
    place.write(&format!("{moved}.minisig"), place.read("offered/next.wasm.minisig").as_bytes());
    place.write("connectors.lock", lock.replace(&digest, &hex(&next)).as_bytes());
    refused("another digest", "connector/tampered");
    for (name, old, new, code) in [
        ("less was approved", "{settings.url}", "{settings.uri}", "connector/not-approved"),
        ("not there", "connectors.guest-template", "connectors.guest", "connector/not-installed"),
    ] {
        let edited = lock.replace(old, new);
        assert_ne!(edited, lock, "{name}: {lock}");
        place.write("connectors.lock", edited.as_bytes());
        refused(name, code);
    }
    place.write("connectors.lock", b"version = 1\n[[[");
    let check = run(&place, &["check"]).ended(2);
    assert!(check.stderr.contains("error[connector/lock]"), "{}", check.stderr);
    place.write("connectors.lock", lock.as_bytes());
    run(&place, &["check"]).ended(0);
}

fn hex(bytes: &[u8]) -> String {
    plugin_install::digest(bytes).replace("sha256:", "")
}

/// The digest of the installed template.
fn listed_digest(place: &Place) -> String {
    let list = run(place, &["connector", "list", "--json"]).ended(0).json();
    let mut all = list["connectors"].as_array().unwrap().iter();
    all.find(|it| it["id"] == ID).unwrap()["digest"].as_str().unwrap().to_owned()
}

#[test]
fn a_folder_is_the_set_until_something_is_installed() {
    let place = place(1);
    place.write(&format!("connectors/{ID}.wasm"), &component(ID));
    let check = run(&place, &["check", "--json"]).ended(0).json();
    assert!(check["warnings"][0].as_str().unwrap().contains("connector install"), "{check}");
    assert_eq!(listed(&place)["installed"], false);

    // Installing another one would take this connection's connector away.
    write(&place, "offered/files.wasm", &component("files"), Some("author"));
    let before = place.snapshot();
    let ran = offer(&place, "install", "offered/files.wasm", &["--approve"]).ended(2);
    assert!(ran.stderr.contains("connector/left-out") && ran.stderr.contains(ID), "{}", ran.stderr);
    assert_eq!(place.snapshot(), before);

    let ran = offer(&place, "install", "connectors", &["--approve", "--allow-unsigned"]).ended(0);
    assert_eq!(ran.json()["connectors"][0]["signed_by"], Value::Null);
    let check = run(&place, &["check"]).ended(0);
    assert!(check.stderr.contains("is not loaded"), "{}", check.stderr);
    offer(&place, "install", "offered/files.wasm", &["--approve"]).ended(0);

    // A key that the administrator knows is the one that must have signed.
    let place = self::place(1);
    write(&place, "offered/one.wasm", &version("1.0.0"), Some("author"));
    let key =
        |author: &str| place.read(&format!("{author}.key.pub")).lines().nth(1).unwrap().to_owned();
    let (author, other) = (key("author"), key("other"));
    let ran =
        offer(&place, "install", "offered/one.wasm", &["--approve", "--key", &other]).ended(2);
    assert!(ran.stderr.contains("connector/other-key"), "{}", ran.stderr);
    offer(&place, "install", "offered/one.wasm", &["--approve", "--key", "RW"]).ended(2);
    offer(&place, "install", "offered/one.wasm", &["--approve", "--key", &author]).ended(0);
    // The author has changed his key, and the administrator was told so.
    write(&place, "offered/two.wasm", &version("1.1.0"), Some("other"));
    offer(&place, "upgrade", "offered/two.wasm", &[]).ended(2);
    offer(&place, "upgrade", "offered/two.wasm", &["--key", &other]).ended(0);
    assert_eq!(listed(&place)["signed_by"], other);
}

#[test]
fn an_authors_secret_key_stays_his() {
    let place = place(1);
    let key = place.path().join("author.key");
    let path = key.to_str().unwrap();
    let again = place.run(&["connector", "keygen", "--to", path]).ended(2);
    assert!(again.stderr.contains("connector/key-exists"), "{}", again.stderr);
    write(&place, "one.wasm", &version("1.0.0"), None);
    let package = place.path().join("one.wasm");
    let sign = || place.run(&["connector", "sign", package.to_str().unwrap(), "--key", path]);
    let secret = place.read("author.key").lines().nth(1).unwrap().to_owned();
    assert!(!sign().ended(0).stdout.contains(&secret));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
        let refused = sign().ended(2);
        assert!(refused.stderr.contains("chmod 600"), "{}", refused.stderr);
    }
    std::fs::remove_file(&key).unwrap();
    let missing = sign().ended(2);
    assert!(missing.stderr.contains("connector keygen"), "{}", missing.stderr);
}
