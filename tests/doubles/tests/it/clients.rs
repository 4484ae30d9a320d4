//! The doubles against the clients that the vendors publish, unmodified: what these ask is
//! answered so that their own models can read it.

use doubles::http::{Answer, Request, Server, Vendor};
use doubles::hubspot::{HubSpot, TOKEN, VERSION};
use doubles::sendgrid::{KEY, SendGrid};
use serde_json::{Map, Value, json};
use xtask::oracles::Oracle;

/// The client knows the versions 3 and 4 alone. What they ask and answer is what the dated
/// version has under other paths, which the specification of the latter confirms.
struct Dated(HubSpot);

impl Vendor for Dated {
    fn answer(&mut self, request: &Request) -> Answer {
        let mut request = request.clone();
        for (older, what) in [("v3", "objects"), ("v3", "properties"), ("v4", "associations")] {
            let (from, to) = (format!("/crm/{older}/{what}/"), format!("/crm/{what}/{VERSION}/"));
            request.target = request.target.replace(&from, &to);
        }
        // There deals go by the number of their kind.
        let [from, to] = ["deals", "0-3"].map(|kind| format!("/objects/{VERSION}/{kind}/"));
        request.target = request.target.replace(&from, &to);
        self.0.answer(&request)
    }
}

/// A vendor's client, or `None` after the test was noted as skipped.
fn client(oracle: Oracle, test: &str) -> Option<Oracle> {
    match oracle.ready() {
        Ok(()) => Some(oracle),
        Err(missing) => {
            missing.skip(test);
            None
        }
    }
}

fn ask(oracle: Oracle, questions: &[Value]) -> Vec<Value> {
    let questions: Vec<Map<String, Value>> =
        questions.iter().map(|question| question.as_object().unwrap().clone()).collect();
    let answers = oracle.ask(&questions).unwrap();
    assert_eq!(answers.len(), questions.len());
    answers.into_iter().map(Value::Object).collect()
}

#[test]
fn the_client_of_hubspot_reads_what_the_double_answers() {
    let name = "clients::the_client_of_hubspot_reads_what_the_double_answers";
    let Some(hubspot) = client(Oracle::HubSpot, name) else { return };
    let server = Server::start(Dated(HubSpot::default())).unwrap();
    server.vendor().0.define(
        "contacts",
        "customer_no",
        "string",
        "text",
        json!({"hasUniqueValue": true}),
    );
    let calls = |calls: Vec<(&str, Value)>| {
        let question = |(call, arguments): &(&str, Value)| json!({"url": server.url(), "token": TOKEN, "call": call, "arguments": arguments});
        let answers = ask(hubspot, &calls.iter().map(question).collect::<Vec<_>>());
        for ((call, _), answer) in calls.iter().zip(&answers) {
            assert!(answer["status"].is_null(), "{call}: {answer}");
        }
        answers
    };
    let people: Vec<Value> = ["ana", "bob", "eve"]
        .map(|name| {
            let (email, number) = (format!("{name}@x.example"), format!("c-{name}"));
            json!({"associations": [], "properties": {"email": email, "lastname": name, "customer_no": number}})
        })
        .into();
    let upserts = ["ana", "kim"].map(|name| {
        json!({"id": format!("c-{name}"), "idProperty": "customer_no", "properties": {"city": "Nice"}})
    });
    let made = calls(vec![
        ("crm.contacts.batch_api.create", json!([{"inputs": people}])),
        (
            "crm.companies.batch_api.create",
            json!([{"inputs": [{"associations": [], "properties": {"name": "Arbre"}}]}]),
        ),
        (
            "crm.deals.batch_api.create",
            json!([{"inputs": [{"associations": [], "properties": {"dealname": "Arbre 12", "amount": "12"}}]}]),
        ),
        ("crm.contacts.batch_api.upsert", json!([{"inputs": upserts}])),
        ("crm.properties.core_api.get_all", json!(["contacts"])),
        ("crm.contacts.basic_api.get_page", json!({"limit": 2})),
    ]);
    let models: Vec<&str> = made.iter().filter_map(|it| it["model"].as_str()).collect();
    assert_eq!(
        models,
        [
            "BatchResponseSimplePublicObject",
            "BatchResponseSimplePublicObject",
            "BatchResponseSimplePublicObject",
            "BatchResponseSimplePublicUpsertObject",
            "CollectionResponsePropertyNoPaging",
            "CollectionResponseSimplePublicObjectWithAssociationsForwardPaging",
        ]
    );
    let id = |name: &str| server.vendor().0.with("contacts", "customer_no", name).remove(0);
    let (ana, bob, eve) = (id("c-ana"), id("c-bob"), id("c-eve"));
    let new: Vec<&Value> =
        made[3]["read"]["results"].as_array().unwrap().iter().map(|it| &it["new"]).collect();
    assert_eq!((new.len(), new.iter().filter(|it| ***it == true).count()), (2, 1), "{:#}", made[3]);
    assert_eq!(made[5]["read"]["results"].as_array().unwrap().len(), 2);
    let after = &made[5]["read"]["paging"]["next"]["after"];
    let page = json!([{
        "limit": 2, "after": "2", "sorts": ["createdate"], "properties": ["email"],
        "filterGroups": [{"filters": [{"propertyName": "createdate", "operator": "HAS_PROPERTY"}]}],
    }]);
    let (company, deal) = ("101", "101");
    let pair = json!({"inputs": [{"from": {"id": ana}, "to": {"id": company}}]});
    let told = calls(vec![
        ("crm.contacts.basic_api.get_page", json!({"limit": 2, "after": after})),
        ("crm.contacts.search_api.do_search", page),
        ("crm.associations.v4.batch_api.create_default", json!(["contacts", "companies", pair])),
        (
            "crm.associations.v4.batch_api.get_page",
            json!(["contacts", "companies", {"inputs": [{"id": ana}]}]),
        ),
        ("crm.contacts.batch_api.archive", json!([{"inputs": [{"id": eve}]}])),
        ("crm.contacts.basic_api.get_page", json!({"limit": 100})),
        ("crm.contacts.basic_api.merge", json!([{"primaryObjectId": ana, "objectIdToMerge": bob}])),
        (
            "crm.deals.batch_api.read",
            json!([{"inputs": [{"id": deal}], "properties": ["amount"], "propertiesWithHistory": []}]),
        ),
    ]);
    assert_eq!(told[0]["read"]["results"].as_array().unwrap().len(), 2, "{:#}", told[0]);
    assert_eq!(
        (&told[1]["read"]["total"], &told[1]["model"]),
        (&json!(4), &json!("CollectionResponseWithTotalSimplePublicObjectForwardPaging"))
    );
    assert!(told[1]["read"]["paging"].is_null(), "the second page is the last");
    let linked = &told[3]["read"]["results"][0];
    assert_eq!(
        (&linked["_from"]["id"], &linked["to"][0]["to_object_id"]),
        (&json!(ana), &json!(company)),
        "{:#}",
        told[3]
    );
    assert_eq!(told[5]["read"]["results"].as_array().unwrap().len(), 3, "the archived one is gone");
    assert_eq!(
        told[6]["read"]["properties"]["hs_merged_object_ids"],
        Value::Null,
        "nobody asked for it"
    );
    assert_eq!(server.vendor().0.values("contacts", &bob).unwrap()["lastname"], "ana");
    assert_eq!(told[7]["read"]["results"][0]["properties"]["amount"], "12");

    // A refusal is one to the client as well.
    let twice = json!({"inputs": [{"associations": [], "properties": {"email": "ana@x.example"}}]});
    let question = |token: &str| json!({"url": server.url(), "token": token, "call": "crm.contacts.batch_api.create", "arguments": [twice]});
    let refused = ask(hubspot, &[question(TOKEN), question("another")]);
    assert_eq!((&refused[0]["status"], &refused[1]["status"]), (&json!(409), &json!(401)));

    let Some(mut specs) = crate::specs(name, "hubspot-") else { return };
    for (request, answer) in server.vendor().0.seen() {
        let found = specs.violations(request, Some(answer)).unwrap();
        assert_eq!(found, Vec::<String>::new(), "{}", String::from_utf8_lossy(&request.body));
    }
}

