//! Contacts, companies and deals: what people do with them, and the list and
//! batches of the API.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::clock::rfc3339;
use super::properties::Properties;
use super::refusal::{self, Refusal};
use super::{HubSpot, statuses};
use crate::http::{Answer, Request};

/// Every kind, by its name in scopes.
pub const KINDS: [&str; 3] = ["contacts", "companies", "deals"];
/// Most inputs of a batch.
const INPUTS_MAX: usize = 100;
/// Most records of a page of the list.
const PAGE_MAX: usize = 100;
const FIRST_ID: u64 = 101;

type Values = BTreeMap<String, String>;

/// The kind that a path names.
#[must_use]
pub fn kind(path: &str) -> Option<&'static str> {
    match path {
        "contacts" | "0-1" => Some("contacts"),
        "companies" | "0-2" => Some("companies"),
        "deals" | "0-3" => Some("deals"),
        _ => None,
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    pub(super) values: Values,
    pub(super) modified: i64,
    pub(super) archived: Option<i64>,
    pub(super) merged_into: Option<u64>,
    /// Counts its changes.
    pub(super) version: u64,
    /// How it was before its last change, and since when.
    pub(super) before: Option<(i64, u64, Values)>,
    /// What the search knows, and of which version.
    pub(super) indexed: Option<(u64, Values)>,
    created: i64,
}

/// The records of one kind.
#[derive(Debug, Clone)]
pub struct Table {
    /// Which properties there are.
    pub properties: Properties,
    pub(super) records: BTreeMap<u64, Record>,
    kind: &'static str,
    next: u64,
}

impl HubSpot {
    /// Somebody defines a property.
    ///
    /// # Panics
    /// There is no such kind.
    pub fn define(&mut self, kind: &str, name: &str, of: &str, field: &str, more: Value) {
        self.own(kind).properties.define(name, of, field, more);
    }

    /// Somebody deletes a property.
    ///
    /// # Panics
    /// There is no such kind.
    pub fn undefine(&mut self, kind: &str, name: &str) {
        self.own(kind).properties.remove(name);
    }

    /// Somebody enters a record; its id.
    ///
    /// # Panics
    /// A value is refused, or there is no such kind.
    pub fn enter(&mut self, kind: &str, values: &Value) -> String {
        let now = self.clock.now();
        let table = self.own(kind);
        let values = table.judged(None, values);
        let values = values.unwrap_or_else(|refusal| panic!("{}", refusal.message));
        table.insert(values, now).to_string()
    }

    /// Somebody edits a record.
    ///
    /// # Panics
    /// A value is refused, or there is no such record.
    pub fn edit(&mut self, kind: &str, id: &str, values: &Value) {
        let now = self.clock.now();
        let table = self.own(kind);
        let id = table.live(id).unwrap_or_else(|| panic!("no {id}"));
        let values = table.judged(Some(id), values);
        let values = values.unwrap_or_else(|refusal| panic!("{}", refusal.message));
        table.change(id, values, now);
    }

    /// Somebody deletes a record.
    ///
    /// # Panics
    /// There is no such record.
    pub fn delete(&mut self, kind: &str, id: &str) {
        let now = self.clock.now();
        let table = self.own(kind);
        let id = table.live(id).unwrap_or_else(|| panic!("no {id}"));
        table.archive(id, now);
    }

    /// Somebody deletes a record for good: no list shows it any more.
    ///
    /// # Panics
    /// There is no such kind.
    pub fn purge(&mut self, kind: &str, id: &str) {
        let table = self.own(kind);
        if let Ok(id) = id.parse() {
            table.records.remove(&id);
        }
    }

    /// Somebody merges two records; the id of the third.
    ///
    /// # Panics
    /// One of them does not exist.
    pub fn merge(&mut self, kind: &str, primary: &str, other: &str) -> String {
        let now = self.clock.now();
        let table = self.own(kind);
        let merged = table.merge(primary, other, now);
        merged.unwrap_or_else(|| panic!("no {primary} or {other}")).to_string()
    }

    /// The values of a record; `None` if it is gone.
    #[must_use]
    pub fn values(&self, kind: &str, id: &str) -> Option<&BTreeMap<String, String>> {
        let table = self.tables.get(kind)?;
        table.live(id).and_then(|id| table.records.get(&id)).map(|record| &record.values)
    }

    /// The ids of the records that have a value.
    #[must_use]
    pub fn with(&self, kind: &str, property: &str, value: &str) -> Vec<String> {
        let records = self.tables.get(kind).into_iter().flat_map(|table| &table.records);
        let live = records.filter(|(_, record)| record.is_live());
        let has = |record: &Record| record.values.get(property).is_some_and(|it| it == value);
        live.filter(|(_, record)| has(record)).map(|(id, _)| id.to_string()).collect()
    }

