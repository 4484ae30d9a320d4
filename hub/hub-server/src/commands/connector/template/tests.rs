//! What the connector asks and what it makes of the answers, without a network.

use liaison_sdk::testing::{Exchange, Script};
use liaison_sdk::{
    Action, Call, Connector as _, Destination as _, FaultCode, Found, Lookup as _, LookupKey,
    LookupRequest, Outcome, ReadRequest, Source as _, Verdict, WriteItem, WriteRequest,
};
use serde_json::{Value, json};

use crate::{Contacts, STREAM};

const URL: &str = "https://api.example.com/contacts";

fn call() -> Call {
    Call::with_settings(json!({ "url": "https://api.example.com/" }))
}

fn ask(method: &str, rest: &str) -> Exchange {
    Exchange::new(method, format!("{URL}{rest}")).credential("token")
}

fn ana() -> Value {
    json!({ "id": "1", "version": 3, "name": "Ana", "email": "ana@x.fr" })
}

fn write(item: WriteItem, exchange: Exchange) -> Result<Outcome, FaultCode> {
    let request = WriteRequest { stream: STREAM.to_owned(), items: vec![item], dry_run: false };
    let report = Script::new().exchange(exchange).run(|| Contacts::write(&call(), &request));
    match report.map(|report| report.verdict) {
        Ok(Verdict::Items(mut outcomes)) => Ok(outcomes.remove(0)),
        Ok(other) => panic!("{other:?}"),
        Err(fault) => Err(fault.code),
    }
}

#[test]
fn reading_follows_the_token_to_the_end() {
    let start = ReadRequest::start(STREAM);
    let script = Script::new()
        .exchange(
            ask("GET", "?limit=100").reply_json(200, json!({ "contacts": [ana()], "next": "t" })),
        )
        .exchange(
            ask("GET", "?limit=100&after=t")
                .reply_json(200, json!({ "contacts": [], "next": null })),
        );
    let (first, second) = script.run(|| {
        let first = Contacts::read(&call(), &start).unwrap();
        let second = Contacts::read(&call(), &start.after(&first)).unwrap();
        (first, second)
    });
    let row = &first.rows[0];
    assert_eq!((row.key.as_deref(), row.version.as_deref()), (Some("1"), Some("3")));
    assert_eq!(row.fields().unwrap()["email"], "ana@x.fr");
    assert!(first.more && second.snapshot_complete.is_some());
}

#[test]
fn contacts_are_found_by_key_and_by_address() {
    let by_email = [("email".to_owned(), json!("ana@x.fr"))].into_iter().collect();
    let keys = vec![
        LookupKey::Key("1".to_owned()),
        LookupKey::Key("9".to_owned()),
        LookupKey::Fields(by_email),
    ];
    let request = LookupRequest { stream: STREAM.to_owned(), keys, fields: Vec::new() };
    let found = Script::new()
        .exchange(ask("GET", "/1").reply_json(200, ana()))
        .exchange(ask("GET", "/9").reply(404, "no such contact"))
        .exchange(ask("GET", "?email=ana%40x.fr").reply_json(200, json!({ "contacts": [ana()] })))
        .run(|| Contacts::lookup(&call(), &request).unwrap());
    assert!(matches!(&found[..], [Found::One(_), Found::None, Found::One(_)]), "{found:?}");
}

#[test]
fn every_answer_to_a_write_has_its_outcome() {
    let create = || {
        let item = WriteItem::new(Action::Create, None, json!({ "email": "ana@x.fr" }));
        WriteItem { idempotency_key: "k".to_owned(), ..item }
    };
    let post =
        || ask("POST", "").header("idempotency-key", "k").json(json!({ "email": "ana@x.fr" }));
    let created = write(create(), post().reply_json(201, ana())).unwrap();
    let Outcome::Created(stored) = created else { panic!("{created:?}") };
    assert_eq!((stored.key.as_str(), stored.version.as_deref()), ("1", Some("3")));
    let taken = write(create(), post().reply_json(409, json!({ "id": "7" })));
    assert_eq!(taken, Ok(Outcome::DuplicateOf("7".to_owned())));

    let update = || {
        let item = WriteItem::new(Action::Update, Some("1"), json!({ "name": null }));
        WriteItem { if_version: Some("3".to_owned()), ..item }
    };
    let patch = || ask("PATCH", "/1").header("if-match", "3").json(json!({ "name": null }));
    let updated = write(update(), patch().reply_json(200, ana()));
    assert!(matches!(updated, Ok(Outcome::Updated(_))), "{updated:?}");
    assert_eq!(write(update(), patch().reply(412, "")), Ok(Outcome::Conflict));
    assert_eq!(write(update(), patch().reply(404, "")), Ok(Outcome::Conflict));
    let refused = write(update(), patch().reply(422, "name is required"));
    assert!(matches!(refused, Ok(Outcome::Rejected(_))), "{refused:?}");
    assert_eq!(write(update(), patch().times_out()), Ok(Outcome::Unknown));
    assert_eq!(write(update(), patch().reply(200, "<html>")), Ok(Outcome::Unknown));
    assert_eq!(write(update(), patch().reply(401, "")), Err(FaultCode::Auth));

    let delete = || WriteItem::new(Action::Delete, Some("1"), ());
    assert_eq!(write(delete(), ask("DELETE", "/1").reply(204, "")), Ok(Outcome::Deleted));
    assert_eq!(write(delete(), ask("DELETE", "/1").reply(200, "")), Ok(Outcome::Unknown));
}

#[test]
fn a_check_asks_the_api() {
    let script = Script::new().exchange(ask("GET", "?limit=1").reply(401, ""));
    let fault = script.run(|| Contacts::check(&call())).unwrap_err();
    assert_eq!(fault.code, FaultCode::Auth);
    let fault = Contacts::check(&Call::with_settings(json!({ "adress": "" }))).unwrap_err();
    assert_eq!(fault.code, FaultCode::Config);
}
