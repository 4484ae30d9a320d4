//! To whom nothing is sent: whoever bounces, complains, is entered by hand, or refuses;
//! also what is queued already; and whose refusal overtakes the others.

use std::collections::BTreeMap;

use hub_engine::{Engine, EngineOptions};
use hub_model::{
    Attempt, ConsentKey, CreatePolicy, Direction, EntityKind, Fault, FaultCode, FieldMapping,
    FieldName, Identity, MadeOf, Mapping, Namespace, Normaliser, Pending, PendingKey, PendingState,
    Rules, RunStatus, StreamRef, Suppressing, SyncId, Timestamp, Value,
};
use hub_store::WriteSet;
use plugin_api::{Action, WriteItem};
use simulation::stage::{Stage, pair, run};

use super::block_on;
use super::segments::{customer, start};

/// As many are brought in 20 batches.
const QUEUE: usize = 400;

/// A customer system, what a mail sender tells, and its messages.
fn rules() -> Rules {
    let mut rules = super::segments::rules(Vec::new());
    let reports = rules.mappings.iter_mut().find(|m| m.sync == SyncId::new("site")).unwrap();
    let suppressing = |event: &str, when: Option<(&str, &str)>| Suppressing {
        event: event.into(),
        when: when.map(|(field, value)| (FieldName::new(field), vec![Value::text(value)])),
        channel: "email".into(),
    };
    reports.event.as_mut().unwrap().suppress =
        vec![suppressing("bounce", Some(("kind", "hard"))), suppressing("complaint", None)];
    let mut mail = Mapping::new(SyncId::new("mail"), StreamRef::new("default", "mail", "rows"));
    mail.fields = vec![pair("email", Direction::ToSystem, None)];
    mail.matching = vec![FieldName::new("email")];
    mail.create = CreatePolicy::CreateOnly;
    rules.mappings.push(mail);
    rules
}

fn told(stage: &Stage, key: &str, name: &str, kind: &str, email: &str) {
    let at = start().to_string();
    let row = [("type", name), ("kind", kind), ("at", &at), ("email", email)];
    stage.table("site").put(key, &row);
}

/// To whom messages went, in order.
fn sent(stage: &Stage) -> Vec<String> {
    let mail = stage.table("mail");
    let creates = mail.writes.iter().filter(|item| item.action == Action::Create);
    let to = |item: &WriteItem| match item.patch.get("email") {
        Some(Value::Text(email)) => Some(email.to_string()),
        _ => None,
    };
    creates.filter_map(to).collect()
}

async fn round(engine: &Engine) {
    for sync in ["crm", "site", "mail"] {
        run(engine, sync).await;
    }
}

