//! A well-behaved component through the port.

use std::collections::BTreeMap;
use std::path::Path;

use hub_model::{FaultCode, Object, Value};
use plugin_api::{ItemChange, LookupKey, LookupRequest};
use plugin_conformance::destination::Sample;
use plugin_conformance::{Standing, Subject, connection, judge};
use plugin_gateway::{FolderGrant, FolderPlace, Grants};
use serde_json::json;

use crate::support::{after, call, connect, host, soon, start};

fn people(page: usize) -> serde_json::Value {
    json!({
        "page": page,
        "rows": [
            { "name": "Ana", "email": "ana@x.fr", "n": 9007199254740993_u64 },
            { "name": "Bea", "email": "bea@x.fr" },
            { "name": "Cleo", "email": null },
        ],
    })
}

fn granted(folder: &Path) -> Grants {
    let place = FolderPlace::Directory(folder.to_path_buf());
    let grant = FolderGrant { place, writable: true };
    Grants { folders: BTreeMap::from([("data".to_owned(), grant)]), ..Grants::default() }
}

#[tokio::test]
async fn pages_arrive_exactly() {
    let connector = connect(&host(), "guest-simple", people(2), Grants::default()).await;
    soon(connector.check(&call())).await.unwrap();
    let first = soon(connector.read(&call(), &start("people"))).await.unwrap();
    assert_eq!((first.items.len(), first.more, first.snapshot_complete), (2, true, false));
    let ItemChange::Upsert(row) = &first.items[0].as_ref().unwrap().change else { panic!() };
    assert_eq!(
        row.fields().unwrap()["n"],
        serde_json::from_str::<Value>("9007199254740993").unwrap()
    );
    let cursor = first.next.unwrap();
    let second = soon(connector.read(&call(), &after("people", &cursor.0))).await.unwrap();
    assert_eq!((second.items.len(), second.more, second.snapshot_complete), (1, false, true));
}

#[tokio::test]
async fn it_passes_the_suite() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = people(2);
    settings["folder"] = json!("data");
    for row in settings["rows"].as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("n");
    }
    let connector = connect(&host(), "guest-simple", settings, granted(folder.path())).await;
    let subject = Subject::new(&*connector, "people");
    let row = Object::from([("name".into(), "Dora".into()), ("email".into(), "dora@x.fr".into())]);
    let sample = Sample::new(row, ("name", "Dorothea".into()), "email");
    let judged = judge(&subject, Some(&sample)).await;
    assert!(judged.iter().all(|it| it.standing == Standing::Kept), "{judged:#?}");
    assert!(folder.path().join("people.json").is_file());
}

#[tokio::test]
async fn rows_are_found_by_fields() {
    let connector = connect(&host(), "guest-simple", people(2), Grants::default()).await;
    let by = |email: &str| LookupKey::Fields([("email".into(), email.into())].into());
    let keys = vec![by("bea@x.fr"), by("nobody@x.fr")];
    let request = LookupRequest { stream: "people".into(), keys, fields: Vec::new() };
    let found = soon(connector.lookup(&call(), &request)).await.unwrap();
    assert!(matches!(&found[0], plugin_api::Found::One(item) if item.key.as_str() == "000002"));
    assert_eq!(found[1], plugin_api::Found::None);
}

#[tokio::test]
async fn wrong_settings_and_missing_grants_are_typed() {
    let host = host();
    let wrong = connect(&host, "guest-simple", json!({ "pages": 2 }), Grants::default()).await;
    let subject = Subject::new(&*wrong, "people");
    assert_eq!(connection::wrong_settings_are_a_config_fault(&subject).await, Ok(()));

    let ungranted = json!({ "folder": "data" });
    let connector = connect(&host, "guest-simple", ungranted, Grants::default()).await;
    let fault = soon(connector.read(&call(), &start("people"))).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HostDenied);

    let connector = connect(&host, "guest-simple", json!({}), Grants::default()).await;
    let fault = soon(connector.poll_job(&call(), "job")).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::NotSupported);
    let fault = soon(connector.read(&call(), &start("orders"))).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::NotFound);
    let fault = soon(connector.read(&call(), &after("people", b"old form"))).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::CursorExpired);
}
