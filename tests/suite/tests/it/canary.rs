//! The token of an account is looked for everywhere that the hub writes to: the
//! log down to trace, what commands say, the files of the store, and the store as
//! an export spells it out, uncompressed and decoded.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use doubles::{
    canary::{Canary, holds},
    hubspot::{TOKEN, Trouble},
};
use serde_json::json;
use xtask::{demo::hub, paths};

use crate::hubspot::Place;

/// Runs a command with everything logged; its exit code, and all that it said.
fn liaison(root: &Path, arguments: &[&str]) -> (Option<i32>, Vec<u8>) {
    let mut command = Command::new(paths::binary());
    command.current_dir(root).args(arguments).env("RUST_LOG", "trace");
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), [stdout, stderr].concat())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let inner = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(inner).collect()
}

fn export(root: &Path, name: &str) -> Vec<u8> {
    let (code, said) = liaison(root, &["store", "export", "--to", name]);
    assert_eq!(code, Some(0), "{}", String::from_utf8_lossy(&said));
    fs::read(root.join(name)).unwrap()
}

#[test]
fn no_token_is_found_in_logs_answers_or_the_store() {
    let place = Place::new("email,lastname,city\nana@x.example,Ana,Nice\n");
    let root = place.list.hub.work.as_path();
    // The compiler would log for minutes, and only about code.
    for sync in ["list", "crm"] {
        hub::command(&paths::binary(), root, &["sync", "run", sync]).unwrap();
    }
    place.server.vendor().enter("contacts", &json!({"email": "eve@x.example", "city": "Brest"}));
    let canary = Canary::new(TOKEN);
    let mut said = Vec::new();
    let mut run = |arguments: &[&str], expected: Option<i32>| {
        let (code, text) = liaison(root, arguments);
        assert!(expected.is_none_or(|it| Some(it) == code), "{}", String::from_utf8_lossy(&text));
        said.extend(text);
    };
    // Read and written, both ways.
    for _ in 0..2 {
        run(&["sync", "run", "list"], Some(0));
        run(&["sync", "run", "crm"], Some(0));
    }
    assert_eq!(place.people().len(), 2, "nothing was written");
    for trouble in [Trouble::Expired, Trouble::Page(502), Trouble::BreaksOff] {
        place.server.vendor().fail("/", trouble);
        run(&["sync", "run", "crm"], None);
    }
    run(&["connection", "list", "--json"], None);
    run(&["connector", "list", "--json"], None);
    assert!(holds(&said, b"TRACE"), "the log is not whole");
    assert!(!canary.sings(&said), "in the log: {}", line(&said, &canary));

    let exported = export(root, "store.ndjson");
    assert!(holds(&exported, b"eve@x.example"), "the export does not spell out the store");
    assert!(!canary.sings(&exported), "in the store: {}", line(&exported, &canary));
    let secrets = root.join("secrets");
    let written: Vec<PathBuf> =
        files(root).into_iter().filter(|path| !path.starts_with(&secrets)).collect();
    for path in &written {
        assert!(!canary.sings(&fs::read(path).unwrap()), "in {}", path.display());
    }
    eprintln!(
        "{} bytes said, {} exported, {} files: 0 hits",
        said.len(),
        exported.len(),
        written.len()
    );

    // A token that somebody keeps as a value of a customer is found.
    assert!(canary.sings(&fs::read(secrets.join("hubspot")).unwrap()));
    place.server.vendor().enter("contacts", &json!({"email": "bob@x.example", "city": TOKEN}));
    // What is left of the troubles is gone with the first of these.
    liaison(root, &["sync", "run", "crm"]);
    let (code, text) = liaison(root, &["sync", "run", "crm"]);
    assert_eq!(code, Some(0), "{}", String::from_utf8_lossy(&text));
    assert!(canary.sings(&export(root, "planted.ndjson")), "a planted token is not seen");
}

/// The first line with the token, for whoever must mend it.
fn line(bytes: &[u8], canary: &Canary) -> String {
    let line = bytes.split(|byte| *byte == b'\n').find(|line| canary.sings(line));
    String::from_utf8_lossy(line.unwrap_or_default()).into_owned()
}
