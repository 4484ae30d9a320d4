//! A fake system: rows, a clock of its own, habits, and faults.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use hub_model::{
    Cleaner, Conversion, EntityKind, Fault, FaultCode, Number, Object, RemoteKey, StreamName,
    Transform, Value,
};
use plugin_api::{
    Action, CallContext, Connector, Cursor, FieldInfo, Found, Item, ItemChange, JobState,
    LookupKey, LookupRequest, Manifest, Outcome, Page, ReadRequest, StreamInfo, WriteItem,
    WriteReport, WriteRequest,
};

use crate::crash::Fuse;
use crate::dice::Dice;

/// The fields of every row.
pub const FIELDS: [&str; 4] = ["email", "name", "phone", "stage"];

/// What a system does to a value before it stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Nothing.
    Keep,
    /// Upper case.
    Upper,
    /// Lower case.
    Lower,
    /// The first six characters.
    Cut,
}

impl Habit {
    /// The stored form.
    pub fn apply(self, value: &Option<String>) -> Option<String> {
        value.as_ref().map(|text| match self {
            Self::Keep => text.clone(),
            Self::Upper => text.to_uppercase(),
            Self::Lower => text.to_lowercase(),
            Self::Cut => text.chars().take(6).collect(),
        })
    }
}

/// The form that a system gives a field, and that its mapping transforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// As everybody else has it.
    #[default]
    Plain,
    /// With a text before and one after it.
    Marked,
    /// Any case, which the mapping reads as upper case.
    AnyCase,
}

impl Form {
    /// The transforms of the mapping.
    pub fn conversion(self) -> Option<Box<Conversion>> {
        let steps = match self {
            Self::Plain => return None,
            Self::Marked => vec![
                Transform::StripPrefix { text: "T-".to_owned() }.into(),
                Transform::StripSuffix { text: "#".to_owned() }.into(),
            ],
            Self::AnyCase => vec![Transform::Clean(Cleaner::Upper).into()],
        };
        Some(Box::new(Conversion::reading(steps)))
    }

    /// What the system has where everybody else has the value.
    pub fn there(self, value: Option<String>) -> Option<String> {
        match self {
            Self::Plain | Self::AnyCase => value,
            Self::Marked => value.map(|text| format!("T-{text}#")),
        }
    }

    /// What everybody else has where the system has the value.
    pub fn elsewhere(self, value: Option<String>) -> Option<String> {
        match self {
            Self::Plain => value,
            Self::AnyCase => value.map(|text| text.to_uppercase()),
            Self::Marked => {
                value.and_then(|text| Some(text.strip_prefix("T-")?.strip_suffix('#')?.to_owned()))
            }
        }
    }
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// The values, in stored form.
    pub fields: BTreeMap<&'static str, Option<String>>,
    /// Counts changes.
    pub version: u64,
    /// The system's own time of the last change, in ticks.
    pub touched: i64,
    /// Deleted rows stay as tombstones.
    pub deleted: bool,
    /// The hub created it.
    pub by_hub: bool,
}

/// The state of a system.
#[derive(Debug)]
pub struct System {
    /// Its name: connection and sync are called so.
    pub name: String,
    /// Its rows, by key.
    pub rows: BTreeMap<String, Row>,
    /// What it does to each field.
    pub habits: BTreeMap<&'static str, Habit>,
    /// The form that it gives each field.
    pub forms: BTreeMap<&'static str, Form>,
    /// Whether it checks `if-version`.
    pub conditional: bool,
    /// Whether reading is a whole snapshot each time.
    pub snapshot: bool,
    /// Rows per page.
    pub page_rows: usize,
    /// Seconds per tick of its clock.
    pub tick_seconds: i64,
    /// How far its clock is off.
    pub skew_seconds: i64,
    /// The true time.
    pub now_seconds: i64,
    /// How many requests in a hundred fail.
    pub fault_percent: u32,
    /// Writes that took effect.
    pub writes: u64,
    /// User edits that the hub has not read: (key, field).
    pub unseen: BTreeMap<(String, &'static str), ()>,
    /// User edits that a write of the hub overwrote unread.
    pub lost: u64,
    created: u64,
    dice: Dice,
}

impl System {
    /// A system with habits drawn from dice.
    pub fn new(name: &str, mut dice: Dice, fault_percent: u32) -> Self {
        let mut habits = BTreeMap::new();
        for field in FIELDS {
            let habit = match field {
                "name" | "stage" => {
                    *dice.pick(&[Habit::Keep, Habit::Keep, Habit::Upper, Habit::Lower, Habit::Cut])
                }
                _ => Habit::Keep,
            };
            habits.insert(field, habit);
        }
        Self {
            name: name.to_owned(),
            rows: BTreeMap::new(),
            habits,
            forms: FIELDS.iter().map(|field| (*field, Form::Plain)).collect(),
            conditional: dice.percent(50),
            snapshot: dice.percent(50),
            page_rows: *dice.pick(&[1, 3, 7]),
            tick_seconds: *dice.pick(&[1, 5, 20]),
            skew_seconds: dice.below(600) as i64 - 300,
            now_seconds: 0,
            fault_percent,
            writes: 0,
            unseen: BTreeMap::new(),
            lost: 0,
            created: 0,
            dice,
        }
    }

