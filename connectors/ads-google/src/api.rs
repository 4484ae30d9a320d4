//! Requests to the Data Manager API, and what its answers mean as a whole.

pub use liaison_sdk::Effect;
use liaison_sdk::http::Request;
use liaison_sdk::{Call, Environment, Fault};
use serde::de::DeserializeOwned;

use crate::refusal::{self, Refusal};
use crate::settings::Settings;

/// The version of the API that this connector is written against.
pub const VERSION: &str = "v1";
/// The credential slot of the manifest.
const CREDENTIAL: &str = "google";

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

    /// A request to the lists or to one of them, which says in a header through which
    /// account.
    pub fn lists(&self, method: &str, key: Option<&str>) -> Request {
        let lists = format!("{}/userLists", account(&self.settings.account));
        let path = key.map_or(lists.clone(), |key| format!("{lists}/{key}"));
        let request = self.request(method, &path);
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
            return Err(effect.judged(&response, fault));
        }
        effect.json(&response)
    }
}

fn account(number: &str) -> String {
    format!("accountTypes/GOOGLE_ADS/accounts/{number}")
}
