//! The account's time: it goes on like any clock, can be moved forward, and
//! tells the same instant to everything that one request does.

use std::time::Instant;

use chrono::DateTime;

/// 2026-11-30T09:00:00Z.
const BEGINNING_MILLIS: i64 = 1_796_029_200_000;

/// A clock.
#[derive(Debug, Clone)]
pub struct Clock {
    started: Instant,
    moved_millis: i64,
    stopped: Option<i64>,
}

impl Default for Clock {
    #[expect(clippy::disallowed_methods, reason = "an account lives in the time of its test")]
    fn default() -> Self {
        Self { started: Instant::now(), moved_millis: 0, stopped: None }
    }
}

impl Clock {
    /// Milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        let passed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.stopped.unwrap_or(BEGINNING_MILLIS + passed) + self.moved_millis
    }

    /// Moves it forward.
    pub fn pass(&mut self, millis: i64) {
        self.moved_millis += millis;
    }

    /// From now on it moves by [`Clock::pass`] alone.
    pub fn stop(&mut self) {
        self.stopped = Some(self.now() - self.moved_millis);
    }
}

/// RFC 3339, to the millisecond.
#[must_use]
pub fn rfc3339(millis: i64) -> String {
    let time = DateTime::from_timestamp_millis(millis).unwrap_or_default();
    time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// As in the header `Date`.
#[must_use]
pub fn http_date(millis: i64) -> String {
    let time = DateTime::from_timestamp_millis(millis).unwrap_or_default();
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Milliseconds since 1970 of RFC 3339, or of their own decimal text.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_millis());
    time.ok().or_else(|| text.parse().ok())
}
