//! Events through the engine: kept once, attached by whom they name, joined and
//! parted with people, gone when their time is over.
//!
//! `LIAISON_CASES` says how many random sites; 60 in the ordinary tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hub_engine::people::decide::{self, Ask};
use hub_engine::{Engine, events};
use hub_model::{
    ConnectionId, Direction, EventMapping, Identity, Mapping, Namespace, Normaliser, Party, Period,
    Profile, RecordNo, RecordRef, RemoteKey, Rules, Source, StreamRef, SyncId, TimeField,
    TimeFormat, Timestamp,
};
use hub_store::{MemoryStore, Store};
use simulation::crash::{Fuse, MortalStore};
use simulation::dice::Dice;
use simulation::stage::{Stage, pair, run};

use super::block_on;

const SITES: u64 = 60;

/// A customer system, and a site whose events name browsers and, at a login, an
/// e-mail address.
fn rules() -> Rules {
    use Direction::ToProfile;
    let stream = |id: &str| StreamRef::new("default", id, "rows");
    let mut crm = Mapping::new(SyncId::new("crm"), stream("crm"));
    crm.deletes_percent_max = 100;
    crm.fields = vec![pair("email", ToProfile, Some("email")), pair("name", ToProfile, None)];
    let mut site = Mapping::new(SyncId::new("site"), stream("site"));
    site.fields =
        vec![pair("visitor", ToProfile, Some("visitor")), pair("email", ToProfile, Some("email"))];
    site.event = Some(EventMapping {
        name: Some("type".into()),
        time: Some(TimeField { field: "at".into(), format: TimeFormat::Rfc3339 }),
        identifies: true,
        keep: None,
        suppress: Vec::new(),
    });
    let namespaces = vec![
        Namespace::new("email", Normaliser::Email),
        Namespace::new("visitor", Normaliser::Cookie),
    ];
    Rules::new("default".into(), namespaces, vec![crm, site])
}

fn start() -> Timestamp {
    Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()
}

fn stage() -> Stage {
    Stage::new(rules(), Period::Days(1).after(start()))
}

/// Something happens on the site, that many minutes after the start.
fn happens(stage: &Stage, minute: i64, visitor: &str, email: &str) {
    let name = if email.is_empty() { "page_view" } else { "login" };
    let at = start().plus_seconds(minute * 60).to_string();
    let row = [("type", name), ("at", &*at), ("visitor", visitor), ("email", email)];
    stage.table("site").put(&format!("e{minute}"), &row);
}

async fn person(engine: &Engine, email: &str) -> Option<Profile> {
    let identity = Identity::new("email", email);
    engine.workspace().profiles_of(&identity).await.unwrap().into_iter().next()
}

/// The keys of somebody's events, newest first.
async fn history(engine: &Engine, email: &str) -> Vec<String> {
    let Some(profile) = person(engine, email).await else { return Vec::new() };
    of(engine, &profile, None).await
}

async fn of(engine: &Engine, profile: &Profile, name: Option<&str>) -> Vec<String> {
    let rules = &engine.workspace().rules;
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let page = events::of_profile(engine.store(), rules, profile, name, (before, 2)).await;
        let page = page.unwrap();
        found.extend(page.events.iter().map(|event| event.at.key.to_string()));
        before = page.next;
        if before.is_none() {
            return found;
        }
    }
}

#[test]
fn what_was_anonymous_is_somebodys_once_he_is_known() {
    block_on(async {
        let stage = stage();
        let engine = stage.open().await;
        happens(&stage, 1, "browser-a", "");
        happens(&stage, 2, "browser-a", "");
        happens(&stage, 3, "browser-z", "");
        let first = run(&engine, "site").await;
        assert_eq!((first.counts.read, first.counts.new), (3, 3));
        let stats = stage.store.stats().await.unwrap();
        assert_eq!((stats.events, stats.profiles, stats.claims), (3, 0, 0));
        stage.table("crm").put("1", &[("email", "ana@x.fr"), ("name", "Ana")]);
        run(&engine, "crm").await;
        assert_eq!(history(&engine, "ana@x.fr").await, [""; 0]);
        // She logs in: that one event ties her to everything before and after.
        happens(&stage, 4, "browser-a", "Ana@x.fr");
        happens(&stage, 5, "browser-a", "");
        assert_eq!(run(&engine, "site").await.counts.new, 2);
        assert_eq!(history(&engine, "ana@x.fr").await, ["e5", "e4", "e2", "e1"]);
        let ana = person(&engine, "ana@x.fr").await.unwrap();
        assert_eq!(of(&engine, &ana, Some("page_view")).await, ["e5", "e2", "e1"]);
        assert_eq!(of(&engine, &ana, Some("purchase")).await, [""; 0]);
        assert_eq!(ana.records.len(), 2, "hers, and what ties her to her browser");
        // Again and again: nothing is new, and she is one.
        let before = stage.store.stats().await.unwrap();
        happens(&stage, 6, "browser-a", "ana@x.fr");
        assert_eq!(run(&engine, "site").await.counts.new, 1);
        assert_eq!(run(&engine, "site").await.counts.new, 0);
        let after = stage.store.stats().await.unwrap();
        assert_eq!((after.events, after.records), (before.events + 1, before.records));
        assert_eq!(stage.store.verify().await, Ok(vec![]));
    });
}

