//! A clock that is moved: consents expire, what third parties brought goes, and
//! the destinations are told.

use hub_model::{
    ConnectionId, ConsentKey, ConsentMapping, ConsentState, CreatePolicy, Direction, FieldMapping,
    FieldName, Identity, Mapping, Namespace, Normaliser, Party, PendingState, Period, ProfileId,
    Purpose, Rules, Source, StreamRef, SyncId, Timestamp, Value,
};
use plugin_api::Action;
use simulation::stage::{Stage, pair, run};

use super::block_on;

fn mapping(id: &str, fields: Vec<FieldMapping>) -> Mapping {
    let stream = StreamRef::new("default", id, "people");
    Mapping { fields, deletes_percent_max: 100, ..Mapping::new(SyncId::new(id), stream) }
}

/// A shop that asks for consent, a panel that is bought, and a sender of
/// newsletters that may have nobody without consent.
fn rules() -> Rules {
    use Direction::{ToProfile, ToSystem};
    let mut shop = mapping(
        "shop",
        vec![
            pair("email", ToProfile, Some("email")),
            pair("name", ToProfile, None),
            pair("cookie", ToProfile, Some("visitor")),
            pair("optin", ToProfile, None),
        ],
    );
    shop.consents = vec![ConsentMapping {
        field: FieldName::from("optin"),
        key: ConsentKey::new("newsletter", "email"),
        granted: vec![Value::text("yes")],
        denied: vec![Value::text("no")],
        withdrawn: Vec::new(),
        otherwise: ConsentState::Unknown,
        time: None,
        text_version: None,
        proof: None,
    }];
    let panel = mapping(
        "panel",
        vec![pair("cookie", ToProfile, Some("visitor")), pair("age", ToProfile, None)],
    );
    let mut sender =
        mapping("sender", vec![pair("email", ToSystem, None), pair("name", ToSystem, None)]);
    sender.matching = vec![FieldName::from("email")];
    sender.requires = vec![ConsentKey::new("newsletter", "email")];
    let mut ads = mapping("ads", vec![pair("cookie", ToSystem, None), pair("age", ToSystem, None)]);
    ads.matching = vec![FieldName::from("cookie")];
    ads.create = CreatePolicy::Upsert;
    let namespaces = vec![
        Namespace::new("email", Normaliser::Email),
        Namespace { anonymous: true, ..Namespace::new("visitor", Normaliser::Cookie) },
    ];
    let mut rules = Rules::new("default".into(), namespaces, vec![shop, panel, sender, ads]);
    rules.purposes = vec![Purpose {
        name: "newsletter".into(),
        channels: vec!["email".into()],
        expires: Some(Period::Months(13)),
    }];
    rules.sources = vec![Source {
        connection: ConnectionId::new("panel"),
        party: Party::Third,
        keep: None,
        keep_anonymous: Party::Third.keep_anonymous(),
    }];
    rules
}

async fn all(stage: &Stage, engine: &hub_engine::Engine) {
    for sync in ["shop", "panel", "sender", "ads"] {
        run(engine, sync).await;
    }
    assert_eq!(stage.store.verify().await, Ok(vec![]));
}

fn actions(stage: &Stage, connection: &str) -> Vec<Action> {
    stage.table(connection).writes.iter().map(|item| item.action).collect()
}

