//! The doors of connections: who gets in, who is told what, and which pages may.

use axum::body::to_bytes;
use axum::http::{StatusCode, header};
use serde_json::json;
use tower::ServiceExt;

use super::hub::{BEARER, ORIGIN, PAGE, code, hub, request};

#[tokio::test]
async fn a_door_opens_to_what_is_verified_and_tells_nobody_else_why() {
    let hub = hub().await;
    let kept = async || hub.state.store().inbox(0, 10).await.unwrap().len();
    let token = ("x-token", "let me in");
    let answer = hub.ask("POST", "/inbox/crm/v1/track?a=1", &[token], "{}").await;
    assert_eq!((answer.0.as_u16(), &answer.1["success"]), (200, &json!(true)));
    assert_eq!(kept().await, 1);
    for headers in [&[][..], &[("x-token", "x")], &[BEARER]] {
        let answer = hub.ask("POST", "/inbox/crm", headers, "{}").await;
        assert_eq!(code(&answer), (401, "inbox/not-verified"));
        assert!(!answer.1.to_string().contains("another token"), "{}", answer.1);
    }
    for path in ["/inbox/nobody", "/inbox/", "/inbox"] {
        let answer = hub.ask("POST", path, &[token], "{}").await;
        assert_eq!(code(&answer), (404, "http/no-such-path"), "{path}");
    }
    assert_eq!(kept().await, 1);
    for expected in [2, 2] {
        let again = [token, ("x-id", "7")];
        let answer = hub.ask("POST", "/inbox/crm", &again, "{}").await;
        assert_eq!((answer.0.as_u16(), kept().await), (200, expected));
    }
    let (_, shown) = hub.owner("GET", "/api/v1/connections", "").await;
    let counts = &shown["connections"][0]["inbox"];
    assert_eq!(*counts, json!({ "kept": 2, "repeated": 1, "refused": 3, "limited": 0 }));
}

#[tokio::test]
async fn a_challenge_is_answered_and_not_kept() {
    let hub = hub().await;
    let request = request("GET", "/inbox/crm/hook?c=1", &[("x-token", "let me in")], "");
    let response = hub.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/plain");
    assert_eq!(to_bytes(response.into_body(), 1 << 10).await.unwrap(), "/hook?c=1");
    assert!(hub.state.store().inbox(0, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_page_delivers_from_a_granted_origin_only() {
    let hub = hub().await;
    let token = ("x-token", "let me in");
    let send = async |method: &str, origin: &str| {
        let headers = [token, ("origin", origin), ("sec-fetch-site", "cross-site")];
        hub.send(request(method, "/inbox/crm/v1/t", &headers, "{}")).await
    };
    let allowed = |response: &axum::response::Response<()>| {
        let value = response.headers().get("access-control-allow-origin");
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    for method in ["POST", "OPTIONS"] {
        let (status, _, response) = send(method, PAGE).await;
        assert!(status.is_success(), "{method} {status}");
        assert_eq!(allowed(&response).as_deref(), Some(PAGE), "{method}");
        for origin in ["https://evil.example", "null", ORIGIN, ""] {
            let (status, json, response) = send(method, origin).await;
            assert_eq!(code(&(status, json)), (403, "http/cross-site"), "{method} {origin}");
            assert_eq!(allowed(&response), None);
        }
    }
}
