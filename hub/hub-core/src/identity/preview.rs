//! What another set of rules, or one more decision, would do to profiles and
//! destinations, without doing it.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{Decision, Profile, ProfileId, Record, RecordNo, Rules, SyncId};

use super::rebuild::{Rebuilt, rebuild};
use super::restate::restate;
use crate::mapping::forget_forms;
use crate::sync::{Due, due};

/// Profiles that would become one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The id that it would have.
    pub into: ProfileId,
    /// The profiles of today, or what is split off them, that it would hold.
    pub from: BTreeSet<ProfileId>,
}

/// A profile that would become several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The profile of today.
    pub profile: ProfileId,
    /// The profiles that would hold its records.
    pub into: BTreeSet<ProfileId>,
}

/// What a destination would be told because of the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Writes {
    /// Rows that would be updated.
    pub updates: usize,
    /// Rows that would be created, or found.
    pub creates: usize,
}

/// What a change would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preview {
    /// Profiles that would be joined, by id.
    pub merges: Vec<Merge>,
    /// Profiles that would be taken apart, by id.
    pub splits: Vec<Split>,
    /// Profiles with the same records and other traits, identities or consents.
    pub changed: BTreeSet<ProfileId>,
    /// How many profiles would stay as they are.
    pub unchanged: usize,
    /// What each sync would write that it does not owe the same profile today;
    /// a sync that would write nothing is not listed.
    pub writes: BTreeMap<SyncId, Writes>,
}

impl Preview {
    /// Takes in what another part would do.
    pub fn extend(&mut self, other: Self) {
        self.merges.extend(other.merges);
        self.splits.extend(other.splits);
        self.changed.extend(other.changed);
        self.unchanged += other.unchanged;
        for (sync, writes) in other.writes {
            let sum = self.writes.entry(sync).or_default();
            sum.updates += writes.updates;
            sum.creates += writes.creates;
        }
    }
}

/// Records with the rules and decisions that they are resolved by.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What people decided.
    pub decisions: &'a [Decision],
    /// The rules.
    pub rules: &'a Rules,
}

/// Compares what records come to before and after a change of rules, of
/// decisions, or of both.
pub fn preview(records: &[Record], before: Facts<'_>, after: Facts<'_>) -> Preview {
    let old = rebuild(records.to_vec(), before.decisions, before.rules);
    let restated = records.iter().map(|record| Record {
        identities: restate(record, before.rules, after.rules),
        ..record.clone()
    });
    let mut new = rebuild(restated.collect(), after.decisions, after.rules);
    forget_forms((&old, before.rules), (&mut new, after.rules));
    compare((&old, before.rules), (&new, after.rules))
}

/// Compares what some records came to with what they would come to. They must be
/// closed: whoever is with one of them, before or after, is among them.
pub(super) fn compare(
    (old, old_rules): (&Rebuilt, &Rules),
    (new, new_rules): (&Rebuilt, &Rules),
) -> Preview {
    let owners = owners(old);
    let mut preview = Preview::default();
    let mut parts: BTreeMap<ProfileId, BTreeSet<ProfileId>> = BTreeMap::new();
    for (id, profile) in &new.profiles {
        let from: BTreeSet<ProfileId> =
            profile.records.iter().filter_map(|number| owners.get(number).copied()).collect();
        for old in &from {
            parts.entry(*old).or_default().insert(*id);
        }
        if old.profiles.get(id) == Some(profile) {
            preview.unchanged += 1;
            continue;
        }
        if old.profiles.get(id).is_some_and(|old| old.records == profile.records) {
            preview.changed.insert(*id);
        }
        if from.len() > 1 {
            preview.merges.push(Merge { into: *id, from });
        }
        let owed = old.profiles.get(id).map_or_else(Vec::new, |was| dues(was, old, old_rules));
        let more = dues(profile, new, new_rules).into_iter().filter(|due| !owed.contains(due));
        more.for_each(|(sync, due)| count(&mut preview.writes, sync, &due));
    }
    let split = parts.into_iter().filter(|(_, into)| into.len() > 1);
    preview.splits = split.map(|(profile, into)| Split { profile, into }).collect();
    preview
}

fn owners(rebuilt: &Rebuilt) -> BTreeMap<RecordNo, ProfileId> {
    let profiles = rebuilt.profiles.values();
    profiles.flat_map(|profile| profile.records.iter().map(|n| (*n, profile.id))).collect()
}

/// What every sync owes a profile.
fn dues(profile: &Profile, among: &Rebuilt, rules: &Rules) -> Vec<(SyncId, Due)> {
    let members: Vec<&Record> =
        profile.records.iter().filter_map(|number| among.records.get(number)).collect();
    let writing = rules.mappings.iter().filter(|mapping| mapping.writes());
    let owed = writing.flat_map(|mapping| {
        due(profile, &members, mapping).into_iter().map(|due| (mapping.sync.clone(), due))
    });
    owed.collect()
}

fn count(writes: &mut BTreeMap<SyncId, Writes>, sync: SyncId, due: &Due) {
    match due {
        Due::MarkSent { .. } => {}
        // A preview asks for golden values only; nothing is taken back in it.
        Due::Remove { .. } => {}
        // It is told to nobody.
        Due::Refused { .. } => {}
        Due::Update { .. } => writes.entry(sync).or_default().updates += 1,
        Due::Create { .. } => writes.entry(sync).or_default().creates += 1,
    }
}