#[test]
fn who_bounces_or_complains_gets_nothing_more_whatever_is_queued() {
    block_on(async {
        let stage = Stage::new(rules(), start());
        stage.table("mail").sends = Some("email".into());
        let engine = stage.open().await;
        let person = |key: &str, name: &str| {
            customer(&stage, key, [&format!("{name}@x.fr"), "customer", "", "yes"]);
        };
        person("1", "ana");
        round(&engine).await;
        assert_eq!(sent(&stage), ["ana@x.fr"]);
        // A soft bounce keeps nobody out; a hard one and a complaint do, of whom nobody
        // has heard yet as well.
        told(&stage, "e1", "bounce", "soft", "bob@x.fr");
        told(&stage, "e2", "bounce", "hard", "eva@x.fr");
        told(&stage, "e3", "complaint", "", "dan@x.fr");
        run(&engine, "site").await;
        for (key, name) in [("2", "bob"), ("3", "eva"), ("4", "dan")] {
            person(key, name);
        }
        round(&engine).await;
        assert_eq!(sent(&stage), ["ana@x.fr", "bob@x.fr"]);
        // What was sent is not taken back from whoever is on the list.
        told(&stage, "e4", "complaint", "", "ana@x.fr");
        round(&engine).await;
        assert_eq!(stage.table("mail").writes.len(), 2);
        // It is queued, and has an identity that is entered by hand.
        person("5", "fay");
        run(&engine, "crm").await;
        let fay = Identity::new("email", "fay@x.fr");
        let profile = engine.workspace().profiles_of(&fay).await.unwrap()[0].id;
        let sync = SyncId::new("mail");
        let fields =
            BTreeMap::from([("email".into(), (Value::text("fay@x.fr"), hub_model::Stamp(1)))]);
        let pending = Pending {
            key: PendingKey { sync: sync.clone(), profile, record: None },
            state: PendingState::Retry,
            attempt: Attempt { fields, idempotency_key: "k".into() },
            run: None,
            tries: 1,
            due: start(),
            fault: None,
            word: None,
        };
        let set = WriteSet { pending: vec![pending], ..WriteSet::default() };
        engine.store().commit(set).await.unwrap();
        let entry = engine.suppress(&fay, "email", Some("a letter"), "nina").await.unwrap();
        assert_eq!(entry.unwrap().by.as_deref(), Some("nina"));
        run(&engine, "mail").await;
        assert_eq!(stage.table("mail").writes.len(), 2);
        let waits = engine.store().pending(&sync, Timestamp(i64::MAX), 10).await.unwrap();
        assert_eq!(waits, [], "it is still queued");
        // The list outlives the process, and the note of who lifted stays on it.
        drop(engine);
        let engine = stage.open().await;
        round(&engine).await;
        assert_eq!(stage.table("mail").writes.len(), 2);
        engine.suppress(&fay, "email", None, "otto").await.unwrap().unwrap();
        assert!(engine.suppress(&fay, "email", None, "otto").await.unwrap().is_none());
        round(&engine).await;
        assert_eq!(sent(&stage), ["ana@x.fr", "bob@x.fr", "fay@x.fr"]);
        let list = hub_engine::suppressions::listed(engine.workspace(), None);
        let lifted = list.iter().filter(|entry| !entry.holds()).count();
        assert_eq!((list.len(), lifted), (4, 1), "{list:#?}");
        assert!(!format!("{list:?}").contains("@x.fr"), "{list:#?}");
        assert_eq!(stage.store.verify().await, Ok(vec![]));
    });
}

#[test]
fn somebody_erased_stays_on_the_list_and_a_consent_on_its_channel_counts_for_nothing() {
    block_on(async {
        let mut rules = rules();
        let mail = rules.mappings.last_mut().unwrap();
        mail.requires = vec![ConsentKey::new("news", "email")];
        mail.create = CreatePolicy::Upsert;
        let stage = Stage::new(rules, start());
        let engine = stage.open().await;
        customer(&stage, "1", ["ana@x.fr", "customer", "", "yes"]);
        round(&engine).await;
        assert_eq!(stage.table("mail").rows.len(), 1);
        // A list of addresses, not messages: what was brought is taken back.
        told(&stage, "e1", "complaint", "", "ana@x.fr");
        round(&engine).await;
        assert_eq!(stage.table("mail").rows.len(), 0);
        let ana = Identity::new("email", "ana@x.fr");
        engine.erase(&ana).await.unwrap();
        engine.tend().await.unwrap();
        let list = hub_engine::suppressions::listed(engine.workspace(), Some(&ana));
        assert!(list.len() == 1 && list[0].holds(), "{list:#?}");
    });
}

#[test]
fn one_address_of_a_person_keeps_the_others_out_and_a_code_names_no_stranger() {
    block_on(async {
        let mut rules = rules();
        rules.namespaces.push(Namespace::new("number", Normaliser::Code));
        let mail = rules.mappings.last_mut().unwrap();
        mail.fields.push(pair("status", Direction::ToSystem, None));
        let stage = Stage::new(rules, start());
        stage.table("mail").sends = Some("email".into());
        let engine = stage.open().await;
        customer(&stage, "1", ["old@x.fr", "customer", "", "yes"]);
        run(&engine, "crm").await;
        customer(&stage, "1", ["new@x.fr", "customer", "", "yes"]);
        customer(&stage, "2", ["bob@x.fr", "42", "", "yes"]);
        // The old address is hers, though nobody shows it any more; and what looks like
        // somebody's number is not, in a message to another.
        let enter = async |namespace: &str, value: &str| {
            let identity = Identity::new(namespace, value);
            engine.suppress(&identity, "email", Some("a letter"), "nina").await.unwrap().unwrap();
        };
        enter("email", "old@x.fr").await;
        enter("number", "42").await;
        round(&engine).await;
        assert_eq!(sent(&stage), ["bob@x.fr"]);
    });
}

