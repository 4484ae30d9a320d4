//! The gateway of one connection: what a connector's request goes through.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hub_model::Timestamp;
use plugin_api::{Admitted, Delivery, InboundDeclaration, Refusal};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::admit;
use crate::credential::{self, Credential, KeyPlace, KeyUse};
use crate::destination;
use crate::files::FileAccess;
use crate::http::{Exceeded, HttpFault, HttpRequest, HttpResponse, REQUEST_HEADERS_MAX};
use crate::mail::{MailDelivery, MailFault, MailMessage, MailServer};
use crate::mailer;
use crate::oauth::{AccessToken, TokenKeeper};
use crate::redact::Redactor;
use crate::session::{Session, SessionKeeper};
use crate::wire::{Prepared, Wire};

/// Headers that belong to the host: they decide where a request goes, as whom,
/// and how it is framed. `Accept-Encoding` is among them because the size caps
/// depend on it.
const HOST_HEADERS: [&str; 17] = [
    "host",
    "authorization",
    "cookie",
    "cookie2",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "content-length",
    "expect",
    "upgrade",
    "http2-settings",
    "accept-encoding",
    "forwarded",
    "via",
    "x-forwarded-host",
];

/// Methods that a connector may use.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

pub(crate) struct Shared {
    pub(crate) connection: String,
    pub(crate) wire: Arc<Wire>,
    pub(crate) credentials: BTreeMap<String, Credential>,
    pub(crate) sessions: HashMap<String, SessionKeeper>,
    pub(crate) tokens: BTreeMap<String, Arc<TokenKeeper>>,
    pub(crate) files: FileAccess,
}

/// The way out of one connection. `Debug` shows its name only.
pub struct ConnectionGateway {
    shared: Arc<Shared>,
    calls: AtomicU32,
    exceeded: Mutex<Option<Exceeded>>,
}

impl fmt::Debug for ConnectionGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = &self.shared.connection;
        f.debug_struct("ConnectionGateway").field("connection", connection).finish_non_exhaustive()
    }
}

impl ConnectionGateway {
    pub(crate) fn new(shared: Shared) -> Self {
        Self::fresh(Arc::new(shared))
    }

    fn fresh(shared: Arc<Shared>) -> Self {
        Self { shared, calls: AtomicU32::new(0), exceeded: Mutex::default() }
    }

    /// A handle for one call of the connector, with a fresh count of requests.
    /// Sessions, pooled connections and files are shared with this one.
    #[must_use]
    pub fn begin_call(&self) -> Arc<Self> {
        Arc::new(Self::fresh(self.shared.clone()))
    }

