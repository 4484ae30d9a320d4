//! What a manifest's slot of the kind `oauth2` says, and which of its ways the parts that
//! an organisation gave choose.
//!
//! ```json
//! {
//!   "token-url": "{settings.login_url}/token",
//!   "scopes": ["contacts.read"],
//!   "authorization-code": { "url": "https://vendor.example/authorize" },
//!   "jwt-bearer": { "audience": "{settings.login_url}/token" }
//! }
//! ```
//!
//! | way | parts |
//! |---|---|
//! | `authorization-code` | `client_id`, perhaps `client_secret`, perhaps a `refresh_token` from elsewhere |
//! | `client-credentials` | `client_id`, `client_secret` |
//! | `jwt-bearer` | `service_account` (a Google key file), or `client_id` and `private_key`; perhaps `subject` |
//! | `bearer-token` | `token`, used as it is |

use std::collections::{BTreeMap, BTreeSet};

use plugin_api::HostGrant;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::credential::CredentialError;
use crate::crypto::Signing;
use crate::secret::Secret;
use crate::template::Template;

/// Parameters that are the host's in every address of a sign-in and every token request.
const OWN_PARAMETERS: [&str; 14] = [
    "response_type",
    "client_id",
    "client_secret",
    "redirect_uri",
    "scope",
    "state",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "grant_type",
    "refresh_token",
    "assertion",
    "request_uri",
];

/// How a client proves itself at the token address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuth {
    /// HTTP Basic (`client_secret_basic`).
    #[default]
    Basic,
    /// In the form (`client_secret_post`).
    Post,
}

/// Where somebody signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SignInRecipe {
    /// URL template over the settings; opened by a browser, never by the host.
    pub url: String,
    /// More parameters of that address; templates over the settings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
}

/// What an assertion says (RFC 7523).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AssertionRecipe {
    /// `aud`; a URL template over the settings.
    pub audience: String,
    /// `rs256` or `es256`.
    #[serde(default = "rs256")]
    pub algorithm: Signing,
    /// How long it is good, in seconds.
    #[serde(default = "five_minutes")]
    pub lifetime_seconds: u32,
    /// The scopes are a claim instead of a parameter.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scope_claim: bool,
}

const fn rs256() -> Signing {
    Signing::Rs256
}

const fn five_minutes() -> u32 {
    300
}

/// The recipe of a slot of the kind `oauth2`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OAuthRecipe {
    /// Where tokens are had; a URL template over the settings.
    pub token_url: String,
    /// What is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// More parameters of token requests, such as `audience`; templates over the settings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// How the client proves itself.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// Somebody signs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_code: Option<SignInRecipe>,
    /// The client stands for itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub client_credentials: bool,
    /// A signed assertion stands for the client or somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt_bearer: Option<AssertionRecipe>,
    /// A token that never changes may be given instead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bearer_token: bool,
    /// Names in the token's reply that hold the address to be called, and the hosts that
    /// may stand there: `{"instance_url": ["*.my.salesforce.com"]}`. A connector writes
    /// `{instance_url}` at the start of a URL.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reply_hosts: BTreeMap<String, Vec<HostGrant>>,
    /// The word before the token in `Authorization`.
    #[serde(default = "bearer")]
    pub scheme: String,
    /// Statuses that mean "token expired"; 401 if left out.
    #[serde(default = "unauthorised")]
    pub expired_status: BTreeSet<u16>,
}

fn bearer() -> String {
    "Bearer".to_owned()
}

fn unauthorised() -> BTreeSet<u16> {
    BTreeSet::from([401])
}

/// Who signs an assertion.
#[derive(Debug, Clone)]
pub(crate) enum Signer {
    /// A Google key file names its account.
    ServiceAccount(Secret),
    /// A client and its key in PEM.
    Client {
        /// `iss`.
        id: Secret,
        /// PKCS#8.
        key: Secret,
    },
}

/// The way to a token, with the parts that it needs.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// Somebody signs in, or brought a refresh token.
    Code {
        client: Client,
        refresh_token: Option<Secret>,
    },
    Client(Client),
    Assertion {
        signer: Signer,
        subject: Option<Secret>,
    },
}

/// A client.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: Secret,
    pub(crate) secret: Option<Secret>,
}

