//! Templated mail.

use liaison_sdk::{
    Connector, Destination, Environment, FaultCode, Found, Outcome, ReadRequest, WriteItem,
    WriteRequest,
};
use serde_json::json;

use super::{Stage, by_email, create, rejected, update};
use crate::SendGrid;

fn message(key: &str, email: &str, name: &str) -> WriteItem {
    let item = create(json!({"to": email, "name": name, "code": null}));
    WriteItem { idempotency_key: key.to_owned(), ..item }
}

#[test]
fn a_row_is_a_message_that_carries_its_key() {
    let stage = Stage::new();
    let outcomes = stage.write(
        "welcome",
        vec![message("k1", "ana@x.example", "Ana"), message("k2", "bob@x.example", "Bob")],
    );
    let Outcome::Created(stored) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(
        (stored.key.as_str(), &stored.row.as_ref().unwrap()["message_id"]),
        ("k1", &json!("k1"))
    );
    let account = stage.account();
    assert_eq!(account.seen().len(), 1, "one request for all");
    let sent: Vec<_> =
        account.messages().iter().map(|it| (it.to.as_str(), &it.custom_args)).collect();
    let (first, second) = (json!({"liaison_message": "k1"}), json!({"liaison_message": "k2"}));
    assert_eq!(sent, [("ana@x.example", &first), ("bob@x.example", &second)]);
    let letter = &account.messages()[0];
    assert_eq!((letter.template.as_str(), &letter.group), ("d-1", &json!(101)));
    assert_eq!(letter.data, json!({"name": "Ana"}));
}

#[test]
fn a_test_sends_nothing() {
    let stage = Stage { environment: Environment::Sandbox, ..Stage::new() };
    stage.write("welcome", vec![message("k1", "ana@x.example", "Ana")]);
    assert!(stage.account().messages().is_empty());
    let stage = Stage::new();
    let items = vec![message("k1", "ana@x.example", "Ana")];
    let request = WriteRequest { stream: "welcome".to_owned(), items, dry_run: true };
    stage.run(|call| SendGrid::write(call, &request)).unwrap();
    assert!(stage.account().messages().is_empty());
}

#[test]
fn what_was_sent_is_never_changed_found_or_read() {
    let stage = Stage::new();
    let outcomes = stage.write("welcome", vec![update("k1", json!({"name": "x"}))]);
    assert_eq!(rejected(&outcomes[0]).code, FaultCode::NotSupported);
    assert_eq!(stage.lookup("welcome", vec![by_email("ana@x.example")]), [Found::None]);
    let page = stage.read(&ReadRequest::start("welcome")).unwrap();
    assert_eq!((page.rows.len(), page.more, page.snapshot_complete), (0, false, None));
}

#[test]
fn a_message_that_cannot_be_is_refused_alone() {
    let stage = Stage::new();
    let odd = create(json!({"to": "ana@x.example", "colour": "red"}));
    let outcomes = stage.write(
        "welcome",
        vec![
            message("k1", "none", "Ana"),
            odd,
            create(json!({})),
            message("k2", "bob@x.example", "Bob"),
        ],
    );
    let reasons = [0, 1, 2].map(|place: usize| rejected(&outcomes[place]).arg("reason").unwrap());
    assert_eq!(reasons, ["address", "unknown-field", "required"]);
    assert!(matches!(outcomes[3], Outcome::Created(_)));
    assert_eq!(stage.account().messages().len(), 1);
    let streams = stage.run(SendGrid::discover).unwrap();
    assert!(streams.iter().any(|stream| stream.name() == "welcome"));
}
