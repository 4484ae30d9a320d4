//! A known value in every slot for secrets, and then a look everywhere: into the
//! guest's own memory after each call, into the log down to trace, into faults.
//! The vendor repeats what it was sent, in its headers and in the body, and the connector writes
//! into the log and into faults whatever it is told.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use doubles::canary::{Canary, holds};
use plugin_api::{Connector, CredentialSlot};
use plugin_gateway::{
    ConnectionPolicy, Credential, Gateway, GatewayOptions, HttpLimits, KeyPlace, Secret,
};
use plugin_host::{Binding, Host, Package};
use serde_json::json;

use crate::arena;
use crate::hostile::batch;
use crate::isolation::granted;
use crate::logs;
use crate::support::{call, component, host, soon, start};

/// What all secrets of this test begin with. Its last characters differ once they
/// are percent-encoded.
const CANARY: &str = "c4n4ry-in-the-m1ne/&+";
const PLACEHOLDER: &str = "__CANARY_KEY__";

/// A secret of its own for each slot.
fn secret(slot: &str) -> String {
    format!("{CANARY}{slot}")
}

/// The memory of all guests that live in this process: what lies in front of the
/// gigabytes that wasmtime reserves behind a 32-bit memory.
fn guest_memory() -> Vec<u8> {
    const RESERVED: u64 = 2 << 30;
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let range = |line: &str| {
        let mut words = line.split(' ');
        let (from, to) = words.next()?.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        Some((number(from)?, number(to)?, words.next()?.to_owned()))
    };
    let maps: Vec<_> = maps.lines().map(|line| range(line).unwrap()).collect();
    let memory = File::open("/proc/self/mem").unwrap();
    let mut found = Vec::new();
    for (at, (behind, end, access)) in maps.iter().enumerate() {
        if !access.starts_with("---") || end - behind <= RESERVED {
            continue;
        }
        // A memory is several maps in a row: what it began with, and what it grew by.
        let mut next = *behind;
        for (from, to, access) in maps[..at].iter().rev() {
            if *to != next || !access.starts_with("rw") {
                break;
            }
            let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
            // A guest of another test may end meanwhile.
            if memory.read_exact_at(&mut bytes, *from).is_ok() {
                found.extend(bytes);
            }
            next = *from;
        }
    }
    found
}

/// A vendor that repeats in its answer whatever it was sent, hands out
/// sessions, takes the first one back, and fails now and then.
fn vendor() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let sung = Arc::new(AtomicUsize::new(0));
    let heard = sung.clone();
    thread::spawn(move || {
        let logins = AtomicUsize::new(0);
        listener.incoming().for_each(|stream| answer(stream.unwrap(), &logins, &heard));
    });
    (port, sung)
}

fn answer(mut stream: TcpStream, logins: &AtomicUsize, heard: &AtomicUsize) {
    let mut request = Vec::new();
    let mut part = [0; 4_096];
    // One read brings the small requests of this test, or their head: then the body.
    while let Ok(count @ 1..) = stream.read(&mut part) {
        request.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let Some(head) = text.find("\r\n\r\n") else { continue };
        let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.and_then(|text| text.parse().ok()).unwrap_or(0);
        if request.len() >= head + 4 + length {
            break;
        }
    }
    heard.fetch_add(usize::from(Canary::new(CANARY).sings(&request)), Ordering::Relaxed);
    let text = String::from_utf8_lossy(&request).into_owned();
    let echo = text.clone();
    let (status, body) = match text.split(' ').nth(1).unwrap_or_default() {
        path if path.starts_with("/login") => {
            let number = logins.fetch_add(1, Ordering::Relaxed);
            (200, json!({ "token": format!("{}-{number}", secret("session")) }).to_string())
        }
        path if path.starts_with("/fails") => (500, echo),
        path if path.starts_with("/breaks") => return,
        _ if text.contains(&format!("{}-0", secret("session"))) => (401, String::new()),
        _ => (200, echo),
    };
    let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
    let _ = write!(head, "content-length: {}\r\n", body.len());
    for line in text.lines().take_while(|line| !line.is_empty()).skip(1) {
        let _ = write!(head, "x-echo-{line}\r\n");
    }
    let _ = write!(head, "x-target: {}\r\n", text.lines().next().unwrap_or_default());
    let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes());
}

