//! The engine's handle: what is due is started, what is asked is started, and
//! everything ends between two commits when the hub stops.

mod begun;
mod clock;
mod planned;
mod pushed;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hub_core::privacy::{KEY_BYTES, Key};
use hub_model::{
    Answer, ConnectionId, DeliveryClass, Identity, RemoteKey, Rules, Run, RunId, RunStatus, Stamp,
    Suppression, SyncId, Timestamp, Trigger,
};
use hub_store::upkeep::Upkeep;
use hub_store::{Error, Store, WriteSet};
use plugin_api::Connector;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

use crate::engine::begun::Pushed;
use crate::env::Env;
use crate::erasure::{EraseRefused, Erasure};
use crate::hold::{self, AnswerRefused};
use crate::inbox::door::Doors;
use crate::inbox::waiting::Waiting;
use crate::job::SyncJob;
use crate::people::{PeopleError, decide, recast};
use crate::run::{Event, Task};
use crate::workspace::Workspace;
use crate::{audience, erasure, settle, suppressions, sweep};

/// How many past runs are read per sync to find those without an end.
const PAST_RUNS: usize = 50;

/// What an engine is made of.
pub struct EngineOptions {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// What was configured about data.
    pub rules: Rules,
    /// The syncs.
    pub jobs: Vec<SyncJob>,
    /// Time, waiting and randomness.
    pub env: Arc<dyn Env>,
    /// What compacts the store after somebody was erased; without it somebody
    /// else does.
    pub upkeep: Option<Arc<dyn Upkeep>>,
    /// Makes tombstones of those who were erased: the same in every process of
    /// the workspace, and not kept among the data.
    pub privacy_key: [u8; KEY_BYTES],
}

/// What [`Engine::tend`] did.
pub type Tended = sweep::Swept;

/// Why a run was not started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunRefused {
    /// There is no such sync.
    #[error("there is no sync `{0}`")]
    Unknown(SyncId),
    /// It runs already.
    #[error("sync `{sync}` is running already, as {run}")]
    Running {
        /// The sync.
        sync: SyncId,
        /// Its run.
        run: RunId,
    },
    /// The hub stops.
    #[error("the hub is stopping")]
    Stopping,
}

/// How a sync stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncStatus {
    /// The sync.
    pub id: SyncId,
    /// Its schedule as configured.
    pub schedule: String,
    /// Whether the schedule is suspended.
    pub paused: bool,
    /// When it is due next.
    pub next: Option<Timestamp>,
    /// The run under way.
    pub running: Option<RunId>,
    /// The last run that ended.
    pub last: Option<Run>,
    /// How often it was skipped because it was still running.
    pub skipped: u64,
    /// Until when it waits for its vendor.
    pub until: Option<Timestamp>,
    /// What protects its destination from writes that are made twice, as far as a
    /// run has asked.
    pub delivery: Option<DeliveryClass>,
}

#[derive(Default)]
struct Live {
    running: Option<RunId>,
    last_due: Option<Timestamp>,
    last: Option<Run>,
    skipped: u64,
    delivery: Option<DeliveryClass>,
    wanted: bool,
    /// The run under way only takes what was pushed.
    pushing: bool,
    pushed: Pushed,
    /// When what waits for its vendor goes on.
    until: Option<Timestamp>,
    /// When the next of its vendor's jobs is asked for.
    poll: Option<Timestamp>,
}

struct Shared {
    workspace: Workspace,
    jobs: RwLock<Arc<BTreeMap<SyncId, SyncJob>>>,
    live: Mutex<BTreeMap<SyncId, Live>>,
    stopping: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
    nudge: tokio::sync::Notify,
    upkeep: Option<Arc<dyn Upkeep>>,
    doors: Doors,
    waiting: Waiting,
}

/// A cheap handle to the running engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