/// A recipe with the way that was chosen.
#[derive(Debug, Clone)]
pub struct OAuthCredential {
    pub(crate) recipe: OAuthRecipe,
    pub(crate) way: Way,
}

/// What the parts choose.
pub(crate) enum Chosen {
    Token(Secret),
    OAuth(Box<OAuthCredential>),
}

impl OAuthRecipe {
    /// Reads a recipe and checks what can be checked without settings.
    pub(crate) fn parse(recipe: &Value) -> Result<Self, CredentialError> {
        let unusable = |reason: String| CredentialError::Place(reason);
        let recipe = Self::deserialize(recipe).map_err(|error| unusable(error.to_string()))?;
        let sign_in = recipe.authorization_code.iter();
        let urls = sign_in.clone().map(|it| &it.url).chain([&recipe.token_url]);
        let urls = urls.chain(recipe.jwt_bearer.iter().map(|it| &it.audience));
        let parameters = sign_in.flat_map(|it| &it.parameters).chain(&recipe.parameters);
        for text in urls.chain(parameters.clone().map(|(_, text)| text)) {
            let template = Template::parse(text).map_err(|error| unusable(error.to_string()))?;
            if template.names().iter().any(|name| !name.starts_with("settings.")) {
                return Err(unusable(format!("`{text}` may name settings only")));
            }
        }
        if let Some((own, _)) = parameters.into_iter().find(|(name, _)| is_own(name)) {
            return Err(unusable(format!("the parameter `{own}` belongs to the host")));
        }
        if recipe.authorization_code.is_some() && recipe.client_credentials {
            let both = "authorization-code and client-credentials take the same parts; a slot \
                        offers one of them";
            return Err(unusable(both.to_owned()));
        }
        if recipe.ways().is_empty() {
            return Err(unusable("it offers no way to a token".to_owned()));
        }
        Ok(recipe)
    }

    /// The credential that the given parts make.
    pub(crate) fn choose(
        self,
        mut parts: BTreeMap<String, Secret>,
    ) -> Result<Chosen, CredentialError> {
        let mut take = |name: &str| parts.remove(name);
        let needed = |part: Option<Secret>, name: &str| {
            part.ok_or_else(|| CredentialError::Missing(name.to_owned()))
        };
        let way = if self.bearer_token
            && let Some(token) = take("token")
        {
            Err(token)
        } else if self.jwt_bearer.is_some()
            && let Some(key) = take("service_account")
        {
            Ok(Way::Assertion { signer: Signer::ServiceAccount(key), subject: take("subject") })
        } else if self.jwt_bearer.is_some()
            && let Some(key) = take("private_key")
        {
            let id = needed(take("client_id"), "client_id")?;
            Ok(Way::Assertion { signer: Signer::Client { id, key }, subject: take("subject") })
        } else if self.authorization_code.is_some() {
            let client = Client {
                id: needed(take("client_id"), "client_id")?,
                secret: take("client_secret"),
            };
            Ok(Way::Code { client, refresh_token: take("refresh_token") })
        } else if self.client_credentials {
            let (id, secret) = (needed(take("client_id"), "client_id")?, take("client_secret"));
            let secret = Some(needed(secret, "client_secret")?);
            Ok(Way::Client(Client { id, secret }))
        } else {
            let first = if self.jwt_bearer.is_some() { "private_key" } else { "token" };
            return Err(CredentialError::Missing(first.to_owned()));
        };
        if let Some(unused) = parts.into_keys().next() {
            return Err(CredentialError::Unused(unused));
        }
        Ok(match way {
            Err(token) => Chosen::Token(token),
            Ok(way) => Chosen::OAuth(Box::new(OAuthCredential { recipe: self, way })),
        })
    }

    fn ways(&self) -> Vec<&'static str> {
        let all = [
            (self.authorization_code.is_some(), "authorization-code"),
            (self.client_credentials, "client-credentials"),
            (self.jwt_bearer.is_some(), "jwt-bearer"),
            (self.bearer_token, "bearer-token"),
        ];
        all.into_iter().filter(|(offered, _)| *offered).map(|(_, name)| name).collect()
    }
}

fn is_own(name: &str) -> bool {
    OWN_PARAMETERS.contains(&name)
}
