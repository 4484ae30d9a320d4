//! Everything that is kept of a person, with where each thing comes from: as one
//! JSON document, and as lines of CSV.

use std::collections::{BTreeMap, BTreeSet};

use hub_engine::workspace::Workspace;
use hub_engine::{delivery, related};
use hub_model::{DecisionKind, Profile, Record, RecordNo, RecordRef, Rules};
use hub_store::{Error, Store};
use serde_json::{Value, json};

use crate::history;
use crate::lang::Lang;
use crate::{timeline, views};

/// Rows of quarantine read at once.
const STEP_ROWS: usize = 500;
/// Records read at once that relate to a person.
const STEP_RECORDS: usize = 500;

/// Everything that is kept of some profiles. Personal data.
///
/// # Errors
/// When the store cannot answer.
pub async fn everything(
    workspace: &Workspace,
    profiles: &[Profile],
    lang: Lang,
) -> Result<Value, Error> {
    let (store, rules) = (&*workspace.store, &*workspace.rules);
    let mut people = Vec::new();
    for profile in profiles {
        let records: Vec<Record> =
            store.records(&profile.records).await?.into_iter().flatten().collect();
        let mut person = views::profile(store, profile).await?;
        if let Value::Object(entries) = &mut person {
            let numbers: BTreeSet<RecordNo> = profile.records.iter().copied().collect();
            entries.insert("consents".to_owned(), json!(profile.consents));
            entries.insert("kept".to_owned(), records.iter().map(record).collect());
            let others = related::others(workspace, &records).await?;
            let others: Value = others.iter().map(crate::related::other).collect();
            entries.insert("relates_to".to_owned(), others);
            let (objects, named) = relating(workspace, profile).await?;
            entries.insert("objects".to_owned(), objects);
            entries.insert("named_by".to_owned(), named);
            let events = timeline::all(store, rules, profile).await?;
            entries.insert("events".to_owned(), events);
            entries.insert("decisions".to_owned(), decisions(store, &numbers).await?);
            entries.insert("writes".to_owned(), writes(store, &numbers).await?);
            entries.insert("deliveries".to_owned(), deliveries(store, rules, profile).await?);
            entries.insert("quarantine".to_owned(), quarantine(store, &records, lang).await?);
            let today = std::slice::from_ref(profile);
            let mut former = history::whole(store, rules, today, None, usize::MAX).await?;
            let former = former.pointer_mut("/profiles/0/numbers").map(Value::take);
            entries.insert("history".to_owned(), former.unwrap_or_default());
        }
        people.push(person);
    }
    Ok(json!({ "people": people }))
}

/// A record: what its system said and showed, and what it was told.
fn record(record: &Record) -> Value {
    let fields = record.fields.iter().map(|(name, state)| {
        let asserted = state.asserted.as_ref();
        let field = json!({
            "said": asserted.map(|asserted| asserted.value.to_json()),
            "shows": state.remote.as_ref().map(hub_model::Value::to_json),
            "seen": asserted.and_then(|asserted| Some(asserted.seen?.to_string())),
            "changed": asserted.and_then(|asserted| Some(asserted.source_time?.to_string())),
            "told": state.sent.0 != 0,
            "settled": state.dispute.as_ref().and_then(|kept| Some(kept.settled.as_ref()?.value.to_json())),
        });
        (name.to_string(), field)
    });
    let identities = record.identities.iter().filter_map(|fact| fact.identity.as_ref());
    let identities: Vec<String> = identities.map(ToString::to_string).collect();
    let raw: serde_json::Map<String, Value> =
        record.raw.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect();
    json!({
        "connection": record.at.stream.connection, "stream": record.at.stream.stream,
        "key": record.at.key, "number": record.number, "is_there": record.is_live(),
        "origin": record.origin, "run": record.run, "as_received": raw,
        "fields": fields.collect::<serde_json::Map<String, Value>>(),
        "identities_ever": identities,
    })
}

/// What relates to the person: objects whole, since they are about him; of rows
/// of other people, only that they name him.
async fn relating(workspace: &Workspace, profile: &Profile) -> Result<(Value, Value), Error> {
    let ends = related::ends(workspace, profile).await?;
    let (mut objects, mut named, mut below) = (Vec::new(), Vec::new(), None);
    loop {
        let found = workspace.store.related(&ends, below, STEP_RECORDS).await?;
        let Some(last) = found.last() else { return Ok((objects.into(), named.into())) };
        below = Some(last.number);
        for other in found {
            let roles = other.relations.iter().filter(|relation| ends.contains(&relation.to));
            let roles: BTreeSet<&str> = roles.map(|relation| &*relation.role).collect();
            let mut shown =
                if other.is_object() { record(&other) } else { views::record_ref(&other) };
            if let Value::Object(entries) = &mut shown {
                entries.insert("roles".to_owned(), json!(roles));
            }
            if other.is_object() { &mut objects } else { &mut named }.push(shown);
        }
    }
}

async fn decisions(store: &dyn Store, own: &BTreeSet<RecordNo>) -> Result<Value, Error> {
    let all = store.decisions().await?;
    let kinds = |kind: &DecisionKind| match kind {
        DecisionKind::Match { .. } => "match",
        DecisionKind::Separation { .. } => "separation",
        DecisionKind::Value { .. } => "value",
        DecisionKind::Withdrawal { .. } => "withdrawal",
    };
    let shown = all
        .iter()
        .filter(|decision| !decision.kind.records().is_disjoint(own))
        .map(|decision| json!({ "kind": kinds(&decision.kind), "at": decision.at.to_string() }));
    Ok(shown.collect())
}

