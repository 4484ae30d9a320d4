//! Batches and their outcomes.

use liaison_sdk::{Action, FaultCode, Outcome, WriteItem};
use serde_json::{Value, json};

use super::{Stage, by, create, delete, key, rejected, stored, update};
use doubles::hubspot::Trouble;

#[test]
fn a_created_record_comes_back_in_the_form_that_is_stored() {
    let stage = Stage::new();
    let patch =
        json!({"email": "Ana@X.example", "lastname": " Álvarez ", "phone": null, "city": ""});
    let outcomes = stage.write("contacts", vec![create(patch)]);
    let Outcome::Created(ana) = &outcomes[0] else { panic!("{outcomes:?}") };
    let row = ana.row.as_ref().unwrap();
    assert_eq!((&row["email"], &row["lastname"]), (&json!("ana@x.example"), &json!("Álvarez")));
    let found = stage.lookup("contacts", vec![key(&ana.key)]);
    let liaison_sdk::Found::One(found) = &found[0] else { panic!("{found:?}") };
    for (name, value) in row {
        assert_eq!(&found.fields().unwrap()[name], value, "{name}");
    }
}

#[test]
fn an_update_that_is_written_again_leaves_the_row_as_it_was() {
    let stage = Stage::new();
    for stream in ["contacts", "companies", "deals"] {
        let id = stage.account().enter(stream, &json!({}));
        let name = if stream == "deals" { "dealname" } else { "phone" };
        let shown = || {
            stage.account().clock.pass(60_000);
            stage.write(stream, vec![update(&id, json!({name: "1"}))]);
            let found = stage.lookup(stream, vec![key(&id)]);
            let liaison_sdk::Found::One(row) = &found[0] else { panic!("{found:?}") };
            row.fields().unwrap().clone()
        };
        assert_eq!(shown(), shown(), "{stream}");
    }
}

#[test]
fn a_patch_sets_clears_and_leaves_alone() {
    let stage = Stage::new();
    let entered = json!({"dealname": "D", "amount": "1.10", "closedate": "1796029200000"});
    let id = stage.account().enter("deals", &entered);
    let amount: Value = serde_json::from_str("9007199254740993.10").unwrap();
    let patch = json!({"amount": amount, "closedate": null});
    let outcomes = stage.write("deals", vec![update(&id, patch)]);
    let row = stored(&outcomes[0]).row.as_ref().unwrap();
    assert_eq!(
        (row["amount"].to_string().as_str(), &row["closedate"]),
        ("9007199254740993.10", &Value::Null)
    );
    let account = stage.account();
    let values = account.values("deals", &id).unwrap();
    assert_eq!(
        (values["dealname"].as_str(), values["amount"].as_str()),
        ("D", "9007199254740993.10")
    );
    assert!(!values.contains_key("closedate"));
    drop(account);
    assert_eq!(stage.write("deals", vec![update(&id, json!({}))]), [Outcome::Unchanged]);
}

#[test]
fn each_item_of_a_mixed_batch_has_its_own_outcome() {
    let stage = Stage::new();
    let ids: Vec<String> = (0..6)
        .map(|n| stage.account().enter("contacts", &json!({"email": format!("p{n}@x.example")})))
        .collect();
    stage.account().delete("contacts", &ids[4]);
    stage.account().delete("contacts", &ids[5]);
    let outcomes = stage.write(
        "contacts",
        vec![
            create(json!({"email": "new@x.example"})),
            create(json!({"email": "P0@x.example", "lastname": "Double"})),
            create(json!({"email": "no address"})),
            update(&ids[1], json!({"lastname": "U"})),
            update(&ids[1], json!({"lastname": "twice"})),
            update(&ids[2], json!({"email": "p3@x.example"})),
            update(&ids[4], json!({"lastname": "gone"})),
            update("no id", json!({"lastname": "gone"})),
            delete(&ids[3]),
            WriteItem::new(Action::Archive, Some(&ids[5]), json!({})),
        ],
    );
    assert!(matches!(&outcomes[0], Outcome::Created(_)), "{outcomes:#?}");
    assert_eq!(outcomes[1], Outcome::DuplicateOf(ids[0].clone()));
    assert_eq!(rejected(&outcomes[2]).arg("vendor-code"), Some("INVALID_EMAIL"));
    assert!(!rejected(&outcomes[2]).to_string().contains("no address"), "{:?}", outcomes[2]);
    assert_eq!(stored(&outcomes[3]).row.as_ref().unwrap()["lastname"], "U");
    assert!(
        matches!(&outcomes[4], Outcome::Retry(None, fault) if fault.code == FaultCode::Conflict)
    );
    assert_eq!(rejected(&outcomes[5]).place, "email");
    assert_eq!(outcomes[6..8], [Outcome::Conflict, Outcome::Conflict]);
    assert_eq!(outcomes[8..], [Outcome::Deleted, Outcome::Deleted]);
    assert_eq!(stage.account().count("contacts"), 4);
}

