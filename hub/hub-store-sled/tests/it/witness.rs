//! A store that is behind what it acknowledged does not start.

use std::fs;
use std::path::Path;

use hub_store::conformance::fixtures as f;
use hub_store::{Error, Store};
use hub_store_sled::SledStore;

use crate::{filled, open, text};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_store_that_was_rolled_back_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let kept = tempfile::tempdir().unwrap();
    filled(dir.path(), 5).await;
    copy(&dir.path().join("sled"), &kept.path().join("sled"));
    let store = open(dir.path()).unwrap();
    store.commit(f::person(6)).await.unwrap();
    store.close();
    fs::remove_dir_all(dir.path().join("sled")).unwrap();
    copy(&kept.path().join("sled"), &dir.path().join("sled"));

    let answer = open(dir.path());
    assert!(matches!(answer, Err(Error::Unavailable(_))));
    let answer = text(answer);
    assert!(answer.contains("6 commits were acknowledged, 5 are there"), "{answer}");
    assert!(answer.contains("store rolled back"), "{answer}");

    // It can be looked at, and only that.
    let store = SledStore::inspect(dir.path()).unwrap();
    assert_eq!(store.stats().await.unwrap().records, 5);
    let found = store.verify().await.unwrap();
    assert!(matches!(&found[..], [one] if one.check == "witness"), "{found:?}");
    assert!(matches!(store.commit(f::person(6)).await, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn a_store_that_came_up_empty_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 5).await;
    fs::remove_dir_all(dir.path().join("sled")).unwrap();
    let answer = text(open(dir.path()));
    assert!(answer.contains("5 commits were acknowledged, 0 are there"), "{answer}");
    // And does not start the next time either.
    let answer = text(open(dir.path()));
    assert!(answer.contains("5 commits were acknowledged, 0 are there"), "{answer}");
}

#[tokio::test]
async fn a_lost_or_foreign_witness_is_no_witness() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    filled(dir.path(), 3).await;
    filled(other.path(), 3).await;
    let witness = dir.path().join("witness");
    let own = fs::read(&witness).unwrap();
    fs::copy(other.path().join("witness"), &witness).unwrap();
    assert!(text(open(dir.path())).contains("belongs to another store"));
    fs::remove_file(&witness).unwrap();
    assert!(text(open(dir.path())).contains("missing or damaged"));
    fs::write(&witness, own).unwrap();
    open(dir.path()).unwrap();
}

#[tokio::test]
async fn a_witness_one_commit_behind_is_a_crash_in_between() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 3).await;
    let before = fs::read(dir.path().join("witness")).unwrap();
    let store = open(dir.path()).unwrap();
    store.commit(f::person(4)).await.unwrap();
    store.close();
    fs::write(dir.path().join("witness"), before).unwrap();
    let store = open(dir.path()).unwrap();
    assert_eq!(store.stats().await.unwrap().seq, 4);
    store.commit(f::person(5)).await.unwrap();
}

#[tokio::test]
async fn a_kill_during_creation_is_no_rollback() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).unwrap().close();
    for lost in ["witness", "sled", "format"] {
        let path = dir.path().join(lost);
        if path.is_dir() {
            fs::remove_dir_all(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        let store = open(dir.path()).unwrap();
        assert_eq!(store.stats().await.unwrap().seq, 0, "without {lost}");
    }
    filled(dir.path(), 2).await;
}
