//! A record as HubSpot shows it, and asking for records by id or by a
//! property with unique values.

use liaison_sdk::{Fault, FaultCode, Row};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::api::{Api, Effect, Trouble, VERSION};
use crate::object::Object;
use crate::property::Property;
use crate::refusal::Refusal;
use crate::time;

/// Most records of one batch.
pub const BATCH_RECORDS_MAX: usize = 100;
/// The ids that were merged into a record, with `;` between them.
const MERGED: &str = "hs_merged_object_ids";
/// Further addresses of a contact; it is found by each of them.
const FURTHER_EMAILS: &str = "hs_additional_emails";

/// A record.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Record {
    /// Its id.
    pub id: String,
    /// Its properties, as far as they were asked for.
    pub properties: Map<String, Value>,
    /// When it was archived.
    pub archived_at: Option<String>,
    /// Which input of a batch it answers.
    pub object_write_trace_id: Option<String>,
    updated_at: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Record>,
    #[serde(default)]
    errors: Vec<Refusal>,
}

impl Record {
    /// A record of which nothing but its id is known.
    pub fn known(id: &str) -> Self {
        Self { id: id.to_owned(), ..Self::default() }
    }

    /// The text of a property; `None` if it is empty.
    pub fn text(&self, property: &str) -> Option<&str> {
        self.properties.get(property).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The ids that were merged into it.
    pub fn merged(&self) -> impl Iterator<Item = &str> {
        let ids = self.text(MERGED).unwrap_or_default().split(';').map(str::trim);
        ids.filter(move |id| is_id(id) && *id != self.id)
    }

    /// Whether it has this value in a property, as HubSpot compares.
    pub fn has(&self, property: &str, value: &str) -> bool {
        let same = |text: &str| text.trim().eq_ignore_ascii_case(value);
        let further = || self.text(FURTHER_EMAILS).is_some_and(|all| all.split(';').any(same));
        self.text(property).is_some_and(same) || (property == "email" && further())
    }

    /// When it was last changed, in milliseconds since 1970.
    ///
    /// # Errors
    /// `schema-drift`.
    pub fn modified(&self, object: &Object) -> Result<i64, Fault> {
        let time = self.text(object.modified).and_then(time::parse_instant);
        time.ok_or_else(|| Fault::drift(object.modified, "a point in time"))
    }

    /// It as a row, with these properties.
    pub fn row(&self, properties: &[&Property]) -> Row {
        let shown = |property: &&Property| {
            (property.name.clone(), property.shown(self.properties.get(&property.name)))
        };
        let data: Map<String, Value> = properties.iter().map(shown).collect();
        let row = Row::upsert(&self.id, data);
        match self.updated_at.as_deref().and_then(time::parse_instant).and_then(time::instant) {
            Some(time) => row.time(time),
            None => row,
        }
    }

    /// It as a row, after a row for each record that was merged into it.
    pub fn rows(&self, properties: &[&Property]) -> Vec<Row> {
        let merged = self.merged().map(|id| Row::merged_into(id, &self.id));
        merged.chain([self.row(properties)]).collect()
    }
}

/// Whether a text is the id of a record: decimal, as HubSpot writes it.
pub fn is_id(text: &str) -> bool {
    let digits = !text.is_empty() && text.len() <= 19 && !text.starts_with('0');
    digits && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The names to ask for: of these properties, and what the connector needs.
pub fn names<'p>(object: &Object, properties: &[&'p Property]) -> Vec<&'p str> {
    let own = properties.iter().map(|property| property.name.as_str());
    let needed = [MERGED, object.modified];
    own.filter(|name| !needed.contains(name)).chain(needed).collect()
}

/// The records that have these values of a property (none = these ids) now.
/// Values without a record are left out; asked for the id of a record that was
/// merged away, HubSpot shows the one that it was merged into.
///
/// # Errors
/// [`Trouble`] of a request.
pub fn read(
    api: &Api,
    object: &Object,
    by: Option<&str>,
    values: &[&str],
    names: &[&str],
) -> Result<Vec<Record>, Trouble> {
    let mut records: Vec<Record> = Vec::new();
    let mut names = names.to_vec();
    if let Some(by) = by {
        names.push(by);
        if by == "email" {
            names.push(FURTHER_EMAILS);
        }
    }
    names.sort_unstable();
    names.dedup();
    for values in values.chunks(BATCH_RECORDS_MAX) {
        let inputs: Vec<Value> = values.iter().map(|value| json!({"id": value})).collect();
        let mut body = json!({"inputs": inputs, "properties": names, "propertiesWithHistory": []});
        if let Some(by) = by {
            body["idProperty"] = json!(by);
        }
        let path = format!("/crm/objects/{VERSION}/{}/batch/read", object.path);
        let answer: Answer = api.call(Effect::Reads, api.post(&path, &body))?;
        let other = answer.errors.into_iter().find(|error| !error.is("OBJECT_NOT_FOUND"));
        if let Some(refusal) = other {
            return Err(Trouble::Fault(refusal.rejected(values)));
        }
        // Two ids of one record show it twice.
        for record in answer.results {
            if !records.iter().any(|known| known.id == record.id) {
                records.push(record);
            }
        }
    }
    Ok(records)
}

/// Records of the list, which knows no lag.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Listed {
    /// The records, in the order of their ids.
    pub results: Vec<Record>,
    #[serde(default)]
    paging: Option<Paging>,
}

/// Where an answer goes on, if it does.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Paging {
    next: Option<Next>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Next {
    after: String,
}

impl Paging {
    /// The place of the next page.
    pub fn after(&self) -> Option<&str> {
        self.next.as_ref().map(|next| next.after.as_str())
    }
}

impl Listed {
    /// The same place in the list, with other records.
    #[must_use]
    pub fn with(self, results: Vec<Record>) -> Self {
        Self { results, ..self }
    }

    /// Where the list goes on.
    ///
    /// # Errors
    /// `schema-drift` when it goes on where it began: it would never end.
    pub fn next(&self, after: Option<&str>) -> Result<Option<String>, Fault> {
        match self.paging.as_ref().and_then(Paging::after) {
            Some(next) if Some(next) == after => Err(Fault::drift("paging.next.after", "another")),
            next => Ok(next.map(str::to_owned)),
        }
    }
}

/// A page of the list.
///
/// # Errors
/// [`Trouble`] of the request; an `after` that HubSpot no longer knows is
/// `cursor-expired`.
pub fn list(
    api: &Api,
    object: &Object,
    after: Option<&str>,
    archived: bool,
    limit: usize,
    names: &[&str],
) -> Result<Listed, Trouble> {
    let request = api.get(&format!("/crm/objects/{VERSION}/{}", object.path));
    let request = request.query("limit", limit).query("archived", archived);
    let request = match names {
        [] => request,
        names => request.query("properties", names.join(",")),
    };
    let request = match after {
        Some(after) => request.query("after", after),
        None => request,
    };
    api.call(Effect::Reads, request).map_err(|trouble| match (trouble, after) {
        (Trouble::Refused(refusal), Some(_)) if refusal.status == 400 => {
            Trouble::Fault(Fault::new(FaultCode::CursorExpired))
        }
        (trouble, _) => trouble,
    })
}
