//! A stage: the real engine between a few tables of which a test knows every
//! row, over any store, under a clock that the test moves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hub_engine::{Engine, EngineOptions, Env, SyncJob};
use hub_model::{
    AccountName, ConnectionId, Direction, EntityKind, Fault, FaultCode, FieldMapping, FieldName,
    Guards, Object, RateBudget, RateHint, RemoteKey, Rules, Run, StreamName, SyncId, Timestamp,
    Value,
};
use hub_schedule::Schedule;
use hub_store::upkeep::Upkeep;
use hub_store::{MemoryStore, Store};
use plugin_api::{
    Action, Aggregate, CallContext, Connector, Cursor, FieldInfo, Found, Item, ItemChange,
    JobState, Learned, LookupKey, LookupRequest, Manifest, Outcome, Page, ReadRequest, StreamInfo,
    WriteItem, WriteReport, WriteRequest,
};

use crate::platform::{Desk, Platform};

/// The time that a test moves.
pub struct Clock(Mutex<Timestamp>);

impl Clock {
    /// Moves it.
    pub fn set(&self, now: Timestamp) {
        *lock(&self.0) = now;
    }
}

#[async_trait]
impl Env for Clock {
    fn now(&self) -> Timestamp {
        let mut now = lock(&self.0);
        now.0 += 1; // no two instants are the same
        *now
    }

    async fn sleep(&self, duration: Duration) {
        lock(&self.0).0 += i64::try_from(duration.as_micros()).unwrap_or(0);
    }

    fn random(&self) -> u64 {
        self.now().0.unsigned_abs()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A field that is mapped to the trait of its name.
pub fn pair(field: &str, direction: Direction, identity: Option<&str>) -> FieldMapping {
    FieldMapping {
        field: field.into(),
        to: field.into(),
        direction,
        identity: identity.map(Into::into),
        conversion: None,
    }
}

/// How far a system is behind with what the hub has just created there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Behind {
    /// Not at all.
    #[default]
    Nowhere,
    /// It gave no answer, and no search finds the row.
    InSearches,
    /// Nor does its list show it.
    Everywhere,
}

/// A system's one stream, read whole each time.
#[derive(Debug, Default)]
pub struct Table {
    /// Its rows, as the system shows them.
    pub rows: BTreeMap<String, Object>,
    /// Keys of rows that it says were deleted.
    pub deleted: Vec<String>,
    /// What was written there, in order.
    pub writes: Vec<WriteItem>,
    /// The JSON Schema that its connector declares.
    pub schema: Option<serde_json::Value>,
    /// What the system makes of a row that is written.
    pub form: Option<fn(&mut Object)>,
    /// What it refuses, with everything else of the batch.
    pub refuses: Option<fn(&Object) -> bool>,
    /// Every call fails while this is set.
    pub is_down: bool,
    /// What every call is answered while this is set.
    pub says: Option<Fault>,
    /// What its connector declares; takes effect when the engine is opened next.
    pub budgets: Vec<RateBudget>,
    /// What its answers say about its limits.
    pub hints: Vec<RateHint>,
    /// It makes an export first: so many pages without rows, after which it wants to be
    /// left alone for five seconds each.
    pub export_pages: u32,
    /// Calls that reached it.
    pub calls: u64,
    /// It takes writes in and does them when it is asked for the job.
    pub jobs: bool,
    /// Its jobs do not end while this is set.
    pub is_busy: bool,
    /// It says no more of a write than how many items it refused.
    pub counts: bool,
    begun: BTreeMap<String, Vec<WriteItem>>,
    /// It does what is asked and never answers.
    pub loses_answers: bool,
    /// It says that rows can be archived.
    pub has_archive: bool,
    /// Purposes that its rows need a consent for.
    pub purposes: Vec<Box<str>>,
    /// The channel on which its rows are messages.
    pub sends: Option<Box<str>>,
    /// How it shows rows that the hub created.
    pub behind: Behind,
    /// It knows a create that is repeated by its key, and answers with its row.
    pub knows_keys: bool,
    made: BTreeMap<String, String>,
    created: u64,
}

impl Table {
    /// Puts a row of texts and nulls.
    pub fn put(&mut self, key: &str, fields: &[(&str, &str)]) {
        self.rows.insert(key.to_owned(), row(fields));
    }

