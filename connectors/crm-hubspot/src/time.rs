//! Points in time as HubSpot writes them: RFC 3339, milliseconds since 1970 as
//! text, dates, and the `Date` header of its answers.

/// Milliseconds of a day.
const DAY_MILLIS: i64 = 86_400_000;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Milliseconds since 1970 of RFC 3339 text, or of their own decimal text.
pub fn parse_instant(text: &str) -> Option<i64> {
    if let Some(millis) = whole_number(text) {
        return Some(millis);
    }
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, zone) = (rest.get(..8)?, rest.get(8..)?);
    let digits = zone.strip_prefix('.').map_or(0, |fraction| {
        fraction.find(|character: char| !character.is_ascii_digit()).unwrap_or(fraction.len())
    });
    let (fraction, zone) =
        if digits > 0 { (zone.get(1..=digits)?, zone.get(digits + 1..)?) } else { ("", zone) };
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    let days = parse_days(date)?;
    let seconds = of_day(clock)? - offset_seconds(zone)?;
    Some(days * DAY_MILLIS + seconds * 1_000 + fraction.parse::<i64>().ok()?)
}

/// RFC 3339 in UTC, to the millisecond; `None` outside the years 0 to 9999.
pub fn instant(millis: i64) -> Option<String> {
    let of_day = millis.rem_euclid(DAY_MILLIS);
    let (seconds, fraction) = (of_day / 1_000, of_day % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let date = date_of(millis)?;
    Some(format!("{date}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z"))
}

/// A date as `yyyy-mm-dd`, from that or from milliseconds since 1970.
pub fn date(text: &str) -> Option<String> {
    match whole_number(text) {
        Some(millis) => date_of(millis),
        None => parse_days(text).map(|_| text.to_owned()),
    }
}

/// Milliseconds since 1970 of an HTTP date: `Mon, 30 Nov 2026 11:05:22 GMT`.
pub fn parse_http_date(text: &str) -> Option<i64> {
    let mut parts = text.split_once(", ")?.1.split(' ');
    let day: i64 = parts.next()?.parse().ok()?;
    let month = parts.next()?;
    let month = i64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()? + 1;
    let year: i64 = parts.next()?.parse().ok()?;
    let seconds = of_day(parts.next()?)?;
    (parts.next()? == "GMT").then_some(days(year, month, day) * DAY_MILLIS + seconds * 1_000)
}

fn whole_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

/// Seconds of `hh:mm:ss`.
fn of_day(clock: &str) -> Option<i64> {
    let mut parts = clock.split(':').map(two_digits);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let valid = hour < 24 && minute < 60 && second < 61 && parts.next().is_none();
    valid.then_some(hour * 3_600 + minute * 60 + second)
}

fn offset_seconds(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let seconds = two_digits(hours)? * 3_600 + two_digits(minutes)? * 60;
    match sign {
        "+" => Some(seconds),
        "-" => Some(-seconds),
        _ => None,
    }
}

fn two_digits(text: &str) -> Option<i64> {
    let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Days since 1970 of `yyyy-mm-dd`, if there is such a day.
fn parse_days(date: &str) -> Option<i64> {
    let (year, rest) = date.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let year = year.parse().ok().filter(|_| year.len() == 4)?;
    let days = days(year, two_digits(month)?, two_digits(day)?);
    (date_of(days * DAY_MILLIS).as_deref() == Some(date)).then_some(days)
}

/// Days since 1970 of a Gregorian date: eras of 400 years, years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The Gregorian date of a point in time.
fn date_of(millis: i64) -> Option<String> {
    let shifted = millis.div_euclid(DAY_MILLIS).checked_add(719_468)?;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (0..=9_999).contains(&year).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use super::{date, instant, parse_http_date, parse_instant};

    #[test]
    fn instants_are_read_in_every_form_and_written_in_one() {
        for (text, shown) in [
            ("2026-11-30T11:05:22.123Z", Some("2026-11-30T11:05:22.123Z")),
            ("2026-11-30T11:05:22Z", Some("2026-11-30T11:05:22.000Z")),
            ("2026-11-30T11:05:22.1+01:00", Some("2026-11-30T10:05:22.100Z")),
            ("2026-11-30 11:05:22.123999-00:30", Some("2026-11-30T11:35:22.123Z")),
            ("1764500722123", Some("2025-11-30T11:05:22.123Z")),
            ("-1", Some("1969-12-31T23:59:59.999Z")),
            ("2024-02-29T00:00:00Z", Some("2024-02-29T00:00:00.000Z")),
            ("2023-02-29T00:00:00Z", None),
            ("2026-11-30T24:00:00Z", None),
            ("2026-11-30T11:05:22", None),
            ("2026-11-30", None),
            ("é026-11-30T11:05:22Z", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(parse_instant(text).and_then(instant).as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn dates_are_days_whatever_their_form() {
        for (text, day) in [
            ("2024-02-29", Some("2024-02-29")),
            ("1709164800000", Some("2024-02-29")),
            ("0", Some("1970-01-01")),
            ("2023-02-29", None),
            ("24-02-29", None),
            ("29/02/2024", None),
        ] {
            assert_eq!(date(text).as_deref(), day, "{text}");
        }
    }

    #[test]
    fn the_date_of_an_answer_is_read() {
        let millis = parse_http_date("Mon, 30 Nov 2026 11:05:22 GMT");
        assert_eq!(millis.and_then(instant).as_deref(), Some("2026-11-30T11:05:22.000Z"));
        assert_eq!(parse_http_date("30 Nov 2026"), None);
        assert_eq!(parse_http_date("Mon, 30 Foo 2026 11:05:22 GMT"), None);
    }
}
