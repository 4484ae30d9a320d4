//! An ad account of Meta with its custom audiences, a dataset that takes conversions,
//! and a form with leads, by the Marketing API v26.0.
//!
//! | what it does as Meta does | where |
//! |---|---|
//! | A parameter that an edge does not have is refused, as the official SDK's definitions name them | [`form`] |
//! | A row that is no digest where one is wanted counts as invalid; nobody is told which | [`form`] |
//! | People join and leave by any identifier that they share with a row; twice changes nothing | [`audience`] |
//! | A replacement is a session of several requests: the old people stay until its last one | [`audience`] |
//! | Names are not unique; other kinds of audiences are listed among the rest; pages have cursors | here |
//! | One event that is too old or lacks something has all of its request refused; events of one name and number count once | [`events`] |
//! | Leads come newest first, are filtered by their time, and found by their number | [`leads`] |
//! | An app may ask for a proof of its secret with every request, and refuses a wrong one | here |
//! | 190, 200, 2663, 100/33, limits with usage headers, a blocked audience, pages of proxies, answers that break off | [`Trouble`] |
//!
//! No specification of these requests is published in a form that a program could hold
//! them against. The parameters are those of Meta's SDK generator
//! (`facebook-business-sdk-codegen`), everything else is what the reference says.

pub mod audience;
pub mod events;
pub mod form;
pub mod leads;

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use crate::http::{Answer, Request, Vendor};
use audience::Audience;

/// The version in every path.
pub const VERSION: &str = "v26.0";
/// The token that is let in.
pub const TOKEN: &str = "EAAdouble";
/// The app's secret.
pub const APP_SECRET: &str = "double-app-secret";
/// What Meta's own SDK makes of secret and token.
const PROOF: &str = "76c3669a480adf1ee26c25b57043f36a6f9388af5628662858142ab595e10b77";
/// The number of the account.
pub const ACCOUNT: &str = "1234567890";

/// Something that goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The token is expired.
    Expired,
    /// The token lacks `ads_management`.
    NoPermission,
    /// Nobody has accepted the terms for custom audiences.
    NoTerms,
    /// A limit is reached, told by this code; the header says for how many minutes.
    TooFast(u32, u32),
    /// The audience is blocked.
    Blocked,
    /// Meta is out of order, and says so.
    OutOfOrder,
    /// A page of a proxy, with this status.
    Page(u16),
    /// The request is carried out, and the answer breaks off.
    BreaksOff,
    /// The request is carried out, and a proxy says that no answer came.
    NoAnswer,
}

/// An account.
#[derive(Debug, Default)]
pub struct Meta {
    /// Audiences of one page, at most what is asked for; 0 = what is asked for.
    pub page_items_max: usize,
    /// "Require app secret" is on.
    pub asks_for_proof: bool,
    /// The events that were taken.
    pub events: events::Events,
    /// The leads of the form.
    pub leads: leads::Leads,
    audiences: BTreeMap<u64, Audience>,
    troubles: VecDeque<(String, Trouble)>,
    seen: Vec<(Request, Answer)>,
}

/// An error as Meta words it.
pub(crate) fn error(status: u16, code: u32, subcode: Option<u32>, message: &str) -> Answer {
    let mut error = json!({
        "message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AdoubleTrace",
    });
    if let Some(subcode) = subcode {
        error["error_subcode"] = subcode.into();
    }
    Answer::json(status, &json!({ "error": error }))
}

fn missing(number: &str) -> Answer {
    let message = format!(
        "Unsupported request. Object with ID '{number}' does not exist, cannot be loaded due to \
         missing permissions, or does not support this operation"
    );
    error(400, 100, Some(33), &message)
}

impl Meta {
    /// The next request that holds `part` in its method and path fails this way:
    /// `POST /v26.0/7/users`.
    pub fn fail(&mut self, part: &str, trouble: Trouble) {
        self.troubles.push_back((part.to_owned(), trouble));
    }

    /// Somebody makes an audience of a kind by hand; its number.
    pub fn make(&mut self, name: &str, subtype: &str) -> String {
        let number = self.audiences.keys().next_back().map_or(23_850_000_001, |last| last + 1);
        self.audiences.insert(number, Audience::new(name, subtype));
        number.to_string()
    }

