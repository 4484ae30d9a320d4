//! People over HTTP: found, explained, told as they were, and what happened to them.

use axum::http::StatusCode;
use hub_model::SyncId;
use hub_store::conformance::fixtures;
use serde_json::{Value, json};

use super::hub::{code, hub};

#[tokio::test]
async fn a_double_click_makes_one_run_and_its_person_is_found() {
    let hub = hub().await;
    let mut watching = hub.state.engine().subscribe();
    let run = "/api/v1/syncs/people/run";
    assert_eq!(hub.owner("POST", run, "").await.0, StatusCode::ACCEPTED);
    assert_eq!(code(&hub.owner("POST", run, "{}").await), (409, "http/already-running"));
    let (_, syncs) = hub.owner("GET", "/api/v1/syncs", "").await;
    assert_eq!(syncs["syncs"][0]["status"], "running");
    hub.leave.add_permits(100);
    while !matches!(watching.recv().await, Ok(hub_engine::Event::Ended(_))) {}

    let (_, runs) = hub.owner("GET", "/api/v1/runs?sync=people&limit=5", "").await;
    assert_eq!(runs["runs"][0]["status"], "succeeded", "{runs}");
    let id = runs["runs"][0]["id"].as_str().unwrap();
    let (_, one) = hub.owner("GET", &format!("/api/v1/runs/{id}"), "").await;
    assert_eq!(one, runs["runs"][0]);
    let (_, found) = hub.owner("GET", "/api/v1/profiles?identity=email:%20ANA@x.fr", "").await;
    let profile = &found["profiles"][0];
    assert_eq!(profile["traits"]["email"], "Ana@X.fr");
    assert_eq!(profile["records"][0]["key"], "1");
    assert_eq!(profile["provenance"]["email"]["record"]["connection"], "crm");
    let (_, page) = hub.owner("GET", "/api/v1/profiles?limit=1", "").await;
    assert_eq!(page["profiles"][0]["id"], profile["id"]);
    assert!(page["profiles"][0].get("provenance").is_none());
    let (_, stats) = hub.owner("GET", "/api/v1/stats", "").await;
    assert_eq!(stats["stats"]["profiles"], 1);
}

