//! What people were: told by the engine with the run behind each change, forgotten
//! when the clock or a retention says so, and gone from the files then.

use std::sync::Arc;

use hub_engine::Engine;
use hub_engine::people::decide::{self, Ask};
use hub_engine::people::history::{Event, as_of, numbers, steps};
use hub_model::{
    ConnectionId, Direction, Identity, Mapping, Namespace, Normaliser, Party, Period, Profile,
    ProfileId, Rules, Source, StreamRef, SyncId, Timestamp, Value, WorkspaceId,
};
use hub_store::upkeep::Upkeep;
use hub_store::{AsOf, Store};
use hub_store_sled::SledStore;
use simulation::stage::{Stage, pair, run};

use super::block_on;
use super::erasure::{MARK, exported, holds, traces};

fn rules() -> Rules {
    use Direction::ToProfile;
    let mapping = |id: &str, fields| Mapping {
        fields,
        deletes_percent_max: 100,
        ..Mapping::new(SyncId::new(id), StreamRef::new("default", id, "people"))
    };
    let shop = vec![
        pair("email", ToProfile, Some("email")),
        pair("name", ToProfile, None),
        pair("cookie", ToProfile, Some("visitor")),
    ];
    let panel = vec![pair("cookie", ToProfile, Some("visitor")), pair("age", ToProfile, None)];
    let namespaces = vec![
        Namespace::new("email", Normaliser::Email),
        Namespace { anonymous: true, ..Namespace::new("visitor", Normaliser::Cookie) },
    ];
    let mappings = vec![mapping("shop", shop), mapping("panel", panel)];
    let mut rules = Rules::new("default".into(), namespaces, mappings);
    rules.sources = vec![Source {
        connection: ConnectionId::new("panel"),
        party: Party::Third,
        keep: None,
        keep_anonymous: Party::Third.keep_anonymous(),
    }];
    rules
}

fn start() -> Timestamp {
    Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()
}

fn day(days: u32) -> Timestamp {
    if days == 0 { start() } else { Period::Days(days).after(start()) }
}

/// Well after what happened on a day: the clock goes on while it happens.
fn evening(days: u32) -> Timestamp {
    day(days).plus_seconds(12 * 3600)
}

async fn of(engine: &Engine, email: &str) -> Vec<Profile> {
    engine.workspace().profiles_of(&Identity::new("email", email)).await.unwrap()
}

/// Names of those who had an address on a day.
async fn named(engine: &Engine, email: &str, days: u32) -> Vec<String> {
    let today = of(engine, email).await;
    let identity = Identity::new("email", email);
    let then = as_of(engine.store(), &today, Some(&identity), evening(days)).await.unwrap();
    assert_eq!(then.forgotten, []);
    let name = |profile: &Profile| profile.traits["name"].value.as_text().unwrap().to_owned();
    then.profiles.iter().map(|(_, profile)| name(profile)).collect()
}

#[test]
fn who_changed_what_when_is_told_through_merges_and_back() {
    block_on(async {
        let stage = Stage::new(rules(), start());
        let shop = |key: &str, email: &str, name: &str| {
            stage.table("shop").put(key, &[("email", email), ("name", name)]);
        };
        shop("1", "ana@x.fr", "Ana");
        shop("2", "eva@x.fr", "Eva");
        let engine = stage.open().await;
        let first = run(&engine, "shop").await;
        stage.clock.set(day(10));
        shop("1", "ana@x.fr", "Anna");
        let second = run(&engine, "shop").await;
        run(&engine, "shop").await;
        stage.clock.set(day(20));
        let (one, two) = (ProfileId(1), ProfileId(2));
        decide::apply(engine.workspace(), &Ask::Merge(one, two), "admin").await.unwrap();

        // While they are one, each is told as it was by itself.
        let (ana, eva) = (vec!["Anna".to_owned()], vec!["Eva".to_owned()]);
        assert_eq!(named(&engine, "ana@x.fr", 5).await, ["Ana"]);
        assert_eq!(named(&engine, "ana@x.fr", 15).await, ana);
        assert_eq!(named(&engine, "eva@x.fr", 15).await, eva);
        assert_eq!(named(&engine, "eva@x.fr", 25).await, ana, "the newest name of both");
        let joined = of(&engine, "eva@x.fr").await.remove(0);
        assert_eq!(numbers(engine.store(), &joined).await.unwrap(), [one, two]);

        stage.clock.set(day(30));
        decide::apply(engine.workspace(), &Ask::Undo(one, two), "admin").await.unwrap();
        assert_eq!(named(&engine, "eva@x.fr", 15).await, eva);
        assert_eq!(named(&engine, "eva@x.fr", 25).await, ana);
        assert_eq!(named(&engine, "eva@x.fr", 30).await, eva);
        assert_eq!(named(&engine, "ana@x.fr", 30).await, ana);

        // Step by step, newest first.
        let rules = &engine.workspace().rules;
        let name = "name".into();
        let told = steps(engine.store(), rules, one, Some(&name), (None, 9)).await.unwrap();
        let told: Vec<_> = told
            .steps
            .iter()
            .map(|step| {
                let change = &step.event.changes().unwrap().traits[0];
                let text = |side: &Option<hub_model::Trait>| {
                    side.as_ref().and_then(|value| value.value.as_text().map(str::to_owned))
                };
                let origin = step.origins[0].as_ref().unwrap();
                let key = origin.at.as_ref().unwrap().key.as_str().to_owned();
                let run = origin.arrival.run.clone().unwrap();
                (
                    step.since.at.unwrap().seconds(),
                    text(&change.before),
                    text(&change.after),
                    key,
                    run,
                )
            })
            .collect();
        let some = |text: &str| Some(text.to_owned());
        let wanted = [
            (day(10).seconds(), some("Ana"), some("Anna"), "1".to_owned(), second.id),
            (day(0).seconds(), None, some("Ana"), "1".to_owned(), first.id),
        ];
        assert_eq!(told, wanted);
        let told = steps(engine.store(), rules, two, None, (None, 9)).await.unwrap();
        let events: Vec<_> = told.steps.iter().map(|step| &step.event).collect();
        assert!(
            matches!(events[..], [Event::Became(back), Event::AbsorbedBy(by), Event::Became(_)]
            if *by == one && back.is_empty()),
            "{events:?}"
        );
        let page = steps(engine.store(), rules, two, None, (None, 2)).await.unwrap();
        assert_eq!(
            (page.steps.as_slice(), page.next),
            (&told.steps[..2], Some(told.steps[1].since.seq))
        );
        let rest = steps(engine.store(), rules, two, None, (page.next, 2)).await.unwrap();
        assert_eq!((rest.steps.as_slice(), rest.next), (&told.steps[2..], None));
    });
}

