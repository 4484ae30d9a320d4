//! An account of HubSpot, by the dated API 2026-03.
//!
//! | what it does as HubSpot does | where |
//! |---|---|
//! | Every value is text; addresses become lower-case; unknown properties are refused in writes and passed over in reads | [`properties`] |
//! | A batch answers 207 when a part of it failed; an invalid value has the whole batch refused, except in creates that carry trace ids | [`records`] |
//! | A merge makes a third record; both old ids show it from then on | [`records`] |
//! | The search knows a change only after a while and ends at 10,000 hits; it sorts by one property | [`search`] |
//! | A record without associations is an error of its batch | [`links`] |
//! | A status may be refused inside an answer 200 | [`statuses`] |
//! | 401, 403 with the missing scope, 429 with headers, 423, pages of proxies, answers that break off or never come | [`Trouble`] |
//!
//! Where nothing is published, it does what most of the vendor's users report.

pub mod clock;
pub mod refusal;

pub mod properties;
pub mod records;
pub mod search;

pub mod links;
pub mod statuses;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

use crate::http::{Answer, Request, Vendor};
use clock::Clock;
use links::Links;
use records::Table;
use statuses::Statuses;

/// The version in every path.
pub const VERSION: &str = "2026-03";
/// The token that is let in.
pub const TOKEN: &str = "pat-eu1-double";
/// Requests of a window of ten seconds; told in headers, never enforced.
const WINDOW_CALLS: u32 = 190;

/// Something that goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The limit of the window is reached.
    TooFast,
    /// The allowance of the day is used up; it renews after so many seconds.
    QuotaGone(u32),
    /// The records are locked for a moment.
    Locked,
    /// A page of a proxy, with this status.
    Page(u16),
    /// The request is carried out, and the answer breaks off.
    BreaksOff,
    /// The request is carried out, and a proxy says that no answer came.
    NoAnswer,
    /// The token is expired.
    Expired,
}

/// An account.
#[derive(Debug)]
pub struct HubSpot {
    /// Its time.
    pub clock: Clock,
    /// How long the search needs to know of a change, in milliseconds.
    pub lag_millis: i64,
    /// Associations of one record in one answer.
    pub links_page: usize,
    tables: BTreeMap<&'static str, Table>,
    links: Links,
    statuses: Statuses,
    missing_scopes: BTreeSet<String>,
    troubles: VecDeque<(String, Trouble)>,
    seen: Vec<(Request, Answer)>,
    calls: u32,
}

impl Default for HubSpot {
    fn default() -> Self {
        Self {
            clock: Clock::default(),
            lag_millis: 0,
            links_page: 500,
            tables: records::KINDS.iter().map(|kind| (*kind, Table::new(kind))).collect(),
            links: Links::default(),
            statuses: Statuses::default(),
            missing_scopes: BTreeSet::new(),
            troubles: VecDeque::new(),
            seen: Vec::new(),
            calls: 0,
        }
    }
}

impl HubSpot {
    /// The next request whose path holds `part` fails this way.
    pub fn fail(&mut self, part: &str, trouble: Trouble) {
        self.troubles.push_back((part.to_owned(), trouble));
    }

