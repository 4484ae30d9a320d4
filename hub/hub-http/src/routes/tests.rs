//! Walks the table: every route is refused to who may not, in every way.

mod doors;
mod hub;
mod ledger;
mod mapping;
mod people;
mod sign_in;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use hub_model::{Conflict, ConflictReason, ProfileId, RecordNo, Side, SyncId, Timestamp};
use hub_store::WriteSet;
use serde_json::{Value, json};
use tower::ServiceExt;

use self::hub::{BEARER, HOST, JSON, ORIGIN, address, code, hub, request};
use super::{Permission, ROUTES, Route, Takes};
use crate::limits::{INBOX_BYTES_MAX, JSON_BYTES_MAX, LOGIN_FAILURES_MAX};

#[tokio::test]
async fn without_a_credential_only_public_routes_answer() {
    let hub = hub().await;
    let is_locked =
        |route: &&Route| !matches!(route.permission, Permission::Public | Permission::Deliver);
    for route in ROUTES.iter().filter(is_locked) {
        for headers in [
            &[][..],
            &[("authorization", "Bearer wrong")],
            &[("authorization", "hub_test")],
            &[("authorization", "Basic aHViX3Rlc3Q=")],
            &[("cookie", "liaison_8420=wrong")],
            &[("cookie", "liaison_8420=hub_test")],
        ] {
            let answer = hub.ask(route.method, &address(route), headers, "").await;
            assert_eq!(
                code(&answer),
                (401, "http/unauthenticated"),
                "{} {}",
                route.method,
                route.path
            );
        }
    }
}

