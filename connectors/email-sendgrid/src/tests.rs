//! The connector against a fake account that keeps state, in-process. Where the official
//! specifications are at hand, every request that any of these tests makes is held
//! against them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bad_input;
mod events;
mod lists;
mod reading;
mod sending;
mod suppressions;
mod writing;

use std::cell::{RefCell, RefMut};
use std::rc::Rc;
use std::sync::{LazyLock, Mutex, PoisonError};

use doubles::http::{Request, Vendor};
use doubles::openapi::{self, Specs};
use doubles::sendgrid::{self, BEGINNING, KEY};
use liaison_sdk::http::Response;
use liaison_sdk::testing::{Script, Sent};
use liaison_sdk::{
    Action, Call, Connector, Destination, Environment, Fault, Found, JobState, Lookup, LookupKey,
    LookupRequest, Outcome, Page, ReadRequest, Report, Row, Source, Verdict, WriteItem,
    WriteRequest, time,
};
use serde_json::{Value, json};

use crate::SendGrid;

const URL: &str = "https://sendgrid.test";
const FILES: &str = "https://files.test";

static SPECS: LazyLock<Option<Mutex<Specs>>> = LazyLock::new(|| {
    let folder = openapi::folder()?;
    Some(Mutex::new(Specs::read(&folder, "sendgrid-").unwrap()))
});

/// An account and a connection to it.
struct Stage {
    account: Rc<RefCell<sendgrid::SendGrid>>,
    settings: Value,
    environment: Environment,
    /// The hub's clock in seconds since 1970.
    now: i64,
}

impl Stage {
    fn new() -> Self {
        let settings = json!({
            "url": URL, "files_url": FILES, "from": "news@shop.example", "from_name": "Shop",
            "templates": {
                "welcome": {"template_id": "d-1", "fields": ["name", "code"], "group": 101, "purpose": "newsletter"},
            },
        });
        let environment = Environment::Production;
        Self { account: Rc::default(), settings, environment, now: BEGINNING }
    }

    fn account(&self) -> RefMut<'_, sendgrid::SendGrid> {
        self.account.borrow_mut()
    }

    fn run<R>(&self, test: impl FnOnce(&Call) -> R) -> R {
        self.account().forget();
        let account = Rc::clone(&self.account);
        let script = Script::new().now(time::from_seconds(self.now));
        let script = script.vendor(move |sent| answered(&mut account.borrow_mut(), sent));
        let call = Call::with_settings(self.settings.clone());
        let result = script.run(|| test(&Call { environment: self.environment, ..call }));
        self.check_requests();
        result
    }

    /// What was asked keeps the specification; what the double answers is judged by its
    /// own tests. Custom fields and scopes have specifications that are not at hand.
    fn check_requests(&self) {
        let Some(specs) = SPECS.as_ref() else { return };
        let mut specs = specs.lock().unwrap_or_else(PoisonError::into_inner);
        let elsewhere = ["/v3/scopes", "/v3/marketing/field_definitions"];
        for (request, _) in self.account().seen() {
            if elsewhere.contains(&request.path()) || !request.path().starts_with("/v3/") {
                continue;
            }
            let found = specs.violations(request, None).unwrap();
            assert!(found.is_empty(), "{found:#?}\n{}", String::from_utf8_lossy(&request.body));
        }
    }

    fn read(&self, request: &ReadRequest) -> Result<Page, Fault> {
        self.run(|call| SendGrid::read(call, request))
    }

    /// Every page from a request on until there is no more for now, and the request
    /// that goes on from there.
    fn read_all(&self, mut request: ReadRequest) -> (Vec<Page>, ReadRequest) {
        let mut pages = Vec::new();
        loop {
            let page = self.read(&request).unwrap();
            request = request.after(&page);
            let more = page.more;
            pages.push(page);
            if !more {
                return (pages, request);
            }
        }
    }

    fn write(&self, stream: &str, items: Vec<WriteItem>) -> Vec<Outcome> {
        self.try_write(stream, items).unwrap()
    }

    fn try_write(&self, stream: &str, items: Vec<WriteItem>) -> Result<Vec<Outcome>, Fault> {
        let request = WriteRequest { stream: stream.to_owned(), items, dry_run: false };
        match self.run(|call| SendGrid::write(call, &request))?.verdict {
            Verdict::Items(outcomes) => Ok(outcomes),
            Verdict::Aggregate(..) => panic!("outcomes were expected"),
        }
    }

    fn lookup(&self, stream: &str, keys: Vec<LookupKey>) -> Vec<Found> {
        let request = LookupRequest { stream: stream.to_owned(), keys, fields: Vec::new() };
        self.run(|call| SendGrid::lookup(call, &request)).unwrap()
    }

    /// What a job came to, asked until it says so.
    fn end_of(&self, job: &str) -> JobState {
        for _ in 0..10 {
            match self.run(|call| SendGrid::poll_job(call, job)).unwrap() {
                JobState::Running(_) => {}
                ended => return ended,
            }
        }
        panic!("the job does not end")
    }

    /// The bodies that were sent to a path since the last call.
    fn bodies(&self, method: &str, path: &str) -> Vec<Value> {
        let account = self.account();
        let own = |request: &Request| request.method == method && request.path() == path;
        let sent = account.seen().iter().filter(|(request, _)| own(request));
        sent.map(|(request, _)| request.json()).collect()
    }
}

