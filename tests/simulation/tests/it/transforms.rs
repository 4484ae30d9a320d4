//! Transforms in force: each system has its own form of one value, what has no
//! form somewhere is told nobody and says why, and a changed mapping changes
//! profiles and destinations as if it had always been so.

use hub_core::identity::rebuild::rebuild;
use hub_core::identity::restate;
use hub_model::{
    Cleaner, Conversion, Direction, FaultCode, FieldName, Identity, Made, Mapping, Namespace,
    Normaliser, Number, Pending, PendingState, Record, Rules, RunStatus, StreamRef, SyncId,
    Template, Timestamp, Transform, Value,
};
use serde_json::{Value as Json, json};
use simulation::stage::{Stage, pair, run};

use super::block_on;

fn value(json: Json) -> Value {
    Value::from_json(json).unwrap()
}

fn countries(table: &[(&str, &str)]) -> Option<Box<Conversion>> {
    let table = table.iter().map(|(code, name)| ((*code).to_owned(), Value::text(*name)));
    let map = Transform::Clean(Cleaner::Map { table: table.collect() });
    Some(Box::new(Conversion::reading(vec![Transform::Clean(Cleaner::Upper).into(), map.into()])))
}

fn written(steps: Vec<Transform>) -> Option<Box<Conversion>> {
    let write = Some(steps.into_iter().map(Into::into).collect());
    Some(Box::new(Conversion { made: None, read: Vec::new(), write }))
}

fn mapping(id: &str, fields: Vec<hub_model::FieldMapping>) -> Mapping {
    Mapping {
        fields,
        matching: vec![FieldName::from("email")],
        deletes_percent_max: 100,
        ..Mapping::new(SyncId::new(id), StreamRef::new("default", id, "people"))
    }
}

/// `crm` counts in cents and writes codes, `shop` does not, and `mailer` is told
/// what is made for it.
fn rules() -> Rules {
    let email = || pair("email", Direction::Both, Some("email"));
    let mut crm = mapping("crm", vec![email(), pair("cents", Direction::Both, None)]);
    crm.fields[1].to = "credit".into();
    let cents = Transform::Divide { by: Number::from(100) };
    crm.fields[1].conversion = Some(Box::new(Conversion::reading(vec![cents.into()])));
    let mut land = pair("land", Direction::Both, None);
    land.to = "country".into();
    land.conversion = countries(&[("FR", "France"), ("DE", "Germany")]);
    crm.fields.push(land);
    let credit = pair("credit", Direction::Both, None);
    let shop = mapping("shop", vec![email(), credit, pair("country", Direction::Both, None)]);
    let mut mailer = mapping("mailer", vec![pair("email", Direction::ToSystem, Some("email"))]);
    let mut country = pair("country", Direction::ToSystem, None);
    country.conversion = written(vec![Transform::Clean(Cleaner::Upper)]);
    let mut source = pair("source", Direction::ToSystem, None);
    source.to = "=source".into();
    let mut label = pair("label", Direction::ToSystem, None);
    label.to = "=label".into();
    let made = |made| {
        Some(Box::new(Conversion { made: Some(made), read: Vec::new(), write: Some(Vec::new()) }))
    };
    source.conversion = made(Made::Constant(Value::text("liaison")));
    label.conversion = made(Made::Template(Template::parse("{email} in {country}").unwrap()));
    mailer.fields.extend([country, source, label]);
    let mut flag = pair("=status", Direction::ToProfile, None);
    flag.to = "status".into();
    let prospect = Some(Made::Constant(Value::text("prospect")));
    flag.conversion = Some(Box::new(Conversion { made: prospect, ..Conversion::default() }));
    crm.fields.push(flag);
    let email = Namespace::new("email", Normaliser::Email);
    Rules::new("default".into(), vec![email], vec![crm, shop, mailer])
}

fn stage() -> Stage {
    let stage = Stage::new(rules(), Timestamp::from_seconds(1_000_000));
    let row = json!({"email": "ana@x.fr", "cents": 1999, "land": "fr"});
    put(&stage, "crm", "1", row);
    put(&stage, "shop", "1", json!({"email": "ana@x.fr", "credit": null, "country": null}));
    stage
}

