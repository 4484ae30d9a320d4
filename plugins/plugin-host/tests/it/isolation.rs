//! What a guest may not do to the hub: reach out, use up its time, block it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use hub_model::FaultCode;
use plugin_api::Connector;
use plugin_gateway::{Grants, HttpLimits};
use plugin_host::{Binding, Host, Limits};
use serde_json::json;
use tokio::time::Instant;

use crate::support::{
    call, component, connect, gateway, gateway_with, host, host_with, limits, soon, start,
};

/// A loopback server that treats each connection as told, and its port.
fn server(serve: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().for_each(|stream| serve(stream.unwrap())));
    port
}

/// Grants for a server on this machine.
pub fn granted(port: u16) -> Grants {
    Grants {
        hosts: vec![format!("127.0.0.1:{port}").parse().unwrap()],
        private: vec![format!("127.0.0.1/32:{port}").parse().unwrap()],
        insecure_http: true,
        ..Grants::default()
    }
}

fn answer(mut stream: TcpStream) {
    let mut request = [0; 4_096];
    let _ = stream.read(&mut request);
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
}

#[tokio::test]
async fn only_granted_hosts_are_reached() {
    let host = host();
    let port = server(answer);
    let url = format!("http://127.0.0.1:{port}/");
    let settings = json!({ "kind": "http", "url": url });

    let denied = connect(&host, "guest-hostile", settings.clone(), Grants::default()).await;
    let fault = soon(denied.read(&call(), &start("s0"))).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HostDenied);

    let allowed = connect(&host, "guest-hostile", settings, granted(port)).await;
    soon(allowed.read(&call(), &start("s0"))).await.unwrap();

    let metadata = json!({ "kind": "http", "url": "http://169.254.169.254/latest" });
    let connector = connect(&host, "guest-hostile", metadata, granted(port)).await;
    let fault = soon(connector.read(&call(), &start("s0"))).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HostDenied);

    let forged = json!({ "kind": "host-header", "url": url });
    let connector = connect(&host, "guest-hostile", forged, granted(port)).await;
    let fault = soon(connector.read(&call(), &start("s0"))).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HostDenied);
}

#[tokio::test]
async fn a_call_has_so_many_requests() {
    let host = host();
    let port = server(answer);
    let settings = json!({ "kind": "http-flood", "url": format!("http://127.0.0.1:{port}/") });
    let package = host.load(&component("guest-hostile")).await.unwrap();
    let few = HttpLimits { calls_max: 5, ..HttpLimits::default() };
    let binding = Binding::new("test", settings, gateway_with(granted(port), few));
    let connector = host.connect(package, binding);
    // Every call starts with a full allowance and ends at its own.
    for _ in 0..2 {
        let fault = soon(connector.read(&call(), &start("s0"))).await.unwrap_err();
        assert_eq!(fault.code, FaultCode::LimitExceeded, "{fault}");
    }
}

/// A vendor that never answers: the wall limit ends it, and waiting does not
/// count as work.
#[tokio::test]
async fn waiting_is_ended_by_the_wall_limit() {
    let port = server(|stream| {
        thread::sleep(Duration::from_secs(600));
        drop(stream);
    });
    let limits = Limits { wall: Duration::from_secs(2), ..limits() };
    let host = host_with(limits);
    let settings = json!({ "kind": "http", "url": format!("http://127.0.0.1:{port}/") });
    let connector = connect(&host, "guest-hostile", settings, granted(port)).await;
    let fault = soon(connector.read(&call(), &start("s0"))).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::Timeout, "{fault}");
    soon(connector.check(&call())).await.unwrap();
}

async fn spinning(host: &Host) -> Arc<dyn Connector> {
    connect(host, "guest-hostile", json!({ "kind": "loop" }), Grants::default()).await
}

/// The hub has one thread here. If guests shared it, each of its timers would be
/// late by a tick of every guest, 500 ms; so the median tells them apart even on
/// a busy machine.
#[tokio::test]
async fn guests_that_spin_leave_the_hub_its_timers() {
    const GUESTS: usize = 50;
    const NAPS: usize = 60;
    let host = host_with(Limits { cpu: Duration::from_secs(60), ..limits() });
    let package = host.load(&component("guest-hostile")).await.unwrap();
    let calls: Vec<_> = (0..GUESTS)
        .map(|_| {
            let binding =
                Binding::new("test", json!({ "kind": "loop" }), gateway(Grants::default()));
            let connector = host.connect(package.clone(), binding);
            tokio::spawn(async move { connector.read(&call(), &start("s0")).await })
        })
        .collect();
    let mut late = Vec::with_capacity(NAPS);
    for _ in 0..NAPS {
        let due = Instant::now() + Duration::from_millis(5);
        tokio::time::sleep_until(due).await;
        late.push(due.elapsed());
    }
    late.sort();
    let median = late[NAPS / 2];
    assert!(median < Duration::from_millis(100), "median {median:?}, worst {:?}", late[NAPS - 1]);
    assert!(calls.iter().all(|call| !call.is_finished()), "the guests should still be spinning");
    calls.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_leaves_frees_the_slot() {
    let one_at_a_time = Limits {
        concurrent_calls_max: 1,
        cpu: Duration::from_secs(600),
        wall: Duration::from_secs(600),
        ..limits()
    };
    let host = host_with(one_at_a_time);
    let spinning = spinning(&host).await;
    let (call, start) = (call(), start("s0"));
    let reading = spinning.read(&call, &start);
    assert!(tokio::time::timeout(Duration::from_millis(300), reading).await.is_err());
    soon(spinning.check(&call)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_can_be_dropped_while_a_guest_spins() {
    let host = host_with(Limits {
        cpu: Duration::from_secs(600),
        wall: Duration::from_secs(600),
        ..limits()
    });
    let connector = spinning(&host).await;
    let reading = tokio::spawn({
        let connector = connector.clone();
        async move { connector.read(&call(), &start("s0")).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop((host, connector));
    reading.abort();
    assert!(soon(reading).await.unwrap_err().is_cancelled());
}

/// Thirty calls, three at once: instances come and go, and everybody is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_beyond_the_slots_wait_their_turn() {
    let host = host_with(Limits { concurrent_calls_max: 3, ..limits() });
    let settings = json!({ "rows": [{ "name": "Ana" }] });
    let connector = connect(&host, "guest-simple", settings, Grants::default()).await;
    let calls: Vec<_> = (0..30)
        .map(|number| {
            let connector = connector.clone();
            tokio::spawn(async move {
                let mut call = call();
                call.purpose = format!("run-{}", number % 3);
                connector.read(&call, &start("people")).await
            })
        })
        .collect();
    for call in calls {
        assert_eq!(soon(call).await.unwrap().unwrap().items.len(), 1);
    }
}
