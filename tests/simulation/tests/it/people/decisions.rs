//! Decisions through the engine, over random towns, with rows that change and
//! are read again in between.

use std::collections::BTreeSet;
use std::sync::Arc;

use hub_engine::people::decide::{self, Ask};
use hub_engine::people::{PeopleError, reviews};
use hub_model::{Profile, ProfileId, RecordNo};
use hub_store::Store;
use simulation::crash::{Fuse, MortalStore};
use simulation::dice::Dice;

use super::town::{Town, drawn_rules, rules};

/// Towns in the ordinary tests, or what `LIAISON_CASES` says. Each is its own seed.
fn towns(usual: u64) -> u64 {
    let told = std::env::var("LIAISON_CASES").ok();
    told.map_or(usual, |told| told.parse().expect("a number of cases"))
}

/// Two profiles of one kind.
fn two<'a>(profiles: &[&'a Profile], dice: &mut Dice) -> Option<(&'a Profile, &'a Profile)> {
    if profiles.len() < 2 {
        return None;
    }
    let (a, b) = (dice.below(profiles.len()), dice.below(profiles.len()));
    (a != b).then(|| (profiles[a], profiles[b]))
}

/// Any sequence of edits, reads and decisions leaves the store as all facts
/// together make it, with every id leading to whoever has its record.
#[tokio::test]
async fn any_history_of_decisions_is_what_its_facts_make() {
    let (mut merged, mut separated, mut refused) = (0, 0, 0);
    for seed in 0..towns(300) {
        let mut dice = Dice::new(seed);
        let town = Town::new(drawn_rules(&mut dice));
        let mut engine = town.open().await;
        let mut ids = BTreeSet::new();
        for step in 0..25 {
            let place = format!("seed {seed} step {step}");
            let profiles = town.profiles().await;
            let profiles: Vec<&Profile> = profiles.values().collect();
            match dice.below(100) {
                0..55 => {
                    for _ in 0..=dice.below(3) {
                        town.stir(&mut dice);
                    }
                    town.read_all(&engine).await;
                }
                55..70 => {
                    let Some((a, b)) = two(&profiles, &mut dice) else { continue };
                    decide::apply(engine.workspace(), &Ask::Merge(a.id, b.id), "x").await.unwrap();
                    merged += 1;
                    let found = town.store.profiles(&[a.id, b.id]).await.unwrap();
                    assert_eq!(found[0], found[1], "{place}");
                }
                70..78 => {
                    let Some((a, b)) = two(&profiles, &mut dice) else { continue };
                    decide::apply(engine.workspace(), &Ask::Refuse(a.id, b.id), "x").await.unwrap();
                    refused += 1;
                }
                78..95 => {
                    let large: Vec<&&Profile> =
                        profiles.iter().filter(|p| p.records.len() > 1).collect();
                    if large.is_empty() {
                        continue;
                    }
                    let profile = large[dice.below(large.len())];
                    let leaving: BTreeSet<RecordNo> =
                        profile.records.iter().copied().filter(|_| dice.percent(50)).collect();
                    let ask = Ask::Separate(profile.id, leaving.clone());
                    match decide::apply(engine.workspace(), &ask, "x").await {
                        Ok(outcome) => {
                            separated += 1;
                            assert!(outcome.after.len() > 1, "{place}");
                        }
                        Err(PeopleError::NotASeparation(_)) => {}
                        Err(error) => panic!("{place}: {error}"),
                    }
                }
                _ => engine = town.open().await,
            }
            town.check(&mut ids, &place).await;
        }
    }
    let towns = towns(300);
    let enough = merged > towns && separated > towns && refused > towns / 2;
    assert!(enough, "{merged} {separated} {refused} in {towns} towns");
}

