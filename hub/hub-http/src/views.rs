//! What the API shows, as JSON: one shape per word of the model.
//!
//! The shapes are written out here rather than derived from the model, so that
//! a change of the model does not silently change the API. Times are RFC 3339
//! in UTC; ids are text or numbers exactly as elsewhere.

use hub_engine::inbox::DoorCounts;
use hub_engine::{SyncStatus, UndoShown};
use hub_model::{
    Answer, Fault, Forecast, Hold, LedgerEntry, LedgerPlace, Mapping, PlanCounts, PlannedWrite,
    Profile, Quarantined, Record, RecordNo, Run, RunCounts, RunId, RunStatus, SyncId, Trigger,
};
use hub_store::{Error, Store};
use serde_json::{Map, Value, json};

use crate::lang::Lang;
use crate::sentences::sentence;
use crate::state::ConnectionView;

/// A fault with its sentence.
pub fn fault(fault: &Fault, lang: Lang) -> Value {
    let s = sentence(fault, lang);
    json!({
        "code": s.code, "title": s.title, "detail": s.detail, "place": s.place, "mend": s.mend,
        "args": fault.args,
    })
}

/// A connection.
pub fn connection(connection: &ConnectionView, lang: Lang) -> Value {
    json!({
        "id": connection.id,
        "connector": connection.connector,
        "version": connection.version,
        "title": connection.title,
        "hosts": connection.hosts,
        "status": if connection.fault.is_some() { "broken" } else { "ready" },
        "fault": connection.fault.as_ref().map(|f| fault(f, lang)),
    })
}

/// What came to the door of a connection.
pub fn door(counts: &DoorCounts) -> Value {
    json!({
        "kept": counts.kept, "repeated": counts.repeated, "refused": counts.refused,
        "limited": counts.limited,
    })
}

/// The status words of runs, as in every face.
pub const fn run_status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "running",
        RunStatus::Succeeded => "succeeded",
        RunStatus::WithRejects => "with-rejects",
        RunStatus::Failed => "failed",
        RunStatus::Interrupted => "interrupted",
        RunStatus::Held => "held",
        RunStatus::Waiting => "waiting",
    }
}

/// How a sync stands, in one word.
pub fn sync_status(status: &SyncStatus) -> &'static str {
    match (&status.running, &status.last, status.paused) {
        (Some(_), _, _) => "running",
        (None, Some(run), _) => run_status(run.status),
        (None, None, true) => "paused",
        (None, None, false) => "never-run",
    }
}

/// A sync, its mapping in short and how it stands.
pub fn sync(status: &SyncStatus, mapping: &Mapping, lang: Lang) -> Value {
    let direction = match (mapping.reads(), mapping.writes()) {
        (true, true) => "both",
        (false, true) => "out",
        _ => "in",
    };
    json!({
        "id": status.id,
        "connection": mapping.stream.connection,
        "stream": mapping.stream.stream,
        "kind": mapping.word(),
        "direction": direction,
        "schedule": status.schedule,
        "paused": status.paused,
        "status": sync_status(status),
        "next": status.next.map(|t| t.to_string()),
        "running": status.running,
        "last": status.last.as_ref().map(|r| run(r, lang)),
        "skipped": status.skipped,
        "until": status.until.map(|t| t.to_string()),
        "delivery": status.delivery,
    })
}

/// The field pairs of a sync.
pub fn fields(mapping: &Mapping) -> Value {
    let pair = |pair: &hub_model::FieldMapping| {
        json!({
            "field": pair.field, "trait": pair.to, "direction": pair.direction,
            "identity": pair.identity.as_deref(), "converted": pair.conversion.is_some(),
        })
    };
    mapping.fields.iter().map(pair).collect()
}

/// A run.
pub fn run(run: &Run, lang: Lang) -> Value {
    let (trigger, due) = match run.trigger {
        Trigger::Manual => ("manual", None),
        Trigger::Pushed => ("pushed", None),
        Trigger::Resumed => ("resumed", None),
        Trigger::Schedule(due) => ("schedule", Some(due.to_string())),
    };
    json!({
        "id": run.id,
        "sync": run.sync,
        "trigger": trigger,
        "due": due,
        "started": run.started.to_string(),
        "ended": run.ended.map(|t| t.to_string()),
        "status": run_status(run.status),
        "counts": counts(&run.counts),
        "fault": run.fault.as_ref().map(|f| fault(f, lang)),
        "connector": run.connector,
        "plan": run.plan,
        "undoes": run.undoes,
        "delivery": run.delivery,
        "answer": run.answer.as_ref().map(answer),
        "until": run.until.map(|t| t.to_string()),
        "forecast": run.forecast.as_ref().map(forecast),
    })
}

/// What work takes of a vendor's allowance.
pub fn forecast(forecast: &Forecast) -> Value {
    json!({
        "calls": forecast.calls, "of": forecast.of, "window_seconds": forecast.window_seconds,
        "percent": forecast.percent, "ends": forecast.ends.to_string(),
    })
}

/// What somebody answered to a run that was held.
fn answer(answer: &Answer) -> Value {
    json!({ "approved": answer.approved, "by": answer.by, "at": answer.at.to_string() })
}

/// A run that waits for an answer, or was answered and is not over.
pub fn hold(sync: &SyncId, hold: &Hold) -> Value {
    json!({
        "sync": sync, "run": hold.run, "plan": hold.plan, "counts": plan_counts(&hold.counts),
        "answer": hold.answer.as_ref().map(answer),
    })
}

