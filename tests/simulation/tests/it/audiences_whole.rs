//! Audiences as a whole: what is done to them at the platform, behind the hub's back, is
//! mended when everybody is brought in anew; and one that nobody is meant to be in any
//! more ends empty and deleted, but never unasked.

use std::collections::BTreeSet;
use std::sync::Arc;

use hub_engine::{Engine, Env as _};
use hub_model::{Answer, FaultCode, Guards, Run, SyncId, Timestamp};
use hub_schedule::Schedule;
use hub_store::MemoryStore;
use plugin_api::MemberChange;
use simulation::crash::{Fuse, MortalStore};
use simulation::dice::Dice;
use simulation::stage::{Stage, run};

use super::audiences::{HOUR_SECONDS, TITLE, TOWNS, names, rules, wanted};
use super::block_on;
use super::segments::{customer, happen, start};

/// Runs in which nothing differs.
const QUIET_RUNS: usize = 20;

/// Somebody is taken out or brought in by hand.
fn meddle(stage: &Stage, dice: &mut Dice, step: usize) {
    let there = names(stage);
    let mut platform = stage.platform("ads");
    match dice.percent(50) && !there.is_empty() {
        true => {
            let one: &String = dice.pick(&there);
            platform.edit(TITLE, MemberChange::Remove, "email", one);
        }
        false => {
            let stranger = format!("stranger{step}@x.fr");
            platform.edit(TITLE, MemberChange::Add, "email", &stranger);
        }
    }
}

#[test]
fn what_is_done_by_hand_is_mended_when_everybody_is_brought_in_anew() {
    block_on(async {
        let (mut meddled, mut mended, mut deaths) = (0, 0, 0);
        for seed in 0..TOWNS {
            let mut dice = Dice::new(seed ^ 0x3e7);
            let body = Arc::new(MemoryStore::default());
            let fuse = Arc::new(Fuse::endless());
            let mut stage = Stage::over(Arc::clone(&body), rules(), start());
            stage.reconcile = Some(Schedule::parse("every 6h", "UTC").unwrap());
            stage.store = Arc::new(MortalStore::new(Arc::clone(&body), Arc::clone(&fuse)));
            for step in 0..40 {
                fuse.set(i64::MAX);
                stage.platform("ads").trouble(30, seed * 1_000 + step);
                let engine = stage.open().await;
                let step = usize::try_from(step).unwrap();
                happen(&mut stage, &engine, &mut dice, step).await;
                if dice.percent(30) {
                    meddle(&stage, &mut dice, step);
                    meddled += 1;
                }
                if dice.percent(30) {
                    fuse.set(1 + i64::try_from(dice.below(15)).unwrap());
                }
                let sync = *dice.pick(&["crm", "site", "ads", "ads"]);
                let _ = engine.run_once(&SyncId::new(sync)).await;
                let _ = engine.tend().await;
                deaths += u32::from(fuse.is_burnt());
                if !dice.percent(15) {
                    continue;
                }
                fuse.set(i64::MAX);
                stage.platform("ads").trouble(0, 0);
                let engine = stage.open().await;
                for _ in 0..6 {
                    stage.clock.set(stage.clock.now().plus_seconds(2 * HOUR_SECONDS));
                    engine.tend().await.unwrap();
                    let _ = engine.run_once(&SyncId::new("ads")).await;
                }
                let wanted = wanted(&stage, &engine, &body).await;
                let found: BTreeSet<String> = names(&stage).into_iter().collect();
                assert_eq!(found, wanted, "seed {seed}, step {step}");
                mended += wanted.len();
                quiet(&stage, &engine).await;
            }
        }
        let seen = meddled > 100 && mended > 100 && deaths > 50;
        assert!(seen, "{meddled} by hand, {mended} members, {deaths} deaths");
    });
}

/// Until everybody is due again nothing is said.
async fn quiet(stage: &Stage, engine: &Engine) {
    let before = stage.platform("ads").writes;
    for _ in 0..QUIET_RUNS {
        assert_eq!(run(engine, "ads").await.counts.writes, 0);
    }
    assert_eq!(stage.platform("ads").writes, before);
}

