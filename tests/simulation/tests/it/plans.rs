//! Plans: what is shown is what is written, or nothing is; and what is too much
//! waits for a person.

use std::collections::BTreeMap;
use std::sync::Arc;

use hub_engine::hold::{self, AnswerRefused};
use hub_engine::{Engine, Env, PlanShown};
use hub_model::{
    Answer, Direction, FaultCode, FieldName, Guards, Mapping, Namespace, Normaliser, Object,
    PlanCounts, PlannedWrite, Rules, Run, RunStatus, StreamRef, SyncId, Timestamp, Value,
    WriteKind,
};
use hub_store::MemoryStore;
use plugin_api::Action;
use simulation::crash::{Fuse, MortalStore};
use simulation::stage::{Stage, pair, row, run};

use super::block_on;

fn mapping(id: &str, direction: Direction) -> Mapping {
    Mapping {
        fields: vec![
            pair("email", direction, Some("email")),
            pair("city", direction, None),
            pair("name", direction, None),
        ],
        matching: vec![FieldName::from("email")],
        deletes_percent_max: 100,
        ..Mapping::new(SyncId::new(id), StreamRef::new("default", id, "people"))
    }
}

/// A shop that is read, and a CRM that is kept like it.
fn stage() -> Stage {
    let mappings = vec![mapping("shop", Direction::ToProfile), mapping("crm", Direction::Both)];
    let email = Namespace::new("email", Normaliser::Email);
    let rules = Rules::new("default".into(), vec![email], mappings);
    let stage = Stage::new(rules, Timestamp::from_seconds(1_000_000));
    for (key, name) in [("1", "ana"), ("2", "bob"), ("3", "eva")] {
        let email = format!("{name}@x.fr");
        stage.table("shop").put(key, &[("email", &email), ("city", "Lyon"), ("name", name)]);
    }
    stage
        .table("crm")
        .put("c", &[("email", "ana@x.fr"), ("city", "Metz"), ("name", "ana"), ("own", "kept")]);
    stage
}

fn crm() -> SyncId {
    SyncId::new("crm")
}

/// The CRM, then the shop, so that what the shop says is newer.
async fn read(engine: &Engine) {
    let ran = engine.read_once(&crm()).await.unwrap();
    assert_eq!((ran.status, ran.counts.writes), (RunStatus::Succeeded, 0));
    run(engine, "shop").await;
}

async fn plan(engine: &Engine) -> (PlanShown, Vec<PlannedWrite>) {
    let mut writes = Vec::new();
    let shown = engine.plan(&crm(), &mut |write| writes.push(write)).await.unwrap();
    (shown, writes)
}

async fn apply(engine: &Engine, hash: &str) -> Run {
    engine.apply_once(&crm(), hash).await.unwrap()
}

/// The writes of a plan in the words of a connector: action, key and patch.
fn asked(writes: &[PlannedWrite]) -> Vec<(Action, Option<String>, Object)> {
    let one = |write: &PlannedWrite| {
        let action = match write.action {
            WriteKind::Create => Action::Create,
            WriteKind::Update => Action::Update,
            WriteKind::Delete => Action::Delete,
            WriteKind::Archive => Action::Archive,
        };
        let patch = write.fields.iter();
        let patch = patch.map(|(name, field)| (name.as_str().into(), field.after.clone()));
        (action, write.key.as_ref().map(ToString::to_string), patch.collect())
    };
    writes.iter().map(one).collect()
}

fn received(stage: &Stage) -> Vec<(Action, Option<String>, Object)> {
    let table = stage.table("crm");
    let writes = table.writes.iter();
    writes
        .map(|item| (item.action, item.key.as_ref().map(ToString::to_string), item.patch.clone()))
        .collect()
}

#[test]
fn what_is_planned_is_what_is_written() {
    block_on(async {
        let stage = stage();
        let engine = stage.open().await;
        read(&engine).await;
        let before = stage.store.stats().await.unwrap();
        let (shown, writes) = plan(&engine).await;
        assert_eq!(stage.store.stats().await.unwrap(), before, "planning keeps nothing");
        assert_eq!(shown.plan.counts, PlanCounts { creates: 2, updates: 1, deletes: 0 });
        assert_eq!(received(&stage), []);
        let city = &writes.iter().find(|write| write.key.is_some()).unwrap().fields["city"];
        assert_eq!(city.before, Some(Value::text("Metz")));
        assert_eq!(city.after, Value::text("Lyon"));
        // Page by page, it is the same.
        let mut pages = Vec::new();
        let mut after = None;
        loop {
            let (page, next) = engine.plan_page(&crm(), after, 1).await.unwrap();
            pages.extend(page);
            let Some(next) = next else { break };
            after = Some(next);
        }
        assert_eq!(pages, writes);

        let ran = apply(&engine, &shown.plan.hash).await;
        assert_eq!((ran.status, ran.fault), (RunStatus::Succeeded, None));
        assert_eq!(ran.plan.as_deref(), Some(shown.plan.hash.as_str()));
        assert_eq!(received(&stage), asked(&writes), "executed is planned");
        // Nothing is left, and the same plan is no plan any more.
        let (empty, writes) = plan(&engine).await;
        assert_eq!((empty.plan.counts, writes.len()), (PlanCounts::default(), 0));
        let again = apply(&engine, &shown.plan.hash).await;
        assert_eq!(again.fault.map(|fault| fault.code), Some(FaultCode::PlanMoved));
        for sync in ["crm", "shop", "crm"] {
            run(&engine, sync).await;
        }
        assert_eq!(received(&stage).len(), 3, "and then it is quiet");
    });
}

