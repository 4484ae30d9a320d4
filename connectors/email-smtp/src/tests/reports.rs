//! Bounces and complaints, in the forms that servers give them.

use liaison_sdk::{Change, Row};

use super::*;
use crate::report;

const AT: &str = "2026-03-02T10:00:00Z";

/// A report of three parts: text for people, the report, what was sent.
fn message(of: &str, (kind, body): (&str, &str), sent: (&str, &str)) -> String {
    let text = "Your message could not be delivered.\nuser unknown: 550 5.1.1 not here";
    format!(
        "From: MAILER-DAEMON@mx.example\nTo: bounces@shop.example\nSubject: failed\n\
         Content-Type: {of};\n\tboundary=\"b0\"\n\nfor old programs\n--b0\n\
         Content-Type: text/plain\n\n{text}\n\n--b0\nContent-Type: {kind}\n\n{body}\n--b0\n\
         Content-Type: {}\n\n{}\n--b0--\n",
        sent.0, sent.1
    )
}

fn dsn(fields: &str) -> String {
    let body = format!("Reporting-MTA: dns; mx.example\nArrival-Date: x\n\n{fields}\n");
    let sent = "From: news@shop.example\nTo: ana@x.example\nMessage-ID: <00ff@shop.example>\n";
    let of = "multipart/report; report-type=delivery-status";
    message(of, ("message/delivery-status", &body), ("message/rfc822", sent))
}

fn told(text: &str) -> Vec<Row> {
    let rows = report::rows("1772445600.M1P2.mx", AT, text.as_bytes());
    // Line ends as they come over the wire mean the same.
    assert_eq!(report::rows("1772445600.M1P2.mx", AT, text.replace('\n', "\r\n").as_bytes()), rows);
    rows
}

fn field<'r>(row: &'r Row, name: &str) -> Option<&'r str> {
    row.fields().unwrap()[name].as_str()
}

#[test]
fn a_bounce_says_whose_mailbox_and_why() {
    let rows = told(&dsn(
        "Original-Recipient: rfc822;ana@x.example\nFinal-Recipient: RFC822; ana2@y.example\n\
         Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <ana2@y.example>\n \
         unknown",
    ));
    let data = json!({
        "event": "bounce", "email": "ana@x.example", "kind": "hard", "status": "5.1.1",
        "diagnostic": "550 5.1.1 <ana2@y.example> unknown", "message_id": "00ff@shop.example",
        "timestamp": AT,
    });
    assert_eq!(rows, [Row::event("1772445600.M1P2.mx/1", data)]);
}

#[test]
fn what_a_status_means() {
    let cases = [
        ("Action: failed\nStatus: 5.7.1", ("bounce", Some("hard"), Some("5.7.1"))),
        ("Action: failed\nStatus: 5.2.2", ("bounce", Some("soft"), Some("5.2.2"))),
        ("Action: failed\nStatus: 4.4.7", ("bounce", Some("soft"), Some("4.4.7"))),
        ("Action: delayed\nStatus: 4.4.1", ("delay", Some("transient"), Some("4.4.1"))),
        ("Action: delivered\nStatus: 2.0.0", ("delivered", None, Some("5.1.1"))),
        // The true one is in the server's words, or in the text for people.
        (
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 552 5.2.2 full",
            ("bounce", Some("soft"), Some("5.2.2")),
        ),
        ("Action: failed\nStatus: 5.0.0", ("bounce", Some("hard"), Some("5.1.1"))),
        ("Action: failed\nStatus: 5.1.1 (bad mailbox)", ("bounce", Some("hard"), Some("5.1.1"))),
        ("Action: failed", ("bounce", Some("hard"), Some("5.1.1"))),
    ];
    for (fields, (event, kind, status)) in cases {
        let rows = told(&dsn(&format!("Final-Recipient: rfc822; ana@x.example\n{fields}")));
        let found =
            (field(&rows[0], "event").unwrap(), field(&rows[0], "kind"), field(&rows[0], "status"));
        assert_eq!(found, (event, kind, status), "{fields}");
    }
}

#[test]
fn each_recipient_has_a_row() {
    let group = |who: &str, status: &str| {
        format!("Final-Recipient: rfc822; {who}\nAction: failed\nStatus: {status}\n")
    };
    let text = [group("ana@x.example", "5.1.1"), group("bob@x.example", "4.2.2")].join("\n");
    let rows = told(&dsn(&text));
    let emails: Vec<_> = rows.iter().map(|row| field(row, "email")).collect();
    assert_eq!(emails, [Some("ana@x.example"), Some("bob@x.example")]);
    assert_eq!(rows[1].key.as_deref(), Some("1772445600.M1P2.mx/2"));
}

/// As OpenSMTPD writes them: no report by its type, no telling status, and only the
/// head of what was sent.
#[test]
fn a_report_is_known_by_its_part() {
    let body = "Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; ana@x.example\n\
                Action: failed\nStatus: 5.0.0\n";
    let sent = ("text/rfc822-headers", "Message-ID: <00ff@shop.example>\n");
    let text = message("multipart/mixed", ("message/delivery-status", body), sent);
    let rows = told(&text);
    assert_eq!(field(&rows[0], "status"), Some("5.1.1"));
    assert_eq!(field(&rows[0], "message_id"), Some("00ff@shop.example"));
}

