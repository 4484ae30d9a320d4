//! Rules about a system in trouble: it answers, and not as it promised.
//!
//! The port does not show what a vendor said, so whoever judges binds the subject
//! to a system that is in the [`Trouble`] and asks whether the connector tells.
//! What a connector must not do is take such an answer for one: an empty page says
//! that there are no rows, and a complete one deletes them.

use hub_model::{Fault, FaultCode, Object, RemoteKey};
use plugin_api::{
    Action, Audience, Capability, LookupKey, LookupRequest, Outcome, ReadRequest, WriteItem,
    WriteReport, WriteRequest,
};

use crate::Verdict;
use crate::breach::Must;
use crate::lookup::UNKNOWN_KEY;
use crate::subject::Subject;

/// What a system answers to every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Status 200 and a page of HTML, as a proxy or a maintenance page does.
    Html,
    /// Status 200 and the beginning of an answer.
    Truncated,
    /// Status 429 with `Retry-After`.
    RateLimited,
    /// Status 401.
    Unauthorised,
    /// Status 503.
    Failing,
}

/// Seconds that [`Trouble::RateLimited`] asks for.
pub const RETRY_AFTER_SECONDS: u32 = 7;

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Html, Self::Truncated, Self::RateLimited, Self::Unauthorised, Self::Failing];

    /// The answer of the system: status, headers, body.
    pub fn answer(self) -> (u16, Vec<(&'static str, String)>, &'static str) {
        let kind = |kind: &str| ("content-type", kind.to_owned());
        match self {
            Self::Html => {
                (200, vec![kind("text/html")], "<!doctype html><title>We are back soon</title>")
            }
            Self::Truncated => {
                (200, vec![kind("application/json")], "{\"data\": [{\"id\": \"1\", \"na")
            }
            Self::RateLimited => {
                (429, vec![("retry-after", RETRY_AFTER_SECONDS.to_string())], "slow down")
            }
            Self::Unauthorised => (401, Vec::new(), "who are you?"),
            Self::Failing => (503, Vec::new(), "not now"),
        }
    }

    const fn must(self) -> Must {
        Must(match self {
            Self::Html => "an answer in HTML is a fault that is no bug, and never a page",
            Self::Truncated => "an answer that breaks off is a fault that is no bug, never a page",
            Self::RateLimited => "status 429 is rate-limited, with the seconds of Retry-After",
            Self::Unauthorised => "status 401 is an auth fault, so that a person is asked",
            Self::Failing => "status 503 is transient, so that the hub tries again",
        })
    }

    /// Whether a fault tells it.
    fn is_told_by(self, fault: &Fault) -> bool {
        match self {
            // Where the host logs in, it meets the trouble first and blames the login.
            Self::Html | Self::Truncated => matches!(
                fault.code,
                FaultCode::SchemaDrift | FaultCode::Transient | FaultCode::Config | FaultCode::Auth
            ),
            Self::RateLimited => {
                let after = fault.args.get("after_seconds");
                fault.code == FaultCode::RateLimited
                    && after.is_some_and(|seconds| *seconds == RETRY_AFTER_SECONDS.to_string())
            }
            Self::Unauthorised => fault.code == FaultCode::Auth,
            Self::Failing => fault.code == FaultCode::Transient,
        }
    }
}

/// What a call came to.
enum Answer {
    /// A fault, of the call or of its item.
    Fault(Fault),
    /// That nobody knows what became of a write.
    Unknown,
    /// Something else, in words.
    Other(String),
}

