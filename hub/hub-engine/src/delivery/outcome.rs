//! What became of each item, kept in one commit per slice.

use std::collections::BTreeMap;

use hub_core::planted::{self, Bug};
use hub_core::quality::StreamRules;
use hub_core::sync::{self, Birth};
use hub_model::{
    Attempt, Fault, FaultCode, Mapping, Object, Pending, PendingState, Record, RecordNo, RecordRef,
    RemoteKey, Stamp, Timestamp, Word, WriteEnd, WriteKind, limits,
};
use hub_schedule::{backoff, next_poll};
use hub_store::WriteSet;
use plugin_api::Outcome;

use super::plan::{Plan, Work};
use crate::conclude::{Changed, conclude};
use crate::ledger::{Attempted, Ledger};
use crate::reading;
use crate::run::RunContext;
use crate::slices::Slices;

/// Outcomes per commit: each may put a record and its profile.
const SLICE_OUTCOMES: usize = 200;
/// Bytes of values per commit: each is kept in its record, in its profile, and
/// twice in the ledger.
const SLICE_BYTES: usize = limits::SLICE_BYTES_MAX / 8;
/// First wait before an item is tried again.
const ITEM_WAIT_MICROS_FIRST: i64 = 15 * 1_000_000;
/// Longest wait before an item is tried again.
const ITEM_WAIT_MICROS_MAX: i64 = 3_600 * 1_000_000;

/// Keeps the outcomes of a batch.
pub(super) async fn keep(
    context: &mut RunContext<'_>,
    outcomes: Vec<(Work, Outcome)>,
) -> Result<(), Fault> {
    let (mut slice, mut bytes) = (Vec::new(), 0);
    for (work, outcome) in placed(outcomes) {
        let size = work.size_bytes();
        if slice.len() == SLICE_OUTCOMES || (bytes + size > SLICE_BYTES && !slice.is_empty()) {
            keep_slice(context, std::mem::take(&mut slice)).await?;
            bytes = 0;
        }
        bytes += size;
        slice.push((work, outcome));
    }
    if slice.is_empty() { Ok(()) } else { keep_slice(context, slice).await }
}

/// Numbers the items that were taken into one job, in their order.
fn placed(mut outcomes: Vec<(Work, Outcome)>) -> Vec<(Work, Outcome)> {
    let mut places: BTreeMap<String, u32> = BTreeMap::new();
    for (work, outcome) in &mut outcomes {
        if let Outcome::Accepted { job } = outcome {
            let place = places.entry(job.clone()).or_default();
            work.place = *place;
            *place += 1;
        }
    }
    outcomes
}

