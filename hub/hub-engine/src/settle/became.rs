//! What becomes of an attempt that a job took in, by what the vendor says of it.

use hub_model::{Fault, FaultCode, Pending, PendingState, RemoteKey, RunCounts, Timestamp, Word};
use hub_schedule::next_poll;
use plugin_api::Outcome;

use crate::delivery::{Count, open};

/// An item whose job has not ended: it is asked for again, or given up.
pub(super) fn still_running(pending: Pending, asked: Option<u32>, now: Timestamp) -> Pending {
    let Some(Word::Accepted { job, place, since, polls }) = pending.word.clone() else {
        return pending;
    };
    let polls = polls.saturating_add(1);
    match next_poll(now, since, polls, asked) {
        Some(due) => {
            Pending { due, word: Some(Word::Accepted { job, place, since, polls }), ..pending }
        }
        None => unknown(pending, now),
    }
}

/// An attempt of which nobody will say more: its row is looked for, as one that may
/// have been made a moment ago. A job may have come to it at its very end.
pub(super) fn unknown(pending: Pending, now: Timestamp) -> Pending {
    Pending { due: now, word: None, ..pending }
}

/// An item of a job that has ended.
pub(super) fn became(
    pending: Pending,
    outcome: &Outcome,
    now: Timestamp,
    retry_at: Timestamp,
    counts: &mut RunCounts,
) -> Pending {
    let written = |key: Option<RemoteKey>| Pending {
        word: Some(Word::Written { key }),
        due: now,
        ..pending.clone()
    };
    let again = |fault: Fault, due: Timestamp| Pending {
        state: PendingState::Retry,
        due,
        fault: Some(fault),
        word: None,
        ..pending.clone()
    };
    match outcome {
        Outcome::Created { key, .. } => {
            counts.created += 1;
            written(Some(key.clone()))
        }
        Outcome::Updated { .. } => {
            counts.updated += 1;
            written(None)
        }
        Outcome::Unchanged => written(None),
        Outcome::Deleted => {
            counts.removed += 1;
            written(None)
        }
        Outcome::Accepted { job } => {
            let since = match &pending.word {
                Some(Word::Accepted { since, .. }) => *since,
                _ => now,
            };
            let word = Word::Accepted { job: job.clone(), place: 0, since, polls: 0 };
            still_running(Pending { word: Some(word), ..pending }, None, now)
        }
        Outcome::Unknown => unknown(pending, now),
        Outcome::Conflict => {
            counts.retried += 1;
            again(Fault::new(FaultCode::Conflict), retry_at)
        }
        Outcome::DuplicateOf(key) => {
            counts.retried += 1;
            again(Fault::new(FaultCode::Conflict).with("duplicate_of", key), retry_at)
        }
        Outcome::Retry { after_seconds, fault } => {
            counts.retried += 1;
            let named = after_seconds.map(|seconds| now.plus_seconds(i64::from(seconds)));
            again(fault.clone(), named.unwrap_or(retry_at))
        }
        Outcome::Rejected(fault) => {
            counts.rejected += 1;
            rejected(pending, fault)
        }
    }
}

/// An item of a job that has ended, and whose vendor only counts.
pub(super) fn counted(
    pending: Pending,
    count: Count,
    now: Timestamp,
    counts: &mut RunCounts,
) -> Pending {
    let pending = Pending { due: now, ..pending };
    match count {
        Count::All => open(pending, None),
        Count::Some(fault) => open(pending, Some(&fault)),
        Count::None(fault) => {
            counts.rejected += 1;
            rejected(pending, &fault)
        }
    }
}

/// An item of a job that failed as a whole. What was refused is asked for once more,
/// each item by itself: one of them may be bad.
pub(super) fn failed(
    pending: Pending,
    fault: &Fault,
    alone: bool,
    now: Timestamp,
    retry_at: Timestamp,
    counts: &mut RunCounts,
) -> Pending {
    let refuses = matches!(fault.code, FaultCode::Rejected | FaultCode::NotSupported);
    if refuses && alone {
        counts.rejected += 1;
        return rejected(pending, fault);
    }
    counts.retried += 1;
    let fault = Some(if refuses { fault.clone().with("alone", true) } else { fault.clone() });
    let due = if refuses { now } else { retry_at };
    Pending { state: PendingState::Retry, due, fault, word: None, ..pending }
}

fn rejected(pending: Pending, fault: &Fault) -> Pending {
    Pending {
        state: PendingState::Rejected,
        due: Timestamp(i64::MAX),
        fault: Some(fault.clone()),
        word: None,
        ..pending
    }
}