#[test]
fn a_merge_brings_histories_together_and_an_unmerge_parts_them() {
    block_on(async {
        let stage = stage();
        let engine = stage.open().await;
        for (key, email, visitor, minute) in
            [("1", "ana@x.fr", "browser-a", 10), ("2", "eva@x.fr", "browser-e", 20)]
        {
            stage.table("crm").put(key, &[("email", email), ("name", key)]);
            happens(&stage, minute, visitor, "");
            happens(&stage, minute + 1, visitor, email);
        }
        run(&engine, "crm").await;
        run(&engine, "site").await;
        let (ana, eva) = (person(&engine, "ana@x.fr").await, person(&engine, "eva@x.fr").await);
        let (ana, eva) = (ana.unwrap(), eva.unwrap());
        assert_ne!(ana.id, eva.id);
        let rows = stage.store.scan_events(None, 99).await.unwrap();
        decide::apply(engine.workspace(), &Ask::Merge(ana.id, eva.id), "x").await.unwrap();
        for email in ["ana@x.fr", "eva@x.fr"] {
            assert_eq!(history(&engine, email).await, ["e21", "e20", "e11", "e10"]);
        }
        let one = person(&engine, "ana@x.fr").await.unwrap();
        let leaving: BTreeSet<RecordNo> = eva.records.iter().copied().collect();
        let ask = Ask::Separate(one.id, leaving);
        decide::apply(engine.workspace(), &ask, "x").await.unwrap();
        // Reading all of it again does not bring them together.
        for _ in 0..2 {
            assert_eq!(history(&engine, "ana@x.fr").await, ["e11", "e10"]);
            assert_eq!(history(&engine, "eva@x.fr").await, ["e21", "e20"]);
            run(&engine, "crm").await;
            run(&engine, "site").await;
        }
        assert_eq!(stage.store.scan_events(None, 99).await.unwrap(), rows, "an event moved");
        assert_eq!(stage.store.verify().await, Ok(vec![]));
    });
}

#[test]
fn a_row_that_is_no_event_waits_in_quarantine_and_one_that_was_deleted_goes() {
    block_on(async {
        let stage = stage();
        let engine = stage.open().await;
        happens(&stage, 1, "browser-a", "");
        happens(&stage, 2, "x", "nobody");
        happens(&stage, 3 * 24 * 60, "browser-a", "");
        let ran = run(&engine, "site").await;
        assert_eq!((ran.counts.new, ran.counts.quarantined), (1, 2));
        let mut waiting = stage.store.quarantined(0, 9).await.unwrap();
        waiting.sort_by(|one, other| one.key.cmp(&other.key));
        let rules: Vec<&str> = waiting.iter().map(|row| &*row.fault.args["rule"]).collect();
        assert_eq!(rules, ["identity", "time"]);
        // The clock of the site was right after all.
        stage.clock.set(Period::Days(5).after(start()));
        assert_eq!(run(&engine, "site").await.counts.new, 1);
        assert_eq!(stage.store.stats().await.unwrap().quarantined, 1);
        // That a row is not shown any more means nothing; that it was deleted does.
        stage.table("site").rows.clear();
        assert_eq!(run(&engine, "site").await.counts.deleted, 0);
        assert_eq!(stage.store.stats().await.unwrap().events, 2);
        stage.table("site").deleted = vec!["e1".into(), "e2".into(), "e77".into()];
        assert_eq!(run(&engine, "site").await.counts.deleted, 1);
        assert_eq!(run(&engine, "site").await.counts.deleted, 0);
        let stats = stage.store.stats().await.unwrap();
        assert_eq!((stats.events, stats.quarantined), (1, 0));
        assert_eq!(stage.store.verify().await, Ok(vec![]));
    });
}

#[test]
fn events_go_when_their_time_is_over_and_are_not_taken_again() {
    block_on(async {
        let mut rules = rules();
        rules.mappings[1].event.as_mut().unwrap().keep = Some(Period::Months(25));
        rules.sources = vec![Source {
            connection: ConnectionId::new("site"),
            party: Party::Third,
            keep: None,
            keep_anonymous: Party::Third.keep_anonymous(),
        }];
        let stage = Stage::new(rules, Period::Days(1).after(start()));
        let engine = stage.open().await;
        happens(&stage, 1, "browser-a", "");
        happens(&stage, 2, "browser-z", "");
        run(&engine, "site").await;
        happens(&stage, 3, "browser-a", "ana@x.fr");
        run(&engine, "site").await;
        stage.clock.set(Period::Days(89).after(start()));
        assert_eq!(engine.tend().await.unwrap().events, 0);
        // Nobody knows who the other is; Ana is known by name.
        stage.clock.set(Period::Days(91).after(start()));
        assert_eq!(engine.tend().await.unwrap().events, 1);
        assert_eq!(history(&engine, "ana@x.fr").await, ["e3", "e1"]);
        let ran = run(&engine, "site").await;
        assert_eq!((ran.counts.new, ran.counts.refused), (0, 1));
        stage.clock.set(Period::Months(25).after(start()));
        assert_eq!(engine.tend().await.unwrap().events, 0);
        stage.clock.set(Period::Days(2).after(Period::Months(25).after(start())));
        // A restart in between.
        drop(engine);
        let engine = stage.open().await;
        assert_eq!(engine.tend().await.unwrap().events, 2);
        let ran = run(&engine, "site").await;
        assert_eq!((ran.counts.new, ran.counts.refused), (0, 3));
        assert_eq!(stage.store.stats().await.unwrap().events, 0);
        assert_eq!(stage.store.verify().await, Ok(vec![]));
    });
}

