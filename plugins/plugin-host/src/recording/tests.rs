#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read as _, Write};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use hub_model::{Fault, FaultCode, Timestamp};
use plugin_api::{CallContext, ReadRequest};
use plugin_gateway::{
    ConnectionGateway, ConnectionPolicy, CryptoFault, FileFault, FileInfo, FileRange, Gateway,
    GatewayOptions, Grants, HttpFault, HttpLimits, HttpRequest, HttpResponse, Mac, MailDelivery,
    MailFault, MailMessage, MailSecurity, MailServer, Sealing,
};
use serde_json::{Value, json};

use super::form::{CALL_BYTES_MAX, CALLS_MAX, Call, FORMAT, Header, RECORDING_BYTES_MAX};
use super::read::{Damage, Recording};
use super::replay::{Answers, Difference, Replaying};
use super::tape::{Noted, Noting, Tape};
use super::{Gave, Said};
use crate::binding::Environment;
use crate::question::Question;
use crate::way::{Errand, KeyWork, Level, Made, Reply, Way};

const SECRET: &str = "s3cret\"token";

/// What was written, wherever the writer went.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }

    fn lines(&self) -> Vec<String> {
        let mut text = String::new();
        GzDecoder::new(&self.bytes()[..]).read_to_string(&mut text).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn read(&self) -> Result<Recording, Damage> {
        Recording::read(&self.bytes()[..])
    }
}

fn header() -> Header {
    Header {
        format: FORMAT,
        run: "1-people".to_owned(),
        connection: "crm".to_owned(),
        connector: "crm-acme".to_owned(),
        version: "1".to_owned(),
        contract: "0.1.0".to_owned(),
        component: "00".to_owned(),
        environment: Environment::Sandbox,
        settings: json!({ "exact": 1 }),
        masked: false,
    }
}

fn tape() -> (Written, Arc<Tape>) {
    let written = Written::default();
    let tape = Tape::begin(Box::new(written.clone()), header()).unwrap();
    (written, Arc::new(tape))
}

fn gateway() -> Arc<ConnectionGateway> {
    let gateway = Gateway::new(GatewayOptions::default()).unwrap();
    let gateway = gateway.connection(ConnectionPolicy {
        connection: "crm".to_owned(),
        grants: Grants::default(),
        credentials: BTreeMap::new(),
        settings: Value::Null,
        limits: HttpLimits::default(),
    });
    gateway.redactor().learn(SECRET);
    gateway
}

fn context() -> CallContext {
    CallContext { purpose: "1-people".to_owned(), now: Timestamp::from_seconds(7), seed: u64::MAX }
}

fn question() -> Question<'static> {
    let request = ReadRequest { stream: "people".into(), cursor: None, fields: Vec::new() };
    Question::Read(Cow::Owned(request))
}

fn said() -> Said {
    Err(Fault::new(FaultCode::Timeout).with("wall_seconds_max", 1))
}

/// A world that has one answer.
struct World(Reply);

#[async_trait]
impl Way for World {
    async fn go(&self, _errand: Errand) -> Reply {
        self.0.clone()
    }

    fn told(&self, _level: Level, line: &str) -> String {
        line.to_owned()
    }
}

/// Records a call with one errand.
async fn record(errand: Errand, reply: Reply) -> (Written, Recording) {
    let (written, tape) = tape();
    let noting = Noting::new(
        Noted::begin(tape.clone(), &question()).unwrap(),
        Arc::new(World(reply.clone())),
    );
    assert_eq!(noting.go(errand).await, reply, "recording changes what the guest gets");
    noting.told(Level::Warn, "hello");
    noting.end(&context(), true, &said(), &gateway());
    tape.end().unwrap();
    let recording = written.read().unwrap();
    (written, recording)
}

fn file() -> FileInfo {
    FileInfo { name: "a.csv".to_owned(), size_bytes: 3, version: "v".to_owned() }
}

fn server() -> MailServer {
    MailServer {
        address: "mx:25".to_owned(),
        security: MailSecurity::StartTls,
        credential: Some("login".to_owned()),
    }
}

