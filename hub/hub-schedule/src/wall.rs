//! From wall-clock times to instants, through the two days a year on which
//! that is not a subtraction. All numbers are seconds; a wall-clock time counts
//! as if the wall showed UTC.

use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

use crate::line::Line;
use crate::zone::{change_between, offset};

/// More than the widest offset from UTC and the widest gap together
/// (Pacific/Apia left out a whole day in 2011).
const REACH_SECONDS: i64 = 40 * 3600;

/// The instants that show a wall-clock time: the first and the last of them.
/// Inside a gap, both are the gap's end.
fn instants(zone: Tz, wall: i64) -> Option<(i64, i64)> {
    let local = DateTime::<Utc>::from_timestamp(wall, 0)?.naive_utc();
    let found = zone.offset_from_local_datetime(&local);
    let at = |offset: &<Tz as TimeZone>::Offset| wall - i64::from(offset.fix().local_minus_utc());
    match found {
        chrono::LocalResult::Single(only) => Some((at(&only), at(&only))),
        chrono::LocalResult::Ambiguous(one, other) => {
            let (one, other) = (at(&one), at(&other));
            Some((one.min(other), one.max(other)))
        }
        chrono::LocalResult::None => gap_end(zone, wall).map(|end| (end, end)),
    }
}

/// The first instant at which the wall shows more than a time that it never
/// shows.
fn gap_end(zone: Tz, wall: i64) -> Option<i64> {
    let (mut earlier, mut later) = (wall - REACH_SECONDS, wall + REACH_SECONDS);
    while later - earlier > 1 {
        let middle = earlier + (later - earlier) / 2;
        if middle + offset(zone, middle)? > wall { later = middle } else { earlier = middle }
    }
    Some(later)
}

/// The first fire of a line after an instant.
pub(crate) fn next_after(line: &Line, zone: Tz, after: i64) -> Option<i64> {
    let wall = after + offset(zone, after)?;
    let first_pass = next_by(line, zone, wall, after, |(first, _)| first);
    if !line.every_hour() {
        return first_pass;
    }
    let start = second_pass_start(zone, wall, after).map_or(wall, |start| start - 1);
    let second_pass = next_by(line, zone, start, after, |(_, last)| last);
    [first_pass, second_pass].into_iter().flatten().min()
}

/// The first fire after an instant, walking the line's wall-clock times from
/// `wall`. `pick` must not go down while the wall goes up, and must give
/// nothing later than `after` for times up to `wall`.
fn next_by(
    line: &Line,
    zone: Tz,
    wall: i64,
    after: i64,
    pick: impl Fn((i64, i64)) -> i64,
) -> Option<i64> {
    let mut wall = wall;
    loop {
        wall = line.next_wall(wall)?;
        let fire = pick(instants(zone, wall)?);
        if fire > after {
            return Some(fire);
        }
    }
}

/// If an instant is in the first pass of a repeated hour: the wall-clock time
/// at which the second pass begins.
fn second_pass_start(zone: Tz, wall: i64, at: i64) -> Option<i64> {
    let (first, last) = instants(zone, wall)?;
    if first == last || at != first {
        return None;
    }
    let change = change_between(zone, first, last)?;
    Some(change + offset(zone, change)?)
}
