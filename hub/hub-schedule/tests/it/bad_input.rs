//! The catalogue's bad inputs for schedules and zones (17 to 30).

use std::time::{Duration, Instant};

use hub_schedule::{Schedule, ScheduleError};

use crate::{at, schedule};

/// Number in the catalogue, text, code, and what the sentence must hold.
const REFUSED: &[(u8, &str, &str, &str)] = &[
    (17, "", "schedule/empty", "`30 2 * * *`"),
    (17, "   \t ", "schedule/empty", "`every 15m`"),
    (18, "30 2 * *", "schedule/field-count", "this has 4"),
    (18, "daily", "schedule/field-count", "did you mean `@daily`?"),
    (18, "15m", "schedule/field-count", "did you mean `every 15m`?"),
    (18, "Manual", "schedule/field-count", "did you mean `manual`?"),
    (19, "0 30 2 * * *", "schedule/seconds-field", "`30 2 * * *`"),
    (19, "0 30 2 * * * 2026", "schedule/seconds-field", "`30 2 * * *`"),
    (19, "0 0 0 0 0 0 0 0", "schedule/field-count", "this has 8"),
    (20, "60 * * * *", "schedule/value", "from 0 to 59"),
    (20, "0 24 * * *", "schedule/value", "the hour, which goes from 0 to 23"),
    (20, "0 0 0 * *", "schedule/value", "from 1 to 31"),
    (20, "0 0 * 13 *", "schedule/value", "from 1 to 12 or from JAN to DEC"),
    (20, "0 0 * * 8", "schedule/value", "0 and 7 are Sunday"),
    (20, "-1 * * * *", "schedule/value", "minute"),
    (20, "1,,2 * * * *", "schedule/value", "``"),
    (20, "+5 * * * *", "schedule/value", "`+5`"),
    (20, "1.5 * * * *", "schedule/value", "`1.5`"),
    (20, "0 0 * MONDAY *", "schedule/value", "`MONDAY`"),
    (21, "*/0 * * * *", "schedule/step", "from 1 to 59"),
    (21, "*/60 * * * *", "schedule/step", "from 1 to 59"),
    (21, "*/ * * * *", "schedule/step", "`*/`"),
    (21, "5/15 * * * *", "schedule/step", "`5-59/…`"),
    (22, "0 0 31 2 *", "schedule/never-fires", "5 years"),
    (22, "0 0 30 FEB *", "schedule/never-fires", "never fires"),
    (22, "0 0 31 4,6,9,11 *", "schedule/never-fires", "never fires"),
    (25, "0 2 * * FRI-MON", "schedule/reversed-range", "`FRI,SAT,SUN,MON`"),
    (25, "0 2 * * 5-1", "schedule/reversed-range", "`5,6,0,1`"),
    (25, "0 22-2 * * *", "schedule/reversed-range", "`22,23,0,1,2`"),
    (25, "0 0 * NOV-FEB *", "schedule/reversed-range", "`NOV,DEC,JAN,FEB`"),
    (26, "0 0 L * *", "schedule/quartz", "`L`"),
    (26, "0 0 15W * *", "schedule/quartz", "`MON-FRI`"),
    (26, "0 0 LW * *", "schedule/quartz", "`LW`"),
    (26, "0 0 * * 5L", "schedule/quartz", "`5L`"),
    (26, "0 0 * * 5#2", "schedule/quartz", "nth weekday"),
    (26, "0 0 ? * MON", "schedule/quartz", "write `*`"),
    (27, "0 0 * * \0", "schedule/character", "U+0000"),
    (27, "é * * * *", "schedule/character", "U+00E9"),
    (27, "0 2 * * *\n", "schedule/character", "U+000A"),
    (27, "12345678901234567890 * * * *", "schedule/value", "minute"),
    (30, "* * * * * *", "schedule/seconds-field", "every 10s"),
    (8, "every 5 minutes", "schedule/every", "`every 15m`"),
    (8, "every", "schedule/every", "s, m, h, d"),
    (8, "every15m", "schedule/every", "`every 15m`"),
    (8, "EVERY 15m", "schedule/every", "`every 15m`"),
    (8, "every 0s", "schedule/every", "every 1s"),
    (8, "every -5m", "schedule/every", "whole number"),
    (8, "every 1.5h", "schedule/every", "whole number"),
    (8, "every 15M", "schedule/every", "s, m, h, d"),
    (8, "every 1h30m", "schedule/every", "one of s, m, h, d"),
    (8, "every 367d", "schedule/every", "366d"),
    (8, "every 99999999999999999999d", "schedule/every", "366d"),
    (8, "every 9223372036854775807d", "schedule/every", "366d"),
    (17, "@dialy", "schedule/macro", "did you mean `@daily`?"),
    (17, "@annually", "schedule/macro", "did you mean `@yearly`?"),
    (17, "@reboot", "schedule/macro", "`@hourly`"),
];

