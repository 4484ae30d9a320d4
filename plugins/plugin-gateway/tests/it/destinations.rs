//! Where requests may go: the table of addresses and URLs.

use std::net::IpAddr;
use std::sync::Arc;

use plugin_gateway::address::{Reach, embedded_v4, reach};
use plugin_gateway::destination::check;
use plugin_gateway::http::{HttpFault, HttpLimits};
use plugin_gateway::{Gateway, GatewayOptions, Grants};

use crate::server::{Fixed, get, policy};

/// First and last address of every range, and their public neighbours.
pub const ADDRESSES: &[(&str, Reach)] = &[
    ("0.0.0.0", Reach::Never),
    ("0.255.255.255", Reach::Never),
    ("1.0.0.0", Reach::Public),
    ("9.255.255.255", Reach::Public),
    ("10.0.0.0", Reach::Private),
    ("10.255.255.255", Reach::Private),
    ("11.0.0.0", Reach::Public),
    ("100.63.255.255", Reach::Public),
    ("100.64.0.0", Reach::Private),
    ("100.127.255.255", Reach::Private),
    ("100.128.0.0", Reach::Public),
    ("126.255.255.255", Reach::Public),
    ("127.0.0.1", Reach::Private),
    ("127.255.255.255", Reach::Private),
    ("128.0.0.0", Reach::Public),
    ("169.253.255.255", Reach::Public),
    ("169.254.0.0", Reach::Never),
    ("169.254.169.254", Reach::Never),
    ("169.254.255.255", Reach::Never),
    ("169.255.0.0", Reach::Public),
    ("172.15.255.255", Reach::Public),
    ("172.16.0.0", Reach::Private),
    ("172.31.255.255", Reach::Private),
    ("172.32.0.0", Reach::Public),
    ("192.0.0.8", Reach::Never),
    ("192.0.1.0", Reach::Public),
    ("192.0.2.1", Reach::Never),
    ("192.88.99.1", Reach::Never),
    ("192.88.100.0", Reach::Public),
    ("192.167.255.255", Reach::Public),
    ("192.168.0.0", Reach::Private),
    ("192.168.255.255", Reach::Private),
    ("192.169.0.0", Reach::Public),
    ("198.17.255.255", Reach::Public),
    ("198.18.0.0", Reach::Never),
    ("198.19.255.255", Reach::Never),
    ("198.20.0.0", Reach::Public),
    ("198.51.100.7", Reach::Never),
    ("203.0.113.7", Reach::Never),
    ("223.255.255.255", Reach::Public),
    ("224.0.0.1", Reach::Never),
    ("239.255.255.255", Reach::Never),
    ("240.0.0.1", Reach::Never),
    ("255.255.255.255", Reach::Never),
    ("8.8.8.8", Reach::Public),
    ("::", Reach::Never),
    ("::1", Reach::Private),
    ("::2", Reach::Never),
    ("::127.0.0.1", Reach::Never),
    ("::169.254.169.254", Reach::Never),
    ("::ffff:8.8.8.8", Reach::Public),
    ("::ffff:10.1.2.3", Reach::Private),
    ("::ffff:127.0.0.1", Reach::Private),
    ("::ffff:169.254.169.254", Reach::Never),
    ("::ffff:0.0.0.0", Reach::Never),
    ("64:ff9b::8.8.8.8", Reach::Public),
    ("64:ff9b::10.0.0.1", Reach::Never),
    ("64:ff9b::169.254.169.254", Reach::Never),
    ("64:ff9b:1::1", Reach::Never),
    ("64:ff9b:1:808:8:808::", Reach::Never),
    ("100::1", Reach::Never),
    ("2001::1", Reach::Never),
    ("2001:0:53aa:64c::1", Reach::Never),
    ("2001:1ff:ffff::1", Reach::Never),
    ("2001:200::1", Reach::Public),
    ("2001:db8::1", Reach::Never),
    ("2001:4860:4860::8888", Reach::Public),
    ("2002:7f00:1::1", Reach::Never),
    ("2002:a9fe:a9fe::1", Reach::Never),
    ("2002:a01:203::1", Reach::Never),
    ("2002:808:808::1", Reach::Public),
    ("3fff:fff::1", Reach::Never),
    ("3fff:1000::1", Reach::Public),
    ("5f00::1", Reach::Never),
    ("fbff::1", Reach::Public),
    ("fc00::1", Reach::Private),
    ("fdff::1", Reach::Private),
    ("fe80::1", Reach::Never),
    ("febf::1", Reach::Never),
    ("fec0::1", Reach::Never),
    ("ff02::1", Reach::Never),
];

#[test]
fn every_range_has_its_verdict() {
    for (text, expected) in ADDRESSES {
        let address: IpAddr = text.parse().unwrap();
        assert_eq!(reach(address), *expected, "{text}");
    }
    assert_eq!(embedded_v4("2001:db8::1".parse().unwrap()), None);
}

