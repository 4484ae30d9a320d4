//! The step from one identity fact to the next.
//!
//! It makes the same profiles as [`super::fold()`] over all facts, over what
//! the caller has loaded into the [`World`].

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{
    Claim, Identity, IdentityFact, Namespace, Origin, ProfileId, Record, RecordNo, RunId, Stamp,
};

use super::cardinality::crowded;
use super::claims::{claims_of, current_identities};
use super::review::ReviewReason;
use super::world::{Held, Member, NotLoaded, World};
use crate::sync::{Seen, observe_deleted};

impl<'a> World<'a> {
    /// Takes in what a row told: the record, then its identity facts.
    ///
    /// # Errors
    /// [`NotLoaded`]; the world is then of no use.
    pub fn apply(&mut self, seen: Seen) -> Result<(), NotLoaded> {
        let number = seen.record.number;
        if seen.record.is_object() {
            self.keep(seen.record);
            return Ok(());
        }
        if self.is_stranger(&seen) {
            self.welcome(seen);
            return Ok(());
        }
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

    /// An object is part of no profile: it is kept, and bears on nobody.
    fn keep(&mut self, record: Record) {
        self.outcome.records.insert(record.number);
        self.records.insert(record.number, record);
    }

    /// Whether a new row names somebody whom no other record ever named: nothing
    /// can join, so none of the steps below has anything to decide. Most rows of
    /// a first load are like that.
    fn is_stranger(&self, seen: &Seen) -> bool {
        let mut facts = seen.facts.iter().enumerate();
        let alone = |(place, fact): (usize, &IdentityFact)| {
            let earlier = seen.facts.iter().take(place);
            let held = fact.identity.as_ref().and_then(|identity| self.claims.get(identity));
            let namespace = self.rules.namespace(&fact.namespace);
            held.is_some_and(|held| held.claim == Claim::default())
                && namespace.is_some_and(|namespace| namespace.records_per_value_max > 0)
                // Two values of a namespace may be one, or one may replace the other.
                && !earlier.into_iter().any(|other| other.namespace == fact.namespace)
        };
        seen.is_new && seen.record.origin == Origin::Received && facts.all(alone)
    }

    /// Takes a stranger in: a profile of its own, which claims what it says.
    fn welcome(&mut self, seen: Seen) {
        let id = self.settle(seen.record);
        for identity in seen.facts.into_iter().filter_map(|fact| fact.identity) {
            let claim = Claim { profiles: vec![id], carriers: 1 };
            self.claims.insert(identity, Held { claim, changed: true });
        }
    }

    /// A new record founds a profile under its own number. A record that the
    /// hub created joins the one it was created for, unless that was forbidden.
    /// Its identity facts are told apart from it, by [`World::assert`].
    ///
    /// # Errors
    /// [`NotLoaded`]; the world is then of no use.
    pub fn found(&mut self, mut record: Record) -> Result<(), NotLoaded> {
        if record.is_object() {
            self.keep(record);
            return Ok(());
        }
        let number = record.number;
        record.identities.clear();
        let origin = record.origin.clone();
        let id = self.settle(record);
        self.newborn = Some(id);
        match origin {
            Origin::Received => Ok(()),
            Origin::Created { for_record } => self.unite(for_record, number),
        }
    }

    /// Gives a new record a profile of its own.
    fn settle(&mut self, record: Record) -> ProfileId {
        let number = record.number;
        let id = ProfileId::from(number);
        let mapping = self.rules.mapping(&record.at.stream.connection, &record.at.stream.stream);
        let kind = mapping.map(|mapping| mapping.kind.clone()).unwrap_or_default();
        self.records.insert(number, record);
        self.owners.insert(number, id);
        self.profiles.insert(id, Member { kind, records: BTreeSet::from([number]) });
        self.outcome.founded.insert(id);
        self.outcome.touched.insert(id);
        self.outcome.records.insert(number);
        self.newborn = None;
        id
    }

    /// A known record has other field states, or was deleted, or is back. Its
    /// earlier identity facts stay; new ones are told by [`World::assert`].
    ///
    /// # Errors
    /// [`NotLoaded`]; the world is then of no use.
    pub fn revise(&mut self, mut record: Record) -> Result<(), NotLoaded> {
        self.newborn = None;
        if record.is_object() {
            self.keep(record);
            return Ok(());
        }
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
        // Whoever is decided about is known by now, however new.
        self.newborn = None;
        self.unite(left, right)
    }

    fn unite(&mut self, left: RecordNo, right: RecordNo) -> Result<(), NotLoaded> {
        let (a, b) = (self.owner(left)?, self.owner(right)?);
        if a != b && !self.forbidden(a, b) {
            self.join(a, b)?;
        }
        Ok(())
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
        let kind = &self.profiles.get(&id).ok_or(NotLoaded::Profile(id))?.kind;
        let claim = &self.claims.get(identity).ok_or(NotLoaded::ClaimOf(id))?.claim;
        let mut rivals = Vec::new();
        for rival in claim.profiles.iter().filter(|rival| **rival != id) {
            let member = self.profiles.get(rival).ok_or(NotLoaded::Profile(*rival))?;
            if member.kind == *kind {
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
            } else if self.crowded(id, *rival)? {
                self.review(number, identity, *rival, ReviewReason::SameStream);
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

    /// Whether two profiles together would have more living records of a
    /// stream than its sync allows.
    fn crowded(&self, a: ProfileId, b: ProfileId) -> Result<bool, NotLoaded> {
        let live = |id| Ok(self.members(id)?.into_iter().filter(|record| record.is_live()));
        Ok(crowded(live(a)?, live(b)?, self.rules))
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
}

const fn count(carriers: u32, more: bool) -> u32 {
    if more { carriers.saturating_add(1) } else { carriers.saturating_sub(1) }
}
