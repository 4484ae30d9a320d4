//! SendGrid: every kind of request that the double answers, and its answer, keep the
//! specification; and the double does what a real account does.

use std::collections::BTreeSet;

use doubles::http::{Answer, Request, Vendor as _};
use doubles::sendgrid::{BEGINNING, KEY, SendGrid, Trouble};
use serde_json::{Value, json};

const CONTACTS: &str = "/v3/marketing/contacts";

fn ask(account: &mut SendGrid, method: &str, target: &str, body: Value) -> (u16, Value) {
    let request = Request::new(method, target, &body);
    let request = request.header("authorization", &format!("Bearer {KEY}"));
    let answer = account.answer(&request);
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
}

#[test]
fn the_check_against_the_specification_is_on() {
    let name = "sendgrid::the_check_against_the_specification_is_on";
    let Some(mut specs) = crate::specs(name, "sendgrid-") else { return };
    let mut judge = |request: Request, answer: Option<Answer>| {
        specs.violations(&request, answer.as_ref()).unwrap()
    };
    let mail = json!({
        "personalizations": [{"to": [{"email": "a@x.example"}]}],
        "from": {"email": "b@x.example"}, "template_id": "d-1",
    });
    let good = Request::new("PUT", CONTACTS, &json!({"contacts": [{"email": "a@x.example"}]}));
    let known = [
        good.clone(),
        Request::new("GET", "/v3/suppression/bounces?limit=500&offset=500", &Value::Null),
        Request::new("GET", "/v3/marketing/lists?page_size=1000", &Value::Null),
    ];
    for request in known {
        assert_eq!(judge(request, None), Vec::<String>::new());
    }
    let wrong = [
        ("PUT", CONTACTS, json!({})),
        ("PUT", CONTACTS, json!({"contacts": []})),
        ("PUT", CONTACTS, json!({"contacts": [{"mail": "a@x.example"}]})),
        ("PUT", CONTACTS, json!({"contacts": [{"city": 7}]})),
        ("PUT", CONTACTS, json!({"contacts": [{"first_name": "x".repeat(51)}]})),
        ("POST", "/v3/marketing/contacts/search/emails", json!({"email": ["a@x.example"]})),
        ("POST", "/v3/marketing/contacts/exports", json!({"file_type": "xml"})),
        ("GET", "/v3/suppression/bounces?limit=501", Value::Null),
        ("GET", "/v3/suppression/bounces?limits=5", Value::Null),
        ("POST", "/v3/asm/suppressions/global", json!({"emails": []})),
        ("POST", "/v3/mail/send", json!({"template_id": "d-1"})),
        ("DELETE", "/v3/marketing/lists/7/contacts", Value::Null),
        ("GET", "/v4/marketing/lists", Value::Null),
    ];
    for (method, target, body) in wrong {
        let found = judge(Request::new(method, target, &body), None);
        assert!(!found.is_empty(), "{method} {target} {body} passes");
    }
    for (status, body) in [(202, json!({"job_id": 7})), (202, json!([])), (418, json!({}))] {
        let found = judge(good.clone(), Some(Answer::json(status, &body)));
        assert!(!found.is_empty(), "{status} {body} passes");
    }
    // A body that is kept elsewhere in the specification is judged all the same.
    let mut found = judge(Request::new("POST", "/v3/mail/send", &mail), None);
    found.retain(|what| !what.contains("required"));
    assert_eq!(found, Vec::<String>::new());
}

