//! What systems push, through the engine: late, twice, not at all, while the
//! process dies. What was answered with "yes" is taken in once.
//!
//! `LIAISON_CASES` says how many random streams of deliveries; 60 in the ordinary
//! tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hub_engine::inbox::Received;
use hub_engine::{Engine, EngineOptions, Env, SyncJob};
use hub_model::{
    ConnectionId, Direction, EventMapping, Fault, FaultCode, Guards, Identity, Mapping, Namespace,
    Normaliser, Object, RecordRef, RemoteKey, Rules, RunStatus, StreamName, StreamRef, SyncId,
    Timestamp, Trigger, Value,
};
use hub_schedule::Schedule;
use hub_store::{MemoryStore, Store};
use plugin_api::{
    Admitted, CallContext, Connector, Delivery, Found, Inbound, Item, ItemChange, JobState,
    LookupKey, LookupRequest, Manifest, Page, Parsed, ReadRequest, Refusal, Reply, StreamInfo,
    WriteReport, WriteRequest,
};
use serde_json::json;
use simulation::crash::{Fuse, MortalStore};
use simulation::dice::Dice;
use simulation::stage::{Stage, pair};

use super::block_on;

const CASES: u64 = 60;

/// A system that pushes: events, people as far as they changed, and names of rows
/// that changed.
#[derive(Default)]
struct Shop {
    rows: Mutex<BTreeMap<String, Object>>,
    reads: AtomicU64,
    looked_up: Mutex<Vec<RemoteKey>>,
    /// Nothing that it pushed can be understood at present.
    is_down: AtomicBool,
}

/// The way to it.
struct Door {
    shop: Arc<Shop>,
    manifest: Manifest,
}

fn object(fields: &[(&str, &str)]) -> Object {
    fields.iter().map(|(name, text)| ((*name).into(), Value::text(*text))).collect()
}

fn item(key: &str, row: Object) -> Item {
    let change = ItemChange::Upsert(row.into());
    Item { key: RemoteKey::from(key), change, version: None, time: None }
}

#[async_trait]
impl Connector for Door {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }
    fn inbound(&self) -> Option<&dyn Inbound> {
        Some(self)
    }
    async fn check(&self, _: &CallContext) -> Result<(), Fault> {
        Ok(())
    }
    async fn discover(&self, _: &CallContext) -> Result<Vec<StreamInfo>, Fault> {
        let stream = |name: &str| {
            serde_json::from_value(json!({
                "name": name, "readable": true, "writable": false, "batch-items-max": 2,
                "batch-bytes-max": 1000, "schema": { "type": "object" }, "fields": []
            }))
            .unwrap()
        };
        Ok(vec![stream("people"), stream("events")])
    }
    async fn read(&self, _: &CallContext, _: &ReadRequest) -> Result<Page, Fault> {
        self.shop.reads.fetch_add(1, Ordering::SeqCst);
        let rows = self.shop.rows.lock().unwrap();
        Ok(Page {
            items: rows.iter().map(|(key, row)| Ok(item(key, row.clone()))).collect(),
            next: None,
            more: false,
            snapshot_complete: false,
            poll_after_seconds: None,
        })
    }
    async fn lookup(&self, _: &CallContext, asked: &LookupRequest) -> Result<Vec<Found>, Fault> {
        let rows = self.shop.rows.lock().unwrap();
        let find = |key: &LookupKey| match key {
            LookupKey::Key(key) => {
                self.shop.looked_up.lock().unwrap().push(key.clone());
                let row = rows.get(key.as_str());
                row.map_or(Found::None, |row| Found::One(item(key.as_str(), row.clone())))
            }
            LookupKey::Fields(_) => Found::None,
        };
        Ok(asked.keys.iter().map(find).collect())
    }
    async fn write(&self, _: &CallContext, _: &WriteRequest) -> Result<WriteReport, Fault> {
        Err(Fault::new(FaultCode::NotSupported))
    }
    async fn poll_job(&self, _: &CallContext, _: &str) -> Result<JobState, Fault> {
        Err(Fault::new(FaultCode::NotSupported))
    }
}

