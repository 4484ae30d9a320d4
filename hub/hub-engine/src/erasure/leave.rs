//! Everything that is kept of the person leaves.
//!
//! Each step finds what the one before has left, so the whole is repeated after a
//! crash until its last commit, which says that he is gone.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{Identity, PendingState, Quarantined, RecordNo, RecordRef, RunId, Timestamp};
use hub_store::{Error, PositionChange, Review, WriteSet};

use super::job::{self, Erasure, Phase};
use super::unlink::unlink;
use crate::delivery::waiting;
use crate::events::forget_person;
use crate::inbox;
use crate::job::cursor_position;
use crate::ledger;
use crate::reform::{Fate, reform};
use crate::slices::Slices;
use crate::workspace::Workspace;

/// Rows of quarantine looked at per step.
const STEP_ROWS: usize = 500;

/// Lets him leave.
pub(super) async fn leave(workspace: &Workspace, mut erasure: Erasure) -> Result<(), Error> {
    let _guard = workspace.decide().await;
    let store = &*workspace.store;
    let telling = &erasure.telling;
    let run = RunId::new(format!("{:016}-erasure", erasure.requested.0));
    deliveries(workspace, &erasure).await?;
    let under_way = of_objects(workspace, &erasure).await?;
    reviews(workspace, &erasure).await?;
    quarantine(workspace, &erasure).await?;
    // His records find the rest.
    ledger::forget_texts(workspace, &erasure.telling.texts).await?;
    forget_person(workspace, &erasure.telling.identities).await?;
    places(workspace, &erasure).await?;
    unlink(workspace, &erasure, &run).await?;
    let numbers: Vec<RecordNo> = telling.records.iter().map(|(number, _)| *number).collect();
    let there = store.records(&numbers).await?;
    let fates: BTreeMap<RecordNo, Fate> =
        there.into_iter().flatten().map(|record| (record.number, Fate::Erased)).collect();
    if !fates.is_empty() {
        reform(workspace, &fates, &run).await?;
    }
    // A pushed body that names him was received before he was to be forgotten:
    // it is gone once it is taken in, which leaves nothing of him.
    // And what is on its way in an object that names him is settled by its sync.
    if under_way || inbox::holds(workspace, |body| names(&erasure.telling.texts, body)).await? {
        tracing::debug!(erasure = erasure.id, "what is on its way about the person is waited for");
        return Ok(());
    }
    erasure.logically_gone = Some(workspace.env.now());
    erasure.phase = Phase::Telling;
    erasure.telling.records.clear();
    erasure.telling.texts.clear();
    erasure.telling.ends.clear();
    erasure.telling.identities.clear();
    erasure.telling.profile = None;
    erasure.settle();
    let positions = job::keep(store, &erasure).await?;
    store.commit(WriteSet { positions, ..WriteSet::default() }).await?;
    tracing::info!(erasure = erasure.id, records = erasure.records, "a person was erased");
    Ok(())
}

/// What waited to be delivered about him.
async fn deliveries(workspace: &Workspace, erasure: &Erasure) -> Result<(), Error> {
    let Some(profile) = erasure.telling.profile else { return Ok(()) };
    let waiting = waiting(&*workspace.store, &workspace.rules, profile).await?;
    let settled = waiting.into_iter().map(|pending| pending.key).collect();
    workspace.commit(WriteSet { settled, ..WriteSet::default() }).await?;
    Ok(())
}

/// What waited to be delivered about objects that name him. Whether any of it is on
/// its way: that stays until its outcome is known.
async fn of_objects(workspace: &Workspace, erasure: &Erasure) -> Result<bool, Error> {
    let (ever, mut under_way) = (Timestamp(i64::MAX), false);
    let mut slices = Slices::new(workspace, None);
    for mapping in workspace.rules.mappings.iter().filter(|mapping| mapping.made_of.is_some()) {
        for pending in workspace.store.pending(&mapping.sync, ever, usize::MAX).await? {
            // What is not JSON cannot have been kept.
            let told = serde_json::to_string(&pending.attempt.fields).unwrap_or_default();
            if !names(&erasure.telling.texts, &told) {
                continue;
            }
            match pending.state {
                PendingState::Unknown => under_way = true,
                PendingState::Retry | PendingState::Rejected => {
                    let settled = vec![pending.key];
                    slices.push(WriteSet { settled, ..WriteSet::default() }).await?;
                }
            }
        }
    }
    slices.flush().await?;
    Ok(under_way)
}

/// What people were to look at: they name his values.
async fn reviews(workspace: &Workspace, erasure: &Erasure) -> Result<(), Error> {
    let profile = erasure.telling.profile;
    let names = |identity: &Identity| {
        let value = identity.value.to_lowercase();
        erasure.telling.texts.contains(&value)
    };
    let about = |review: &Review| {
        Some(review.left) == profile || Some(review.right) == profile || names(&review.identity)
    };
    let mut slices = Slices::new(workspace, None);
    for review in workspace.store.reviews(usize::MAX).await?.into_iter().filter(about) {
        slices.push(WriteSet { closed: vec![review], ..WriteSet::default() }).await?;
    }
    slices.flush().await
}

/// Rows that were rejected: his, and those that name him.
async fn quarantine(workspace: &Workspace, erasure: &Erasure) -> Result<(), Error> {
    let telling = &erasure.telling;
    let own: BTreeSet<&RecordRef> = telling.records.iter().map(|(_, at)| at).collect();
    let about = |row: &Quarantined| {
        let at =
            row.key.as_ref().map(|key| RecordRef { stream: row.stream.clone(), key: key.clone() });
        at.is_some_and(|at| own.contains(&at))
            || names(&telling.texts, &row.raw)
            || row.key.as_ref().is_some_and(|key| names(&telling.texts, key.as_str()))
    };
    let mut slices = Slices::new(workspace, None);
    let (mut after, mut found) = (0, Vec::new());
    loop {
        let rows = workspace.store.quarantined(after, STEP_ROWS).await?;
        if rows.is_empty() {
            break;
        }
        after += rows.len();
        found.extend(rows.into_iter().filter(about));
    }
    for row in found {
        slices.push(WriteSet { discarded: vec![row], ..WriteSet::default() }).await?;
    }
    slices.flush().await
}

/// Places of reading that name him: vendors make them of keys and values. The
/// stream is read from its beginning once more, which changes nothing.
async fn places(workspace: &Workspace, erasure: &Erasure) -> Result<(), Error> {
    const KEY_CHARS_MIN: usize = 5;
    let telling = &erasure.telling;
    let mut set = WriteSet::default();
    for mapping in &workspace.rules.mappings {
        let stream = &mapping.stream;
        let name = cursor_position(mapping);
        let Some(kept) = workspace.store.position(&name).await? else { continue };
        let text = String::from_utf8_lossy(&kept);
        let keys = telling.records.iter().filter(|(_, at)| at.stream == *stream);
        let mut keys = keys.map(|(_, at)| at.key.as_str());
        let has_key = keys.any(|key| key.chars().count() >= KEY_CHARS_MIN && text.contains(key));
        if has_key || names(&telling.texts, &text) {
            set.positions.push(PositionChange { name, expected: Some(kept), new: None });
        }
    }
    workspace.commit(set).await?;
    Ok(())
}

fn names(texts: &[String], row: &str) -> bool {
    let row = row.to_lowercase();
    texts.iter().any(|text| row.contains(text))
}
