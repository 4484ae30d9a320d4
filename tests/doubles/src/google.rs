//! A Google Ads account with its Customer Match lists, as the Data Manager API v1 shows
//! it, and the log-in in front of it.
//!
//! | what it does as Google does | where |
//! |---|---|
//! | A body with a field, an enum's word or a type that the official definitions do not have is refused | [`proto`] |
//! | One invalid record fails its whole request | [`people`] |
//! | A request is taken in; its status says `PROCESSING` until it was worked on, then counts by reason | here |
//! | People join and leave by any identifier that they share; twice changes nothing | [`people`] |
//! | Conversions are taken in for an action, and count once by their transaction id | [`events`] |
//! | A request that is only validated has no number and changes nothing | here |
//! | A name that another list of the account has is refused; lists are filtered by name; pages have tokens | here |
//! | A refresh token becomes an access token; 401, 403, 429 with `RetryInfo`, terms, pages of proxies, answers that break off | [`Trouble`] |

pub mod events;
pub mod people;
pub mod proto;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

use crate::http::{Answer, Request, Vendor};

/// The access token that is let in.
pub const TOKEN: &str = "ya29.double";
/// The refresh token that becomes one.
pub const REFRESH_TOKEN: &str = "1//double";
/// The number of the account.
pub const ACCOUNT: &str = "1234567890";

/// Something that goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The access token is expired.
    Expired,
    /// The person has no access.
    NoPermission,
    /// Nobody has accepted the terms.
    NoTerms,
    /// The limit of a minute is reached; it says for how many seconds.
    TooFast(u32),
    /// The allowance of the day is used up.
    QuotaGone,
    /// Google is out of order, and says so.
    OutOfOrder,
    /// A page of a proxy, with this status.
    Page(u16),
    /// The request is carried out, and the answer breaks off.
    BreaksOff,
    /// The request is carried out, and a proxy says that no answer came.
    NoAnswer,
}

/// A list.
#[derive(Debug, Clone, Default)]
struct List {
    shown: Value,
    people: people::People,
}

/// A request that was taken in.
#[derive(Debug, Clone)]
struct Job {
    records: Records,
    status: Option<Value>,
}

/// What a request holds.
#[derive(Debug, Clone)]
enum Records {
    /// The identifiers of each who joins a list, or leaves it.
    People {
        list: u64,
        removes: bool,
        identifiers: Vec<BTreeSet<String>>,
    },
    Events(Vec<Value>),
}

/// An account.
#[derive(Debug, Default)]
pub struct Google {
    /// Lists of one page, at most what is asked for; 0 = what is asked for.
    pub page_items_max: usize,
    lists: BTreeMap<u64, List>,
    conversions: events::Conversions,
    jobs: Vec<Job>,
    troubles: VecDeque<(String, Trouble)>,
    seen: Vec<(Request, Answer)>,
}

/// An error in Google's form.
pub(crate) fn error(status: u16, word: &str, reason: &str, more: &[Value]) -> Answer {
    let info = json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason,
        "domain": "datamanager.googleapis.com",
    });
    let details: Vec<Value> = more.iter().cloned().chain([info]).collect();
    let error =
        json!({"code": status, "message": "It cannot be", "status": word, "details": details});
    Answer::json(status, &json!({ "error": error }))
}

/// A refusal of a field.
pub(crate) fn invalid(field: &str, reason: &str) -> Answer {
    let violation = json!({
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": field, "description": reason}],
    });
    error(400, "INVALID_ARGUMENT", reason, &[violation])
}

impl Google {
    /// The next request that holds `part` in its method and path fails this way.
    pub fn fail(&mut self, part: &str, trouble: Trouble) {
        self.troubles.push_back((part.to_owned(), trouble));
    }

    /// A list that is there already, made by hand or shared by another account, for a
    /// kind of keys; its number.
    pub fn make(&mut self, name: &str, kind: &str) -> String {
        self.add(&json!({"displayName": name, "ingestedUserListInfo": {"uploadKeyTypes": [kind]}}))
    }

