//! A cron line: five fields, and the wall-clock times that they match.

use chrono::{DateTime, Utc};

use crate::error::ScheduleError;
use crate::field::{DAY, Field, HOUR, MINUTE, MONTH, Unit, WEEKDAY};

/// A line must fire at least once within so many years from [`REFERENCE`].
const YEARS_MAX: u32 = 5;
/// Where the search for a first fire begins: 2026-01-01T00:00:00. No clock is
/// read here, and the five years from it hold a 29 February.
const REFERENCE: i64 = 1_767_225_600;
/// The end of that search: 2031-01-01T00:00:00.
const REFERENCE_END: i64 = 1_924_992_000;
/// Fires looked at for the shortest period of a line.
const PERIODS_SAMPLED: usize = 100;

/// The fields of a line, and the matcher made from them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) minute: Field,
    pub(crate) hour: Field,
    pub(crate) day: Field,
    pub(crate) month: Field,
    pub(crate) weekday: Field,
    /// One, or two of which either may match.
    matchers: Vec<cron::Schedule>,
}

impl Line {
    /// Reads five fields, or an `@` word.
    pub(crate) fn parse(text: &str) -> Result<Self, ScheduleError> {
        let text = if text.starts_with('@') { expand(text)? } else { text };
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(wrong_count(text, &fields));
        };
        let mut line = Self {
            minute: Field::parse(&MINUTE, minute)?,
            hour: Field::parse(&HOUR, hour)?,
            day: Field::parse(&DAY, day)?,
            month: Field::parse(&MONTH, month)?,
            weekday: Field::parse(&WEEKDAY, weekday)?,
            matchers: Vec::new(),
        };
        let never = || ScheduleError::NeverFires { text: text.to_owned(), years: YEARS_MAX };
        line.matchers = line.matchers().ok_or_else(never)?;
        match line.next_wall(REFERENCE - 1) {
            Some(first) if first < REFERENCE_END => Ok(line),
            _ => Err(never()),
        }
    }

    /// Whether a day matches if either of its two fields does (Vixie cron: both
    /// are written without a star).
    pub(crate) fn either_day(&self) -> bool {
        !self.day.starred && !self.weekday.starred
    }

    /// Whether it fires in every hour of its days: such lines follow the clock
    /// through an hour that comes twice.
    pub(crate) fn every_hour(&self) -> bool {
        self.hour.is_full(&HOUR)
    }

    /// The next matching wall-clock time after a wall-clock time, both in
    /// seconds as if the wall showed UTC.
    pub(crate) fn next_wall(&self, after: i64) -> Option<i64> {
        let after = DateTime::<Utc>::from_timestamp(after, 0)?;
        self.matchers.iter().filter_map(|m| m.after(&after).next()).map(|t| t.timestamp()).min()
    }

    /// The shortest time between two of its first fires, in seconds.
    pub(crate) fn shortest_period_seconds(&self) -> i64 {
        let mut shortest = i64::MAX;
        let mut last = None;
        let mut wall = REFERENCE;
        for _ in 0..PERIODS_SAMPLED {
            let Some(next) = self.next_wall(wall) else { break };
            shortest = last.map_or(shortest, |last| shortest.min(next - last));
            (last, wall) = (Some(next), next);
        }
        shortest
    }

    fn matchers(&self) -> Option<Vec<cron::Schedule>> {
        let day = list(&DAY, self.day);
        let weekday = list(&WEEKDAY, self.weekday);
        if self.either_day() {
            Some(vec![self.matcher(&day, "*")?, self.matcher("*", &weekday)?])
        } else {
            Some(vec![self.matcher(&day, &weekday)?])
        }
    }

    fn matcher(&self, day: &str, weekday: &str) -> Option<cron::Schedule> {
        let minute = list(&MINUTE, self.minute);
        let hour = list(&HOUR, self.hour);
        let month = list(&MONTH, self.month);
        format!("0 {minute} {hour} {day} {month} {weekday}").parse().ok()
    }
}

/// A field as the `cron` crate reads it: it counts weekdays from Sunday = 1.
fn list(unit: &Unit, field: Field) -> String {
    if field.is_full(unit) {
        return "*".to_owned();
    }
    let shift = u8::from(unit.max == WEEKDAY.max);
    let values: Vec<String> =
        field.values().into_iter().map(|value| (value + shift).to_string()).collect();
    values.join(",")
}

const WORDS: &[(&str, &str)] = &[
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
];

fn expand(text: &str) -> Result<&'static str, ScheduleError> {
    let line = WORDS.iter().find(|(word, _)| *word == text).map(|(_, line)| *line);
    line.ok_or_else(|| ScheduleError::Macro { found: text.to_owned(), near: near_word(text) })
}

fn near_word(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "@midnight" => return Some("@daily"),
        "@annually" => return Some("@yearly"),
        _ => {}
    }
    let words = WORDS.iter().map(|(word, _)| (strsim::damerau_levenshtein(&lower, word), *word));
    words.filter(|(distance, _)| *distance <= 2).min().map(|(_, word)| word)
}

fn wrong_count(text: &str, fields: &[&str]) -> ScheduleError {
    match fields {
        // Seconds first, perhaps a year last.
        [_, five @ ..] if five.len() == 5 => {
            ScheduleError::SecondsField { found: 6, suggestion: five.join(" ") }
        }
        [_, five @ .., _] if five.len() == 5 => {
            ScheduleError::SecondsField { found: 7, suggestion: five.join(" ") }
        }
        _ => ScheduleError::FieldCount { found: fields.len(), near: near_schedule(text) },
    }
}

/// `daily` for `@daily`, `15m` for `every 15m`, `Manual` for `manual`.
fn near_schedule(text: &str) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    if lower.contains(' ') || lower.is_empty() {
        return None;
    }
    if lower.starts_with(|c: char| c.is_ascii_digit()) {
        return lower.ends_with(['s', 'm', 'h', 'd']).then(|| format!("every {lower}"));
    }
    if strsim::damerau_levenshtein(&lower, "manual") <= 2 {
        return Some("manual".to_owned());
    }
    near_word(&format!("@{lower}")).map(str::to_owned)
}
