//! Compaction and backup while commits go on, and killed at every step.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hub_store::conformance::model::Model;
use hub_store::conformance::workload::Workload;
use hub_store::conformance::{Random, differences, fixtures as f};
use hub_store::upkeep::{BackedUp, Progress, Step, Tell, Upkeep};
use hub_store::{Error, Store};
use hub_store_sled::SledStore;

use crate::{filled, open, text, workspace};

/// What the killed process is told: where, what, and after which step to die.
const KILLED_AT: &str = "LIAISON_TEST_KILLED_AT";
const COMMITS: u64 = 40;

fn silent() -> Tell {
    Box::new(|_| Ok(()))
}

async fn write(store: &SledStore, workload: &mut Workload, commits: u64) {
    for _ in 0..commits {
        assert_eq!(store.commit(workload.next_set()).await, Ok(workload.model().seq));
    }
}

async fn same(store: &SledStore, model: &Model) {
    let found = differences(store, model).await;
    assert!(found.is_empty(), "{found:#?}");
}

/// The engine's folders.
fn engines(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut engines: Vec<_> = names.filter(|name| name.starts_with("sled")).collect();
    engines.sort();
    engines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compaction_gives_space_back_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let mut workload = Workload::new(3, Model::default());
    write(&store, &mut workload, COMMITS).await;
    // Overwritten again and again: dead versions.
    for round in 0..60_u8 {
        let expected = round.checked_sub(1).map(|before| vec![before; 60_000]);
        let set = hub_store::WriteSet {
            positions: vec![f::moves("p", expected.as_deref(), Some(&[round; 60_000]))],
            tokens: vec![("crm".to_owned(), "big".to_owned(), Some(vec![round; 60_000]))],
            ..hub_store::WriteSet::default()
        };
        store.commit(set).await.unwrap();
    }
    let before = store.stats().await.unwrap();
    let done = store.compact(silent()).await.unwrap();
    assert_eq!(done.bytes_before, before.disk_bytes);
    assert!(done.bytes_after * 2 < done.bytes_before, "{done:?}");
    assert_eq!(engines(dir.path()), ["sled-2"]);
    let after = store.stats().await.unwrap();
    assert_eq!(
        hub_store::Stats { disk_bytes: 0, ..after },
        hub_store::Stats { disk_bytes: 0, ..before }
    );
    assert_eq!(store.verify().await, Ok(vec![]));
    // Goes on, is compacted again, and opens again.
    store.commit(f::person(1_000)).await.unwrap();
    store.compact(silent()).await.unwrap();
    assert_eq!(engines(dir.path()), ["sled-3"]);
    store.commit(f::person(1_001)).await.unwrap();
    let wanted = store.stats().await.unwrap();
    store.close();
    let store = open(dir.path()).unwrap();
    let found = store.stats().await.unwrap();
    assert_eq!((found.seq, found.records), (wanted.seq, wanted.records));
    assert_eq!(store.verify().await, Ok(vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compaction_leaves_out_versions_that_are_dead() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let mut random = Random::new(1);
    for _ in 0..20 {
        let mut set = f::people(100);
        for record in &mut set.records {
            // What does not compress: the index's log is small beside it.
            let note = hub_model::Value::text(random.text(400));
            record.raw.insert("note".into(), note);
        }
        store.commit(set).await.unwrap();
    }
    let before = store.sizes().await.unwrap();
    store.compact(silent()).await.unwrap();
    let after = store.sizes().await.unwrap();
    assert!(after.live_bytes * 2 < before.live_bytes, "{before:?} {after:?}");
    assert_eq!(store.verify().await, Ok(vec![]));
    store.close();
    let store = open(dir.path()).unwrap();
    assert_eq!(store.verify().await, Ok(vec![]));
    assert_eq!(store.stats().await.unwrap().records, 100);
    store.commit(f::person(101)).await.unwrap();
}

/// Commits all the while; answers the model at the end.
async fn busy(store: &Arc<SledStore>, seed: u64, until: &Arc<AtomicBool>) -> Workload {
    let mut workload = Workload::new(seed, Model::default());
    write(store, &mut workload, COMMITS).await;
    let (store, until) = (Arc::clone(store), Arc::clone(until));
    tokio::spawn(async move {
        while !until.load(Ordering::SeqCst) {
            write(&store, &mut workload, 1).await;
        }
        workload
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compaction_goes_on_with_every_commit_made_meanwhile() {
    for seed in 0..4 {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(open(dir.path()).unwrap());
        let until = Arc::new(AtomicBool::new(false));
        let compacting = async {
            // Not before there is something to copy.
            while store.stats().await.unwrap().seq < COMMITS {
                tokio::task::yield_now().await;
            }
            for _ in 0..3 {
                store.compact(silent()).await.unwrap();
            }
            until.store(true, Ordering::SeqCst);
        };
        let (workload, ()) = tokio::join!(busy(&store, seed, &until), compacting);
        same(&store, workload.model()).await;
        Arc::into_inner(store).unwrap().close();
        same(&open(dir.path()).unwrap(), workload.model()).await;
        assert_eq!(engines(dir.path()), ["sled-4"], "seed {seed}");
    }
}

/// The model after so many commits of a seed.
fn model_at(seed: u64, seq: u64) -> Model {
    let mut workload = Workload::new(seed, Model::default());
    (0..seq).for_each(|_| drop(workload.next_set()));
    workload.into_model()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_the_store_at_one_commit() {
    let seed = 9;
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&dir.path().join("store")).unwrap());
    let until = Arc::new(AtomicBool::new(false));
    let to = |place: u32| dir.path().join(format!("backup {place}"));
    let backups = async {
        while store.stats().await.unwrap().seq < COMMITS {
            tokio::task::yield_now().await;
        }
        let mut made: Vec<BackedUp> = Vec::new();
        for place in 0..3 {
            made.push(store.backup(to(place), silent()).await.unwrap());
        }
        until.store(true, Ordering::SeqCst);
        made
    };
    let (workload, made) = tokio::join!(busy(&store, seed, &until), backups);
    same(&store, workload.model()).await;
    for (place, made) in (0..).zip(made) {
        let restored = open(&to(place)).unwrap();
        assert_eq!(restored.stats().await.unwrap().seq, made.seq);
        same(&restored, &model_at(seed, made.seq)).await;
        // It can be gone on with.
        restored.commit(f::person(100_000)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_stopped_leaves_nothing_and_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let (at, to) = (dir.path().join("store"), dir.path().join("backup"));
    filled(&at, 20).await;
    let store = open(&at).unwrap();
    for step in [Step::Copying, Step::CaughtUp, Step::Compared, Step::Checked] {
        let stop = move || -> Tell {
            Box::new(move |told: Progress| {
                let stopped = Error::Refused("stopped".to_owned());
                if told.step == step { Err(stopped) } else { Ok(()) }
            })
        };
        let stopped = Error::Refused("stopped".to_owned());
        assert_eq!(store.compact(stop()).await, Err(stopped.clone()), "{step:?}");
        assert_eq!(store.backup(to.clone(), stop()).await, Err(stopped), "{step:?}");
        assert_eq!(engines(&at), ["sled"], "{step:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{step:?}");
        let number = 100 + step as u64;
        store.commit(f::person(number)).await.unwrap();
    }
    // Neither is refused afterwards; what is there is not written over.
    store.backup(to.clone(), silent()).await.unwrap();
    store.compact(silent()).await.unwrap();
    assert!(text(store.backup(to, silent()).await).contains("exists already"));
    assert_eq!(store.stats().await.unwrap().records, 24);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_copies_at_once_are_one_too_many() {
    let dir = tempfile::tempdir().unwrap();
    filled(&dir.path().join("store"), 5).await;
    let store = Arc::new(open(&dir.path().join("store")).unwrap());
    let (inner, to) = (Arc::clone(&store), dir.path().join("backup"));
    let runtime = tokio::runtime::Handle::current();
    let mut refused = None;
    let tell: Tell = Box::new(move |told| {
        if told.step == Step::Copying && refused.is_none() {
            let answer = runtime.block_on(inner.backup(to.clone(), silent()));
            refused = Some(text(answer));
            assert_eq!(
                refused.as_deref(),
                Some("commit refused: the store is being copied already")
            );
        }
        Ok(())
    });
    store.compact(tell).await.unwrap();
    // A store that is only looked at is not copied.
    drop(store);
    let looked = SledStore::inspect(&dir.path().join("store")).unwrap();
    assert!(text(looked.compact(silent()).await).contains("only looked at"));
}

/// Not a test by itself: what the next one starts and what is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "ends the process; another test starts it"]
async fn a_process_that_is_killed() {
    let Ok(plan) = std::env::var(KILLED_AT) else { return };
    let [what, step, dir]: [&str; 3] = plan.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
    let step: Step = serde_json::from_str(&format!("\"{step}\"")).unwrap();
    let store = open(&Path::new(dir).join("store")).unwrap();
    let tell: Tell = Box::new(move |told| {
        if told.step == step {
            std::process::abort();
        }
        Ok(())
    });
    match what {
        "compact" => drop(store.compact(tell).await.unwrap()),
        _ => drop(store.backup(Path::new(dir).join("backup"), tell).await.unwrap()),
    }
}

fn killed(what: &str, step: Step, dir: &Path) {
    let step = serde_json::to_value(step).unwrap();
    let plan = format!("{what} {} {}", step.as_str().unwrap(), dir.display());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "copies::a_process_that_is_killed", "--ignored"])
        .env(KILLED_AT, plan)
        .output()
        .unwrap();
    assert!(!output.status.success(), "{what} {step}: it lived on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_step_leaves_one_store() {
    for step in [Step::Copying, Step::CaughtUp, Step::Compared, Step::Checked, Step::Switched] {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("store");
        let store = open(&at).unwrap();
        let mut workload = Workload::new(5, Model::default());
        write(&store, &mut workload, COMMITS).await;
        store.close();
        for round in 0..2 {
            killed("compact", step, dir.path());
            let store = SledStore::open_existing(&at, &workspace()).unwrap();
            assert_eq!(engines(&at).len(), 1, "{step:?}, round {round}");
            same(&store, workload.model()).await;
            write(&store, &mut workload, 3).await;
            store.close();
        }
        let store = open(&at).unwrap();
        store.compact(silent()).await.unwrap();
        same(&store, workload.model()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_during_a_backup_leaves_no_backup() {
    let dir = tempfile::tempdir().unwrap();
    let (at, to): (PathBuf, PathBuf) = (dir.path().join("store"), dir.path().join("backup"));
    filled(&at, 10).await;
    for step in [Step::Copying, Step::CaughtUp, Step::Compared, Step::Checked] {
        killed("backup", step, dir.path());
        assert!(!to.exists(), "{step:?}");
    }
    let store = open(&at).unwrap();
    assert_eq!(store.backup(to.clone(), silent()).await.unwrap().seq, 10);
    let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    left.sort();
    assert_eq!(left, [to, at]);
}
