//! Stores of every released format are read.
//!
//! A store's own directory begins at several megabytes, so the fixture is what
//! lies inside: the rows as keys and frames, the format file and the witness.
//! That fixes our keys, frames and rows; the engine's own files are fixed by
//! its exact version in the workspace.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use hub_model::{
    ChangeKind, CommitSeq, Decision, DecisionKind, ProfileId, RecordNo, Stamp, Timestamp,
};
use hub_store::conformance::fixtures as f;
use hub_store::upkeep::Upkeep;
use hub_store::{AsOf, Became, Moment, Review, Stats, Store, Version, WriteSet};

use crate::open;

const TOKEN_BYTES: usize = 33_000;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-2")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.as_bytes().chunks(2).collect();
    let byte = |pair: &&[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.iter().map(byte).collect()
}

fn engine(dir: &Path) -> sled::Db {
    sled::Config::new().path(dir.join("sled")).segment_size(4 * 1024 * 1024).open().unwrap()
}

/// A little of everything.
fn sets() -> [WriteSet; 3] {
    let mut first = f::people(3);
    first.positions = vec![f::moves("cursor", None, Some(b"page 2"))];
    first.pending = vec![f::pending("out", 1, Some(1), 9), f::pending("out", 2, None, -9)];
    first.quarantined = vec![f::rejected(Some("bad"), "rule"), f::rejected(None, "rule")];
    first.runs = vec![f::run("crm", 1)];
    first.inbox = vec![b"pushed".to_vec()];
    first.tokens = vec![("crm".to_owned(), "session".to_owned(), Some(vec![7; TOKEN_BYTES]))];
    let mut second = f::merge(3, 2);
    second.reviews = vec![Review {
        identity: f::email(3),
        left: ProfileId(3),
        right: ProfileId(1),
        reason: "cardinality".to_owned(),
    }];
    let third = WriteSet {
        decisions: vec![Decision {
            stamp: Stamp(3),
            kind: DecisionKind::Match { left: RecordNo(3), right: RecordNo(2) },
            author: "tester".to_owned(),
            at: Timestamp::from_seconds(5),
        }],
        ..WriteSet::default()
    };
    [first, second, third]
}

/// Run once per format, by hand: `cargo test -p hub-store-sled -- --ignored`.
#[tokio::test]
#[ignore = "writes the fixture of the format of this version"]
async fn write_the_fixture() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    for set in sets() {
        store.commit(set).await.unwrap();
    }
    store.close();
    fs::create_dir_all(fixture()).unwrap();
    for name in ["format", "witness"] {
        fs::copy(dir.path().join(name), fixture().join(name)).unwrap();
    }
    let mut rows = String::new();
    for row in engine(dir.path()).iter() {
        let (key, value) = row.unwrap();
        writeln!(rows, "{} {}", hex(&key), hex(&value)).unwrap();
    }
    fs::write(fixture().join("rows"), rows).unwrap();
}

#[tokio::test]
async fn format_2_is_read() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["format", "witness"] {
        fs::copy(fixture().join(name), dir.path().join(name)).unwrap();
    }
    {
        let engine = engine(dir.path());
        for row in fs::read_to_string(fixture().join("rows")).unwrap().lines() {
            let (key, value) = row.split_once(' ').unwrap();
            engine.insert(unhex(key), unhex(value)).unwrap();
        }
        engine.flush().unwrap();
    }
    let store = open(dir.path()).unwrap();
    assert_eq!(store.verify().await, Ok(vec![]));
    let stats = store.stats().await.unwrap();
    let wanted = Stats {
        seq: 3,
        records: 3,
        profiles: 2,
        aliases: 1,
        claims: 3,
        relations: 0,
        pending: 2,
        quarantined: 2,
        runs: 1,
        events: 0,
        memberships: 0,
        written: 0,
        disk_bytes: stats.disk_bytes,
    };
    assert_eq!(stats, wanted);
    // What the rows say, spelt out rather than made by today's fixtures.
    let record = store.records_by_ref(&[f::at("k3")]).await.unwrap().remove(0).unwrap();
    assert_eq!((record.number, record.born, record.profile.0), (RecordNo(3), Stamp(3), 3));
    assert_eq!(record.raw["name"].as_text(), Some("Person 3"));
    let profile = store.profiles(&[ProfileId(3)]).await.unwrap().remove(0).unwrap();
    assert_eq!((profile.id, profile.records), (ProfileId(2), vec![RecordNo(2), RecordNo(3)]));
    let claim = store.claims(&[f::email(3)]).await.unwrap().remove(0);
    assert_eq!((claim.profiles, claim.carriers), (vec![ProfileId(2)], 1));
    assert_eq!(store.position(&"cursor".into()).await, Ok(Some(b"page 2".to_vec())));
    let due = store.pending(&"out".into(), Timestamp(0), 9).await.unwrap();
    assert_eq!(due.iter().map(|row| row.key.profile.0).collect::<Vec<_>>(), [2]);
    let log = store.log(CommitSeq(1), 9).await.unwrap();
    assert_eq!(log.changes[0].kind, ChangeKind::Merged);
    assert_eq!(store.inbox(0, 9).await.unwrap()[0].body, b"pushed");
    assert_eq!(store.token("crm", "session").await, Ok(Some(vec![7; TOKEN_BYTES])));
    assert_eq!(store.reviews(9).await.unwrap()[0].reason, "cardinality");
    assert_eq!(store.decisions().await.unwrap()[0].author, "tester");
    // Nothing is known of former times, and that is told.
    let told = store.history(ProfileId(3), None, 9).await.unwrap().versions;
    let unknown = Moment::default();
    assert_eq!(told, [Version { since: unknown, became: Became::Absorbed(ProfileId(2)) }]);
    let was = store.profiles(&[ProfileId(2)]).await.unwrap().remove(0).unwrap();
    // And goes on.
    let mut set = f::person(4);
    set.written = vec![f::written("out", 1, 4)];
    store.commit(set).await.unwrap();
    let apart = [f::profile(2), f::profile(3)].to_vec();
    let at = Timestamp::from_seconds(9);
    let apart = WriteSet { profiles: apart, at: Some(at), ..WriteSet::default() };
    store.commit(apart).await.unwrap();
    store.compact(Box::new(|_| Ok(()))).await.unwrap();
    let then = store.profile_as_of(ProfileId(2), Timestamp::from_seconds(8)).await.unwrap();
    assert_eq!(then, AsOf::Profile { since: unknown, profile: Box::new(was) });
    let since = Moment { seq: CommitSeq(5), at: Some(at) };
    let now = AsOf::Profile { since, profile: Box::new(f::profile(2)) };
    assert_eq!(store.profile_as_of(ProfileId(2), at).await.unwrap(), now);
    let about = store.written_about(RecordNo(4)).await.unwrap();
    assert_eq!(about.len(), 1);
    assert_eq!(store.verify().await, Ok(vec![]));
}
