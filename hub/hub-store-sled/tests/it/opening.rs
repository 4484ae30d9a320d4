//! Who may open what.

use std::fs;

use hub_model::WorkspaceId;
use hub_store::conformance::fixtures as f;
use hub_store::{Error, Store};
use hub_store_sled::{FORMAT, SledStore};

use crate::{filled, open, text, workspace};

#[tokio::test]
async fn the_second_to_open_is_told_who_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).unwrap();
    let answer = open(dir.path());
    let by = Some(std::process::id());
    assert!(matches!(&answer, Err(Error::Locked { by: found, .. }) if *found == by));
    let wanted = format!("is open in process {}", std::process::id());
    assert!(text(answer).contains(&wanted));
    first.close();
    open(dir.path()).unwrap();
}

#[tokio::test]
async fn a_directory_without_a_store_is_only_filled_on_demand() {
    let dir = tempfile::tempdir().unwrap();
    for at in [dir.path().to_owned(), dir.path().join("nowhere")] {
        let answer = SledStore::open_existing(&at, &workspace());
        assert!(text(answer).contains("is not a store"));
        assert!(text(SledStore::inspect(&at)).contains("is not a store"));
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let deep = dir.path().join("a/b");
    open(&deep).unwrap().close();
    SledStore::open_existing(&deep, &workspace()).unwrap();
}

#[tokio::test]
async fn another_workspace_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 1).await;
    let answer = SledStore::open(dir.path(), &WorkspaceId::new("other"));
    assert!(text(answer).contains("belongs to workspace default, not other"));
    let store = open(dir.path()).unwrap();
    let mut set = f::person(2);
    set.records[0].at.stream.workspace = WorkspaceId::new("other");
    assert!(matches!(store.commit(set).await, Err(Error::Refused(_))));
    store.commit(f::person(2)).await.unwrap();
}

#[tokio::test]
async fn a_newer_format_is_refused_with_both_versions() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 1).await;
    fs::write(dir.path().join("format"), format!("liaison-store {}\n", FORMAT + 1)).unwrap();
    let answer = text(open(dir.path()));
    assert!(answer.contains(&format!("format {}", FORMAT + 1)), "{answer}");
    assert!(answer.contains(&format!("up to {FORMAT}")), "{answer}");
    fs::write(dir.path().join("format"), "something else").unwrap();
    assert!(matches!(open(dir.path()), Err(Error::Corrupt(_))));
}

#[tokio::test]
async fn an_unfinished_snapshot_does_not_close_the_store_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 20).await;
    let planted = dir.path().join("sled/snap.7FFFFFFFFFFFFFFF.generating");
    fs::write(&planted, b"half a snapshot").unwrap();
    let store = open(dir.path()).unwrap();
    assert!(!planted.exists());
    assert_eq!(store.stats().await.unwrap().records, 20);
    assert_eq!(store.verify().await, Ok(vec![]));
}

/// Shows that the guard above guards something.
#[tokio::test]
async fn without_the_guard_an_unfinished_snapshot_does() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 20).await;
    let engine = dir.path().join("sled");
    fs::write(engine.join("snap.7FFFFFFFFFFFFFFF.generating"), b"half a snapshot").unwrap();
    let opened = std::panic::catch_unwind(|| {
        sled::Config::new().path(&engine).segment_size(4 * 1024 * 1024).open().is_ok()
    });
    assert!(!matches!(opened, Ok(true)), "the engine no longer needs this guard");
}

#[tokio::test]
async fn values_never_leave_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    for round in 0..10_u8 {
        let set = hub_store::WriteSet {
            inbox: vec![vec![round; 1024 * 1024]],
            tokens: (0..3)
                .map(|place| ("crm".to_owned(), format!("t{place}"), Some(vec![round; 64 * 1024])))
                .collect(),
            ..hub_store::WriteSet::default()
        };
        store.commit(set).await.unwrap();
    }
    assert_eq!(fs::read_dir(dir.path().join("sled/blobs")).unwrap().count(), 0);
    assert_eq!(store.verify().await, Ok(vec![]));
}

#[tokio::test]
async fn the_reserve_is_kept_back() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 1).await;
    let reserve = dir.path().join("reserve");
    assert_eq!(fs::metadata(&reserve).unwrap().len(), 16 * 1024 * 1024);
    fs::remove_file(&reserve).unwrap();
    open(dir.path()).unwrap();
    assert_eq!(fs::metadata(&reserve).unwrap().len(), 16 * 1024 * 1024);
}