fn answered(account: &mut sendgrid::SendGrid, sent: Sent) -> Response {
    let mut headers = sent.headers;
    let target = match (sent.url.strip_prefix(URL), sent.url.strip_prefix(FILES)) {
        (Some(target), _) => {
            assert_eq!(sent.credential.as_deref(), Some("key"), "{}", sent.url);
            headers.push(("authorization".to_owned(), format!("Bearer {KEY}")));
            target
        }
        (_, Some(target)) => {
            assert_eq!(sent.credential, None, "a signed address takes no credential");
            target
        }
        _ => panic!("{} is not granted", sent.url),
    };
    let target = target.to_owned();
    let request = Request { method: sent.method, target, headers, body: sent.body };
    let answer = account.answer(&request);
    Response { status: answer.status, headers: answer.headers, body: answer.body }
}

fn create(patch: Value) -> WriteItem {
    let key = "00ff".to_owned();
    WriteItem { idempotency_key: key, ..WriteItem::new(Action::Create, None, patch) }
}

fn update(key: &str, patch: Value) -> WriteItem {
    WriteItem::new(Action::Update, Some(key), patch)
}

fn by_email(email: &str) -> LookupKey {
    LookupKey::Fields([("email".to_owned(), Value::from(email))].into_iter().collect())
}

fn key(id: &str) -> LookupKey {
    LookupKey::Key(id.to_owned())
}

fn rejected(outcome: &Outcome) -> &Fault {
    match outcome {
        Outcome::Rejected(fault) => fault,
        other => panic!("a rejection was expected: {other:?}"),
    }
}

fn job(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Accepted(job) => job,
        other => panic!("a job was expected: {other:?}"),
    }
}

fn counts(state: &JobState) -> (u32, u32) {
    match state {
        JobState::Done(Report { verdict: Verdict::Aggregate(received, invalid), .. }) => {
            (*received, *invalid)
        }
        other => panic!("counts were expected: {other:?}"),
    }
}

fn rows(pages: &[Page]) -> Vec<&Row> {
    pages.iter().flat_map(|page| &page.rows).collect()
}

/// The addresses of rows, in order.
fn emails(pages: &[Page]) -> Vec<&str> {
    let fields = rows(pages).into_iter().filter_map(Row::fields);
    fields.filter_map(|fields| fields["email"].as_str()).collect()
}

#[test]
fn the_manifest_says_what_the_code_does() {
    let manifest: Value = serde_json::from_str(liaison_sdk::manifest!()).unwrap();
    assert_eq!(manifest["api-version"], crate::api::VERSION);
    let stage = Stage::new();
    let streams = stage.run(SendGrid::discover).unwrap();
    let named = manifest["streams"].as_array().unwrap();
    let own = streams.iter().filter(|stream| stream.name() != "welcome");
    assert_eq!(own.map(|stream| json!(stream.name())).collect::<Vec<_>>(), *named);
    stage.run(SendGrid::check).unwrap();
    for stream in streams {
        let sends = stream.schema().get("x-sends").cloned();
        let info = liaison_sdk::contract::connection::StreamInfo::from(stream);
        let (purposes, channel) = match info.name.as_str() {
            "welcome" => (vec!["newsletter"], Some(json!("email"))),
            _ => (vec![], None),
        };
        assert_eq!(sends, channel, "{}", info.name);
        assert_eq!(info.purposes, purposes, "{}", info.name);
    }
}