fn request(body: &[u8]) -> HttpRequest {
    HttpRequest {
        method: "POST".to_owned(),
        url: "https://x.fr/a?b".to_owned(),
        headers: vec![("A".to_owned(), "b".to_owned())],
        body: body.to_vec(),
        credential: Some("token".to_owned()),
    }
}

fn response(body: &[u8]) -> HttpResponse {
    HttpResponse { status: 404, headers: Vec::new(), body: body.to_vec() }
}

/// Every capability, answering well and badly.
fn every() -> Vec<(Errand, Reply)> {
    let (folder, name) = ("in".to_owned(), "a.csv".to_owned());
    let message = MailMessage {
        sender: "a@x.fr".to_owned(),
        recipients: vec!["b@x.fr".to_owned()],
        headers: Vec::new(),
        body: b"Hi\r\n".to_vec(),
    };
    let list = || Errand::List { folder: folder.clone() };
    let stat = || Errand::Stat { folder: folder.clone(), name: name.clone() };
    let read = Errand::Read { folder: folder.clone(), name: name.clone(), offset: 1, bytes_max: 9 };
    let write = |data: &[u8]| Errand::Write {
        folder: folder.clone(),
        name: name.clone(),
        data: data.to_vec(),
        expected: "absent".to_owned(),
    };
    let part = FileRange { bytes: b"\xff\xfe".to_vec(), info: file() };
    let mail = || Errand::Mail { server: server(), message: message.clone() };
    let key = |work| Errand::Key {
        slot: "seal".to_owned(),
        work,
        data: b"\xff".to_vec(),
        associated: b"id".to_vec(),
    };
    let check = || Errand::CheckMail { server: server() };
    let said = |text: &str| text.to_owned();
    vec![
        (Errand::Http(request(b"{}")), Reply::Http(Ok(response(b"{\"n\":1}")))),
        (Errand::Http(request(b"\xff\x00")), Reply::Http(Ok(response(b"\x80")))),
        (
            Errand::Http(request(b"")),
            Reply::Http(Err(HttpFault::TooLarge {
                setting: "response_bytes_max".into(),
                limit_bytes: 7,
            })),
        ),
        (Errand::Http(request(b"")), Reply::Http(Err(HttpFault::Timeout))),
        (Errand::Http(request(b"")), Reply::Http(Err(HttpFault::Broken(said("reset"))))),
        (list(), Reply::Files(Ok(vec![file()]))),
        (list(), Reply::Files(Err(FileFault::TooMany { limit: 7 }))),
        (stat(), Reply::File(Ok(file()))),
        (stat(), Reply::File(Err(FileFault::NotFound))),
        (read.clone(), Reply::Part(Ok(part))),
        (read, Reply::Part(Err(FileFault::Io(said("disk"))))),
        (write(b"a,b\n"), Reply::File(Ok(file()))),
        (write(b"\xff"), Reply::File(Err(FileFault::Changed { found: said("w") }))),
        (mail(), Reply::Mail(Ok(vec![MailDelivery::Deferred(said("450"))]))),
        (mail(), Reply::Mail(Err(MailFault::BudgetExhausted))),
        (check(), Reply::Checked(Ok(()))),
        (check(), Reply::Checked(Err(MailFault::Refused(said("554"))))),
        (key(KeyWork::Mac(Mac::HmacSha256)), Reply::Made(Ok(Made(vec![0xff; 32])))),
        (key(KeyWork::Open(Sealing::Aes256Gcm)), Reply::Made(Err(CryptoFault::NotAuthentic))),
    ]
}

