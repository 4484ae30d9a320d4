//! Contacts, read by exports.

use liaison_sdk::{Connector, FaultCode, Found, ReadRequest, Row};
use serde_json::{Value, json};

use super::{Stage, by_email, emails, key, rows};
use crate::SendGrid;

fn people(stage: &Stage, count: usize) {
    for number in 1..=count {
        let email = format!("n{number}@x.example");
        stage.account().contacts().enter(&json!({ "email": email }));
    }
}

#[test]
fn an_export_is_waited_for_and_read_file_by_file() {
    let stage = Stage::new();
    people(&stage, 5);
    stage.account().work_requests = 3;
    let first = stage.read(&ReadRequest::start("contacts")).unwrap();
    assert_eq!((first.rows.len(), first.more, first.poll_after_seconds), (0, true, Some(2)));
    let (pages, rest) = stage.read_all(ReadRequest::start("contacts").after(&first));
    assert_eq!(emails(&pages), [1, 2, 3, 4, 5].map(|number| format!("n{number}@x.example")));
    let waits = pages.iter().filter(|page| page.poll_after_seconds.is_some());
    assert!(waits.count() > 0, "{pages:?}");
    let last = pages.last().unwrap();
    assert!(last.snapshot_complete.is_some() && !last.more);
    assert_eq!(rows(&pages)[0].time.as_deref(), Some("2026-11-30T09:00:00Z"));

    // Nothing more for an hour; then everything anew.
    let page = stage.read(&rest).unwrap();
    assert_eq!((page.rows.len(), page.more, page.snapshot_complete), (0, false, None));
    let later = Stage { now: stage.now + 3_600, ..stage };
    assert_eq!(later.read(&rest).unwrap_err().code, FaultCode::CursorExpired);
}

#[test]
fn a_large_file_has_several_pages() {
    let stage = Stage::new();
    people(&stage, 5_003);
    stage.account().file_contacts = 10_000;
    let (pages, _) = stage.read_all(ReadRequest::start("contacts"));
    let full: Vec<usize> = pages.iter().map(|page| page.rows.len()).filter(|it| *it > 0).collect();
    assert_eq!(full, [5_000, 3]);
}

#[test]
fn nobody_is_an_end_too() {
    let (pages, _) = Stage::new().read_all(ReadRequest::start("contacts"));
    assert!(rows(&pages).is_empty() && pages.last().unwrap().snapshot_complete.is_some());
}

#[test]
fn custom_fields_have_their_types() {
    let stage = Stage::new();
    for (name, kind) in [("size", "Number"), ("since", "Date"), ("pet", "Text")] {
        stage.account().contacts().define(name, kind);
    }
    let values =
        json!({"email": "ana@x.example", "size": "42.50", "since": "2024-02-29T00:00:00Z"});
    let id = stage.account().contacts().enter(&values);
    let streams = stage.run(SendGrid::discover).unwrap();
    let names: Vec<&str> = streams[0].fields().iter().map(liaison_sdk::Field::name).collect();
    assert!(["email", "city", "pet", "since", "size"].iter().all(|name| names.contains(name)));
    let request = ReadRequest {
        fields: ["email", "size", "since", "pet"].map(str::to_owned).to_vec(),
        ..ReadRequest::start("contacts")
    };
    let (pages, _) = stage.read_all(request);
    let size: Value = serde_json::from_str("42.50").unwrap();
    let expected =
        json!({"email": "ana@x.example", "size": size, "since": "2024-02-29", "pet": null});
    assert_eq!(rows(&pages)[0].data, Some(expected));

    // It is found as it is read.
    let found = stage.lookup("contacts", vec![key(&id), by_email("Ana@x.example")]);
    let (Found::One(by_key), Found::One(by_email)) = (&found[0], &found[1]) else {
        panic!("{found:?}")
    };
    assert_eq!((by_key, &by_key.fields().unwrap()["size"]), (by_email, &size));
}

#[test]
fn whoever_is_not_there_is_not_found() {
    let stage = Stage::new();
    let unknown = "ffffffff-0000-4000-8000-000000000000";
    let keys = vec![key(unknown), key("../x"), by_email("eve@x.example"), by_email("none")];
    assert_eq!(stage.lookup("contacts", keys), [const { Found::None }; 4]);
}

#[test]
fn an_export_that_failed_or_is_gone_is_told() {
    let stage = Stage::new();
    people(&stage, 5);
    let making = ReadRequest::start("contacts");
    let making = making.after(&stage.read(&making).unwrap());
    stage.account().fail_exports();
    let fault = stage.read(&making).unwrap_err();
    assert_eq!((fault.code, fault.arg("vendor-code")), (FaultCode::Transient, Some("failure")));
    stage.account().expire_exports();
    assert_eq!(stage.read(&making).unwrap_err().code, FaultCode::CursorExpired);
}

#[test]
fn a_line_that_is_no_contact_goes_to_quarantine() {
    let stage = Stage::new();
    people(&stage, 1);
    stage.account().contacts().enter(&json!({"email": "x@x.example"}));
    stage.account().contacts().unname("x@x.example");
    let (pages, _) = stage.read_all(ReadRequest::start("contacts"));
    let bad: Vec<&Row> = rows(&pages).into_iter().filter(|row| row.problem.is_some()).collect();
    assert_eq!(bad.len(), 1);
    assert_eq!(bad[0].place.as_deref(), Some("file 1 line 2"));
    assert_eq!(emails(&pages), ["n1@x.example"]);
}
