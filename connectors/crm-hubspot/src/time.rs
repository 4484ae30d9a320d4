//! Points in time as HubSpot writes them: RFC 3339, milliseconds since 1970 as
//! text, dates, and the `Date` header of its answers.

use liaison_sdk::time::{self, Day};

/// Microseconds of a millisecond.
const MILLI_MICROS: i64 = 1_000;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Milliseconds since 1970 of RFC 3339 text, or of their own decimal text.
pub fn parse_instant(text: &str) -> Option<i64> {
    if let Some(millis) = whole_number(text) {
        return Some(millis);
    }
    time::parse(text).map(|micros| micros.div_euclid(MILLI_MICROS))
}

/// RFC 3339 in UTC, to the millisecond; `None` outside the years 0 to 9999.
pub fn instant(millis: i64) -> Option<String> {
    time::format_digits(millis.checked_mul(MILLI_MICROS)?, 3)
}

/// A date as `yyyy-mm-dd`, from that or from milliseconds since 1970.
pub fn date(text: &str) -> Option<String> {
    let day = match whole_number(text) {
        Some(millis) => Day::of(millis.checked_mul(MILLI_MICROS)?),
        None => Day::parse(text).filter(|_| text.contains('-')),
    };
    day.map(|day| day.to_string())
}

/// Milliseconds since 1970 of an HTTP date: `Mon, 30 Nov 2026 11:05:22 GMT`.
pub fn parse_http_date(text: &str) -> Option<i64> {
    let [day, month, year, clock, "GMT"] =
        text.split_once(", ")?.1.split(' ').collect::<Vec<_>>()[..]
    else {
        return None;
    };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    parse_instant(&format!("{year}-{month:02}-{day}T{clock}Z"))
}

fn whole_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
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
