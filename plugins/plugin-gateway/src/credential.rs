//! Credentials, and how the simple kinds are put into a request.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use plugin_api::CredentialSlot;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::http::HttpFault;
use crate::oauth::recipe::Chosen;
use crate::oauth::{OAuthCredential, OAuthRecipe};
use crate::proof::ProvenToken;
use crate::recipe::{RecipeError, SessionRecipe};
use crate::redact::{Redactor, json_escaped};
use crate::secret::Secret;
use crate::template::percent_encode;
use crate::wire::Prepared;

/// Shortest body placeholder in bytes: a short one would also hit other text.
pub const PLACEHOLDER_BYTES_MIN: usize = 8;

/// Where an API key goes. In a manifest: `{"header": "X-Api-Key"}`,
/// `{"query": "api_key"}` or `{"body": "__API_KEY__"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyPlace {
    /// A header of this name.
    Header(String),
    /// A query parameter of this name.
    Query(String),
    /// This text, wherever the connector put it in the body. It is escaped as the
    /// body's `Content-Type` (JSON or form) demands.
    #[serde(rename = "body")]
    BodyPlaceholder(String),
}

/// A session login: the recipe and the parts it needs.
#[derive(Debug, Clone)]
pub struct SessionCredential {
    /// How to log in.
    pub recipe: SessionRecipe,
    /// `username`, `password` and whatever else the recipe names.
    pub parts: BTreeMap<String, Secret>,
}

/// What a key is for that the host uses on behalf of a connector, and never sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Keyed hashes; any text.
    Mac,
    /// Signatures; PKCS#8, in PEM.
    Sign,
    /// Authenticated encryption; 32 bytes in Base64.
    Seal,
}

impl KeyUse {
    const ALL: [Self; 3] = [Self::Mac, Self::Sign, Self::Seal];

    /// The kind of its slot.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mac => "mac-key",
            Self::Sign => "signing-key",
            Self::Seal => "sealing-key",
        }
    }
}

/// A credential of a connection. `Debug` prints `***` for every secret.
#[derive(Debug, Clone)]
pub enum Credential {
    /// `Authorization: Bearer <token>`.
    Bearer(Secret),
    /// The same, with proofs of another secret in the query.
    Proven(ProvenToken),
    /// A key in a header, the query or the body.
    ApiKey {
        /// Where it goes.
        place: KeyPlace,
        /// The key.
        key: Secret,
    },
    /// `Authorization: Basic` of user and password (RFC 7617).
    Basic {
        /// The user.
        username: Secret,
        /// The password.
        password: Secret,
    },
    /// A login whose session the host keeps.
    Session(SessionCredential),
    /// A token that the host fetches and renews.
    OAuth(Box<OAuthCredential>),
    /// What verifies deliveries; never sent.
    Webhook {
        /// The key or token.
        key: Secret,
        /// The one before it, while both are in use.
        previous: Option<Secret>,
    },
    /// A key for [`crate::crypto`]; never sent.
    Key(KeyUse, Secret),
}

/// A credential that does not fit its slot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// A kind that this version does not know.
    #[error(
        "credential kind `{0}` is not supported; known are bearer, api-key, basic, session, oauth2, webhook, mac-key, signing-key and sealing-key"
    )]
    Kind(String),
    /// A part is missing.
    #[error("the credential has no part `{0}`")]
    Missing(String),
    /// A part that the kind does not use.
    #[error("the credential does not use a part `{0}`")]
    Unused(String),
    /// The slot's recipe is missing or unusable.
    #[error("the slot's recipe is unusable: {0}")]
    Place(String),
    /// The login recipe is unusable.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
}

