//! Everything derived, from facts alone: what changed rules, a separation or an
//! erasure call for.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{
    Claim, Decision, EntityKind, Identity, Origin, Profile, ProfileId, Record, RecordNo, Rules,
};

use super::claims::{claims_of, current_identities};
use super::fold::fold;

/// What facts come to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rebuilt {
    /// The records by number, with their profiles and contested marks.
    pub records: BTreeMap<RecordNo, Record>,
    /// The profiles by id.
    pub profiles: BTreeMap<ProfileId, Profile>,
    /// The claims that these records make.
    pub claims: BTreeMap<Identity, Claim>,
}

/// Derives profiles and claims from records and decisions.
///
/// Give it all records, or all that hang together (see [`connected`]): then what
/// it says of them is what it would say among all.
pub fn rebuild(records: Vec<Record>, decisions: &[Decision], rules: &Rules) -> Rebuilt {
    let partition = fold(&records, decisions, rules);
    let mut rebuilt = Rebuilt::default();
    rebuilt.records.extend(records.into_iter().map(|record| (record.number, record)));
    for (number, record) in &mut rebuilt.records {
        for fact in &mut record.identities {
            fact.contested = partition.contested.contains(&(*number, fact.stamp));
        }
    }
    for (id, numbers) in partition.profiles {
        for number in &numbers {
            if let Some(record) = rebuilt.records.get_mut(number) {
                record.profile = id;
            }
        }
        let members: Vec<&Record> =
            numbers.iter().filter_map(|number| rebuilt.records.get(number)).collect();
        for identity in claims_of(members.iter().copied(), rules).into_keys() {
            rebuilt.claims.entry(identity).or_default().profiles.push(id);
        }
        let kind =
            rebuilt.records.get(&RecordNo(id.0)).map_or_else(EntityKind::default, |founder| {
                let stream = &founder.at.stream;
                let mapping = rules.mapping(&stream.connection, &stream.stream);
                mapping.map(|mapping| mapping.kind.clone()).unwrap_or_default()
            });
        rebuilt.profiles.insert(id, crate::profile::derive(id, kind, &members, rules));
    }
    for record in rebuilt.records.values().filter(|record| record.is_live()) {
        for identity in current_identities(record) {
            rebuilt.claims.entry(identity.clone()).or_default().carriers += 1;
        }
    }
    rebuilt
}

/// The records that hang together with some, as far as `among` goes: by a value
/// that both ever asserted, by a decision, or because one was created for the
/// other. What is not connected never bears on them.
pub fn connected(
    start: &BTreeSet<RecordNo>,
    among: &[Record],
    decisions: &[Decision],
) -> BTreeSet<RecordNo> {
    let mut groups: BTreeMap<Link<'_>, Vec<RecordNo>> = BTreeMap::new();
    for record in among {
        for identity in record.identities.iter().filter_map(|fact| fact.identity.as_ref()) {
            groups.entry(Link::Value(identity)).or_default().push(record.number);
        }
        if let Origin::Created { for_record } = record.origin {
            let link = Link::Creation(record.number);
            groups.entry(link).or_default().extend([record.number, for_record]);
        }
    }
    for (index, decision) in decisions.iter().enumerate() {
        groups.insert(Link::Decision(index), decision.kind.records().into_iter().collect());
    }
    let mut links: BTreeMap<RecordNo, Vec<&Link<'_>>> = BTreeMap::new();
    for (link, numbers) in &groups {
        for number in numbers {
            links.entry(*number).or_default().push(link);
        }
    }
    let known: BTreeSet<RecordNo> = among.iter().map(|record| record.number).collect();
    let (mut found, mut followed) = (start.clone(), BTreeSet::new());
    let mut open: Vec<RecordNo> = start.iter().copied().collect();
    while let Some(number) = open.pop() {
        for link in links.get(&number).into_iter().flatten() {
            if followed.insert(*link) {
                let more = groups.get(*link).into_iter().flatten().copied();
                open.extend(more.filter(|number| known.contains(number) && found.insert(*number)));
            }
        }
    }
    found
}

/// What may make two records bear on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Link<'a> {
    Value(&'a Identity),
    Creation(RecordNo),
    Decision(usize),
}
