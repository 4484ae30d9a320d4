//! Traits that wait for a person, in the real engine: edits that knew nothing of
//! each other, and systems that keep rewriting what the other says.

use hub_engine::Engine;
use hub_engine::people::conflicts::{self, Ask, ConflictError};
use hub_model::{
    Direction, Mapping, Namespace, Normaliser, ProfileId, Record, RecordNo, Rules, StreamRef,
    Survivorship, SyncId, Timestamp, TraitRule, Value,
};
use simulation::stage::{Stage, pair, row, run};

const NOW: i64 = 1_800_000_000;

/// Two systems of a person's city and name; `rule` is that of the city.
fn rules(rule: Option<Survivorship>) -> Rules {
    let of = |name: &str| Mapping {
        fields: vec![
            pair("email", Direction::ToProfile, Some("email")),
            pair("city", Direction::Both, None),
            pair("name", Direction::Both, None),
        ],
        matching: vec!["email".into()],
        ..Mapping::new(SyncId::new(name), StreamRef::new("default", name, "people"))
    };
    let namespaces = vec![Namespace::new("email", Normaliser::Email)];
    let mut rules = Rules::new("default".into(), namespaces, vec![of("erp"), of("crm")]);
    let city = |rule| TraitRule { name: "city".into(), rule, sources: Vec::new() };
    rules.traits.extend(rule.map(city));
    rules
}

fn shows(stage: &Stage, connection: &str, city: &str, name: &str) {
    let fields = [("email", "ana@x.fr"), ("city", city), ("name", name)];
    stage.table(connection).rows.insert("1".to_owned(), row(&fields));
}

fn city(stage: &Stage, connection: &str) -> String {
    let shown = stage.table(connection).rows["1"]["city"].clone();
    shown.as_text().unwrap_or("").to_owned()
}

fn writes(stage: &Stage) -> usize {
    ["erp", "crm"].map(|connection| stage.table(connection).writes.len()).iter().sum()
}

async fn rounds(engine: &Engine, rounds: usize) {
    for _ in 0..rounds {
        run(engine, "erp").await;
        run(engine, "crm").await;
    }
}

/// Both systems show Lyon, and know it of each other.
async fn agreed(rule: Option<Survivorship>) -> (Stage, Engine) {
    let stage = Stage::new(rules(rule), Timestamp::from_seconds(NOW));
    shows(&stage, "erp", "Lyon", "Ana");
    shows(&stage, "crm", "Lyon", "Ana");
    let engine = stage.open().await;
    rounds(&engine, 3).await;
    assert_eq!(writes(&stage), 0);
    (stage, engine)
}

async fn said(engine: &Engine, ask: Ask) -> Result<Option<Value>, ConflictError> {
    let of = (ProfileId(1), &"city".into());
    let profile = conflicts::apply(engine.workspace(), of, &ask, "tester").await?;
    Ok(profile.traits.get("city").map(|golden| golden.value.clone()))
}

/// Everything derived is what the facts alone come to.
async fn rebuilt(engine: &Engine) {
    let store = engine.store();
    let profile = store.profiles(&[ProfileId(1)]).await.unwrap().remove(0).unwrap();
    let records: Vec<Record> =
        store.records(&profile.records).await.unwrap().into_iter().flatten().collect();
    let decisions = store.decisions().await.unwrap();
    let rules = &engine.workspace().rules;
    let anew = hub_core::identity::rebuild::rebuild(records, &decisions, rules);
    assert_eq!(anew.profiles[&ProfileId(1)], profile);
    assert_eq!(store.verify().await, Ok(vec![]));
}

#[tokio::test]
async fn edits_at_once_wait_and_what_is_settled_reaches_everybody() {
    let (stage, engine) = agreed(Some(Survivorship::Ask)).await;
    shows(&stage, "erp", "Paris", "Ana");
    shows(&stage, "crm", "Nice", "Anna");
    rounds(&engine, 4).await;
    // That field alone is held: the name has travelled.
    assert_eq!((city(&stage, "erp"), city(&stage, "crm")), ("Paris".into(), "Nice".into()));
    assert_eq!(stage.table("erp").rows["1"]["name"], Value::text("Anna"));
    assert_eq!(writes(&stage), 1);
    let waiting = conflicts::list(engine.workspace(), None, 9).await.unwrap();
    let [waiting] = waiting.as_slice() else { panic!("{waiting:?}") };
    assert_eq!(waiting.profile.traits["city"].value, Value::text("Lyon"));
    let sides: Vec<_> =
        waiting.sides.iter().map(|says| (says.record.number.0, &says.value)).collect();
    assert_eq!(sides, [(2, &Value::text("Nice")), (1, &Value::text("Paris"))]);
    rebuilt(&engine).await;

    // A restart forgets nothing, and what does not fit is refused.
    let engine = stage.open().await;
    rounds(&engine, 2).await;
    assert!(said(&engine, Ask::Release).await.is_err(), "it is not paused");
    let stranger = said(&engine, Ask::Side(RecordNo(9))).await;
    assert_eq!(stranger, Err(ConflictError::NotASide(RecordNo(9))));
    assert_eq!(writes(&stage), 1);

    // Settled, it reaches the other side, and is still so after rows are read again
    // and everything is derived anew.
    assert_eq!(said(&engine, Ask::Side(RecordNo(1))).await, Ok(Some(Value::text("Paris"))));
    rounds(&engine, 4).await;
    assert_eq!((city(&stage, "erp"), city(&stage, "crm")), ("Paris".into(), "Paris".into()));
    assert_eq!(writes(&stage), 2);
    rebuilt(&engine).await;
    assert_eq!(conflicts::list(engine.workspace(), None, 9).await, Ok(vec![]));
    let profile = engine.store().profiles(&[ProfileId(1)]).await.unwrap().remove(0).unwrap();
    let decisions =
        conflicts::decisions(engine.workspace(), &profile, &"city".into()).await.unwrap();
    assert_eq!(decisions.iter().map(|d| d.author.as_str()).collect::<Vec<_>>(), ["tester"]);
    let again = said(&engine, Ask::Value(Value::text("Pau"))).await;
    assert_eq!(again, Err(ConflictError::NotOpen(ProfileId(1), "city".into())));

    // It wins until somebody types another one.
    shows(&stage, "crm", "Metz", "Anna");
    rounds(&engine, 3).await;
    assert_eq!((city(&stage, "erp"), city(&stage, "crm")), ("Metz".into(), "Metz".into()));
    assert_eq!(writes(&stage), 3);
}

