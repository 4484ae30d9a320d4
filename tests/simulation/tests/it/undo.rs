//! Undo: a wrecked mapping was applied, and people edited meanwhile. Every system
//! is then as it was before, but for those edits, wherever the process dies; nothing
//! is written again behind it; and a mended mapping is delivered.
//!
//! The oracle is what the systems themselves hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use hub_engine::Engine;
use hub_engine::plans::Why;
use hub_model::{
    ConsentKey, Direction, FieldName, Mapping, Namespace, Normaliser, Object, Rules, Run, RunId,
    StreamRef, SyncId, Timestamp, Value,
};
use hub_store::MemoryStore;
use simulation::crash::{Fuse, MortalStore};
use simulation::dice::Dice;
use simulation::stage::{Stage, pair, row, run};

use super::block_on;

type Rows = BTreeMap<String, Object>;

const SYNCS: [&str; 3] = ["shop", "crm", "mail"];

fn mapping(id: &str, direction: Direction, fields: &[&str]) -> Mapping {
    let identity = |field: &str| (field == "email" && direction.reads()).then_some("email");
    Mapping {
        fields: fields.iter().map(|field| pair(field, direction, identity(field))).collect(),
        matching: vec![FieldName::from("email")],
        deletes_percent_max: 100,
        ..Mapping::new(SyncId::new(id), StreamRef::new("default", id, "people"))
    }
}

/// A shop that is read, a CRM that knows the cities, and a mailer that is told.
fn good() -> Rules {
    let mappings = vec![
        mapping("shop", Direction::ToProfile, &["email", "name"]),
        mapping("crm", Direction::Both, &["email", "name", "city"]),
        mapping("mail", Direction::ToSystem, &["email", "name", "city"]),
    ];
    Rules::new("default".into(), vec![Namespace::new("email", Normaliser::Email)], mappings)
}

/// The shop's postcodes pass for cities.
fn wrecked() -> Rules {
    let mut rules = good();
    let mut zip = pair("zip", Direction::ToProfile, None);
    zip.to = "city".into();
    rules.mappings[0].fields.push(zip);
    rules
}

fn person(email: &str, name: &str, city: &str) -> Object {
    row(&[("email", email), ("name", name), ("city", city)])
}

fn rows(stage: &Stage, system: &str) -> Rows {
    stage.table(system).rows.clone()
}

fn writes(stage: &Stage) -> usize {
    SYNCS.iter().map(|system| stage.table(system).writes.len()).sum()
}

async fn sync_all(engine: &Engine) {
    for sync in ["shop", "crm", "mail", "crm"] {
        run(engine, sync).await;
    }
}

/// Three people whom everybody knows, at rest; then a fourth in the shop, and the
/// wrecked mapping.
async fn at_rest(stage: &mut Stage) {
    for name in ["ana", "bob", "eva"] {
        let email = format!("{name}@x.fr");
        let shop = [("email", &*email), ("name", name), ("zip", "57000")];
        stage.table("shop").put(name, &shop);
        stage.table("crm").rows.insert(name.to_owned(), person(&email, name, "Metz"));
    }
    let engine = stage.open().await;
    sync_all(&engine).await;
    sync_all(&engine).await;
    let new = [("email", "new@x.fr"), ("name", "new"), ("zip", "57000")];
    stage.table("shop").put("new", &new);
    stage.rules = wrecked();
}

fn stage() -> Stage {
    Stage::new(good(), Timestamp::from_seconds(1_000_000))
}

/// Over a store that dies.
fn mortal() -> (Stage, Arc<Fuse>) {
    let mut stage = stage();
    let (body, fuse) = (Arc::new(MemoryStore::default()), Arc::new(Fuse::endless()));
    stage.store = Arc::new(MortalStore::new(body, Arc::clone(&fuse)));
    stage.upkeep = None;
    (stage, fuse)
}

/// Lets the process die after one effect, after two, and so on, until it lives.
fn everywhere(dies: impl AsyncFn(Stage, Arc<Fuse>, i64) -> bool) {
    for effects in 1.. {
        let (stage, fuse) = mortal();
        if !block_on(dies(stage, fuse, effects)) {
            assert!(effects > 8, "what is tried has several effects");
            return;
        }
    }
}

