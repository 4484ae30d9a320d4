//! Thirty zones, twenty lines, three years: every fire compared with an oracle
//! that shares no code with the crate. It walks days, asks a Rust closure
//! whether a wall-clock minute matches, and finds instants by trying offsets.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use hub_model::Timestamp;

use crate::schedule;

const ZONES: &[&str] = &[
    "UTC",
    "Europe/Paris",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Moscow",
    "Europe/Chisinau",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Asuncion",
    "America/Havana",
    "America/Nuuk",
    "America/Scoresbysund",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Jerusalem",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Australia/Eucla",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Norfolk",
    "Pacific/Apia",
    "Antarctica/Troll",
];

/// A minute on the wall.
#[derive(Clone, Copy)]
struct Wall {
    minute: i64,
    hour: i64,
    day: u32,
    month: u32,
    /// From Sunday = 0.
    weekday: u32,
}

type Line = (&'static str, bool, fn(Wall) -> bool);

/// Text, whether it follows the clock through both passes, and what it means.
const SPARSE: &[Line] = &[
    ("30 2 * * *", false, |w| w.hour == 2 && w.minute == 30),
    ("0 0 * * *", false, |w| w.hour == 0 && w.minute == 0),
    ("@daily", false, |w| w.hour == 0 && w.minute == 0),
    ("@weekly", false, |w| w.hour == 0 && w.minute == 0 && w.weekday == 0),
    ("@monthly", false, |w| w.hour == 0 && w.minute == 0 && w.day == 1),
    ("@yearly", false, |w| w.hour == 0 && w.minute == 0 && w.day == 1 && w.month == 1),
    ("15,45 1-3 * * *", false, |w| (1..=3).contains(&w.hour) && [15, 45].contains(&w.minute)),
    ("0 2 * * SUN", false, |w| w.hour == 2 && w.minute == 0 && w.weekday == 0),
    ("0 2 * * 7", false, |w| w.hour == 2 && w.minute == 0 && w.weekday == 0),
    ("5 3 * * 1-5", false, |w| w.hour == 3 && w.minute == 5 && (1..=5).contains(&w.weekday)),
    ("5 23 * * FRI-SUN", false, |w| {
        w.hour == 23 && w.minute == 5 && [5, 6, 0].contains(&w.weekday)
    }),
    ("30 0 13 * FRI", false, |w| w.hour == 0 && w.minute == 30 && (w.day == 13 || w.weekday == 5)),
    ("0 12 */10 * MON", false, |w| {
        w.hour == 12 && w.minute == 0 && [1, 11, 21, 31].contains(&w.day) && w.weekday == 1
    }),
    ("0 4 31 * *", false, |w| w.hour == 4 && w.minute == 0 && w.day == 31),
    ("0 0 29 2 *", false, |w| w.hour == 0 && w.minute == 0 && w.day == 29 && w.month == 2),
    ("59 23 28-31 jan,MAR-may/2 *", false, |w| {
        w.hour == 23 && w.minute == 59 && w.day >= 28 && [1, 3, 5].contains(&w.month)
    }),
    ("0 */6 * * *", false, |w| w.minute == 0 && w.hour % 6 == 0),
    ("40 * 1,25-31 3,10 *", true, |w| {
        w.minute == 40 && (w.day == 1 || w.day >= 25) && [3, 10].contains(&w.month)
    }),
];

/// The same for lines that fire so often that a year of them is enough.
const DENSE: &[Line] = &[
    ("@hourly", true, |w| w.minute == 0),
    ("30 0-23 * * *", true, |w| w.minute == 30),
    ("*/20 0-4 * * *", false, |w| w.hour <= 4 && w.minute % 20 == 0),
    ("7-59/13 * * * SAT,0", true, |w| {
        [7, 20, 33, 46, 59].contains(&w.minute) && [0, 6].contains(&w.weekday)
    }),
];

fn offset(zone: Tz, at: i64) -> i64 {
    let utc = DateTime::<Utc>::from_timestamp(at, 0).unwrap().naive_utc();
    i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc())
}

/// The wall-clock times of a line, with two days to spare at both ends.
fn walls(line: &Line, from: i64, until: i64) -> Vec<i64> {
    let mut walls = Vec::new();
    for day in days(from, until) {
        let date = DateTime::<Utc>::from_timestamp(day * 86_400, 0).unwrap().date_naive();
        let (month, weekday) = (date.month(), date.weekday().num_days_from_sunday());
        for minute in 0..1_440 {
            let wall =
                Wall { minute: minute % 60, hour: minute / 60, day: date.day(), month, weekday };
            if (line.2)(wall) {
                walls.push(day * 86_400 + minute * 60);
            }
        }
    }
    walls
}

fn days(from: i64, until: i64) -> std::ops::RangeInclusive<i64> {
    (from - 2 * 86_400).div_euclid(86_400)..=(until + 2 * 86_400).div_euclid(86_400)
}

/// The offsets that may matter, by day.
type Offsets = BTreeMap<i64, BTreeSet<i64>>;