#[test]
fn the_client_of_sendgrid_is_answered_as_by_an_account() {
    let name = "clients::the_client_of_sendgrid_is_answered_as_by_an_account";
    let Some(sendgrid) = client(Oracle::SendGrid, name) else { return };
    let server = Server::start(SendGrid::default()).unwrap();
    let group = server.vendor().suppressions().make_group("Offers");
    let call = |method: &str, path: &str, more: Value| {
        let path: Vec<&str> = path.split('/').collect();
        let mut question = json!({"url": server.url(), "key": KEY, "method": method, "path": path});
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        question
    };
    let group_path = format!("asm/groups/{group}/suppressions");
    let answers = ask(
        sendgrid,
        &[
            call("post", "marketing/lists", json!({"body": {"name": "Customers"}})),
            call(
                "put",
                "marketing/contacts",
                json!({"body": {"contacts": [{"email": "Ana@x.example", "city": "Nice"}]}}),
            ),
            call("post", "marketing/contacts/exports", json!({"body": {"file_type": "json"}})),
            call("get", "marketing/lists", json!({"query": {"page_size": 10}})),
            call(
                "post",
                "marketing/contacts/search/emails",
                json!({"body": {"emails": ["ana@x.example"]}}),
            ),
            call("post", &group_path, json!({"body": {"recipient_emails": ["ana@x.example"]}})),
            call("get", &group_path, json!({})),
            call("get", "suppression/bounces", json!({"query": {"limit": 5}})),
            json!({"url": server.url(), "key": KEY, "message": {
                "from": "news@shop.example", "to": "ana@x.example", "template": "d-1",
                "data": {"name": "Ana"},
            }}),
            json!({"url": server.url(), "key": "another", "method": "get", "path": ["marketing", "lists"]}),
        ],
    );
    let statuses: Vec<u64> = answers.iter().filter_map(|it| it["status"].as_u64()).collect();
    assert_eq!(statuses, [201, 202, 202, 200, 200, 201, 200, 200, 202, 401], "{answers:#?}");
    let body = |at: usize| -> Value {
        serde_json::from_str(answers[at]["body"].as_str().unwrap()).unwrap()
    };
    assert_eq!(body(3)["result"][0]["name"], "Customers");
    assert_eq!(body(4)["result"]["ana@x.example"]["contact"]["city"], "Nice");
    assert_eq!(body(6), json!(["ana@x.example"]));
    let mut account = server.vendor();
    assert_eq!(account.contacts().value("ana@x.example", "city"), "Nice");
    let sent = account.messages();
    assert_eq!(
        (sent.len(), sent[0].to.as_str(), &sent[0].data),
        (1, "ana@x.example", &json!({"name": "Ana"}))
    );
}
