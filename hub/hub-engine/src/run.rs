//! One run of a sync, from its first row in the log of runs to its last.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hub_core::quality::StreamRules;
use hub_core::sync::Marks;
use hub_model::{
    Answer, ConnectorVersion, Fault, FaultCode, Forecast, Pending, Priority, ProfileId, Receipt,
    RecordNo, RemoteKey, Run, RunCounts, RunId, RunStatus, Stamp, SyncId, Timestamp, Trigger,
};
use hub_store::WriteSet;
use plugin_api::StreamInfo;

use crate::inbox::take::take;
use crate::job::SyncJob;
use crate::workspace::Workspace;
use crate::{audience, delivery, erasure, intake, replay, settle, sweep, waiting};

/// What watchers of runs are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A run started.
    Started(Run),
    /// A run has done more.
    Progress {
        /// Which run.
        run: RunId,
        /// Of which sync.
        sync: SyncId,
        /// What it has done so far.
        counts: RunCounts,
    },
    /// A run ended.
    Ended(Run),
}

/// What the steps of a run share.
pub(crate) struct RunContext<'a> {
    /// The world of data.
    pub workspace: &'a Workspace,
    /// What is run.
    pub job: &'a SyncJob,
    /// The run's id.
    pub id: RunId,
    /// What was done so far.
    pub counts: RunCounts,
    /// What was received so far, page by page.
    pub receipt: Receipt,
    /// The sync's stream, once it was discovered.
    pub stream: Option<StreamInfo>,
    /// What its rows must keep, once that was compiled.
    pub rules: Option<Arc<StreamRules>>,
    /// Creates whose rows may exist without being found yet.
    pub open_creates: Vec<Pending>,
    /// Changes of known rows of which it is not known what became of them.
    pub open_changes: BTreeMap<RecordNo, Vec<Pending>>,
    /// The values by which their rows would be found.
    pub asked: delivery::Asked,
    /// What its rows are known by; covers what they must keep once that was
    /// compiled.
    pub marks: Marks,
    /// The hash of the plan that it applies, or is held with.
    pub plan: Option<String>,
    /// What was answered before to what it is held with.
    pub answer: Option<Answer>,
    /// The run that it takes back.
    pub undoes: Option<RunId>,
    /// What it may write, where that is limited.
    pub allowed: Option<delivery::Allowed>,
    /// With how much haste it asks its vendor.
    pub priority: Priority,
    /// What a first delivery is expected to take of the vendor's allowance.
    pub forecast: Option<Forecast>,
    /// Whether the hub wants to stop: steps end at the next commit.
    pub stopping: &'a tokio::sync::watch::Receiver<bool>,
}

impl<'a> RunContext<'a> {
    /// Of a run that has done nothing yet.
    pub fn new(
        workspace: &'a Workspace,
        job: &'a SyncJob,
        id: RunId,
        stopping: &'a tokio::sync::watch::Receiver<bool>,
    ) -> Self {
        Self {
            workspace,
            job,
            id,
            counts: RunCounts::default(),
            receipt: Receipt::default(),
            stream: None,
            rules: None,
            open_creates: Vec::new(),
            open_changes: BTreeMap::new(),
            asked: delivery::Asked::default(),
            marks: workspace.marks.clone(),
            plan: None,
            answer: None,
            undoes: None,
            allowed: None,
            priority: Priority::Sync,
            forecast: None,
            stopping,
        }
    }
}

impl RunContext<'_> {
    /// Tells watchers what was done so far.
    pub fn report(&self) {
        self.workspace.tell(Event::Progress {
            run: self.id.clone(),
            sync: self.job.id().clone(),
            counts: self.counts,
        });
    }

    /// Notes a write of which it is not known what became of it, if it is about a
    /// known row.
    pub fn note_open(&mut self, pending: Pending) {
        if let Some(record) = pending.key.record {
            self.open_changes.entry(record).or_default().push(pending);
        }
    }

    /// Ends the run between two commits when the hub stops.
    pub fn go_on(&self) -> Result<(), Fault> {
        if *self.stopping.borrow() { Err(Fault::new(FaultCode::Stopping)) } else { Ok(()) }
    }

    /// Waits so long, but no longer than until the hub stops.
    pub async fn pause(&self, time: Duration) {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            biased;
            () = self.workspace.env.sleep(time) => {}
            _ = stopping.wait_for(|stops| *stops) => {}
        }
    }

    /// What connectors are told about a call.
    pub fn call(&self) -> plugin_api::CallContext {
        plugin_api::CallContext {
            purpose: self.id.to_string(),
            now: self.workspace.env.now(),
            seed: self.workspace.env.random(),
        }
    }
}

