//! Days and instants as vendors write them.
//!
//! An instant is microseconds since 1970-01-01T00:00:00Z, as
//! [`clock::now`](crate::clock::now) gives it: numbers that can be compared and
//! counted with. What a vendor writes is one of a few forms of text; a row's own
//! text is passed on as it is ([`Row::time`](crate::Row::time)), and only what
//! reading goes by is parsed.
//!
//! ```
//! use liaison_sdk::time;
//!
//! let instant = time::parse("2026-02-28T23:30:00+01:00").unwrap();
//! assert_eq!(time::format(instant), "2026-02-28T22:30:00Z");
//! assert_eq!(time::parse("2026-02-30T00:00:00Z"), None);
//! assert_eq!(time::from_seconds(1_772_317_800), instant);
//! ```

/// Microseconds of a second.
pub const SECOND_MICROS: i64 = 1_000_000;
/// Microseconds of a day.
pub const DAY_MICROS: i64 = 86_400 * SECOND_MICROS;
const FIRST: i64 = -62_167_219_200 * SECOND_MICROS;
const LAST: i64 = 253_402_300_800 * SECOND_MICROS - 1;

/// A day of the calendar, in no particular time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    /// 0 to 9999.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

impl Day {
    /// A day that exists.
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        let exists = (0..=9999).contains(&year) && (1..=days_of(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }

    /// `2026-02-28` or `20260228`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = match text.as_bytes() {
            [.., b'-', _, _, b'-', _, _] if text.len() == 10 => text.replace('-', ""),
            _ => text.to_owned(),
        };
        if digits.len() != 8 {
            return None;
        }
        let year = number(digits.get(..4)?)?;
        Self::new(i32::try_from(year).ok()?, number(digits.get(4..6)?)?, number(digits.get(6..)?)?)
    }

    /// The day that an instant is on in UTC, in the years 0 to 9999.
    pub fn of(instant: i64) -> Option<Self> {
        (FIRST..=LAST).contains(&instant).then(|| day_of(instant.div_euclid(DAY_MICROS)))
    }

    /// The instant at which it begins in UTC.
    pub fn start(self) -> i64 {
        days_since_1970(self) * DAY_MICROS
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Seconds since 1970 as an instant.
pub const fn from_seconds(seconds: i64) -> i64 {
    seconds.saturating_mul(SECOND_MICROS)
}

/// Milliseconds since 1970 as an instant.
pub const fn from_milliseconds(milliseconds: i64) -> i64 {
    milliseconds.saturating_mul(1_000)
}

/// An instant from RFC 3339 text: `2026-02-28T22:30:00Z`, with a fraction or an
/// offset. A space in place of the `T` is taken too, since vendors write it; text
/// without an offset is not, since it is no instant. What is finer than a
/// microsecond is cut off.
pub fn parse(text: &str) -> Option<i64> {
    let day = Day::parse(text.get(..10)?).filter(|_| text.as_bytes().get(4) == Some(&b'-'))?;
    let clock = text.get(10..)?.strip_prefix(['T', 't', ' '])?;
    let (clock, offset_seconds) = offset(clock)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hours, minutes, seconds] = fields(clock)?;
    if hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let in_day = i64::from(hours * 3_600 + minutes * 60 + seconds);
    Some(day.start() + (in_day - offset_seconds) * SECOND_MICROS + micros(fraction)?)
}

/// An instant as RFC 3339 text in UTC, with as much of a fraction as it has.
/// Instants outside of the years 0 to 9999 are written as the first or last
/// one inside.
pub fn format(instant: i64) -> String {
    let (seconds, micros) = parts(instant.clamp(FIRST, LAST));
    match micros {
        0 => format!("{seconds}Z"),
        _ => format!("{}Z", format!("{seconds}.{micros:06}").trim_end_matches('0')),
    }
}

/// An instant as RFC 3339 text in UTC, always with so many digits of a fraction (6
/// at most), so that the order of texts is that of time. `None` outside of the
/// years 0 to 9999.
///
/// ```
/// use liaison_sdk::time::{format_digits, from_seconds};
///
/// assert_eq!(format_digits(from_seconds(0), 3).as_deref(), Some("1970-01-01T00:00:00.000Z"));
/// ```
pub fn format_digits(instant: i64, digits: usize) -> Option<String> {
    (FIRST..=LAST).contains(&instant).then(|| {
        let (seconds, micros) = parts(instant);
        let fraction: String = format!("{micros:06}").chars().take(digits).collect();
        format!("{seconds}.{fraction}Z")
    })
}

/// Date and clock to the second, and the microseconds of it.
fn parts(instant: i64) -> (String, i64) {
    let day = day_of(instant.div_euclid(DAY_MICROS));
    let in_day = instant.rem_euclid(DAY_MICROS);
    let (seconds, micros) = (in_day / SECOND_MICROS, in_day % SECOND_MICROS);
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    (format!("{day}T{hours:02}:{minutes:02}:{:02}", seconds % 60), micros)
}

/// The clock without its offset, and the offset in seconds east of Greenwich.
fn offset(clock: &str) -> Option<(&str, i64)> {
    if let Some(clock) = clock.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let at = clock.rfind(['+', '-'])?;
    let (clock, offset) = clock.split_at_checked(at)?;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then(|| (clock, sign * i64::from(hours * 3_600 + minutes * 60)))
}