    /// The same with forms of its own, drawn from other dice: what a seed decides
    /// besides stays as it is.
    pub fn with_forms(mut self, mut dice: Dice) -> Self {
        if dice.percent(50) {
            self.forms.insert("phone", Form::Marked);
        }
        if dice.percent(50) {
            self.forms.insert("name", Form::AnyCase);
        }
        self
    }

    fn clock(&self) -> i64 {
        (self.now_seconds + self.skew_seconds).div_euclid(self.tick_seconds)
    }

    /// Stores values in this system's own form.
    pub fn put(&mut self, key: &str, fields: &[(&'static str, Option<String>)]) {
        let clock = self.clock();
        let row = self.rows.entry(key.to_owned()).or_insert_with(|| Row {
            fields: FIELDS.iter().map(|field| (*field, None)).collect(),
            version: 0,
            touched: i64::MIN,
            deleted: false,
            by_hub: false,
        });
        for (field, value) in fields {
            row.fields.insert(field, self.habits[field].apply(value));
        }
        row.version += 1;
        row.touched = row.touched.max(clock);
    }

    /// A new row.
    pub fn create(&mut self, fields: &[(&'static str, Option<String>)]) -> String {
        self.created += 1;
        let key = format!("{}{:04}", self.name, self.created);
        self.put(&key, fields);
        key
    }

    /// Deletes a row.
    pub fn delete(&mut self, key: &str) {
        let clock = self.clock();
        if let Some(row) = self.rows.get_mut(key) {
            row.deleted = true;
            row.version += 1;
            row.touched = row.touched.max(clock);
        }
        self.unseen.retain(|(row, _), ()| row != key);
    }

    /// Keys of rows that exist.
    pub fn live(&self) -> Vec<String> {
        self.rows.iter().filter(|(_, row)| !row.deleted).map(|(key, _)| key.clone()).collect()
    }

    fn data(row: &Row) -> Object {
        let text = |value: &Option<String>| value.as_deref().map_or(Value::Null, Value::from);
        row.fields.iter().map(|(field, value)| ((*field).into(), text(value))).collect()
    }

    fn item(key: &str, row: &Row) -> Item {
        Item {
            key: RemoteKey::from(key),
            change: if row.deleted {
                ItemChange::Delete
            } else {
                ItemChange::Upsert(Self::data(row).into())
            },
            version: Some(row.version.to_string()),
            time: None,
        }
    }

    fn shown(&mut self, key: &str) {
        self.unseen.retain(|(row, _), ()| row != key);
    }

    /// A page after a position. Incremental reading overlaps by one tick and
    /// must not skip rows that share a tick at a page border.
    fn page(&mut self, cursor: Option<(i64, String)>) -> Page {
        let mut rows: Vec<(i64, String)> = self
            .rows
            .iter()
            .filter(|(_, row)| !self.snapshot || !row.deleted)
            .map(|(key, row)| (if self.snapshot { 0 } else { row.touched }, key.clone()))
            .collect();
        rows.sort();
        let rows: Vec<_> = rows.into_iter().filter(|place| Some(place) > cursor.as_ref()).collect();
        let shown: Vec<_> = rows.iter().take(self.page_rows).cloned().collect();
        let more = rows.len() > shown.len();
        let items = shown.iter().map(|(_, key)| Ok(Self::item(key, &self.rows[key]))).collect();
        for (_, key) in &shown {
            self.shown(key);
        }
        let end = shown.last().cloned().or(cursor);
        let next = match end {
            _ if self.snapshot && !more => None,
            Some((tick, _)) if !more => Some((tick - 1, String::new())),
            place => place,
        };
        Page {
            items,
            next: next.map(|(tick, key)| Cursor(format!("{tick}|{key}").into_bytes())),
            more,
            snapshot_complete: self.snapshot && !more,
            poll_after_seconds: None,
        }
    }

    fn write(&mut self, item: &WriteItem) -> Outcome {
        let patch: Vec<(&'static str, Option<String>)> = FIELDS
            .iter()
            .filter_map(|field| {
                item.patch.get(*field).map(|v| (*field, v.as_text().map(str::to_owned)))
            })
            .collect();
        match item.action {
            Action::Create => {
                let key = self.create(&patch);
                self.writes += 1;
                if let Some(row) = self.rows.get_mut(&key) {
                    row.by_hub = true;
                }
                let row = &self.rows[&key];
                Outcome::Created {
                    row: Some(Self::data(row)),
                    version: Some(row.version.to_string()),
                    key: RemoteKey::from(key.as_str()),
                }
            }
            Action::Update => {
                let key = item.key.as_ref().map_or("", RemoteKey::as_str).to_owned();
                let Some(row) = self.rows.get(&key).filter(|row| !row.deleted) else {
                    return Outcome::Conflict;
                };
                if self.conditional && item.if_version.as_deref() != Some(&row.version.to_string())
                {
                    return Outcome::Conflict;
                }
                for (field, value) in &patch {
                    let place = (key.clone(), *field);
                    let differs = self.rows[&key].fields[field] != self.habits[field].apply(value);
                    if self.unseen.remove(&place).is_some() && differs {
                        self.lost += 1;
                    }
                }
                self.put(&key, &patch);
                self.writes += 1;
                let row = &self.rows[&key];
                Outcome::Updated {
                    row: Some(Self::data(row)),
                    version: Some(row.version.to_string()),
                }
            }
            Action::Archive | Action::Delete => {
                let key = item.key.as_ref().map_or("", RemoteKey::as_str).to_owned();
                self.delete(&key);
                self.writes += 1;
                Outcome::Deleted
            }
        }
    }

    fn look(&mut self, key: &LookupKey) -> Found {
        let fits = |row: &Row, fields: &BTreeMap<hub_model::FieldName, Value>| {
            fields.iter().all(|(field, value)| {
                row.fields.get(field.as_str()).and_then(|v| v.as_deref()) == value.as_text()
            })
        };
        let keys: Vec<String> = match key {
            LookupKey::Key(key) => self
                .rows
                .get(key.as_str())
                .filter(|r| !r.deleted)
                .map(|_| key.to_string())
                .into_iter()
                .collect(),
            LookupKey::Fields(fields) => self
                .rows
                .iter()
                .filter(|(_, row)| !row.deleted && fits(row, fields))
                .map(|(key, _)| key.clone())
                .collect(),
        };
        match keys.as_slice() {
            [] => Found::None,
            [key] => {
                self.shown(key);
                Found::One(Self::item(key, &self.rows[key]))
            }
            several => {
                Found::Several(several.iter().map(|key| RemoteKey::from(key.as_str())).collect())
            }
        }
    }
}

/// The way to a fake system: what the engine holds.
pub struct Door {
    system: Arc<Mutex<System>>,
    fuse: Arc<Fuse>,
    manifest: Manifest,
    /// Called before each request: users do not wait for the hub.
    between: Box<dyn Fn() + Send + Sync>,
}

impl Door {
    /// A door to a system; `between` runs before every request.
    pub fn new(
        system: Arc<Mutex<System>>,
        fuse: Arc<Fuse>,
        between: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        let manifest = Manifest {
            id: "fake".to_owned(),
            version: "0.1.0".to_owned(),
            contract: "0.1.0".to_owned(),
            title: String::new(),
            capabilities: vec![],
            hosts: vec![],
            credentials: vec![],
            settings: serde_json::json!({}),
            streams: vec![],
            budgets: vec![],
            api_version: None,
            api_sunset: None,
        };
        Self { system, fuse, manifest, between }
    }

    fn lock(&self) -> MutexGuard<'_, System> {
        self.system.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails the request before it takes effect, as often as the system does.
    fn enter(&self) -> Result<MutexGuard<'_, System>, Fault> {
        self.fuse.burn()?;
        (self.between)();
        let mut system = self.lock();
        let percent = system.fault_percent;
        if system.dice.percent(percent) {
            let code = *system.dice.pick(&[
                FaultCode::Transient,
                FaultCode::Timeout,
                FaultCode::RateLimited,
            ]);
            return Err(Fault::new(code));
        }
        Ok(system)
    }

    /// Loses the answer after the request took effect.
    fn leave(&self, system: &mut System) -> Result<(), Fault> {
        let percent = system.fault_percent / 3;
        if system.dice.percent(percent) {
            return Err(Fault::new(FaultCode::Timeout));
        }
        self.fuse.burn()
    }
}

#[async_trait]
impl Connector for Door {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    async fn check(&self, _call: &CallContext) -> Result<(), Fault> {
        Ok(())
    }

    async fn discover(&self, _call: &CallContext) -> Result<Vec<StreamInfo>, Fault> {
        let system = self.lock();
        let field = |name: &&str| FieldInfo {
            name: hub_model::FieldName::from(*name),
            title: String::new(),
            read_only: false,
            create_only: false,
            required: false,
            matchable: true,
            pii: String::new(),
            hash_profile: String::new(),
        };
        Ok(vec![StreamInfo {
            name: StreamName::from("people"),
            kind: EntityKind::Person,
            readable: true,
            writable: true,
            conditional_writes: system.conditional,
            upsert_by_key: false,
            atomic_batches: false,
            batch_items_max: 5,
            batch_bytes_max: 1_000_000,
            schema: serde_json::json!({"type": "object"}),
            fields: FIELDS.iter().map(field).collect(),
        }])
    }

    async fn read(&self, _call: &CallContext, request: &ReadRequest) -> Result<Page, Fault> {
        let mut system = self.enter()?;
        let cursor = request.cursor.as_ref().and_then(|cursor| {
            let text = String::from_utf8(cursor.0.clone()).ok()?;
            let (tick, key) = text.split_once('|')?;
            Some((tick.parse().ok()?, key.to_owned()))
        });
        let unseen = system.unseen.clone();
        let page = system.page(cursor);
        if let Err(fault) = self.leave(&mut system) {
            system.unseen = unseen; // the answer never arrived
            return Err(fault);
        }
        Ok(page)
    }

    async fn lookup(
        &self,
        _call: &CallContext,
        request: &LookupRequest,
    ) -> Result<Vec<Found>, Fault> {
        let mut system = self.enter()?;
        let unseen = system.unseen.clone();
        let found = request.keys.iter().map(|key| system.look(key)).collect();
        if let Err(fault) = self.leave(&mut system) {
            system.unseen = unseen;
            return Err(fault);
        }
        Ok(found)
    }

    async fn write(
        &self,
        _call: &CallContext,
        request: &WriteRequest,
    ) -> Result<WriteReport, Fault> {
        let mut system = self.enter()?;
        let mut outcomes = Vec::new();
        for item in &request.items {
            let percent = system.fault_percent / 4;
            let outcome = if system.dice.percent(percent) {
                Outcome::Retry { after_seconds: Some(30), fault: Fault::new(FaultCode::Transient) }
            } else {
                system.write(item)
            };
            outcomes.push(outcome);
        }
        self.leave(&mut system)?;
        Ok(WriteReport::Items(outcomes))
    }

    async fn poll_job(&self, _call: &CallContext, _job: &str) -> Result<JobState, Fault> {
        Err(Fault::new(FaultCode::NotSupported).with("number", Number::from(0)))
    }
}
