//! Templates: what they insert, and what they refuse.

use std::borrow::Cow;

use plugin_gateway::template::Template;
use serde_json::json;

fn render(text: &str) -> Result<String, String> {
    let lookup = |name: &str| match name {
        "user" => Some(Cow::Borrowed("ana")),
        "n" => Some(Cow::Borrowed("1")),
        "odd" => Some(Cow::Borrowed("{user}")),
        "jefe" => Some(Cow::Borrowed("Jefe")),
        _ => None,
    };
    let template = Template::parse(text).map_err(|error| error.to_string())?;
    template.render(&lookup).map(|text| text.to_string()).map_err(|error| error.to_string())
}

#[test]
fn inserts_names_and_base64() {
    let cases = [
        ("", ""),
        ("plain é text", "plain é text"),
        ("{user}", "ana"),
        ("Session {base64({user}:{n}:x)}", "Session YW5hOjE6eA=="),
        ("{base64({base64(x)})}", "ZUE9PQ=="),
        ("{{user}} {{{user}}}", "{user} {ana}"),
        ("a (b) {n})", "a (b) 1)"),
        // What was inserted is not read again.
        ("{odd}", "{user}"),
    ];
    for (text, expected) in cases {
        assert_eq!(render(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn a_keyed_hash_is_that_of_rfc_4231() {
    // Test case 2, section 4.3.
    let tag = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let text = "{hmac-sha256(jefe,what do ya want for nothing?)}";
    assert_eq!(render(text).unwrap(), tag);
    let template = Template::parse("{hmac-sha256(key,{a}{base64({b})})}").unwrap();
    assert_eq!(template.names(), ["key", "a", "b"]);
}

#[test]
fn refuses_what_it_does_not_know() {
    for text in [
        "{",
        "{user",
        "}",
        "{}",
        "{a b}",
        "{nobody}",
        "{base64(x}",
        "{sha256(x)}",
        "{base64(}",
        "{hmac-sha256(user)}",
        "{hmac-sha256(,x)}",
        "{hmac-sha256({user},x)}",
        "{hmac-sha256(nobody,x)}",
        "{hmac-sha256(user,x}",
    ] {
        assert!(render(text).is_err(), "{text}");
    }
    assert!(Template::parse(&"{base64(".repeat(100)).is_err());
    assert!(Template::parse(&"{hmac-sha256(user,".repeat(100)).is_err());
    assert!(Template::parse(&"x".repeat(9000)).is_err());
}

#[test]
fn a_setting_cannot_move_a_url_elsewhere() {
    let settings =
        json!({ "url": "https://erp.example.com/", "db": "a/../b?c#d@e", "deep": {"n": 7} });
    let url = |text: &str| Template::parse(text).unwrap().render_url(&settings);
    assert_eq!(
        url("{settings.url}/{settings.db}/rpc/{settings.deep.n}").unwrap(),
        "https://erp.example.com/a%2F..%2Fb%3Fc%23d%40e/rpc/7"
    );
    assert!(url("{settings.missing}/x").is_err());
    assert!(url("{settings.deep}/x").is_err());
    assert!(url("{password}/x").is_err());
    assert!(url("{hmac-sha256(settings.db,x)}/x").is_err());
}