#[tokio::test]
async fn a_trait_is_explained_and_people_are_decided_about() {
    let hub = hub().await;
    let mut watching = hub.state.engine().subscribe();
    hub.leave.add_permits(100);
    hub.state.engine().run_now(&SyncId::new("people")).unwrap();
    while !matches!(watching.recv().await, Ok(hub_engine::Event::Ended(_))) {}

    let (_, all) = hub.owner("GET", "/api/v1/explain?identity=email:ana@x.fr", "").await;
    let told = &all["profiles"][0]["traits"]["email"];
    let evidence = &told["evidence"][0];
    assert_eq!((&told["value"], &told["rule"]), (&json!("Ana@X.fr"), &json!("most-recent")));
    assert_eq!(
        (&evidence["standing"], &evidence["raw"], &evidence["pages"]),
        (&json!("won"), &json!("Ana@X.fr"), &json!([1, 1]))
    );
    assert_eq!(evidence["connector"], json!({ "id": "gate", "version": "1.0.0" }));
    let (_, runs) = hub.owner("GET", "/api/v1/runs?sync=people", "").await;
    assert_eq!(evidence["run"], runs["runs"][0]["id"]);
    let path = format!("/api/v1/records/{}", evidence["record"]);
    let (_, record) = hub.owner("GET", &path, "").await;
    assert_eq!((&record["raw"]["email"], &record["key"]), (&json!("Ana@X.fr"), &json!("1")));
    let path = "/api/v1/explain?identity=email:ana@x.fr&trait=city";
    let (_, nothing) = hub.owner("GET", path, "").await;
    assert_eq!(nothing["profiles"][0]["traits"], json!({}));

    let (_, reviews) = hub.owner("GET", "/api/v1/identity/reviews?all=true", "").await;
    assert_eq!(reviews, json!({ "reviews": [] }));
    for (path, body, expected) in [
        ("merge", r#"{"left":1,"right":1}"#, (409, "people/decided-already")),
        ("merge", r#"{"left":1,"right":2}"#, (404, "http/unknown-profile")),
        ("refuse", r#"{"left":2,"right":1,"apply":true}"#, (404, "http/unknown-profile")),
        ("unmerge", r#"{"profile":1,"records":[1]}"#, (422, "people/no-sides")),
        ("unmerge", r#"{"profile":1,"records":[9]}"#, (422, "people/no-sides")),
        ("unmerge", r#"{"profile":1,"joined":1}"#, (422, "people/no-sides")),
        ("unmerge", r#"{"profile":1,"joined":1,"records":[1]}"#, (400, "http/bad-body")),
    ] {
        let answer = hub.owner("POST", &format!("/api/v1/identity/{path}"), body).await;
        assert_eq!(code(&answer), expected, "{path} {body}");
    }
    let same = json!({ "rules": hub.state.rules() }).to_string();
    let (status, preview) = hub.owner("POST", "/api/v1/identity/preview", &same).await;
    assert_eq!((status, &preview["unchanged"]), (StatusCode::OK, &json!(1)));
}

#[tokio::test]
async fn a_profile_is_told_as_it_was_and_what_changed_it() {
    let hub = hub().await;
    let mut watching = hub.state.engine().subscribe();
    hub.leave.add_permits(100);
    hub.state.engine().run_now(&SyncId::new("people")).unwrap();
    while !matches!(watching.recv().await, Ok(hub_engine::Event::Ended(_))) {}

    let (_, runs) = hub.owner("GET", "/api/v1/runs?sync=people", "").await;
    let (_, whole) = hub.owner("GET", "/api/v1/history?identity=email:ana@x.fr", "").await;
    let number = &whole["profiles"][0]["numbers"][0];
    let step = &number["steps"][0];
    assert_eq!((&step["event"], &number["next"]), (&json!("changed"), &Value::Null), "{whole}");
    let email = step["traits"].as_array().unwrap().iter().find(|t| t["trait"] == "email").unwrap();
    assert_eq!((&email["before"], &email["after"]), (&Value::Null, &json!("Ana@X.fr")));
    assert_eq!((&email["rule"], &email["key"]), (&json!("most-recent"), &json!("1")));
    assert_eq!(email["run"], runs["runs"][0]["id"]);
    assert_eq!(step["identities_gained"], json!(["email:ana@x.fr"]));

    let (_, one) = hub.owner("GET", "/api/v1/profiles/1/history", "").await;
    assert_eq!(one, *number);
    let (_, other) = hub.owner("GET", "/api/v1/profiles/1/history?trait=city", "").await;
    assert_eq!(other["steps"], json!([]));
    let since = step["at"].as_str().unwrap();
    let path = format!("/api/v1/profiles?identity=email:ana@x.fr&as_of={since}");
    let (_, then) = hub.owner("GET", &path, "").await;
    assert_eq!(
        (&then["profiles"][0]["traits"]["email"], &then["profiles"][0]["since"]),
        (&json!("Ana@X.fr"), &step["at"])
    );
    let (status, then) = hub.owner("GET", &format!("/api/v1/profiles/1?as_of={since}"), "").await;
    assert_eq!((status, &then["traits"]["email"]), (StatusCode::OK, &json!("Ana@X.fr")));
    let path = "/api/v1/profiles?identity=email:ana@x.fr&as_of=2001-01-01T00:00:00Z";
    let (_, before) = hub.owner("GET", path, "").await;
    assert_eq!((&before["profiles"], &before["forgotten"]), (&json!([]), &json!([])));
    let (_, kept) = hub.owner("GET", "/api/v1/privacy/export?identity=email:ana@x.fr", "").await;
    assert_eq!(kept["people"][0]["history"], whole["profiles"][0]["numbers"]);

    let forget = hub_store::WriteSet {
        profiles: hub
            .state
            .store()
            .profiles(&[hub_model::ProfileId(1)])
            .await
            .unwrap()
            .into_iter()
            .flatten()
            .collect(),
        history_from: Some(hub_model::Timestamp(i64::MAX)),
        ..Default::default()
    };
    hub.state.store().commit(forget).await.unwrap();
    let answer = hub.owner("GET", "/api/v1/profiles/1?as_of=2001-01-01T00:00:00Z", "").await;
    assert_eq!(code(&answer), (410, "http/not-kept"));
    let (_, whole) = hub.owner("GET", "/api/v1/history?identity=email:ana@x.fr", "").await;
    let events = &whole["profiles"][0]["numbers"][0]["steps"];
    assert_eq!((&events[0]["event"], &events[1]["event"]), (&json!("was"), &json!("forgotten")));
}

#[tokio::test]
async fn events_are_paged_newest_first_and_go_with_the_export() {
    let hub = hub().await;
    let mut set = fixtures::person(1);
    set.events = (1..=5).map(|number| fixtures::event(number, &[1])).collect();
    hub.state.store().commit(set).await.unwrap();
    let keys = |answer: &Value| -> Vec<String> {
        let events = answer["events"].as_array().unwrap();
        events.iter().map(|event| event["key"].as_str().unwrap().to_owned()).collect()
    };
    let mut found = Vec::new();
    let mut before = String::new();
    loop {
        let path = format!("/api/v1/profiles/1/events?limit=2{before}");
        let (_, page) = hub.owner("GET", &path, "").await;
        found.push(keys(&page));
        let Some(next) = page["next"].as_str() else { break };
        before = format!("&before={next}");
    }
    assert_eq!(found, [vec!["e5", "e4"], vec!["e3", "e2"], vec!["e1"]]);
    let (_, clicks) = hub.owner("GET", "/api/v1/profiles/1/events?name=click", "").await;
    assert_eq!(keys(&clicks), ["e3"]);
    let click = &clicks["events"][0];
    assert_eq!(click["time"], "1970-01-01T00:00:03Z");
    assert_eq!(click["properties"], json!({ "url": "/page/3" }));
    for (path, wanted) in [
        ("/api/v1/profiles/9/events", (404, "http/unknown-profile")),
        ("/api/v1/profiles/1/events?before=yesterday", (400, "http/bad-parameter")),
        ("/api/v1/profiles/1/events?limit=0", (400, "http/bad-parameter")),
        ("/api/v1/profiles/1/events?nmae=click", (400, "http/bad-parameter")),
    ] {
        assert_eq!(code(&hub.owner("GET", path, "").await), wanted, "{path}");
    }
    let path = "/api/v1/privacy/export?identity=email:p1@example.org";
    let (_, export) = hub.owner("GET", path, "").await;
    assert_eq!(export["people"][0]["events"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn whom_nothing_may_be_sent_to_is_listed_by_hash_and_lifted_by_name() {
    let hub = hub().await;
    let path = "/api/v1/suppressions";
    let whom = |channel: &str| json!({ "identity": "email:Ana@X.fr", "channel": channel });
    let mut body = whom("*");
    body["reason"] = json!("a letter");
    let (status, entry) = hub.owner("POST", path, &body.to_string()).await;
    assert_eq!((status, &entry["holds"]), (StatusCode::OK, &json!(true)), "{entry}");
    body["channel"] = json!("post");
    let answer = hub.owner("POST", path, &body.to_string()).await;
    assert_eq!(code(&answer), (400, "http/bad-body"));
    let (_, listed) = hub.owner("GET", &format!("{path}?identity=email:ana@x.fr"), "").await;
    assert_eq!(listed["suppressions"], json!([entry]));
    assert!(!listed.to_string().contains("ana@x.fr"), "{listed}");
    let (_, others) = hub.owner("GET", &format!("{path}?identity=email:bob@x.fr"), "").await;
    assert_eq!(others["suppressions"], json!([]));
    let lift = format!("{path}/lift");
    let (_, lifted) = hub.owner("POST", &lift, &whom("*").to_string()).await;
    assert_eq!((&lifted["holds"], &lifted["of"]), (&json!(false), &entry["of"]));
    let answer = hub.owner("POST", &lift, &whom("*").to_string()).await;
    assert_eq!(code(&answer), (404, "http/not-suppressed"));
}
