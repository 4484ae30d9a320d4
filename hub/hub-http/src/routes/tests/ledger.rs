//! The ledger of writes, and undoing, over HTTP.

use axum::http::StatusCode;
use hub_model::{RecordNo, RemoteKey};
use hub_store::WriteSet;
use hub_store::conformance::fixtures as f;
use serde_json::json;

use super::hub::{code, hub};

#[tokio::test]
async fn what_was_written_is_listed_page_by_page_and_shown() {
    let hub = hub().await;
    let entries =
        [f::written("people", 1, 1), f::written("people", 1, 2), f::written("other", 2, 3)];
    let set = WriteSet { written: entries.to_vec(), ..WriteSet::default() };
    hub.state.store().commit(set).await.unwrap();
    let (_, all) = hub.owner("GET", "/api/v1/ledger", "").await;
    assert_eq!(all["entries"].as_array().unwrap().len(), 3);
    let first = &all["entries"][0];
    let (run, number) = (first["run"].as_str().unwrap(), &first["number"]);
    assert_eq!((&first["kind"], &first["end"]), (&json!("update"), &json!("made")));
    assert_eq!(first["fields"]["name"], json!({ "before": null, "sent": "Person 1" }));
    assert_eq!(
        (&first["record"], &first["key"]),
        (&json!(RecordNo(1)), &json!(RemoteKey::new("k1")))
    );
    let (_, one) = hub.owner("GET", &format!("/api/v1/ledger/{run}/{number}"), "").await;
    assert_eq!(one, *first);
    let (_, page) = hub.owner("GET", "/api/v1/ledger?sync=people&limit=1", "").await;
    let next = page["next"].as_str().unwrap();
    let (_, page) = hub.owner("GET", &format!("/api/v1/ledger?sync=people&after={next}"), "").await;
    assert_eq!((&page["entries"][0], &page["next"]), (&all["entries"][1], &json!(null)));
    let (_, none) = hub.owner("GET", "/api/v1/ledger?unknown=true", "").await;
    assert_eq!(none, json!({ "entries": [], "next": null }));
    let (_, of_run) = hub.owner("GET", &format!("/api/v1/ledger?run={run}"), "").await;
    assert_eq!(of_run["entries"].as_array().unwrap().len(), 2);
    for (path, expected) in [
        (format!("/api/v1/ledger/{run}/99"), (404, "http/no-such-entry")),
        ("/api/v1/ledger?after=here".to_owned(), (400, "http/bad-parameter")),
        ("/api/v1/runs/1-nobody/undo".to_owned(), (404, "http/unknown-run")),
    ] {
        assert_eq!(code(&hub.owner("GET", &path, "").await), expected, "{path}");
    }
    let unknown = hub.owner("POST", "/api/v1/runs/1-nobody/undo", "{}").await;
    assert_eq!(code(&unknown), (404, "http/unknown-run"));
}

#[tokio::test]
async fn undoing_is_a_run_that_is_begun() {
    let hub = hub().await;
    let set = WriteSet { written: vec![f::written("people", 1, 1)], ..WriteSet::default() };
    hub.state.store().commit(set).await.unwrap();
    let run = f::run("people", 1).id;
    let mut watching = hub.state.engine().subscribe();
    hub.leave.add_permits(100);
    // The record is not there any more: nothing can be given back.
    let (status, shown) = hub.owner("GET", &format!("/api/v1/runs/{run}/undo"), "").await;
    assert_eq!((status, &shown["writes"]), (StatusCode::OK, &json!([])));
    assert_eq!(shown["skipped"][0]["why"], "gone");
    let (status, begun) = hub.owner("POST", &format!("/api/v1/runs/{run}/undo"), "{}").await;
    assert_eq!((status, &begun["undoes"]), (StatusCode::ACCEPTED, &json!(run)));
    while !matches!(watching.recv().await, Ok(hub_engine::Event::Ended(_))) {}
    let id = begun["run"].as_str().unwrap();
    let (_, ran) = hub.owner("GET", &format!("/api/v1/runs/{id}"), "").await;
    assert_eq!((&ran["undoes"], &ran["status"]), (&json!(run), &json!("succeeded")));
}
