//! Merges and what undoes them, pages that are read again, parts and wholes:
//! over the random histories of the equivalence tests.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{
    Decision, DecisionKind, IdentityFact, Normaliser, Profile, ProfileId, Record, RecordNo, Rules,
    Stamp, Timestamp,
};

use super::equivalence::{Happening, Player, Shelf, configuration, decision, history, separations};
use super::rebuild::{Rebuilt, connected, rebuild};
use super::separate::{NotASeparation, separation, union};
use super::{fold, restate};
use crate::fixture::{Rng, cases};

fn records(shelf: &Shelf) -> Vec<Record> {
    shelf.records.values().cloned().collect()
}

fn rebuilt(shelf: &Shelf, decisions: &[Decision], rules: &Rules) -> Rebuilt {
    rebuild(records(shelf), decisions, rules)
}

/// A profile of several records.
fn cluster<'a>(profiles: &'a BTreeMap<ProfileId, Profile>, rng: &mut Rng) -> Option<&'a Profile> {
    let clusters: Vec<&Profile> = profiles.values().filter(|p| p.records.len() > 1).collect();
    (!clusters.is_empty()).then(|| *rng.pick(&clusters))
}

fn is_apart(profiles: &BTreeMap<ProfileId, Profile>, decision: &Decision) -> bool {
    let DecisionKind::Separation { left, right } = &decision.kind else { return false };
    profiles.values().all(|profile| {
        let holds = |side: &BTreeSet<RecordNo>| profile.records.iter().any(|n| side.contains(n));
        !(holds(left) && holds(right))
    })
}

#[test]
fn a_rebuild_comes_to_what_the_steps_came_to() {
    for seed in 0..cases(1_000) {
        let mut rng = Rng(seed);
        let rules = configuration(&mut rng);
        let apart = separations(&mut rng);
        let mut player = Player::new(&rules, &apart);
        player.play(&history(&mut rng));
        let shelf = player.shelf.settled();
        let anew = rebuilt(&shelf, &player.decisions, &rules);
        assert_eq!(anew.profiles, shelf.profiles, "seed {seed}");
        assert_eq!(anew.records, shelf.records, "seed {seed}");
        assert_eq!(anew.claims, shelf.claims, "seed {seed}");
    }
}

/// Separating a profile keeps its sides apart through everything that follows,
/// read in slices of any size; what the systems say from then on finds the same
/// people as a rebuild; and taking the separation back joins them again.
#[test]
fn what_is_separated_stays_separated_until_somebody_joins_it() {
    let mut separated = 0;
    for seed in 0..cases(1_000) {
        let mut rng = Rng(seed);
        let rules = configuration(&mut rng);
        let mut player = Player::new(&rules, &[]);
        player.play(&history(&mut rng));
        let shelf = player.shelf.clone().settled();
        let Some(profile) = cluster(&shelf.profiles, &mut rng) else { continue };
        separated += 1;
        let mut leaving: BTreeSet<RecordNo> =
            profile.records.iter().copied().filter(|_| rng.percent(50)).collect();
        if leaving.is_empty() || leaving.len() == profile.records.len() {
            leaving = BTreeSet::from([*rng.pick(&profile.records)]);
        }
        let stamp = player.stamps.next();
        let decision = separation(profile, &leaving, stamp, "admin", Timestamp(0)).unwrap();
        player.decisions.push(decision.clone());
        let decisions = player.decisions.clone();
        let anew = rebuilt(&shelf, &decisions, &rules);
        assert!(is_apart(&anew.profiles, &decision), "seed {seed}");
        // Each side is one person, and has what its own records said.
        let DecisionKind::Separation { left, right } = &decision.kind else { unreachable!() };
        for side in [left, right] {
            let owners: BTreeSet<ProfileId> =
                side.iter().map(|n| anew.records[n].profile).collect();
            assert_eq!(owners.len(), 1, "seed {seed}");
            let [id] = owners.into_iter().collect::<Vec<_>>()[..] else { unreachable!() };
            let members: Vec<&Record> =
                anew.profiles[&id].records.iter().map(|n| &anew.records[n]).collect();
            let kind = anew.profiles[&id].kind.clone();
            let own = crate::profile::derive(id, kind, &members, &rules);
            assert_eq!(anew.profiles[&id], own, "seed {seed}");
        }

        // Life goes on, with more rows and the decision in force.
        let mut later = Player::new(&rules, &decisions);
        later.shelf = Shelf {
            records: anew.records,
            profiles: anew.profiles,
            aliases: BTreeMap::new(),
            claims: anew.claims,
        };
        later.keys.clone_from(&player.keys);
        later.stamps = player.stamps.clone();
        let more = history(&mut rng);
        let mut rest = more.as_slice();
        while !rest.is_empty() {
            let (slice, after) = rest.split_at((rng.below(5) + 1).min(rest.len()));
            later.play(slice);
            rest = after;
        }
        let settled = later.shelf.settled();
        assert!(is_apart(&settled.profiles, &decision), "seed {seed}");
        let whole = rebuilt(&settled, &later.decisions, &rules);
        assert_eq!(settled.profiles, whole.profiles, "seed {seed}");

        // Somebody takes it back.
        let owner = |side: &BTreeSet<RecordNo>| {
            let founder = side.first().unwrap();
            let profiles = whole.profiles.values();
            profiles.clone().find(|p| p.records.contains(founder)).unwrap()
        };
        let mut stamps = later.stamps.clone();
        let mut decisions = later.decisions.clone();
        let joins = union(owner(left), owner(right), || stamps.next(), "admin", Timestamp(0));
        decisions.extend(joins);
        let joined = rebuilt(&settled, &decisions, &rules);
        assert!(!is_apart(&joined.profiles, &decision), "seed {seed}");
    }
    assert!(separated as u64 > cases(1_000) / 2, "{separated}");
}

