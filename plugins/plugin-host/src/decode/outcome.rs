//! Outcomes of writes, states of jobs, answers of lookups.

use hub_model::{Fault, Object, RemoteKey};
use plugin_api::{Aggregate, Found, JobState, Outcome, WriteReport, row};
use plugin_gateway::Redactor;

use super::{bug, fault};
use crate::limits::{JOB_BYTES_MAX, JOB_OUTCOMES_MAX, VERSION_BYTES_MAX};
use crate::since_v0_1_0::exported::destination as wit;
use crate::since_v0_1_0::exported::lookup as lookup_wit;

/// The answer to a write of `items` items; none = a job, whose batch is not
/// known here.
///
/// # Errors
/// `connector-bug` when the outcomes do not fit the items: all are then unknown.
pub fn report(
    report: wit::Report,
    items: Option<usize>,
    redactor: &Redactor,
) -> Result<WriteReport, Fault> {
    match report.verdict {
        wit::Verdict::Aggregate(counts) => Ok(WriteReport::Aggregate(Aggregate {
            received: counts.received,
            invalid: counts.invalid,
        })),
        wit::Verdict::Items(outcomes) => {
            if items.is_some_and(|items| items != outcomes.len()) {
                return Err(bug("another number of outcomes than items"));
            }
            // A job of more items than any batch tells of items that nobody sent.
            if outcomes.len() > JOB_OUTCOMES_MAX {
                let fault = bug("outcomes of items that were never sent");
                return Err(fault.with("outcomes_max", JOB_OUTCOMES_MAX));
            }
            let outcomes = outcomes.into_iter().map(|it| outcome(it, redactor)).collect();
            Ok(WriteReport::Items(outcomes))
        }
    }
}

fn outcome(outcome: wit::Outcome, redactor: &Redactor) -> Outcome {
    match outcome {
        wit::Outcome::Created(stored) => match key(&stored.key) {
            Some(key) => Outcome::Created {
                key,
                row: stored_row(stored.row),
                version: version(stored.version),
            },
            // Something was written, but nobody could ever refer to it.
            None => Outcome::Unknown,
        },
        wit::Outcome::Updated(stored) => {
            Outcome::Updated { row: stored_row(stored.row), version: version(stored.version) }
        }
        wit::Outcome::Unchanged => Outcome::Unchanged,
        wit::Outcome::Deleted => Outcome::Deleted,
        wit::Outcome::Accepted(job) => {
            job_name(job).map_or(Outcome::Unknown, |job| Outcome::Accepted { job })
        }
        wit::Outcome::DuplicateOf(other) => {
            key(&other).map_or(Outcome::Unknown, Outcome::DuplicateOf)
        }
        wit::Outcome::Conflict => Outcome::Conflict,
        wit::Outcome::Retry(retry) => Outcome::Retry {
            after_seconds: retry.after_seconds,
            fault: fault::fault(retry.fault, redactor),
        },
        wit::Outcome::Rejected(reason) => Outcome::Rejected(fault::fault(reason, redactor)),
        wit::Outcome::Unknown => Outcome::Unknown,
    }
}

/// A job that can be asked for.
pub(super) fn job_name(job: String) -> Option<String> {
    Some(job).filter(|job| !job.is_empty() && job.len() <= JOB_BYTES_MAX)
}

fn key(text: &str) -> Option<RemoteKey> {
    hub_model::id::valid(text).then(|| RemoteKey::new(text))
}

/// A row that cannot be read is left out: the next read shows it.
fn stored_row(text: Option<String>) -> Option<Object> {
    row::fields(serde_json::from_str(&text?).ok()?).ok()
}

/// A version that is too long is left out: the next write is then unconditional
/// or preceded by a read.
fn version(version: Option<String>) -> Option<String> {
    version.filter(|version| version.len() <= VERSION_BYTES_MAX)
}

/// How a job stands.
///
/// # Errors
/// `connector-bug`, as [`report`].
pub fn job(state: wit::JobState, redactor: &Redactor) -> Result<JobState, Fault> {
    Ok(match state {
        wit::JobState::Running(poll_after_seconds) => JobState::Running { poll_after_seconds },
        wit::JobState::Done(done) => JobState::Done(report(done, None, redactor)?),
        wit::JobState::Failed(reason) => JobState::Failed(fault::fault(reason, redactor)),
    })
}

/// The answers to a lookup of `keys` keys.
///
/// # Errors
/// `connector-bug` when they do not fit the keys, or the row's own fault.
pub fn found(found: Vec<lookup_wit::Found>, keys: usize) -> Result<Vec<Found>, Fault> {
    if found.len() != keys {
        return Err(bug("another number of answers than keys"));
    }
    found.into_iter().zip(1_usize..).map(|(it, number)| one_found(it, number)).collect()
}

fn one_found(found: lookup_wit::Found, number: usize) -> Result<Found, Fault> {
    Ok(match found {
        lookup_wit::Found::None => Found::None,
        lookup_wit::Found::One(line) => {
            Found::One(super::row::row(line.as_bytes(), number).map_err(|bad| bad.fault)?)
        }
        lookup_wit::Found::Several(keys) => {
            let keys: Option<Vec<_>> = keys.iter().map(|it| key(it)).collect();
            let keys = keys.filter(|keys| keys.len() > 1);
            Found::Several(keys.ok_or_else(|| bug("several rows need several valid keys"))?)
        }
    })
}
