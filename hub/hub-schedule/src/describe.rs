//! A schedule in English words, so that its author sees what was understood.

use crate::field::{DAY, Field, HOUR, MINUTE, MONTH, Unit, WEEKDAY};
use crate::line::Line;
use crate::schedule::Rule;

/// Most times of day that are listed one by one.
const TIMES_LISTED_MAX: usize = 6;

const WEEKDAYS: &[&str] =
    &["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: &[&str] = &[
    "",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A rule in words.
pub(crate) fn words(rule: &Rule, zone: &str) -> String {
    match rule {
        Rule::Manual => "only when asked".to_owned(),
        Rule::Every { seconds } => every(*seconds),
        Rule::Line(line) => format!("{}{}{} ({zone})", time(line), days(line), months(line)),
    }
}

fn every(seconds: i64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let unit = units.into_iter().find(|(length, _)| seconds % length == 0);
    let (length, unit) = unit.unwrap_or((1, "second"));
    match seconds / length {
        1 => format!("every {unit}"),
        count => format!("every {count} {unit}s"),
    }
}

fn time(line: &Line) -> String {
    let (minutes, hours) = (line.minute.values(), line.hour.values());
    if minutes.len() * hours.len() <= TIMES_LISTED_MAX {
        let times: Vec<String> = hours
            .iter()
            .flat_map(|hour| minutes.iter().map(move |minute| format!("{hour:02}:{minute:02}")))
            .collect();
        return format!("at {}", and(&times));
    }
    let within = if line.every_hour() {
        " of every hour".to_owned()
    } else {
        format!(" of the hours {}", ranges(line.hour, &HOUR, &number))
    };
    if line.minute.is_full(&MINUTE) {
        let rest = if line.every_hour() { "" } else { &within };
        return format!("every minute{rest}");
    }
    match step(&minutes) {
        Some(step) if line.every_hour() => format!("every {step} minutes"),
        Some(step) => format!("every {step} minutes{within}"),
        None => {
            let plural = if minutes.len() == 1 { "" } else { "s" };
            format!("at minute{plural} {}{within}", ranges(line.minute, &MINUTE, &number))
        }
    }
}

/// The step of minutes that go round the hour evenly from 0.
fn step(minutes: &[u8]) -> Option<u8> {
    let count = u8::try_from(minutes.len()).ok().filter(|count| *count > 1 && 60 % count == 0)?;
    let step = 60 / count;
    minutes
        .iter()
        .enumerate()
        .all(|(n, m)| usize::from(*m) == n * usize::from(step))
        .then_some(step)
}

fn days(line: &Line) -> String {
    let day = (!line.day.is_full(&DAY)).then(|| {
        let plural = if line.day.values().len() == 1 { "" } else { "s" };
        format!("day{plural} {} of the month", ranges(line.day, &DAY, &number))
    });
    let weekday =
        (!line.weekday.is_full(&WEEKDAY)).then(|| ranges(line.weekday, &WEEKDAY, &weekday_name));
    // Either field that holds every value matches every day.
    match (day, weekday) {
        (Some(day), Some(weekday)) if line.either_day() => format!(" on {day} or on {weekday}"),
        (Some(day), Some(weekday)) => format!(" on {day} if it is {weekday}"),
        (Some(day), None) if !line.either_day() => format!(" on {day}"),
        (None, Some(weekday)) if !line.either_day() => format!(" on {weekday}"),
        _ => " every day".to_owned(),
    }
}

fn months(line: &Line) -> String {
    if line.month.is_full(&MONTH) {
        return String::new();
    }
    format!(" in {}", ranges(line.month, &MONTH, &month_name))
}

fn number(value: u8) -> String {
    value.to_string()
}

fn weekday_name(value: u8) -> String {
    WEEKDAYS.get(usize::from(value)).copied().unwrap_or_default().to_owned()
}

fn month_name(value: u8) -> String {
    MONTHS.get(usize::from(value)).copied().unwrap_or_default().to_owned()
}

/// `1, 3 to 5 and 9`; runs of three and more are joined. A week is listed from
/// Monday.
fn ranges(field: Field, unit: &Unit, name: &dyn Fn(u8) -> String) -> String {
    let mut values = field.values();
    if unit.max == WEEKDAY.max && values.first() == Some(&0) {
        values.rotate_left(1);
    }
    let after = |value: u8| if unit.max == WEEKDAY.max { (value + 1) % 7 } else { value + 1 };
    let mut runs: Vec<Vec<u8>> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| after(*last) == value) => run.push(value),
            _ => runs.push(vec![value]),
        }
    }
    let mut parts = Vec::new();
    for run in runs {
        match run.as_slice() {
            [first, _, .., last] => parts.push(format!("{} to {}", name(*first), name(*last))),
            few => parts.extend(few.iter().map(|value| name(*value))),
        }
    }
    and(&parts)
}

fn and(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