async fn undo(engine: &Engine, sync: &str, run: &RunId) -> Run {
    let undone = engine.undo_once(&SyncId::new(sync), run).await.unwrap();
    assert_eq!(undone.fault, None);
    assert_eq!(undone.undoes.as_ref(), Some(run));
    undone
}

async fn is_quiet(stage: &Stage, engine: &Engine) {
    let before = writes(stage);
    for _ in 0..3 {
        sync_all(engine).await;
    }
    assert_eq!(writes(stage), before, "undone stays undone");
}

fn by_email(rows: &Rows) -> BTreeMap<String, Object> {
    let email = |row: &Object| row["email"].as_text().unwrap().to_owned();
    rows.values().map(|row| (email(row), row.clone())).collect()
}

#[test]
fn what_a_wrecked_mapping_wrote_is_taken_back_but_for_edits() {
    block_on(async {
        let mut stage = stage();
        at_rest(&mut stage).await;
        let before = ["crm", "mail"].map(|system| rows(&stage, system));
        let engine = stage.open().await;
        run(&engine, "shop").await;
        let (crm, mail) = (run(&engine, "crm").await, run(&engine, "mail").await);
        assert_eq!((crm.counts.updated, crm.counts.created), (3, 1));
        assert_eq!((mail.counts.updated, mail.counts.created), (3, 1));
        assert_eq!(rows(&stage, "crm")["ana"], person("ana@x.fr", "ana", "57000"));

        // People go on working: one mends by hand, one deletes.
        stage.table("crm").rows.get_mut("bob").unwrap().insert("city".into(), Value::text("Nice"));
        stage.table("crm").rows.remove("eva");
        // Nobody has looked yet: the hub believes that it can take back all of it.
        let shown = engine.undo_plan(&crm.id).await.unwrap().unwrap();
        assert_eq!((shown.sync.as_str(), shown.writes.len(), shown.left.len()), ("crm", 4, 0));
        let dry = writes(&stage);
        let undone = undo(&engine, "crm", &crm.id).await;
        assert_eq!((undone.counts.updated, undone.counts.removed), (1, 1));
        assert_eq!(writes(&stage), dry + 2, "nothing but that");
        let mut wanted = before[0].clone();
        wanted.remove("eva");
        wanted.get_mut("bob").unwrap().insert("city".into(), Value::text("Nice"));
        assert_eq!(rows(&stage, "crm"), wanted);
        let left = engine.undo_plan(&crm.id).await.unwrap().unwrap();
        assert_eq!(left.writes, []);
        let why = left.left.iter().map(|left| {
            let field = left.skipped.field.as_ref().map_or("", FieldName::as_str);
            (left.key.as_ref().unwrap().as_str(), field, left.skipped.why)
        });
        let wanted = [("bob", "city", Why::Edited), ("eva", "", Why::Gone)];
        assert_eq!(why.collect::<Vec<_>>(), wanted);

        undo(&engine, "mail", &mail.id).await;
        assert_eq!(rows(&stage, "mail"), before[1]);
        // What somebody typed is brought to the others; nothing else is.
        run(&engine, "mail").await;
        let mailed = by_email(&rows(&stage, "mail"));
        assert_eq!(mailed["bob@x.fr"], person("bob@x.fr", "bob", "Nice"));
        assert_eq!(mailed["ana@x.fr"], person("ana@x.fr", "ana", "Metz"));
        is_quiet(&stage, &engine).await;
        // Doing it again does nothing.
        let written = writes(&stage);
        undo(&engine, "crm", &crm.id).await;
        assert_eq!(writes(&stage), written);

        // Until a value changes at its source: that one alone.
        let shop = [("email", "ana@x.fr"), ("name", "ana"), ("zip", "69000")];
        stage.table("shop").put("ana", &shop);
        sync_all(&engine).await;
        assert_eq!(rows(&stage, "crm")["ana"], person("ana@x.fr", "ana", "69000"));
        assert_eq!(writes(&stage), written + 2);
        drop(engine);

        // Or the mapping is mended: then everybody has what he should.
        stage.rules = good();
        let engine = stage.open().await;
        sync_all(&engine).await;
        let crm = by_email(&rows(&stage, "crm"));
        assert_eq!(crm["ana@x.fr"], person("ana@x.fr", "ana", "Metz"));
        assert_eq!(crm["bob@x.fr"], person("bob@x.fr", "bob", "Nice"));
        assert_eq!(crm["new@x.fr"], row(&[("email", "new@x.fr"), ("name", "new")]));
        assert_eq!(crm.len(), 3, "what somebody deleted is not made again");
        assert_eq!(by_email(&rows(&stage, "mail")).len(), 4);
        is_quiet(&stage, &engine).await;
    });
}

