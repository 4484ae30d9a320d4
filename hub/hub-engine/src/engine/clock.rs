//! What time brings: schedules that come due, vendors that may be asked again, and
//! what nobody's sync does.

use std::future::Future;
use std::sync::PoisonError;
use std::time::Duration;

use hub_model::{Timestamp, Trigger};
use hub_schedule::{Decision, Policy, ScheduleState, decide, jitter_seed};
use hub_store::{Error, PositionChange, WriteSet};

use super::Engine;
use crate::job::SyncJob;
use crate::run::Task;

/// Longest time between two looks at the schedules: bounds what a step of the
/// wall clock can delay.
const LOOK_SECONDS_MAX: u64 = 5;

impl Engine {
    /// The same in the background, unless it is being done.
    fn tend_soon(&self) {
        if self.shared.workspace.tending.try_lock().is_err() {
            return;
        }
        let engine = self.clone();
        let mut tasks = self.shared.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.spawn(async move {
            if let Err(error) = engine.tend().await {
                tracing::error!(%error, "what had to be removed waits; it is tried again");
            }
        });
    }

    /// Runs what is due until `shutdown` resolves, then waits for every run to
    /// end between two commits.
    pub async fn serve(&self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        loop {
            let wait = match self.tick().await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(%error, "the store failed; no run is started until it answers");
                    Duration::from_secs(LOOK_SECONDS_MAX)
                }
            };
            tokio::select! {
                () = &mut shutdown => break,
                () = self.shared.workspace.env.sleep(wait) => {}
                () = self.shared.nudge.notified() => {}
            }
        }
        self.stop().await;
    }

    /// Starts everything that is due now; returns how long nothing will be.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn tick(&self) -> Result<Duration, Error> {
        let mut wait = Duration::from_secs(LOOK_SECONDS_MAX);
        self.hear(&mut wait).await?;
        self.tend_soon();
        for (id, job) in self.jobs().iter() {
            if let Some((trigger, task)) = self.due(job, &mut wait).await?
                && let Ok(begun) = self.begin(id, task)
            {
                self.spawn(begun, trigger);
            }
        }
        Ok(wait)
    }

    /// Whether a sync runs now. An instant that is run or skipped is kept as
    /// settled first, so that no step of the clock and no crash repeats it.
    async fn due(
        &self,
        job: &SyncJob,
        wait: &mut Duration,
    ) -> Result<Option<(Trigger, Task)>, Error> {
        let now = self.shared.workspace.env.now();
        let state = {
            let mut all = self.shared.live();
            let live = all.entry(job.id().clone()).or_default();
            let running = live.running.is_some();
            if live.pushing {
                // It ends soon, and then the sync is looked at again.
                return Ok(None);
            }
            let waits = match live.until.filter(|_| !running && !job.paused) {
                Some(until) if until <= now => {
                    (live.wanted, live.until) = (false, None);
                    return Ok(Some((Trigger::Resumed, Task::All)));
                }
                Some(until) => {
                    let micros = u64::try_from(until.0.saturating_sub(now.0)).unwrap_or(0);
                    *wait = (*wait).min(Duration::from_micros(micros));
                    true
                }
                None => false,
            };
            let running = running || waits;
            if live.wanted && !running {
                live.wanted = false;
                return Ok(Some((Trigger::Manual, Task::All)));
            }
            if let Some(poll) = live.poll.filter(|_| !running && !job.paused) {
                if poll <= now {
                    live.poll = None;
                    return Ok(Some((Trigger::Resumed, Task::Poll)));
                }
                let micros = u64::try_from(poll.0.saturating_sub(now.0)).unwrap_or(0);
                *wait = (*wait).min(Duration::from_micros(micros));
            }
            ScheduleState { last_due: live.last_due, running, paused: job.paused }
        };
        let seed = jitter_seed(job.id());
        match decide(now, &job.schedule, state, Policy::default(), seed) {
            Decision::Run { due, .. } => {
                self.settle_due(job, due, 0).await?;
                Ok(Some((Trigger::Schedule(due), Task::All)))
            }
            Decision::Skip { due, missed, reason } => {
                tracing::info!(sync = %job.id(), missed, ?reason, "skipped");
                self.settle_due(job, due, missed).await?;
                *wait = Duration::ZERO;
                Ok(None)
            }
            Decision::Wait { until, .. } => {
                let micros = until.map_or(i64::MAX, |until| until.0.saturating_sub(now.0));
                let micros = u64::try_from(micros).unwrap_or(0).max(1_000);
                *wait = (*wait).min(Duration::from_micros(micros));
                Ok(None)
            }
        }
    }

    async fn settle_due(&self, job: &SyncJob, due: Timestamp, skipped: u64) -> Result<(), Error> {
        let name = job.schedule_position();
        let store = &self.shared.workspace.store;
        let expected = store.position(&name).await?;
        let new = Some(due.0.to_string().into_bytes());
        let positions = vec![PositionChange { name, expected, new }];
        store.commit(WriteSet { positions, ..WriteSet::default() }).await?;
        let mut all = self.shared.live();
        let live = all.entry(job.id().clone()).or_default();
        live.last_due = Some(due);
        live.skipped += skipped;
        Ok(())
    }
}
