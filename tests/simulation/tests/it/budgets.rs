//! One budget per account: whoever finds it used up waits, and goes on by himself.

use hub_engine::{Engine, Env as _};
use hub_model::{
    AccountName, ConnectionId, Direction, Fault, FaultCode, Identity, Namespace, Normaliser,
    RateBudget, RateHint, Rules, Run, RunStatus, SyncId, Timestamp, Trigger,
};
use simulation::stage::{Stage, pair, run};

use super::{block_on, mapping};

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
const DAY: u32 = 86_400;

/// A shop that tells, and a CRM and a sender that listen.
fn stage() -> Stage {
    let shop = vec![
        pair("email", Direction::ToProfile, Some("email")),
        pair("name", Direction::ToProfile, None),
    ];
    let to =
        |_| vec![pair("email", Direction::ToSystem, None), pair("name", Direction::ToSystem, None)];
    let namespaces = vec![Namespace::new("email", Normaliser::Email)];
    let mappings = vec![mapping("shop", shop), mapping("crm", to(0)), mapping("mail", to(1))];
    let rules = Rules::new("default".into(), namespaces, mappings);
    let stage = Stage::new(rules, NOW);
    stage.table("shop").put("1", &[("email", "ana@x.fr"), ("name", "Ana")]);
    stage
}

fn budget(calls: u32, window_seconds: u32) -> RateBudget {
    RateBudget { scope: "account".to_owned(), calls, window_seconds, concurrency: 0 }
}

async fn ran(engine: &Engine, sync: &str) -> Run {
    engine.run_once(&SyncId::new(sync)).await.expect("no run overlaps")
}

/// Ticks until nothing runs; the newest run of a sync.
async fn ticked(stage: &Stage, engine: &Engine, sync: &str) -> Run {
    engine.tick().await.expect("the store answers");
    while engine.status().iter().any(|sync| sync.running.is_some()) {
        tokio::task::yield_now().await;
    }
    stage.store.runs(Some(&SyncId::new(sync)), 1).await.expect("answers").remove(0)
}

/// Two connections of one account have one allowance, also after a restart; the
/// third system has its own.
#[test]
fn an_account_is_counted_once_and_a_run_that_waits_goes_on_by_itself() {
    block_on(async {
        let mut stage = stage();
        for connection in ["shop", "crm"] {
            stage.accounts.insert(ConnectionId::new(connection), AccountName::new("acme"));
            stage.table(connection).budgets = vec![budget(6, DAY)];
        }
        let engine = stage.open().await;
        run(&engine, "shop").await; // discovers and reads
        run(&engine, "crm").await; // discovers, looks and creates
        run(&engine, "crm").await; // discovers
        assert_eq!(stage.table("shop").calls + stage.table("crm").calls, 6);

        stage.table("shop").put("2", &[("email", "bob@x.fr"), ("name", "Bob")]);
        let waits = ran(&engine, "shop").await;
        assert_eq!(waits.status, RunStatus::Waiting);
        let fault = waits.fault.expect("it says why");
        let until = waits.until.expect("it says until when");
        assert_eq!(fault.code, FaultCode::QuotaExhausted);
        assert_eq!(fault.args["until"], until.to_string());
        assert!(until > NOW.plus_seconds(80_000) && until < NOW.plus_seconds(90_000), "{until}");
        assert_eq!(stage.table("shop").calls, 2, "it was not called");
        assert_eq!(run(&engine, "mail").await.counts.created, 1, "others go on");

        // What was spent and who waits survives the process.
        drop(engine);
        let engine = stage.open().await;
        let status = |engine: &Engine, sync: &str| {
            engine.status().into_iter().find(|s| s.id.as_str() == sync).expect("there")
        };
        assert_eq!(status(&engine, "shop").until, Some(until));
        assert_eq!(ran(&engine, "crm").await.status, RunStatus::Waiting);
        stage.clock.set(until.plus_seconds(-60));
        assert_eq!(ticked(&stage, &engine, "shop").await.until, Some(until), "not yet");
        // What was kept ahead counts as spent: a restart costs a little.
        stage.clock.set(until.plus_seconds(i64::from(DAY)));
        let resumed = ticked(&stage, &engine, "shop").await;
        assert_eq!((resumed.trigger, resumed.status), (Trigger::Resumed, RunStatus::Succeeded));
        assert_eq!((resumed.counts.new, resumed.until), (1, None));
        assert_eq!(status(&engine, "shop").until, None);
    });
}

