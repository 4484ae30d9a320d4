//! Segments through the engine: whoever is meant is a member, and nobody else, after
//! every change, by the clock, and whatever crashes.
//!
//! `LIAISON_CASES` says how many random towns; 40 in the ordinary tests.

use std::collections::BTreeSet;
use std::sync::Arc;

use hub_engine::people::decide::{self, Ask};
use hub_engine::{Engine, Env, audience};
use hub_model::segment::Condition;
use hub_model::{
    CommitSeq, ConsentKey, ConsentMapping, ConsentState, CountTest, Direction, EntityKind,
    EventMapping, FieldName, Identity, Mapping, Namespace, Normaliser, Period, ProfileId, Purpose,
    RecordNo, RelatesTo, RelationMapping, Rules, Segment, StreamRef, SyncId, TimeField, TimeFormat,
    Timestamp, Value, ValueTest,
};
use hub_store::{MemoryStore, Store};
use simulation::crash::{Fuse, MortalStore};
use simulation::dice::Dice;
use simulation::stage::{Stage, pair, run};

use super::block_on;

const TOWNS: u64 = 40;
const PEOPLE: usize = 5;
const DAY_SECONDS: i64 = 86_400;
const SYNCS: [&str; 3] = ["crm", "site", "shop"];

/// A customer system that states consents, a site whose visits are events, and a shop
/// whose orders are objects.
pub(super) fn rules(segments: Vec<Segment>) -> Rules {
    let read = |field: &str, identity| pair(field, Direction::ToProfile, identity);
    let mapping = |id: &str| {
        let stream = StreamRef::new("default", id, "rows");
        Mapping { deletes_percent_max: 100, ..Mapping::new(SyncId::new(id), stream) }
    };
    let mut crm = mapping("crm");
    crm.fields = vec![
        read("email", Some("email")),
        read("status", None),
        read("since", None),
        read("optin", None),
    ];
    crm.consents = vec![ConsentMapping {
        field: FieldName::new("optin"),
        key: ConsentKey::new("news", "email"),
        granted: vec![Value::text("yes")],
        denied: vec![Value::text("no")],
        withdrawn: Vec::new(),
        otherwise: ConsentState::Unknown,
        time: None,
        text_version: None,
        proof: None,
    }];
    let mut site = mapping("site");
    site.fields = vec![read("email", Some("email"))];
    site.event = Some(EventMapping {
        name: Some("type".into()),
        time: Some(TimeField { field: "at".into(), format: TimeFormat::Rfc3339 }),
        ..EventMapping::default()
    });
    let mut shop = mapping("shop");
    shop.kind = EntityKind::object("order");
    shop.fields = vec![read("buyer", None)];
    shop.relations = vec![RelationMapping {
        field: FieldName::new("buyer"),
        role: "buyer".into(),
        to: RelatesTo::Namespace("email".into()),
    }];
    let namespaces = vec![Namespace::new("email", Normaliser::Email)];
    let mut rules = Rules::new("default".into(), namespaces, vec![crm, site, shop]);
    let expires = Some(Period::Days(20));
    rules.purposes = vec![Purpose { name: "news".into(), channels: vec!["email".into()], expires }];
    rules.segments = segments;
    rules
}

fn segment(name: &str, when: Condition) -> Segment {
    let purpose = ConsentKey::new("news", "email");
    Segment { name: name.into(), kind: EntityKind::Person, purpose, when }
}

fn is(name: &str, test: ValueTest) -> Condition {
    Condition::Trait { name: name.into(), tests: vec![test] }
}

fn customers() -> Condition {
    is("status", ValueTest::OneOf(vec![Value::text("customer")]))
}

fn visited(days: u32, at_least: u32) -> Condition {
    let count = CountTest { at_least, at_most: None };
    Condition::Event { name: "visit".into(), within: Some(Period::Days(days)), count }
}

fn ordered(at_least: u32) -> Condition {
    let count = CountTest { at_least, at_most: None };
    Condition::Relation { kind: "order".into(), role: None, count }
}

pub(super) fn segments(days: u32) -> Vec<Segment> {
    vec![
        segment("customers", customers()),
        segment("active", visited(days, 2)),
        segment(
            "lapsed",
            Condition::All(vec![customers(), Condition::None(vec![visited(days, 1)])]),
        ),
        segment("buyers", ordered(2)),
        segment("young", is("since", ValueTest::Within(Period::Days(days)))),
    ]
}

