//! The way in, through the sandbox: what is verified is parsed, and what a guest
//! says about it is checked.

use hub_model::{FaultCode, Timestamp};
use plugin_api::{Delivery, Parsed, Refusal};
use plugin_conformance::{Subject, broken, judge_inbound};
use plugin_gateway::Grants;
use serde_json::json;

use crate::support::{call, connect, connect_with_key, host, soon};

const KEY: &str = "wk_4f1d";

fn delivery(headers: &[(&str, &str)], body: &str) -> Delivery {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Delivery {
        method: "POST".to_owned(),
        target: "/v1/batch".to_owned(),
        headers: headers.iter().map(own).collect(),
        body: body.as_bytes().to_vec(),
        received: Timestamp::from_seconds(1_800_000_000),
    }
}

#[tokio::test]
async fn tracked_events_pass_the_suite() {
    let connector = connect_with_key(&host(), ("events-in", "write"), json!({}), KEY).await;
    let subject = Subject::new(&*connector, "events");
    let body = json!({ "batch": [
        { "type": "identify", "userId": "u1", "messageId": "1", "traits": { "n": 1 } },
        { "type": "track", "userId": "u1", "messageId": "2", "event": "Seen" },
    ]});
    let sample = delivery(&[("authorization", "Basic x")], &body.to_string());
    let judged = judge_inbound(&subject, Some(&sample)).await;
    assert!(judged.len() == 5 && broken(&judged).is_empty(), "{judged:#?}");
}

#[tokio::test]
async fn a_write_key_opens_the_door_and_stays_outside() {
    let settings = json!({ "origins": ["https://www.example.org"] });
    let connector = connect_with_key(&host(), ("events-in", "write"), settings, KEY).await;
    let inbound = connector.inbound().unwrap();
    assert_eq!(inbound.origins(), ["https://www.example.org"]);
    let now = Timestamp::from_seconds(1_800_000_000);
    let body = format!(r#"{{"batch":[],"writeKey":"{KEY}"}}"#);
    let basic = ("authorization", "Basic d2tfNGYxZDo=");
    for headers in [&[basic][..], &[]] {
        let admitted = inbound.admit(delivery(headers, &body), now).unwrap().delivery;
        let kept = format!("{:?} {}", admitted.headers, String::from_utf8_lossy(&admitted.body));
        assert!(!kept.contains(KEY) && !kept.contains("d2tf"), "{kept}");
        soon(inbound.parse(&call(), &admitted)).await.unwrap();
    }
    let other = delivery(&[], &body.replace(KEY, "wk_other"));
    assert!(matches!(inbound.admit(other, now), Err(Refusal::Unverified(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_lies_about_a_delivery_is_stopped_and_named() {
    let host = host();
    let cases = [
        ("loop", FaultCode::LimitExceeded, "cpu"),
        ("panic", FaultCode::ConnectorBug, "unreachable"),
        ("many-meanings", FaultCode::LimitExceeded, "meanings_max"),
        ("many-rows", FaultCode::LimitExceeded, "items_max"),
        ("many-rows-in-parts", FaultCode::LimitExceeded, "items_max"),
        ("many-keys", FaultCode::LimitExceeded, "items_max"),
        ("huge-key", FaultCode::PageMalformed, ""),
        ("no-key", FaultCode::PageMalformed, ""),
        ("nameless", FaultCode::PageMalformed, ""),
    ];
    for (kind, code, named) in cases {
        let settings = json!({ "kind": kind });
        let connector = connect(&host, "guest-hostile", settings, Grants::default()).await;
        let inbound = connector.inbound().unwrap();
        let fault = soon(inbound.parse(&call(), &delivery(&[], ""))).await.unwrap_err();
        assert_eq!(fault.code, code, "{kind}: {fault}");
        assert!(fault.to_string().contains(named), "{kind}: {fault}");
    }
    let settings = json!({ "kind": "invalid-rows" });
    let connector = connect(&host, "guest-hostile", settings, Grants::default()).await;
    let parsed = soon(connector.inbound().unwrap().parse(&call(), &delivery(&[], ""))).await;
    let parsed = parsed.unwrap();
    let [Parsed::Rows(_, rows)] = parsed.as_slice() else { panic!("{parsed:?}") };
    assert!(rows.len() == 2 && rows.iter().all(Result::is_err), "{rows:?}");
}

#[tokio::test]
async fn a_reply_is_nothing_that_a_browser_would_run() {
    let host = host();
    let with = async |kind: &str| {
        let settings = json!({ "kind": kind });
        let connector = connect(&host, "guest-hostile", settings, Grants::default()).await;
        soon(connector.inbound().unwrap().handshake(&call(), &delivery(&[], ""))).await
    };
    let reply = with("").await.unwrap().unwrap();
    assert_eq!((reply.status, reply.content_type), (200, None));
    assert_eq!(with("redirect").await.unwrap_err().code, FaultCode::PageMalformed);
}

#[tokio::test]
async fn a_connector_without_a_way_in_has_none() {
    let connector = connect(&host(), "guest-simple", json!({}), Grants::default()).await;
    assert!(connector.inbound().is_none());
}