/// Every kind of credential, each with a canary of its own.
fn credentials(port: u16) -> BTreeMap<String, Credential> {
    let key = |slot: &str, place| Credential::ApiKey { place, key: secret(slot).as_str().into() };
    let recipe = json!({
        "login": {
            "url": format!("http://127.0.0.1:{port}/login"),
            "body": { "user": "{username}", "password": "{password}" }
        },
        "reply": { "token": "/token" },
        "header": { "name": "X-Session", "value": "{token}" },
        "expired-status": [401]
    });
    let slot = CredentialSlot {
        name: "session".into(),
        kind: "session".into(),
        title: String::new(),
        recipe: Some(recipe),
        optional: false,
    };
    let parts = [("username", "ana".to_owned()), ("password", secret("password"))];
    let parts = parts.map(|(name, text)| (name.to_owned(), Secret::from(text.as_str())));
    let basic =
        Credential::Basic { username: "ana".into(), password: secret("basic").as_str().into() };
    [
        ("bearer", Credential::Bearer(secret("bearer").as_str().into())),
        ("header", key("header", KeyPlace::Header("X-Api-Key".into()))),
        ("query", key("query", KeyPlace::Query("key".into()))),
        ("body", key("body", KeyPlace::BodyPlaceholder(PLACEHOLDER.into()))),
        ("basic", basic),
        ("session", Credential::from_slot(&slot, BTreeMap::from(parts)).unwrap()),
        ("hook", Credential::Webhook { key: secret("hook").as_str().into(), previous: None }),
    ]
    .map(|(name, credential)| (name.to_owned(), credential))
    .into()
}

/// A connector that calls `path` with a credential.
fn connect(
    host: &Host,
    package: &Arc<Package>,
    port: u16,
    (slot, path): (&str, &str),
    said: &str,
) -> Arc<dyn Connector> {
    let gateway = Gateway::new(GatewayOptions::default()).unwrap().connection(ConnectionPolicy {
        connection: "canary".to_owned(),
        grants: granted(port),
        credentials: credentials(port),
        settings: serde_json::Value::Null,
        limits: HttpLimits::default(),
    });
    let settings = json!({
        "kind": "tell",
        "url": format!("http://127.0.0.1:{port}{path}"),
        "credential": slot,
        "body": format!("{PLACEHOLDER} {said}"),
    });
    host.connect(package.clone(), Binding::new("canary", settings, gateway))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_found_in_a_guest_a_log_or_a_fault() {
    let _alone = arena::alone().await;
    let canary = Canary::new(CANARY);
    let host = host();
    let package = host.load(&component("guest-hostile")).await.unwrap();
    let (port, sung) = vendor();
    let slots = ["bearer", "header", "query", "body", "basic", "session"];
    let (mut faults, mut calls) = (String::new(), 0);
    for slot in slots {
        let before = sung.load(Ordering::Relaxed);
        for path in ["/", "/fails", "/breaks", "/#fragment"] {
            let guest = connect(&host, &package, port, (slot, path), "");
            for write in [false, true] {
                let fault = if write {
                    soon(guest.write(&call(), &batch(1))).await.err()
                } else {
                    soon(guest.read(&call(), &start("s0"))).await.err()
                };
                assert_eq!(path == "/", fault.is_none(), "{slot} {path}: {fault:?}");
                let _ = write!(
                    faults,
                    "{fault:?} {}",
                    fault.iter().map(ToString::to_string).collect::<String>()
                );
                let memory = guest_memory();
                // The guest is there, and so is what it was told.
                assert!(holds(&memory, PLACEHOLDER.as_bytes()), "no guest was looked into");
                assert!(!canary.sings(&memory), "{slot} {path}: in the guest's memory");
                calls += 1;
            }
        }
        assert!(sung.load(Ordering::Relaxed) > before, "{slot}: the secret was not even sent");
    }
    assert!(!canary.sings(faults.as_bytes()), "{faults}");
    let log = logs::kept();
    assert!(holds(&log, b"TRACE") && holds(&log, b"x-echo-"), "the log is not whole");
    if canary.sings(&log) {
        let mut lines = log.split(|byte| *byte == b'\n');
        let line = lines.find(|line| canary.sings(line)).unwrap_or_default();
        panic!("{}", String::from_utf8_lossy(line));
    }
    eprintln!("{calls} calls, {} bytes of log: 0 hits", log.len());

    // The same looks find a secret that somebody wrote where it does not belong.
    let planted = connect(&host, &package, port, ("bearer", "/"), &secret("planted"));
    soon(planted.read(&call(), &start("s0"))).await.unwrap();
    assert!(canary.sings(&guest_memory()), "a canary in the guest's memory is not seen");
    tracing::info!("{}", secret("planted"));
    assert!(canary.sings(&logs::kept()), "a canary in the log is not seen");
}
