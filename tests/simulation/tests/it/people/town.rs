//! A town: a few systems that only show rows, and the hub that reads them. What
//! the store holds is compared with what all facts together make.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hub_core::identity::rebuild::rebuild;
use hub_engine::{Engine, EngineOptions, Env, SyncJob};
use hub_model::{
    Direction, Fault, FaultCode, FieldMapping, Guards, Mapping, Namespace, Normaliser, Object,
    Profile, ProfileId, Record, RemoteKey, Rules, Run, StreamRef, SyncId, Timestamp, Value,
};
use hub_schedule::Schedule;
use hub_store::{MemoryStore, Store};
use plugin_api::{
    CallContext, Connector, Cursor, Found, Item, ItemChange, JobState, LookupRequest, Manifest,
    Page, ReadRequest, StreamInfo, WriteReport, WriteRequest,
};
use simulation::dice::Dice;

/// The systems; each shows its people.
pub const SYSTEMS: [&str; 3] = ["crm", "shop", "erp"];
/// The fields of every row; an empty text is null.
pub const FIELDS: [&str; 4] = ["mail", "code", "cookie", "name"];

/// The rows of a system.
type Rows = BTreeMap<String, Object>;

/// A system that shows its rows, so many a page.
struct Window {
    manifest: Manifest,
    rows: Arc<Mutex<Rows>>,
    page_rows: usize,
}

#[async_trait]
impl Connector for Window {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }
    fn digest(&self) -> Option<String> {
        Some("ab".repeat(32))
    }
    async fn check(&self, _: &CallContext) -> Result<(), Fault> {
        Ok(())
    }
    async fn discover(&self, _: &CallContext) -> Result<Vec<StreamInfo>, Fault> {
        let fields: Vec<_> = FIELDS.iter().map(|f| serde_json::json!({ "name": f })).collect();
        let stream = serde_json::json!({
            "name": "people", "readable": true, "writable": false, "batch-items-max": 10,
            "batch-bytes-max": 100_000, "schema": true, "fields": fields,
        });
        Ok(vec![serde_json::from_value(stream).expect("a stream")])
    }
    async fn read(&self, _: &CallContext, request: &ReadRequest) -> Result<Page, Fault> {
        let start = request.cursor.as_ref().map_or(0, |cursor| usize::from(cursor.0[0]));
        let rows = self.rows.lock().expect("nobody panicked");
        let shown = rows.iter().skip(start).take(self.page_rows);
        let items: Vec<_> = shown
            .map(|(key, row)| {
                Ok(Item {
                    key: RemoteKey::new(key.as_str()),
                    change: ItemChange::Upsert(row.clone().into()),
                    version: None,
                    time: None,
                })
            })
            .collect();
        let next = start + items.len();
        let more = next < rows.len();
        let cursor = u8::try_from(next).ok().filter(|_| more).map(|next| Cursor(vec![next]));
        Ok(Page { items, next: cursor, more, snapshot_complete: !more, poll_after_seconds: None })
    }
    async fn lookup(&self, _: &CallContext, _: &LookupRequest) -> Result<Vec<Found>, Fault> {
        Err(Fault::new(FaultCode::NotSupported))
    }
    async fn write(&self, _: &CallContext, _: &WriteRequest) -> Result<WriteReport, Fault> {
        Err(Fault::new(FaultCode::NotSupported))
    }
    async fn poll_job(&self, _: &CallContext, _: &str) -> Result<JobState, Fault> {
        Err(Fault::new(FaultCode::NotSupported))
    }
}

/// A clock that only passes.
#[derive(Default)]
struct Clock(Mutex<i64>);

#[async_trait]
impl Env for Clock {
    fn now(&self) -> Timestamp {
        let mut micros = self.0.lock().expect("nobody panicked");
        *micros += 1;
        Timestamp(1_000_000_000_000_000 + *micros)
    }
    async fn sleep(&self, _: Duration) {}
    fn random(&self) -> u64 {
        7
    }
}

/// Systems, store, and the rules of the hub between them.
pub struct Town {
    pub rows: Vec<Arc<Mutex<Rows>>>,
    pub store: Arc<MemoryStore>,
    pub rules: Rules,
    pub page_rows: usize,
    clock: Arc<Clock>,
}

/// One namespace of each sort, and systems that show everything.
pub fn rules() -> Rules {
    let pair = |field: &&str| FieldMapping {
        field: (*field).into(),
        to: (*field).into(),
        direction: Direction::ToProfile,
        identity: match *field {
            "mail" => Some("email".into()),
            "code" => Some("code".into()),
            "cookie" => Some("cookie".into()),
            _ => None,
        },
        conversion: None,
    };
    let mapping = |name: &&str| Mapping {
        fields: FIELDS.iter().map(pair).collect(),
        deletes_percent_max: 100,
        ..Mapping::new(SyncId::new(*name), StreamRef::new("default", name, "people"))
    };
    let mut cookie = Namespace::new("cookie", Normaliser::Exact);
    cookie.trusted = false;
    let namespaces = vec![
        Namespace::new("email", Normaliser::Exact),
        Namespace::new("code", Normaliser::Exact),
        cookie,
    ];
    Rules::new("default".into(), namespaces, SYSTEMS.iter().map(mapping).collect())
}

