//! Joining two profiles, taking one apart, and keeping two from being joined: a
//! decision is a fact, and the people whom it bears on are derived from all of
//! their facts again.

use std::collections::BTreeSet;

use hub_core::identity::Partition;
use hub_core::identity::redecide::redecide;
use hub_core::identity::regroup::{Regrouped, groups};
use hub_core::identity::separate::{by_hand, separation, union, with_created};
use hub_model::{
    Decision, DecisionKind, IdentityFact, PositionName, Profile, ProfileId, Record, RecordNo, Stamp,
};
use hub_store::{Counters, PositionChange, WriteSet};

use super::gather::{Part, gather};
use super::regroup::{Carriers, cut, load, set_of};
use super::{PeopleError, Preview, recast};
use crate::workspace::Workspace;

/// Most pairs of records that one merge decides about: each is a decision.
pub const PAIRS_MAX: usize = 4_000;

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Both are one person.
    Merge(ProfileId, ProfileId),
    /// They are two and stay two, whatever value they come to share.
    Refuse(ProfileId, ProfileId),
    /// These records of the profile are somebody else.
    Separate(ProfileId, BTreeSet<RecordNo>),
    /// Takes back that the second profile, now an alias, was joined to the first
    /// by hand.
    Undo(ProfileId, ProfileId),
}

/// What it comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The profiles that it touches, as they are today.
    pub before: Vec<Profile>,
    /// What they become.
    pub after: Vec<Profile>,
    /// Merges, splits, and what destinations will be told.
    pub preview: Preview,
}

/// What a decision would do. Nothing is changed.
///
/// # Errors
/// [`PeopleError`].
pub async fn preview(workspace: &Workspace, ask: &Ask) -> Result<Outcome, PeopleError> {
    let _guard = workspace.decide().await;
    Ok(work_out(workspace, ask, "").await?.outcome(workspace))
}

/// Decides, for good: the decision and what follows from it are durable on return.
/// `author` is an account of the hub.
///
/// # Errors
/// [`PeopleError`]; nothing was changed then, unless the store failed in the
/// middle of a large piece of work, which the next start ends.
pub async fn apply(workspace: &Workspace, ask: &Ask, author: &str) -> Result<Outcome, PeopleError> {
    let _guard = workspace.decide().await;
    go_on(workspace).await?;
    let work = work_out(workspace, ask, author).await?;
    let mut set = set_of(workspace, &work.groups, Carriers::AsStored).await?;
    let stamp = work.decisions.iter().map(|decision| decision.stamp).max().unwrap_or_default();
    let counters = workspace.store.counters().await?;
    set.counters = Some(Counters { stamp: stamp.0.max(counters.stamp), ..counters });
    set.decisions.clone_from(&work.decisions);
    commit(workspace, set, &work.start).await?;
    Ok(work.outcome(workspace))
}

/// Ends what a former process began and could not end.
///
/// # Errors
/// When the store cannot be read or written; the next start goes on.
pub async fn finish(workspace: &Workspace) -> Result<(), PeopleError> {
    let _guard = workspace.decide().await;
    go_on(workspace).await
}

async fn go_on(workspace: &Workspace) -> Result<(), PeopleError> {
    let Some(kept) = workspace.store.position(&unfinished()).await? else { return Ok(()) };
    let start: BTreeSet<RecordNo> = serde_json::from_slice(&kept).unwrap_or_default();
    tracing::info!(records = start.len(), "a decision about people is carried to its end");
    let decisions = workspace.store.decisions().await?;
    let part = gather(workspace, start.clone(), &decisions).await?;
    let groups = replay(workspace, &part, &decisions).await?;
    let set = set_of(workspace, &groups, Carriers::AsStored).await?;
    commit(workspace, set, &start).await
}

/// Where work that is cut into several commits is kept as unfinished.
fn unfinished() -> PositionName {
    PositionName::new("people/unfinished")
}

/// One commit, or several under a mark that says so.
async fn commit(
    workspace: &Workspace,
    set: WriteSet,
    start: &BTreeSet<RecordNo>,
) -> Result<(), PeopleError> {
    let store = &workspace.store;
    let kept = store.position(&unfinished()).await?;
    let mut parts = cut(set);
    let mark =
        |expected: Option<Vec<u8>>, new| PositionChange { name: unfinished(), expected, new };
    let new = serde_json::to_vec(start).ok();
    let several = parts.len() > 1;
    if let (Some(first), true, true) = (parts.first_mut(), several, kept != new) {
        first.positions.push(mark(kept.clone(), new.clone()));
    }
    let marked = if several { new } else { kept };
    if marked.is_some() {
        match parts.last_mut() {
            Some(last) => last.positions.push(mark(marked, None)),
            None => {
                let positions = vec![mark(marked, None)];
                parts.push(WriteSet { positions, ..WriteSet::default() });
            }
        }
    }
    for part in parts {
        workspace.commit(part).await?;
    }
    Ok(())
}

/// A decision with everything that follows from it.
struct Work {
    start: BTreeSet<RecordNo>,
    decisions: Vec<Decision>,
    groups: Vec<Regrouped>,
}