impl Engine {
    /// Opens the engine over a store: marks runs that a former process left
    /// behind as interrupted and brings derived values up to the rules.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn open(options: EngineOptions) -> Result<Self, Error> {
        let EngineOptions { store, rules, jobs, env, upkeep, privacy_key } = options;
        let workspace = Workspace::new(store, Arc::new(rules), env);
        let workspace = workspace.with_tombstones(Key::new(privacy_key)).await?;
        let jobs: Vec<SyncJob> =
            jobs.into_iter().map(|job| audience::bound(&workspace, job)).collect();
        let mut live = BTreeMap::new();
        for job in &jobs {
            live.insert(job.id().clone(), recall(&workspace, job).await?);
        }
        match decide::finish(&workspace).await {
            Ok(()) => {}
            Err(PeopleError::Store(error)) => return Err(error),
            Err(error) => return Err(Error::Refused(error.to_string())),
        }
        recast::apply(&workspace).await?;
        let jobs: BTreeMap<_, _> = jobs.into_iter().map(|job| (job.id().clone(), job)).collect();
        let shared = Shared {
            workspace,
            jobs: RwLock::new(Arc::new(jobs)),
            live: Mutex::new(live),
            stopping: watch::Sender::new(false),
            tasks: Mutex::new(JoinSet::new()),
            nudge: tokio::sync::Notify::new(),
            upkeep,
            doors: Doors::default(),
            waiting: Waiting::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The data and the way to read them.
    pub fn workspace(&self) -> &Workspace {
        &self.shared.workspace
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        &*self.shared.workspace.store
    }

    /// The syncs, by id, as they are at this moment.
    pub fn jobs(&self) -> Arc<BTreeMap<SyncId, SyncJob>> {
        Arc::clone(&self.shared.jobs.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives the syncs of a connection another connector, such as a later version of
    /// it. A run that is under way ends with the one that it began with.
    pub fn exchange(&self, connection: &ConnectionId, connector: &Arc<dyn Connector>) {
        let shared = &self.shared;
        let exchanged = |job: &SyncJob| {
            if job.mapping.stream.connection != *connection {
                return job.clone();
            }
            let job = SyncJob { connector: Arc::clone(connector), ..job.clone() };
            audience::bound(&shared.workspace, job)
        };
        let mut jobs = shared.jobs.write().unwrap_or_else(PoisonError::into_inner);
        *jobs = Arc::new(jobs.iter().map(|(id, job)| (id.clone(), exchanged(job))).collect());
        drop(jobs);
        shared.nudge.notify_one();
    }

    /// Watches runs from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.shared.workspace.subscribe()
    }

    /// How every sync stands.
    pub fn status(&self) -> Vec<SyncStatus> {
        let now = self.shared.workspace.env.now();
        let live = self.shared.live();
        let status = |(id, job): (&SyncId, &SyncJob)| {
            let known = live.get(id);
            let after = known.and_then(|l| l.last_due).map_or(now, |due| due.max(now));
            SyncStatus {
                id: id.clone(),
                schedule: job.schedule_text.clone(),
                paused: job.paused,
                next: if job.paused { None } else { job.schedule.next_after(after) },
                running: known.and_then(|l| l.running.clone()),
                last: known.and_then(|l| l.last.clone()),
                skipped: known.map_or(0, |l| l.skipped),
                until: known.and_then(|l| l.until.filter(|_| l.running.is_none())),
                delivery: known.and_then(|l| l.delivery),
            }
        };
        self.jobs().iter().map(status).collect()
    }

    /// Starts a run in the background and returns at once.
    ///
    /// # Errors
    /// [`RunRefused`] when the sync is unknown or running, or the hub stops.
    pub fn run_now(&self, sync: &SyncId) -> Result<(), RunRefused> {
        if let Some(live) = self.shared.live().get_mut(sync)
            && live.pushing
        {
            // It is over in a moment.
            live.wanted = true;
            return Ok(());
        }
        let begun = self.begin(sync, Task::All)?;
        self.spawn(begun, Trigger::Manual);
        Ok(())
    }

    /// Judges rows of a sync's stream that wait in quarantine once more, in the
    /// background: all of them, or the one of a key. Counts as a run of the sync;
    /// returns its id.
    ///
    /// # Errors
    /// [`RunRefused`] as for [`Engine::run_now`].
    pub fn replay_now(&self, sync: &SyncId, key: Option<RemoteKey>) -> Result<RunId, RunRefused> {
        self.start(sync, Task::Replay(key))
    }

    /// The same, waiting for the end.
    ///
    /// # Errors
    /// [`RunRefused`] as for [`Engine::run_now`]. A run that fails is an answer.
    pub async fn replay_once(
        &self,
        sync: &SyncId,
        key: Option<RemoteKey>,
    ) -> Result<Run, RunRefused> {
        let begun = self.begin(sync, Task::Replay(key))?;
        Ok(self.run(&begun, Trigger::Manual).await)
    }

    /// Starts a run in the background that reads and delivers nothing.
    ///
    /// # Errors
    /// [`RunRefused`] as for [`Engine::run_now`].
    pub fn read_now(&self, sync: &SyncId) -> Result<RunId, RunRefused> {
        self.start(sync, Task::Read)
    }

    /// The same, waiting for the end.
    ///
    /// # Errors
    /// [`RunRefused`] as for [`Engine::run_now`]. A run that fails is an answer.
    pub async fn read_once(&self, sync: &SyncId) -> Result<Run, RunRefused> {
        let begun = self.begin(sync, Task::Read)?;
        Ok(self.run(&begun, Trigger::Manual).await)
    }

    /// Keeps a person's answer to a run that was held. When it is yes, the sync
    /// runs soon.
    ///
    /// # Errors
    /// [`AnswerRefused`].
    pub async fn answer(&self, run: &RunId, answer: Answer) -> Result<Run, AnswerRefused> {
        let approved = answer.approved;
        let answered = hold::answer(self.store(), run, answer).await?;
        let mut live = self.shared.live();
        if let Some(live) = live.get_mut(&answered.sync) {
            if approved {
                (live.wanted, live.until) = (true, None);
            }
            if live.last.as_ref().is_some_and(|last| last.id == answered.id) {
                live.last = Some(answered.clone());
            }
        }
        drop(live);
        self.shared.nudge.notify_one();
        Ok(answered)
    }

    /// Whether the hub stops.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.shared.stopping.subscribe()
    }

    /// The run of a sync that is under way.
    pub(crate) fn running(&self, sync: &SyncId) -> Option<RunId> {
        self.shared.live().get(sync)?.running.clone()
    }

    /// Runs a sync and waits for its end.
    ///
    /// # Errors
    /// [`RunRefused`] as for [`Engine::run_now`]. A run that fails is an answer.
    pub async fn run_once(&self, sync: &SyncId) -> Result<Run, RunRefused> {
        let begun = self.begin(sync, Task::All)?;
        Ok(self.run(&begun, Trigger::Manual).await)
    }

    /// Puts an identity on the list of those to whom nothing is sent on a channel, for a
    /// reason, or lifts what stands there if there is none. The entry; `None` where there
    /// is nothing to lift.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn suppress(
        &self,
        identity: &Identity,
        channel: &str,
        reason: Option<&str>,
        by: &str,
    ) -> Result<Option<Suppression>, Error> {
        let workspace = &self.shared.workspace;
        let entry = suppressions::decide(workspace, identity, channel, reason, by).await?;
        workspace.refused.store(true, Ordering::Relaxed);
        self.shared.nudge.notify_one();
        Ok(entry)
    }

