//! The connector against a fake account that keeps state, in-process. The account
//! refuses what the official definitions do not have.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bad_input;
mod containers;
mod conversions;
mod forms;
mod people;

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use doubles::google::{self, ACCOUNT, TOKEN};
use doubles::http::{Request, Vendor};
use liaison_sdk::http::Response;
use liaison_sdk::testing::{Script, Sent};
use liaison_sdk::{
    Audience, Call, Container, ContainerWish, Destination, Environment, Fault, JobState, Member,
    MemberChange, MemberOutcome, MemberRequest, MemberVerdict,
};
use serde_json::{Value, json};

use crate::Google;

const URL: &str = "https://datamanager.test";

/// An account and a connection to it.
struct Stage {
    account: Rc<RefCell<google::Google>>,
    settings: Value,
    environment: Environment,
}

impl Stage {
    fn new() -> Self {
        let settings = json!({"url": URL, "login_url": "https://oauth2.test", "account": ACCOUNT});
        Self { account: Rc::default(), settings, environment: Environment::Production }
    }

    fn account(&self) -> RefMut<'_, google::Google> {
        self.account.borrow_mut()
    }

    fn run<R>(&self, test: impl FnOnce(&Call) -> R) -> R {
        let account = Rc::clone(&self.account);
        let script = Script::new().vendor(move |sent| answered(&mut account.borrow_mut(), sent));
        let call = Call::with_settings(self.settings.clone());
        script.run(|| test(&Call { environment: self.environment, ..call }))
    }

    fn ensure(&self, title: &str) -> Container {
        self.run(|call| Google::ensure_container(call, &ContainerWish::titled(title))).unwrap()
    }

    fn try_write(&self, list: &str, members: Vec<Member>) -> Result<Vec<MemberOutcome>, Fault> {
        let request = MemberRequest { container: list.to_owned(), members, session: None };
        match self.run(|call| Google::write_members(call, &request))?.verdict {
            MemberVerdict::Items(outcomes) => Ok(outcomes),
            MemberVerdict::Aggregate(counts) => panic!("outcomes were expected: {counts:?}"),
        }
    }

    fn write(&self, list: &str, members: Vec<Member>) -> Vec<MemberOutcome> {
        self.try_write(list, members).unwrap()
    }

    fn poll(&self, outcome: &MemberOutcome) -> JobState {
        let MemberOutcome::Accepted(job) = outcome else { panic!("{outcome:?}") };
        self.run(|call| Google::poll_job(call, job)).unwrap()
    }

    /// The bodies that were sent to a path.
    fn bodies(&self, path: &str) -> Vec<Value> {
        let account = self.account();
        let sent = account.seen().iter().filter(|(request, _)| request.path() == path);
        sent.map(|(request, _)| request.json()).collect()
    }
}

fn answered(account: &mut google::Google, sent: Sent) -> Response {
    assert_eq!(sent.credential.as_deref(), Some("google"), "{}", sent.url);
    let target = sent.url.strip_prefix(URL).expect("a request to the granted host").to_owned();
    let mut headers = sent.headers;
    headers.push(("authorization".to_owned(), format!("Bearer {TOKEN}")));
    let request = Request { method: sent.method, target, headers, body: sent.body };
    forms::witness(&request);
    let answer = account.answer(&request);
    Response { status: answer.status, headers: answer.headers, body: answer.body }
}

fn joins(email: &str) -> Member {
    Member::new(MemberChange::Add, [("email", email)])
}

fn leaves(email: &str) -> Member {
    Member::new(MemberChange::Remove, [("email", email)])
}

#[test]
fn the_manifest_says_what_the_code_does() {
    let manifest: Value = serde_json::from_str(liaison_sdk::manifest!()).unwrap();
    assert_eq!(manifest["api-version"], crate::api::VERSION);
    assert_eq!(manifest["streams"], json!([crate::MEMBERS, crate::CONVERSIONS]));
}
