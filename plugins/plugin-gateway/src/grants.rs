//! What one connection may reach. The manifest asks, an admin grants; only the
//! grants are looked at when a request goes out.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;
use plugin_api::HostGrant;
use url::{Host, Url};

use crate::address::{self, Reach};
use crate::s3::S3Place;
use crate::sftp::SftpPlace;
use crate::template::{Template, TemplateError};

/// A grant that cannot be understood; the text says what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a valid {what}: {mend}")]
pub struct GrantError {
    /// What was written.
    pub given: String,
    /// `host`, `private network`, `bucket`, ...
    pub what: &'static str,
    /// How to mend it.
    pub mend: String,
}

impl GrantError {
    fn host(given: &str, mend: impl Into<String>) -> Self {
        Self { given: given.to_owned(), what: "host", mend: mend.into() }
    }

    fn private(given: &str, mend: impl Into<String>) -> Self {
        Self { given: given.to_owned(), what: "private network", mend: mend.into() }
    }
}

/// The name part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum HostName {
    Exact(Host<String>),
    /// Any name that ends in `.suffix`; never the suffix itself.
    Below(String),
}

/// Hosts that a connection may reach: `api.example.com`, `*.example.com`,
/// `10.1.2.3:8000`, `[fd00::1]:8443`. Without a port the scheme's own port is
/// meant (443, or 80 where plain http is granted).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    name: HostName,
    port: Option<u16>,
}

impl HostPattern {
    /// Whether a URL's host and port are covered. `default_port` tells whether
    /// the port is the scheme's own.
    #[must_use]
    pub fn covers(&self, host: &Host<&str>, port: u16, default_port: bool) -> bool {
        let port_fits = self.port.map_or(default_port, |granted| granted == port);
        port_fits && self.covers_name(host)
    }

    /// The same host; where no port is written, on this one.
    pub(crate) fn with_port(self, port: u16) -> Self {
        Self { port: self.port.or(Some(port)), ..self }
    }

    fn covers_name(&self, host: &Host<&str>) -> bool {
        match (&self.name, host) {
            (HostName::Exact(granted), _) => granted == &host.to_owned(),
            (HostName::Below(suffix), Host::Domain(name)) => name
                .strip_suffix(suffix.as_str())
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|rest| !rest.is_empty()),
            (HostName::Below(_), _) => false,
        }
    }

    /// Whether the host is named in full: a wildcard is too weak a statement to
    /// lift the block on names such as `localhost`.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        matches!(self.name, HostName::Exact(_))
    }

    /// The pattern that a manifest asks for, with `{settings.name}` filled in.
    /// A setting may hold a whole URL, of which host and port are taken.
    ///
    /// # Errors
    ///
    /// A setting is missing, or the result is not a host.
    pub fn requested(
        asked: &HostGrant,
        settings: &serde_json::Value,
    ) -> Result<Self, RequestedHostError> {
        let text = Template::parse(&asked.0)?.render_settings(settings)?;
        match Url::parse(&text) {
            Ok(url) if url.has_host() => Ok(Self::of_url(&url, &text)?),
            _ => Ok(text.parse()?),
        }
    }

    fn of_url(url: &Url, text: &str) -> Result<Self, GrantError> {
        let host = url.host().ok_or_else(|| GrantError::host(text, "the URL names no host"))?;
        Ok(Self { name: HostName::Exact(host.to_owned()), port: url.port() })
    }
}

/// A manifest's host could not be turned into a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestedHostError {
    /// The template or a setting is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The rendered text is not a host.
    #[error(transparent)]
    Grant(#[from] GrantError),
}

