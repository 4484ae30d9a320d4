//! A trait that one system owns: what is typed over it elsewhere is not taken, and
//! the owner's value is written back there, once for each edit.

use hub_model::{
    Direction, Mapping, Namespace, Normaliser, Rules, StreamRef, Survivorship, SyncId, Timestamp,
    TraitRule, Value,
};
use simulation::stage::{Stage, pair, row, run};

/// An ERP that owns the city, and a CRM where it can be typed over.
fn rules() -> Rules {
    let of = |name: &str| Mapping {
        fields: vec![
            pair("email", Direction::ToProfile, Some("email")),
            pair("city", Direction::Both, None),
        ],
        matching: vec!["email".into()],
        ..Mapping::new(SyncId::new(name), StreamRef::new("default", name, "people"))
    };
    let namespaces = vec![Namespace::new("email", Normaliser::Email)];
    let mut rules = Rules::new("default".into(), namespaces, vec![of("erp"), of("crm")]);
    let (name, sources) = ("city".into(), vec![SyncId::new("erp")]);
    rules.traits.push(TraitRule { name, rule: Survivorship::Owner, sources });
    rules
}

/// People type now and then: an hour passes.
fn later(stage: &Stage, hours: usize) {
    stage.clock.set(Timestamp::from_seconds(1_800_000_000 + 3_600 * (1 + hours as i64)));
}

#[tokio::test]
async fn an_edit_elsewhere_is_refused_and_written_over_once() {
    let stage = Stage::new(rules(), Timestamp::from_seconds(1_800_000_000));
    stage.table("erp").put("1", &[("email", "ana@x.fr"), ("city", "Lyon")]);
    stage.table("crm").put("a", &[("email", "ana@x.fr"), ("city", "Nice")]);
    let engine = stage.open().await;
    let rounds = async |rounds: usize| {
        for _ in 0..rounds {
            run(&engine, "erp").await;
            run(&engine, "crm").await;
        }
    };
    let city = |connection: &str, key: &str| stage.table(connection).rows[key]["city"].clone();
    let writes = |connection: &str| stage.table(connection).writes.len();
    rounds(2).await;
    assert_eq!((city("erp", "1"), city("crm", "a")), (Value::text("Lyon"), Value::text("Lyon")));
    assert_eq!((writes("erp"), writes("crm")), (0, 1));

    // The same refused value, typed again and again: one write each.
    for (edits, typed) in ["Paris", "Paris", "", "Nice"].into_iter().enumerate() {
        later(&stage, edits);
        stage
            .table("crm")
            .rows
            .insert("a".to_owned(), row(&[("email", "ana@x.fr"), ("city", typed)]));
        rounds(3).await;
        assert_eq!(city("crm", "a"), Value::text("Lyon"), "{typed:?}");
        assert_eq!((writes("erp"), writes("crm")), (0, edits + 2), "{typed:?}");
    }

    // What the owner types goes there, and what it empties is emptied.
    for (typed, writes_more) in [("Rome", 1), ("", 1)] {
        let before = writes("crm");
        stage
            .table("erp")
            .rows
            .insert("1".to_owned(), row(&[("email", "ana@x.fr"), ("city", typed)]));
        rounds(3).await;
        assert_eq!(city("crm", "a"), row(&[("city", typed)])["city"], "{typed:?}");
        assert_eq!((writes("erp"), writes("crm")), (0, before + writes_more), "{typed:?}");
    }
}

/// A CRM that keeps capital letters: the form that it makes of the owner's value is
/// no edit, and an edit is still told from it.
#[tokio::test]
async fn the_form_that_a_system_makes_of_it_is_no_edit() {
    let stage = Stage::new(rules(), Timestamp::from_seconds(1_800_000_000));
    stage.table("erp").put("1", &[("email", "ana@x.fr"), ("city", "Lyon")]);
    stage.table("crm").form = Some(|row| {
        let upper = row["city"].as_text().map(str::to_uppercase);
        row.insert("city".into(), upper.map_or(Value::Null, Value::text));
    });
    stage.table("crm").put("a", &[("email", "ana@x.fr"), ("city", "NICE")]);
    let engine = stage.open().await;
    for (edits, typed) in ["NICE", "LYON", "PARIS", "LYON"].into_iter().enumerate() {
        later(&stage, edits);
        stage
            .table("crm")
            .rows
            .insert("a".to_owned(), row(&[("email", "ana@x.fr"), ("city", typed)]));
        let before = stage.table("crm").writes.len();
        for _ in 0..4 {
            run(&engine, "crm").await;
            run(&engine, "erp").await;
        }
        assert_eq!(stage.table("crm").rows["a"]["city"], Value::text("LYON"), "{typed}");
        assert_eq!(
            stage.table("crm").writes.len() - before,
            usize::from(typed != "LYON"),
            "{typed}"
        );
        assert_eq!(stage.table("erp").writes.len(), 0, "{typed}");
    }
}
