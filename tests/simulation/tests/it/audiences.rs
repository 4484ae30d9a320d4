//! Members of a segment in an audience of an ad platform: exactly those who are meant
//! and consent, whatever fails on the way.
//!
//! `LIAISON_CASES` says how many random towns; 40 in the ordinary tests.

use std::collections::BTreeSet;
use std::sync::Arc;

use hub_engine::people::decide::{self, Ask};
use hub_engine::{Engine, Env, audience};
use hub_model::{Direction, FieldName, Identity, Mapping, Rules, StreamRef, SyncId};
use hub_store::MemoryStore;
use simulation::crash::{Fuse, MortalStore};
use simulation::dice::Dice;
use simulation::stage::{Stage, pair, run};

use super::block_on;
use super::segments::{customer, happen, segments, start};

pub(super) const TOWNS: u64 = 40;
/// Towns beyond those that came to something else once.
const ONCE_FAILED: [u64; 12] = [61, 76, 213, 223, 231, 232, 272, 288, 323, 338, 366, 398];
pub(super) const TITLE: &str = "Our customers";
pub(super) const HOUR_SECONDS: i64 = 3_600;

pub(super) fn rules() -> Rules {
    let mut rules = super::segments::rules(segments(5));
    let stream = StreamRef::new("default", "ads", TITLE);
    let mut ads = Mapping::new(SyncId::new("ads"), stream);
    ads.segment = Some("customers".into());
    ads.audience = true;
    ads.fields = vec![pair("email", Direction::ToSystem, None)];
    ads.matching = vec![FieldName::new("email")];
    rules.mappings.push(ads);
    rules
}

pub(super) fn names(stage: &Stage) -> Vec<String> {
    stage.platform("ads").names(TITLE)
}

#[test]
fn members_come_and_go_and_change() {
    block_on(async {
        let stage = Stage::new(rules(), start());
        let engine = stage.open().await;
        customer(&stage, "1", ["ana@x.fr", "customer", "", "yes"]);
        customer(&stage, "2", ["bob@x.fr", "customer", "", "no"]);
        customer(&stage, "3", ["eva@x.fr", "lead", "", "yes"]);
        run(&engine, "crm").await;
        let brought = run(&engine, "ads").await;
        assert_eq!((names(&stage), brought.counts.writes), (vec!["ana@x.fr".to_owned()], 1));
        // Nothing has changed: nothing is said.
        let writes = stage.platform("ads").writes;
        assert_eq!(run(&engine, "ads").await.counts.writes, 0);
        assert_eq!(stage.platform("ads").writes, writes);
        // One enters, one withdraws, one has another address.
        customer(&stage, "3", ["eva@x.fr", "customer", "", "yes"]);
        run(&engine, "crm").await;
        run(&engine, "ads").await;
        assert_eq!(names(&stage), ["ana@x.fr", "eva@x.fr"]);
        customer(&stage, "1", ["ana@x.fr", "customer", "", "no"]);
        customer(&stage, "3", ["eve@x.fr", "customer", "", "yes"]);
        run(&engine, "crm").await;
        run(&engine, "ads").await;
        assert_eq!(names(&stage), ["eve@x.fr"]);
        // Who comes back is brought back.
        customer(&stage, "1", ["ana@x.fr", "customer", "", "yes"]);
        run(&engine, "crm").await;
        run(&engine, "ads").await;
        assert_eq!(names(&stage), ["ana@x.fr", "eve@x.fr"]);
        let erasure = engine.erase(&Identity::new("email", "ana@x.fr")).await.unwrap();
        engine.tend().await.unwrap();
        run(&engine, "ads").await;
        assert_eq!(names(&stage), ["eve@x.fr"]);
        let told = hub_engine::erasure::find(engine.workspace(), erasure.id).await.unwrap();
        assert!(told.unwrap().receipts().any(|receipt| receipt.sync == SyncId::new("ads")));
        // Nothing but time: the grant expires.
        stage.clock.set(start().plus_seconds(21 * 24 * HOUR_SECONDS));
        engine.tend().await.unwrap();
        run(&engine, "ads").await;
        assert_eq!(names(&stage), [""; 0]);
        assert_eq!(stage.store.verify().await, Ok(vec![]));
    });
}

#[test]
fn whoever_may_have_been_brought_in_is_taken_out() {
    block_on(async {
        let stage = Stage::new(rules(), start());
        let engine = stage.open().await;
        customer(&stage, "1", ["ana@x.fr", "customer", "", "yes"]);
        run(&engine, "crm").await;
        stage.platform("ads").loses_answers = true;
        let lost = engine.run_once(&SyncId::new("ads")).await.unwrap();
        assert!(lost.fault.is_some());
        assert_eq!(names(&stage), ["ana@x.fr"]);
        stage.platform("ads").loses_answers = false;
        customer(&stage, "1", ["ana@x.fr", "customer", "", "no"]);
        run(&engine, "crm").await;
        run(&engine, "ads").await;
        assert_eq!(names(&stage), [""; 0]);
    });
}

