//! From the text of a URL to a destination that the grants allow.
//!
//! The text is parsed once, by the same parser whose result is then sent, so
//! that checker and sender cannot disagree about what it means. Odd spellings of
//! addresses (`0x7f.1`, `2130706433`, full-width digits) come out of that parser
//! as plain addresses and are judged as such.

use std::net::IpAddr;

use url::{Host, Url};

use crate::grants::Grants;
use crate::http::{HttpFault, URL_BYTES_MAX};

/// Names of the machine's own or its cloud's inside.
const INSIDE_SUFFIXES: [&str; 4] = ["localhost", "local", "internal", "localdomain"];

/// Names of metadata services: never reachable.
const METADATA_NAMES: [&str; 3] = ["metadata.google.internal", "metadata.goog", "metadata"];

/// A URL that passed every check that needs no name lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The parsed URL.
    pub url: Url,
    /// The port that will be connected to.
    pub port: u16,
}

/// Checks a URL against the grants.
///
/// # Errors
///
/// [`HttpFault::Invalid`] for a text that is no URL, [`HttpFault::Denied`] for
/// one that leads where this connection may not go.
pub fn check(text: &str, grants: &Grants) -> Result<Destination, HttpFault> {
    let url = parse(text)?;
    check_scheme(&url, grants)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HttpFault::Denied("a URL must not hold a user or password".to_owned()));
    }
    if url.fragment().is_some() {
        return Err(HttpFault::Denied("a URL must not hold a fragment (`#`)".to_owned()));
    }
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Err(HttpFault::Invalid("the URL names no host".to_owned()));
    };
    let shown = shown_host(&host, port);
    let covering =
        || grants.hosts.iter().filter(|pattern| pattern.covers(&host, port, url.port().is_none()));
    if covering().next().is_none() {
        return Err(HttpFault::Denied(format!("host {shown} is not granted to this connection")));
    }
    match address_of(&host) {
        Some(address) if !grants.allows_address(address, port) => {
            return Err(HttpFault::Denied(format!(
                "{shown} is not a public address; a private one needs a grant of its own"
            )));
        }
        Some(_) => {}
        None => {
            let exact = covering().any(crate::grants::HostPattern::is_exact);
            check_name(url.host_str().unwrap_or_default(), port, exact, grants)?;
        }
    }
    Ok(Destination { port, url })
}

/// Checks a server that is no web server, `host:port`, against the grants.
///
/// # Errors
///
/// As [`check`].
pub(crate) fn check_server(text: &str, grants: &Grants) -> Result<(Host, u16), HttpFault> {
    let port = text.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    // What else a URL has would be taken for a part of it.
    if port.is_none() || text.contains(['/', '?', '#', '@', '\\', '%']) {
        return Err(HttpFault::Invalid(
            "a server is written as host and port, such as `smtp.example.org:587`".to_owned(),
        ));
    }
    let destination = check(&format!("https://{text}"), grants)?;
    match destination.url.host() {
        Some(host) => Ok((host.to_owned(), destination.port)),
        None => Err(HttpFault::Invalid("the server has no name".to_owned())),
    }
}

fn parse(text: &str) -> Result<Url, HttpFault> {
    if text.len() > URL_BYTES_MAX {
        return Err(HttpFault::too_large("", URL_BYTES_MAX));
    }
    // The parser would silently drop or turn these; a URL that needs it is an attempt.
    if text.contains(|c: char| c.is_control() || c == ' ' || c == '\\') {
        return Err(HttpFault::Invalid(
            "a URL must not hold spaces, control characters or backslashes".to_owned(),
        ));
    }
    Url::parse(text).map_err(|error| HttpFault::Invalid(format!("not a URL: {error}")))
}

fn check_scheme(url: &Url, grants: &Grants) -> Result<(), HttpFault> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if grants.insecure_http => Ok(()),
        "http" => Err(HttpFault::Denied(
            "plain http is not granted to this connection (`insecure_http`)".to_owned(),
        )),
        _ => Err(HttpFault::Denied("only https URLs are allowed".to_owned())),
    }
}

fn address_of(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
    }
}

fn check_name(name: &str, port: u16, exact: bool, grants: &Grants) -> Result<(), HttpFault> {
    if name.ends_with('.') {
        return Err(HttpFault::Denied("a host name must not end in a dot".to_owned()));
    }
    if METADATA_NAMES.contains(&name) {
        return Err(HttpFault::Denied(format!("{name} is never reachable")));
    }
    let inside = INSIDE_SUFFIXES.iter().any(|suffix| {
        name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    });
    // On-premises systems have such names. Written out in full and with a private
    // network granted on the port, the address check below decides alone.
    let lifted = exact && grants.private.iter().any(|grant| grant.port == port);
    if inside && !lifted {
        return Err(HttpFault::Denied(format!(
            "{name} is an inside name; it needs an exact host grant and a private network grant \
             on port {port}"
        )));
    }
    Ok(())
}

/// Host and port for messages and logs; escaped and cut.
fn shown_host(host: &Host<&str>, port: u16) -> String {
    let host: String = host.to_string().chars().take(253).collect();
    format!("`{}:{port}`", host.escape_debug())
}