/// The process may die before and after every commit of an undoing.
#[test]
fn an_undoing_that_dies_anywhere_is_ended_by_the_next_run() {
    everywhere(async |mut stage, fuse, effects| {
        at_rest(&mut stage).await;
        let before = rows(&stage, "crm");
        let engine = stage.open().await;
        run(&engine, "shop").await;
        let wreck = run(&engine, "crm").await;
        let written = writes(&stage);
        fuse.set(effects);
        let undoing = engine.undo_once(&SyncId::new("crm"), &wreck.id).await.unwrap();
        let died = fuse.is_burnt();
        fuse.set(i64::MAX);
        let engine = stage.open().await;
        let at = format!("after {effects} effects");
        run(&engine, "crm").await;
        // It may have died before it was known that it was asked for.
        if rows(&stage, "crm") != before {
            assert_eq!(undoing.counts.writes, 0, "{at}");
            undo(&engine, "crm", &wreck.id).await;
        }
        assert_eq!(rows(&stage, "crm"), before, "{at}");
        assert_eq!(writes(&stage), written + 4, "{at}");
        for sync in ["crm", "shop", "crm"] {
            run(&engine, sync).await;
        }
        assert_eq!(rows(&stage, "crm"), before, "{at}");
        // A mended mapping brings the new one.
        stage.rules = good();
        let engine = stage.open().await;
        sync_all(&engine).await;
        assert_eq!(rows(&stage, "crm").len(), 4, "{at}");
        is_quiet(&stage, &engine).await;
        died
    });
}

/// The wrecked run itself may die anywhere: what it wrote is taken back all the
/// same, known or not.
#[test]
fn a_run_that_died_anywhere_is_undone() {
    everywhere(async |mut stage, fuse, effects| {
        at_rest(&mut stage).await;
        let before = rows(&stage, "crm");
        let engine = stage.open().await;
        run(&engine, "shop").await;
        fuse.set(effects);
        let wreck = engine.run_once(&SyncId::new("crm")).await.unwrap();
        let died = fuse.is_burnt();
        fuse.set(i64::MAX);
        let engine = stage.open().await;
        let at = format!("after {effects} effects");
        undo(&engine, "crm", &wreck.id).await;
        assert_eq!(rows(&stage, "crm"), before, "{at}");
        stage.rules = good();
        // As long as searches may lag, a create that is not found stays open.
        stage.clock.set(Timestamp::from_seconds(1_000_000 + 120));
        let engine = stage.open().await;
        sync_all(&engine).await;
        let found = by_email(&rows(&stage, "crm"));
        assert_eq!(found.len(), 4, "{at}");
        for (email, row) in by_email(&before) {
            assert_eq!(found[&email], row, "{at}");
        }
        is_quiet(&stage, &engine).await;
        died
    });
}

/// An undoing is a run like any other: undone, everything is as after the first.
#[test]
fn an_undoing_is_undone() {
    block_on(async {
        let mut stage = stage();
        at_rest(&mut stage).await;
        let engine = stage.open().await;
        run(&engine, "shop").await;
        let wreck = run(&engine, "crm").await;
        let then = by_email(&rows(&stage, "crm"));
        let undone = undo(&engine, "crm", &wreck.id).await;
        let redone = undo(&engine, "crm", &undone.id).await;
        assert_eq!((redone.counts.updated, redone.counts.created), (3, 1));
        assert_eq!(by_email(&rows(&stage, "crm")), then);
        let written = writes(&stage);
        for _ in 0..3 {
            for sync in ["crm", "shop"] {
                run(&engine, sync).await;
            }
        }
        assert_eq!(writes(&stage), written, "made again, it stays");
    });
}

