//! Rules about writing. They write: use a test account.

use std::collections::BTreeMap;

use hub_model::{FaultCode, Object, RemoteKey, Value};
use plugin_api::{Action, Item, Outcome, WriteItem, WriteReport, WriteRequest};

use crate::Verdict;
use crate::breach::{Breach, Must};
use crate::subject::{Subject, row};

/// A key that no vendor hands out.
const UNKNOWN_KEY: &str = "00000000-conformance-unknown";

/// What the rules write. Values must be in the form that the vendor stores.
#[derive(Debug, Clone)]
pub struct Sample {
    /// A row to create: at least two fields.
    pub row: Object,
    /// A field of it to change.
    pub changed: (String, Value),
    /// A field of it to clear.
    pub cleared: String,
}

impl Sample {
    /// A row, a change of one of its fields, and a field to clear.
    pub fn new(row: Object, changed: (&str, Value), cleared: &str) -> Self {
        let changed = (changed.0.to_owned(), changed.1);
        Self { row, changed, cleared: cleared.to_owned() }
    }
}

async fn write(subject: &Subject<'_>, must: Must, item: WriteItem) -> Result<Outcome, Breach> {
    let request =
        WriteRequest { stream: subject.stream.clone(), items: vec![item], dry_run: false };
    let report = must.succeed("write", subject.connector.write(&subject.call, &request).await)?;
    match report {
        WriteReport::Items(mut outcomes) if outcomes.len() == 1 => {
            Ok(outcomes.pop().unwrap_or(Outcome::Unknown))
        }
        other => Err(must.broken(format!("one item was answered with {other:?}"))),
    }
}

fn item(action: Action, key: Option<&RemoteKey>, patch: Object) -> WriteItem {
    WriteItem {
        action,
        key: key.cloned(),
        matching: BTreeMap::new(),
        patch,
        if_version: None,
        idempotency_key: "conformance".to_owned(),
        consents: Vec::new(),
        ttl_seconds: None,
    }
}

async fn create(
    subject: &Subject<'_>,
    must: Must,
    sample: &Sample,
) -> Result<(RemoteKey, Item), Breach> {
    let outcome = write(subject, must, item(Action::Create, None, sample.row.clone())).await?;
    let Outcome::Created { key, .. } = outcome else {
        return Err(must.broken(format!("a create was answered with {outcome:?}")));
    };
    let found = subject.find_one(must, &key).await?;
    let found = found.ok_or_else(|| must.broken("the created row is not found"))?;
    Ok((key, found))
}

/// Removes what a rule made; what cannot be removed is left, as in production.
async fn clean_up(subject: &Subject<'_>, must: Must, key: &RemoteKey) {
    let _ = write(subject, must, item(Action::Delete, Some(key), Object::new())).await;
}

fn field(item: &Item, name: &str) -> Option<Value> {
    row(item).and_then(|row| row.get(name).cloned()).filter(|value| !value.is_null())
}

/// A created row MUST be found under the key of its outcome, as it was written.
///
/// # Errors
/// The breach.
pub async fn a_created_row_is_found(subject: &Subject<'_>, sample: &Sample) -> Verdict {
    let must = Must("a created row is found under its key, as it was written");
    let (key, found) = create(subject, must, sample).await?;
    let differs =
        sample.row.iter().find(|(name, value)| field(&found, name).as_ref() != Some(*value));
    clean_up(subject, must, &key).await;
    differs.map_or(Ok(()), |(name, _)| Err(must.broken(format!("{name} differs"))))
}

/// An absent field of a patch MUST be left alone.
///
/// # Errors
/// The breach.
pub async fn a_patch_changes_only_its_fields(subject: &Subject<'_>, sample: &Sample) -> Verdict {
    let must = Must("a patch changes its fields and no others");
    let (key, before) = create(subject, must, sample).await?;
    let (changed, value) = &sample.changed;
    let patch = Object::from([(changed.as_str().into(), value.clone())]);
    let outcome = write(subject, must, item(Action::Update, Some(&key), patch)).await?;
    let after = subject.find_one(must, &key).await?;
    clean_up(subject, must, &key).await;
    must.hold(matches!(outcome, Outcome::Updated { .. }), || {
        format!("a change was answered with {outcome:?}")
    })?;
    let after = after.ok_or_else(|| must.broken("the row is gone"))?;
    must.hold(field(&after, changed).as_ref() == Some(value), || {
        format!("{changed} was not changed")
    })?;
    let mut others = sample.row.keys().filter(|name| *name != changed);
    let touched = others.find(|name| field(&before, name) != field(&after, name));
    touched.map_or(Ok(()), |name| Err(must.broken(format!("{name} was changed too"))))
}

