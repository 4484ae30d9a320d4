//! The token of one credential slot: fetched once for everybody, kept before it is used.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::access::{AccessToken, origin};
use super::kept::{Kept, Shelf};
use super::recipe::{OAuthCredential, Way};
use super::reply::{Reply, ReplyFault, words};
use super::request::{Asking, Form, NoToken, fault, plain};
use super::sign_in::PendingSignIns;
use crate::credential::resolve;
use crate::http::HttpFault;
use crate::secret::Secret;
use crate::session::{COOL_DOWN_SECONDS, TokenKeeping};
use crate::wire::Wire;

/// A token is renewed this long before its end, in seconds, or a tenth of its life.
const EARLY_SECONDS: u64 = 60;

const NOBODY_YET: &str = "nobody has signed in yet";

#[derive(Default)]
pub(super) struct State {
    token: Option<Arc<AccessToken>>,
    generation: u64,
    /// What the store holds, as far as it was read.
    kept: Option<Kept>,
    loaded: bool,
    /// A vendor's answer that the store has not taken yet; it is not used before.
    unkept: Option<(Kept, Arc<AccessToken>)>,
    /// No request before this moment, and why.
    refused: Option<(Instant, String)>,
    /// No renewal before this moment.
    in_vain: Option<Instant>,
}

/// What is shown without waiting for whoever fetches.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) pending: PendingSignIns,
    pub(super) needed: Option<String>,
    pub(super) ended: u64,
    pub(super) failure: Option<String>,
}

/// The token of one credential slot.
pub(crate) struct TokenKeeper {
    pub(super) shelf: Shelf,
    settings: Arc<Value>,
    pub(super) credential: OAuthCredential,
    pub(super) state: Arc<Mutex<State>>,
    shown: std::sync::Mutex<Shown>,
}

impl TokenKeeper {
    pub(crate) fn new(
        (connection, slot): (String, String),
        settings: Arc<Value>,
        credential: OAuthCredential,
        tokens: Option<TokenKeeping>,
    ) -> Self {
        let shelf = Shelf { connection, slot, tokens };
        Self {
            shelf,
            settings,
            credential,
            state: Arc::default(),
            shown: std::sync::Mutex::default(),
        }
    }

    /// Whether it keeps the token of this very credential: then a connector that is bound
    /// anew goes on with it, and two never renew the same token.
    pub(crate) fn is_of(&self, settings: &Value, credential: &OAuthCredential) -> bool {
        *self.settings == *settings
            && self.credential.recipe == credential.recipe
            && self.account().ok() == account(credential).ok()
    }

    pub(crate) fn is_expired(&self, status: u16) -> bool {
        self.credential.recipe.expired_status.contains(&status)
    }

    /// The token; fetched if there is none that is good.
    pub(crate) async fn current(
        self: &Arc<Self>,
        wire: &Arc<Wire>,
    ) -> Result<Arc<AccessToken>, HttpFault> {
        self.get(None, wire).await?.ok_or_else(|| fault("there is no token"))
    }

    /// A token newer than one that the vendor no longer accepts, or `None` if another
    /// request would be in vain.
    pub(crate) async fn renewed(
        self: &Arc<Self>,
        stale: &AccessToken,
        wire: &Arc<Wire>,
    ) -> Result<Option<Arc<AccessToken>>, HttpFault> {
        self.get(Some(stale.generation), wire).await
    }

    /// Notes that a token was refused although it was new.
    pub(crate) async fn note_in_vain(&self) {
        let until = Instant::now() + Duration::from_secs(COOL_DOWN_SECONDS);
        self.state.lock().await.in_vain = Some(until);
    }

    /// The token, unless it is the stale one. Whoever comes while it is fetched waits at
    /// the lock and shares it.
    async fn get(
        self: &Arc<Self>,
        stale: Option<u64>,
        wire: &Arc<Wire>,
    ) -> Result<Option<Arc<AccessToken>>, HttpFault> {
        let mut state = self.state.clone().lock_owned().await;
        let fresh = |token: &&Arc<AccessToken>| token.is_good() && Some(token.generation) != stale;
        if let Some(token) = state.token.as_ref().filter(fresh) {
            return Ok(Some(token.clone()));
        }
        if stale.is_some() && state.in_vain.is_some_and(|until| Instant::now() < until) {
            return Ok(None);
        }
        if let Some((until, reason)) = &state.refused
            && Instant::now() < *until
        {
            return Err(fault(&format!("{reason}; not tried again yet")));
        }
        // A task of its own: a caller that gives up must not lose a rotated token between
        // the vendor's answer and the store.
        let (keeper, wire) = (self.clone(), wire.clone());
        let fetching = tokio::spawn(async move {
            let fetched = keeper.fetch(&mut state, &wire).await;
            keeper.note(&mut state, &fetched);
            fetched
        });
        let fetched = fetching.await.map_err(|_| fault("the token request was given up"))?;
        fetched.map(Some)
    }

