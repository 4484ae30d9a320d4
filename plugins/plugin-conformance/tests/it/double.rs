//! A connector over rows in memory, with at most one defect.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use hub_model::{Fault, FaultCode, Object, RemoteKey, Value};
use plugin_api::page::BadItem;
use plugin_api::{
    Action, CallContext, Connector, Cursor, FieldInfo, Found, Item, ItemChange, JobState,
    LookupKey, LookupRequest, Manifest, Outcome, Page, ReadRequest, StreamInfo, WriteItem,
    WriteReport, WriteRequest,
};
use serde_json::json;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    CheckFails,
    SchemaLacksAField,
    SendsForNothing,
    SendsOnNoChannel,
    NeverEnds,
    CursorRepeats,
    BadRow,
    KeyTwice,
    ShowsOthersEachTime,
    ForgetsCursors,
    TakesAnyCursor,
    UnknownField,
    LookupShowsLess,
    LookupShuffles,
    InventsRows,
    CreatesNothing,
    PatchReplaces,
    NullIsIgnored,
    VersionIsIgnored,
    UpdateCreates,
    DeletesNothing,
    TellsOneOutcome,
    CountsWrites,
    SkipsAtTheBorder,
}

#[derive(Default)]
struct State {
    rows: BTreeMap<String, (u64, Object)>,
    reads: usize,
    snapshots: usize,
    created: u64,
}

pub struct Double {
    manifest: Manifest,
    defect: Option<Defect>,
    state: Mutex<State>,
}

/// Rows of one page.
const PAGE_ROWS: usize = 2;

impl Double {
    pub fn sound() -> Self {
        let mut state = State::default();
        for number in 1..=5 {
            let row = Object::from([("name".into(), format!("n{number}").as_str().into())]);
            state.rows.insert(format!("k{number}"), (1, row));
        }
        let manifest = json!({
            "id": "double", "version": "1", "contract": "0.1.0",
            "capabilities": ["source", "destination"], "settings": {}
        });
        let manifest = serde_json::from_value(manifest).unwrap();
        Self { manifest, defect: None, state: Mutex::new(state) }
    }

    pub fn with(defect: Defect) -> Self {
        Self { defect: Some(defect), ..Self::sound() }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn item(&self, key: &str, version: u64, row: &Object) -> Item {
        let mut row = row.clone();
        if self.has(Defect::UnknownField) {
            row.insert("surprise".into(), Value::Null);
        }
        let change = ItemChange::Upsert(row.into());
        Item { key: key.into(), change, version: Some(version.to_string()), time: None }
    }

    fn apply(&self, state: &mut State, item: &WriteItem) -> Outcome {
        if item.action == Action::Create {
            state.created += 1;
            let key = format!("new{}", state.created);
            if !self.has(Defect::CreatesNothing) {
                state.rows.insert(key.clone(), (1, item.patch.clone()));
            }
            return Outcome::Created { key: RemoteKey::new(key), row: None, version: None };
        }
        let key = item.key.clone().unwrap().as_str().to_owned();
        if self.has(Defect::UpdateCreates) {
            state.rows.entry(key.clone()).or_default();
        }
        let Some((version, row)) = state.rows.get_mut(&key) else { return Outcome::Conflict };
        let stale = item.if_version.as_ref().is_some_and(|it| *it != version.to_string());
        if stale && !self.has(Defect::VersionIsIgnored) {
            return Outcome::Conflict;
        }
        if item.action == Action::Delete {
            if !self.has(Defect::DeletesNothing) {
                state.rows.remove(&key);
            }
            return Outcome::Deleted;
        }
        if self.has(Defect::PatchReplaces) {
            row.clear();
        }
        if self.has(Defect::CountsWrites) {
            row.insert("email".into(), version.to_string().as_str().into());
        }
        for (name, value) in &item.patch {
            if !(value.is_null() && self.has(Defect::NullIsIgnored)) {
                row.insert(name.clone(), value.clone());
            }
        }
        *version += 1;
        Outcome::Updated { row: None, version: Some(version.to_string()) }
    }
}

#[async_trait]
impl Connector for Double {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    async fn check(&self, _: &CallContext) -> Result<(), Fault> {
        if self.has(Defect::CheckFails) { Err(Fault::new(FaultCode::Config)) } else { Ok(()) }
    }

