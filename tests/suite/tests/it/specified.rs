//! Prism between the components and the fake accounts, with the vendors' own
//! specifications: what the connectors ask and what the accounts answer goes through only
//! where somebody else's code finds that it keeps them.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::PathBuf,
};

use doubles::{
    hubspot::TOKEN,
    openapi::{self, SPECS_VARIABLE},
    sendgrid::KEY,
};
use serde_json::{Value, json};
use xtask::{
    Unavailable,
    place::Place,
    prism::{self, Prism},
};

/// Whose paths the connector asks for. Prism does not come to an end with the one of lists.
const HUBSPOT: [&str; 6] = [
    "hubspot-2026-03-associations.json",
    "hubspot-2026-03-companies.json",
    "hubspot-2026-03-contacts.json",
    "hubspot-2026-03-deals.json",
    "hubspot-2026-03-properties.json",
    "hubspot-2026-03-subscriptions.json",
];
const SENDGRID: [&str; 4] = [
    "sendgrid-mail_v3.json",
    "sendgrid-mc_contacts_v3.json",
    "sendgrid-mc_lists_v3.json",
    "sendgrid-suppressions_v3.json",
];
/// What has specifications that were not at hand.
const SENDGRID_FREE: [&str; 2] = ["/v3/scopes", "/v3/marketing/field_definitions"];

/// The folder of the specifications; `None` after the test was noted as skipped.
fn specifications(test: &str) -> Option<PathBuf> {
    let how = format!("{SPECS_VARIABLE} names their folder");
    let missing = Unavailable::new("the folder of vendors' specifications", how);
    let found = prism::ready().and_then(|_| openapi::folder().ok_or(missing));
    found.map_err(|missing| missing.skip(test)).ok()
}

/// The status of the answer to a request.
fn ask(port: u16, line: &str, token: &str, body: &Value) -> u16 {
    let body = body.to_string();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap()
}

/// Prism between a hub and an account: it is asked in the account's place. What is fetched
/// elsewhere is still fetched from the account itself.
fn between(hub: &Place, account: &str, specification: &Value) -> Prism {
    let prism = Prism::start(&hub.work, specification, account).unwrap();
    let own = account.rsplit_once(':').unwrap().1;
    let granted = ["127.0.0.1", "127.0.0.1/32"].map(|host| {
        let both = format!("\"{host}:{own}\", \"{host}:{}\"]", prism.port);
        (format!("\"{host}:{own}\"]"), both)
    });
    let asked = (format!(" url = \"{account}\""), format!(" url = \"{}\"", prism.url()));
    let before = fs::read_to_string(hub.work.join("liaison.toml")).unwrap();
    let text = granted.into_iter().chain([asked]).fold(before, |text, (from, to)| {
        assert!(text.contains(&from), "no {from} in {text}");
        text.replace(&from, &to)
    });
    hub.write("liaison.toml", &text).unwrap();
    prism
}

#[test]
fn hubspot_keeps_its_specification_by_somebody_elses_judgement() {
    let test = "specified::hubspot_keeps_its_specification_by_somebody_elses_judgement";
    let Some(folder) = specifications(test) else { return };
    let spec = openapi::joined(&folder, &HUBSPOT, &[]).unwrap();
    let file = "email,lastname,city\nana@x.example,Ana,Nice\nbob@x.example,Bob,Lyon\n";
    let place = super::hubspot::Place::new(file);
    let prism = between(&place.list.hub, &place.server.url(), &spec);
    let port = prism.port;

    // The judgement is on.
    let read = "POST /crm/objects/2026-03/contacts/batch/read";
    let mut body = json!({"inputs": [], "properties": [], "propertiesWithHistory": []});
    assert_eq!(ask(port, read, TOKEN, &body), 200, "{}", prism.said());
    body["inputs"] = json!("101");
    assert_eq!(ask(port, read, TOKEN, &body), 422);
    assert_eq!(ask(port, "POST /crm/objects/2026-03/contacts/batch/reads", TOKEN, &body), 404);
    assert_eq!(place.server.vendor().seen().len(), 1, "what is wrong does not come through");

    place.server.vendor().enter("contacts", &json!({"email": "eve@x.example", "lastname": "Eve"}));
    place.settle();
    place.list.write(
        "email,lastname,city\nana@x.example,Ana,Lille\nbob@x.example,Bob,\neve@x.example,Eve,\n",
    );
    place.settle();
    assert_eq!(
        place.people(),
        ["ana@x.example,Ana,Lille", "bob@x.example,Bob,", "eve@x.example,Eve,"]
    );
}

#[test]
fn sendgrid_keeps_its_specification_by_somebody_elses_judgement() {
    let test = "specified::sendgrid_keeps_its_specification_by_somebody_elses_judgement";
    let Some(folder) = specifications(test) else { return };
    let spec = openapi::joined(&folder, &SENDGRID, &SENDGRID_FREE).unwrap();
    let file = "email,last_name,city\nana@x.example,Ana,Nice\n";
    let place = super::sendgrid::Place::new(file);
    let prism = between(&place.list.hub, &place.server.url(), &spec);
    let port = prism.port;

    // The judgement is on.
    let search = "POST /v3/marketing/contacts/search/emails";
    let asked = ask(port, search, KEY, &json!({"emails": ["ana@x.example"]}));
    assert_eq!(asked, 404, "nobody is there yet: {}", prism.said());
    assert_eq!(ask(port, search, KEY, &json!({"emails": "ana@x.example"})), 422);
    assert_eq!(place.server.vendor().seen().len(), 1, "what is wrong does not come through");

    place.server.vendor().contacts().enter(&json!({"email": "eve@x.example", "last_name": "Eve"}));
    place.settle();
    place.list.write("email,last_name,city\nana@x.example,Ana,Lille\neve@x.example,Eve,\n");
    place.settle();
    assert_eq!(place.people(), ["ana@x.example,Ana,Lille", "eve@x.example,Eve,"]);
}
