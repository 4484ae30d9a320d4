//! Lookups.

use liaison_sdk::{Change, FaultCode, Found, Lookup, LookupRequest};
use serde_json::json;

use super::{Stage, by, key};
use crate::HubSpot;

fn told(found: &[Found]) -> Vec<String> {
    let told = found.iter().map(|found| match found {
        Found::None => "none".to_owned(),
        Found::One(row) if row.change == Change::MergedInto => {
            format!("{}>{}", row.key.as_deref().unwrap(), row.into.as_deref().unwrap())
        }
        Found::One(row) => row.key.clone().unwrap(),
        Found::Several(keys) => keys.join("+"),
    });
    told.collect()
}

#[test]
fn records_are_found_by_id_by_address_and_by_a_property_of_the_account() {
    let stage = Stage::new();
    stage.account().define("contacts", "code", "string", "text", json!({"hasUniqueValue": true}));
    let ana =
        json!({"email": "Ana@X.example", "code": "C1", "hs_additional_emails": "a2@x.example"});
    let ana = stage.account().enter("contacts", &ana);
    let bob = stage.account().enter("contacts", &json!({"email": "bob@x.example", "phone": "1"}));
    let cy = stage.account().enter("contacts", &json!({"firstname": "Cy", "phone": "1"}));
    let found = stage.lookup(
        "contacts",
        vec![
            key(&bob),
            by("email", " ANA@x.example "),
            by("email", "a2@x.example"),
            by("code", "C1"),
            by("phone", "1"),
            by("email", "nobody@x.example"),
            by("email", "not an address"),
            key("999999"),
            key("00000000-conformance-unknown"),
            key("0101"),
        ],
    );
    let several = format!("{bob}+{cy}");
    let expected = [&bob, &ana, &ana, &ana, &several, "none", "none", "none", "none", "none"];
    assert_eq!(told(&found), expected);
}

#[test]
fn all_fields_must_fit() {
    let stage = Stage::new();
    stage.account().define("contacts", "code", "string", "text", json!({"hasUniqueValue": true}));
    let ana = stage.account().enter("contacts", &json!({"email": "ana@x.example", "code": "C1"}));
    let both = |code: &str| {
        let fields = json!({"email": "ana@x.example", "code": code});
        liaison_sdk::LookupKey::Fields(fields.as_object().unwrap().clone())
    };
    assert_eq!(
        told(&stage.lookup("contacts", vec![both("C1"), both("C2")])),
        [ana.as_str(), "none"]
    );
}

#[test]
fn a_value_that_was_just_written_is_found_although_the_search_lags() {
    let stage = Stage::new();
    stage.account().lag_millis = 3_600_000;
    let ana = stage.account().enter("contacts", &json!({"email": "ana@x.example"}));
    stage.account().enter("companies", &json!({"domain": "x.example"}));
    assert_eq!(told(&stage.lookup("contacts", vec![by("email", "ana@x.example")])), [ana]);
    assert_eq!(told(&stage.lookup("companies", vec![by("domain", "x.example")])), ["none"]);
    stage.account().lag_millis = 0;
    assert_ne!(told(&stage.lookup("companies", vec![by("domain", "x.example")])), ["none"]);
}

#[test]
fn deleted_records_are_not_found_and_merged_ones_lead_on() {
    let stage = Stage::new();
    let ids: Vec<String> = ["a", "b", "c"]
        .map(|name| stage.account().enter("contacts", &json!({"firstname": name})))
        .into();
    stage.account().delete("contacts", &ids[2]);
    let merged = stage.account().merge("contacts", &ids[0], &ids[1]);
    let found = stage.lookup("contacts", ids.iter().map(|id| key(id)).collect());
    let expected = [format!("{}>{merged}", ids[0]), format!("{}>{merged}", ids[1]), "none".into()];
    assert_eq!(told(&found), expected);
}

#[test]
fn a_property_that_cannot_be_searched_is_not_guessed_at() {
    let stage = Stage::new();
    let keys = vec![by("firstname", "Ana")];
    let request = LookupRequest { stream: "contacts".into(), keys, fields: Vec::new() };
    let fault = stage.run(|call| HubSpot::lookup(call, &request)).unwrap_err();
    assert_eq!((fault.code, fault.place.as_str()), (FaultCode::NotSupported, "firstname"));
}
