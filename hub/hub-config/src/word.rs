//! The small languages inside values: ids, names, hosts, networks, addresses.

use std::net::{IpAddr, SocketAddr};

use hub_model::limits::KEY_BYTES_MAX;

use crate::document::Document;
use crate::fault::{ConfigFault, code};
use crate::located::Located;
use crate::table::shown;

/// Longest id of a workspace, connection, sync, namespace, slot or folder.
pub(crate) const ID_BYTES_MAX: usize = 64;
/// Longest host name (RFC 1035, 2.3.4).
const HOST_BYTES_MAX: usize = 253;
/// Longest label of a host name (RFC 1035, 2.3.4).
const LABEL_BYTES_MAX: usize = 63;

/// Whether a text may be an id. Ids become file names, URLs and columns, so
/// they are plain, and two never differ by case alone.
pub(crate) fn is_id(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= ID_BYTES_MAX
        && text.starts_with(plain)
        && text.chars().all(|c| plain(c) || c == '-' || c == '_')
}

/// Checks an id and records the fault.
pub(crate) fn check_id(
    document: &Document<'_>,
    id: &Located<String>,
    what: &str,
    place: &str,
) -> bool {
    if is_id(&id.value) {
        return true;
    }
    document.fault(
        ConfigFault::new(code::ID, id.location.clone(), place)
            .with("found", shown(&id.value))
            .with("what", what)
            .with("limit", ID_BYTES_MAX),
    );
    false
}

/// Checks a vendor's name (field, stream) and records the fault.
pub(crate) fn check_name(document: &Document<'_>, name: &Located<String>, place: &str) -> bool {
    if hub_model::id::valid(&name.value) {
        return true;
    }
    let fault = ConfigFault::new(code::NAME, name.location.clone(), place);
    document.fault(fault.with("limit", KEY_BYTES_MAX));
    false
}

/// Why an address is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadListen {
    /// Not an address with a port.
    Form,
    /// It can be reached from outside; with its port.
    Public(u16),
}

/// Reads an address to listen on: loopback only.
pub(crate) fn listen(text: &str) -> Result<SocketAddr, BadListen> {
    let spelled = text.replacen("localhost:", "127.0.0.1:", 1);
    let address: SocketAddr = spelled.parse().map_err(|_| BadListen::Form)?;
    match address {
        _ if address.port() == 0 => Err(BadListen::Form),
        _ if !address.ip().is_loopback() => Err(BadListen::Public(address.port())),
        _ => Ok(address),
    }
}

/// Why a host is refused, and the host that was probably meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadHost {
    pub(crate) why: &'static str,
    pub(crate) example: Option<String>,
}

/// Reads a granted host: `host`, `host:port`, `*.suffix`, an IPv4 address, or
/// an IPv6 address in brackets. Answers in lower case.
pub(crate) fn host(text: &str) -> Result<String, BadHost> {
    let bad = |why, example| Err(BadHost { why, example });
    if let Some((_, rest)) = text.split_once("://") {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let authority = rest.get(..end).unwrap_or_default();
        return bad("a scheme or path is not part of it", host(authority).ok());
    }
    if text.contains(['/', '?', '#', '@', ' ']) {
        return bad("a path, user or blank is not part of it", None);
    }
    if !text.is_ascii() {
        return bad("write the ASCII form of an international name (`xn--…`)", None);
    }
    let lower = text.to_ascii_lowercase();
    let Some((name, port)) = split_port(&lower) else {
        return bad("an IPv6 address stands in brackets", None);
    };
    if port.is_some_and(|port| !is_port(port)) {
        return bad("the port must be from 1 to 65535", None);
    }
    let suffix = name.strip_prefix("*.");
    if suffix.is_some_and(|suffix| !suffix.contains('.')) {
        return bad(
            "a pattern needs a suffix of two labels at least, such as `*.example.com`",
            None,
        );
    }
    if is_address(name) || is_host_name(suffix.unwrap_or(name)) {
        Ok(lower)
    } else {
        bad("it has characters or labels that no host has", None)
    }
}

/// Host and port; `None` for a bare IPv6 address.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if text.starts_with('[') {
        let end = text.find(']')?;
        let (host, rest) = text.split_at_checked(end + 1)?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
}