    /// All that it shows.
    fn items(&self) -> impl Iterator<Item = Item> {
        let listed = |key: &&String| self.behind != Behind::Everywhere || !is_made(key);
        let rows = self.rows.iter().filter(move |(key, _)| listed(key));
        let rows = rows.map(|(key, row)| Self::item(key, row));
        rows.chain(self.deleted.iter().map(|key| Item {
            key: RemoteKey::from(&**key),
            change: ItemChange::Delete,
            version: None,
            time: None,
        }))
    }

    fn item(key: &str, row: &Object) -> Item {
        let change = ItemChange::Upsert(row.clone().into());
        Item { key: RemoteKey::from(key), change, version: None, time: None }
    }

    fn write(&mut self, item: &WriteItem) -> Outcome {
        self.writes.push(item.clone());
        let key = item.key.as_ref().map_or("", RemoteKey::as_str).to_owned();
        match item.action {
            Action::Create => {
                if let Some(key) = self.made.get(&item.idempotency_key).filter(|_| self.knows_keys)
                {
                    let row = self.rows.get(key).cloned();
                    return Outcome::Created { key: RemoteKey::from(&**key), row, version: None };
                }
                self.created += 1;
                let key = format!("{MADE}{}", self.created);
                self.made.insert(item.idempotency_key.clone(), key.clone());
                let row = self.formed(item.patch.clone());
                self.rows.insert(key.clone(), row.clone());
                if self.behind != Behind::Nowhere {
                    return Outcome::Unknown;
                }
                Outcome::Created { key: RemoteKey::new(key), row: Some(row), version: None }
            }
            Action::Update => {
                let Some(mut row) = self.rows.get(&key).cloned() else { return Outcome::Conflict };
                row.extend(item.patch.clone());
                let row = self.formed(row);
                self.rows.insert(key, row.clone());
                Outcome::Updated { row: Some(row), version: None }
            }
            Action::Archive | Action::Delete => {
                self.rows.remove(&key);
                Outcome::Deleted
            }
        }
    }

    fn formed(&self, mut row: Object) -> Object {
        if let Some(form) = self.form {
            form(&mut row);
        }
        row
    }

    fn look(&self, key: &LookupKey) -> Found {
        let fits = |row: &Object, fields: &BTreeMap<FieldName, Value>| {
            fields.iter().all(|(field, value)| row.get(field.as_str()) == Some(value))
        };
        let found: Vec<&String> = match key {
            LookupKey::Key(key) => self.rows.keys().filter(|own| *own == key.as_str()).collect(),
            LookupKey::Fields(fields) => {
                let findable = |key: &String| self.behind == Behind::Nowhere || !is_made(key);
                let rows = self.rows.iter().filter(|(key, _)| findable(key));
                let found = rows.filter(|(_, row)| fits(row, fields));
                found.map(|(key, _)| key).collect()
            }
        };
        match found.as_slice() {
            [] => Found::None,
            [key] => Found::One(Self::item(key, &self.rows[*key])),
            several => {
                Found::Several(several.iter().map(|k| RemoteKey::from(k.as_str())).collect())
            }
        }
    }
}

/// With what the keys begin of rows that the hub created.
const MADE: &str = "made-";

fn is_made(key: &str) -> bool {
    key.starts_with(MADE)
}

/// A row of texts; an empty one stands for null.
pub fn row(fields: &[(&str, &str)]) -> Object {
    let value = |text: &str| if text.is_empty() { Value::Null } else { Value::text(text) };
    fields.iter().map(|(name, text)| ((*name).into(), value(text))).collect()
}

/// The way to a table: what the engine holds.
struct Door {
    table: Arc<Mutex<Table>>,
    stream: StreamName,
    fields: Vec<FieldName>,
    manifest: Manifest,
}

impl Door {
    fn enter(&self) -> Result<MutexGuard<'_, Table>, Fault> {
        let mut table = lock(&self.table);
        table.calls += 1;
        if let Some(fault) = &table.says {
            return Err(fault.clone());
        }
        if table.is_down { Err(Fault::new(FaultCode::Blocked)) } else { Ok(table) }
    }
}

#[async_trait]
impl Connector for Door {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn learned(&self) -> Learned {
        Learned { requests: 0, rates: lock(&self.table).hints.clone() }
    }

    async fn check(&self, _call: &CallContext) -> Result<(), Fault> {
        Ok(())
    }

