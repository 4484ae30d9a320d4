//! Instants. UTC microseconds; dates and local date-times are other things and
//! travel as text until a mapping says what they are.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From whole seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This instant moved by a number of microseconds; stops at the ends.
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// This instant moved by a number of seconds; stops at the ends.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Parses RFC 3339 with an offset, for example `2026-03-29T02:30:00+02:00`.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|t| Self(t.timestamp_micros()))
    }

    /// Parses an instant, a date (its first instant) or a local date-time in its ISO
    /// form; what has no zone is taken as UTC.
    pub fn parse_iso(text: &str) -> Option<Self> {
        let local = || {
            let day =
                || Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN));
            let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok();
            Some(Self(time.or_else(day)?.and_utc().timestamp_micros()))
        };
        Self::parse_rfc3339(text).or_else(local)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp_micros(self.0) {
            Some(t) => f.write_str(&t.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => write!(f, "{} us", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn text_and_back() {
        for text in ["1970-01-01T00:00:00Z", "2026-03-29T00:30:00.000250Z"] {
            let parsed = Timestamp::parse_rfc3339(text);
            assert_eq!(parsed.map(|t| t.to_string()).as_deref(), Some(text));
        }
        assert_eq!(
            Timestamp::parse_rfc3339("2026-03-29T02:30:00+02:00"),
            Timestamp::parse_rfc3339("2026-03-29T00:30:00Z")
        );
        assert_eq!(Timestamp::parse_rfc3339("2026-03-29 02:30"), None);
    }

    #[test]
    fn dates_and_local_times_are_utc() {
        let table = [
            ("2026-03-29", Some("2026-03-29T00:00:00Z")),
            ("2026-03-29T02:30:00", Some("2026-03-29T02:30:00Z")),
            ("2026-03-29T02:30:00.25", Some("2026-03-29T02:30:00.250Z")),
            ("2026-03-29T02:30:00+02:00", Some("2026-03-29T00:30:00Z")),
            ("2026-02-30", None),
            ("29/03/2026", None),
            ("", None),
        ];
        for (text, wanted) in table {
            let found = Timestamp::parse_iso(text).map(|time| time.to_string());
            assert_eq!(found.as_deref(), wanted, "{text}");
        }
    }
}