fn put(stage: &Stage, table: &str, key: &str, row: Json) {
    let Value::Object(row) = value(row) else { panic!("a row") };
    stage.table(table).rows.insert(key.to_owned(), row);
}

fn shown(stage: &Stage, table: &str, key: &str) -> Json {
    Value::Object(stage.table(table).rows[key].clone()).to_json()
}

fn writes(stage: &Stage) -> usize {
    ["crm", "shop", "mailer"].map(|table| stage.table(table).writes.len()).iter().sum()
}

async fn rounds(stage: &Stage, count: usize) {
    let engine = stage.open().await;
    for _ in 0..count {
        for sync in ["crm", "shop", "mailer"] {
            run(&engine, sync).await;
        }
    }
}

async fn golden(stage: &Stage, name: &str) -> Option<Json> {
    let claims = stage.store.claims(&[Identity::new("email", "ana@x.fr")]).await.unwrap();
    let found = stage.store.profiles(&claims[0].profiles).await.unwrap();
    found[0].as_ref()?.traits.get(name).map(|golden| golden.value.to_json())
}

async fn waiting(stage: &Stage, sync: &str) -> Vec<Pending> {
    stage.store.pending(&SyncId::new(sync), Timestamp(i64::MAX), 10).await.unwrap()
}

#[test]
fn every_system_has_its_own_form_and_all_fall_silent() {
    block_on(async {
        let stage = stage();
        rounds(&stage, 3).await;
        assert_eq!(golden(&stage, "credit").await, Some(json!(19.99)));
        assert_eq!(golden(&stage, "country").await, Some(json!("France")));
        assert_eq!(golden(&stage, "status").await, Some(json!("prospect")));
        let shop = json!({"email": "ana@x.fr", "credit": 19.99, "country": "France"});
        assert_eq!(shown(&stage, "shop", "1"), shop);
        let mailer = json!({
            "email": "ana@x.fr", "country": "FRANCE", "source": "liaison",
            "label": "ana@x.fr in France",
        });
        assert_eq!(shown(&stage, "mailer", "made-1"), mailer);
        // What the source itself said stays to the letter.
        assert_eq!(stage.table("crm").writes, []);

        put(
            &stage,
            "shop",
            "1",
            json!({"email": "ana@x.fr", "credit": 25.5, "country": "Germany"}),
        );
        rounds(&stage, 3).await;
        let crm = json!({"email": "ana@x.fr", "cents": 2550, "land": "DE"});
        assert_eq!(shown(&stage, "crm", "1"), crm);
        assert_eq!(shown(&stage, "mailer", "made-1")["label"], json!("ana@x.fr in Germany"));
        let before = writes(&stage);
        rounds(&stage, 3).await;
        assert_eq!(writes(&stage), before, "the hub falls silent");
        assert_eq!(golden(&stage, "country").await, Some(json!("Germany")));
    });
}

#[test]
fn a_value_without_a_form_is_rejected_until_the_mapping_has_one() {
    block_on(async {
        let mut stage = stage();
        rounds(&stage, 3).await;
        put(&stage, "shop", "1", json!({"email": "ana@x.fr", "credit": 1, "country": "Atlantis"}));
        let engine = stage.open().await;
        run(&engine, "shop").await;
        let ran = run(&engine, "crm").await;
        assert_eq!((ran.status, ran.counts.rejected), (RunStatus::WithRejects, 1));
        let crm = json!({"email": "ana@x.fr", "cents": 1999, "land": "fr"});
        assert_eq!(shown(&stage, "crm", "1"), crm, "a row is written whole, or waits whole");
        let pending = waiting(&stage, "crm").await;
        assert_eq!((pending.len(), pending[0].state), (1, PendingState::Rejected));
        let fault = pending[0].fault.clone().unwrap();
        assert_eq!((fault.code, fault.place.as_str()), (FaultCode::NoForm, "crm/land"));
        assert_eq!(fault.args["rule"], "map");
        // Others have a form for it.
        run(&engine, "mailer").await;
        assert_eq!(shown(&stage, "mailer", "made-1")["country"], json!("ATLANTIS"));
        // It is not rejected again and again.
        assert_eq!(run(&engine, "crm").await.counts.rejected, 0);
        assert_eq!(waiting(&stage, "crm").await.len(), 1);

        stage.rules.mappings[0].fields[2].conversion =
            countries(&[("FR", "France"), ("DE", "Germany"), ("AT", "Atlantis")]);
        rounds(&stage, 2).await;
        let crm = json!({"email": "ana@x.fr", "cents": 100, "land": "AT"});
        assert_eq!(shown(&stage, "crm", "1"), crm);
        assert_eq!(waiting(&stage, "crm").await, []);
    });
}