#[tokio::test]
async fn only_names_of_this_machine_and_port_are_ours() {
    let hub = hub().await;
    for route in ROUTES {
        for host in [
            "evil.example",
            "127.0.0.1",
            "127.0.0.1:81",
            "127.0.0.1.evil.example:8420",
            "10.0.0.1:8420",
            "u@127.0.0.1:8420",
            "",
        ] {
            let headers = [("host", host), BEARER];
            let answer = hub.ask(route.method, &address(route), &headers, "").await;
            assert_eq!(code(&answer), (421, "http/wrong-host"), "{} {host}", route.path);
        }
    }
    for host in
        ["localhost:8420", "LOCALHOST:8420", "[::1]:8420", "127.0.0.1:8420", "127.8.8.8:8420"]
    {
        let answer = hub.ask("GET", "/api/v1/health", &[("host", host)], "").await;
        assert_eq!(answer.0, StatusCode::OK, "{host}");
    }
    let two = Request::builder().uri("/").header("host", HOST).header("host", "evil.example");
    let (status, ..) = hub.send(two.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn pages_of_others_are_refused() {
    let hub = hub().await;
    for route in ROUTES {
        for origin in [
            "http://evil.example",
            "null",
            "https://127.0.0.1:8420",
            "http://127.0.0.1:8421",
            "http://localhost:8420",
        ] {
            let headers = [("origin", origin), BEARER];
            let answer = hub.ask(route.method, &address(route), &headers, "").await;
            assert_eq!(code(&answer), (403, "http/cross-site"), "{} {origin}", route.path);
        }
        if route.path.starts_with("/api/") {
            for site in ["cross-site", "same-site"] {
                let headers = [("sec-fetch-site", site), BEARER];
                let answer = hub.ask(route.method, &address(route), &headers, "").await;
                assert_eq!(code(&answer), (403, "http/cross-site"), "{} {site}", route.path);
            }
        }
    }
}

#[tokio::test]
async fn every_answer_carries_the_hardening_headers() {
    let hub = hub().await;
    let missing = Route { path: "/nowhere", ..*ROUTES.first().unwrap() };
    for route in ROUTES.iter().chain([&missing]) {
        let (.., response) = hub.send(request("GET", &address(route), &[], "")).await;
        let has = |name: &str, part: &str| {
            let value = response.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
            assert!(value.unwrap_or_default().contains(part), "{}: {name}", route.path);
        };
        has("content-security-policy", "default-src 'none'");
        has("content-security-policy", "frame-ancestors 'none'");
        has("x-content-type-options", "nosniff");
        has("cache-control", "no-store");
        has("referrer-policy", "no-referrer");
    }
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_refused_in_json() {
    let hub = hub().await;
    for path in [
        "/nowhere",
        "/api/v1/nowhere",
        "/api/v2/syncs",
        "/api/v1/syncs/people/run/x",
        "/api/v1/../../etc/passwd",
    ] {
        let answer = hub.owner("GET", path, "").await;
        assert_eq!(code(&answer), (404, "http/no-such-path"), "{path}");
    }
    for route in ROUTES {
        let (status, json, response) =
            hub.send(request("PATCH", &address(route), &[BEARER], "")).await;
        assert_eq!(code(&(status, json)), (405, "http/wrong-method"), "{}", route.path);
        assert!(response.headers().contains_key(header::ALLOW), "{}", route.path);
    }
}

#[tokio::test]
async fn bodies_are_taken_strictly() {
    let hub = hub().await;
    let own = ("x-liaison", "1");
    let origin = ("origin", ORIGIN);
    for route in ROUTES.iter().filter(|route| route.takes == Takes::Json) {
        let path = address(route);
        let send = async |kind: &str, body: &str| {
            let headers = [BEARER, own, origin, ("content-type", kind)];
            hub.ask(route.method, &path, &headers, body).await
        };
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
            assert_eq!(
                code(&send(kind, "{}").await),
                (415, "http/wrong-content-type"),
                "{path} {kind}"
            );
        }
        for body in [
            r#"{"unknown":1}"#,
            r#"{"token":"a","token":"b"}"#,
            "{} {}",
            "{",
            "[]",
            "null",
            "\u{feff}{}",
            &format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
        ] {
            assert_eq!(
                code(&send("application/json", body).await),
                (400, "http/bad-body"),
                "{path} {body:.40}"
            );
        }
        let large = format!("{{\"x\":\"{}\"}}", "x".repeat(JSON_BYTES_MAX));
        assert_eq!(
            code(&send("application/json", &large).await),
            (413, "http/body-too-large"),
            "{path}"
        );
    }
    for route in ROUTES.iter().filter(|route| route.takes == Takes::Raw) {
        let large = "x".repeat(INBOX_BYTES_MAX + 1);
        let answer = hub.ask(route.method, &address(route), &[BEARER], &large).await;
        assert_eq!(code(&answer), (413, "http/body-too-large"), "{}", route.path);
    }
}

#[tokio::test]
async fn a_body_without_a_length_is_cut_too() {
    let hub = hub().await;
    let chunk = || Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024]);
    let endless = Body::from_stream(futures::stream::repeat_with(chunk));
    let answer = hub.send(request("POST", "/api/v1/inbox/crm", &[BEARER], endless)).await;
    assert_eq!(code(&(answer.0, answer.1)), (413, "http/body-too-large"));
}

