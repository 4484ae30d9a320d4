//! Runs that wait for a vendor: until when, and with how much haste a run asks it.
//!
//! A run whose account has no room left ends, with everything that it committed,
//! and says when it goes on. The engine starts the sync again at that instant, also
//! after a restart: the run is kept, and with it the instant. Until then schedules
//! and hints start nothing, since they would find the same; a person may.

use hub_model::{Fault, FaultCode, Priority, Run, RunStatus, Timestamp, Trigger};
use hub_store::Error;

use crate::job::SyncJob;
use crate::run::Task;
use crate::workspace::Workspace;

/// Runs that are looked back at.
const PAST_RUNS: usize = 20;
/// First wait where a vendor names none, in seconds; doubled with every run that
/// came in vain.
const WAIT_SECONDS_FIRST: i64 = 60;
/// Longest such wait: 1 h, which is also the first where a quota is used up.
const WAIT_SECONDS_MAX: i64 = 3_600;
/// The longest time that a vendor is believed to ask for: 32 days.
const NAMED_SECONDS_MAX: i64 = 32 * 86_400;

/// Whether a fault means that a run goes on later by itself.
pub(crate) const fn is_waited_out(code: FaultCode) -> bool {
    matches!(code, FaultCode::RateLimited | FaultCode::QuotaExhausted)
}

/// Until when a run waits that ended with a fault; `None` = it does not. What was
/// asked to be done once, such as applying a plan, is not gone on with unasked.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn until(
    workspace: &Workspace,
    job: &SyncJob,
    task: &Task,
    fault: &Fault,
) -> Result<Option<Timestamp>, Error> {
    if !matches!(task, Task::All | Task::Poll) || !is_waited_out(fault.code) {
        return Ok(None);
    }
    let named = fault.args.get("after_seconds").and_then(|text| text.parse::<i64>().ok());
    let seconds = match named {
        Some(seconds) => seconds.clamp(1, NAMED_SECONDS_MAX),
        None if fault.code == FaultCode::QuotaExhausted => WAIT_SECONDS_MAX,
        None => {
            let past = workspace.store.runs(Some(job.id()), PAST_RUNS).await?;
            let ended = past.iter().filter(|run| run.ended.is_some());
            let in_vain = ended.take_while(|run| run.status == RunStatus::Waiting).count();
            let factor = 1_i64 << in_vain.min(PAST_RUNS);
            WAIT_SECONDS_FIRST.saturating_mul(factor).min(WAIT_SECONDS_MAX)
        }
    };
    Ok(Some(workspace.env.now().plus_seconds(seconds)))
}

/// With how much haste a run asks its vendor.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn priority(
    workspace: &Workspace,
    job: &SyncJob,
    trigger: Trigger,
) -> Result<Priority, Error> {
    let past = workspace.store.runs(Some(job.id()), PAST_RUNS).await?;
    let came_through = |run: &Run| {
        matches!(run.status, RunStatus::Succeeded | RunStatus::WithRejects | RunStatus::Held)
    };
    Ok(match trigger {
        _ if !past.iter().any(came_through) => Priority::Backfill,
        Trigger::Pushed => Priority::Trigger,
        Trigger::Schedule(_) | Trigger::Manual | Trigger::Resumed => Priority::Sync,
    })
}
