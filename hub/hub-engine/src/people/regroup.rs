//! Groups of profiles: loaded, derived anew, and written.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::identity::regroup::{Group, Regrouped};
use hub_model::{
    Change, Claim, CommitSeq, Identity, IdentityFact, Profile, ProfileId, Record, RecordNo, Rules,
    limits,
};
use hub_store::{Error, WriteSet};

use crate::slices::Packer;
use crate::workspace::Workspace;

/// How many records carry a value, as it will be.
pub(super) enum Carriers<'a> {
    /// As it is: nothing that anybody said has changed.
    AsStored,
    /// Counted anew; a value that is not there is carried by nobody.
    Counted(&'a BTreeMap<Identity, u32>),
}

/// Loads groups and derives them as they would be under `rules`.
pub(super) async fn load(
    workspace: &Workspace,
    groups: &[Group],
    mut facts: impl FnMut(&Record) -> Vec<IdentityFact> + Send,
    rules: &Rules,
) -> Result<Vec<Regrouped>, Error> {
    let ids: Vec<ProfileId> = groups.iter().flat_map(|g| g.before.iter().copied()).collect();
    let numbers: Vec<RecordNo> =
        groups.iter().flat_map(|g| g.after.values().flatten().copied()).collect();
    let profiles = workspace.store.profiles(&ids).await?.into_iter().flatten();
    let mut profiles: BTreeMap<ProfileId, Profile> = profiles.map(|p| (p.id, p)).collect();
    let records = workspace.store.records(&numbers).await?.into_iter().flatten();
    let mut records: BTreeMap<RecordNo, Record> = records.map(|r| (r.number, r)).collect();
    let mut regrouped = Vec::with_capacity(groups.len());
    for group in groups {
        let before = group.before.iter().filter_map(|id| profiles.remove(id)).collect();
        let members = group.after.values().flatten();
        let members = members.filter_map(|number| records.remove(number)).collect();
        regrouped.push(Regrouped::derive(before, members, &group.after, &mut facts, rules));
    }
    Ok(regrouped)
}

/// What is to be written so that groups are as they would be.
pub(super) async fn set_of(
    workspace: &Workspace,
    groups: &[Regrouped],
    carriers: Carriers<'_>,
) -> Result<WriteSet, Error> {
    let mut set = WriteSet::default();
    let changed: Vec<&Regrouped> = groups
        .iter()
        .filter(|group| group.records().next().is_some() || !group.changes().is_empty())
        .collect();
    if changed.is_empty() {
        return Ok(set);
    }
    let numbers = changed.iter().flat_map(|group| group.after.records.keys());
    let ids: Vec<ProfileId> = numbers.map(|number| ProfileId::from(*number)).collect();
    let known = workspace.store.profiles(&ids).await?;
    let known: BTreeSet<ProfileId> =
        ids.into_iter().zip(known).filter(|(_, found)| found.is_some()).map(|(id, _)| id).collect();
    let values: BTreeSet<Identity> = changed.iter().flat_map(|g| g.identities()).collect();
    let values: Vec<Identity> = values.into_iter().collect();
    let stored = workspace.store.claims(&values).await?;
    let mut stored: BTreeMap<Identity, Claim> = values.into_iter().zip(stored).collect();
    let before = stored.clone();
    for group in changed {
        set.records.extend(group.records().cloned());
        set.profiles.extend(group.profiles().cloned());
        set.aliases.extend(group.aliases(&known));
        let change = |(profile, kind)| Change { seq: CommitSeq(0), profile, kind };
        set.changes.extend(group.changes().into_iter().map(change));
        for identity in group.identities() {
            let Some(claim) = stored.get_mut(&identity) else { continue };
            let carriers = match &carriers {
                Carriers::AsStored => claim.carriers,
                Carriers::Counted(counted) => counted.get(&identity).copied().unwrap_or(0),
            };
            *claim = group.claim(&identity, claim, carriers);
        }
    }
    let moved = stored.into_iter().filter(|(identity, claim)| before.get(identity) != Some(claim));
    set.claims.extend(moved);
    Ok(set)
}

/// Cuts a set into commits that are small enough: profiles and records first,
/// what tells others of it last. One that fits stays whole.
pub(super) fn cut(set: WriteSet) -> Vec<WriteSet> {
    let fits = set.weight_bytes() <= limits::SLICE_BYTES_MAX
        && set.records.len() <= limits::SLICE_RECORDS_MAX;
    if fits {
        return vec![set];
    }
    let WriteSet { records, profiles, claims, decisions, counters, aliases, changes, .. } = set;
    let rows = profiles
        .into_iter()
        .map(|profile| WriteSet { profiles: vec![profile], ..WriteSet::default() })
        .chain(records.into_iter().map(|r| WriteSet { records: vec![r], ..WriteSet::default() }))
        .chain(claims.into_iter().map(|c| WriteSet { claims: vec![c], ..WriteSet::default() }));
    let mut packer = Packer::default();
    let mut parts = vec![WriteSet { counters, decisions, ..WriteSet::default() }];
    parts.extend(rows.filter_map(|row| packer.add(row)));
    parts.extend(packer.take());
    parts.push(WriteSet { aliases, changes, ..WriteSet::default() });
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use hub_store::conformance::fixtures;
    use hub_store::{Counters, WriteSet};

    use super::cut;

    fn people(count: u64) -> WriteSet {
        let mut all = WriteSet::default();
        for number in 1..=count {
            let one = fixtures::person(number);
            all.records.extend(one.records);
            all.profiles.extend(one.profiles);
            all.claims.extend(one.claims);
            all.changes.extend(one.changes);
        }
        all.counters = Some(Counters { record: count, stamp: count * 10 });
        all
    }

    #[test]
    fn what_fits_stays_whole_and_what_does_not_is_cut_without_loss() {
        let small = people(10);
        assert_eq!(cut(small.clone()), [small]);
        let large = people(5_000);
        let parts = cut(large.clone());
        assert!(parts.len() > 5, "{}", parts.len());
        let mut joined = WriteSet::default();
        for part in &parts {
            assert!(part.weight_bytes() <= hub_model::limits::SLICE_BYTES_MAX);
            assert!(part.records.len() <= hub_model::limits::SLICE_RECORDS_MAX);
            joined.append(part.clone());
        }
        assert_eq!(joined, large);
        assert!(parts[0].counters.is_some(), "numbers are given out first");
        assert!(parts[..parts.len() - 1].iter().all(|part| part.changes.is_empty()));
    }
}
