//! What becomes of rows in a destination when their people leave, or were never
//! anywhere else.

use hub_engine::PlanRefused;
use hub_model::{
    CreatePolicy, DeletePolicy, Direction, FaultCode, FieldName, Guards, Mapping, Namespace,
    Normaliser, Rules, RunStatus, Several, StreamRef, SyncId, Timestamp, Value,
};
use plugin_api::{Action, WriteItem};
use simulation::stage::{Stage, pair, run};

use super::block_on;

fn mapping(id: &str, direction: Direction) -> Mapping {
    Mapping {
        fields: vec![pair("email", direction, Some("email")), pair("city", direction, None)],
        matching: vec![FieldName::from("email")],
        deletes_percent_max: 100,
        ..Mapping::new(SyncId::new(id), StreamRef::new("default", id, "people"))
    }
}

/// A shop with two people, one of whom the CRM has of its own.
fn stage(create: CreatePolicy, deletes: DeletePolicy) -> Stage {
    let crm = Mapping { create, deletes, ..mapping("crm", Direction::Both) };
    let email = Namespace::new("email", Normaliser::Email);
    let mappings = vec![mapping("shop", Direction::ToProfile), crm];
    let rules = Rules::new("default".into(), vec![email], mappings);
    let stage = Stage::new(rules, Timestamp::from_seconds(1_000_000));
    for name in ["ana", "bob"] {
        let email = format!("{name}@x.fr");
        stage.table("shop").put(name, &[("email", &email), ("city", "Lyon")]);
    }
    stage.table("crm").put("own", &[("email", "ana@x.fr"), ("city", "Metz")]);
    stage.table("crm").has_archive = true;
    stage
}

/// What was written to the CRM after so many writes.
fn actions(stage: &Stage, after: usize) -> Vec<Action> {
    stage.table("crm").writes.iter().skip(after).map(|item| item.action).collect()
}

#[test]
fn a_delete_in_the_source_goes_as_far_as_the_policy_says() {
    let cases = [
        (DeletePolicy::Ignore, None),
        (DeletePolicy::Unlink, None),
        (DeletePolicy::Propagate, Some(Action::Delete)),
        (DeletePolicy::Archive, Some(Action::Archive)),
    ];
    for (policy, action) in cases {
        block_on(async {
            let stage = stage(CreatePolicy::Upsert, policy);
            let engine = stage.open().await;
            for sync in ["crm", "shop", "crm"] {
                run(&engine, sync).await;
            }
            assert_eq!(stage.table("crm").rows.len(), 2, "{policy:?}");
            let before = stage.table("crm").writes.len();
            stage.table("shop").rows.clear();
            run(&engine, "shop").await;
            let ran = run(&engine, "crm").await;
            let wanted: Vec<Action> = action.iter().flat_map(|action| [*action; 2]).collect();
            assert_eq!(actions(&stage, before), wanted, "{policy:?}");
            assert_eq!(ran.counts.removed, wanted.len() as u64, "{policy:?}");
            assert_eq!(stage.table("crm").rows.len(), 2 - wanted.len(), "{policy:?}");
            for sync in ["crm", "shop", "crm"] {
                run(&engine, sync).await;
            }
            let writes = before + wanted.len();
            assert_eq!(stage.table("crm").writes.len(), writes, "{policy:?}: and then it is quiet");
        });
    }
}

#[test]
fn whoever_comes_after_the_delete_stays() {
    block_on(async {
        let stage = stage(CreatePolicy::Upsert, DeletePolicy::Propagate);
        let engine = stage.open().await;
        for sync in ["shop", "crm"] {
            run(&engine, sync).await;
        }
        stage.table("shop").rows.clear();
        for sync in ["shop", "crm"] {
            run(&engine, sync).await;
        }
        assert_eq!(stage.table("crm").rows.len(), 0);
        stage.table("crm").put("typed", &[("email", "ana@x.fr"), ("city", "Metz")]);
        stage.table("shop").put("bob2", &[("email", "bob@x.fr"), ("city", "Lyon")]);
        for sync in ["shop", "crm", "shop", "crm"] {
            run(&engine, sync).await;
        }
        let crm = stage.table("crm");
        assert_eq!(crm.rows["typed"]["city"], Value::text("Metz"));
        assert_eq!(crm.rows.len(), 2, "and Bob has a row again");
    });
}

/// Read before its sources, a mirror would find everybody to be nowhere else.
#[test]
fn a_mirror_waits_until_everything_was_read() {
    block_on(async {
        let stage = stage(CreatePolicy::Mirror, DeletePolicy::Ignore);
        stage.table("crm").put("stray", &[("email", "eva@x.fr")]);
        let engine = stage.open().await;
        let crm = SyncId::new("crm");
        assert_eq!(run(&engine, "crm").await.counts.writes, 0);
        run(&engine, "shop").await;
        let mut planned = Vec::new();
        let shown = engine.plan(&crm, &mut |write| planned.push(write)).await.unwrap();
        let counts = shown.plan.counts;
        assert_eq!((counts.creates, counts.updates, counts.deletes), (1, 1, 1), "{planned:?}");
        assert_eq!(engine.apply_once(&crm, &shown.plan.hash).await.unwrap().fault, None);
        let rows: Vec<String> = stage.table("crm").rows.keys().cloned().collect();
        assert_eq!(rows, ["made-1", "own"]);
        assert_eq!(stage.table("crm").rows["own"]["city"], Value::text("Lyon"));
        assert_eq!(run(&engine, "crm").await.counts.writes, 0);
    });
}

