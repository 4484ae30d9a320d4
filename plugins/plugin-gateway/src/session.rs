//! Keeps a vendor's session: logs in when there is none, once for everybody who
//! waits, and never so often that the vendor locks the account.
//!
//! The session is kept in memory and, sealed, in the token store, so that a
//! restart does not log in again. Three rules bound the number of logins: one at
//! a time; none for [`COOL_DOWN_SECONDS`] after a refusal; none for as long after
//! a login whose session was refused at once, because then the fault is not its age.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use plugin_api::TokenStore;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::{Zeroize as _, Zeroizing};

use crate::credential::{SessionCredential, resolve, set_header};
use crate::destination;
use crate::http::HttpFault;
use crate::recipe::{Parts, wipe};
use crate::redact::Redactor;
use crate::vault::Vault;
use crate::wire::{Prepared, Wire};

/// How long nobody tries again after a refused login, in seconds.
pub const COOL_DOWN_SECONDS: u64 = 60;

/// Shortest text that is learnt for redaction from a reply; user numbers are shorter.
const TOKEN_BYTES_MIN: usize = 8;

/// Version of the sealed form.
const SEALED_VERSION: u32 = 1;

/// Where sessions survive a restart.
#[derive(Clone)]
pub struct TokenKeeping {
    /// Seals them.
    pub vault: Arc<Vault>,
    /// Stores what was sealed.
    pub store: Arc<dyn TokenStore>,
}

/// A session in use: the header that carries it.
pub(crate) struct Session {
    generation: u64,
    header: Zeroizing<String>,
}

#[derive(Default)]
struct State {
    session: Option<Arc<Session>>,
    generation: u64,
    loaded: bool,
    /// No login before this moment, and why.
    refused: Option<(Instant, String)>,
    /// No renewal before this moment.
    in_vain: Option<Instant>,
}

/// The session of one credential slot.
pub(crate) struct SessionKeeper {
    pub(crate) connection: String,
    pub(crate) slot: String,
    pub(crate) settings: Arc<Value>,
    pub(crate) credential: SessionCredential,
    pub(crate) tokens: Option<TokenKeeping>,
    state: Mutex<State>,
}

/// What is stored, sealed. `account` is a digest of recipe, URL and user, so
/// that a session is not used for another account after a change of settings.
#[derive(Serialize, Deserialize)]
struct Stored {
    account: String,
    reply: BTreeMap<String, String>,
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.reply.values_mut().for_each(String::zeroize);
    }
}

impl SessionKeeper {
    pub(crate) fn new(
        connection: String,
        slot: String,
        settings: Arc<Value>,
        credential: SessionCredential,
        tokens: Option<TokenKeeping>,
    ) -> Self {
        let state = Mutex::default();
        Self { connection, slot, settings, credential, tokens, state }
    }

    /// Whether a status means that the session is no longer valid.
    pub(crate) fn is_expired(&self, status: u16) -> bool {
        self.credential.recipe.expired_status.contains(&status)
    }

    /// Puts a session's header into a request.
    pub(crate) fn apply(&self, request: &mut Prepared, session: &Session) -> Result<(), HttpFault> {
        let name = HeaderName::try_from(self.credential.recipe.header.name.as_str());
        let name = name.map_err(|_| fault("the session's header name is not valid"))?;
        set_header(request, name, &session.header)
    }

    /// The session; logs in if there is none.
    pub(crate) async fn current(&self, wire: &Wire) -> Result<Arc<Session>, HttpFault> {
        // Held during the login: whoever comes meanwhile waits and shares the result.
        let mut state = self.state.lock().await;
        if let Some(session) = &state.session {
            return Ok(session.clone());
        }
        if !std::mem::replace(&mut state.loaded, true)
            && let Some(reply) = self.stored(wire).await
        {
            return self.install(&mut state, &reply, wire);
        }
        self.login(&mut state, wire).await
    }

