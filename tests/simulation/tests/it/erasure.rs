//! Erasing a canary: a person whose every value is marked, so that a trace of it
//! can be looked for in everything that there is.
//!
//! `LIAISON_CASES` says how many canaries; 20 in the ordinary tests.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use hub_engine::erasure::{self, EraseRefused, Phase, Told};
use hub_engine::people::decide::{self, Ask};
use hub_engine::{Engine, Erasure};
use hub_model::{
    Direction, EntityKind, EventMapping, FieldMapping, FieldName, Identity, Mapping, Namespace,
    Normaliser, Profile, ProfileId, RelatesTo, RelationMapping, Rules, StreamRef, SyncId,
    Timestamp, WorkspaceId,
};
use hub_store::{MemoryStore, Store};
use hub_store_sled::SledStore;
use plugin_api::Action;
use serde_json::json;
use simulation::crash::{Fuse, MortalStore};
use simulation::dice::Dice;
use simulation::stage::{Stage, run};

use super::block_on;

const CANARIES: u64 = 20;
pub(super) const MARK: &str = "canarybird";

fn mapping(id: &str, fields: &[(&str, Direction, Option<&str>)]) -> Mapping {
    let pair = |(field, direction, identity): &(&str, Direction, Option<&str>)| FieldMapping {
        field: (*field).into(),
        to: (*field).into(),
        direction: *direction,
        identity: identity.map(Into::into),
        conversion: None,
    };
    Mapping {
        fields: fields.iter().map(pair).collect(),
        matching: vec![FieldName::from("email")],
        deletes_percent_max: 100,
        ..Mapping::new(SyncId::new(id), StreamRef::new("default", id, "people"))
    }
}

/// A shop that is read, a system of its own that is written too, a sender to
/// which everybody is brought, and orders.
fn rules() -> Rules {
    use Direction::{Both, ToProfile, ToSystem};
    let mut shop = mapping(
        "shop",
        &[
            ("email", ToProfile, Some("email")),
            ("code", ToProfile, Some("code")),
            ("name", ToProfile, None),
            ("age", ToProfile, None),
        ],
    );
    shop.schema = Some(json!({"properties": {"age": {"maxLength": 3}}}));
    let crm = mapping(
        "crm",
        &[("email", ToProfile, Some("email")), ("name", Both, None), ("age", Both, None)],
    );
    // What happens on its site names a browser, and somebody at a login.
    let mut site = mapping(
        "site",
        &[("cookie", ToProfile, Some("cookie")), ("email", ToProfile, Some("email"))],
    );
    site.event = Some(EventMapping { identifies: true, ..EventMapping::default() });
    let sender = mapping("sender", &[("email", ToSystem, None), ("name", ToSystem, None)]);
    let mut orders = mapping("orders", &[("email", ToProfile, None), ("note", ToProfile, None)]);
    orders.kind = EntityKind::object("order");
    orders.relations = vec![RelationMapping {
        field: FieldName::from("email"),
        role: "buyer".into(),
        to: RelatesTo::Namespace("email".into()),
    }];
    let namespaces = vec![
        Namespace::new("email", Normaliser::Email),
        Namespace::new("code", Normaliser::Code),
        Namespace::new("cookie", Normaliser::Cookie),
    ];
    Rules::new("default".into(), namespaces, vec![shop, crm, site, sender, orders])
}

/// Some people, and the canary among them.
fn settle(stage: &Stage, dice: &mut Dice) {
    let people = 3 + dice.below(40);
    let bird = dice.below(people);
    for n in 0..people {
        let (mark, code) = if n == bird {
            (MARK.to_owned(), format!("{MARK}-code"))
        } else {
            (format!("p{n}"), format!("code-{n}"))
        };
        let email = format!("{mark}@example.org");
        let name = format!("Name {mark} {}", "x".repeat(dice.below(200)));
        for visit in 0..dice.below(4) {
            let cookie = format!("cookie-{mark}");
            // Anonymous but for the last one.
            let login = if visit == 0 { &*email } else { "" };
            let row = [("cookie", &*cookie), ("email", login), ("page", &*name)];
            stage.table("site").put(&format!("{mark}-visit-{visit}"), &row);
        }
        let row = [("email", &*email), ("code", &*code), ("name", &*name), ("age", "40")];
        stage.table("shop").put(&format!("{mark}-shop-{n}"), &row);
        if n == bird || dice.percent(50) {
            let row = [("email", &*email), ("name", ""), ("age", "41")];
            stage.table("crm").put(&format!("{mark}-crm-{n}"), &row);
        }
        // An order, which names the person once more in a text.
        let note = format!("for {email}, with love");
        stage.table("orders").put(&format!("o-{n}"), &[("email", &*email), ("note", &*note)]);
        if n == bird && dice.percent(50) {
            let row =
                [("email", "other-canarybird@example.org"), ("code", &*code), ("name", &*name)];
            stage.table("shop").put(&format!("{mark}-shop-again"), &row);
        }
        if n == bird && dice.percent(50) {
            // Rejected for its age; it names the person only in its values.
            let row = [("email", &*email), ("code", &*code), ("age", "forty")];
            stage.table("shop").put("rejected", &row);
        }
    }
}