    /// How many requests this handle has let through or refused.
    #[must_use]
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The limit that the last request ran into which did into one.
    #[must_use]
    pub fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, exceeded: Option<Exceeded>) {
        if exceeded.is_some() {
            *self.exceeded.lock().unwrap_or_else(PoisonError::into_inner) = exceeded;
        }
    }

    /// The files of the granted folders.
    #[must_use]
    pub fn files(&self) -> &FileAccess {
        &self.shared.files
    }

    /// What hides this connection's secrets in texts.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.shared.wire.redactor
    }

    /// Verifies a delivery by the recipes of the connector's manifest.
    ///
    /// # Errors
    ///
    /// Every reason not to let it in.
    pub fn admit(
        &self,
        declaration: &InboundDeclaration,
        settings: &Value,
        delivery: Delivery,
        now: Timestamp,
    ) -> Result<Admitted, Refusal> {
        let slot = |name: &str| self.shared.credentials.get(name);
        admit::admit(declaration, settings, &slot, delivery, now)
    }

    /// Sends a request under the grants, with the credential that it names.
    ///
    /// Any status is an answer, redirects too: they are never followed. If the
    /// vendor no longer accepts a session, one new login and one more attempt are
    /// made.
    ///
    /// # Errors
    ///
    /// See [`HttpFault`]; its variants say whether the request may have had an effect.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpFault> {
        let shared = &self.shared;
        let limits = &shared.wire.limits;
        if !self.may_call() {
            return Err(HttpFault::BudgetExhausted);
        }
        let answer = tokio::time::timeout(limits.total_timeout, shared.send(request)).await;
        // Here all answers and faults pass, so here nothing leaves with a secret in it.
        let redactor = &shared.wire.redactor;
        let answer = answer
            .unwrap_or(Err(HttpFault::Timeout))
            .map(|answer| HttpResponse { body: redactor.redact_body(answer.body), ..answer })
            .map_err(|fault| fault.map_text(|text| redactor.redact(text)));
        if let Err(fault) = &answer {
            self.note(fault.exceeded(limits));
        }
        if let Err(HttpFault::Denied(reason)) = &answer {
            tracing::warn!(connection = %shared.connection, %reason, "request denied");
        }
        answer
    }

    /// Hands a message to a server under the grants: one answer per recipient, in
    /// order.
    ///
    /// # Errors
    ///
    /// See [`MailFault`]; nothing was sent to anybody.
    pub async fn send_mail(
        &self,
        server: &MailServer,
        message: &MailMessage,
    ) -> Result<Vec<MailDelivery>, MailFault> {
        if !self.may_call() {
            return Err(MailFault::BudgetExhausted);
        }
        let shared = &self.shared;
        let answer = self.without_secrets(mailer::send(shared, server, message).await)?;
        let redact = |it: MailDelivery| it.map_text(|text| self.redactor().redact(text));
        Ok(answer.into_iter().map(redact).collect())
    }

    /// Connects to a server, logs in, and sends nothing.
    ///
    /// # Errors
    ///
    /// See [`MailFault`].
    pub async fn check_mail(&self, server: &MailServer) -> Result<(), MailFault> {
        if !self.may_call() {
            return Err(MailFault::BudgetExhausted);
        }
        self.without_secrets(mailer::check(&self.shared, server).await)
    }

    /// Here all faults of mail pass, so here no text leaves with a secret in it.
    fn without_secrets<T>(&self, answer: Result<T, MailFault>) -> Result<T, MailFault> {
        let answer = answer.map_err(|fault| fault.map_text(|text| self.redactor().redact(text)));
        if let Err(MailFault::Denied(reason)) = &answer {
            tracing::warn!(connection = %self.shared.connection, %reason, "mail denied");
        }
        answer
    }

    /// The key of a slot, where that is what it is for.
    pub(crate) fn key(
        &self,
        slot: &str,
        purpose: KeyUse,
    ) -> Option<Result<Zeroizing<String>, HttpFault>> {
        match self.shared.credentials.get(slot)? {
            Credential::Key(own, key) if *own == purpose => {
                Some(credential::resolve(key, self.redactor()))
            }
            _ => None,
        }
    }

    /// What keeps the tokens of its slots.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = &Arc<TokenKeeper>> {
        self.shared.tokens.values()
    }

    pub(crate) fn wire(&self) -> &Arc<Wire> {
        &self.shared.wire
    }

    /// Counts one more request of this call, if it has one left.
    pub(crate) fn may_call(&self) -> bool {
        let limits = &self.shared.wire.limits;
        let most = limits.calls_max;
        let used = self.calls.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |calls| {
            (calls < most).then_some(calls + 1)
        });
        if used.is_err() {
            self.note(HttpFault::BudgetExhausted.exceeded(limits));
        }
        used.is_ok()
    }
}

impl Shared {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpFault> {
        let slot = request.credential.clone();
        if let Some(keeper) = slot.as_ref().and_then(|slot| self.tokens.get(slot)) {
            return self.send_with_token(keeper, request).await;
        }
        let mut prepared = self.prepare(request)?;
        let Some(slot) = slot else { return self.wire.exchange(prepared).await };
        let redactor = &self.wire.redactor;
        match self.credentials.get(&slot) {
            None => Err(HttpFault::Credential(format!(
                "this connection has no credential for the slot `{}`",
                slot.chars().take(80).collect::<String>().escape_debug()
            ))),
            Some(Credential::Webhook { .. } | Credential::Key(..)) => Err(HttpFault::Credential(
                "a credential that verifies deliveries, or is a key, is never sent".to_owned(),
            )),
            Some(Credential::Session(_)) => self.send_in_session(&slot, prepared).await,
            Some(Credential::OAuth(_)) => {
                Err(HttpFault::Credential("the token of this slot is not set up".to_owned()))
            }
            Some(Credential::Bearer(token)) => {
                credential::apply_bearer(&mut prepared, token, redactor)?;
                self.wire.exchange(prepared).await
            }
            Some(Credential::Proven(token)) => {
                token.apply(&mut prepared, redactor)?;
                self.wire.exchange(prepared).await
            }
            Some(Credential::Basic { username, password }) => {
                credential::apply_basic(&mut prepared, username, password, redactor)?;
                self.wire.exchange(prepared).await
            }
            Some(Credential::ApiKey { place, key }) => {
                credential::apply_key(&mut prepared, place, key, redactor)?;
                self.wire.exchange(prepared).await
            }
        }
    }

