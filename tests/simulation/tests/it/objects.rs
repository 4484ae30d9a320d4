//! Orders, invoices and households among people: they relate, and move nobody.

use hub_engine::Engine;
use hub_engine::people::decide::{self, Ask};
use hub_engine::related::{self, links};
use hub_model::{
    Direction, EntityKind, FieldMapping, FieldName, Identity, Mapping, Namespace, Normaliser,
    ProfileId, Record, RecordRef, Related, RelatesTo, RelationMapping, Rules, StreamRef, SyncId,
    Timestamp, Value, WhenErased, WorkspaceId,
};
use hub_store_sled::SledStore;
use serde_json::json;
use simulation::stage::{Stage, pair, run};

use super::block_on;

const READ: Direction = Direction::ToProfile;

fn mapping(id: &str, stream: &str, fields: Vec<FieldMapping>) -> Mapping {
    let stream = StreamRef::new("default", id, stream);
    Mapping { fields, deletes_percent_max: 100, ..Mapping::new(SyncId::new(id), stream) }
}

fn relates(field: &str, role: &str, to: RelatesTo) -> RelationMapping {
    RelationMapping { field: FieldName::new(field), role: role.into(), to }
}

fn to(namespace: &str) -> RelatesTo {
    RelatesTo::Namespace(namespace.into())
}

/// A shop's customers with their households and spouses, its orders, and the
/// invoices of another system, which leave with whom they name.
fn rules() -> Rules {
    let mut shop = mapping(
        "shop",
        "people",
        vec![
            pair("code", READ, Some("customer")),
            pair("email", READ, Some("email")),
            pair("home", READ, None),
            pair("spouse", READ, None),
        ],
    );
    shop.relations = vec![
        relates("home", "household", to("household")),
        relates("spouse", "spouse", to("email")),
    ];
    let fields = ["customer", "email", "total", "note"];
    let mut orders =
        mapping("orders", "orders", fields.map(|field| pair(field, READ, None)).to_vec());
    orders.kind = EntityKind::object("order");
    orders.relations = vec![
        relates("customer", "buyer", to("customer")),
        relates("email", "receiver", to("email")),
    ];
    orders.schema = Some(json!({ "required": ["total"] }));
    let fields = ["order", "customer"];
    let mut invoices =
        mapping("books", "invoices", fields.map(|field| pair(field, READ, None)).to_vec());
    invoices.kind = EntityKind::object("invoice");
    invoices.when_erased = WhenErased::Erase;
    let order = RelatesTo::Stream(StreamRef::new("default", "orders", "orders"));
    invoices.relations =
        vec![relates("order", "order", order), relates("customer", "debtor", to("customer"))];
    let namespaces = vec![
        Namespace::new("customer", Normaliser::Code),
        Namespace::new("email", Normaliser::Email),
        Namespace::new("household", Normaliser::Code),
    ];
    Rules::new("default".into(), namespaces, vec![shop, orders, invoices])
}

fn stage() -> Stage {
    let stage = Stage::new(rules(), Timestamp::from_seconds(1_000_000));
    {
        let mut shop = stage.table("shop");
        shop.put("1", &[("code", "c1"), ("email", "ana@x.fr"), ("home", "H7")]);
        shop.put(
            "2",
            &[("code", "c2"), ("email", "bob@x.fr"), ("home", "h7"), ("spouse", "Ana@x.fr")],
        );
        shop.put("3", &[("code", "c3"), ("email", "eve@x.fr")]);
    }
    {
        let mut orders = stage.table("orders");
        orders.put("o1", &[("customer", "C1"), ("total", "10"), ("note", "leave with Ana@X.fr")]);
        orders.put("o2", &[("customer", "c2"), ("email", "ana@x.fr"), ("total", "20")]);
        orders.put("o3", &[("customer", "c9"), ("total", "30")]);
        orders.put("o4", &[("customer", "c1")]); // no total: rejected
    }
    stage.table("books").put("i1", &[("order", "o1"), ("customer", "c1")]);
    stage.table("books").put("i2", &[("order", "o2")]);
    stage
}

async fn all(stage: &Stage, engine: &Engine) {
    for sync in ["orders", "books", "shop"] {
        run(engine, sync).await;
    }
    assert_eq!(stage.store.verify().await, Ok(vec![]));
}

fn email(name: &str) -> Identity {
    Identity::new("email", &format!("{name}@x.fr"))
}

async fn profile(engine: &Engine, identity: &Identity) -> hub_model::Profile {
    let mut found = engine.workspace().profiles_of(identity).await.unwrap();
    assert_eq!(found.len(), 1, "{identity}");
    found.remove(0)
}