/// What was replaced too long ago is told no more, and is in no file once they
/// were compacted; what counts now stays, however old.
#[test]
fn the_clock_takes_old_versions_away() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("store");
        let store = Arc::new(SledStore::open(&dir, &WorkspaceId::new("default")).unwrap());
        let mut rules = rules();
        rules.history.keep = Period::Days(100);
        let stage = Stage::over(Arc::clone(&store), rules, start());
        for n in 0..5 {
            let email = format!("p{n}@x.fr");
            stage.table("shop").put(&n.to_string(), &[("email", &email), ("name", MARK)]);
        }
        let engine = stage.open().await;
        run(&engine, "shop").await;
        stage.clock.set(day(50));
        for n in 0..4 {
            let email = format!("p{n}@x.fr");
            stage.table("shop").put(&n.to_string(), &[("email", &email), ("name", "Ana")]);
        }
        stage.table("shop").put("4", &[("email", "p4@x.fr"), ("name", "Eva")]);
        run(&engine, "shop").await;
        let asked = |days| {
            let store = Arc::clone(&store);
            async move { store.profile_as_of(ProfileId(1), evening(days)).await.unwrap() }
        };
        let compact = async || {
            store.compact(Box::new(|_| Ok(()))).await.unwrap();
            assert_eq!(store.verify().await, Ok(vec![]));
        };
        stage.clock.set(day(149));
        engine.tend().await.unwrap();
        compact().await;
        assert!(matches!(asked(49).await, AsOf::Profile { .. }));
        assert!(holds(&exported(&*store).await));

        stage.clock.set(day(151));
        engine.tend().await.unwrap();
        assert_eq!(asked(49).await, AsOf::Forgotten);
        assert!(matches!(asked(50).await, AsOf::Profile { .. }));
        assert!(!holds(&exported(&*store).await));
        assert!(traces(&dir).is_empty() || traces(&dir).iter().all(|t| t.ends_with("packed")));
        compact().await;
        // The record's own older rows went with the compaction as well.
        assert_eq!(traces(&dir), Vec::<String>::new());
        assert_eq!(asked(49).await, AsOf::Forgotten);
        stage.clock.set(day(1_000));
        engine.tend().await.unwrap();
        let AsOf::Profile { profile, .. } = asked(900).await else { panic!("it is as it was") };
        assert_eq!(profile.traits["name"].value, Value::text("Ana"));
    });
}

/// What a third party brought goes from history with its time, also where it was
/// taken for a part of somebody.
#[test]
fn what_may_not_be_kept_is_in_no_older_version() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("store");
        let store = Arc::new(SledStore::open(&dir, &WorkspaceId::new("default")).unwrap());
        let stage = Stage::over(Arc::clone(&store), rules(), start());
        stage.table("shop").put("1", &[("email", "ana@x.fr"), ("name", "Ana")]);
        let cookie = format!("{MARK}9");
        stage.table("panel").put("p1", &[("cookie", &cookie), ("age", "40")]);
        let engine = stage.open().await;
        run(&engine, "shop").await;
        run(&engine, "panel").await;
        stage.clock.set(day(5));
        stage.table("panel").put("p1", &[("cookie", &cookie), ("age", "41")]);
        run(&engine, "panel").await;
        // Somebody thought that it was Ana.
        let workspace = engine.workspace();
        let (ana, stranger) = (ProfileId(1), ProfileId(2));
        decide::apply(workspace, &Ask::Merge(ana, stranger), "admin").await.unwrap();
        stage.clock.set(day(6));
        decide::apply(workspace, &Ask::Undo(ana, stranger), "admin").await.unwrap();
        let told = async |id| {
            let versions = store.history(id, None, 99).await.unwrap().versions;
            (versions.len(), holds(&serde_json::to_vec(&versions).unwrap()))
        };
        assert_eq!(told(ana).await, (3, true));
        assert_eq!(told(stranger).await, (4, true));

        stage.clock.set(day(200));
        assert_eq!(engine.tend().await.unwrap().emptied, 1);
        assert!(!told(ana).await.1 && !told(stranger).await.1);
        assert_eq!(store.profile_as_of(ana, evening(5)).await, Ok(AsOf::Forgotten));
        let first = store.profile_as_of(ana, evening(4)).await.unwrap();
        assert!(matches!(first, AsOf::Profile { .. }), "what is hers alone stays: {first:?}");
        assert!(!holds(&exported(&*store).await));
        store.compact(Box::new(|_| Ok(()))).await.unwrap();
        assert_eq!(store.verify().await, Ok(vec![]));
        let first_again = store.profile_as_of(ana, evening(4)).await.unwrap();
        assert_eq!(first_again, first);
        drop(engine);
        assert_eq!(traces(&dir), Vec::<String>::new());
    });
}