/// Null MUST clear a field.
///
/// # Errors
/// The breach.
pub async fn null_clears(subject: &Subject<'_>, sample: &Sample) -> Verdict {
    let must = Must("null clears a field");
    let (key, _) = create(subject, must, sample).await?;
    let patch = Object::from([(sample.cleared.as_str().into(), Value::Null)]);
    let outcome = write(subject, must, item(Action::Update, Some(&key), patch)).await?;
    let after = subject.find_one(must, &key).await?;
    clean_up(subject, must, &key).await;
    let left = after.as_ref().and_then(|after| field(after, &sample.cleared));
    must.hold(after.is_some() && left.is_none(), || {
        format!("{} is still there after {outcome:?}", sample.cleared)
    })
}

/// Where versions are checked, a write bound to an old one MUST conflict and
/// change nothing.
///
/// # Errors
/// The breach.
pub async fn a_stale_version_conflicts(subject: &Subject<'_>, sample: &Sample) -> Verdict {
    let must = Must("a write bound to an old version conflicts and changes nothing");
    if !subject.info(must).await?.conditional_writes {
        return Ok(());
    }
    let (key, before) = create(subject, must, sample).await?;
    let version = before.version.clone().ok_or_else(|| must.broken("the row has no version"))?;
    let (changed, value) = &sample.changed;
    let patch = Object::from([(changed.as_str().into(), value.clone())]);
    let first = WriteItem {
        if_version: Some(version.clone()),
        ..item(Action::Update, Some(&key), patch.clone())
    };
    let accepted = write(subject, must, first).await?;
    let clear = Object::from([(changed.as_str().into(), Value::Null)]);
    let stale = WriteItem { if_version: Some(version), ..item(Action::Update, Some(&key), clear) };
    let refused = write(subject, must, stale).await?;
    let after = subject.find_one(must, &key).await?;
    clean_up(subject, must, &key).await;
    must.hold(matches!(accepted, Outcome::Updated { .. }), || {
        format!("the current version was answered with {accepted:?}")
    })?;
    must.hold(refused == Outcome::Conflict, || format!("it was answered with {refused:?}"))?;
    let kept = after.as_ref().and_then(|after| field(after, changed)).as_ref() == Some(value);
    must.hold(kept, || "it changed the row".to_owned())
}

/// An update of a row that does not exist MUST not create one.
///
/// # Errors
/// The breach.
pub async fn an_unknown_row_is_not_invented(subject: &Subject<'_>, sample: &Sample) -> Verdict {
    let must = Must("an update of a row that is not there does not create it");
    let key = RemoteKey::new(UNKNOWN_KEY);
    let update = item(Action::Update, Some(&key), sample.row.clone());
    let outcome = write(subject, must, update).await?;
    let told = match &outcome {
        Outcome::Conflict => true,
        Outcome::Rejected(fault) => fault.code == FaultCode::NotFound,
        _ => false,
    };
    must.hold(told, || format!("it was answered with {outcome:?}"))?;
    let found = subject.find_one(must, &key).await?;
    must.hold(found.is_none(), || "it is there now".to_owned())
}

/// A deleted row MUST be gone.
///
/// # Errors
/// The breach.
pub async fn a_deleted_row_is_gone(subject: &Subject<'_>, sample: &Sample) -> Verdict {
    let must = Must("a deleted row is gone");
    let (key, _) = create(subject, must, sample).await?;
    let outcome = write(subject, must, item(Action::Delete, Some(&key), Object::new())).await?;
    must.hold(outcome == Outcome::Deleted, || format!("it was answered with {outcome:?}"))?;
    let found = subject.find_one(must, &key).await?;
    must.hold(found.is_none(), || "it is still found".to_owned())
}