impl Credential {
    /// The credential of a manifest's slot, from the parts that the organisation
    /// gave: `token` for bearer and whatever else its recipe names, `key` for api-key, `username` and `password` for
    /// basic, `key` and perhaps `previous` for webhook, `key` for keys, whatever the recipe names
    /// for session, what [`crate::oauth::recipe`] lists for oauth2.
    ///
    /// # Errors
    ///
    /// See [`CredentialError`].
    pub fn from_slot(
        slot: &CredentialSlot,
        mut parts: BTreeMap<String, Secret>,
    ) -> Result<Self, CredentialError> {
        if let ("bearer", Some(recipe)) = (slot.kind.as_str(), &slot.recipe) {
            return ProvenToken::parse(recipe, parts).map(Self::Proven);
        }
        if slot.kind == "oauth2" {
            return oauth(slot, parts);
        }
        let mut take = |name: &str| {
            parts.remove(name).ok_or_else(|| CredentialError::Missing(name.to_owned()))
        };
        let credential = match slot.kind.as_str() {
            "bearer" => Self::Bearer(take("token")?),
            "api-key" => Self::ApiKey { place: key_place(slot)?, key: take("key")? },
            "basic" => Self::Basic { username: take("username")?, password: take("password")? },
            "webhook" => Self::Webhook { key: take("key")?, previous: parts.remove("previous") },
            "session" => return session(slot, parts),
            kind => match KeyUse::ALL.into_iter().find(|purpose| purpose.as_str() == kind) {
                Some(purpose) => Self::Key(purpose, take("key")?),
                None => return Err(CredentialError::Kind(kind.to_owned())),
            },
        };
        match parts.into_keys().next() {
            Some(unused) => Err(CredentialError::Unused(unused)),
            None => Ok(credential),
        }
    }

    /// The header that this credential sets; a connector may not set it itself.
    #[must_use]
    pub fn header_name(&self) -> Option<&str> {
        match self {
            Self::Bearer(_) | Self::Proven(_) | Self::Basic { .. } | Self::OAuth(_) => {
                Some("authorization")
            }
            Self::ApiKey { place: KeyPlace::Header(name), .. } => Some(name),
            Self::ApiKey { .. } | Self::Webhook { .. } | Self::Key(..) => None,
            Self::Session(session) => Some(&session.recipe.header.name),
        }
    }
}

fn key_place(slot: &CredentialSlot) -> Result<KeyPlace, CredentialError> {
    let recipe = slot.recipe.as_ref().ok_or_else(|| {
        CredentialError::Place("an api-key needs `{\"header\": \"...\"}`, `{\"query\": \"...\"}` or `{\"body\": \"...\"}`".to_owned())
    })?;
    let place =
        KeyPlace::deserialize(recipe).map_err(|error| CredentialError::Place(error.to_string()))?;
    match &place {
        KeyPlace::Header(name) if HeaderName::try_from(name.as_str()).is_err() => {
            Err(CredentialError::Place(format!("`{name}` is not a header name")))
        }
        KeyPlace::Query(name) if name.is_empty() => {
            Err(CredentialError::Place("the query parameter has no name".to_owned()))
        }
        KeyPlace::BodyPlaceholder(text) if text.len() < PLACEHOLDER_BYTES_MIN => {
            Err(CredentialError::Place(format!(
                "the placeholder needs {PLACEHOLDER_BYTES_MIN} bytes or more"
            )))
        }
        _ => Ok(place),
    }
}

fn session(
    slot: &CredentialSlot,
    parts: BTreeMap<String, Secret>,
) -> Result<Credential, CredentialError> {
    let recipe = slot
        .recipe
        .as_ref()
        .ok_or_else(|| CredentialError::Place("a session needs a login recipe".to_owned()))?;
    let names: BTreeSet<&str> = parts.keys().map(String::as_str).collect();
    let recipe = SessionRecipe::parse(recipe, &names)?;
    Ok(Credential::Session(SessionCredential { recipe, parts }))
}

fn oauth(
    slot: &CredentialSlot,
    parts: BTreeMap<String, Secret>,
) -> Result<Credential, CredentialError> {
    let recipe = slot.recipe.as_ref();
    let recipe =
        recipe.ok_or_else(|| CredentialError::Place("oauth2 needs a recipe".to_owned()))?;
    Ok(match OAuthRecipe::parse(recipe)?.choose(parts)? {
        Chosen::Token(token) => Credential::Bearer(token),
        Chosen::OAuth(credential) => Credential::OAuth(credential),
    })
}