    fn note(&self, state: &mut State, fetched: &Result<Arc<AccessToken>, HttpFault>) {
        match fetched {
            Ok(_) => {
                state.refused = None;
                self.shown().needed = None;
            }
            Err(HttpFault::Credential(reason)) => {
                let until = Instant::now() + Duration::from_secs(COOL_DOWN_SECONDS);
                state.refused = Some((until, reason.clone()));
            }
            Err(_) => {}
        }
    }

    async fn fetch(&self, state: &mut State, wire: &Wire) -> Result<Arc<AccessToken>, HttpFault> {
        if state.unkept.is_some() {
            return self.take_into_use(state).await;
        }
        state.token = None;
        let asking = self.asking(wire);
        let (connection, slot) = (&self.shelf.connection, &self.shelf.slot);
        tracing::info!(%connection, %slot, "fetching a token");
        let asked = match &self.credential.way {
            Way::Code { client, refresh_token } => {
                let refresh = self.refresh_token(state, refresh_token.as_ref(), wire).await?;
                let mut form = Form::of("refresh_token");
                form.add("refresh_token", &refresh);
                asking.send(form, Some(client)).await
            }
            Way::Client(client) => {
                let mut form = Form::of("client_credentials");
                if let Some(scope) = asking.scope() {
                    form.add("scope", &scope);
                }
                asking.send(form, Some(client)).await
            }
            Way::Assertion { signer, subject } => {
                let mut form = Form::of("urn:ietf:params:oauth:grant-type:jwt-bearer");
                form.add("assertion", &asking.assertion(signer, subject.as_ref())?);
                let claim = asking.recipe.jwt_bearer.as_ref().is_some_and(|it| it.scope_claim);
                if let Some(scope) = asking.scope().filter(|_| !claim) {
                    form.add("scope", &scope);
                }
                asking.send(form, None).await
            }
        };
        let reply = asked.map_err(|no_token| self.no_token(no_token))?;
        self.accept(state, reply, wire).await
    }

    async fn load(&self, state: &mut State) -> Result<(), HttpFault> {
        if !state.loaded {
            let kept = self.shelf.load(&self.account()?).await;
            state.kept = kept.map_err(HttpFault::Connect)?;
            state.loaded = true;
        }
        Ok(())
    }

    /// Looks whether somebody must sign in before anything is asked of the vendor.
    pub(crate) async fn look(&self) {
        let mut state = self.state.lock().await;
        if let Way::Code { refresh_token: None, .. } = &self.credential.way
            && self.load(&mut state).await.is_ok()
            && state.kept.is_none()
        {
            self.sign_in_needed(NOBODY_YET);
        }
    }

    /// Begins anew with what a sign-in brought.
    pub(super) async fn begin_anew(&self, reply: Reply, wire: &Wire) -> Result<(), HttpFault> {
        let mut state = self.state.lock().await;
        *state = State { generation: state.generation, loaded: true, ..State::default() };
        let accepted = self.accept(&mut state, reply, wire).await;
        self.note(&mut state, &accepted);
        accepted.map(drop)
    }

    /// The refresh token: kept, or configured.
    async fn refresh_token(
        &self,
        state: &mut State,
        configured: Option<&Secret>,
        wire: &Wire,
    ) -> Result<Zeroizing<String>, HttpFault> {
        self.load(state).await?;
        if let Some(kept) = &state.kept {
            wire.redactor.learn(&kept.refresh_token);
            return Ok(Zeroizing::new(kept.refresh_token.clone()));
        }
        match configured {
            Some(token) => resolve(token, &wire.redactor),
            None => Err(self.sign_in_needed(NOBODY_YET)),
        }
    }

