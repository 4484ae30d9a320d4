//! Damaged files give a message: never a panic, never wrong data.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use hub_store::conformance::model::Model;
use hub_store::conformance::workload::Workload;
use hub_store::conformance::{Random, differences, fixtures as f};
use hub_store::{Error, Store, VerifyFinding};

use crate::open;

/// Commits of the store that is damaged.
const COMMITS: u64 = 60;
/// Damages tried; each is decided by its number.
const FLIPS: u64 = 40;
const TRUNCATIONS: u64 = 12;

async fn written(dir: &Path) -> Model {
    let store = open(dir).unwrap();
    let mut workload = Workload::new(7, Model::default());
    for _ in 0..COMMITS {
        store.commit(workload.next_set()).await.unwrap();
    }
    workload.into_model()
}

/// Opens and reads everything. `Ok` = the store says that all is well.
async fn looked_at(dir: &Path, model: &Model) -> Result<(), String> {
    let store = open(dir).map_err(|error| error.to_string())?;
    let found: Result<Vec<VerifyFinding>, Error> = store.verify().await;
    match found {
        Ok(found) if found.is_empty() => {}
        other => return Err(format!("{other:?}")),
    }
    let wrong = differences(&store, model).await;
    assert!(wrong.is_empty(), "wrong data were served: {wrong:#?}");
    Ok(())
}

fn restore(from: &[u8], db: &Path) {
    for entry in fs::read_dir(db.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("snap.") {
            fs::remove_file(path).unwrap();
        }
    }
    fs::write(db, from).unwrap();
}

#[tokio::test]
async fn a_flipped_bit_is_noticed_or_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let model = written(dir.path()).await;
    let db = dir.path().join("sled/db");
    let sound = fs::read(&db).unwrap();
    let used = sound.iter().rposition(|byte| *byte != 0).unwrap() as u64;
    let mut noticed = 0;
    for seed in 0..FLIPS {
        restore(&sound, &db);
        let mut random = Random::new(seed);
        let at = random.below(used);
        let bit = 1 << random.below(8);
        let file = OpenOptions::new().write(true).open(&db).unwrap();
        file.write_all_at(&[sound[usize::try_from(at).unwrap()] ^ bit], at).unwrap();
        drop(file);
        if let Err(why) = looked_at(dir.path(), &model).await {
            noticed += 1;
            println!("seed {seed}, byte {at}: {why}");
        }
    }
    println!("{noticed} of {FLIPS} noticed, the others hit dead space");
    assert!(noticed > 0, "no flip hit anything: the test damages the wrong place");
    restore(&sound, &db);
    assert_eq!(looked_at(dir.path(), &model).await, Ok(()));
}

#[tokio::test]
async fn a_truncated_file_gives_a_message() {
    let dir = tempfile::tempdir().unwrap();
    let model = written(dir.path()).await;
    let db = dir.path().join("sled/db");
    let sound = fs::read(&db).unwrap();
    let used = sound.iter().rposition(|byte| *byte != 0).unwrap() as u64;
    let mut refused = 0;
    for seed in 0..TRUNCATIONS {
        restore(&sound, &db);
        let length = Random::new(seed).below(used);
        OpenOptions::new().write(true).open(&db).unwrap().set_len(length).unwrap();
        match looked_at(dir.path(), &model).await {
            Ok(()) => println!("seed {seed}, {length} of {used} bytes: whole"),
            Err(why) => {
                refused += 1;
                println!("seed {seed}, {length} of {used} bytes: {why}");
            }
        }
    }
    assert!(refused > 0);
    restore(&sound, &db);
    assert_eq!(looked_at(dir.path(), &model).await, Ok(()));
}

/// Below the engine's checksums: rows that are whole but wrong.
#[tokio::test]
async fn a_wrong_row_is_never_served() {
    let dir = tempfile::tempdir().unwrap();
    crate::filled(dir.path(), 3).await;
    // Each record came with a commit, hence a block, of its own.
    let key = |block: u32| [&b"R"[..], &block.to_be_bytes()].concat();
    {
        let engine = sled::Config::new()
            .path(dir.path().join("sled"))
            .segment_size(4 * 1024 * 1024)
            .open()
            .unwrap();
        // Record 1 lies where record 2 belongs; record 3 has lost a byte.
        let first = engine.get(key(1)).unwrap().unwrap();
        engine.insert(key(2), first).unwrap();
        let mut third = engine.get(key(3)).unwrap().unwrap().to_vec();
        third.pop();
        engine.insert(key(3), third).unwrap();
        engine.flush().unwrap();
    }
    let store = open(dir.path()).unwrap();
    for number in [2, 3] {
        let answer = store.records(&[hub_model::RecordNo(number)]).await;
        assert!(matches!(answer, Err(Error::Corrupt(_))), "{answer:?}");
    }
    assert_eq!(store.records_by_ref(&[f::at("k1")]).await, Ok(vec![Some(f::record(1))]));
    let found = store.verify().await.unwrap();
    assert!(found.iter().any(|finding| finding.check == "checksum"), "{found:?}");
}
