//! The connector against a server made of code and files in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bad_input;
mod reports;

use std::cell::RefCell;
use std::rc::Rc;

use liaison_sdk::mail::{Delivery, Message, Security, Server, Trouble};
use liaison_sdk::testing::Script;
use liaison_sdk::{
    Action, Call, Connector, Destination, Fault, FaultCode, Found, Lookup, LookupKey,
    LookupRequest, Outcome, Page, ReadRequest, Source, Verdict, WriteItem, WriteRequest, time,
};
use serde_json::{Value, json};

use crate::encode::{date, phrase, quoted_printable, words};
use crate::template::{Place, Text};
use crate::{Mail, mime};

const NOW: &str = "2026-03-02T10:00:07.5Z";

fn settings() -> Value {
    json!({
        "server": "smtp.shop.example:587",
        "from": "news@shop.example",
        "from_name": "Chez Zoé \"Shop\"",
        "reply_to": "help@shop.example",
        "return_path": "bounces@shop.example",
        "reports": "mailbox",
        "templates": {
            "welcome": {
                "subject": "Welcome, {{name|friend}}!",
                "text": "Hello {{name|friend}},\n{{code}}\n.\nEnd",
                "html": "<style>p { color: red }</style><p title=\"{{name}}\">{{name}}</p>",
                "unsubscribe": "https://shop.example/leave?who={{code}}",
                "purpose": "newsletter",
            },
            "short": { "subject": "Hi", "text": "x" },
        },
    })
}

fn call() -> Call {
    Call::with_settings(settings())
}

fn item(key: &str, patch: Value) -> WriteItem {
    let key = key.to_owned();
    WriteItem { idempotency_key: key, ..WriteItem::new(Action::Create, None, patch) }
}

fn person() -> Value {
    json!({ "to": "ana@x.example", "name": "Ana <b>& co</b>", "code": "a b/1" })
}

type Seen = Rc<RefCell<Vec<(Server, Message)>>>;

fn script(answer: impl Fn(&Message) -> Result<Vec<Delivery>, Trouble> + 'static) -> (Script, Seen) {
    let seen = Seen::default();
    let kept = seen.clone();
    let script = Script::new().now(time::parse(NOW).unwrap()).mail(move |server, message| {
        kept.borrow_mut().push((server.clone(), message.clone()));
        answer(message)
    });
    (script, seen)
}

fn taken() -> Result<Vec<Delivery>, Trouble> {
    Ok(vec![Delivery::Accepted("250 2.0.0 queued as 4711".to_owned())])
}

fn write(stream: &str, items: Vec<WriteItem>) -> Result<Vec<Outcome>, Fault> {
    let request = WriteRequest { stream: stream.to_owned(), items, dry_run: false };
    match Mail::write(&call(), &request)?.verdict {
        Verdict::Items(outcomes) => Ok(outcomes),
        Verdict::Aggregate(..) => panic!("outcomes were expected"),
    }
}

fn value<'m>(message: &'m Message, name: &str) -> &'m str {
    let mut found = message.headers.iter().filter(|(known, _)| known == name);
    let (_, value) = found.next().unwrap_or_else(|| panic!("no header {name}"));
    assert!(found.next().is_none(), "{name} is there twice");
    value
}

