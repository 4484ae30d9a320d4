//! A fake system: rows, a clock of its own, and what it thinks of requests.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{FieldName, Object, RemoteKey, Value};
use plugin_api::{Action, Cursor, Found, Item, ItemChange, LookupKey, Outcome, Page, WriteItem};

use crate::character::{Answers, Character, Creates, FIELDS};
use crate::dice::Dice;
use crate::policy::Policy;

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
    /// When it was created, in true seconds.
    pub since: i64,
    /// A look-up showed it last, not a page.
    pub looked_up: bool,
    /// Fields that a user wrote last.
    pub by_user: BTreeMap<&'static str, bool>,
}

/// How a system fails for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// No request succeeds.
    Down,
    /// It reads, but no item is written.
    Stuck,
}

/// What a system counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Items that the hub asked to be written.
    pub asked: u64,
    /// Writes that took effect.
    pub writes: u64,
    /// Creates that were answered as made.
    pub created: u64,
    /// Updates that were answered as made.
    pub updated: u64,
    /// Rows that were answered as gone.
    pub removed: u64,
    /// Writes of which a row went.
    pub deletes: u64,
    /// Items that took effect and whose answer was lost or said nothing.
    pub unanswered: u64,
    /// Faults that were made.
    pub faults: u64,
    /// Unread edits overwritten although the system checks versions.
    pub lost: u64,
    /// Unread edits overwritten in rows that were not looked at before.
    pub lost_unread: u64,
    /// Unread edits overwritten between a look and the write.
    pub lost_in_between: u64,
}

/// What the hub was told about what it sent, until something may have changed
/// that entitles it to ask again.
#[derive(Debug, Default)]
pub struct Memory {
    /// Nothing is remembered any more.
    off: bool,
    /// Idempotency keys of what was written.
    written: BTreeSet<String>,
    /// By row: the content that was rejected last.
    rejected: BTreeMap<String, String>,
    /// By row: what was sent last and not answered, and by which key.
    sent: BTreeMap<String, (String, String)>,
}

impl Memory {
    /// Starts anew; remembers nothing `from_now_on`.
    pub fn forget(&mut self, from_now_on: bool) {
        let off = self.off || from_now_on;
        *self = Self { off, ..Self::default() };
    }
}