pub(super) fn start() -> Timestamp {
    Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()
}

fn day(days: i64) -> String {
    start().plus_seconds(days * DAY_SECONDS).to_string()
}

pub(super) fn customer(stage: &Stage, key: &str, fields: [&str; 4]) {
    let [email, status, since, optin] = fields;
    let row = [("email", email), ("status", status), ("since", since), ("optin", optin)];
    stage.table("crm").put(key, &row);
}

fn visit(stage: &Stage, key: &str, at: &str, email: &str) {
    stage.table("site").put(key, &[("type", "visit"), ("at", at), ("email", email)]);
}

async fn members(store: &dyn Store, segment: &str) -> Vec<u64> {
    let members = store.members(segment, None, usize::MAX).await.unwrap();
    members.into_iter().map(|(id, _)| id.0).collect()
}

async fn person(engine: &Engine, email: &str) -> ProfileId {
    let identity = Identity::new("email", email);
    engine.workspace().profiles_of(&identity).await.unwrap()[0].id
}

/// Who has entered and left, told from the first move on.
async fn moves(store: &dyn Store) -> Vec<(String, u64, bool)> {
    let page = store.moves(CommitSeq(0), usize::MAX).await.unwrap();
    let told = page.moves.into_iter().map(|moved| moved.made);
    told.map(|made| (made.segment.to_string(), made.profile.0, made.entered)).collect()
}

#[test]
fn people_enter_and_leave_by_what_is_known_and_by_the_clock() {
    block_on(async {
        let stage = Stage::new(rules(segments(5)), start());
        let store = &*stage.store;
        let engine = stage.open().await;
        customer(&stage, "1", ["ana@x.fr", "customer", "", "yes"]);
        customer(&stage, "2", ["bob@x.fr", "customer", "", "no"]);
        customer(&stage, "3", ["eva@x.fr", "lead", "2026-01-03", "yes"]);
        run(&engine, "crm").await;
        let (ana, eva) = (person(&engine, "ana@x.fr").await.0, person(&engine, "eva@x.fr").await.0);
        // Bob is a customer, and has refused.
        assert_eq!(members(store, "customers").await, [ana]);
        assert_eq!(members(store, "lapsed").await, [ana]);
        assert_eq!(members(store, "young").await, [0; 0]);
        // What happens under an identity moves whoever has it.
        visit(&stage, "v1", &day(0), "ana@x.fr");
        visit(&stage, "v2", &day(0), "ana@x.fr");
        stage.table("shop").put("o1", &[("buyer", "eva@x.fr")]);
        stage.table("shop").put("o2", &[("buyer", "eva@x.fr")]);
        run(&engine, "site").await;
        run(&engine, "shop").await;
        assert_eq!(
            (members(store, "active").await, members(store, "lapsed").await),
            (vec![ana], vec![])
        );
        assert_eq!(members(store, "buyers").await, [eva]);
        // An order goes to another, and one is deleted.
        stage.table("shop").put("o2", &[("buyer", "ana@x.fr")]);
        run(&engine, "shop").await;
        assert_eq!(members(store, "buyers").await, [0; 0]);
        // Nothing happens but time: a date comes, a window ends, grants expire.
        stage.clock.set(start().plus_seconds(2 * DAY_SECONDS + 60));
        engine.tend().await.unwrap();
        assert_eq!(members(store, "young").await, [eva]);
        stage.clock.set(start().plus_seconds(5 * DAY_SECONDS + 60));
        engine.tend().await.unwrap();
        assert_eq!(
            (members(store, "active").await, members(store, "lapsed").await),
            (vec![], vec![ana])
        );
        let found = store.profiles(&[ProfileId(ana)]).await.unwrap().remove(0).unwrap();
        let active = &stage.rules.segments[1];
        let why = audience::explain(engine.workspace(), active, &found).await.unwrap();
        assert_eq!((why.member, why.permitted), (false, true));
        assert_eq!(why.when.found, Some(audience::Found::Count(0)));
        stage.clock.set(start().plus_seconds(21 * DAY_SECONDS));
        engine.tend().await.unwrap();
        for segment in &stage.rules.segments {
            assert_eq!(members(store, &segment.name).await, [0; 0], "{}", segment.name);
        }
        let told = moves(store).await;
        let of = |name: &str| {
            let own = told.iter().filter(|(segment, ..)| segment == name);
            own.map(|(_, who, entered)| (*who, *entered)).collect::<Vec<_>>()
        };
        assert_eq!(of("lapsed"), [(ana, true), (ana, false), (ana, true), (ana, false)]);
        assert_eq!(of("young"), [(eva, true), (eva, false)]);
        assert_eq!(store.verify().await, Ok(vec![]));
        // Idle, nothing is committed any more.
        let head = store.stats().await.unwrap().seq;
        engine.tend().await.unwrap();
        assert_eq!(store.stats().await.unwrap().seq, head);
    });
}

