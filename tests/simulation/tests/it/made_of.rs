//! Deals that were won become orders of the customer whom the other system has.

use std::collections::BTreeMap;
use std::sync::Arc;

use hub_engine::mapping::preview;
use hub_engine::{Engine, Env, rejected};
use hub_model::{
    Condition, Conversion, Direction, EntityKind, FaultCode, FieldMapping, FieldName, Made, MadeOf,
    Mapping, Namespace, Normaliser, Object, PlannedWrite, Reference, RelatesTo, RelationMapping,
    Rules, Run, StreamRef, SyncId, Test, Timestamp, Value, WriteKind,
};
use hub_store::MemoryStore;
use simulation::crash::{Fuse, MortalStore};
use simulation::stage::{Behind, Stage, pair, row, run};

use super::block_on;

const READ: Direction = Direction::ToProfile;
const WRITE: Direction = Direction::ToSystem;
const SYNCS: [&str; 4] = ["companies", "parties", "deals", "sales"];
/// So long a search may not show what was made.
const LAG_MICROS: i64 = 61 * 1_000_000;

fn mapping(id: &str, kind: EntityKind, fields: Vec<FieldMapping>) -> Mapping {
    let stream = StreamRef::new("default", id, id);
    Mapping { kind, fields, deletes_percent_max: 100, ..Mapping::new(SyncId::new(id), stream) }
}

fn named(field: &str, to: &str, direction: Direction) -> FieldMapping {
    FieldMapping { to: to.into(), ..pair(field, direction, None) }
}

fn party() -> FieldMapping {
    let stream = StreamRef::new("default", "parties", "parties");
    let made = Some(Made::Reference(Reference {
        role: "customer".into(),
        stream,
        through: None,
        optional: false,
    }));
    let conversion = Conversion { made, write: Some(Vec::new()), ..Conversion::default() };
    FieldMapping { conversion: Some(Box::new(conversion)), ..named("party", "=party", WRITE) }
}

/// A CRM's companies and deals; an ERP's parties and sales.
fn rules() -> Rules {
    let companies = vec![pair("id", READ, Some("company")), pair("name", READ, None)];
    let companies = mapping("companies", EntityKind::Account, companies);
    let parties = vec![named("code", "id", WRITE), pair("name", WRITE, None)];
    let mut parties = mapping("parties", EntityKind::Account, parties);
    parties.matching = vec![FieldName::new("code")];
    let deals = ["id", "name", "stage", "company"].map(|field| pair(field, READ, None));
    let mut deals = mapping("deals", EntityKind::object("deal"), deals.to_vec());
    deals.relations = vec![RelationMapping {
        field: FieldName::new("company"),
        role: "customer".into(),
        to: RelatesTo::Stream(companies.stream.clone()),
    }];
    let sales = vec![
        named("reference", "id", WRITE),
        named("title", "name", WRITE),
        party(),
        pair("state", READ, None),
    ];
    let mut sales = mapping("sales", EntityKind::object("order"), sales);
    sales.matching = vec![FieldName::new("reference")];
    let test = Test::OneOf(vec![Value::text("won")]);
    let when = vec![Condition { name: "stage".into(), test, not: false }];
    sales.made_of = Some(MadeOf { stream: deals.stream.clone(), when, whose: None });
    let namespaces = vec![Namespace::new("company", Normaliser::Code)];
    Rules::new("default".into(), namespaces, vec![companies, parties, deals, sales])
}

fn stage() -> Stage {
    let stage = Stage::new(rules(), Timestamp::from_seconds(1_000_000));
    stage.table("companies").put("c1", &[("id", "c1"), ("name", "Acme")]);
    deal(&stage, "d1", "Roof", "won", "c1");
    deal(&stage, "d2", "Door", "open", "c1");
    stage
}

fn deal(stage: &Stage, key: &str, name: &str, stage_of_deal: &str, company: &str) {
    let fields = [("id", key), ("name", name), ("stage", stage_of_deal), ("company", company)];
    stage.table("deals").put(key, &fields);
}

fn order(reference: &str, title: &str, party: &str) -> Object {
    row(&[("reference", reference), ("title", title), ("party", party)])
}

fn orders(stage: &Stage) -> Vec<Object> {
    stage.table("sales").rows.values().cloned().collect()
}

async fn all(stage: &Stage, engine: &Engine) {
    for sync in SYNCS {
        run(engine, sync).await;
    }
    assert_eq!(stage.store.verify().await, Ok(vec![]));
}