#[test]
fn a_row_is_a_message() {
    let (script, seen) = script(|_| taken());
    let outcomes = script.run(|| write("welcome", vec![item("00ff", person())])).unwrap();
    let Outcome::Created(stored) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(stored.key, "00ff@shop.example");
    assert_eq!(stored.row.as_ref().unwrap()["message_id"], "00ff@shop.example");
    let seen = seen.borrow();
    let (server, message) = &seen[0];
    assert_eq!(
        (server.security, server.credential.as_deref()),
        (Security::Starttls, Some("login"))
    );
    assert_eq!(message.sender, "bounces@shop.example");
    assert_eq!(message.recipients, ["ana@x.example"]);
    let expected = [
        ("From", "=?utf-8?Q?Chez_Zo=C3=A9_=22Shop=22?= <news@shop.example>"),
        ("To", "ana@x.example"),
        ("Subject", "Welcome, Ana <b>& co</b>!"),
        ("Date", "Mon, 02 Mar 2026 10:00:07 +0000"),
        ("Message-ID", "<00ff@shop.example>"),
        ("Reply-To", "help@shop.example"),
        ("List-Unsubscribe", "<https://shop.example/leave?who=a%20b%2F1>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "multipart/alternative; boundary=\"=_00ff\""),
    ];
    for (name, expected) in expected {
        assert_eq!(value(message, name), expected, "{name}");
    }
    let whole = format!("Content-Type: {}\r\n\r\n", value(message, "Content-Type")).into_bytes();
    let parts = mime::parse(&[whole, message.body.clone()].concat());
    let texts: Vec<(&str, &str)> = parts.iter().map(|it| (&*it.kind, &*it.text)).collect();
    let html = "<style>p { color: red }</style><p title=\"Ana &lt;b&gt;&amp; co&lt;/b&gt;\">\
                Ana &lt;b&gt;&amp; co&lt;/b&gt;</p>\n";
    let text = "Hello Ana <b>& co</b>,\na b/1\n.\nEnd\n";
    assert_eq!(texts, [("text/plain", text), ("text/html", html)]);
}

#[test]
fn a_repetition_is_the_same_message() {
    let (script, seen) = script(|_| taken());
    let items = || vec![item("00ff", person()), item("00fe", json!({ "to": "bob@x.example" }))];
    script.run(|| (write("short", items()).unwrap(), write("short", items()).unwrap()));
    let seen = seen.borrow();
    assert_eq!((&seen[0].1, &seen[1].1), (&seen[2].1, &seen[3].1));
    assert_ne!(value(&seen[0].1, "Message-ID"), value(&seen[1].1, "Message-ID"));
    assert_eq!(value(&seen[0].1, "Content-Type"), "text/plain; charset=utf-8");
}

#[test]
fn streams_are_templates_and_reports() {
    let streams = Mail::discover(&call()).unwrap();
    let names: Vec<&str> = streams.iter().map(liaison_sdk::Stream::name).collect();
    assert_eq!(names, ["short", "welcome", "reports"]);
    let fields: Vec<&str> = streams[1].fields().iter().map(liaison_sdk::Field::name).collect();
    assert_eq!(fields, ["message_id", "to", "code", "name"]);
}

#[test]
fn what_was_sent_is_neither_read_nor_found_nor_changed() {
    let (script, seen) = script(|_| taken());
    script.run(|| {
        let page = Mail::read(&call(), &ReadRequest::start("welcome")).unwrap();
        assert_eq!(page, Page::default(), "nothing is said about rows that are not shown");
        let keys = vec![LookupKey::Key("00ff@shop.example".to_owned())];
        let request = LookupRequest { stream: "welcome".to_owned(), keys, fields: Vec::new() };
        assert_eq!(Mail::lookup(&call(), &request).unwrap(), [Found::None]);
        for action in [Action::Update, Action::Archive, Action::Delete] {
            let item = WriteItem::new(action, Some("00ff@shop.example"), person());
            let outcomes = write("welcome", vec![item]).unwrap();
            let Outcome::Rejected(fault) = &outcomes[0] else { panic!("{outcomes:?}") };
            assert_eq!(fault.code, FaultCode::NotSupported);
        }
        let items = vec![item("00ff", person())];
        let dry = WriteRequest { stream: "welcome".to_owned(), items, dry_run: true };
        assert!(matches!(
            Mail::write(&call(), &dry).unwrap().verdict,
            Verdict::Items(outcomes) if matches!(outcomes[..], [Outcome::Created(_)])
        ));
    });
    assert!(seen.borrow().is_empty(), "something was sent");
}