/// What was written into his rows; of writes into others' rows only those people
/// are told.
async fn writes(store: &dyn Store, own: &BTreeSet<RecordNo>) -> Result<Value, Error> {
    let mut found = BTreeMap::new();
    for number in own {
        let about = store.written_about(*number).await?.into_iter();
        found.extend(about.filter(|(_, e)| e.record.is_none_or(|row| own.contains(&row))));
    }
    Ok(found.iter().map(|(place, entry)| views::written(place, entry)).collect())
}

async fn deliveries(store: &dyn Store, rules: &Rules, profile: &Profile) -> Result<Value, Error> {
    let waiting = delivery::waiting(store, rules, profile.id).await?;
    let shown = waiting.iter().map(|pending| {
        let fields = pending.attempt.fields.iter();
        let fields: serde_json::Map<String, Value> =
            fields.map(|(name, (value, _))| (name.to_string(), value.to_json())).collect();
        json!({
            "sync": pending.key.sync, "state": pending.state, "fields": fields,
            "due": pending.due.to_string(),
        })
    });
    Ok(shown.collect())
}

async fn quarantine(store: &dyn Store, records: &[Record], lang: Lang) -> Result<Value, Error> {
    let own: BTreeSet<&RecordRef> = records.iter().map(|record| &record.at).collect();
    let (mut after, mut shown) = (0, Vec::new());
    loop {
        let rows = store.quarantined(after, STEP_ROWS).await?;
        if rows.is_empty() {
            return Ok(Value::Array(shown));
        }
        after += rows.len();
        for row in rows {
            let at = row.key.clone().map(|key| RecordRef { stream: row.stream.clone(), key });
            if at.is_some_and(|at| own.contains(&at)) {
                shown.push(views::quarantined(&row, lang));
            }
        }
    }
}

/// The same as lines: what it is, where it comes from, its name, its value.
pub fn csv(everything: &Value) -> String {
    let mut lines = vec!["kind,source,name,value".to_owned()];
    let people = everything.get("people").and_then(Value::as_array);
    for person in people.into_iter().flatten() {
        let of = |name: &str| person.get(name).cloned().unwrap_or_default();
        for (name, value) in entries(&of("traits")) {
            let from = person.pointer(&format!("/provenance/{}/record", pointer(&name)));
            lines.push(line("trait", &from.map(source).unwrap_or_default(), &name, &value));
        }
        for identity in items(&of("identities")) {
            let text = |name: &str| identity.get(name).cloned().unwrap_or_default();
            lines.push(line("identity", "", &plain(&text("namespace")), &text("value")));
        }
        for consent in items(&of("consents")) {
            lines.push(line("consent", "", "", &consent));
        }
        for record in items(&of("kept")) {
            let from = source(&record);
            let received = record.get("as_received").cloned().unwrap_or_default();
            for (name, value) in entries(&received) {
                lines.push(line("received", &from, &name, &value));
            }
            for (name, field) in entries(&record.get("fields").cloned().unwrap_or_default()) {
                let said = field.get("said").cloned().unwrap_or_default();
                lines.push(line("said", &from, &name, &said));
            }
        }
        for number in items(&of("history")) {
            for step in items(&number.get("steps").cloned().unwrap_or_default()) {
                let at = step.get("at").map(plain).unwrap_or_default();
                lines.push(line("history", "", &at, &step));
            }
        }
        for object in items(&of("objects")) {
            let from = source(&object);
            for (name, value) in entries(&object.get("as_received").cloned().unwrap_or_default()) {
                lines.push(line("object", &from, &name, &value));
            }
        }
        for event in items(&of("events")) {
            let name = event.get("name").map(plain).unwrap_or_default();
            lines.push(line("event", &source(&event), &name, &event));
        }
        for kind in ["relates_to", "named_by", "decisions", "writes", "deliveries", "quarantine"] {
            for item in items(&of(kind)) {
                lines.push(line(kind, "", "", &item));
            }
        }
    }
    lines.push(String::new());
    lines.join("\r\n")
}

fn entries(value: &Value) -> Vec<(String, Value)> {
    let object = value.as_object().into_iter().flatten();
    object.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn items(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn source(at: &Value) -> String {
    let part = |name: &str| at.get(name).map(plain).unwrap_or_default();
    format!("{}/{}/{}", part("connection"), part("stream"), part("key"))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn line(kind: &str, source: &str, name: &str, value: &Value) -> String {
    [kind, source, name, &plain(value)].map(quoted).join(",")
}

/// A cell as RFC 4180 wants it.
fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn lines_say_what_comes_from_where_and_keep_every_character() {
        let at = json!({ "connection": "crm", "stream": "people", "key": "1" });
        let mut kept = at.clone();
        kept["as_received"] = json!({ "note": "a \"b\",\nc" });
        let everything = json!({ "people": [{
            "traits": { "city/town": "Lyon", "age": 42 },
            "provenance": { "city/town": { "record": at } },
            "identities": [{ "namespace": "email", "value": "ana@x.fr" }],
            "kept": [kept],
            "events": [{ "connection": "site", "stream": "visits", "key": "e", "name": "click" }],
        }] });
        let wanted = [
            "kind,source,name,value",
            "trait,,age,42",
            "trait,crm/people/1,city/town,Lyon",
            "identity,,email,ana@x.fr",
            "received,crm/people/1,note,\"a \"\"b\"\",\nc\"",
            "event,site/visits/e,click,\"{\"\"connection\"\":\"\"site\"\",\"\"key\"\":\"\"e\"\",\"\"name\"\":\"\"click\"\",\"\"stream\"\":\"\"visits\"\"}\"",
            "",
        ];
        assert_eq!(super::csv(&everything), wanted.join("\r\n"));
    }
}
