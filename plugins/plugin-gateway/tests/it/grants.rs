//! What may be written as a grant, and what the refusal teaches.

use plugin_api::HostGrant;
use plugin_gateway::{HostPattern, PrivateGrant};
use serde_json::json;

#[test]
fn hosts_are_read_and_shown_alike() {
    let good = [
        ("api.example.com", "api.example.com"),
        ("API.Example.com:8443", "api.example.com:8443"),
        ("*.example.com", "*.example.com"),
        ("*.shop.example.co.uk:444", "*.shop.example.co.uk:444"),
        ("10.1.2.3:8000", "10.1.2.3:8000"),
        ("[fd00::1]:8443", "[fd00::1]:8443"),
        ("[fd00::1]", "[fd00::1]"),
        ("bücher.example", "xn--bcher-kva.example"),
    ];
    for (text, shown) in good {
        assert_eq!(text.parse::<HostPattern>().unwrap().to_string(), shown);
    }
}

#[test]
fn bad_hosts_are_refused_with_the_way_to_mend_them() {
    let bad = [
        ("https://api.example.com", "without scheme"),
        ("api.example.com/v1", "without scheme, path"),
        ("user@api.example.com", "without scheme, path or user"),
        ("*.com", "public suffix"),
        ("*.co.uk", "public suffix"),
        ("*.github.io", "public suffix"),
        ("*", "first label"),
        ("api.*.com", "first label"),
        ("*.10.0.0.1", "not an address"),
        ("api.example.com:0", "1 to 65535"),
        ("api.example.com:70000", "1 to 65535"),
        ("api.example.com:", "1 to 65535"),
        ("fd00::1:80", "brackets"),
        ("api.example.com.", "end in a dot"),
        ("", "empty"),
    ];
    for (text, teaches) in bad {
        let error = text.parse::<HostPattern>().unwrap_err();
        assert!(error.to_string().contains(teaches), "{text}: {error}");
    }
}

#[test]
fn private_networks_stay_inside_the_private_ranges() {
    for (text, shown) in [
        ("10.1.2.3/32:443", "10.1.2.3/32:443"),
        ("127.0.0.1/32:8000", "127.0.0.1/32:8000"),
        ("192.168.0.0/16:80", "192.168.0.0/16:80"),
        ("[fd00::1]/128:8443", "[fd00::1]/128:8443"),
    ] {
        assert_eq!(text.parse::<PrivateGrant>().unwrap().to_string(), shown);
    }
    for (text, teaches) in [
        ("10.1.2.3:443", "network and port"),
        ("10.1.2.3/32", "network and port"),
        ("10.1.2.3/32:0", "network and port"),
        ("169.254.169.254/32:80", "never reachable"),
        ("0.0.0.0/0:80", "only networks inside"),
        ("172.0.0.0/8:80", "only networks inside"),
        ("8.8.8.8/32:443", "public addresses need no such grant"),
        ("[fe80::]/10:80", "only networks inside"),
        ("[::]/0:80", "only networks inside"),
    ] {
        let error = text.parse::<PrivateGrant>().unwrap_err();
        assert!(error.to_string().contains(teaches), "{text}: {error}");
    }
}

#[test]
fn a_manifests_host_follows_the_settings() {
    let settings = json!({ "url": "http://erp.example.com:8000/base", "shop": "acme" });
    let of = |text: &str| HostPattern::requested(&HostGrant(text.to_owned()), &settings);
    assert_eq!(of("{settings.url}").unwrap().to_string(), "erp.example.com:8000");
    assert_eq!(of("{settings.shop}.shops.example").unwrap().to_string(), "acme.shops.example");
    assert_eq!(of("*.vendor.example").unwrap().to_string(), "*.vendor.example");
    assert!(of("{settings.missing}").is_err());
}
