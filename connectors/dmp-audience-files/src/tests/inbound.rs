//! Files that a partner drops: read once, and brought to an end.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use liaison_sdk::{Change, Connector, FaultCode, Page, ReadRequest, Row, Source};
use proptest::prelude::*;

use super::*;

fn settings() -> Value {
    json!({ "streams": { "lookalikes": {
        "folder": "in", "files": "look_*.csv*", "key": "email", "time_to_live_days": 30,
    } } })
}

/// Pages until there is nothing more, from a cursor on.
fn round(cursor: Option<Vec<u8>>, rows_wanted: u32) -> Result<(Vec<Row>, Option<Vec<u8>>), Fault> {
    let call = Call::with_settings(settings());
    let mut request = ReadRequest { cursor, rows_wanted, ..ReadRequest::start("lookalikes") };
    let mut rows = Vec::new();
    for _ in 0..10_000 {
        let page: Page = AudienceFiles::read(&call, &request)?;
        assert!(page.snapshot_complete.is_none(), "a file that went away deletes nobody");
        request = request.after(&page);
        rows.extend(page.rows);
        if !page.more {
            return Ok((rows, request.cursor));
        }
    }
    panic!("no end");
}

fn days(days: i64) -> i64 {
    now() + days * time::DAY_MICROS
}

fn row(email: &str, score: Value) -> Row {
    Row::upsert(email, json!({ "email": email, "score": score }))
}

const FIRST: &str = "email,score\nana@x.example,5\nbob@x.example,\n";

#[test]
fn files_are_read_once_and_come_to_an_end() {
    let script = script().file("in", "look_1.csv", FIRST).file("in", "other.csv", "x\n1\n");
    let ((rows, cursor), script) = script.run_then(|| round(None, 1).unwrap());
    assert_eq!(rows, [row("ana@x.example", json!("5")), row("bob@x.example", Value::Null)]);
    let (cursor, script) = script.now(days(29)).run_then(|| {
        let (rows, cursor) = round(cursor, 1).unwrap();
        assert_eq!(rows, []);
        cursor
    });
    // The partner renews one of them with a day to go.
    let script = script.file("in", "look_2.csv", "email,score\nana@x.example,7\n");
    let (cursor, script) = script.run_then(|| {
        let (rows, cursor) = round(cursor, 1_000).unwrap();
        assert_eq!(rows, [row("ana@x.example", json!("7"))]);
        cursor
    });
    let (cursor, script) = script.now(days(30)).run_then(|| {
        let (rows, cursor) = round(cursor, 1_000).unwrap();
        assert_eq!(rows, [row("bob@x.example", Value::Null)]);
        let (rows, cursor) = round(cursor, 1_000).unwrap();
        assert_eq!(rows, [], "once");
        cursor
    });
    script.now(days(59)).run(|| {
        let (rows, cursor) = round(cursor, 1_000).unwrap();
        assert_eq!(rows, [row("ana@x.example", Value::Null)]);
        assert_eq!(round(cursor, 1_000).unwrap().0, []);
    });
}

#[test]
fn a_file_that_is_replaced_is_read_again() {
    let (cursor, script) =
        script().file("in", "look_1.csv", FIRST).run_then(|| round(None, 1_000).unwrap().1);
    let script = script.file("in", "look_1.csv", "email,score\nana@x.example,6\n").now(days(20));
    let (cursor, script) = script.run_then(|| {
        let (rows, cursor) = round(cursor, 1_000).unwrap();
        assert_eq!(rows, [row("ana@x.example", json!("6"))]);
        cursor
    });
    let (cursor, script) = script.now(days(49)).run_then(|| round(cursor, 1_000).unwrap());
    assert_eq!(cursor.0, []);
    script.now(days(50)).run(|| {
        assert_eq!(round(cursor.1, 1_000).unwrap().0, [row("ana@x.example", Value::Null)]);
    });
}

/// In the midst of it, the file becomes another one: it is read from its begin.
#[test]
fn pages_of_two_versions_do_not_mix() {
    let call = Call::with_settings(settings());
    let request = ReadRequest { rows_wanted: 1, ..ReadRequest::start("lookalikes") };
    let (page, script) = script()
        .file("in", "look_1.csv", FIRST)
        .run_then(|| AudienceFiles::read(&call, &request).unwrap());
    assert!(page.more);
    let (rows, script) = script
        .file("in", "look_1.csv", "email,score\neve@x.example,1\nbob@x.example,2\n")
        .run_then(|| round(page.next.clone(), 1_000).unwrap().0);
    assert_eq!(rows, [row("eve@x.example", json!("1")), row("bob@x.example", json!("2"))]);
    drop(script);
    // Or it is gone.
    super::script().run(|| assert_eq!(round(page.next, 1_000).unwrap().0, []));
}

#[test]
fn compressed_files_and_byte_order_marks_are_understood() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"\xef\xbb\xbfemail,score\r\nana@x.example,5\r\n").unwrap();
    let packed = encoder.finish().unwrap();
    script().file("in", "look_1.csv.gz", packed).run(|| {
        assert_eq!(round(None, 1_000).unwrap().0, [row("ana@x.example", json!("5"))]);
        let streams = AudienceFiles::discover(&Call::with_settings(settings())).unwrap();
        let names: Vec<&str> = streams[0].fields().iter().map(|field| field.name()).collect();
        assert_eq!(names, ["email", "score"]);
    });
}

