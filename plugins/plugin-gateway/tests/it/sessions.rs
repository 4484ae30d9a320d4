//! Session login: once for everybody, renewed once, and never so often that an
//! account is locked. The server answers as Tryton 8 does: the login gives
//! `{"id":0,"result":[user, token, null]}`, a wrong password 401 with a page, an
//! unknown session 401 with an empty body.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use plugin_api::{CredentialSlot, TokenStore, TokenStoreError};
use plugin_gateway::http::{HttpFault, HttpLimits};
use plugin_gateway::{ConnectionGateway, Credential, Key, Secret, TokenKeeping, Vault};
use serde_json::{Value, json};

use crate::server::{Reply, Seen, Server, get, with_credential};

/// Tryton's login.
pub fn recipe() -> Value {
    json!({
        "login": {
            "url": "{settings.url}/{settings.database}/rpc/",
            "body": {"id": 0, "method": "common.db.login",
                     "params": ["{username}", {"password": "{password}"}, "en"]}
        },
        "reply": {"user": "/result/0", "token": "/result/1"},
        "header": {"name": "Authorization", "value": "Session {base64({username}:{user}:{token})}"},
        "expired-status": [401]
    })
}

pub fn credential_of(username: &str, password: &str) -> Credential {
    let slot = CredentialSlot {
        name: "main".into(),
        kind: "session".into(),
        title: String::new(),
        recipe: Some(recipe()),
        optional: false,
    };
    let parts = BTreeMap::from([
        ("username".to_owned(), Secret::from(username)),
        ("password".to_owned(), Secret::from(password)),
    ]);
    Credential::from_slot(&slot, parts).unwrap()
}

/// A server with sessions.
#[derive(Default)]
struct Vendor {
    logins: AtomicU32,
    /// Sessions with a number below this one are no longer accepted.
    valid_from: AtomicU32,
    /// Every session is refused.
    refuse_all: AtomicBool,
    /// The status of logins, if not the usual one.
    login_status: AtomicU32,
}

impl Vendor {
    fn answer(&self, seen: &Seen) -> Reply {
        if seen.target.ends_with("/rpc/") {
            return self.login(seen);
        }
        let token = seen.header("authorization").and_then(|value| value.strip_prefix("Session "));
        let token =
            token.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
        let number = token
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|text| text.strip_prefix("ana:1:session-token-").map(str::to_owned))
            .and_then(|text| text.parse::<u32>().ok());
        match number {
            Some(number)
                if number >= self.valid_from.load(Ordering::SeqCst)
                    && !self.refuse_all.load(Ordering::SeqCst) =>
            {
                Reply::new(200, format!("session {number}"))
            }
            _ => Reply::new(401, ""),
        }
    }

    fn login(&self, seen: &Seen) -> Reply {
        assert_eq!(seen.target, "/e%20r%2Fp/rpc/");
        assert_eq!(seen.header("content-type"), Some("application/json"));
        let number = self.logins.fetch_add(1, Ordering::SeqCst) + 1;
        let status = self.login_status.load(Ordering::SeqCst);
        if status != 0 {
            return Reply::new(u16::try_from(status).unwrap(), "");
        }
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        if body["params"] != json!(["ana", {"password": "pass\"word"}, "en"]) {
            return Reply::new(401, "<!doctype html><title>401 Unauthorized</title>");
        }
        let mut reply = Reply::new(
            200,
            json!({"id": 0, "result": [1, format!("session-token-{number}"), null]}).to_string(),
        );
        // Long enough that others come while it runs.
        reply.delay = Duration::from_millis(50);
        reply
    }

    fn logins(&self) -> u32 {
        self.logins.load(Ordering::SeqCst)
    }
}

async fn start() -> (Arc<Vendor>, Server) {
    let vendor = Arc::new(Vendor::default());
    let answering = vendor.clone();
    let server = Server::start(move |seen| answering.answer(seen)).await;
    (vendor, server)
}

fn good() -> Option<Credential> {
    Some(credential_of("ana", "pass\"word"))
}

async fn ask(connection: &ConnectionGateway, server: &Server) -> Result<(u16, String), HttpFault> {
    let response = connection.send(with_credential(get(server.url("/data")))).await?;
    Ok((response.status, String::from_utf8(response.body).unwrap()))
}