#[test]
fn a_complaint_says_whose_it_is() {
    let feedback = "Feedback-Type: abuse\nUser-Agent: SomeGenerator/1.0\nVersion: 1\n\
                    Original-Mail-From: <bounces@shop.example>\n";
    let of = "multipart/report; report-type=feedback-report";
    let sent = ("message/rfc822", "To: Ana <ana@x.example>\nMessage-ID: <00ff@shop.example>\n");
    let named = format!("{feedback}Original-Rcpt-To: <bob@x.example>\n");
    for (feedback, email) in [(feedback, "ana@x.example"), (&named, "bob@x.example")] {
        let rows = told(&message(of, ("message/feedback-report", feedback), sent));
        let data = json!({
            "event": "complaint", "email": email, "kind": "abuse", "status": null,
            "diagnostic": null, "message_id": "00ff@shop.example", "timestamp": AT,
        });
        assert_eq!(rows, [Row::event("1772445600.M1P2.mx", data)]);
    }
    let rows = told(&message(of, ("message/feedback-report", "Feedback-Type: not-spam\n"), sent));
    assert_eq!(field(&rows[0], "event"), Some("not-spam"));
    let nobody = ("message/rfc822", "Subject: x\n");
    let rows = told(&message(of, ("message/feedback-report", feedback), nobody));
    assert_eq!((rows[0].change, rows[0].problem.as_deref()), (Change::Invalid, Some("recipient")));
}

#[test]
fn what_reports_nothing_is_nothing_and_what_is_broken_says_so() {
    for text in [
        "",
        "\n",
        "Subject: out of office\n\nI am away.",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhi\n--b--\n",
        "Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\nhi\n",
        "\u{0}\u{ff}\u{fe}",
    ] {
        assert_eq!(told(text), [], "{text}");
    }
    let broken = [
        (dsn(""), "no-recipient"),
        (dsn("Final-Recipient: rfc822; nobody\nAction: failed"), "recipient"),
        (dsn("Final-Recipient: x400; /CN=ana/\nAction: failed"), "recipient"),
    ];
    for (text, problem) in broken {
        let rows = told(&text);
        assert_eq!(rows[0].change, Change::Invalid, "{rows:?}");
        assert_eq!(rows[0].problem.as_deref(), Some(problem));
    }
    // Cut anywhere, it says less, and never falls over.
    let whole = dsn("Final-Recipient: rfc822; ana@x.example\nAction: failed\nStatus: 5.1.1");
    for end in 0..whole.len() {
        report::rows("1", AT, &whole.as_bytes()[..end]);
    }
    let deep = "Content-Type: multipart/mixed; boundary=b\n\n--b\n".repeat(1_000);
    assert_eq!(report::rows("1", AT, deep.as_bytes()), []);
}

fn read(script: Script, cursor: Option<Vec<u8>>, rows_wanted: u32) -> Vec<Page> {
    script.now(time::parse(NOW).unwrap()).run(|| {
        let mut request = ReadRequest { cursor, rows_wanted, ..ReadRequest::start("reports") };
        let mut pages = Vec::new();
        loop {
            let page = Mail::read(&call(), &request).unwrap();
            request = request.after(&page);
            pages.push(page);
            if !pages.last().unwrap().more {
                return pages;
            }
        }
    })
}

fn keys(pages: &[Page]) -> Vec<&str> {
    pages.iter().flat_map(|page| &page.rows).filter_map(|row| row.key.as_deref()).collect()
}

/// 2026-03-02T10:00:00Z is second 1772445600.
#[test]
fn a_mailbox_is_read_by_the_second_of_delivery() {
    let bounce = dsn("Final-Recipient: rfc822; ana@x.example\nAction: failed\nStatus: 5.1.1");
    let with = |names: &[&str]| {
        let script = Script::new().folder("mailbox");
        names.iter().fold(script, |script, name| script.file("mailbox", name, bounce.as_str()))
    };
    let first =
        ["new/1772445600.b", "cur/1772445500.a:2,S", "new/1772445600.a", "tmp/1772445600.x"];
    let first =
        [&first[..], &["new/.hidden", "new/readme", "dovecot.index", "1772445600.c"]].concat();
    for rows_wanted in [1, 2, 100] {
        let pages = read(with(&first), None, rows_wanted);
        let expected = ["1772445500.a/1", "1772445600.a/1", "1772445600.b/1"];
        assert_eq!(keys(&pages), expected, "{rows_wanted}");
        assert!(pages.iter().all(|page| page.snapshot_complete.is_none()));
    }
    let cursor = read(with(&first), None, 100).pop().unwrap().next;
    // What is old is left, what moved has its name, what came late is seen.
    let then =
        ["cur/1772445600.b:2,", "new/1772445601.c", "new/1772442001.late", "new/1772400000.old"];
    let pages = read(with(&then), cursor.clone(), 100);
    assert_eq!(keys(&pages), ["1772442001.late/1", "1772445600.b/1", "1772445601.c/1"]);
    // A clock of the future makes nothing be skipped afterwards.
    let future = read(with(&["new/9999999999.f"]), None, 100);
    assert_eq!(field(&future[0].rows[0], "timestamp"), Some("2026-03-02T10:00:07Z"));
    let pages = read(with(&["new/1772445607.g"]), future[0].next.clone(), 100);
    assert_eq!(keys(&pages), ["1772445607.g/1"]);
    // Nothing new, and nothing at all.
    assert_eq!(keys(&read(with(&[]), cursor, 100)), [""; 0]);
    let request = ReadRequest { cursor: Some(b"x".to_vec()), ..ReadRequest::start("reports") };
    let fault = with(&[]).run(|| Mail::read(&call(), &request)).unwrap_err();
    assert_eq!(fault.code, FaultCode::CursorExpired);
}
