//! Plans for people: what the next delivery of a sync would write, without a
//! write to anybody.
//!
//! A plan is of what the hub knows. The rows are looked at when it is applied.

use hub_core::sync::PlanSummary;
use hub_model::{DeliveryClass, Fault, Forecast, PlannedWrite, ProfileId, RunId, SyncId};
use hub_store::Error;

use crate::budget;
pub use crate::delivery::undo::Left;
use crate::delivery::{self, survey, undo};
use crate::engine::{Engine, RunRefused};
use crate::job::SyncJob;
use crate::permission;
use crate::run::RunContext;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanRefused {
    /// There is no such sync, or it runs: what is due moves while it does.
    #[error(transparent)]
    Run(#[from] RunRefused),
    /// The system or the store did not answer.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A plan, all of it or its first writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanShown {
    /// Its hash and how much it writes.
    pub plan: PlanSummary,
    /// How many writes more wait for a row that they refer to.
    pub awaiting: u64,
    /// Whether a run would be held with it.
    pub held: bool,
    /// What it will take of the vendor's allowance, where that is limited.
    pub forecast: Option<Forecast>,
    /// What protects its destination from writes that are made twice.
    pub delivery: DeliveryClass,
}

/// What undoing a run comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoShown {
    /// The sync of the run.
    pub sync: SyncId,
    /// What would be written.
    pub writes: Vec<PlannedWrite>,
    /// What would be left, and why.
    pub left: Vec<Left>,
}

impl Engine {
    /// Walks the writes that the next delivery of a sync would make, in order of
    /// profile and record, and sums them up.
    ///
    /// # Errors
    /// [`PlanRefused`].
    pub async fn plan(
        &self,
        sync: &SyncId,
        each: &mut (dyn FnMut(PlannedWrite) + Send),
    ) -> Result<PlanShown, PlanRefused> {
        let job = self.at_rest(sync)?;
        let stopping = self.stopping();
        let mut context = RunContext::new(self.workspace(), &job, RunId::new("plan"), &stopping);
        let stream = permission::destination(&mut context).await?;
        let (plan, awaiting) = survey::survey(&context, &stream, each).await?;
        let within = delivery::is_within(self.store(), &job.mapping.stream, &plan, &job.guards);
        let held = !within.await.map_err(Fault::from)?;
        let forecast = budget::of_plan(&context, &stream, &plan.counts).await?;
        Ok(PlanShown { plan, awaiting, held, forecast, delivery: stream.delivery_class() })
    }

    /// The writes about profiles after one, about `limit` of them: a profile is
    /// not cut. Returns the last profile as well when more may follow.
    ///
    /// # Errors
    /// [`PlanRefused`].
    pub async fn plan_page(
        &self,
        sync: &SyncId,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<(Vec<PlannedWrite>, Option<ProfileId>), PlanRefused> {
        let job = self.at_rest(sync)?;
        let stopping = self.stopping();
        let mut context = RunContext::new(self.workspace(), &job, RunId::new("plan"), &stopping);
        let stream = permission::destination(&mut context).await?;
        let mut page: Vec<PlannedWrite> = Vec::new();
        let mut next = None;
        let mut take = |write: PlannedWrite| {
            let last = page.last().map(|last| last.profile);
            if page.len() >= limit && last != Some(write.profile) {
                next = last;
                return false;
            }
            page.push(write);
            true
        };
        survey::walk(&context, &stream, after, &mut take).await?;
        Ok((page, next))
    }

    /// What undoing a run would write, and what it would leave as it is and why.
    /// `None` when no run of that id is known, and nothing that it wrote.
    ///
    /// # Errors
    /// [`PlanRefused`].
    pub async fn undo_plan(&self, run: &RunId) -> Result<Option<UndoShown>, PlanRefused> {
        let Some(sync) = self.sync_of(run).await.map_err(Fault::from)? else { return Ok(None) };
        let job = self.at_rest(&sync)?;
        let stopping = self.stopping();
        let mut context = RunContext::new(self.workspace(), &job, RunId::new("undo"), &stopping);
        let (writes, left) = undo::dry(&mut context, run).await?;
        Ok(Some(UndoShown { sync, writes, left }))
    }

    /// The sync of a run: what it wrote is kept longer than the runs of a busy sync.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn sync_of(&self, run: &RunId) -> Result<Option<SyncId>, Error> {
        if let Some(found) = self.store().run(run).await? {
            return Ok(Some(found.sync));
        }
        let first = self.store().scan_written(Some(run), None, 1).await?.pop();
        Ok(first.map(|(_, entry)| entry.sync))
    }

    fn at_rest(&self, sync: &SyncId) -> Result<SyncJob, RunRefused> {
        let job = self.jobs().get(sync).cloned();
        let job = job.ok_or_else(|| RunRefused::Unknown(sync.clone()))?;
        match self.running(sync) {
            Some(run) => Err(RunRefused::Running { sync: sync.clone(), run }),
            None => Ok(job),
        }
    }
}
