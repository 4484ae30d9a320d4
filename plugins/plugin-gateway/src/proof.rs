//! A bearer token together with proofs that its bearer knows another secret too: a
//! vendor that asks for them takes a stolen token for nothing.
//!
//! ```json
//! { "query": { "appsecret_proof": "{hmac-sha256(app_secret,{token})}" } }
//! ```
//!
//! The names are the parts of the credential. `token` must be given; a parameter whose
//! other parts were not given is left out, so that an organisation may do without.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::credential::{CredentialError, apply_bearer, resolve};
use crate::http::HttpFault;
use crate::recipe::Parts;
use crate::redact::Redactor;
use crate::secret::Secret;
use crate::template::Template;
use crate::wire::Prepared;

/// The part that is the token.
const TOKEN: &str = "token";

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofRecipe {
    /// Templates of query parameters, by their names.
    query: BTreeMap<String, String>,
}

/// A token and what goes along with it.
#[derive(Debug, Clone)]
pub struct ProvenToken {
    token: Secret,
    parts: BTreeMap<String, Secret>,
    query: BTreeMap<String, Template>,
}

impl ProvenToken {
    /// The token of a slot with such a recipe, from the parts that were given.
    pub(crate) fn parse(
        recipe: &Value,
        parts: BTreeMap<String, Secret>,
    ) -> Result<Self, CredentialError> {
        let unusable = |reason: String| CredentialError::Place(reason);
        let recipe =
            ProofRecipe::deserialize(recipe).map_err(|error| unusable(error.to_string()))?;
        let mut query = BTreeMap::new();
        for (name, text) in recipe.query {
            let template = Template::parse(&text).map_err(|error| unusable(error.to_string()))?;
            if name.is_empty() || template.names().iter().any(|name| name.contains('.')) {
                let expected = "a parameter has a name and is made of parts of the credential";
                return Err(unusable(expected.to_owned()));
            }
            query.insert(name, template);
        }
        let token = parts.get(TOKEN).cloned();
        let token = token.ok_or_else(|| CredentialError::Missing(TOKEN.to_owned()))?;
        let named = |part: &str| query.values().any(|template| template.names().contains(&part));
        if let Some(unused) = parts.keys().find(|part| *part != TOKEN && !named(part)) {
            return Err(CredentialError::Unused(unused.clone()));
        }
        query.retain(|_, template| template.names().iter().all(|name| parts.contains_key(*name)));
        Ok(Self { token, parts, query })
    }

    /// Puts the token and its proofs into a request.
    pub(crate) fn apply(
        &self,
        request: &mut Prepared,
        redactor: &Redactor,
    ) -> Result<(), HttpFault> {
        apply_bearer(request, &self.token, redactor)?;
        let mut parts = Parts::new();
        for (name, secret) in &self.parts {
            parts.insert(name.clone(), resolve(secret, redactor)?);
        }
        for (name, template) in &self.query {
            if request.url.query_pairs().any(|(given, _)| given == name.as_str()) {
                return Err(HttpFault::Denied(format!(
                    "the query parameter `{name}` belongs to the host"
                )));
            }
            let value = template
                .render(&|part| parts.get(part).map(|part| part.as_str().into()))
                .map_err(|error| HttpFault::Credential(error.to_string()))?;
            redactor.learn(&value);
            request.url.query_pairs_mut().append_pair(name, &value);
        }
        Ok(())
    }
}
