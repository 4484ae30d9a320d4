//! What the connector does against a real Tryton, replayed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use liaison_sdk::testing::{Exchange, Script};
use liaison_sdk::{
    Action, Change, Connector, Destination, Fault, FaultCode, Found, Lookup, LookupKey,
    LookupRequest, Outcome, ReadRequest, Row, Source, Stored, Verdict, WriteItem, WriteRequest,
};
use serde_json::{Map, Value, json};

use crate::recording::{call, elsewhere, exchanges};
use crate::{STREAM, Tryton};

fn try_write(items: Vec<WriteItem>) -> Result<Vec<Outcome>, Fault> {
    let request = WriteRequest { stream: STREAM.to_owned(), items, dry_run: false };
    match Tryton::write(&call(), &request)?.verdict {
        Verdict::Items(outcomes) => Ok(outcomes),
        Verdict::Aggregate(..) => panic!("outcomes were expected"),
    }
}

fn write(items: Vec<WriteItem>) -> Vec<Outcome> {
    try_write(items).unwrap()
}

fn create(patch: Value) -> WriteItem {
    WriteItem::new(Action::Create, None, patch)
}

fn update(key: &str, patch: Value) -> WriteItem {
    WriteItem::new(Action::Update, Some(key), patch)
}

fn created(patch: Value) -> Stored {
    match write(vec![create(patch)]).pop() {
        Some(Outcome::Created(stored)) => stored,
        other => panic!("created was expected: {other:?}"),
    }
}

fn updated(outcome: Option<Outcome>) -> Map<String, Value> {
    match outcome {
        Some(Outcome::Updated(stored)) => stored.row.unwrap(),
        other => panic!("updated was expected: {other:?}"),
    }
}

fn lookup(keys: Vec<LookupKey>) -> Vec<Found> {
    let request = LookupRequest { stream: STREAM.to_owned(), keys, fields: Vec::new() };
    Tryton::lookup(&call(), &request).unwrap()
}

fn by(name: &str, value: &str) -> LookupKey {
    LookupKey::Fields([(name.to_owned(), Value::from(value))].into_iter().collect())
}

fn one(found: Option<Found>) -> Row {
    match found {
        Some(Found::One(row)) => row,
        other => panic!("one row was expected: {other:?}"),
    }
}

#[test]
fn exchanges_check_and_discover() {
    exchanges("check-and-discover", || {
        Tryton::check(&call()).unwrap();
        let streams = Tryton::discover(&call()).unwrap();
        assert_eq!(streams[0].name(), STREAM);
        assert_eq!(streams[0].fields().len(), 18);
    });
}

