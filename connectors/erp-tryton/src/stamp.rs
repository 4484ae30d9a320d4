//! Tryton's `_timestamp` as a time: seconds since 1970 with a fraction, in text.

/// The time as RFC 3339 in UTC, to the microsecond; `None` for other text.
pub fn rfc3339(stamp: &str) -> Option<String> {
    let (seconds, fraction) = stamp.split_once('.').unwrap_or((stamp, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let (year, month, day) = civil(seconds.div_euclid(86_400))?;
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    let micros: String = fraction.chars().chain("000000".chars()).take(6).collect();
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros}Z"))
}

/// The Gregorian date of a day counted from 1970-01-01, in years 0 to 9999:
/// eras of 400 years, years that begin in March.
fn civil(days: i64) -> Option<(i64, i64, i64)> {
    let shifted = days.checked_add(719_468)?;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (0..=9_999).contains(&year).then_some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn stamps_are_times() {
        for (stamp, time) in [
            ("1795349583.98796", Some("2026-11-22T12:13:03.987960Z")),
            ("0", Some("1970-01-01T00:00:00.000000Z")),
            ("951782400.5", Some("2000-02-29T00:00:00.500000Z")),
            ("1709251199.9999999", Some("2024-02-29T23:59:59.999999Z")),
            ("1.", None),
            ("soon", None),
            ("99999999999999", None),
        ] {
            assert_eq!(rfc3339(stamp).as_deref(), time, "{stamp}");
        }
    }
}