#[tokio::test]
async fn parameters_are_taken_strictly() {
    let hub = hub().await;
    for path in [
        "/api/v1/runs?unknown=1",
        "/api/v1/runs?limit=1&limit=2",
        "/api/v1/runs?limit=0",
        "/api/v1/runs?limit=501",
        "/api/v1/runs?limit=-1",
        "/api/v1/runs?limit=x",
        "/api/v1/profiles?identity=email:a@x.fr&limit=1",
        "/api/v1/quarantine?after=x",
        "/api/v1/profiles?as_of=2026-01-31T12:00:00Z",
        "/api/v1/profiles?identity=email:a@x.fr&as_of=yesterday",
        "/api/v1/profiles/1?as_of=2026-01-31",
        "/api/v1/history?trait=city",
        "/api/v1/history?identity=email:a@x.fr&limit=0",
        "/api/v1/profiles/1/history?after=1",
    ] {
        assert_eq!(code(&hub.owner("GET", path, "").await), (400, "http/bad-parameter"), "{path}");
    }
    for (path, expected) in [
        ("/api/v1/runs?sync=nobody", (404, "http/unknown-sync")),
        ("/api/v1/syncs/nobody", (404, "http/unknown-sync")),
        ("/api/v1/runs/nobody", (404, "http/unknown-run")),
        ("/api/v1/profiles/0", (404, "http/unknown-profile")),
        ("/api/v1/profiles/abc", (404, "http/unknown-profile")),
        ("/api/v1/profiles/1?as_of=2026-01-31T12:00:00Z", (404, "http/unknown-profile")),
        ("/api/v1/profiles/1/history", (404, "http/unknown-profile")),
        ("/api/v1/profiles?identity=email", (400, "http/bad-identity")),
        ("/api/v1/profiles?identity=email:no-address", (400, "http/bad-identity")),
        ("/api/v1/profiles?identity=phone:1", (404, "http/unknown-namespace")),
        ("/api/v1/quarantine/row?sync=nobody&key=1", (404, "http/unknown-sync")),
        ("/api/v1/quarantine/row?sync=people&key=1", (404, "http/not-quarantined")),
        ("/api/v1/quarantine/row?sync=people", (400, "http/bad-parameter")),
        ("/api/v1/privacy/export?identity=email:a@x.fr", (404, "http/nobody")),
        ("/api/v1/privacy/export?identity=email:a@x.fr&format=xml", (400, "http/bad-parameter")),
        ("/api/v1/related?identity=phone:1", (404, "http/unknown-namespace")),
        ("/api/v1/related?identity=email:a@x.fr&limit=x", (400, "http/bad-parameter")),
        ("/api/v1/objects?sync=nobody&key=1", (404, "http/unknown-sync")),
        ("/api/v1/objects?sync=people&key=1", (404, "http/unknown-object")),
        ("/api/v1/privacy/erasures/1", (404, "http/unknown-erasure")),
    ] {
        assert_eq!(code(&hub.owner("GET", path, "").await), expected, "{path}");
    }
    assert_eq!(
        code(&hub.owner("POST", "/api/v1/syncs/nobody/run", "").await),
        (404, "http/unknown-sync")
    );
    assert_eq!(
        code(&hub.owner("POST", "/api/v1/inbox/nobody", "x").await),
        (404, "http/unknown-connection")
    );
}

#[tokio::test]
async fn refusals_speak_the_readers_language() {
    let hub = hub().await;
    let (_, en) = hub.ask("GET", "/api/v1/syncs", &[], "").await;
    let (_, fr) = hub.ask("GET", "/api/v1/syncs", &[("accept-language", "fr-FR")], "").await;
    let (_, asked) = hub.ask("GET", "/api/v1/syncs?lang=fr", &[], "").await;
    assert_eq!(en["title"], "A credential is needed");
    assert_eq!(fr["title"], "Une identification est nécessaire");
    assert_eq!(fr, asked);
    for part in ["code", "title", "detail", "place", "mend"] {
        assert!(en.get(part).is_some(), "{part}");
    }
}

