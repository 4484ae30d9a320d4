//! Contacts, written by jobs.

use liaison_sdk::{Action, Fault, FaultCode, JobState, Outcome, WriteItem};
use serde_json::{Value, json};

use super::{Stage, counts, create, job, rejected, update};

#[test]
fn a_write_is_a_job_whose_counts_are_told() {
    let stage = Stage::new();
    let pet = stage.account().contacts().define("pet", "Text");
    let ana = json!({"email": "ana@x.example", "external_id": "C1", "city": "Nice"});
    let id = stage.account().contacts().enter(&ana);
    let outcomes = stage.write(
        "contacts",
        vec![
            update(&id, json!({"city": "Lyon", "pet": "cat"})),
            create(json!({"email": "Bob@X.example", "first_name": "Bob"})),
        ],
    );
    // The identifiers of whoever is there go along, and custom fields have their number.
    let sent = stage.bodies("PUT", "/v3/marketing/contacts");
    let expected = json!({"contacts": [
        {"email": "ana@x.example", "external_id": "C1", "city": "Lyon", "custom_fields": {pet: "cat"}},
        {"email": "bob@x.example", "first_name": "Bob"},
    ]});
    assert_eq!(sent, [expected]);
    let job = job(&outcomes[0]).to_owned();
    assert_eq!(outcomes[1], Outcome::Accepted(job.clone()));
    assert_eq!(counts(&stage.end_of(&job)), (2, 0));
    let mut account = stage.account();
    let contacts = account.contacts();
    let values = ["city", "pet"].map(|name| contacts.value("ana@x.example", name));
    assert_eq!(values, [json!("Lyon"), json!("cat")]);
    assert_eq!(contacts.value("bob@x.example", "first_name"), "Bob");
}

#[test]
fn null_clears() {
    let stage = Stage::new();
    for (name, kind) in [("size", "Number"), ("pet", "Text")] {
        stage.account().contacts().define(name, kind);
    }
    let ana = json!({"email": "ana@x.example", "city": "Nice", "size": 42, "pet": "cat"});
    let id = stage.account().contacts().enter(&ana);
    let patch = json!({"city": null, "size": null, "pet": null});
    let outcomes = stage.write("contacts", vec![update(&id, patch)]);
    stage.end_of(job(&outcomes[0]));
    for name in ["city", "size", "pet"] {
        assert_eq!(stage.account().contacts().value("ana@x.example", name), Value::Null, "{name}");
    }
}

#[test]
fn deletions_are_a_job_of_their_own() {
    let stage = Stage::new();
    let id = stage.account().contacts().enter(&json!({"email": "ana@x.example"}));
    let unknown = "ffffffff-0000-4000-8000-000000000000";
    let delete = |id: &str| WriteItem::new(Action::Delete, Some(id), json!({}));
    let outcomes = stage.write("contacts", vec![delete(unknown), delete(&id)]);
    assert_eq!(outcomes[0], Outcome::Deleted);
    assert_eq!(counts(&stage.end_of(job(&outcomes[1]))), (1, 0));
    assert!(stage.account().contacts().with("ana@x.example").is_none());
}

#[test]
fn what_cannot_be_is_refused_by_name_and_leaves_the_others() {
    let stage = Stage::new();
    stage.account().contacts().define("size", "Number");
    let id = stage.account().contacts().enter(&json!({"email": "ana@x.example"}));
    let unknown = "ffffffff-0000-4000-8000-000000000000";
    let outcomes = stage.write(
        "contacts",
        vec![
            create(json!({"email": "none"})),
            create(json!({"city": "Nice"})),
            create(json!({"email": "e@x.example", "first_name": "x".repeat(51)})),
            create(json!({"email": "e@x.example", "size": "large"})),
            create(json!({"email": "e@x.example", "shoe": "large"})),
            create(json!({"email": "e@x.example", "phone_number": "+33"})),
            update(&id, json!({"email": "eve@x.example"})),
            update(unknown, json!({"city": "Nice"})),
            update(&id, json!({})),
            update(&id, json!({"city": "Nice"})),
        ],
    );
    let told =
        |fault: &Fault| (fault.place.clone(), fault.arg("reason").unwrap_or_default().to_owned());
    let reasons: Vec<_> = outcomes[..7].iter().map(|outcome| told(rejected(outcome))).collect();
    let expected = [
        ("email", "address"),
        ("email", "required"),
        ("first_name", "too-long"),
        ("size", "number"),
        ("shoe", "unknown-field"),
        ("phone_number", "read-only"),
        ("email", "cannot-be-changed"),
    ];
    assert_eq!(reasons, expected.map(|(at, why)| (at.to_owned(), why.to_owned())));
    assert_eq!(outcomes[7..9], [Outcome::Conflict, Outcome::Unchanged]);
    stage.end_of(job(&outcomes[9]));
    assert_eq!(stage.account().contacts().value("ana@x.example", "city"), "Nice");
}

#[test]
fn a_job_that_failed_says_why_without_the_value() {
    let stage = Stage::new();
    stage.account().contacts().define("size", "Number");
    // Somebody got another identifier between the look and the write.
    let bob = json!({"email": "bob@x.example"});
    let id = stage.account().contacts().enter(&bob);
    let outcomes = stage.write("contacts", vec![update(&id, json!({"city": "Nice"}))]);
    stage.account().contacts().edit(&id, &json!({"external_id": "C7"}));
    match stage.end_of(job(&outcomes[0])) {
        JobState::Failed(fault) => {
            assert_eq!(fault.code, FaultCode::Rejected);
            let said = fault.arg("vendor-message").unwrap();
            assert_eq!(said, "the identifier external_id of the contact is missing");
        }
        other => panic!("{other:?}"),
    }
    let unknown = "ffffffff-0000-4000-8000-000000000000";
    for job in [unknown, "../7"] {
        let fault = stage.run(|call| {
            use liaison_sdk::Destination as _;
            crate::SendGrid::poll_job(call, job).unwrap_err()
        });
        assert_eq!(fault.code, FaultCode::NotFound);
    }
}

#[test]
fn a_field_that_was_taken_away_refuses_its_values() {
    let stage = Stage::new();
    stage.account().contacts().define("pet", "Text");
    stage.account().contacts().undefine("pet");
    let outcomes =
        stage.write("contacts", vec![create(json!({"email": "a@x.example", "pet": "cat"}))]);
    assert_eq!(rejected(&outcomes[0]).arg("reason"), Some("unknown-field"));
}