async fn keep_slice(
    context: &mut RunContext<'_>,
    outcomes: Vec<(Work, Outcome)>,
) -> Result<(), Fault> {
    let rules = reading::row_rules(context).await?;
    let workspace = context.workspace;
    let _guard = workspace.decide().await;
    let mut set = WriteSet::default();
    let mut counters = workspace.store.counters().await?;
    let mut changed = Vec::new();
    let profiles = outcomes.iter().map(|(work, _)| work.key.profile);
    let mut ledger = Ledger::of(context, profiles.collect()).await?;
    let known = known(context, &outcomes).await?;
    let waits = planted::is(Bug::BatchResent)
        && outcomes.iter().any(|(_, outcome)| matches!(outcome, Outcome::Retry { .. }));
    for (work, outcome) in outcomes {
        let outcome = match outcome {
            Outcome::Conflict if planted::is(Bug::ConflictIsDone) => Outcome::Unchanged,
            Outcome::Accepted { .. } if planted::is(Bug::AcceptedIsDone) => Outcome::Unchanged,
            _ if waits => {
                let fault = Fault::new(FaultCode::Transient);
                Outcome::Retry { after_seconds: None, fault }
            }
            outcome => outcome,
        };
        let outcome = match outcome {
            // Attempted to delete, a vendor may say "done" in other words.
            Outcome::Updated { .. } | Outcome::Unchanged if work.removes => Outcome::Deleted,
            outcome => outcome,
        };
        match outcome {
            Outcome::Created { key, row, version } => {
                context.counts.created += 1;
                let at = RecordRef { stream: context.job.mapping.stream.clone(), key };
                let mapping = &context.job.mapping;
                let change = match known.get(&at.key) {
                    // The vendor answered with a row that we know: it updated.
                    Some(record) => {
                        let (row, version) = (row.as_ref(), version.as_deref());
                        let after =
                            delivered(&rules, record, work.attempt(), row, version, mapping);
                        let after = match &work.source {
                            Some(source) if record.made_of().is_none() => {
                                sync::linked(after, source.clone())
                            }
                            _ => after,
                        };
                        let attempted = Attempted { kind: WriteKind::Update, ..work.attempted() };
                        ledger.end(attempted, WriteEnd::Made, Some(record), Some(&after));
                        Changed::States(after)
                    }
                    None => {
                        counters.record += 1;
                        counters.stamp += 1;
                        let birth = Birth {
                            number: RecordNo(counters.record),
                            stamp: Stamp(counters.stamp),
                            at,
                            for_record: work.for_record,
                            profile: work.key.profile,
                            run: context.id.clone(),
                        };
                        let cleaned = row.as_ref().map(|row| reading::comparable(&rules, row));
                        let version = version.as_deref();
                        let form = cleaned.as_deref();
                        let record = sync::created(birth, work.attempt(), form, version, mapping);
                        let record = match &work.source {
                            Some(source) => sync::linked(record, source.clone()),
                            None => record,
                        };
                        ledger.end(work.attempted(), WriteEnd::Made, None, Some(&record));
                        Changed::Created(as_received(record, row.as_ref()))
                    }
                };
                changed.push(change);
                set.settled.push(work.key);
            }
            Outcome::Updated { row, version } => {
                context.counts.updated += 1;
                let mapping = &context.job.mapping;
                if let Some(record) = &work.record {
                    let (row, version) = (row.as_ref(), version.as_deref());
                    let after = delivered(&rules, record, work.attempt(), row, version, mapping);
                    ledger.end(work.attempted(), WriteEnd::Made, Some(record), Some(&after));
                    changed.push(Changed::States(after));
                }
                set.settled.push(work.key);
            }
            Outcome::Unchanged => {
                let mapping = &context.job.mapping;
                let after = work.record.as_ref().map(|record| {
                    let version = record.version.as_deref();
                    delivered(&rules, record, work.attempt(), None, version, mapping)
                });
                let end = if work.counted { WriteEnd::Counted } else { WriteEnd::Unchanged };
                ledger.end(work.attempted(), end, work.record.as_ref(), after.as_ref());
                changed.extend(after.map(Changed::States));
                set.settled.push(work.key);
            }
            Outcome::Deleted => {
                context.counts.removed += u64::from(!work.counted);
                if let Some(record) = &work.record {
                    counters.stamp += 1;
                    let stamp = Stamp(counters.stamp);
                    let gone = sync::removed(record, stamp, &context.id, &context.job.mapping);
                    ledger.end(work.attempted(), WriteEnd::Made, Some(record), Some(&gone));
                    changed.push(Changed::Deleted(gone));
                }
                set.settled.push(work.key);
            }
            // The attempt stays: the job decides.
            Outcome::Accepted { job } => {
                context.counts.accepted += 1;
                let now = workspace.env.now();
                let due = next_poll(now, now, 0, None).unwrap_or(now);
                let word = Word::Accepted { job, place: work.place, since: now, polls: 0 };
                let pending = Pending { due, ..work.unknown(context, Some(word)) };
                context.note_open(pending.clone());
                set.pending.push(pending);
            }
            // The attempt stays: reading back decides.
            Outcome::Unknown => context.note_open(work.unknown(context, None)),
            Outcome::Conflict => {
                wait(context, &mut set, work, None, Fault::new(FaultCode::Conflict))
            }
            Outcome::DuplicateOf(key) => {
                let fault = duplicate(&key);
                wait(context, &mut set, work, None, fault);
            }
            Outcome::Retry { after_seconds, fault } => {
                wait(context, &mut set, work, after_seconds, fault);
            }
            Outcome::Rejected(fault) => {
                context.counts.rejected += 1;
                ledger.refuse(work.attempted(), work.record.as_ref(), fault.code);
                set.pending.push(Pending {
                    state: PendingState::Rejected,
                    attempt: work.attempt().clone(),
                    run: None,
                    tries: work.tries + 1,
                    key: work.key,
                    due: Timestamp(i64::MAX),
                    fault: Some(fault),
                    word: None,
                });
            }
        }
    }
    set.counters = Some(counters);
    set.written = ledger.into_entries();
    conclude(workspace, changed, &mut set).await?;
    workspace.commit(set).await?;
    Ok(())
}