/// A delivery is a list of `event KEY WHO`, `person KEY VERSION FIELD VALUE`,
/// `changed KEY` and `read`.
#[async_trait]
impl Inbound for Door {
    fn origins(&self) -> Vec<String> {
        Vec::new()
    }
    fn admit(&self, delivery: Delivery, _: Timestamp) -> Result<Admitted, Refusal> {
        let id = delivery.header("id").map(str::to_owned);
        Ok(Admitted { delivery, id, handshake: false })
    }
    async fn handshake(&self, _: &CallContext, _: &Delivery) -> Result<Option<Reply>, Fault> {
        Ok(None)
    }
    async fn parse(&self, _: &CallContext, delivery: &Delivery) -> Result<Vec<Parsed>, Fault> {
        if self.shop.is_down.load(Ordering::SeqCst) {
            return Err(Fault::new(FaultCode::Config));
        }
        let (people, events) = (StreamName::from("people"), StreamName::from("events"));
        let body = String::from_utf8_lossy(&delivery.body);
        let meaning = |line: &str| match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["event", key, who] => {
                let change = ItemChange::Event(object(&[("who", who)]));
                let item = Item { key: RemoteKey::from(*key), change, version: None, time: None };
                Ok(Parsed::Rows(events.clone(), vec![Ok(item)]))
            }
            ["person", key, version, field, value] => {
                let version = Some((*version).to_owned());
                let item = Item { version, ..item(key, object(&[(field, value)])) };
                Ok(Parsed::Rows(people.clone(), vec![Ok(item)]))
            }
            ["changed", key] => Ok(Parsed::Refetch(people.clone(), vec![RemoteKey::from(*key)])),
            ["read"] => Ok(Parsed::Read(people.clone())),
            _ => Err(Fault::new(FaultCode::Rejected).at("line")),
        };
        body.lines().map(meaning).collect()
    }
}

/// Two shops over one store, each with people and events.
struct World {
    shops: BTreeMap<&'static str, Arc<Shop>>,
    store: Arc<MemoryStore>,
    fuse: Arc<Fuse>,
    stage: Stage,
}

const SHOPS: [&str; 2] = ["web", "crm"];

fn rules() -> Rules {
    use Direction::ToProfile;
    let mappings = SHOPS.into_iter().flat_map(|shop| {
        let stream = |name: &str| StreamRef::new("default", shop, name);
        let sync = |name: &str| SyncId::new(format!("{shop}-{name}"));
        let mut people = Mapping::new(sync("people"), stream("people"));
        people.fields = vec![
            pair("email", ToProfile, Some("email")),
            pair("name", ToProfile, None),
            pair("city", ToProfile, None),
        ];
        let mut events = Mapping::new(sync("events"), stream("events"));
        events.fields = vec![pair("who", ToProfile, Some("email"))];
        events.event = Some(EventMapping::default());
        [people, events]
    });
    let namespaces = vec![Namespace::new("email", Normaliser::Email)];
    Rules::new("default".into(), namespaces, mappings.collect())
}

