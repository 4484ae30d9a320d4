//! Each kind of credential ends where it belongs.

use std::collections::BTreeMap;

use plugin_api::CredentialSlot;
use plugin_gateway::http::HttpFault;
use plugin_gateway::{Credential, CredentialError, HttpRequest, KeyPlace, Secret};
use serde_json::{Value, json};

use crate::server::{Reply, Seen, Server, get, with_credential};

fn key(place: KeyPlace) -> Credential {
    Credential::ApiKey { place, key: "k3y \"&=/".into() }
}

async fn sent(credential: Credential, request: impl Fn(&Server) -> HttpRequest) -> Seen {
    let server = Server::start(|_| Reply::new(200, "")).await;
    let request = with_credential(request(&server));
    server.connect(Some(credential)).send(request).await.unwrap();
    server.requests().remove(0)
}

#[tokio::test]
async fn bearer_and_basic_go_into_the_header() {
    let seen = sent(Credential::Bearer("t0ken".into()), |server| get(server.url("/"))).await;
    assert_eq!(seen.header("authorization"), Some("Bearer t0ken"));
    let basic = Credential::Basic { username: "Aladdin".into(), password: "open sesame".into() };
    let seen = sent(basic, |server| get(server.url("/"))).await;
    // The example of RFC 7617, section 2.
    assert_eq!(seen.header("authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
}

#[tokio::test]
async fn an_api_key_goes_where_the_manifest_says() {
    let seen = sent(key(KeyPlace::Header("X-Api-Key".into())), |server| get(server.url("/"))).await;
    assert_eq!(seen.header("x-api-key"), Some("k3y \"&=/"));
    let seen =
        sent(key(KeyPlace::Query("api_key".into())), |server| get(server.url("/?a=1"))).await;
    assert_eq!(seen.target, "/?a=1&api_key=k3y+%22%26%3D%2F");
}

/// A slot whose token goes along with a proof of the app's secret.
fn proven(token: &str, secret: Option<&str>) -> Credential {
    let parts = [("token", Some(token)), ("app_secret", secret)];
    let parts = parts.into_iter().filter_map(|(name, value)| Some((name.into(), value?.into())));
    Credential::from_slot(&slot("bearer", Some(proof())), parts.collect()).unwrap()
}

fn proof() -> Value {
    json!({"query": {"appsecret_proof": "{hmac-sha256(app_secret,{token})}"}})
}

#[tokio::test]
async fn a_proof_of_another_secret_goes_along_with_the_token() {
    // RFC 4231, test case 2.
    let (secret, token) = ("Jefe", "what do ya want for nothing?");
    let tag = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let seen = sent(proven(token, Some(secret)), |server| get(server.url("/?a=1"))).await;
    assert_eq!(seen.target, format!("/?a=1&appsecret_proof={tag}"));
    assert_eq!(seen.header("authorization"), Some("Bearer what do ya want for nothing?"));
    let seen = sent(proven(token, None), |server| get(server.url("/?a=1"))).await;
    assert_eq!(seen.target, "/?a=1");
    // Neither secret nor proof comes back in a text.
    let server = Server::start(|_| Reply::new(200, "")).await;
    let gateway = server.connect(Some(proven(token, Some(secret))));
    gateway.send(with_credential(get(server.url("/")))).await.unwrap();
    let told = gateway.redactor().redact(&format!("{secret} {token} {tag}"));
    assert_eq!(told, "*** *** ***");
}

#[tokio::test]
async fn a_placeholder_in_the_body_is_escaped_as_the_body_demands() {
    let cases = [
        (
            "application/json",
            r#"{"k":"__KEY__","again":"__KEY__"}"#,
            r#"{"k":"k3y \"&=/","again":"k3y \"&=/"}"#,
        ),
        ("application/vnd.api+json; charset=utf-8", r#""__KEY__""#, r#""k3y \"&=/""#),
        ("application/x-www-form-urlencoded", "k=__KEY__&a=1", "k=k3y%20%22%26%3D%2F&a=1"),
        ("text/plain", "__KEY__", "k3y \"&=/"),
    ];
    for (kind, body, expected) in cases {
        let seen = sent(key(KeyPlace::BodyPlaceholder("__KEY__".into())), |server| HttpRequest {
            method: "POST".to_owned(),
            headers: vec![("Content-Type".to_owned(), kind.to_owned())],
            body: body.into(),
            ..get(server.url("/"))
        })
        .await;
        assert_eq!(String::from_utf8(seen.body.clone()).unwrap(), expected, "{kind}");
        assert_eq!(seen.header("content-length"), Some(expected.len().to_string().as_str()));
    }
}

#[tokio::test]
async fn misuse_of_a_credential_is_refused_before_anything_is_sent() {
    let server = Server::start(|_| Reply::new(200, "")).await;
    let placeholder = || key(KeyPlace::BodyPlaceholder("__KEY__".into()));
    let query = || key(KeyPlace::Query("api_key".into()));
    let cases: [(&str, Credential, &str, Option<&str>); 7] = [
        ("unknown slot", placeholder(), "/", Some("other")),
        ("placeholder in the path", placeholder(), "/__KEY__", Some("main")),
        ("placeholder in the query, without the slot", placeholder(), "/?k=__KEY__", None),
        ("no placeholder in the body", placeholder(), "/", Some("main")),
        ("query parameter of the host", query(), "/?api_key=mine", Some("main")),
        (
            "a proof of its own",
            proven("t0ken", Some("s3cret")),
            "/?appsecret_proof=mine",
            Some("main"),
        ),
        (
            "user name with a colon",
            Credential::Basic { username: "a:b".into(), password: "pass".into() },
            "/",
            Some("main"),
        ),
    ];
    for (what, credential, path, slot) in cases {
        let request = HttpRequest { credential: slot.map(str::to_owned), ..get(server.url(path)) };
        let fault = server.connect(Some(credential)).send(request).await.unwrap_err();
        let refused = matches!(
            fault,
            HttpFault::Denied(_) | HttpFault::Invalid(_) | HttpFault::Credential(_)
        );
        assert!(refused, "{what}: {fault}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_request_without_a_slot_carries_no_secret() {
    let server = Server::start(|_| Reply::new(200, "")).await;
    server
        .connect(Some(Credential::Bearer("t0ken".into())))
        .send(get(server.url("/")))
        .await
        .unwrap();
    assert_eq!(server.requests()[0].header("authorization"), None);
}

fn slot(kind: &str, recipe: Option<Value>) -> CredentialSlot {
    CredentialSlot {
        name: "main".into(),
        kind: kind.into(),
        title: String::new(),
        recipe,
        optional: false,
    }
}

fn parts(names: &[&str]) -> BTreeMap<String, Secret> {
    names.iter().map(|name| ((*name).to_owned(), Secret::from("value"))).collect()
}

#[test]
fn a_slot_and_its_parts_make_a_credential() {
    let good = [
        (slot("bearer", None), parts(&["token"])),
        (slot("bearer", Some(proof())), parts(&["token"])),
        (slot("bearer", Some(proof())), parts(&["token", "app_secret"])),
        (slot("basic", None), parts(&["username", "password"])),
        (slot("api-key", Some(json!({"header": "X-Key"}))), parts(&["key"])),
        (slot("api-key", Some(json!({"query": "key"}))), parts(&["key"])),
        (slot("api-key", Some(json!({"body": "__API_KEY__"}))), parts(&["key"])),
        (slot("session", Some(crate::sessions::recipe())), parts(&["username", "password"])),
    ];
    for (slot, parts) in good {
        Credential::from_slot(&slot, parts).unwrap();
    }
}

#[test]
fn what_does_not_fit_a_slot_is_named() {
    let mut unknown = crate::sessions::recipe();
    unknown["login"]["body"]["params"][0] = json!("{user_name}");
    let mut pointer = crate::sessions::recipe();
    pointer["reply"]["token"] = json!("result.1");
    let mut extra = crate::sessions::recipe();
    extra["retries"] = json!(3);
    let mut in_url = crate::sessions::recipe();
    in_url["login"]["url"] = json!("{settings.url}/?p={password}");
    let login = ["username", "password"];
    let bad = [
        (slot("oauth9", None), parts(&[]), "oauth9"),
        (slot("bearer", None), parts(&["tokn"]), "`token`"),
        (slot("bearer", None), parts(&["token", "extra"]), "`extra`"),
        (slot("bearer", Some(proof())), parts(&["app_secret"]), "`token`"),
        (slot("bearer", Some(proof())), parts(&["token", "app_secrt"]), "`app_secrt`"),
        (slot("bearer", Some(json!({"header": "X"}))), parts(&["token"]), "header"),
        (slot("bearer", Some(json!({"query": {"p": "{a"}}))), parts(&["token"]), "template"),
        (
            slot("bearer", Some(json!({"query": {"p": "{settings.a}"}}))),
            parts(&["token"]),
            "parts of the credential",
        ),
        (slot("api-key", None), parts(&["key"]), "api-key needs"),
        (slot("api-key", Some(json!({"cookie": "x"}))), parts(&["key"]), "cookie"),
        (slot("api-key", Some(json!({"header": "X Y"}))), parts(&["key"]), "header name"),
        (slot("api-key", Some(json!({"body": "KEY"}))), parts(&["key"]), "bytes or more"),
        (slot("session", None), parts(&login), "login recipe"),
        (slot("session", Some(unknown)), parts(&login), "`user_name`"),
        (slot("session", Some(pointer)), parts(&login), "JSON pointer"),
        (slot("session", Some(extra)), parts(&login), "retries"),
        (slot("session", Some(in_url)), parts(&login), "`password`"),
    ];
    for (slot, parts, names) in bad {
        let error: CredentialError = Credential::from_slot(&slot, parts).unwrap_err();
        assert!(error.to_string().contains(names), "{error}");
    }
}
