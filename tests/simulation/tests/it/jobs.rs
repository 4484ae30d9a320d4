//! Writes that a vendor takes in and does later.

use hub_engine::Engine;
use hub_model::{
    Direction, FaultCode, Namespace, Normaliser, Object, Pending, PendingState, Rules, RunStatus,
    SyncId, Timestamp, Trigger, Value,
};
use simulation::stage::{Stage, pair, run};

use super::{block_on, mapping};

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

/// A shop that tells, and a sender that tells and listens, in its own time.
fn stage() -> Stage {
    let shop = vec![
        pair("email", Direction::ToProfile, Some("email")),
        pair("name", Direction::ToProfile, None),
    ];
    let mail =
        vec![pair("email", Direction::Both, Some("email")), pair("name", Direction::Both, None)];
    let namespaces = vec![Namespace::new("email", Normaliser::Email)];
    let mappings = vec![mapping("shop", shop), mapping("mail", mail)];
    let stage = Stage::new(Rules::new("default".into(), namespaces, mappings), NOW);
    stage.table("shop").put("1", &[("email", "ana@x.fr"), ("name", "Ana")]);
    stage.table("mail").jobs = true;
    stage
}

async fn open(stage: &Stage) -> Vec<Pending> {
    let ever = Timestamp(i64::MAX);
    stage.store.pending(&SyncId::new("mail"), ever, usize::MAX).await.expect("answers")
}

