//! Deliveries and what they mean, case by case: `tests/deliveries/<case>.json`
//! holds the request as the host hands it over and the rows that it makes. The
//! one of the Python client is what that client sent.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use liaison_sdk::testing::parse;
use liaison_sdk::{Call, Delivery, FaultCode, Parsed, Row};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{EVENTS, EventsIn, PEOPLE};

#[derive(Deserialize)]
struct Case {
    target: String,
    headers: serde_json::Map<String, Value>,
    received: i64,
    body: Value,
    people: Vec<Value>,
    events: Vec<Value>,
}

impl Case {
    fn delivery(&self) -> Delivery {
        let delivery = Delivery::post(&self.target).with_body(self.body.to_string());
        let headers = self.headers.iter();
        headers
            .fold(delivery, |it, (name, value)| it.with_header(name, value.as_str().unwrap()))
            .at(self.received)
    }
}

fn told(parsed: &[Parsed], stream: &str) -> Vec<Value> {
    let rows = parsed.iter().filter_map(|parsed| match parsed {
        Parsed::Rows(name, rows) if name == stream => Some(rows),
        _ => None,
    });
    let line = |row: &Row| serde_json::from_str(&row.to_line().unwrap()).unwrap();
    rows.flatten().map(line).collect()
}

#[test]
fn each_delivery_makes_its_rows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deliveries");
    let mut cases = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let case: Case = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let parsed = parse::<EventsIn>(&Call::default(), &case.delivery()).unwrap();
        assert_eq!(told(&parsed, PEOPLE), case.people, "{path:?}");
        assert_eq!(told(&parsed, EVENTS), case.events, "{path:?}");
        cases += 1;
    }
    assert_eq!(cases, 6, "files of deliveries");
}

#[test]
fn a_delivery_that_is_none_is_refused_whole() {
    let refused = |target: &str, body: &str| {
        let delivery = Delivery::post(target).with_body(body);
        parse::<EventsIn>(&Call::default(), &delivery).unwrap_err()
    };
    for (target, body, place) in [
        ("/v1/batch", "<html>", "body:1:1"),
        ("/v1/batch", r#"{"batch":[{"type":"tra"#, "body:1:22"),
        ("/v1/batch", "[]", "body:1:0"),
        ("/v1/batch", r#"{"batch":{}}"#, "batch"),
        ("/v1/batch", "{}", "batch"),
        ("/v2/track", "{}", "path"),
        ("/", "{}", "path"),
    ] {
        let fault = refused(target, body);
        assert_eq!(
            (fault.code, fault.place.as_str()),
            (FaultCode::Rejected, place),
            "{target} {body}"
        );
    }
}

#[test]
fn a_call_without_an_id_has_the_same_key_each_time() {
    let call = json!({ "event": "Seen", "userId": "u1" });
    let body = json!({ "batch": [call, call, { "event": "Other", "userId": "u1" }] });
    let mut body = body;
    for call in body["batch"].as_array_mut().unwrap() {
        call["type"] = "track".into();
    }
    let delivery = Delivery::post("/v1/batch").with_json(body).at(7);
    let keys = || {
        let parsed = parse::<EventsIn>(&Call::default(), &delivery).unwrap();
        told(&parsed, EVENTS).iter().map(|row| row["key"].to_string()).collect::<Vec<_>>()
    };
    let first = keys();
    assert_eq!(first, keys());
    assert_eq!(first.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
}

#[test]
fn the_manifest_is_of_this_connector() {
    let manifest: Value = serde_json::from_str(liaison_sdk::manifest!()).unwrap();
    assert_eq!(manifest["streams"], json!([PEOPLE, EVENTS]));
    assert_eq!(manifest["capabilities"], json!(["inbound"]));
}