/// A connector MUST tell that its system is in this trouble, in every call that asks
/// the system: in its check, in reading, in finding, in writing and in listing
/// containers.
///
/// # Errors
/// The breach.
pub async fn it_is_told(subject: &Subject<'_>, trouble: Trouble) -> Verdict {
    let must = trouble.must();
    for (call, answer) in answers(subject).await {
        let fault = match answer {
            Answer::Fault(fault) if fault.code == FaultCode::NotSupported => continue,
            Answer::Fault(fault) => fault,
            // A write whose answer cannot be read may have been done.
            Answer::Unknown if matches!(trouble, Trouble::Html | Trouble::Truncated) => continue,
            Answer::Unknown => return Err(must.broken(format!("{call} answered unknown"))),
            Answer::Other(words) => return Err(must.broken(format!("{call} answered {words}"))),
        };
        must.hold(trouble.is_told_by(&fault), || {
            let args: Vec<_> = fault.args.keys().map(String::as_str).collect();
            format!("{call} failed with {} and the arguments {args:?}", fault.code)
        })?;
    }
    Ok(())
}

async fn answers(subject: &Subject<'_>) -> Vec<(&'static str, Answer)> {
    let capabilities = &subject.connector.manifest().capabilities;
    let mut answers = vec![("check", check(subject).await)];
    if capabilities.contains(&Capability::Source) {
        answers.push(("read", read(subject).await));
        answers.push(("lookup", find(subject).await));
    }
    if capabilities.contains(&Capability::Destination) {
        answers.push(("write", write(subject).await));
    }
    if let Some(audience) = subject.connector.audience() {
        answers.push(("containers", containers(subject, audience).await));
    }
    answers
}

async fn check(subject: &Subject<'_>) -> Answer {
    match subject.connector.check(&subject.call).await {
        Err(fault) => Answer::Fault(fault),
        Ok(()) => Answer::Other("that all is well".to_owned()),
    }
}

async fn read(subject: &Subject<'_>) -> Answer {
    let stream = subject.stream.clone();
    let request = ReadRequest { stream, cursor: None, fields: Vec::new() };
    match subject.connector.read(&subject.call, &request).await {
        Err(fault) => Answer::Fault(fault),
        Ok(page) => {
            let complete = if page.snapshot_complete { ", complete" } else { "" };
            Answer::Other(format!("a page of {} rows{complete}", page.items.len()))
        }
    }
}

async fn containers(subject: &Subject<'_>, audience: &dyn Audience) -> Answer {
    match audience.containers(&subject.call, None).await {
        Err(fault) => Answer::Fault(fault),
        Ok(page) => Answer::Other(format!("a page of {} containers", page.items.len())),
    }
}

async fn find(subject: &Subject<'_>) -> Answer {
    let keys = vec![LookupKey::Key(RemoteKey::new(UNKNOWN_KEY))];
    let request = LookupRequest { stream: subject.stream.clone(), keys, fields: Vec::new() };
    match subject.connector.lookup(&subject.call, &request).await {
        Err(fault) => Answer::Fault(fault),
        Ok(found) => Answer::Other(format!("{found:?}")),
    }
}

/// A delete of a row that does not exist: no connector can answer it by itself.
async fn write(subject: &Subject<'_>) -> Answer {
    let item = WriteItem {
        action: Action::Delete,
        key: Some(RemoteKey::new(UNKNOWN_KEY)),
        matching: std::collections::BTreeMap::new(),
        patch: Object::new(),
        if_version: None,
        idempotency_key: "conformance".to_owned(),
        consents: Vec::new(),
        ttl_seconds: None,
    };
    let request =
        WriteRequest { stream: subject.stream.clone(), items: vec![item], dry_run: false };
    match subject.connector.write(&subject.call, &request).await {
        Err(fault) => Answer::Fault(fault),
        Ok(WriteReport::Items(mut outcomes)) => match outcomes.pop() {
            Some(Outcome::Rejected(fault)) => Answer::Fault(fault),
            Some(Outcome::Unknown) => Answer::Unknown,
            Some(Outcome::Retry { after_seconds, fault }) => {
                let seconds = after_seconds.map(|seconds| seconds.to_string());
                let after = seconds.map(|seconds| ("after_seconds", seconds));
                Answer::Fault(after.into_iter().fold(fault, |it, (name, text)| it.with(name, text)))
            }
            other => Answer::Other(format!("{other:?}")),
        },
        Ok(other) => Answer::Other(format!("{other:?}")),
    }
}
