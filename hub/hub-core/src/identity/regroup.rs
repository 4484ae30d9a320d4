//! From the profiles of today to those that a replay makes of the same records,
//! a group at a time.
//!
//! A group is closed: whoever is in a profile with one of its records, before or
//! after, is in it. So it can be derived, shown and committed by itself, and the
//! others need not be at hand.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{
    ChangeKind, Claim, EntityKind, Identity, IdentityFact, Profile, ProfileId, Record, RecordNo,
    Rules,
};

use super::claims::claims_of;
use super::preview::{Preview, compare};
use super::rebuild::Rebuilt;
use crate::relation;

/// Profiles by the records that they hold.
pub type Holdings = BTreeMap<ProfileId, BTreeSet<RecordNo>>;

/// Profiles of today and those that their records would make.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// The profiles of today.
    pub before: BTreeSet<ProfileId>,
    /// The profiles that there would be.
    pub after: Holdings,
}

/// Cuts what a replay made into groups, in order of their lowest profile.
/// `owners` says where each record is today.
pub fn groups(owners: &BTreeMap<RecordNo, ProfileId>, after: Holdings) -> Vec<Group> {
    let mut roots: BTreeMap<ProfileId, ProfileId> = BTreeMap::new();
    for members in after.values() {
        let mut before = members.iter().filter_map(|number| owners.get(number).copied());
        let Some(first) = before.next() else { continue };
        for other in before {
            let (a, b) = (root(&mut roots, first), root(&mut roots, other));
            roots.insert(a.max(b), a.min(b));
        }
    }
    let mut groups: BTreeMap<ProfileId, Group> = BTreeMap::new();
    for (id, members) in after {
        let today: BTreeSet<ProfileId> =
            members.iter().filter_map(|number| owners.get(number).copied()).collect();
        let Some(first) = today.first() else { continue };
        let group = groups.entry(root(&mut roots, *first)).or_default();
        group.before.extend(today);
        group.after.insert(id, members);
    }
    groups.into_values().collect()
}

/// The lowest profile that hangs together with one, with the way shortened.
fn root(roots: &mut BTreeMap<ProfileId, ProfileId>, id: ProfileId) -> ProfileId {
    let mut top = id;
    while let Some(above) = roots.get(&top).filter(|above| **above != top) {
        top = *above;
    }
    let mut at = id;
    while at != top {
        let Some(above) = roots.insert(at, top) else { break };
        at = above;
    }
    top
}

/// A group before and after.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Regrouped {
    /// As it is stored.
    pub before: Rebuilt,
    /// As it would be. Its claims list profiles and count no carriers.
    pub after: Rebuilt,
}

impl Regrouped {
    /// Derives the profiles of a group. `profiles` and `records` are those that
    /// are stored, `facts` what each record says now, with its marks.
    pub fn derive(
        profiles: Vec<Profile>,
        records: Vec<Record>,
        after: &Holdings,
        mut facts: impl FnMut(&Record) -> Vec<IdentityFact>,
        rules: &Rules,
    ) -> Self {
        let mut before = Rebuilt::default();
        before.profiles.extend(profiles.into_iter().map(|profile| (profile.id, profile)));
        before.records.extend(records.into_iter().map(|record| (record.number, record)));
        let mut new = Rebuilt::default();
        for (id, members) in after {
            for record in members.iter().filter_map(|number| before.records.get(number)) {
                let identities = facts(record);
                let relations = relation::relations(record, rules);
                let record = Record { identities, relations, profile: *id, ..record.clone() };
                new.records.insert(record.number, record);
            }
            let held: Vec<&Record> =
                members.iter().filter_map(|number| new.records.get(number)).collect();
            let founder = new.records.get(&RecordNo(id.0)).map(|founder| &founder.at.stream);
            let mapping = founder.and_then(|s| rules.mapping(&s.connection, &s.stream));
            // A founder whose stream is mapped no more leaves the profile its kind.
            let was = before.profiles.get(id).map(|profile| profile.kind.clone());
            let kind =
                mapping.map(|mapping| mapping.kind.clone()).or(was).unwrap_or(EntityKind::Person);
            for identity in claims_of(held.iter().copied(), rules).into_keys() {
                new.claims.entry(identity).or_default().profiles.push(*id);
            }
            new.profiles.insert(*id, crate::profile::derive(*id, kind, &held, rules));
        }
        Self { before, after: new }
    }

