//! Audiences through the sandbox: what a guest says about containers and members is
//! checked, and never taken for "not done" when nobody knows.

use std::sync::Arc;

use hub_model::{FaultCode, RemoteKey};
use plugin_api::{
    Connector, ContainerWish, Cursor, Identity, Member, MemberChange, MemberOutcome, MemberReport,
    MemberRequest,
};
use plugin_gateway::Grants;
use plugin_host::Host;
use serde_json::json;

use crate::support::{call, connect, host, soon};

async fn hostile(host: &Host, kind: &str) -> Arc<dyn Connector> {
    connect(host, "guest-hostile", json!({ "kind": kind }), Grants::default()).await
}

fn wish() -> ContainerWish {
    ContainerWish { title: "Customers".to_owned(), ..ContainerWish::default() }
}

fn changes(count: usize) -> MemberRequest {
    let email = Identity { namespace: "email".to_owned(), value: "ana@x.example".to_owned() };
    let member = Member {
        change: MemberChange::Add,
        key: None,
        identities: vec![email],
        consents: Vec::new(),
        ttl_seconds: None,
        idempotency_key: "i".to_owned(),
    };
    let container = RemoteKey::new("1");
    MemberRequest { container, members: vec![member; count], session: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn containers_that_are_none_are_not_believed() {
    let host = host();
    for (kind, code) in [
        ("many-containers", FaultCode::LimitExceeded),
        ("no-key", FaultCode::ConnectorBug),
        ("huge-key", FaultCode::ConnectorBug),
        ("huge-cursor", FaultCode::LimitExceeded),
        ("stuck-cursor", FaultCode::CursorStuck),
    ] {
        let connector = hostile(&host, kind).await;
        let cursor = Cursor(b"here".to_vec());
        let page = soon(connector.audience().unwrap().containers(&call(), Some(&cursor))).await;
        assert_eq!(page.unwrap_err().code, code, "{kind}");
    }
    let connector = hostile(&host, "").await;
    let page = soon(connector.audience().unwrap().containers(&call(), None)).await.unwrap();
    assert!(page.items[0].title.len() < 4_096);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_members_that_goes_wrong_is_never_taken_for_not_made() {
    let host = host();
    let kinds = [
        "loop",
        "limit",
        "outcome-count",
        "no-outcomes",
        "many-outcomes",
        "more-invalid",
        "more-matched",
    ];
    for kind in kinds {
        let connector = hostile(&host, kind).await;
        let report = soon(connector.audience().unwrap().write_members(&call(), &changes(3))).await;
        assert_eq!(report.unwrap_err().code, FaultCode::ConnectorBug, "{kind}");
    }
    let connector = hostile(&host, "loop").await;
    let ensured = soon(connector.audience().unwrap().ensure_container(&call(), &wish())).await;
    assert_eq!(ensured.unwrap_err().code, FaultCode::ConnectorBug);
    let connector = hostile(&host, "").await;
    let report = soon(connector.audience().unwrap().write_members(&call(), &changes(2))).await;
    // A job without a name can never be asked for.
    assert_eq!(report.unwrap(), MemberReport::Items(vec![MemberOutcome::Unknown; 2]));
}

#[tokio::test]
async fn a_container_is_wished_for_and_removed_by_the_guest() {
    let host = host();
    let connector = hostile(&host, "").await;
    let audience = connector.audience().unwrap();
    let ensured = soon(audience.ensure_container(&call(), &wish())).await.unwrap();
    assert_eq!((ensured.key.as_str(), ensured.title.as_str()), ("1", "Customers"));
    let gone = soon(audience.delete_container(&call(), &ensured.key)).await.unwrap_err();
    assert_eq!(gone.code, FaultCode::NotFound);
    let simple = connect(&host, "guest-simple", json!({}), Grants::default()).await;
    assert!(simple.audience().is_none());
}