    async fn discover(&self, _call: &CallContext) -> Result<Vec<StreamInfo>, Fault> {
        let table = self.enter()?;
        let field =
            |name: &FieldName| FieldInfo { matchable: true, ..FieldInfo::new(name.clone()) };
        Ok(vec![StreamInfo {
            name: self.stream.clone(),
            kind: EntityKind::Person,
            readable: true,
            writable: true,
            conditional_writes: false,
            upsert_by_key: false,
            idempotency_keys: table.knows_keys,
            archives: table.has_archive,
            purposes: table.purposes.clone(),
            sends: table.sends.clone(),
            atomic_batches: false,
            batch_items_max: 20,
            batch_bytes_max: 1_000_000,
            schema: table.schema.clone().unwrap_or_else(|| serde_json::json!({"type": "object"})),
            fields: self.fields.iter().map(field).collect(),
        }])
    }

    async fn read(&self, _call: &CallContext, _request: &ReadRequest) -> Result<Page, Fault> {
        let mut table = self.enter()?;
        if let Some(left) = table.export_pages.checked_sub(1) {
            table.export_pages = left;
            return Ok(Page {
                items: Vec::new(),
                next: Some(Cursor(b"export".to_vec())),
                more: true,
                snapshot_complete: false,
                poll_after_seconds: Some(5),
            });
        }
        Ok(Page {
            items: table.items().map(Ok).collect(),
            next: None,
            more: false,
            snapshot_complete: true,
            poll_after_seconds: None,
        })
    }

    async fn lookup(
        &self,
        _call: &CallContext,
        request: &LookupRequest,
    ) -> Result<Vec<Found>, Fault> {
        let table = self.enter()?;
        Ok(request.keys.iter().map(|key| table.look(key)).collect())
    }

    async fn write(
        &self,
        _call: &CallContext,
        request: &WriteRequest,
    ) -> Result<WriteReport, Fault> {
        let mut table = self.enter()?;
        let refused = table.refuses;
        let refuses = |item: &WriteItem| refused.is_some_and(|refused| refused(&item.patch));
        if table.counts {
            let (bad, good): (Vec<_>, Vec<_>) =
                request.items.iter().partition(|item| refuses(item));
            good.iter().for_each(|item| drop(table.write(item)));
            let count = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
            let (received, invalid) = (count(request.items.len()), count(bad.len()));
            return Ok(WriteReport::Aggregate(Aggregate { received, invalid }));
        }
        if !table.jobs && request.items.iter().any(refuses) {
            return Err(Fault::new(FaultCode::Rejected));
        }
        if table.jobs {
            let job = format!("job-{}", table.calls);
            table.begun.insert(job.clone(), request.items.clone());
            return Ok(WriteReport::Items(vec![Outcome::Accepted { job }; request.items.len()]));
        }
        let outcomes: Vec<Outcome> = request.items.iter().map(|item| table.write(item)).collect();
        if table.loses_answers {
            return Err(Fault::new(FaultCode::Timeout));
        }
        Ok(WriteReport::Items(outcomes))
    }

    async fn poll_job(&self, _call: &CallContext, job: &str) -> Result<JobState, Fault> {
        let mut table = self.enter()?;
        if table.is_busy {
            return Ok(JobState::Running { poll_after_seconds: 5 });
        }
        let items = table.begun.remove(job).ok_or_else(|| Fault::new(FaultCode::NotFound))?;
        let refuses = |item: &WriteItem| table.refuses.is_some_and(|refuses| refuses(&item.patch));
        if items.iter().any(refuses) {
            return Ok(JobState::Failed(Fault::new(FaultCode::Rejected)));
        }
        let outcomes = items.iter().map(|item| table.write(item)).collect();
        Ok(JobState::Done(WriteReport::Items(outcomes)))
    }
}

/// The stage. A table stands behind each connection; a sync is found by its id.
pub struct Stage {
    /// What is configured; takes effect when the engine is opened next.
    pub rules: Rules,
    /// How much one run of each sync may write without being asked.
    pub guards: Guards,
    /// The accounts of connections that share one with another.
    pub accounts: BTreeMap<ConnectionId, AccountName>,
    /// The tables, by connection.
    pub tables: BTreeMap<ConnectionId, Arc<Mutex<Table>>>,
    /// The ad platforms behind syncs whose stream is an audience, by connection.
    pub platforms: BTreeMap<ConnectionId, Arc<Mutex<Platform>>>,
    /// What is durable.
    pub store: Arc<dyn Store>,
    /// When every sync runs by itself; by hand alone, as it begins.
    pub schedule: &'static str,
    /// What compacts it.
    pub upkeep: Option<Arc<dyn Upkeep>>,
    /// The time.
    pub clock: Arc<Clock>,
}

