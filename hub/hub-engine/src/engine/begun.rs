//! Runs that were begun: a sync is claimed for one run and freed at its end.

use std::sync::PoisonError;

use hub_model::{Run, RunId, SyncId, Timestamp, Trigger};

use super::{Engine, RunRefused, next_poll};
use crate::job::SyncJob;
use crate::run::{self, Task};

/// After a run that failed a vendor's jobs are not asked for sooner than this.
const POLL_AGAIN_SECONDS: i64 = 60;

impl Engine {
    /// Claims the sync for one run.
    pub(crate) fn begin(&self, sync: &SyncId, task: Task) -> Result<Begun, RunRefused> {
        if *self.shared.stopping.borrow() {
            return Err(RunRefused::Stopping);
        }
        let job = self.shared.jobs.get(sync).ok_or_else(|| RunRefused::Unknown(sync.clone()))?;
        let mut all = self.shared.live();
        let live = all.entry(sync.clone()).or_default();
        if let Some(run) = &live.running {
            return Err(RunRefused::Running { sync: sync.clone(), run: run.clone() });
        }
        let started = self.shared.workspace.env.now();
        live.running = Some(run::id_of(sync, started));
        Ok(Begun { job: job.clone(), task, started })
    }

    /// Begins a run in the background.
    pub(crate) fn start(&self, sync: &SyncId, task: Task) -> Result<RunId, RunRefused> {
        let begun = self.begin(sync, task)?;
        let id = run::id_of(sync, begun.started);
        self.spawn(begun, Trigger::Manual);
        Ok(id)
    }

    pub(super) fn spawn(&self, begun: Begun, trigger: Trigger) {
        let engine = self.clone();
        let mut tasks = self.shared.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            engine.run(&begun, trigger).await;
            engine.shared.nudge.notify_one();
        });
    }

    pub(crate) async fn run(&self, begun: &Begun, trigger: Trigger) -> Run {
        let Begun { job, task, started } = begun;
        let stopping = self.shared.stopping.subscribe();
        let claimed = Claimed { engine: self, sync: job.id() };
        let run =
            run::execute(&self.shared.workspace, (job, task), trigger, *started, &stopping).await;
        let poll = next_poll(&self.shared.workspace, job).await.unwrap_or_default();
        let soonest = self.shared.workspace.env.now().plus_seconds(POLL_AGAIN_SECONDS);
        let poll = poll.map(|poll| if run.fault.is_some() { poll.max(soonest) } else { poll });
        if let Some(live) = self.shared.live().get_mut(job.id()) {
            live.poll = poll;
            if matches!(task, Task::All | Task::Poll) {
                live.until = run.until;
            }
            live.last = Some(run.clone());
            live.delivery = run.delivery.or(live.delivery);
        }
        drop(claimed);
        run
    }
}

/// A sync that was claimed for one run.
pub(crate) struct Begun {
    job: SyncJob,
    task: Task,
    started: Timestamp,
}

/// Frees the sync when its run ends, also when the run's task is dropped.
struct Claimed<'a> {
    engine: &'a Engine,
    sync: &'a SyncId,
}

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        if let Some(live) = self.engine.shared.live().get_mut(self.sync) {
            live.running = None;
        }
    }
}
