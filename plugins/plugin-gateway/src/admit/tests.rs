//! Recipes of vendors, held against signatures that openssl made.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Write as _;

use hub_model::Timestamp;
use plugin_api::{Delivery, InboundDeclaration, Refusal};
use serde_json::{Value, json};

use super::{DELIVERY_BYTES_MAX, admit, pieces};
use crate::credential::Credential;
use crate::secret::Secret;

/// Of `1700000000{"id":1}`.
const RSA_KEY: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuUDkbbjwQXtBL9wrTFQ0hVlGjR6d1yalZVsns+8XD3sHb1FV8e5V0aBIJxVr85lPCoKoh4fgeucIKjFGAZr6m5HR9ASS/lVUhCMRZ3/+tdAz64gmyVTPHlJkc188x18tzHmNJo3NrMvx4CpK01I4Q6m8VJDyKf5I5e7Bb15FbfJbRhigF0QkyYtFrlJc4qduBpzA/fstqpNtdWhNpNFJet5Pc9isd9PdqsZ1PTeE39jbiBk+bmkH1C2QmRGA+Rk+O6EO4vE0bNbELXzgHztQD71Ai0CprrlL8IF33jk8gaDRz5M0jmhz4p6NJs+dqqTOt4m8CALi4gOuk1NW7w3xvwIDAQAB";
const RSA_SIGNATURE: &str = "fezmD7O5I91K8DH8Y5X+sSIwHG5Bfou0mGU1VB0eCjYoNCKFnAMHEObKGiFcieFr5uMC7Ut/OvIM89iy81j9OEnAPCIr6IMpFN1xMwkxkomSPoEqt0uG6aK2p3Twp4Gw4uPphIggb6jggVmh15mcHHGwnpPkbKrDZZ2abAkmVrv+xDmrEYkSPs3F2rs2Rxld0SFaTq8CBYdah0UCT/NLcTCuuIMjMlk2QEz/pl2/RxM4FvNF+4XbvPUOzdCyaUARPNGZKTfj0FcbQNvrxr//TM7Xs0ndh6Dl37TKOD4tSf3fEEQDa04xeRrUQJZkQb6RjFROL+U9DrMQXhqpDoUXKA==";
const EC_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEW6hwSdipj/3RW5CjsQGwmVf4Z39LCQJiFrSvf3nn2ejvCLuAdKkArCV1It6g/B9L3shcYPeXOFu9xzh6VJbbog==";
const EC_SIGNATURE: &str = "MEUCICe5hGPW637JfRhiw4RfoacRefXkAWFE8+4WWEYtLyPBAiEA88zwjbyQyYtgHuvO5e1TGSLiob/c6vCTq6GBIf7KORs=";
const HMAC_BASE64: &str = "UjSr7hLk91zem/u6bNfm0JDMap7DOLUVhGNEkV7myx0=";
const HMAC_SHA1_HEX: &str = "27f916a6d2597c28e4f545c26f79796af7912bf1";
const NOW: Timestamp = Timestamp::from_seconds(1_700_000_010);

fn declaration(recipe: Value) -> InboundDeclaration {
    serde_json::from_value(json!({ "recipes": [recipe], "delivery-id": "body:/id" })).unwrap()
}

fn timed(algorithm: &str, encoding: &str) -> Value {
    json!({
        "algorithm": algorithm, "encoding": encoding, "at": "header:X-Sig", "slot": "hook",
        "signed": "{timestamp}{body}", "timestamp": { "at": "header:X-Time" }
    })
}

fn delivery(headers: &[(&str, &str)], body: &str) -> Delivery {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Delivery {
        method: "POST".to_owned(),
        target: "/v1/x?a=1".to_owned(),
        headers: headers.iter().map(own).collect(),
        body: body.as_bytes().to_vec(),
        received: NOW,
    }
}

fn ask(
    recipe: Value,
    key: &str,
    delivery: Delivery,
    now: Timestamp,
) -> Result<plugin_api::Admitted, Refusal> {
    let hook = Credential::Webhook { key: key.into(), previous: Some(Secret::from("k3y-before")) };
    let settings = json!({ "public_address": "https://hooks.example/inbox/crm/" });
    let declaration = declaration(recipe);
    admit(&declaration, &settings, &|slot| (slot == "hook").then_some(&hook), delivery, now)
}

