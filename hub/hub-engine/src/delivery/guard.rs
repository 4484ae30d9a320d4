//! Asking before much is written: the plan of a delivery against the guards of
//! its sync, before its first write.
//!
//! Most deliveries write about a handful of people; those are let pass without
//! being planned twice.

use hub_core::sync::guard::fault;
use hub_core::sync::{Guarded, PlanSummary, Said, always_within, guard, rows_to_count, said};
use hub_model::{Fault, Guards, Hold, StreamRef};
use hub_store::{Error, Store};
use plugin_api::StreamInfo;

use super::survey::{self, Whom};
use crate::hold;
use crate::run::RunContext;

/// Records that are read at once while rows are counted.
const COUNT_RECORDS: usize = 1_000;

/// Lets a delivery pass, or says why it is held. What is held is kept, to be
/// answered.
///
/// # Errors
/// [`hub_model::FaultCode::Held`], and when the store cannot answer.
pub(super) async fn admit(context: &mut RunContext<'_>, stream: &StreamInfo) -> Result<(), Fault> {
    let guards = context.job.guards;
    let store = std::sync::Arc::clone(&context.workspace.store);
    if !may_exceed(context, always_within(&guards)).await? {
        return Ok(());
    }
    let (plan, _) = survey::survey(context, stream, &mut |_| {}).await?;
    if is_within(&*store, &context.job.mapping.stream, &plan, &guards).await? {
        return Ok(());
    }
    let kept = hold::read(&*store, context.job.id()).await?;
    match said(kept.as_ref(), &plan) {
        Said::Approved => return Ok(()),
        Said::Refused(answer) => context.answer = Some(answer),
        Said::Nothing => {
            let (run, counts) = (context.id.clone(), plan.counts);
            let hold = Hold { run, plan: plan.hash.clone(), counts, answer: None };
            hold::put(&*store, context.job.id(), &hold).await?;
        }
    }
    context.plan = Some(plan.hash.clone());
    Err(fault(&plan, &guards).at(format!("syncs/{}", context.job.id())))
}

/// Whether a delivery may be more than so many writes: a profile has at most one
/// for each of its records, or one.
async fn may_exceed(context: &RunContext<'_>, writes: u64) -> Result<bool, Fault> {
    let store = &*context.workspace.store;
    let stats = store.stats().await?;
    if stats.profiles + stats.records <= writes {
        return Ok(false);
    }
    let whole = (&context.job.mapping).into();
    Ok(Whom::of(context).await?.may_exceed(store, whole, writes).await?)
}

/// Whether the guards let a plan pass.
pub(crate) async fn is_within(
    store: &dyn Store,
    stream: &StreamRef,
    plan: &PlanSummary,
    guards: &Guards,
) -> Result<bool, Error> {
    let enough = rows_to_count(&plan.counts, guards);
    let known = count(store, stream, enough).await?;
    Ok(guard(&plan.counts, known, guards) == Guarded::Within)
}

/// The living records of a stream, counted as far as it matters.
async fn count(store: &dyn Store, stream: &StreamRef, enough: u64) -> Result<u64, Error> {
    let (mut known, mut after) = (0, None);
    while known < enough {
        let records = store.scan_records(stream, after, COUNT_RECORDS).await?;
        let Some(last) = records.last() else { break };
        after = Some(last.number);
        known += records.iter().filter(|record| record.is_live()).count() as u64;
    }
    Ok(known)
}
