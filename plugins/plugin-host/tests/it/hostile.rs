//! Components that misbehave: each is stopped, the fault says why, and the next
//! call works.

use std::collections::BTreeMap;

use hub_model::FaultCode;
use plugin_api::{Action, Item, ItemChange, Outcome, WriteItem, WriteReport, WriteRequest};
use plugin_gateway::Grants;
use plugin_host::Host;
use serde_json::json;

use crate::support::{after, call, connect, host, soon, start};

async fn read_works(host: &Host) {
    let good = connect(host, "guest-hostile", json!({ "kind": "" }), Grants::default()).await;
    let page = soon(good.read(&call(), &start("s0"))).await.unwrap();
    assert_eq!(page.items.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_misbehaves_is_stopped_and_named() {
    let host = host();
    let cases = [
        ("loop", FaultCode::LimitExceeded, "cpu"),
        ("memory", FaultCode::LimitExceeded, "memory"),
        // The guest's own stack ends in front of its data: a trap, not our limit.
        ("recursion", FaultCode::ConnectorBug, ""),
        ("panic", FaultCode::ConnectorBug, "unreachable"),
        ("trap", FaultCode::ConnectorBug, "unreachable"),
        ("huge-page", FaultCode::LimitExceeded, "bytes_max"),
        ("many-rows", FaultCode::LimitExceeded, "items_max"),
        ("count-lie", FaultCode::LimitExceeded, "items_max"),
        ("huge-cursor", FaultCode::LimitExceeded, "cursor"),
        ("more-without-cursor", FaultCode::PageMalformed, ""),
        ("huge-fault", FaultCode::Transient, ""),
        ("files", FaultCode::HostDenied, ""),
        ("unsupported", FaultCode::NotSupported, "all of them"),
    ];
    for (kind, code, named) in cases {
        let settings = json!({ "kind": kind });
        let connector = connect(&host, "guest-hostile", settings, Grants::default()).await;
        let fault = soon(connector.read(&call(), &start("s0"))).await.unwrap_err();
        assert_eq!(fault.code, code, "{kind}: {fault}");
        let text = fault.to_string();
        assert!(text.contains(named), "{kind}: {text}");
        assert!(text.len() < 64 * 1024, "{kind}: {} bytes", text.len());
        // Its next call gets a fresh instance.
        if kind != "huge-fault" {
            soon(connector.check(&call())).await.unwrap();
        }
        read_works(&host).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_is_cut_and_harms_nobody() {
    let host = host();
    for kind in ["log-flood", "log-line", "log-forgery"] {
        let settings = json!({ "kind": kind });
        let connector = connect(&host, "guest-hostile", settings, Grants::default()).await;
        // A million lines take their time within the guest, and may run into its budget.
        match soon(connector.read(&call(), &start("s0"))).await {
            Ok(page) => assert_eq!(page.items.len(), 1, "{kind}"),
            Err(fault) => assert_eq!(fault.code, FaultCode::LimitExceeded, "{kind}: {fault}"),
        }
        read_works(&host).await;
    }
}

#[tokio::test]
async fn bad_rows_become_bad_items_and_the_good_one_arrives() {
    let settings = json!({ "kind": "invalid-rows" });
    let connector = connect(&host(), "guest-hostile", settings, Grants::default()).await;
    let page = soon(connector.read(&call(), &start("s0"))).await.unwrap();
    // Fields are judged when a row is taken apart, which one that is known never is.
    let judged = page.items.iter().map(|item| match item {
        Ok(Item { key, change: ItemChange::Upsert(row), .. }) => row.fields().map(|_| key),
        Ok(Item { key, .. }) => Ok(key),
        Err(bad) => {
            assert!(bad.raw.len() <= hub_model::limits::VALUE_BYTES_MAX);
            Err(bad.fault.clone())
        }
    });
    let (good, bad): (Vec<_>, Vec<_>) = judged.partition(Result::is_ok);
    assert_eq!((good.len(), bad.len()), (1, 9), "{good:?}");
    assert_eq!(good[0].as_ref().unwrap().as_str(), "good");
    for bad in bad {
        let fault = bad.unwrap_err();
        assert!(!fault.place.is_empty(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_cursor_that_stands_still_is_noticed() {
    let settings = json!({ "kind": "stuck-cursor" });
    let connector = connect(&host(), "guest-hostile", settings, Grants::default()).await;
    let first = soon(connector.read(&call(), &start("s0"))).await.unwrap();
    let cursor = first.next.unwrap();
    let fault = soon(connector.read(&call(), &after("s0", &cursor.0))).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::CursorStuck);
}

#[tokio::test]
async fn discovery_is_not_believed() {
    let host = host();
    let cases = [
        ("many-streams", FaultCode::LimitExceeded),
        ("same-stream", FaultCode::ConnectorBug),
        ("nameless-stream", FaultCode::ConnectorBug),
    ];
    for (kind, code) in cases {
        let settings = json!({ "kind": kind });
        let connector = connect(&host, "guest-hostile", settings, Grants::default()).await;
        let fault = soon(connector.discover(&call())).await.unwrap_err();
        assert_eq!(fault.code, code, "{kind}: {fault}");
    }
}

/// A write of so many items.
pub fn batch(count: usize) -> WriteRequest {
    let item = WriteItem {
        action: Action::Update,
        key: Some("1".into()),
        matching: BTreeMap::new(),
        patch: [("a".into(), "b".into())].into(),
        if_version: None,
        idempotency_key: "i".to_owned(),
        consents: Vec::new(),
        ttl_seconds: None,
    };
    WriteRequest { stream: "s0".into(), items: vec![item; count], dry_run: false }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_goes_wrong_is_never_taken_for_not_written() {
    let host = host();
    for kind in ["loop", "outcome-count", "no-outcomes", "limit"] {
        let settings = json!({ "kind": kind });
        let connector = connect(&host, "guest-hostile", settings, Grants::default()).await;
        let fault = soon(connector.write(&call(), &batch(3))).await.unwrap_err();
        assert_eq!(fault.code, FaultCode::ConnectorBug, "{kind}: {fault}");
    }
    let settings = json!({ "kind": "bad-outcomes" });
    let connector = connect(&host, "guest-hostile", settings, Grants::default()).await;
    let report = soon(connector.write(&call(), &batch(4))).await.unwrap();
    let expected = vec![
        Outcome::Unknown,
        Outcome::Updated { row: None, version: None },
        Outcome::Unknown,
        Outcome::Unknown,
    ];
    assert_eq!(report, WriteReport::Items(expected));
}
