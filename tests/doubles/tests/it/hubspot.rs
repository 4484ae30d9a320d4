//! HubSpot: every kind of request that the double answers, and its answer, keep
//! the specification; and the double does what a real account does.

use doubles::http::{Answer, Request, Vendor as _};
use doubles::hubspot::{HubSpot, TOKEN, Trouble};
use serde_json::{Value, json};

const CONTACTS: &str = "/crm/objects/2026-03/contacts";

fn ask(account: &mut HubSpot, method: &str, target: &str, body: Value) -> (u16, Value) {
    let request = Request::new(method, target, &body);
    let request = request.header("authorization", &format!("Bearer {TOKEN}"));
    let answer = account.answer(&request);
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
}

fn create(account: &mut HubSpot, inputs: Value) -> (u16, Value) {
    ask(account, "POST", &format!("{CONTACTS}/batch/create"), json!({"inputs": inputs}))
}

fn search(body: Value) -> Value {
    let mut whole = json!({"filterGroups": [], "sorts": [], "properties": ["email"], "limit": 200, "after": "0"});
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    whole
}

fn newcomer(trace: &str, properties: Value) -> Value {
    json!({"properties": properties, "associations": [], "objectWriteTraceId": trace})
}

#[test]
fn the_check_against_the_specification_is_on() {
    let name = "hubspot::the_check_against_the_specification_is_on";
    let Some(mut specs) = crate::specs(name, "hubspot-") else { return };
    let right = json!({"inputs": [newcomer("0", json!({"email": "a@x.example"}))]});
    let path = format!("{CONTACTS}/batch/create");
    let mut judge = |request: Request, answer: Option<Answer>| {
        specs.violations(&request, answer.as_ref()).unwrap()
    };
    let good = Request::new("POST", &path, &right);
    assert_eq!(judge(good.clone(), None), Vec::<String>::new());
    let wrong = [
        ("POST", path.as_str(), json!({})),
        ("POST", &path, json!({"inputs": [{"properties": {"n": 1}, "associations": []}]})),
        ("POST", &path, json!({"inputs": [{"properties": {}}]})),
        ("POST", &path, json!({"inputs": [], "input": []})),
        ("POST", &path, Value::Null),
        ("GET", &format!("{CONTACTS}?limits=5"), Value::Null),
        ("GET", &format!("{CONTACTS}?limit=many"), Value::Null),
        ("GET", &format!("{CONTACTS}/batch/create"), json!({})),
        (
            "POST",
            "/communication-preferences/2026-03/statuses/batch/read",
            json!({"inputs": ["a"]}),
        ),
        ("POST", "/crm/objects/2027-03/contacts/batch/create", right),
    ];
    for (method, target, body) in wrong {
        let found = judge(Request::new(method, target, &body), None);
        assert!(!found.is_empty(), "{method} {target} {body} passes");
    }
    for (status, body) in [(201, json!({"results": [{}]})), (201, json!([])), (204, json!({}))] {
        let found = judge(good.clone(), Some(Answer::json(status, &body)));
        assert!(!found.is_empty(), "{status} {body} passes");
    }
}