/// Ticks until nothing runs.
async fn tick(engine: &Engine) {
    engine.tick().await.expect("the store answers");
    while engine.status().iter().any(|sync| sync.running.is_some()) {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_job_is_asked_for_across_a_restart_until_it_has_ended() {
    block_on(async {
        let stage = stage();
        stage.table("mail").is_busy = true;
        let engine = stage.open().await;
        run(&engine, "shop").await;
        let ran = run(&engine, "mail").await;
        assert_eq!((ran.counts.accepted, ran.counts.created), (1, 0));
        assert!(open(&stage).await[0].job().is_some());

        // Nothing is sent twice while it is under way, and the waits grow.
        let mut polls = Vec::new();
        let mut engine = engine;
        for _ in 0..5 {
            let due = open(&stage).await[0].due;
            stage.clock.set(due.plus_seconds(-1));
            let calls = stage.table("mail").calls;
            tick(&engine).await;
            assert_eq!(stage.table("mail").calls, calls, "too early");
            drop(engine);
            engine = stage.open().await;
            stage.clock.set(due);
            tick(&engine).await;
            let run =
                stage.store.runs(Some(&SyncId::new("mail")), 1).await.expect("answers").remove(0);
            assert_eq!((run.trigger, run.status), (Trigger::Resumed, RunStatus::Succeeded));
            polls.push((open(&stage).await[0].due.0 - due.0) / 1_000_000);
            assert_eq!(stage.table("mail").rows.len(), 0);
        }
        assert_eq!(polls, [30, 60, 120, 240, 480]);

        stage.table("mail").is_busy = false;
        stage.clock.set(open(&stage).await[0].due);
        tick(&engine).await;
        let last =
            stage.store.runs(Some(&SyncId::new("mail")), 1).await.expect("answers").remove(0);
        assert_eq!(last.counts.created, 1);
        assert_eq!(run(&engine, "mail").await.counts.writes, 0);
        assert!(open(&stage).await.is_empty());
        let table = stage.table("mail");
        assert_eq!((table.writes.len(), table.rows.len()), (1, 1));
    });
}

/// The vendor's form of what a job wrote is neither written again nor read as a word
/// of the vendor's own.
#[test]
fn what_a_job_wrote_is_known_again_in_the_vendors_form() {
    block_on(async {
        let stage = stage();
        let upper = |row: &mut Object| {
            if let Some(Value::Text(name)) = row.get("name") {
                let name = Value::text(name.to_uppercase());
                row.insert("name".into(), name);
            }
        };
        stage.table("mail").form = Some(upper);
        stage.table("mail").put("k", &[("email", "ana@x.fr"), ("name", "BEA")]);
        let engine = stage.open().await;
        run(&engine, "mail").await;
        run(&engine, "shop").await;
        let ran = run(&engine, "mail").await;
        assert_eq!(ran.counts.accepted, 1, "the newest name is Ana");

        // It is done before anybody asks: its row is read and says nothing new.
        stage.table("mail").put("k", &[("email", "ana@x.fr"), ("name", "ANA")]);
        stage.table("mail").is_busy = true;
        stage.clock.set(NOW.plus_seconds(600));
        assert_eq!(run(&engine, "mail").await.counts.changed, 0, "our own value in its form");

        stage.table("mail").is_busy = false;
        stage.clock.set(NOW.plus_seconds(6_000));
        let ended = run(&engine, "mail").await;
        assert_eq!((ended.counts.updated, ended.counts.writes, ended.counts.changed), (1, 0, 0));
        assert_eq!(run(&engine, "mail").await.counts.writes, 0);
        let profile = stage.store.scan_profiles(None, 1).await.expect("answers").remove(0);
        assert_eq!(profile.traits["name"].value, Value::text("Ana"));
    });
}

/// A job that never ends is given up after a day: then its rows are looked for.
#[test]
fn a_job_that_never_ends_is_given_up() {
    block_on(async {
        let stage = stage();
        stage.table("mail").is_busy = true;
        let engine = stage.open().await;
        run(&engine, "shop").await;
        run(&engine, "mail").await;
        stage.clock.set(NOW.plus_seconds(86_400 + 60));
        let ran = run(&engine, "mail").await;
        assert_eq!(ran.counts.accepted, 0, "its row may have been made a moment ago");
        stage.clock.set(NOW.plus_seconds(86_400 + 180));
        let ran = run(&engine, "mail").await;
        assert_eq!(ran.counts.accepted, 1, "asked for anew, with the same key");
        stage.table("mail").is_busy = false;
        stage.clock.set(NOW.plus_seconds(86_400 + 6_000));
        assert_eq!(run(&engine, "mail").await.counts.created, 1);
        assert_eq!(stage.table("mail").rows.len(), 1);
    });
}

/// One bad item of a job that fails whole is found by asking for each alone.
#[test]
fn one_bad_item_of_a_job_is_rejected_alone() {
    block_on(async {
        let stage = stage();
        for (key, name) in [("2", "bad"), ("3", "Eva")] {
            stage.table("shop").put(key, &[("email", &format!("{name}@x.fr")), ("name", name)]);
        }
        stage.table("mail").refuses = Some(|row| row.get("name") == Some(&Value::text("bad")));
        let engine = stage.open().await;
        run(&engine, "shop").await;
        assert_eq!(run(&engine, "mail").await.counts.accepted, 3);
        for minutes in 1..6 {
            stage.clock.set(NOW.plus_seconds(minutes * 600));
            run(&engine, "mail").await;
        }
        let waiting = open(&stage).await;
        assert_eq!(waiting.len(), 1, "{waiting:?}");
        assert_eq!(waiting[0].state, PendingState::Rejected);
        assert_eq!(waiting[0].fault.as_ref().map(|fault| fault.code), Some(FaultCode::Rejected));
        assert_eq!(stage.table("mail").rows.len(), 2);
    });
}

/// Who only counts is believed as far as its rows show, and the run says so.
#[test]
fn counts_are_recorded_as_counts() {
    block_on(async {
        let stage = stage();
        stage.table("mail").jobs = false;
        stage.table("mail").counts = true;
        let engine = stage.open().await;
        run(&engine, "shop").await;
        let ran = run(&engine, "mail").await;
        let counts = ran.counts;
        assert_eq!((counts.counted, counts.counted_invalid, counts.created), (1, 0, 0));
        assert_eq!(run(&engine, "mail").await.counts.writes, 0, "its row was found");
        assert_eq!(stage.table("mail").rows.len(), 1);
    });
}

/// Of a batch of which some were refused nobody says which: what does not show goes
/// once more alone, and then it is known.
#[test]
fn a_count_of_one_says_which_was_refused() {
    block_on(async {
        let stage = stage();
        for (key, name) in [("2", "bad"), ("3", "Eva")] {
            stage.table("shop").put(key, &[("email", &format!("{name}@x.fr")), ("name", name)]);
        }
        stage.table("mail").jobs = false;
        stage.table("mail").counts = true;
        stage.table("mail").refuses = Some(|row| row.get("name") == Some(&Value::text("bad")));
        let engine = stage.open().await;
        run(&engine, "shop").await;
        let counts = run(&engine, "mail").await.counts;
        assert_eq!((counts.counted, counts.counted_invalid, counts.rejected), (3, 1, 0));
        for minutes in 1..4 {
            stage.clock.set(NOW.plus_seconds(minutes * 600));
            run(&engine, "mail").await;
        }
        let waiting = open(&stage).await;
        assert_eq!(waiting.len(), 1, "{waiting:?}");
        assert_eq!(waiting[0].state, PendingState::Rejected);
        assert_eq!(stage.table("mail").rows.len(), 2, "nothing was made twice");
    });
}

/// What changed while a job was under way goes out although the job is refused.
#[test]
fn a_refused_job_does_not_keep_what_came_after_it() {
    block_on(async {
        let stage = stage();
        stage.table("mail").put("k", &[("email", "ana@x.fr"), ("name", "Ana")]);
        stage.table("mail").refuses = Some(|row| row.get("name") == Some(&Value::text("bad")));
        stage.table("mail").is_busy = true;
        let engine = stage.open().await;
        let mut accepted = 0;
        for name in ["Ana", "bad", "Eva"] {
            stage.table("shop").put("1", &[("email", "ana@x.fr"), ("name", name)]);
            run(&engine, "shop").await;
            accepted += run(&engine, "mail").await.counts.accepted;
        }
        assert_eq!(accepted, 1, "one at a time");
        stage.table("mail").is_busy = false;
        for minutes in 1..4 {
            stage.clock.set(NOW.plus_seconds(minutes * 600));
            run(&engine, "mail").await;
        }
        assert_eq!(open(&stage).await, []);
        assert_eq!(stage.table("mail").rows["k"]["name"], Value::text("Eva"));
    });
}
