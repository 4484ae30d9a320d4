//! What goes wrong at SendGrid, and how it is told.

use doubles::sendgrid::Trouble;
use liaison_sdk::{Call, Connector, Fault, FaultCode, Outcome, ReadRequest, Source};
use serde_json::{Value, json};

use super::{BEGINNING, Stage, create, job, update};
use crate::SendGrid;

fn fails(part: &str, trouble: Trouble, ask: impl FnOnce(&Stage) -> Fault) -> Fault {
    let stage = Stage::new();
    stage.account().fail(part, trouble);
    ask(&stage)
}

fn read(stage: &Stage) -> Fault {
    stage.read(&ReadRequest::start("contacts")).unwrap_err()
}

fn written(stage: &Stage) -> Fault {
    stage.try_write("contacts", vec![create(json!({"email": "a@x.example"}))]).unwrap_err()
}

fn sent(stage: &Stage) -> Fault {
    stage.try_write("welcome", vec![create(json!({"to": "a@x.example"}))]).unwrap_err()
}

#[test]
fn each_trouble_is_told_as_what_it_is() {
    let check = |stage: &Stage| stage.run(SendGrid::check).unwrap_err();
    let reset = BEGINNING + 17;
    type Ask = fn(&Stage) -> Fault;
    let cases: [(&str, Trouble, Ask, FaultCode); 14] = [
        ("GET", Trouble::Revoked, check, FaultCode::Auth),
        ("GET", Trouble::Revoked, read, FaultCode::Auth),
        ("PUT", Trouble::Revoked, written, FaultCode::Auth),
        ("PUT", Trouble::NoAccess, written, FaultCode::Permission),
        ("exports", Trouble::TooFast(reset), read, FaultCode::RateLimited(Some(17))),
        ("PUT", Trouble::TooFast(reset), written, FaultCode::RateLimited(Some(17))),
        ("mail", Trouble::CreditsGone, sent, FaultCode::QuotaExhausted(None)),
        ("PUT", Trouble::TooLarge, written, FaultCode::Rejected),
        ("GET", Trouble::OutOfOrder, check, FaultCode::Transient),
        // Nobody knows what became of a write that was answered by no answer.
        ("PUT", Trouble::NoAnswer, written, FaultCode::Timeout),
        ("PUT", Trouble::BreaksOff, written, FaultCode::Timeout),
        ("PUT", Trouble::Page(200), written, FaultCode::Timeout),
        ("mail", Trouble::Page(200), sent, FaultCode::Timeout),
        ("field_definitions", Trouble::Page(200), read, FaultCode::SchemaDrift),
    ];
    for (part, trouble, ask, code) in cases {
        let fault = fails(part, trouble, ask);
        assert_eq!(fault.code, code, "{part} {trouble:?}: {fault}");
    }
    for trouble in [Trouble::BreaksOff, Trouble::Page(200)] {
        let fault = fails("scopes", trouble, check);
        assert_eq!(fault.code, FaultCode::SchemaDrift);
    }
    let fault = fails("scopes", Trouble::Page(302), check);
    assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Config, "settings.url"));
}

#[test]
fn a_key_that_lacks_an_access_is_told_where_it_is_missing_alone() {
    let stage = Stage::new();
    stage.account().fail("field_definitions", Trouble::NoAccess);
    stage.account().fail("asm/groups", Trouble::NoAccess);
    let streams = stage.run(SendGrid::discover).unwrap();
    let contacts = streams.iter().find(|stream| stream.name() == "contacts").unwrap();
    assert_eq!(contacts.schema()["additionalProperties"], json!(true));
    stage.account().fail("field_definitions", Trouble::NoAccess);
    let fault = read(&stage);
    assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Permission, "Marketing"));
    stage.account().fail("bounces", Trouble::NoAccess);
    let fault = stage.read(&ReadRequest::start("bounces")).unwrap_err();
    assert_eq!(fault.place, "Suppressions, Unsubscribe Groups");
}

