//! Periods of the calendar: how long something may be kept.

use std::fmt;

use chrono::{DateTime, Months, Utc};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Longest period, in days or months.
pub const PERIOD_COUNT_MAX: u32 = 10_000;

const DAY_SECONDS: i64 = 86_400;

/// A number of days or months. Months follow the calendar: one month after 31
/// January is the last day of February.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Days of 24 hours.
    Days(u32),
    /// Months of the calendar, in UTC.
    Months(u32),
}

impl Period {
    /// The instant that lies this period after another; stops at the end of
    /// what an instant can be.
    pub fn after(self, start: Timestamp) -> Timestamp {
        match self {
            Self::Days(days) => start.plus_seconds(i64::from(days).saturating_mul(DAY_SECONDS)),
            Self::Months(months) => DateTime::<Utc>::from_timestamp_micros(start.0)
                .and_then(|time| time.checked_add_months(Months::new(months)))
                .map_or(Timestamp(i64::MAX), |time| Timestamp(time.timestamp_micros())),
        }
    }

    /// The instant that lies this period before another; stops at the end of what
    /// an instant can be.
    pub fn before(self, end: Timestamp) -> Timestamp {
        match self {
            Self::Days(days) => end.plus_seconds(i64::from(days).saturating_mul(-DAY_SECONDS)),
            Self::Months(months) => DateTime::<Utc>::from_timestamp_micros(end.0)
                .and_then(|time| time.checked_sub_months(Months::new(months)))
                .map_or(Timestamp(i64::MIN), |time| Timestamp(time.timestamp_micros())),
        }
    }

    /// Reads `90 days`, `1 day`, `13 months`, `1 month`, `2 years` or `1 year`;
    /// `None` for anything else, for nothing and beyond [`PERIOD_COUNT_MAX`].
    pub fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once(' ')?;
        let digits = !count.starts_with('0') && count.bytes().all(|b| b.is_ascii_digit());
        let count: u32 = count.parse().ok().filter(|_| digits)?;
        let period = match unit {
            "day" | "days" => Self::Days(count),
            "month" | "months" => Self::Months(count),
            "year" | "years" => Self::Months(count.checked_mul(12)?),
            _ => return None,
        };
        let (Self::Days(n) | Self::Months(n)) = period;
        (1..=PERIOD_COUNT_MAX).contains(&n).then_some(period)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self {
            Self::Days(days) => (days, "day"),
            Self::Months(months) => (months, "month"),
        };
        write!(f, "{count} {unit}{}", if *count == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::Period;
    use crate::time::Timestamp;

    #[test]
    fn words() {
        let cases = [
            ("90 days", Some(Period::Days(90))),
            ("1 day", Some(Period::Days(1))),
            ("13 months", Some(Period::Months(13))),
            ("2 years", Some(Period::Months(24))),
            ("0 days", None),
            ("-1 days", None),
            ("+1 days", None),
            ("090 days", None),
            ("90days", None),
            ("90 hours", None),
            ("1000 years", None),
            ("4294967295 years", None),
            ("", None),
        ];
        for (text, period) in cases {
            assert_eq!(Period::parse(text), period, "{text}");
        }
        for period in [Period::Days(1), Period::Months(13)] {
            assert_eq!(Period::parse(&period.to_string()), Some(period));
        }
    }

    #[test]
    fn months_follow_the_calendar() {
        let cases = [
            ("2026-01-31T12:00:00Z", Period::Months(1), "2026-02-28T12:00:00Z"),
            ("2025-01-15T00:00:00Z", Period::Months(13), "2026-02-15T00:00:00Z"),
            ("2024-02-29T00:00:00Z", Period::Months(12), "2025-02-28T00:00:00Z"),
            ("2026-03-28T23:00:00Z", Period::Days(90), "2026-06-26T23:00:00Z"),
        ];
        for (start, period, end) in cases {
            let start = Timestamp::parse_rfc3339(start).unwrap();
            assert_eq!(period.after(start).to_string(), end);
        }
        let back = [
            ("2026-03-31T12:00:00Z", Period::Months(1), "2026-02-28T12:00:00Z"),
            ("2026-02-15T00:00:00Z", Period::Months(13), "2025-01-15T00:00:00Z"),
            ("2026-06-26T23:00:00Z", Period::Days(90), "2026-03-28T23:00:00Z"),
        ];
        for (end, period, start) in back {
            let end = Timestamp::parse_rfc3339(end).unwrap();
            assert_eq!(period.before(end).to_string(), start);
        }
        for period in [Period::Days(1), Period::Months(1)] {
            assert_eq!(period.before(Timestamp(i64::MIN)), Timestamp(i64::MIN));
        }
        assert_eq!(Period::Days(1).after(Timestamp(i64::MAX)), Timestamp(i64::MAX));
        assert_eq!(Period::Months(1).after(Timestamp(i64::MAX)), Timestamp(i64::MAX));
    }
}