/// Nothing is written when anything moved, wherever it did.
#[test]
fn a_plan_that_has_moved_is_refused_before_anything_is_written() {
    type Move = (&'static str, fn(&Stage));
    let moves: [Move; 4] = [
        ("an edit in the system", |stage| {
            stage
                .table("crm")
                .rows
                .get_mut("c")
                .unwrap()
                .insert("city".into(), Value::text("Nice"));
        }),
        ("a row where one was to be created", |stage| {
            stage.table("crm").put("d", &[("email", "bob@x.fr")]);
        }),
        ("a row that is gone", |stage| {
            stage.table("crm").rows.remove("c");
        }),
        ("an edit in a source", |stage| {
            stage.table("shop").put("3", &[("email", "eva@x.fr"), ("city", "Brest")]);
        }),
    ];
    for (what, change) in moves {
        block_on(async {
            let stage = stage();
            let engine = stage.open().await;
            read(&engine).await;
            let (shown, _) = plan(&engine).await;
            change(&stage);
            run(&engine, "shop").await;
            let ran = apply(&engine, &shown.plan.hash).await;
            let fault = ran.fault.expect(what);
            assert_eq!(
                (ran.status, fault.code),
                (RunStatus::Failed, FaultCode::PlanMoved),
                "{what}"
            );
            if what != "an edit in a source" {
                // Found by looking, so the hub knows what it compares with.
                assert!(fault.args.contains_key("profile"), "{what}: {fault}");
            }
            assert_eq!(received(&stage), [], "{what}");
            // A new plan is as good as the first was.
            let (shown, writes) = plan(&engine).await;
            let ran = apply(&engine, &shown.plan.hash).await;
            assert_eq!(ran.fault, None, "{what}");
            assert_eq!(received(&stage), asked(&writes), "{what}");
        });
    }
}

/// The process may die before and after every commit of an application: the next
/// plan is what was left, and nothing is written twice.
#[test]
fn an_application_that_dies_anywhere_is_finished_by_the_next_plan() {
    let rows = |stage: &Stage| -> BTreeMap<String, Object> {
        let table = stage.table("crm");
        let by_email = table.rows.values();
        by_email.map(|row| (row["email"].as_text().unwrap().to_owned(), row.clone())).collect()
    };
    let wanted = |email: &str, own: &[(&str, &str)]| {
        let name = email.split('@').next().unwrap();
        let fields = [("email", email), ("city", "Lyon"), ("name", name)];
        row(&[&fields[..], own].concat())
    };
    for effects in 1.. {
        let is_over = block_on(async {
            let mut stage = stage();
            let (body, fuse) = (Arc::new(MemoryStore::default()), Arc::new(Fuse::endless()));
            stage.store = Arc::new(MortalStore::new(body, Arc::clone(&fuse)));
            stage.upkeep = None;
            let engine = stage.open().await;
            read(&engine).await;
            let (shown, _) = plan(&engine).await;
            fuse.set(effects);
            apply(&engine, &shown.plan.hash).await;
            let died = fuse.is_burnt();
            fuse.set(i64::MAX);
            // As long as searches may lag, a create that is not found stays open.
            stage.clock.set(stage.clock.now().plus_micros(61 * 1_000_000));
            let engine = stage.open().await;
            engine.read_once(&crm()).await.unwrap();
            let (shown, _) = plan(&engine).await;
            let ran = apply(&engine, &shown.plan.hash).await;
            assert_eq!(ran.fault, None, "after {effects} effects");
            run(&engine, "crm").await;
            let expected = [
                wanted("ana@x.fr", &[("own", "kept")]),
                wanted("bob@x.fr", &[]),
                wanted("eva@x.fr", &[]),
            ];
            let found = rows(&stage);
            assert_eq!(
                found.into_values().collect::<Vec<_>>(),
                expected,
                "after {effects} effects"
            );
            assert_eq!(received(&stage).len(), 3, "after {effects} effects");
            !died
        });
        if is_over {
            assert!(effects > 4, "an application has several effects");
            return;
        }
    }
}

async fn answered(engine: &Engine, run: &Run, approved: bool) -> Result<Run, AnswerRefused> {
    let answer = Answer { approved, by: "eva".to_owned(), at: Timestamp(7) };
    engine.answer(&run.id, answer).await
}

async fn run_crm(engine: &Engine) -> Run {
    engine.run_once(&crm()).await.unwrap()
}

#[test]
fn a_run_that_would_write_too_much_waits_for_an_answer() {
    block_on(async {
        let mut stage = stage();
        stage.guards = Guards { creates_max: 1, ..Guards::default() };
        let engine = stage.open().await;
        read(&engine).await;
        let (shown, writes) = plan(&engine).await;
        assert!(shown.held);
        let position = engine.jobs()[&crm()].delivery_position();
        let place = stage.store.position(&position).await.unwrap();
        let first = run_crm(&engine).await;
        let fault = first.fault.clone().unwrap();
        assert_eq!((first.status, fault.code), (RunStatus::Held, FaultCode::Held));
        assert_eq!((&*fault.args["creates"], &*fault.args["creates_max"]), ("2", "1"));
        assert_eq!(first.plan.as_deref(), Some(shown.plan.hash.as_str()));
        assert_eq!(received(&stage), []);
        assert_eq!(stage.store.position(&position).await.unwrap(), place, "it has not moved");
        // The next run asks in its place, also in another process.
        drop(engine);
        let engine = stage.open().await;
        let held = run_crm(&engine).await;
        assert_eq!(held.status, RunStatus::Held);
        let late = answered(&engine, &first, true).await;
        assert_eq!(late, Err(AnswerRefused::NotHeld(first.id.clone())));
        let yes = answered(&engine, &held, true).await.unwrap();
        assert_eq!(yes.answer.as_ref().map(|answer| &*answer.by), Some("eva"));
        assert_eq!(stage.store.run(&held.id).await.unwrap(), Some(yes), "who and when is kept");
        let ran = run_crm(&engine).await;
        assert_eq!((ran.status, ran.fault), (RunStatus::Succeeded, None));
        assert_eq!(received(&stage), asked(&writes));
        assert_eq!(hold::read(&*stage.store, &crm()).await.unwrap(), None, "used once");

        // The approval was for that load; the next one is asked about again.
        for key in ["4", "5"] {
            let email = format!("{key}@x.fr");
            stage.table("shop").put(key, &[("email", &email), ("city", "Lyon")]);
        }
        run(&engine, "shop").await;
        let held = run_crm(&engine).await;
        assert_eq!(held.status, RunStatus::Held);
        answered(&engine, &held, false).await.unwrap();
        // No means no, without a new question, until something else is due.
        let again = run_crm(&engine).await;
        assert_eq!(
            (again.status, again.answer.map(|a| a.approved)),
            (RunStatus::Held, Some(false))
        );
        let kept = hold::read(&*stage.store, &crm()).await.unwrap().unwrap();
        assert_eq!(kept.run, held.id);
        stage.table("shop").put("6", &[("email", "6@x.fr")]);
        run(&engine, "shop").await;
        let other = run_crm(&engine).await;
        assert_eq!((other.status, other.answer), (RunStatus::Held, None));
        // What was looked at as a plan needs no other approval.
        let (shown, _) = plan(&engine).await;
        assert_eq!(apply(&engine, &shown.plan.hash).await.fault, None);
        assert_eq!(hold::read(&*stage.store, &crm()).await.unwrap(), None);
        assert_eq!(received(&stage).len(), 6);
    });
}

/// A mapping to the wrong field rewrites everybody: above a hundred rows that is
/// asked about by itself.
#[test]
fn a_rewrite_of_many_rows_is_held_by_itself() {
    block_on(async {
        let stage = stage();
        for key in 100..260 {
            let email = format!("p{key}@x.fr");
            for table in ["shop", "crm"] {
                stage.table(table).put(&key.to_string(), &[("email", &email), ("city", "Lyon")]);
            }
        }
        let engine = stage.open().await;
        read(&engine).await;
        run_crm(&engine).await;
        let written = received(&stage).len();
        let move_to = |city: &str, keys: std::ops::Range<u32>| {
            for key in keys {
                let row = format!("p{key}@x.fr");
                stage.table("shop").put(&key.to_string(), &[("email", &row), ("city", city)]);
            }
        };
        move_to("Brest", 100..190);
        run(&engine, "shop").await;
        assert_eq!(run_crm(&engine).await.status, RunStatus::Succeeded, "few pass");
        assert_eq!(received(&stage).len(), written + 90);
        move_to("Paris", 100..260);
        run(&engine, "shop").await;
        let held = run_crm(&engine).await;
        assert_eq!((held.status, held.counts.writes), (RunStatus::Held, 0));
        assert_eq!(&*held.fault.unwrap().args["updates"], "160");
        assert_eq!(received(&stage).len(), written + 90);
    });
}