async fn sync_all(engine: &Engine) {
    for sync in ["site", "shop", "crm", "sender", "orders"] {
        run(engine, sync).await;
    }
}

/// The canary edits, so that old versions lie in the files.
async fn live(stage: &Stage, engine: &Engine, dice: &mut Dice) {
    for round in 0..1 + dice.below(3) {
        sync_all(engine).await;
        let rows: Vec<String> = stage.table("shop").rows.keys().cloned().collect();
        for key in rows {
            if key.starts_with(MARK) || dice.percent(20) {
                let name = format!("{key} edited {round}");
                let value = hub_model::Value::text(name);
                let mut shop = stage.table("shop");
                shop.rows.get_mut(&key).unwrap().insert("name".into(), value);
            }
        }
    }
    sync_all(engine).await;
}

/// The canary was taken for somebody else for a while, and whoever it was changed
/// meanwhile: versions of another number show the canary's values.
async fn mistake(engine: &Engine, dice: &mut Dice) {
    if dice.percent(50) {
        return;
    }
    let workspace = engine.workspace();
    let all = workspace.store.scan_profiles(None, 1_000).await.unwrap();
    let marked = |profile: &&Profile| holds(&serde_json::to_vec(profile).unwrap());
    let bird = all.iter().find(marked).unwrap();
    let other = all.iter().find(|profile| !marked(profile)).unwrap();
    decide::apply(workspace, &Ask::Merge(bird.id, other.id), "tester").await.unwrap();
    let joined = workspace.store.profiles(&[bird.id]).await.unwrap().remove(0).unwrap();
    assert_eq!(joined.records.len(), bird.records.len() + other.records.len());
    let leaving = bird.records.iter().copied().collect();
    decide::apply(workspace, &Ask::Separate(joined.id, leaving), "tester").await.unwrap();
    let now = workspace.store.profiles(&[other.id]).await.unwrap().remove(0).unwrap();
    assert!(!marked(&&now));
}

/// Every version of every number that is told.
async fn histories(store: &dyn Store) -> Vec<u8> {
    let mut told = Vec::new();
    for number in 0..=store.counters().await.unwrap().record {
        let page = store.history(ProfileId(number), None, usize::MAX).await.unwrap();
        told.extend(serde_json::to_vec(&page.versions).unwrap());
    }
    told
}

async fn certificate(engine: &Engine, id: u64) -> Erasure {
    erasure::find(engine.workspace(), id).await.unwrap().unwrap()
}

pub(super) fn holds(bytes: &[u8]) -> bool {
    let mark = MARK.as_bytes();
    bytes.windows(mark.len()).any(|part| part.eq_ignore_ascii_case(mark))
}

/// What is compressed within bytes, wherever it begins.
fn decompressed(bytes: &[u8]) -> Vec<Vec<u8>> {
    const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    let mut found = Vec::new();
    for start in 0..bytes.len().saturating_sub(MAGIC.len()) {
        if bytes[start..].starts_with(&MAGIC) {
            let mut plain = Vec::new();
            let decoder = zstd::stream::read::Decoder::new(&bytes[start..]).unwrap();
            // What follows the frame is none: what came before that counts.
            let _ = decoder.single_frame().take(64 << 20).read_to_end(&mut plain);
            found.push(plain);
        }
    }
    found
}

