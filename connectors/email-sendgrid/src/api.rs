//! Requests to SendGrid, and what its answers mean as a whole.

use std::cell::RefCell;
use std::io::Read as _;

use flate2::read::MultiGzDecoder;
pub use liaison_sdk::Effect;
use liaison_sdk::http::{self, Request, Response};
use liaison_sdk::{Call, Environment, Fault, FaultCode, Hints, RateHint, clock, time};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::refusal;
use crate::settings::Settings;

/// The version of the API that this connector is written against.
pub const VERSION: &str = "v3";
/// The credential slot of the manifest.
const CREDENTIAL: &str = "key";
/// Largest file, decompressed, in bytes.
const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// What compressed bytes begin with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A request and what is needed to understand its refusal.
#[derive(Debug)]
pub struct Ask {
    request: Request,
    path: String,
    sent: Vec<u8>,
}

impl Ask {
    /// With a query parameter.
    #[must_use]
    pub fn query(self, name: &str, value: impl ToString) -> Self {
        Self { request: self.request.query(name, value), ..self }
    }

    /// With a body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        let sent = body.to_string().into_bytes();
        let request = self.request.header("content-type", "application/json").body(sent.clone());
        Self { request, sent, ..self }
    }
}

/// SendGrid, as one call of the hub sees it.
#[derive(Debug)]
pub struct Api {
    /// The connection's settings.
    pub settings: Settings,
    /// Mail is judged and not sent.
    pub is_sandbox: bool,
    /// What the hub's call is, as budgets name it.
    scope: &'static str,
    hint: RefCell<Option<RateHint>>,
}

impl Api {
    /// SendGrid by the settings of a call.
    ///
    /// # Errors
    /// `config`.
    pub fn of(call: &Call, scope: &'static str) -> Result<Self, Fault> {
        let is_sandbox = call.environment == Environment::Sandbox;
        Ok(Self { settings: Settings::of(call)?, is_sandbox, scope, hint: RefCell::default() })
    }

    /// A request to a path, with the credential.
    pub fn ask(&self, method: &str, path: &str) -> Ask {
        let url = format!("{}{path}", self.settings.url);
        let request = Request::new(method, url).credential(CREDENTIAL);
        Ask { request, path: path.to_owned(), sent: Vec::new() }
    }

    /// A request that reads.
    pub fn get(&self, path: &str) -> Ask {
        self.ask("GET", path)
    }

    /// The answer to a request, whatever it says of the limits.
    ///
    /// # Errors
    /// By the answer. After a write `timeout` means that nobody knows, everything
    /// else that nothing was changed.
    pub fn send(&self, effect: Effect, ask: Ask) -> Result<Response, Fault> {
        let response = ask.request.send()?;
        let now = clock::now().div_euclid(time::SECOND_MICROS);
        self.note(&response, now);
        if response.is_success() {
            return Ok(response);
        }
        Err(effect.judged(&response, refusal::fault(&response, &ask.path, &ask.sent, now)))
    }

    /// What a request that reads answers.
    ///
    /// # Errors
    /// As [`Self::send`]; `schema-drift` for another form.
    pub fn reads<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, Fault> {
        Effect::Reads.json(&self.send(Effect::Reads, ask)?)
    }

    /// What a request that writes answers.
    ///
    /// # Errors
    /// As [`Self::send`]; `timeout` for another form.
    pub fn writes<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, Fault> {
        Effect::Writes.json(&self.send(Effect::Writes, ask)?)
    }

    /// A request that deletes.
    ///
    /// # Errors
    /// As [`Self::send`]; `schema-drift` for another success than 204.
    pub fn deletes(&self, ask: Ask) -> Result<(), Fault> {
        match self.send(Effect::Writes, ask)?.status {
            204 => Ok(()),
            status => Err(Fault::drift("status", "204").with("status", status)),
        }
    }

    /// A file at an address that SendGrid named: fetched without the credential, since
    /// the address is signed, and decompressed.
    ///
    /// # Errors
    /// `config` for an address that is elsewhere than the settings say, `not-found`
    /// for a file that is gone.
    pub fn file(&self, url: &str) -> Result<Vec<u8>, Fault> {
        let own = url.strip_prefix(self.settings.files_url.as_str());
        if !own.is_some_and(|rest| rest.starts_with('/')) {
            let origin: Vec<&str> = url.splitn(4, '/').take(3).collect();
            return Err(Fault::config("settings.files_url", origin.join("/")));
        }
        let response = http::get(url).send()?;
        match response.status {
            // A signed address that is over is forbidden.
            400 | 403 | 404 | 410 => {
                return Err(Fault::new(FaultCode::NotFound).with("status", response.status));
            }
            _ => {}
        }
        let body = response.expect_success()?.body;
        if !body.starts_with(&GZIP) {
            return Ok(body);
        }
        let mut text = Vec::new();
        let mut decoder = MultiGzDecoder::new(body.as_slice()).take(FILE_BYTES_MAX + 1);
        decoder.read_to_end(&mut text).map_err(|error| Fault::drift("file", error))?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(Fault::new(FaultCode::Limit).with("bytes-max", FILE_BYTES_MAX));
        }
        Ok(text)
    }

    /// What the answers said about limits.
    pub fn hints(&self) -> Hints {
        Hints { rates: self.hint.borrow().iter().cloned().collect(), notices: Vec::new() }
    }

    /// Limits differ by kind of call: the tightest of this call counts.
    fn note(&self, response: &Response, now: i64) {
        let number = |name: &str| response.header(name)?.trim().parse::<i64>().ok();
        let small = |value: i64| u32::try_from(value).ok();
        let Some(remaining) = number("x-ratelimit-remaining").and_then(small) else { return };
        let reset = number("x-ratelimit-reset").and_then(|reset| small(reset - now));
        let mut hint = self.hint.borrow_mut();
        if hint.as_ref().is_none_or(|known| known.remaining >= Some(remaining)) {
            *hint = Some(RateHint {
                scope: self.scope.to_owned(),
                remaining: Some(remaining),
                limit: number("x-ratelimit-limit").and_then(small),
                reset_after_seconds: reset.filter(|seconds| *seconds <= 3_600),
                cost: None,
            });
        }
    }
}
