//! Snapshots, changes, deletions, merges.

use liaison_sdk::testing::Script;
use liaison_sdk::{Connector, FaultCode, ReadRequest, Source};
use serde_json::{Value, json};

use super::{Stage, told};
use crate::HubSpot;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn contacts() -> ReadRequest {
    ReadRequest {
        fields: vec!["email".into(), "lastname".into()],
        ..ReadRequest::start("contacts")
    }
}

fn enter(stage: &Stage, count: usize) -> Vec<String> {
    let mut account = stage.account();
    let people = (0..count).map(|n| json!({"email": format!("p{n}@x.example"), "lastname": "P"}));
    people.map(|person| account.enter("contacts", &person)).collect()
}

#[test]
fn discovery_lists_what_the_account_has() {
    let stage = Stage::new();
    stage.account().define(
        "contacts",
        "customer_code",
        "string",
        "text",
        json!({"hasUniqueValue": true}),
    );
    let score = json!({"calculated": true});
    stage.account().define("contacts", "score", "number", "calculation_score", score);
    let streams = stage.run(|call| HubSpot::discover(call).unwrap());
    let names: Vec<&str> = streams.iter().map(liaison_sdk::Stream::name).collect();
    let links = ["contact_companies", "deal_contacts", "deal_companies"];
    let expected: Vec<&str> = ["contacts", "companies", "deals"]
        .into_iter()
        .chain(links)
        .chain(["subscription_7", "subscription_8"])
        .collect();
    assert_eq!(names, expected);
    let schema = streams[0].schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["properties"]["score"]["type"], json!(["number", "string", "null"]));
    assert_eq!(
        schema["properties"]["lifecyclestage"]["x-options"],
        json!(["lead", "customer", "other"])
    );
    let info = liaison_sdk::contract::connection::StreamInfo::from(streams[0].clone());
    let field = |name: &str| info.fields.iter().find(|field| field.name == name).unwrap();
    assert!(field("email").unique && field("email").matchable && field("email").pii == "email");
    assert!(field("customer_code").unique && !field("customer_code").read_only);
    assert!(field("score").read_only && field("hs_object_id").read_only);
    assert_eq!(info.batches.items_max, 100);
    stage.run(|call| HubSpot::check(call).unwrap());
}

#[test]
fn a_snapshot_shows_everything_once_and_typed() {
    let stage = Stage::new();
    let ids = enter(&stage, 250);
    let deal =
        json!({"dealname": "D", "amount": "9007199254740993.10", "closedate": "1796029200000"});
    let deal = stage.account().enter("deals", &deal);
    let (rows, _) = stage.read_all(contacts());
    assert_eq!(told(&rows), ids);
    assert_eq!(
        rows[0].fields().unwrap(),
        json!({"email": "p0@x.example", "lastname": "P"}).as_object().unwrap()
    );
    assert!(rows[0].time.as_deref().unwrap().starts_with("2026-11-30T"));

    let (rows, _) = stage.read_all(ReadRequest::start("deals"));
    let fields = rows[0].fields().unwrap();
    assert_eq!(rows[0].key.as_deref(), Some(deal.as_str()));
    assert_eq!(fields["amount"].to_string(), "9007199254740993.10");
    assert_eq!(fields["closedate"], "2026-11-30T09:00:00.000Z");
    assert_eq!(fields["dealstage"], Value::Null);
}

#[test]
fn many_properties_do_not_fit_a_url_and_are_read_all_the_same() {
    let stage = Stage::new();
    for n in 0..200 {
        let name = format!("a_property_with_a_rather_long_name_{n:03}");
        stage.account().define("contacts", &name, "string", "text", json!({}));
    }
    let ids = enter(&stage, 130);
    let (rows, _) = stage.read_all(ReadRequest::start("contacts"));
    assert_eq!(told(&rows), ids);
    assert!(rows[0].fields().unwrap().len() > 200);
    let urls = stage.account().seen().iter().map(|(request, _)| request.target.len()).max();
    assert!(urls < Some(4_000), "{urls:?}");
}

#[test]
fn changes_are_found_although_the_search_lags() {
    let stage = Stage::new();
    stage.account().lag_millis = 30_000;
    stage.account().clock.stop();
    let ids = enter(&stage, 3);
    stage.account().clock.pass(HOUR);
    let (_, next) = stage.read_all(contacts());

    stage.account().edit("contacts", &ids[1], &json!({"lastname": "Q"}));
    stage.account().clock.pass(1_000);
    let (rows, next) = stage.read_all(next);
    assert!(rows.is_empty(), "the search does not know it yet: {:?}", told(&rows));
    stage.account().clock.pass(30_000);
    let (rows, next) = stage.read_all(next);
    assert_eq!(told(&rows), [ids[1].clone()]);
    assert_eq!(rows[0].fields().unwrap()["lastname"], "Q");
    // Within the lag it is read once more, after it no longer.
    stage.account().clock.pass(2 * MINUTE);
    let (_, next) = stage.read_all(next);
    stage.account().clock.pass(MINUTE);
    let (rows, _) = stage.read_all(next);
    assert!(rows.is_empty(), "{:?}", told(&rows));
}

