//! Conversions: what is sent where, what counts, what is refused.

use doubles::google::Trouble;
use doubles::google::events::{ACTION, OTHER_ACTION};
use liaison_sdk::hash::{Kind, Profile};
use liaison_sdk::{
    Action, Consent, Destination, Environment, Fault, FaultCode, JobState, Outcome, Stored,
    Verdict, WriteItem, WriteRequest,
};
use serde_json::{Value, json};

use super::Stage;
use crate::{CONVERSIONS, Google};

const PATH: &str = "/v1/events:ingest";

fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.settings["conversion_action"] = json!(ACTION);
    stage
}

/// A purchase with these changes of its fields; null takes one away.
fn purchase(changes: &Value) -> WriteItem {
    let mut patch = json!({
        "event_time": "2026-11-29T09:00:00+01:00", "transaction_id": "o-1", "value": 1,
        "currency": "eur", "email": "Ana@Gmail.com",
    });
    for (name, value) in changes.as_object().unwrap() {
        patch[name] = value.clone();
    }
    let idempotency_key = "k-1".to_owned();
    WriteItem { idempotency_key, ..WriteItem::new(Action::Create, None, patch) }
}

fn numbered(number: &str) -> WriteItem {
    purchase(&json!({ "transaction_id": number }))
}

fn try_write(stage: &Stage, items: Vec<WriteItem>) -> Result<Vec<Outcome>, Fault> {
    let request = WriteRequest { stream: CONVERSIONS.to_owned(), items, dry_run: false };
    match stage.run(|call| Google::write(call, &request))?.verdict {
        Verdict::Items(outcomes) => Ok(outcomes),
        Verdict::Aggregate(..) => panic!("outcomes were expected"),
    }
}

fn write(stage: &Stage, items: Vec<WriteItem>) -> Vec<Outcome> {
    try_write(stage, items).unwrap()
}

fn poll(stage: &Stage, outcome: &Outcome) -> Verdict {
    let Outcome::Accepted(job) = outcome else { panic!("{outcome:?}") };
    match stage.run(|call| Google::poll_job(call, job)).unwrap() {
        JobState::Done(report) => report.verdict,
        other => panic!("{other:?}"),
    }
}