impl Work {
    fn outcome(self, workspace: &Workspace) -> Outcome {
        let rules = &workspace.rules;
        let mut outcome =
            Outcome { before: Vec::new(), after: Vec::new(), preview: Preview::default() };
        for group in self.groups {
            outcome.preview.extend(group.preview(rules, rules));
            let named = |profile: &Profile| profile.records.iter().any(|n| self.start.contains(n));
            if group.before.profiles.values().any(named) || !group.changes().is_empty() {
                outcome.before.extend(group.before.profiles.into_values());
                outcome.after.extend(group.after.profiles.into_values());
            }
        }
        outcome
    }
}

async fn work_out(workspace: &Workspace, ask: &Ask, author: &str) -> Result<Work, PeopleError> {
    if !recast::is_applied(workspace).await? {
        return Err(PeopleError::RulesChanged);
    }
    let known = workspace.store.decisions().await?;
    let mut last = workspace.store.counters().await?.stamp;
    let mut stamp = || {
        last += 1;
        Stamp(last)
    };
    let at = workspace.env.now();
    let decisions = match ask {
        Ask::Merge(a, b) => {
            let (a, b) = two(workspace, *a, *b).await?;
            let pairs = a.records.len().saturating_mul(b.records.len());
            if pairs > PAIRS_MAX {
                return Err(PeopleError::TooManyPairs { pairs, pairs_max: PAIRS_MAX });
            }
            union(&a, &b, stamp, author, at)
        }
        Ask::Refuse(a, b) => {
            let (a, b) = two(workspace, *a, *b).await?;
            let side = |p: &Profile| p.records.iter().copied().collect();
            let kind = DecisionKind::Separation { left: side(&a), right: side(&b) };
            vec![Decision { stamp: stamp(), kind, author: author.to_owned(), at }]
        }
        Ask::Separate(id, leaving) => {
            let profile = one(workspace, *id).await?;
            let members = members(workspace, &profile).await?;
            let leaving = with_created(leaving, &members);
            vec![separation(&profile, &leaving, stamp(), author, at)?]
        }
        Ask::Undo(id, absorbed) => {
            let (profile, other) = (one(workspace, *id).await?, one(workspace, *absorbed).await?);
            if profile.id != other.id {
                return Err(PeopleError::TwoAlready(profile.id, other.id));
            }
            let leaving = joined(workspace, &profile, RecordNo(absorbed.0), &known).await?;
            vec![separation(&profile, &leaving, stamp(), author, at)?]
        }
    };
    let start: BTreeSet<RecordNo> =
        decisions.iter().flat_map(|decision| decision.kind.records()).collect();
    let all: Vec<Decision> = known.into_iter().chain(decisions.iter().cloned()).collect();
    let part = gather(workspace, start.clone(), &all).await?;
    let groups = replay(workspace, &part, &all).await?;
    Ok(Work { start, decisions, groups })
}

/// What the people of a part come to under all decisions.
async fn replay(
    workspace: &Workspace,
    part: &Part,
    decisions: &[Decision],
) -> Result<Vec<Regrouped>, PeopleError> {
    let records: Vec<Record> = part.records.values().cloned().collect();
    let Partition { profiles, contested } = redecide(&records, decisions, &workspace.rules);
    let facts = |record: &Record| -> Vec<IdentityFact> {
        let marked = |fact: &IdentityFact| IdentityFact {
            contested: contested.contains(&(record.number, fact.stamp)),
            ..fact.clone()
        };
        record.identities.iter().map(marked).collect()
    };
    let groups = groups(&part.owners(), profiles);
    Ok(load(workspace, &groups, facts, &workspace.rules).await?)
}

/// Which records the rules would give to whom a record belonged to before
/// somebody joined it to this profile.
async fn joined(
    workspace: &Workspace,
    profile: &Profile,
    record: RecordNo,
    known: &[Decision],
) -> Result<BTreeSet<RecordNo>, PeopleError> {
    let not_by_hand = PeopleError::NotByHand(record);
    let Some(batch) = by_hand(profile, record, known) else { return Err(not_by_hand) };
    let without: Vec<Decision> =
        known.iter().filter(|decision| !batch.contains(&decision.stamp)).cloned().collect();
    let part = gather(workspace, profile.records.iter().copied().collect(), known).await?;
    let records: Vec<Record> = part.records.into_values().collect();
    let partition = redecide(&records, &without, &workspace.rules);
    let own: BTreeSet<RecordNo> = profile.records.iter().copied().collect();
    let mut held = partition.profiles.into_values().filter(|members| members.contains(&record));
    let leaving = held.next().map(|members| members.intersection(&own).copied().collect());
    leaving.filter(|leaving: &BTreeSet<RecordNo>| leaving.len() < own.len()).ok_or(not_by_hand)
}

async fn one(workspace: &Workspace, id: ProfileId) -> Result<Profile, PeopleError> {
    let found = workspace.store.profiles(&[id]).await?;
    found.into_iter().flatten().next().ok_or(PeopleError::NoProfile(id))
}

async fn two(
    workspace: &Workspace,
    a: ProfileId,
    b: ProfileId,
) -> Result<(Profile, Profile), PeopleError> {
    let (a, b) = (one(workspace, a).await?, one(workspace, b).await?);
    if a.id == b.id {
        return Err(PeopleError::OneAlready(a.id));
    }
    if a.kind != b.kind {
        return Err(PeopleError::Kinds(a.id, b.id, a.kind.clone(), b.kind.clone()));
    }
    Ok((a, b))
}

async fn members(workspace: &Workspace, profile: &Profile) -> Result<Vec<Record>, PeopleError> {
    Ok(workspace.store.records(&profile.records).await?.into_iter().flatten().collect())
}
