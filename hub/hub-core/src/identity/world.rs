//! The working set of a slice of work: the few profiles that its facts can
//! reach, and what became of them.
//!
//! The caller loads a [`World`], tells it what happened in the order of the
//! stamps, and commits its [`Resolution`]. What a step depends on must be in
//! the world. [`World::needs`] says what is missing, so that loading is a loop
//! and not a matter of remembering:
//!
//! - each record that is revised or that asserts something, and the record
//!   that a created one was created for;
//! - their profiles, with **all** records of each, deleted ones included: what
//!   a profile claims follows from what its records said;
//! - the claim of every value that is asserted now, and the profiles that it
//!   lists, again with all records: these are the ones that may join;
//! - the claim of every value that a loaded record ever asserted: a join or a
//!   deletion may end it. The profiles of those claims need not be loaded.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use hub_model::{Claim, EntityKind, Identity, Profile, ProfileId, Record, RecordNo, Rules, Stamp};

use super::claims::claims_of;
use super::review::{Review, ReviewReason};
use super::separations::Separations;
use crate::sync::{pause, to_pause};

/// A profile as resolution sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Member {
    /// Person or account: the two never join.
    pub kind: EntityKind,
    /// Its records, deleted ones included.
    pub records: BTreeSet<RecordNo>,
}

impl From<&Profile> for Member {
    fn from(profile: &Profile) -> Self {
        Self { kind: profile.kind.clone(), records: profile.records.iter().copied().collect() }
    }
}

/// The caller did not load what a step depends on. The world is of no use any
/// more; nothing of it may be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotLoaded {
    /// A record.
    #[error("record {0} is not loaded")]
    Record(RecordNo),
    /// The profile of a record.
    #[error("the profile of record {0} is not loaded")]
    ProfileOf(RecordNo),
    /// A profile that a claim lists.
    #[error("profile {0} is not loaded")]
    Profile(ProfileId),
    /// A claim of a value (which is personal and not named here) that a
    /// profile takes up or gives up.
    #[error("a claim of profile {0} is not loaded")]
    ClaimOf(ProfileId),
}

/// The working set of a slice of work, and what became of it.
#[derive(Debug, Clone)]
pub struct World<'a> {
    pub(super) rules: &'a Rules,
    pub(super) separations: &'a Separations,
    pub(super) profiles: BTreeMap<ProfileId, Member>,
    /// Text is dear to compare: what is keyed by it is hashed, and put in order
    /// where order shows.
    pub(super) claims: HashMap<Identity, Held>,
    pub(super) records: BTreeMap<RecordNo, Record>,
    pub(super) owners: BTreeMap<RecordNo, ProfileId>,
    pub(super) outcome: Outcome,
    /// The profile of a record whose first row is being heard: if it joins now
    /// it never was a profile that anybody could know.
    pub(super) newborn: Option<ProfileId>,
}

/// What has happened in a world so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    pub(super) joins: Vec<(ProfileId, ProfileId)>,
    pub(super) reviews: Vec<(RecordNo, Review)>,
    pub(super) founded: BTreeSet<ProfileId>,
    pub(super) touched: BTreeSet<ProfileId>,
    pub(super) records: BTreeSet<RecordNo>,
}

/// A claim in a world.
#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    pub(super) claim: Claim,
    /// It may be another than the stored one.
    pub(super) changed: bool,
}

/// What a world has come to: everything that has to be committed together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resolution {
    /// The records that are new or changed, whole.
    pub records: Vec<Record>,
    /// The profiles that are new or changed, derived anew, lowest first.
    pub profiles: Vec<Profile>,
    /// Of these, the ones that did not exist before.
    pub founded: BTreeSet<ProfileId>,
    /// Profiles that were absorbed: (absorbed, surviving), in order; the
    /// surviving one may itself be absorbed by a later entry. A record that
    /// joins with its very first row was never a profile and is not listed.
    pub joins: Vec<(ProfileId, ProfileId)>,
    /// Claims that changed, whole; an empty one is to be forgotten.
    pub claims: Vec<(Identity, Claim)>,
    /// Connections that were seen and not made.
    pub reviews: Vec<Review>,
}

impl<'a> World<'a> {
    /// An empty world.
    pub fn new(rules: &'a Rules, separations: &'a Separations) -> Self {
        Self {
            rules,
            separations,
            profiles: BTreeMap::new(),
            claims: HashMap::new(),
            records: BTreeMap::new(),
            owners: BTreeMap::new(),
            outcome: Outcome::default(),
            newborn: None,
        }
    }