impl Stage {
    /// Over a store in memory.
    pub fn new(rules: Rules, now: Timestamp) -> Self {
        Self::over(Arc::new(MemoryStore::default()), rules, now)
    }

    /// Over any store that can be compacted.
    pub fn over<S: Store + Upkeep + 'static>(store: Arc<S>, rules: Rules, now: Timestamp) -> Self {
        let upkeep = Some(Arc::clone(&store) as Arc<dyn Upkeep>);
        let connections = rules.mappings.iter().map(|m| m.stream.connection.clone());
        let tables = connections.map(|connection| (connection, Arc::default())).collect();
        let (guards, clock) = (Guards::default(), Arc::new(Clock(Mutex::new(now))));
        let accounts = BTreeMap::new();
        let audiences = rules.mappings.iter().filter(|mapping| mapping.audience);
        let platforms = audiences.map(|m| (m.stream.connection.clone(), Arc::default())).collect();
        let schedule = "manual";
        Self { rules, guards, accounts, tables, platforms, store, schedule, upkeep, clock }
    }

    /// The table of a connection.
    ///
    /// # Panics
    /// When the rules name no such connection.
    pub fn table(&self, connection: &str) -> MutexGuard<'_, Table> {
        lock(self.tables.get(&ConnectionId::new(connection)).expect("a table"))
    }

    /// The platform of a connection.
    ///
    /// # Panics
    /// When no sync of the connection has an audience.
    pub fn platform(&self, connection: &str) -> MutexGuard<'_, Platform> {
        lock(self.platforms.get(&ConnectionId::new(connection)).expect("a platform"))
    }

    /// Starts the engine over what is durable.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn open(&self) -> Engine {
        let jobs = self.rules.mappings.iter().map(|mapping| SyncJob {
            mapping: mapping.clone(),
            guards: self.guards,
            schedule: Schedule::parse(self.schedule, "UTC").expect("a valid schedule"),
            schedule_text: self.schedule.to_owned(),
            paused: false,
            account: self.account(&mapping.stream.connection),
            connector: self.connector(mapping),
        });
        let options = EngineOptions {
            store: Arc::clone(&self.store),
            rules: self.rules.clone(),
            jobs: jobs.collect(),
            env: Arc::clone(&self.clock) as Arc<dyn Env>,
            upkeep: self.upkeep.clone(),
            privacy_key: [7; 32],
        };
        Engine::open(options).await.expect("the store opens")
    }

    fn account(&self, connection: &ConnectionId) -> AccountName {
        self.accounts.get(connection).cloned().unwrap_or_else(|| connection.into())
    }

    fn connector(&self, mapping: &hub_model::Mapping) -> Arc<dyn Connector> {
        match self.platforms.get(&mapping.stream.connection) {
            Some(platform) => {
                let platform = Arc::clone(platform);
                Arc::new(Desk { platform, manifest: manifest(&[]) })
            }
            None => Arc::new(self.door(mapping)),
        }
    }

    fn door(&self, mapping: &hub_model::Mapping) -> Door {
        let table = Arc::clone(&self.tables[&mapping.stream.connection]);
        let budgets = lock(&table).budgets.clone();
        Door {
            table,
            stream: mapping.stream.stream.clone(),
            fields: Vec::new(),
            manifest: manifest(&budgets),
        }
    }
}

fn manifest(budgets: &[RateBudget]) -> Manifest {
    let manifest = serde_json::json!({
        "id": "table", "version": "1.0.0", "contract": "0.1.0", "capabilities": [],
        "settings": true, "budgets": budgets
    });
    serde_json::from_value(manifest).expect("a manifest")
}

/// Runs a sync that must not fail.
///
/// # Panics
/// When it does.
pub async fn run(engine: &Engine, sync: &str) -> Run {
    let run = engine.run_once(&SyncId::new(sync)).await.expect("no run overlaps");
    assert_eq!(run.fault, None, "{sync}");
    run
}
