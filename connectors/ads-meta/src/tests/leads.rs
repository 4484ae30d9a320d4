//! Leads: read page by page, once more where they overlap, all of them from time to
//! time; told by webhooks.

use doubles::meta::{Trouble, leads::FORM};
use liaison_sdk::testing::parse;
use liaison_sdk::{
    Call, Connector, Delivery, FaultCode, Found, Inbound, Lookup, LookupKey, LookupRequest, Page,
    Parsed, ReadRequest, Reply, Row, Source,
};
use serde_json::{Value, json};

use super::{NOW, SECOND, Stage, URL};
use crate::{LEADS, Meta};

const HOUR: i64 = 3_600;

fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.settings["forms"] = json!([FORM]);
    stage
}

/// So many seconds ago.
fn ago(seconds: i64) -> i64 {
    NOW / SECOND - seconds
}

fn send(stage: &Stage, created: i64) -> String {
    stage.account().leads.send(created, json!({"email": ["ana@x.example"]}))
}

fn read(stage: &Stage, request: &ReadRequest) -> Page {
    stage.run(|call| Meta::read(call, request)).unwrap()
}

/// The numbers of all leads from a request on, and the request that goes on there.
fn read_all(stage: &Stage, mut request: ReadRequest) -> (Vec<String>, ReadRequest) {
    let mut keys = Vec::new();
    loop {
        let page = read(stage, &request);
        assert_eq!(page.snapshot_complete, None);
        keys.extend(page.rows.iter().filter_map(|row| row.key.clone()));
        request = request.after(&page);
        if !page.more {
            keys.sort();
            return (keys, request);
        }
    }
}

#[test]
fn a_lead_is_a_flat_row() {
    let stage = stage();
    let answers = json!({
        "email": ["ana@x.example"], "sizes": ["S", "M"], "city": [], "form_id": ["mine"],
    });
    let key = stage.account().leads.send(ago(60), answers);
    let page = read(&stage, &ReadRequest::start(LEADS));
    let expected = json!({
        "id": key, "form_id": FORM, "created_time": "2026-11-30T11:59:00Z", "platform": "ig",
        "is_organic": false, "ad_id": "23851", "ad_name": "Spring", "campaign_id": "1234567890",
        "email": "ana@x.example", "sizes": ["S", "M"], "city": null, "answer_form_id": "mine",
    });
    assert_eq!(page.rows, [Row::upsert(&*key, expected).time("2026-11-30T11:59:00Z")]);
    // Found by its number it is the same.
    let keys = [&*key, "7", "me", "777000111"].map(|key| LookupKey::Key(key.to_owned()));
    let request = LookupRequest { stream: LEADS.into(), keys: keys.into(), fields: Vec::new() };
    let found = stage.run(|call| Meta::lookup(call, &request)).unwrap();
    assert_eq!(found[0], Found::One(page.rows[0].clone()));
    assert_eq!(found[1..], [Found::None, Found::None, Found::None]);
}

#[test]
fn new_leads_are_read_and_a_few_once_more() {
    let mut stage = stage();
    stage.account().page_items_max = 2;
    let old: Vec<String> = (1..=5).map(|n| send(&stage, ago(n * 24 * HOUR))).collect();
    let (keys, request) = read_all(&stage, ReadRequest::start(LEADS));
    assert_eq!(keys, old);
    let recent = send(&stage, ago(HOUR / 2));
    stage.now += HOUR * SECOND;
    let new = send(&stage, ago(-HOUR / 2));
    let (keys, request) = read_all(&stage, request);
    assert_eq!(keys, [recent.clone(), new.clone()]);
    let last = stage.account().seen().last().unwrap().0.clone();
    let filter = last.parameter("filtering").unwrap();
    let newer = json!([{"field": "time_created", "operator": "GREATER_THAN", "value": ago(HOUR)}]);
    assert_eq!(serde_json::from_str::<Value>(&filter).unwrap(), newer);
    // Only the overlap once more; and after a day everything, also what came late.
    let late = send(&stage, ago(20 * 24 * HOUR));
    let (keys, request) = read_all(&stage, request);
    assert_eq!(keys, std::slice::from_ref(&new));
    stage.now = NOW + 24 * HOUR * SECOND;
    let (keys, _) = read_all(&stage, request);
    assert_eq!(keys, [old, vec![recent, new, late]].concat());
}