async fn plan(engine: &Engine) -> (hub_engine::PlanShown, Vec<PlannedWrite>) {
    let mut writes = Vec::new();
    let shown = engine.plan(&"sales".into(), &mut |write| writes.push(write)).await.unwrap();
    (shown, writes)
}

async fn is_quiet(stage: &Stage, engine: &Engine) {
    let before = stage.table("sales").writes.len();
    for _ in 0..3 {
        all(stage, engine).await;
    }
    assert_eq!(stage.table("sales").writes.len(), before, "nothing is written twice");
}

#[test]
fn an_order_waits_for_its_customer_and_goes_by_itself() {
    block_on(async {
        let stage = stage();
        let engine = stage.open().await;
        // The CRM knows the company, the ERP does not.
        for sync in ["companies", "deals"] {
            run(&engine, sync).await;
        }
        let (shown, writes) = plan(&engine).await;
        assert_eq!((shown.awaiting, writes), (1, vec![]));
        let counts = run(&engine, "sales").await.counts;
        assert_eq!((counts.awaiting, counts.writes, counts.rejected), (1, 0, 0));
        let waiting = rejected::list(&*stage.store, &["sales".into()], None, 9).await.unwrap();
        assert_eq!(waiting.len(), 1);
        let fault = waiting[0].fault.as_ref().unwrap();
        assert_eq!((fault.code, &*fault.place), (FaultCode::Reference, "sales/party"));
        let told = ["named", "known", "rows"].map(|name| fault.args[name].clone());
        assert_eq!(told, ["1", "1", "0"]);
        assert_eq!(waiting[0].action, WriteKind::Create);

        all(&stage, &engine).await;
        assert_eq!(orders(&stage), [order("d1", "Roof", "made-1")]);
        is_quiet(&stage, &engine).await;
    });
}

#[test]
fn an_order_follows_its_deal_while_that_is_won() {
    block_on(async {
        let stage = stage();
        let engine = stage.open().await;
        all(&stage, &engine).await;
        assert_eq!(orders(&stage), [order("d1", "Roof", "made-1")]);
        // Renamed, its order is renamed.
        deal(&stage, "d1", "Big roof", "won", "c1");
        all(&stage, &engine).await;
        assert_eq!(orders(&stage), [order("d1", "Big roof", "made-1")]);
        // Opened again, it is left as it is, whatever happens to the deal.
        deal(&stage, "d1", "Small roof", "open", "c1");
        all(&stage, &engine).await;
        is_quiet(&stage, &engine).await;
        assert_eq!(orders(&stage), [order("d1", "Big roof", "made-1")]);
        // Won again, it is brought up to it; there is no second one.
        deal(&stage, "d1", "Small roof", "won", "c1");
        deal(&stage, "d2", "Door", "won", "c1");
        all(&stage, &engine).await;
        let both = [order("d1", "Small roof", "made-1"), order("d2", "Door", "made-1")];
        assert_eq!(orders(&stage), both);
        // Another customer, whom the ERP does not have yet: the order waits whole.
        stage.table("companies").put("c2", &[("id", "c2"), ("name", "Other")]);
        deal(&stage, "d1", "Roof", "won", "c2");
        for sync in ["companies", "deals", "sales"] {
            run(&engine, sync).await;
        }
        assert_eq!(orders(&stage), both);
        all(&stage, &engine).await;
        assert_eq!(orders(&stage)[0], order("d1", "Roof", "made-2"));
        // Named no more, the customer stays; the rest goes on.
        deal(&stage, "d1", "Roofs", "won", "");
        all(&stage, &engine).await;
        assert_eq!(orders(&stage)[0], order("d1", "Roofs", "made-2"));
        // Removed by people there, or with its deal, nothing is made again.
        stage.table("sales").rows.remove("made-1");
        stage.table("deals").rows.remove("d2");
        deal(&stage, "d1", "Roof", "won", "c1");
        all(&stage, &engine).await;
        assert_eq!(orders(&stage), [order("d2", "Door", "made-1")]);
        is_quiet(&stage, &engine).await;
    });
}

