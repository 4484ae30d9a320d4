//! Which IP addresses the hub may connect to.
//!
//! A name is chosen by whoever controls its zone, so a granted host may resolve
//! to the hub's own network (server-side request forgery, DNS rebinding). The
//! verdict is therefore made on the address that is about to be connected to.
//! The ranges are those of the IANA special-purpose registries plus multicast
//! and the reserved block; what is not listed here is the public internet.
//!
//! Three verdicts exist, because an ERP on the organisation's own network is a
//! normal counterpart: public, private (an admin may grant it), never.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What an address is to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The public internet: allowed where the host is granted.
    Public,
    /// An organisation's own network or this machine: allowed where granted.
    Private,
    /// Refused whatever is granted: metadata services, multicast, reserved.
    Never,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(address: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = address;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// IPv4 ranges that an admin may grant.
const PRIVATE_V4: [Ipv4Net; 5] = [
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(172, 16, 0, 0, 12),
    v4(192, 168, 0, 0, 16),
];

/// IPv4 ranges that nobody may grant.
const NEVER_V4: [Ipv4Net; 10] = [
    v4(0, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// IPv6 ranges that an admin may grant.
const PRIVATE_V6: [Ipv6Net; 2] =
    [v6([0, 0, 0, 0, 0, 0, 0, 1], 128), v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7)];

/// IPv6 ranges that nobody may grant. `64:ff9b:1::/48` translates to IPv4 with a
/// layout that only its operator knows, so its inner address cannot be checked.
const NEVER_V6: [Ipv6Net; 10] = [
    v6([0, 0, 0, 0, 0, 0, 0, 0], 128),
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
    v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
    v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
];

/// The IPv4 address that an IPv6 address stands for, with the prefixes
/// `::ffff:0:0/96` (mapped), `::/96` (compatible), `64:ff9b::/96` (NAT64) and
/// `2002::/16` (6to4).
#[must_use]
pub fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let inner = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(inner(high, low))
        }
        [0x2002, high, low, ..] => Some(inner(high, low)),
        _ => None,
    }
}

/// The verdict on an address.
///
/// An IPv6 address that carries an IPv4 address gets that address's verdict,
/// except that only the mapped form may be granted as private: the others leave
/// the machine as IPv6 and end wherever a translator says.
#[must_use]
pub fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    if NEVER_V4.iter().any(|net| net.contains(&address)) {
        Reach::Never
    } else if PRIVATE_V4.iter().any(|net| net.contains(&address)) {
        Reach::Private
    } else {
        Reach::Public
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    if PRIVATE_V6.iter().any(|net| net.contains(&address)) {
        return Reach::Private;
    }
    if NEVER_V6.iter().any(|net| net.contains(&address)) {
        return Reach::Never;
    }
    match embedded_v4(address) {
        None => Reach::Public,
        Some(inner) => match reach_v4(inner) {
            Reach::Private if address.to_ipv4_mapped().is_none() => Reach::Never,
            verdict => verdict,
        },
    }
}

/// Whether the whole net lies in ranges that an admin may grant.
#[must_use]
pub fn is_grantable(net: &IpNet) -> bool {
    match net {
        IpNet::V4(net) => PRIVATE_V4.iter().any(|range| range.contains(net)),
        IpNet::V6(net) => PRIVATE_V6.iter().any(|range| range.contains(net)),
    }
}
