//! Keys that a connector uses and never sees: which slot does what, how much, and what
//! is told of it.

use std::collections::BTreeMap;

use plugin_api::CredentialSlot;
use plugin_gateway::crypto::DATA_BYTES_MAX;
use plugin_gateway::http::{HttpFault, HttpLimits};
use plugin_gateway::{
    ConnectionGateway, Credential, CryptoFault, KeyUse, Mac, Sealing, Secret, Signing,
};

use crate::server::{Reply, Server, get, with_credential};

/// 32 bytes in Base64.
const KEY: &str = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IDEyMzQ=";

fn key(purpose: KeyUse, key: &str) -> Credential {
    let slot = CredentialSlot {
        name: "main".into(),
        kind: purpose.as_str().into(),
        title: String::new(),
        recipe: None,
        optional: false,
    };
    Credential::from_slot(&slot, BTreeMap::from([("key".to_owned(), Secret::from(key))])).unwrap()
}

/// What each use of a slot says: a keyed hash, a signature, sealing.
fn uses(gateway: &ConnectionGateway, slot: &str) -> [Result<Vec<u8>, CryptoFault>; 3] {
    [
        gateway.mac(slot, Mac::HmacSha256, b"x"),
        gateway.sign(slot, Signing::Es256, b"x"),
        gateway.seal(slot, Sealing::Aes256Gcm, (b"x", b"")),
    ]
}

#[tokio::test]
async fn a_key_does_what_it_is_for_and_nothing_else() {
    let server = Server::start(|_| Reply::new(200, "")).await;
    let pem = include_str!("../../src/crypto/rfc7515-a3.pem");
    for (place, purpose, text) in
        [(0, KeyUse::Mac, KEY), (1, KeyUse::Sign, pem), (2, KeyUse::Seal, KEY)]
    {
        let gateway = server.connect(Some(key(purpose, text)));
        for (at, result) in uses(&gateway, "main").into_iter().enumerate() {
            assert_eq!(result.is_ok(), at == place, "{purpose:?}: {result:?}");
        }
        assert!(uses(&gateway, "other").iter().all(Result::is_err));
        // Never sent.
        let fault = gateway.send(with_credential(get(server.url("/")))).await.unwrap_err();
        assert!(matches!(fault, HttpFault::Credential(_)), "{fault}");
    }
    let others =
        [Credential::Bearer(KEY.into()), Credential::Webhook { key: KEY.into(), previous: None }];
    for other in others {
        let gateway = server.connect(Some(other));
        assert!(uses(&gateway, "main").iter().all(Result::is_err));
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn what_is_sealed_here_opens_here() {
    let server = Server::start(|_| Reply::new(200, "")).await;
    let gateway = server.connect(Some(key(KeyUse::Seal, KEY)));
    for algorithm in [Sealing::Aes256Gcm, Sealing::XChaCha20Poly1305] {
        let sealed = gateway.seal("main", algorithm, (b"plain", b"place")).unwrap();
        let opened = gateway.open("main", algorithm, (&sealed, b"place"));
        assert_eq!(opened.as_deref(), Ok(&b"plain"[..]));
        let elsewhere = gateway.open("main", algorithm, (&sealed, b"elsewhere"));
        assert_eq!(elsewhere, Err(CryptoFault::NotAuthentic));
    }
}

#[tokio::test]
async fn data_and_uses_have_limits() {
    let server = Server::start(|_| Reply::new(200, "")).await;
    let gateway = server.connect(Some(key(KeyUse::Mac, KEY)));
    let most = vec![0; DATA_BYTES_MAX];
    assert!(gateway.mac("main", Mac::HmacSha1, &most).is_ok());
    assert!(gateway.mac("main", Mac::HmacSha1, &[most, vec![0]].concat()).is_err());
    let limits = HttpLimits { calls_max: 2, ..HttpLimits::default() };
    let gateway = server.connect_with(Some(key(KeyUse::Mac, KEY)), limits, None);
    let ask = || gateway.mac("main", Mac::HmacSha512, b"x");
    assert!(ask().is_ok() && ask().is_ok());
    assert!(matches!(ask(), Err(CryptoFault::Slot(_))));
    assert_eq!(gateway.exceeded().unwrap().max, 2);
}

#[tokio::test]
async fn no_fault_says_anything_of_a_key() {
    let server = Server::start(|_| Reply::new(200, "")).await;
    for purpose in [KeyUse::Sign, KeyUse::Seal] {
        let gateway = server.connect(Some(key(purpose, "c4n4ry-in-the-m1ne")));
        for result in uses(&gateway, "main") {
            let fault = result.unwrap_err();
            assert!(!format!("{fault} {fault:?}").contains("c4n4ry"), "{fault}");
        }
        assert!(!format!("{:?}", key(purpose, "c4n4ry-in-the-m1ne")).contains("c4n4ry"));
    }
}
