//! Delivery: brings golden values to the systems that should have them.
//!
//! It reconciles state, not edits: one pending state per target, whatever
//! happened in between. The order is the safety argument. *Look* before
//! creating, and before updating where the vendor does not check versions;
//! *plan* from what is stored after looking; make the attempt durable as
//! `Unknown`; only then *write*; then keep what became of each item. A crash
//! between any two of these leaves an attempt whose outcome can be looked for
//! ([`crate::settle`]), never a write that nobody remembers.
//!
//! Items that fail wait with their own back-off and never hold the follower's
//! position.
//!
//! What a write is about is a profile, or an object of which the sync makes others
//! ([`subject`]); all of the above is one way for both.
//!
//! Before all of it a delivery that would write a lot is planned whole
//! ([`survey`]) and judged by the sync's guards ([`guard`]); a plan that somebody
//! has looked at is executed as it is, or not at all ([`apply`]). What a run wrote can
//! be taken back ([`undo`]).

mod adopt;
mod apply;
mod asked;
mod counted;
mod guard;
mod look;
mod mirror;
mod outcome;
mod overtake;
mod plan;
mod reference;
mod resend;
pub(crate) mod subject;
pub(crate) mod survey;
pub(crate) mod undo;
mod write;

pub(crate) use apply::{Allowed, apply};
pub(crate) use asked::Asked;
pub(crate) use counted::{Count, open};
pub(crate) use guard::is_within;

pub(crate) use look::find;
pub(crate) use mirror::{note_read, positions as mirror_positions};
pub(crate) use outcome::wait_micros;
pub(crate) use resend::resend;
pub(crate) use write::is_unknown;

use std::collections::BTreeSet;

use hub_core::planted::{self, Bug};
use hub_model::{Fault, Pending, PendingState, ProfileId, Rules};
use hub_store::{Error, PositionChange, Store, WriteSet};
use plugin_api::StreamInfo;

use crate::audience;
use crate::budget;
use crate::follower;
use crate::hold;
use crate::permission;
use crate::run::RunContext;

/// Most profiles per step, whatever the vendor's batches allow.
const STEP_PROFILES_MAX: usize = 1_000;

/// Writes everything that is due now, unless it is more than the guards let
/// pass.
pub(crate) async fn deliver(context: &mut RunContext<'_>) -> Result<(), Fault> {
    let stream = permission::destination(context).await?;
    undo::resume(context).await?;
    guard::admit(context, &stream).await?;
    budget::announce(context, &stream).await?;
    write_due(context, &stream).await
}

/// Writes everything that is due now. At its end nothing waits for an answer.
async fn write_due(context: &mut RunContext<'_>, stream: &StreamInfo) -> Result<(), Fault> {
    let step = usize::try_from(stream.batch_items_max).unwrap_or(1).clamp(1, STEP_PROFILES_MAX);
    mirror::begin(context).await?;
    context.asked.note(&context.job.mapping, &context.open_creates);
    let mut overtaking = overtake::Overtaking::of(context).await?;
    overtake(context, stream, &mut overtaking, step).await?;
    retry_due(context, stream, step).await?;
    loop {
        context.go_on()?;
        overtake(context, stream, &mut overtaking, step).await?;
        let name = context.job.delivery_position();
        let store = &*context.workspace.store;
        let mapping = &context.job.mapping;
        let mut stretch = follower::next(store, &name, mapping.into(), step).await?;
        if mapping.segment.is_some() {
            // Never further than members are judged.
            audience::follow(context.workspace).await?;
        }
        if planted::is(Bug::PositionFirst)
            && let Some(position) = stretch.position.take()
        {
            move_on(context, position).await?;
        }
        let concerned = subject::concerned(store, mapping, &stretch.profiles).await?;
        for profiles in concerned.chunks(step) {
            bring(context, stream, profiles).await?;
            context.report();
        }
        if let Some(position) = stretch.position {
            move_on(context, position).await?;
        }
        if stretch.at_end {
            break;
        }
    }
    // What the vendor put off is still part of what was approved.
    if context.counts.retried == 0 {
        hold::over(&*context.workspace.store, context.job.id()).await?;
    }
    Ok(())
}

