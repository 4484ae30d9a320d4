//! The same facts under other decisions, over what bears on them and no more.
//!
//! How many records carry a value depends on what was said and on nothing that
//! anybody decided. So an assertion that was refused because too many carried its
//! value stays refused, whatever is decided, and the many others that carry it
//! need not be at hand: it counts as if the record had given the field up. Only
//! in a namespace that is written both ways, where an edit is refused for the
//! sake of whoever claims the value, everybody who ever said it has to be asked.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{
    Decision, DecisionKind, Identity, IdentityFact, Origin, Record, RecordNo, Rules, Stamp,
};

use super::fold::{Partition, fold};

/// Whether a fact was refused for good: see the front of this module.
fn settled(fact: &IdentityFact, rules: &Rules) -> bool {
    fact.contested && !rules.is_two_way(&fact.namespace)
}

/// The values by which a record bears on others, or they on it: those of trusted
/// namespaces that it was let claim, and every one of a two-way namespace.
pub fn bearing<'a>(record: &'a Record, rules: &'a Rules) -> impl Iterator<Item = &'a Identity> {
    let told = record.identities.iter().filter(|fact| !settled(fact, rules));
    let trusted =
        |fact: &&IdentityFact| rules.namespace(&fact.namespace).is_some_and(|n| n.trusted);
    told.filter(trusted).filter_map(|fact| fact.identity.as_ref())
}

/// Whether the profiles that claim a value now are all that ever said it, as far
/// as it bears on anything. In a two-way namespace a claim is given up.
pub fn is_told_by_claims(identity: &Identity, rules: &Rules) -> bool {
    !rules.is_two_way(&identity.namespace)
}

/// What people decided, by the records that it names.
#[derive(Debug, Clone, Default)]
pub struct Named<'a> {
    decisions: BTreeMap<RecordNo, Vec<&'a DecisionKind>>,
}

impl<'a> Named<'a> {
    /// From all decisions.
    pub fn new(decisions: &'a [Decision]) -> Self {
        let mut named = Self::default();
        for decision in decisions {
            for number in decision.kind.records() {
                named.decisions.entry(number).or_default().push(&decision.kind);
            }
        }
        named
    }

    /// The records that a record names by itself, or that somebody named with it.
    pub fn with(&self, record: &Record) -> BTreeSet<RecordNo> {
        let decided = self.decisions.get(&record.number).into_iter().flatten();
        let mut named: BTreeSet<RecordNo> = decided.flat_map(|kind| kind.records()).collect();
        if let Origin::Created { for_record } = record.origin {
            named.insert(for_record);
        }
        named
    }
}

/// Resolves records under other decisions than those that they were resolved by.
/// Give it all that bear on each other: closed under [`bearing`] values,
/// what is [`Named`] with them, and the profiles of today.
pub fn redecide(records: &[Record], decisions: &[Decision], rules: &Rules) -> Partition {
    let mut refused: BTreeSet<(RecordNo, Stamp)> = BTreeSet::new();
    let mut plain = records.to_vec();
    for record in &mut plain {
        for fact in &mut record.identities {
            if settled(fact, rules) {
                fact.identity = None;
                refused.insert((record.number, fact.stamp));
            }
        }
    }
    let mut partition = fold(&plain, decisions, rules);
    partition.contested.extend(refused);
    partition
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use hub_model::{Decision, DecisionKind, Identity, Record, RecordNo, Timestamp};

    use super::super::equivalence::{Player, configuration, decision, history, separations};
    use super::super::fold::fold;
    use super::super::separate::separation;
    use super::{Named, bearing, redecide};
    use crate::fixture::{Rng, cases};

    /// What bears on some records, found in the plainest way.
    fn part(start: BTreeSet<RecordNo>, player: &Player<'_>, decisions: &[Decision]) -> Vec<Record> {
        let records = &player.shelf.records;
        let rules = player.rules();
        let mut said: BTreeMap<&Identity, Vec<RecordNo>> = BTreeMap::new();
        for record in records.values() {
            for identity in bearing(record, rules) {
                said.entry(identity).or_default().push(record.number);
            }
        }
        let (named, settled) = (Named::new(decisions), player.shelf.clone().settled());
        let mut found = BTreeSet::new();
        let mut open: Vec<RecordNo> = start.into_iter().collect();
        while let Some(number) = open.pop() {
            let Some(record) = records.get(&number) else { continue };
            if !found.insert(number) {
                continue;
            }
            open.extend(bearing(record, rules).flat_map(|identity| said[identity].clone()));
            open.extend(named.with(record));
            open.extend(settled.profiles[&settled.records[&number].profile].records.clone());
        }
        found.iter().map(|number| records[number].clone()).collect()
    }

    /// A part under one more decision comes to what it comes to among all.
    #[test]
    fn a_decision_needs_no_more_than_what_bears_on_it() {
        let (mut parts, mut refused) = (0, 0);
        for seed in 0..cases(1_000) {
            let mut rng = Rng(seed);
            let rules = configuration(&mut rng);
            let apart = separations(&mut rng);
            let mut player = Player::new(&rules, &apart);
            player.play(&history(&mut rng));
            let shelf = player.shelf.clone().settled();
            let profiles: Vec<_> = shelf.profiles.values().collect();
            if profiles.len() < 2 {
                continue;
            }
            let (a, b) = (*rng.pick(&profiles), *rng.pick(&profiles));
            let stamp = player.stamps.next();
            let more = if a.id != b.id && rng.percent(50) {
                let (left, right) = (*rng.pick(&a.records), *rng.pick(&b.records));
                decision(stamp, DecisionKind::Match { left, right })
            } else {
                let leaving = BTreeSet::from([*rng.pick(&a.records)]);
                match separation(a, &leaving, stamp, "admin", Timestamp(0)) {
                    Ok(decision) => decision,
                    Err(_) => continue,
                }
            };
            let mut decisions = player.decisions.clone();
            decisions.push(more);
            let start = a.records.iter().chain(&b.records).copied().collect();
            let part = part(start, &player, &decisions);
            let all: Vec<Record> = player.shelf.records.values().cloned().collect();
            parts += usize::from(part.len() < all.len());
            let alone = redecide(&part, &decisions, &rules);
            refused += alone.contested.len();
            let mut among = fold(&all, &decisions, &rules);
            let numbers: BTreeSet<RecordNo> = part.iter().map(|record| record.number).collect();
            among.profiles.retain(|_, members| members.iter().any(|n| numbers.contains(n)));
            among.contested.retain(|(number, _)| numbers.contains(number));
            assert_eq!(alone, among, "seed {seed}");
        }
        assert!(parts as u64 > cases(1_000) / 4 && refused > 50, "{parts} {refused}");
    }
}
