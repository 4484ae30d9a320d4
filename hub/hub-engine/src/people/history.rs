//! What profiles were: as of an instant, and step by step, with the record, run
//! and rule behind each change.
//!
//! A profile that was merged keeps the number of its founding record, so everybody
//! who ever became part of a profile is found by the records that it is made of.

use std::collections::BTreeSet;

use hub_core::profile::{self, Changes};
use hub_model::{
    CommitSeq, Identity, Profile, ProfileId, RecordRef, Rules, Timestamp, Trait, TraitName,
};
use hub_store::{AsOf, Became, Error, Moment, Store, Version};

use super::explain::{Arrival, Arrivals};

pub use hub_core::profile::Change;

/// Most profiles that are asked for what they were, of those that became one.
pub const FORMER_PROFILES_MAX: usize = 100;

/// What happened to a profile's number in one commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// It is a profile since, or again: what differs from the profile before.
    Became(Box<Changes>),
    /// It was a profile, and what it had been before is not kept: all that it was.
    Was(Box<Changes>),
    /// Another profile absorbed it.
    AbsorbedBy(ProfileId),
    /// What it was from then on is not kept.
    Forgotten,
}

impl Event {
    /// What changed of it.
    pub fn changes(&self) -> Option<&Changes> {
        match self {
            Self::Became(changes) | Self::Was(changes) => Some(changes),
            Self::AbsorbedBy(_) | Self::Forgotten => None,
        }
    }

    fn traits(&self) -> &[Change<TraitName, Trait>] {
        self.changes().map_or(&[], |changes| &changes.traits)
    }
}

/// One step of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// When.
    pub since: Moment,
    /// What happened.
    pub event: Event,
    /// Where the value of each changed trait came from, in their order: the row, and
    /// how it came in. Of a value that went there is none.
    pub origins: Vec<Option<Origin>>,
}

/// Where the value of a trait came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// The row; absent if its record is kept no more.
    pub at: Option<RecordRef>,
    /// How it came in.
    pub arrival: Arrival,
}

/// A stretch of a history, newest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Steps {
    /// The steps.
    pub steps: Vec<Step>,
    /// Go on before this commit, if there are older ones.
    pub next: Option<CommitSeq>,
}

/// How the profiles of an identity stood at an instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Then {
    /// The profiles, each with the moment since which it stood so.
    pub profiles: Vec<(Moment, Profile)>,
    /// Numbers of which it is not kept any more how they stood.
    pub forgotten: Vec<ProfileId>,
}

/// Numbers that are part of a profile today, its own first: those of the founding
/// records of everybody who became part of it.
fn family(profile: &Profile) -> impl Iterator<Item = ProfileId> {
    let others = profile.records.iter().map(|number| ProfileId::from(*number));
    let others = others.filter(|id| *id != profile.id);
    std::iter::once(profile.id).chain(others).take(FORMER_PROFILES_MAX)
}

/// How those stood at an instant who are one profile today: whoever had an identity
/// then. If none of them had, all of them: the identity came to them later.
///
/// # Errors
/// When the store cannot answer.
pub async fn as_of(
    store: &dyn Store,
    today: &[Profile],
    identity: Option<&Identity>,
    at: Timestamp,
) -> Result<Then, Error> {
    let mut then = Then { profiles: Vec::new(), forgotten: Vec::new() };
    let mut seen: BTreeSet<ProfileId> = BTreeSet::new();
    for id in today.iter().flat_map(family) {
        match store.profile_as_of(id, at).await? {
            AsOf::Profile { since, profile } if seen.insert(profile.id) => {
                then.profiles.push((since, *profile));
            }
            AsOf::Forgotten => then.forgotten.push(id),
            AsOf::Profile { .. } | AsOf::Nobody => {}
        }
    }
    let had = |profile: &Profile| profile.identities.iter().any(|c| Some(&c.identity) == identity);
    if then.profiles.iter().any(|(_, profile)| had(profile)) {
        then.profiles.retain(|(_, profile)| had(profile));
        then.forgotten.clear();
    }
    Ok(then)
}

/// Numbers that have a history of their own and are part of a profile today, its
/// own first.
///
/// # Errors
/// When the store cannot answer.
pub async fn numbers(store: &dyn Store, profile: &Profile) -> Result<Vec<ProfileId>, Error> {
    let mut numbers = Vec::new();
    for id in family(profile) {
        if !store.history(id, None, 1).await?.versions.is_empty() {
            numbers.push(id);
        }
    }
    Ok(numbers)
}

/// What happened to a profile's number before a commit, newest first: at most so
/// many steps, or only those that changed a trait.
///
/// # Errors
/// When the store cannot answer.
pub async fn steps(
    store: &dyn Store,
    rules: &Rules,
    id: ProfileId,
    only: Option<&TraitName>,
    (before, limit): (Option<CommitSeq>, usize),
) -> Result<Steps, Error> {
    // All of them, a limited number: what a version differs from may lie far back.
    let versions = store.history(id, before, usize::MAX).await?.versions;
    let mut found = Steps::default();
    let mut arrivals = Arrivals::new(store, rules);
    for (place, now) in versions.iter().enumerate() {
        let older = versions.get(place + 1..).unwrap_or_default();
        let event = event(now, older, only);
        let is_nothing = match only {
            Some(_) => event.traits().is_empty(),
            // Another record stands behind a value, or something is waited for.
            None => {
                let was_profile =
                    matches!(older.first(), Some(Version { became: Became::Profile(_), .. }));
                was_profile && event.changes().is_some_and(Changes::is_empty)
            }
        };
        if is_nothing {
            continue;
        }
        if found.steps.len() >= limit {
            found.next = found.steps.last().map(|step| step.since.seq);
            break;
        }
        let mut origins = Vec::new();
        for change in event.traits() {
            origins.push(match &change.after {
                Some(value) => Some(origin(store, &mut arrivals, value).await?),
                None => None,
            });
        }
        found.steps.push(Step { since: now.since, event, origins });
    }
    Ok(found)
}

/// What a version is after those before it, newest first.
fn event(now: &Version, older: &[Version], only: Option<&TraitName>) -> Event {
    let profile = match &now.became {
        Became::Profile(profile) => profile,
        Became::Absorbed(by) => return Event::AbsorbedBy(*by),
        Became::Forgotten => return Event::Forgotten,
    };
    let (mut before, mut is_known) = (None, true);
    for version in older {
        match &version.became {
            Became::Profile(profile) => {
                before = Some(&**profile);
                break;
            }
            Became::Absorbed(_) => {}
            Became::Forgotten => {
                is_known = false;
                break;
            }
        }
    }
    let changes = profile::changes(before, profile);
    let changes = Box::new(match only {
        Some(name) => changes.only(name),
        None => changes,
    });
    if is_known { Event::Became(changes) } else { Event::Was(changes) }
}

async fn origin(
    store: &dyn Store,
    arrivals: &mut Arrivals<'_>,
    value: &Trait,
) -> Result<Origin, Error> {
    let records = store.records(&[value.provenance.record]).await?;
    let record = records.into_iter().flatten().next();
    let arrival = arrivals.of(record.as_ref(), value.stamp).await?;
    Ok(Origin { at: record.map(|record| record.at), arrival })
}