/// Brings first of those who refuse something.
async fn overtake(
    context: &mut RunContext<'_>,
    stream: &StreamInfo,
    overtaking: &mut overtake::Overtaking,
    step: usize,
) -> Result<(), Fault> {
    let profiles = overtaking.next(context).await?;
    for profiles in profiles.chunks(step) {
        bring(context, stream, profiles).await?;
    }
    Ok(())
}

/// Tries again what a vendor refused for the time being, and looks again for rows
/// that were in the way.
async fn retry_due(
    context: &mut RunContext<'_>,
    stream: &StreamInfo,
    step: usize,
) -> Result<(), Fault> {
    let now = context.workspace.env.now();
    let waiting = context.workspace.store.pending(context.job.id(), now, usize::MAX).await?;
    let profiles: BTreeSet<ProfileId> = waiting
        .into_iter()
        .filter(|pending| pending.state != PendingState::Unknown)
        .map(|pending| pending.key.profile)
        .collect();
    let profiles: Vec<_> = profiles.into_iter().collect();
    for profiles in profiles.chunks(step) {
        context.go_on()?;
        bring(context, stream, profiles).await?;
        context.report();
    }
    Ok(())
}

/// One step: look, plan, keep the attempt, write, keep the outcome.
async fn bring(
    context: &mut RunContext<'_>,
    stream: &StreamInfo,
    profiles: &[ProfileId],
) -> Result<(), Fault> {
    let mut plan = plan::plan(context, stream, profiles).await?;
    if plan.works.is_empty() {
        return outcome::refuse(context, &mut plan).await;
    }
    let looked = look::look(context, stream, &plan.works).await?;
    if context.workspace.head().await? != plan.head {
        // What was found, or what others brought meanwhile, may have changed it.
        plan = plan::plan(context, stream, profiles).await?;
    }
    plan.works = look::cleared(context, plan.works, &looked).await?;
    apply::check(context, &plan.works)?;
    outcome::refuse(context, &mut plan).await?;
    let creates = plan.works.iter().filter(|work| work.record.is_none());
    let creates: Vec<ProfileId> = creates.map(|work| work.key.profile).collect();
    write::write(context, stream, plan).await?;
    note_open(context, &creates).await
}

/// Creates of a step that were not answered: their rows may be there, although no
/// search finds them yet.
async fn note_open(context: &mut RunContext<'_>, profiles: &[ProfileId]) -> Result<(), Fault> {
    if profiles.is_empty() {
        return Ok(());
    }
    let waiting = context.workspace.store.pending_of(context.job.id(), profiles).await?;
    let is_open = |p: &&Pending| p.state == PendingState::Unknown && p.key.record.is_none();
    context.asked.note(&context.job.mapping, waiting.iter().filter(is_open));
    Ok(())
}

/// Everything about a profile that waits to be delivered anywhere, or for the
/// outcome of its delivery; what waits about profiles that it absorbed as well.
///
/// # Errors
/// When the store cannot answer.
pub async fn waiting(
    store: &dyn Store,
    rules: &Rules,
    profile: ProfileId,
) -> Result<Vec<Pending>, Error> {
    let mut waiting = Vec::new();
    for mapping in rules.mappings.iter().filter(|mapping| mapping.writes()) {
        waiting.extend(store.pending_of(&mapping.sync, &[profile]).await?);
    }
    Ok(waiting)
}

/// Whether a write about a profile has no known outcome yet.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn is_under_way(
    store: &dyn Store,
    rules: &Rules,
    profile: ProfileId,
) -> Result<bool, Error> {
    let waiting = waiting(store, rules, profile).await?;
    Ok(waiting.iter().any(|pending| pending.state == PendingState::Unknown))
}

async fn move_on(context: &RunContext<'_>, position: PositionChange) -> Result<(), Fault> {
    let set = WriteSet { positions: vec![position], ..WriteSet::default() };
    context.workspace.commit(set).await?;
    Ok(())
}