/// The files that hold a trace, decoded where they are packed.
pub(super) fn traces(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(traces(&path));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        if holds(&bytes) {
            found.push(format!("{} in clear", path.display()));
        }
        if decompressed(&bytes).iter().any(|plain| holds(plain)) {
            found.push(format!("{} packed", path.display()));
        }
    }
    found
}

/// The whole store as an export writes it.
pub(super) async fn exported(store: &dyn Store) -> Vec<u8> {
    let (mut text, mut next) = (Vec::new(), None);
    loop {
        let page = store.dump(next).await.unwrap();
        text.extend(serde_json::to_vec(&page.set).unwrap());
        next = page.next;
        if next.is_none() {
            return text;
        }
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn canary(seed: u64, log: &Log) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("store");
    let mut dice = Dice::new(seed);
    let open = || Arc::new(SledStore::open(&dir, &WorkspaceId::new("default")).unwrap());
    let mut stage = Stage::over(open(), rules(), Timestamp::from_seconds(1_000_000));
    settle(&stage, &mut dice);
    let engine = stage.open().await;
    live(&stage, &engine, &mut dice).await;
    mistake(&engine, &mut dice).await;
    assert!(holds(&histories(&*stage.store).await), "seed {seed}: in no older version");
    let others = {
        let all = stage.store.scan_profiles(None, 1_000).await.unwrap();
        let is_other = |p: &hub_model::Profile| !holds(&serde_json::to_vec(p).unwrap());
        all.into_iter().filter(is_other).collect::<Vec<_>>()
    };
    // The search finds what there is to find: in the files, and in an export.
    assert!(holds(&exported(&*stage.store).await), "seed {seed}");
    assert!(traces(&dir).iter().any(|trace| trace.ends_with("packed")), "seed {seed}");

    let by = Identity::new("email", &format!("{MARK}@example.org"));
    let begun = engine.erase(&by).await.unwrap();
    engine.tend().await.unwrap();
    let gone = certificate(&engine, begun.id).await;
    assert!(gone.logically_gone.is_some() && gone.records >= 2, "seed {seed}: {gone:?}");
    assert_eq!(gone.phase, Phase::Telling, "seed {seed}: the sender was not told yet");
    assert!(gone.physically_gone.is_none(), "seed {seed}");
    assert_eq!(stage.store.claims(std::slice::from_ref(&by)).await.unwrap()[0], Default::default());
    // The sources go on showing the person, who is refused; destinations are told.
    sync_all(&engine).await;
    engine.tend().await.unwrap();
    let done = certificate(&engine, begun.id).await;
    assert!(done.receipts().all(|receipt| receipt.told == Told::Done), "seed {seed}: {done:?}");
    assert_eq!(done.phase, Phase::Done, "seed {seed}");
    assert!(done.physically_gone > done.logically_gone, "seed {seed}");
    let written: BTreeSet<String> = {
        let sender = stage.table("sender");
        sender.rows.values().map(|row| format!("{row:?}")).collect()
    };
    assert!(!written.iter().any(|row| holds(row.as_bytes())), "seed {seed}: {written:?}");
    // What the system of its own said stays its own; what it was told goes.
    for (key, row) in stage.table("crm").rows.iter().filter(|(key, _)| key.starts_with(MARK)) {
        assert_eq!(row["name"], hub_model::Value::Null, "seed {seed}: {key}");
        assert_eq!(row["age"], hub_model::Value::text("41"), "seed {seed}: {key}");
    }
    assert_eq!(stage.store.verify().await, Ok(vec![]), "seed {seed}");
    assert!(!holds(&exported(&*stage.store).await), "seed {seed}: in the export");
    assert!(!holds(&histories(&*stage.store).await), "seed {seed}: in an older version");
    let left = stage.store.scan_profiles(None, 1_000).await.unwrap();
    assert_eq!(left, others, "seed {seed}: somebody else changed");

    // Nothing in any file, also once it is opened again; and it stays refused.
    drop(engine);
    let refused = {
        let empty: Arc<dyn Store> = Arc::new(MemoryStore::default());
        stage.store = empty;
        stage.upkeep = None;
        assert_eq!(traces(&dir), Vec::<String>::new(), "seed {seed}");
        let store = open();
        stage.upkeep = Some(store.clone());
        stage.store = store;
        let engine = stage.open().await;
        let ran = run(&engine, "shop").await;
        run(&engine, "crm").await;
        run(&engine, "orders").await;
        run(&engine, "site").await;
        assert_eq!(stage.store.claims(&[by]).await.unwrap()[0], Default::default());
        ran.counts.refused
    };
    assert!(refused > 0, "seed {seed}: nothing was shown again");
    assert!(!holds(&exported(&*stage.store).await), "seed {seed}: came back");
    // Each canary is looked for in what was logged since the one before.
    let logged = std::mem::take(&mut *log.0.lock().unwrap());
    assert!(!logged.is_empty() && !holds(&logged), "seed {seed}: in the log");
}

#[test]
fn erasure_then_compaction_leaves_no_trace_and_nothing_comes_back() {
    let cases = std::env::var("LIAISON_CASES").ok().and_then(|text| text.parse().ok());
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        for seed in 0..cases.unwrap_or(CANARIES) {
            tracing::info!(seed, "a canary");
            block_on(canary(seed, &log));
        }
    });
}

