//! Other rules: what they would do is what they do, and what they do is what a
//! rebuild from all facts makes, whenever the process dies.

use std::collections::BTreeSet;
use std::sync::Arc;

use hub_core::identity::preview::{Facts, preview};
use hub_core::identity::rebuild::rebuild;
use hub_core::identity::restate;
use hub_engine::people::recast;
use hub_model::{Normaliser, Record, Rules};
use hub_store::Store;
use simulation::crash::{Fuse, MortalStore};
use simulation::dice::Dice;

use super::town::{Town, drawn_rules, rules};

/// Other limits, another form, another field that names people.
fn changed(dice: &mut Dice) -> Rules {
    let mut rules = drawn_rules(dice);
    for namespace in &mut rules.namespaces {
        if dice.percent(30) {
            namespace.never = vec!["a".to_owned()];
        }
        if dice.percent(30) {
            namespace.trusted = !namespace.trusted;
        }
        if dice.percent(20) {
            namespace.normaliser = Normaliser::Code;
        }
    }
    for mapping in &mut rules.mappings {
        for pair in &mut mapping.fields {
            if dice.percent(15) {
                pair.identity = Some((*dice.pick(&["email", "code", "cookie"])).into());
            }
        }
    }
    rules
}

async fn stirred(dice: &mut Dice) -> Town {
    let town = Town::new(drawn_rules(dice));
    let engine = town.open().await;
    for _ in 0..4 {
        for _ in 0..4 {
            town.stir(dice);
        }
        town.read_all(&engine).await;
    }
    town
}

fn restated(records: &[Record], before: &Rules, after: &Rules) -> Vec<Record> {
    let anew = |r: &Record| Record { identities: restate(r, before, after), ..r.clone() };
    records.iter().map(anew).collect()
}

#[tokio::test]
async fn what_is_shown_is_what_is_done_and_what_a_rebuild_makes() {
    let (mut merges, mut splits) = (0, 0);
    let told = std::env::var("LIAISON_CASES").ok();
    let cases: usize = told.map_or(300, |told| told.parse().expect("a number of cases"));
    for seed in 0..cases {
        let mut dice = Dice::new(seed as u64);
        let mut town = stirred(&mut dice).await;
        let (before, after) = (town.rules.clone(), changed(&mut dice));
        let (records, profiles) = (town.records().await, town.profiles().await);
        let engine = town.open().await;
        let shown = recast::preview(engine.workspace(), &after).await.unwrap();
        assert_eq!(town.profiles().await, profiles, "seed {seed}: a preview changes nothing");
        let facts = |rules| Facts { decisions: &[], rules };
        let mut expected = preview(&records, facts(&before), facts(&after));
        expected.splits.sort_by_key(|split| split.profile);
        let mut sorted = shown.clone();
        sorted.splits.sort_by_key(|split| split.profile);
        sorted.merges.sort_by_key(|merge| merge.into);
        assert_eq!(sorted, expected, "seed {seed}");
        merges += shown.merges.len();
        splits += shown.splits.len();

        town.rules = after.clone();
        let engine = town.open().await;
        let scratch = rebuild(restated(&records, &before, &after), &[], &after);
        assert_eq!(town.profiles().await, scratch.profiles, "seed {seed}");
        let mut ids = profiles.keys().copied().collect();
        town.check(&mut ids, &format!("seed {seed}")).await;
        // The rows say the same again; then life goes on.
        town.read_all(&engine).await;
        town.check(&mut ids, &format!("seed {seed}, read again")).await;
        town.stir(&mut dice);
        town.read_all(&engine).await;
        town.check(&mut ids, &format!("seed {seed}, later")).await;
        let again = recast::apply(engine.workspace()).await.unwrap();
        assert!(!again.changed, "seed {seed}");
    }
    assert!(merges > cases / 2 && splits > cases / 2, "{merges} {splits} in {cases} towns");
}

/// Cut off after each effect, and cut off again with still other rules, the work
/// is ended by the next start.
#[tokio::test]
async fn a_change_of_rules_survives_every_crash() {
    let mut cut_off = 0;
    for seed in 0..12 {
        let mut dice = Dice::new(seed);
        let mut town = stirred(&mut dice).await;
        let (before, after, third) = (town.rules.clone(), changed(&mut dice), changed(&mut dice));
        let records = town.records().await;
        let ids: BTreeSet<_> = town.profiles().await.into_keys().collect();
        let scratch = rebuild(restated(&records, &before, &after), &[], &after);
        let start = town.store.snapshot();
        for effects in 1.. {
            town.store.restore(&start);
            town.rules = after.clone();
            let fuse = Arc::new(Fuse::endless());
            fuse.set(effects);
            let mortal = MortalStore::new(town.store.clone(), fuse.clone());
            let died = town.start(Arc::new(mortal)).await.is_err();
            let dead = town.store.snapshot();
            let place = format!("seed {seed}, {effects} effects");
            town.open().await;
            assert_eq!(town.profiles().await, scratch.profiles, "{place}");
            town.check(&mut ids.clone(), &place).await;

            // The rules are edited once more before the start that would end it.
            town.store.restore(&dead);
            town.rules = third.clone();
            town.open().await;
            town.check(&mut ids.clone(), &format!("{place}, other rules")).await;
            if !died {
                break;
            }
            cut_off += 1;
        }
    }
    assert!(cut_off > 40, "{cut_off}");
}

/// Of a change that bears on nobody's identity nothing is replayed, and still
/// every profile follows it.
#[tokio::test]
async fn a_trait_that_is_renamed_is_renamed_in_every_profile() {
    let mut town = Town::new(rules());
    for key in 0..9 {
        town.show(key % 3, &key.to_string(), [&key.to_string(), "", "", "Ana"]);
    }
    let engine = town.open().await;
    town.read_all(&engine).await;
    for mapping in &mut town.rules.mappings {
        mapping.fields[3].to = "called".into();
    }
    town.open().await;
    for profile in town.profiles().await.values() {
        assert!(profile.traits.contains_key("called") && !profile.traits.contains_key("name"));
    }
    let log = town.store.log(hub_model::CommitSeq(0), usize::MAX).await.unwrap();
    assert!(log.changes.len() >= 18, "followers hear of it");
}