impl World {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::default());
        let now = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let stage = Stage::over(Arc::clone(&store), rules(), now);
        let shops = SHOPS.into_iter().map(|shop| (shop, Arc::default())).collect();
        Self { shops, store, fuse: Arc::new(Fuse::endless()), stage }
    }

    /// The engine, or `None` when the process died while it opened.
    async fn open(&self) -> Option<Engine> {
        let jobs = self.stage.rules.mappings.iter().map(|mapping| SyncJob {
            mapping: mapping.clone(),
            account: (&mapping.stream.connection).into(),
            guards: Guards::default(),
            schedule: Schedule::parse("manual", "UTC").unwrap(),
            schedule_text: "manual".to_owned(),
            reconcile: None,
            paused: false,
            connector: Arc::new(Door {
                shop: Arc::clone(&self.shops[mapping.stream.connection.as_str()]),
                manifest: serde_json::from_value(json!({
                    "id": "shop", "version": "1.0.0", "contract": "0.1.0",
                    "capabilities": ["source", "inbound"], "settings": true
                }))
                .unwrap(),
            }),
        });
        let options = EngineOptions {
            store: Arc::new(MortalStore::new(Arc::clone(&self.store), Arc::clone(&self.fuse))),
            rules: self.stage.rules.clone(),
            jobs: jobs.collect(),
            env: Arc::clone(&self.stage.clock) as Arc<dyn Env>,
            upkeep: None,
            privacy_key: [7; 32],
        };
        Engine::open(options).await.ok()
    }

    /// Another process, until one lives.
    async fn reopen(&self) -> Engine {
        self.fuse.set(i64::MAX);
        self.open().await.unwrap()
    }

    /// Lets everything that waits be taken, for some minutes.
    async fn settle(&self, engine: &Engine) {
        for _ in 0..3 {
            self.tick(engine).await;
        }
    }

    /// A look at what is due, a while after the last, and the end of every run.
    async fn tick(&self, engine: &Engine) {
        let now = self.stage.clock.now();
        self.stage.clock.set(now.plus_seconds(400));
        let _ = engine.tick().await;
        while engine.status().iter().any(|sync| sync.running.is_some()) {
            tokio::task::yield_now().await;
        }
    }

    async fn events(&self) -> Vec<String> {
        let events = self.store.scan_events(None, 10_000).await.unwrap();
        events.into_iter().map(|(_, event)| event.at.key.to_string()).collect()
    }

    async fn waiting(&self) -> usize {
        self.store.inbox(0, 10_000).await.unwrap().len()
    }

    async fn trait_of(&self, engine: &Engine, email: &str, name: &str) -> Option<String> {
        let identity = Identity::new("email", email);
        let profiles = engine.workspace().profiles_of(&identity).await.unwrap();
        let golden = profiles.first()?.traits.get(&hub_model::TraitName::from(name))?;
        golden.value.as_text().map(str::to_owned)
    }
}

async fn send(engine: &Engine, shop: &str, body: &str) -> Result<Received, ()> {
    send_as(engine, shop, body, None).await
}

async fn send_as(
    engine: &Engine,
    shop: &str,
    body: &str,
    id: Option<&str>,
) -> Result<Received, ()> {
    let headers = id.map(|id| ("id".to_owned(), id.to_owned())).into_iter().collect();
    let delivery = Delivery {
        method: "POST".to_owned(),
        target: "/".to_owned(),
        headers,
        body: body.as_bytes().to_vec(),
        received: engine.workspace().env.now(),
    };
    engine.receive(&ConnectionId::new(shop), delivery).await.map_err(|_| ())
}

#[test]
fn what_was_answered_with_yes_is_kept_once_whenever_the_process_dies() {
    let cases = std::env::var("LIAISON_CASES").ok().and_then(|text| text.parse().ok());
    for seed in 0..cases.unwrap_or(CASES) {
        block_on(one_case(seed));
    }
}

async fn one_case(seed: u64) {
    let mut dice = Dice::new(seed);
    let world = World::new();
    let mut engine = world.reopen().await;
    let (mut sent, mut promised) = (BTreeSet::new(), BTreeSet::new());
    for step in 0..60 {
        if dice.percent(20) {
            world.fuse.set(1 + dice.below(12) as i64);
        }
        let shop = *dice.pick(&SHOPS);
        // Some of them were sent before: late, or twice.
        let number = if dice.percent(30) { dice.below(step + 1) } else { step };
        let keys: Vec<String> =
            (0..1 + dice.below(4)).map(|n| format!("{shop}-{number}-{n}")).collect();
        let body: Vec<String> =
            keys.iter().map(|key| format!("event {key} u{}@x.fr", dice.below(5))).collect();
        sent.extend(keys.iter().cloned());
        if send(&engine, shop, &body.join("\n")).await.is_ok() {
            promised.extend(keys);
        }
        if dice.percent(40) {
            world.tick(&engine).await;
        }
        if world.fuse.is_burnt() {
            engine = world.reopen().await;
        }
    }
    engine = world.reopen().await;
    world.settle(&engine).await;
    let kept = world.events().await;
    let distinct: BTreeSet<String> = kept.iter().cloned().collect();
    assert_eq!(kept.len(), distinct.len(), "seed {seed}: an event is kept twice");
    let lost: Vec<_> = promised.difference(&distinct).collect();
    assert!(lost.is_empty(), "seed {seed}: {lost:?} were answered with yes and are lost");
    assert!(distinct.is_subset(&sent), "seed {seed}");
    assert!(!promised.is_empty(), "seed {seed}: nothing was tried");
    assert_eq!(world.waiting().await, 0, "seed {seed}: bodies wait for nobody");
}