#[test]
fn a_row_that_does_not_fit_waits_in_quarantine_with_field_and_rule() {
    block_on(async {
        let mut stage = stage();
        put(&stage, "crm", "1", json!({"email": "ana@x.fr", "cents": 5, "land": "xx"}));
        let engine = stage.open().await;
        let ran = run(&engine, "crm").await;
        assert_eq!((ran.status, ran.counts.quarantined), (RunStatus::WithRejects, 1));
        let rows = stage.store.quarantined(0, 10).await.unwrap();
        assert_eq!(
            (rows[0].fault.code, rows[0].fault.place.as_str()),
            (FaultCode::RowInvalid, "land")
        );
        let args = &rows[0].fault.args;
        assert_eq!((&*args["rule"], &*args["class"]), ("map", "text"));
        stage.rules.mappings[0].fields[2].conversion = countries(&[("XX", "Nowhere")]);
        run(&stage.open().await, "crm").await;
        assert_eq!(stage.store.quarantined(0, 10).await.unwrap(), []);
        assert_eq!(golden(&stage, "country").await, Some(json!("Nowhere")));
    });
}

async fn records(stage: &Stage) -> Vec<Record> {
    let mut records = Vec::new();
    for mapping in &stage.rules.mappings {
        records.extend(stage.store.scan_records(&mapping.stream, None, 100).await.unwrap());
    }
    records.sort_by_key(|record| record.number);
    records
}

#[test]
fn other_transforms_are_what_a_rebuild_makes_and_what_destinations_are_told() {
    block_on(async {
        let mut stage = stage();
        rounds(&stage, 3).await;
        let (before, known) = (stage.rules.clone(), records(&stage).await);
        let by_ten = Transform::Divide { by: Number::from(10) };
        let rules = &mut stage.rules;
        rules.mappings[0].fields[1].conversion =
            Some(Box::new(Conversion::reading(vec![by_ten.into()])));
        rules.mappings[0].fields[2].conversion = countries(&[("FR", "Frankreich")]);
        rules.mappings[2].fields[1].conversion = written(vec![Transform::Clean(Cleaner::Lower)]);
        let hub = Some(Made::Constant(Value::text("hub")));
        rules.mappings[2].fields[2].conversion =
            Some(Box::new(Conversion { made: hub, read: Vec::new(), write: Some(Vec::new()) }));
        let after = rules.clone();
        let restated = known.iter().map(|record| Record {
            identities: restate(record, &before, &after),
            ..record.clone()
        });
        let scratch = rebuild(restated.collect(), &[], &after);
        stage.open().await;
        let profiles = stage.store.scan_profiles(None, 10).await.unwrap();
        assert_eq!(profiles, scratch.profiles.into_values().collect::<Vec<_>>());
        assert_eq!(golden(&stage, "credit").await, Some(json!(199.9)));
        assert_eq!(golden(&stage, "country").await, Some(json!("Frankreich")));

        rounds(&stage, 3).await;
        let mailer = json!({
            "email": "ana@x.fr", "country": "frankreich", "source": "hub",
            "label": "ana@x.fr in Frankreich",
        });
        assert_eq!(shown(&stage, "mailer", "made-1"), mailer);
        let shop = json!({"email": "ana@x.fr", "credit": 199.9, "country": "Frankreich"});
        assert_eq!(shown(&stage, "shop", "1"), shop);
        assert_eq!(stage.table("crm").writes, [], "the source is not told its own words");
        let writes_then = writes(&stage);
        rounds(&stage, 3).await;
        assert_eq!(writes(&stage), writes_then);
    });
}