/// A town whose audience has three members.
async fn filled() -> Stage {
    let stage = Stage::new(rules(), start());
    let engine = stage.open().await;
    for (key, email) in [("1", "ana@x.fr"), ("2", "bob@x.fr"), ("3", "eva@x.fr")] {
        customer(&stage, key, [email, "customer", "", "yes"]);
    }
    run(&engine, "crm").await;
    run(&engine, "ads").await;
    assert_eq!(names(&stage).len(), 3);
    stage
}

/// The same, and its segment is gone.
async fn closing() -> Stage {
    let mut stage = filled().await;
    stage.rules.segments.retain(|segment| &*segment.name != "customers");
    let ads = stage.rules.mappings.iter_mut().find(|mapping| mapping.audience).unwrap();
    ads.segment = None;
    stage
}

async fn approve(engine: &Engine, held: &Run) -> Run {
    let answer = Answer { approved: true, by: "eva".to_owned(), at: Timestamp(7) };
    engine.answer(&held.id, answer).await.unwrap()
}

#[test]
fn an_audience_whose_segment_goes_is_emptied_and_deleted_once_that_is_approved() {
    block_on(async {
        let mut stage = closing().await;
        stage.guards = Guards { deletes_max: 1, ..Guards::default() };
        let engine = stage.open().await;
        let held = engine.run_once(&SyncId::new("ads")).await.unwrap();
        assert_eq!(held.fault.as_ref().map(|fault| fault.code), Some(FaultCode::Held));
        assert_eq!(names(&stage).len(), 3, "nobody is taken out unasked");
        approve(&engine, &held).await;
        let ended = run(&engine, "ads").await;
        assert_eq!((ended.counts.removed, names(&stage)), (3, vec![]));
        assert!(!stage.platform("ads").has(TITLE), "nobody needs it any more");
        assert_eq!(engine.forgotten_audiences().await.unwrap(), [].into());

        // What somebody makes there under the same name is his.
        stage.platform("ads").edit(TITLE, MemberChange::Add, "email", "his@x.fr");
        let writes = stage.platform("ads").writes;
        for _ in 0..QUIET_RUNS {
            assert_eq!(run(&engine, "ads").await.counts.writes, 0);
        }
        assert_eq!(
            (names(&stage), stage.platform("ads").writes),
            (vec!["his@x.fr".into()], writes)
        );

        // It is for somebody again.
        stage.rules = rules();
        let engine = stage.open().await;
        run(&engine, "ads").await;
        assert_eq!(names(&stage).len(), 4);
        assert_eq!(stage.store.verify().await, Ok(vec![]));
    });
}

#[test]
fn an_audience_that_cannot_be_deleted_is_left_empty() {
    block_on(async {
        let stage = closing().await;
        stage.platform("ads").keeps_containers = true;
        let engine = stage.open().await;
        run(&engine, "ads").await;
        run(&engine, "ads").await;
        assert_eq!((names(&stage), stage.platform("ads").has(TITLE)), (vec![], true));
    });
}

#[test]
fn an_audience_whose_sync_goes_is_not_forgotten_silently() {
    block_on(async {
        let mut stage = filled().await;
        let mappings = stage.rules.mappings.clone();
        stage.rules.mappings.retain(|mapping| !mapping.audience);
        let engine = stage.open().await;
        let forgotten = engine.forgotten_audiences().await.unwrap();
        assert_eq!(forgotten, [(SyncId::new("ads"), format!("ads/{TITLE}"))].into());
        // It comes back to be closed.
        stage.rules.mappings = mappings;
        stage.rules.mappings.last_mut().unwrap().segment = None;
        let engine = stage.open().await;
        assert_eq!(engine.forgotten_audiences().await.unwrap(), [].into());
        run(&engine, "ads").await;
        assert!(!stage.platform("ads").has(TITLE));
    });
}