#[tokio::test]
async fn every_capability_is_recorded_and_given_again() {
    for (errand, reply) in every() {
        let (_, recording) = record(errand.clone(), reply.clone()).await;
        assert_eq!(recording.header, header());
        let [call] = &recording.calls[..] else { panic!("{recording:?}") };
        assert_eq!((call.now, call.seed, call.anew), (context().now, u64::MAX, true));
        assert_eq!((&call.question, call.redacted), (&question(), false));
        assert_eq!(call.log[0].line, "hello");
        assert_eq!(recording.ending.calls, 1);
        assert_eq!(recording.ending.output, recording.output());
        let script = Replaying::new(call.exchanges.clone(), Answers::Exact);
        assert_eq!(script.go(errand.clone()).await, reply, "{errand}");
        assert_eq!(script.end().0, None, "{errand}");
        // A second time there is no answer, and one that is denied is of the same kind.
        let again = script.go(errand.clone()).await;
        assert_eq!(std::mem::discriminant(&again), std::mem::discriminant(&reply), "{errand}");
        assert!(again != reply && script.end().0.unwrap().asked == Some(errand));
    }
}

#[tokio::test]
async fn the_first_errand_that_was_not_recorded_is_named() {
    let other = |url: &str| {
        Errand::Http(HttpRequest { url: format!("https://x.fr/{url}"), ..request(b"") })
    };
    let exchange = |url: &str| {
        let reply = Reply::Http(Ok(response(url.as_bytes())));
        super::Exchange { errand: other(url), reply }
    };
    let recorded = || vec![exchange("1"), exchange("2"), exchange("3")];
    let named = |errand, asked: Option<&str>, recorded: Option<&str>| {
        Some(Difference { errand, asked: asked.map(other), recorded: recorded.map(other) })
    };
    for (asked, expected) in [
        (&["1", "2", "3"][..], None),
        (&["1", "x", "3"], named(2, Some("x"), Some("2"))),
        (&["2", "1", "3"], named(1, Some("2"), Some("1"))),
        (&["1", "2", "3", "4"], named(4, Some("4"), None)),
        (&["1"], named(2, None, Some("2"))),
    ] {
        let script = Replaying::new(recorded(), Answers::Exact);
        for url in asked {
            let reply = script.go(other(url)).await;
            let known = ["1", "2", "3"].contains(url);
            assert_eq!(matches!(&reply, Reply::Http(Ok(_))), known, "{asked:?}: {reply:?}");
        }
        assert_eq!(script.end().0, expected, "{asked:?}");
    }
    // What is nearly the same gets an answer that is left, and parts all the same.
    let script = Replaying::new(recorded(), Answers::Nearly);
    for (url, body) in [("1", "1"), ("x", "2"), ("3", "3")] {
        let Reply::Http(Ok(answer)) = script.go(other(url)).await else { panic!("{url}") };
        assert_eq!(answer.body, body.as_bytes(), "{url}");
    }
    assert_eq!(script.end().0, named(2, Some("x"), Some("2")));
    assert_eq!(other("1").differs(&other("2")), Some("url"));
    assert_eq!(other("1").differs(&Errand::List { folder: String::new() }), Some("kind"));
}

#[tokio::test]
async fn a_secret_that_is_echoed_is_not_in_it() {
    let escaped = serde_json::to_string(SECRET).unwrap();
    let escaped = escaped.trim_matches('"');
    for body in [
        format!("{{\"echo\":\"{escaped}\"}}").into_bytes(),
        [b"\xff\xfe", SECRET.as_bytes(), b"\xff"].concat(),
    ] {
        let reply = Reply::Http(Ok(response(&body)));
        let (written, recording) = record(Errand::Http(request(&body)), reply).await;
        let whole = format!("{:?} {:?}", written.lines(), recording);
        assert!(!whole.contains("s3cret"), "{whole}");
        assert!(recording.calls[0].redacted);
        let Reply::Http(Ok(kept)) = &recording.calls[0].exchanges[0].reply else { panic!() };
        let has = |wanted: &[u8]| kept.body.windows(wanted.len()).any(|part| part == wanted);
        assert!(has(b"***") && !has(b"s3cret"));
    }
}

fn packed(lines: &[String]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    lines.iter().for_each(|line| writeln!(packed, "{line}").unwrap());
    packed.finish().unwrap()
}

