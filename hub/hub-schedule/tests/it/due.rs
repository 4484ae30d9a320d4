//! Decisions: catch-up, overlap, jitter, and a clock that jumps.

use hub_model::{SyncId, Timestamp};
use hub_schedule::{
    CatchUp, Decision, Policy, Schedule, ScheduleState, SkipReason, WaitReason, decide,
    jitter_micros, jitter_seed,
};

use crate::{at, schedule};

const HOUR: i64 = 3_600;

fn state(last_due: Timestamp) -> ScheduleState {
    ScheduleState { last_due: Some(last_due), running: false, paused: false }
}

/// Without jitter.
fn plain(now: Timestamp, schedule: &Schedule, state: ScheduleState) -> Decision {
    decide(now, schedule, state, Policy::default(), 0)
}

#[test]
fn a_day_of_decisions() {
    let daily = schedule("0 2 * * *", "UTC");
    let monday = at("2026-06-01T02:00:00Z");
    let tuesday = monday.plus_seconds(24 * HOUR);
    let friday = monday.plus_seconds(96 * HOUR);
    let running = ScheduleState { running: true, ..state(monday) };
    let paused = ScheduleState { paused: true, ..state(monday) };
    let wait = |until, reason| Decision::Wait { until, reason };
    let run = |due, missed| Decision::Run { due, missed };
    let skip = |due, missed, reason| Decision::Skip { due, missed, reason };
    let table = [
        ("before", tuesday.plus_micros(-1), state(monday), wait(Some(tuesday), WaitReason::NotDue)),
        ("on time", tuesday, state(monday), run(tuesday, 0)),
        ("late", tuesday.plus_seconds(HOUR), state(monday), run(tuesday, 0)),
        ("four missed, one run", friday.plus_seconds(HOUR), state(monday), run(friday, 3)),
        ("overlap", friday, running, skip(friday, 4, SkipReason::Overlap)),
        (
            "overlap before",
            monday.plus_seconds(1),
            running,
            wait(Some(tuesday), WaitReason::NotDue),
        ),
        ("paused", friday, paused, wait(None, WaitReason::Paused)),
        ("new", friday, ScheduleState::default(), skip(friday, 0, SkipReason::New)),
        (
            "clock set back by a day",
            monday.plus_seconds(-24 * HOUR),
            state(monday),
            wait(Some(tuesday), WaitReason::ClockBehind),
        ),
        (
            "clock a little back",
            monday.plus_micros(-500_000),
            state(monday),
            wait(Some(tuesday), WaitReason::NotDue),
        ),
    ];
    for (name, now, state, expected) in table {
        assert_eq!(plain(now, &daily, state), expected, "{name}");
    }
}

#[test]
fn what_is_too_old_is_skipped_and_counted() {
    let weekly = schedule("0 2 * * MON", "UTC");
    let monday = at("2026-06-01T02:00:00Z");
    let next = monday.plus_seconds(168 * HOUR);
    let decide_at = |now| plain(now, &weekly, state(monday));
    assert_eq!(decide_at(next.plus_seconds(24 * HOUR)), Decision::Run { due: next, missed: 0 });
    let late = next.plus_seconds(24 * HOUR).plus_micros(1);
    assert_eq!(
        decide_at(late),
        Decision::Skip { due: next, missed: 1, reason: SkipReason::TooOld }
    );
    // The skip is stored; then it waits for the next week.
    assert_eq!(
        plain(late, &weekly, state(next)),
        Decision::Wait { until: Some(next.plus_seconds(168 * HOUR)), reason: WaitReason::NotDue }
    );
}

#[test]
fn nothing_is_caught_up_if_the_policy_says_so() {
    let policy = Policy { catch_up: CatchUp::None, ..Policy::default() };
    let hourly = schedule("0 * * * *", "UTC");
    let noon = at("2026-06-01T12:00:00Z");
    let decide_at = |now| decide(now, &hourly, state(noon), policy, 0);
    let due = noon.plus_seconds(3 * HOUR);
    assert_eq!(decide_at(due.plus_seconds(59)), Decision::Run { due, missed: 2 });
    assert_eq!(
        decide_at(due.plus_seconds(61)),
        Decision::Skip { due, missed: 3, reason: SkipReason::Missed }
    );
}

#[test]
fn a_new_period_runs_at_once_and_then_keeps_its_beat() {
    let every = schedule("every 15m", "UTC");
    let now = at("2026-06-01T12:20:00Z");
    let due = at("2026-06-01T12:15:00Z");
    assert_eq!(plain(now, &every, ScheduleState::default()), Decision::Run { due, missed: 0 });
    assert_eq!(
        plain(now, &every, state(due)),
        Decision::Wait { until: Some(at("2026-06-01T12:30:00Z")), reason: WaitReason::NotDue }
    );
}