pub fn grants(hosts: &[&str], private: &[&str], insecure_http: bool) -> Grants {
    Grants {
        hosts: hosts.iter().map(|text| text.parse().unwrap()).collect(),
        private: private.iter().map(|text| text.parse().unwrap()).collect(),
        insecure_http,
        ..Grants::default()
    }
}

/// What becomes of a URL of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    Sent,
    Denied,
    Invalid,
}

/// A connection that is granted everything that can be named: what is refused
/// here is refused by the rules, not for want of a grant.
pub const URLS: &[(&str, Is)] = &[
    ("https://api.example.com/v1", Is::Sent),
    ("https://API.EXAMPLE.COM/v1", Is::Sent),
    ("https://api.example.com:443/v1", Is::Sent),
    ("https://api.example.com?q=1", Is::Sent),
    ("https://a.b.vendor.example/x", Is::Sent),
    ("https://api.vendor.example", Is::Sent),
    ("https://api.vendor.example.:443/", Is::Denied),
    ("https://vendor.example/", Is::Denied),
    ("https://evilvendor.example/", Is::Denied),
    ("https://vendor.example.evil.com/", Is::Denied),
    ("https://api.example.com.evil.com/", Is::Denied),
    ("https://xn--pi-6kc.example.com/", Is::Denied),
    ("https://аpi.example.com/", Is::Denied),
    ("https://api.example.com:8443/", Is::Denied),
    ("https://api.example.com:80/", Is::Denied),
    ("http://api.example.com/", Is::Denied),
    ("ftp://api.example.com/", Is::Denied),
    ("file:///etc/passwd", Is::Denied),
    ("gopher://api.example.com/", Is::Denied),
    ("data:text/plain,x", Is::Denied),
    ("javascript:alert(1)", Is::Denied),
    ("ws://api.example.com/", Is::Denied),
    ("https://user@api.example.com/", Is::Denied),
    ("https://user:pass@api.example.com/", Is::Denied),
    ("https://api.example.com@evil.com/", Is::Denied),
    ("https://:@evil.com/", Is::Denied),
    ("https://api.example.com/#part", Is::Denied),
    ("https://evil.com#@api.example.com/", Is::Denied),
    ("https://evil.com?@api.example.com/", Is::Denied),
    ("https://127.0.0.1/", Is::Denied),
    ("https://127.1/", Is::Denied),
    ("https://2130706433/", Is::Denied),
    ("https://0x7f.1/", Is::Denied),
    ("https://0x7f000001/", Is::Denied),
    ("https://017700000001/", Is::Denied),
    ("https://0177.0.0.1/", Is::Denied),
    ("https://127.0.0.1./", Is::Denied),
    ("https://%31%32%37.0.0.1/", Is::Denied),
    ("https://１２７.0.0.1/", Is::Denied),
    ("https://127。0。0。1/", Is::Denied),
    ("https://①②⑦.0.0.1/", Is::Denied),
    ("https://[::1]/", Is::Denied),
    ("https://[::]/", Is::Denied),
    ("https://[::ffff:127.0.0.1]/", Is::Denied),
    ("https://[::ffff:7f00:1]/", Is::Denied),
    ("https://[0:0:0:0:0:ffff:169.254.169.254]/", Is::Denied),
    ("https://[64:ff9b::a9fe:a9fe]/", Is::Denied),
    ("https://[fd00:ec2::254]/", Is::Denied),
    ("https://[fe80::1]/", Is::Denied),
    ("https://0.0.0.0/", Is::Denied),
    ("https://0/", Is::Denied),
    ("https://10.0.0.1/", Is::Denied),
    ("https://172.16.0.1/", Is::Denied),
    ("https://192.168.1.1/", Is::Denied),
    ("https://100.64.0.1/", Is::Denied),
    ("https://169.254.169.254/latest/meta-data/", Is::Denied),
    ("https://2852039166/", Is::Denied),
    ("https://0xa9fea9fe/", Is::Denied),
    ("https://0251.0376.0251.0376/", Is::Denied),
    ("https://255.255.255.255/", Is::Denied),
    ("https://localhost/", Is::Denied),
    ("https://LOCALHOST/", Is::Denied),
    ("https://api.localhost/", Is::Denied),
    ("https://printer.local/", Is::Denied),
    ("https://db.internal/", Is::Denied),
    ("https://metadata.google.internal/computeMetadata/v1/", Is::Denied),
    ("https://metadata.google.internal./", Is::Denied),
    ("https://api.example.com\\@evil.com/", Is::Invalid),
    ("https://api.example.com /", Is::Invalid),
    ("https://api.exa\tmple.com/", Is::Invalid),
    ("https://api.example.com/\r\nHost: evil.com", Is::Invalid),
    ("\u{0}https://api.example.com/", Is::Invalid),
    ("https://", Is::Invalid),
    ("https:///", Is::Invalid),
    ("https://[::1", Is::Invalid),
    ("https://999.999.999.999/", Is::Invalid),
    ("https://api.example.com:99999/", Is::Invalid),
    ("//api.example.com/", Is::Invalid),
    ("/v1", Is::Invalid),
    ("", Is::Invalid),
];

