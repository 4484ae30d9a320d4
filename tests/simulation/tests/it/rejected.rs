//! Writes that a system rejected: listed, and sent again when something changed or
//! somebody asks.

use hub_engine::rejected;
use hub_model::{
    Cleaner, Conversion, Direction, FaultCode, Namespace, Normaliser, Object, ProfileId, Rules,
    SyncId, Timestamp, Transform, Value, WriteKind,
};
use simulation::stage::{Stage, pair, run};

use super::{block_on, mapping};

/// A shop that tells, and a CRM that listens and takes no lower-case `bad`.
fn stage() -> Stage {
    let shop = vec![
        pair("email", Direction::ToProfile, Some("email")),
        pair("name", Direction::ToProfile, None),
    ];
    let crm =
        vec![pair("email", Direction::ToSystem, None), pair("name", Direction::ToSystem, None)];
    let namespaces = vec![Namespace::new("email", Normaliser::Email)];
    let mappings = vec![mapping("shop", shop), mapping("crm", crm)];
    let rules = Rules::new("default".into(), namespaces, mappings);
    let stage = Stage::new(rules, Timestamp::from_seconds(1_000_000));
    stage.table("shop").put("1", &[("email", "ana@x.fr"), ("name", "Ana")]);
    stage.table("shop").put("2", &[("email", "bob@x.fr"), ("name", "bad")]);
    stage.table("crm").refuses = Some(is_bad);
    stage
}

fn is_bad(row: &Object) -> bool {
    row.get("name") == Some(&Value::text("bad"))
}

async fn waiting(stage: &Stage) -> Vec<rejected::Rejected> {
    rejected::list(&*stage.store, &["crm".into(), "shop".into()], None, 10).await.expect("answers")
}

#[test]
fn what_was_rejected_is_listed_and_sent_by_hand() {
    block_on(async {
        let stage = stage();
        let engine = stage.open().await;
        run(&engine, "shop").await;
        assert_eq!(run(&engine, "crm").await.counts.rejected, 1);
        let found = waiting(&stage).await;
        assert_eq!(found.len(), 1, "{found:?}");
        let bad = &found[0];
        assert_eq!((bad.action, bad.tries, bad.key.clone()), (WriteKind::Create, 1, None));
        assert_eq!(bad.fields["name"], Value::text("bad"));
        assert_eq!(bad.fault.as_ref().map(|fault| fault.code), Some(FaultCode::Rejected));
        let after = rejected::list(&*stage.store, &["crm".into()], Some(&bad.of), 10).await;
        assert_eq!(after, Ok(Vec::new()), "a page goes on after its last");

        // Nobody sends it again by himself, and asking in vain tells once more.
        assert_eq!(run(&engine, "crm").await.counts.writes, 0);
        let crm = SyncId::new("crm");
        let vain = engine.resend_once(&crm, None).await.expect("no run overlaps");
        assert_eq!((vain.counts.writes, vain.counts.rejected), (1, 1));
        assert_eq!(waiting(&stage).await[0].tries, 2);
        let other = engine.resend_once(&crm, Some(ProfileId(99))).await.expect("no overlap");
        assert_eq!(other.counts.writes, 0, "only what it was asked for");

        stage.table("crm").refuses = None;
        let sent = engine.resend_once(&crm, Some(bad.of.profile)).await.expect("no run overlaps");
        assert_eq!((sent.counts.created, sent.fault), (1, None));
        assert!(waiting(&stage).await.is_empty());
        assert_eq!(run(&engine, "crm").await.counts.writes, 0);
        assert_eq!(stage.table("crm").rows.len(), 2);
    });
}

#[test]
fn another_golden_value_sends_it_by_itself() {
    block_on(async {
        let stage = stage();
        let engine = stage.open().await;
        run(&engine, "shop").await;
        run(&engine, "crm").await;
        stage.table("shop").put("2", &[("email", "bob@x.fr"), ("name", "Bob")]);
        run(&engine, "shop").await;
        let ran = run(&engine, "crm").await;
        assert_eq!((ran.counts.created, ran.counts.rejected), (1, 0));
        assert!(waiting(&stage).await.is_empty());
    });
}

#[test]
fn another_mapping_sends_it_by_itself() {
    block_on(async {
        let mut stage = stage();
        let engine = stage.open().await;
        run(&engine, "shop").await;
        run(&engine, "crm").await;
        drop(engine);
        let write = Some(vec![Transform::Clean(Cleaner::Upper).into()]);
        let upper = Conversion { write, ..Conversion::default() };
        stage.rules.mappings[1].fields[1].conversion = Some(Box::new(upper));
        let engine = stage.open().await;
        let ran = run(&engine, "crm").await;
        assert_eq!(ran.counts.rejected, 0, "{:?}", waiting(&stage).await);
        assert!(waiting(&stage).await.is_empty());
    });
}