/// Everything that the double can be asked, well and badly.
fn everything(account: &mut HubSpot) {
    let post = |account: &mut HubSpot, path: &str, body: Value| ask(account, "POST", path, body);
    account.define("contacts", "code", "string", "text", json!({"hasUniqueValue": true}));
    for kind in ["contacts", "companies", "0-3"] {
        let (status, _) =
            ask(account, "GET", &format!("/crm/properties/2026-03/{kind}"), Value::Null);
        assert_eq!(status, 200);
        let path = format!("/crm/objects/2026-03/{kind}");
        ask(account, "GET", &format!("{path}?limit=1&archived=true"), Value::Null);
        post(account, &format!("{path}/search"), search(json!({})));
    }
    create(
        account,
        json!([
            newcomer("0", json!({"email": "a@x.example", "code": "C"})),
            newcomer("1", json!({}))
        ]),
    );
    create(
        account,
        json!([newcomer("0", json!({"email": "A@x.example"})), newcomer("1", json!({}))]),
    );
    create(account, json!([newcomer("0", json!({"nothing": "1"}))]));
    create(account, json!([{"properties": {"email": "none"}, "associations": []}]));
    ask(account, "GET", &format!("{CONTACTS}?limit=2&properties=email,lastname"), Value::Null);
    let read = |ids: Value| json!({"inputs": ids, "properties": ["email", "city"], "propertiesWithHistory": []});
    post(account, &format!("{CONTACTS}/batch/read"), read(json!([{"id": "101"}, {"id": "999"}])));
    let mut by = read(json!([{"id": "C"}]));
    by["idProperty"] = json!("code");
    post(account, &format!("{CONTACTS}/batch/read"), by);
    let change = |id: &str, properties: Value| json!({"id": id, "properties": properties, "objectWriteTraceId": "0"});
    for inputs in [
        json!([change("101", json!({"city": "Nice"}))]),
        json!([change("101", json!({"city": ""})), change("999", json!({}))]),
        json!([change("101", json!({"email": "none"}))]),
    ] {
        post(account, &format!("{CONTACTS}/batch/update"), json!({"inputs": inputs}));
    }
    let upsert = |id: &str| json!({"id": id, "idProperty": "code", "properties": {"city": "Lyon"}, "objectWriteTraceId": "0"});
    post(
        account,
        &format!("{CONTACTS}/batch/upsert"),
        json!({"inputs": [upsert("C"), upsert("D")]}),
    );
    post(
        account,
        &format!("{CONTACTS}/merge"),
        json!({"primaryObjectId": "101", "objectIdToMerge": "102"}),
    );
    post(account, &format!("{CONTACTS}/batch/archive"), json!({"inputs": [{"id": "103"}]}));
    ask(account, "GET", &format!("{CONTACTS}?archived=true"), Value::Null);
    let company = account.enter("companies", &json!({"name": "X"}));
    let person = account.with("contacts", "email", "a@x.example").remove(0);
    let links = "/crm/associations/2026-03/contacts/companies";
    let pair = |to: &str| json!({"from": {"id": person}, "to": {"id": to}});
    post(
        account,
        &format!("{links}/batch/associate/default"),
        json!({"inputs": [pair(&company), pair("9")]}),
    );
    account.associate(("contacts", &person), ("companies", &company), Some("Billing"));
    post(account, &format!("{links}/batch/read"), json!({"inputs": [{"id": person}, {"id": "9"}]}));
    let end = json!({"from": {"id": person}, "to": [{"id": company}]});
    post(account, &format!("{links}/batch/archive"), json!({"inputs": [end]}));
    let preferences = "/communication-preferences/2026-03";
    ask(account, "GET", &format!("{preferences}/definitions"), Value::Null);
    account.ask_for_legal_basis();
    let status = |state: &str| json!({"subscriberIdString": "a@x.example", "subscriptionId": 7, "channel": "EMAIL", "statusState": state});
    for state in ["SUBSCRIBED", "UNSUBSCRIBED"] {
        post(
            account,
            &format!("{preferences}/statuses/batch/write"),
            json!({"inputs": [status(state)]}),
        );
    }
    let addresses = json!({"inputs": ["a@x.example", "b@x.example"]});
    post(account, &format!("{preferences}/statuses/batch/read?channel=EMAIL"), addresses);
    for trouble in [Trouble::TooFast, Trouble::QuotaGone(5), Trouble::Locked, Trouble::Expired] {
        account.fail("contacts", trouble);
        ask(account, "GET", CONTACTS, Value::Null);
    }
    account.withdraw("crm.objects.contacts.read");
    ask(account, "GET", CONTACTS, Value::Null);
}