    /// The names of all audiences, oldest first.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.audiences.values().map(|audience| audience.name.as_str()).collect()
    }

    /// The number of every audience of a name, oldest first.
    #[must_use]
    pub fn numbers(&self, name: &str) -> Vec<String> {
        let named = self.audiences.iter().filter(|(_, audience)| audience.name == name);
        named.map(|(number, _)| number.to_string()).collect()
    }

    /// The people of an audience: their columns with values, as `EMAIL=… PHONE=…`.
    #[must_use]
    pub fn people(&self, number: &str) -> Vec<String> {
        let number = number.parse().unwrap_or_default();
        self.audiences.get(&number).map(Audience::people).unwrap_or_default()
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
        let trouble = self.trouble(request);
        let token = request.find("authorization");
        if token != Some(&format!("Bearer {TOKEN}")) || trouble == Some(Trouble::Expired) {
            let message = "Error validating access token: Session has expired";
            return error(400, 190, Some(463), message);
        }
        match request.parameter("appsecret_proof") {
            None if self.asks_for_proof => {
                let message = "API calls from the server require an appsecret_proof argument";
                return error(400, 100, None, message);
            }
            Some(proof) if proof != PROOF => {
                let message = "Invalid appsecret_proof provided in the API argument";
                return error(400, 100, None, message);
            }
            _ => {}
        }
        match trouble {
            Some(Trouble::NoPermission) => {
                return error(403, 200, None, "(#200) Requires ads_management permission");
            }
            Some(Trouble::NoTerms) => {
                let message = "(#2663) Terms of service has not been accepted. To accept, go to \
                    https://www.facebook.com/customaudiences/app/tos";
                return error(400, 2_663, None, message);
            }
            Some(Trouble::TooFast(code, minutes)) => return too_fast(code, minutes),
            Some(Trouble::Blocked) => {
                return error(400, 100, Some(1_713_230), "Invalid parameter");
            }
            Some(Trouble::OutOfOrder) => {
                return error(500, 2, None, "Service temporarily unavailable");
            }
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
        let (method, [VERSION, path @ ..]) = (request.method.as_str(), path.as_slice()) else {
            return error(400, 2_635, None, "You are calling a deprecated version of the Ads API");
        };
        if let Err(refusal) = form::check(method, path, request) {
            return refusal;
        }
        let body = request.json();
        match (method, path) {
            ("GET", [account, "customaudiences"]) if is_own(account) => self.list(request),
            ("POST", [account, "customaudiences"]) if is_own(account) => self.create(&body),
            ("POST", [events::DATASET, "events"]) => self.events.take(&body),
            ("GET", [events::DATASET]) => Answer::json(200, &json!({"id": events::DATASET})),
            ("GET", [leads::FORM]) => Answer::json(200, &json!({"id": leads::FORM})),
            ("GET", [leads::FORM, "leads"]) => self.leads.page(request, self.page_items_max),
            ("GET", [number]) if self.leads.has(number) => self.leads.one(number),
            ("GET", [number]) => match self.audience(number) {
                Some(audience) => Answer::json(200, &audience.shown(number)),
                None => missing(number),
            },
            ("DELETE", [number]) if self.audience(number).is_some() => {
                self.audiences.remove(&number.parse().unwrap_or_default());
                Answer::json(200, &json!({"success": true}))
            }
            (_, [number, edge @ ("users" | "usersreplace")]) => {
                let replaces = *edge == "usersreplace";
                match self.audience(number) {
                    Some(audience) if audience.takes_people() => {
                        audience.change(number, &body, method == "DELETE", replaces)
                    }
                    _ => missing(number),
                }
            }
            (_, [what, ..]) => missing(what),
            _ => missing(""),
        }
    }

    fn audience(&mut self, number: &str) -> Option<&mut Audience> {
        self.audiences.get_mut(&number.parse().ok()?)
    }

    fn list(&self, request: &Request) -> Answer {
        let asked = |name: &str| request.parameter(name)?.parse::<u64>().ok();
        let limit = usize::try_from(asked("limit").unwrap_or(25)).unwrap_or(25);
        let most = if self.page_items_max == 0 { limit } else { limit.min(self.page_items_max) };
        let after = asked("after").unwrap_or_default();
        let rest: Vec<_> = self.audiences.range(after + 1..).collect();
        let shown: Vec<_> = rest.iter().take(most).collect();
        let data: Vec<Value> =
            shown.iter().map(|(number, it)| it.shown(&number.to_string())).collect();
        let mut answer = json!({ "data": data });
        if let Some((last, _)) = shown.last() {
            answer["paging"] = json!({"cursors": {"before": "0", "after": last.to_string()}});
            if rest.len() > shown.len() {
                answer["paging"]["next"] =
                    format!("https://graph.facebook.com/?after={last}").into();
            }
        }
        Answer::json(200, &answer)
    }

    fn create(&mut self, body: &Value) -> Answer {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let number = self.make(&text("name"), &text("subtype"));
        Answer::json(200, &json!({ "id": number }))
    }
}

fn is_own(account: &str) -> bool {
    account.strip_prefix("act_") == Some(ACCOUNT)
}

fn too_fast(code: u32, minutes: u32) -> Answer {
    let usage = json!({ACCOUNT: [{
        "type": "custom_audience", "call_count": 100, "total_cputime": 25, "total_time": 25,
        "estimated_time_to_regain_access": minutes,
    }]});
    error(400, code, None, "There have been too many calls to this ad-account")
        .header("x-business-use-case-usage", usage.to_string())
}

impl Vendor for Meta {
    fn answer(&mut self, request: &Request) -> Answer {
        let answer = self.judge(request);
        self.seen.push((request.clone(), answer.clone()));
        answer
    }
}