/// unmerge(merge(a, b)) gives a and b back, to the letter, and touches nobody
/// else.
#[test]
fn a_merge_by_mistake_leaves_no_trace() {
    let mut merged = 0;
    for seed in 0..cases(1_000) {
        let mut rng = Rng(seed);
        let rules = configuration(&mut rng);
        let mut player = Player::new(&rules, &[]);
        player.play(&history(&mut rng));
        let shelf = player.shelf.clone().settled();
        let profiles: Vec<&Profile> = shelf.profiles.values().collect();
        if profiles.len() < 2 {
            continue;
        }
        let (a, b) = (*rng.pick(&profiles), *rng.pick(&profiles));
        if a.id == b.id || a.kind != b.kind {
            continue;
        }
        merged += 1;
        let mut decisions = player.decisions.clone();
        let mistake =
            DecisionKind::Match { left: *rng.pick(&a.records), right: *rng.pick(&b.records) };
        decisions.push(decision(player.stamps.next(), mistake));
        let one = rebuilt(&shelf, &decisions, &rules);
        let whole = &one.profiles[&a.id.min(b.id)];
        assert_eq!(whole.records.len(), a.records.len() + b.records.len(), "seed {seed}");
        let leaving: BTreeSet<RecordNo> = b.records.iter().copied().collect();
        let stamp = player.stamps.next();
        decisions.push(separation(whole, &leaving, stamp, "admin", Timestamp(0)).unwrap());
        let two = rebuild(one.records.into_values().collect(), &decisions, &rules);
        assert_eq!(two.profiles, shelf.profiles, "seed {seed}");
        assert_eq!(two.records, shelf.records, "seed {seed}");
        assert_eq!(two.claims, shelf.claims, "seed {seed}");
    }
    assert!(merged as u64 > cases(1_000) / 3, "{merged}");
}

/// A page whose commit was lost on the way to the cursor is read again; so is
/// one from before a restart. Nothing comes of it.
#[test]
fn a_page_that_is_read_again_changes_nothing() {
    let mut repeated = 0;
    for seed in 0..cases(1_000) {
        let mut rng = Rng(seed);
        let rules = configuration(&mut rng);
        let mut player = Player::new(&rules, &[]);
        let history = history(&mut rng);
        let mut rest = history.as_slice();
        let mut shown: BTreeMap<(usize, usize), Happening> = BTreeMap::new();
        while !rest.is_empty() {
            let (slice, after) = rest.split_at((rng.below(6) + 1).min(rest.len()));
            player.play(slice);
            for happening in slice {
                match happening {
                    Happening::Row { stream, key, .. } => {
                        shown.insert((*stream, *key), happening.clone());
                    }
                    Happening::Gone { stream, key } => {
                        shown.remove(&(*stream, *key));
                    }
                    Happening::Created { .. } | Happening::Confirmed { .. } => {}
                }
            }
            // Rows of keys that the hub does not know come from later pages.
            let mut page: Vec<Happening> = shown
                .iter()
                .filter(|(place, _)| player.keys.contains_key(place))
                .filter(|(place, _)| place.1 < 10)
                .map(|(_, happening)| happening.clone())
                .collect();
            rng.shuffle(&mut page);
            repeated += page.len();
            let (before, stamps) = (player.shelf.clone(), player.stamps.clone());
            player.play(&page);
            assert_eq!(player.shelf, before, "seed {seed}");
            assert_eq!(player.stamps, stamps, "seed {seed}");
            rest = after;
        }
    }
    assert!(repeated > 1_000, "{repeated}");
}