    /// The ids of all records of a kind.
    #[must_use]
    pub fn ids(&self, kind: &str) -> Vec<String> {
        let records = self.tables.get(kind).into_iter().flat_map(|table| &table.records);
        records.filter(|(_, record)| record.is_live()).map(|(id, _)| id.to_string()).collect()
    }

    /// How many records of a kind there are.
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        let records = self.tables.get(kind).into_iter().flat_map(|table| table.records.values());
        records.filter(|record| record.is_live()).count()
    }

    pub(super) fn own(&mut self, kind: &str) -> &mut Table {
        self.table(kind).unwrap_or_else(|| panic!("no kind {kind}"))
    }
}

impl Record {
    pub(super) fn is_live(&self) -> bool {
        self.archived.is_none() && self.merged_into.is_none()
    }
}

impl Table {
    pub(super) fn new(kind: &'static str) -> Self {
        let properties = Properties::new(kind);
        Self { properties, records: BTreeMap::new(), kind, next: FIRST_ID }
    }

    pub(super) fn is_live(&self, id: &str) -> bool {
        self.live(id).is_some()
    }

    /// The live record of an id, or the one that it was merged into.
    fn live(&self, id: &str) -> Option<u64> {
        let mut id = id.parse().ok()?;
        while let Some(into) = self.records.get(&id)?.merged_into {
            id = into;
        }
        self.records.get(&id).filter(|record| record.is_live()).map(|_| id)
    }

    /// The live record that has a unique value.
    fn holder(&self, property: &str, value: &str) -> Option<u64> {
        let same = |text: &String| text.eq_ignore_ascii_case(value);
        let further = |record: &Record| {
            let all = record.values.get("hs_additional_emails");
            property == "email" && all.is_some_and(|all| all.split(';').any(|it| it == value))
        };
        let has =
            |record: &Record| record.values.get(property).is_some_and(same) || further(record);
        let mut live = self.records.iter().filter(|(_, record)| record.is_live());
        live.find(|(_, record)| has(record)).map(|(id, _)| *id)
    }

    /// Values as they are stored, if all of them are taken. `of`: the record
    /// that they are for.
    fn judged(&self, of: Option<u64>, values: &Value) -> Result<Values, Refusal> {
        let mut taken = Values::new();
        for (name, value) in values.as_object().into_iter().flatten() {
            let text = self.properties.taken(name, value)?;
            if !text.is_empty() && self.properties.is_unique(self.kind, name) {
                match self.holder(name, &text) {
                    Some(id) if Some(id) != of => {
                        let message = match name.as_str() {
                            "email" => format!("Contact already exists. Existing ID: {id}"),
                            _ => format!("Cannot set {name}={text}: {id} already has that value."),
                        };
                        return Err(Refusal::taken(name, message));
                    }
                    _ => {}
                }
            }
            taken.insert(name.clone(), text);
        }
        Ok(taken)
    }

    fn insert(&mut self, values: Values, now: i64) -> u64 {
        let id = self.next;
        self.next += 1;
        let record = Record { created: now, ..Record::default() };
        self.records.insert(id, record);
        self.change(id, values, now);
        id
    }

    fn change(&mut self, id: u64, values: Values, now: i64) {
        let modified =
            if self.kind == "contacts" { "lastmodifieddate" } else { "hs_lastmodifieddate" };
        let Some(record) = self.records.get_mut(&id) else { return };
        if record.version > 0 {
            record.before = Some((record.modified, record.version, record.values.clone()));
        }
        record.values.extend(values);
        record.values.retain(|_, text| !text.is_empty());
        record.modified = now;
        record.version += 1;
        let own = [("hs_object_id", id.to_string()), ("createdate", rfc3339(record.created))];
        record.values.extend(own.map(|(name, text)| (name.to_owned(), text)));
        record.values.insert(modified.to_owned(), rfc3339(now));
    }

    fn archive(&mut self, id: u64, now: i64) {
        if let Some(record) = self.records.get_mut(&id) {
            record.archived = Some(now);
        }
    }

    fn merge(&mut self, primary: &str, other: &str, now: i64) -> Option<u64> {
        let (primary, other) = (self.live(primary)?, self.live(other)?);
        let mut values = self.records.get(&other)?.values.clone();
        values.extend(self.records.get(&primary)?.values.clone());
        let mut ids: BTreeSet<String> = [primary, other].map(|id| id.to_string()).into();
        for id in [primary, other] {
            let before = self.records.get(&id)?.values.get("hs_merged_object_ids");
            ids.extend(before.into_iter().flat_map(|ids| ids.split(';').map(str::to_owned)));
        }
        let ids: Vec<String> = ids.into_iter().collect();
        values.insert("hs_merged_object_ids".to_owned(), ids.join(";"));
        let merged = self.insert(values, now);
        for id in [primary, other] {
            self.records.get_mut(&id)?.merged_into = Some(merged);
        }
        Some(merged)
    }

