//! Tryton's `_timestamp` as a time: seconds since 1970 with a fraction, in text.

use liaison_sdk::time;

/// The time as RFC 3339 in UTC, to the microsecond; `None` for other text.
pub fn rfc3339(stamp: &str) -> Option<String> {
    let (seconds, fraction) = stamp.split_once('.').unwrap_or((stamp, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let micros: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let instant = time::from_seconds(seconds).checked_add(micros.parse().ok()?)?;
    time::format_digits(instant, 6)
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