impl FromStr for HostPattern {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        if text.contains("://") || text.contains(['/', '@', '?', '#', '\\', ' ']) {
            return Err(GrantError::host(
                text,
                "write the host alone, such as `api.example.com` or `api.example.com:8443`, \
                 without scheme, path or user",
            ));
        }
        let (name, port) = split_port(text)?;
        let name = match name.strip_prefix("*.") {
            Some(suffix) => HostName::Below(wildcard_suffix(text, suffix)?),
            None if name.contains('*') => {
                return Err(GrantError::host(
                    text,
                    "a `*` may only stand as the first label: `*.example.com`",
                ));
            }
            None => HostName::Exact(parse_host(text, name)?),
        };
        Ok(Self { name, port })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            HostName::Exact(host) => write!(f, "{host}")?,
            HostName::Below(suffix) => write!(f, "*.{suffix}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), GrantError> {
    let colon = match (text.starts_with('['), text.rfind(':'), text.rfind(']')) {
        (true, Some(colon), Some(bracket)) if colon > bracket => Some(colon),
        (true, ..) | (false, None, _) => None,
        (false, Some(colon), _) => Some(colon),
    };
    let Some((name, port)) = colon.and_then(|at| text.split_at_checked(at)) else {
        return Ok((text, None));
    };
    if name.contains(':') && !name.starts_with('[') {
        return Err(GrantError::host(text, "write an IPv6 address in brackets: `[fd00::1]:8443`"));
    }
    match port.trim_start_matches(':').parse::<u16>() {
        Ok(port) if port > 0 => Ok((name, Some(port))),
        _ => Err(GrantError::host(text, "the port must be a number from 1 to 65535")),
    }
}

fn parse_host(text: &str, name: &str) -> Result<Host<String>, GrantError> {
    if name.is_empty() || name.ends_with('.') {
        return Err(GrantError::host(text, "a host name must not be empty or end in a dot"));
    }
    Host::parse(name).map_err(|error| GrantError::host(text, error.to_string()))
}

fn wildcard_suffix(text: &str, suffix: &str) -> Result<String, GrantError> {
    let Host::Domain(suffix) = parse_host(text, suffix)? else {
        return Err(GrantError::host(text, "a wildcard needs a name, not an address"));
    };
    // A wildcard over a public suffix (`*.com`, `*.co.uk`, `*.github.io`) would
    // grant hosts of everybody who registers a name there.
    if psl::domain_str(&suffix).is_none() {
        return Err(GrantError::host(
            text,
            format!("`{suffix}` is a public suffix; name the vendor's own domain below it"),
        ));
    }
    Ok(suffix)
}

/// A private network that a connection may reach on one port: `10.1.2.3/32:443`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrivateGrant {
    /// The network, inside the private ranges.
    pub net: IpNet,
    /// The port.
    pub port: u16,
}

impl FromStr for PrivateGrant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        const FORM: &str =
            "write network and port, such as `10.1.2.3/32:443` or `[fd00::1]/128:8443`";
        let (net, port) = text.rsplit_once(':').ok_or_else(|| GrantError::private(text, FORM))?;
        let port = port.parse::<u16>().ok().filter(|port| *port > 0);
        let port = port.ok_or_else(|| GrantError::private(text, FORM))?;
        let net = net.replace(['[', ']'], "");
        let net: IpNet = net.parse().map_err(|_| GrantError::private(text, FORM))?;
        if !address::is_grantable(&net) {
            return Err(GrantError::private(
                text,
                "only networks inside 10/8, 100.64/10, 127/8, 172.16/12, 192.168/16, ::1 and fc00::/7 \
                 can be granted; public addresses need no such grant, and link-local ones \
                 (169.254/16, where metadata services live) are never reachable",
            ));
        }
        Ok(Self { net, port })
    }
}

impl fmt::Display for PrivateGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.net {
            IpNet::V4(net) => write!(f, "{net}:{}", self.port),
            IpNet::V6(net) => write!(f, "[{}]/{}:{}", net.addr(), net.prefix_len(), self.port),
        }
    }
}

/// Where a folder is.
#[derive(Debug, Clone)]
pub enum FolderPlace {
    /// A directory of this machine; absolute.
    Directory(PathBuf),
    /// A bucket.
    S3(Box<S3Place>),
    /// A folder of an SSH server.
    Sftp(SftpPlace),
}

/// A folder that a connection may use, under an alias.
#[derive(Debug, Clone)]
pub struct FolderGrant {
    /// Where it is.
    pub place: FolderPlace,
    /// Whether files may be written.
    pub writable: bool,
}

/// Everything that one connection may reach. The default reaches nothing.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    /// Hosts by name or address.
    pub hosts: Vec<HostPattern>,
    /// Private networks behind those hosts.
    pub private: Vec<PrivateGrant>,
    /// Whether plain http, and mail without TLS, is allowed. Credentials then travel in clear.
    pub insecure_http: bool,
    /// Folders by alias.
    pub folders: BTreeMap<String, FolderGrant>,
    /// PEM certificates of the only authorities trusted for this connection;
    /// `None` trusts the system's.
    pub authorities_pem: Option<String>,
}

impl Grants {
    /// Whether this connection may connect to an address.
    #[must_use]
    pub fn allows_address(&self, address: IpAddr, port: u16) -> bool {
        match address::reach(address) {
            Reach::Public => true,
            Reach::Never => false,
            Reach::Private => {
                let address = address.to_canonical();
                self.private.iter().any(|grant| grant.port == port && grant.net.contains(&address))
            }
        }
    }
}