#[test]
fn after_fourteen_months_what_may_not_be_kept_is_gone_here_and_there() {
    block_on(async {
        let start = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let stage = Stage::new(rules(), start);
        {
            let mut shop = stage.table("shop");
            let ana = ("email", "ana@x.fr");
            shop.put("1", &[ana, ("name", "Ana"), ("cookie", "anacookie1"), ("optin", "yes")]);
            shop.put("2", &[("email", "bob@x.fr"), ("name", "Bob"), ("optin", "no")]);
        }
        {
            let mut panel = stage.table("panel");
            panel.put("p1", &[("cookie", "strangerx9"), ("age", "40")]);
            panel.put("p2", &[("cookie", "anacookie1"), ("age", "41")]);
        }
        let engine = stage.open().await;
        all(&stage, &engine).await;
        all(&stage, &engine).await;
        // Ana consented, Bob did not; the panel knows a stranger, and Ana.
        assert_eq!(actions(&stage, "sender"), [Action::Create]);
        assert_eq!(actions(&stage, "ads"), [Action::Create, Action::Create]);
        assert_eq!(stage.store.stats().await.unwrap().profiles, 3);
        let stranger = Identity::new("visitor", "strangerx9");

        // A day less than ninety: nothing.
        stage.clock.set(Period::Days(89).after(start));
        assert_eq!(engine.tend().await.unwrap(), Default::default());

        // Fourteen months later, and a restart in between.
        drop(engine);
        stage.clock.set(Period::Months(14).after(start));
        let engine = stage.open().await;
        let tended = engine.tend().await.unwrap();
        assert_eq!((tended.emptied, tended.expired), (1, 1), "{tended:?}");
        assert_eq!(tended.queued, 2, "one row at the sender, one at the ads");
        // The stranger is gone: nobody has his cookie, no row says his age.
        let claims = stage.store.claims(std::slice::from_ref(&stranger)).await.unwrap();
        assert_eq!(claims[0], Default::default());
        let panel = StreamRef::new("default", "panel", "people");
        let rows = stage.store.scan_records(&panel, None, 9).await.unwrap();
        assert_eq!(rows.iter().filter(|row| row.raw.is_empty()).count(), 1);
        assert!(!serde_json::to_string(&rows).unwrap().contains("strangerx9"));
        // Ana is known by name, so what the panel says of her stays.
        let ana = stage.store.claims(&[Identity::new("email", "ana@x.fr")]).await.unwrap();
        let ana = stage.store.profiles(&ana[0].profiles).await.unwrap()[0].clone().unwrap();
        assert_eq!(ana.traits["age"].value, Value::text("41"));
        // The removals wait, durably, for the next run of each destination.
        for sync in ["sender", "ads"] {
            let now = Timestamp(i64::MAX - 1);
            let waiting = stage.store.pending(&SyncId::new(sync), now, 9).await.unwrap();
            let states: Vec<_> = waiting.iter().map(|pending| pending.state).collect();
            assert_eq!(states, [PendingState::Retry], "{sync}");
        }
        assert_eq!(engine.tend().await.unwrap(), Default::default(), "all was done");

        // The panel still shows the row: it is not taken again.
        let ran = run(&engine, "panel").await;
        assert_eq!((ran.counts.new, ran.counts.changed), (0, 0));
        all(&stage, &engine).await;
        assert_eq!(actions(&stage, "sender"), [Action::Create, Action::Delete]);
        let last = actions(&stage, "ads");
        assert_eq!(last, [Action::Create, Action::Create, Action::Delete]);
        assert!(stage.table("sender").rows.is_empty());
        let left: Vec<_> = stage.table("ads").rows.values().cloned().collect();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0]["cookie"], Value::text("anacookie1"));

        // Nothing is left to keep: not even that there was a record.
        stage.clock.set(Period::Months(15).after(start));
        assert_eq!(engine.tend().await.unwrap().erased, 2);
        let rows = stage.store.scan_records(&panel, None, 9).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(stage.store.verify().await, Ok(vec![]));
        let ran = run(&engine, "panel").await;
        assert_eq!((ran.counts.new, ran.counts.refused), (0, 1));
        // It changed: that is news, and counts from now.
        stage.table("panel").put("p1", &[("cookie", "strangerx9"), ("age", "43")]);
        assert_eq!(run(&engine, "panel").await.counts.new, 1);
        let claims = stage.store.claims(&[stranger]).await.unwrap();
        assert_eq!(claims[0].profiles.len(), 1);
        // And everything is quiet.
        all(&stage, &engine).await;
        let before = (stage.table("sender").writes.len(), stage.table("ads").writes.len());
        all(&stage, &engine).await;
        assert_eq!((stage.table("sender").writes.len(), stage.table("ads").writes.len()), before);
    });
}

/// Two people were one because of what a third party said.
#[test]
fn who_was_joined_by_what_goes_is_parted() {
    block_on(async {
        let start = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let mut rules = rules();
        let codes = Namespace::new("code", Normaliser::Code);
        rules.namespaces.push(codes);
        for mapping in &mut rules.mappings[..2] {
            mapping.fields.push(pair("code", Direction::ToProfile, Some("code")));
            mapping.fields.push(pair("other", Direction::ToProfile, Some("code")));
        }
        rules.sources[0].keep = Some(Period::Days(30));
        let stage = Stage::new(rules, start);
        stage.table("shop").put("1", &[("email", "ana@x.fr"), ("code", "c-one")]);
        stage.table("shop").put("2", &[("email", "eva@x.fr"), ("code", "c-two")]);
        stage.table("panel").put("p", &[("code", "c-one"), ("other", "c-two")]);
        let engine = stage.open().await;
        run(&engine, "shop").await;
        run(&engine, "panel").await;
        assert_eq!(stage.store.scan_profiles(None, 9).await.unwrap().len(), 1);
        stage.clock.set(Period::Days(31).after(start));
        assert_eq!(engine.tend().await.unwrap().emptied, 1);
        let people = stage.store.scan_profiles(None, 9).await.unwrap();
        let ids: Vec<ProfileId> = people.iter().map(|profile| profile.id).collect();
        assert_eq!(ids, [ProfileId(1), ProfileId(2)], "{people:?}");
        assert_eq!(stage.store.verify().await, Ok(vec![]));
    });
}
