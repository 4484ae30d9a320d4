//! Somebody signs in at the vendor: the address to open, and what is remembered until
//! the browser comes back (RFC 6749 4.1, with PKCE, RFC 7636).
//!
//! `state` opens one sign-in of one connection, once, for [`SIGN_IN_SECONDS_MAX`]. It is
//! all that the way back needs to know, because whoever comes that way has no credential.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use url::Url;
use zeroize::Zeroizing;

use super::keeper::TokenKeeper;
use super::recipe::{Client, SignInRecipe, Way};
use super::reply::words;
use super::request::{Asking, Form, NoToken, fault, plain, random_text};
use crate::connection::ConnectionGateway;
use crate::http::{HttpFault, URL_BYTES_MAX};
use crate::template::Template;
use crate::wire::Wire;

/// How long an address can be used, in seconds.
pub const SIGN_IN_SECONDS_MAX: u64 = 600;
/// Most sign-ins of a slot that wait; the oldest makes room.
const PENDING_MAX: usize = 8;

/// A sign-in that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// What somebody opens in a browser.
    pub address: String,
}

/// How a slot stands whose token somebody must sign in for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInStanding {
    /// The slot.
    pub slot: String,
    /// Why somebody must sign in; none = nobody must, as far as is known.
    pub needed: Option<String>,
    /// How many sign-ins have ended since the hub started, well or not.
    pub ended: u64,
    /// What became of the last one, if it went wrong.
    pub failure: Option<String>,
}

/// Why a sign-in did not begin or end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInRefused {
    /// The connection has no credential that somebody signs in for.
    #[error("nobody signs in to this connection")]
    NotNeeded,
    /// `state` is unknown, was used, or is too old.
    #[error("this sign-in is unknown, was used already, or is older than ten minutes")]
    UnknownState,
    /// It went wrong.
    #[error("{0}")]
    Failed(String),
}

struct Pending {
    state: [u8; 32],
    verifier: Zeroizing<String>,
    redirect: String,
    begun: Instant,
}

/// The sign-ins of a slot that wait.
#[derive(Default)]
pub(crate) struct PendingSignIns(Vec<Pending>);

/// What a code is exchanged with.
pub(crate) struct Returned {
    pub(crate) verifier: Zeroizing<String>,
    pub(crate) redirect: String,
}

impl PendingSignIns {
    /// Makes an address that leads back to `redirect`.
    pub(crate) fn begin(
        &mut self,
        (recipe, client): (&SignInRecipe, &Client),
        asking: &Asking<'_>,
        redirect: &str,
    ) -> Result<SignIn, HttpFault> {
        let (state, verifier) = (random_text()?, random_text()?);
        let url = Template::parse(&recipe.url).and_then(|it| it.render_url(asking.settings));
        let url = url.map_err(|error| fault(&error.to_string()))?;
        let mut url = Url::parse(&url).map_err(|error| fault(&format!("{url}: {error}")))?;
        let fit =
            url.scheme() == "https" || (url.scheme() == "http" && asking.wire.grants.insecure_http);
        if !fit || url.fragment().is_some() {
            return Err(fault("the address of the sign-in must be https and have no fragment"));
        }
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("response_type", "code");
            query.append_pair("client_id", &plain(&client.id)?);
            query.append_pair("redirect_uri", redirect);
            if let Some(scope) = asking.scope() {
                query.append_pair("scope", &scope);
            }
            query.append_pair("state", &state);
            query.append_pair("code_challenge", &challenge);
            query.append_pair("code_challenge_method", "S256");
            for (name, text) in &recipe.parameters {
                query.append_pair(name, &asking.rendered(text)?);
            }
        }
        if url.as_str().len() > URL_BYTES_MAX {
            return Err(fault("the address of the sign-in is too long"));
        }
        asking.wire.redactor.learn(&verifier);
        let excess = (self.0.len() + 1).saturating_sub(PENDING_MAX);
        self.0.drain(..excess);
        self.0.push(Pending {
            state: Sha256::digest(state.as_bytes()).into(),
            verifier,
            redirect: redirect.to_owned(),
            begun: Instant::now(),
        });
        Ok(SignIn { address: url.into() })
    }

    /// What belongs to a `state`; it is gone after that. Hashes are compared, so that time
    /// tells nothing.
    pub(crate) fn take(&mut self, state: &str) -> Option<Returned> {
        let age_max = Duration::from_secs(SIGN_IN_SECONDS_MAX);
        self.0.retain(|pending| pending.begun.elapsed() <= age_max);
        let state: [u8; 32] = Sha256::digest(state.as_bytes()).into();
        let at = self.0.iter().position(|pending| pending.state == state)?;
        let pending = self.0.remove(at);
        Some(Returned { verifier: pending.verifier, redirect: pending.redirect })
    }
}

impl TokenKeeper {
    /// The sign-in that the slot's way asks for, if it is one that somebody signs in for.
    fn sign_in(&self) -> Option<(&SignInRecipe, &Client)> {
        match (&self.credential.recipe.authorization_code, &self.credential.way) {
            (Some(recipe), Way::Code { client, .. }) => Some((recipe, client)),
            _ => None,
        }
    }

