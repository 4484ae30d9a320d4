//! What is due, as functions of (now, definitions, history).
//!
//! Nothing here reads a clock, sleeps or remembers: the engine asks with the
//! time and the stored state, and stores the answer. So a year of scheduling,
//! with its two changes of the clock, runs in a test in a second.
//!
//! Cron lines are Unix cron: minute first, Sunday 0 or 7. The `cron` crate
//! finds matching wall-clock times, and is only ever asked in UTC, as if the
//! wall had no zone: in local time it skips jobs in spring, repeats them in
//! autumn, and answers with instants of the past. Mapping wall to instant is
//! done here, by two rules: a time that the clock jumps over fires once, at the
//! end of the gap; in an hour that comes twice, fixed times fire in the first
//! pass only, and lines of every hour fire in both.
//! How often a vendor may be called is such a function as well: [`budget`].
//! One property carries the rest: [`Schedule::next_after`] is later than its
//! argument, always.

mod error;
mod field;
mod line;
mod wall;
mod zone;

mod describe;
mod schedule;

mod due;
mod jitter;

mod backoff;
pub mod budget;
mod lease;
mod poll;

pub use backoff::{BackoffPolicy, NextAttempt, RetryHint, backoff, next_attempt, retry_after};
pub use due::{CatchUp, Decision, Overlap, Policy, ScheduleState, SkipReason, WaitReason, decide};
pub use error::ScheduleError;
pub use jitter::{jitter_micros, jitter_seed};
pub use lease::{Held, Lease, acquire, must_stop_at, renew, renew_at};
pub use poll::next_poll;
pub use schedule::Schedule;
pub use zone::{ZoneChange, tzdata_version};
