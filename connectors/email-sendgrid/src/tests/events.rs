//! What the event webhook tells.

use liaison_sdk::{Delivery, FaultCode, Found, Inbound, Parsed, ReadRequest, Row};
use serde_json::{Value, json};

use super::{Stage, create, key};
use crate::SendGrid;

fn event(id: &str, name: &str, more: Value) -> Value {
    let mut event = json!({
        "email": "Ana@x.example", "timestamp": 1_513_299_569, "event": name, "sg_event_id": id,
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>", "liaison_message": "k1",
    });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn parse(body: Value) -> Vec<Parsed> {
    let delivery = Delivery::post("/").with_json(body);
    let stage = Stage::new();
    let parsed = stage.run(|call| SendGrid::parse(call, &delivery)).unwrap();
    assert_eq!(parsed, stage.run(|call| SendGrid::parse(call, &delivery)).unwrap());
    parsed
}

fn rows(parsed: &[Parsed]) -> &[Row] {
    match parsed.first() {
        Some(Parsed::Rows(stream, rows)) if stream == "events" => rows,
        other => panic!("events were expected: {other:?}"),
    }
}

#[test]
fn an_event_is_a_row_under_its_number() {
    let parsed = parse(json!([
        event("e1", "open", json!({"useragent": "x", "ip": "192.0.2.1", "sg_machine_open": false})),
        event("e2", "click", json!({"url": "https://x.example/a", "category": ["a", "b"]})),
    ]));
    assert_eq!(parsed.len(), 1);
    let rows = rows(&parsed);
    assert_eq!(rows[0].key.as_deref(), Some("e1"));
    assert_eq!(rows[0].time.as_deref(), Some("2017-12-15T00:59:29Z"));
    let data = rows[0].fields().unwrap();
    let told = ["event", "email", "message_id", "ip", "sg_machine_open"].map(|name| &data[name]);
    let expected =
        [json!("open"), json!("ana@x.example"), json!("k1"), json!("192.0.2.1"), json!(false)];
    assert_eq!(told, expected.each_ref());
    assert_eq!(rows[1].fields().unwrap()["category"], json!(["a", "b"]));
}

#[test]
fn what_changes_a_list_is_looked_up_there() {
    for (name, more, stream) in [
        ("unsubscribe", json!({}), "global_unsubscribes"),
        ("group_unsubscribe", json!({"asm_group_id": 101}), "group_unsubscribes_101"),
        ("group_resubscribe", json!({"asm_group_id": "101"}), "group_unsubscribes_101"),
        ("bounce", json!({"type": "bounce", "status": "5.1.1"}), "bounces"),
        ("bounce", json!({"type": "blocked"}), "blocks"),
        ("spamreport", json!({}), "spam_reports"),
    ] {
        let parsed = parse(json!([event("e1", name, more.clone()), event("e2", name, more)]));
        let looked_up = Parsed::refetch(stream, ["ana@x.example"]);
        assert_eq!(parsed[1..], [looked_up], "{name}");
    }
    for name in
        ["processed", "delivered", "deferred", "dropped", "open", "click", "account_status_change"]
    {
        assert_eq!(parse(json!([event("e1", name, json!({}))])).len(), 1, "{name}");
    }
}

#[test]
fn an_event_that_cannot_be_used_leaves_the_others() {
    let mut nameless = event("e2", "open", json!({}));
    nameless.as_object_mut().unwrap().remove("event");
    let parsed = parse(json!([
        event("", "open", json!({})),
        nameless,
        event("e3", "open", json!({"timestamp": "soon"})),
        event("e4", "open", json!({"timestamp": -1})),
        7,
        event("e6", "open", json!({})),
    ]));
    let problems: Vec<_> = rows(&parsed).iter().map(|row| row.problem.as_deref()).collect();
    let expected = ["sg_event_id", "event", "timestamp", "timestamp", "sg_event_id"];
    assert_eq!(problems[..5], expected.map(Some));
    assert_eq!(rows(&parsed)[5].key.as_deref(), Some("e6"));
}

#[test]
fn what_is_no_list_of_events_is_refused() {
    for body in ["", "{}", "null", "<html>", "[{", "7"] {
        let delivery = Delivery::post("/").with_body(body);
        let fault = Stage::new().run(|call| SendGrid::parse(call, &delivery)).unwrap_err();
        assert_eq!(fault.code, FaultCode::Rejected, "{body}");
    }
    let delivery = Delivery::post("/").with_body("[]");
    assert_eq!(Stage::new().run(|call| SendGrid::parse(call, &delivery)).unwrap(), []);
}

#[test]
fn events_are_neither_read_nor_found_nor_written() {
    let stage = Stage::new();
    let start = ReadRequest::start("events");
    let page = stage.read(&start).unwrap();
    assert_eq!((page.rows.len(), page.more, page.snapshot_complete), (0, false, None));
    let foreign = ReadRequest { cursor: Some(b"x".to_vec()), ..start };
    assert_eq!(stage.read(&foreign).unwrap_err().code, FaultCode::CursorExpired);
    assert_eq!(stage.lookup("events", vec![key("e1")]), [Found::None]);
    let fault = stage.try_write("events", vec![create(json!({}))]).unwrap_err();
    assert_eq!(fault.code, FaultCode::NotSupported);
}