/// A run's id: sorts by start, unique because a sync never overlaps itself.
pub(crate) fn id_of(sync: &SyncId, started: Timestamp) -> RunId {
    RunId::new(format!("{:016}-{sync}", started.0))
}

/// What a run of a sync is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// Everything: settle, read, follow, deliver.
    All,
    /// The same without delivering.
    Read,
    /// Deliver what was planned under a hash, and nothing else.
    Apply(String),
    /// Take back what a run wrote.
    Undo(RunId),
    /// Settle, take what was delivered and what it says is to be read, follow.
    Pushed,
    /// Judge rows in quarantine once more: all of the stream, or one.
    Replay(Option<RemoteKey>),
    /// Ask for jobs of the vendor's, and nothing else.
    Poll,
    /// Send what was rejected once more: all of the sync, or about one profile.
    Resend(Option<ProfileId>),
}

/// When the run of an id started.
pub(crate) fn started_of(id: &RunId) -> Option<Timestamp> {
    id.as_str().split_once('-')?.0.parse().ok().map(Timestamp)
}

/// Runs a sync once and returns how it ended. Never fails: a fault is part of
/// the answer, and is kept with the run.
pub(crate) async fn execute(
    workspace: &Workspace,
    (job, task): (&SyncJob, &Task),
    trigger: Trigger,
    (started, before): (Timestamp, Option<&Run>),
    stopping: &tokio::sync::watch::Receiver<bool>,
) -> Run {
    let fresh = || Run {
        id: id_of(job.id(), started),
        sync: job.id().clone(),
        trigger,
        started,
        ended: None,
        status: RunStatus::Running,
        counts: RunCounts::default(),
        fault: None,
        connector: Some(connector(job)),
        receipt: Receipt::default(),
        plan: None,
        undoes: None,
        delivery: None,
        answer: None,
        until: None,
        forecast: None,
    };
    // One that is gone on with works again, from what it had done.
    let again = |run: &Run| Run { ended: None, status: RunStatus::Running, ..run.clone() };
    let mut run = before.map_or_else(fresh, again);
    tracing::info!(run = %run.id, sync = %run.sync, "run started");
    let mut result = match last_stamp(workspace).await {
        Ok(stamp) => {
            match before {
                None => run.receipt = Receipt::beginning_after(stamp),
                Some(_) => run.receipt.through = None,
            }
            keep(workspace, &run).await
        }
        Err(fault) => Err(fault),
    };
    workspace.tell(Event::Started(run.clone()));
    if result.is_ok() {
        let mut context = RunContext::new(workspace, job, run.id.clone(), stopping);
        context.receipt.clone_from(&run.receipt);
        context.counts = run.counts;
        context.priority =
            waiting::priority(workspace, job, trigger).await.unwrap_or(Priority::Sync);
        result = match task {
            Task::All => steps(&mut context).await,
            Task::Read => read(&mut context).await,
            Task::Pushed => pushed(&mut context).await,
            Task::Apply(plan) => apply(&mut context, plan).await,
            Task::Undo(run) => undo(&mut context, run).await,
            Task::Replay(key) => replay::replay(&mut context, key.as_ref()).await,
            Task::Poll => settle::settle(&mut context).await,
            Task::Resend(profile) => delivery::resend(&mut context, *profile).await,
        };
        (run.counts, run.receipt) = (context.counts, context.receipt);
        run.forecast = context.forecast;
        (run.plan, run.answer, run.undoes) = (context.plan, context.answer, context.undoes);
        let asked = context.stream.as_ref().filter(|_| job.mapping.writes());
        run.delivery = asked.map(StreamInfo::delivery_class);
        run.receipt.through = last_stamp(workspace).await.ok();
    }
    run.ended = Some(workspace.env.now());
    if let Err(fault) = &result {
        run.until = waiting::until(workspace, job, task, fault).await.unwrap_or_default();
    }
    run.status = match &result {
        Ok(()) if run.counts.quarantined + run.counts.rejected > 0 => RunStatus::WithRejects,
        Ok(()) => RunStatus::Succeeded,
        Err(fault) if fault.code == FaultCode::Stopping => RunStatus::Interrupted,
        Err(fault) if fault.code == FaultCode::Held => RunStatus::Held,
        Err(_) if run.until.is_some() => RunStatus::Waiting,
        Err(_) => RunStatus::Failed,
    };
    run.fault = result.err().map(|mut fault| match run.until {
        Some(until) => {
            fault.args.remove("after_seconds");
            fault.with("until", until)
        }
        None => fault,
    });
    match &run.fault {
        None => tracing::info!(run = %run.id, counts = ?run.counts, "run ended"),
        Some(fault) => tracing::warn!(run = %run.id, %fault, "run failed; what it committed stays"),
    }
    if let Err(fault) = keep(workspace, &run).await {
        tracing::error!(run = %run.id, %fault, "the end of the run could not be kept");
        run.status = RunStatus::Failed;
        run.fault.get_or_insert(fault);
    }
    workspace.tell(Event::Ended(run.clone()));
    run
}