/// The process dies at any effect of the erasure: what was begun ends.
#[test]
fn an_erasure_that_is_interrupted_anywhere_ends() {
    block_on(async {
        let mut deaths = 0;
        for after in 1.. {
            let snapshot = Arc::new(MemoryStore::default());
            let stage =
                Stage::over(Arc::clone(&snapshot), rules(), Timestamp::from_seconds(1_000_000));
            let mut dice = Dice::new(3);
            settle(&stage, &mut dice);
            let engine = stage.open().await;
            sync_all(&engine).await;
            let by = Identity::new("email", &format!("{MARK}@example.org"));
            let begun = engine.erase(&by).await.unwrap();
            drop(engine);
            let fuse = Arc::new(Fuse::endless());
            let mortal = MortalStore::new(Arc::clone(&snapshot), Arc::clone(&fuse));
            let mut dying =
                Stage::over(Arc::clone(&snapshot), rules(), Timestamp::from_seconds(1_000_900));
            dying.tables.clone_from(&stage.tables);
            dying.store = Arc::new(mortal);
            let engine = dying.open().await;
            fuse.set(after);
            let died = engine.tend().await.is_err();
            fuse.set(i64::MAX);
            deaths += u32::from(died);
            // Whatever happened, nothing comes back meanwhile, and the next one ends it.
            let engine = stage.open().await;
            let shop = run(&engine, "shop").await;
            assert_eq!(shop.counts.new, 0, "effect {after}");
            engine.tend().await.unwrap();
            sync_all(&engine).await;
            engine.tend().await.unwrap();
            let done = certificate(&engine, begun.id).await;
            assert_eq!(done.phase, Phase::Done, "effect {after}");
            assert!(!holds(&exported(&*snapshot).await), "effect {after}");
            assert_eq!(snapshot.verify().await, Ok(vec![]), "effect {after}");
            if !died {
                break;
            }
        }
        assert!(deaths > 3, "{deaths}");
    });
}

#[test]
fn who_is_not_certain_is_not_erased() {
    block_on(async {
        let stage = Stage::new(rules(), Timestamp::from_seconds(1_000_000));
        stage.table("shop").put("1", &[("email", "ana@x.fr"), ("code", "c1"), ("age", "1")]);
        let engine = stage.open().await;
        sync_all(&engine).await;
        let nobody = engine.erase(&Identity::new("email", "bob@x.fr")).await;
        assert_eq!(nobody, Err(EraseRefused::Nobody));
        // A destination that is down is told when it is there again.
        let ana = Identity::new("email", "ana@x.fr");
        stage.table("sender").is_down = true;
        let begun = engine.erase(&ana).await.unwrap();
        engine.tend().await.unwrap();
        let failed = engine.run_once(&SyncId::new("sender")).await.unwrap();
        assert!(failed.fault.is_some());
        assert_eq!(certificate(&engine, begun.id).await.phase, Phase::Telling);
        stage.table("sender").is_down = false;
        run(&engine, "crm").await;
        run(&engine, "sender").await;
        assert_eq!(certificate(&engine, begun.id).await.phase, Phase::Told);
        engine.tend().await.unwrap();
        assert_eq!(certificate(&engine, begun.id).await.phase, Phase::Done);
        let last = stage.table("sender").writes.last().map(|item| item.action);
        assert_eq!(last, Some(Action::Delete));
        assert_eq!(engine.erase(&ana).await, Err(EraseRefused::Nobody));
    });
}
