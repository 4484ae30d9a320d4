//! Requests to the Graph API, and what its answers mean as a whole.

use std::cell::RefCell;

use liaison_sdk::http::{Request, Response};
use liaison_sdk::{Call, Fault, FaultCode, Hints};
use serde::de::DeserializeOwned;

use crate::refusal::{self, Refusal};
use crate::settings::Settings;
use crate::usage;

/// The version of the API that this connector is written against.
pub const VERSION: &str = "v26.0";
/// The credential slot of the manifest.
const CREDENTIAL: &str = "token";
/// Statuses by which a proxy says that Meta was not reached.
const NOT_REACHED: [u16; 4] = [503, 521, 522, 523];

/// Whether a request changes something: what a missing answer means hangs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It can be repeated.
    Reads,
    /// Without an answer nobody knows.
    Writes,
}

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

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// By the answer. After a write `timeout` means that nobody knows, everything
    /// else that nothing was changed.
    pub fn call<T: DeserializeOwned>(&self, effect: Effect, request: Request) -> Result<T, Fault> {
        let response = request.send()?;
        self.hints.borrow_mut().rates.extend(usage::hint(&response));
        if let Some(refusal) = Refusal::of(&response) {
            return Err(unsure(effect, &response, refusal.into_fault(&response)));
        }
        if !response.is_success() {
            return Err(unsure(effect, &response, refusal::by_status(&response)));
        }
        serde_json::from_slice(&response.body).map_err(|error| {
            // A page of a proxy, or an answer that broke off.
            let kind = response.header("content-type").unwrap_or_default();
            let fault = Fault::drift("response", error).with("content-type", kind);
            match effect {
                Effect::Reads => fault,
                Effect::Writes => Fault { code: FaultCode::Timeout, ..fault },
            }
        })
    }

    /// What the answers said about limits.
    pub fn hints(&self) -> Hints {
        self.hints.borrow().clone()
    }
}

/// A server that failed while it wrote may have written.
fn unsure(effect: Effect, response: &Response, fault: Fault) -> Fault {
    let failed = response.status >= 500 && !NOT_REACHED.contains(&response.status);
    if effect == Effect::Writes && failed && fault.code == FaultCode::Transient {
        Fault { code: FaultCode::Timeout, ..fault }
    } else {
        fault
    }
}