    /// A session newer than one that the vendor no longer accepts, or `None` if
    /// another login would be in vain.
    pub(crate) async fn renewed(
        &self,
        stale: &Session,
        wire: &Wire,
    ) -> Result<Option<Arc<Session>>, HttpFault> {
        let mut state = self.state.lock().await;
        if let Some(session) = &state.session
            && session.generation != stale.generation
        {
            return Ok(Some(session.clone()));
        }
        if state.in_vain.is_some_and(|until| Instant::now() < until) {
            return Ok(None);
        }
        state.session = None;
        self.login(&mut state, wire).await.map(Some)
    }

    /// Notes that a session was refused although it was new.
    pub(crate) async fn note_in_vain(&self) {
        let until = Instant::now() + Duration::from_secs(COOL_DOWN_SECONDS);
        self.state.lock().await.in_vain = Some(until);
    }

    async fn login(&self, state: &mut State, wire: &Wire) -> Result<Arc<Session>, HttpFault> {
        if let Some((until, reason)) = &state.refused
            && Instant::now() < *until
        {
            return Err(HttpFault::Credential(format!(
                "{reason}; not tried again yet, so that the account is not locked"
            )));
        }
        match self.ask(wire).await {
            Ok(reply) => {
                state.refused = None;
                self.keep(&reply).await;
                self.install(state, &reply, wire)
            }
            Err(HttpFault::Credential(reason)) => {
                let until = Instant::now() + Duration::from_secs(COOL_DOWN_SECONDS);
                state.refused = Some((until, reason.clone()));
                Err(HttpFault::Credential(reason))
            }
            Err(other) => Err(other),
        }
    }

    fn install(
        &self,
        state: &mut State,
        reply: &Parts,
        wire: &Wire,
    ) -> Result<Arc<Session>, HttpFault> {
        let parts = self.parts(&wire.redactor)?;
        let header = self.credential.recipe.header_value(&self.settings, &parts, reply);
        let header = header.map_err(|error| fault(&error.to_string()))?;
        let tokens = reply.values().filter(|value| value.len() >= TOKEN_BYTES_MIN);
        tokens.for_each(|token| wire.redactor.learn(token));
        let bare = header.split_once(' ').map_or(header.as_str(), |(_, token)| token);
        wire.redactor.learn(bare);
        state.generation += 1;
        let session = Arc::new(Session { generation: state.generation, header });
        state.session = Some(session.clone());
        Ok(session)
    }

    /// Sends the login request and reads the session's parts from the reply.
    async fn ask(&self, wire: &Wire) -> Result<Parts, HttpFault> {
        let request = self.login_request(wire)?;
        tracing::info!(connection = %self.connection, slot = %self.slot, "logging in");
        let response = match wire.exchange(request).await {
            // Nothing of the connector's request was sent, whatever became of the login.
            Err(HttpFault::Broken(reason)) => {
                return Err(HttpFault::Connect(format!("login: {reason}")));
            }
            other => other?,
        };
        let status = response.status;
        if status == 429 || status >= 500 {
            return Err(HttpFault::Connect(format!("the login was answered with status {status}")));
        }
        let body = Zeroizing::new(response.body);
        let mut reply: Value = serde_json::from_slice(&body).unwrap_or_default();
        let parts = self.credential.recipe.parts_of_reply(&reply);
        wipe(&mut reply);
        match parts {
            Some(parts) if (200..300).contains(&status) => Ok(parts),
            _ => Err(HttpFault::Credential(format!(
                "the login of slot `{}` was refused (status {status}); check user and password",
                self.slot
            ))),
        }
    }

