//! A SendGrid account: contacts, lists, suppressions and mail, as the Web API v3 shows
//! them.
//!
//! | what it does as SendGrid does | where |
//! |---|---|
//! | Contacts are written by jobs: 202 with a number, a status that is asked for, a file of errors | [`contacts`], [`jobs`] |
//! | Contacts cannot be listed: an export makes compressed files of JSON lines, which are fetched elsewhere and without the key | [`exports`] |
//! | Custom fields are written by their number and read by their name | [`contacts`] |
//! | Addresses are kept in lower case; a contact is known by its identifiers, which cannot be changed | [`contacts`] |
//! | Lists have pages with addresses of the next one; members leave by their numbers | [`lists`] |
//! | Suppressions come newest first, with offset; groups show addresses only | [`suppressions`] |
//! | A message is taken in with 202 and a number in a header; in sandbox mode it is only judged | [`mail`] |
//! | 401 (also when the credits are used up), 403, 429 with limits in headers, 413, pages of proxies, answers that break off or never come | [`Trouble`] |
//!
//! Jobs and exports are worked on while other requests come in, so that no clock is
//! needed: each takes a number of requests.

pub mod contacts;
pub mod exports;
pub mod jobs;
pub mod lists;

pub mod mail;
pub mod suppressions;

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::http::{Answer, Request, Vendor};
use contacts::Contacts;
use exports::Export;
use jobs::Job;
use lists::List;
use mail::Message;
use suppressions::Suppressions;

/// The API key that is let in.
pub const KEY: &str = "SG.double.key";
/// Requests of a minute; told in headers, never enforced.
const WINDOW_CALLS: u32 = 600;
/// When the account was made: 2026-11-30T09:00:00Z, in seconds since 1970.
pub const BEGINNING: i64 = 1_796_029_200;

/// Something that goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The key was revoked.
    Revoked,
    /// The key lacks the access.
    NoAccess,
    /// The limit of the minute is reached; it renews at this second since 1970.
    TooFast(i64),
    /// The credits of the account are used up.
    CreditsGone,
    /// The request is too large.
    TooLarge,
    /// SendGrid is out of order, and says so.
    OutOfOrder,
    /// A page of a proxy, with this status.
    Page(u16),
    /// The request is carried out, and the answer breaks off.
    BreaksOff,
    /// The request is carried out, and a proxy says that no answer came.
    NoAnswer,
}

/// An account.
#[derive(Debug)]
pub struct SendGrid {
    /// Where files are fetched, without a path.
    pub files_url: String,
    /// Requests until a job or an export is done.
    pub work_requests: u32,
    /// Contacts of one file.
    pub file_contacts: usize,
    /// Lists of one page, at most what is asked for.
    pub page_lists: usize,
    contacts: Contacts,
    lists: Vec<List>,
    jobs: Vec<Job>,
    exports: Vec<Export>,
    suppressions: Suppressions,
    messages: Vec<Message>,
    troubles: VecDeque<(String, Trouble)>,
    seen: Vec<(Request, Answer)>,
    /// Seconds since 1970: one more with every request.
    now: i64,
}

impl Default for SendGrid {
    fn default() -> Self {
        Self {
            files_url: "https://files.test".to_owned(),
            work_requests: 1,
            file_contacts: 2,
            page_lists: 1_000,
            contacts: Contacts::default(),
            lists: Vec::new(),
            jobs: Vec::new(),
            exports: Vec::new(),
            suppressions: Suppressions::default(),
            messages: Vec::new(),
            troubles: VecDeque::new(),
            seen: Vec::new(),
            now: BEGINNING,
        }
    }
}

/// A refusal in SendGrid's form.
pub(crate) fn refusal(status: u16, field: Option<&str>, message: &str) -> Answer {
    let error = json!({"field": field, "message": message});
    Answer::json(status, &json!({ "errors": [error] }))
}

/// A refusal of a field.
pub(crate) fn invalid(field: &str, message: &str) -> Answer {
    refusal(400, Some(field), message)
}

impl SendGrid {
    /// The next request that holds `part` in its method and path fails this way.
    pub fn fail(&mut self, part: &str, trouble: Trouble) {
        self.troubles.push_back((part.to_owned(), trouble));
    }

    /// Every request so far with its answer.
    #[must_use]
    pub fn seen(&self) -> &[(Request, Answer)] {
        &self.seen
    }

    /// Forgets the requests so far.
    pub fn forget(&mut self) {
        self.seen.clear();
    }

    /// The contacts.
    pub fn contacts(&mut self) -> &mut Contacts {
        &mut self.contacts
    }