#[test]
pub fn a_conversion_is_sent_in_googles_form_to_the_last_digit() {
    let stage = stage();
    let value: Value = serde_json::from_str("12345678901234567.10").unwrap();
    let all = json!({
        "value": value, "event_source": "in-store", "gclid": "G1", "gbraid": "B1", "wbraid": "W1",
        "phone": "+33 6 12 34 56 78", "first_name": "Ana", "last_name": "Dupont",
        "country": "fr", "postcode": "42000",
    });
    let taken = write(&stage, vec![purchase(&all), numbered("o-2")]);
    assert_eq!(taken[0], taken[1]);
    let raw = stage.account().seen()[0].0.body.clone();
    let raw = String::from_utf8(raw).unwrap();
    assert!(raw.contains(r#""conversionValue":12345678901234567.10"#), "{raw}");
    let clear = ["ana@", "dupont", "612345678"];
    assert!(!clear.iter().any(|text| raw.to_lowercase().contains(text)), "{raw}");
    let sent = &stage.bodies(PATH)[0];
    assert_eq!(sent["destinations"][0]["productDestinationId"], ACTION);
    let event = &sent["events"][0];
    assert_eq!(event["eventTimestamp"], "2026-11-29T08:00:00Z");
    assert_eq!((&event["eventSource"], &event["currency"]), (&json!("IN_STORE"), &json!("EUR")));
    assert_eq!(event["adIdentifiers"], json!({"gclid": "G1", "gbraid": "B1", "wbraid": "W1"}));
    let identifiers = event["userData"]["userIdentifiers"].as_array().unwrap();
    let email = Profile::Google.prepare(Kind::Email, "ana@gmail.com").unwrap();
    assert_eq!((identifiers.len(), &identifiers[0]["emailAddress"]), (3, &json!(email)));
    stage.account().work(0);
    assert_eq!(poll(&stage, &taken[0]), Verdict::Aggregate(2, 0));
    assert_eq!(stage.account().conversions().len(), 2);
}

#[test]
pub fn each_action_is_a_request_of_its_own() {
    let stage = stage();
    let other = json!({"conversion_action": OTHER_ACTION, "transaction_id": "o-2"});
    let taken = write(&stage, vec![purchase(&json!({})), purchase(&other), numbered("o-3")]);
    assert_eq!(taken[0], taken[2]);
    assert_ne!(taken[0], taken[1]);
    stage.account().work(0);
    assert_eq!(poll(&stage, &taken[0]), Verdict::Aggregate(2, 0));
    assert_eq!(poll(&stage, &taken[1]), Verdict::Aggregate(1, 0));
}

#[test]
fn what_is_sent_again_counts_once() {
    let stage = stage();
    let without = || purchase(&json!({"transaction_id": null}));
    stage.account().fail("events:ingest", Trouble::NoAnswer);
    assert_eq!(try_write(&stage, vec![without()]).unwrap_err().code, FaultCode::Timeout);
    let taken = write(&stage, vec![without()]);
    stage.account().work(0);
    assert_eq!(stage.bodies(PATH)[1]["events"][0]["transactionId"], "k-1");
    assert_eq!(stage.account().conversions().len(), 1);
    // Its second coming counts for nothing.
    let JobState::Failed(fault) = stage.run(|call| {
        let Outcome::Accepted(job) = &taken[0] else { panic!("{taken:?}") };
        Google::poll_job(call, job).unwrap()
    }) else {
        panic!("it counts twice")
    };
    assert_eq!(fault.code, FaultCode::Rejected);
}

#[test]
pub fn consents_go_along_and_who_refused_is_not_sent() {
    let stage = stage();
    let with = |granted| {
        let consent = Consent {
            purpose: "advertising".to_owned(),
            granted,
            since: "2026-01-01T00:00:00Z".to_owned(),
            source: "form".to_owned(),
        };
        WriteItem { consents: vec![consent], ..purchase(&json!({})) }
    };
    let found = write(&stage, vec![with(true), with(false)]);
    assert!(matches!(&found[1], Outcome::Rejected(fault) if fault.place == "advertising"));
    let events = &stage.bodies(PATH)[0]["events"];
    let granted = "CONSENT_GRANTED";
    let consent = json!({"adUserData": granted, "adPersonalization": granted});
    assert_eq!((events.as_array().map(Vec::len), &events[0]["consent"]), (Some(1), &consent));
}

#[test]
fn what_google_would_refuse_a_request_for_is_refused_alone() {
    let mut stage = stage();
    let cases = [
        (json!({"event_time": "yesterday"}), "event_time"),
        (json!({"event_time": 7}), "event_time"),
        (json!({"event_time": null}), "event_time"),
        (json!({"value": "1"}), "value"),
        (json!({"currency": null}), "currency"),
        (json!({"currency": "euro"}), "currency"),
        (json!({"event_source": "WEB"}), "event_source"),
        (json!({"conversion_action": "AW-1"}), "conversion_action"),
        (json!({"email": "nobody"}), "email"),
        (json!({"email": null}), "email, phone, a whole address, gclid, gbraid or wbraid"),
        (json!({"transaction_id": 7}), "transaction_id"),
        (json!({"shoe_size": "42"}), "shoe_size"),
    ];
    let mut items: Vec<WriteItem> = cases.iter().map(|(change, _)| purchase(change)).collect();
    items.push(WriteItem { action: Action::Update, ..purchase(&json!({})) });
    items.push(purchase(&json!({"email": null, "gclid": "G1"})));
    let outcomes = write(&stage, items);
    let places = cases.iter().map(|(_, place)| *place).chain(["action"]);
    for (place, outcome) in places.zip(&outcomes) {
        let Outcome::Rejected(fault) = outcome else { panic!("{place}: {outcome:?}") };
        assert_eq!(fault.place, place);
    }
    assert!(matches!(outcomes[13], Outcome::Accepted(_)), "{outcomes:?}");
    let before = stage.account().seen().len();
    stage.settings.as_object_mut().unwrap().remove("conversion_action");
    let found = write(&stage, vec![purchase(&json!({}))]);
    assert!(matches!(&found[0], Outcome::Rejected(fault) if fault.place == "conversion_action"));
    assert_eq!(stage.account().seen().len(), before);
    stage.settings["conversion_action"] = json!("AW-1");
    let fault = try_write(&stage, vec![purchase(&json!({}))]).unwrap_err();
    assert_eq!((fault.code, &*fault.place), (FaultCode::Config, "settings.conversion_action"));
}

#[test]
fn two_thousand_are_taken_at_once_and_one_more_is_refused_before() {
    let stage = stage();
    let many = |count: usize| (0..count).map(|n| numbered(&format!("o-{n}"))).collect::<Vec<_>>();
    let fault = try_write(&stage, many(2_001)).unwrap_err();
    assert_eq!((fault.code, fault.arg("items-max")), (FaultCode::Rejected, Some("2000")));
    assert!(stage.bodies(PATH).is_empty());
    let taken = write(&stage, many(2_000));
    stage.account().work(1);
    assert_eq!(poll(&stage, &taken[0]), Verdict::Aggregate(2_000, 1));
}

#[test]
fn a_sandbox_only_validates() {
    let mut stage = stage();
    stage.environment = Environment::Sandbox;
    assert_eq!(write(&stage, vec![numbered("o-1")]), [Outcome::Created(Stored::key("o-1"))]);
    assert_eq!(stage.bodies(PATH)[0]["validateOnly"], true);
    stage.account().work(0);
    assert!(stage.account().conversions().is_empty());
}

#[test]
fn trouble_is_told_from_refusal_and_leaves_the_other_action_alone() {
    for (trouble, code) in [
        (Trouble::Expired, FaultCode::Auth),
        (Trouble::NoPermission, FaultCode::Permission),
        (Trouble::TooFast(29), FaultCode::RateLimited(Some(29))),
        (Trouble::Page(200), FaultCode::Timeout),
        (Trouble::BreaksOff, FaultCode::Timeout),
        (Trouble::Page(503), FaultCode::Transient),
    ] {
        let stage = stage();
        stage.account().fail("events:ingest", trouble);
        let fault = try_write(&stage, vec![numbered("o-1")]).unwrap_err();
        assert_eq!(fault.code, code, "{trouble:?}");
    }
    // An action that is not there comes after one that is.
    let stage = stage();
    let gone = purchase(&json!({"conversion_action": "7", "transaction_id": "o-2"}));
    let found = write(&stage, vec![gone, numbered("o-1")]);
    assert!(matches!(&found[0], Outcome::Rejected(fault)
        if fault.arg("vendor-code") == Some("INVALID_CONVERSION_ACTION_ID")));
    assert!(matches!(found[1], Outcome::Accepted(_)));
}
