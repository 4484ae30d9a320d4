//! Conversions: what is sent, what counts, what is refused.

use doubles::meta::{Trouble, events::DATASET};
use liaison_sdk::hash::{Kind, Profile};
use liaison_sdk::{
    Action, Connector, Destination, Environment, Fault, FaultCode, Outcome, Report, Stored,
    Verdict, WriteItem, WriteRequest,
};
use serde_json::{Value, json};

use super::Stage;
use crate::{CONVERSIONS, Meta};

fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.settings["dataset"] = json!(DATASET);
    stage
}

/// A purchase with these changes of its fields; null takes one away.
fn purchase(changes: &Value) -> WriteItem {
    let mut patch = json!({
        "event_name": "Purchase", "event_time": "2026-11-29T08:00:00Z", "event_id": "o-1",
        "action_source": "physical_store", "email": "Ana@x.example", "value": 1, "currency": "EUR",
    });
    for (name, value) in changes.as_object().unwrap() {
        patch[name] = value.clone();
    }
    let idempotency_key = "k-1".to_owned();
    WriteItem { idempotency_key, ..WriteItem::new(Action::Create, None, patch) }
}

fn report(stage: &Stage, items: Vec<WriteItem>) -> Result<Report, Fault> {
    let request = WriteRequest { stream: CONVERSIONS.to_owned(), items, dry_run: false };
    stage.run(|call| Meta::write(call, &request))
}

fn write(stage: &Stage, items: Vec<WriteItem>) -> Vec<Outcome> {
    match report(stage, items).unwrap().verdict {
        Verdict::Items(outcomes) => outcomes,
        Verdict::Aggregate(..) => panic!("outcomes were expected"),
    }
}

fn hashed(kind: Kind, value: &str) -> String {
    Profile::Meta.prepare(kind, value).unwrap()
}