    pub(super) fn merge_answer(&mut self, body: &Value, now: i64) -> Answer {
        let id = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        match self.merge(&id("primaryObjectId"), &id("objectIdToMerge"), now) {
            Some(merged) => Answer::json(200, &self.shown(merged, &[], None)),
            None => refusal::whole(404, "OBJECT_NOT_FOUND", "Object not found", &[]),
        }
    }

    /// A record as an answer shows it, with the properties that are asked for.
    pub(super) fn shown(&self, id: u64, asked: &[String], trace: Option<&Value>) -> Value {
        let Some(record) = self.records.get(&id) else { return Value::Null };
        let always = ["createdate", "hs_object_id", "lastmodifieddate", "hs_lastmodifieddate"];
        let known = asked.iter().filter(|name| self.properties.knows(name));
        let always = always.iter().filter(|name| record.values.contains_key(**name));
        let names = known.map(String::as_str).chain(always.copied());
        let properties: Map<String, Value> =
            names.map(|name| (name.to_owned(), json!(record.values.get(name)))).collect();
        let mut shown = json!({
            "id": id.to_string(), "properties": properties, "archived": record.archived.is_some(),
            "createdAt": rfc3339(record.created), "updatedAt": rfc3339(record.modified),
        });
        if let Some(archived) = record.archived {
            shown["archivedAt"] = json!(rfc3339(archived));
        }
        if let Some(trace) = trace {
            shown["objectWriteTraceId"] = trace.clone();
        }
        shown
    }

    pub(super) fn list(&self, request: &Request, _now: i64) -> Answer {
        let limit = request.parameter("limit").map_or(Ok(10), |text| text.parse::<usize>());
        let after = request.parameter("after").map_or(Ok(0), |text| text.parse::<u64>());
        let (Ok(limit), Ok(after)) = (limit, after) else {
            return refusal::whole(400, "VALIDATION_ERROR", "Invalid input", &[]);
        };
        if !(1..=PAGE_MAX).contains(&limit) {
            let message = "limit must be between 1 and 100";
            return refusal::whole(400, "VALIDATION_ERROR", message, &[]);
        }
        let archived = request.parameter("archived").as_deref() == Some("true");
        let asked = request.parameter("properties").unwrap_or_default();
        let asked: Vec<String> = asked.split(',').map(str::to_owned).collect();
        let fits =
            |record: &Record| record.merged_into.is_none() && record.archived.is_some() == archived;
        let mut ids = self.records.iter().filter(|(id, record)| **id > after && fits(record));
        let page: Vec<u64> = ids.by_ref().take(limit).map(|(id, _)| *id).collect();
        let results: Vec<Value> = page.iter().map(|id| self.shown(*id, &asked, None)).collect();
        let mut answer = json!({"results": results});
        if let (Some(last), Some(_)) = (page.last(), ids.next()) {
            answer["paging"] = json!({"next": {"after": last.to_string(), "link": "https://"}});
        }
        Answer::json(200, &answer)
    }

    pub(super) fn batch(&mut self, what: &str, body: &Value, archived: bool, now: i64) -> Answer {
        let inputs = body["inputs"].as_array().cloned().unwrap_or_default();
        if inputs.len() > INPUTS_MAX {
            let message = format!("Batch size {} exceeds {INPUTS_MAX}", inputs.len());
            return refusal::whole(400, "VALIDATION_ERROR", &message, &[]);
        }
        let ids: BTreeSet<&str> = inputs.iter().filter_map(|input| input["id"].as_str()).collect();
        if what != "create" && ids.len() < inputs.len() {
            let message = "Duplicate IDs found in batch input";
            return refusal::whole(400, "VALIDATION_ERROR", message, &[]);
        }
        match what {
            "read" => self.read(body, &inputs, archived, now),
            "create" => self.create(&inputs, now),
            "update" => self.update(&inputs, now),
            "upsert" => self.upsert(&inputs, now),
            "archive" => {
                for id in ids {
                    if let Some(id) = self.live(id) {
                        self.archive(id, now);
                    }
                }
                Answer::json(204, &Value::Null)
            }
            _ => refusal::whole(404, "OBJECT_NOT_FOUND", "resource not found", &[]),
        }
    }

    /// The live record of an input, by id or by a unique value.
    fn named(&self, by: Option<&str>, id: &str) -> Option<u64> {
        match by {
            None | Some("hs_object_id") => self.live(id),
            Some(property) => self.holder(property, id),
        }
    }