#[test]
fn a_list_is_not_opened_under_another_key() {
    block_on(async {
        let stage = Stage::new(rules(), start());
        let engine = stage.open().await;
        let ana = Identity::new("email", "ana@x.fr");
        engine.suppress(&ana, "email", Some("a letter"), "nina").await.unwrap();
        drop(engine);
        let open = async |privacy_key| {
            let options = EngineOptions {
                store: stage.store.clone(),
                rules: stage.rules.clone(),
                jobs: Vec::new(),
                env: stage.clock.clone(),
                upkeep: None,
                privacy_key,
            };
            Engine::open(options).await.map(drop)
        };
        assert_eq!(open([7; 32]).await, Ok(()));
        assert!(matches!(open([8; 32]).await, Err(hub_store::Error::Unavailable(_))));
    });
}

/// A letter for each order, which asks for the buyer's consent.
fn letters() -> Rules {
    let mut rules = super::segments::rules(Vec::new());
    let shop = rules.mappings.iter_mut().find(|m| m.sync == SyncId::new("shop")).unwrap();
    shop.fields.push(pair("number", Direction::ToProfile, None));
    let made_of =
        MadeOf { stream: shop.stream.clone(), when: Vec::new(), whose: Some("buyer".into()) };
    let mut mail = Mapping::new(SyncId::new("mail"), StreamRef::new("default", "mail", "rows"));
    mail.kind = EntityKind::object("letter");
    let to = FieldMapping { to: "buyer".into(), ..pair("email", Direction::ToSystem, None) };
    mail.fields = vec![to, pair("number", Direction::ToSystem, None)];
    mail.matching = vec![FieldName::new("number")];
    mail.create = CreatePolicy::CreateOnly;
    mail.requires = vec![ConsentKey::new("news", "email")];
    mail.made_of = Some(made_of);
    rules.mappings.push(mail);
    rules
}

#[test]
fn a_letter_for_an_order_goes_to_a_buyer_who_consents_and_to_nobody_unknown() {
    block_on(async {
        let stage = Stage::new(letters(), start());
        stage.table("mail").sends = Some("email".into());
        stage.table("mail").purposes = vec!["news".into()];
        let engine = stage.open().await;
        let says = |key: &str, name: &str, optin: &str| {
            customer(&stage, key, [&format!("{name}@x.fr"), "customer", "", optin]);
        };
        let ordered = |number: &str, buyer: &str| {
            let row = [("buyer", buyer), ("number", number)];
            stage.table("shop").put(number, &row);
        };
        let round = async || {
            for sync in ["crm", "shop", "mail"] {
                run(&engine, sync).await;
            }
        };
        says("1", "ana", "yes");
        says("2", "bob", "no");
        ordered("o1", "ana@x.fr");
        ordered("o2", "bob@x.fr");
        ordered("o3", "eva@x.fr");
        ordered("o4", "");
        round().await;
        assert_eq!(sent(&stage), ["ana@x.fr"]);
        // Whoever is known later and consents gets hers then.
        says("3", "eva", "yes");
        round().await;
        assert_eq!(sent(&stage), ["ana@x.fr", "eva@x.fr"]);
        // One is queued, which the mail server did not take; then she refuses.
        let mail = SyncId::new("mail");
        let waits = async || engine.store().pending(&mail, Timestamp(i64::MAX), 10).await.unwrap();
        stage.table("mail").refuses = Some(|_| true);
        ordered("o5", "ana@x.fr");
        run(&engine, "shop").await;
        run(&engine, "mail").await;
        assert_eq!(waits().await.len(), 1);
        stage.table("mail").refuses = None;
        says("1", "ana", "no");
        stage.clock.set(start().plus_seconds(7_200));
        round().await;
        assert_eq!(sent(&stage), ["ana@x.fr", "eva@x.fr"]);
        assert_eq!(waits().await, [], "it is still queued");
        // Nor is anything written of an order when whoever bought is on the list.
        says("1", "ana", "yes");
        let ana = Identity::new("email", "ana@x.fr");
        engine.suppress(&ana, "email", Some("a letter"), "nina").await.unwrap();
        round().await;
        assert_eq!(sent(&stage), ["ana@x.fr", "eva@x.fr"]);
        assert_eq!(stage.store.verify().await, Ok(vec![]));
    });
}

