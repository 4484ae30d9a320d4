//! Somebody signs in, and the hub goes on alone: rotated tokens are kept before they are
//! used, whatever dies when; and where only a person can help, that is what is said.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use plugin_api::{TokenStore, TokenStoreError};
use plugin_gateway::http::{HttpFault, HttpLimits};
use plugin_gateway::{ConnectionGateway, Credential, Key, SignInRefused, TokenKeeping, Vault};

use crate::server::{get, with_credential};
use crate::token_server::{CLIENT, REDIRECT, SECRET, Vendor, code_recipe, credential};

/// A store that stops taking anything after so many writes.
struct Memory {
    kept: Mutex<HashMap<(String, String), Vec<u8>>>,
    takes: AtomicUsize,
}

#[async_trait]
impl TokenStore for Memory {
    async fn get(&self, connection: &str, name: &str) -> Result<Option<Vec<u8>>, TokenStoreError> {
        let key = (connection.to_owned(), name.to_owned());
        Ok(self.kept.lock().unwrap().get(&key).cloned())
    }

    async fn put(
        &self,
        connection: &str,
        name: &str,
        sealed: Vec<u8>,
    ) -> Result<(), TokenStoreError> {
        let left = |takes: usize| takes.checked_sub(1);
        self.takes
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left)
            .map_err(|_| TokenStoreError("the disk is full".to_owned()))?;
        self.kept.lock().unwrap().insert((connection.to_owned(), name.to_owned()), sealed);
        Ok(())
    }

    async fn remove(&self, _: &str, _: &str) -> Result<(), TokenStoreError> {
        Ok(())
    }
}

/// What outlives a process.
struct Disk {
    store: Arc<Memory>,
    vault: Arc<Vault>,
}

impl Disk {
    fn new() -> Self {
        let (vault, _) = Vault::create(&Key::random().unwrap(), "default").unwrap();
        let store = Memory { kept: Mutex::default(), takes: AtomicUsize::new(usize::MAX) };
        Self { store: Arc::new(store), vault: Arc::new(vault) }
    }

    /// A process over it.
    fn open(&self, vendor: &Vendor, credential: Credential) -> Arc<ConnectionGateway> {
        let keeping = TokenKeeping { vault: self.vault.clone(), store: self.store.clone() };
        vendor.server.connect_with(Some(credential), HttpLimits::default(), Some(keeping))
    }
}

fn signed() -> Credential {
    credential(code_recipe(), &[("client_id", CLIENT), ("client_secret", SECRET)])
}

fn configured() -> Credential {
    let parts = [("client_id", CLIENT), ("client_secret", SECRET), ("refresh_token", "first")];
    credential(code_recipe(), &parts)
}

async fn ask(connection: &ConnectionGateway, vendor: &Vendor) -> Result<String, HttpFault> {
    let response = connection.send(with_credential(get(vendor.server.url("/data")))).await?;
    assert_eq!(response.status, 200);
    Ok(String::from_utf8(response.body).unwrap())
}