/// Everything that the double can be asked, well and badly.
fn everything(account: &mut SendGrid) {
    let pet = account.contacts().define("pet", "Text");
    let list = account.make_list("Customers");
    let group = account.suppressions().make_group("Offers");
    account.suppressions().enter(
        "bounces",
        "b@x.example",
        BEGINNING,
        &json!({"reason": "r", "status": "5.1.1"}),
    );
    let exports = format!("{CONTACTS}/exports");
    let contact = json!({"email": "A@x.example", "custom_fields": {pet: "cat"}});
    let upsert = json!({"list_ids": [list], "contacts": [contact]});
    let (_, taken) = ask(account, "PUT", CONTACTS, upsert);
    let job = format!("{CONTACTS}/imports/{}", taken["job_id"].as_str().unwrap());
    for _ in 0..4 {
        ask(account, "GET", &job, Value::Null);
    }
    let (_, export) = ask(account, "POST", &exports, json!({"file_type": "json"}));
    let export = format!("{exports}/{}", export["id"].as_str().unwrap());
    for _ in 0..4 {
        ask(account, "GET", &export, Value::Null);
    }
    let id = account.contacts().with("a@x.example").unwrap().id.clone();
    let search = format!("{CONTACTS}/search/emails");
    for (method, target, body) in [
        ("PUT", CONTACTS.to_owned(), json!({"contacts": [{"email": "none"}]})),
        ("POST", search.clone(), json!({"emails": ["a@x.example", "z@x.example"]})),
        ("POST", search, json!({"emails": ["z@x.example"]})),
        ("POST", format!("{CONTACTS}/batch"), json!({"ids": [id]})),
        ("GET", "/v3/marketing/lists?page_size=10".to_owned(), Value::Null),
        ("POST", "/v3/marketing/lists".to_owned(), json!({"name": "Gold"})),
        ("POST", "/v3/marketing/lists".to_owned(), json!({"name": "Gold"})),
        ("GET", format!("/v3/marketing/lists/{list}"), Value::Null),
        ("DELETE", format!("/v3/marketing/lists/{list}/contacts?contact_ids={id}"), Value::Null),
        ("DELETE", format!("/v3/marketing/lists/{list}?delete_contacts=false"), Value::Null),
        ("GET", "/v3/asm/groups".to_owned(), Value::Null),
        (
            "POST",
            format!("/v3/asm/groups/{group}/suppressions"),
            json!({"recipient_emails": ["a@x.example"]}),
        ),
        (
            "POST",
            format!("/v3/asm/groups/{group}/suppressions/search"),
            json!({"recipient_emails": ["a@x.example"]}),
        ),
        ("GET", format!("/v3/asm/groups/{group}/suppressions"), Value::Null),
        ("DELETE", format!("/v3/asm/groups/{group}/suppressions/a%40x.example"), Value::Null),
        (
            "POST",
            "/v3/asm/suppressions/global".to_owned(),
            json!({"recipient_emails": ["a@x.example"]}),
        ),
        ("GET", "/v3/suppression/unsubscribes?email=a%40x.example".to_owned(), Value::Null),
        ("DELETE", "/v3/asm/suppressions/global/a%40x.example".to_owned(), Value::Null),
        ("GET", "/v3/suppression/bounces?start_time=5".to_owned(), Value::Null),
        ("DELETE", "/v3/suppression/bounces/b%40x.example".to_owned(), Value::Null),
    ] {
        ask(account, method, &target, body);
    }
    for trouble in [Trouble::Revoked, Trouble::NoAccess, Trouble::OutOfOrder] {
        account.fail(CONTACTS, trouble);
        ask(account, "PUT", CONTACTS, json!({"contacts": [{"email": "a@x.example"}]}));
    }
}

#[test]
fn every_request_and_answer_keeps_the_specification() {
    let name = "sendgrid::every_request_and_answer_keeps_the_specification";
    let Some(mut specs) = crate::specs(name, "sendgrid-") else { return };
    let mut account = SendGrid::default();
    everything(&mut account);
    let mut statuses = BTreeSet::new();
    for (request, answer) in account.seen() {
        let found = specs.violations(request, Some(answer)).unwrap();
        let body = String::from_utf8_lossy(&answer.body);
        assert!(found.is_empty(), "{found:#?}\n{} {} {body}", request.target, answer.status);
        statuses.insert(answer.status);
    }
    let expected = [200, 201, 202, 204, 400, 401, 403, 404, 500];
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_file_wants_no_key_and_refuses_one() {
    let mut account = SendGrid::default();
    account.work_requests = 0;
    account.contacts().enter(&json!({"email": "a@x.example"}));
    let (_, export) =
        ask(&mut account, "POST", "/v3/marketing/contacts/exports", json!({"file_type": "json"}));
    let path = format!("/exports/{}/0", export["id"].as_str().unwrap());
    assert_eq!(ask(&mut account, "GET", &path, Value::Null).0, 400);
    let answer = account.answer(&Request::new("GET", &path, &Value::Null));
    assert_eq!((answer.status, &answer.body[..2]), (200, [0x1f, 0x8b].as_slice()));
}

#[test]
fn a_contact_is_known_by_all_its_identifiers() {
    let mut account = SendGrid::default();
    account.work_requests = 0;
    account.contacts().enter(&json!({"email": "a@x.example", "external_id": "7"}));
    for (contact, status) in [
        (json!({"email": "a@x.example", "city": "Nice"}), "failed"),
        (json!({"email": "A@x.example", "external_id": "7", "city": "Nice"}), "completed"),
    ] {
        let (_, taken) = ask(&mut account, "PUT", CONTACTS, json!({"contacts": [contact]}));
        let job = format!("{CONTACTS}/imports/{}", taken["job_id"].as_str().unwrap());
        let (_, shown) = ask(&mut account, "GET", &job, Value::Null);
        assert_eq!(shown["status"], status);
    }
    assert_eq!(account.contacts().value("a@x.example", "city"), "Nice");
    assert_eq!(account.contacts().all().count(), 1);
}