/// What a random site tells: who came when, and who logged in.
fn visits(dice: &mut Dice) -> Vec<(i64, String, String)> {
    let mut minutes: BTreeSet<i64> = BTreeSet::new();
    while minutes.len() < 4 + dice.below(12) {
        minutes.insert(i64::try_from(dice.below(1_000)).unwrap());
    }
    let visit = |minute| {
        let visitor = dice.below(4);
        let email = if dice.percent(30) { format!("p{visitor}@x.fr") } else { String::new() };
        (minute, format!("browser-{visitor}"), email)
    };
    minutes.into_iter().map(visit).collect()
}

/// Everybody's events, by e-mail address.
async fn histories(stage: &Stage, engine: &Engine) -> BTreeMap<String, Vec<String>> {
    assert_eq!(stage.store.verify().await, Ok(vec![]));
    let mut all = BTreeMap::new();
    for person in 0..4 {
        let email = format!("p{person}@x.fr");
        let keys = history(engine, &email).await;
        all.insert(email, keys);
    }
    all
}

/// The order in which rows come, the size of pages and a crash at any effect do
/// not show; a page that is read twice is read once.
#[test]
fn order_pages_and_crashes_do_not_show() {
    let cases = std::env::var("LIAISON_CASES").ok().and_then(|text| text.parse().ok());
    block_on(async {
        let (mut deaths, mut joined) = (0, 0);
        for seed in 0..cases.unwrap_or(SITES) {
            let mut dice = Dice::new(seed);
            let told = visits(&mut dice);
            let people = 1 + dice.below(4);
            let crm = |stage: &Stage| {
                for person in 0..people {
                    let email = format!("p{person}@x.fr");
                    let row = [("email", &*email), ("name", "x")];
                    stage.table("crm").put(&person.to_string(), &row);
                }
            };
            // All at once.
            let whole = stage();
            crm(&whole);
            told.iter().for_each(|(minute, who, email)| happens(&whole, *minute, who, email));
            let engine = whole.open().await;
            run(&engine, "crm").await;
            run(&engine, "site").await;
            let wanted = histories(&whole, &engine).await;
            joined += wanted.values().filter(|events| !events.is_empty()).count();

            // Row by row, in any order, with deaths, everything read again each time.
            let body = Arc::new(MemoryStore::default());
            let fuse = Arc::new(Fuse::endless());
            let mut torn = Stage::over(Arc::clone(&body), rules(), Period::Days(1).after(start()));
            torn.store = Arc::new(MortalStore::new(Arc::clone(&body), Arc::clone(&fuse)));
            let mut rest = told.clone();
            let mut is_known = false;
            while !rest.is_empty() || !is_known {
                for _ in 0..=dice.below(3) {
                    if !rest.is_empty() {
                        let (minute, who, email) = rest.remove(dice.below(rest.len()));
                        happens(&torn, minute, &who, &email);
                    }
                }
                if dice.percent(30) {
                    crm(&torn);
                    is_known = true;
                }
                fuse.set(i64::MAX);
                let engine = torn.open().await;
                if dice.percent(60) {
                    fuse.set(1 + i64::try_from(dice.below(12)).unwrap());
                }
                for sync in ["site", "crm"] {
                    let _ = engine.run_once(&SyncId::new(sync)).await;
                }
                deaths += u32::from(fuse.is_burnt());
            }
            fuse.set(i64::MAX);
            let engine = torn.open().await;
            run(&engine, "crm").await;
            run(&engine, "site").await;
            assert_eq!(run(&engine, "site").await.counts.new, 0, "seed {seed}");
            assert_eq!(histories(&torn, &engine).await, wanted, "seed {seed}");
            let at = |key: &str| RecordRef {
                stream: StreamRef::new("default", "site", "rows"),
                key: RemoteKey::new(key),
            };
            let keys: Vec<RecordRef> = told.iter().map(|(m, ..)| at(&format!("e{m}"))).collect();
            let kept = body.events_by_ref(&keys).await.unwrap();
            assert!(kept.iter().all(Option::is_some), "seed {seed}");
            assert_eq!(body.stats().await.unwrap().events, told.len() as u64, "seed {seed}");
        }
        assert!(deaths > 20 && joined > 20, "{deaths} deaths, {joined} histories");
    });
}
