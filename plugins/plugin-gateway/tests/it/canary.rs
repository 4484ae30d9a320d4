//! No secret in any error, `Debug` text or answer header, for every kind of
//! credential and every way to fail. A vendor that echoes what it was sent makes
//! it as hard as it can be.

use plugin_gateway::http::HttpLimits;
use plugin_gateway::{
    ConnectionPolicy, Credential, Gateway, GatewayOptions, HttpRequest, Key, KeyPlace, Secret,
    Vault,
};

use crate::server::{Reply, Server, get, policy, with_credential};
use crate::sessions::credential_of;

const CANARY: &str = "c4n4ry-in-the-m1ne";

fn key(place: KeyPlace) -> Credential {
    Credential::ApiKey { place, key: CANARY.into() }
}

fn credentials() -> Vec<Credential> {
    vec![
        Credential::Bearer(CANARY.into()),
        key(KeyPlace::Header("X-Api-Key".into())),
        key(KeyPlace::Query("key".into())),
        key(KeyPlace::BodyPlaceholder("__KEY__".into())),
        Credential::Basic { username: "ana".into(), password: CANARY.into() },
        credential_of("ana", CANARY),
    ]
}

/// The canary as itself and as Base64 of something that begins or ends with it
/// would differ; these are the forms that are sent here.
fn sings(text: &str) -> bool {
    let encoded = |plain: String| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(plain)
    };
    let forms = [
        CANARY.to_owned(),
        encoded(CANARY.to_owned()),
        encoded(format!("ana:{CANARY}")),
        encoded(format!("ana:1:{CANARY}")),
    ];
    forms.iter().any(|form| text.contains(form.as_str()))
}

fn request(server: &Server, path: &str) -> HttpRequest {
    with_credential(HttpRequest {
        method: "POST".to_owned(),
        body: b"__KEY__".to_vec(),
        ..get(server.url(path))
    })
}

#[tokio::test]
async fn an_echoing_vendor_brings_no_secret_into_headers() {
    for credential in credentials() {
        let server = Server::start(|seen| {
            if seen.target.ends_with("/rpc/") {
                return Reply::new(200, format!(r#"{{"result":[1,"{CANARY}"]}}"#));
            }
            let mut reply =
                Reply::new(307, "").header("Location", format!("/there{}", seen.target));
            for (name, value) in &seen.headers {
                reply = reply.header(&format!("X-Echo-{name}"), value.as_str());
            }
            reply.header("X-Body", String::from_utf8_lossy(&seen.body).into_owned())
        })
        .await;
        let what = format!("{credential:?}");
        let response = server.connect(Some(credential)).send(request(&server, "/")).await.unwrap();
        // The bodies as text: a list of byte numbers would hide what they hold.
        let requests = server.requests();
        let bodies: Vec<_> =
            requests.iter().map(|seen| String::from_utf8_lossy(&seen.body)).collect();
        let seen = format!("{requests:?} {bodies:?}");
        assert!(sings(&seen), "the secret was not even sent: {what}");
        assert!(!sings(&format!("{:?}", response.headers)), "{what}: {:?}", response.headers);
    }
}

#[tokio::test]
async fn no_fault_and_no_debug_text_holds_a_secret() {
    type Fail = fn() -> Reply;
    let fails: [Fail; 4] = [
        || Reply { missing_bytes: 5, ..Reply::new(200, CANARY) },
        || Reply::new(200, CANARY).header("Content-Encoding", CANARY),
        || Reply::new(401, CANARY),
        || Reply { delay: std::time::Duration::from_secs(60), ..Reply::new(200, "") },
    ];
    for credential in credentials() {
        for fail in fails {
            let server = Server::start(move |_| fail()).await;
            let limits = HttpLimits {
                total_timeout: std::time::Duration::from_millis(200),
                ..HttpLimits::default()
            };
            let connection = server.connect_with(Some(credential.clone()), limits, None);
            for path in ["/", "/?key=x", "/__KEY__", "/#x"] {
                let answer = connection.send(request(&server, path)).await;
                let text = format!("{answer:?} {connection:?} {:?}", connection.redactor());
                assert!(!sings(&text), "{credential:?} {path}: {text}");
                if let Err(fault) = answer {
                    assert!(!sings(&fault.to_string()), "{fault}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_broken_connection_does_not_show_the_url_with_the_key() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server { port: free, seen: std::sync::Arc::default() };
    let connection = server.connect(Some(key(KeyPlace::Query("key".into()))));
    let fault = connection.send(request(&server, "/")).await.unwrap_err();
    assert!(!sings(&format!("{fault} {fault:?}")), "{fault}");
}

#[test]
fn values_that_hold_secrets_print_stars() {
    let gateway = Gateway::new(GatewayOptions::default()).unwrap();
    for credential in credentials() {
        let grants = plugin_gateway::Grants::default();
        let policy: ConnectionPolicy = policy(
            grants,
            Some(credential.clone()),
            HttpLimits::default(),
            serde_json::Value::Null,
        );
        assert!(!sings(&format!("{policy:?} {credential:#?}")));
        assert!(format!("{credential:?}").contains("***"));
    }
    let vault = Vault::create(&Key::random().unwrap(), "default").unwrap().0;
    let text = format!("{gateway:?} {vault:?} {:?} {:?}", Key::random(), Secret::from(CANARY));
    assert!(!sings(&text) && text.contains("Key(***)"));
    let mut request = get(format!("https://api.example.com/?key={CANARY}"));
    request.body = CANARY.into();
    request.headers.push(("X-A".to_owned(), CANARY.to_owned()));
    assert!(!sings(&format!("{request:?}")));
}
