//! Cleaning and schema in force: what fails waits in quarantine, what passes is
//! cleaned before it is compared, and a vendor's form is known for an echo.

use hub_model::{
    Cleaner, Cleaning, Direction, FaultCode, FieldName, Identity, Mapping, Namespace, Normaliser,
    Object, Otherwise, RemoteKey, Rules, RunStatus, StreamRef, SyncId, Timestamp, Value,
};
use serde_json::json;
use simulation::stage::{Stage, pair, run};

use super::block_on;

fn mapping(id: &str, direction: Direction) -> Mapping {
    Mapping {
        fields: vec![
            pair("email", direction, Some("email")),
            pair("city", direction, None),
            pair("age", direction, None),
        ],
        matching: vec![FieldName::from("email")],
        deletes_percent_max: 100,
        ..Mapping::new(SyncId::new(id), StreamRef::new("default", id, "people"))
    }
}

fn step(cleaner: Cleaner, field: &str) -> Cleaning {
    Cleaning { fields: vec![FieldName::from(field)], cleaner, otherwise: Otherwise::Reject }
}

fn rules() -> Rules {
    let mut crm = mapping("crm", Direction::Both);
    crm.clean = vec![
        step(Cleaner::Trim, "city"),
        step(Cleaner::Upper, "city"),
        step(Cleaner::Number { decimal: ',', group: None }, "age"),
    ];
    crm.schema = Some(json!({"properties": {"age": {"type": ["number", "null"], "minimum": 0}}}));
    let shop = mapping("shop", Direction::Both);
    let email = Namespace::new("email", Normaliser::Email);
    Rules::new("default".into(), vec![email], vec![crm, shop])
}

async fn golden(stage: &Stage, email: &str, name: &str) -> Option<serde_json::Value> {
    let claims = stage.store.claims(&[Identity::new("email", email)]).await.unwrap();
    let found = stage.store.profiles(&claims[0].profiles).await.unwrap();
    let profile = found.into_iter().flatten().next()?;
    profile.traits.get(name).map(|golden| golden.value.to_json())
}

#[test]
fn a_row_that_breaks_a_rule_waits_with_the_reason_until_it_is_mended() {
    block_on(async {
        let mut stage = Stage::new(rules(), Timestamp::from_seconds(1_000_000));
        let engine = stage.open().await;
        stage.table("crm").put("1", &[("email", "ana@x.fr"), ("city", " lyon "), ("age", "12,5")]);
        stage.table("crm").put("2", &[("email", "bob@x.fr"), ("city", "nice"), ("age", "-3")]);
        stage.table("crm").put("3", &[("email", "eva@x.fr"), ("city", "metz"), ("age", "x")]);
        let ran = run(&engine, "crm").await;
        assert_eq!((ran.status, ran.counts.quarantined), (RunStatus::WithRejects, 2));
        assert_eq!(golden(&stage, "ana@x.fr", "city").await, Some(json!("LYON")));
        assert_eq!(golden(&stage, "ana@x.fr", "age").await, Some(json!(12.5)));
        assert_eq!(golden(&stage, "bob@x.fr", "age").await, None);

        // The row stays as received; the fault names rule, field and class only.
        let waiting = stage.store.quarantined(0, 10).await.unwrap();
        let of = |key: &str| waiting.iter().find(|row| row.key == Some(key.into())).unwrap();
        let (two, three) = (of("2"), of("3"));
        assert_eq!((two.fault.code, &*two.fault.place), (FaultCode::RowInvalid, "age"));
        assert_eq!((&*two.fault.args["rule"], &*two.fault.args["class"]), ("minimum", "number"));
        assert_eq!((&*three.fault.args["rule"], &*three.fault.args["class"]), ("number", "text"));
        let raw: serde_json::Value = serde_json::from_str(&two.raw).unwrap();
        assert_eq!(raw, json!({"email": "bob@x.fr", "city": "nice", "age": "-3"}));
        let records = stage.store.scan_records(&two.stream, None, 10).await.unwrap();
        assert_eq!(records[0].raw["city"], Value::text(" lyon "), "kept as received");

        // Nothing changed: a replay leaves them where they are.
        let sync = SyncId::new("crm");
        let again = engine.replay_once(&sync, None).await.unwrap();
        assert_eq!((again.counts.read, again.counts.quarantined, again.counts.new), (2, 2, 0));
        // The rule was wrong: one row passes now, by its key, and only that one.
        stage.rules.mappings[0].schema = None;
        drop(engine);
        let engine = stage.open().await;
        let three = Some(RemoteKey::from("3"));
        let again = engine.replay_once(&sync, three).await.unwrap();
        assert_eq!((again.counts.read, again.counts.quarantined), (1, 1));
        let again = engine.replay_once(&sync, None).await.unwrap();
        assert_eq!((again.counts.read, again.counts.quarantined, again.counts.new), (2, 1, 1));
        assert_eq!(golden(&stage, "bob@x.fr", "age").await, Some(json!(-3)));
        let waiting = stage.store.quarantined(0, 10).await.unwrap();
        assert_eq!(waiting.len(), 1);

        // The system mends the other.
        stage.table("crm").put("3", &[("email", "eva@x.fr"), ("city", "metz"), ("age", "7")]);
        run(&engine, "crm").await;
        assert!(stage.store.quarantined(0, 10).await.unwrap().is_empty());
        assert_eq!(golden(&stage, "eva@x.fr", "age").await, Some(json!(7)));
    });
}