/// What a vendor says ends a run as what we counted does; nobody calls it meanwhile.
#[test]
fn a_vendors_word_is_waited_out() {
    block_on(async {
        let stage = stage();
        let engine = stage.open().await;
        run(&engine, "shop").await;
        let quota = Fault::new(FaultCode::QuotaExhausted).with("after_seconds", 7_200);
        stage.table("crm").says = Some(quota);
        let waits = ran(&engine, "crm").await;
        assert_eq!(waits.status, RunStatus::Waiting);
        let until = waits.until.expect("until when");
        assert!((until.0 - NOW.plus_seconds(7_200).0).abs() < 1_000_000, "{until}");
        let calls = stage.table("crm").calls;
        assert_eq!(ran(&engine, "crm").await.status, RunStatus::Waiting);
        assert_eq!(stage.table("crm").calls, calls, "it asked to be left alone");
        stage.table("crm").says = None;
        stage.clock.set(until.plus_seconds(10));
        assert_eq!(ticked(&stage, &engine, "crm").await.counts.created, 1);

        // Without a time each vain run waits longer.
        stage.table("mail").says = Some(Fault::new(FaultCode::RateLimited));
        let mut waited = Vec::new();
        for _ in 0..8 {
            let waits = ran(&engine, "mail").await;
            waited
                .push((waits.until.expect("waits").0 - waits.ended.expect("ended").0) / 1_000_000);
        }
        assert_eq!(waited, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
    });
}

/// What remains by the vendor's count is less than ours where others use it too.
#[test]
fn hints_are_heard() {
    block_on(async {
        let stage = stage();
        stage.table("crm").budgets = vec![budget(1_000, DAY)];
        let engine = stage.open().await;
        run(&engine, "shop").await;
        stage.table("crm").hints = vec![RateHint {
            scope: "account".to_owned(),
            remaining: Some(0),
            limit: Some(1_000),
            reset_after_seconds: Some(3_000),
            cost: None,
        }];
        let waits = ran(&engine, "crm").await;
        assert_eq!((waits.status, stage.table("crm").calls), (RunStatus::Waiting, 1));
    });
}

/// An erasure finds room where a sync finds none.
#[test]
fn an_erasure_does_not_wait_for_tomorrow() {
    block_on(async {
        let stage = stage();
        stage.table("crm").budgets = vec![budget(40, DAY)];
        let engine = stage.open().await;
        run(&engine, "shop").await;
        run(&engine, "crm").await;
        while ran(&engine, "crm").await.status != RunStatus::Waiting {}
        assert!(stage.table("crm").calls < 40, "a part is left for what has haste");
        stage.table("shop").rows.clear();
        engine.erase(&Identity::new("email", "ana@x.fr")).await.expect("she is known");
        engine.tend().await.expect("tended");
        assert_eq!(ran(&engine, "crm").await.status, RunStatus::Waiting);
        assert!(stage.table("crm").rows.is_empty(), "she is forgotten there");
    });
}

/// Before a first load it is said what it takes.
#[test]
fn a_first_load_is_foretold() {
    block_on(async {
        let stage = stage();
        for row in 2..=100 {
            let email = format!("p{row}@x.fr");
            stage.table("shop").put(&row.to_string(), &[("email", &email), ("name", "P")]);
        }
        stage.table("crm").budgets = vec![budget(50, DAY)];
        let engine = stage.open().await;
        run(&engine, "shop").await;
        let shown = engine.plan(&SyncId::new("crm"), &mut |_| {}).await.expect("a plan");
        let told = shown.forecast.expect("a forecast");
        // 5 batches of 20 to look for and to write, after a look at the streams.
        assert_eq!((told.calls, told.of, told.percent), (11, 50, 22));
        let loaded = run(&engine, "crm").await;
        assert_eq!(loaded.forecast.map(|told| told.calls), Some(11));
        assert_eq!(stage.table("crm").calls, 12, "11 and one for the plan");
        assert_eq!(run(&engine, "crm").await.forecast, None, "only the first is");
        let none = engine.plan(&SyncId::new("mail"), &mut |_| {}).await.expect("a plan");
        assert_eq!(none.forecast, None, "where nothing is limited");
    });
}

/// An export takes its time: the run waits as long as the vendor asks for, and reads
/// what was made.
#[test]
fn a_run_waits_for_an_export_as_long_as_it_is_asked_to() {
    block_on(async {
        let stage = stage();
        stage.table("shop").export_pages = 3;
        let engine = stage.open().await;
        let begun = stage.clock.now();
        let read = run(&engine, "shop").await;
        assert_eq!((read.status, read.counts.read), (RunStatus::Succeeded, 1));
        // Besides, the clock of this test moves by a microsecond whenever it is asked.
        assert_eq!((stage.clock.now().0 - begun.0) / 1_000_000, 15);
    });
}