    /// How the slot stands; none = nobody signs in for it.
    pub(crate) fn standing(&self) -> Option<SignInStanding> {
        self.sign_in()?;
        let shown = self.shown();
        Some(SignInStanding {
            slot: self.shelf.slot.clone(),
            needed: shown.needed.clone(),
            ended: shown.ended,
            failure: shown.failure.clone(),
        })
    }

    /// Begins a sign-in that comes back to `redirect`.
    pub(crate) fn begin(&self, wire: &Wire, redirect: &str) -> Result<SignIn, SignInRefused> {
        let sign_in = self.sign_in().ok_or(SignInRefused::NotNeeded)?;
        let begun = self.shown().pending.begin(sign_in, &self.asking(wire), redirect);
        begun.map_err(|fault| SignInRefused::Failed(fault.to_string()))
    }

    /// What belongs to a `state` of this slot; it is used up by that.
    pub(crate) fn take(&self, state: &str) -> Option<Returned> {
        self.shown().pending.take(state)
    }

    /// Ends a sign-in with the vendor's code, or its word for why there is none. In a task
    /// of its own: a browser that goes away must not lose what the vendor has given.
    pub(crate) async fn finish(
        self: &Arc<Self>,
        returned: Returned,
        code: Result<Zeroizing<String>, String>,
        wire: &Arc<Wire>,
    ) -> Result<(), SignInRefused> {
        let (keeper, wire) = (self.clone(), wire.clone());
        let ending = tokio::spawn(async move {
            let ended = keeper.exchange(returned, code, &wire).await;
            let failure = ended.err().map(|fault| wire.redactor.redact(&fault.to_string()));
            let mut shown = keeper.shown();
            shown.ended += 1;
            shown.failure.clone_from(&failure);
            failure
        });
        match ending.await {
            Ok(None) => Ok(()),
            Ok(Some(reason)) => Err(SignInRefused::Failed(reason)),
            Err(_) => Err(SignInRefused::Failed("it was given up".to_owned())),
        }
    }

    async fn exchange(
        &self,
        returned: Returned,
        code: Result<Zeroizing<String>, String>,
        wire: &Wire,
    ) -> Result<(), HttpFault> {
        let code = code.map_err(|error| fault(&format!("the vendor said: {}", words(&error))))?;
        let (_, client) = self.sign_in().ok_or_else(|| fault("nobody signs in for this slot"))?;
        wire.redactor.learn(&code);
        let mut form = Form::of("authorization_code");
        form.add("code", &code);
        form.add("redirect_uri", &returned.redirect);
        form.add("code_verifier", &returned.verifier);
        let reply = self.asking(wire).send(form, Some(client)).await;
        let reply = reply.map_err(|no_token| match no_token {
            NoToken::Http(fault) => fault,
            NoToken::Answer(answer, off) => self.said(&answer, off),
        })?;
        if reply.refresh_token.is_none() {
            let reason = "the vendor gave no refresh token, so the hub could not go on alone; \
                          look at the client's settings there, and at its scopes";
            return Err(fault(reason));
        }
        self.begin_anew(reply, wire).await
    }
}

impl ConnectionGateway {
    /// The slot whose token somebody must sign in for, else the first that somebody may.
    fn signed_in_for(&self) -> Option<(&Arc<TokenKeeper>, SignInStanding)> {
        let slots = self.tokens().filter_map(|keeper| Some((keeper, keeper.standing()?)));
        let mut slots: Vec<_> = slots.collect();
        slots.sort_by_key(|(_, standing)| standing.needed.is_none());
        slots.into_iter().next()
    }

    /// Looks whether somebody must sign in before anything is asked of the vendor.
    pub async fn look_for_sign_in(&self) {
        for keeper in self.tokens() {
            keeper.look().await;
        }
    }

    /// How the connection stands; none = nobody signs in to it.
    #[must_use]
    pub fn sign_in_standing(&self) -> Option<SignInStanding> {
        let (_, standing) = self.signed_in_for()?;
        let redacted = |text: Option<String>| text.map(|text| self.redactor().redact(&text));
        let (needed, failure) = (redacted(standing.needed), redacted(standing.failure));
        Some(SignInStanding { needed, failure, ..standing })
    }

    /// Begins a sign-in that comes back to `redirect`.
    ///
    /// # Errors
    ///
    /// See [`SignInRefused`].
    pub fn begin_sign_in(&self, redirect: &str) -> Result<SignIn, SignInRefused> {
        let (keeper, _) = self.signed_in_for().ok_or(SignInRefused::NotNeeded)?;
        keeper.begin(self.wire(), redirect)
    }

    /// Ends a sign-in with the vendor's code, or its word for why there is none.
    ///
    /// # Errors
    ///
    /// See [`SignInRefused`].
    pub async fn finish_sign_in(
        &self,
        state: &str,
        code: Result<String, String>,
    ) -> Result<(), SignInRefused> {
        let code = code.map(Zeroizing::new);
        let taken = self.tokens().find_map(|keeper| Some((keeper, keeper.take(state)?)));
        let (keeper, returned) = taken.ok_or(SignInRefused::UnknownState)?;
        keeper.finish(returned, code, self.wire()).await
    }
}