/// Everything that the table names.
pub const HOSTS: [&str; 22] = [
    "api.example.com",
    "*.vendor.example",
    "127.0.0.1",
    "[::1]",
    "[::]",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "255.255.255.255",
    "localhost",
    "api.localhost",
    "printer.local",
    "db.internal",
    "metadata.google.internal",
    "[::ffff:127.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[fd00:ec2::254]",
    "[fe80::1]",
];

#[test]
fn every_url_of_the_table() {
    let grants = grants(&HOSTS, &[], false);
    assert!(URLS.len() >= 60);
    for (url, expected) in URLS {
        let verdict = check(url, &grants);
        let fits = match expected {
            Is::Sent => verdict.is_ok(),
            Is::Denied => matches!(verdict, Err(HttpFault::Denied(_))),
            Is::Invalid => matches!(verdict, Err(HttpFault::Invalid(_))),
        };
        assert!(fits, "{url:?} gave {verdict:?}");
    }
    let long = format!("https://api.example.com/{}", "a".repeat(20_000));
    assert!(matches!(check(&long, &grants), Err(HttpFault::TooLarge { .. })));
}

#[test]
fn private_addresses_need_both_grants_and_the_port() {
    let granted = grants(
        &["10.1.2.3:8000", "10.1.2.4:8000", "erp.internal:8000"],
        &["10.1.2.3/32:8000"],
        true,
    );
    let cases = [
        ("http://10.1.2.3:8000/", true),
        ("https://10.1.2.3:8000/", true),
        // Another spelling of the granted address is that address.
        ("http://0xa.1.2.3:8000/", true),
        ("http://10.1.2.3:8001/", false),
        ("http://10.1.2.3/", false),
        ("http://10.1.2.4:8000/", false),
        ("http://10.1.2.5:8000/", false),
        ("http://erp.internal:8000/", true),
        ("http://other.internal:8000/", false),
    ];
    for (url, allowed) in cases {
        assert_eq!(check(url, &granted).is_ok(), allowed, "{url}");
    }
    // A wildcard does not make an inside name reachable, a metadata name is never.
    let wild = grants(
        &["*.corp.internal:8000", "metadata.google.internal:8000"],
        &["10.0.0.0/8:8000"],
        true,
    );
    for url in ["http://erp.corp.internal:8000/", "http://metadata.google.internal:8000/"] {
        assert!(matches!(check(url, &wild), Err(HttpFault::Denied(_))), "{url}");
    }
}

#[tokio::test]
async fn a_name_is_judged_by_the_addresses_it_has() {
    let loopback = || vec!["127.0.0.1".parse().unwrap()];
    let cases: [(&str, Vec<IpAddr>, &str); 5] = [
        ("private address", loopback(), "denied"),
        ("metadata behind IPv6", vec!["::ffff:169.254.169.254".parse().unwrap()], "denied"),
        (
            "only forbidden ones",
            vec!["10.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
            "denied",
        ),
        ("a private grant for another port", loopback(), "denied"),
        ("no such name", vec![], "no connection"),
    ];
    for (what, addresses, expected) in cases {
        let options =
            GatewayOptions { lookup: Arc::new(Fixed(addresses)), ..GatewayOptions::default() };
        let granted = grants(&["rebinding.example.com:9"], &["127.0.0.1/32:10"], true);
        let connection = Gateway::new(options).unwrap().connection(policy(
            granted,
            None,
            HttpLimits::default(),
            serde_json::Value::Null,
        ));
        let fault = connection.send(get("http://rebinding.example.com:9/")).await.unwrap_err();
        assert!(fault.to_string().starts_with(expected), "{what}: {fault}");
    }
}

#[tokio::test]
async fn of_several_addresses_only_the_allowed_are_connected_to() {
    let server = crate::server::Server::start(|_| crate::server::Reply::new(200, "here")).await;
    let addresses = vec!["169.254.169.254".parse().unwrap(), "127.0.0.1".parse().unwrap()];
    let options =
        GatewayOptions { lookup: Arc::new(Fixed(addresses)), ..GatewayOptions::default() };
    let mut granted = server.grants();
    granted.hosts = vec![format!("erp.example.com:{}", server.port).parse().unwrap()];
    let connection = Gateway::new(options).unwrap().connection(policy(
        granted,
        None,
        HttpLimits::default(),
        serde_json::Value::Null,
    ));
    let url = format!("http://erp.example.com:{}/", server.port);
    assert_eq!(connection.send(get(url)).await.unwrap().body, b"here");
    let host = server.requests()[0].header("host").unwrap().to_owned();
    assert_eq!(host, format!("erp.example.com:{}", server.port));
}