#[test]
fn what_two_have_stays_until_both_give_it_up() {
    block_on(async {
        let stage = Stage::new(rules(), start());
        let engine = stage.open().await;
        let says = |key, optin| customer(&stage, key, ["ana@x.fr", "customer", "", optin]);
        says("1", "yes");
        says("2", "yes");
        run(&engine, "crm").await;
        let ana = Identity::new("email", "ana@x.fr");
        let both = engine.workspace().profiles_of(&ana).await.unwrap().remove(0);
        let second = BTreeSet::from([both.records[1]]);
        decide::apply(engine.workspace(), &Ask::Separate(both.id, second), "x").await.unwrap();
        run(&engine, "ads").await;
        run(&engine, "ads").await;
        says("1", "no");
        run(&engine, "crm").await;
        assert_eq!(run(&engine, "ads").await.counts.writes, 1);
        assert_eq!(names(&stage), ["ana@x.fr"]);
        // One comes back while the other leaves.
        says("1", "yes");
        says("2", "no");
        run(&engine, "crm").await;
        for _ in 0..3 {
            run(&engine, "ads").await;
            stage.clock.set(stage.clock.now().plus_seconds(HOUR_SECONDS));
        }
        assert_eq!(names(&stage), ["ana@x.fr"]);
        says("1", "no");
        run(&engine, "crm").await;
        run(&engine, "ads").await;
        assert_eq!(names(&stage), [""; 0]);
    });
}

/// Who should be in the audience, judged anew.
pub(super) async fn wanted(stage: &Stage, engine: &Engine, body: &MemoryStore) -> BTreeSet<String> {
    use hub_store::Store;
    let segment = stage.rules.segment("customers").unwrap();
    let mut wanted = BTreeSet::new();
    for profile in body.scan_profiles(None, usize::MAX).await.unwrap() {
        let email = profile.traits.get("email").and_then(|found| found.value.as_text());
        let speaks = body.records(&profile.records).await.unwrap();
        let speaks = speaks
            .iter()
            .flatten()
            .any(|record| record.is_live() && record.at.stream.connection.as_str() == "crm");
        let why = audience::explain(engine.workspace(), segment, &profile).await.unwrap();
        if let (Some(email), true, true) = (email, why.member, speaks) {
            wanted.insert(email.to_owned());
        }
    }
    wanted
}

#[test]
fn an_audience_comes_to_hold_who_is_meant_whatever_fails() {
    let cases = std::env::var("LIAISON_CASES").ok().and_then(|text| text.parse().ok());
    block_on(async {
        let (mut deaths, mut seen) = (0, 0);
        for seed in (0..cases.unwrap_or(TOWNS)).chain(ONCE_FAILED) {
            let mut dice = Dice::new(seed ^ 0xad5);
            let body = Arc::new(MemoryStore::default());
            let fuse = Arc::new(Fuse::endless());
            let mut stage = Stage::over(Arc::clone(&body), rules(), start());
            stage.store = Arc::new(MortalStore::new(Arc::clone(&body), Arc::clone(&fuse)));
            for step in 0..60 {
                fuse.set(i64::MAX);
                stage.platform("ads").trouble(40, seed * 1_000 + step);
                let engine = stage.open().await;
                happen(&mut stage, &engine, &mut dice, usize::try_from(step).unwrap()).await;
                if dice.percent(40) {
                    fuse.set(1 + i64::try_from(dice.below(15)).unwrap());
                }
                let sync = *dice.pick(&["crm", "site", "ads", "ads"]);
                let _ = engine.run_once(&SyncId::new(sync)).await;
                let _ = engine.tend().await;
                deaths += u32::from(fuse.is_burnt());
                if !dice.percent(20) {
                    continue;
                }
                fuse.set(i64::MAX);
                stage.platform("ads").trouble(0, 0);
                let engine = stage.open().await;
                // What waits for its time has it then, and jobs are over.
                for _ in 0..4 {
                    stage.clock.set(stage.clock.now().plus_seconds(2 * HOUR_SECONDS));
                    engine.tend().await.unwrap();
                    let _ = engine.run_once(&SyncId::new("ads")).await;
                }
                let wanted = wanted(&stage, &engine, &body).await;
                let found: BTreeSet<String> = names(&stage).into_iter().collect();
                assert_eq!(found, wanted, "seed {seed}, step {step}");
                seen += wanted.len();
            }
        }
        assert!(deaths > 100 && seen > 100, "{deaths} deaths, {seen} members");
    });
}