#[test]
fn refused_with_code_and_mend() {
    for (number, text, code, holds) in REFUSED {
        let error = Schedule::parse(text, "UTC").expect_err(text);
        assert_eq!(error.code(), *code, "{number}: {text}: {error}");
        assert!(error.to_string().contains(holds), "{number}: {text}: {error}");
        assert!(!error.is_zone());
    }
}

#[test]
fn large_or_strange_text_is_refused_at_once() {
    let texts = [
        "*".repeat(4 * 1024 * 1024),
        "0 0 * * 0,".repeat(400_000),
        format!("{} * * * *", "9".repeat(250)),
        ",".repeat(256),
        "*/1".repeat(80),
    ];
    for text in texts {
        let start = Instant::now();
        let refused = Schedule::parse(&text, "UTC").is_err();
        // 1 ms on a quiet machine; tests share theirs.
        assert!(refused && start.elapsed() < Duration::from_millis(50), "{} bytes", text.len());
    }
    let exact = format!("{}30 2 * * *", " ".repeat(246));
    assert!(Schedule::parse(&exact, "UTC").is_ok(), "256 bytes are allowed");
    let error = Schedule::parse(&format!(" {exact}"), "UTC").expect_err("257 bytes");
    assert_eq!(error, ScheduleError::TooLong { bytes: 257, max: 256 });
}

#[test]
fn zones_are_refused_with_what_was_meant() {
    let table = [
        ("CEST", Some("Europe/Paris")),
        ("Europe/Pari", Some("Europe/Paris")),
        ("europe/paris", Some("Europe/Paris")),
        ("Paris", Some("Europe/Paris")),
        ("New York", Some("America/New_York")),
        ("America/NewYork", Some("America/New_York")),
        ("utc", Some("UTC")),
        ("UTC+2", None),
        ("+02:00", None),
        ("", None),
        ("Mars/Olympus", None),
        ("Europe/Paris\0", Some("Europe/Paris")),
    ];
    for (zone, near) in table {
        let error = Schedule::parse("30 2 * * *", zone).expect_err(zone);
        assert_eq!(error.code(), "schedule/zone", "{zone}");
        assert!(error.is_zone());
        let ScheduleError::Zone { near: found, .. } = &error else { panic!("{error}") };
        assert_eq!(found.as_deref(), near, "{zone}");
        assert!(!error.to_string().contains('\0'), "{zone}");
    }
    let long = "x".repeat(4 * 1024 * 1024);
    let error = Schedule::parse("30 2 * * *", &long).expect_err("4 MB");
    assert!(error.to_string().len() < 300);
}

#[test]
fn five_fields_begin_with_the_minute() {
    let next = schedule("18 3 * * *", "UTC").next_after(at("2026-01-01T00:00:00Z"));
    assert_eq!(next, Some(at("2026-01-01T03:18:00Z")));
}

#[test]
fn the_29th_of_february_waits_for_its_year() {
    let next = schedule("0 0 29 2 *", "UTC").next_after(at("2026-01-01T00:00:00Z"));
    assert_eq!(next, Some(at("2028-02-29T00:00:00Z")));
}

#[test]
fn weekdays_mean_what_they_mean_to_unix() {
    // 2026-01-04 is a Sunday.
    let table = [
        ("MON", "2026-01-05"),
        ("1", "2026-01-05"),
        ("0", "2026-01-04"),
        ("7", "2026-01-04"),
        ("SUN", "2026-01-04"),
        ("sat", "2026-01-03"),
        ("6", "2026-01-03"),
        ("5-7", "2026-01-02"),
        ("FRI-SUN", "2026-01-02"),
        ("0-7", "2026-01-01"),
        ("*", "2026-01-01"),
    ];
    for (weekday, date) in table {
        let next =
            schedule(&format!("0 12 * * {weekday}"), "UTC").next_after(at("2026-01-01T00:00:00Z"));
        assert_eq!(next, Some(at(&format!("{date}T12:00:00Z"))), "{weekday}");
    }
}

#[test]
fn a_connector_may_ask_for_rest() {
    let table = [
        ("every 1s", 60, false),
        ("every 59s", 60, false),
        ("every 60s", 60, true),
        ("* * * * *", 60, true),
        ("* * * * *", 300, false),
        ("0,1 3 * * *", 300, false),
        ("0 3 * * *", 86_400, true),
        ("manual", i64::MAX, true),
    ];
    for (text, min_seconds, allowed) in table {
        let checked = schedule(text, "Europe/Paris").check_minimum(min_seconds);
        assert_eq!(checked.is_ok(), allowed, "{text}");
        if let Err(error) = checked {
            assert_eq!(error.code(), "schedule/too-often");
        }
    }
}