/// Moves the runtime's clock; real time would make the test long.
async fn wait(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn many_requests_share_one_login() {
    let (vendor, server) = start().await;
    let connection = server.connect(good());
    let asks: Vec<_> = (0..20).map(|_| ask(&connection, &server)).collect();
    for answer in join_all(asks).await {
        assert_eq!(answer.unwrap(), (200, "session 1".to_owned()));
    }
    assert_eq!(vendor.logins(), 1);
}

#[tokio::test]
async fn an_expired_session_is_renewed_once_for_everybody() {
    let (vendor, server) = start().await;
    let connection = server.connect(good());
    ask(&connection, &server).await.unwrap();
    vendor.valid_from.store(2, Ordering::SeqCst);
    let asks: Vec<_> = (0..20).map(|_| ask(&connection, &server)).collect();
    for answer in join_all(asks).await {
        assert_eq!(answer.unwrap(), (200, "session 2".to_owned()));
    }
    assert_eq!(vendor.logins(), 2);
}

#[tokio::test]
async fn a_refused_login_is_not_repeated_before_its_time() {
    let (vendor, server) = start().await;
    let connection = server.connect(Some(credential_of("ana", "wrong password")));
    for _ in 0..10 {
        let fault = ask(&connection, &server).await.unwrap_err();
        assert!(matches!(&fault, HttpFault::Credential(_)), "{fault}");
        assert!(!fault.to_string().contains("wrong password"));
    }
    assert_eq!(vendor.logins(), 1);
    wait(45).await;
    ask(&connection, &server).await.unwrap_err();
    assert_eq!(vendor.logins(), 1);
    wait(20).await;
    ask(&connection, &server).await.unwrap_err();
    assert_eq!(vendor.logins(), 2);
    assert!(server.requests().iter().all(|seen| seen.target.ends_with("/rpc/")));
}

#[tokio::test]
async fn a_session_that_is_refused_when_new_does_not_loop() {
    let (vendor, server) = start().await;
    let connection = server.connect(good());
    vendor.refuse_all.store(true, Ordering::SeqCst);
    for _ in 0..10 {
        assert_eq!(ask(&connection, &server).await.unwrap().0, 401);
    }
    assert_eq!(vendor.logins(), 2);
    wait(61).await;
    vendor.refuse_all.store(false, Ordering::SeqCst);
    vendor.valid_from.store(3, Ordering::SeqCst);
    assert_eq!(ask(&connection, &server).await.unwrap(), (200, "session 3".to_owned()));
}

#[tokio::test]
async fn a_vendor_in_trouble_is_not_a_refusal() {
    let (vendor, server) = start().await;
    let connection = server.connect(good());
    for status in [429, 500, 503] {
        vendor.login_status.store(status, Ordering::SeqCst);
        let fault = ask(&connection, &server).await.unwrap_err();
        assert!(matches!(fault, HttpFault::Connect(_)), "{fault}");
    }
    vendor.login_status.store(0, Ordering::SeqCst);
    assert_eq!(ask(&connection, &server).await.unwrap().0, 200);
}

#[tokio::test]
async fn a_login_only_goes_where_the_connection_may_go() {
    let (vendor, server) = start().await;
    let mut grants = server.grants();
    grants.hosts.push("api.example.com".parse().unwrap());
    let settings = json!({ "url": "http://169.254.169.254/", "database": "erp" });
    let connection = plugin_gateway::Gateway::new(plugin_gateway::GatewayOptions::default())
        .unwrap()
        .connection(crate::server::policy(grants, good(), HttpLimits::default(), settings));
    let fault = ask(&connection, &server).await.unwrap_err();
    assert!(matches!(fault, HttpFault::Denied(_)), "{fault}");
    assert_eq!((vendor.logins(), server.requests().len()), (0, 0));
}

#[derive(Default)]
struct Memory(Mutex<HashMap<(String, String), Vec<u8>>>);

#[async_trait]
impl TokenStore for Memory {
    async fn get(&self, connection: &str, name: &str) -> Result<Option<Vec<u8>>, TokenStoreError> {
        let key = (connection.to_owned(), name.to_owned());
        Ok(self.0.lock().unwrap().get(&key).cloned())
    }

    async fn put(
        &self,
        connection: &str,
        name: &str,
        sealed: Vec<u8>,
    ) -> Result<(), TokenStoreError> {
        self.0.lock().unwrap().insert((connection.to_owned(), name.to_owned()), sealed);
        Ok(())
    }

    async fn remove(&self, connection: &str, name: &str) -> Result<(), TokenStoreError> {
        self.0.lock().unwrap().remove(&(connection.to_owned(), name.to_owned()));
        Ok(())
    }
}

#[tokio::test]
async fn a_session_survives_a_restart_sealed_and_for_its_account_only() {
    let (vendor, server) = start().await;
    let store = Arc::new(Memory::default());
    let (vault, _) = Vault::create(&Key::random().unwrap(), "default").unwrap();
    let keeping = TokenKeeping { vault: Arc::new(vault), store: store.clone() };
    let connect =
        |credential| server.connect_with(credential, HttpLimits::default(), Some(keeping.clone()));
    assert_eq!(ask(&connect(good()), &server).await.unwrap().1, "session 1");
    assert_eq!(ask(&connect(good()), &server).await.unwrap().1, "session 1");
    assert_eq!(vendor.logins(), 1);
    for sealed in store.0.lock().unwrap().values() {
        let text = String::from_utf8_lossy(sealed);
        assert!(!text.contains("session-token") && !text.contains("ana"));
    }
    // Another user must not act with the session of the first.
    ask(&connect(Some(credential_of("bob", "pass\"word"))), &server).await.unwrap_err();
    assert_eq!(vendor.logins(), 2);
    // A kept session that does not open costs a login and nothing else.
    for sealed in store.0.lock().unwrap().values_mut() {
        sealed[30] ^= 1;
    }
    assert_eq!(ask(&connect(good()), &server).await.unwrap().1, "session 3");
}

async fn join_all<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (future, done) in &mut futures {
            if done.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *done = Some(value),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    futures.into_iter().filter_map(|(_, done)| done).collect()
}
