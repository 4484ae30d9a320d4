//! What a connector may put into a request.

use plugin_gateway::http::{HttpFault, HttpLimits};
use plugin_gateway::{Credential, HttpRequest, KeyPlace};

use crate::server::{Reply, Server, get};

#[tokio::test]
async fn headers_of_the_host_are_refused_by_name() {
    let server = Server::start(|_| Reply::new(200, "")).await;
    let key = Credential::ApiKey { place: KeyPlace::Header("X-Api-Key".into()), key: "k3y".into() };
    let connection = server.connect(Some(key));
    let refused = [
        "Host",
        "host",
        "HOST",
        "Authorization",
        "authorization",
        "Cookie",
        "Proxy-Authorization",
        "Proxy-Connection",
        "proxy-anything",
        "Connection",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Content-Length",
        "Expect",
        "Upgrade",
        "HTTP2-Settings",
        "Accept-Encoding",
        "Forwarded",
        "X-Forwarded-Host",
        "x-api-key",
    ];
    for name in refused {
        let mut request = get(server.url("/"));
        request.headers.push((name.to_owned(), "x".to_owned()));
        let fault = connection.send(request).await.unwrap_err();
        assert_eq!(fault, HttpFault::Denied(format!("the header `{name}` belongs to the host")));
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn malformed_headers_and_methods_are_refused() {
    let server = Server::start(|_| Reply::new(200, "")).await;
    let connection = server.connect(None);
    let headers = [
        (":authority", "evil.com"),
        ("", "x"),
        ("Host ", "evil.com"),
        ("X\r\nHost", "evil.com"),
        ("X-A", "a\r\nHost: evil.com"),
        ("X-A", "a\0b"),
    ];
    for (name, value) in headers {
        let mut request = get(server.url("/"));
        request.headers.push((name.to_owned(), value.to_owned()));
        let fault = connection.send(request).await.unwrap_err();
        assert!(matches!(fault, HttpFault::Invalid(_)), "{name:?}: {fault}");
    }
    for method in ["CONNECT", "TRACE", "get", "", "GET /evil HTTP/1.1\r\n"] {
        let request = HttpRequest { method: method.to_owned(), ..get(server.url("/")) };
        let fault = connection.send(request).await.unwrap_err();
        assert!(matches!(fault, HttpFault::Denied(_)), "{method:?}: {fault}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn sizes_of_requests_are_capped() {
    let server = Server::start(|_| Reply::new(200, "")).await;
    let limits =
        HttpLimits { request_bytes_max: 10, header_bytes_max: 100, ..HttpLimits::default() };
    let connection = server.connect_with(None, limits, None);
    let body = HttpRequest { body: vec![0; 11], ..get(server.url("/")) };
    assert_eq!(
        connection.send(body).await.unwrap_err(),
        HttpFault::TooLarge { setting: "request_bytes_max".into(), limit_bytes: 10 }
    );
    let wide = HttpRequest { headers: vec![("X".into(), "y".repeat(100))], ..get(server.url("/")) };
    assert_eq!(
        connection.send(wide).await.unwrap_err(),
        HttpFault::TooLarge { setting: "header_bytes_max".into(), limit_bytes: 100 }
    );
    let many = (0..101).map(|_| (String::new(), String::new())).collect();
    let many = HttpRequest { headers: many, ..get(server.url("/")) };
    assert!(matches!(connection.send(many).await.unwrap_err(), HttpFault::Denied(_)));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_request_arrives_as_it_was_stated() {
    let server = Server::start(|_| Reply::new(201, "made").header("X-Id", "7")).await;
    let connection = server.connect(None);
    let request = HttpRequest {
        method: "PATCH".to_owned(),
        url: server.url("/a%20b?x=1&x=2"),
        headers: vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("X-Many".to_owned(), "1".to_owned()),
            ("X-Many".to_owned(), "2".to_owned()),
        ],
        body: br#"{"a":1}"#.to_vec(),
        credential: None,
    };
    let response = connection.send(request).await.unwrap();
    assert_eq!((response.status, response.body.as_slice()), (201, b"made".as_slice()));
    assert!(response.headers.contains(&("x-id".to_owned(), "7".to_owned())));
    let seen = server.requests().remove(0);
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("PATCH", "/a%20b?x=1&x=2"));
    assert_eq!(seen.body, br#"{"a":1}"#);
    assert_eq!(seen.header("host"), Some(format!("127.0.0.1:{}", server.port).as_str()));
    assert_eq!(seen.header("accept-encoding"), Some("gzip"));
    assert!(seen.header("user-agent").unwrap().starts_with("Liaison/"));
    assert_eq!(seen.headers.iter().filter(|(name, _)| name == "x-many").count(), 2);
    assert_eq!(seen.header("authorization"), None);
}

#[tokio::test]
async fn each_call_has_its_own_count_of_requests() {
    let server = Server::start(|_| Reply::new(200, "")).await;
    let limits = HttpLimits { calls_max: 2, ..HttpLimits::default() };
    let connection = server.connect_with(None, limits, None);
    let call = connection.begin_call();
    for _ in 0..2 {
        call.send(get(server.url("/"))).await.unwrap();
    }
    assert_eq!(call.send(get(server.url("/"))).await.unwrap_err(), HttpFault::BudgetExhausted);
    assert_eq!((call.calls(), server.requests().len()), (2, 2));
    connection.begin_call().send(get(server.url("/"))).await.unwrap();
}