#[test]
fn a_read_that_was_cut_off_goes_on_and_another_form_begins_anew() {
    let mut stage = stage();
    stage.account().page_items_max = 2;
    let all: Vec<String> = (0..5).map(|n| send(&stage, ago(n))).collect();
    let page = read(&stage, &ReadRequest::start(LEADS));
    let next = ReadRequest::start(LEADS).after(&page);
    let (rest, _) = read_all(&stage, next.clone());
    assert_eq!(rest, all[..3]);
    let mut moved: Value = serde_json::from_slice(next.cursor.as_ref().unwrap()).unwrap();
    moved["read"]["form"] = json!("1");
    let moved = ReadRequest { cursor: Some(moved.to_string().into_bytes()), ..next };
    assert_eq!(read_all(&stage, moved).0, all);
    stage.settings["forms"] = json!([FORM, "1"]);
    let page = |request: &ReadRequest| stage.run(|call| Meta::read(call, request));
    let mut request = ReadRequest::start(LEADS);
    let fault = loop {
        match page(&request) {
            Ok(page) => request = request.after(&page),
            Err(fault) => break fault,
        }
    };
    assert_eq!((fault.code, &*fault.place), (FaultCode::Config, "settings.forms"));
}

#[test]
fn trouble_while_reading_is_told() {
    let stage = stage();
    for (trouble, code) in [
        (Trouble::Expired, FaultCode::Auth),
        (Trouble::Page(200), FaultCode::SchemaDrift),
        (Trouble::BreaksOff, FaultCode::SchemaDrift),
        (Trouble::NoAnswer, FaultCode::Transient),
        (Trouble::TooFast(32, 2), FaultCode::RateLimited(Some(120))),
    ] {
        send(&stage, ago(1));
        stage.account().fail("/leads", trouble);
        let fault = stage.run(|call| Meta::read(call, &ReadRequest::start(LEADS))).unwrap_err();
        assert_eq!(fault.code, code, "{trouble:?}");
    }
    let request = ReadRequest { cursor: Some(vec![0xff]), ..ReadRequest::start(LEADS) };
    let fault = stage.run(|call| Meta::read(call, &request)).unwrap_err();
    assert_eq!(fault.code, FaultCode::CursorExpired);
    let fault = Stage::new().run(|call| Meta::read(call, &ReadRequest::start(LEADS))).unwrap_err();
    assert_eq!((fault.code, &*fault.place), (FaultCode::Config, "settings.forms"));
}

#[test]
fn a_wrong_setting_of_conversions_and_leads_is_named() {
    for (name, value) in [("dataset", json!("me")), ("forms", json!(["1", "../2"]))] {
        let mut stage = Stage::new();
        stage.settings[name] = value;
        let fault = stage.run(Meta::check).unwrap_err();
        assert_eq!((fault.code, fault.place), (FaultCode::Config, format!("settings.{name}")));
    }
}

fn hook(form: &Value, lead: &Value, field: &str) -> Value {
    json!({"object": "page", "entry": [{"id": "1", "time": 7, "changes": [
        {"field": field, "value": {"form_id": form, "leadgen_id": lead, "page_id": "1"}},
    ]}]})
}

#[test]
fn a_webhook_names_leads_and_nothing_else_counts() {
    let call = Call::with_settings(json!({"url": URL, "account": "1", "forms": [FORM]}));
    let told = |body: Value| parse::<Meta>(&call, &Delivery::post("/").with_json(body)).unwrap();
    let lead = Parsed::refetch(LEADS, ["881000001"]);
    let number: Value = json!(FORM.parse::<u64>().unwrap());
    let told_once = told(hook(&json!(FORM), &json!("881000001"), "leadgen"));
    assert_eq!(told_once, std::slice::from_ref(&lead));
    assert_eq!(told(hook(&number, &json!(881_000_001), "leadgen")), [lead]);
    for body in [
        hook(&json!("1"), &json!("881000001"), "leadgen"),
        hook(&json!(FORM), &json!("../x"), "leadgen"),
        hook(&json!(FORM), &json!("881000001"), "feed"),
        hook(&json!(FORM), &Value::Null, "leadgen"),
        json!({"entry": []}),
        json!({"entry": [{"messaging": []}]}),
    ] {
        assert_eq!(told(body), [Parsed::Ignored]);
    }
    for body in [json!({}), json!([]), json!(null)] {
        let fault = parse::<Meta>(&call, &Delivery::post("/").with_json(body)).unwrap_err();
        assert_eq!(fault.code, FaultCode::Rejected);
    }
}

#[test]
fn a_challenge_is_answered() {
    let answer = |method: &str, target: &str| {
        let delivery = Delivery { method: method.to_owned(), ..Delivery::post(target) };
        Meta::handshake(&Call::default(), &delivery).unwrap()
    };
    let asked = "/?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=t";
    assert_eq!(answer("GET", asked), Some(Reply::text("1158201444")));
    assert_eq!(answer("POST", asked), None);
    for query in ["", "?hub.mode=subscribe", "?hub.challenge=%3Cscript%3E"] {
        assert_eq!(answer("GET", &format!("/{query}")), None);
    }
    let long = format!("/?hub.challenge={}", "1".repeat(201));
    assert_eq!(answer("GET", &long), None);
}