/// Reads a secret and remembers it for redaction.
pub(crate) fn resolve(
    secret: &Secret,
    redactor: &Redactor,
) -> Result<Zeroizing<String>, HttpFault> {
    let secret = secret.resolve().map_err(|error| HttpFault::Credential(error.to_string()))?;
    redactor.learn(secret.expose_secret());
    Ok(Zeroizing::new(secret.expose_secret().to_owned()))
}

pub(crate) fn apply_bearer(
    request: &mut Prepared,
    token: &Secret,
    redactor: &Redactor,
) -> Result<(), HttpFault> {
    let token = resolve(token, redactor)?;
    let value = Zeroizing::new(format!("Bearer {}", token.as_str()));
    set_header(request, AUTHORIZATION, &value)
}

pub(crate) fn apply_basic(
    request: &mut Prepared,
    username: &Secret,
    password: &Secret,
    redactor: &Redactor,
) -> Result<(), HttpFault> {
    let username = username.resolve().map_err(|error| HttpFault::Credential(error.to_string()))?;
    if username.expose_secret().contains(':') {
        return Err(HttpFault::Credential("a Basic user name must not hold `:`".to_owned()));
    }
    let password = resolve(password, redactor)?;
    let pair = Zeroizing::new(format!("{}:{}", username.expose_secret(), password.as_str()));
    redactor.learn(&pair);
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair.as_bytes());
    let value = Zeroizing::new(format!("Basic {encoded}"));
    set_header(request, AUTHORIZATION, &value)
}

pub(crate) fn apply_key(
    request: &mut Prepared,
    place: &KeyPlace,
    key: &Secret,
    redactor: &Redactor,
) -> Result<(), HttpFault> {
    let key = resolve(key, redactor)?;
    match place {
        KeyPlace::Header(name) => {
            let name = HeaderName::try_from(name.as_str()).map_err(|_| {
                HttpFault::Credential("the key's header name is not valid".to_owned())
            })?;
            set_header(request, name, &key)
        }
        KeyPlace::Query(name) => {
            if request.url.query_pairs().any(|(given, _)| given == name.as_str()) {
                return Err(HttpFault::Denied(format!(
                    "the query parameter `{name}` belongs to the host"
                )));
            }
            request.url.query_pairs_mut().append_pair(name, &key);
            Ok(())
        }
        KeyPlace::BodyPlaceholder(placeholder) => fill_body(request, placeholder, &key),
    }
}

pub(crate) fn set_header(
    request: &mut Prepared,
    name: HeaderName,
    value: &str,
) -> Result<(), HttpFault> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        HttpFault::Credential("the secret holds characters that no header may hold".to_owned())
    })?;
    value.set_sensitive(true);
    request.headers.insert(name, value);
    Ok(())
}

fn fill_body(request: &mut Prepared, placeholder: &str, key: &str) -> Result<(), HttpFault> {
    let kind = request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    let key = if kind.contains("json") {
        json_escaped(key)
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        let mut encoded = Zeroizing::new(String::new());
        percent_encode(key, &mut encoded);
        encoded
    } else {
        Zeroizing::new(key.to_owned())
    };
    match replace_all(&request.body, placeholder.as_bytes(), key.as_bytes()) {
        Some(body) => {
            request.body = body;
            Ok(())
        }
        None => Err(HttpFault::Invalid(format!(
            "the body does not hold the placeholder `{placeholder}` of the credential"
        ))),
    }
}

/// The bytes with every `from` replaced, or `None` if there is none.
fn replace_all(bytes: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len() + to.len());
    let mut rest = bytes;
    let mut found = false;
    while let Some(at) = rest.windows(from.len().max(1)).position(|window| window == from) {
        let (before, after) = rest.split_at_checked(at)?;
        out.extend_from_slice(before);
        out.extend_from_slice(to);
        rest = after.get(from.len()..)?;
        found = true;
    }
    out.extend_from_slice(rest);
    found.then_some(out)
}
