//! The step from one identity fact to the next, over the few profiles that it
//! can reach.
//!
//! The caller loads a [`World`], tells it what happened in the order of the
//! stamps, and commits its [`Resolution`]. The step makes the same profiles as
//! [`super::fold()`] over all facts; whatever it depends on must therefore be
//! in the world. [`World::needs`] says what is missing, so that loading is a
//! loop and not a matter of remembering:
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

use hub_model::{
    Claim, EntityKind, Identity, IdentityFact, Namespace, Origin, Profile, ProfileId, Record,
    RecordNo, Rules, RunId, Stamp,
};

use super::claims::{claims_of, current_identities};
use super::review::{Review, ReviewReason};
use super::separations::Separations;
use crate::sync::{Seen, observe_deleted};

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
        Self { kind: profile.kind, records: profile.records.iter().copied().collect() }
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
    separations: &'a Separations,
    pub(super) profiles: BTreeMap<ProfileId, Member>,
    pub(super) claims: BTreeMap<Identity, Claim>,
    pub(super) records: BTreeMap<RecordNo, Record>,
    pub(super) owners: BTreeMap<RecordNo, ProfileId>,
    outcome: Outcome,
    /// The profile of a record whose first row is being heard: if it joins now
    /// it never was a profile that anybody could know.
    newborn: Option<ProfileId>,
}

