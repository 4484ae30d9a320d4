//! One field of a cron line: a set of numbers.

use crate::error::ScheduleError;

/// What a field counts, and how its values may be written.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) name: &'static str,
    pub(crate) min: u8,
    pub(crate) max: u8,
    /// Names of the values from `min` on.
    names: &'static [&'static str],
    /// The names in words, for errors.
    named: &'static str,
}

pub(crate) const MINUTE: Unit = Unit { name: "minute", min: 0, max: 59, names: &[], named: "" };
pub(crate) const HOUR: Unit = Unit { name: "hour", min: 0, max: 23, names: &[], named: "" };
pub(crate) const DAY: Unit = Unit { name: "day of month", min: 1, max: 31, names: &[], named: "" };
pub(crate) const MONTH: Unit = Unit {
    name: "month",
    min: 1,
    max: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    named: " or from JAN to DEC",
};
/// Sunday is 0 and 7.
pub(crate) const WEEKDAY: Unit = Unit {
    name: "day of week",
    min: 0,
    max: 7,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    named: " or from SUN to SAT (0 and 7 are Sunday, 1 is Monday)",
};

/// The values of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    bits: u64,
    /// Written with a star first: it does not restrict (Vixie cron's rule for
    /// day of month and day of week).
    pub(crate) starred: bool,
}

impl Field {
    /// Reads a field.
    pub(crate) fn parse(unit: &Unit, text: &str) -> Result<Self, ScheduleError> {
        let mut bits = 0;
        for item in text.split(',') {
            bits |= item_bits(unit, item)?;
        }
        if unit.max == WEEKDAY.max && bits & (1 << 7) != 0 {
            bits = bits & !(1 << 7) | 1;
        }
        Ok(Self { bits, starred: text.starts_with('*') })
    }

    pub(crate) const fn has(self, value: u8) -> bool {
        self.bits & (1 << value) != 0
    }

    /// Its values, lowest first.
    pub(crate) fn values(self) -> Vec<u8> {
        (0..64).filter(|value| self.has(*value)).collect()
    }

    /// Whether it holds every value of its unit.
    pub(crate) fn is_full(self, unit: &Unit) -> bool {
        let last = if unit.max == WEEKDAY.max { 6 } else { unit.max };
        (unit.min..=last).all(|value| self.has(value))
    }
}

/// `*`, `*/n`, `a`, `a-b` or `a-b/n`.
fn item_bits(unit: &Unit, item: &str) -> Result<u64, ScheduleError> {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (item, None),
    };
    let (first, last) = if range == "*" {
        (unit.min, unit.max.min(if unit.max == WEEKDAY.max { 6 } else { u8::MAX }))
    } else if let Some((first, last)) = range.split_once('-') {
        ends(unit, range, first, last)?
    } else {
        let value = value(unit, range)?;
        if step.is_some() {
            return Err(bad_step(unit, item, &format!("write a range: `{range}-{}/…`", unit.max)));
        }
        (value, value)
    };
    let step = step.map_or(Ok(1), |step| step_of(unit, item, step))?;
    Ok((first..=last).step_by(usize::from(step)).fold(0, |bits, value| bits | 1 << value))
}

/// Both ends of a range. A range may end with Sunday: `FRI-SUN`.
fn ends(unit: &Unit, range: &str, first: &str, last: &str) -> Result<(u8, u8), ScheduleError> {
    let (from, mut to) = (value(unit, first)?, value(unit, last)?);
    if unit.max == WEEKDAY.max && to == 0 && from > 0 {
        to = 7;
    }
    if from <= to {
        return Ok((from, to));
    }
    let wrap = if unit.max == WEEKDAY.max { 6 } else { unit.max };
    let list: Vec<String> =
        (from..=wrap).chain(unit.min..=to).map(|value| spelled(unit, value, first)).collect();
    Err(ScheduleError::Reversed { field: unit.name, found: range.to_owned(), list: list.join(",") })
}

/// A value in the style of another one: as a name, or as a number.
fn spelled(unit: &Unit, value: u8, like: &str) -> String {
    let index = usize::from(value.saturating_sub(unit.min));
    match unit.names.get(index) {
        Some(name) if like.starts_with(|c: char| c.is_ascii_alphabetic()) => (*name).to_owned(),
        _ => value.to_string(),
    }
}

fn value(unit: &Unit, text: &str) -> Result<u8, ScheduleError> {
    if let Some(index) = unit.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Ok(unit.min + u8::try_from(index).unwrap_or_default());
    }
    if let Some(mend) = quartz(text) {
        return Err(ScheduleError::Quartz { field: unit.name, found: text.to_owned(), mend });
    }
    let digits = !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u8>() {
        Ok(value) if digits && (unit.min..=unit.max).contains(&value) => Ok(value),
        _ => Err(ScheduleError::Value {
            field: unit.name,
            found: text.to_owned(),
            min: unit.min,
            max: unit.max,
            names: unit.named,
        }),
    }
}

/// The extensions of Quartz, each with what to write here.
fn quartz(text: &str) -> Option<&'static str> {
    let quartz = |c: char| matches!(c, 'L' | 'l' | 'W' | 'w' | '#' | '?');
    let mut characters = text.chars().filter(|c| !c.is_ascii_digit());
    let first = characters.next().filter(|c| quartz(*c))?;
    characters.all(quartz).then_some(match first {
        'L' | 'l' => "there is no `last`: use the 1st and work on what came before it",
        'W' | 'w' => "there is no `nearest weekday`: write the days of the week, `MON-FRI`",
        '#' => "there is no `nth weekday`: run every week, or on days of the month",
        _ => "write `*`",
    })
}

fn step_of(unit: &Unit, item: &str, step: &str) -> Result<u8, ScheduleError> {
    let span = unit.max - unit.min;
    let digits = !step.is_empty() && step.len() <= 2 && step.bytes().all(|b| b.is_ascii_digit());
    match step.parse::<u8>() {
        Ok(step) if digits && (1..=span).contains(&step) => Ok(step),
        _ => Err(bad_step(unit, item, &format!("write a number from 1 to {span}"))),
    }
}

fn bad_step(unit: &Unit, item: &str, mend: &str) -> ScheduleError {
    ScheduleError::Step { field: unit.name, found: item.to_owned(), mend: mend.to_owned() }
}
