//! When a vendor's job is asked for next.

use hub_model::Timestamp;

/// First wait after a job was begun, in seconds; doubled with every poll.
const WAIT_SECONDS_FIRST: i64 = 15;
/// Longest wait between two polls: 1 h.
const WAIT_SECONDS_MAX: i64 = 3_600;
/// A job that has not ended so long after it began is asked for no more, since
/// vendors forget jobs: 24 h.
const JOB_SECONDS_MAX: i64 = 86_400;

/// When a job is asked for that began at an instant, after so many polls; `None` =
/// no more. What the vendor asked for is not undercut, as far as the job's time
/// goes. A clock that was set back does not make a job wait longer than a fresh one.
pub fn next_poll(
    now: Timestamp,
    since: Timestamp,
    polls: u32,
    asked_seconds: Option<u32>,
) -> Option<Timestamp> {
    if now.0.saturating_sub(since.0) >= JOB_SECONDS_MAX * 1_000_000 {
        return None;
    }
    let grown = WAIT_SECONDS_FIRST.saturating_mul(1 << polls.min(16)).min(WAIT_SECONDS_MAX);
    let asked = i64::from(asked_seconds.unwrap_or(0)).min(JOB_SECONDS_MAX);
    let end = since.min(now).plus_seconds(JOB_SECONDS_MAX);
    Some(now.plus_seconds(grown.max(asked)).min(end))
}

#[cfg(test)]
mod tests {
    use super::next_poll;
    use hub_model::Timestamp;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn waits_grow_up_to_an_hour_and_end_after_a_day() {
        let (mut now, mut waits, mut polls) = (NOW, Vec::new(), 0);
        while let Some(next) = next_poll(now, NOW, polls, None) {
            waits.push((next.0 - now.0) / 1_000_000);
            assert!(next > now, "it stands still");
            (now, polls) = (next, polls + 1);
        }
        assert_eq!(waits[..10], [15, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        assert_eq!(waits.iter().sum::<i64>(), 86_400, "the last poll is at the end of its day");
        assert!(waits.len() < 40);
    }

    #[test]
    fn a_vendor_is_asked_no_sooner_than_it_wants() {
        let table = [
            (0, Some(5), 15),
            (0, Some(300), 300),
            (9, Some(60), 3_600),
            (0, Some(u32::MAX), 86_400),
            (u32::MAX, None, 3_600),
        ];
        for (polls, asked, wait) in table {
            let next = next_poll(NOW, NOW, polls, asked);
            assert_eq!(next, Some(NOW.plus_seconds(wait)), "{polls} {asked:?}");
        }
        // The clock was set back since.
        let later = NOW.plus_seconds(500_000);
        assert_eq!(next_poll(NOW, later, 0, None), Some(NOW.plus_seconds(15)));
    }
}