#[derive(Debug, Clone, Default)]
struct Outcome {
    joins: Vec<(ProfileId, ProfileId)>,
    reviews: Vec<(RecordNo, Review)>,
    founded: BTreeSet<ProfileId>,
    touched: BTreeSet<ProfileId>,
    records: BTreeSet<RecordNo>,
    claims: BTreeSet<Identity>,
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
            claims: BTreeMap::new(),
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
        self.claims.entry(identity).or_insert(claim);
    }

    /// A record as this world has it now.
    pub fn record(&self, number: RecordNo) -> Option<&Record> {
        self.records.get(&number)
    }

    /// The profile that a record belongs to now.
    pub fn profile_of(&self, record: RecordNo) -> Option<ProfileId> {
        self.owners.get(&record).copied()
    }

    /// Takes in what a row told: the record, then its identity facts.
    ///
    /// # Errors
    /// [`NotLoaded`]; the world is then of no use.
    pub fn apply(&mut self, seen: Seen) -> Result<(), NotLoaded> {
        let number = seen.record.number;
        if seen.is_new {
            self.found(seen.record)?;
        } else {
            self.revise(seen.record)?;
        }
        for fact in seen.facts {
            self.assert(number, fact)?;
        }
        self.newborn = None;
        Ok(())
    }

    /// A new record founds a profile under its own number. A record that the
    /// hub created joins the one it was created for, unless that was forbidden.
    /// Its identity facts are told apart from it, by [`World::assert`].
    ///
    /// # Errors
    /// [`NotLoaded`]; the world is then of no use.
    pub fn found(&mut self, mut record: Record) -> Result<(), NotLoaded> {
        let number = record.number;
        let id = ProfileId::from(number);
        record.identities.clear();
        let mapping = self.rules.mapping(&record.at.stream.connection, &record.at.stream.stream);
        let kind = mapping.map(|mapping| mapping.kind).unwrap_or_default();
        let origin = record.origin.clone();
        self.records.insert(number, record);
        self.owners.insert(number, id);
        self.profiles.insert(id, Member { kind, records: BTreeSet::from([number]) });
        self.outcome.founded.insert(id);
        self.outcome.touched.insert(id);
        self.outcome.records.insert(number);
        self.newborn = Some(id);
        match origin {
            Origin::Received => Ok(()),
            Origin::Created { for_record } => self.confirm(for_record, number),
        }
    }

    /// A known record has other field states, or was deleted, or is back. Its
    /// earlier identity facts stay; new ones are told by [`World::assert`].
    ///
    /// # Errors
    /// [`NotLoaded`]; the world is then of no use.
    pub fn revise(&mut self, mut record: Record) -> Result<(), NotLoaded> {
        self.newborn = None;
        let number = record.number;
        let id = self.owner(number)?;
        let before = self.claimed(id)?;
        let old = self.records.get(&number).ok_or(NotLoaded::Record(number))?;
        let was_live = old.is_live();
        record.identities.clone_from(&old.identities);
        let carried: Vec<Identity> = current_identities(&record).into_iter().cloned().collect();
        let is_live = record.is_live();
        self.records.insert(number, record);
        self.outcome.records.insert(number);
        self.outcome.touched.insert(id);
        if was_live != is_live {
            for identity in carried {
                let claim = self.claim(&identity, id)?;
                claim.carriers = count(claim.carriers, is_live);
            }
        }
        self.claim_anew(id, &before)
    }

    /// A record's row is gone: see [`observe_deleted`].
    ///
    /// # Errors
    /// [`NotLoaded`]; the world is then of no use.
    pub fn delete(&mut self, number: RecordNo, stamp: Stamp, run: &RunId) -> Result<(), NotLoaded> {
        let record = self.records.get(&number).ok_or(NotLoaded::Record(number))?;
        self.revise(observe_deleted(record, stamp, run))
    }

    /// A record asserts an identity or gives one up: its profile's claim is
    /// set, then the profiles that claim the value join, lowest first. A fact
    /// that was told before changes nothing.
    ///
    /// # Errors
    /// [`NotLoaded`]; the world is then of no use.
    pub fn assert(&mut self, number: RecordNo, fact: IdentityFact) -> Result<(), NotLoaded> {
        let id = self.owner(number)?;
        if self.newborn.is_some_and(|newborn| newborn != ProfileId::from(number)) {
            self.newborn = None;
        }
        let before = self.claimed(id)?;
        let Some(news) = self.hear(number, id, fact)? else { return Ok(()) };
        let Some((identity, namespace)) = self.named(&news) else {
            return self.claim_anew(id, &before);
        };
        let rivals = self.rivals(&identity, id)?;
        let carriers = self.claim(&identity, id)?.carriers;
        let shared = carriers > namespace.records_per_value_max;
        let strays = namespace.trusted
            && news.edited
            && !rivals.is_empty()
            && !before.contains_key(&identity)
            && self.rules.is_two_way(&namespace.name);
        if shared || strays {
            self.contest(number, news.stamp);
        }
        self.claim_anew(id, &before)?;
        if shared {
            // Reported when it becomes shared, not for everybody who follows.
            let first = carriers == namespace.records_per_value_max.saturating_add(1);
            let report = rivals.iter().filter(|_| first).take(1);
            report.for_each(|d| self.review(number, &identity, *d, ReviewReason::SharedValue));
        } else if strays {
            rivals
                .iter()
                .for_each(|d| self.review(number, &identity, *d, ReviewReason::TwoWayChange));
        } else if namespace.trusted {
            self.join_rivals(number, &identity, &rivals)?;
        }
        Ok(())
    }

    /// Somebody confirmed that two records are one person: their profiles join
    /// unless a newer decision forbids it.
    ///
    /// # Errors
    /// [`NotLoaded`]; the world is then of no use.
    pub fn confirm(&mut self, left: RecordNo, right: RecordNo) -> Result<(), NotLoaded> {
        let (a, b) = (self.owner(left)?, self.owner(right)?);
        if a != b && !self.forbidden(a, b) {
            self.join(a, b)?;
        }
        Ok(())
    }

    /// Closes the world: profiles are derived, ids brought up to date.
    ///
    /// # Errors
    /// [`NotLoaded`] when a record of a changed profile is missing.
    pub fn finish(mut self) -> Result<Resolution, NotLoaded> {
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
                member.kind,
                &records,
                self.rules,
            ));
            if self.outcome.founded.contains(id) {
                resolution.founded.insert(*id);
            }
        }
        for number in &self.outcome.records {
            let Some(mut record) = self.records.remove(number) else { continue };
            record.profile = self.owners.get(number).copied().unwrap_or(record.profile);
            resolution.records.push(record);
        }
        for identity in &self.outcome.claims {
            let claim = self.claims.remove(identity).unwrap_or_default();
            resolution.claims.push((identity.clone(), claim));
        }
        for (number, mut review) in self.outcome.reviews {
            review.left = self.owners.get(&number).copied().unwrap_or(review.left);
            resolution.reviews.push(review);
        }
        Ok(resolution)
    }

    fn owner(&self, record: RecordNo) -> Result<ProfileId, NotLoaded> {
        self.owners.get(&record).copied().ok_or(NotLoaded::ProfileOf(record))
    }

    fn members(&self, id: ProfileId) -> Result<Vec<&Record>, NotLoaded> {
        let member = self.profiles.get(&id).ok_or(NotLoaded::Profile(id))?;
        let records = member.records.iter();
        records.map(|n| self.records.get(n).ok_or(NotLoaded::Record(*n))).collect()
    }

    fn claimed(&self, id: ProfileId) -> Result<BTreeMap<Identity, Stamp>, NotLoaded> {
        Ok(claims_of(self.members(id)?, self.rules))
    }

    /// The claim of an identity, about to be changed on behalf of a profile.
    fn claim(&mut self, identity: &Identity, by: ProfileId) -> Result<&mut Claim, NotLoaded> {
        let claim = self.claims.get_mut(identity).ok_or(NotLoaded::ClaimOf(by))?;
        self.outcome.claims.insert(identity.clone());
        Ok(claim)
    }

    /// Keeps the fact in its record and counts who carries what. `None` if it
    /// was told before.
    fn hear(
        &mut self,
        number: RecordNo,
        id: ProfileId,
        fact: IdentityFact,
    ) -> Result<Option<IdentityFact>, NotLoaded> {
        let record = self.records.get_mut(&number).ok_or(NotLoaded::Record(number))?;
        if record.identities.iter().any(|known| known.stamp >= fact.stamp) {
            return Ok(None);
        }
        let before: BTreeSet<Identity> = current_identities(record).into_iter().cloned().collect();
        record.identities.push(fact.clone());
        let after: BTreeSet<Identity> = current_identities(record).into_iter().cloned().collect();
        let counts = record.is_live();
        self.outcome.records.insert(number);
        self.outcome.touched.insert(id);
        if counts {
            for identity in before.symmetric_difference(&after) {
                let more = after.contains(identity);
                let claim = self.claim(identity, id)?;
                claim.carriers = count(claim.carriers, more);
            }
        }
        Ok(Some(fact))
    }

    fn named(&self, fact: &IdentityFact) -> Option<(Identity, &'a Namespace)> {
        Some((fact.identity.clone()?, self.rules.namespace(&fact.namespace)?))
    }

    /// The other profiles of the same kind that claim an identity, lowest first.
    fn rivals(&self, identity: &Identity, id: ProfileId) -> Result<Vec<ProfileId>, NotLoaded> {
        let kind = self.profiles.get(&id).ok_or(NotLoaded::Profile(id))?.kind;
        let claim = self.claims.get(identity).ok_or(NotLoaded::ClaimOf(id))?;
        let mut rivals = Vec::new();
        for rival in claim.profiles.iter().filter(|rival| **rival != id) {
            let member = self.profiles.get(rival).ok_or(NotLoaded::Profile(*rival))?;
            if member.kind == kind {
                rivals.push(*rival);
            }
        }
        rivals.sort_unstable();
        Ok(rivals)
    }

    fn contest(&mut self, number: RecordNo, stamp: Stamp) {
        let facts = self.records.get_mut(&number).map(|record| &mut record.identities);
        for fact in facts.into_iter().flatten().filter(|fact| fact.stamp == stamp) {
            fact.contested = true;
        }
    }

    fn join_rivals(
        &mut self,
        number: RecordNo,
        identity: &Identity,
        rivals: &[ProfileId],
    ) -> Result<(), NotLoaded> {
        for rival in rivals {
            let id = self.owner(number)?;
            if self.forbidden(id, *rival) {
                self.review(number, identity, *rival, ReviewReason::Separated);
            } else if self.too_many(id, *rival)? {
                self.review(number, identity, *rival, ReviewReason::Cardinality);
            } else {
                self.join(id, *rival)?;
            }
        }
        Ok(())
    }

    fn forbidden(&self, a: ProfileId, b: ProfileId) -> bool {
        match (self.profiles.get(&a), self.profiles.get(&b)) {
            (Some(a), Some(b)) => self.separations.forbid(&a.records, &b.records),
            _ => false,
        }
    }

    /// Whether two profiles together would claim more values of a namespace
    /// than a profile may.
    fn too_many(&self, a: ProfileId, b: ProfileId) -> Result<bool, NotLoaded> {
        let mut members = self.members(a)?;
        members.extend(self.members(b)?);
        let claims = claims_of(members, self.rules);
        Ok(self.rules.namespaces.iter().any(|namespace| {
            let values = claims.keys().filter(|identity| identity.namespace == namespace.name);
            values.count() > usize::try_from(namespace.values_per_profile_max).unwrap_or(usize::MAX)
        }))
    }

    fn join(&mut self, a: ProfileId, b: ProfileId) -> Result<(), NotLoaded> {
        let (low, high) = (a.min(b), a.max(b));
        let before = self.claimed(low)?;
        let given_up = self.claimed(high)?;
        let absorbed = self.profiles.remove(&high).ok_or(NotLoaded::Profile(high))?;
        for record in &absorbed.records {
            self.owners.insert(*record, low);
        }
        let surviving = self.profiles.get_mut(&low).ok_or(NotLoaded::Profile(low))?;
        surviving.records.extend(absorbed.records);
        for identity in given_up.keys() {
            self.claim(identity, high)?.profiles.retain(|id| *id != high);
        }
        if self.newborn != Some(high) {
            self.outcome.joins.push((high, low));
        }
        self.outcome.touched.remove(&high);
        self.outcome.touched.insert(low);
        self.claim_anew(low, &before)
    }

    /// Brings the claims in line with what a profile claims now.
    fn claim_anew(
        &mut self,
        id: ProfileId,
        before: &BTreeMap<Identity, Stamp>,
    ) -> Result<(), NotLoaded> {
        let after = self.claimed(id)?;
        for identity in before.keys().filter(|identity| !after.contains_key(*identity)) {
            self.claim(identity, id)?.profiles.retain(|other| *other != id);
        }
        for identity in after.keys().filter(|identity| !before.contains_key(*identity)) {
            let claim = self.claim(identity, id)?;
            if let Err(place) = claim.profiles.binary_search(&id) {
                claim.profiles.insert(place, id);
            }
        }
        Ok(())
    }

    fn review(
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

const fn count(carriers: u32, more: bool) -> u32 {
    if more { carriers.saturating_add(1) } else { carriers.saturating_sub(1) }
}
