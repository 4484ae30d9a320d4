//! A schedule: when something is to happen, in which zone.

use std::fmt;

use chrono_tz::Tz;
use hub_model::Timestamp;

use crate::error::ScheduleError;
use crate::line::Line;
use crate::zone::{self, ZoneChange};
use crate::{describe, wall};

/// Longest text of a schedule.
const TEXT_BYTES_MAX: usize = 256;
/// Longest period of `every`.
const EVERY_DAYS_MAX: u32 = 366;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// When something is to happen.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    text: String,
    zone: Tz,
    rule: Rule,
    shortest_period_seconds: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rule {
    /// At wall-clock times.
    Line(Box<Line>),
    /// At the multiples of a period since 1970-01-01T00:00:00Z: the same after
    /// a restart, whatever ran before, and without regard to the zone.
    Every { seconds: i64 },
    /// When somebody asks.
    Manual,
}

impl Schedule {
    /// Reads a schedule: five fields of Unix cron, `@hourly`, `@daily`,
    /// `@weekly`, `@monthly`, `@yearly`, `every 15m` (s, m, h, d) or `manual`;
    /// and an IANA zone.
    ///
    /// # Errors
    /// What was expected and how to mend it; see [`ScheduleError`].
    pub fn parse(text: &str, zone: &str) -> Result<Self, ScheduleError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(ScheduleError::TooLong { bytes: text.len(), max: TEXT_BYTES_MAX });
        }
        let strange = |c: &char| !c.is_ascii() || (c.is_ascii_control() && *c != '\t');
        if let Some(character) = text.chars().find(strange) {
            return Err(ScheduleError::Character { codepoint: u32::from(character) });
        }
        let text = text.trim();
        let (rule, shortest_period_seconds) = rule(text)?;
        let zone = zone::find(zone)?;
        Ok(Self { text: text.to_owned(), zone, rule, shortest_period_seconds })
    }

    /// The first due instant strictly after `after`. `None` for `manual`, and
    /// where the calendar ends (cron lines: with the year 2100).
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let next = match &self.rule {
            Rule::Line(line) => wall::next_after(line, self.zone, after.seconds())?,
            Rule::Every { seconds } => {
                after.seconds().div_euclid(*seconds).checked_add(1)?.checked_mul(*seconds)?
            }
            Rule::Manual => return None,
        };
        let next = Timestamp(next.checked_mul(MICROS_PER_SECOND)?);
        // Holds by construction; a loop that sleeps until a past instant would
        // start the same run over and over.
        (next > after).then_some(next)
    }

    /// The first `count` due instants after `after`.
    pub fn next_n(&self, after: Timestamp, count: usize) -> Vec<Timestamp> {
        std::iter::successors(self.next_after(after), |last| self.next_after(*last))
            .take(count)
            .collect()
    }

    /// The last due instant after `after` and not after `until`.
    pub fn latest_within(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let due_after = |seconds: i64| {
            self.next_after(Timestamp::from_seconds(seconds)).filter(|due| *due <= until)
        };
        // Whether anything is due in the rest of the span is true up to the
        // last due instant and false from it on.
        let first = self.next_after(after).filter(|due| *due <= until)?;
        let (mut some, mut none) = (first.seconds() - 1, until.seconds() + 1);
        while none - some > 1 {
            let middle = some + (none - some) / 2;
            if due_after(middle).is_some() { some = middle } else { none = middle }
        }
        due_after(some)
    }

    /// How many instants are due after `after` and not after `until`; counts
    /// no further than `max`.
    pub fn count_within(&self, after: Timestamp, until: Timestamp, max: u64) -> u64 {
        if let Rule::Every { seconds } = self.rule {
            let boundaries = |t: Timestamp| t.seconds().div_euclid(seconds);
            let count = boundaries(until).saturating_sub(boundaries(after));
            return u64::try_from(count).unwrap_or(0).min(max);
        }
        let mut count = 0;
        let mut due = self.next_after(after);
        while let Some(at) = due.filter(|at| *at <= until && count < max) {
            count += 1;
            due = self.next_after(at);
        }
        count
    }

    /// The shortest time between two fires, in seconds, found among the first
    /// hundred; `None` for `manual`.
    pub fn shortest_period_seconds(&self) -> Option<i64> {
        (self.rule != Rule::Manual).then_some(self.shortest_period_seconds)
    }

    /// Refuses a schedule that fires more often than a connector allows.
    ///
    /// # Errors
    /// [`ScheduleError::TooOften`].
    pub fn check_minimum(&self, min_seconds: i64) -> Result<(), ScheduleError> {
        match self.shortest_period_seconds() {
            Some(period_seconds) if period_seconds < min_seconds => {
                Err(ScheduleError::TooOften { period_seconds, min_seconds })
            }
            _ => Ok(()),
        }
    }

    /// The schedule in English words, weekdays by name, with its zone.
    pub fn describe(&self) -> String {
        describe::words(&self.rule, self.zone.name())
    }

    /// The next change of the clock in its zone; `None` if there is none within
    /// 400 days.
    pub fn next_zone_change(&self, after: Timestamp) -> Option<ZoneChange> {
        zone::next_change(self.zone, after)
    }

    /// Whether it only runs when somebody asks.
    pub fn is_manual(&self) -> bool {
        self.rule == Rule::Manual
    }

    /// Whether it runs at the multiples of a period, not at wall-clock times.
    pub fn is_periodic(&self) -> bool {
        matches!(self.rule, Rule::Every { .. })
    }

    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The IANA name of its zone.
    pub fn zone(&self) -> &'static str {
        self.zone.name()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The rule of a text, with its shortest period in seconds.
fn rule(text: &str) -> Result<(Rule, i64), ScheduleError> {
    if text.is_empty() {
        return Err(ScheduleError::Empty);
    }
    if text == "manual" {
        return Ok((Rule::Manual, i64::MAX));
    }
    if text.to_ascii_lowercase().starts_with("every") {
        let seconds = every_seconds(text).ok_or_else(|| ScheduleError::Every {
            found: text.to_owned(),
            days_max: EVERY_DAYS_MAX,
        })?;
        return Ok((Rule::Every { seconds }, seconds));
    }
    let line = Line::parse(text)?;
    let period = line.shortest_period_seconds();
    Ok((Rule::Line(Box::new(line)), period))
}

/// `every 15m`: one whole number, one unit.
fn every_seconds(text: &str) -> Option<i64> {
    let period = text.strip_prefix("every")?;
    let period = period.starts_with([' ', '\t']).then(|| period.trim_start())?;
    let number = period.strip_suffix(['s', 'm', 'h', 'd'])?;
    let unit = match period.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        _ => 86_400,
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = number.parse::<i64>().ok()?.checked_mul(unit)?;
    (1..=i64::from(EVERY_DAYS_MAX) * 86_400).contains(&seconds).then_some(seconds)
}