#[test]
fn a_renamed_field_empties_nothing() {
    let stage = Stage::new();
    stage.account().contacts().define("pet", "Text");
    let fields = vec!["email".to_owned(), "pet".to_owned()];
    let request = ReadRequest { fields, ..ReadRequest::start("contacts") };
    stage.read_all(request.clone());
    stage.account().contacts().undefine("pet");
    let fault = stage.read(&request).unwrap_err();
    assert_eq!((fault.code, fault.place.as_str()), (FaultCode::SchemaDrift, "pet"));
}

#[test]
fn a_value_that_sendgrid_refuses_refuses_the_request_without_showing_it() {
    let stage = Stage::new();
    let id = stage.account().contacts().enter(&json!({"email": "not-an-address"}));
    let write = vec![update(&id, json!({"city": "Nice"}))];
    let fault = stage.try_write("contacts", write).unwrap_err();
    assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Rejected, "contacts[0].email"));
    assert_eq!(fault.arg("vendor-message"), Some("email '…' is not valid"));
}

#[test]
fn somebody_who_is_deleted_underneath_is_a_conflict_and_a_repetition_no_double() {
    let stage = Stage::new();
    let id = stage.account().contacts().enter(&json!({"email": "ana@x.example"}));
    stage.account().contacts().remove(&id);
    let outcomes = stage.write("contacts", vec![update(&id, json!({"city": "Nice"}))]);
    assert_eq!(outcomes, [Outcome::Conflict]);
    for _ in 0..2 {
        let outcomes = stage.write("contacts", vec![create(json!({"email": "bob@x.example"}))]);
        stage.end_of(job(&outcomes[0]));
    }
    assert_eq!(stage.account().contacts().all().count(), 1);
}

#[test]
fn a_file_elsewhere_names_the_setting() {
    let stage = Stage::new();
    stage.account().files_url = "https://elsewhere.test".to_owned();
    stage.account().contacts().enter(&json!({"email": "ana@x.example"}));
    let start = ReadRequest::start("contacts");
    let mut request = start.after(&stage.read(&start).unwrap());
    let fault = loop {
        match stage.read(&request) {
            Ok(page) => request = request.after(&page),
            Err(fault) => break fault,
        }
    };
    assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Config, "settings.files_url"));
    assert_eq!(fault.arg("expected"), Some("https://elsewhere.test"));
}

#[test]
fn limits_go_to_the_hub_as_hints() {
    let stage = Stage::new();
    let page = stage.read(&ReadRequest::start("bounces")).unwrap();
    let hint = &page.hints.rates[0];
    assert_eq!((hint.scope.as_str(), hint.limit), ("read", Some(600)));
    assert!(hint.remaining.is_some() && hint.reset_after_seconds.is_some());
    // A clock that is years off says nothing about the window.
    let page = Stage { now: 0, ..Stage::new() }.read(&ReadRequest::start("bounces")).unwrap();
    assert_eq!(page.hints.rates[0].reset_after_seconds, None);
}

#[test]
fn wrong_settings_are_named_by_their_place() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 6] = [
        ("settings.url", |it| it["url"] = json!("api.sendgrid.com")),
        ("settings.files_url", |it| it["files_url"] = json!("https://x.example/a")),
        ("settings.from", |it| it["from"] = json!("news")),
        ("settings.from", |it| it["from"] = Value::Null),
        ("settings", |it| it["colour"] = json!("red")),
        ("settings.templates.bounces", |it| {
            it["templates"] = json!({"bounces": {"template_id": "d-1"}});
        }),
    ];
    for (place, change) in cases {
        let mut settings = Stage::new().settings;
        change(&mut settings);
        let fault = SendGrid::read(&Call::with_settings(settings), &ReadRequest::start("contacts"));
        let fault = fault.unwrap_err();
        assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Config, place), "{fault}");
    }
}
