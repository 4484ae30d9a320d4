//! Budgets: nobody ever gets more than the vendor allows, everybody gets on.

use hub_model::{Priority, RateBudget, RateHint, Timestamp};
use hub_schedule::budget::{Ask, Spent, Verdict, decide, forecast, reserve, spoken_of};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const ALL: [Priority; 4] = [Priority::Erase, Priority::Trigger, Priority::Sync, Priority::Backfill];
const DAY: u32 = 86_400;

/// Dice (SplitMix64): a seed decides everything.
struct Dice(u64);

impl Dice {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.draw() % end
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

fn budget(calls: u32, window_seconds: u32) -> RateBudget {
    RateBudget { scope: "account".to_owned(), calls, window_seconds, concurrency: 0 }
}

fn hint(remaining: u32, reset: u32) -> RateHint {
    RateHint {
        scope: "account".to_owned(),
        remaining: Some(remaining),
        limit: None,
        reset_after_seconds: Some(reset),
        cost: None,
    }
}

fn ask(priority: Priority) -> Ask {
    Ask { priority, cost: 1 }
}

/// An account with its budgets, as the engine keeps it.
#[derive(Clone)]
struct Account(Vec<(RateBudget, Spent)>);

impl Account {
    fn new(budgets: &[RateBudget]) -> Self {
        Self(budgets.iter().map(|budget| (budget.clone(), Spent::default())).collect())
    }

    fn decide(&self, now: Timestamp, ask: Ask) -> Verdict {
        decide(now, self.0.iter().map(|(budget, spent)| (budget, spent)), ask)
    }

    /// Begins and ends a call of the expected cost.
    fn call(&mut self, now: Timestamp, cost: u32) {
        for (budget, spent) in &mut self.0 {
            spent.begin(now, budget, cost);
            spent.end(now, budget, cost, cost);
        }
    }

    /// Calls as often as it may at once.
    fn drain(&mut self, now: Timestamp, priority: Priority) -> u64 {
        let mut calls = 0;
        while self.decide(now, ask(priority)) == Verdict::Go {
            self.call(now, 1);
            calls += 1;
            assert!(calls < 1_000_000, "it never ends");
        }
        calls
    }
}

/// In whatever order calls come, however much they cost, with the clock standing or
/// jumping: no interval of a window's length holds more than the budget.
#[test]
fn no_interval_of_a_window_holds_more_than_the_budget() {
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let budgets = [
            budget(1 + dice.below(40) as u32, dice.pick(&[1, 7, 10, 60])),
            budget(20 + dice.below(200) as u32, dice.pick(&[600, 3_600, DAY])),
        ];
        let mut account = Account::new(&budgets);
        let mut now = NOW;
        let mut spent: Vec<(Timestamp, u32)> = Vec::new();
        for _ in 0..400 {
            let ask = Ask { priority: dice.pick(&ALL), cost: 1 + dice.below(3) as u32 };
            // What costs more than a window takes all of it: that cannot be helped.
            let fits = budgets.iter().all(|b| {
                u64::from(ask.cost) <= u64::from(b.calls - reserve(b.calls, ask.priority))
            });
            match account.decide(now, ask) {
                Verdict::Go if fits => {
                    account.call(now, ask.cost);
                    spent.push((now, ask.cost));
                }
                Verdict::Go => {}
                Verdict::Busy => panic!("seed {seed}: nothing runs"),
                Verdict::Wait { until, .. } => {
                    assert!(until > now, "seed {seed}: it waits for the past");
                    if dice.below(2) == 0 {
                        now = until;
                        let then = account.decide(now, ask);
                        assert_eq!(then, Verdict::Go, "seed {seed}: it waited in vain");
                    }
                }
            }
            now = now.plus_micros(dice.pick(&[0, 0, 1_000, 900_000, 30_000_000]));
        }
        for budget in &budgets {
            let window = i64::from(budget.window_seconds) * 1_000_000;
            for (from, _) in &spent {
                let within = spent.iter().filter(|(at, _)| *at >= *from && at.0 - from.0 < window);
                let sum: u64 = within.map(|(_, cost)| u64::from(*cost)).sum();
                assert!(sum <= u64::from(budget.calls), "seed {seed}: {sum} of {budget:?}");
            }
        }
    }
}

#[test]
fn more_haste_never_waits_longer_and_finds_what_is_left() {
    for seed in 0..100 {
        let mut dice = Dice(seed);
        let mut account = Account::new(&[budget(50 + dice.below(500) as u32, DAY)]);
        for _ in 0..dice.below(600) {
            if account.decide(NOW, ask(Priority::Sync)) == Verdict::Go {
                account.call(NOW, 1);
            }
        }
        let opens = |priority| match account.decide(NOW, ask(priority)) {
            Verdict::Wait { until, .. } => until,
            _ => NOW,
        };
        assert!(ALL.windows(2).all(|two| opens(two[0]) <= opens(two[1])), "seed {seed}");
        account.drain(NOW, Priority::Backfill);
        account.drain(NOW, Priority::Sync);
        assert!(account.drain(NOW, Priority::Erase) > 0, "seed {seed}: nothing left to erase with");
    }
}