#[test]
fn a_check_logs_in_and_looks_at_the_mailbox() {
    let (script, seen) = script(|_| Ok(Vec::new()));
    script.folder("mailbox").run(|| Mail::check(&call())).unwrap();
    assert!(seen.borrow()[0].1.recipients.is_empty());
    let (script, _) = self::script(|_| Ok(Vec::new()));
    assert_eq!(script.run(|| Mail::check(&call())).unwrap_err().code, FaultCode::HostDenied);
    let (script, _) = self::script(|_| Err(Trouble::Credential("535 5.7.8 no".to_owned())));
    let fault = script.folder("mailbox").run(|| Mail::check(&call())).unwrap_err();
    assert_eq!(fault.code, FaultCode::Auth);
}

#[test]
fn texts_are_filled_by_where_they_stand() {
    let row = r#"{ "a": "<\"'`&>", "n": 12.50, "no": null, "l": [1], "b": "x\ny" }"#;
    let row: Value = serde_json::from_str(row).unwrap();
    let row = row.as_object().unwrap();
    let filled = |text: &str, place| {
        let text = Text::parse(text.to_owned()).unwrap();
        text.fill(row, place).map_err(|hole| (hole.field, hole.reason))
    };
    let hole = |field: &str, reason| Err((field.to_owned(), reason));
    let cases = [
        ("{{a}}", Place::Html, Ok("&lt;&#34;&#39;&#96;&amp;&gt;".to_owned())),
        ("{{a}}", Place::Plain, Ok("<\"'`&>".to_owned())),
        ("{{a}}", Place::Address, Ok("%3C%22%27%60%26%3E".to_owned())),
        ("{ {{ n }} }", Place::Plain, Ok("{ 12.50 }".to_owned())),
        ("{{no|<i>you</i>}}", Place::Html, Ok("&lt;i&gt;you&lt;/i&gt;".to_owned())),
        ("{{missing|}}", Place::Plain, Ok(String::new())),
        ("{{b}}", Place::Plain, Ok("x\ny".to_owned())),
        ("{{b}}", Place::Header, hole("b", "line-break")),
        ("{{no}}", Place::Plain, hole("no", "no-value")),
        ("{{l}}", Place::Plain, hole("l", "type")),
    ];
    for (text, place, expected) in cases {
        assert_eq!(filled(text, place), expected, "{text}");
    }
    for bad in ["{{a", "{{}}", "{{ }}", "{{a b}}", "{{{a}}}", "{{|x}}"] {
        assert!(Text::parse(bad.to_owned()).is_err(), "{bad}");
    }
}

#[test]
fn forms_of_the_mail_format() {
    assert_eq!(words("Plain text"), "Plain text");
    let long = "é".repeat(60);
    let encoded = words(&long);
    assert!(encoded.split(' ').all(|word| word.len() <= 75 && word.ends_with("?=")), "{encoded}");
    let inner: String = encoded
        .split(' ')
        .map(|word| word.trim_start_matches("=?utf-8?Q?").trim_end_matches("?="))
        .collect();
    assert_eq!(inner, "=C3=A9".repeat(60));
    assert_eq!(words("=?utf-8?Q?x?="), "=?utf-8?Q?=3D=3Futf=2D8=3FQ=3Fx=3F=3D?=");
    assert!(words(&"x".repeat(2_000)).split(' ').all(|word| word.len() <= 75));
    assert_eq!(phrase("A \"B\" \\"), "\"A \\\"B\\\" \\\\\"");
    assert_eq!(date(0).unwrap(), "Thu, 01 Jan 1970 00:00:00 +0000");
    assert_eq!(
        date(time::parse("2024-02-29T23:59:59Z").unwrap()).unwrap(),
        "Thu, 29 Feb 2024 23:59:59 +0000"
    );
    assert_eq!(date(i64::MAX), None);
    let text = format!("a = b \r\n{}é\rtab\t", "x".repeat(80));
    let encoded = quoted_printable(&text);
    assert!(encoded.split("\r\n").all(|line| line.len() <= 76 && line.is_ascii()), "{encoded}");
    assert!(encoded.starts_with("a =3D b=20\r\n") && encoded.ends_with("tab=09\r\n"), "{encoded}");
    let head = "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    let parts = mime::parse(format!("{head}{encoded}").as_bytes());
    assert_eq!(parts[0].text, format!("a = b \n{}é\ntab\t\n", "x".repeat(80)));
}