#[test]
fn deletes_of_a_policy_are_held_by_the_guards() {
    block_on(async {
        let mut stage = stage(CreatePolicy::Mirror, DeletePolicy::Ignore);
        stage.guards = Guards { deletes_max: 0, ..Guards::default() };
        let engine = stage.open().await;
        for sync in ["shop", "crm"] {
            run(&engine, sync).await;
        }
        stage.table("crm").put("stray", &[("email", "eva@x.fr")]);
        let held = engine.run_once(&SyncId::new("crm")).await.unwrap();
        assert_eq!((held.status, stage.table("crm").rows.len()), (RunStatus::Held, 3));
        stage.guards.deletes_max = 1;
        drop(engine);
        let engine = stage.open().await;
        assert_eq!(run(&engine, "crm").await.counts.removed, 1);
        assert_eq!(stage.table("crm").rows.len(), 2);
    });
}

#[test]
fn a_row_of_a_create_only_sync_is_never_written_again() {
    block_on(async {
        let stage = stage(CreatePolicy::CreateOnly, DeletePolicy::Ignore);
        let engine = stage.open().await;
        for sync in ["crm", "shop", "crm"] {
            run(&engine, sync).await;
        }
        assert_eq!(stage.table("crm").rows["own"]["city"], Value::text("Metz"));
        stage.table("shop").put("bob", &[("email", "bob@x.fr"), ("city", "Brest")]);
        for sync in ["shop", "crm"] {
            run(&engine, sync).await;
        }
        assert_eq!(actions(&stage, 0), [Action::Create]);
    });
}

#[test]
fn what_has_no_archive_is_refused_before_anything_is_read() {
    block_on(async {
        let stage = stage(CreatePolicy::Upsert, DeletePolicy::Archive);
        stage.table("crm").has_archive = false;
        let engine = stage.open().await;
        run(&engine, "shop").await;
        let refused = engine.run_once(&SyncId::new("crm")).await.unwrap();
        let fault = refused.fault.unwrap();
        assert_eq!((fault.code, fault.place.as_str()), (FaultCode::NoArchive, "syncs/crm/deletes"));
        assert_eq!((refused.counts.pages, refused.counts.writes), (0, 0));
    });
}

#[test]
fn what_asks_for_no_consent_where_one_is_needed_is_refused_before_anything_is_queued() {
    block_on(async {
        let stage = stage(CreatePolicy::Upsert, DeletePolicy::Ignore);
        stage.table("crm").purposes = vec!["advertising".into()];
        stage.table("shop").put("ana", &[("email", "ana@x.fr"), ("city", "Lyon")]);
        let engine = stage.open().await;
        run(&engine, "shop").await;
        let sync = SyncId::new("crm");
        let refused = engine.run_once(&sync).await.unwrap();
        let fault = refused.fault.unwrap();
        let about = (fault.code, fault.place.as_str(), fault.args["purpose"].as_str());
        assert_eq!(about, (FaultCode::NoConsent, "syncs/crm/requires", "advertising"));
        assert_eq!((refused.counts.writes, stage.table("crm").writes.len()), (0, 0));
        let planned = engine.plan(&sync, &mut |_| {}).await;
        assert!(matches!(planned, Err(PlanRefused::Fault(f)) if f.code == FaultCode::NoConsent));
        let waits = engine.store().pending(&sync, Timestamp(i64::MAX), 10).await.unwrap();
        assert_eq!(waits, [], "something is queued");
    });
}

#[test]
fn of_several_rows_one_is_written_and_the_next_when_it_goes() {
    block_on(async {
        let crm = Mapping { several: Several::Newest, ..mapping("crm", Direction::Both) };
        let email = Namespace::new("email", Normaliser::Email);
        let mappings = vec![mapping("shop", Direction::ToProfile), crm];
        let rules = Rules::new("default".into(), vec![email], mappings);
        let stage = Stage::new(rules, Timestamp::from_seconds(1_000_000));
        let row = |city| [("email", "ana@x.fr"), ("city", city)];
        stage.table("crm").put("1", &row("Metz"));
        let engine = stage.open().await;
        run(&engine, "crm").await;
        stage.table("crm").put("2", &row("Nancy"));
        run(&engine, "crm").await;
        stage.table("shop").put("ana", &row("Lyon"));
        let written = |stage: &Stage| -> Vec<Option<String>> {
            let key = |item: &WriteItem| item.key.as_ref().map(|key| key.as_str().to_owned());
            stage.table("crm").writes.iter().map(key).collect()
        };
        for sync in ["shop", "crm", "shop", "crm"] {
            run(&engine, sync).await;
        }
        assert_eq!(written(&stage), [Some("2".to_owned())]);
        stage.table("crm").rows.remove("2");
        for sync in ["crm", "shop", "crm", "crm"] {
            run(&engine, sync).await;
        }
        assert_eq!(written(&stage), [Some("2".to_owned()), Some("1".to_owned())]);
    });
}
