//! Signing in: who may begin, and what a browser that comes back is told.

use super::hub::{code, hub};

#[tokio::test]
async fn an_operator_begins_and_a_browser_comes_back_without_a_credential() {
    let hub = hub().await;
    let (status, begun) = hub.owner("POST", "/api/v1/connections/crm/sign-in", "{}").await;
    assert_eq!(status, 201);
    let back = "http://localhost:8420/oauth/callback";
    assert_eq!(begun["redirect"], back);
    assert_eq!(begun["address"], format!("https://vendor.example/?to={back}"));
    let (_, standing) = hub.owner("GET", "/api/v1/connections/crm/sign-in", "").await;
    assert_eq!(standing["needed"], "nobody has signed in yet");
    let unknown = hub.ask("GET", "/api/v1/connections/shop/sign-in", &[super::BEARER], "").await;
    assert_eq!(code(&unknown), (404, "http/unknown-connection"));

    for (query, expected, words) in [
        ("state=right&code=c", 200, "You are signed in"),
        ("state=right&code=d", 502, "invalid_grant"),
        ("state=right&error=access_denied", 502, "access_denied"),
        ("state=wrong&code=c", 410, "Begin again"),
        ("state=right", 410, "Begin again"),
        ("state=right&state=right&code=c", 410, "Begin again"),
        ("state=right&code=c&lang=fr", 200, "Vous êtes connecté"),
        ("state=wrong&code=c&lang=fr", 410, "Recommencez"),
    ] {
        // As a vendor's page sends it.
        let headers = [("sec-fetch-site", "cross-site"), ("host", "localhost:8420")];
        let path = format!("/oauth/callback?{query}");
        let (status, text) = hub.text("GET", &path, &headers).await;
        assert_eq!(status, expected, "{query}: {text}");
        assert!(text.contains(words), "{query}: {text}");
    }
}

#[tokio::test]
async fn whoever_began_may_bring_the_address_by_hand() {
    let hub = hub().await;
    let paste = |address: &str| serde_json::json!({ "address": address }).to_string();
    let good = paste(" http://localhost:8420/oauth/callback?code=c&state=right ");
    assert_eq!(hub.owner("POST", "/api/v1/sign-ins", &good).await.0, 200);
    for (address, expected) in
        [("http://localhost/", 410), ("?state=wrong&code=c", 410), ("?state=right&code=d", 502)]
    {
        let (status, _) = hub.owner("POST", "/api/v1/sign-ins", &paste(address)).await;
        assert_eq!(status, expected, "{address}");
    }
}

#[tokio::test]
async fn a_connection_that_waits_for_a_sign_in_is_shown_so() {
    let hub = hub().await;
    let (_, shown) = hub.owner("GET", "/api/v1/connections", "").await;
    let row = &shown["connections"][0];
    assert_eq!(row["status"], "sign-in");
    assert_eq!(row["fault"]["code"], "auth");
    assert!(row["fault"]["mend"].as_str().unwrap().contains("sign-in crm"), "{row}");
    let (_, health) = hub.owner("GET", "/api/v1/health", "").await;
    assert_eq!(health["status"], "degraded");
}