#[test]
fn a_name_of_a_row_looks_up_that_row_and_reads_nothing() {
    block_on(async {
        let world = World::new();
        let engine = world.reopen().await;
        let shop = &world.shops["crm"];
        let put = |key: &str, name: &str| {
            let row = object(&[("email", &format!("{key}@x.fr")), ("name", name)]);
            shop.rows.lock().unwrap().insert(key.to_owned(), row);
        };
        for key in ["a", "b", "c"] {
            put(key, "Old");
        }
        engine.run_once(&SyncId::new("crm-people")).await.unwrap();
        assert_eq!(shop.reads.swap(0, Ordering::SeqCst), 1);
        put("a", "Ana");
        put("b", "Bo");
        shop.rows.lock().unwrap().remove("c");
        send(&engine, "crm", "changed a\nchanged a\nchanged c").await.unwrap();
        world.tick(&engine).await;
        assert_eq!(shop.reads.load(Ordering::SeqCst), 0);
        assert_eq!(*shop.looked_up.lock().unwrap(), ["a".into(), "c".into()]);
        let name = async |who: &str| world.trait_of(&engine, who, "name").await;
        assert_eq!(name("a@x.fr").await.as_deref(), Some("Ana"));
        assert_eq!(name("b@x.fr").await.as_deref(), Some("Old"), "its delivery was lost");
        let at = RecordRef { stream: StreamRef::new("default", "crm", "people"), key: "c".into() };
        let gone = world.store.records_by_ref(&[at]).await.unwrap().remove(0).unwrap();
        assert!(!gone.is_live());
        // The sweep finds what no delivery told.
        engine.run_once(&SyncId::new("crm-people")).await.unwrap();
        assert_eq!(name("b@x.fr").await.as_deref(), Some("Bo"));
        put("b", "Bob");
        send(&engine, "crm", "read").await.unwrap();
        world.tick(&engine).await;
        assert_eq!(name("b@x.fr").await.as_deref(), Some("Bob"));
    });
}

#[test]
fn a_pushed_row_is_a_patch_whatever_the_order() {
    block_on(async {
        let deliveries = [
            "person 1 1 email ana@x.fr",
            "person 1 2 name Ann",
            "person 1 3 city Lyon",
            "person 1 4 name Ana",
        ];
        for order in [[0, 1, 2, 3], [0, 3, 1, 2], [0, 2, 3, 1], [0, 3, 3, 1]] {
            let world = World::new();
            let engine = world.reopen().await;
            for index in order {
                send(&engine, "web", deliveries[index]).await.unwrap();
                world.tick(&engine).await;
            }
            send(&engine, "web", deliveries[2]).await.unwrap();
            world.tick(&engine).await;
            let told = async |name| world.trait_of(&engine, "ana@x.fr", name).await;
            assert_eq!(told("name").await.as_deref(), Some("Ana"), "{order:?}");
            assert_eq!(told("city").await.as_deref(), Some("Lyon"), "{order:?}");
        }
    });
}

#[test]
fn deliveries_that_cannot_be_taken_wait_and_hold_up_nobody_else() {
    block_on(async {
        let world = World::new();
        let mut engine = world.reopen().await;
        world.shops["web"].is_down.store(true, Ordering::SeqCst);
        send(&engine, "web", "event w1 a@x.fr").await.unwrap();
        send(&engine, "crm", "event c1 a@x.fr").await.unwrap();
        send(&engine, "web", "event w2 a@x.fr").await.unwrap();
        world.settle(&engine).await;
        assert_eq!(world.events().await, ["c1"]);
        let failed = engine.status().into_iter().find(|it| it.id == SyncId::new("web-events"));
        assert_eq!(failed.unwrap().last.unwrap().status, RunStatus::Failed);
        // They outlive the process, and are forgotten only with the last of them.
        engine = world.reopen().await;
        world.tick(&engine).await;
        assert!(world.waiting().await >= 2);
        world.shops["web"].is_down.store(false, Ordering::SeqCst);
        world.settle(&engine).await;
        assert_eq!(world.events().await, ["c1", "w1", "w2"]);
        assert_eq!(world.waiting().await, 0);
    });
}