    fn login_request(&self, wire: &Wire) -> Result<Prepared, HttpFault> {
        let recipe = &self.credential.recipe;
        let template = |error: crate::template::TemplateError| fault(&error.to_string());
        let url = recipe.login_url(&self.settings).map_err(template)?;
        let destination = destination::check(&url, &wire.grants)?;
        let method = Method::from_bytes(recipe.login.method.as_bytes());
        let method = method.map_err(|_| fault("the login's method is not valid"))?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &recipe.login.headers {
            let name = HeaderName::try_from(name.as_str());
            let value = HeaderValue::try_from(value.as_str());
            let (Ok(name), Ok(value)) = (name, value) else {
                return Err(fault("a header of the login is not valid"));
            };
            headers.insert(name, value);
        }
        let parts = self.parts(&wire.redactor)?;
        let body = recipe.login_body(&self.settings, &parts).map_err(template)?;
        let (url, port) = (destination.url, destination.port);
        Ok(Prepared { method, url, port, headers, body: body.to_vec() })
    }

    /// The parts of the credential. The user's name is no secret: it is not
    /// learnt, or every text with it would be full of stars.
    fn parts(&self, redactor: &Redactor) -> Result<Parts, HttpFault> {
        let mut parts = Parts::new();
        for (name, secret) in &self.credential.parts {
            let value = if name == "username" {
                resolve(secret, &Redactor::new())?
            } else {
                resolve(secret, redactor)?
            };
            parts.insert(name.clone(), value);
        }
        Ok(parts)
    }

    fn stored_name(&self) -> String {
        format!("session/{}", self.slot)
    }

    fn account(&self) -> Option<String> {
        let recipe = &self.credential.recipe;
        let user = match self.credential.parts.get("username") {
            Some(user) => resolve(user, &Redactor::new()).ok()?,
            None => Zeroizing::default(),
        };
        let text =
            serde_json::to_string(&(recipe, recipe.login_url(&self.settings).ok()?, user.as_str()));
        let digest = Sha256::digest(text.ok()?.as_bytes());
        Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The session kept from before, if it opens and is of the same account.
    async fn stored(&self, wire: &Wire) -> Option<Parts> {
        let tokens = self.tokens.as_ref()?;
        let name = self.stored_name();
        let sealed = match tokens.store.get(&self.connection, &name).await {
            Ok(sealed) => sealed?,
            Err(error) => {
                tracing::warn!(connection = %self.connection, %error, "no kept session");
                return None;
            }
        };
        let plain = tokens.vault.open(&self.connection, &name, SEALED_VERSION, &sealed);
        let Ok(plain) = plain else {
            tracing::warn!(connection = %self.connection, "the kept session does not open; logging in anew");
            return None;
        };
        let stored: Stored = serde_json::from_slice(&plain).ok()?;
        if self.account().as_ref() != Some(&stored.account) {
            return None;
        }
        let parts: Parts = stored
            .reply
            .iter()
            .map(|(name, value)| (name.clone(), Zeroizing::new(value.clone())))
            .collect();
        let complete = self.credential.recipe.reply.keys().all(|name| parts.contains_key(name));
        parts.values().filter(|v| v.len() >= TOKEN_BYTES_MIN).for_each(|v| wire.redactor.learn(v));
        complete.then_some(parts)
    }

    /// Keeps the session for the next start. A failure costs one more login then,
    /// so it is logged and nothing else.
    async fn keep(&self, reply: &Parts) {
        let (Some(tokens), Some(account)) = (&self.tokens, self.account()) else { return };
        let reply = reply.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
        let stored = Stored { account, reply };
        let Ok(plain) = serde_json::to_vec(&stored).map(Zeroizing::new) else { return };
        let name = self.stored_name();
        let Ok(sealed) = tokens.vault.seal(&self.connection, &name, SEALED_VERSION, &plain) else {
            return;
        };
        if let Err(error) = tokens.store.put(&self.connection, &name, sealed).await {
            tracing::warn!(connection = %self.connection, %error, "the session was not kept");
        }
    }
}

fn fault(reason: &str) -> HttpFault {
    HttpFault::Credential(reason.to_owned())
}
