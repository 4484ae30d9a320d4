//! What waits behind an undoing: a row that the hub made and took away, or took away
//! and made again, would be written again at once. Its write waits like one that was
//! rejected, until it would be another.

use std::collections::BTreeMap;

use hub_core::sync::{self, Due, Moment};
use hub_model::{
    Attempt, CommitSeq, Fault, FaultCode, FieldName, LedgerEntry, Pending, PendingKey,
    PendingState, Record, RecordNo, Stamp, Timestamp, Value, WriteKind,
};
use hub_store::{Error, Store, WriteSet};
use plugin_api::StreamInfo;

use super::super::mirror;
use super::{People, permission, plan};
use crate::conclude::{Changed, conclude};
use crate::run::RunContext;

/// Holds what would be written again behind the undoing of these rows, and lets
/// what the hub made and took away leave nothing that stands against another row.
pub(super) async fn hold(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    rows: &[LedgerEntry],
) -> Result<(), Fault> {
    let rows: Vec<LedgerEntry> =
        rows.iter().filter(|row| row.kind != WriteKind::Update).cloned().collect();
    if rows.is_empty() {
        return Ok(());
    }
    let workspace = context.workspace;
    let _guard = workspace.decide().await;
    let mut people = People::of(context, &rows).await?;
    let mut changed = Vec::new();
    for row in rows.iter().filter(|row| row.kind == WriteKind::Create) {
        let Some(record) = row.record.and_then(|number| people.records.get_mut(&number)) else {
            continue;
        };
        let is_ours = !record.is_live() && !record.asserts_anything() && !sync::is_unmade(record);
        if is_ours && was_deleted_by_us(&*workspace.store, record.number).await? {
            *record = sync::unmade(record);
            changed.push(Changed::States(record.clone()));
        }
    }
    let all_read = mirror::all_read(context).await?;
    let moment = Moment { permitted: true, all_read };
    let now = workspace.env.now();
    let head = workspace.head().await?;
    let permission = permission(context, &people).await?;
    let mut set = WriteSet::default();
    let (removed, restored) =
        (people.of_kind(&rows, WriteKind::Create), people.of_kind(&rows, WriteKind::Delete));
    for profile in people.profiles.values() {
        let members: Vec<&Record> =
            profile.records.iter().filter_map(|number| people.records.get(number)).collect();
        if !permission.is_given(profile, &members, now) {
            continue;
        }
        for due in sync::owed(profile, &members, &context.job.mapping, &moment) {
            let (record, fields) = match due {
                Due::Create { mut fields, .. } if removed.contains(&profile.id) => {
                    fields.retain(|field, _| plan::may_set(stream, field));
                    (None, fields)
                }
                Due::Remove { record, .. } if restored.contains(&profile.id) => {
                    (Some(record), BTreeMap::new())
                }
                _ => continue,
            };
            let key = PendingKey { sync: context.job.id().clone(), profile: profile.id, record };
            let waits = people.waiting.get(&key).is_some_and(|p| p.state == PendingState::Unknown);
            if !waits {
                set.pending.push(held(key, fields, head));
            }
        }
    }
    conclude(workspace, changed, &mut set).await?;
    workspace.commit(set).await?;
    Ok(())
}

/// Whether the hub itself deleted a row: what others deleted is not made again.
async fn was_deleted_by_us(store: &dyn Store, number: RecordNo) -> Result<bool, Error> {
    let entries = store.written_about(number).await?;
    Ok(entries.iter().any(|(_, entry)| {
        entry.record == Some(number) && entry.kind == WriteKind::Delete && entry.end.is_made()
    }))
}

fn held(key: PendingKey, fields: BTreeMap<FieldName, (Value, Stamp)>, asof: CommitSeq) -> Pending {
    let idempotency_key = sync::idempotency_key(&key.sync, key.profile, key.record, &fields, asof);
    let fault = Fault::new(FaultCode::Undone).at(format!("syncs/{}", key.sync));
    Pending {
        key,
        state: PendingState::Rejected,
        attempt: Attempt { fields, idempotency_key },
        run: None,
        tries: 0,
        due: Timestamp(i64::MAX),
        fault: Some(fault),
        word: None,
    }
}

pub(super) fn is_hold(pending: &Pending) -> bool {
    pending.fault.as_ref().is_some_and(|fault| fault.code == FaultCode::Undone)
}
