//! Tokens of clients that stand for themselves, and of assertions; what is refused, and
//! what is said of it.

use std::sync::Arc;
use std::time::Duration;

use plugin_gateway::http::{HttpFault, HttpLimits};
use plugin_gateway::{
    ConnectionGateway, Credential, CredentialError, Gateway, GatewayOptions, Secret,
};
use serde_json::{Value, json};

use crate::server::{get, policy, with_credential};
use crate::token_server::{CLIENT, SECRET, Vendor, code_recipe, credential, recipe, slot};

const RSA: &str = include_str!("../../src/crypto/rfc7515-a2.pem");
const EC: &str = include_str!("../../src/crypto/rfc7515-a3.pem");

async fn ask(connection: &ConnectionGateway, url: &str) -> Result<(u16, String), HttpFault> {
    let response = connection.send(with_credential(get(url))).await?;
    Ok((response.status, String::from_utf8(response.body).unwrap()))
}

async fn said(connection: &ConnectionGateway, vendor: &Vendor) -> String {
    let fault = ask(connection, &vendor.server.url("/data")).await.unwrap_err();
    assert!(matches!(fault, HttpFault::Credential(_) | HttpFault::Connect(_)), "{fault}");
    fault.to_string()
}

fn client(how: &str, more: Value) -> Credential {
    let mut recipe = recipe(json!({ "client-credentials": true, "client-auth": how }));
    for (name, value) in more.as_object().unwrap() {
        recipe[name] = value.clone();
    }
    credential(recipe, &[("client_id", CLIENT), ("client_secret", SECRET)])
}

/// Moves the runtime's clock; real time would make the test long.
async fn wait(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_client_stands_for_itself_in_both_ways() {
    for how in ["basic", "post"] {
        let vendor = Vendor::start().await;
        let more = json!({ "parameters": {"audience": "{settings.database}"} });
        let connection = vendor.server.connect(Some(client(how, more)));
        let url = vendor.server.url("/data");
        for _ in 0..3 {
            assert_eq!(
                ask(&connection, &url).await.unwrap(),
                (200, "/data by 1".to_owned()),
                "{how}"
            );
        }
        assert_eq!(vendor.book().asked, ["client_credentials"]);
        assert_eq!(vendor.book().form["scope"], "read write");
        assert_eq!(vendor.book().form["audience"], "e r/p");
        assert_eq!(vendor.book().form.contains_key("client_secret"), how == "post");
    }
}

#[tokio::test]
async fn a_hundred_calls_with_an_expired_token_cause_one_request() {
    let vendor = Vendor::start().await;
    let connection = vendor.server.connect(Some(client("basic", json!({}))));
    let url = vendor.server.url("/data");
    ask(&connection, &url).await.unwrap();
    vendor.book().delay = Duration::from_millis(50);
    // First by its age, then because it is refused.
    for (round, early) in [(2, true), (3, false)] {
        if early {
            wait(3_541).await;
        } else {
            vendor.book().valid_from = 3;
        }
        let mut asks = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let (connection, url) = (connection.clone(), url.clone());
            asks.spawn(async move { ask(&connection, &url).await });
        }
        for answer in asks.join_all().await {
            assert_eq!(answer.unwrap(), (200, format!("/data by {round}")));
        }
        assert_eq!(vendor.asked(), round);
    }
}

#[tokio::test]
async fn a_token_that_is_refused_when_new_does_not_loop() {
    let vendor = Vendor::start().await;
    vendor.book().refuse_all = true;
    let connection = vendor.server.connect(Some(client("basic", json!({}))));
    for _ in 0..10 {
        assert_eq!(ask(&connection, &vendor.server.url("/data")).await.unwrap().0, 401);
    }
    assert_eq!(vendor.asked(), 2);
    wait(61).await;
    vendor.book().refuse_all = false;
    vendor.book().valid_from = 3;
    assert_eq!(ask(&connection, &vendor.server.url("/data")).await.unwrap().0, 200);
}

