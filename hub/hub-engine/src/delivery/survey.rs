//! Everything that a delivery has ahead, walked dry in order of profile and
//! record. What is planned comes from the same place as what is written
//! ([`super::plan`]); only nothing is kept.

use std::collections::BTreeSet;

use hub_core::sync::{PlanSummary, Summing};
use hub_model::{Fault, FaultCode, Pending, PendingState, PlannedWrite, ProfileId};
use hub_store::{Error, Store};
use plugin_api::StreamInfo;

use super::{mirror, plan, subject};
use crate::follower::{self, Ahead, Whole};
use crate::run::RunContext;

/// Profiles that are planned at once.
const STEP_PROFILES: usize = 500;

/// Whom a delivery may have to write about.
pub(crate) enum Whom {
    /// Everybody in the store, or all objects of a stream.
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
        let awaits = |pending: &Pending| {
            pending.fault.as_ref().is_some_and(|fault| fault.code == FaultCode::Reference)
        };
        let again = |pending: &&Pending| pending.state == PendingState::Retry || awaits(pending);
        let retries = waiting.iter().filter(again);
        these.extend(retries.map(|pending| pending.key.profile));
        let these: Vec<ProfileId> = these.into_iter().collect();
        let mapping = &context.job.mapping;
        let mut found = BTreeSet::new();
        for ids in these.chunks(STEP_PROFILES) {
            if mapping.made_of.is_some() {
                found.extend(subject::concerned(store, mapping, ids).await?);
                continue;
            }
            let profiles = store.profiles(ids).await?.into_iter().flatten();
            found.extend(profiles.map(|profile| profile.id));
        }
        Ok(Self::These(found))
    }

    /// Whether there may be more than so many writes.
    pub async fn may_exceed(
        &self,
        store: &dyn Store,
        whole: Whole<'_>,
        writes: u64,
    ) -> Result<bool, Error> {
        let Self::These(these) = self else { return Ok(true) };
        if matches!(whole, Whole::Objects(_)) {
            // One row is made of each.
            return Ok(these.len() as u64 > writes);
        }
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
        whole: Whole<'_>,
        after: Option<ProfileId>,
    ) -> Result<Vec<ProfileId>, Error> {
        use std::ops::Bound::{Excluded, Unbounded};
        Ok(match self {
            Self::Everybody => whole.next(store, after, STEP_PROFILES).await?,
            Self::These(these) => {
                let later = these.range((after.map_or(Unbounded, Excluded), Unbounded));
                later.take(STEP_PROFILES).copied().collect()
            }
        })
    }
}

/// Walks the writes that are due now about profiles after one. `each` says
/// whether to go on. Returns how many more wait for a row that they refer to.
pub(crate) async fn walk(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    mut after: Option<ProfileId>,
    each: &mut (dyn FnMut(PlannedWrite) -> bool + Send),
) -> Result<u64, Fault> {
    let whom = Whom::of(context).await?;
    let whole = Whole::from(&context.job.mapping);
    let mut awaiting = 0;
    loop {
        context.go_on()?;
        let ids = whom.next(&*context.workspace.store, whole, after).await?;
        let Some(last) = ids.last() else { return Ok(awaiting) };
        let (works, waiting) = plan::dry(context, stream, &ids).await?;
        awaiting += waiting;
        for work in works {
            if !each(work.planned()) {
                return Ok(awaiting);
            }
        }
        after = Some(*last);
    }
}

/// Walks all of them and sums them up; says how many more wait for a row that they
/// refer to.
pub(crate) async fn survey(
    context: &RunContext<'_>,
    stream: &StreamInfo,
    each: &mut (dyn FnMut(PlannedWrite) + Send),
) -> Result<(PlanSummary, u64), Fault> {
    let mut sum = Summing::new(context.job.id());
    let mut add = |write: PlannedWrite| {
        sum.add(&write);
        each(write);
        true
    };
    let awaiting = walk(context, stream, None, &mut add).await?;
    Ok((sum.end(), awaiting))
}