#[test]
fn a_row_that_is_there_is_taken_for_the_order_and_another_deals_is_not() {
    block_on(async {
        let stage = stage();
        let mut typed = order("d1", "typed by hand", "");
        typed.insert("state".into(), Value::text("draft"));
        stage.table("sales").rows.insert("s7".into(), typed);
        let engine = stage.open().await;
        all(&stage, &engine).await;
        let mut taken = order("d1", "Roof", "made-1");
        taken.insert("state".into(), Value::text("draft"));
        assert_eq!(orders(&stage), [taken.clone()]);
        // Another deal that would be found by the same value gets none, and says so.
        stage
            .table("deals")
            .put("d9", &[("id", "d1"), ("name", "Copy"), ("stage", "won"), ("company", "c1")]);
        run(&engine, "deals").await;
        let ran = run(&engine, "sales").await;
        assert_eq!((ran.counts.rejected, ran.counts.created), (1, 0));
        assert_eq!(orders(&stage), [taken]);
        is_quiet(&stage, &engine).await;
    });
}

#[test]
fn a_preview_shows_what_would_be_made_and_what_it_waits_for() {
    block_on(async {
        let stage = stage();
        let engine = stage.open().await;
        for sync in ["companies", "deals"] {
            run(&engine, sync).await;
        }
        let sync = SyncId::new("sales");
        let shown = preview(&*stage.store, &stage.rules, &sync, (None, 9)).await;
        let shown = shown.unwrap().unwrap();
        let met: Vec<_> = shown.iter().map(|one| (one.key.as_str(), one.is_met)).collect();
        assert_eq!(met, [("d1", Some(true)), ("d2", Some(false))]);
        assert_eq!(shown[0].pairs[1].writes, Some(Ok(Value::text("Roof"))));
        let fault = shown[0].pairs[2].writes.clone().unwrap().unwrap_err();
        assert_eq!((fault.code, &*fault.args["rows"]), (FaultCode::Reference, "0"));
        all(&stage, &engine).await;
        let one = (Some(&"d1".into()), 1);
        let shown = preview(&*stage.store, &stage.rules, &sync, one).await;
        let pair = &shown.unwrap().unwrap()[0].pairs[2];
        assert_eq!(pair.has, Some(Value::text("made-1")));
        assert_eq!(pair.writes, Some(Ok(Value::text("made-1"))));
    });
}

/// HubSpot's way: a deal does not say whose it is, a row between them does.
#[test]
fn a_customer_is_found_through_an_association() {
    block_on(async {
        let mut stage = stage();
        let links = ["deal", "company"].map(|field| pair(field, READ, None));
        let mut links = mapping("links", EntityKind::object("link"), links.to_vec());
        let to = |mapping: usize| RelatesTo::Stream(stage.rules.mappings[mapping].stream.clone());
        let relates = |field: &str, role: &str, to| RelationMapping {
            field: FieldName::new(field),
            role: role.into(),
            to,
        };
        links.relations =
            vec![relates("deal", "deal", to(2)), relates("company", "customer", to(0))];
        let stream = links.stream.clone();
        stage.rules.mappings[2].relations.clear();
        stage.rules.mappings.push(links);
        let conversion = stage.rules.mappings[3].fields[2].conversion.as_mut().unwrap();
        if let Some(Made::Reference(reference)) = &mut conversion.made {
            reference.through = Some(stream);
        }
        let tables = Stage::new(stage.rules.clone(), Timestamp(0)).tables;
        stage.tables.extend(tables.into_iter().filter(|(name, _)| name.as_str() == "links"));
        let engine = stage.open().await;
        all(&stage, &engine).await;
        assert_eq!(orders(&stage), [] as [Object; 0], "nobody is named yet");
        stage.table("links").put("d1-c1", &[("deal", "d1"), ("company", "c1")]);
        run(&engine, "links").await;
        all(&stage, &engine).await;
        assert_eq!(orders(&stage), [order("d1", "Roof", "made-1")]);
        // Another company instead, known by the association alone.
        stage.table("companies").put("c2", &[("id", "c2"), ("name", "Other")]);
        stage.table("links").rows.clear();
        stage.table("links").put("d1-c2", &[("deal", "d1"), ("company", "c2")]);
        for sync in ["companies", "parties", "links", "sales"] {
            run(&engine, sync).await;
        }
        assert_eq!(orders(&stage), [order("d1", "Roof", "made-2")]);
        is_quiet(&stage, &engine).await;
    });
}

async fn apply(engine: &Engine, hash: &str) -> Run {
    engine.apply_once(&"sales".into(), hash).await.unwrap()
}