#[test]
fn what_is_kept_is_what_was() {
    let mut account = Account::new(&[budget(100, DAY)]);
    account.drain(NOW, Priority::Sync);
    let declared = account.0[0].0.clone();
    account.0[0].1.heard(NOW, &declared, &hint(3, 600));
    let text = serde_json::to_string(&account.0[0].1).unwrap();
    let kept: Spent = serde_json::from_str(&text).unwrap();
    assert_eq!(kept, account.0[0].1);
    let again = Account(vec![(account.0[0].0.clone(), kept)]);
    for later in [0, 60, 600, 90_000] {
        let now = NOW.plus_seconds(later);
        assert_eq!(
            again.decide(now, ask(Priority::Sync)),
            account.decide(now, ask(Priority::Sync))
        );
    }
    assert!(serde_json::from_str::<Spent>("{\"slots\":{},\"other\":1}").is_err());
}

#[test]
fn a_vendors_word_counts_and_lets_no_more_pass_than_was_declared() {
    let mut account = Account::new(&[budget(10, 60)]);
    let declared = account.0[0].0.clone();
    account.0[0].1.heard(NOW, &declared, &hint(1_000, 60));
    assert!(account.drain(NOW, Priority::Erase) <= 10);
    let mut account = Account::new(&[budget(100, 60)]);
    account.0[0].1.heard(NOW, &declared, &hint(2, 30));
    assert_eq!(account.drain(NOW, Priority::Erase), 2, "others use the account as well");
    let until = NOW.plus_seconds(30);
    assert_eq!(account.decide(NOW, ask(Priority::Erase)), Verdict::Wait { until, quota: false });
    assert_eq!(account.decide(until, ask(Priority::Erase)), Verdict::Go);
    account.0[0].1.refused(NOW, NOW.plus_seconds(7_200));
    account.0[0].1.refused(NOW, NOW.plus_seconds(60));
    let Verdict::Wait { until, quota } = account.decide(until, ask(Priority::Erase)) else {
        panic!("a refusal is no permission");
    };
    assert_eq!((until, quota), (NOW.plus_seconds(7_200), true));
    assert_eq!(account.decide(NOW.plus_seconds(7_200), ask(Priority::Erase)), Verdict::Go);
    let before = NOW.plus_seconds(-86_400);
    assert_eq!(account.decide(before, ask(Priority::Erase)), Verdict::Go, "the clock was set back");
}

#[test]
fn a_clock_that_was_set_back_lets_nothing_more_pass() {
    let mut account = Account::new(&[budget(10, 60)]);
    assert_eq!(account.drain(NOW, Priority::Erase), 10);
    assert_eq!(account.drain(NOW.plus_seconds(-40), Priority::Erase), 0);
    // Nor does one that was far ahead stop everything for as long.
    assert!(account.drain(NOW.plus_seconds(-400), Priority::Erase) > 0);
}