fn is_port(text: &str) -> bool {
    !text.starts_with(['0', '+']) && text.parse::<u16>().is_ok()
}

fn is_address(text: &str) -> bool {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => text.parse::<std::net::Ipv4Addr>().is_ok(),
    }
}

/// Letters, digits and hyphens in labels. A name whose last label is a number
/// would be read as an address by some and as a name by others.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= LABEL_BYTES_MAX
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= HOST_BYTES_MAX
        && text.split('.').all(label)
        && !last.chars().all(|c| c.is_ascii_digit())
        && !last.starts_with("0x")
}

/// Checks a granted private network: `address/prefix:port`.
pub(crate) fn private(text: &str) -> Result<(), &'static str> {
    let (address, rest) = text.split_once('/').ok_or("the prefix is missing")?;
    let (prefix, port) = rest.split_once(':').ok_or("the port is missing")?;
    let address = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
    let address: IpAddr = address.parse().map_err(|_| "the address is not an IP address")?;
    let bits_max = if address.is_ipv4() { 32 } else { 128 };
    let bits: u8 = prefix.parse().map_err(|_| "the prefix is not a number")?;
    if bits > bits_max {
        return Err("the prefix is longer than the address");
    }
    if !is_port(port) {
        return Err("the port must be from 1 to 65535");
    }
    if host_bits(address, bits) != 0 {
        return Err("the address has bits beyond its prefix");
    }
    Ok(())
}

/// The bits of an address behind its prefix.
fn host_bits(address: IpAddr, bits: u8) -> u128 {
    let (value, width) = match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    let free = u32::from(u8::saturating_sub(width, bits));
    let mask = 1u128.checked_shl(free).map_or(u128::MAX, |bit| bit - 1);
    value & mask
}

#[cfg(test)]
mod tests {
    use super::{BadListen, host, is_id, listen, private};

    #[test]
    fn ids() {
        for good in ["erp", "erp-2", "a_b", "0", &"a".repeat(64)] {
            assert!(is_id(good), "{good}");
        }
        for bad in ["", "ERP", "-a", "a b", "a.b", "é", "../x", &"a".repeat(65)] {
            assert!(!is_id(bad), "{bad}");
        }
    }

    #[test]
    fn addresses_to_listen_on() {
        for good in ["127.0.0.1:8420", "[::1]:8420", "localhost:1", "127.9.9.9:65535"] {
            assert!(listen(good).is_ok(), "{good}");
        }
        for bad in ["", "8420", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "::1:80", "h:80"] {
            assert_eq!(listen(bad), Err(BadListen::Form), "{bad}");
        }
        for public in ["0.0.0.0:80", "[::]:80", "192.168.1.2:80"] {
            assert_eq!(listen(public), Err(BadListen::Public(80)), "{public}");
        }
    }

    #[test]
    fn hosts() {
        let good = [
            "api.example.com",
            "127.0.0.1:8000",
            "localhost:8000",
            "*.myshop.com",
            "[::1]:8000",
            "xn--bcher-kva.example",
        ];
        for text in good {
            assert_eq!(host(text).as_deref(), Ok(text));
        }
        assert_eq!(host("API.Example.com").as_deref(), Ok("api.example.com"));
        let bad = [
            "",
            "https://api.example.com/v1",
            "a/b",
            "u@h",
            "*",
            "*.com",
            "a..b",
            "::1",
            "h:0",
            "h:70000",
            "bücher.example",
            "127.1",
            "0x7f.1",
            "1.2.3.4.5",
            "-a.example",
            "h:",
            "[::1",
        ];
        for text in bad {
            assert!(host(text).is_err(), "{text}");
        }
        let meant = host("https://api.example.com:8443/v1").err().and_then(|bad| bad.example);
        assert_eq!(meant.as_deref(), Some("api.example.com:8443"));
    }

    #[test]
    fn private_networks() {
        for good in
            ["127.0.0.1/32:8000", "10.0.0.0/8:443", "[fd00::]/8:80", "::1/128:80", "0.0.0.0/0:1"]
        {
            assert_eq!(private(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1",
            "127.0.0.1/32",
            "10.0.0.1/8:80",
            "10.0.0.0/33:80",
            "x/8:80",
            "10.0.0.0/8:0",
            "::/129:1",
        ] {
            assert!(private(bad).is_err(), "{bad}");
        }
    }
}