    fn read(&self, body: &Value, inputs: &[Value], archived: bool, now: i64) -> Answer {
        let asked = body["properties"].as_array().into_iter().flatten();
        let asked: Vec<String> = asked.filter_map(Value::as_str).map(str::to_owned).collect();
        let by = body["idProperty"].as_str();
        if by.is_some_and(|by| !self.properties.is_unique(self.kind, by)) {
            let message = "idProperty is not a unique property";
            return refusal::whole(400, "VALIDATION_ERROR", message, &[]);
        }
        let (mut results, mut missing) = (BTreeMap::new(), Vec::new());
        for id in inputs.iter().filter_map(|input| input["id"].as_str()) {
            let found = match archived {
                false => self.named(by, id),
                true => id.parse().ok().filter(|id| {
                    self.records.get(id).is_some_and(|record| record.archived.is_some())
                }),
            };
            match found {
                Some(found) => {
                    results.insert(found, self.shown(found, &asked, None));
                }
                None => missing.push(id),
            }
        }
        let mut errors = Vec::new();
        if !missing.is_empty() {
            let message = format!("Could not get some {} objects", self.kind.to_uppercase());
            let context = [("ids".to_owned(), json!(missing))].into_iter().collect();
            errors.push(refusal::item("OBJECT_NOT_FOUND", &message, context, Vec::new()));
        }
        // In no order that anybody could rely on.
        let results: Vec<Value> = results.into_values().rev().collect();
        statuses::batch_answer(200, results, errors, now)
    }

    fn create(&mut self, inputs: &[Value], now: i64) -> Answer {
        let traced = inputs.iter().all(|input| input["objectWriteTraceId"].is_string());
        let before = self.clone();
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in inputs {
            let trace = input.get("objectWriteTraceId");
            match self.judged(None, &input["properties"]) {
                Ok(values) => {
                    let asked: Vec<String> = values.keys().cloned().collect();
                    let id = self.insert(values, now);
                    results.push(self.shown(id, &asked, trace));
                }
                Err(refusal) if !traced => {
                    *self = before;
                    return refusal.whole();
                }
                Err(refusal) => errors.push(refusal.item(of_trace(trace))),
            }
        }
        results.reverse();
        statuses::batch_answer(201, results, errors, now)
    }

    fn update(&mut self, inputs: &[Value], now: i64) -> Answer {
        let mut jobs = Vec::new();
        let mut errors = Vec::new();
        for input in inputs {
            let id = input["id"].as_str().unwrap_or_default();
            let Some(found) = self.named(input["idProperty"].as_str(), id) else {
                let mut context = of_trace(input.get("objectWriteTraceId"));
                context.insert("ids".to_owned(), json!([id]));
                let message = format!("Could not find {id}");
                errors.push(refusal::item("OBJECT_NOT_FOUND", &message, context, Vec::new()));
                continue;
            };
            match self.judged(Some(found), &input["properties"]) {
                Ok(values) => jobs.push((found, values, input)),
                Err(refusal) => return refusal.whole(),
            }
        }
        let mut results = Vec::new();
        for (id, values, input) in jobs {
            let asked: Vec<String> = values.keys().cloned().collect();
            self.change(id, values, now);
            results.push(self.shown(id, &asked, input.get("objectWriteTraceId")));
        }
        results.reverse();
        statuses::batch_answer(200, results, errors, now)
    }

    fn upsert(&mut self, inputs: &[Value], now: i64) -> Answer {
        let before = self.clone();
        let mut results = Vec::new();
        for input in inputs {
            let (id, by) = (input["id"].as_str().unwrap_or_default(), input["idProperty"].as_str());
            let Some(by) = by.filter(|by| self.properties.is_unique(self.kind, by)) else {
                let message = "idProperty is not a unique property";
                return refusal::whole(400, "VALIDATION_ERROR", message, &[]);
            };
            let mut values = input["properties"].clone();
            values[by] = json!(id);
            let found = self.holder(by, id);
            match self.judged(found, &values) {
                Ok(values) => {
                    let asked: Vec<String> = values.keys().cloned().collect();
                    let id = match found {
                        Some(id) => {
                            self.change(id, values, now);
                            id
                        }
                        None => self.insert(values, now),
                    };
                    let mut shown = self.shown(id, &asked, input.get("objectWriteTraceId"));
                    shown["new"] = json!(found.is_none());
                    results.push(shown);
                }
                Err(refusal) => {
                    *self = before;
                    return refusal.whole();
                }
            }
        }
        results.reverse();
        statuses::batch_answer(200, results, Vec::new(), now)
    }
}

fn of_trace(trace: Option<&Value>) -> Map<String, Value> {
    trace.map(|trace| ("objectWriteTraceId".to_owned(), json!([trace]))).into_iter().collect()
}
