//! Who must not be written to: read, written, taken back.

use doubles::sendgrid::BEGINNING;
use liaison_sdk::{Action, FaultCode, Found, Outcome, ReadRequest, Row, WriteItem};
use serde_json::{Value, json};

use super::{Stage, by_email, create, emails, key, rejected, rows, update};

fn fields(found: &Found) -> Value {
    match found {
        Found::One(row) => Value::Object(row.fields().unwrap().clone()),
        other => panic!("a row was expected: {other:?}"),
    }
}

#[test]
fn a_list_is_read_to_its_end_and_then_what_is_new() {
    let stage = Stage::new();
    for number in 0..501 {
        let email = format!("n{number}@x.example");
        stage.account().suppressions().enter(
            "bounces",
            &email,
            BEGINNING - 9_000 + number,
            &json!({
                "reason": "550 5.1.1 no such user", "status": "5.1.1",
            }),
        );
    }
    let (pages, rest) = stage.read_all(ReadRequest::start("bounces"));
    assert_eq!(pages.iter().map(|page| page.rows.len()).collect::<Vec<_>>(), [500, 1]);
    assert!(pages.iter().all(|page| page.snapshot_complete.is_none()), "nobody tells who left");
    let newest = rows(&pages)[0];
    let expected = json!({
        "email": "n500@x.example", "suppressed": true, "created_at": "2026-11-30T06:38:20Z",
        "reason": "550 5.1.1 no such user", "status": "5.1.1",
    });
    assert_eq!(newest.data, Some(expected));
    assert_eq!(newest.time.as_deref(), Some("2026-11-30T06:38:20Z"));

    stage.account().suppressions().enter("bounces", "new@x.example", BEGINNING, &json!({}));
    let (pages, rest) = stage.read_all(rest);
    assert_eq!(emails(&pages)[0], "new@x.example");
    // An hour before the newest is read again, and no more.
    let (pages, _) = stage.read_all(rest);
    assert_eq!(emails(&pages), ["new@x.example"]);
}

#[test]
fn an_address_is_put_on_a_list_and_taken_off() {
    let stage = Stage::new();
    let group = stage.account().suppressions().make_group("Offers");
    let offers = format!("group_unsubscribes_{group}");
    for stream in ["global_unsubscribes", offers.as_str()] {
        let is_on = |email: &str| match stream {
            "global_unsubscribes" => stage.account().suppressions().has("unsubscribes", email),
            _ => stage.account().suppressions().group(group).contains(&email.to_owned()),
        };
        let outcomes = stage.write(
            stream,
            vec![
                create(json!({"email": "Ana@x.example", "suppressed": true})),
                create(json!({"email": "bob@x.example", "suppressed": false})),
                create(json!({"email": "eve@x.example"})),
            ],
        );
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Created(_))));
        assert_eq!(
            ["ana", "bob", "eve"].map(|it| is_on(&format!("{it}@x.example"))),
            [true, false, false]
        );
        let found =
            stage.lookup(stream, vec![key("ana@x.example"), by_email("BOB@x.example"), key("x")]);
        assert_eq!(fields(&found[0])["suppressed"], true);
        assert_eq!(fields(&found[1])["suppressed"], false);
        assert_eq!(found[2], Found::None);
        let (pages, _) = stage.read_all(ReadRequest::start(stream));
        assert_eq!(emails(&pages), ["ana@x.example"]);

        let outcomes = stage.write(
            stream,
            vec![
                update("ana@x.example", json!({"suppressed": false})),
                update("bob@x.example", json!({"suppressed": true})),
                update("eve@x.example", json!({"suppressed": null})),
            ],
        );
        assert!(
            outcomes.iter().all(|outcome| matches!(outcome, Outcome::Updated(_))),
            "{outcomes:?}"
        );
        assert_eq!(
            ["ana", "bob", "eve"].map(|it| is_on(&format!("{it}@x.example"))),
            [false, true, false]
        );
    }
}

#[test]
fn a_person_who_is_forgotten_stays_suppressed() {
    let stage = Stage::new();
    stage.account().suppressions().enter("unsubscribes", "ana@x.example", BEGINNING, &json!({}));
    let delete = WriteItem::new(Action::Delete, Some("ana@x.example"), json!({}));
    let outcomes = stage.write("global_unsubscribes", vec![delete]);
    assert_eq!(rejected(&outcomes[0]).code, FaultCode::NotSupported);
    assert!(stage.account().suppressions().has("unsubscribes", "ana@x.example"));
}

#[test]
fn what_sendgrid_finds_out_can_only_be_lifted() {
    let stage = Stage::new();
    stage.account().suppressions().enter("bounces", "ana@x.example", BEGINNING, &json!({}));
    let outcomes = stage.write(
        "bounces",
        vec![
            create(json!({"email": "bob@x.example", "suppressed": true})),
            update("ana@x.example", json!({"suppressed": false})),
            update("ana@x.example", json!({"reason": "mine"})),
            update("ana@x.example", json!({"email": "eve@x.example"})),
            update("none", json!({"suppressed": false})),
            create(json!({"email": "none"})),
            update("ana@x.example", json!({"suppressed": "yes"})),
            update("ana@x.example", json!({})),
        ],
    );
    let reason = |place: usize| rejected(&outcomes[place]).arg("reason").unwrap().to_owned();
    assert_eq!(reason(0), "set-by-sendgrid");
    assert!(matches!(outcomes[1], Outcome::Updated(_)));
    assert_eq!([2, 3].map(reason), ["read-only", "cannot-be-changed"]);
    assert_eq!(outcomes[4], Outcome::Conflict);
    assert_eq!([5, 6].map(reason), ["address", "type"]);
    assert_eq!(outcomes[7], Outcome::Unchanged);
    assert!(!stage.account().suppressions().has("bounces", "ana@x.example"));
}

#[test]
fn a_group_that_is_gone_is_told() {
    let stage = Stage::new();
    let fault = stage.read(&ReadRequest::start("group_unsubscribes_999")).unwrap_err();
    assert_eq!(fault.code, FaultCode::NotFound);
    for stream in
        ["group_unsubscribes_", "group_unsubscribes_x", "group_unsubscribes_01", "nothing"]
    {
        assert_eq!(stage.read(&ReadRequest::start(stream)).unwrap_err().code, FaultCode::Config);
    }
}

#[test]
fn rows_show_what_is_mapped() {
    let stage = Stage::new();
    stage.account().suppressions().enter(
        "spam_reports",
        "ana@x.example",
        BEGINNING,
        &json!({"ip": "192.0.2.1"}),
    );
    let fields = vec!["email".to_owned(), "suppressed".to_owned()];
    let request = ReadRequest { fields, ..ReadRequest::start("spam_reports") };
    let (pages, _) = stage.read_all(request);
    let told: Vec<&Row> = rows(&pages);
    assert_eq!(told[0].data, Some(json!({"email": "ana@x.example", "suppressed": true})));
}