#[test]
fn exchanges_create_shows_what_was_stored() {
    exchanges("create-shows-what-was-stored", || {
        let outcomes = write(vec![
            create(json!({
                "name": " Ana Álvarez ", "email": "Ana@Create.example", "phone": "+33 1 23 45 67 89",
                "mobile": "", "website": null, "lang": "fr", "active": true,
                "address1_street": "1 rue A\nBât. B", "address1_postal_code": "75001",
                "address1_city": "Paris", "address2_city": "Lyon",
            })),
            create(json!({"name": "Second only", "address2_city": "Nice", "code": "CREATE-2"})),
            create(json!({"name": "Bad", "nonexistent": 1})),
            create(json!({"name": ["a list"]})),
            create(json!({"name": "Bad", "address1_country": "ZZ"})),
        ]);
        let [Outcome::Created(ana), Outcome::Created(second), bad @ ..] = outcomes.as_slice()
        else {
            panic!("{outcomes:?}");
        };
        let row = ana.row.as_ref().unwrap();
        assert_eq!(row["name"], "Ana Álvarez");
        assert_eq!(row["email"], "Ana@Create.example");
        assert_eq!(row["mobile"], Value::Null);
        assert_eq!(row["lang"], "fr");
        assert_eq!(row["address1_street"], "1 rue A\nBât. B");
        assert_eq!(row["address2_city"], "Lyon");
        let row = second.row.as_ref().unwrap();
        assert_eq!((&row["address1_city"], &row["address2_city"]), (&Value::Null, &json!("Nice")));
        assert_eq!(row["code"], "CREATE-2");
        let reasons: Vec<_> = bad
            .iter()
            .map(|outcome| match outcome {
                Outcome::Rejected(fault) => (fault.place.as_str(), fault.arg("reason").unwrap()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            reasons,
            [
                ("nonexistent", "unknown-field"),
                ("name", "type"),
                ("address1_country", "unknown-country")
            ]
        );
        // What was read back is what reading shows.
        let found = one(lookup(vec![LookupKey::Key(ana.key.clone())]).pop());
        assert_eq!(found.fields(), ana.row.as_ref());
        assert_eq!(found.version, ana.version);
    });
}

#[test]
fn exchanges_lookup_finds_one_none_or_several() {
    exchanges("lookup-finds-one-none-or-several", || {
        let first = created(json!({"name": "L1", "email": "Look_Up@x.example", "phone": "001"}));
        created(json!({"name": "L2", "email": "lookxup@x.example", "phone": "001"}));
        let code = first.row.unwrap()["code"].as_str().unwrap().to_owned();
        let found = lookup(vec![
            by("email", "look_up@X.example"),
            by("code", &code),
            by("phone", "001"),
            by("email", "nobody@x.example"),
            by("email", ""),
            LookupKey::Key("999999".to_owned()),
            LookupKey::Key("no id".to_owned()),
        ]);
        let kinds: Vec<_> = found
            .iter()
            .map(|found| match found {
                Found::None => "none".to_owned(),
                Found::One(row) => row.key.clone().unwrap(),
                Found::Several(keys) => format!("{} rows", keys.len()),
            })
            .collect();
        let key = first.key.as_str();
        assert_eq!(kinds, [key, key, "2 rows", "none", "none", "none", "none"]);
    });
}

#[test]
fn exchanges_update_sets_clears_and_leaves_alone() {
    exchanges("update-sets-clears-and-leaves-alone", || {
        let party = created(json!({
            "name": "U", "email": "u@x.example", "phone": "1", "website": "https://u.example",
            "address1_street": "1 rue U", "address1_city": "Paris", "address2_city": "Lyon",
        }));
        let patch = json!({
            "name": "U2", "email": null, "phone": "2", "mobile": "3", "address1_city": "Lille",
        });
        let row = updated(write(vec![update(&party.key, patch)]).pop());
        let expected = [
            ("name", json!("U2")),
            ("email", Value::Null),
            ("phone", json!("2")),
            ("mobile", json!("3")),
            ("website", json!("https://u.example")),
            ("address1_street", json!("1 rue U")),
            ("address1_city", json!("Lille")),
            ("address2_city", json!("Lyon")),
        ];
        for (name, value) in expected {
            assert_eq!(row[name], value, "{name}");
        }
        // The second address does not slip into the place of the first.
        let patch = json!({"address1_street": null, "address1_city": null});
        let row = updated(write(vec![update(&party.key, patch)]).pop());
        assert_eq!((&row["address1_city"], &row["address2_city"]), (&Value::Null, &json!("Lyon")));
        let same = json!({"name": "U2", "email": null, "address2_city": "Lyon"});
        assert_eq!(write(vec![update(&party.key, same)]), [Outcome::Unchanged]);
        let code = write(vec![update(&party.key, json!({"code": "OTHER"}))]);
        assert!(
            matches!(&code[0], Outcome::Rejected(fault) if fault.arg("reason") == Some("create-only"))
        );
    });
}

#[test]
fn exchanges_an_edit_in_between_is_a_conflict() {
    exchanges("an-edit-in-between-is-a-conflict", || {
        let party = created(json!({"name": "C", "email": "c@x.example"}));
        let id: i64 = party.key.parse().unwrap();
        // Only the child changes: Tryton's own lock on the party would not see it.
        elsewhere(
            "model.party.contact_mechanism.create",
            json!([
                [{"party": id, "type": "phone", "value": "5"}], {},
            ]),
        );
        let mut item = update(&party.key, json!({"name": "C2"}));
        item.if_version = party.version;
        assert_eq!(write(vec![item.clone()]), [Outcome::Conflict]);
        let current = one(lookup(vec![LookupKey::Key(party.key.clone())]).pop());
        assert_eq!(current.fields().unwrap()["phone"], "5");
        item.if_version = current.version;
        assert_eq!(updated(write(vec![item]).pop())["name"], "C2");
    });
}

#[test]
fn exchanges_a_refused_batch_is_left_to_the_hub() {
    exchanges("a-refused-batch-is-left-to-the-hub", || {
        let twice = vec![
            create(json!({"name": "R1", "code": "REFUSED-1"})),
            create(json!({"name": "R2", "code": "REFUSED-1"})),
        ];
        let fault = try_write(twice).unwrap_err();
        assert_eq!(fault.code, FaultCode::Rejected);
        assert_eq!(fault.arg("vendor-code"), Some("UserError"));
        assert_eq!(lookup(vec![by("code", "REFUSED-1")]), [Found::None]);

        let holder = created(json!({"name": "R1", "code": "REFUSED-1"}));
        let again = write(vec![create(json!({"name": "R2", "code": "REFUSED-1"}))]);
        assert_eq!(again, [Outcome::DuplicateOf(holder.key)]);

        let outcomes = write(vec![create(json!({"name": "tab\tin a name"}))]);
        let [Outcome::Rejected(fault)] = outcomes.as_slice() else { panic!("{outcomes:?}") };
        assert!(!fault.arg("vendor-message").unwrap().contains("tab\tin"), "{fault}");
    });
}

#[test]
fn exchanges_a_mixed_batch_goes_on_item_by_item() {
    exchanges("a-mixed-batch-goes-on-item-by-item", || {
        let keys: Vec<String> =
            ["M1", "M2", "M3"].iter().map(|name| created(json!({"name": name})).key).collect();
        let outcomes = write(vec![
            create(json!({"name": "M4"})),
            update(&keys[0], json!({"name": "tab\tM1"})),
            update(&keys[1], json!({"name": "M2 new"})),
            update(&keys[1], json!({"name": "M2 twice"})),
            WriteItem::new(Action::Delete, Some(&keys[2]), json!({})),
        ]);
        assert!(matches!(outcomes[0], Outcome::Created(_)), "{outcomes:?}");
        assert!(matches!(outcomes[1], Outcome::Rejected(_)), "{outcomes:?}");
        assert!(matches!(outcomes[2], Outcome::Updated(_)), "{outcomes:?}");
        assert!(matches!(outcomes[3], Outcome::Retry(..)), "{outcomes:?}");
        assert_eq!(outcomes[4], Outcome::Deleted);
    });
}

#[test]
fn exchanges_archived_and_deleted_parties() {
    exchanges("archived-and-deleted-parties", || {
        let party = created(json!({"name": "A", "email": "archived@x.example"}));
        let act = |action| write(vec![WriteItem::new(action, Some(&party.key), json!({}))]);
        assert_eq!(act(Action::Archive), [Outcome::Deleted]);
        let row = one(lookup(vec![by("email", "archived@x.example")]).pop());
        assert_eq!(
            (row.change, &row.fields().unwrap()["active"]),
            (Change::Archive, &json!(false))
        );
        assert_eq!(act(Action::Archive), [Outcome::Deleted]);
        assert_eq!(act(Action::Delete), [Outcome::Deleted]);
        assert_eq!(act(Action::Delete), [Outcome::Deleted]);
        assert_eq!(write(vec![update(&party.key, json!({"name": "B"}))]), [Outcome::Conflict]);
    });
}

#[test]
fn exchanges_a_snapshot_shows_everything_once() {
    exchanges("a-snapshot-shows-everything-once", || {
        let keys: Vec<String> =
            (0..3).map(|n| created(json!({"name": format!("S{n}")})).key).collect();
        let mut request = ReadRequest::start(STREAM);
        request.rows_wanted = 7;
        request.fields = vec!["name".to_owned()];
        let mut rows = Vec::new();
        loop {
            let page = Tryton::read(&call(), &request).unwrap();
            rows.extend(page.rows.clone());
            assert_eq!(page.more, page.snapshot_complete.is_none());
            if !page.more {
                assert_eq!(page.next, None);
                break;
            }
            request = request.after(&page);
        }
        let mut seen: Vec<&str> = rows.iter().map(|row| row.key.as_deref().unwrap()).collect();
        assert!(keys.iter().all(|key| seen.contains(&key.as_str())));
        assert!(rows.iter().all(|row| row.fields().unwrap().keys().eq(["name"])));
        assert!(rows.iter().all(|row| row.time.as_ref().unwrap().ends_with('Z')));
        let shown = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), shown);
    });
}