/// How much a plan writes.
pub fn plan_counts(counts: &PlanCounts) -> Value {
    json!({ "creates": counts.creates, "updates": counts.updates, "deletes": counts.deletes })
}

/// A write as it is planned. Holds personal data. The form is the model's own,
/// since plans are kept in files and compared.
pub fn planned(write: &PlannedWrite) -> Value {
    serde_json::to_value(write).unwrap_or_default()
}

/// An entry of the ledger of writes. Holds personal data. Of a field, what the row
/// showed before, what was sent, and what the vendor made of it if that is another
/// form; what is absent was not known, or not asked.
pub fn written(place: &LedgerPlace, entry: &LedgerEntry) -> Value {
    let field = |field: &hub_model::LedgerField| {
        let mut view = Map::new();
        let values = [("before", &field.before), ("sent", &field.sent), ("shown", &field.shown)];
        for (name, value) in values {
            view.extend(value.as_ref().map(|value| (name.to_owned(), value.to_json())));
        }
        Value::Object(view)
    };
    let fields: Map<String, Value> =
        entry.fields.iter().map(|(name, value)| (name.to_string(), field(value))).collect();
    json!({
        "run": place.run, "number": place.number, "sync": entry.sync, "kind": entry.kind.as_str(),
        "profile": entry.profile, "record": entry.record, "key": entry.key, "fields": fields,
        "idempotency_key": entry.idempotency_key, "end": entry.end.as_str(),
        "fault": entry.fault.map(hub_model::FaultCode::as_str), "at": entry.at.to_string(),
    })
}

/// What undoing a run comes to. Holds personal data.
pub fn undo(run: &RunId, shown: &UndoShown) -> Value {
    let writes: Vec<Value> = shown.writes.iter().map(planned).collect();
    let left = shown.left.iter().map(|left| {
        json!({
            "profile": left.profile, "record": left.record, "key": left.key,
            "field": left.skipped.field, "why": left.skipped.why.as_str(),
        })
    });
    let left: Vec<Value> = left.collect();
    json!({ "run": run, "sync": shown.sync, "writes": writes, "skipped": left })
}

/// What a run did so far.
pub fn counts(counts: &RunCounts) -> Value {
    json!({
        "pages": counts.pages, "read": counts.read, "new": counts.new, "changed": counts.changed,
        "deleted": counts.deleted, "quarantined": counts.quarantined, "refused": counts.refused,
        "created": counts.created,
        "updated": counts.updated, "removed": counts.removed, "rejected": counts.rejected, "retried": counts.retried,
        "awaiting": counts.awaiting,
        "writes": counts.writes, "accepted": counts.accepted, "counted": counts.counted,
        "counted_invalid": counts.counted_invalid,
    })
}

/// A row in quarantine. Holds personal data.
pub fn quarantined(row: &Quarantined, lang: Lang) -> Value {
    json!({
        "connection": row.stream.connection, "stream": row.stream.stream, "key": row.key,
        "fault": fault(&row.fault, lang), "raw": row.raw, "run": row.run,
        "at": row.at.to_string(),
    })
}

/// Profiles as lines of the export: `id`, `kind`, `identities`, `traits` as
/// plain values, and the `records` that they were derived from. Personal data.
///
/// # Errors
/// When the store cannot give the records.
pub async fn profile_lines(store: &dyn Store, profiles: &[Profile]) -> Result<Vec<Value>, Error> {
    let numbers: Vec<RecordNo> = profiles.iter().flat_map(|p| p.records.iter().copied()).collect();
    let mut records = store.records(&numbers).await?.into_iter();
    let line = |profile: &Profile| {
        let own: Vec<Value> = records
            .by_ref()
            .take(profile.records.len())
            .flatten()
            .map(|record| record_ref(&record))
            .collect();
        let traits: Map<String, Value> =
            profile.traits.iter().map(|(n, t)| (n.to_string(), t.value.to_json())).collect();
        json!({
            "id": profile.id, "kind": profile.kind.as_str(), "identities": identities(profile),
            "traits": traits, "records": own,
        })
    };
    Ok(profiles.iter().map(line).collect())
}

/// One profile with, for every trait, the record and rule that its value comes
/// from. Personal data.
///
/// # Errors
/// When the store cannot give the records.
pub async fn profile(store: &dyn Store, profile: &Profile) -> Result<Value, Error> {
    let records = store.records(&profile.records).await?;
    let by_number = |number: RecordNo| records.iter().flatten().find(|r| r.number == number);
    let provenance: Map<String, Value> = profile
        .traits
        .iter()
        .map(|(name, value)| {
            let from = value.provenance.record;
            let at = by_number(from).map(record_ref);
            let why = json!({
                "record": at, "number": from, "field": value.provenance.field,
                "rule": value.provenance.rule, "stamp": value.stamp,
            });
            (name.to_string(), why)
        })
        .collect();
    let mut lines = profile_lines(store, std::slice::from_ref(profile)).await?;
    let mut line = lines.pop().unwrap_or_default();
    if let Value::Object(entries) = &mut line {
        entries.insert("provenance".to_owned(), Value::Object(provenance));
    }
    Ok(line)
}

fn identities(profile: &Profile) -> Value {
    let one = |claimed: &hub_model::Claimed| json!({ "namespace": &*claimed.identity.namespace, "value": &*claimed.identity.value });
    profile.identities.iter().map(one).collect()
}

pub(crate) fn record_ref(record: &Record) -> Value {
    json!({
        "connection": record.at.stream.connection, "stream": record.at.stream.stream,
        "key": record.at.key,
    })
}
