//! Whether a sync runs now.
//!
//! The engine stores one instant per sync: the last due one that was run or
//! skipped. Every answer that settles due instants names the newest of them,
//! and the engine stores it before it acts; so an instant is settled once,
//! whatever the clock and the process do in between.

use hub_model::Timestamp;

use crate::jitter::jitter_micros;
use crate::schedule::Schedule;

/// Missed instants are counted up to this number.
const MISSED_COUNT_MAX: u64 = 1_000;
/// How late a run may start and still count as on time: 60 s.
const ON_TIME_MICROS: i64 = 60 * 1_000_000;
const HOUR_MICROS: i64 = 3_600 * 1_000_000;
/// A clock that is behind what was settled by more than this was set back: 1 s.
const CLOCK_BACK_MICROS: i64 = 1_000_000;

/// What happens to due instants that passed while the hub was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CatchUp {
    /// One run for all of them.
    #[default]
    One,
    /// They are skipped and counted.
    None,
}

/// What happens to a due instant while the last run still works. There is no
/// "run both": two runs of one stream would share a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    /// It is skipped and counted.
    #[default]
    Skip,
}

/// The policies of a sync's schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Older missed instants are skipped: microseconds.
    pub catch_up_window_micros: i64,
    /// What happens to missed instants.
    pub catch_up: CatchUp,
    /// What happens while the last run still works.
    pub overlap: Overlap,
}

impl Default for Policy {
    /// One run for what was missed within 24 hours; overlaps are skipped.
    fn default() -> Self {
        Self {
            catch_up_window_micros: 24 * HOUR_MICROS,
            catch_up: CatchUp::One,
            overlap: Overlap::Skip,
        }
    }
}

/// What is stored about a sync's schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScheduleState {
    /// The newest due instant that was run or skipped; `None` = never looked at.
    pub last_due: Option<Timestamp>,
    /// Whether a run works now.
    pub running: bool,
    /// Whether the schedule is suspended.
    pub paused: bool,
}

/// Why due instants were skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// The last run still works.
    Overlap,
    /// They are older than the catch-up window.
    TooOld,
    /// The policy catches nothing up.
    Missed,
    /// The schedule is new: it counts from now, and nothing was missed.
    New,
}

/// Why nothing is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    /// It is not time yet.
    NotDue,
    /// It runs only when asked.
    Manual,
    /// It is suspended.
    Paused,
    /// The clock is behind what was settled already: it was set back. What ran
    /// does not run again.
    ClockBehind,
    /// The calendar ends.
    NoMore,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Store `due` as the last due instant and run.
    Run {
        /// The instant of this run: with the sync, the key of the run.
        due: Timestamp,
        /// Earlier instants that this run makes up for.
        missed: u64,
    },
    /// Store `due` as the last due instant, count, and ask again.
    Skip {
        /// The newest of the skipped instants.
        due: Timestamp,
        /// How many were skipped (counted up to 1,000).
        missed: u64,
        /// Why.
        reason: SkipReason,
    },
    /// Do nothing.
    Wait {
        /// Until when; `None` = until something is changed.
        until: Option<Timestamp>,
        /// Why.
        reason: WaitReason,
    },
}

/// Decides what to do with a sync's schedule now. Pure: the same arguments give
/// the same answer. `jitter_seed` is [`jitter_seed`](crate::jitter_seed) of the sync.
pub fn decide(
    now: Timestamp,
    schedule: &Schedule,
    state: ScheduleState,
    policy: Policy,
    jitter_seed: u64,
) -> Decision {
    if schedule.is_manual() {
        return Decision::Wait { until: None, reason: WaitReason::Manual };
    }
    if state.paused {
        return Decision::Wait { until: None, reason: WaitReason::Paused };
    }
    let Some(last_due) = state.last_due else { return first(now, schedule) };
    let jitter = jitter_micros(schedule, jitter_seed);
    let Some(next) = schedule.next_after(last_due) else {
        return Decision::Wait { until: None, reason: WaitReason::NoMore };
    };
    let start = next.plus_micros(jitter);
    if now < start {
        let behind = now.plus_micros(CLOCK_BACK_MICROS) < last_due;
        let reason = if behind { WaitReason::ClockBehind } else { WaitReason::NotDue };
        return Decision::Wait { until: Some(start), reason };
    }
    let until = now.plus_micros(-jitter);
    let due = schedule.latest_within(last_due, until).unwrap_or(next);
    let count = schedule.count_within(last_due, due, MISSED_COUNT_MAX);
    settle(now, due, count, jitter, state.running, policy)
}

/// A schedule that nobody looked at before: a period runs at once, so that a
/// new sync shows something; a wall-clock time waits for its hour.
fn first(now: Timestamp, schedule: &Schedule) -> Decision {
    let period_seconds = schedule.shortest_period_seconds().filter(|_| schedule.is_periodic());
    let due = period_seconds.and_then(|period| {
        let before = now.plus_seconds(period.saturating_neg());
        schedule.latest_within(before, now)
    });
    match due {
        Some(due) => Decision::Run { due, missed: 0 },
        None => Decision::Skip { due: now, missed: 0, reason: SkipReason::New },
    }
}

/// What becomes of `count` due instants, the newest of which is `due`.
fn settle(
    now: Timestamp,
    due: Timestamp,
    count: u64,
    jitter: i64,
    running: bool,
    policy: Policy,
) -> Decision {
    let skip = |reason| Decision::Skip { due, missed: count, reason };
    let late_micros = now.0.saturating_sub(due.0);
    if running {
        return match policy.overlap {
            Overlap::Skip => skip(SkipReason::Overlap),
        };
    }
    let on_time = late_micros <= jitter.saturating_add(ON_TIME_MICROS);
    match policy.catch_up {
        CatchUp::None if !on_time => skip(SkipReason::Missed),
        CatchUp::One if late_micros > policy.catch_up_window_micros && !on_time => {
            skip(SkipReason::TooOld)
        }
        CatchUp::One | CatchUp::None => Decision::Run { due, missed: count.saturating_sub(1) },
    }
}