#[test]
fn a_refused_batch_is_halved_until_the_culprit_is_alone() {
    let stage = Stage::new();
    let ids: Vec<String> = (0..100)
        .map(|n| stage.account().enter("contacts", &json!({"email": format!("p{n}@x.example")})))
        .collect();
    let address = |n: usize| if n == 37 { "broken".to_owned() } else { format!("q{n}@x.example") };
    let items = ids.iter().enumerate().map(|(n, id)| update(id, json!({"email": address(n)})));
    let outcomes = stage.write("contacts", items.collect());
    let refused: Vec<usize> = outcomes
        .iter()
        .enumerate()
        .filter(|(_, outcome)| !matches!(outcome, Outcome::Updated(_)))
        .map(|(n, _)| n)
        .collect();
    assert_eq!(refused, [37]);
    assert_eq!(rejected(&outcomes[37]).arg("vendor-code"), Some("INVALID_EMAIL"));
    let requests = stage.account().seen().len();
    assert!(requests <= 16, "{requests}");
    assert_eq!(stage.account().with("contacts", "email", "q99@x.example"), [ids[99].clone()]);
}

#[test]
fn values_that_cannot_be_are_refused_before_they_are_sent() {
    let stage = Stage::new();
    let id = stage.account().enter("deals", &json!({"dealname": "D"}));
    let patches = [
        (json!({"amount": "a lot"}), "amount", "invalid-value", Some("number")),
        (json!({"dealstage": "nowhere"}), "dealstage", "invalid-value", Some("option")),
        (json!({"closedate": "tomorrow"}), "closedate", "invalid-value", Some("RFC 3339")),
        (json!({"hs_object_id": "1"}), "hs_object_id", "read-only", None),
        (json!({"nothing": "1"}), "nothing", "unknown-field", None),
        (json!({"dealname": ["a"]}), "dealname", "type", None),
    ];
    for (patch, place, reason, expected) in patches {
        for item in [update(&id, patch.clone()), create(patch.clone())] {
            let outcomes = stage.write("deals", vec![item]);
            let fault = rejected(&outcomes[0]);
            assert_eq!(fault.place, place);
            assert_eq!((fault.arg("reason"), fault.arg("expected")), (Some(reason), expected));
        }
    }
    assert_eq!(stage.account().count("deals"), 1);
}

#[test]
fn an_upsert_by_a_property_of_the_account_makes_no_double() {
    let stage = Stage::new().set("upsert_by", json!({"contacts": "code"}));
    stage.account().define("contacts", "code", "string", "text", json!({"hasUniqueValue": true}));
    let items =
        || vec![create(json!({"code": "C1", "lastname": "A"})), create(json!({"code": "C2"}))];
    let first = stage.write("contacts", items());
    let second = stage.write("contacts", items());
    let keys = |outcomes: &[liaison_sdk::Outcome]| {
        outcomes.iter().map(|outcome| stored(outcome).key.clone()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&first), keys(&second));
    assert_eq!(stage.account().count("contacts"), 2);
    // One without it is an ordinary create.
    stage.write("contacts", vec![create(json!({"lastname": "B"}))]);
    assert_eq!(stage.account().count("contacts"), 3);
}

