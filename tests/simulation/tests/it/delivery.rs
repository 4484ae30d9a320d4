//! Deliveries that once went wrong in a fleet, each on a stage of a few rows.

use hub_model::{
    Direction, FieldMapping, FieldName, Identity, Mapping, Namespace, Normaliser, Rules, StreamRef,
    Survivorship, SyncId, Timestamp, TraitName, TraitRule, Value,
};
use simulation::stage::{Behind, Stage, pair, run};

use super::block_on;

fn mapping(id: &str, fields: Vec<FieldMapping>) -> Mapping {
    let stream = StreamRef::new("default", id, "people");
    let matching = vec![FieldName::from("email")];
    Mapping { fields, matching, deletes_percent_max: 100, ..Mapping::new(SyncId::new(id), stream) }
}

/// A shop that tells, and a CRM that listens; `crm` is the way of its fields.
fn stage(crm: Direction) -> Stage {
    let identity = crm.reads().then_some("email");
    let shop = vec![
        pair("email", Direction::ToProfile, Some("email")),
        pair("name", Direction::ToProfile, None),
    ];
    let crm = vec![pair("email", crm, identity), pair("name", crm, None)];
    let namespaces = vec![Namespace::new("email", Normaliser::Email)];
    let mappings = vec![mapping("shop", shop), mapping("crm", crm)];
    let rules = Rules::new("default".into(), namespaces, mappings);
    Stage::new(rules, Timestamp::from_seconds(1_000_000))
}

/// The halves that were not asked yet were once refused with the bad item.
#[test]
fn one_bad_item_of_an_atomic_batch_is_rejected_alone() {
    block_on(async {
        let stage = stage(Direction::ToSystem);
        for (key, name) in [("1", "ana"), ("2", "bad"), ("3", "eva"), ("4", "bob"), ("5", "zoe")] {
            let email = format!("{name}@x.fr");
            stage.table("shop").put(key, &[("email", &email), ("name", name)]);
        }
        stage.table("crm").refuses = Some(|row| row.get("name") == Some(&Value::text("bad")));
        let engine = stage.open().await;
        run(&engine, "shop").await;
        let ran = run(&engine, "crm").await;
        assert_eq!((ran.counts.created, ran.counts.rejected), (4, 1));
        let again = run(&engine, "crm").await;
        assert_eq!(again.counts.writes, 0);
    });
}

/// An edit that changes no golden value does not stay where it was typed.
#[test]
fn an_edit_that_is_overruled_is_written_over() {
    block_on(async {
        let mut stage = stage(Direction::Both);
        let rule = Survivorship::Min;
        stage.rules.traits =
            vec![TraitRule { name: TraitName::from("name"), rule, sources: Vec::new() }];
        stage.table("shop").put("1", &[("email", "ana@x.fr"), ("name", "Ana")]);
        stage.table("crm").put("k", &[("email", "ana@x.fr"), ("name", "Bea")]);
        let engine = stage.open().await;
        run(&engine, "shop").await;
        run(&engine, "crm").await;
        assert_eq!(stage.table("crm").rows["k"]["name"], Value::text("Ana"));
        stage.table("crm").put("k", &[("email", "ana@x.fr"), ("name", "Zoe")]);
        run(&engine, "crm").await;
        assert_eq!(stage.table("crm").rows["k"]["name"], Value::text("Ana"));
        assert_eq!(run(&engine, "crm").await.counts.writes, 0);
    });
}

/// A row in the way, which may be so for a while only, once stopped a create for
/// good.
#[test]
fn a_row_that_was_in_the_way_is_looked_for_again() {
    block_on(async {
        let stage = stage(Direction::ToSystem);
        stage.table("shop").put("1", &[("email", "ana@x.fr"), ("name", "Ana")]);
        for key in ["k", "l"] {
            stage.table("crm").put(key, &[("email", "ana@x.fr"), ("name", "Bea")]);
        }
        let engine = stage.open().await;
        run(&engine, "shop").await;
        let ran = run(&engine, "crm").await;
        assert_eq!((ran.counts.created, ran.counts.rejected), (0, 1));
        stage.table("crm").rows.clear();
        assert_eq!(run(&engine, "crm").await.counts.created, 0, "not yet");
        stage.clock.set(Timestamp::from_seconds(1_000_000 + 2 * 3_600));
        assert_eq!(run(&engine, "crm").await.counts.created, 1);
    });
}

/// While nobody knew what had become of a create, its person left and came anew: the
/// row once went to who was gone, and he got another one.
#[test]
fn a_row_that_comes_to_light_belongs_to_who_came_anew() {
    for behind in [Behind::InSearches, Behind::Everywhere] {
        block_on(async {
            let stage = stage(Direction::Both);
            stage.table("shop").put("1", &[("email", "ana@x.fr"), ("name", "Ana")]);
            stage.table("crm").behind = behind;
            let engine = stage.open().await;
            for sync in ["shop", "crm"] {
                run(&engine, sync).await;
            }
            // Between two readings she is nobody's.
            stage.table("shop").rows.clear();
            run(&engine, "shop").await;
            stage.table("shop").put("2", &[("email", "ana@x.fr"), ("name", "Ana B.")]);
            for sync in ["shop", "crm", "crm"] {
                run(&engine, sync).await;
            }
            assert_eq!(stage.table("crm").rows.len(), 1, "{behind:?}");
            stage.table("crm").behind = Behind::Nowhere;
            for hours in [2, 4] {
                stage.clock.set(Timestamp::from_seconds(1_000_000 + hours * 3_600));
                run(&engine, "crm").await;
            }
            let rows = stage.table("crm").rows.clone();
            assert_eq!(rows.len(), 1, "{behind:?}");
            assert_eq!(rows["made-1"]["name"], Value::text("Ana B."), "{behind:?}");
            let claims = stage.store.claims(&[Identity::new("email", "ana@x.fr")]).await.unwrap();
            assert_eq!(claims[0].profiles.len(), 1, "{behind:?}");
        });
    }
}