#[test]
fn a_row_that_is_broken_is_invalid_and_the_file_goes_on() {
    let text = b"email,score\nana@x.example\n,5\n\xff@x,5\n\nbob@x.example,6\n".to_vec();
    script().file("in", "look_1.csv", text).run(|| {
        let (rows, _) = round(None, 1_000).unwrap();
        let told: Vec<(Change, Option<&str>, Option<&str>)> = rows
            .iter()
            .map(|row| (row.change, row.place.as_deref(), row.problem.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                (Change::Invalid, Some("line 2"), Some("columns")),
                (Change::Invalid, Some("line 3"), Some("key")),
                (Change::Invalid, Some("line 4"), Some("encoding")),
                (Change::Upsert, None, None),
            ]
        );
    });
}

#[test]
fn a_file_whose_rest_is_doubtful_is_a_fault_at_its_line() {
    for (text, place) in [
        ("", "look_1.csv line 1"),
        ("id,score\n1,2\n", "look_1.csv line 1"),
        ("email,email\na,b\n", "look_1.csv line 1"),
        ("email,score\nana@x.example,5\nbob@x.example,\"6\nx\n", "look_1.csv line 3"),
    ] {
        script().file("in", "look_1.csv", text).run(|| {
            let fault = round(None, 1_000).unwrap_err();
            assert_eq!((fault.code, fault.place.as_str()), (FaultCode::SchemaDrift, place));
        });
    }
    let long = format!("email,score\n{}\n", "x".repeat(2 * 1024 * 1024));
    script().file("in", "look_1.csv", long).run(|| {
        assert_eq!(round(None, 1_000).unwrap_err().code, FaultCode::SchemaDrift);
    });
    script().file("in", "look_1.csv.gz", "no gzip").run(|| {
        assert_eq!(round(None, 1_000).unwrap_err().code, FaultCode::SchemaDrift);
    });
    // A small file that unpacks to more than is taken.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b'x'; 40 * 1024 * 1024]).unwrap();
    script().file("in", "look_1.csv.gz", encoder.finish().unwrap()).run(|| {
        assert_eq!(round(None, 1_000).unwrap_err().code, FaultCode::Limit);
    });
}

#[test]
fn cursors_fit_and_old_ones_expire() {
    let mut many = script();
    for number in 0..crate::progress::FILES_MAX {
        many = many.file("in", &format!("look_{number:0>150}.csv"), FIRST);
    }
    let (cursor, many) = many.run_then(|| round(None, 1_000).unwrap().1.unwrap());
    assert!(cursor.len() < 64 * 1024, "{} bytes", cursor.len());
    many.file("in", "look_more.csv", FIRST).run(|| {
        assert_eq!(round(None, 1_000).unwrap_err().code, FaultCode::Limit);
    });
    script().run(|| {
        let fault = round(Some(b"what is that".to_vec()), 1_000).unwrap_err();
        assert_eq!(fault.code, FaultCode::CursorExpired);
    });
}

#[test]
fn names_are_matched_within_a_folder() {
    for (pattern, name, fits) in [
        ("a.csv", "a.csv", true),
        ("a.csv", "a.csv2", false),
        ("*.csv", "a.csv", true),
        ("*.csv", "b/a.csv", false),
        ("b/*.csv", "b/a.csv", true),
        ("a*b*.csv", "axb.csv", true),
        ("a*b*.csv", "ax.csv", false),
        ("a*b*c", "abbc", true),
    ] {
        let settings =
            json!({ "streams": { "x": { "folder": "in", "files": pattern, "key": "k" } } });
        let settings = crate::settings::Settings::of(&Call::with_settings(settings)).unwrap();
        assert_eq!(settings.stream("x").unwrap().takes(name), fits, "{pattern} {name}");
    }
}

proptest! {
    /// Whatever the pages are, each row comes once, and once more when its time is over.
    #[test]
    fn every_row_comes_and_goes(
        files in prop::collection::vec(prop::collection::btree_set(0u32..30, 0..20), 1..5),
        rows_wanted in 1u32..7,
    ) {
        let mut script = script();
        for (number, keys) in files.iter().enumerate() {
            let lines: String = keys.iter().map(|key| format!("{key}@x.example,{number}\n")).collect();
            script = script.file("in", &format!("look_{number}.csv"), format!("email,score\n{lines}"));
        }
        let (read, script) = script.run_then(|| round(None, rows_wanted).unwrap());
        prop_assert_eq!(read.0.len(), files.iter().map(|keys| keys.len()).sum::<usize>());
        let ended = script.now(days(30)).run(|| round(read.1, rows_wanted).unwrap().0);
        let mut gone: Vec<String> = ended.iter().filter_map(|row| row.key.clone()).collect();
        gone.sort();
        gone.dedup();
        let mut all: Vec<String> = files.iter().flatten().map(|key| format!("{key}@x.example")).collect();
        all.sort();
        all.dedup();
        prop_assert_eq!(gone, all);
        prop_assert!(ended.iter().all(|row| row.fields().unwrap()["score"].is_null()));
    }
}