fn fields(clock: &str) -> Option<[u32; 3]> {
    let mut parts = clock.split(':');
    let fields = [two(parts.next()?)?, two(parts.next()?)?, two(parts.next()?)?];
    parts.next().is_none().then_some(fields)
}

fn two(text: &str) -> Option<u32> {
    if text.len() == 2 { number(text) } else { None }
}

/// Digits only: the standard parser would take a sign.
fn number(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// `.5` is half a second.
fn micros(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let six: String = fraction.chars().chain(std::iter::repeat('0')).take(6).collect();
    six.parse().ok()
}

fn days_of(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    }
}

// The calendar repeats every 400 years. Years that begin in March put the leap
// day at their end, so that the days before a month follow from its number alone.
const ERA_YEARS: i64 = 400;
const ERA_DAYS: i64 = 146_097;
/// Days from the first of March of year 0 to 1970.
const EPOCH_DAYS: i64 = 719_468;

fn days_since_1970(day: Day) -> i64 {
    let from_march = (i64::from(day.month) + 9) % 12;
    let year = i64::from(day.year) - i64::from(day.month <= 2);
    let (era, of_era) = (year.div_euclid(ERA_YEARS), year.rem_euclid(ERA_YEARS));
    let of_year = (153 * from_march + 2) / 5 + i64::from(day.day) - 1;
    let in_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    era * ERA_DAYS + in_era - EPOCH_DAYS
}

fn day_of(days_since_1970: i64) -> Day {
    let days = days_since_1970 + EPOCH_DAYS;
    let (era, in_era) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    let of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let of_year = in_era - (of_era * 365 + of_era / 4 - of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    let year = era * ERA_YEARS + of_era + i64::from(month <= 2);
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let small = |number: i64| u32::try_from(number).unwrap_or_default();
    Day { year: i32::try_from(year).unwrap_or_default(), month: small(month), day: small(day) }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, SecondsFormat};
    use proptest::prelude::*;

    use super::{DAY_MICROS, Day, format, format_digits, parse};

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2026-02-28",
            "2026-02-28T22:30:00",
            "20260228T22:30:00Z",
            "2026-02-29T22:30:00Z",
            "2026-13-01T22:30:00Z",
            "2026-02-28T24:30:00Z",
            "2026-02-28T22:60:00Z",
            "2026-02-28T22:30Z",
            "2026-02-28T22:30:00.Z",
            "2026-02-28T22:30:00+1:00",
            "2026-02-28T22:30:00+01:60",
            "2026-02-28T+2:30:00Z",
            "2026-02-28T22:30:00é",
            "é026-02-28T22:30:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (text, exists) in [
            ("2024-02-29", true),
            ("20240229", true),
            ("2000-02-29", true),
            ("1900-02-29", false),
            ("2023-02-29", false),
            ("2023-00-10", false),
            ("2023-1-010", false),
            ("202-301-01", false),
            ("2023-12-32", false),
        ] {
            assert_eq!(Day::parse(text).is_some(), exists, "{text}");
        }
        assert_eq!(Day::new(1970, 1, 2).unwrap().start(), DAY_MICROS);
    }

    proptest! {
        #[test]
        fn instants_are_written_and_read_as_chrono_does(
            instant in -62_167_219_200_000_000_i64..253_402_300_800_000_000,
            offset_minutes in -839_i32..840,
        ) {
            let theirs = DateTime::from_timestamp_micros(instant).unwrap();
            let text = format(instant);
            prop_assert_eq!(parse(&text), Some(instant), "{}", text);
            prop_assert_eq!(DateTime::parse_from_rfc3339(&text).unwrap(), theirs);
            let zone = chrono::FixedOffset::east_opt(offset_minutes * 60).unwrap();
            let elsewhere = theirs.with_timezone(&zone);
            if (0..=9999).contains(&chrono::Datelike::year(&elsewhere)) {
                let text = elsewhere.to_rfc3339_opts(SecondsFormat::Micros, false);
                prop_assert_eq!(parse(&text), Some(instant), "{}", text);
            }
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,40}|[0-9TtZ:.+ -]{0,40}") {
            if let Some(instant) = parse(&text) {
                prop_assert_eq!(parse(&format(instant)), Some(instant));
            }
        }
    }

    #[test]
    fn a_fixed_number_of_digits_is_written_and_read_again() {
        let table = [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000000Z"),
            ("2000-02-29T12:00:00.5Z", 951_825_600_500_000, "2000-02-29T12:00:00.500000Z"),
            (
                "2026-11-30T12:00:00.1234567+01:00",
                1_796_036_400_123_456,
                "2026-11-30T11:00:00.123456Z",
            ),
            ("1969-12-31T23:59:59-00:30", 1_799_000_000, "1970-01-01T00:29:59.000000Z"),
            ("2026-11-30 11:00:00z", 1_796_036_400_000_000, "2026-11-30T11:00:00.000000Z"),
        ];
        for (text, micros, written) in table {
            assert_eq!(parse(text), Some(micros), "{text}");
            assert_eq!(format_digits(micros, 6).as_deref(), Some(written));
            assert_eq!(parse(written), Some(micros));
        }
        for text in [
            "",
            "2026-11-30",
            "2026-11-30T11:00:00",
            "2026-02-29T11:00:00Z",
            "2026-13-01T11:00:00Z",
            "2026-11-30T24:00:00Z",
            "2026-11-30T11:00:00.1x3Z",
            "2026-11-30T11:00:00+1:00",
            "30/11/2026 11:00",
            "x\u{e9}\u{e9}T11:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
