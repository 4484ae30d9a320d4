//! The commands that look after the store.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use hub_model::WorkspaceId;
use hub_store::conformance::model::Model;
use hub_store::conformance::workload::Workload;
use hub_store::conformance::{WORKSPACE, differences};
use hub_store::{Stats, Store};
use hub_store_sled::SledStore;

use crate::hub::Hub;
use crate::place::{Place, Ran, free_port, main_file};

const COMMITS: u64 = 60;

fn open(dir: &Path) -> SledStore {
    SledStore::open_existing(dir, &WorkspaceId::new(WORKSPACE)).unwrap()
}

/// A place whose store holds what a seed decides.
async fn filled(seed: u64) -> (Place, Model) {
    let place = Place::sound();
    fs::create_dir_all(place.path().join("data")).unwrap();
    let dir = place.path().join("data/default");
    let store = SledStore::open(&dir, &WorkspaceId::new(WORKSPACE)).unwrap();
    let mut workload = Workload::new(seed, Model::default());
    for _ in 0..COMMITS {
        store.commit(workload.next_set()).await.unwrap();
    }
    store.close();
    (place, workload.into_model())
}

/// The store at a place is the model, but for the log and its numbers.
async fn rebuilt(place: &Place, model: &Model) {
    let store = open(&place.path().join("data/default"));
    let seq = hub_model::CommitSeq(store.stats().await.unwrap().seq);
    assert!(seq > model.seq);
    let log = store.log(hub_model::CommitSeq(0), usize::MAX).await.unwrap().changes;
    let wanted = Model { seq, log, ..model.clone() };
    let found = differences(&store, &wanted).await;
    assert!(found.is_empty(), "{found:#?}");
}

async fn same(dir: &Path, model: &Model) {
    let found = differences(&open(dir), model).await;
    assert!(found.is_empty(), "{found:#?}");
}

/// By hand; the list goes with the data, names nobody, and is not opened without its key.
#[test]
fn whom_nothing_may_be_sent_to_moves_with_the_data_and_its_key() {
    let text = main_file(free_port()) + "[purposes.news]\nchannels = [\"email\"]\n";
    let place = || Place::new(&[("liaison.toml", text.as_bytes())]);
    let (from, whom) = (place(), "email:ana@x.fr");
    let add = |channel| {
        from.run(&["suppression", "add", whom, "--channel", channel, "--reason", "a letter"])
    };
    assert!(add("sms").ended(2).stderr.contains("suppression/unknown-channel"));
    add("email").ended(0);
    let list = ["suppression", "list", "email: ANA@x.fr", "--json"];
    let listed = from.run(&list).ended(0);
    assert_eq!(listed.json()["suppressions"][0]["reason"], "a letter");
    let file = from.path().join("all.ndjson.gz");
    from.run(&["store", "export", "--to", file.to_str().unwrap()]).ended(0);
    let exported = from.run(&["store", "export", "--to", "-"]).ended(0).stdout;
    assert!(exported.contains("suppressions/0") && !exported.contains("ana@x.fr"));

    let to = place();
    to.run(&["store", "import", "--from", file.to_str().unwrap()]).ended(0);
    let refused = to.run(&list);
    assert!(refused.code != 0 && refused.stderr.contains(".privacy-key"), "{}", refused.stderr);
    for key in [".liaison-key", "data/default.data-key", "data/default.privacy-key"] {
        fs::copy(from.path().join(key), to.path().join(key)).unwrap();
    }
    assert_eq!(to.run(&list).ended(0).json(), listed.json());
    let remove = ["suppression", "remove", whom, "--channel", "email"];
    to.run(&remove).ended(0);
    to.run(&list).ended(1);
    assert!(to.run(&remove).ended(1).stderr.contains("suppression/nothing"));
}