/// `role kind key` of everything that relates to the profile of an identity.
async fn related(engine: &Engine, identity: &Identity) -> Vec<String> {
    let workspace = engine.workspace();
    let ends = related::ends(workspace, &profile(engine, identity).await).await.unwrap();
    told(engine, &ends).await
}

async fn told(engine: &Engine, ends: &[Related]) -> Vec<String> {
    let found = links(engine.workspace(), ends, None, None, 100).await.unwrap();
    assert_eq!(found.next, None);
    let mut told: Vec<String> = found
        .links
        .iter()
        .map(|link| format!("{} {} {}", link.role, link.kind.as_str(), link.record.at.key))
        .collect();
    told.sort();
    told
}

async fn objects(stage: &Stage) -> Vec<Record> {
    let mut found = Vec::new();
    for (connection, stream) in [("orders", "orders"), ("books", "invoices")] {
        let stream = StreamRef::new("default", connection, stream);
        found.extend(stage.store.scan_records(&stream, None, 99).await.unwrap());
    }
    found
}

#[test]
fn an_order_is_found_as_soon_as_its_person_is_known() {
    block_on(async {
        let stage = stage();
        let engine = stage.open().await;
        let first = run(&engine, "orders").await;
        assert_eq!((first.counts.new, first.counts.quarantined), (3, 1));
        let stats = stage.store.stats().await.unwrap();
        assert_eq!((stats.records, stats.profiles, stats.claims, stats.relations), (3, 0, 0, 4));
        assert!(objects(&stage).await.iter().all(|o| o.profile == ProfileId::NOBODY));
        all(&stage, &engine).await;
        let ana = ["buyer order o1", "debtor invoice i1", "receiver order o2", "spouse person 2"];
        assert_eq!(related(&engine, &email("ana")).await, ana);
        assert_eq!(related(&engine, &email("bob")).await, ["buyer order o2"]);
        assert_eq!(related(&engine, &email("eve")).await, [] as [&str; 0]);
        assert_eq!(stage.store.stats().await.unwrap().profiles, 3);
        // Between objects, by their keys.
        let at = RecordRef { stream: rules().mappings[1].stream.clone(), key: "o1".into() };
        assert_eq!(told(&engine, &[Related::Row(at)]).await, ["order invoice i1"]);

        // Read again, nothing is written: neither now nor by a new process.
        let before = stage.store.stats().await.unwrap();
        let engine = stage.open().await;
        for sync in ["orders", "books", "shop"] {
            let again = run(&engine, sync).await;
            assert_eq!((again.counts.new, again.counts.changed), (0, 0), "{sync}");
        }
        let after = stage.store.stats().await.unwrap();
        assert_eq!((before.records, before.relations), (after.records, after.relations));

        // Mended, changed, deleted, and back, like any row.
        stage.table("orders").put("o4", &[("customer", "c3"), ("total", "40")]);
        stage.table("orders").put("o1", &[("customer", "c3"), ("total", "11")]);
        stage.table("orders").rows.remove("o2");
        let run_three = run(&engine, "orders").await.counts;
        assert_eq!((run_three.new, run_three.changed, run_three.deleted), (1, 1, 1));
        assert_eq!(related(&engine, &email("eve")).await, ["buyer order o1", "buyer order o4"]);
        assert_eq!(related(&engine, &email("bob")).await, [] as [&str; 0]);
        stage.table("orders").put("o2", &[("customer", "c2"), ("total", "20")]);
        run(&engine, "orders").await;
        assert_eq!(related(&engine, &email("bob")).await, ["buyer order o2"]);
        assert_eq!(stage.store.verify().await, Ok(vec![]));
    });
}

#[test]
fn merging_customers_moves_no_order() {
    block_on(async {
        let stage = stage();
        let engine = stage.open().await;
        all(&stage, &engine).await;
        let before = objects(&stage).await;
        let (ana, bob) =
            (profile(&engine, &email("ana")).await, profile(&engine, &email("bob")).await);
        let ask = Ask::Merge(ana.id, bob.id);
        decide::apply(engine.workspace(), &ask, "admin").await.unwrap();
        let both = ["buyer order o1", "buyer order o2", "debtor invoice i1"];
        let found = related(&engine, &email("bob")).await;
        assert!(both.iter().all(|one| found.contains(&(*one).to_owned())), "{found:?}");
        assert_eq!(found, related(&engine, &email("ana")).await);
        assert_eq!(objects(&stage).await, before, "no order was touched");

        let undo = Ask::Undo(ana.id, bob.id);
        decide::apply(engine.workspace(), &undo, "admin").await.unwrap();
        assert_eq!(related(&engine, &email("bob")).await, ["buyer order o2"]);
        assert_eq!(objects(&stage).await, before, "no order was touched");
        assert_eq!(stage.store.verify().await, Ok(vec![]));
    });
}

