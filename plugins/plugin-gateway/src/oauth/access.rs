//! A token in use, and the addresses that came with it.

use std::collections::BTreeMap;

use plugin_api::HostGrant;
use reqwest::header::AUTHORIZATION;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;
use zeroize::Zeroizing;

use super::reply::words;
use super::request::fault;
use crate::credential::set_header;
use crate::grants::HostPattern;
use crate::http::HttpFault;
use crate::wire::{Prepared, Wire};

/// A token in use.
pub(crate) struct AccessToken {
    pub(super) generation: u64,
    pub(super) header: Zeroizing<String>,
    /// What texts must not show: the tokens themselves.
    pub(super) secrets: Vec<Zeroizing<String>>,
    pub(super) until: Option<Instant>,
    /// Addresses that came with it, by name.
    pub(super) places: BTreeMap<String, String>,
}

impl AccessToken {
    pub(super) fn is_good(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }

    /// Puts the token into a request.
    pub(crate) fn apply(&self, request: &mut Prepared, wire: &Wire) -> Result<(), HttpFault> {
        self.secrets.iter().for_each(|secret| wire.redactor.learn(secret));
        set_header(request, AUTHORIZATION, &self.header)
    }

    /// A URL that begins with the name of an address that came with the token.
    pub(crate) fn place(&self, url: &str) -> Result<String, HttpFault> {
        let name = url.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let (name, rest) = name.ok_or_else(|| HttpFault::Invalid("not a URL".to_owned()))?;
        let place = self.places.get(name).ok_or_else(|| {
            fault(&format!("the token came without the address `{}`", words(name)))
        })?;
        // Whatever follows must not become a part of the host's name.
        if !(rest.is_empty() || rest.starts_with('/') || rest.starts_with('?')) {
            return Err(HttpFault::Invalid("after `{…}` a URL goes on with `/` or `?`".to_owned()));
        }
        Ok(format!("{place}{rest}"))
    }
}

/// The origin of an address that came with a token, if its host is allowed; what else it
/// holds would be taken for a part of a connector's URL.
pub(super) fn origin(
    text: &str,
    allowed: &[HostGrant],
    (settings, insecure): (&Value, bool),
) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let bare = url.username().is_empty() && url.password().is_none();
    let plain = url.query().is_none() && url.fragment().is_none() && matches!(url.path(), "" | "/");
    let scheme = url.scheme() == "https" || (insecure && url.scheme() == "http");
    let (host, port) = (url.host()?, url.port_or_known_default()?);
    let covers = |asked: &HostGrant| {
        let pattern = HostPattern::requested(asked, settings);
        pattern.is_ok_and(|it| it.covers(&host, port, url.port().is_none()))
    };
    let fits = bare && plain && scheme && allowed.iter().any(covers);
    fits.then(|| url.as_str().trim_end_matches('/').to_owned())
}
