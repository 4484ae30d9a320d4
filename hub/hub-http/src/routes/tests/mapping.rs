//! Mappings tried over HTTP.

use axum::http::StatusCode;
use hub_model::{Conversion, SyncId, Transform};
use serde_json::json;

use super::hub::{code, hub};

#[tokio::test]
async fn a_mapping_is_tried_on_stored_records() {
    let hub = hub().await;
    let mut watching = hub.state.engine().subscribe();
    hub.leave.add_permits(100);
    hub.state.engine().run_now(&SyncId::new("people")).unwrap();
    while !matches!(watching.recv().await, Ok(hub_engine::Event::Ended(_))) {}

    let tries = "/api/v1/mapping/preview";
    let (status, tried) = hub.owner("POST", tries, r#"{"sync":"people"}"#).await;
    let pair = &tried["records"][0]["pairs"][0];
    assert_eq!((status, &pair["says"]["value"]), (StatusCode::OK, &json!("Ana@X.fr")));
    assert_eq!((&pair["has"], &pair["writes"]), (&json!("Ana@X.fr"), &json!(null)));
    // Other rules than those in force, of one record.
    let mut other = hub.state.rules().clone();
    let strip = Transform::StripPrefix { text: "x-".to_owned() };
    other.mappings[0].fields[0].conversion =
        Some(Box::new(Conversion::reading(vec![strip.into()])));
    let asked = json!({ "sync": "people", "record": "1", "rules": other }).to_string();
    let (_, tried) = hub.owner("POST", tries, &asked).await;
    let fault = &tried["records"][0]["pairs"][0]["says"]["fault"];
    assert_eq!(
        (&fault["code"], &fault["args"]["rule"]),
        (&json!("row-invalid"), &json!("strip-prefix"))
    );
    let unknown = hub.owner("POST", tries, r#"{"sync":"nobody"}"#).await;
    assert_eq!(code(&unknown).0, 404);
}
