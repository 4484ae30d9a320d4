//! The audience follower: runs right behind intake and keeps who is in which segment.
//!
//! It follows the change log, judges whoever has changed by what is known of him now
//! ([`hub_core::audience`]), and commits what differs from his stored standing
//! together with its position. So a crash repeats work and moves nobody twice, and
//! delivery of memberships, which must never run ahead of that position, may read
//! the log of moves as far as it goes.
//!
//! Three things make somebody come up for judgement:
//! - *a change of his profile*, which the log tells. Events and objects are no part of
//!   a profile, so [`touch`] adds an entry for whomever they are about to the commit
//!   that brings them or takes them away, if any segment asks for them;
//! - *the clock*: a standing names the instant at which it must be judged again, and
//!   those that are due are, some at a time ([`follow`] is called by every run, and by
//!   the clock where nothing runs);
//! - *another configuration*: the follower keeps by which one it judged, and under
//!   another it begins its scan of everybody anew. That is its usual place in the
//!   position, so a crash goes on where it was.
//!
//! Somebody who is absorbed or erased leaves everything by the commit that does it:
//! the store sees to that, and the follower judges who is left.

mod gather;
mod members;
mod touch;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hub_core::audience::{self, Needs, Subject};
use hub_model::{
    Change, ChangeKind, CommitSeq, PositionName, Profile, ProfileId, Segment, Standing, Timestamp,
};
use hub_store::{Error, PositionChange, WriteSet};

use crate::follower::{self, Whole};
use crate::job::SyncJob;
use crate::slices::Slices;
use crate::workspace::Workspace;

pub use hub_core::audience::{Found, Reason, Why};
pub(crate) use touch::touch;
pub(crate) use whole::{care, forgotten};

/// About how many log entries one step looks at when nobody has to be judged.
const STEP_ENTRIES: usize = 10_000;
/// Profiles that are judged per step.
const STEP_PROFILES: usize = 500;

/// The audience follower's position.
pub(crate) fn position() -> PositionName {
    PositionName::new("audience")
}

/// By which configuration it judges.
fn rules_position() -> PositionName {
    PositionName::new("audience/rules")
}

/// Follows the change log to its head, and judges whom the clock asks for.
///
/// # Errors
/// When the store cannot be read or written; the next call goes on.
pub(crate) async fn follow(workspace: &Workspace) -> Result<(), Error> {
    begin_anew(workspace).await?;
    let has_segments = !workspace.rules.segments.is_empty();
    let had_segments = workspace.store.stats().await?.memberships > 0;
    let step = if has_segments || had_segments { STEP_PROFILES } else { STEP_ENTRIES };
    loop {
        let guard = workspace.decide().await;
        let stretch = follower::next(&*workspace.store, &position(), Whole::Profiles, step).await?;
        let mut slices = Slices::new(workspace, None);
        if has_segments || had_segments {
            judge(workspace, &stretch.profiles, &mut slices).await?;
        }
        let positions = stretch.position.into_iter().collect();
        slices.push(WriteSet { positions, ..WriteSet::default() }).await?;
        slices.flush().await?;
        drop(guard);
        if stretch.at_end {
            break;
        }
    }
    due(workspace).await
}

/// The same by the clock, where nothing runs: decisions, erasures and windows move
/// people as well.
///
/// # Errors
/// When the store cannot be read or written; the next call goes on.
pub(crate) async fn tend(workspace: &Workspace) -> Result<(), Error> {
    let judged_by = workspace.store.position(&rules_position()).await?;
    if workspace.rules.segments.is_empty() && judged_by.is_none() {
        return Ok(());
    }
    follow(workspace).await
}

/// Under another configuration everybody is judged anew.
async fn begin_anew(workspace: &Workspace) -> Result<(), Error> {
    let _guard = workspace.decide().await;
    let store = &*workspace.store;
    let kept = store.position(&rules_position()).await?;
    let rules = audience::digest(&workspace.rules).map(String::into_bytes);
    if kept == rules {
        return Ok(());
    }
    // Without a position of its own a follower scans everybody.
    let place = store.position(&position()).await?;
    let begun = PositionChange { name: position(), expected: place, new: None };
    let by = PositionChange { name: rules_position(), expected: kept, new: rules };
    workspace.commit(WriteSet { positions: vec![begun, by], ..WriteSet::default() }).await?;
    tracing::info!("the segments have changed: everybody is judged anew");
    Ok(())
}

