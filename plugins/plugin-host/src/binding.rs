//! What makes a package a connector of one connection.

use std::sync::Arc;

use plugin_gateway::ConnectionGateway;
use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::recording::Recorder;

/// Which of the vendor's worlds a connection belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Environment {
    /// The real account.
    #[default]
    Production,
    /// A test account.
    Sandbox,
}

/// What makes a package a connector of one connection.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The connection's name, for logs and faults.
    pub connection: String,
    /// Its settings; whether they fit the manifest's schema was checked before.
    pub settings: serde_json::Value,
    /// Which of the vendor's worlds it belongs to.
    pub environment: Environment,
    /// Its way out, with its grants and credentials.
    pub gateway: Arc<ConnectionGateway>,
    /// What its guest may use; none = the host's.
    pub limits: Option<Limits>,
    /// What records its runs.
    pub recorder: Option<Arc<dyn Recorder>>,
}

impl Binding {
    /// A production connection under the host's limits.
    pub fn new(
        connection: impl Into<String>,
        settings: serde_json::Value,
        gateway: Arc<ConnectionGateway>,
    ) -> Self {
        Self {
            connection: connection.into(),
            settings,
            environment: Environment::default(),
            gateway,
            limits: None,
            recorder: None,
        }
    }
}
