//! The ledger of writes: every write is in it once, with what became of it, and it
//! is bounded by time and by erasure.

use std::collections::BTreeSet;

use hub_engine::Engine;
use hub_engine::ledger::{self, Wanted};
use hub_model::{
    DeliveryClass, Direction, FieldName, Identity, LedgerEntry, Mapping, Namespace, Normaliser,
    Rules, RunStatus, StreamRef, SyncId, Timestamp, Value, WriteEnd, WriteKind,
};
use simulation::stage::{Behind, Stage, pair, run};

use super::block_on;

fn mapping(id: &str, direction: Direction) -> Mapping {
    let identity = direction.reads().then_some("email");
    Mapping {
        fields: vec![pair("email", direction, identity), pair("name", direction, None)],
        matching: vec![FieldName::from("email")],
        deletes_percent_max: 100,
        ..Mapping::new(SyncId::new(id), StreamRef::new("default", id, "people"))
    }
}

/// A shop that is read, and a CRM that writes names in capitals.
fn stage(crm: Direction) -> Stage {
    let mappings = vec![mapping("shop", Direction::ToProfile), mapping("crm", crm)];
    let email = Namespace::new("email", Normaliser::Email);
    let rules = Rules::new("default".into(), vec![email], mappings);
    let stage = Stage::new(rules, Timestamp::from_seconds(1_000_000));
    for name in ["ana", "bob"] {
        stage.table("shop").put(name, &[("email", &format!("{name}@x.fr")), ("name", name)]);
    }
    stage.table("crm").form = Some(|row| {
        if let Some(name) = row.get("name").and_then(Value::as_text) {
            let name = Value::text(name.to_uppercase());
            row.insert("name".into(), name);
        }
    });
    stage
}

async fn entries(engine: &Engine, wanted: &Wanted) -> Vec<LedgerEntry> {
    let found = ledger::page(engine.store(), wanted, None, 99).await.unwrap();
    for (place, entry) in &found {
        assert_eq!(ledger::one(engine.store(), place).await.unwrap().as_ref(), Some(entry));
    }
    found.into_iter().map(|(_, entry)| entry).collect()
}

async fn all(engine: &Engine) -> Vec<LedgerEntry> {
    entries(engine, &Wanted::default()).await
}

#[test]
fn every_write_is_kept_with_what_the_vendor_made_of_it() {
    block_on(async {
        let stage = stage(Direction::Both);
        stage.table("crm").put("a", &[("email", "ana@x.fr"), ("name", "OLD")]);
        stage.table("crm").refuses = Some(|row| row.get("name") == Some(&Value::text("bob")));
        let engine = stage.open().await;
        engine.read_once(&SyncId::new("crm")).await.unwrap();
        run(&engine, "shop").await;
        let ran = run(&engine, "crm").await;
        assert_eq!(ran.delivery, Some(DeliveryClass::PossibleDuplicates));
        let status = engine.status().into_iter().find(|status| status.id == ran.sync).unwrap();
        assert_eq!(status.delivery, ran.delivery);
        let kept = all(&engine).await;
        let told: Vec<_> = kept.iter().map(|e| (e.kind, e.end, e.run.clone())).collect();
        let wanted = [
            (WriteKind::Update, WriteEnd::Made, ran.id.clone()),
            (WriteKind::Create, WriteEnd::Rejected, ran.id.clone()),
        ];
        assert_eq!(told, wanted);
        let name = &kept[0].fields["name"];
        let text = |text| Some(Value::text(text));
        assert_eq!((name.before.clone(), name.sent.clone()), (text("OLD"), text("ana")));
        assert_eq!((name.shown.clone(), kept[0].key.clone()), (text("ANA"), Some("a".into())));
        let keys: BTreeSet<&str> =
            kept.iter().map(|entry| entry.idempotency_key.as_str()).collect();
        let sent = stage.table("crm").writes.clone();
        assert!(sent.iter().all(|write| keys.contains(write.idempotency_key.as_str())));
        // By run and by sync.
        let of =
            |sync: Option<&str>, run| Wanted { sync: sync.map(SyncId::new), run, unknown: false };
        assert_eq!(entries(&engine, &of(Some("crm"), None)).await, kept);
        assert_eq!(entries(&engine, &of(None, Some(ran.id))).await, kept);
        assert_eq!(entries(&engine, &of(Some("shop"), None)).await, []);
    });
}

