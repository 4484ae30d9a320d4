//! Rules about writing. They write: use a test account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use hub_model::{FaultCode, Object, RemoteKey, Text, Value};
use plugin_api::{
    Action, Cursor, Item, Outcome, ReadRequest, StreamInfo, WriteItem, WriteReport, WriteRequest,
};

use crate::Verdict;
use crate::breach::{Breach, Must};
use crate::lookup::UNKNOWN_KEY;
use crate::subject::{Subject, items, row};

/// Fewest rows that are written together.
const TOGETHER_MIN: usize = 3;
/// Most rows that are written together to cross the border of a page.
const TOGETHER_MAX: usize = 250;

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

    /// The row once more, as another one: text by which rows can be found gets a
    /// number, since a vendor may allow each only once.
    fn numbered(&self, info: &StreamInfo, number: usize) -> Object {
        let matchable = |name: &str| info.field(name).is_some_and(|field| field.matchable);
        let other = |(name, value): (&Text, &Value)| {
            let text = value.as_text().filter(|_| matchable(name.as_str()));
            let value = match text.map(|text| text.split_once('@').ok_or(text)) {
                None => value.clone(),
                Some(Ok((user, host))) => Value::text(format!("{user}+{number}@{host}")),
                Some(Err(text)) => Value::text(format!("{text}{number}")),
            };
            (name.clone(), value)
        };
        self.row.iter().map(other).collect()
    }
}

async fn write(subject: &Subject<'_>, must: Must, item: WriteItem) -> Result<Outcome, Breach> {
    let mut outcomes = write_all(subject, must, vec![item]).await?;
    Ok(outcomes.pop().unwrap_or(Outcome::Unknown))
}

/// One outcome per item, or the breach that there are others.
async fn write_all(
    subject: &Subject<'_>,
    must: Must,
    items: Vec<WriteItem>,
) -> Result<Vec<Outcome>, Breach> {
    let count = items.len();
    let request = WriteRequest { stream: subject.stream.clone(), items, dry_run: false };
    let report = must.succeed("write", subject.connector.write(&subject.call, &request).await)?;
    match report {
        WriteReport::Items(outcomes) if outcomes.len() == count => Ok(outcomes),
        WriteReport::Items(outcomes) => {
            Err(must
                .broken(format!("{count} items were answered with {} outcomes", outcomes.len())))
        }
        WriteReport::Aggregate(counts) => {
            Err(must.broken(format!("{count} items were answered with {counts:?}")))
        }
    }
}

fn item(action: Action, key: Option<&RemoteKey>, patch: Object) -> WriteItem {
    WriteItem {
        action,
        key: key.cloned(),
        matching: BTreeMap::new(),
        patch,
        if_version: None,
        idempotency_key: fresh_key(),
        consents: Vec::new(),
        ttl_seconds: None,
    }
}

/// A key that no vendor has seen: it belongs to one content, and vendors remember
/// those of earlier judgements.
fn fresh_key() -> String {
    static BEGUN: LazyLock<u128> =
        LazyLock::new(|| UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos()));
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("conformance-{}-{}", *BEGUN, COUNT.fetch_add(1, Ordering::Relaxed))
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

