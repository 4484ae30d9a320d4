//! What became of each item, kept in one commit per slice.

use hub_core::sync::{self, Birth};
use hub_model::{
    Fault, FaultCode, Object, Pending, PendingState, RecordNo, RecordRef, RemoteKey, Stamp,
    Timestamp,
};
use hub_schedule::backoff;
use hub_store::WriteSet;
use plugin_api::Outcome;

use super::plan::Work;
use crate::conclude::{Changed, conclude};
use crate::run::RunContext;

/// Outcomes per commit: each may put a record and its profile.
const SLICE_OUTCOMES: usize = 200;
/// First wait before an item is tried again.
const ITEM_WAIT_MICROS_FIRST: i64 = 15 * 1_000_000;
/// Longest wait before an item is tried again.
const ITEM_WAIT_MICROS_MAX: i64 = 3_600 * 1_000_000;

/// Keeps the outcomes of a batch.
pub(super) async fn keep(
    context: &mut RunContext<'_>,
    outcomes: Vec<(Work, Outcome)>,
) -> Result<(), Fault> {
    let mut rest = outcomes.into_iter();
    loop {
        let slice: Vec<_> = rest.by_ref().take(SLICE_OUTCOMES).collect();
        if slice.is_empty() {
            return Ok(());
        }
        keep_slice(context, slice).await?;
    }
}

async fn keep_slice(
    context: &mut RunContext<'_>,
    outcomes: Vec<(Work, Outcome)>,
) -> Result<(), Fault> {
    let workspace = context.workspace;
    let _guard = workspace.decide().await;
    let mut set = WriteSet::default();
    let mut counters = workspace.store.counters().await?;
    let mut changed = Vec::new();
    for (work, outcome) in outcomes {
        let attempt = work.attempt();
        match outcome {
            Outcome::Created { key, row, version } => {
                context.counts.created += 1;
                let at = RecordRef { stream: context.job.mapping.stream.clone(), key };
                let known = workspace.store.records_by_ref(std::slice::from_ref(&at)).await?;
                let known = known.into_iter().flatten().next();
                let change = match known {
                    // The vendor answered with a row that we know: it updated.
                    Some(record) => Changed::States(sync::delivered(
                        &record,
                        attempt,
                        row.as_ref(),
                        version.as_deref(),
                        &context.job.mapping,
                    )),
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
                        Changed::Created(sync::created(
                            birth,
                            attempt,
                            row.as_ref(),
                            version.as_deref(),
                            &context.job.mapping,
                        ))
                    }
                };
                changed.push(change);
                set.settled.push(work.key);
            }
            Outcome::Updated { row, version } => {
                context.counts.updated += 1;
                changed.extend(delivered(context, &work, row.as_ref(), version));
                set.settled.push(work.key);
            }
            Outcome::Unchanged => {
                let version = work.record.as_ref().and_then(|record| record.version.clone());
                changed.extend(delivered(context, &work, None, version));
                set.settled.push(work.key);
            }
            Outcome::Deleted => {
                if let Some(record) = &work.record {
                    counters.stamp += 1;
                    let stamp = Stamp(counters.stamp);
                    let gone = sync::observe_deleted(record, stamp, &context.id);
                    changed.push(Changed::Deleted(gone));
                }
                set.settled.push(work.key);
            }
            // Asynchronous and unknown alike: the attempt stays, reading back decides.
            Outcome::Accepted { .. } | Outcome::Unknown => {}
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
                set.pending.push(Pending {
                    state: PendingState::Rejected,
                    attempt: work.attempt().clone(),
                    tries: work.tries + 1,
                    key: work.key,
                    due: Timestamp(i64::MAX),
                    fault: Some(fault),
                });
            }
        }
    }
    set.counters = Some(counters);
    conclude(workspace, changed, &mut set).await?;
    workspace.store.commit(set).await?;
    Ok(())
}

fn delivered(
    context: &RunContext<'_>,
    work: &Work,
    row: Option<&Object>,
    version: Option<String>,
) -> Option<Changed> {
    let record = work.record.as_ref()?;
    let mapping = &context.job.mapping;
    let next = sync::delivered(record, work.attempt(), row, version.as_deref(), mapping);
    Some(Changed::States(next))
}

fn duplicate(key: &RemoteKey) -> Fault {
    Fault::new(FaultCode::Conflict).with("duplicate_of", key)
}

/// The item waits: for the vendor's own time, else with full jitter.
fn wait(
    context: &mut RunContext<'_>,
    set: &mut WriteSet,
    work: Work,
    after_seconds: Option<u32>,
    fault: Fault,
) {
    context.counts.retried += 1;
    let tries = work.tries + 1;
    let micros = after_seconds.map_or_else(
        || {
            let seed = context.workspace.env.random();
            backoff(work.tries, seed, ITEM_WAIT_MICROS_FIRST, ITEM_WAIT_MICROS_MAX)
        },
        |seconds| i64::from(seconds) * 1_000_000,
    );
    set.pending.push(Pending {
        attempt: work.attempt().clone(),
        key: work.key,
        state: PendingState::Retry,
        tries,
        due: context.workspace.env.now().plus_micros(micros),
        fault: Some(fault),
    });
}
