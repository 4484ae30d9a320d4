//! The client that Segment publishes, unmodified, sends to a running hub: what it
//! sends is somebody's events, once, also when the hub dies right after it said yes.

use std::{
    fs,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use xtask::{
    demo::hub::{self, Hub},
    paths, segment,
};

const LIMIT_SECONDS: u64 = 120;
const KEY: &str = "wk_8f2c1b7e5d";
const SYNC: &str = "connection = \"web\"\nschedule = \"manual\"\n";

#[test]
fn the_official_client_is_heard_once_and_by_its_key_alone() {
    let client = match segment::ready() {
        Ok(client) => client,
        Err(missing) => {
            return missing.skip("tracked::the_official_client_is_heard_once_and_by_its_key_alone");
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let port = super::free_port();
    write_world(folder.path(), port);
    let host = format!("http://127.0.0.1:{port}/inbox/web");
    let hub = Hub::start(&paths::binary(), folder.path()).unwrap();

    let said = client.send(&host, KEY, &calls(), false).unwrap();
    assert_eq!(said, [""; 0], "{}", hub.log_end());
    // Everything again, compressed: the ids are the same, so nothing is new.
    assert_eq!(client.send(&host, KEY, &calls(), true).unwrap(), [""; 0], "{}", hub.log_end());
    hub.kill().unwrap();

    let hub = Hub::start(&paths::binary(), folder.path()).unwrap();
    let refused = client.send(&host, "another-key", &calls(), false).unwrap();
    assert!(refused.iter().all(|said| said.contains("401")) && !refused.is_empty(), "{refused:?}");

    let expected = ["Order Completed", "group", "page_view", "screen_view"];
    let limit = Instant::now() + Duration::from_secs(LIMIT_SECONDS);
    let events = loop {
        let events = events(&hub);
        if events.len() >= expected.len() {
            break events;
        }
        assert!(Instant::now() < limit, "{events:#?}\n{}", hub.log_end());
        sleep(Duration::from_millis(300));
    };
    let mut names: Vec<&str> = events.iter().filter_map(|event| event["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, expected);
    let order = events.iter().find(|event| event["name"] == "Order Completed").unwrap();
    assert_eq!(order["properties"]["properties"]["total"].to_string(), "12.5", "{order}");

    // Who she is, and that the browser was hers before: identify and alias.
    let profile: Value = serde_json::from_str(
        &hub.command(&["profile", "get", "cookie:browser-zero", "--json"]).unwrap(),
    )
    .unwrap();
    assert!(profile.to_string().contains("ana@example.org"), "{profile}");
    assert!(
        !fs::read(folder.path().join("liaison.log"))
            .unwrap()
            .windows(KEY.len())
            .any(|w| w == KEY.as_bytes())
    );
    // Only who has the store to himself can look at every byte of it.
    hub.kill().unwrap();
    let verified = hub::command(&paths::binary(), folder.path(), &["store", "verify"]);
    verified.unwrap_or_else(|error| panic!("{error:#}"));
}

fn calls() -> Value {
    json!([
        { "method": "identify", "user_id": "u1", "anonymous_id": "browser-one", "message_id": "m-1",
          "traits": { "email": "ana@example.org", "plan": "pro" } },
        { "method": "track", "user_id": "u1", "anonymous_id": "browser-one", "message_id": "m-2",
          "event": "Order Completed", "properties": { "total": 12.50, "currency": "EUR" } },
        { "method": "page", "user_id": "u1", "name": "Home", "message_id": "m-3" },
        { "method": "screen", "user_id": "u1", "name": "Login", "message_id": "m-4" },
        { "method": "group", "user_id": "u1", "group_id": "g1", "message_id": "m-5" },
        { "method": "alias", "previous_id": "browser-zero", "user_id": "u1", "message_id": "m-6" },
    ])
}

/// Her events, as the command line shows them; none until somebody has one.
fn events(hub: &Hub) -> Vec<Value> {
    let Ok(shown) = hub.command(&["profile", "events", "customer:u1", "--json"]) else {
        return Vec::new();
    };
    let shown: Value = serde_json::from_str(&shown).unwrap();
    shown["profiles"][0]["events"].as_array().cloned().unwrap_or_default()
}

fn write_world(root: &Path, port: u16) {
    for name in ["syncs", "secrets"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    let secret = root.join("secrets/write-key");
    fs::write(&secret, KEY).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&secret, mode).unwrap();
    let config = format!(
        "version = 1\n[http]\nlisten = \"127.0.0.1:{port}\"\n[connectors]\ndir = {:?}\n\
         [namespaces.customer]\nnormaliser = \"code\"\n\
         [namespaces.cookie]\nnormaliser = \"cookie\"\n\
         [connections.web]\nconnector = \"events-in\"\n\
         [connections.web.credentials.write]\nkey = \"file:secrets/write-key\"\n",
        paths::components()
    );
    fs::write(root.join("liaison.toml"), config).unwrap();
    let visits = format!(
        "stream = \"events\"\nkind = \"event\"\n{SYNC}\
         [event]\nname = \"event\"\nidentifies = true\n\
         time = {{ field = \"timestamp\", format = \"rfc3339\" }}\n\
         [[fields]]\nfield = \"user_id\"\nidentity = \"customer\"\n\
         [[fields]]\nfield = \"anonymous_id\"\nidentity = \"cookie\"\n"
    );
    fs::write(root.join("syncs/visits.toml"), visits).unwrap();
    let visitors = format!(
        "stream = \"people\"\n{SYNC}\
         [[fields]]\nfield = \"user_id\"\ntrait = \"customer\"\nidentity = \"customer\"\n\
         [[fields]]\nfield = \"anonymous_id\"\ntrait = \"browser\"\nidentity = \"cookie\"\n\
         [[fields]]\nfield = \"previous_id\"\ntrait = \"earlier\"\nidentity = \"cookie\"\n\
         [[fields]]\nfield = \"email\"\ntrait = \"email\"\n"
    );
    fs::write(root.join("syncs/visitors.toml"), visitors).unwrap();
}