/// The steps, in the one order that is safe (see the crate's front page).
async fn steps(context: &mut RunContext<'_>) -> Result<(), Fault> {
    let done = exchange(context).await;
    // What people asked to be erased waits for nobody's approval, and there is room
    // for it where there is none for anything else.
    let waits = |fault: &Fault| {
        matches!(fault.code, FaultCode::Held | FaultCode::NoConsent)
            || waiting::is_waited_out(fault.code)
    };
    if context.job.mapping.writes() && done.as_ref().err().is_none_or(waits) {
        erasure::tell(context).await?;
    }
    done
}

async fn exchange(context: &mut RunContext<'_>) -> Result<(), Fault> {
    read(context).await?;
    if context.job.mapping.writes() {
        delivery::deliver(context).await?;
    }
    Ok(())
}

/// The steps before delivery.
async fn read(context: &mut RunContext<'_>) -> Result<(), Fault> {
    let mapping = &context.job.mapping;
    {
        // A process that runs one sync and ends has nobody else who does it.
        let _one = context.workspace.tending.lock().await;
        sweep::sweep(context.workspace).await?;
    }
    if mapping.writes() {
        settle::settle(context).await?;
    }
    let mut shown = true;
    if mapping.reads() {
        take(context).await?;
        if context.job.has_pages() {
            shown = intake::intake(context).await?;
        }
    }
    if shown {
        delivery::note_read(context).await?;
    }
    if mapping.writes() && shown {
        settle::open_creates::give_up(context).await?;
    }
    audience::follow(context.workspace).await?;
    Ok(())
}

/// What was delivered is taken in. It is not delivered on from here: a later run
/// of each destination finds it in the change log.
async fn pushed(context: &mut RunContext<'_>) -> Result<(), Fault> {
    if context.job.mapping.writes() {
        settle::settle(context).await?;
    }
    if take(context).await? && context.job.has_pages() {
        intake::intake(context).await?;
    }
    audience::follow(context.workspace).await?;
    Ok(())
}

/// What is open is settled; nothing else may move before the plan is compared.
async fn apply(context: &mut RunContext<'_>, plan: &str) -> Result<(), Fault> {
    if context.job.mapping.writes() {
        settle::settle(context).await?;
        delivery::undo::resume(context).await?;
    }
    delivery::apply(context, plan).await
}

/// What is open is settled first: what arrived after all is taken back as well, if
/// it was of that run.
async fn undo(context: &mut RunContext<'_>, run: &RunId) -> Result<(), Fault> {
    if context.job.mapping.writes() {
        settle::settle(context).await?;
    }
    delivery::undo::undo(context, run).await
}

/// What is known of the connector of a job.
pub(crate) fn connector(job: &SyncJob) -> ConnectorVersion {
    let manifest = job.connector.manifest();
    ConnectorVersion {
        id: manifest.id.clone(),
        version: manifest.version.clone(),
        digest: job.connector.digest(),
    }
}

/// The last stamp that was given out.
async fn last_stamp(workspace: &Workspace) -> Result<Stamp, Fault> {
    Ok(Stamp(workspace.store.counters().await?.stamp))
}

async fn keep(workspace: &Workspace, run: &Run) -> Result<(), Fault> {
    let set = WriteSet { runs: vec![run.clone()], ..WriteSet::default() };
    workspace.commit(set).await?;
    Ok(())
}