/// The records of rows that were answered to creates: none, unless the vendor
/// updated a row instead.
async fn known(
    context: &RunContext<'_>,
    outcomes: &[(Work, Outcome)],
) -> Result<BTreeMap<RemoteKey, Record>, Fault> {
    let stream = &context.job.mapping.stream;
    let created = outcomes.iter().filter_map(|(_, outcome)| match outcome {
        Outcome::Created { key, .. } => {
            Some(RecordRef { stream: stream.clone(), key: key.clone() })
        }
        _ => None,
    });
    let created: Vec<RecordRef> = created.collect();
    let found = context.workspace.store.records_by_ref(&created).await?.into_iter().flatten();
    Ok(found.map(|record| (record.at.key.clone(), record)).collect())
}

/// A record after an update. The form that the vendor returned is cleaned like
/// any row before it is kept as what the record shows, so that reading it again
/// is an echo.
fn delivered(
    rules: &StreamRules,
    record: &Record,
    attempt: &Attempt,
    row: Option<&Object>,
    version: Option<&str>,
    mapping: &Mapping,
) -> Record {
    let cleaned = row.map(|row| reading::comparable(rules, row));
    let record = sync::delivered(record, attempt, cleaned.as_deref(), version, mapping);
    // A field that neither was written nor is unmapped is left to the next read.
    let told = row.into_iter().flatten().filter(|(name, _)| {
        mapping.field(name).is_none() || attempt.fields.contains_key(name.as_str())
    });
    let told: Object = told.map(|(name, value)| (name.clone(), value.clone())).collect();
    as_received(record, Some(&told))
}

/// The record with what was returned kept as it was received.
fn as_received(mut record: Record, row: Option<&Object>) -> Record {
    for (name, value) in row.into_iter().flatten() {
        record.raw.insert(name.clone(), value.clone());
    }
    record
}

fn duplicate(key: &RemoteKey) -> Fault {
    Fault::new(FaultCode::Conflict).with("duplicate_of", key)
}

/// Keeps what is not written because a value has no form there, or refers to what is
/// not there yet. The latter is no reject: nobody has anything to mend.
pub(super) async fn refuse(context: &mut RunContext<'_>, plan: &mut Plan) -> Result<(), Fault> {
    let refused = std::mem::take(&mut plan.refused);
    let awaits = |pending: &&Pending| {
        pending.fault.as_ref().is_some_and(|fault| fault.code == FaultCode::Reference)
    };
    let awaiting = refused.iter().filter(awaits).count();
    context.counts.rejected += (refused.len() - awaiting) as u64;
    context.counts.awaiting += plan.awaiting;
    let mut slices = Slices::new(context.workspace, None);
    for pending in refused {
        slices.push(WriteSet { pending: vec![pending], ..WriteSet::default() }).await?;
    }
    slices.flush().await?;
    Ok(())
}

/// The item waits: for the vendor's own time, else with full jitter.
pub(super) fn wait(
    context: &mut RunContext<'_>,
    set: &mut WriteSet,
    work: Work,
    after_seconds: Option<u32>,
    fault: Fault,
) {
    context.counts.retried += 1;
    let tries = work.tries + 1;
    let micros = wait_micros(context, work.tries, after_seconds);
    set.pending.push(Pending {
        attempt: work.attempt().clone(),
        key: work.key,
        state: PendingState::Retry,
        run: None,
        tries,
        due: context.workspace.env.now().plus_micros(micros),
        fault: Some(fault),
        word: None,
    });
}

/// How long an item waits after so many tries: as the vendor says, else with full
/// jitter.
pub(crate) fn wait_micros(context: &RunContext<'_>, tries: u32, after_seconds: Option<u32>) -> i64 {
    after_seconds.map_or_else(
        || {
            let seed = context.workspace.env.random();
            backoff(tries, seed, ITEM_WAIT_MICROS_FIRST, ITEM_WAIT_MICROS_MAX)
        },
        |seconds| i64::from(seconds) * 1_000_000,
    )
}
