//! The connector against a fake account that keeps state, in-process, and
//! against single exchanges where something goes wrong. Where the official
//! specifications are at hand, every request that any of these tests makes is
//! held against them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bad_input;
mod finding;
mod links;
mod reading;
mod subscriptions;
mod writing;

use std::cell::{RefCell, RefMut};
use std::rc::Rc;
use std::sync::{LazyLock, Mutex, PoisonError};

use doubles::http::{Request, Vendor};
use doubles::hubspot::{self, TOKEN};
use doubles::openapi::{self, Specs};
use liaison_sdk::http::Response;
use liaison_sdk::testing::{Script, Sent};
use liaison_sdk::{
    Action, Call, Change, Destination, Fault, Found, Lookup, LookupKey, LookupRequest, Outcome,
    Page, ReadRequest, Row, Source, Stored, Verdict, WriteItem, WriteRequest,
};
use serde_json::{Value, json};

use crate::HubSpot;

const URL: &str = "https://hubspot.test";

static SPECS: LazyLock<Option<Mutex<Specs>>> = LazyLock::new(|| {
    let folder = openapi::folder()?;
    Some(Mutex::new(Specs::read(&folder, "hubspot-").unwrap()))
});

/// An account and a connection to it.
struct Stage {
    account: Rc<RefCell<hubspot::HubSpot>>,
    settings: Value,
    /// The hub's clock, in microseconds; years behind unless a test says so.
    now: i64,
}

impl Stage {
    fn new() -> Self {
        let settings = json!({"url": URL, "lag_seconds": 60, "deleted_minutes": 0});
        Self { account: Rc::default(), settings, now: 0 }
    }

    fn set(mut self, name: &str, value: Value) -> Self {
        self.settings[name] = value;
        self
    }

    fn account(&self) -> RefMut<'_, hubspot::HubSpot> {
        self.account.borrow_mut()
    }

    fn call(&self) -> Call {
        Call::with_settings(self.settings.clone())
    }

    fn run<R>(&self, test: impl FnOnce(&Call) -> R) -> R {
        self.account().forget();
        let account = Rc::clone(&self.account);
        let script = Script::new().now(self.now);
        let script = script.vendor(move |sent| answered(&mut account.borrow_mut(), sent));
        let result = script.run(|| test(&self.call()));
        self.check_requests();
        result
    }

    /// What was asked keeps the specification; what the double answers is
    /// judged by its own tests.
    fn check_requests(&self) {
        let Some(specs) = SPECS.as_ref() else { return };
        let mut specs = specs.lock().unwrap_or_else(PoisonError::into_inner);
        for (request, _) in self.account().seen() {
            let found = specs.violations(request, None).unwrap();
            assert!(found.is_empty(), "{found:#?}\n{}", String::from_utf8_lossy(&request.body));
        }
    }

    fn read(&self, request: &ReadRequest) -> Result<Page, Fault> {
        self.run(|call| HubSpot::read(call, request))
    }

    /// Every page from a request on until there is no more for now, and the
    /// request that goes on from there.
    fn read_all(&self, mut request: ReadRequest) -> (Vec<Row>, ReadRequest) {
        let mut rows = Vec::new();
        loop {
            let page = self.read(&request).unwrap();
            rows.extend(page.rows.clone());
            request = request.after(&page);
            if !page.more {
                return (rows, request);
            }
        }
    }

    fn write(&self, stream: &str, items: Vec<WriteItem>) -> Vec<Outcome> {
        self.try_write(stream, items).unwrap()
    }

    fn try_write(&self, stream: &str, items: Vec<WriteItem>) -> Result<Vec<Outcome>, Fault> {
        let request = WriteRequest { stream: stream.to_owned(), items, dry_run: false };
        match self.run(|call| HubSpot::write(call, &request))?.verdict {
            Verdict::Items(outcomes) => Ok(outcomes),
            Verdict::Aggregate(..) => panic!("outcomes were expected"),
        }
    }

    fn lookup(&self, stream: &str, keys: Vec<LookupKey>) -> Vec<Found> {
        let request = LookupRequest { stream: stream.to_owned(), keys, fields: Vec::new() };
        self.run(|call| HubSpot::lookup(call, &request)).unwrap()
    }
}

fn answered(account: &mut hubspot::HubSpot, sent: Sent) -> Response {
    assert_eq!(sent.credential.as_deref(), Some("token"), "{}", sent.url);
    let target = sent.url.strip_prefix(URL).expect("a request to the granted host").to_owned();
    let mut headers = sent.headers;
    headers.push(("authorization".to_owned(), format!("Bearer {TOKEN}")));
    let request = Request { method: sent.method, target, headers, body: sent.body };
    let answer = account.answer(&request);
    Response { status: answer.status, headers: answer.headers, body: answer.body }
}

fn create(patch: Value) -> WriteItem {
    WriteItem::new(Action::Create, None, patch)
}

fn update(key: &str, patch: Value) -> WriteItem {
    WriteItem::new(Action::Update, Some(key), patch)
}

fn delete(key: &str) -> WriteItem {
    WriteItem::new(Action::Delete, Some(key), json!({}))
}

fn by(name: &str, value: &str) -> LookupKey {
    LookupKey::Fields([(name.to_owned(), Value::from(value))].into_iter().collect())
}

fn key(id: &str) -> LookupKey {
    LookupKey::Key(id.to_owned())
}

fn stored(outcome: &Outcome) -> &Stored {
    match outcome {
        Outcome::Created(stored) | Outcome::Updated(stored) => stored,
        other => panic!("a stored row was expected: {other:?}"),
    }
}

fn rejected(outcome: &Outcome) -> &Fault {
    match outcome {
        Outcome::Rejected(fault) => fault,
        other => panic!("a rejection was expected: {other:?}"),
    }
}

/// Keys with what happened to them, in a form that reads well in a failure.
fn told(rows: &[Row]) -> Vec<String> {
    let told = rows.iter().map(|row| {
        let key = row.key.as_deref().unwrap_or_default();
        match row.change {
            Change::Upsert => key.to_owned(),
            Change::Delete => format!("-{key}"),
            Change::MergedInto => format!("{key}>{}", row.into.as_deref().unwrap_or_default()),
            other => format!("{other:?} {key}"),
        }
    });
    told.collect()
}

#[test]
fn the_manifest_says_what_the_code_does() {
    let manifest: Value = serde_json::from_str(liaison_sdk::manifest!()).unwrap();
    assert_eq!(manifest["api-version"], crate::api::VERSION);
    let streams: Vec<&str> =
        manifest["streams"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let objects = crate::object::OBJECTS.iter().map(|object| object.stream);
    let links = crate::links::LINKS.iter().map(|link| link.stream);
    assert_eq!(streams, objects.chain(links).collect::<Vec<_>>());
}
