//! Time zones: names, offsets, changes of the clock.

use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use hub_model::Timestamp;

use crate::error::ScheduleError;

/// Longest name looked at for a near one.
const NAME_BYTES_MAX: usize = 64;
/// How far ahead a change of the clock is looked for: every zone that has
/// changes at all has one within a year.
const CHANGE_DAYS_MAX: i64 = 400;
const DAY_SECONDS: i64 = 86_400;

/// The version of the time zone rules that are compiled in.
pub fn tzdata_version() -> &'static str {
    chrono_tz::IANA_TZDB_VERSION
}

/// A change of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneChange {
    /// The first instant with the new offset.
    pub at: Timestamp,
    /// Seconds east of UTC before it.
    pub before_seconds: i32,
    /// Seconds east of UTC from then on.
    pub after_seconds: i32,
}

/// Finds a zone by its IANA name.
pub(crate) fn find(name: &str) -> Result<Tz, ScheduleError> {
    name.parse().map_err(|_| ScheduleError::Zone {
        found: shown(name),
        near: (name.len() <= NAME_BYTES_MAX).then(|| near(name)).flatten(),
    })
}

fn shown(name: &str) -> String {
    name.chars().take(NAME_BYTES_MAX).flat_map(char::escape_debug).collect()
}

/// Abbreviations that people write for a zone and that name none, or an offset
/// without its summer time.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("CEST", "Europe/Paris"),
    ("CET/CEST", "Europe/Paris"),
    ("BST", "Europe/London"),
    ("EDT", "America/New_York"),
    ("CDT", "America/Chicago"),
    ("MDT", "America/Denver"),
    ("PDT", "America/Los_Angeles"),
    ("PST", "America/Los_Angeles"),
    ("JST", "Asia/Tokyo"),
    ("IST", "Asia/Kolkata"),
    ("AEST", "Australia/Sydney"),
    ("Z", "UTC"),
];

/// The zone that was probably meant: by abbreviation, by name in another case,
/// by city, else by spelling.
fn near(name: &str) -> Option<String> {
    let found = ABBREVIATIONS.iter().find(|(short, _)| short.eq_ignore_ascii_case(name));
    if let Some((_, zone)) = found {
        return Some((*zone).to_owned());
    }
    let wanted = name.trim().to_ascii_lowercase().replace(' ', "_");
    let exact = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(&wanted));
    if let Some(zone) = exact {
        return Some(zone.name().to_owned());
    }
    let city = |zone: &str| zone.rsplit('/').next().unwrap_or(zone).to_ascii_lowercase();
    let last = city(&wanted);
    if let Some(zone) =
        TZ_VARIANTS.iter().find(|zone| !last.is_empty() && city(zone.name()) == last)
    {
        return Some(zone.name().to_owned());
    }
    let allowed = (wanted.chars().count() / 4).max(1);
    TZ_VARIANTS
        .iter()
        .map(|zone| (distance(&wanted, zone.name()), zone.name()))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, zone)| zone.to_owned())
}

fn distance(wanted: &str, zone: &str) -> usize {
    strsim::damerau_levenshtein(wanted, &zone.to_ascii_lowercase())
}

/// Seconds east of UTC at an instant; `None` beyond the calendar.
pub(crate) fn offset(zone: Tz, at: i64) -> Option<i64> {
    let utc = DateTime::<Utc>::from_timestamp(at, 0)?.naive_utc();
    Some(i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()))
}

/// The first instant after `from` and not after `to` whose offset differs from
/// that at `from`, if the offset at `to` differs.
pub(crate) fn change_between(zone: Tz, from: i64, to: i64) -> Option<i64> {
    let before = offset(zone, from)?;
    let (mut same, mut other) = (from, to);
    if offset(zone, to)? == before {
        return None;
    }
    while other - same > 1 {
        let middle = same + (other - same) / 2;
        if offset(zone, middle)? == before { same = middle } else { other = middle }
    }
    Some(other)
}

/// The next change of the clock.
pub(crate) fn next_change(zone: Tz, after: Timestamp) -> Option<ZoneChange> {
    let mut from = after.seconds();
    let end = from.checked_add(CHANGE_DAYS_MAX * DAY_SECONDS)?;
    while from < end {
        if let Some(at) = change_between(zone, from, from + DAY_SECONDS) {
            return Some(ZoneChange {
                at: Timestamp::from_seconds(at),
                before_seconds: i32::try_from(offset(zone, at - 1)?).ok()?,
                after_seconds: i32::try_from(offset(zone, at)?).ok()?,
            });
        }
        from += DAY_SECONDS;
    }
    None
}
