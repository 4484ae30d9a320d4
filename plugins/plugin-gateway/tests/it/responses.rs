//! What becomes of answers: redirects, sizes, times, broken connections.

use std::io::Write as _;
use std::time::Duration;

use hub_model::FaultCode;
use plugin_gateway::http::{HttpFault, HttpLimits};

use crate::server::{Reply, Server, get};

fn limits() -> HttpLimits {
    HttpLimits { response_bytes_max: 1024 * 1024, header_bytes_max: 4096, ..HttpLimits::default() }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let server = Server::start(move |seen| match seen.target.as_str() {
            "/" => Reply::new(status, "").header("Location", "/elsewhere"),
            _ => Reply::new(200, "followed"),
        })
        .await;
        let response = server.connect(None).send(get(server.url("/"))).await.unwrap();
        assert_eq!(response.status, status);
        assert!(response.headers.contains(&("location".to_owned(), "/elsewhere".to_owned())));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn any_status_is_an_answer() {
    for status in [200, 204, 207, 400, 401, 403, 404, 409, 413, 422, 429, 500, 503] {
        let server = Server::start(move |_| Reply::new(status, "")).await;
        let response = server.connect(None).send(get(server.url("/"))).await.unwrap();
        assert_eq!(response.status, status);
    }
}

#[tokio::test]
async fn a_compressed_answer_arrives_plain() {
    let server = Server::start(|_| {
        Reply::new(200, gzip(b"{\"ok\":true}")).header("Content-Encoding", "gzip")
    })
    .await;
    let response = server.connect(None).send(get(server.url("/"))).await.unwrap();
    assert_eq!(response.body, b"{\"ok\":true}");
    let about_transfer = ["content-encoding", "content-length", "transfer-encoding"];
    assert!(!response.headers.iter().any(|(name, _)| about_transfer.contains(&name.as_str())));
}

#[tokio::test]
async fn answers_are_capped() {
    type Make = fn() -> Reply;
    let cases: [(&str, Make); 5] = [
        ("body", || Reply::new(200, vec![b'x'; 1024 * 1024 + 1])),
        ("announced length", || Reply { missing_bytes: 1 << 40, ..Reply::new(200, "short") }),
        ("gzip bomb by ratio", || {
            Reply::new(200, gzip(&vec![0; 900 * 1024])).header("Content-Encoding", "gzip")
        }),
        ("gzip bomb by size", || {
            Reply::new(200, gzip(&vec![0; 64 * 1024 * 1024])).header("Content-Encoding", "gzip")
        }),
        ("headers", || Reply::new(200, "").header("X-Long", "x".repeat(5000))),
    ];
    for (what, make) in cases {
        let server = Server::start(move |_| make()).await;
        let answer = server.connect_with(None, limits(), None).send(get(server.url("/"))).await;
        assert!(matches!(answer, Err(HttpFault::TooLarge { .. })), "{what}: {answer:?}");
    }
}

#[tokio::test]
async fn a_broken_answer_leaves_the_outcome_unknown() {
    type Make = fn() -> Reply;
    let cases: [(&str, Make); 3] = [
        ("cut short", || Reply { missing_bytes: 10, ..Reply::new(200, "half of it") }),
        ("encoding that was not asked for", || {
            Reply::new(200, "x").header("Content-Encoding", "br")
        }),
        ("no gzip at all", || Reply::new(200, "<html>").header("Content-Encoding", "gzip")),
    ];
    for (what, make) in cases {
        let server = Server::start(move |_| make()).await;
        let fault = server.connect(None).send(get(server.url("/"))).await.unwrap_err();
        assert!(matches!(fault, HttpFault::Broken(_)), "{what}: {fault}");
        assert_eq!(fault.code(), FaultCode::Timeout);
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_left() {
    let server =
        Server::start(|_| Reply { delay: Duration::from_secs(3600), ..Reply::new(200, "") }).await;
    let limits = HttpLimits { total_timeout: Duration::from_millis(200), ..limits() };
    let began = std::time::Instant::now();
    let answer = server.connect_with(None, limits, None).send(get(server.url("/"))).await;
    assert_eq!(answer.unwrap_err(), HttpFault::Timeout);
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn nobody_listening_is_no_connection() {
    let server = Server::start(|_| Reply::new(200, "")).await;
    let mut grants = server.grants();
    // A port that was just free; nothing of this test listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    grants.hosts = vec![format!("127.0.0.1:{free}").parse().unwrap()];
    grants.private = vec![format!("127.0.0.1/32:{free}").parse().unwrap()];
    let connection = plugin_gateway::Gateway::new(plugin_gateway::GatewayOptions::default())
        .unwrap()
        .connection(crate::server::policy(grants, None, limits(), serde_json::Value::Null));
    let fault = connection.send(get(format!("http://127.0.0.1:{free}/"))).await.unwrap_err();
    assert!(matches!(fault, HttpFault::Connect(_)), "{fault}");
    assert_eq!(fault.code(), FaultCode::Unreachable);
}

#[tokio::test]
async fn cookies_of_the_vendor_stay_with_the_host() {
    let server = Server::start(|_| Reply::new(200, "").header("Set-Cookie", "sid=s3cr3t")).await;
    let connection = server.connect(None);
    let response = connection.send(get(server.url("/"))).await.unwrap();
    assert!(!response.headers.iter().any(|(name, _)| name == "set-cookie"));
    connection.send(get(server.url("/"))).await.unwrap();
    assert_eq!(server.requests()[1].header("cookie"), None);
}
