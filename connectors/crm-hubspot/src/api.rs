//! Requests to HubSpot, and what its answers mean as a whole. What became of
//! the items of a batch is decided in [`crate::batch`].

use std::cell::{Cell, RefCell};

pub use liaison_sdk::Effect;
use liaison_sdk::http::{self, Request, Response};
use liaison_sdk::{Call, Fault, FaultCode, Hints, Notice, RateHint, clock};
use serde::de::DeserializeOwned;

use crate::refusal::Refusal;
use crate::settings::Settings;
use crate::time;

/// The version of the API that this connector is written against.
pub const VERSION: &str = "2026-03";
/// The credential slot of the manifest.
const CREDENTIAL: &str = "token";

/// Why there is no answer to work with.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// The request had no effect.
    Fault(Fault),
    /// It may have had one.
    Unknown(Fault),
    /// Its content was refused: it had no effect.
    Refused(Box<Refusal>),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Fault(fault) | Trouble::Unknown(fault) => fault,
            Trouble::Refused(refusal) => refusal.into_fault(None),
        }
    }
}

/// HubSpot, as one call of the hub sees it.
#[derive(Debug)]
pub struct Api {
    /// The connection's settings.
    pub settings: Settings,
    hints: RefCell<Hints>,
    began: Cell<Option<i64>>,
}

impl Api {
    /// HubSpot by the settings of a call.
    ///
    /// # Errors
    /// `config`.
    pub fn of(call: &Call) -> Result<Self, Fault> {
        let settings = Settings::of(call)?;
        Ok(Self { settings, hints: RefCell::default(), began: Cell::new(None) })
    }

    /// A request to a path below the address, with the credential.
    pub fn get(&self, path: &str) -> Request {
        http::get(format!("{}{path}", self.settings.url)).credential(CREDENTIAL)
    }

    /// A request with a body to a path below the address, with the credential.
    pub fn post(&self, path: &str, body: &serde_json::Value) -> Request {
        http::post(format!("{}{path}", self.settings.url)).credential(CREDENTIAL).json(body)
    }

    /// Sends a request and reads its answer; an empty body is `null`.
    ///
    /// # Errors
    /// [`Trouble`], by the answer and by what the request does.
    pub fn call<T: DeserializeOwned>(
        &self,
        effect: Effect,
        request: Request,
    ) -> Result<T, Trouble> {
        let response = request.send().map_err(|fault| match fault.code {
            FaultCode::Timeout if effect == Effect::Writes => Trouble::Unknown(fault),
            _ => Trouble::Fault(fault),
        })?;
        self.note(&response);
        if !response.is_success() {
            return Err(by_status(&response, effect));
        }
        let body = if response.body.is_empty() { b"null".as_slice() } else { &response.body };
        serde_json::from_slice(body).map_err(|error| {
            // A page of a proxy, or an answer that broke off.
            let kind = response.header("content-type").unwrap_or_default();
            let fault = Fault::drift("response", error).with("content-type", kind);
            match effect {
                Effect::Reads => Trouble::Fault(fault),
                Effect::Writes => Trouble::Unknown(Fault { code: FaultCode::Timeout, ..fault }),
            }
        })
    }

    /// When this call of the hub began, in milliseconds since 1970: by
    /// HubSpot's clock once it has answered, since ours may be wrong.
    pub fn began(&self) -> i64 {
        self.began.get().unwrap_or_else(|| clock::now().div_euclid(1_000))
    }

    /// What the answers said about limits and deprecations.
    pub fn hints(&self) -> Hints {
        self.hints.borrow().clone()
    }

    fn note(&self, response: &Response) {
        if self.began.get().is_none() {
            self.began.set(response.header("date").and_then(time::parse_http_date));
        }
        let mut hints = self.hints.borrow_mut();
        for hint in rates(response) {
            hints.rates.retain(|known| known.scope != hint.scope);
            hints.rates.push(hint);
        }
        for topic in ["deprecation", "sunset"] {
            let Some(date) = response.header(topic) else { continue };
            let args = vec![("date".to_owned(), date.to_owned())];
            let notice = Notice { topic: topic.to_owned(), args };
            if !hints.notices.contains(&notice) {
                hints.notices.push(notice);
            }
        }
    }
}

/// The limits that an answer tells; those of the search tell none.
fn rates(response: &Response) -> Vec<RateHint> {
    let number = |name: &str| {
        let value = response.header(&format!("x-hubspot-ratelimit-{name}"))?;
        value.trim().parse::<u32>().ok()
    };
    let window = number("interval-milliseconds").map(|millis| millis.div_ceil(1_000));
    let hint = |scope: &str, remaining, limit, reset_after_seconds| {
        let scope = scope.to_owned();
        RateHint { scope, remaining: Some(remaining), limit, reset_after_seconds, cost: None }
    };
    let short = number("remaining").map(|left| hint("account", left, number("max"), window));
    let daily = number("daily-remaining");
    let daily = daily.map(|left| hint("account-daily", left, number("daily"), None));
    short.into_iter().chain(daily).collect()
}

fn by_status(response: &Response, effect: Effect) -> Trouble {
    let retry_after = response.header("retry-after").and_then(|text| text.trim().parse().ok());
    let refusal = Refusal::of(response);
    match response.status {
        300..=399 => {
            let expected = "the address that it redirects to";
            Trouble::Fault(Fault::config("settings.url", expected).with("status", response.status))
        }
        status if effect.is_unknown(status) => {
            let fault = refusal.into_fault(retry_after);
            Trouble::Unknown(Fault { code: FaultCode::Timeout, ..fault })
        }
        // The content is refused by these alone.
        400 | 404..=422 if refusal.is_told() || response.status == 413 => {
            Trouble::Refused(Box::new(refusal))
        }
        _ => Trouble::Fault(refusal.into_fault(retry_after)),
    }
}
