//! Runs that were begun: a sync is claimed for one run and freed at its end.

use std::sync::PoisonError;

use hub_model::{Run, RunId, SyncId, Timestamp, Trigger};

use super::{Engine, RunRefused};
use crate::job::SyncJob;
use crate::run::{self, Task};

impl Engine {
    /// Claims the sync for one run.
    pub(super) fn begin(&self, sync: &SyncId, task: Task) -> Result<Begun, RunRefused> {
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
    pub(super) fn start(&self, sync: &SyncId, task: Task) -> Result<RunId, RunRefused> {
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

    pub(super) async fn run(&self, begun: &Begun, trigger: Trigger) -> Run {
        let Begun { job, task, started } = begun;
        let stopping = self.shared.stopping.subscribe();
        let claimed = Claimed { engine: self, sync: job.id() };
        let run =
            run::execute(&self.shared.workspace, (job, task), trigger, *started, &stopping).await;
        if let Some(live) = self.shared.live().get_mut(job.id()) {
            live.last = Some(run.clone());
            live.delivery = run.delivery.or(live.delivery);
        }
        drop(claimed);
        run
    }
}

/// A sync that was claimed for one run.
pub(super) struct Begun {
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
