//! What comes with every call.

use serde::de::DeserializeOwned;

use crate::bindings::host::liaison::connector::types as wit;
use crate::fault::Fault;

/// Which of the vendor's worlds a connection belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Environment {
    /// The real account.
    #[default]
    Production,
    /// A test account.
    Sandbox,
}

/// What comes with every call: the connection's settings and what the call is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Call {
    /// The settings as JSON text.
    pub settings: String,
    /// Which of the vendor's worlds.
    pub environment: Environment,
    /// A run's name, `check`, `discover`; for logs.
    pub purpose: String,
}

impl Call {
    /// A call as a test makes it, with settings as a JSON value.
    pub fn with_settings(settings: impl Into<serde_json::Value>) -> Self {
        Self { settings: settings.into().to_string(), ..Self::default() }
    }

    /// The settings as the connector's own type.
    ///
    /// # Errors
    /// `config`, with what was expected, when they do not fit.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let text = if self.settings.trim().is_empty() { "{}" } else { &self.settings };
        serde_json::from_str(text).map_err(|error| Fault::config("settings", error))
    }
}

impl From<wit::Call> for Call {
    fn from(call: wit::Call) -> Self {
        let environment = match call.environment {
            wit::Environment::Production => Environment::Production,
            wit::Environment::Sandbox => Environment::Sandbox,
        };
        Self { settings: call.settings, environment, purpose: call.purpose }
    }
}