#[test]
fn an_import_in_one_millisecond_is_read_beyond_the_cap_of_the_search() {
    const IMPORTED: usize = 10_450;
    let stage = Stage::new();
    stage.account().clock.stop();
    let before = enter(&stage, 3);
    stage.account().clock.pass(HOUR);
    let (_, next) = stage.read_all(contacts());
    // All at one time, with a few just before and after: a page border falls into them.
    stage.account().clock.pass(MINUTE);
    stage.account().edit("contacts", &before[0], &json!({"lastname": "B"}));
    stage.account().clock.pass(1);
    let import: Vec<String> = (0..IMPORTED)
        .map(|n| stage.account().enter("contacts", &json!({"firstname": format!("{n}")})))
        .collect();
    stage.account().clock.pass(1);
    stage.account().edit("contacts", &before[1], &json!({"lastname": "A"}));
    stage.account().clock.pass(MINUTE);
    let (rows, _) = stage.read_all(next);
    let mut seen = told(&rows);
    seen.sort();
    seen.dedup();
    let mut expected: Vec<String> = import.into_iter().chain(before[..2].to_vec()).collect();
    expected.sort();
    assert_eq!(seen.len(), expected.len());
    assert_eq!(seen, expected);
    // What comes twice is little: the borders, not the import.
    assert!(rows.len() < IMPORTED + 1_000, "{}", rows.len());
}

#[test]
fn a_record_that_moves_while_pages_are_read_pushes_nobody_out() {
    let stage = Stage::new();
    stage.account().clock.stop();
    let mut ids = enter(&stage, 0);
    stage.account().clock.pass(HOUR);
    let (_, mut request) = stage.read_all(contacts());
    for n in 0..450 {
        stage.account().clock.pass(10);
        ids.push(stage.account().enter("contacts", &json!({"firstname": format!("{n}")})));
    }
    stage.account().clock.pass(MINUTE);
    let mut seen = Vec::new();
    loop {
        let page = stage.read(&request).unwrap();
        seen.extend(told(&page.rows));
        request = request.after(&page);
        // Whoever was first is last now.
        let moved = ids[seen.len() % 100].clone();
        stage.account().edit("contacts", &moved, &json!({"lastname": "moved"}));
        stage.account().clock.pass(10);
        if !page.more {
            break;
        }
    }
    assert!(ids.iter().all(|id| seen.contains(id)), "somebody was pushed out");
}

#[test]
fn deleted_records_are_told_and_a_new_snapshot_comes_in_time() {
    let stage = Stage::new().set("deleted_minutes", json!(30));
    stage.account().clock.stop();
    let ids = enter(&stage, 4);
    stage.account().delete("contacts", &ids[3]);
    stage.account().clock.pass(HOUR);
    let (rows, next) = stage.read_all(contacts());
    assert_eq!(told(&rows), ids[..3]);

    stage.account().clock.pass(MINUTE);
    stage.account().delete("contacts", &ids[0]);
    stage.account().clock.pass(MINUTE);
    let (rows, next) = stage.read_all(next);
    assert!(rows.is_empty(), "it was not yet looked for: {:?}", told(&rows));
    stage.account().clock.pass(30 * MINUTE);
    let (rows, next) = stage.read_all(next);
    // The one that was deleted before the snapshot is none of its business.
    assert_eq!(told(&rows), [format!("-{}", ids[0])]);

    // Deleted for good: only a snapshot shows that it is missing.
    stage.account().purge("contacts", &ids[1]);
    stage.account().clock.pass(24 * HOUR);
    let (_, next) = stage.read_all(next);
    assert_eq!(next.cursor, None, "a snapshot is due");
    let page = stage.read(&next).unwrap();
    assert_eq!((told(&page.rows), page.snapshot_complete.is_some()), (vec![ids[2].clone()], true));
}

#[test]
fn a_merge_is_told_by_the_record_that_came_out_of_it() {
    let stage = Stage::new();
    stage.account().clock.stop();
    let ids = enter(&stage, 3);
    stage.account().clock.pass(HOUR);
    let (_, next) = stage.read_all(contacts());
    let merged = stage.account().merge("contacts", &ids[0], &ids[2]);
    stage.account().clock.pass(MINUTE);
    let (rows, _) = stage.read_all(next);
    let expected = [format!("{}>{merged}", ids[0]), format!("{}>{merged}", ids[2]), merged.clone()];
    assert_eq!(told(&rows), expected);
    assert_eq!(rows[2].fields().unwrap()["email"], "p0@x.example");
    // A snapshot says the same.
    let (rows, _) = stage.read_all(contacts());
    assert_eq!(rows.len(), 4);
}

#[test]
fn a_clock_that_is_off_by_years_loses_nothing() {
    for now in [0, 4_102_444_800_000_000] {
        let stage = Stage { now, ..Stage::new() };
        stage.account().clock.stop();
        let ids = enter(&stage, 1);
        stage.account().clock.pass(HOUR);
        let (_, next) = stage.read_all(contacts());
        stage.account().edit("contacts", &ids[0], &json!({"lastname": "Q"}));
        stage.account().clock.pass(MINUTE);
        let (rows, _) = stage.read_all(next);
        assert_eq!(told(&rows), ids, "the hub's clock says {now}");
    }
}

#[test]
fn limits_are_told_with_every_page() {
    let stage = Stage::new();
    enter(&stage, 1);
    let page = stage.read(&contacts()).unwrap();
    let scopes: Vec<&str> = page.hints.rates.iter().map(|hint| hint.scope.as_str()).collect();
    assert_eq!(scopes, ["account", "account-daily"]);
    let account = &page.hints.rates[0];
    assert_eq!((account.limit, account.reset_after_seconds), (Some(190), Some(10)));
    assert!(account.remaining.unwrap() < 190);
}

#[test]
fn cursors_and_streams_of_others_are_refused() {
    let stage = Stage::new();
    let garbage = ReadRequest { cursor: Some(b"{}".to_vec()), ..contacts() };
    assert_eq!(stage.read(&garbage).unwrap_err().code, FaultCode::CursorExpired);
    let script = Script::new();
    let orders = ReadRequest::start("orders");
    let fault = script.run(|| HubSpot::read(&stage.call(), &orders)).unwrap_err();
    assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Config, "stream"));
}