    /// The suppressions.
    pub fn suppressions(&mut self) -> &mut Suppressions {
        &mut self.suppressions
    }

    /// What was sent.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The account's time, in seconds since 1970.
    #[must_use]
    pub const fn now(&self) -> i64 {
        self.now
    }

    fn trouble(&mut self, request: &Request) -> Option<Trouble> {
        let line = format!("{} {}", request.method, request.path());
        let at = self.troubles.iter().position(|(part, _)| line.contains(part.as_str()))?;
        self.troubles.remove(at).map(|(_, trouble)| trouble)
    }

    fn judge(&mut self, request: &Request) -> Answer {
        if let Some(file) = self.file(request) {
            return file;
        }
        let trouble = self.trouble(request);
        let key = request.find("authorization");
        if key != Some(&format!("Bearer {KEY}")) || trouble == Some(Trouble::Revoked) {
            return refusal(401, None, "authorization required");
        }
        match trouble {
            Some(Trouble::NoAccess) => return refusal(403, None, "access forbidden"),
            Some(Trouble::CreditsGone) => return refusal(401, None, "Maximum credits exceeded"),
            Some(Trouble::TooLarge) => return refusal(413, None, "Payload Too Large"),
            Some(Trouble::OutOfOrder) => return refusal(500, None, "internal error"),
            Some(Trouble::Page(status)) => return Answer::page(status),
            Some(Trouble::TooFast(reset)) => {
                let answer = refusal(429, None, "too many requests");
                return limits(answer, 0, reset);
            }
            _ => {}
        }
        let answer = self.route(request);
        match trouble {
            Some(Trouble::NoAnswer) => Answer::page(504),
            Some(Trouble::BreaksOff) => answer.broken_off(),
            _ => answer,
        }
    }

    fn route(&mut self, request: &Request) -> Answer {
        let path: Vec<&str> = request.path().trim_matches('/').split('/').collect();
        let body = request.json();
        match (request.method.as_str(), path.as_slice()) {
            ("GET", ["v3", "scopes"]) => {
                Answer::json(200, &json!({"scopes": ["marketing.read", "mail.send"]}))
            }
            (method, ["v3", "marketing", "contacts", rest @ ..]) => {
                self.of_contacts(method, rest, request, &body)
            }
            ("GET", ["v3", "marketing", "field_definitions"]) => self.contacts.definitions(),
            (method, ["v3", "marketing", "lists", rest @ ..]) => {
                self.of_lists(method, rest, request, &body)
            }
            (method, ["v3", "asm" | "suppression", ..]) => {
                let now = self.now;
                self.suppressions.answer(method, &path[1..], request, &body, now)
            }
            ("POST", ["v3", "mail", "send"]) => self.send(&body),
            _ => refusal(404, None, "not found"),
        }
    }

    fn of_contacts(
        &mut self,
        method: &str,
        rest: &[&str],
        request: &Request,
        body: &Value,
    ) -> Answer {
        match (method, rest) {
            ("PUT", []) => self.take_upsert(body),
            ("DELETE", []) => {
                let ids = request.parameter("ids").unwrap_or_default();
                self.take_delete(&ids)
            }
            ("POST", ["batch"]) => self.contacts.batch(body),
            ("POST", ["search", "emails"]) => self.contacts.by_emails(body),
            ("POST", ["exports"]) => self.export(body),
            ("GET", ["exports", id]) => self.export_status(id),
            ("GET", ["imports", id]) => self.job_status(id),
            _ => refusal(404, None, "not found"),
        }
    }

    /// The addresses of a list's members, sorted.
    #[must_use]
    pub fn members(&self, list: &str) -> Vec<String> {
        self.contacts.members(list).into_iter().collect()
    }
}

fn limits(answer: Answer, remaining: u32, reset: i64) -> Answer {
    answer
        .header("x-ratelimit-limit", WINDOW_CALLS.to_string())
        .header("x-ratelimit-remaining", remaining.to_string())
        .header("x-ratelimit-reset", reset.to_string())
}

impl Vendor for SendGrid {
    fn answer(&mut self, request: &Request) -> Answer {
        self.now += 1;
        let mut answer = self.judge(request);
        self.work();
        if answer.status < 500 && !answer.headers.iter().any(|(name, _)| name.contains("ratelimit"))
        {
            let used = u32::try_from(self.seen.len()).unwrap_or(u32::MAX) % WINDOW_CALLS;
            answer = limits(answer, WINDOW_CALLS - used, self.now - self.now % 60 + 60);
        }
        self.seen.push((request.clone(), answer.clone()));
        answer
    }
}