#[tokio::test]
async fn bad_answers_have_their_own_words_and_are_not_asked_for_again_at_once() {
    for (status, body, expected, patient) in [
        (200, "<html>Welcome", "a page, not JSON", true),
        (200, r#"{"access_token":"x"#, "breaks off", true),
        (200, r#"{"access_token":"x","expires_in":-5}"#, "expires_in", true),
        (200, r#"{"access_token":"x","expires_in":"soon"}"#, "expires_in", true),
        (
            400,
            r#"{"error":"invalid_scope","error_description":"not yours"}"#,
            "invalid_scope: not yours",
            true,
        ),
        (401, r#"{"error":"invalid_client"}"#, "invalid_client", true),
        (500, "oops", "status 500", false),
        (429, "", "status 429", false),
    ] {
        let vendor = Vendor::start().await;
        vendor.book().next.push((status, body.to_owned()));
        let connection = vendor.server.connect(Some(client("basic", json!({}))));
        let first = said(&connection, &vendor).await;
        assert!(first.contains(expected), "{body}: {first}");
        let again = ask(&connection, &vendor.server.url("/data")).await;
        assert_eq!(again.is_err(), patient, "{body}");
        assert_eq!(vendor.asked(), if patient { 1 } else { 2 }, "{body}");
        wait(61).await;
        ask(&connection, &vendor.server.url("/data")).await.unwrap();
    }
}

#[tokio::test]
async fn a_lifetime_in_text_or_none_will_do() {
    for more in [json!({"expires_in": "3600"}), json!({"expires_in": null})] {
        let vendor = Vendor::start().await;
        vendor.book().more = more.clone();
        let connection = vendor.server.connect(Some(client("basic", json!({}))));
        ask(&connection, &vendor.server.url("/data")).await.unwrap();
        wait(3_000).await;
        ask(&connection, &vendor.server.url("/data")).await.unwrap();
        assert_eq!(vendor.asked(), 1, "{more}");
    }
}

#[tokio::test]
async fn assertions_are_signed_as_the_vendor_verifies() {
    let file = json!({
        "type": "service_account", "client_email": "hub@x.example", "private_key": RSA,
        "private_key_id": "k1", "token_uri": "http://169.254.169.254/",
    });
    let file = file.to_string();
    let by_file = [("service_account", file.as_str()), ("subject", "ana@x.example")];
    let by_key = [("client_id", "hub"), ("private_key", EC)];
    for (asked, parts, issuer) in [
        (json!({"scope-claim": true, "lifetime-seconds": 3600}), &by_file, "hub@x.example"),
        (json!({"algorithm": "es256"}), &by_key, "hub"),
    ] {
        let vendor = Vendor::start().await;
        let mut asked = asked;
        asked["audience"] = "{settings.url}/token".into();
        let by_assertion = credential(recipe(json!({ "jwt-bearer": asked })), parts);
        let connection = vendor.server.connect(Some(by_assertion));
        ask(&connection, &vendor.server.url("/data")).await.unwrap();
        let book = vendor.book();
        let claims = &book.claims[0];
        assert_eq!(claims["iss"], issuer);
        assert_eq!(claims["aud"], vendor.server.url("/token"));
        let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(life, if issuer == "hub" { 300 } else { 3_600 });
        assert_eq!(claims["sub"].as_str(), (issuer != "hub").then_some("ana@x.example"));
        assert_eq!(claims.get("scope").is_some(), issuer != "hub");
        assert_eq!(book.form.contains_key("scope"), issuer == "hub");
        // The key file's own address is not looked at.
        assert_eq!(vendor.server.requests()[0].target, "/token");
    }
}

#[tokio::test]
async fn a_clock_that_is_off_is_named_where_it_matters() {
    let server = crate::server::Server::start(|_| {
        let reply = crate::server::Reply::new(400, r#"{"error":"invalid_grant"}"#);
        reply.header("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
    })
    .await;
    let asked = recipe(json!({ "jwt-bearer": {"audience": "{settings.url}/token"} }));
    let signed = credential(asked, &[("client_id", "hub"), ("private_key", RSA)]);
    let connection = server.connect(Some(signed));
    let fault = ask(&connection, &server.url("/data")).await.unwrap_err().to_string();
    assert!(fault.contains("clock is") && !fault.contains("sign in"), "{fault}");
    let wrong_key = credential(
        recipe(json!({ "jwt-bearer": {"audience": "{settings.url}/token"} })),
        &[("client_id", "hub"), ("private_key", "-----BEGIN PRIVATE KEY-----\nAAAA")],
    );
    let fault = ask(&server.connect(Some(wrong_key)), &server.url("/data")).await.unwrap_err();
    assert!(fault.to_string().contains("PKCS#8"), "{fault}");
}

/// The secrets of a vendor are found nowhere that a connector or a log sees.
#[tokio::test]
async fn nothing_that_a_vendor_repeats_gets_out() {
    let vendor = Vendor::start().await;
    let connection = vendor.server.connect(Some(client("post", json!({}))));
    let echo =
        format!("{{\"error\":\"invalid_client\",\"error_description\":\"{SECRET} is wrong\"}}");
    vendor.book().next.push((401, echo));
    let first = said(&connection, &vendor).await;
    assert!(first.contains("*** is wrong"), "{first}");
    wait(61).await;
    ask(&connection, &vendor.server.url("/data")).await.unwrap();
    assert_eq!(connection.redactor().redact("x access-token-1 y"), "x *** y");
    let shown = format!("{connection:?} {:?}", client("post", json!({})));
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[tokio::test]
async fn a_token_request_only_goes_where_the_connection_may_go() {
    let vendor = Vendor::start().await;
    for url in
        ["http://169.254.169.254/token", "https://other.example/token", "http://localhost/token"]
    {
        let recipe = json!({ "token-url": url, "client-credentials": true });
        let wrong = credential(recipe, &[("client_id", CLIENT), ("client_secret", SECRET)]);
        let connection = vendor.server.connect(Some(wrong));
        let fault = ask(&connection, &vendor.server.url("/data")).await.unwrap_err();
        assert!(matches!(fault, HttpFault::Denied(_)), "{url}: {fault}");
    }
    assert!(vendor.server.requests().is_empty());
}

fn learning(allowed: &str) -> Credential {
    client("basic", json!({ "reply-hosts": {"instance_url": [allowed]} }))
}

#[tokio::test]
async fn an_address_that_came_with_the_token_is_called_if_the_manifest_allows_it() {
    let vendor = Vendor::start().await;
    let own = format!("127.0.0.1:{}", vendor.server.port);
    vendor.book().more = json!({ "instance_url": vendor.server.url("") });
    let connection = vendor.server.connect(Some(learning(&own)));
    let answer = ask(&connection, "{instance_url}/services?x=1").await.unwrap();
    assert_eq!(answer, (200, "/services?x=1 by 1".to_owned()));
    for (url, expected) in [
        ("{other}/x", "without the address `other`"),
        ("{instance_url}@evil.example/", "goes on with"),
        ("{instance_url", "not a URL"),
    ] {
        let fault = ask(&connection, url).await.unwrap_err().to_string();
        assert!(fault.contains(expected), "{url}: {fault}");
    }
    // Beyond the manifest's pattern, or more than an origin.
    for given in [
        "https://evil.example",
        "http://169.254.169.254",
        "javascript:alert(1)",
        "not a url",
        "http://127.0.0.1:1",
        "http://ana@127.0.0.1",
        "https://evil.example/127.0.0.1",
    ] {
        let vendor = Vendor::start().await;
        let own = format!("127.0.0.1:{}", vendor.server.port);
        vendor.book().more = json!({ "instance_url": given });
        let connection = vendor.server.connect(Some(learning(&own)));
        let fault = ask(&connection, "{instance_url}/x").await.unwrap_err();
        assert!(matches!(fault, HttpFault::Denied(_)), "{given}: {fault}");
        assert!(vendor.server.requests().iter().all(|seen| seen.target == "/token"), "{given}");
    }
    // The manifest allows it and nobody has granted it.
    let vendor = Vendor::start().await;
    vendor.book().more = json!({ "instance_url": "https://eu.vendor.example" });
    let connection = vendor.server.connect(Some(learning("*.vendor.example")));
    let fault = ask(&connection, "{instance_url}/x").await.unwrap_err();
    assert!(fault.to_string().contains("not granted"), "{fault}");
}

#[test]
fn the_parts_choose_the_way_and_none_is_left_over() {
    let every = || {
        let mut recipe = code_recipe();
        recipe["jwt-bearer"] = json!({ "audience": "x" });
        recipe["bearer-token"] = true.into();
        recipe
    };
    let made = |recipe: Value, names: &[&str]| {
        let parts = names.iter().map(|name| ((*name).to_owned(), Secret::from("x"))).collect();
        Credential::from_slot(&slot(recipe), parts)
    };
    for names in [
        &["token"][..],
        &["client_id"],
        &["client_id", "client_secret", "refresh_token"],
        &["service_account", "subject"],
        &["client_id", "private_key"],
    ] {
        let credential = made(every(), names);
        let plain = matches!(credential, Ok(Credential::Bearer(_)));
        assert!(credential.is_ok() && plain == (names == ["token"]), "{names:?}: {credential:?}");
    }
    for (names, expected) in [
        (&["client_secret"][..], CredentialError::Missing("client_id".into())),
        (&["private_key"], CredentialError::Missing("client_id".into())),
        (&["token", "client_id"], CredentialError::Unused("client_id".into())),
        (&["client_id", "password"], CredentialError::Unused("password".into())),
    ] {
        assert_eq!(made(every(), names).unwrap_err(), expected, "{names:?}");
    }
    for wrong in [
        json!({}),
        recipe(json!({})),
        recipe(json!({"client-credentials": true, "grant": "x"})),
        recipe(json!({"client-credentials": true, "authorization-code": {"url": "https://x"}})),
        recipe(json!({"client-credentials": true, "parameters": {"scope": "x"}})),
        recipe(json!({"authorization-code": {"url": "https://x", "parameters": {"state": "x"}}})),
        json!({"token-url": "{client_id}", "client-credentials": true}),
        json!({"token-url": "{settings.url", "client-credentials": true}),
    ] {
        let refused = made(wrong.clone(), &["client_id", "client_secret"]);
        assert!(matches!(refused, Err(CredentialError::Place(_))), "{wrong}: {refused:?}");
    }
}

#[tokio::test]
async fn a_connection_bound_anew_goes_on_with_the_same_token() {
    let vendor = Vendor::start().await;
    let gateway = Gateway::new(GatewayOptions::default()).unwrap();
    let settings = json!({ "url": vendor.server.url("/"), "database": "x" });
    let connect = |credential| {
        let (grants, limits) = (vendor.server.grants(), HttpLimits::default());
        gateway.connection(policy(grants, Some(credential), limits, settings.clone()))
    };
    let url = vendor.server.url("/data");
    let connections: [Arc<ConnectionGateway>; 2] =
        [connect(client("basic", json!({}))), connect(client("basic", json!({})))];
    for connection in &connections {
        ask(connection, &url).await.unwrap();
        assert_eq!(connection.redactor().redact("access-token-1"), "***");
    }
    assert_eq!(vendor.asked(), 1);
    let other = client("basic", json!({ "scopes": ["read"] }));
    ask(&connect(other), &url).await.unwrap();
    assert_eq!(vendor.asked(), 2);
}