fn offsets(zone: Tz, from: i64, until: i64) -> Offsets {
    let near = |day: i64| (-36..=36).map(move |hour| day * 86_400 + hour * 3_600);
    days(from, until).map(|day| (day, near(day).map(|at| offset(zone, at)).collect())).collect()
}

/// All fires within a span, by the definition.
fn fires(
    zone: Tz,
    offsets: &Offsets,
    line: &Line,
    walls: &[i64],
    from: i64,
    until: i64,
) -> Vec<i64> {
    let all: BTreeSet<i64> = walls
        .iter()
        .flat_map(|wall| instants(zone, &offsets[&wall.div_euclid(86_400)], *wall, line.1))
        .collect();
    all.into_iter().filter(|fire| *fire > from && *fire <= until).collect()
}

fn expected(zone: Tz, line: &Line, from: i64, until: i64) -> Vec<i64> {
    let offsets = offsets(zone, from, until);
    fires(zone, &offsets, line, &walls(line, from, until), from, until)
}

fn instants(zone: Tz, offsets: &BTreeSet<i64>, wall: i64, both: bool) -> Vec<i64> {
    let shows = |at: &i64| at + offset(zone, *at) == wall;
    let found: BTreeSet<i64> = offsets.iter().map(|offset| wall - offset).filter(shows).collect();
    match (found.first(), both) {
        (Some(_), true) => found.into_iter().collect(),
        (Some(first), false) => vec![*first],
        // A gap: walk by minutes to the first instant that shows more.
        (None, _) => {
            let start = wall - offsets.last().unwrap() - 60;
            let mut walk = (0..).map(|minute| start + minute * 60);
            vec![walk.find(|at| at + offset(zone, *at) > wall).unwrap()]
        }
    }
}

/// Compares all fires of all lines in all zones; answers how many there were.
fn compare(zones: &[&str], lines: &[Line], from: &str, until: &str) -> usize {
    let (from, until) = (crate::at(from), crate::at(until));
    let (first, end) = (from.seconds(), until.seconds());
    let walls: Vec<Vec<i64>> = lines.iter().map(|line| walls(line, first, end)).collect();
    let mut count = 0;
    for name in zones {
        let zone: Tz = name.parse().unwrap();
        let offsets = offsets(zone, first, end);
        for (line, walls) in lines.iter().zip(&walls) {
            let schedule = schedule(line.0, name);
            let expected = fires(zone, &offsets, line, walls, first, end);
            let mut last = from;
            for fire in &expected {
                let next = schedule.next_after(last).unwrap();
                let fire = Timestamp::from_seconds(*fire);
                assert_eq!(next, fire, "`{}` in {name} after {last}", line.0);
                assert!(next > last);
                last = next;
            }
            let next = schedule.next_after(last);
            assert!(next.is_none_or(|next| next > until), "`{}` in {name}", line.0);
            count += expected.len();
        }
    }
    count
}

#[test]
fn three_years_of_sparse_lines_in_every_zone() {
    let fires = compare(ZONES, SPARSE, "2024-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    // Per zone and day: three daily lines, one of six times, one of four.
    assert!(fires > ZONES.len() * 1_096 * 13, "{fires}");
}

#[test]
fn a_year_of_dense_lines() {
    let zones = ["Europe/Paris", "America/Nuuk", "Australia/Lord_Howe", "Africa/Casablanca"];
    let fires = compare(&zones, DENSE, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    assert!(fires > 4 * 365 * (24 + 24 + 15), "{fires}");
}

#[test]
fn the_day_that_apia_left_out() {
    let fires = compare(&["Pacific/Apia"], SPARSE, "2011-01-01T00:00:00Z", "2012-12-31T00:00:00Z");
    assert!(fires > 730 * 13, "{fires}");
}

/// From any instant, not only from a fire: the answer is later than the
/// question, does not go down, and nothing lies between.
#[test]
fn from_every_ten_minutes_around_changes() {
    let spans = [
        ("Europe/Paris", "2026-10-24T20:00:00Z"),
        ("Europe/Paris", "2026-03-28T20:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T10:00:00Z"),
        ("America/Nuuk", "2026-03-28T20:00:00Z"),
        ("Pacific/Apia", "2011-12-29T20:00:00Z"),
    ];
    for (zone, start) in spans {
        for line in SPARSE.iter().chain(DENSE) {
            let schedule = schedule(line.0, zone);
            let start = crate::at(start);
            let end = start.plus_seconds(2 * 86_400);
            let fires = expected(zone.parse().unwrap(), line, start.seconds() - 1, end.seconds());
            for minute in (0..1_440).step_by(10) {
                let asked = start.plus_seconds(minute * 60).plus_micros(minute % 3 - 1);
                let next = schedule.next_after(asked);
                assert!(next.is_none_or(|next| next > asked), "`{}` {zone} {asked}", line.0);
                let wanted = fires.iter().find(|fire| Timestamp::from_seconds(**fire) > asked);
                if let Some(wanted) = wanted {
                    assert_eq!(
                        next,
                        Some(Timestamp::from_seconds(*wanted)),
                        "`{}` in {zone} after {asked}",
                        line.0
                    );
                }
            }
        }
    }
}
