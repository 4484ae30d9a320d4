//! What all connections share: the lookup, the trusted authorities, the place
//! where sessions are kept.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::connection::{ConnectionGateway, Shared};
use crate::credential::Credential;
use crate::files::FileAccess;
use crate::grants::Grants;
use crate::http::HttpLimits;
use crate::oauth::{OAuthCredential, TokenKeeper};
use crate::redact::Redactor;
use crate::resolver::{Lookup, SystemLookup};
use crate::session::{SessionKeeper, TokenKeeping};
use crate::tls::{self, TlsFault};
use crate::wire::Wire;

/// What a gateway is made of.
#[derive(Clone)]
pub struct GatewayOptions {
    /// Where names are looked up.
    pub lookup: Arc<dyn Lookup>,
    /// Where sessions survive a restart; `None` keeps them in memory only.
    pub tokens: Option<TokenKeeping>,
    /// What the hub calls itself towards vendors.
    pub user_agent: String,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            lookup: Arc::new(SystemLookup),
            tokens: None,
            user_agent: concat!("Liaison/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// The gateway cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// The name towards vendors cannot stand in a header.
    #[error("`{0}` cannot be sent as User-Agent")]
    UserAgent(String),
}

/// Everything that one connection is allowed and given.
#[derive(Debug, Clone)]
pub struct ConnectionPolicy {
    /// The connection's name.
    pub connection: String,
    /// What it may reach.
    pub grants: Grants,
    /// Its credentials by slot.
    pub credentials: BTreeMap<String, Credential>,
    /// Its settings, for the templates of recipes.
    pub settings: Value,
    /// Its limits.
    pub limits: HttpLimits,
}

/// The way out of the hub.
pub struct Gateway {
    options: GatewayOptions,
    tls: Result<rustls::ClientConfig, TlsFault>,
    /// By connection and slot: a connection that is bound anew goes on with the token of
    /// the one before, or two would renew the same one.
    keepers: Mutex<BTreeMap<(String, String), Arc<TokenKeeper>>>,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agent = &self.options.user_agent;
        f.debug_struct("Gateway").field("user_agent", agent).finish_non_exhaustive()
    }
}

impl Gateway {
    /// A gateway. Without system certificates it still serves plain http; an
    /// https request then fails with the reason.
    ///
    /// # Errors
    ///
    /// The user agent is not valid.
    pub fn new(options: GatewayOptions) -> Result<Self, GatewayError> {
        if reqwest::header::HeaderValue::try_from(options.user_agent.as_str()).is_err() {
            return Err(GatewayError::UserAgent(options.user_agent));
        }
        let tls = tls::system();
        if let Err(reason) = &tls {
            tracing::warn!(%reason, "https is not possible");
        }
        Ok(Self { options, tls, keepers: Mutex::default() })
    }

    /// The way out of one connection. A change of its grants, settings or
    /// credentials needs a new one; pooled connections are not taken over.
    #[must_use]
    pub fn connection(&self, policy: ConnectionPolicy) -> Arc<ConnectionGateway> {
        let settings = Arc::new(policy.settings);
        let mut sessions = HashMap::new();
        let mut tokens = BTreeMap::new();
        for (slot, credential) in &policy.credentials {
            if let Credential::OAuth(oauth) = credential {
                let place = (policy.connection.clone(), slot.clone());
                tokens.insert(slot.clone(), self.keeper(place, &settings, oauth));
            }
            if let Credential::Session(session) = credential {
                let keeper = SessionKeeper::new(
                    policy.connection.clone(),
                    slot.clone(),
                    settings.clone(),
                    session.clone(),
                    self.options.tokens.clone(),
                );
                sessions.insert(slot.clone(), keeper);
            }
        }
        let tls = match &policy.grants.authorities_pem {
            Some(pem) => tls::only(pem),
            None => self.tls.clone(),
        };
        let folders = policy.grants.folders.clone();
        let wire = Arc::new(Wire {
            grants: Arc::new(policy.grants),
            limits: policy.limits,
            redactor: Arc::new(Redactor::new()),
            user_agent: self.options.user_agent.clone(),
            lookup: self.options.lookup.clone(),
            tls,
            clients: Mutex::default(),
        });
        let files = FileAccess::new(folders, wire.clone());
        let (connection, credentials) = (policy.connection, policy.credentials);
        Arc::new(ConnectionGateway::new(Shared {
            connection,
            wire,
            credentials,
            sessions,
            tokens,
            files,
        }))
    }

    fn keeper(
        &self,
        place: (String, String),
        settings: &Arc<Value>,
        credential: &OAuthCredential,
    ) -> Arc<TokenKeeper> {
        let mut keepers = self.keepers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keeper) = keepers.get(&place).filter(|it| it.is_of(settings, credential)) {
            return keeper.clone();
        }
        let (settings, credential) = (settings.clone(), credential.clone());
        let tokens = self.options.tokens.clone();
        let keeper = Arc::new(TokenKeeper::new(place.clone(), settings, credential, tokens));
        keepers.insert(place, keeper.clone());
        keeper
    }
}