    /// Keeps the request to erase the person who has an identity. From then on
    /// nothing of him is taken in; [`Engine::tend`] does the rest, also after a
    /// restart.
    ///
    /// # Errors
    /// [`EraseRefused`].
    pub async fn erase(&self, identity: &Identity) -> Result<Erasure, EraseRefused> {
        let erasure = erasure::begin(&self.shared.workspace, identity).await?;
        self.shared.nudge.notify_one();
        Ok(erasure)
    }

    /// Does what nobody's sync does: removes what the time is over of, goes on
    /// with erasures, compacts the store after them, and keeps who is in which segment.
    ///
    /// # Errors
    /// When the store cannot be read or written; the next call goes on.
    pub async fn tend(&self) -> Result<Tended, Error> {
        let workspace = &self.shared.workspace;
        let _one = workspace.tending.lock().await;
        let swept = sweep::sweep(workspace).await?;
        erasure::work(workspace, self.shared.upkeep.as_deref()).await?;
        audience::tend(workspace).await?;
        Ok(swept)
    }

    /// Stops: runs end at their next commit.
    pub async fn stop(&self) {
        self.shared.stopping.send_replace(true);
        let mut tasks =
            std::mem::take(&mut *self.shared.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        while tasks.join_next().await.is_some() {}
    }
}

impl Shared {
    fn live(&self) -> std::sync::MutexGuard<'_, BTreeMap<SyncId, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When the next job of a sync's vendor is asked for.
async fn next_poll(workspace: &Workspace, job: &SyncJob) -> Result<Option<Timestamp>, Error> {
    if !job.mapping.writes() {
        return Ok(None);
    }
    settle::jobs::next(&*workspace.store, job.id()).await
}

/// What earlier processes left: the last due instant, and runs without an end.
async fn recall(workspace: &Workspace, job: &SyncJob) -> Result<Live, Error> {
    let past = workspace.store.runs(Some(job.id()), PAST_RUNS).await?;
    let now = workspace.env.now();
    let cut_off = |run: &&Run| run.ended.is_none();
    let through = Stamp(workspace.store.counters().await?.stamp);
    let interrupted = |run: &Run| Run {
        status: RunStatus::Interrupted,
        ended: Some(now),
        receipt: run.receipt.clone().ended(through),
        ..run.clone()
    };
    let runs: Vec<Run> = past.iter().filter(cut_off).map(interrupted).collect();
    if !runs.is_empty() {
        workspace.commit(WriteSet { runs, ..WriteSet::default() }).await?;
    }
    let kept = workspace.store.position(&job.schedule_position()).await?;
    let last_due =
        kept.and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok()).map(Timestamp);
    let delivery = past.iter().find_map(|run| run.delivery);
    let last = past.into_iter().find(|run| run.ended.is_some());
    let until = last.as_ref().and_then(|run| run.until);
    let poll = next_poll(workspace, job).await?;
    Ok(Live { last_due, last, delivery, until, poll, ..Live::default() })
}