fn fault_of(exchange: Exchange) -> FaultCode {
    let script = Script::new().exchange(exchange);
    script.run(|| Tryton::read(&call(), &ReadRequest::start(STREAM))).unwrap_err().code
}

#[test]
fn transport_faults_are_told() {
    let ask = || Exchange::new("POST", "http://tryton.test/erp/rpc/").credential("session");
    assert_eq!(fault_of(ask().reply(401, "")), FaultCode::Auth);
    assert_eq!(fault_of(ask().times_out()), FaultCode::Timeout);
    assert_eq!(fault_of(ask().fails_to_connect()), FaultCode::Unreachable);
    assert_eq!(
        fault_of(ask().reply_json(200, json!({"result": [{"id": 1}]}))),
        FaultCode::SchemaDrift
    );
}

#[test]
fn a_missing_right_is_told_from_a_business_rule() {
    let ask = || Exchange::new("POST", "http://tryton.test/erp/rpc/").credential("session");
    let refusal = json!({"id": 0, "error": ["UserError", ["Vous n'êtes pas autorisé", "", null]]});
    let rights = |create: bool| {
        let rights = json!({"read": true, "write": true, "create": create, "delete": true});
        json!({"id": 0, "result": {
            "party.party": rights, "party.contact_mechanism": rights, "party.address": rights,
        }})
    };
    for (create_right, expected) in [(false, FaultCode::Permission), (true, FaultCode::Rejected)] {
        let script = Script::new()
            .exchange(ask().reply_json(200, refusal.clone()))
            .exchange(ask().reply_json(200, rights(create_right)));
        let two = vec![create(json!({"name": "a"})), create(json!({"name": "b"}))];
        assert_eq!(script.run(|| try_write(two)).unwrap_err().code, expected);
    }
}

#[test]
fn wrong_settings_and_streams_are_config_faults() {
    let call = liaison_sdk::Call::with_settings(json!({"url": "http://tryton.test"}));
    let code = |result: Result<liaison_sdk::Page, Fault>| result.unwrap_err().code;
    assert_eq!(code(Tryton::read(&call, &ReadRequest::start(STREAM))), FaultCode::Config);
    let other = ReadRequest::start("orders");
    assert_eq!(code(Tryton::read(&crate::recording::call(), &other)), FaultCode::Config);
}