/// unmerge(merge(a, b)) gives a and b back to the letter, by naming who was
/// joined or which records leave; and reading every row again changes nothing.
#[tokio::test]
async fn a_merge_by_mistake_is_taken_back_to_the_letter() {
    let (mut named, mut listed) = (0, 0);
    for seed in 0..towns(300) {
        let mut dice = Dice::new(seed);
        let town = Town::new(drawn_rules(&mut dice));
        let engine = town.open().await;
        for _ in 0..3 {
            for _ in 0..4 {
                town.stir(&mut dice);
            }
            town.read_all(&engine).await;
        }
        let before = town.profiles().await;
        let all: Vec<&Profile> = before.values().collect();
        let Some((a, b)) = two(&all, &mut dice) else { continue };
        let (low, high) = (a.id.min(b.id), a.id.max(b.id));
        let workspace = engine.workspace();
        let merge = Ask::Merge(a.id, b.id);
        let planned = decide::preview(workspace, &merge).await.unwrap();
        assert_eq!(town.profiles().await, before, "seed {seed}: a preview changes nothing");
        let done = decide::apply(workspace, &merge, "admin").await.unwrap();
        assert_eq!(planned.after, done.after, "seed {seed}");
        let merged = town.profiles().await;
        assert!(!merged.contains_key(&high), "seed {seed}");
        assert_eq!(merged[&low].records.len(), a.records.len() + b.records.len(), "seed {seed}");
        town.read_all(&engine).await;
        assert_eq!(town.profiles().await, merged, "seed {seed}: read again, still one");

        let undone = decide::apply(workspace, &Ask::Undo(low, high), "admin").await;
        match undone {
            Ok(_) => named += 1,
            // The rules have come to join them as well: then they are told apart
            // by their records.
            Err(PeopleError::NotByHand(_)) => {
                let leaving = before[&high].records.iter().copied().collect();
                decide::apply(workspace, &Ask::Separate(low, leaving), "admin").await.unwrap();
                listed += 1;
            }
            Err(error) => panic!("seed {seed}: {error}"),
        }
        assert_eq!(town.profiles().await, before, "seed {seed}");
        for _ in 0..2 {
            town.read_all(&engine).await;
            assert_eq!(town.profiles().await, before, "seed {seed}: read again, still two");
        }
        let again = town.open().await;
        town.read_all(&again).await;
        assert_eq!(town.profiles().await, before, "seed {seed}: after a start, still two");
        town.check(&mut BTreeSet::new(), &format!("seed {seed}")).await;
    }
    assert!(named > towns(300) / 2, "{named} {listed}");
}

