//! What an author reads back.

use crate::schedule;

#[test]
fn schedules_in_words() {
    let table = [
        ("30 2 * * *", "at 02:30 every day (Europe/Paris)"),
        ("@hourly", "at minute 0 of every hour every day (Europe/Paris)"),
        ("* * * * *", "every minute every day (Europe/Paris)"),
        ("*/15 * * * *", "every 15 minutes every day (Europe/Paris)"),
        (
            "*/15 9-17 * * MON-FRI",
            "every 15 minutes of the hours 9 to 17 on Monday to Friday (Europe/Paris)",
        ),
        ("0 8,20 * * 0,6", "at 08:00 and 20:00 on Saturday and Sunday (Europe/Paris)"),
        ("0 2 * * 1", "at 02:00 on Monday (Europe/Paris)"),
        ("0 2 * * 7", "at 02:00 on Sunday (Europe/Paris)"),
        ("0 0 1 * *", "at 00:00 on day 1 of the month (Europe/Paris)"),
        ("0 0 13 * FRI", "at 00:00 on day 13 of the month or on Friday (Europe/Paris)"),
        (
            "0 0 */10 * MON",
            "at 00:00 on days 1, 11, 21 and 31 of the month if it is Monday (Europe/Paris)",
        ),
        (
            "0 0 1 1,6-8 *",
            "at 00:00 on day 1 of the month in January and June to August (Europe/Paris)",
        ),
        ("5,7 * * * *", "at minutes 5 and 7 of every hour every day (Europe/Paris)"),
        ("every 90s", "every 90 seconds"),
        ("every 15m", "every 15 minutes"),
        ("every 120m", "every 2 hours"),
        ("every 1d", "every day"),
        ("manual", "only when asked"),
    ];
    for (text, words) in table {
        assert_eq!(schedule(text, "Europe/Paris").describe(), words, "{text}");
    }
}