/// Rules with limits drawn from dice: few values are shared by few records.
pub fn drawn_rules(dice: &mut Dice) -> Rules {
    let mut rules = rules();
    for namespace in &mut rules.namespaces {
        namespace.records_per_value_max = *dice.pick(&[2, 3, 25]);
        namespace.values_per_profile_max = *dice.pick(&[1, 2, 25]);
    }
    let both = dice.percent(40);
    for mapping in &mut rules.mappings {
        mapping.records_per_profile_max = *dice.pick(&[None, None, Some(1), Some(2)]);
        for pair in mapping.fields.iter_mut().filter(|pair| pair.field.as_str() == "mail") {
            if both {
                pair.direction = Direction::Both;
            }
        }
    }
    rules
}

impl Town {
    pub fn new(rules: Rules) -> Self {
        Self {
            rows: SYSTEMS.iter().map(|_| Arc::default()).collect(),
            store: Arc::default(),
            rules,
            page_rows: 3,
            clock: Arc::default(),
        }
    }

    /// Shows a row; an empty text is null.
    pub fn show(&self, system: usize, key: &str, fields: [&str; 4]) {
        let value = |text: &str| if text.is_empty() { Value::Null } else { Value::text(text) };
        let named = FIELDS.iter().zip(fields);
        let row = named.map(|(name, text)| ((*name).into(), value(text))).collect();
        self.rows[system].lock().expect("nobody panicked").insert(key.to_owned(), row);
    }

    /// Some user does something somewhere.
    pub fn stir(&self, dice: &mut Dice) {
        let system = dice.below(SYSTEMS.len());
        let key = format!("{}", dice.below(4));
        if dice.percent(12) {
            self.rows[system].lock().expect("nobody panicked").remove(&key);
            return;
        }
        let mut value = || *dice.pick(&["", "a", "b", "c", "d"]);
        let fields = [value(), value(), value(), value()];
        self.show(system, &key, fields);
    }

    /// The hub, started over a store.
    pub async fn start(&self, store: Arc<dyn Store>) -> Result<Engine, hub_store::Error> {
        let job = |(index, mapping): (usize, &Mapping)| {
            let manifest = serde_json::json!({
                "id": "window", "version": "1.2.3", "contract": "0.1.0",
                "capabilities": ["source"], "settings": true
            });
            let window = Window {
                manifest: serde_json::from_value(manifest).expect("a manifest"),
                rows: Arc::clone(&self.rows[index]),
                page_rows: self.page_rows,
            };
            SyncJob {
                // Nothing is written: what is read both ways is here to be resolved so.
                mapping: mapping.clone(),
                guards: Guards::default(),
                schedule: Schedule::parse("manual", "UTC").expect("a schedule"),
                schedule_text: "manual".to_owned(),
                reconcile: None,
                paused: false,
                account: (&mapping.stream.connection).into(),
                connector: Arc::new(window),
            }
        };
        let jobs = self.rules.mappings.iter().enumerate().map(job).collect();
        let env = Arc::clone(&self.clock) as Arc<dyn Env>;
        let (rules, upkeep, privacy_key) = (self.rules.clone(), None, [7; 32]);
        Engine::open(EngineOptions { store, rules, jobs, env, upkeep, privacy_key }).await
    }

    pub async fn open(&self) -> Engine {
        self.start(self.store.clone()).await.expect("the memory store opens")
    }

    /// Reads every system once.
    pub async fn read_all(&self, engine: &Engine) -> Vec<Run> {
        let mut runs = Vec::new();
        for system in SYSTEMS {
            runs.push(engine.run_once(&SyncId::new(system)).await.expect("no run overlaps"));
        }
        runs
    }

    pub async fn profiles(&self) -> BTreeMap<ProfileId, Profile> {
        let all = self.store.scan_profiles(None, usize::MAX).await.expect("answers");
        all.into_iter().map(|profile| (profile.id, profile)).collect()
    }

    pub async fn records(&self) -> Vec<Record> {
        let mut all = Vec::new();
        for mapping in &self.rules.mappings {
            let found = self.store.scan_records(&mapping.stream, None, usize::MAX).await;
            all.extend(found.expect("answers"));
        }
        all
    }

    /// Compares the store with what all facts make, and remembers every id that
    /// was ever given out: each leads to whoever has its record.
    pub async fn check(&self, ids: &mut BTreeSet<ProfileId>, place: &str) {
        let findings = self.store.verify().await.expect("answers");
        assert!(findings.is_empty(), "{place}: {findings:?}");
        let (records, profiles) = (self.records().await, self.profiles().await);
        let decisions = self.store.decisions().await.expect("answers");
        let anew = rebuild(records.clone(), &decisions, &self.rules);
        assert_eq!(profiles, anew.profiles, "{place}");
        for record in &records {
            let should = &anew.records[&record.number];
            assert_eq!(record.identities, should.identities, "{place}: {}", record.number);
        }
        for (identity, claim) in &anew.claims {
            let stored = self.store.claims(std::slice::from_ref(identity)).await.expect("answers");
            assert_eq!(stored.first(), Some(claim), "{place}: {identity}");
        }
        ids.extend(profiles.keys());
        for id in ids.iter() {
            let found = self.store.profiles(&[*id]).await.expect("answers");
            let found = found[0].as_ref().unwrap_or_else(|| panic!("{place}: {id} leads nowhere"));
            assert!(found.records.iter().any(|n| n.0 == id.0), "{place}: {id} is somebody else");
        }
    }
}
