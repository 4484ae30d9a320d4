//! Requests to the Data Manager API, and what its answers mean as a whole.

use liaison_sdk::http::{Request, Response};
use liaison_sdk::{Call, Environment, Fault, FaultCode};
use serde::de::DeserializeOwned;

use crate::refusal::{self, Refusal};
use crate::settings::Settings;

/// The version of the API that this connector is written against.
pub const VERSION: &str = "v1";
/// The credential slot of the manifest.
const CREDENTIAL: &str = "google";
/// Statuses by which a proxy says that Google was not reached.
const NOT_REACHED: [u16; 4] = [503, 521, 522, 523];

/// Whether a request changes something: what a missing answer means hangs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It can be repeated.
    Reads,
    /// Without an answer nobody knows.
    Writes,
}

/// The API, as one call of the hub sees it.
#[derive(Debug)]
pub struct Api {
    /// The connection's settings.
    pub settings: Settings,
    /// Nothing is carried out: requests of people are only validated.
    pub validate_only: bool,
}

impl Api {
    /// The API by the settings of a call.
    ///
    /// # Errors
    /// `config`.
    pub fn of(call: &Call) -> Result<Self, Fault> {
        let validate_only = call.environment == Environment::Sandbox;
        Ok(Self { settings: Settings::of(call)?, validate_only })
    }

    /// A request to a path below the version, with the credential.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let url = format!("{}/{VERSION}/{path}", self.settings.url);
        Request::new(method, url).credential(CREDENTIAL)
    }

    /// The resource name of the account.
    pub fn account(&self) -> String {
        account(&self.settings.account)
    }

    /// A request to the lists, which say in a header through which account.
    pub fn lists(&self, method: &str, path: &str) -> Request {
        let request = self.request(method, path);
        match &self.settings.login_account {
            Some(login) => request.header("login-account", account(login)),
            None => request,
        }
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// By the answer. After a write `timeout` means that nobody knows, everything
    /// else that nothing was changed.
    pub fn call<T: DeserializeOwned>(&self, effect: Effect, request: Request) -> Result<T, Fault> {
        let response = request.send()?;
        if !response.is_success() {
            let fault = match Refusal::of(&response) {
                Some(refusal) => refusal.into_fault(&response),
                None => refusal::by_status(&response),
            };
            return Err(unsure(effect, &response, fault));
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
}

fn account(number: &str) -> String {
    format!("accountTypes/GOOGLE_ADS/accounts/{number}")
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