#[test]
fn a_conversion_is_sent_in_metas_form_to_the_last_digit() {
    let stage = stage();
    let value: Value = serde_json::from_str("12345678901234567.10").unwrap();
    let item = purchase(&json!({
        "value": value, "phone": "+33 6 12 34 56 78", "birth_date": "1990-02-05",
        "external_id": "C-17", "click_id": "fb.1.2.3", "order_id": "o-1", "num_items": 2,
        "content_ids": ["a", "b"], "action_source": "website", "client_user_agent": "Browser/1",
        "event_source_url": "https://x.example/thanks",
    }));
    assert_eq!(write(&stage, vec![item]), [Outcome::Created(Stored::key("o-1"))]);
    let account = stage.account();
    let body = String::from_utf8(account.seen()[0].0.body.clone()).unwrap();
    assert!(body.contains(r#""value":12345678901234567.10"#), "{body}");
    assert!(!body.to_lowercase().contains("ana@") && !body.contains("612345678"), "{body}");
    let event = account.events.kept()[0].clone();
    assert_eq!(event["event_time"], 1_795_939_200);
    assert_eq!(event["user_data"]["em"], hashed(Kind::Email, "ana@x.example"));
    assert_eq!(event["user_data"]["ph"], hashed(Kind::Phone, "33612345678"));
    assert_eq!(event["user_data"]["dobm"], hashed(Kind::BirthMonth, "1990-02-05"));
    assert_eq!(event["user_data"]["fbc"], "fb.1.2.3");
    assert_eq!(event["custom_data"]["content_ids"], json!(["a", "b"]));
}

#[test]
fn what_is_sent_again_counts_once() {
    let stage = stage();
    let without = || purchase(&json!({"event_id": null}));
    stage.account().fail("/events", Trouble::NoAnswer);
    assert_eq!(report(&stage, vec![without()]).unwrap_err().code, FaultCode::Timeout);
    assert_eq!(write(&stage, vec![without()]), [Outcome::Created(Stored::key("k-1"))]);
    assert_eq!(stage.account().events.kept().len(), 1);
}

#[test]
fn what_meta_would_refuse_a_request_for_is_refused_alone() {
    let stage = stage();
    let changed = WriteItem { action: Action::Update, ..purchase(&json!({})) };
    let cases = [
        (json!({"event_time": "2026-09-28T08:00:00Z"}), "event_time"),
        (json!({"event_time": "2026-11-22T08:00:00Z", "action_source": "email"}), "event_time"),
        (json!({"event_time": "2026-11-30T12:10:00Z"}), "event_time"),
        (json!({"event_time": "yesterday"}), "event_time"),
        (json!({"event_time": 1_795_939_200}), "event_time"),
        (json!({"event_time": null}), "event_time"),
        (json!({"event_name": null}), "event_name"),
        (json!({"action_source": "shop"}), "action_source"),
        (json!({"action_source": "website"}), "event_source_url"),
        (
            json!({"action_source": "website", "event_source_url": "https://x.example"}),
            "client_user_agent",
        ),
        (json!({"value": null}), "value"),
        (json!({"value": "1"}), "value"),
        (json!({"currency": null}), "currency"),
        (json!({"currency": "euro"}), "currency"),
        (json!({"email": "nobody"}), "email"),
        (json!({"email": null}), "email, phone, external_id, click_id or browser_id"),
        (json!({"order_id": 7}), "order_id"),
        (json!({"shoe_size": "42"}), "shoe_size"),
    ];
    let mut items: Vec<WriteItem> = cases.iter().map(|(change, _)| purchase(change)).collect();
    items.push(changed);
    items.push(purchase(&json!({})));
    // A shop has longer.
    items.push(purchase(&json!({"event_id": "o-2", "event_time": "2026-10-01T08:00:00Z"})));
    let outcomes = write(&stage, items);
    let places = cases.iter().map(|(_, place)| *place).chain(["action"]);
    for (place, outcome) in places.zip(&outcomes) {
        let Outcome::Rejected(fault) = outcome else { panic!("{place}: {outcome:?}") };
        assert_eq!(fault.place, place);
    }
    assert!(outcomes[19..].iter().all(|it| matches!(it, Outcome::Created(_))), "{outcomes:?}");
    assert_eq!(stage.account().events.kept().len(), 2);
    // Nothing remains, and nothing is sent.
    let before = stage.asked().len();
    write(&stage, vec![purchase(&json!({"value": null}))]);
    assert_eq!(stage.asked().len(), before);
}

#[test]
fn a_thousand_are_taken_at_once_and_one_more_is_refused_before() {
    let stage = stage();
    let many = |count: usize| {
        (0..count).map(|n| purchase(&json!({"event_id": format!("o-{n}")}))).collect::<Vec<_>>()
    };
    let fault = report(&stage, many(1_001)).unwrap_err();
    assert_eq!((fault.code, fault.arg("items-max")), (FaultCode::Rejected, Some("1000")));
    assert!(stage.asked().is_empty());
    assert_eq!(write(&stage, many(1_000)).len(), 1_000);
    assert_eq!(stage.account().events.kept().len(), 1_000);
}

#[test]
fn counts_are_the_answer_where_meta_receives_fewer() {
    let stage = stage();
    stage.account().events.drops = 1;
    let items = vec![
        purchase(&json!({})),
        purchase(&json!({"event_id": "o-2"})),
        purchase(&json!({"value": null})),
    ];
    assert_eq!(report(&stage, items).unwrap().verdict, Verdict::Aggregate(3, 2));
}

#[test]
fn a_sandbox_sends_tests_only() {
    let mut stage = stage();
    stage.environment = Environment::Sandbox;
    let fault = report(&stage, vec![purchase(&json!({}))]).unwrap_err();
    assert_eq!((fault.code, &*fault.place), (FaultCode::Config, "settings.test_event_code"));
    stage.settings["test_event_code"] = json!("TEST7");
    assert_eq!(write(&stage, vec![purchase(&json!({}))]).len(), 1);
    assert_eq!(stage.account().seen()[0].0.json()["test_event_code"], "TEST7");
    assert!(stage.account().events.kept().is_empty());
}

#[test]
fn trouble_is_told_from_refusal() {
    let stage = stage();
    let write = |trouble| {
        stage.account().fail("/events", trouble);
        report(&stage, vec![purchase(&json!({}))]).unwrap_err().code
    };
    for (trouble, code) in [
        (Trouble::Expired, FaultCode::Auth),
        (Trouble::NoPermission, FaultCode::Permission),
        (Trouble::TooFast(4, 1), FaultCode::RateLimited(Some(60))),
        (Trouble::Page(200), FaultCode::Timeout),
        (Trouble::BreaksOff, FaultCode::Timeout),
        (Trouble::Page(503), FaultCode::Transient),
    ] {
        assert_eq!(write(trouble), code, "{trouble:?}");
    }
}

#[test]
fn conversions_need_a_dataset_that_is_there() {
    let mut stage = Stage::new();
    assert_eq!(stage.run(Meta::discover).unwrap().len(), 1);
    let fault = report(&stage, vec![purchase(&json!({}))]).unwrap_err();
    assert_eq!((fault.code, &*fault.place), (FaultCode::Config, "settings.dataset"));
    stage.settings["dataset"] = json!("1");
    let fault = stage.run(Meta::check).unwrap_err();
    assert_eq!((fault.code, &*fault.place), (FaultCode::Config, "settings.dataset"));
    stage.settings["dataset"] = json!(DATASET);
    stage.run(Meta::check).unwrap();
    let streams = stage.run(Meta::discover).unwrap();
    assert_eq!(streams[1].name(), CONVERSIONS);
}
