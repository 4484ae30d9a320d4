//! The connector against a fake account that keeps state, in-process. The account
//! refuses what Meta's own definitions of its edges do not have.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bad_input;
mod containers;
mod conversions;
mod leads;
mod people;

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use doubles::http::{Request, Vendor};
use doubles::meta::{self, ACCOUNT, TOKEN};
use liaison_sdk::http::Response;
use liaison_sdk::testing::{Script, Sent};
use liaison_sdk::{
    Audience, Call, Container, ContainerWish, Environment, Fault, Member, MemberChange,
    MemberOutcome, MemberReport, MemberRequest, MemberVerdict, ReplaceSession,
};
use serde_json::{Value, json};

use crate::Meta;

const URL: &str = "https://graph.test";
const SECOND: i64 = 1_000_000;
/// 30 November 2026, noon.
const NOW: i64 = 1_796_040_000 * SECOND;

/// An account and a connection to it.
struct Stage {
    account: Rc<RefCell<meta::Meta>>,
    settings: Value,
    environment: Environment,
    now: i64,
}

impl Stage {
    fn new() -> Self {
        let settings = json!({"url": URL, "account": ACCOUNT});
        let environment = Environment::Production;
        Self { account: Rc::default(), settings, environment, now: NOW }
    }

    fn account(&self) -> RefMut<'_, meta::Meta> {
        self.account.borrow_mut()
    }

    fn run<R>(&self, test: impl FnOnce(&Call) -> R) -> R {
        let account = Rc::clone(&self.account);
        account.borrow_mut().events.now = self.now / SECOND;
        let script = Script::new().now(self.now);
        let script = script.vendor(move |sent| answered(&mut account.borrow_mut(), sent));
        let call = Call::with_settings(self.settings.clone());
        script.run(|| test(&Call { environment: self.environment, ..call }))
    }

    fn ensure(&self, title: &str) -> Container {
        self.run(|call| Meta::ensure_container(call, &ContainerWish::titled(title))).unwrap()
    }

    fn write(
        &self,
        container: &str,
        members: Vec<Member>,
        session: Option<ReplaceSession>,
    ) -> Result<MemberReport, Fault> {
        let container = container.to_owned();
        let request = MemberRequest { container, members, session };
        self.run(|call| Meta::write_members(call, &request))
    }

    /// Changes that Meta tells one by one.
    fn change(&self, container: &str, members: Vec<Member>) -> Vec<MemberOutcome> {
        outcomes(self.write(container, members, None).unwrap())
    }

    /// The methods and paths of what was asked.
    fn asked(&self) -> Vec<String> {
        let account = self.account();
        let line = |request: &Request| format!("{} {}", request.method, request.path());
        account.seen().iter().map(|(request, _)| line(request)).collect()
    }
}

fn answered(account: &mut meta::Meta, sent: Sent) -> Response {
    assert_eq!(sent.credential.as_deref(), Some("token"), "{}", sent.url);
    let target = sent.url.strip_prefix(URL).expect("a request to the granted host").to_owned();
    let mut headers = sent.headers;
    headers.push(("authorization".to_owned(), format!("Bearer {TOKEN}")));
    let request = Request { method: sent.method, target, headers, body: sent.body };
    let answer = account.answer(&request);
    Response { status: answer.status, headers: answer.headers, body: answer.body }
}

fn joins(email: &str) -> Member {
    Member::new(MemberChange::Add, [("email", email)])
}

fn leaves(email: &str) -> Member {
    Member::new(MemberChange::Remove, [("email", email)])
}

fn outcomes(report: MemberReport) -> Vec<MemberOutcome> {
    match report.verdict {
        MemberVerdict::Items(outcomes) => outcomes,
        MemberVerdict::Aggregate(counts) => panic!("outcomes were expected: {counts:?}"),
    }
}

#[test]
fn the_manifest_says_what_the_code_does() {
    let manifest: Value = serde_json::from_str(liaison_sdk::manifest!()).unwrap();
    assert_eq!(manifest["api-version"], crate::graph::VERSION);
    assert_eq!(manifest["api-version"], meta::VERSION);
    assert_eq!(manifest["streams"], json!([crate::MEMBERS, crate::CONVERSIONS, crate::LEADS]));
}