/// The ways in which vendors limit, each with one that does.
#[test]
fn seven_shapes() {
    // 1. A day of calls, told in a header as used of limit: Salesforce.
    let mut salesforce = Account::new(&[budget(100_000, DAY)]);
    let declared = salesforce.0[0].0.clone();
    let told = RateHint { limit: Some(101_000), ..hint(7, 40_000) };
    salesforce.0[0].1.heard(NOW, &declared, &told);
    assert_eq!(salesforce.0[0].1.calls(&declared), 101_000);
    assert_eq!(salesforce.drain(NOW, Priority::Erase), 7);
    assert!(matches!(
        salesforce.decide(NOW, ask(Priority::Sync)),
        Verdict::Wait { quota: true, .. }
    ));

    // 2. A burst and a day at once: HubSpot. The words about each find their budget.
    let hubspot = [budget(190, 10), budget(650_000, DAY)];
    let burst = RateHint { limit: Some(190), reset_after_seconds: None, ..hint(100, 0) };
    assert_eq!(spoken_of(&hubspot, &burst), Some(&hubspot[0]));
    let daily = RateHint { limit: Some(650_000), ..burst };
    assert_eq!(spoken_of(&hubspot, &daily), Some(&hubspot[1]));
    assert_eq!(spoken_of(&hubspot, &hint(1, 5_000)), Some(&hubspot[1]));
    let mut account = Account::new(&hubspot);
    assert_eq!(account.drain(NOW, Priority::Erase), 190);
    let Verdict::Wait { until, quota } = account.decide(NOW, ask(Priority::Erase)) else {
        panic!("the burst is over");
    };
    assert!(!quota && until <= NOW.plus_seconds(11), "a burst is waited for: {until}");

    // 3. A window that slides, whose wait grows with those who do not keep it:
    // Dataverse. Half of it spent late is not there when the minute changes.
    let mut dataverse = Account::new(&[budget(6_000, 300)]);
    let late = NOW.plus_seconds(299);
    assert_eq!(dataverse.drain(late, Priority::Erase), 6_000);
    assert_eq!(dataverse.drain(NOW.plus_seconds(302), Priority::Erase), 0);

    // 4. Points, by what a call costs: Pipedrive. A call that turned out dearer is
    // paid for.
    let mut pipedrive = Account::new(&[budget(100, DAY)]);
    let (declared, spent) = &mut pipedrive.0[0];
    spent.begin(NOW, declared, 10);
    spent.end(NOW, declared, 10, 40);
    assert_eq!(spent.used(NOW, declared), 40);
    let dear = Ask { priority: Priority::Erase, cost: 61 };
    assert!(matches!(pipedrive.decide(NOW, dear), Verdict::Wait { .. }));
    assert_eq!(pipedrive.decide(NOW, Ask { cost: 60, ..dear }), Verdict::Go);

    // 5. Credits and so many at once: Zoho. 6. So many at once, and no word of it:
    // Mailchimp.
    for calls in [50_000, 0] {
        let limits = RateBudget { concurrency: 10, ..budget(calls, DAY) };
        let mut account = Account::new(std::slice::from_ref(&limits));
        for _ in 0..10 {
            assert_eq!(account.decide(NOW, ask(Priority::Backfill)), Verdict::Go);
            account.0[0].1.begin(NOW, &limits, 1);
        }
        assert_eq!(account.decide(NOW, ask(Priority::Erase)), Verdict::Busy);
        account.0[0].1.end(NOW, &limits, 1, 1);
        assert_eq!(account.decide(NOW, ask(Priority::Erase)), Verdict::Go);
    }

    // 7. A bucket that leaks, told in the body as what remains: Shopify.
    let mut shopify = Account::new(&[budget(2_000, 20)]);
    let declared = shopify.0[0].0.clone();
    shopify.0[0].1.heard(NOW, &declared, &RateHint { cost: Some(52), ..hint(30, 1) });
    let dear = Ask { priority: Priority::Erase, cost: 52 };
    let until = NOW.plus_seconds(1);
    assert_eq!(shopify.decide(NOW, dear), Verdict::Wait { until, quota: false });
    assert_eq!(shopify.decide(until, dear), Verdict::Go);
}

/// What is promised is kept: the last call is made by then, by somebody who only
/// waits when told to.
#[test]
fn a_forecast_is_an_upper_bound_and_no_wild_one() {
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let budgets = [
            budget(5 + dice.below(20) as u32, dice.pick(&[1, 10])),
            budget(50 + dice.below(200) as u32, dice.pick(&[600, DAY])),
        ];
        let mut account = Account::new(&budgets);
        for _ in 0..dice.below(40) {
            if account.decide(NOW, ask(Priority::Sync)) == Verdict::Go {
                account.call(NOW, 1);
            }
        }
        let calls = 1 + dice.below(500);
        let both = account.0.iter().map(|(budget, spent)| (budget, spent, calls));
        let told = forecast(NOW, both, Priority::Backfill, 0).unwrap();
        assert_eq!(
            (told.calls, told.of, told.window_seconds),
            (calls, budgets[1].calls, budgets[1].window_seconds)
        );
        let mut now = NOW;
        for _ in 0..calls {
            while let Verdict::Wait { until, .. } = account.decide(now, ask(Priority::Backfill)) {
                now = until;
            }
            account.call(now, 1);
        }
        assert!(now <= told.ends, "seed {seed}: {now} is after {}", told.ends);
        let took = told.ends.0 - NOW.0;
        let windows = budgets.iter().map(|b| i64::from(b.window_seconds)).max().unwrap();
        let slack = 3 * windows * 1_000_000;
        assert!(took <= 2 * (now.0 - NOW.0) + slack, "seed {seed}: {took} us foretold");
    }
    assert_eq!(forecast(NOW, [], Priority::Sync, 1_000), None);
    let (day, spent) = (budget(1_500, DAY), Spent::default());
    let alone_micros = 2_460 * 1_000_000;
    let told = forecast(NOW, [(&day, &spent, 1_230)], Priority::Sync, alone_micros).unwrap();
    assert_eq!((told.percent, told.ends), (82, NOW.plus_seconds(2_460)));
}