/// Conflicts of trusted keys are listed with both sides, settled by a person, and
/// stay settled.
#[tokio::test]
async fn a_conflict_is_reported_until_somebody_settles_it() {
    let mut rules = rules();
    // The number is heard before the address, so that it can contradict it.
    rules.namespaces[1].values_per_profile_max = 1;
    for mapping in &mut rules.mappings {
        mapping.fields.swap(0, 1);
    }
    let town = Town::new(rules);
    // One address, two customer numbers.
    for (key, code) in [("1", "c1"), ("2", "c2"), ("3", "c3")] {
        town.show(0, key, ["info", code, "", ""]);
    }
    let engine = town.open().await;
    town.read_all(&engine).await;
    let workspace = engine.workspace();
    let open = reviews::list(workspace, false, 10).await.unwrap();
    let shown: BTreeSet<(String, String, u32)> =
        open.iter().map(|r| (r.identity.to_string(), r.reason.clone(), r.carriers)).collect();
    assert_eq!(shown, BTreeSet::from([("email:info".into(), "cardinality".into(), 3)]));
    let sides: BTreeSet<ProfileId> = open.iter().flat_map(|r| [r.left.id, r.right.id]).collect();
    assert_eq!(sides.len(), 3);

    let (one, two, three) = (ProfileId(1), ProfileId(2), ProfileId(3));
    decide::apply(workspace, &Ask::Merge(one, two), "admin").await.unwrap();
    decide::apply(workspace, &Ask::Refuse(one, three), "admin").await.unwrap();
    assert_eq!(reviews::list(workspace, false, 10).await.unwrap(), []);
    let all = reviews::list(workspace, true, 10).await.unwrap();
    let settled: BTreeSet<&str> = all.iter().map(|r| r.settled.as_str()).collect();
    assert_eq!(settled, BTreeSet::from(["joined", "refused"]));
    let engine = town.open().await;
    town.show(0, "3", ["info", "c1", "", ""]);
    town.read_all(&engine).await;
    assert_eq!(reviews::list(engine.workspace(), false, 10).await.unwrap(), []);
    let profiles = town.profiles().await;
    assert_eq!(profiles.keys().copied().collect::<Vec<_>>(), [one, three]);
    let authors = town.store.decisions().await.unwrap();
    assert!(authors.iter().all(|decision| decision.author == "admin" && decision.at.0 > 0));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let town = Town::new(rules());
    town.show(0, "1", ["a", "", "", ""]);
    town.show(1, "2", ["b", "", "", ""]);
    let engine = town.open().await;
    town.read_all(&engine).await;
    let workspace = engine.workspace();
    let (one, two, none) = (ProfileId(1), ProfileId(2), ProfileId(9));
    let seq = town.store.stats().await.unwrap().seq;
    for (ask, refusal) in [
        (Ask::Merge(one, one), PeopleError::OneAlready(one)),
        (Ask::Merge(one, none), PeopleError::NoProfile(none)),
        (Ask::Undo(one, two), PeopleError::TwoAlready(one, two)),
        (Ask::Undo(one, one), PeopleError::NotByHand(RecordNo(1))),
    ] {
        assert_eq!(decide::apply(workspace, &ask, "x").await, Err(refusal), "{ask:?}");
    }
    let nobody = Ask::Separate(one, BTreeSet::new());
    let refused = decide::apply(workspace, &nobody, "x").await;
    assert!(matches!(refused, Err(PeopleError::NotASeparation(_))), "{refused:?}");
    assert_eq!(town.store.stats().await.unwrap().seq, seq);
}

/// A separation that does not fit one commit, cut off after each of its effects,
/// is carried to its end by the next start.
#[tokio::test]
async fn a_large_separation_is_ended_by_the_next_start() {
    let mut rules = rules();
    for namespace in &mut rules.namespaces {
        namespace.records_per_value_max = 10_000;
        namespace.values_per_profile_max = 10_000;
    }
    let mut town = Town::new(rules);
    town.page_rows = 200;
    for key in 0..150 {
        town.show(key % 3, &format!("{key:04}"), ["one", "", "", &"x".repeat(20_000)]);
    }
    let engine = town.open().await;
    town.read_all(&engine).await;
    let whole = town.profiles().await;
    assert_eq!(whole.len(), 1);
    let leaving: BTreeSet<RecordNo> =
        whole[&ProfileId(1)].records.iter().skip(40).copied().collect();
    let ask = Ask::Separate(ProfileId(1), leaving.clone());
    let start = town.store.snapshot();
    let mut cut_off = 0;
    for effects in 1.. {
        town.store.restore(&start);
        let fuse = Arc::new(Fuse::endless());
        let mortal = MortalStore::new(town.store.clone(), fuse.clone());
        let engine = town.start(Arc::new(mortal)).await.unwrap();
        fuse.set(effects);
        let decided = decide::apply(engine.workspace(), &ask, "x").await;
        let known = !town.store.decisions().await.unwrap().is_empty();
        let engine = town.open().await;
        town.check(&mut BTreeSet::new(), &format!("{effects} effects")).await;
        let parts = town.profiles().await;
        assert_eq!(parts.len(), if known { 2 } else { 1 }, "{effects} effects");
        if decided.is_ok() {
            town.read_all(&engine).await;
            assert_eq!(town.profiles().await, parts, "{effects} effects");
            break;
        }
        cut_off += 1;
    }
    assert!(cut_off > 4, "it was one commit: {cut_off}");
}