/// What does not hang together never bears on each other: a part resolves by
/// itself as it does among all.
#[test]
fn a_connected_part_resolves_as_it_does_among_all() {
    let mut parts = 0;
    for seed in 0..cases(1_000) {
        let mut rng = Rng(seed);
        let rules = configuration(&mut rng);
        let apart = separations(&mut rng);
        let mut player = Player::new(&rules, &apart);
        player.play(&history(&mut rng));
        let all = records(&player.shelf);
        if all.is_empty() {
            continue;
        }
        let start = BTreeSet::from([rng.pick(&all).number]);
        let part = connected(&start, &all, &player.decisions);
        parts += usize::from(part.len() < all.len());
        let own: Vec<Record> = all.iter().filter(|r| part.contains(&r.number)).cloned().collect();
        let alone = fold(&own, &player.decisions, &rules);
        let mut among = fold(&all, &player.decisions, &rules);
        among.profiles.retain(|_, members| members.iter().any(|n| part.contains(n)));
        among.contested.retain(|(number, _)| part.contains(number));
        assert_eq!(alone, among, "seed {seed}");
    }
    assert!(parts > 100, "{parts}");
}

/// Under the rules in force, a record says what it said.
#[test]
fn restating_under_the_same_rules_changes_nothing() {
    for seed in 0..cases(300) {
        let mut rng = Rng(seed);
        let rules = configuration(&mut rng);
        let mut player = Player::new(&rules, &[]);
        player.play(&history(&mut rng));
        for record in player.shelf.records.values() {
            let told = record.identities.iter();
            let unmarked: Vec<IdentityFact> =
                told.map(|fact| IdentityFact { contested: false, ..fact.clone() }).collect();
            assert_eq!(restate(record, &rules, &rules), unmarked, "seed {seed}");
        }
    }
}

/// A restatement that was cut short is begun again, over records of which some
/// say it already.
#[test]
fn restating_twice_is_restating_once() {
    let mut restated = 0;
    for seed in 0..cases(1_000) {
        let mut rng = Rng(seed);
        let (before, after) = (configuration(&mut rng), configuration(&mut rng));
        let mut after = after;
        for namespace in &mut after.namespaces {
            if rng.percent(30) && namespace.normaliser == Normaliser::Exact {
                namespace.normaliser = *rng.pick(&[Normaliser::Code, Normaliser::Name]);
            }
            if rng.percent(30) {
                namespace.never = vec!["a".to_owned()];
            }
        }
        for mapping in &mut after.mappings {
            for pair in &mut mapping.fields {
                if rng.percent(20) {
                    pair.identity = Some((*rng.pick(&["email", "code", "cookie"])).into());
                }
            }
        }
        let mut player = Player::new(&before, &[]);
        player.play(&history(&mut rng));
        for record in player.shelf.records.values() {
            let once = restate(record, &before, &after);
            restated += usize::from(once.len() != record.identities.len());
            let kept = Record { identities: once.clone(), ..record.clone() };
            assert_eq!(restate(&kept, &before, &after), once, "seed {seed}");
        }
    }
    assert!(restated > 100, "{restated}");
}

#[test]
fn a_separation_needs_two_sides_of_one_profile() {
    let mut rng = Rng(7);
    let rules = configuration(&mut rng);
    let mut player = Player::new(&rules, &[]);
    while player.shelf.profiles.values().all(|profile| profile.records.len() < 2) {
        player.play(&history(&mut rng));
    }
    let profile = player.shelf.profiles.values().find(|p| p.records.len() > 1).unwrap();
    let all: BTreeSet<RecordNo> = profile.records.iter().copied().collect();
    let ask = |leaving: &BTreeSet<RecordNo>| {
        separation(profile, leaving, Stamp(1), "admin", Timestamp(0)).err()
    };
    let stranger = RecordNo(999);
    assert_eq!(ask(&BTreeSet::from([stranger])), Some(NotASeparation::Stranger(stranger)));
    assert_eq!(ask(&BTreeSet::new()), Some(NotASeparation::OneSided));
    assert_eq!(ask(&all), Some(NotASeparation::OneSided));
    assert_eq!(ask(&BTreeSet::from([profile.records[0]])), None);
}