/// A source that states consents; tools that ask for one, or tell of it, and one whose
/// account is used up after a few writes.
fn tools() -> Rules {
    let mut rules = super::segments::rules(Vec::new());
    let written = |name| pair(name, Direction::ToSystem, None);
    for tool in ["list", "shop2", "slow"] {
        let stream = StreamRef::new("default", tool, "rows");
        let mut mapping = Mapping::new(SyncId::new(tool), stream);
        mapping.deletes_percent_max = 100;
        mapping.matching = vec![FieldName::new("email")];
        mapping.fields = ["email", "status"].map(written).into();
        match tool {
            "list" => mapping.requires = vec![ConsentKey::new("news", "email")],
            _ => mapping.fields.push(written("optin")),
        }
        rules.mappings.push(mapping);
    }
    rules
}

fn says(stage: &Stage, key: usize, status: &str, optin: &str) {
    customer(stage, &format!("{key:03}"), [&format!("p{key}@x.fr"), status, "", optin]);
}

/// Where among the writes of a tool it is told of a refusal, or told to forget whoever
/// refuses; and how many writes there were.
fn place_of_refusal(stage: &Stage, tool: &str) -> (Option<usize>, usize) {
    let table = stage.table(tool);
    let tells = |item: &WriteItem| {
        matches!(item.action, Action::Delete | Action::Archive)
            || item.patch.get("optin") == Some(&Value::text("no"))
    };
    (table.writes.iter().position(tells), table.writes.len())
}

#[test]
fn a_refusal_reaches_every_other_tool_before_all_that_waits() {
    block_on(async {
        let mut stage = Stage::new(tools(), start());
        stage.guards.records_percent_max = 100;
        let engine = stage.open().await;
        let everywhere = async || {
            for tool in ["list", "shop2", "slow"] {
                let run = engine.run_once(&SyncId::new(tool)).await.expect("no run overlaps");
                assert!(run.fault.is_none() || run.status == RunStatus::Waiting, "{run:#?}");
            }
        };
        (0..QUEUE).for_each(|key| says(&stage, key, "lead", "yes"));
        run(&engine, "crm").await;
        everywhere().await;
        // Everybody says something new, and all of it waits; one tool asked to be left
        // alone for an hour besides.
        (0..QUEUE).for_each(|key| says(&stage, key, "customer", "yes"));
        run(&engine, "crm").await;
        stage.table("slow").says =
            Some(Fault::new(FaultCode::RateLimited).with("after_seconds", 3_600));
        run_to_wait(&engine, "slow").await;
        for tool in ["list", "shop2", "slow"] {
            stage.table(tool).writes.clear();
        }
        stage.table("slow").says = None;
        stage.clock.set(start().plus_seconds(7_200));
        // The newest of all refuses.
        says(&stage, QUEUE - 1, "customer", "no");
        run(&engine, "crm").await;
        everywhere().await;
        for tool in ["list", "shop2", "slow"] {
            assert_eq!(place_of_refusal(&stage, tool), (Some(0), QUEUE), "{tool}");
        }
    });
}

async fn run_to_wait(engine: &Engine, tool: &str) {
    let waits = engine.run_once(&SyncId::new(tool)).await.expect("no run overlaps");
    assert_eq!(waits.status, RunStatus::Waiting, "{waits:#?}");
}

#[test]
fn scheduled_syncs_that_must_hear_of_a_refusal_run_at_once() {
    block_on(async {
        let mut stage = Stage::new(tools(), start());
        stage.schedule = "@daily";
        let engine = stage.open().await;
        let ticked = async || {
            engine.tick().await.expect("the store answers");
            while engine.status().iter().any(|sync| sync.running.is_some()) {
                tokio::task::yield_now().await;
            }
        };
        says(&stage, 1, "lead", "yes");
        for sync in ["crm", "list", "shop2", "slow"] {
            run(&engine, sync).await;
        }
        // A change waits for its time; a refusal does not, and takes the change along.
        says(&stage, 1, "customer", "yes");
        run(&engine, "crm").await;
        ticked().await;
        assert_eq!(stage.table("list").writes.len(), 1);
        says(&stage, 1, "customer", "no");
        run(&engine, "crm").await;
        ticked().await;
        assert_eq!(stage.table("list").rows.len(), 0);
        assert_eq!(stage.table("shop2").writes.len(), 2);
        ticked().await;
        assert_eq!(stage.table("shop2").writes.len(), 2);
    });
}