/// Runs the binary with something on its stdin.
fn fed(place: &Place, args: &[&str], input: &[u8]) -> Ran {
    let mut command = place.command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A reader that has seen enough may be gone before the end.
    let _ = child.stdin.take().unwrap().write_all(input);
    Ran::of(child.wait_with_output().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_imported_to_the_same_store() {
    let (from, model) = filled(1).await;
    let file = from.path().join("all.ndjson.gz");
    let file = file.to_str().unwrap();
    // What a kill leaves does not have the name, and is not in the way.
    let unfinished = from.path().join("all.ndjson.gz.unfinished");
    fs::write(&unfinished, "half").unwrap();
    assert!(from.run(&["store", "export", "--to", file]).ended(0).stderr.contains("records"));
    assert!(!unfinished.exists());
    // Nothing is written over.
    let again = from.run(&["store", "export", "--to", file]).ended(2);
    assert!(again.stderr.contains("export/not-written"), "{}", again.stderr);

    let to = Place::sound();
    to.run(&["store", "import", "--from", file]).ended(0);
    rebuilt(&to, &model).await;
    to.run(&["store", "verify"]).ended(0);
    let left: Vec<_> = fs::read_dir(to.path().join("data")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let again = to.run(&["store", "import", "--from", file]).ended(2);
    assert!(again.stderr.contains("store/not-empty"), "{}", again.stderr);

    // Through pipes, from a store that was rebuilt, over one without a commit.
    let piped = to.run(&["store", "export", "--to", "-"]).ended(0).stdout;
    let third = Place::sound();
    fs::create_dir_all(third.path().join("data")).unwrap();
    let dir = third.path().join("data/default");
    SledStore::open(&dir, &WorkspaceId::new(WORKSPACE)).unwrap().close();
    fed(&third, &["store", "import", "--from", "-"], piped.as_bytes()).ended(0);
    rebuilt(&third, &model).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_is_not_whole_changes_nothing_and_is_gone_on_with() {
    let (from, model) = filled(2).await;
    let whole = from.run(&["store", "export", "--to", "-"]).ended(0).stdout.into_bytes();
    let to = Place::sound();
    let import = |bytes: &[u8]| fed(&to, &["store", "import", "--from", "-"], bytes);
    let lines = whole.iter().filter(|byte| **byte == b'\n').count();
    let mut flipped = whole.clone();
    flipped[whole.len() / 3] ^= 4;
    let form = String::from_utf8(whole.clone()).unwrap().replacen("\"form\":1", "\"form\":2", 1);
    let other = String::from_utf8(whole.clone()).unwrap();
    let other = other.replacen("\"workspace\":\"default\"", "\"workspace\":\"else\"", 1);
    let table: [(&[u8], &str); 7] = [
        (b"", "import/foreign"),
        (b"{\"id\":1}\n", "import/foreign"),
        (form.as_bytes(), "import/other-form"),
        (other.as_bytes(), "import/other-workspace"),
        (&flipped, "import/damaged"),
        (&whole[..whole.len() - 1], "import/cut-short"),
        (&whole[..whole.len() / 10 * 9], "import/cut-short"),
    ];
    for (bytes, code) in table {
        let refused = import(bytes).ended(2);
        assert!(refused.stderr.contains(code), "{code}: {}", refused.stderr);
        assert!(!to.path().join("data/default").exists(), "{code}");
        to.run(&["store", "verify"]).ended(3);
    }
    // What came of the one that was last is there; the rest follows.
    let most = open(&to.path().join("data/default.import"));
    let there = most.stats().await.unwrap().seq;
    assert!(there >= model.seq.0 && there < model.seq.0 + lines as u64, "{there}");
    most.close();
    let done = import(&whole).ended(0);
    assert!(done.stderr.contains("going on"), "{}", done.stderr);
    rebuilt(&to, &model).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_restored_beside_what_was_there() {
    let (place, model) = filled(3).await;
    let at = |name: &str| place.path().join(name);
    place.run(&["store", "compact"]).ended(0);
    same(&at("data/default"), &model).await;
    let backup = at("backup");
    let backup = backup.to_str().unwrap();
    let made = place.run(&["store", "backup", "--to", backup, "--json"]).ended(0).json();
    assert_eq!(made["seq"], model.seq.0);
    let again = place.run(&["store", "backup", "--to", backup]).ended(2);
    assert!(again.stderr.contains("backup/exists"), "{}", again.stderr);
    // A backup can be exported, whatever becomes of the store.
    place.run(&["store", "export", "--from", backup, "--to", "-"]).ended(0);

    let mut workload = Workload::new(4, model.clone());
    let store = open(&at("data/default"));
    store.commit(workload.next_set()).await.unwrap();
    store.close();
    let refused = place.run(&["store", "restore", "--from", backup]).ended(2);
    assert!(refused.stderr.contains("restore/store-there"), "{}", refused.stderr);
    same(&at("data/default"), workload.model()).await;
    place.run(&["store", "restore", "--from", backup, "--replace"]).ended(0);
    same(&at("data/default"), &model).await;
    same(&at("data/default.replaced"), workload.model()).await;

    // A store that does not open needs no word more, but what is kept is kept.
    for entry in fs::read_dir(at("data/default")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        }
    }
    let refused = place.run(&["store", "restore", "--from", backup]).ended(3);
    assert!(refused.stderr.contains("store/replaced-before"), "{}", refused.stderr);
    fs::remove_dir_all(at("data/default.replaced")).unwrap();
    place.run(&["store", "restore", "--from", backup]).ended(0);
    same(&at("data/default"), &model).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_not_sound_is_refused() {
    let (place, model) = filled(5).await;
    let backup = place.path().join("backup");
    let name = backup.to_str().unwrap();
    place.run(&["store", "backup", "--to", name]).ended(0);
    fs::write(backup.join("witness"), b"").unwrap();
    let refused = place.run(&["store", "restore", "--from", name, "--replace"]).ended(3);
    assert!(refused.stderr.contains("witness"), "{}", refused.stderr);
    same(&place.path().join("data/default"), &model).await;
    assert!(!place.path().join("data/default.replaced").exists());
    // So is a folder that is none, and a store that is not there.
    place.run(&["store", "restore", "--from", place.path().to_str().unwrap()]).ended(3);
    let empty = Place::sound();
    for command in [&["compact"][..], &["backup", "--to", "x"], &["export", "--to", "x"]] {
        let refused = empty.run(&[&["store"], command].concat()).ended(3);
        assert!(refused.stderr.contains("store/none"), "{}", refused.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_was_cut_short_does_not_start_empty() {
    let (place, model) = filled(6).await;
    let at = |name: &str| place.path().join(name);
    let backup = at("backup");
    let backup = backup.to_str().unwrap();
    place.run(&["store", "backup", "--to", backup]).ended(0);
    // As a kill between the two moves leaves it.
    fs::rename(at("data/default"), at("data/default.replaced")).unwrap();
    for command in [&["serve"][..], &["store", "stats"], &["profile", "export"]] {
        let refused = place.run(command);
        assert!(refused.stderr.contains("store/restore-unfinished"), "{}", refused.stderr);
        assert!(!at("data/default").exists());
    }
    place.run(&["store", "restore", "--from", backup]).ended(0);
    same(&at("data/default"), &model).await;
    assert!(at("data/default.replaced").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_hub_looks_after_its_store_itself() {
    let (place, model) = filled(7).await;
    let hub = Hub::start(&place);
    let stats = place.run(&["store", "stats", "--json"]).ended(0).json();
    assert_eq!(stats["records"], model.records.len());
    let (disk, live) = (stats["disk_bytes"].as_u64(), stats["live_bytes"].as_u64());
    assert!(live.unwrap() > 0 && disk > live, "{stats}");
    let done = place.run(&["store", "compact", "--json"]).ended(0).json();
    assert!(done["bytes_after"].as_u64().unwrap() > 0, "{done}");
    // A path of the caller's folder, not of the hub's.
    let mut command = place.command(&["store", "backup", "--to", "backups", "--json"]);
    let made = Ran::of(command.current_dir(place.path()).output().unwrap()).ended(0).json();
    let mut command = place.command(&["store", "backup", "--to", "backups"]);
    let again = Ran::of(command.current_dir(place.path()).output().unwrap()).ended(2);
    assert!(again.stderr.contains("backup/exists"), "{}", again.stderr);
    for args in [&["export", "--to", "-"][..], &["restore", "--from", "backups"]] {
        let mut command = place.command(&[&["store"], args].concat());
        let refused = Ran::of(command.current_dir(place.path()).output().unwrap()).ended(3);
        assert!(refused.stderr.contains("store/locked"), "{}", refused.stderr);
    }
    assert_eq!(hub.stop().0, 0);
    let backup = open(&place.path().join("backups"));
    let found: Stats = backup.stats().await.unwrap();
    assert_eq!(found.seq, made["seq"].as_u64().unwrap());
    assert_eq!(found.records, model.records.len() as u64);
    assert_eq!(backup.verify().await, Ok(vec![]));
    place.run(&["store", "verify"]).ended(0);
}
