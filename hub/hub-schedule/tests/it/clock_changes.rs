//! The two days a year, written out.

use crate::{at, schedule};

/// Zone, schedule, an instant, and the fires that follow it.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str]);

const CASES: &[Case] = &[
    // Spring: 02:00 -> 03:00 at 01:00Z. A time inside the gap fires at its end.
    (
        "Europe/Paris",
        "30 2 * * *",
        "2026-03-28T00:00:00Z",
        &["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
    ),
    // The gap's end fires once for all times in it and for its own.
    (
        "Europe/Paris",
        "*/15 2,3 * * *",
        "2026-03-29T00:00:00Z",
        &["2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z", "2026-03-29T01:30:00Z"],
    ),
    (
        "Europe/Paris",
        "0 3 * * *",
        "2026-03-28T12:00:00Z",
        &["2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"],
    ),
    // Autumn: 03:00 -> 02:00 at 01:00Z. A fixed time fires in the first pass.
    (
        "Europe/Paris",
        "30 2 * * *",
        "2026-10-24T12:00:00Z",
        &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
    ),
    // Asked in the middle of the second pass: still not again.
    ("Europe/Paris", "30 2 * * *", "2026-10-25T01:10:00Z", &["2026-10-26T01:30:00Z"]),
    (
        "Europe/Paris",
        "15,45 2 * * *",
        "2026-10-25T00:20:00Z",
        &["2026-10-25T00:45:00Z", "2026-10-26T01:15:00Z"],
    ),
    // Every hour: both passes.
    (
        "Europe/Paris",
        "@hourly",
        "2026-10-24T23:30:00Z",
        &["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"],
    ),
    (
        "Europe/Paris",
        "*/30 * * * *",
        "2026-10-25T00:20:00Z",
        &[
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T02:00:00Z",
        ],
    ),
    (
        "Europe/Paris",
        "30 * * * *",
        "2026-03-29T00:00:00Z",
        &["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"],
    ),
    // New York: gap at 2026-03-08T07:00Z, second pass from 2026-11-01T06:00Z.
    (
        "America/New_York",
        "30 2 * * *",
        "2026-03-07T12:00:00Z",
        &["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"],
    ),
    (
        "America/New_York",
        "30 1 * * *",
        "2026-10-31T12:00:00Z",
        &["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"],
    ),
    (
        "America/New_York",
        "30 * * * *",
        "2026-11-01T05:00:00Z",
        &["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", "2026-11-01T07:30:00Z"],
    ),
    // Lord Howe moves by half an hour: gap 02:00-02:30 at 2026-10-03T15:30Z,
    // 01:30-02:00 twice from 2026-04-04T15:00Z.
    (
        "Australia/Lord_Howe",
        "15 2 * * *",
        "2026-10-02T20:00:00Z",
        &["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"],
    ),
    (
        "Australia/Lord_Howe",
        "45 1 * * *",
        "2026-04-03T20:00:00Z",
        &["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"],
    ),
    (
        "Australia/Lord_Howe",
        "45 * * * *",
        "2026-04-04T14:00:00Z",
        &["2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z", "2026-04-04T16:15:00Z"],
    ),
    (
        "Australia/Lord_Howe",
        "0 * * * *",
        "2026-04-04T13:30:00Z",
        &["2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z", "2026-04-04T16:30:00Z"],
    ),
    // No changes at all.
    (
        "Asia/Kolkata",
        "30 2 * * *",
        "2026-03-28T21:00:00Z",
        &["2026-03-29T21:00:00Z", "2026-03-30T21:00:00Z"],
    ),
    ("UTC", "30 2 * * *", "2026-03-29T02:30:00Z", &["2026-03-30T02:30:00Z"]),
    // Apia left out 2011-12-30: what was due on it fires once, when it ends.
    (
        "Pacific/Apia",
        "30 2,14 * * *",
        "2011-12-29T13:00:00Z",
        &["2011-12-30T00:30:00Z", "2011-12-30T10:00:00Z", "2011-12-30T12:30:00Z"],
    ),
    // A period knows no zone.
    (
        "Europe/Paris",
        "every 6h",
        "2026-03-28T23:00:00Z",
        &["2026-03-29T00:00:00Z", "2026-03-29T06:00:00Z"],
    ),
];

#[test]
fn fires_around_changes_of_the_clock() {
    for (zone, text, after, expected) in CASES {
        let schedule = schedule(text, zone);
        let found: Vec<String> =
            schedule.next_n(at(after), expected.len()).iter().map(ToString::to_string).collect();
        assert_eq!(&found, expected, "`{text}` in {zone} after {after}");
    }
}

#[test]
fn strictly_after_down_to_the_microsecond() {
    let schedule = schedule("30 2 * * *", "UTC");
    let due = at("2026-03-29T02:30:00Z");
    assert_eq!(schedule.next_after(due.plus_micros(-1)), Some(due));
    assert_eq!(schedule.next_after(due), Some(due.plus_seconds(86_400)));
    assert_eq!(schedule.next_after(due.plus_micros(1)), Some(due.plus_seconds(86_400)));
}

#[test]
fn the_ends_of_the_calendar() {
    use hub_model::Timestamp;
    for text in ["30 2 * * *", "every 90s", "manual"] {
        let schedule = schedule(text, "Europe/Paris");
        for end in [Timestamp(i64::MAX), Timestamp(i64::MIN), Timestamp(i64::MAX - 1)] {
            assert!(schedule.next_after(end).is_none_or(|next| next > end), "{text} {end}");
        }
    }
    assert_eq!(schedule("30 2 * * *", "UTC").next_after(at("2101-01-01T00:00:00Z")), None);
    assert_eq!(
        schedule("0 0 29 2 *", "UTC").next_after(at("2096-03-01T00:00:00Z")),
        None,
        "2100 is no leap year, and the calendar of cron ends with it"
    );
}

#[test]
fn the_last_one_is_found_without_walking() {
    for text in ["* * * 1 *", "30 2 * * *", "@yearly", "every 7m", "15 2 29 2 *"] {
        let schedule = schedule(text, "Europe/Paris");
        let (from, until) = (at("2023-05-01T00:00:00Z"), at("2026-10-25T01:40:00Z"));
        let latest = schedule.latest_within(from, until);
        match latest {
            Some(latest) => {
                assert!(latest > from && latest <= until, "{text}");
                assert!(schedule.next_after(latest).is_none_or(|next| next > until), "{text}");
                assert_eq!(schedule.next_after(latest.plus_micros(-1)), Some(latest), "{text}");
                assert_eq!(schedule.latest_within(latest, until), None, "{text}");
                assert_eq!(schedule.count_within(latest.plus_micros(-1), until, 9), 1, "{text}");
            }
            None => assert!(schedule.next_after(from).is_none_or(|next| next > until), "{text}"),
        }
    }
}

#[test]
fn the_next_change_is_named() {
    let change = schedule("@daily", "Europe/Paris").next_zone_change(at("2026-06-01T00:00:00Z"));
    let change = change.expect("Paris changes in autumn");
    assert_eq!(change.at, at("2026-10-25T01:00:00Z"));
    assert_eq!((change.before_seconds, change.after_seconds), (7_200, 3_600));
    assert_eq!(schedule("@daily", "Asia/Tokyo").next_zone_change(at("2026-06-01T00:00:00Z")), None);
}