    /// What becomes of the group, and what destinations would be told.
    pub fn preview(&self, before: &Rules, after: &Rules) -> Preview {
        compare((&self.before, before), (&self.after, after))
    }

    /// The records that are to be written again.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        let new = self.after.records.values();
        new.filter(|record| self.before.records.get(&record.number) != Some(*record))
    }

    /// The profiles that are to be written.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        let new = self.after.profiles.values();
        new.filter(|profile| self.before.profiles.get(&profile.id) != Some(*profile))
    }

    /// What happened to each profile that is not as it was.
    pub fn changes(&self) -> Vec<(ProfileId, ChangeKind)> {
        let known = &self.before.profiles;
        let kind = |profile: &Profile| match known.get(&profile.id) {
            Some(was) if was.records.iter().all(|n| profile.records.contains(n)) => {
                ChangeKind::Updated
            }
            _ => ChangeKind::Separated,
        };
        let changed = self.profiles().map(|profile| (profile.id, kind(profile)));
        let gone = known.keys().filter(|id| !self.after.profiles.contains_key(id));
        changed.chain(gone.map(|id| (*id, ChangeKind::Merged))).collect()
    }

    /// Where ids lead that are profiles no more. `known` are the ids, among the
    /// numbers of the records, that are or were profiles: an id that was ever
    /// given out is an alias for ever.
    pub fn aliases(&self, known: &BTreeSet<ProfileId>) -> Vec<(ProfileId, ProfileId)> {
        let mut aliases = Vec::new();
        for profile in self.after.profiles.values() {
            let others = profile.records.iter().map(|number| ProfileId::from(*number));
            let others = others.filter(|id| *id != profile.id && known.contains(id));
            aliases.extend(others.map(|id| (id, profile.id)));
        }
        aliases
    }

    /// Every value that a record of the group ever said, before or after.
    pub fn identities(&self) -> BTreeSet<Identity> {
        let records = self.before.records.values().chain(self.after.records.values());
        let facts = records.flat_map(|record| &record.identities);
        facts.filter_map(|fact| fact.identity.clone()).collect()
    }

    /// The claim of a value once this group is as it would be. `stored` lists who
    /// claims it today, in this group or another.
    pub fn claim(&self, identity: &Identity, stored: &Claim, carriers: u32) -> Claim {
        let others = stored.profiles.iter().copied();
        let others = others.filter(|id| !self.before.profiles.contains_key(id));
        let own = self.after.claims.get(identity).into_iter().flat_map(|claim| &claim.profiles);
        let profiles: BTreeSet<ProfileId> = others.chain(own.copied()).collect();
        Claim { profiles: profiles.into_iter().collect(), carriers }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use hub_model::{ProfileId, RecordNo};

    use super::{Holdings, groups};

    fn holdings(profiles: &[&[u64]]) -> Holdings {
        let held = profiles.iter().map(|members| {
            let members: BTreeSet<RecordNo> = members.iter().copied().map(RecordNo).collect();
            (ProfileId(members.first().unwrap().0), members)
        });
        held.collect()
    }

    #[test]
    fn groups_are_closed_and_no_larger_than_they_must_be() {
        let before = holdings(&[&[1, 4], &[2, 3], &[5], &[6, 7, 8], &[9, 10]]);
        let owners: BTreeMap<RecordNo, ProfileId> =
            before.iter().flat_map(|(id, m)| m.iter().map(|n| (*n, *id))).collect();
        // 1 takes 3 from 2; 5 stays; 6 falls apart and gives 8 to 9.
        let after = holdings(&[&[1, 3, 4], &[2], &[5], &[6], &[7], &[8, 9, 10]]);
        let found = groups(&owners, after);
        let shown: Vec<(Vec<u64>, Vec<u64>)> = found
            .iter()
            .map(|g| {
                (g.before.iter().map(|p| p.0).collect(), g.after.keys().map(|p| p.0).collect())
            })
            .collect();
        assert_eq!(
            shown,
            [(vec![1, 2], vec![1, 2]), (vec![5], vec![5]), (vec![6, 9], vec![6, 7, 8]),]
        );
    }
}