#[test]
fn a_row_that_is_bad_for_a_while_comes_back_as_it_was() {
    block_on(async {
        let stage = Stage::new(rules(), Timestamp::from_seconds(1_000_000));
        let engine = stage.open().await;
        let good = [("email", "ana@x.fr"), ("city", "lyon"), ("age", "1")];
        for age in ["1", "x", "1"] {
            let row = good.map(|(name, text)| (name, if name == "age" { age } else { text }));
            stage.table("crm").put("1", &row);
            run(&engine, "crm").await;
            let waits = stage.store.quarantined(0, 10).await.unwrap().len();
            assert_eq!(waits, usize::from(age == "x"), "{age}");
            // Unreadable is not gone.
            assert_eq!(golden(&stage, "ana@x.fr", "age").await, Some(json!(1)), "{age}");
        }
        // A row that is gone while it waits is not replayed.
        stage.table("crm").put("1", &[("email", "ana@x.fr"), ("city", "lyon"), ("age", "x")]);
        stage.table("crm").put("2", &[("email", "bob@x.fr"), ("city", "lyon"), ("age", "2")]);
        run(&engine, "crm").await;
        assert_eq!(stage.store.quarantined(0, 10).await.unwrap().len(), 1);
        stage.table("crm").rows.remove("1");
        run(&engine, "crm").await;
        assert!(stage.store.quarantined(0, 10).await.unwrap().is_empty());
    });
}

/// A system that shows what it was given in a form that only cleaning undoes.
#[test]
fn a_form_that_cleaning_undoes_is_an_echo() {
    block_on(async {
        let stage = Stage::new(rules(), Timestamp::from_seconds(1_000_000));
        let engine = stage.open().await;
        let form = |row: &mut Object| {
            for name in ["city", "age"] {
                let value = row.get(name).map(|value| match value {
                    Value::Number(number) => number.to_string().replace('.', ","),
                    other => format!("  {}", other.as_text().unwrap_or_default().to_lowercase()),
                });
                row.extend(value.map(|text| (name.into(), Value::text(text))));
            }
        };
        stage.table("crm").form = Some(form);
        stage.table("shop").rows.insert(
            "s".to_owned(),
            [
                ("email".into(), Value::text("ana@x.fr")),
                ("city".into(), Value::text("LYON")),
                ("age".into(), Value::Number(hub_model::Number::parse("12.5").unwrap())),
            ]
            .into(),
        );
        run(&engine, "shop").await;
        run(&engine, "crm").await;
        let shown = stage.table("crm").rows["made-1"].clone();
        assert_eq!((&shown["city"], &shown["age"]), (&Value::text("  lyon"), &Value::text("12,5")));
        for round in 0..3 {
            let crm = run(&engine, "crm").await;
            let shop = run(&engine, "shop").await;
            assert_eq!((crm.counts.changed, shop.counts.changed), (0, 0), "round {round}");
            assert_eq!((crm.counts.writes, shop.counts.writes), (0, 0), "round {round}");
        }
        assert_eq!((stage.table("crm").writes.len(), stage.table("shop").writes.len()), (1, 0));
        // What the system says by itself is an edit all the same.
        stage
            .table("crm")
            .rows
            .get_mut("made-1")
            .unwrap()
            .insert("city".into(), Value::text(" paris"));
        run(&engine, "crm").await;
        assert_eq!(golden(&stage, "ana@x.fr", "city").await, Some(json!("PARIS")));
        run(&engine, "shop").await;
        assert_eq!(stage.table("shop").rows["s"]["city"], Value::text("PARIS"));
    });
}

#[test]
fn other_rules_look_at_every_row_again() {
    block_on(async {
        let mut stage = Stage::new(rules(), Timestamp::from_seconds(1_000_000));
        stage.table("crm").put("1", &[("email", "ana@x.fr"), ("city", " lyon "), ("age", "1")]);
        run(&stage.open().await, "crm").await;
        stage.rules.mappings[0].clean.truncate(1);
        stage.rules.mappings[0].schema = None;
        let ran = run(&stage.open().await, "crm").await;
        assert_eq!(ran.counts.changed, 1);
        assert_eq!(golden(&stage, "ana@x.fr", "city").await, Some(json!("lyon")));
        assert_eq!(golden(&stage, "ana@x.fr", "age").await, Some(json!("1")));
    });
}
