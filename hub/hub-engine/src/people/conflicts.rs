//! Conflicts: traits that wait for a person, and what he says about them.
//!
//! What is open follows from what the records say, so nothing has to be looked for:
//! a profile carries its conflicts. A person settles one by naming a side or a
//! value; the field of that side keeps it, under the stamp of a decision that says
//! who it was and when. Taking it back is a decision too. A trait that is paused,
//! because systems kept answering each other, is released.

use hub_core::mapping::{Said, said};
use hub_core::{profile, sync};
use hub_model::{
    Change, ChangeKind, CommitSeq, Conflict, ConflictReason, Decision, DecisionKind, Dispute,
    FieldName, Profile, ProfileId, Record, RecordNo, Rules, Settled, Stamp, TraitName, Value,
};
use hub_store::{Counters, Error, WriteSet};

use super::recast;
use crate::workspace::Workspace;

/// Why a conflict is not settled as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConflictError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] Error),
    /// There is no such profile.
    #[error("there is no profile {0}")]
    NoProfile(ProfileId),
    /// Nobody has to be asked about that trait.
    #[error("`{1}` of profile {0} waits for nobody")]
    NotOpen(ProfileId, TraitName),
    /// The record is on none of its sides.
    #[error("record {0} is no side of this conflict")]
    NotASide(RecordNo),
    /// Nothing that a person settled counts for the trait.
    #[error("nobody has settled `{1}` of profile {0}")]
    NothingSettled(ProfileId, TraitName),
    /// The trait is paused, or is not.
    #[error("`{name}` of profile {profile} waits because of `{reason}`", reason = .reason.as_str())]
    OtherReason {
        /// The profile.
        profile: ProfileId,
        /// The trait.
        name: TraitName,
        /// Why it waits.
        reason: ConflictReason,
    },
    /// The configuration was changed and not applied yet.
    #[error("the profiles do not follow this configuration yet")]
    RulesChanged,
}

/// What a person says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// The value of one side is right.
    Side(RecordNo),
    /// This value is right; null empties the field everywhere.
    Value(Value),
    /// What was settled last is taken back.
    Undo,
    /// Values travel again.
    Release,
}

/// One side of a conflict.
#[derive(Debug, Clone, PartialEq)]
pub struct Says {
    /// Who says it.
    pub record: Record,
    /// By which field.
    pub field: FieldName,
    /// What.
    pub value: Value,
    /// The order of its receipt.
    pub stamp: Stamp,
}

/// A conflict, with the records of its sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// Whose.
    pub profile: Profile,
    /// What waits, and why.
    pub conflict: Conflict,
    /// Who says what, the newest first.
    pub sides: Vec<Says>,
}

/// What waits for a person, by profile, beginning after one. All conflicts of a
/// profile come together, so it may be a few more than `limit`.
///
/// # Errors
/// When the store cannot answer.
pub async fn list(
    workspace: &Workspace,
    after: Option<ProfileId>,
    limit: usize,
) -> Result<Vec<Waiting>, Error> {
    let mut found = Vec::new();
    for profile in workspace.store.conflicted(after, limit).await? {
        if found.len() >= limit {
            break;
        }
        found.extend(of(workspace, &profile).await?);
    }
    Ok(found)
}

/// What waits for a person about one profile.
///
/// # Errors
/// When the store cannot answer.
pub async fn of(workspace: &Workspace, profile: &Profile) -> Result<Vec<Waiting>, Error> {
    let mut found = Vec::new();
    for conflict in &profile.conflicts {
        let numbers: Vec<RecordNo> = conflict.sides.iter().map(|side| side.record).collect();
        let records = workspace.store.records(&numbers).await?;
        let sides = conflict.sides.iter().zip(records).filter_map(|(side, record)| {
            let record = record?;
            let (value, stamp) = {
                let said = says(&record, &side.field, &workspace.rules)?;
                (said.value.into_owned(), said.stamp)
            };
            Some(Says { field: side.field.clone(), value, stamp, record })
        });
        let (sides, conflict) = (sides.collect(), conflict.clone());
        found.push(Waiting { profile: profile.clone(), conflict, sides });
    }
    Ok(found)
}

/// The decisions about the values of a profile that are in force or were.
///
/// # Errors
/// When the store cannot answer.
pub async fn decisions(
    workspace: &Workspace,
    profile: &Profile,
    name: &TraitName,
) -> Result<Vec<Decision>, Error> {
    let all = workspace.store.decisions().await?;
    let about: Vec<Stamp> = all
        .iter()
        .filter(|decision| match &decision.kind {
            DecisionKind::Value { record, name: of, .. } => {
                of == name && profile.records.contains(record)
            }
            _ => false,
        })
        .map(|decision| decision.stamp)
        .collect();
    let wanted = |decision: &Decision| match &decision.kind {
        DecisionKind::Withdrawal { of, .. } => about.contains(of),
        _ => about.contains(&decision.stamp),
    };
    Ok(all.into_iter().filter(wanted).collect())
}

