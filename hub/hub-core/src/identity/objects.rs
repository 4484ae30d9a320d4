//! Objects among people: whatever orders and tickets come in between, in slices
//! of any size, the people are those that there are without them.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{
    EntityKind, FieldName, Identity, Mapping, ProfileId, Record, RecordRef, Related, RelatesTo,
    RelationMapping, Rules, TraitName, Value,
};

use super::equivalence::{Happening, Player, Shelf, configuration, history};
use super::rebuild::rebuild;
use crate::fixture::{Rng, cases, mapping};
use crate::relation::relations;

/// The place of the stream of orders.
const ORDERS: usize = 3;

fn orders() -> Mapping {
    let mut orders = mapping("orders", &["mail -> mail", "code -> code", "name -> name"]);
    orders.kind = EntityKind::object("order");
    let relates = |field: &str, role: &str, namespace: &str| RelationMapping {
        field: FieldName::new(field),
        role: role.into(),
        to: RelatesTo::Namespace(namespace.into()),
    };
    orders.relations = vec![relates("mail", "buyer", "email"), relates("code", "payer", "code")];
    orders
}

/// What happens to people alone: nobody decides about an order.
fn of_people(rng: &mut Rng) -> Vec<Happening> {
    let mut history = history(rng);
    history.retain(|h| matches!(h, Happening::Row { .. } | Happening::Gone { .. }));
    history
}

/// The same with orders in between, which name the same values.
fn with_orders(history: &[Happening], rng: &mut Rng) -> Vec<Happening> {
    let mut all = Vec::new();
    for happening in history {
        while rng.percent(45) {
            let key = rng.below(4);
            all.push(if rng.percent(15) {
                Happening::Gone { stream: ORDERS, key }
            } else {
                let values = ["a", "b", "c", "d", "n/a"];
                let fields = ["mail", "code", "name"].into_iter();
                let row = fields.map(|field| (field.into(), Value::from(*rng.pick(&values))));
                Happening::Row { stream: ORDERS, key, row: row.collect() }
            });
        }
        all.push(happening.clone());
    }
    all
}

fn play(rules: &Rules, history: &[Happening], cuts: &mut Rng) -> Shelf {
    let mut player = Player::new(rules, &[]);
    let most = [1, 3, 1_000][cuts.below(3)];
    let mut rest = history;
    while !rest.is_empty() {
        let (slice, after) = rest.split_at((cuts.below(most) + 1).min(rest.len()));
        player.play(slice);
        rest = after;
    }
    player.shelf.settled()
}

type Person<'a> = (EntityKind, BTreeMap<&'a TraitName, &'a Value>, Vec<&'a Identity>);

/// Profiles by their rows: what they are whatever the numbers.
fn people(shelf: &Shelf) -> BTreeMap<BTreeSet<&RecordRef>, Person<'_>> {
    let profiles = shelf.profiles.values();
    profiles
        .map(|profile| {
            let rows = profile.records.iter().map(|number| &shelf.records[number].at);
            let traits = profile.traits.iter().map(|(name, golden)| (name, &golden.value));
            let identities = profile.identities.iter().map(|claimed| &claimed.identity);
            (rows.collect(), (profile.kind.clone(), traits.collect(), identities.collect()))
        })
        .collect()
}

#[test]
fn objects_change_nobody_in_any_order_and_slicing() {
    let (mut found, mut related) = (0, 0);
    for seed in 0..cases(300) {
        let mut rng = Rng(seed);
        let mut rules = configuration(&mut rng);
        rules.mappings.push(orders());
        let alone = of_people(&mut rng);
        let mixed = with_orders(&alone, &mut rng);
        let shelf = play(&rules, &mixed, &mut rng);
        assert_eq!(shelf, play(&rules, &mixed, &mut rng), "seed {seed}");
        assert_eq!(people(&shelf), people(&play(&rules, &alone, &mut rng)), "seed {seed}");

        let records: Vec<Record> = shelf.records.values().cloned().collect();
        let anew = rebuild(records.clone(), &[], &rules);
        assert_eq!(anew.profiles, shelf.profiles, "seed {seed}");
        assert_eq!(anew.claims, shelf.claims, "seed {seed}");
        for object in
            records.iter().filter(|record| record.at.stream == rules.mappings[ORDERS].stream)
        {
            assert_eq!(object.profile, ProfileId::NOBODY, "seed {seed}");
            assert!(object.identities.is_empty(), "seed {seed}");
            assert_eq!(object.relations, relations(object, &rules), "seed {seed}");
            found += 1;
            let claimed = |to: &Related| match to {
                Related::Identity(identity) => shelf.claims.contains_key(identity),
                Related::Row(_) => false,
            };
            related += object.relations.iter().filter(|relation| claimed(&relation.to)).count();
        }
    }
    // The histories are about something.
    assert!(found > 500 && related > 300, "{found} {related}");
}