#[test]
fn upsert_by_a_property_that_is_not_unique_is_a_setting_to_mend() {
    use liaison_sdk::Connector as _;
    let stage = Stage::new().set("upsert_by", json!({"contacts": "lastname"}));
    let fault = stage.run(|call| crate::HubSpot::discover(call).unwrap_err());
    let expected = (FaultCode::Config, "settings.upsert_by.contacts");
    assert_eq!((fault.code, fault.place.as_str()), expected);
}

#[test]
fn an_item_without_a_key_is_found_by_what_it_matches() {
    let stage = Stage::new();
    let id = stage.account().enter("contacts", &json!({"email": "ana@x.example"}));
    let item = |email: &str| {
        let mut item = WriteItem::new(Action::Update, None, json!({"lastname": "M"}));
        item.matching.insert("email".to_owned(), json!(email));
        item
    };
    let outcomes = stage.write("contacts", vec![item("ANA@x.example"), item("no@x.example")]);
    assert_eq!(
        (stored(&outcomes[0]).key.as_str(), &outcomes[1]),
        (id.as_str(), &Outcome::Conflict)
    );
}

#[test]
fn a_record_that_was_merged_meanwhile_is_read_before_it_is_written() {
    let stage = Stage::new();
    let ids = ["a", "b"].map(|name| stage.account().enter("contacts", &json!({"firstname": name})));
    stage.account().merge("contacts", &ids[0], &ids[1]);
    let outcomes = stage.write("contacts", vec![update(&ids[1], json!({"lastname": "L"}))]);
    assert_eq!(outcomes, [Outcome::Conflict]);
}

#[test]
fn after_a_lost_answer_nobody_knows_and_looking_tells() {
    for trouble in [Trouble::NoAnswer, Trouble::BreaksOff] {
        let stage = Stage::new();
        let id = stage.account().enter("contacts", &json!({"email": "b@x.example"}));
        stage.account().fail("batch/create", trouble);
        let items = vec![create(json!({"email": "ana@x.example"})), delete(&id)];
        let outcomes = stage.write("contacts", items.clone());
        assert_eq!(outcomes[0], Outcome::Unknown, "{trouble:?}");
        assert!(matches!(&outcomes[1], Outcome::Retry(None, _)), "{:?}", outcomes[1]);
        // It had been written: the next attempt finds it.
        let found = stage.lookup("contacts", vec![by("email", "ana@x.example")]);
        assert!(matches!(&found[0], liaison_sdk::Found::One(_)));
        let again = stage.write("contacts", items);
        assert!(matches!(&again[0], Outcome::DuplicateOf(_)), "{again:?}");
        assert_eq!(stage.account().count("contacts"), 1);
    }
}

#[test]
fn what_waits_when_a_limit_is_reached_is_written_later() {
    let stage = Stage::new();
    let id = stage.account().enter("contacts", &json!({"email": "b@x.example"}));
    stage.account().fail("batch/update", Trouble::TooFast);
    let items =
        vec![create(json!({"email": "ana@x.example"})), update(&id, json!({"lastname": "L"}))];
    let outcomes = stage.write("contacts", items);
    assert!(matches!(&outcomes[0], Outcome::Created(_)));
    assert!(matches!(&outcomes[1], Outcome::Retry(Some(10), _)), "{:?}", outcomes[1]);
    // Alone, it is a fault: nothing was written.
    stage.account().fail("batch/update", Trouble::QuotaGone(3_600));
    let fault = stage.try_write("contacts", vec![update(&id, json!({"lastname": "L"}))]);
    assert_eq!(fault.unwrap_err().code, FaultCode::QuotaExhausted(Some(3_600)));
}

#[test]
fn nothing_is_tried_out() {
    use liaison_sdk::{Destination as _, WriteRequest};
    let stage = Stage::new();
    let request = WriteRequest { stream: "contacts".into(), items: Vec::new(), dry_run: true };
    let fault = stage.run(|call| crate::HubSpot::write(call, &request)).unwrap_err();
    assert_eq!(fault.code, FaultCode::NotSupported);
}