    /// The token lacks a scope.
    pub fn withdraw(&mut self, scope: &str) {
        self.missing_scopes.insert(scope.to_owned());
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

    fn trouble(&mut self, path: &str) -> Option<Trouble> {
        let at = self.troubles.iter().position(|(part, _)| path.contains(part.as_str()))?;
        self.troubles.remove(at).map(|(_, trouble)| trouble)
    }

    fn judge(&mut self, request: &Request) -> Answer {
        let trouble = self.trouble(request.path());
        let token = request.find("authorization");
        if token != Some(&format!("Bearer {TOKEN}")) || trouble == Some(Trouble::Expired) {
            let message = "Authentication credentials not found. This API supports OAuth 2.0 \
                authentication and you can find more details at the developers' site";
            return refusal::whole(401, "INVALID_AUTHENTICATION", message, &[]);
        }
        match trouble {
            Some(Trouble::TooFast) => return refusal::too_fast("TEN_SECONDLY_ROLLING", None),
            Some(Trouble::QuotaGone(seconds)) => return refusal::too_fast("DAILY", Some(seconds)),
            Some(Trouble::Locked) => return refusal::whole(423, "LOCKED", "It is locked", &[]),
            Some(Trouble::Page(status)) => return Answer::page(status),
            _ => {}
        }
        if let Some(scope) = scope(request).filter(|scope| self.missing_scopes.contains(scope)) {
            return refusal::missing_scope(&scope);
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
        let now = self.clock.now();
        let missing = || refusal::whole(404, "OBJECT_NOT_FOUND", "resource not found", &[]);
        match (request.method.as_str(), path.as_slice()) {
            ("GET", ["crm", "objects", VERSION, kind]) => match self.table(kind) {
                Some(table) => table.list(request, now),
                None => missing(),
            },
            ("POST", ["crm", "objects", VERSION, kind, "search"]) => {
                let lag = self.lag_millis;
                self.table(kind)
                    .map_or_else(missing, |table| search::answer(table, &body, now, lag))
            }
            ("POST", ["crm", "objects", VERSION, kind, "batch", what]) => {
                let archived = request.parameter("archived").as_deref() == Some("true");
                let table = self.table(kind);
                table.map_or_else(missing, |table| table.batch(what, &body, archived, now))
            }
            ("POST", ["crm", "objects", VERSION, kind, "merge"]) => {
                self.table(kind).map_or_else(missing, |table| table.merge_answer(&body, now))
            }
            ("GET", ["crm", "properties", VERSION, kind]) => match self.table(kind) {
                Some(table) => Answer::json(200, &json!({"results": table.properties.listed()})),
                None => missing(),
            },
            ("POST", ["crm", "associations", VERSION, from, to, rest @ ..]) => {
                match (records::kind(from), records::kind(to)) {
                    (Some(from), Some(to)) => self.links(from, to, &rest.join("/"), &body, now),
                    _ => missing(),
                }
            }
            ("GET", ["communication-preferences", VERSION, "definitions"]) => {
                self.statuses.definitions(now)
            }
            ("POST", ["communication-preferences", VERSION, "statuses", "batch", what]) => {
                self.statuses.batch(what, &body, now)
            }
            _ => missing(),
        }
    }

    fn links(&mut self, from: &str, to: &str, what: &str, body: &Value, now: i64) -> Answer {
        let tables = &self.tables;
        let exists = |kind: &str, id: &str| tables.get(kind).is_some_and(|table| table.is_live(id));
        self.links.batch((from, to), what, body, self.links_page, &exists, now)
    }

    pub(crate) fn table(&mut self, kind: &str) -> Option<&mut Table> {
        records::kind(kind).and_then(|kind| self.tables.get_mut(kind))
    }
}

impl Vendor for HubSpot {
    fn answer(&mut self, request: &Request) -> Answer {
        let answer = self.judge(request);
        self.calls += 1;
        let date = clock::http_date(self.clock.now());
        let mut answer = answer.header("date", date);
        // Answers of the search carry no limits.
        if !request.path().ends_with("/search") && answer.status < 500 {
            let left = WINDOW_CALLS - self.calls % WINDOW_CALLS;
            answer = answer
                .header("x-hubspot-ratelimit-max", WINDOW_CALLS.to_string())
                .header("x-hubspot-ratelimit-remaining", left.to_string())
                .header("x-hubspot-ratelimit-interval-milliseconds", "10000")
                .header("x-hubspot-ratelimit-daily", "650000")
                .header("x-hubspot-ratelimit-daily-remaining", (650_000 - self.calls).to_string());
        }
        self.seen.push((request.clone(), answer.clone()));
        answer
    }
}

/// The scope that a request needs.
fn scope(request: &Request) -> Option<String> {
    let path: Vec<&str> = request.path().trim_matches('/').split('/').collect();
    let writes = ["create", "update", "upsert", "archive", "merge", "write"];
    let writes = path.last().is_some_and(|last| writes.contains(last));
    match path.as_slice() {
        ["crm", "objects" | "properties", _, kind, ..] => {
            let access = if writes { "write" } else { "read" };
            records::kind(kind).map(|kind| format!("crm.objects.{kind}.{access}"))
        }
        ["communication-preferences", _, "definitions"] => {
            Some("communication_preferences.read".to_owned())
        }
        ["communication-preferences", _, "statuses", "batch", what] => {
            Some(format!("communication_preferences.statuses.batch.{what}"))
        }
        _ => None,
    }
}