#[test]
fn a_household_relates_without_merging() {
    block_on(async {
        let stage = stage();
        let engine = stage.open().await;
        all(&stage, &engine).await;
        let home = Related::Identity(Identity::new("household", "h7"));
        assert_eq!(told(&engine, &[home]).await, ["household person 1", "household person 2"]);
        assert!(stage.store.reviews(9).await.unwrap().is_empty());
        let bob = profile(&engine, &email("bob")).await;
        let records: Vec<Record> =
            stage.store.records(&bob.records).await.unwrap().into_iter().flatten().collect();
        let others = related::others(engine.workspace(), &records).await.unwrap();
        let ana = profile(&engine, &email("ana")).await;
        let found: Vec<(&str, &[ProfileId])> =
            others.iter().map(|other| (&*other.role, other.profiles.as_slice())).collect();
        assert_eq!(found, [("household", &[][..]), ("spouse", &[ana.id][..])]);
    });
}

#[test]
fn changed_rules_relate_anew_and_a_changed_kind_begins_anew() {
    block_on(async {
        let mut stage = stage();
        let engine = stage.open().await;
        all(&stage, &engine).await;
        drop(engine);
        // The receiver is the buyer now, and nobody's customer code counts.
        stage.rules.mappings[1].relations = vec![relates("email", "buyer", to("email"))];
        let engine = stage.open().await;
        let ana = ["buyer order o2", "debtor invoice i1", "spouse person 2"];
        assert_eq!(related(&engine, &email("ana")).await, ana);
        assert_eq!(stage.store.verify().await, Ok(vec![]));
        drop(engine);

        // Orders were meant to be people, and then they were not.
        let stats = stage.store.stats().await.unwrap();
        for kind in [EntityKind::Account, EntityKind::object("order")] {
            let people = !kind.is_object();
            stage.rules.mappings[1].kind = kind;
            let engine = stage.open().await;
            assert_eq!(objects(&stage).await.len(), 2, "the orders are forgotten");
            all(&stage, &engine).await;
            let now = stage.store.stats().await.unwrap();
            assert_eq!(now.records, stats.records);
            assert_eq!(now.profiles, stats.profiles + if people { 3 } else { 0 });
        }
    });
}

fn holds(value: &impl std::fmt::Debug, text: &str) -> bool {
    format!("{value:?}").to_lowercase().contains(text)
}

#[test]
fn what_names_an_erased_person_leaves_objects_and_stays_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path(), &WorkspaceId::new("default")).unwrap();
    block_on(async {
        let memory = stage();
        let now = Timestamp::from_seconds(1_000_000);
        let mut stage = Stage::over(std::sync::Arc::new(store), rules(), now);
        stage.tables = memory.tables;
        let engine = stage.open().await;
        all(&stage, &engine).await;
        let bob = profile(&engine, &email("bob")).await;
        let begun = engine.erase(&email("ana")).await.unwrap();
        assert_eq!((begun.records, begun.objects), (1, 3));
        engine.tend().await.unwrap();
        assert_eq!(stage.store.verify().await, Ok(vec![]));

        let check = async |moment: &str| {
            let left = objects(&stage).await;
            assert!(!holds(&left, "ana@x.fr") && !holds(&left, "\"c1\""), "{moment}: {left:?}");
            // The orders are the shop's; the invoice left, as its sync says.
            let keys: Vec<&str> = left.iter().map(|object| object.at.key.as_str()).collect();
            assert_eq!(keys, ["o1", "o2", "o3", "i2"], "{moment}");
            assert_eq!(related(&engine, &email("bob")).await, ["buyer order o2"], "{moment}");
            let now = profile(&engine, &email("bob")).await;
            assert_eq!((now.id, now.records), (bob.id, bob.records.clone()), "{moment}");
            let own = stage.store.records(&bob.records).await.unwrap();
            assert!(!holds(&own, "ana@x.fr"), "{moment}: the spouse");
            let ends = [Related::Identity(email("ana"))];
            assert_eq!(told(&engine, &ends).await, [] as [&str; 0], "{moment}");
        };
        check("erased").await;
        // The systems go on showing everything.
        all(&stage, &engine).await;
        check("read again").await;
        // A row that changes comes in, without what is the person's alone.
        for (table, key) in [("orders", "o1"), ("orders", "o2"), ("books", "i1")] {
            let mut table = stage.table(table);
            let row = table.rows.get_mut(key).unwrap();
            row.insert("total".into(), Value::text("99"));
            row.remove("note");
        }
        all(&stage, &engine).await;
        check("changed").await;
        let totals = objects(&stage).await.into_iter().filter(|object| holds(object, "\"99\""));
        assert_eq!(totals.count(), 2);
    });
}
