//! What a profile claims, as a function of what its records asserted.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{Identity, IdentityFact, Record, Rules, Stamp};

/// The identities that a profile of these records claims, each with the stamp
/// of its newest assertion.
///
/// In a one-way namespace: every value that any of them ever asserted, deleted
/// records included. In a two-way namespace: the newest value only, and only
/// while one of the records is live. A contested assertion claims nothing by
/// itself; but if it is the newest, the older value is given up all the same.
pub fn claims_of<'a>(
    members: impl IntoIterator<Item = &'a Record>,
    rules: &Rules,
) -> BTreeMap<Identity, Stamp> {
    let mut live = false;
    let mut facts: Vec<&IdentityFact> = Vec::new();
    for record in members {
        live |= record.is_live();
        facts.extend(&record.identities);
    }
    facts.sort_by(|a, b| a.namespace.cmp(&b.namespace));
    let mut claims: BTreeMap<Identity, Stamp> = BTreeMap::new();
    for facts in facts.chunk_by(|a, b| a.namespace == b.namespace) {
        let Some(namespace) = facts.first().map(|fact| &fact.namespace) else { continue };
        if rules.namespace(namespace).is_none() {
            continue;
        }
        let two_way = rules.is_two_way(namespace);
        let newest = facts.iter().max_by_key(|fact| fact.stamp).and_then(|f| f.identity.as_ref());
        for fact in facts.iter().filter(|fact| !fact.contested) {
            let Some(identity) = &fact.identity else { continue };
            if two_way && (!live || newest != Some(identity)) {
                continue;
            }
            let stamp = claims.entry(identity.clone()).or_insert(fact.stamp);
            *stamp = fact.stamp.max(*stamp);
        }
    }
    claims
}

/// The identities that a record asserts now: the last word of each of its
/// fields, whether live or not. Their number of live carriers is what tells a
/// shared value.
pub fn current_identities(record: &Record) -> BTreeSet<&Identity> {
    let mut last: BTreeMap<_, &IdentityFact> = BTreeMap::new();
    for fact in &record.identities {
        let newest = last.entry((&fact.namespace, &fact.field)).or_insert(fact);
        if fact.stamp >= newest.stamp {
            *newest = fact;
        }
    }
    last.values().filter_map(|fact| fact.identity.as_ref()).collect()
}