/// The state of a system.
#[derive(Debug)]
pub struct System {
    /// Its name: connection and sync are called so.
    pub name: String,
    /// What it is like.
    pub character: Character,
    /// What its sync does where rows are missing, and people are gone.
    pub policy: Policy,
    /// Its rows, by key.
    pub rows: BTreeMap<String, Row>,
    /// The true time.
    pub now_seconds: i64,
    /// How many requests in a hundred fail.
    pub fault_percent: u32,
    /// It fails for ever.
    pub broken: Option<Broken>,
    /// What it counted.
    pub tally: Tally,
    /// What it told the hub.
    pub memory: Memory,
    /// What it found wrong with requests by itself.
    pub complaints: Vec<(&'static str, String)>,
    /// User edits that the hub has not read: (key, field).
    pub unseen: BTreeMap<(String, &'static str), ()>,
    pub(crate) dice: Dice,
    created: u64,
}

impl System {
    /// A system whose character is drawn from dice.
    pub fn new(name: &str, mut dice: Dice, fault_percent: u32) -> Self {
        Self {
            name: name.to_owned(),
            character: Character::drawn(&mut dice),
            policy: Policy::default(),
            rows: BTreeMap::new(),
            now_seconds: 0,
            fault_percent,
            broken: None,
            tally: Tally::default(),
            memory: Memory::default(),
            complaints: Vec::new(),
            unseen: BTreeMap::new(),
            dice,
            created: 0,
        }
    }

    fn clock(&self) -> i64 {
        let character = &self.character;
        (self.now_seconds + character.skew_seconds).div_euclid(character.tick_seconds)
    }

    /// Stores values in this system's own form.
    pub fn put(&mut self, key: &str, fields: &[(&'static str, Option<String>)], by_user: bool) {
        let clock = self.clock();
        let row = self.rows.entry(key.to_owned()).or_insert_with(|| Row {
            fields: FIELDS.iter().map(|field| (*field, None)).collect(),
            version: 0,
            touched: i64::MIN,
            deleted: false,
            by_hub: !by_user,
            since: self.now_seconds,
            looked_up: false,
            by_user: BTreeMap::new(),
        });
        for (field, value) in fields {
            row.fields.insert(field, self.character.stored(field, value));
            row.by_user.insert(field, by_user);
        }
        row.version += 1;
        row.touched = row.touched.max(clock);
    }

    /// A new row.
    pub fn create(&mut self, fields: &[(&'static str, Option<String>)], by_user: bool) -> String {
        self.created += 1;
        let key = format!("{}{:04}", self.name, self.created);
        self.put(&key, fields, by_user);
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
        let change = match row.deleted {
            true => ItemChange::Delete,
            false => ItemChange::Upsert(Self::data(row).into()),
        };
        let version = Some(row.version.to_string());
        Item { key: RemoteKey::from(key), change, version, time: None }
    }

    fn shown(&mut self, key: &str, looked_up: bool) {
        self.unseen.retain(|(row, _), ()| row != key);
        if let Some(row) = self.rows.get_mut(key) {
            row.looked_up = looked_up;
        }
    }

    /// A page after a position. Incremental reading overlaps by one tick and
    /// must not skip rows that share a tick at a page border.
    pub fn page(&mut self, cursor: Option<(i64, String)>) -> Page {
        let snapshot = self.character.snapshot;
        let mut rows: Vec<(i64, String)> = self
            .rows
            .iter()
            .filter(|(_, row)| !snapshot || !row.deleted)
            .map(|(key, row)| (if snapshot { 0 } else { row.touched }, key.clone()))
            .collect();
        rows.sort();
        let rows: Vec<_> = rows.into_iter().filter(|place| Some(place) > cursor.as_ref()).collect();
        let shown: Vec<_> = rows.iter().take(self.character.page_rows).cloned().collect();
        let more = rows.len() > shown.len();
        let items = shown.iter().map(|(_, key)| Ok(Self::item(key, &self.rows[key]))).collect();
        for (_, key) in &shown {
            self.shown(key, false);
        }
        let end = shown.last().cloned().or(cursor);
        let next = match end {
            _ if snapshot && !more => None,
            Some((tick, _)) if !more => Some((tick - 1, String::new())),
            place => place,
        };
        Page {
            items,
            next: next.map(|(tick, key)| Cursor(format!("{tick}|{key}").into_bytes())),
            more,
            snapshot_complete: snapshot && !more,
            poll_after_seconds: None,
        }
    }

    /// What it says of an item before anything is written; `None` is fine.
    pub fn objection(&self, item: &WriteItem) -> Option<Outcome> {
        let refused = patch(item).into_iter().find(|(f, v)| !self.character.accepts(f, v));
        if let Some((field, _)) = refused {
            let fault = hub_model::Fault::new(hub_model::FaultCode::Rejected).at(field);
            return Some(Outcome::Rejected(fault));
        }
        if item.action == Action::Create {
            return None;
        }
        let row = item.key.as_ref().and_then(|k| self.rows.get(k.as_str()));
        let Some(row) = row.filter(|row| !row.deleted) else {
            // What is to go and is not there has gone.
            return (item.action == Action::Update).then_some(Outcome::Conflict);
        };
        let version = row.version.to_string();
        let moved =
            self.character.conditional && item.if_version.as_deref() != Some(version.as_str());
        moved.then_some(Outcome::Conflict)
    }

    /// Writes an item to which nothing was objected.
    pub fn write(&mut self, item: &WriteItem) -> Outcome {
        let fields = patch(item);
        let key = item.key.as_ref().map_or("", RemoteKey::as_str).to_owned();
        let removes = matches!(item.action, Action::Archive | Action::Delete);
        if removes && self.rows.get(&key).is_none_or(|row| row.deleted) {
            return Outcome::Deleted;
        }
        self.tally.writes += 1;
        match item.action {
            Action::Create => self.write_new(&fields),
            Action::Update => {
                self.overwrite(&key, &fields, true);
                let (row, version) = self.told(&key);
                Outcome::Updated { row, version }
            }
            Action::Archive | Action::Delete => {
                self.tally.deletes += 1;
                self.lose(&key);
                self.delete(&key);
                Outcome::Deleted
            }
        }
    }

    fn write_new(&mut self, fields: &[(&'static str, Option<String>)]) -> Outcome {
        let email = fields.iter().find(|(field, _)| *field == "email").and_then(|f| f.1.clone());
        let same = |(_, row): &(&String, &Row)| !row.deleted && row.fields["email"] == email;
        let there = self.rows.iter().find(same).map(|(key, _)| key.clone());
        let key = match (self.character.creates, there) {
            (Creates::Unique, Some(key)) => {
                self.tally.writes -= 1;
                return Outcome::DuplicateOf(RemoteKey::new(key));
            }
            (Creates::Upsert, Some(key)) => {
                self.overwrite(&key, fields, false);
                key
            }
            _ => self.create(fields, false),
        };
        let (row, version) = self.told(&key);
        match self.character.answers {
            Answers::Mute => Outcome::Unknown,
            _ => Outcome::Created { key: RemoteKey::new(key), row, version },
        }
    }

    fn told(&self, key: &str) -> (Option<Object>, Option<String>) {
        let row = &self.rows[key];
        match self.character.answers {
            Answers::Whole => (Some(Self::data(row)), Some(row.version.to_string())),
            Answers::Thin | Answers::Mute => (None, None),
        }
    }

    /// Whatever a user put into a row that goes, and nobody read, is lost.
    fn lose(&mut self, key: &str) {
        let unread = self.unseen.keys().filter(|(row, _)| row == key).count() as u64;
        match (self.character.conditional, self.rows[key].looked_up) {
            (true, _) => self.tally.lost += unread,
            (false, false) => self.tally.lost_unread += unread,
            (false, true) => self.tally.lost_in_between += unread,
        }
    }

    /// Writes over a row; whatever a user put there and nobody read is lost.
    fn overwrite(&mut self, key: &str, fields: &[(&'static str, Option<String>)], by_key: bool) {
        let looked_up = self.rows[key].looked_up;
        for (field, value) in fields {
            let differs = self.rows[key].fields[field] != self.character.stored(field, value);
            if self.unseen.remove(&(key.to_owned(), *field)).is_some() && differs {
                match (by_key && self.character.conditional, looked_up) {
                    (true, _) => self.tally.lost += 1,
                    (false, false) => self.tally.lost_unread += 1,
                    (false, true) => self.tally.lost_in_between += 1,
                }
            }
        }
        self.put(key, fields, false);
    }

    /// What a look-up finds.
    pub fn look(&mut self, key: &LookupKey) -> Found {
        let fits = |row: &Row, fields: &BTreeMap<FieldName, Value>| {
            fields.iter().all(|(field, value)| {
                row.fields.get(field.as_str()).and_then(|v| v.as_deref()) == value.as_text()
            })
        };
        // Against a row that a user creates at the same time, and that no search
        // shows yet, nobody can do anything.
        let lag = self.character.lag_seconds;
        let findable = |row: &Row| !row.by_hub || row.since + lag <= self.now_seconds;
        let keys: Vec<String> = match key {
            LookupKey::Key(key) => {
                let row = self.rows.get(key.as_str()).filter(|row| !row.deleted);
                row.map(|_| key.to_string()).into_iter().collect()
            }
            LookupKey::Fields(fields) => self
                .rows
                .iter()
                .filter(|(_, row)| !row.deleted && findable(row) && fits(row, fields))
                .map(|(key, _)| key.clone())
                .collect(),
        };
        match keys.as_slice() {
            [] => Found::None,
            [key] => {
                self.shown(key, true);
                Found::One(Self::item(key, &self.rows[key]))
            }
            several => {
                Found::Several(several.iter().map(|key| RemoteKey::from(key.as_str())).collect())
            }
        }
    }

    /// Looks at an item before it is judged: was the same asked and answered
    /// before, or the same content under another key?
    pub fn notice(&mut self, item: &WriteItem) {
        self.tally.asked += 1;
        if !self.policy.allows(item.action) {
            let text = format!("{} was asked to {:?}: {:?}", self.name, item.action, self.policy);
            self.complaints.push(("I7", text));
        }
        if self.memory.off {
            return;
        }
        let again =
            |what: &str| format!("{} was asked again for what was {what}: {item:?}", self.name);
        if self.memory.written.contains(&item.idempotency_key) {
            self.complaints.push(("I11", again("written")));
        }
        // Values that are typed once are written once, with one stamp.
        let fields = patch(item);
        let once = fields.iter().all(|(field, value)| *field != "email" && value.is_some());
        if item.action != Action::Update || !once {
            self.memory.sent.remove(&row_of(item));
            return;
        }
        let content = format!("{fields:?}");
        if self.memory.rejected.get(&row_of(item)) == Some(&content) {
            self.complaints.push(("I11", again("rejected")));
        }
        let sent = (content, item.idempotency_key.clone());
        let before = self.memory.sent.insert(row_of(item), sent.clone());
        if before.is_some_and(|before| before.0 == sent.0 && before.1 != sent.1) {
            let text = format!("{} got one content under two keys: {item:?}", self.name);
            self.complaints.push(("I8", text));
        }
    }

    /// An answer arrived.
    pub fn answered(&mut self, item: &WriteItem, outcome: &Outcome) {
        let key = item.idempotency_key.clone();
        if !matches!(outcome, Outcome::Retry { .. } | Outcome::Conflict | Outcome::Unknown) {
            self.memory.sent.remove(&row_of(item));
        }
        match outcome {
            Outcome::Created { .. } => {
                self.tally.created += 1;
                self.memory.written.insert(key);
            }
            Outcome::Updated { .. } => {
                self.tally.updated += 1;
                self.memory.written.insert(key);
            }
            Outcome::Deleted => {
                self.tally.removed += 1;
                self.memory.written.insert(key);
            }
            Outcome::Rejected(_) => {
                self.memory.rejected.insert(row_of(item), format!("{:?}", patch(item)));
            }
            Outcome::Unknown => self.tally.unanswered += 1,
            _ => {}
        }
    }
}

/// What an item is about: its row, or the address of one to be made.
fn row_of(item: &WriteItem) -> String {
    match &item.key {
        Some(key) => key.to_string(),
        None => format!("{:?}", item.patch.get("email")),
    }
}

fn patch(item: &WriteItem) -> Vec<(&'static str, Option<String>)> {
    let of = |field: &&'static str| {
        let value = item.patch.get(*field)?;
        Some((*field, value.as_text().map(str::to_owned)))
    };
    FIELDS.iter().filter_map(of).collect()
}