#[tokio::test]
async fn what_is_not_whole_is_refused_with_its_place() {
    let (errand, reply) = every().swap_remove(0);
    let (written, _) = record(errand, reply).await;
    let lines = written.lines();
    assert_eq!(lines.len(), 3);
    let read = |lines: &[String]| Recording::read(&packed(lines)[..]);
    assert!(read(&lines).is_ok());
    let mut edited = lines.clone();
    edited[1] = edited[1].replace("404", "200");
    assert!(matches!(read(&edited), Err(Damage::Seal { line: 2 })));
    let without = [lines[0].clone(), lines[2].clone()];
    assert!(matches!(read(&without), Err(Damage::Seal { line: 2 })));
    assert!(matches!(read(&lines[..2]), Err(Damage::CutOff { lines: 2 })));
    let more = [&lines[..], &lines[1..2]].concat();
    assert!(matches!(read(&more), Err(Damage::Line { line: 4, .. })));
    assert!(matches!(read(&[]), Err(Damage::CutOff { lines: 0 })));
    assert!(matches!(read(&["{}".to_owned()]), Err(Damage::Line { line: 1, .. })));
    let bytes = written.bytes();
    for end in [0, 1, 20, bytes.len() / 2, bytes.len() - 9, bytes.len() - 1] {
        let cut = Recording::read(&bytes[..end]);
        let refused = matches!(cut, Err(Damage::Unpacked { .. } | Damage::CutOff { .. }));
        assert!(refused, "{end}: {cut:?}");
    }
    assert!(matches!(Recording::read(&b"PK.."[..]), Err(Damage::Unpacked { line: 1, .. })));

    let later = Written::default();
    let header = Header { format: FORMAT + 1, ..header() };
    Tape::begin(Box::new(later.clone()), header).unwrap().end().unwrap();
    assert!(matches!(later.read(), Err(Damage::Newer { found }) if found == FORMAT + 1));
}

fn call(question: Value) -> Call<Value> {
    Call {
        number: 1,
        anew: true,
        now: context().now,
        seed: 1,
        question,
        exchanges: Vec::new(),
        log: Vec::new(),
        gave: Gave::of(&said(), gateway().redactor()),
        redacted: false,
    }
}

#[tokio::test]
async fn a_limit_ends_the_recording_and_not_the_call() {
    let stopped = |tape: &Tape| tape.end().unwrap().stopped.unwrap();
    let (written, tape) = self::tape();
    let small = serde_json::to_value(question()).unwrap();
    tape.add(call(small.clone()));
    tape.add(call("x".repeat(RECORDING_BYTES_MAX).into()));
    tape.add(call(small));
    assert_eq!(stopped(&tape), format!("recording_bytes_max {RECORDING_BYTES_MAX}"));
    assert_eq!(written.read().unwrap().calls.len(), 1);

    let (written, tape) = self::tape();
    let begin = || Noted::begin(tape.clone(), &Question::Check);
    let first = begin().unwrap();
    assert!((1..CALLS_MAX).all(|_| begin().is_some()) && begin().is_none());
    assert_eq!(stopped(&tape), format!("calls_max {CALLS_MAX}"));
    assert_eq!(written.read().unwrap().ending.calls, 0);
    drop(first);

    let (written, tape) = self::tape();
    let large = Reply::Http(Ok(response(&vec![b'x'; CALL_BYTES_MAX])));
    let noted = Noted::begin(tape.clone(), &question()).unwrap();
    let noting = Noting::new(noted, Arc::new(World(large.clone())));
    assert_eq!(noting.go(Errand::Http(request(b""))).await, large);
    noting.end(&context(), true, &said(), &gateway());
    assert_eq!(stopped(&tape), format!("call_bytes_max {CALL_BYTES_MAX}"));
    assert_eq!(written.read().unwrap().calls.len(), 0);
}

/// A disk that is full.
struct Full;

impl Write for Full {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_at_the_end() {
    // What is packed is written in blocks, so it may show only later.
    let tape = Tape::begin(Box::new(Full), header());
    assert!(tape.is_err() || tape.unwrap().end().is_err());
}