#[test]
fn manual_waits_for_somebody() {
    let manual = schedule("manual", "UTC");
    for state in [ScheduleState::default(), state(at("2020-01-01T00:00:00Z"))] {
        assert_eq!(
            plain(at("2026-06-01T00:00:00Z"), &manual, state),
            Decision::Wait { until: None, reason: WaitReason::Manual }
        );
    }
}

#[test]
fn years_of_absence_are_decided_in_no_time() {
    let minutely = schedule("* * * * *", "Europe/Paris");
    let last = at("2016-01-01T00:00:00Z");
    let now = at("2026-06-01T12:00:30Z");
    assert_eq!(
        plain(now, &minutely, state(last)),
        Decision::Run { due: at("2026-06-01T12:00:00Z"), missed: 999 },
        "counted up to a thousand"
    );
}

/// A loop that stores what it is told: every due instant is settled once, in
/// order, whatever the clock does.
#[test]
fn no_instant_is_settled_twice_by_a_jumping_clock() {
    let texts = ["*/5 * * * *", "every 7m", "30 2 * * *", "@hourly"];
    for (index, text) in texts.iter().enumerate() {
        let schedule = schedule(text, "Europe/Paris");
        let seed = jitter_seed(&SyncId::new(*text));
        let mut random = index as u64 + 1;
        let mut now = at("2026-10-24T00:00:00Z");
        let mut stored = ScheduleState::default();
        let mut runs: Vec<Timestamp> = Vec::new();
        for _ in 0..4_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let jump = match random >> 60 {
                0 => -((random >> 20) as i64 % (3 * HOUR)),
                1 => (random >> 20) as i64 % (30 * HOUR),
                _ => (random >> 20) as i64 % 600,
            };
            now = now.plus_seconds(jump);
            stored.running = random & 0x700 == 0;
            match decide(now, &schedule, stored, Policy::default(), seed) {
                Decision::Run { due, .. } => {
                    assert!(!stored.running && due <= now);
                    assert!(runs.last().is_none_or(|last| due > *last), "{text}: {due} again");
                    runs.push(due);
                    stored.last_due = Some(due);
                }
                Decision::Skip { due, .. } => {
                    assert!(stored.last_due.is_none_or(|last| due > last), "{text}");
                    stored.last_due = Some(due);
                }
                Decision::Wait { until, .. } => {
                    assert!(until.is_some_and(|until| until > now), "{text}: a hot loop");
                }
            }
        }
        assert!(runs.len() > 5, "{text}: {}", runs.len());
    }
}

/// The thundering herd: 10,000 syncs at 02:00 do not start together.
#[test]
fn jitter_spreads_and_stays() {
    let daily = schedule("0 2 * * *", "Europe/Paris");
    let mut per_second = [0_u32; 300];
    for number in 0..10_000 {
        let seed = jitter_seed(&SyncId::new(format!("sync-{number}")));
        let jitter = jitter_micros(&daily, seed);
        assert_eq!(jitter, jitter_micros(&daily, seed));
        per_second[usize::try_from(jitter / 1_000_000).unwrap()] += 1;
    }
    let most = per_second.iter().max().copied().unwrap();
    assert!(most <= 200, "{most} starts in one second");
    // 5 % of the period where that is less than 5 minutes.
    for (text, below_micros) in
        [("every 1m", 3_000_000), ("*/10 * * * *", 30_000_000), ("every 1s", 50_000)]
    {
        let schedule = schedule(text, "UTC");
        for seed in 0..1_000 {
            let jitter = jitter_micros(&schedule, jitter_seed(&SyncId::new(seed.to_string())));
            assert!((0..below_micros).contains(&jitter), "{text}: {jitter}");
        }
    }
    assert_eq!(jitter_micros(&schedule("manual", "UTC"), 77), 0);
}

#[test]
fn a_run_starts_after_its_jitter_and_is_keyed_by_its_due_instant() {
    let daily = schedule("0 2 * * *", "UTC");
    let seed = 123_456_789;
    let jitter = jitter_micros(&daily, seed);
    assert!(jitter > 0);
    let (last, due) = (at("2026-06-01T02:00:00Z"), at("2026-06-02T02:00:00Z"));
    let decide_at = |now| decide(now, &daily, state(last), Policy::default(), seed);
    let start = due.plus_micros(jitter);
    assert_eq!(
        decide_at(start.plus_micros(-1)),
        Decision::Wait { until: Some(start), reason: WaitReason::NotDue }
    );
    assert_eq!(decide_at(start), Decision::Run { due, missed: 0 });
}