#[test]
fn a_merge_an_erasure_and_other_segments_move_people_at_once() {
    block_on(async {
        let mut stage = Stage::new(rules(segments(5)), start());
        let engine = stage.open().await;
        customer(&stage, "1", ["ana@x.fr", "customer", "", "yes"]);
        customer(&stage, "2", ["eva@x.fr", "customer", "", "no"]);
        customer(&stage, "3", ["bob@x.fr", "customer", "", "yes"]);
        run(&engine, "crm").await;
        let store = Arc::clone(&stage.store);
        let (ana, eva) = (person(&engine, "ana@x.fr").await, person(&engine, "eva@x.fr").await);
        let bob = person(&engine, "bob@x.fr").await;
        assert_eq!(members(&*store, "customers").await, [ana.0, bob.0]);
        // One of the two has refused: so have both.
        decide::apply(engine.workspace(), &Ask::Merge(ana, eva), "x").await.unwrap();
        engine.tend().await.unwrap();
        assert_eq!(members(&*store, "customers").await, [bob.0]);
        let leaving = BTreeSet::from([RecordNo(eva.0)]);
        decide::apply(engine.workspace(), &Ask::Separate(ana, leaving), "x").await.unwrap();
        engine.tend().await.unwrap();
        assert_eq!(members(&*store, "customers").await, [ana.0, bob.0]);
        engine.erase(&Identity::new("email", "bob@x.fr")).await.unwrap();
        engine.tend().await.unwrap();
        assert_eq!(members(&*store, "customers").await, [ana.0]);
        assert_eq!(store.standings(&[bob]).await.unwrap(), [hub_model::Standing::none(bob)]);
        // Another definition is judged without anybody having changed.
        drop(engine);
        stage.rules.segments = vec![segment("leads", Condition::None(vec![customers()]))];
        let engine = stage.open().await;
        engine.tend().await.unwrap();
        assert_eq!(
            (members(&*store, "customers").await, members(&*store, "leads").await),
            (vec![], vec![])
        );
        customer(&stage, "1", ["ana@x.fr", "lead", "", "yes"]);
        run(&engine, "crm").await;
        assert_eq!(members(&*store, "leads").await, [ana.0]);
        // Without segments nobody is in one, and nothing is left.
        drop(engine);
        stage.rules.segments.clear();
        let engine = stage.open().await;
        engine.tend().await.unwrap();
        assert_eq!(store.stats().await.unwrap().memberships, 0);
        assert_eq!(store.verify().await, Ok(vec![]));
    });
}

/// Everybody's membership is what his profile comes to, judged anew; and what the log
/// of moves comes to.
async fn check(stage: &Stage, engine: &Engine, body: &MemoryStore, told: &str) -> usize {
    assert_eq!(body.verify().await, Ok(vec![]), "{told}");
    let mut replayed: BTreeSet<(String, u64)> = BTreeSet::new();
    for (segment, who, entered) in moves(body).await {
        let step = (segment, who);
        let is_news = if entered { replayed.insert(step) } else { replayed.remove(&step) };
        assert!(is_news, "{told}: a move that moves nobody");
    }
    let mut wanted: BTreeSet<(String, u64)> = BTreeSet::new();
    for profile in body.scan_profiles(None, usize::MAX).await.unwrap() {
        for segment in &stage.rules.segments {
            let why = audience::explain(engine.workspace(), segment, &profile).await.unwrap();
            if why.member {
                wanted.insert((segment.name.to_string(), profile.id.0));
            }
        }
    }
    let mut found: BTreeSet<(String, u64)> = BTreeSet::new();
    for name in ["customers", "active", "lapsed", "buyers", "young"] {
        found.extend(members(body, name).await.into_iter().map(|who| (name.to_owned(), who)));
    }
    assert_eq!(found, wanted, "{told}");
    assert_eq!(replayed, wanted, "{told}: by the log of moves");
    wanted.len()
}