/// What a destination may not have any more is not brought back.
#[test]
fn nothing_is_brought_back_without_its_consent() {
    block_on(async {
        let mut stage = stage();
        at_rest(&mut stage).await;
        let engine = stage.open().await;
        run(&engine, "shop").await;
        let wreck = run(&engine, "crm").await;
        drop(engine);
        stage.rules.mappings[1].requires = vec![ConsentKey::new("ads", "email")];
        let engine = stage.open().await;
        let shown = engine.undo_plan(&wreck.id).await.unwrap().unwrap();
        let why: Vec<Why> = shown.left.iter().map(|left| left.skipped.why).collect();
        assert_eq!(why, [Why::NotPermitted; 3]);
        assert_eq!(shown.writes.len(), 1, "what was created goes all the same");
        let unknown = engine.undo_plan(&RunId::new("1-crm")).await.unwrap();
        assert_eq!(unknown, None);
    });
}

/// What somebody did to a row meanwhile.
fn edit(dice: &mut Dice, rows: &mut Rows, key: &str) {
    let Some(row) = rows.get_mut(key) else { return };
    match dice.below(10) {
        0..=2 => {
            row.insert("city".into(), Value::text("Nice"));
        }
        3 => {
            row.insert("name".into(), Value::text(format!("{key} II")));
        }
        4 => {
            rows.remove(key);
        }
        _ => {}
    }
}

/// The form that some vendors make of a city.
fn titled(city: &str) -> String {
    let mut letters = city.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + &letters.as_str().to_lowercase()
}

/// How many wrecks are drawn: so many, or what `LIAISON_CASES` says.
fn cases(usual: u64) -> u64 {
    let told = std::env::var("LIAISON_CASES").ok();
    told.map_or(usual, |told| told.parse().unwrap())
}

/// Drawn people, edits, vendors' forms and moments of death.
#[test]
fn drawn_wrecks_are_undone_but_for_edits() {
    for seed in 0..cases(60) {
        block_on(drawn(seed));
    }
}

async fn drawn(seed: u64) {
    let mut dice = Dice::new(seed);
    let (mut stage, fuse) = mortal();
    if dice.percent(50) {
        stage.table("crm").form = Some(|row| {
            if let Some(city) = row.get("city").and_then(Value::as_text) {
                let city = Value::text(titled(city));
                row.insert("city".into(), city);
            }
        });
    }
    at_rest(&mut stage).await;
    for n in 0..dice.below(4) {
        let email = format!("new{n}@x.fr");
        stage.table("shop").put(&format!("new{n}"), &[("email", &email)]);
    }
    for row in stage.table("shop").rows.values_mut() {
        row.insert("zip".into(), Value::text("cedex 57"));
    }
    let mut wanted = rows(&stage, "crm");
    let engine = stage.open().await;
    run(&engine, "shop").await;
    let wreck = run(&engine, "crm").await;

    // The same edits there and in what is expected; a new row that somebody has
    // touched is his.
    let now = rows(&stage, "crm");
    let mut edited = now.clone();
    for (key, row) in &now {
        edit(&mut dice, &mut edited, key);
        match (edited.get(key), wanted.get_mut(key)) {
            (None, _) => {
                wanted.remove(key);
            }
            (Some(other), Some(wanted)) => {
                let typed = other.iter().filter(|(name, value)| row.get(&***name) != Some(value));
                wanted.extend(typed.map(|(name, value)| (name.clone(), value.clone())));
            }
            (Some(other), None) if other != row => {
                wanted.insert(key.clone(), other.clone());
            }
            (Some(_), None) => {}
        }
    }
    stage.table("crm").rows = edited;

    fuse.set(1 + i64::try_from(dice.below(60)).unwrap());
    let id = SyncId::new("crm");
    let _ = engine.undo_once(&id, &wreck.id).await.unwrap();
    fuse.set(i64::MAX);
    let engine = stage.open().await;
    if dice.percent(50) {
        run(&engine, "crm").await;
    }
    undo(&engine, "crm", &wreck.id).await;
    assert_eq!(rows(&stage, "crm"), wanted, "seed {seed}");
    for sync in ["crm", "shop", "crm", "shop", "crm"] {
        run(&engine, sync).await;
    }
    assert_eq!(rows(&stage, "crm"), wanted, "seed {seed}, later");
    stage.rules = good();
    let engine = stage.open().await;
    sync_all(&engine).await;
    let found = rows(&stage, "crm");
    for (key, row) in &wanted {
        assert_eq!(found.get(key).map(|row| &row["email"]), Some(&row["email"]), "seed {seed}");
    }
    is_quiet(&stage, &engine).await;
}
