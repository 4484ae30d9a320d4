//! Everything that a delivery has ahead, walked dry in order of profile and
//! record. What is planned comes from the same place as what is written
//! ([`super::plan`]); only nothing is kept.

use std::collections::BTreeSet;

use hub_core::sync::{PlanSummary, Summing};
use hub_model::{Fault, PendingState, PlannedWrite, ProfileId};
use hub_store::{Error, Store};
use plugin_api::StreamInfo;

use super::{mirror, plan};
use crate::follower::{self, Ahead};
use crate::run::RunContext;

/// Profiles that are planned at once.
const STEP_PROFILES: usize = 500;

/// Whom a delivery may have to write about.
pub(crate) enum Whom {
    /// Everybody in the store.
    Everybody,
    /// These, under the ids that they have now.
    These(BTreeSet<ProfileId>),
}

impl Whom {
    /// Whom the next delivery of a run's sync looks at: those who have changed,
    /// and those about whom a write is to be tried again.
    pub async fn of(context: &RunContext<'_>) -> Result<Self, Fault> {
        let store = &*context.workspace.store;
        let ahead = follower::ahead(store, &context.job.delivery_position()).await?;
        let Ahead::These(mut these) = ahead else { return Ok(Self::Everybody) };
        if mirror::is_to_look_again(context).await? {
            return Ok(Self::Everybody);
        }
        let now = context.workspace.env.now();
        let waiting = store.pending(context.job.id(), now, usize::MAX).await?;
        let retries = waiting.iter().filter(|pending| pending.state == PendingState::Retry);
        these.extend(retries.map(|pending| pending.key.profile));
        let these: Vec<ProfileId> = these.into_iter().collect();
        let mut found = BTreeSet::new();
        for ids in these.chunks(STEP_PROFILES) {
            let profiles = store.profiles(ids).await?.into_iter().flatten();
            found.extend(profiles.map(|profile| profile.id));
        }
        Ok(Self::These(found))
    }

    /// Whether there may be more than so many writes.
    pub async fn may_exceed(&self, store: &dyn Store, writes: u64) -> Result<bool, Error> {
        let Self::These(these) = self else { return Ok(true) };
        let mut sum = 0;
        let these: Vec<ProfileId> = these.iter().copied().collect();
        for ids in these.chunks(STEP_PROFILES) {
            let profiles = store.profiles(ids).await?.into_iter().flatten();
            sum += profiles.map(|profile| profile.records.len().max(1) as u64).sum::<u64>();
            if sum > writes {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The next profiles, lowest first.
    async fn next(
        &self,
        store: &dyn Store,
        after: Option<ProfileId>,
    ) -> Result<Vec<ProfileId>, Error> {
        use std::ops::Bound::{Excluded, Unbounded};
        Ok(match self {
            Self::Everybody => {
                let found = store.scan_profiles(after, STEP_PROFILES).await?;
                found.into_iter().map(|profile| profile.id).collect()
            }
            Self::These(these) => {
                let later = these.range((after.map_or(Unbounded, Excluded), Unbounded));
                later.take(STEP_PROFILES).copied().collect()
            }
        })
    }
}

/// Walks the writes that are due now about profiles after one. `each` says
/// whether to go on.
pub(crate) async fn walk(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    mut after: Option<ProfileId>,
    each: &mut (dyn FnMut(PlannedWrite) -> bool + Send),
) -> Result<(), Fault> {
    let whom = Whom::of(context).await?;
    loop {
        context.go_on()?;
        let ids = whom.next(&*context.workspace.store, after).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        for work in plan::dry(context, stream, &ids).await? {
            if !each(work.planned()) {
                return Ok(());
            }
        }
        after = Some(*last);
    }
}

/// Walks all of them and sums them up.
pub(crate) async fn survey(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    each: &mut (dyn FnMut(PlannedWrite) + Send),
) -> Result<PlanSummary, Fault> {
    let mut sum = Summing::new(context.job.id());
    let mut add = |write: PlannedWrite| {
        sum.add(&write);
        each(write);
        true
    };
    walk(context, stream, None, &mut add).await?;
    Ok(sum.end())
}