    async fn send_in_session(
        &self,
        slot: &str,
        prepared: Prepared,
    ) -> Result<HttpResponse, HttpFault> {
        let keeper = self.sessions.get(slot).ok_or_else(|| {
            HttpFault::Credential("the session of this slot is not set up".to_owned())
        })?;
        let session = keeper.current(&self.wire).await?;
        let answer = self.attempt(keeper, &session, prepared.clone()).await?;
        if !keeper.is_expired(answer.status) {
            return Ok(answer);
        }
        // A refused session means that the request was not looked at, so it may go again.
        let Some(session) = keeper.renewed(&session, &self.wire).await? else {
            return Ok(answer);
        };
        let answer = self.attempt(keeper, &session, prepared).await?;
        if keeper.is_expired(answer.status) {
            keeper.note_in_vain().await;
        }
        Ok(answer)
    }

    async fn attempt(
        &self,
        keeper: &SessionKeeper,
        session: &Session,
        mut prepared: Prepared,
    ) -> Result<HttpResponse, HttpFault> {
        keeper.apply(&mut prepared, session)?;
        self.wire.exchange(prepared).await
    }

    async fn send_with_token(
        &self,
        keeper: &Arc<TokenKeeper>,
        mut request: HttpRequest,
    ) -> Result<HttpResponse, HttpFault> {
        let (token, prepared);
        if request.url.starts_with('{') {
            // Where it goes came with the token.
            token = keeper.current(&self.wire).await?;
            request.url = token.place(&request.url)?;
            prepared = self.prepare(request)?;
        } else {
            prepared = self.prepare(request)?;
            token = keeper.current(&self.wire).await?;
        }
        let answer = self.attempt_with(&token, prepared.clone()).await?;
        if !keeper.is_expired(answer.status) {
            return Ok(answer);
        }
        // A refused token means that the request was not looked at, so it may go again.
        let Some(token) = keeper.renewed(&token, &self.wire).await? else {
            return Ok(answer);
        };
        let answer = self.attempt_with(&token, prepared).await?;
        if keeper.is_expired(answer.status) {
            keeper.note_in_vain().await;
        }
        Ok(answer)
    }

    async fn attempt_with(
        &self,
        token: &AccessToken,
        mut prepared: Prepared,
    ) -> Result<HttpResponse, HttpFault> {
        token.apply(&mut prepared, &self.wire)?;
        self.wire.exchange(prepared).await
    }

    fn prepare(&self, request: HttpRequest) -> Result<Prepared, HttpFault> {
        let limits = &self.wire.limits;
        if request.body.len() > limits.request_bytes_max {
            return Err(HttpFault::too_large("request_bytes_max", limits.request_bytes_max));
        }
        let method = METHODS.into_iter().find(|method| method.as_str() == request.method);
        let method = method.ok_or_else(|| {
            let given: String = request.method.chars().take(20).collect();
            HttpFault::Denied(format!("the method `{}` is not allowed", given.escape_debug()))
        })?;
        self.refuse_placeholders(&request)?;
        let destination = destination::check(&request.url, &self.wire.grants)?;
        let headers = self.headers(&request.headers)?;
        let (url, port) = (destination.url, destination.port);
        Ok(Prepared { method, url, port, headers, body: request.body })
    }

    /// A secret may go into the body, never into a URL: URLs end in logs.
    fn refuse_placeholders(&self, request: &HttpRequest) -> Result<(), HttpFault> {
        for credential in self.credentials.values() {
            if let Credential::ApiKey { place: KeyPlace::BodyPlaceholder(text), .. } = credential
                && request.url.contains(text.as_str())
            {
                return Err(HttpFault::Denied(
                    "the placeholder of a secret may stand in the body only".to_owned(),
                ));
            }
        }
        Ok(())
    }

    fn headers(&self, given: &[(String, String)]) -> Result<HeaderMap, HttpFault> {
        let limit_bytes = self.wire.limits.header_bytes_max;
        let bytes: usize = given.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > limit_bytes {
            return Err(HttpFault::too_large("header_bytes_max", limit_bytes));
        }
        if given.len() > REQUEST_HEADERS_MAX {
            return Err(HttpFault::Denied(format!("more than {REQUEST_HEADERS_MAX} headers")));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            let shown: String = name.chars().take(80).collect();
            let shown = shown.escape_debug();
            let Ok(name) = HeaderName::try_from(name.as_str()) else {
                return Err(HttpFault::Invalid(format!("`{shown}` is not a header name")));
            };
            if self.belongs_to_host(name.as_str()) {
                return Err(HttpFault::Denied(format!("the header `{shown}` belongs to the host")));
            }
            let value = HeaderValue::try_from(value.as_str()).map_err(|_| {
                HttpFault::Invalid(format!("the value of the header `{shown}` is not valid"))
            })?;
            headers.append(name, value);
        }
        Ok(headers)
    }

    fn belongs_to_host(&self, name: &str) -> bool {
        HOST_HEADERS.contains(&name)
            || name.starts_with("proxy-")
            || self
                .credentials
                .values()
                .filter_map(Credential::header_name)
                .any(|own| own.eq_ignore_ascii_case(name))
    }
}