    /// Adds a stored profile. One that is there already stays as it is.
    pub fn load_profile(&mut self, profile: &Profile) {
        if self.profiles.contains_key(&profile.id) {
            return;
        }
        self.owners.extend(profile.records.iter().map(|record| (*record, profile.id)));
        self.profiles.insert(profile.id, Member::from(profile));
    }

    /// Adds a stored record. One that is there already stays as it is.
    pub fn load_record(&mut self, record: Record) {
        self.records.entry(record.number).or_insert(record);
    }

    /// Adds a stored claim; an empty one if the store has none. One that is
    /// there already stays as it is.
    pub fn load_claim(&mut self, identity: Identity, claim: Claim) {
        self.claims.entry(identity).or_insert(Held { claim, changed: false });
    }

    /// A record as this world has it now.
    pub fn record(&self, number: RecordNo) -> Option<&Record> {
        self.records.get(&number)
    }

    /// The profile that a record belongs to now.
    pub fn profile_of(&self, record: RecordNo) -> Option<ProfileId> {
        self.owners.get(&record).copied()
    }

    /// Closes the world: profiles are derived, ids brought up to date.
    ///
    /// # Errors
    /// [`NotLoaded`] when a record of a changed profile is missing.
    pub fn finish(mut self) -> Result<Resolution, NotLoaded> {
        self.pause_answers()?;
        let mut resolution = Resolution { joins: self.outcome.joins, ..Resolution::default() };
        for (id, member) in &self.profiles {
            if !self.outcome.touched.contains(id) {
                continue;
            }
            let records = member
                .records
                .iter()
                .map(|number| self.records.get(number).ok_or(NotLoaded::Record(*number)));
            let records = records.collect::<Result<Vec<_>, _>>()?;
            resolution.profiles.push(crate::profile::derive(
                *id,
                member.kind.clone(),
                &records,
                self.rules,
            ));
            if self.outcome.founded.contains(id) {
                resolution.founded.insert(*id);
            }
        }
        for (number, mut record) in self.records {
            if self.outcome.records.contains(&number) {
                record.profile = self.owners.get(&number).copied().unwrap_or(record.profile);
                resolution.records.push(record);
            }
        }
        let changed = self.claims.into_iter().filter(|(_, held)| held.changed);
        resolution.claims.extend(changed.map(|(identity, held)| (identity, held.claim)));
        resolution.claims.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (number, mut review) in self.outcome.reviews {
            review.left = self.owners.get(&number).copied().unwrap_or(review.left);
            resolution.reviews.push(review);
        }
        Ok(resolution)
    }

    /// Pauses the traits about which systems keep answering each other.
    fn pause_answers(&mut self) -> Result<(), NotLoaded> {
        let mut paused = Vec::new();
        for id in &self.outcome.touched {
            let Some(member) = self.profiles.get(id) else { continue };
            let mut records = member.records.iter().filter_map(|number| self.records.get(number));
            if records.any(|r| r.fields.values().any(|state| state.dispute.is_some())) {
                paused.extend(to_pause(&self.members(*id)?, self.rules));
            }
        }
        for (number, field, since) in paused {
            let Some(record) = self.records.get_mut(&number) else { continue };
            *record = pause(record, &field, Some(since));
            self.outcome.records.insert(number);
        }
        Ok(())
    }

    pub(super) fn owner(&self, record: RecordNo) -> Result<ProfileId, NotLoaded> {
        self.owners.get(&record).copied().ok_or(NotLoaded::ProfileOf(record))
    }

    pub(super) fn members(&self, id: ProfileId) -> Result<Vec<&Record>, NotLoaded> {
        let member = self.profiles.get(&id).ok_or(NotLoaded::Profile(id))?;
        let records = member.records.iter();
        records.map(|n| self.records.get(n).ok_or(NotLoaded::Record(*n))).collect()
    }

    pub(super) fn claimed(&self, id: ProfileId) -> Result<BTreeMap<Identity, Stamp>, NotLoaded> {
        Ok(claims_of(self.members(id)?, self.rules))
    }

    /// The claim of an identity, about to be changed on behalf of a profile.
    pub(super) fn claim(
        &mut self,
        identity: &Identity,
        by: ProfileId,
    ) -> Result<&mut Claim, NotLoaded> {
        let held = self.claims.get_mut(identity).ok_or(NotLoaded::ClaimOf(by))?;
        held.changed = true;
        Ok(&mut held.claim)
    }

    pub(super) fn review(
        &mut self,
        number: RecordNo,
        identity: &Identity,
        right: ProfileId,
        reason: ReviewReason,
    ) {
        let left = self.owners.get(&number).copied().unwrap_or(number.into());
        let review = Review { identity: identity.clone(), left, right, reason };
        self.outcome.reviews.push((number, review));
    }
}