#[test]
fn a_delivery_that_says_nothing_waits_in_quarantine_and_the_next_is_taken() {
    block_on(async {
        let world = World::new();
        let engine = world.reopen().await;
        send(&engine, "web", "gibberish").await.unwrap();
        send(&engine, "web", "event w1 a@x.fr\nevent w2 nobody").await.unwrap();
        world.tick(&engine).await;
        assert_eq!(world.events().await, ["w1"]);
        let rows = world.store.quarantined(0, 10).await.unwrap();
        let of_events = rows.iter().filter(|row| row.stream.stream == StreamName::from("events"));
        let reasons: Vec<_> = of_events.map(|row| (row.fault.code, row.raw.clone())).collect();
        assert!(reasons.contains(&(FaultCode::Rejected, "gibberish".to_owned())), "{reasons:?}");
        assert_eq!(reasons.len(), 2, "{reasons:?}");
    });
}

#[test]
fn what_comes_all_day_is_told_by_few_runs() {
    block_on(async {
        let world = World::new();
        let engine = world.reopen().await;
        for number in 0..30 {
            send(&engine, "web", &format!("event w{number} a@x.fr")).await.unwrap();
            world.stage.clock.set(world.stage.clock.now().plus_seconds(2));
            let _ = engine.tick().await;
            while engine.status().iter().any(|sync| sync.running.is_some()) {
                tokio::task::yield_now().await;
            }
        }
        let runs = world.store.runs(Some(&SyncId::new("web-events")), 100).await.unwrap();
        let [run] = runs.as_slice() else { panic!("{} runs", runs.len()) };
        assert_eq!((run.trigger, run.counts.new, run.counts.pages), (Trigger::Pushed, 30, 30));
        world.tick(&engine).await;
        world.stage.clock.set(world.stage.clock.now().plus_seconds(900));
        send(&engine, "web", "event later a@x.fr").await.unwrap();
        world.tick(&engine).await;
        let runs = world.store.runs(Some(&SyncId::new("web-events")), 100).await.unwrap();
        assert_eq!(runs.len(), 2);
    });
}

#[test]
fn a_repeated_id_is_answered_and_not_kept_again() {
    block_on(async {
        let world = World::new();
        let engine = world.reopen().await;
        let send = async |id| send_as(&engine, "web", "event w1 a@x.fr", Some(id)).await.unwrap();
        assert_eq!(send("1").await, Received::Kept);
        assert_eq!(send("1").await, Received::Known);
        assert_eq!(send("2").await, Received::Kept);
        let counts = engine.door(&ConnectionId::new("web")).unwrap();
        assert_eq!((counts.kept, counts.repeated), (2, 1));
        world.tick(&engine).await;
        assert_eq!(world.events().await, ["w1"]);
    });
}

#[test]
fn who_is_erased_leaves_what_was_pushed_and_not_yet_taken_as_well() {
    block_on(async {
        let world = World::new();
        let engine = world.reopen().await;
        send(&engine, "crm", "person 1 1 email ana@x.fr").await.unwrap();
        world.tick(&engine).await;
        world.shops["web"].is_down.store(true, Ordering::SeqCst);
        send(&engine, "web", "event w1 ana@x.fr\nevent w2 bob@x.fr").await.unwrap();
        world.settle(&engine).await;
        let erasure = engine.erase(&Identity::new("email", "ana@x.fr")).await.unwrap();
        engine.tend().await.unwrap();
        let of = async || {
            hub_engine::erasure::find(engine.workspace(), erasure.id).await.unwrap().unwrap()
        };
        assert_eq!(of().await.logically_gone, None, "a body about her waits");
        world.shops["web"].is_down.store(false, Ordering::SeqCst);
        world.settle(&engine).await;
        engine.tend().await.unwrap();
        assert!(of().await.logically_gone.is_some());
        assert_eq!(world.events().await, ["w2"]);
    });
}