    /// Keeps what an answer brought, then uses it.
    async fn accept(
        &self,
        state: &mut State,
        reply: Reply,
        wire: &Wire,
    ) -> Result<Arc<AccessToken>, HttpFault> {
        let mut places = state.kept.as_ref().map(|it| it.places.clone()).unwrap_or_default();
        places.extend(self.learnt(&reply, wire)?);
        let mut secrets = vec![reply.access_token.clone()];
        secrets.extend(reply.refresh_token.clone());
        secrets.iter().for_each(|secret| wire.redactor.learn(secret));
        state.generation += 1;
        let life = reply
            .lifetime_seconds
            .map(|seconds| Duration::from_secs(seconds - EARLY_SECONDS.min(seconds / 10)));
        let token = Arc::new(AccessToken {
            generation: state.generation,
            header: format!("{} {}", self.credential.recipe.scheme, *reply.access_token).into(),
            secrets,
            until: life.map(|life| Instant::now() + life),
            places: places.clone(),
        });
        let Some(refresh) = reply.refresh_token else {
            state.token = Some(token.clone());
            return Ok(token);
        };
        let same = |kept: &Kept| kept.refresh_token == *refresh && kept.places == places;
        if matches!(self.credential.way, Way::Code { .. }) && !state.kept.as_ref().is_some_and(same)
        {
            let account = self.account()?;
            let kept = Kept { account, refresh_token: refresh.to_string(), places };
            state.unkept = Some((kept, token));
            return self.take_into_use(state).await;
        }
        state.token = Some(token.clone());
        Ok(token)
    }

    async fn take_into_use(&self, state: &mut State) -> Result<Arc<AccessToken>, HttpFault> {
        let Some((kept, token)) = state.unkept.take() else {
            return Err(fault("there is no token"));
        };
        if let Err(reason) = self.shelf.keep(&kept).await {
            state.unkept = Some((kept, token));
            let reason = format!("the new refresh token could not be kept: {reason}");
            return Err(HttpFault::Connect(reason));
        }
        state.kept = Some(kept);
        state.loaded = true;
        state.token = Some(token.clone());
        Ok(token)
    }

    /// The addresses of an answer, each within what the manifest allows.
    fn learnt(&self, reply: &Reply, wire: &Wire) -> Result<BTreeMap<String, String>, HttpFault> {
        let mut places = BTreeMap::new();
        for (name, text) in &reply.texts {
            let allowed = self.credential.recipe.reply_hosts.get(name);
            let allowed = allowed.map(Vec::as_slice).unwrap_or_default();
            let place = origin(text, allowed, (&self.settings, wire.grants.insecure_http));
            let place = place.ok_or_else(|| {
                let shown = words(text);
                let reason =
                    format!("`{name}` of the token's reply is `{shown}`, which the connector's manifest does not allow");
                HttpFault::Denied(reason)
            })?;
            places.insert(name.clone(), place);
        }
        Ok(places)
    }

    fn no_token(&self, no_token: NoToken) -> HttpFault {
        let (answer, off) = match no_token {
            NoToken::Http(fault) => return fault,
            NoToken::Answer(answer, off) => (answer, off),
        };
        let code = matches!(self.credential.way, Way::Code { .. });
        if code && answer.is_grant_refused() {
            return self.sign_in_needed(&answer.to_string());
        }
        self.said(&answer, off)
    }

    /// An answer without a token, as a fault.
    pub(super) fn said(&self, answer: &ReplyFault, off: Option<i64>) -> HttpFault {
        let mut said = format!("the token of slot `{}`: {answer}", self.shelf.slot);
        // Only assertions tell the vendor our time.
        if let (Way::Assertion { .. }, Some(off)) = (&self.credential.way, off) {
            // Writing to a String does not fail.
            let _ = write!(said, "; this machine's clock is {off} seconds off the vendor's");
        }
        match answer {
            ReplyFault::Trouble(_) => HttpFault::Connect(said),
            _ => fault(&said),
        }
    }

    /// Somebody must sign in: the fault says so, and the connection shows it.
    fn sign_in_needed(&self, reason: &str) -> HttpFault {
        self.shown().needed = Some(reason.to_owned());
        fault(&format!(
            "{reason}; somebody must sign in: liaison connection sign-in {}",
            self.shelf.connection
        ))
    }

    pub(super) fn asking<'a>(&'a self, wire: &'a Wire) -> Asking<'a> {
        Asking { recipe: &self.credential.recipe, settings: &self.settings, wire }
    }

    fn account(&self) -> Result<String, HttpFault> {
        account(&self.credential)
    }

    pub(super) fn shown(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A digest of whose token it is.
fn account(credential: &OAuthCredential) -> Result<String, HttpFault> {
    let (id, configured) = match &credential.way {
        Way::Code { client, refresh_token } => (plain(&client.id)?, refresh_token.as_ref()),
        Way::Client(client) => (plain(&client.id)?, None),
        Way::Assertion { .. } => (Zeroizing::default(), None),
    };
    let configured = configured.map(plain).transpose()?.unwrap_or_default();
    let mut digest = Sha256::new();
    for part in [&credential.recipe.token_url, &*id, &*configured] {
        digest.update(part.len().to_be_bytes());
        digest.update(part.as_bytes());
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
