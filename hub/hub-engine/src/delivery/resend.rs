//! Sending what was rejected once more, because somebody asked.
//!
//! What would be written is planned anew from what is golden now, so nothing goes
//! out that is out of date; only that the same content was rejected before counts no
//! more.

use std::collections::BTreeSet;

use hub_model::{Fault, Pending, PendingState, ProfileId, Timestamp};
use hub_store::WriteSet;

use super::bring;
use crate::permission;
use crate::run::RunContext;
use crate::settle;
use crate::slices::Slices;

/// Profiles per step, whatever the vendor's batches allow.
const STEP_PROFILES_MAX: usize = 1_000;

/// Sends what was rejected: all of the sync, or what is about one profile.
pub(crate) async fn resend(
    context: &mut RunContext<'_>,
    profile: Option<ProfileId>,
) -> Result<(), Fault> {
    if !context.job.mapping.writes() {
        return Ok(());
    }
    settle::settle(context).await?;
    let stream = permission::destination(context).await?;
    let profiles = due_again(context, profile).await?;
    let step = usize::try_from(stream.batch_items_max).unwrap_or(1).clamp(1, STEP_PROFILES_MAX);
    for profiles in profiles.chunks(step) {
        context.go_on()?;
        bring(context, &stream, profiles).await?;
        context.report();
    }
    Ok(())
}

/// Makes what was rejected due again; whom it is about.
async fn due_again(
    context: &mut RunContext<'_>,
    profile: Option<ProfileId>,
) -> Result<Vec<ProfileId>, Fault> {
    let _guard = context.workspace.decide().await;
    let store = &context.workspace.store;
    let sync = context.job.id();
    let waiting = match profile {
        Some(profile) => store.pending_of(sync, &[profile]).await?,
        None => store.pending(sync, Timestamp(i64::MAX), usize::MAX).await?,
    };
    let now = context.workspace.env.now();
    let mut whom = BTreeSet::new();
    let mut slices = Slices::new(context.workspace, None);
    for pending in waiting.into_iter().filter(Pending::is_refused) {
        whom.insert(pending.key.profile);
        let pending = Pending { state: PendingState::Retry, due: now, ..pending };
        slices.push(WriteSet { pending: vec![pending], ..WriteSet::default() }).await?;
    }
    slices.flush().await?;
    Ok(whom.into_iter().collect())
}
