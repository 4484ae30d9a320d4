//! Subscriptions.

use liaison_sdk::{Found, Outcome, ReadRequest};
use serde_json::{Value, json};

use super::{Stage, by, create, delete, key, rejected, stored, told, update};

const STREAM: &str = "subscription_7";

fn people(stage: &Stage) -> [String; 3] {
    let mut account = stage.account();
    let ana = account.enter("contacts", &json!({"email": "ana@x.example"}));
    let bob = account.enter("contacts", &json!({"email": "bob@x.example"}));
    let nobody = account.enter("contacts", &json!({"firstname": "without an address"}));
    [ana, bob, nobody]
}

#[test]
fn each_contact_with_an_address_has_a_status_in_each_type() {
    let stage = Stage::new();
    let [ana, bob, _] = people(&stage);
    stage.account().set_status("bob@x.example", 7, "UNSUBSCRIBED");
    stage.account().set_status("ana@x.example", 8, "SUBSCRIBED");
    let (rows, next) = stage.read_all(ReadRequest::start(STREAM));
    assert_eq!((told(&rows), next.cursor), (vec![ana.clone(), bob.clone()], None));
    let status = |row: usize| rows[row].fields().unwrap()["status"].clone();
    assert_eq!((status(0), status(1)), (Value::Null, json!("UNSUBSCRIBED")));
    assert_eq!(rows[1].fields().unwrap()["source"], "Preference page");
    let (rows, _) = stage.read_all(ReadRequest::start("subscription_8"));
    assert_eq!(rows[0].fields().unwrap()["status"], "SUBSCRIBED");
}

#[test]
fn a_status_is_set_and_reset() {
    let stage = Stage::new();
    let [ana, ..] = people(&stage);
    let basis = json!({
        "status": "SUBSCRIBED", "legal_basis": "CONSENT_WITH_NOTICE",
        "legal_basis_explanation": "asked for it on the web site",
    });
    let outcomes = stage.write(STREAM, vec![update(&ana, basis)]);
    let row = stored(&outcomes[0]).row.as_ref().unwrap();
    assert_eq!(
        (&row["status"], &row["legal_basis"]),
        (&json!("SUBSCRIBED"), &json!("CONSENT_WITH_NOTICE"))
    );
    let found = stage.lookup(STREAM, vec![key(&ana), by("email", "ANA@x.example"), key("999")]);
    let (Found::One(one), Found::One(two)) = (&found[0], &found[1]) else { panic!("{found:?}") };
    assert_eq!((one, one.fields()), (two, Some(row)));
    assert_eq!(found[2], Found::None);
    for (status, stored_as) in [("UNSUBSCRIBED", "UNSUBSCRIBED"), ("", "NOT_SPECIFIED")] {
        let status = if status.is_empty() { Value::Null } else { json!(status) };
        stage.write(STREAM, vec![update(&ana, json!({"status": status}))]);
        assert_eq!(stage.account().status("ana@x.example", 7), Some(stored_as));
    }
}

#[test]
fn a_row_is_there_as_soon_as_its_contact_is() {
    let stage = Stage::new();
    let [ana, _, nobody] = people(&stage);
    let outcomes = stage.write(
        STREAM,
        vec![
            create(json!({"email": "Ana@x.example", "status": "SUBSCRIBED"})),
            create(json!({"email": "eve@x.example", "status": "SUBSCRIBED"})),
            update(&nobody, json!({"status": "SUBSCRIBED"})),
            update("999", json!({"status": "SUBSCRIBED"})),
            delete("999"),
            delete(&ana),
            update(&ana, json!({"status": "MAYBE"})),
            update(&ana, json!({"email": "x@x.example"})),
            update(&ana, json!({"legal_basis": "NON_GDPR"})),
            update(&ana, json!({})),
        ],
    );
    assert_eq!(outcomes[0], Outcome::DuplicateOf(ana));
    assert_eq!(rejected(&outcomes[1]).arg("reason"), Some("no-contact"));
    assert_eq!(outcomes[2..5], [Outcome::Conflict, Outcome::Conflict, Outcome::Deleted]);
    let reasons: Vec<_> =
        outcomes[5..9].iter().map(|it| rejected(it).arg("reason").unwrap()).collect();
    assert_eq!(reasons, ["goes-with-its-contact", "invalid-value", "read-only", "needs-a-status"]);
    assert_eq!(outcomes[9], Outcome::Unchanged);
}

#[test]
fn an_error_inside_an_answer_200_is_the_outcome_of_its_item() {
    let stage = Stage::new();
    let [ana, bob, _] = people(&stage);
    stage.account().ask_for_legal_basis();
    let outcomes = stage.write(
        STREAM,
        vec![
            update(&ana, json!({"status": "SUBSCRIBED"})),
            update(&bob, json!({"status": "UNSUBSCRIBED"})),
        ],
    );
    let fault = rejected(&outcomes[0]);
    assert_eq!(fault.arg("vendor-code"), Some("VALIDATION_ERROR"));
    assert!(!fault.to_string().contains("ana@"), "{fault}");
    assert!(matches!(&outcomes[1], Outcome::Updated(_)), "{:?}", outcomes[1]);
    assert_eq!(stage.account().status("bob@x.example", 7), Some("UNSUBSCRIBED"));
}
