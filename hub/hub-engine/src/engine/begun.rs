//! Runs that were begun: a sync is claimed for one run and freed at its end.
//!
//! What a system pushes comes all day. A run for each time that something is taken
//! would drive every other run out of the log, so a run of that kind is gone on
//! with for a while: one row in the log tells of a quarter of an hour.

use std::sync::PoisonError;

use hub_model::{Run, RunId, RunStatus, SyncId, Timestamp, Trigger};
use hub_schedule::backoff;

use super::{Engine, RunRefused, next_poll};
use crate::job::SyncJob;
use crate::run::{self, Task};

/// After a run that failed a vendor's jobs are not asked for sooner than this.
const POLL_AGAIN_SECONDS: i64 = 60;
/// So long after its start a run goes on taking what is pushed.
const PUSHED_RUN_SECONDS_MAX: i64 = 15 * 60;
/// Between two times that a sync takes what is pushed: what comes in between is
/// taken together.
const PUSHED_GAP_MICROS: i64 = 1_000_000;
/// Longest wait after what is pushed could not be taken.
const PUSHED_WAIT_MICROS_MAX: i64 = 300 * 1_000_000;

impl Engine {
    /// Claims the sync for one run.
    pub(crate) fn begin(&self, sync: &SyncId, task: Task) -> Result<Begun, RunRefused> {
        if *self.shared.stopping.borrow() {
            return Err(RunRefused::Stopping);
        }
        let jobs = self.jobs();
        let job = jobs.get(sync).ok_or_else(|| RunRefused::Unknown(sync.clone()))?;
        let mut all = self.shared.live();
        let live = all.entry(sync.clone()).or_default();
        if let Some(run) = &live.running {
            return Err(RunRefused::Running { sync: sync.clone(), run: run.clone() });
        }
        let now = self.shared.workspace.env.now();
        live.pushing = task == Task::Pushed;
        let before = live.last.clone().filter(|last| live.pushing && goes_on(last, job, now));
        let started = before.as_ref().map_or(now, |before| before.started);
        live.running = Some(run::id_of(sync, started));
        Ok(Begun { job: job.clone(), task, started, before })
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
        let Begun { job, task, started, before } = begun;
        let stopping = self.shared.stopping.subscribe();
        let claimed = Claimed { engine: self, sync: job.id() };
        let since = (*started, before.as_ref());
        let workspace = &self.shared.workspace;
        let run = run::execute(workspace, (job, task), trigger, since, &stopping).await;
        let (now, seed) = (workspace.env.now(), workspace.env.random());
        let poll = next_poll(workspace, job).await.unwrap_or_default();
        let soonest = now.plus_seconds(POLL_AGAIN_SECONDS);
        let poll = poll.map(|poll| if run.fault.is_some() { poll.max(soonest) } else { poll });
        if let Some(live) = self.shared.live().get_mut(job.id()) {
            live.poll = poll;
            if matches!(task, Task::All | Task::Poll) {
                live.until = run.until;
            }
            live.last = Some(run.clone());
            live.delivery = run.delivery.or(live.delivery);
            if *task == Task::Pushed {
                live.pushed.note(run.fault.is_some(), now, seed);
            }
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
    /// The run that it goes on with.
    before: Option<Run>,
}

/// Whether taking what is pushed goes on with a run.
fn goes_on(run: &Run, job: &SyncJob, now: Timestamp) -> bool {
    let is_sound = matches!(run.status, RunStatus::Succeeded | RunStatus::WithRejects);
    let is_recent = now < run.started.plus_seconds(PUSHED_RUN_SECONDS_MAX);
    let is_same = run.connector.as_ref() == Some(&run::connector(job));
    run.trigger == Trigger::Pushed && is_sound && is_recent && is_same
}

/// When a sync next takes what is pushed.
#[derive(Default)]
pub(super) struct Pushed {
    /// Not before.
    pub next: Option<Timestamp>,
    failures: u32,
}

impl Pushed {
    fn note(&mut self, failed: bool, now: Timestamp, seed: u64) {
        self.failures = if failed { self.failures.saturating_add(1) } else { 0 };
        let wait = match self.failures {
            0 => PUSHED_GAP_MICROS,
            failures => backoff(failures, seed, PUSHED_GAP_MICROS, PUSHED_WAIT_MICROS_MAX)
                .max(PUSHED_GAP_MICROS),
        };
        self.next = Some(Timestamp(now.0.saturating_add(wait)));
    }
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
            live.pushing = false;
        }
    }
}
