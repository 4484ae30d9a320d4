//! The connector against files in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeMap;

use liaison_sdk::testing::Script;
use liaison_sdk::{
    Action, Call, Change, Connector, Destination, Fault, FaultCode, Found, Lookup, LookupKey,
    LookupRequest, Outcome, Page, ReadRequest, Source, Verdict, WriteItem, WriteRequest,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::Files;

fn call_of(file: &str, more: Value) -> Call {
    let mut stream = json!({"file": file, "key": "id"});
    for (name, value) in more.as_object().unwrap() {
        stream[name] = value.clone();
    }
    Call::with_settings(json!({"folder": "f", "streams": {"people": stream}}))
}

fn csv(content: impl Into<Vec<u8>>) -> (Call, Script) {
    (call_of("p.csv", json!({})), Script::new().file("f", "p.csv", content))
}

fn read_all(call: &Call, rows_wanted: u32) -> Result<Vec<Page>, Fault> {
    let mut request = ReadRequest { rows_wanted, ..ReadRequest::start("people") };
    let mut pages = Vec::new();
    loop {
        let page = Files::read(call, &request)?;
        request = request.after(&page);
        pages.push(page);
        if !pages.last().unwrap().more {
            return Ok(pages);
        }
    }
}

fn rows(pages: &[Page]) -> Vec<(String, Value)> {
    let rows = pages.iter().flat_map(|page| &page.rows);
    rows.map(|row| (row.key.clone().unwrap(), row.data.clone().unwrap())).collect()
}

fn write(call: &Call, items: Vec<WriteItem>) -> Vec<Outcome> {
    let request = WriteRequest { stream: "people".to_owned(), items, dry_run: false };
    match Files::write(call, &request).unwrap().verdict {
        Verdict::Items(outcomes) => outcomes,
        Verdict::Aggregate(..) => panic!("outcomes were expected"),
    }
}

fn lookup(call: &Call, keys: Vec<LookupKey>) -> Vec<Found> {
    let request = LookupRequest { stream: "people".to_owned(), keys, fields: Vec::new() };
    Files::lookup(call, &request).unwrap()
}

fn by(name: &str, value: &str) -> LookupKey {
    LookupKey::Fields([(name.to_owned(), Value::from(value))].into_iter().collect())
}

#[test]
fn a_file_is_read_in_pages_of_the_same_rows() {
    let text = "\u{feff}id,name\r\n1,\"Ana, \"\"A\"\"\"\r\n\r\n2,\"two\nlines\"\r\n007,\r\n";
    for rows_wanted in [1, 2, 1_000] {
        let (call, script) = csv(text);
        let pages = script.run(|| read_all(&call, rows_wanted)).unwrap();
        assert_eq!(
            rows(&pages),
            [
                ("1".to_owned(), json!({"id": "1", "name": "Ana, \"A\""})),
                ("2".to_owned(), json!({"id": "2", "name": "two\nlines"})),
                ("007".to_owned(), json!({"id": "007", "name": null})),
            ]
        );
        let complete: Vec<bool> =
            pages.iter().map(|page| page.snapshot_complete.is_some()).collect();
        assert_eq!(complete.iter().filter(|complete| **complete).count(), 1);
        assert_eq!(complete.last(), Some(&true));
    }
}

#[test]
fn a_row_that_is_broken_by_itself_does_not_stop_the_file() {
    let (call, script) = csv(b"id,name\n1,ana\n2\n,nobody\n3,\xff\n4,a,b\n5,eve\n".to_vec());
    let pages = script.run(|| read_all(&call, 0)).unwrap();
    let shown: Vec<_> = pages[0]
        .rows
        .iter()
        .map(|row| match row.change {
            Change::Invalid => row.place.clone().unwrap() + " " + row.problem.as_deref().unwrap(),
            _ => row.key.clone().unwrap(),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "1",
            "p.csv line 3 cells",
            "p.csv line 4 key",
            "p.csv line 5 utf-8",
            "p.csv line 6 cells",
            "5"
        ]
    );
    assert_eq!(pages[0].rows[1].raw.as_deref(), Some("2"));
    assert!(pages[0].snapshot_complete.is_some());

    let call = call_of("p.ndjson", json!({}));
    let text = "{\"id\":1,\"n\":1.10}\nnot json\n[1]\n{\"n\":2}\n{\"id\":\"x\"}";
    let script = Script::new().file("f", "p.ndjson", text);
    let pages = script.run(|| read_all(&call, 0)).unwrap();
    let problems: Vec<_> = pages[0].rows.iter().map(|row| row.problem.as_deref()).collect();
    assert_eq!(problems, [None, Some("json"), Some("not-an-object"), Some("key"), None]);
    assert_eq!(pages[0].rows[0].data.as_ref().unwrap().to_string(), r#"{"id":1,"n":1.10}"#);
}

#[test]
fn a_file_that_is_broken_as_a_whole_is_a_fault() {
    let long = format!("id,name\n1,{}\n", "x".repeat(2_000_000));
    for (content, reason, place) in [
        (&b""[..], "no-header", "p.csv line 1"),
        (b"name,mail\n1,2\n", "no-key-column", "p.csv line 1"),
        (b"id,name,name\n", "duplicate-column", "p.csv line 1"),
        (b"id,,name\n", "column-name", "p.csv line 1"),
        (b"id,\xff\n", "not-utf-8", "p.csv line 1"),
        (b"\xff\xfei\0d\0", "utf-16", "p.csv line 1"),
        (b"id,name\n1,ana\n2,\"bob\n3,eve\n", "open-quote", "p.csv line 3"),
        (long.as_bytes(), "row-too-long", "p.csv line 2"),
    ] {
        let (call, script) = csv(content);
        let fault = script.run(|| read_all(&call, 0)).unwrap_err();
        assert_eq!(fault.code, FaultCode::SchemaDrift, "{reason}");
        assert_eq!((fault.arg("reason"), fault.place.as_str()), (Some(reason), place));
        let (call, script) = csv(content);
        if !matches!(reason, "no-header" | "row-too-long") {
            let item = WriteItem::new(Action::Create, None, json!({"id": "9"}));
            let request =
                WriteRequest { stream: "people".into(), items: vec![item], dry_run: false };
            let (written, script) = script.run_then(|| Files::write(&call, &request));
            assert_eq!(written.unwrap_err().arg("reason"), Some(reason));
            assert_eq!(script.content("f", "p.csv"), Some(content));
        }
    }
}

#[test]
fn a_missing_file_is_a_setting_unless_the_hub_makes_it() {
    let folder = || Script::new().folder("f");
    let call = call_of("p.csv", json!({}));
    let fault = folder().run(|| read_all(&call, 0)).unwrap_err();
    assert_eq!(
        (fault.code, fault.place.as_str()),
        (FaultCode::Config, "settings.streams.people.file")
    );
    assert_eq!(folder().run(|| Files::check(&call)).unwrap_err().code, FaultCode::Config);

    let call = call_of("p.csv", json!({"columns": ["name"]}));
    let pages = folder().run(|| read_all(&call, 0)).unwrap();
    assert_eq!((pages.len(), pages[0].snapshot_complete), (1, None));
    let streams = folder().run(|| Files::discover(&call)).unwrap();
    let names: Vec<_> = streams[0].fields().iter().map(liaison_sdk::Field::name).collect();
    assert_eq!(names, ["id", "name"]);
    let denied = Script::new().run(|| Files::check(&call)).unwrap_err();
    assert_eq!(denied.code, FaultCode::HostDenied);
}

#[test]
fn a_changed_file_asks_for_a_new_snapshot() {
    let (call, script) = csv("id\n1\n2\n3\n");
    script.run(|| {
        let request = ReadRequest { rows_wanted: 2, ..ReadRequest::start("people") };
        let first = Files::read(&call, &request).unwrap();
        let last = Files::read(&call, &request.after(&first)).unwrap();
        let again = Files::read(&call, &request.after(&last)).unwrap();
        assert!(again.rows.is_empty() && !again.more && again.snapshot_complete.is_none());
        assert_eq!(again.next, last.next);
        write(&call, vec![WriteItem::new(Action::Create, None, json!({"id": "4"}))]);
        for page in [&first, &last] {
            let fault = Files::read(&call, &request.after(page)).unwrap_err();
            assert_eq!(fault.code, FaultCode::CursorExpired);
        }
        let garbage = ReadRequest { cursor: Some(b"{}".to_vec()), ..request };
        assert_eq!(Files::read(&call, &garbage).unwrap_err().code, FaultCode::CursorExpired);
    });
}

#[test]
fn a_write_changes_its_rows_and_no_other_byte() {
    let before = "\u{feff}id;name;note\r\n1;\"Ana\";x\n2;Bob;\nbroken\n3;Cy;\"a;b\"\n3;Cy;twice\n";
    let call = call_of("p.csv", json!({"delimiter": ";"}));
    let items = vec![
        WriteItem::new(Action::Update, Some("2"), json!({"name": "Bob;\"B\"", "note": 5})),
        WriteItem::new(
            Action::Create,
            None,
            json!({"id": "4", "name": "=cmd()", "phone": "+33 1"}),
        ),
        WriteItem::new(Action::Update, Some("9"), json!({"name": "nobody"})),
        WriteItem::new(Action::Create, None, json!({"name": "no key"})),
        WriteItem::new(Action::Update, Some("1"), json!({"id": "7"})),
        WriteItem::new(Action::Update, Some("1"), json!({"name": "Ana", "phone": null})),
        WriteItem::new(Action::Delete, Some("3"), json!({})),
        WriteItem::new(Action::Archive, Some("1"), json!({})),
    ];
    let script = Script::new().file("f", "p.csv", before);
    let (outcomes, script) = script.run_then(|| write(&call, items));
    let after = "\u{feff}id;name;note;phone\n1;\"Ana\";x;\n2;\"Bob;\"\"B\"\"\";5;\nbroken;\n4;'=cmd();;+33 1\n";
    assert_eq!(String::from_utf8_lossy(script.content("f", "p.csv").unwrap()), after);
    let Outcome::Updated(bob) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(bob.row.as_ref().unwrap()["note"], "5");
    let Outcome::Created(new) = &outcomes[1] else { panic!("{outcomes:?}") };
    assert_eq!((new.key.as_str(), &new.row.as_ref().unwrap()["name"]), ("4", &json!("=cmd()")));
    assert_eq!(outcomes[2], Outcome::Conflict);
    for (outcome, reason) in [(&outcomes[3], "no-key"), (&outcomes[4], "key-is-fixed")] {
        assert!(matches!(outcome, Outcome::Rejected(fault) if fault.arg("reason") == Some(reason)));
    }
    assert_eq!(outcomes[5], Outcome::Unchanged);
    assert_eq!(outcomes[6], Outcome::Deleted);
    assert!(
        matches!(&outcomes[7], Outcome::Rejected(fault) if fault.code == FaultCode::NotSupported)
    );
    // What was told is what reading shows.
    let pages = script.run(|| read_all(&call, 0)).unwrap();
    let shown = pages[0].rows.iter().find(|row| row.key.as_deref() == Some("4")).unwrap();
    assert_eq!(shown.version, new.version);
    assert_eq!(shown.fields().unwrap()["phone"], "+33 1");
}

#[test]
fn a_row_that_could_not_be_read_again_is_refused_alone() {
    for (file, before) in [("p.csv", "id,name\n1,ana\n"), ("p.ndjson", "{\"id\":\"1\"}\n")] {
        let call = call_of(file, json!({}));
        // As long as a row may be, and each quote of it takes two.
        let items = vec![
            WriteItem::new(Action::Create, None, json!({"id": "2", "name": "\"".repeat(600_000)})),
            WriteItem::new(Action::Create, None, json!({"id": "3", "name": "x".repeat(1_000_000)})),
            WriteItem::new(Action::Create, None, json!({"id": "4", "more": "x".repeat(1 << 20)})),
            WriteItem::new(Action::Update, Some("1"), json!({"name": "x".repeat(2_000_000)})),
        ];
        let (outcomes, script) =
            Script::new().file("f", file, before).run_then(|| write(&call, items));
        for place in [0, 2, 3] {
            let Outcome::Rejected(fault) = &outcomes[place] else { panic!("{file} {place}") };
            assert_eq!(fault.arg("reason"), Some("too-large"), "{file} {place}");
        }
        let pages = script.run(|| read_all(&call, 0)).unwrap();
        let keys: Vec<String> = rows(&pages).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["1", "3"], "{file}");
    }
}

#[test]
fn writes_are_conditional_idempotent_and_can_be_tried() {
    let (call, script) = csv("id,name\n1,ana\n");
    script.run(|| {
        let Some(Found::One(row)) = lookup(&call, vec![LookupKey::Key("1".into())]).pop() else {
            panic!("not found");
        };
        let mut item = WriteItem::new(Action::Update, Some("1"), json!({"name": "eve"}));
        item.if_version = row.version;
        let request =
            WriteRequest { stream: "people".into(), items: vec![item.clone()], dry_run: true };
        Files::write(&call, &request).unwrap();
        assert!(matches!(write(&call, vec![item.clone()])[0], Outcome::Updated(_)));
        assert_eq!(write(&call, vec![item]), [Outcome::Conflict]);
        let create = WriteItem::new(Action::Create, None, json!({"id": "1", "name": "eve"}));
        assert!(matches!(&write(&call, vec![create])[0], Outcome::Created(row) if row.key == "1"));
        assert_eq!(read_all(&call, 0).unwrap()[0].rows.len(), 1);
    });
}

#[test]
fn lookup_finds_one_none_or_several() {
    let (call, script) = csv("id,mail\n1,a@x\n2,b@x\n3,b@x\n4,\n");
    let keys = vec![
        LookupKey::Key("2".into()),
        LookupKey::Key("9".into()),
        by("mail", "a@x"),
        by("mail", "b@x"),
        by("mail", ""),
        by("other", "x"),
        LookupKey::Fields(Map::new()),
    ];
    let found = script.run(|| lookup(&call, keys));
    let told: Vec<_> = found
        .iter()
        .map(|found| match found {
            Found::None => "none".to_owned(),
            Found::One(row) => row.key.clone().unwrap(),
            Found::Several(keys) => keys.join("+"),
        })
        .collect();
    assert_eq!(told, ["2", "none", "1", "2+3", "none", "none", "none"]);
}

#[test]
fn wrong_settings_are_config_faults() {
    for settings in [
        json!({}),
        json!({"folder": "f", "streams": {"people": {"file": "p.csv", "key": "id", "shedule": 1}}}),
        json!({"streams": {"people": {"file": "p.csv", "key": "id"}}}),
        json!({"folder": "f", "streams": {}}),
    ] {
        let call = Call::with_settings(settings);
        let fault = Script::new().folder("f").run(|| read_all(&call, 0)).unwrap_err();
        assert_eq!(fault.code, FaultCode::Config);
    }
}

proptest! {
    #[test]
    fn rows_that_are_written_come_back_equal(
        rows in prop::collection::btree_map(
            "[a-z0-9 \"',;=+@é-]{1,6}",
            prop::collection::btree_map("[a-c]", "[=+@'\"\\-,; \r\n\t0a.é]{0,8}", 0..3),
            1..6,
        ),
        ndjson in any::<bool>(),
        rows_wanted in 1u32..4,
    ) {
        let file = if ndjson { "p.ndjson" } else { "p.csv" };
        let call = call_of(file, json!({"columns": ["a"]}));
        let items = rows.iter().map(|(key, row)| {
            let mut patch = json!(row);
            patch["id"] = json!(key);
            WriteItem::new(Action::Create, None, patch)
        });
        let pages = Script::new().folder("f").run(|| {
            let outcomes = write(&call, items.collect());
            assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Created(_))));
            read_all(&call, rows_wanted).unwrap()
        });
        let texts = |data: &Value| -> BTreeMap<String, String> {
            let members = data.as_object().unwrap().iter().filter(|(name, _)| *name != "id");
            let texts = members.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
            texts.filter(|(_, text)| !text.is_empty()).collect()
        };
        let shown: BTreeMap<_, _> =
            pages.iter().flat_map(|page| &page.rows).map(|row| (row.key.clone().unwrap(), texts(row.data.as_ref().unwrap()))).collect();
        let expected: BTreeMap<_, _> = rows.iter().map(|(key, row)| (key.clone(), texts(&json!(row)))).collect();
        prop_assert_eq!(shown, expected);
    }
}