/// Does what a person says about a trait of a profile; returns the profile as it is
/// then. `author` is an account of the hub.
///
/// # Errors
/// [`ConflictError`]; nothing was changed then.
pub async fn apply(
    workspace: &Workspace,
    (id, name): (ProfileId, &TraitName),
    ask: &Ask,
    author: &str,
) -> Result<Profile, ConflictError> {
    let _guard = workspace.decide().await;
    if !recast::is_applied(workspace).await? {
        return Err(ConflictError::RulesChanged);
    }
    let found = workspace.store.profiles(&[id]).await?.into_iter().flatten().next();
    let before = found.ok_or(ConflictError::NoProfile(id))?;
    let records = workspace.store.records(&before.records).await?;
    let mut records: Vec<Record> = records.into_iter().flatten().collect();
    let counters = workspace.store.counters().await?;
    let stamp = Stamp(counters.stamp + 1);
    let place = (&before, name);
    let (changed, kind) = match ask {
        Ask::Side(side) => settle(workspace, place, &records, Some(*side), None, stamp)?,
        Ask::Value(value) => settle(workspace, place, &records, None, Some(value), stamp)?,
        Ask::Undo => undo(workspace, place, &records)?,
        Ask::Release => (release(workspace, place, &records)?, None),
    };
    for record in &mut records {
        if let Some(new) = changed.iter().find(|new| new.number == record.number) {
            record.clone_from(new);
        }
    }
    let members: Vec<&Record> = records.iter().collect();
    let after = profile::derive(before.id, before.kind, &members, &workspace.rules);
    let (author, at) = (author.to_owned(), workspace.env.now());
    let decision = kind.map(|kind| Decision { stamp, kind, author, at });
    let change = Change { seq: CommitSeq(0), profile: before.id, kind: ChangeKind::Updated };
    let set = WriteSet {
        counters: decision.as_ref().map(|_| Counters { stamp: stamp.0, ..counters }),
        records: changed,
        profiles: vec![after.clone()],
        decisions: decision.into_iter().collect(),
        changes: vec![change],
        ..WriteSet::default()
    };
    workspace.store.commit(set).await?;
    Ok(after)
}

/// Whose trait.
type Place<'a> = (&'a Profile, &'a TraitName);

fn open<'a>(
    (profile, name): Place<'a>,
    wanted: ConflictReason,
) -> Result<&'a Conflict, ConflictError> {
    let not_open = || ConflictError::NotOpen(profile.id, name.clone());
    let conflict = profile.conflict(name).ok_or_else(not_open)?;
    if conflict.reason == wanted {
        return Ok(conflict);
    }
    let (profile, name, reason) = (profile.id, name.clone(), conflict.reason);
    Err(ConflictError::OtherReason { profile, name, reason })
}

/// The records that change, and the decision that is made.
type Done = (Vec<Record>, Option<DecisionKind>);

/// What a record says by a field, in the form that the trait has.
fn says<'a>(record: &'a Record, field: &FieldName, rules: &'a Rules) -> Option<Said<'a>> {
    let stream = &record.at.stream;
    said(record, rules.mapping(&stream.connection, &stream.stream)?.field(field.as_str())?)
}

fn settle(
    workspace: &Workspace,
    place: Place<'_>,
    records: &[Record],
    side: Option<RecordNo>,
    value: Option<&Value>,
    stamp: Stamp,
) -> Result<Done, ConflictError> {
    let conflict = open(place, ConflictReason::Ask)?;
    // A value that no side says is kept by the newest.
    let named = side.or(conflict.sides.first().map(|side| side.record)).unwrap_or_default();
    let not_a_side = || ConflictError::NotASide(named);
    let side = conflict.sides.iter().find(|side| side.record == named).ok_or_else(not_a_side)?;
    let record = records.iter().find(|record| record.number == named).ok_or_else(not_a_side)?;
    let said = || Some(says(record, &side.field, &workspace.rules)?.value.into_owned());
    let value = value.cloned().or_else(said).unwrap_or_default();
    let settled = Settled { stamp, value };
    let changed = sync::settled(record, &side.field, Some(settled));
    let (field, name) = (side.field.clone(), place.1.clone());
    Ok((vec![changed], Some(DecisionKind::Value { record: named, field, name })))
}

fn undo(
    workspace: &Workspace,
    (profile, name): Place<'_>,
    records: &[Record],
) -> Result<Done, ConflictError> {
    let fields = disputed(workspace, name, records).into_iter();
    let settled = fields
        .filter_map(|(record, field, kept)| Some((kept.settled.as_ref()?.stamp, record, field)));
    let nothing = || ConflictError::NothingSettled(profile.id, name.clone());
    let (of, record, field) = settled.max_by_key(|(of, ..)| *of).ok_or_else(nothing)?;
    let changed = sync::settled(record, field, None);
    Ok((vec![changed], Some(DecisionKind::Withdrawal { record: record.number, of })))
}

/// Of every field of the trait, what was answered before is forgotten.
fn release(
    workspace: &Workspace,
    place: Place<'_>,
    records: &[Record],
) -> Result<Vec<Record>, ConflictError> {
    open(place, ConflictReason::PingPong)?;
    let mut released: Vec<Record> = Vec::new();
    for (record, field, _) in disputed(workspace, place.1, records) {
        match released.iter_mut().find(|known| known.number == record.number) {
            Some(known) => *known = sync::pause(known, field, None),
            None => released.push(sync::pause(record, field, None)),
        }
    }
    Ok(released)
}

/// The fields of a trait that keep something.
fn disputed<'a>(
    workspace: &'a Workspace,
    name: &TraitName,
    records: &'a [Record],
) -> Vec<(&'a Record, &'a FieldName, &'a Dispute)> {
    let mut found = Vec::new();
    for record in records {
        let stream = &record.at.stream;
        let mapping = workspace.rules.mapping(&stream.connection, &stream.stream);
        for pair in mapping.into_iter().flat_map(|mapping| &mapping.fields) {
            let state = record.fields.get(&pair.field).filter(|_| pair.to == *name);
            let kept = state.and_then(|state| state.dispute.as_deref());
            found.extend(kept.map(|kept| (record, &pair.field, kept)));
        }
    }
    found
}