#[test]
fn each_algorithm_holds_for_its_own_signature_only() {
    let cases = [
        ("hmac-sha256", "base64", "k3y", HMAC_BASE64),
        ("hmac-sha1", "hex", "k3y", HMAC_SHA1_HEX),
        ("rsa-sha256", "base64", RSA_KEY, RSA_SIGNATURE),
        ("ecdsa-p256", "base64", EC_KEY, EC_SIGNATURE),
    ];
    for (algorithm, encoding, key, signature) in cases {
        let try_it = |signature: &str, time: &str, body: &str, key: &str| {
            let headers = [("x-sig", signature), ("x-time", time)];
            ask(timed(algorithm, encoding), key, delivery(&headers, body), NOW)
        };
        let admitted = try_it(signature, "1700000000", r#"{"id":1}"#, key).unwrap();
        assert_eq!(admitted.id.as_deref(), Some("1"), "{algorithm}");
        assert_eq!(admitted.delivery.header("x-sig"), None, "{algorithm}");
        let refused = [
            try_it(signature, "1700000000", r#"{"id":2}"#, key),
            try_it(signature, "1700000001", r#"{"id":1}"#, key),
            try_it(signature, "1700000000", r#"{"id":1}"#, "an0ther"),
            try_it("", "1700000000", r#"{"id":1}"#, key),
            try_it("00", "1700000000", r#"{"id":1}"#, key),
            try_it(signature, "1699999000", r#"{"id":1}"#, key),
            try_it(signature, "soon", r#"{"id":1}"#, key),
        ];
        for refused in refused {
            assert!(matches!(refused, Err(Refusal::Unverified(_))), "{algorithm}: {refused:?}");
        }
    }
}

/// The vector that SendGrid's own clients are tested with.
#[test]
fn the_event_webhook_of_sendgrid_holds() {
    const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA==";
    const SIGNATURE: &str = "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0=";
    const BODY: &str =
        r#"{"category":"example_payload","event":"test_event","message_id":"message_id"}"#;
    let try_it = |key: &str, time: &str, body: &str, seconds: i64| {
        let recipe = json!({
            "algorithm": "ecdsa-p256", "encoding": "base64", "slot": "hook",
            "at": "header:X-Twilio-Email-Event-Webhook-Signature", "signed": "{timestamp}{body}",
            "timestamp": { "at": "header:X-Twilio-Email-Event-Webhook-Timestamp" },
        });
        let headers = [
            ("x-twilio-email-event-webhook-signature", SIGNATURE),
            ("x-twilio-email-event-webhook-timestamp", time),
        ];
        ask(recipe, key, delivery(&headers, body), Timestamp::from_seconds(seconds))
    };
    let (time, now) = ("1588788367", 1_588_788_367);
    for seconds in [now, now + 299, now - 299] {
        try_it(KEY, time, BODY, seconds).unwrap();
    }
    let tampered = BODY.replace("test_event", "bounce");
    let refused = [
        try_it(KEY, time, &tampered, now),
        try_it(KEY, "1588788368", BODY, now),
        try_it(EC_KEY, time, BODY, now),
        try_it(KEY, time, BODY, now + 3_600),
        try_it(KEY, time, BODY, now - 3_600),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(Refusal::Unverified(_))), "{refused:?}");
    }
}

#[test]
fn a_key_of_another_kind_is_no_key() {
    for (algorithm, key) in [("rsa-sha256", EC_KEY), ("ecdsa-p256", RSA_KEY), ("ecdsa-p256", "=")] {
        let headers = [("x-sig", EC_SIGNATURE), ("x-time", "1700000000")];
        let refused = ask(timed(algorithm, "base64"), key, delivery(&headers, r#"{"id":1}"#), NOW);
        assert!(matches!(refused, Err(Refusal::Unverified(_))), "{algorithm}");
    }
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n",
        &EC_KEY[..64],
        &EC_KEY[64..]
    );
    let headers = [("x-sig", EC_SIGNATURE), ("x-time", "1700000000")];
    ask(timed("ecdsa-p256", "base64"), &pem, delivery(&headers, r#"{"id":1}"#), NOW).unwrap();
}

#[test]
fn a_token_is_found_where_it_may_be_and_not_let_in() {
    let recipe =
        |at: &str| json!({ "algorithm": "token", "encoding": "plain", "at": at, "slot": "hook" });
    let with = |target: &str, headers: &[(&str, &str)], body: &str| Delivery {
        target: target.to_owned(),
        ..delivery(headers, body)
    };
    let basic = ("Authorization", "Basic azN5Og==");
    let cases = [
        ("basic-user", with("/", &[basic], "{}")),
        ("body:/writeKey", with("/", &[], r#"{"writeKey":"k3y","n":1.10}"#)),
        ("query:token", with("/?b=2&token=k3y", &[], "{}")),
        ("header:X-Token", with("/", &[("x-token", "k3y")], "{}")),
        ("header:X-Token", with("/", &[("x-token", "k3y-before")], "{}")),
    ];
    for (at, delivery) in cases {
        let admitted = ask(recipe(at), "k3y", delivery, NOW).unwrap().delivery;
        let kept = format!(
            "{:?}{:?}{}",
            admitted.headers,
            admitted.target,
            String::from_utf8_lossy(&admitted.body)
        );
        assert!(!kept.contains("k3y") && !kept.contains("azN5"), "{at}: {kept}");
        assert!(!kept.contains("writeKey") || kept.contains("1.10"), "{kept}");
    }
    for (at, delivery) in [
        ("basic-user", with("/", &[("authorization", "Bearer k3y")], "{}")),
        ("basic-user", with("/", &[("authorization", "Basic %%")], "{}")),
        ("body:/writeKey", with("/", &[], r#"{"writeKey":["k3y"]}"#)),
        ("body:/writeKey", with("/", &[], "not json")),
        ("query:token", with("/?token=k3", &[], "{}")),
    ] {
        assert!(
            matches!(ask(recipe(at), "k3y", delivery, NOW), Err(Refusal::Unverified(_))),
            "{at}"
        );
    }
}

#[test]
fn the_address_that_was_called_may_be_signed() {
    let recipe = json!({
        "algorithm": "hmac-sha256", "at": "header:X-Sig", "slot": "hook",
        "prefix": "sha256=", "signed": "{method}{url}{body}"
    });
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"k3y");
    let tag = ring::hmac::sign(&key, b"POSThttps://hooks.example/inbox/crm/v1/x?a=1{}");
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = format!("sha256={hex}");
    let mut declaration = declaration(recipe);
    let hook = Credential::Webhook { key: "k3y".into(), previous: None };
    let settings = json!({ "public_address": "https://hooks.example/inbox/crm/" });
    let mut try_it = |address: Option<&str>| {
        declaration.address = address.map(str::to_owned);
        let delivery = delivery(&[("x-sig", &signature)], "{}");
        admit(&declaration, &settings, &|_| Some(&hook), delivery, NOW)
    };
    assert!(try_it(Some("public_address")).is_ok());
    assert!(matches!(try_it(None), Err(Refusal::Unverified(_))));
}

#[test]
fn a_header_may_hold_several_signatures() {
    let found = |text, prefix| pieces(text, prefix).collect::<Vec<_>>();
    assert_eq!(found("abc=", ""), ["abc="]);
    assert_eq!(found("v1,abc= v1,def= v2,x", "v1,"), ["abc=", "def="]);
    assert_eq!(found("t=1,v1=abc,v1=def", "v1="), ["abc", "def"]);
    assert_eq!(found("t=1,v1=abc", "t="), ["1", "1,v1=abc"]);
    assert_eq!(found("", "v1="), Vec::<&str>::new());
}

#[test]
fn a_compressed_body_is_verified_as_it_came_and_kept_as_it_reads() {
    let zip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let recipe =
        json!({ "algorithm": "token", "encoding": "plain", "at": "body:/key", "slot": "hook" });
    let with = |body: Vec<u8>| {
        let delivery = Delivery { body, ..delivery(&[("content-encoding", "gzip")], "") };
        ask(recipe.clone(), "k3y", delivery, NOW)
    };
    let admitted = with(zip(br#"{"key":"k3y"}"#)).unwrap().delivery;
    assert_eq!(admitted.body, br#"{"key":null}"#);
    assert_eq!(admitted.header("content-encoding"), None);
    assert_eq!(with(b"plain".to_vec()).unwrap_err(), Refusal::Unreadable);
    let bomb = with(zip(&vec![b' '; 8 * DELIVERY_BYTES_MAX]));
    assert!(matches!(bomb, Err(Refusal::TooLarge { .. })), "{bomb:?}");
}