#[test]
fn what_is_planned_is_applied_and_what_was_written_is_undone() {
    block_on(async {
        let stage = stage();
        let engine = stage.open().await;
        for sync in ["companies", "parties", "deals"] {
            run(&engine, sync).await;
        }
        let (stale, _) = plan(&engine).await;
        deal(&stage, "d2", "Door", "won", "c1");
        run(&engine, "deals").await;
        let refused = apply(&engine, &stale.plan.hash).await;
        assert_eq!(refused.fault.map(|fault| fault.code), Some(FaultCode::PlanMoved));
        let (shown, writes) = plan(&engine).await;
        assert_eq!((writes.len(), shown.plan.counts.creates), (2, 2));
        let ran = apply(&engine, &shown.plan.hash).await;
        assert_eq!((ran.fault, ran.counts.created), (None, 2));
        let both = [order("d1", "Roof", "made-1"), order("d2", "Door", "made-1")];
        assert_eq!(orders(&stage), both);

        deal(&stage, "d1", "Wrong", "won", "c1");
        run(&engine, "deals").await;
        let wrong = run(&engine, "sales").await;
        assert_eq!(orders(&stage)[0]["title"], Value::text("Wrong"));
        let undone = engine.undo_once(&"sales".into(), &wrong.id).await.unwrap();
        assert_eq!(undone.fault, None);
        assert_eq!(orders(&stage), both);
        is_quiet(&stage, &engine).await;

        let undone = engine.undo_once(&"sales".into(), &ran.id).await.unwrap();
        assert_eq!((undone.fault, undone.counts.removed), (None, 2));
        assert_eq!(orders(&stage), [] as [Object; 0]);
        is_quiet(&stage, &engine).await;
        // Until the deal says something else.
        deal(&stage, "d2", "Gate", "won", "c1");
        all(&stage, &engine).await;
        assert_eq!(orders(&stage).len(), 1);
        assert_eq!(orders(&stage)[0]["title"], Value::text("Gate"));
        assert_eq!(stage.store.verify().await, Ok(vec![]));
    });
}

#[test]
fn a_changed_mapping_reaches_what_was_made() {
    block_on(async {
        let mut stage = stage();
        let engine = stage.open().await;
        all(&stage, &engine).await;
        drop(engine);
        let upper = hub_model::Transform::Clean(hub_model::Cleaner::Upper);
        let conversion = Conversion { write: Some(vec![upper.into()]), ..Conversion::default() };
        stage.rules.mappings[3].fields[1].conversion = Some(Box::new(conversion));
        let engine = stage.open().await;
        all(&stage, &engine).await;
        assert_eq!(orders(&stage), [order("d1", "ROOF", "made-1")]);
        is_quiet(&stage, &engine).await;
    });
}

/// The customer comes late, answers are lost or searches lag, and the process dies
/// after one effect, after two, and so on, until it lives.
#[test]
fn wherever_the_process_dies_there_is_one_order_of_each_deal() {
    for (behind, effects_min) in [(Behind::Nowhere, 20), (Behind::InSearches, 20)] {
        for effects in 1.. {
            let died = block_on(async {
                let mut stage = stage();
                deal(&stage, "d3", "Wall", "won", "c1");
                let body = Arc::new(MemoryStore::default());
                let fuse = Arc::new(Fuse::endless());
                stage.store = Arc::new(MortalStore::new(body, Arc::clone(&fuse)));
                stage.upkeep = None;
                let engine = stage.open().await;
                for sync in ["companies", "deals", "sales"] {
                    run(&engine, sync).await;
                }
                stage.table("sales").behind = behind;
                deal(&stage, "d1", "Big roof", "won", "c1");
                fuse.set(effects);
                for sync in SYNCS {
                    let _ = engine.run_once(&SyncId::new(sync)).await;
                }
                let died = fuse.is_burnt();
                fuse.set(i64::MAX);
                drop(engine);
                stage.table("sales").behind = Behind::Nowhere;
                let engine = stage.open().await;
                for _ in 0..3 {
                    stage.clock.set(stage.clock.now().plus_micros(LAG_MICROS));
                    all(&stage, &engine).await;
                }
                let by_deal: BTreeMap<String, Object> = orders(&stage)
                    .into_iter()
                    .map(|row| (row["reference"].as_text().unwrap().to_owned(), row))
                    .collect();
                let wanted = [order("d1", "Big roof", "made-1"), order("d3", "Wall", "made-1")];
                assert_eq!(
                    by_deal.into_values().collect::<Vec<_>>(),
                    wanted,
                    "after {effects} effects, {behind:?}"
                );
                assert_eq!(orders(&stage).len(), 2, "after {effects} effects, {behind:?}");
                assert_eq!(stage.table("parties").rows.len(), 1, "after {effects} effects");
                is_quiet(&stage, &engine).await;
                died
            });
            if !died {
                assert!(effects > effects_min, "what is tried has several effects");
                break;
            }
        }
    }
}