    fn add(&mut self, body: &Value) -> String {
        let number = self.lists.keys().next_back().map_or(9_001, |last| last + 1);
        let mut shown = body.clone();
        shown["name"] =
            format!("accountTypes/GOOGLE_ADS/accounts/{ACCOUNT}/userLists/{number}").into();
        shown["id"] = number.to_string().into();
        shown["accessReason"] = "OWNED".into();
        self.lists.insert(number, List { shown, ..List::default() });
        number.to_string()
    }

    /// The names of all lists, oldest first.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.lists.values().filter_map(|list| list.shown["displayName"].as_str()).collect()
    }

    /// The number of every list of a name, oldest first.
    #[must_use]
    pub fn numbers(&self, name: &str) -> Vec<String> {
        let named = self.lists.iter().filter(|(_, list)| list.shown["displayName"] == name);
        named.map(|(number, _)| number.to_string()).collect()
    }

    /// The people of a list: their identifiers, each person on a line.
    #[must_use]
    pub fn people(&self, number: &str) -> Vec<String> {
        let list = number.parse().ok().and_then(|number: u64| self.lists.get(&number));
        list.map(|list| list.people.lines()).unwrap_or_default()
    }

    /// Works on everything that was taken in. So many records of each request turn out
    /// to be wrong, and are left out.
    pub fn work(&mut self, wrong: usize) {
        for job in self.jobs.iter_mut().filter(|job| job.status.is_none()) {
            let mut good = job.records.len().saturating_sub(wrong);
            match &job.records {
                Records::People { list, removes, identifiers } => {
                    let mut list = self.lists.get_mut(list);
                    for record in identifiers.iter().take(good) {
                        let Some(list) = &mut list else { break };
                        if *removes { list.people.leave(record) } else { list.people.join(record) }
                    }
                }
                Records::Events(events) => {
                    good = self.conversions.add(events.iter().take(good));
                }
            }
            job.status = Some(job.finished(good));
        }
    }

    /// Every conversion that counts, by its transaction id.
    #[must_use]
    pub fn conversions(&self) -> Vec<&Value> {
        self.conversions.all()
    }

    /// Every request so far with its answer.
    #[must_use]
    pub fn seen(&self) -> &[(Request, Answer)] {
        &self.seen
    }

    fn trouble(&mut self, request: &Request) -> Option<Trouble> {
        let line = format!("{} {}", request.method, request.path());
        let at = self.troubles.iter().position(|(part, _)| line.contains(part.as_str()))?;
        self.troubles.remove(at).map(|(_, trouble)| trouble)
    }

    fn judge(&mut self, request: &Request) -> Answer {
        if (request.method.as_str(), request.path()) == ("POST", "/token") {
            return log_in(&request.form());
        }
        let trouble = self.trouble(request);
        let token = request.find("authorization");
        if token != Some(&format!("Bearer {TOKEN}")) || trouble == Some(Trouble::Expired) {
            return error(401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED", &[]);
        }
        match trouble {
            Some(Trouble::NoPermission) => {
                return error(403, "PERMISSION_DENIED", "PERMISSION_DENIED", &[]);
            }
            Some(Trouble::NoTerms) => {
                let reason = "TERMS_AND_CONDITIONS_NOT_SIGNED";
                return error(400, "FAILED_PRECONDITION", reason, &[]);
            }
            Some(Trouble::TooFast(seconds)) => {
                let retry = json!({
                    "@type": "type.googleapis.com/google.rpc.RetryInfo",
                    "retryDelay": format!("{seconds}s"),
                });
                return error(429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED", &[retry]);
            }
            Some(Trouble::QuotaGone) => return quota_gone(),
            Some(Trouble::OutOfOrder) => return error(500, "INTERNAL", "INTERNAL_ERROR", &[]),
            Some(Trouble::Page(status)) => return Answer::page(status),
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
        let missing = || error(404, "NOT_FOUND", "NOT_FOUND", &[]);
        let body = request.json();
        let lists = ["v1", "accountTypes", "GOOGLE_ADS", "accounts", ACCOUNT, "userLists"];
        match (request.method.as_str(), path.as_slice()) {
            ("GET", path) if path == lists => self.page(request),
            ("POST", path) if path == lists => match proto::check("UserList", &body) {
                Ok(())
                    if self.names().contains(&body["displayName"].as_str().unwrap_or_default()) =>
                {
                    invalid("user_list.display_name", "DISPLAY_NAME_ALREADY_USED")
                }
                Ok(()) => {
                    let number = self.add(&body);
                    self.shown(&number).map_or_else(missing, |shown| Answer::json(200, &shown))
                }
                Err(field) => invalid(&field, "INVALID_ARGUMENT"),
            },
            ("GET", [path @ .., number]) if path == lists => {
                self.shown(number).map_or_else(missing, |shown| Answer::json(200, &shown))
            }
            ("DELETE", [path @ .., number]) if path == lists => {
                let number: u64 = number.parse().unwrap_or_default();
                self.lists.remove(&number).map_or_else(missing, |_| Answer::json(200, &json!({})))
            }
            ("POST", ["v1", "audienceMembers:ingest"]) => self.take(&body, false),
            ("POST", ["v1", "audienceMembers:remove"]) => self.take(&body, true),
            ("POST", ["v1", "events:ingest"]) => self.take_events(&body),
            ("GET", ["v1", "requestStatus:retrieve"]) => self.status(request),
            _ => missing(),
        }
    }

    fn shown(&self, number: &str) -> Option<Value> {
        self.lists.get(&number.parse().ok()?).map(|list| list.shown.clone())
    }

    fn page(&self, request: &Request) -> Answer {
        let asked = |name: &str| request.parameter(name)?.parse::<u64>().ok();
        let limit = usize::try_from(asked("pageSize").unwrap_or(50)).unwrap_or(50).min(1_000);
        let most = if self.page_items_max == 0 { limit } else { limit.min(self.page_items_max) };
        let named = request.parameter("filter").map(|filter| {
            let name = filter.strip_prefix("display_name = \"").and_then(|it| it.strip_suffix('"'));
            name.unwrap_or_default().replace("\\\"", "\"").replace("\\\\", "\\")
        });
        let fits = |list: &(&u64, &List)| {
            named.as_ref().is_none_or(|name| list.1.shown["displayName"] == **name)
        };
        let after = asked("pageToken").unwrap_or_default();
        let rest: Vec<_> = self.lists.range(after + 1..).filter(fits).collect();
        let shown: Vec<Value> =
            rest.iter().take(most).map(|(_, list)| list.shown.clone()).collect();
        let mut answer = json!({ "userLists": shown });
        if let Some((last, _)) = rest.get(most.wrapping_sub(1)).filter(|_| rest.len() > most) {
            answer["nextPageToken"] = last.to_string().into();
        }
        Answer::json(200, &answer)
    }

    fn take(&mut self, body: &Value, removes: bool) -> Answer {
        let message =
            if removes { "RemoveAudienceMembersRequest" } else { "IngestAudienceMembersRequest" };
        if let Err(field) = proto::check(message, body) {
            return invalid(&field, "INVALID_ARGUMENT");
        }
        let destination = &body["destinations"][0];
        let number = destination["productDestinationId"].as_str().unwrap_or_default();
        let list: u64 = number.parse().unwrap_or_default();
        let own = destination["operatingAccount"]["accountId"] == ACCOUNT;
        if !own || !self.lists.contains_key(&list) {
            return invalid("destinations[0].product_destination_id", "INVALID_USER_LIST_ID");
        }
        let terms = &body["termsOfService"]["customerMatchTermsOfServiceStatus"];
        if !removes && terms != "ACCEPTED" {
            return error(400, "FAILED_PRECONDITION", "TERMS_AND_CONDITIONS_NOT_SIGNED", &[]);
        }
        let records = match people::records(body) {
            Ok(records) => records,
            Err(refusal) => return refusal,
        };
        self.take_in(body, Records::People { list, removes, identifiers: records })
    }

    fn take_events(&mut self, body: &Value) -> Answer {
        if let Err(field) = proto::check("IngestEventsRequest", body) {
            return invalid(&field, "INVALID_ARGUMENT");
        }
        match events::records(body) {
            Ok(events) => self.take_in(body, Records::Events(events)),
            Err(refusal) => refusal,
        }
    }

    fn take_in(&mut self, body: &Value, records: Records) -> Answer {
        if body["validateOnly"] == true {
            return Answer::json(200, &json!({}));
        }
        self.jobs.push(Job { records, status: None });
        Answer::json(200, &json!({"requestId": format!("126365e1-{}", self.jobs.len())}))
    }

    fn status(&self, request: &Request) -> Answer {
        let number = request.parameter("requestId");
        let number = number.as_deref().and_then(|it| it.strip_prefix("126365e1-")?.parse().ok());
        let job = number.and_then(|number: usize| self.jobs.get(number.checked_sub(1)?));
        match job {
            None => invalid("request_id", "INVALID_REQUEST_ID"),
            Some(job) => {
                let processing = || json!({"requestStatus": "PROCESSING"});
                let status = job.status.clone().unwrap_or_else(processing);
                Answer::json(200, &json!({"requestStatusPerDestination": [status]}))
            }
        }
    }
}

impl Records {
    fn len(&self) -> usize {
        match self {
            Self::People { identifiers, .. } => identifiers.len(),
            Self::Events(events) => events.len(),
        }
    }
}

impl Job {
    /// Its status once it was worked on. Numbers of 64 bits are texts.
    fn finished(&self, good: usize) -> Value {
        let all = self.records.len();
        let counts =
            json!({"recordCount": all.to_string(), "userIdentifierCount": all.to_string()});
        let mut status = match &self.records {
            Records::People { removes: true, .. } => {
                json!({"audienceMembersRemovalStatus": {"userDataRemovalStatus": counts}})
            }
            Records::People { .. } => {
                json!({"audienceMembersIngestionStatus": {"userDataIngestionStatus": counts}})
            }
            Records::Events(_) => {
                json!({"eventsIngestionStatus": {"recordCount": all.to_string()}})
            }
        };
        let word = match good {
            _ if good == all => "SUCCESS",
            0 => "FAILED",
            _ => "PARTIAL_SUCCESS",
        };
        status["requestStatus"] = word.into();
        if good < all {
            let reason = "PROCESSING_ERROR_REASON_UNKNOWN_CONSENT";
            let count = json!({"recordCount": (all - good).to_string(), "reason": reason});
            status["errorInfo"] = json!({ "errorCounts": [count] });
        }
        status
    }
}

/// A form with every parameter once; the client is not looked at.
fn log_in(form: &[(String, String)]) -> Answer {
    let names: BTreeSet<&str> = form.iter().map(|(name, _)| name.as_str()).collect();
    let has = |name: &str, value: &str| form.iter().any(|(n, v)| n == name && v == value);
    let client = names.contains("client_id") && names.contains("client_secret");
    let once = names.len() == form.len();
    if !client || !once || !has("grant_type", "refresh_token") {
        Answer::json(400, &json!({"error": "invalid_request"}))
    } else if has("refresh_token", REFRESH_TOKEN) {
        let token = json!({"access_token": TOKEN, "expires_in": 3_599, "token_type": "Bearer"});
        Answer::json(200, &token)
    } else {
        Answer::json(400, &json!({"error": "invalid_grant"}))
    }
}

fn quota_gone() -> Answer {
    let info = json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED",
        "domain": "googleapis.com", "metadata": {"quota_limit": "RequestsPerDayPerProject"},
    });
    error(429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED", &[info])
}

impl Vendor for Google {
    fn answer(&mut self, request: &Request) -> Answer {
        let answer = self.judge(request);
        self.seen.push((request.clone(), answer.clone()));
        answer
    }
}