/// A batch MUST be answered with one outcome per item, in order, whatever becomes
/// of the others.
///
/// # Errors
/// The breach.
pub async fn every_item_has_its_outcome(subject: &Subject<'_>, sample: &Sample) -> Verdict {
    let must = Must("a batch is answered with one outcome per item, in their order");
    let info = subject.info(must).await?;
    let created = |number| item(Action::Create, None, sample.numbered(&info, number));
    let unknown = RemoteKey::new(UNKNOWN_KEY);
    let mut items =
        vec![created(1), item(Action::Update, Some(&unknown), sample.row.clone()), created(2)];
    if info.atomic_batches {
        // One that must fail would take the others with it.
        items.remove(1);
    }
    items.truncate(usize::try_from(info.batch_items_max).unwrap_or(usize::MAX).max(1));
    let expected: Vec<bool> = items.iter().map(|item| item.action == Action::Create).collect();
    let outcomes = write_all(subject, must, items).await?;
    for outcome in &outcomes {
        if let Outcome::Created { key, .. } = outcome {
            clean_up(subject, must, key).await;
        }
    }
    let is_created = |outcome: &Outcome| matches!(outcome, Outcome::Created { .. });
    let fits = outcomes.iter().map(is_created).eq(expected);
    must.hold(fits, || format!("the outcomes are of other items: {outcomes:?}"))
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

/// The hub writes again what it does not know to be written: an update that was
/// written before MUST leave the row as it was after the first time.
///
/// # Errors
/// The breach.
pub async fn writing_again_changes_nothing(subject: &Subject<'_>, sample: &Sample) -> Verdict {
    let must = Must("an update that is written again leaves the row as it was");
    let (key, _) = create(subject, must, sample).await?;
    let (changed, value) = &sample.changed;
    let patch = Object::from([(changed.as_str().into(), value.clone())]);
    let update = item(Action::Update, Some(&key), patch);
    write(subject, must, update.clone()).await?;
    let once = subject.find_one(must, &key).await?;
    let outcome = write(subject, must, update).await?;
    let again = subject.find_one(must, &key).await?;
    clean_up(subject, must, &key).await;
    must.hold(matches!(outcome, Outcome::Updated { .. } | Outcome::Unchanged), || {
        format!("the second time it was answered with {outcome:?}")
    })?;
    let same = once.as_ref().map(row) == again.as_ref().map(row);
    must.hold(same, || "the row looks different after the second time".to_owned())
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

/// Rows that were written together have one time of change, and more of them than
/// fit on a page: reading on MUST show every one of them, also those on the other
/// side of the border.
///
/// # Errors
/// The breach.
pub async fn rows_written_together_are_all_shown(
    subject: &Subject<'_>,
    sample: &Sample,
) -> Verdict {
    let must = Must("rows written together are all shown when reading goes on");
    let info = subject.info(must).await?;
    if !info.readable {
        return Ok(());
    }
    let pages = subject.snapshot(must).await?;
    let rest = pages.last().and_then(|page| page.next.clone());
    let largest = pages.iter().map(|page| page.items.len()).max().unwrap_or_default();
    let count = (largest + 1).clamp(TOGETHER_MIN, TOGETHER_MAX);
    let rows: Vec<_> = (0..count)
        .map(|number| item(Action::Create, None, sample.numbered(&info, number)))
        .collect();
    let batch = usize::try_from(info.batch_items_max).unwrap_or(usize::MAX).max(1);
    let mut written = Vec::new();
    for items in rows.chunks(batch) {
        for outcome in write_all(subject, must, items.to_vec()).await? {
            if let Outcome::Created { key, .. } = outcome {
                written.push(key);
            }
        }
    }
    // The hub begins anew as well where every change ends the cursor.
    let rest = if has_expired(subject, rest.clone()).await { None } else { rest };
    let shown = subject.pages_from(must, rest).await;
    for key in &written {
        clean_up(subject, must, key).await;
    }
    let shown = shown?;
    let shown: BTreeSet<_> = items(&shown).map(|item| &item.key).collect();
    let missing = written.iter().filter(|key| !shown.contains(key)).count();
    must.hold(written.len() == count && missing == 0, || {
        format!("of {count} rows {} were created, and {missing} of these not shown", written.len())
    })
}

async fn has_expired(subject: &Subject<'_>, cursor: Option<Cursor>) -> bool {
    let request = ReadRequest { stream: subject.stream.clone(), cursor, fields: Vec::new() };
    let read = subject.connector.read(&subject.call, &request).await;
    read.is_err_and(|fault| fault.code == FaultCode::CursorExpired)
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