#[tokio::test]
async fn what_was_settled_is_taken_back_and_settled_otherwise() {
    let (stage, engine) = agreed(Some(Survivorship::Ask)).await;
    shows(&stage, "erp", "Paris", "Ana");
    shows(&stage, "crm", "Nice", "Ana");
    rounds(&engine, 2).await;
    assert!(said(&engine, Ask::Undo).await.is_err(), "nothing was settled");
    assert_eq!(said(&engine, Ask::Value(Value::text("Pau"))).await, Ok(Some(Value::text("Pau"))));
    assert_eq!(said(&engine, Ask::Undo).await, Ok(Some(Value::text("Lyon"))));
    rounds(&engine, 2).await;
    assert_eq!((city(&stage, "erp"), city(&stage, "crm")), ("Paris".into(), "Nice".into()));
    assert_eq!(writes(&stage), 0);
    assert_eq!(said(&engine, Ask::Value(Value::Null)).await, Ok(Some(Value::Null)));
    rounds(&engine, 3).await;
    assert_eq!((city(&stage, "erp"), city(&stage, "crm")), (String::new(), String::new()));
    rebuilt(&engine).await;
}

/// A script in each system that puts its own value back whenever it sees another:
/// the hub stops carrying them between the two, says so, and goes on when told.
#[tokio::test]
async fn systems_that_rewrite_each_other_are_paused_and_released() {
    let (stage, engine) = agreed(None).await;
    let scripts = |seconds: i64| {
        for (connection, own) in [("erp", "LYON"), ("crm", "lyon")] {
            if city(&stage, connection) != own {
                shows(&stage, connection, own, "Ana");
            }
        }
        seconds
    };
    let mut now = NOW;
    for _ in 0..30 {
        now += scripts(60);
        stage.clock.set(Timestamp::from_seconds(now));
        rounds(&engine, 1).await;
    }
    let paused = conflicts::list(engine.workspace(), None, 9).await.unwrap();
    let reasons: Vec<_> = paused.iter().map(|waiting| waiting.conflict.reason.as_str()).collect();
    assert_eq!(reasons, ["ping-pong"]);
    let until = writes(&stage);
    assert!((3..=7).contains(&until), "{until}");
    rebuilt(&engine).await;
    // What else is typed travels.
    stage.table("erp").rows.get_mut("1").unwrap().insert("name".into(), Value::text("Anna"));
    rounds(&engine, 2).await;
    assert_eq!(stage.table("crm").rows["1"]["name"], Value::text("Anna"));
    assert_eq!(writes(&stage), until + 1);

    assert!(said(&engine, Ask::Side(RecordNo(1))).await.is_err(), "nobody has to choose");
    said(&engine, Ask::Release).await.unwrap();
    rounds(&engine, 3).await;
    assert_eq!(city(&stage, "erp"), city(&stage, "crm"), "nobody rewrites any more");
    assert_eq!(conflicts::list(engine.workspace(), None, 9).await, Ok(vec![]));
}

/// People who type over each other now and then are not paused.
#[tokio::test]
async fn people_who_answer_each_other_are_not_paused() {
    let (stage, engine) = agreed(None).await;
    let mut now = NOW;
    for turn in 0..12 {
        now += 300;
        stage.clock.set(Timestamp::from_seconds(now));
        let (connection, other) = if turn % 2 == 0 { ("erp", "crm") } else { ("crm", "erp") };
        shows(&stage, connection, &format!("Town {turn}"), "Ana");
        rounds(&engine, 2).await;
        assert_eq!(city(&stage, other), format!("Town {turn}"));
    }
    assert_eq!(conflicts::list(engine.workspace(), None, 9).await, Ok(vec![]));
}