    async fn discover(&self, _: &CallContext) -> Result<Vec<StreamInfo>, Fault> {
        let mut properties = json!({ "name": {}, "email": {} });
        if self.has(Defect::SchemaLacksAField) {
            properties = json!({ "name": {} });
        }
        let mut schema = json!({ "type": "object", "properties": properties });
        if self.has(Defect::SendsForNothing) {
            schema["x-sends"] = json!("email");
        }
        if self.has(Defect::SendsOnNoChannel) {
            schema["x-sends"] = json!(true);
        }
        Ok(vec![StreamInfo {
            name: "people".into(),
            kind: Default::default(),
            readable: true,
            writable: true,
            conditional_writes: true,
            upsert_by_key: false,
            idempotency_keys: false,
            archives: false,
            purposes: Vec::new(),
            sends: schema["x-sends"].as_str().map(Into::into),
            atomic_batches: false,
            batch_items_max: 10,
            batch_bytes_max: 10_000,
            schema,
            fields: vec![FieldInfo::new("name"), FieldInfo::new("email")],
        }])
    }

    async fn read(&self, _: &CallContext, request: &ReadRequest) -> Result<Page, Fault> {
        let mut state = self.state.lock().unwrap();
        state.reads += 1;
        let mut after = match &request.cursor {
            None => None,
            Some(cursor) => match String::from_utf8(cursor.0.clone()) {
                Ok(after) => Some(after),
                Err(_) if self.has(Defect::TakesAnyCursor) => None,
                Err(_) => return Err(Fault::new(FaultCode::CursorExpired)),
            },
        };
        if self.has(Defect::ForgetsCursors) && state.reads.is_multiple_of(2) {
            after = None;
        }
        if after.is_none() {
            state.snapshots += 1;
        }
        let hidden = self.has(Defect::ShowsOthersEachTime) && state.snapshots.is_multiple_of(2);
        let follows = |key: &str| after.as_ref().is_none_or(|it| key > it.as_str());
        let shown = |key: &str| follows(key) && !(hidden && key == "k1");
        let rest = || state.rows.iter().filter(|(key, _)| shown(key));
        // Asked for what is later than the last row, where two have one time.
        let skips = self.has(Defect::SkipsAtTheBorder)
            && after.as_ref().is_some_and(|after| after.starts_with("new"));
        let page: Vec<_> = rest().skip(usize::from(skips)).take(PAGE_ROWS).collect();
        let mut items: Vec<_> =
            page.iter().map(|(key, row)| Ok(self.item(key, row.0, &row.1))).collect();
        if self.has(Defect::KeyTwice) {
            items.extend(items.first().cloned());
        }
        if self.has(Defect::BadRow) {
            let fault = Fault::new(FaultCode::RowKey);
            items.push(Err(BadItem { key: None, fault, raw: String::new() }));
        }
        let endless = self.has(Defect::NeverEnds) || self.has(Defect::CursorRepeats);
        let more = endless || rest().count() > PAGE_ROWS;
        let mut next = page.last().map(|(key, _)| key.as_bytes().to_vec()).unwrap_or_default();
        if self.has(Defect::CursorRepeats) {
            next.clear();
            // It ends at last, so that it is not the other defect.
            let more = !state.reads.is_multiple_of(5);
            return Ok(page_of(items, Some(next), more));
        }
        Ok(page_of(items, more.then_some(next), more))
    }

    async fn lookup(&self, _: &CallContext, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
        let state = self.state.lock().unwrap();
        let find = |key: &LookupKey| {
            let LookupKey::Key(key) = key else { return Found::None };
            match state.rows.get(key.as_str()) {
                Some(_) if self.has(Defect::LookupShowsLess) => {
                    Found::One(self.item(key.as_str(), 1, &Object::new()))
                }
                Some((version, row)) => Found::One(self.item(key.as_str(), *version, row)),
                None if self.has(Defect::InventsRows) => {
                    Found::One(self.item(key.as_str(), 1, &Object::new()))
                }
                None => Found::None,
            }
        };
        let mut found: Vec<_> = request.keys.iter().map(find).collect();
        if self.has(Defect::LookupShuffles) {
            found.reverse();
        }
        Ok(found)
    }

    async fn write(&self, _: &CallContext, request: &WriteRequest) -> Result<WriteReport, Fault> {
        let mut state = self.state.lock().unwrap();
        let outcomes = request.items.iter().map(|item| self.apply(&mut state, item));
        let mut outcomes: Vec<_> = outcomes.collect();
        if self.has(Defect::TellsOneOutcome) {
            outcomes.truncate(1);
        }
        Ok(WriteReport::Items(outcomes))
    }

    async fn poll_job(&self, _: &CallContext, _: &str) -> Result<JobState, Fault> {
        Err(Fault::new(FaultCode::NotSupported))
    }
}

fn page_of(items: Vec<plugin_api::page::ItemResult>, next: Option<Vec<u8>>, more: bool) -> Page {
    Page { items, next: next.map(Cursor), more, snapshot_complete: !more, poll_after_seconds: None }
}