#[test]
fn every_request_and_answer_keeps_the_specification() {
    let name = "hubspot::every_request_and_answer_keeps_the_specification";
    let Some(mut specs) = crate::specs(name, "hubspot-") else { return };
    let mut account = HubSpot::default();
    everything(&mut account);
    let mut statuses = std::collections::BTreeSet::new();
    for (request, answer) in account.seen() {
        let found = specs.violations(request, Some(answer)).unwrap();
        let body = String::from_utf8_lossy(&answer.body);
        assert!(found.is_empty(), "{found:#?}\n{} {body}", answer.status);
        statuses.insert(answer.status);
    }
    let expected = [200, 201, 204, 207, 400, 401, 403, 423, 429];
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_batch_fails_in_part_only_where_it_can_say_which() {
    let mut account = HubSpot::default();
    account.enter("contacts", &json!({"email": "a@x.example"}));
    let inputs = |traced: bool| {
        let both = [json!({"email": "a@x.example"}), json!({"email": "b@x.example"})];
        let inputs = both.into_iter().enumerate().map(|(n, properties)| {
            let mut input = newcomer(&n.to_string(), properties);
            if !traced {
                input.as_object_mut().unwrap().remove("objectWriteTraceId");
            }
            input
        });
        Value::from(inputs.collect::<Vec<_>>())
    };
    let (status, body) = create(&mut account, inputs(false));
    assert_eq!(
        (status, &body["category"], account.count("contacts")),
        (409, &json!("CONFLICT"), 1)
    );
    let (status, body) = create(&mut account, inputs(true));
    assert_eq!((status, &body["numErrors"], account.count("contacts")), (207, &json!(1), 2));
    assert_eq!(body["errors"][0]["context"]["objectWriteTraceId"], json!(["0"]));
    assert_eq!(body["results"][0]["objectWriteTraceId"], "1");
}

#[test]
fn the_search_lags_and_ends_at_ten_thousand_hits() {
    let mut account = HubSpot::default();
    account.clock.stop();
    account.lag_millis = 10_000;
    let path = format!("{CONTACTS}/search");
    let id = account.enter("contacts", &json!({"email": "a@x.example"}));
    let (_, body) = ask(&mut account, "POST", &path, search(json!({})));
    assert_eq!(body["total"], 0);
    account.clock.pass(10_000);
    account.edit("contacts", &id, &json!({"email": "b@x.example"}));
    let (_, body) = ask(&mut account, "POST", &path, search(json!({})));
    assert_eq!(body["results"][0]["properties"]["email"], "a@x.example");
    account.clock.pass(10_000);
    let (_, body) = ask(&mut account, "POST", &path, search(json!({})));
    assert_eq!(body["results"][0]["properties"]["email"], "b@x.example");

    let (status, _) = ask(&mut account, "POST", &path, search(json!({"after": "9800"})));
    assert_eq!(status, 200);
    for beyond in
        [json!({"after": "9801"}), json!({"limit": 201}), json!({"sorts": ["email", "city"]})]
    {
        let (status, _) = ask(&mut account, "POST", &path, search(beyond.clone()));
        assert_eq!(status, 400, "{beyond}");
    }
}

#[test]
fn a_merge_makes_a_third_record_that_both_ids_show() {
    let mut account = HubSpot::default();
    let ids = ["a", "b"].map(|name| account.enter("contacts", &json!({"firstname": name})));
    let merged = account.merge("contacts", &ids[0], &ids[1]);
    let read = json!({"inputs": [{"id": ids[0]}, {"id": ids[1]}], "properties": ["hs_merged_object_ids"], "propertiesWithHistory": []});
    let (status, body) = ask(&mut account, "POST", &format!("{CONTACTS}/batch/read"), read);
    assert_eq!(status, 200);
    let properties = &body["results"][0]["properties"];
    assert_eq!(
        (&body["results"][0]["id"], body["results"].as_array().unwrap().len()),
        (&json!(merged), 1)
    );
    assert_eq!(properties["hs_merged_object_ids"], ids.join(";"));
    assert_eq!(account.count("contacts"), 1);
}