/// An answer that is lost: the row, read back, tells; the entry is of the run that
/// wrote.
#[test]
fn a_write_without_an_answer_is_found_by_the_next_run() {
    block_on(async {
        let stage = stage(Direction::Both);
        let engine = stage.open().await;
        run(&engine, "shop").await;
        stage.table("crm").loses_answers = true;
        let ran = engine.run_once(&SyncId::new("crm")).await.unwrap();
        assert_eq!(ran.status, RunStatus::Failed);
        assert_eq!(all(&engine).await, [], "nobody knows yet");
        stage.table("crm").loses_answers = false;
        run(&engine, "crm").await;
        let kept = all(&engine).await;
        assert_eq!(kept.len(), 4, "each found, and its name written once more: the form tells");
        for entry in kept.iter().take(2) {
            assert_eq!((entry.kind, entry.end), (WriteKind::Create, WriteEnd::Found));
            assert_eq!(entry.run, ran.id);
            assert!(entry.record.is_some());
        }
        assert_eq!(stage.table("crm").rows.len(), 2, "none is there twice");
    });
}

/// Where the vendor offers no protection, what may be there twice is listed.
#[test]
fn a_possible_duplicate_is_listed() {
    block_on(async {
        let stage = stage(Direction::Both);
        stage.table("shop").rows.remove("bob");
        let engine = stage.open().await;
        run(&engine, "shop").await;
        stage.table("crm").behind = Behind::Everywhere;
        let ran = run(&engine, "crm").await;
        run(&engine, "crm").await;
        assert_eq!(stage.table("crm").rows.len(), 1, "a search may lag");
        let unknown = Wanted { unknown: true, ..Wanted::default() };
        assert_eq!(entries(&engine, &unknown).await, []);
        stage.clock.set(Timestamp::from_seconds(1_000_000 + 100));
        run(&engine, "crm").await;
        assert_eq!(stage.table("crm").rows.len(), 2, "it was made twice");
        let listed = entries(&engine, &unknown).await;
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].kind, &listed[0].run), (WriteKind::Create, &ran.id));
        assert_eq!(listed[0].fields["email"].sent, Some(Value::text("ana@x.fr")));
    });
}

/// Where the vendor knows a repeated create by its key, it is repeated as it was: what
/// has changed meanwhile would give it another key, and there would be two rows.
#[test]
fn a_create_without_an_answer_is_made_once_whatever_has_changed_since() {
    block_on(async {
        let stage = stage(Direction::Both);
        stage.table("shop").rows.remove("bob");
        stage.table("crm").knows_keys = true;
        let engine = stage.open().await;
        run(&engine, "shop").await;
        stage.table("crm").behind = Behind::Everywhere;
        run(&engine, "crm").await;
        stage.table("shop").put("ana", &[("email", "ana@x.fr"), ("name", "anna")]);
        run(&engine, "shop").await;
        stage.clock.set(Timestamp::from_seconds(1_000_000 + 100));
        let ran = run(&engine, "crm").await;
        assert_eq!(ran.delivery, Some(DeliveryClass::IdempotencyKey));
        stage.table("crm").behind = Behind::Nowhere;
        run(&engine, "crm").await;
        let rows = stage.table("crm").rows.clone();
        let names: Vec<&Value> = rows.values().map(|row| &row["name"]).collect();
        assert_eq!(names, [&Value::text("ANNA")]);
        let unknown = Wanted { unknown: true, ..Wanted::default() };
        assert_eq!(entries(&engine, &unknown).await, []);
    });
}

#[test]
fn what_is_over_leaves_the_ledger() {
    block_on(async {
        const DAY_SECONDS: i64 = 24 * 3_600;
        let stage = stage(Direction::Both);
        let engine = stage.open().await;
        run(&engine, "shop").await;
        run(&engine, "crm").await;
        assert_eq!(all(&engine).await.len(), 2);
        let after = |days: i64| Timestamp::from_seconds(1_000_000 + days * DAY_SECONDS);
        stage.clock.set(after(89));
        stage.table("shop").put("ana", &[("email", "ana@x.fr"), ("name", "anna")]);
        run(&engine, "shop").await;
        run(&engine, "crm").await;
        assert_eq!(all(&engine).await.len(), 3);
        stage.clock.set(after(91));
        run(&engine, "crm").await;
        let left = all(&engine).await;
        assert_eq!(left.len(), 1, "the last one is two days old");
        assert_eq!(left[0].fields["name"].before, Some(Value::text("ANA")));
    });
}

/// What the ledger keeps of a person leaves with him.
#[test]
fn an_erased_person_leaves_the_ledger() {
    block_on(async {
        let stage = stage(Direction::Both);
        let engine = stage.open().await;
        run(&engine, "shop").await;
        run(&engine, "crm").await;
        let text = |entries: &[LedgerEntry]| serde_json::to_string(entries).unwrap();
        assert!(text(&all(&engine).await).contains("ana@x.fr"));
        engine.erase(&Identity::new("email", "ana@x.fr")).await.unwrap();
        engine.tend().await.unwrap();
        let left = all(&engine).await;
        assert!(!text(&left).to_lowercase().contains("ana"), "{left:?}");
        assert!(text(&left).contains("bob@x.fr"));
        assert_eq!(engine.store().stats().await.unwrap().written, 1);
    });
}