#[tokio::test]
async fn a_link_opens_one_session_and_the_cookie_counts_only_from_our_page() {
    let hub = hub().await;
    let link = hub.state.login_link().unwrap();
    let body = format!("{{\"token\":\"{}\"}}", link.reveal());
    let own = [JSON, ("origin", ORIGIN), ("x-liaison", "1")];
    let foreign = hub.ask("POST", "/api/v1/session", &[JSON], &body).await;
    assert_eq!(code(&foreign), (403, "http/cross-site"));
    let (status, _, response) =
        hub.send(request("POST", "/api/v1/session", &own, body.clone())).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = ("cookie", cookie.split(';').next().unwrap());
    let again = hub.ask("POST", "/api/v1/session", &own, &body).await;
    assert_eq!(code(&again), (401, "http/unauthenticated"));

    assert_eq!(hub.ask("GET", "/api/v1/syncs", &[cookie], "").await.0, StatusCode::OK);
    let run = "/api/v1/syncs/people/run";
    for headers in [
        &[cookie, JSON][..],
        &[cookie, JSON, ("x-liaison", "1")],
        &[cookie, JSON, ("origin", ORIGIN)],
        &[cookie, JSON, ("sec-fetch-site", "none"), ("x-liaison", "1")],
    ] {
        assert_eq!(code(&hub.ask("POST", run, headers, "{}").await), (403, "http/cross-site"));
    }
    let ours = [cookie, JSON, ("origin", ORIGIN), ("x-liaison", "1")];
    assert_eq!(hub.ask("POST", run, &ours, "{}").await.0, StatusCode::ACCEPTED);
    assert_eq!(hub.ask("DELETE", "/api/v1/session", &ours, "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(code(&hub.ask("GET", "/api/v1/syncs", &[cookie], "").await).0, 401);
}

#[tokio::test]
async fn guessing_logins_is_cut_off() {
    let hub = hub().await;
    let own = [JSON, ("origin", ORIGIN), ("x-liaison", "1")];
    let guess = r#"{"token":"guess"}"#;
    for _ in 0..LOGIN_FAILURES_MAX {
        assert_eq!(
            hub.ask("POST", "/api/v1/session", &own, guess).await.0,
            StatusCode::UNAUTHORIZED
        );
    }
    let answer = hub.ask("POST", "/api/v1/session", &own, guess).await;
    assert_eq!(code(&answer), (429, "http/too-many-logins"));
}

#[tokio::test]
async fn what_waits_for_a_person_is_listed_shown_and_released() {
    let hub = hub().await;
    let mut watching = hub.state.engine().subscribe();
    hub.leave.add_permits(100);
    hub.state.engine().run_now(&SyncId::new("people")).unwrap();
    while !matches!(watching.recv().await, Ok(hub_engine::Event::Ended(_))) {}
    let store = hub.state.store();
    let mut record = store.records(&[RecordNo(1)]).await.unwrap().remove(0).unwrap();
    let mut profile = store.profiles(&[ProfileId(1)]).await.unwrap().remove(0).unwrap();
    let state = record.fields.get_mut("email").unwrap();
    state.revise_dispute(|kept| kept.paused = Some(Timestamp(1)));
    let side = Side { record: RecordNo(1), field: "email".into() };
    let reason = ConflictReason::PingPong;
    profile.conflicts = vec![Conflict { name: "email".into(), reason, sides: vec![side] }];
    let (records, profiles) = (vec![record], vec![profile]);
    store.commit(WriteSet { records, profiles, ..WriteSet::default() }).await.unwrap();

    let (_, all) = hub.owner("GET", "/api/v1/conflicts", "").await;
    let open = &all["conflicts"][0];
    assert_eq!(
        (&open["reason"], &open["trait"], &open["agreed"], &open["sides"][0]["key"]),
        (&json!("ping-pong"), &json!("email"), &json!("Ana@X.fr"), &json!("1"))
    );
    let (_, one) = hub.owner("GET", "/api/v1/conflicts/one?profile=1&trait=email", "").await;
    assert_eq!((&one["conflict"], &one["decisions"]), (open, &json!([])));
    assert_eq!(one["explained"]["evidence"][0]["standing"], "won");
    let nothing = hub.owner("GET", "/api/v1/conflicts/one?profile=1&trait=city", "").await;
    assert_eq!(code(&nothing), (404, "conflict/not-open"));
    for (path, body, expected) in [
        ("resolve", r#"{"profile":1,"trait":"email"}"#, (400, "http/bad-body")),
        (
            "resolve",
            r#"{"profile":1,"trait":"email","record":1,"value":null}"#,
            (400, "http/bad-body"),
        ),
        ("resolve", r#"{"profile":1,"trait":"email","value":null}"#, (422, "people/no-sides")),
        ("resolve", r#"{"profile":9,"trait":"email","record":1}"#, (404, "http/unknown-profile")),
        ("undo", r#"{"profile":1,"trait":"email"}"#, (404, "conflict/not-open")),
        ("release", r#"{"profile":1,"trait":"city"}"#, (404, "conflict/not-open")),
    ] {
        let answer = hub.owner("POST", &format!("/api/v1/conflicts/{path}"), body).await;
        assert_eq!(code(&answer), expected, "{path} {body}");
    }
    let body = r#"{"profile":1,"trait":"email"}"#;
    let (status, released) = hub.owner("POST", "/api/v1/conflicts/release", body).await;
    assert_eq!((status, &released["waits"]), (StatusCode::OK, &Value::Null));
    let (_, none) = hub.owner("GET", "/api/v1/conflicts?limit=5", "").await;
    assert_eq!(none, json!({ "conflicts": [] }));
}

#[tokio::test]
async fn watchers_hear_a_run_and_are_let_go_when_the_hub_stops() {
    let hub = hub().await;
    let request = request("GET", "/api/v1/events?lang=fr", &[BEARER], "");
    let response = hub.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = tokio::spawn(to_bytes(response.into_body(), 1 << 20));
    let mut watching = hub.state.engine().subscribe();
    hub.leave.add_permits(100);
    hub.state.engine().run_now(&SyncId::new("people")).unwrap();
    while !matches!(watching.recv().await, Ok(hub_engine::Event::Ended(_))) {}
    hub.closing.send_replace(true);
    let text = String::from_utf8(body.await.unwrap().unwrap().to_vec()).unwrap();
    let at = |event: &str| {
        text.find(&format!("event: {event}\n")).unwrap_or_else(|| panic!("{event} in {text}"))
    };
    assert!(at("ready") < at("run-started") && at("run-started") < at("run-ended"));
}

#[tokio::test]
async fn the_inbox_keeps_before_it_says_yes() {
    let hub = hub().await;
    let (status, _) = hub.ask("POST", "/api/v1/inbox/crm", &[BEARER], "anything \0 at all").await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let kept = hub.state.store().inbox(0, 10).await.unwrap();
    assert_eq!(kept.len(), 1);
}

#[tokio::test]
async fn the_page_comes_in_the_readers_language_and_says_nothing() {
    let hub = hub().await;
    for (accept, lang) in [("fr", "<html lang=\"fr\">"), ("en", "<html lang=\"en\">")] {
        let request = request("GET", "/", &[("accept-language", accept)], "");
        let response = hub.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert!(String::from_utf8_lossy(&body).contains(lang));
    }
}

#[tokio::test]
async fn the_store_is_looked_after_with_the_token_alone() {
    let hub = hub().await;
    let secret = hub.state.login_link().unwrap();
    let body = format!("{{\"token\":\"{}\"}}", secret.reveal());
    let own = [("x-liaison", "1"), ("origin", ORIGIN), JSON];
    let (.., login) = hub.send(request("POST", "/api/v1/session", &own, body)).await;
    let cookie = login.headers().get(header::SET_COOKIE).unwrap().to_str().unwrap();
    let cookie = ("cookie", cookie.split(';').next().unwrap());
    let session = [cookie, ("x-liaison", "1"), ("origin", ORIGIN), JSON];
    let token_alone = [Permission::Manage, Permission::Privacy];
    for route in ROUTES.iter().filter(|route| token_alone.contains(&route.permission)) {
        let answer = hub.ask(route.method, &address(route), &session, "").await;
        assert_eq!(code(&answer), (403, "http/forbidden"), "{}", route.path);
    }
    assert_eq!(hub.owner("GET", "/api/v1/store/work", "").await.1["work"], Value::Null);
    let (_, shown) = hub.owner("GET", "/api/v1/store", "").await;
    assert_eq!(
        (&shown["stats"]["profiles"], &shown["sizes"]["live_bytes"]),
        (&json!(0), &json!(0))
    );

    let ended = async || loop {
        let (_, mut answer) = hub.owner("GET", "/api/v1/store/work", "").await;
        if answer["work"]["state"] != "running" {
            return answer["work"].take();
        }
        tokio::task::yield_now().await;
    };
    let answer = hub.owner("POST", "/api/v1/store/compact", "{}").await;
    assert_eq!(answer.0, StatusCode::ACCEPTED);
    let wanted = json!({
        "kind": "compact", "state": "compacted", "bytes_before": 0, "bytes_after": 0
    });
    assert_eq!(ended().await, wanted);
    // A failure is told, and is not in the way of what follows.
    for _ in 0..2 {
        let answer = hub.owner("POST", "/api/v1/store/backup", r#"{"to":"/nowhere"}"#).await;
        assert_eq!(answer.0, StatusCode::ACCEPTED);
        let work = ended().await;
        assert_eq!((&work["kind"], &work["state"]), (&json!("backup"), &json!("failed")));
    }
    let answer = hub.owner("POST", "/api/v1/store/backup", r#"{"to":"here"}"#).await;
    assert_eq!(code(&answer), (400, "http/bad-body"));
}
