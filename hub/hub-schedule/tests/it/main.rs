//! The rules of time, by table and by comparison with a slow, plain oracle.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test measures how long something took")]

mod bad_input;
mod budget;
mod clock_changes;
mod due;
mod oracle;
mod words;

use hub_model::Timestamp;
use hub_schedule::Schedule;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap_or_else(|| panic!("{text}"))
}

fn schedule(text: &str, zone: &str) -> Schedule {
    Schedule::parse(text, zone).unwrap_or_else(|error| panic!("{text}: {error}"))
}
