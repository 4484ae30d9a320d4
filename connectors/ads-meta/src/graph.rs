//! Requests to the Graph API, and what its answers mean as a whole.

use std::cell::RefCell;

pub use liaison_sdk::Effect;
use liaison_sdk::http::Request;
use liaison_sdk::{Call, Fault, FaultCode, Hints};
use serde::de::DeserializeOwned;

use crate::refusal::{self, Refusal};
use crate::settings::Settings;
use crate::usage;

/// The version of the API that this connector is written against.
pub const VERSION: &str = "v26.0";
/// The credential slot of the manifest.
const CREDENTIAL: &str = "token";

/// The Graph API, as one call of the hub sees it.
#[derive(Debug)]
pub struct Graph {
    /// The connection's settings.
    pub settings: Settings,
    hints: RefCell<Hints>,
}

impl Graph {
    /// The Graph API by the settings of a call.
    ///
    /// # Errors
    /// `config`.
    pub fn of(call: &Call) -> Result<Self, Fault> {
        Ok(Self { settings: Settings::of(call)?, hints: RefCell::default() })
    }

    /// A request to an object, with the credential.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let url = format!("{}/{VERSION}/{path}", self.settings.url);
        Request::new(method, url).credential(CREDENTIAL)
    }

    /// Path of the audiences of the account.
    pub fn audiences(&self) -> String {
        format!("act_{}/customaudiences", self.settings.account)
    }

    /// Whether there is an object that a setting names.
    ///
    /// # Errors
    /// `config` where there is none; otherwise the request's.
    pub fn exists(&self, number: &str, setting: &str) -> Result<(), Fault> {
        let ask = self.request("GET", number).query("fields", "id");
        let found = self.call::<serde_json::Value>(Effect::Reads, ask);
        found.map(drop).map_err(|fault| match fault.code {
            FaultCode::NotFound => Fault { code: FaultCode::Config, ..fault }.at(setting),
            _ => fault,
        })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// By the answer. After a write `timeout` means that nobody knows, everything
    /// else that nothing was changed.
    pub fn call<T: DeserializeOwned>(&self, effect: Effect, request: Request) -> Result<T, Fault> {
        let response = request.send()?;
        self.hints.borrow_mut().rates.extend(usage::hint(&response));
        let fault = match Refusal::of(&response) {
            Some(refusal) => refusal.into_fault(&response),
            None if response.is_success() => return effect.json(&response),
            None => refusal::by_status(&response),
        };
        Err(effect.judged(&response, fault))
    }

    /// What the answers said about limits.
    pub fn hints(&self) -> Hints {
        self.hints.borrow().clone()
    }
}