/// Judges whom the clock asks for.
async fn due(workspace: &Workspace) -> Result<(), Error> {
    let now = workspace.env.now();
    loop {
        let _guard = workspace.decide().await;
        let ids = workspace.store.standings_due(now, STEP_PROFILES).await?;
        if ids.is_empty() {
            return Ok(());
        }
        let mut slices = Slices::new(workspace, None);
        // Each is due later than now after that, or not at all.
        judge(workspace, &ids, &mut slices).await?;
        slices.flush().await?;
    }
}

/// Judges some profiles, and adds what differs. Call it under [`Workspace::decide`].
async fn judge(
    workspace: &Workspace,
    ids: &[ProfileId],
    slices: &mut Slices<'_>,
) -> Result<(), Error> {
    let store = &*workspace.store;
    let now = workspace.env.now();
    let profiles = store.profiles(ids).await?;
    // Whom they stand for now, each once.
    let profiles: BTreeMap<ProfileId, Profile> =
        profiles.into_iter().flatten().map(|profile| (profile.id, profile)).collect();
    let asked: BTreeSet<ProfileId> = profiles.keys().chain(ids).copied().collect();
    let asked: Vec<ProfileId> = asked.into_iter().collect();
    let needs = Needs::from(&*workspace.rules);
    for before in store.standings(&asked).await? {
        let after = match profiles.get(&before.profile) {
            Some(profile) => standing(workspace, &needs, (profile, &before), now).await?,
            None => Standing::none(before.profile),
        };
        if after != before {
            let changes = told(workspace, &before, &after).into_iter().collect();
            let standings = vec![after];
            slices.push(WriteSet { standings, changes, ..WriteSet::default() }).await?;
        }
    }
    Ok(())
}

/// The entry of the change log for somebody who has entered or left a segment that is
/// brought somewhere: deliveries follow that log, and the clock may have moved him.
fn told(workspace: &Workspace, before: &Standing, after: &Standing) -> Option<Change> {
    let mappings = &workspace.rules.mappings;
    let moved = before
        .moves(after)
        .any(|made| mappings.iter().any(|mapping| mapping.segment.as_ref() == Some(&made.segment)));
    let (profile, kind) = (before.profile, ChangeKind::Updated);
    moved.then_some(Change { seq: CommitSeq(0), profile, kind })
}

/// A job whose stream is an audience, with the audience as a stream of rows.
pub(crate) fn bound(workspace: &Workspace, job: SyncJob) -> SyncJob {
    if !job.mapping.audience {
        return job;
    }
    let (inner, store) = (Arc::clone(&job.connector), Arc::clone(&workspace.store));
    let connector = Arc::new(members::Members::new(inner, store, &job.mapping));
    SyncJob { connector, ..job }
}

/// How somebody stands at an instant.
async fn standing(
    workspace: &Workspace,
    needs: &Needs,
    (profile, before): (&Profile, &Standing),
    now: Timestamp,
) -> Result<Standing, Error> {
    let gathered = gather::gather(workspace, needs, profile, now).await?;
    let subject = Subject { profile, gathered: &gathered };
    Ok(audience::standing(&workspace.rules, &subject, before, now))
}

/// Why somebody is in a segment or not, at this instant.
///
/// # Errors
/// When the store cannot answer.
pub async fn explain(
    workspace: &Workspace,
    segment: &Segment,
    profile: &Profile,
) -> Result<Why, Error> {
    let now = workspace.env.now();
    let gathered = gather::gather(workspace, &Needs::of([segment]), profile, now).await?;
    Ok(audience::explain(segment, &Subject { profile, gathered: &gathered }, now))
}

/// Who would be in a segment now, by judging everybody, and how many of how many.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preview {
    /// How many would be.
    pub members: u64,
    /// How many were judged.
    pub profiles: u64,
    /// The first of those who would be.
    pub first: Vec<ProfileId>,
}

/// Judges everybody by a segment, which need not be among the workspace's, and keeps
/// nothing.
///
/// # Errors
/// When the store cannot answer.
pub async fn preview(
    workspace: &Workspace,
    segment: &Segment,
    first: usize,
) -> Result<Preview, Error> {
    let now = workspace.env.now();
    let needs = Needs::of([segment]);
    let (mut found, mut after) = (Preview::default(), None);
    loop {
        let profiles = workspace.store.scan_profiles(after, STEP_PROFILES).await?;
        let Some(last) = profiles.last() else { return Ok(found) };
        after = Some(last.id);
        for profile in &profiles {
            found.profiles += 1;
            let gathered = gather::gather(workspace, &needs, profile, now).await?;
            let subject = Subject { profile, gathered: &gathered };
            if audience::judge(segment, &subject, now).holds {
                found.members += 1;
                if found.first.len() < first {
                    found.first.push(profile.id);
                }
            }
        }
    }
}