/// Something happens in a town.
pub(super) async fn happen(stage: &mut Stage, engine: &Engine, dice: &mut Dice, step: usize) {
    let email = format!("p{}@x.fr", dice.below(PEOPLE));
    let key = dice.below(PEOPLE + 2).to_string();
    let today = stage.clock.now();
    match dice.below(12) {
        0..=2 => {
            let status = *dice.pick(&["customer", "customer", "lead", ""]);
            let ago = -i64::try_from(dice.below(9)).unwrap() * DAY_SECONDS;
            let since = today.plus_seconds(ago + 3 * DAY_SECONDS).to_string();
            let optin = *dice.pick(&["yes", "yes", "yes", "no", ""]);
            customer(stage, &key, [&email, status, &since[..10], optin]);
        }
        3 => {
            stage.table("crm").rows.remove(&key);
        }
        4..=6 => {
            let ago = i64::try_from(dice.below(6)).unwrap() * DAY_SECONDS;
            visit(stage, &format!("v{step}"), &today.plus_seconds(-ago).to_string(), &email);
        }
        7 => {
            let mut site = stage.table("site");
            if let Some(key) = site.rows.keys().next().cloned() {
                site.rows.remove(&key);
                site.deleted.push(key);
            }
        }
        8 => stage.table("shop").put(&format!("o{}", dice.below(6)), &[("buyer", &*email)]),
        9 => {
            let seconds = 1 + i64::try_from(dice.below(4 * 86_400)).unwrap();
            stage.clock.set(today.plus_seconds(seconds));
        }
        10 => decide_something(engine, dice).await,
        _ if dice.percent(20) => {
            // One who is not there, or about whom something is under way, stays.
            let _ = engine.erase(&Identity::new("email", &email)).await;
        }
        _ => stage.rules.segments = segments(2 + u32::try_from(dice.below(6)).unwrap()),
    }
}

async fn decide_something(engine: &Engine, dice: &mut Dice) {
    let Ok(all) = engine.store().scan_profiles(None, usize::MAX).await else { return };
    if all.is_empty() {
        return;
    }
    let (one, other) = (dice.pick(&all), dice.pick(&all));
    let ask = if one.records.len() > 1 {
        Ask::Separate(one.id, BTreeSet::from([*dice.pick(&one.records)]))
    } else {
        Ask::Merge(one.id, other.id)
    };
    // What makes no sense is refused.
    let _ = decide::apply(engine.workspace(), &ask, "somebody").await;
}

#[test]
fn members_are_who_is_meant_after_crashes_at_any_commit() {
    let cases = std::env::var("LIAISON_CASES").ok().and_then(|text| text.parse().ok());
    block_on(async {
        let (mut deaths, mut seen) = (0, 0);
        for seed in 0..cases.unwrap_or(TOWNS) {
            let mut dice = Dice::new(seed);
            let body = Arc::new(MemoryStore::default());
            let fuse = Arc::new(Fuse::endless());
            let mut stage = Stage::over(Arc::clone(&body), rules(segments(5)), start());
            stage.store = Arc::new(MortalStore::new(Arc::clone(&body), Arc::clone(&fuse)));
            for step in 0..60 {
                fuse.set(i64::MAX);
                let engine = stage.open().await;
                happen(&mut stage, &engine, &mut dice, step).await;
                if dice.percent(40) {
                    fuse.set(1 + i64::try_from(dice.below(15)).unwrap());
                }
                let _ = engine.run_once(&SyncId::new(*dice.pick(&SYNCS))).await;
                let _ = engine.tend().await;
                deaths += u32::from(fuse.is_burnt());
                if dice.percent(25) {
                    fuse.set(i64::MAX);
                    let engine = stage.open().await;
                    engine.tend().await.unwrap();
                    let told = format!("seed {seed}, step {step}");
                    seen += check(&stage, &engine, &body, &told).await;
                }
            }
        }
        assert!(deaths > 100 && seen > 100, "{deaths} deaths, {seen} members");
    });
}