fn code(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

async fn sign_in(connection: &ConnectionGateway, vendor: &Vendor) -> Result<(), SignInRefused> {
    let begun = connection.begin_sign_in(REDIRECT).unwrap();
    let (state, given) = vendor.consent(&begun.address);
    connection.finish_sign_in(&state, code(&given)).await
}

fn needed(connection: &ConnectionGateway) -> Option<String> {
    connection.sign_in_standing().unwrap().needed
}

async fn wait(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn somebody_signs_in_and_a_restart_goes_on() {
    let (vendor, disk) = (Vendor::start().await, Disk::new());
    let connection = disk.open(&vendor, signed());
    connection.look_for_sign_in().await;
    assert!(needed(&connection).unwrap().contains("nobody has signed in"));
    let fault = ask(&connection, &vendor).await.unwrap_err();
    assert!(fault.to_string().contains("liaison connection sign-in shop"), "{fault}");
    assert_eq!(vendor.asked(), 0);

    sign_in(&connection, &vendor).await.unwrap();
    assert_eq!(ask(&connection, &vendor).await.unwrap(), "/data by 1");
    let standing = connection.sign_in_standing().unwrap();
    assert_eq!((standing.needed, standing.ended, standing.failure), (None, 1, None));

    let connection = disk.open(&vendor, signed());
    connection.look_for_sign_in().await;
    assert_eq!(needed(&connection), None);
    assert_eq!(ask(&connection, &vendor).await.unwrap(), "/data by 2");
    assert_eq!(vendor.book().asked, ["authorization_code", "refresh_token"]);
    // What is kept is sealed, and no access token is among it.
    for sealed in disk.store.kept.lock().unwrap().values() {
        let text = String::from_utf8_lossy(sealed);
        assert!(!text.contains("token") && !text.contains("hub"), "{text}");
    }
    // Another client must not go on with it.
    let other = credential(code_recipe(), &[("client_id", "another"), ("client_secret", SECRET)]);
    let fault = ask(&disk.open(&vendor, other), &vendor).await.unwrap_err();
    assert!(fault.to_string().contains("nobody has signed in"), "{fault}");
}

#[tokio::test]
async fn a_state_is_good_once_for_ten_minutes_and_for_its_connection() {
    let (vendor, disk) = (Vendor::start().await, Disk::new());
    let connection = disk.open(&vendor, signed());
    let begun = connection.begin_sign_in(REDIRECT).unwrap();
    let (state, given) = vendor.consent(&begun.address);
    let unknown = Err(SignInRefused::UnknownState);
    assert_eq!(connection.finish_sign_in("guess", code(&given)).await, unknown);
    let other = disk.open(&vendor, signed());
    assert_eq!(other.finish_sign_in(&state, code(&given)).await, unknown);
    assert_eq!(connection.finish_sign_in(&state, code(&given)).await, Ok(()));
    assert_eq!(connection.finish_sign_in(&state, code(&given)).await, unknown);

    let begun = connection.begin_sign_in(REDIRECT).unwrap();
    let (state, given) = vendor.consent(&begun.address);
    wait(601).await;
    assert_eq!(connection.finish_sign_in(&state, code(&given)).await, unknown);
    // A flood of beginnings is bounded: the oldest makes room.
    let begun: Vec<_> = (0..9).map(|_| connection.begin_sign_in(REDIRECT).unwrap()).collect();
    let (state, given) = vendor.consent(&begun[0].address);
    assert_eq!(connection.finish_sign_in(&state, code(&given)).await, unknown);
    let (state, given) = vendor.consent(&begun[8].address);
    assert_eq!(connection.finish_sign_in(&state, code(&given)).await, Ok(()));
    // Nobody signs in where a client stands for itself, or a token is given.
    let plain = vendor.server.connect(Some(Credential::Bearer("x".into())));
    assert_eq!(plain.begin_sign_in(REDIRECT), Err(SignInRefused::NotNeeded));
    assert_eq!(plain.sign_in_standing(), None);
}

#[tokio::test]
async fn a_sign_in_that_goes_wrong_says_why_and_changes_nothing() {
    let (vendor, disk) = (Vendor::start().await, Disk::new());
    let connection = disk.open(&vendor, signed());
    sign_in(&connection, &vendor).await.unwrap();
    let begin = || {
        let begun = connection.begin_sign_in(REDIRECT).unwrap();
        vendor.consent(&begun.address)
    };
    let (state, _) = begin();
    let denied = connection.finish_sign_in(&state, Err("access_denied".to_owned())).await;
    assert!(denied.unwrap_err().to_string().contains("access_denied"));
    let (state, _) = begin();
    let wrong = connection.finish_sign_in(&state, code("stolen code")).await.unwrap_err();
    assert!(wrong.to_string().contains("invalid_grant"), "{wrong}");
    let (state, given) = begin();
    vendor.book().next.push((200, r#"{"access_token":"a-token"}"#.to_owned()));
    let short = connection.finish_sign_in(&state, code(&given)).await.unwrap_err();
    assert!(short.to_string().contains("no refresh token"), "{short}");
    let standing = connection.sign_in_standing().unwrap();
    assert_eq!((standing.ended, standing.needed), (4, None));
    assert!(standing.failure.unwrap().contains("no refresh token"));
    assert_eq!(ask(&connection, &vendor).await.unwrap(), "/data by 1");
}

#[tokio::test]
async fn a_refresh_token_that_is_refused_asks_a_person_once() {
    let (vendor, disk) = (Vendor::start().await, Disk::new());
    let connection = disk.open(&vendor, signed());
    sign_in(&connection, &vendor).await.unwrap();
    let gone = (400, r#"{"error":"invalid_grant","error_description":"revoked"}"#.to_owned());
    vendor.book().next.push(gone);
    wait(3_600).await;
    for _ in 0..5 {
        let fault = ask(&connection, &vendor).await.unwrap_err();
        assert_eq!(fault.code(), hub_model::FaultCode::Auth);
        assert!(fault.to_string().contains("sign-in shop"), "{fault}");
    }
    assert_eq!(vendor.asked(), 2);
    assert!(needed(&connection).unwrap().contains("revoked"));
    // Signing in ends it at once, without waiting.
    sign_in(&connection, &vendor).await.unwrap();
    assert_eq!(needed(&connection), None);
    ask(&connection, &vendor).await.unwrap();
}

#[tokio::test]
async fn a_configured_refresh_token_is_only_the_first() {
    let (vendor, disk) = (Vendor::start().await, Disk::new());
    for round in 1..4 {
        let connection = disk.open(&vendor, configured());
        connection.look_for_sign_in().await;
        assert_eq!(ask(&connection, &vendor).await.unwrap(), format!("/data by {round}"));
    }
    // One that stays is not written again.
    vendor.book().keeps = true;
    disk.store.takes.store(0, Ordering::SeqCst);
    ask(&disk.open(&vendor, configured()), &vendor).await.unwrap();
}

/// A process dies at every write of a rotated token: before it (the vendor's answer is
/// lost with it) and after it (nothing was used yet). The next one works, or says that
/// somebody must sign in; it never goes wrong in silence, and signing in mends it.
#[tokio::test]
async fn whatever_dies_when_the_next_process_works_or_asks_for_a_sign_in() {
    for takes in 0..5 {
        let (vendor, disk) = (Vendor::start().await, Disk::new());
        disk.store.takes.store(takes, Ordering::SeqCst);
        let mut used = 0;
        for _ in 0..takes + 1 {
            // Each process renews once; the last one dies between answer and store.
            match ask(&disk.open(&vendor, configured()), &vendor).await {
                Ok(_) => used += 1,
                Err(fault) => {
                    assert!(matches!(fault, HttpFault::Connect(_)), "{fault}");
                    assert!(fault.to_string().contains("could not be kept"), "{fault}");
                }
            }
        }
        assert_eq!(used, takes, "a token was used that is not kept");
        disk.store.takes.store(usize::MAX, Ordering::SeqCst);
        let next = disk.open(&vendor, configured());
        let fault = ask(&next, &vendor).await.unwrap_err();
        assert!(fault.to_string().contains("sign-in shop"), "{takes}: {fault}");
        sign_in(&next, &vendor).await.unwrap();
        ask(&disk.open(&vendor, configured()), &vendor).await.unwrap();
    }
    // After the write and before the use: the next process goes on.
    let (vendor, disk) = (Vendor::start().await, Disk::new());
    vendor.book().delay = Duration::from_millis(100);
    let connection = disk.open(&vendor, configured());
    let gone = tokio::time::timeout(Duration::from_millis(20), ask(&connection, &vendor)).await;
    assert!(gone.is_err(), "the caller was to give up before the answer");
    while disk.store.kept.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(connection);
    assert_eq!(vendor.server.requests().len(), 1);
    assert_eq!(ask(&disk.open(&vendor, configured()), &vendor).await.unwrap(), "/data by 2");
}

#[tokio::test]
async fn a_store_that_takes_nothing_costs_no_token_once_it_does() {
    let (vendor, disk) = (Vendor::start().await, Disk::new());
    disk.store.takes.store(0, Ordering::SeqCst);
    let connection = disk.open(&vendor, configured());
    for _ in 0..3 {
        ask(&connection, &vendor).await.unwrap_err();
    }
    disk.store.takes.store(9, Ordering::SeqCst);
    assert_eq!(ask(&connection, &vendor).await.unwrap(), "/data by 1");
    assert_eq!(vendor.asked(), 1);
}
