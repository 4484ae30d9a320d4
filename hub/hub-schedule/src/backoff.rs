//! When to try again.

use hub_model::Timestamp;

use crate::jitter::mix;

/// A vendor that asks for more than this is not waited for: 1 h.
const HINT_MICROS_MAX: i64 = 3_600 * 1_000_000;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// How failures are retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackoffPolicy {
    /// Bound of the first delay, microseconds.
    pub base_micros: i64,
    /// Bound of every delay, microseconds.
    pub cap_micros: i64,
    /// Retries before it is parked.
    pub retries_max: u32,
}

impl Default for BackoffPolicy {
    /// From 1 s to 5 min, five times.
    fn default() -> Self {
        Self { base_micros: MICROS_PER_SECOND, cap_micros: 300 * MICROS_PER_SECOND, retries_max: 5 }
    }
}

/// What a vendor said about when to come back (`Retry-After`: RFC 9110, 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryHint {
    /// After so many seconds.
    Seconds(i64),
    /// At an instant, by the vendor's clock.
    At(Timestamp),
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextAttempt {
    /// Try again then.
    At(Timestamp),
    /// Set it aside until something changes or somebody asks.
    Park,
}

/// The delay before retry number `attempt` (from 0), in microseconds: anything
/// from 0 to the smaller of `cap` and `base` x 2^attempt ("full jitter", so that
/// what failed together does not come back together). The same seed and attempt
/// give the same delay.
pub fn backoff(attempt: u32, seed: u64, base_micros: i64, cap_micros: i64) -> i64 {
    let factor = 1_i64.checked_shl(attempt.min(62)).unwrap_or(i64::MAX);
    let bound = base_micros.max(0).saturating_mul(factor).min(cap_micros.max(0));
    let draw = mix(seed ^ mix(u64::from(attempt)));
    let range = u64::try_from(bound).unwrap_or(0).saturating_add(1);
    i64::try_from(draw % range).unwrap_or(0)
}

/// What a vendor's hint means: `None` if it says nothing (a time that has
/// passed), else to come back then, or to park if that is more than an hour away.
pub fn retry_after(now: Timestamp, hint: RetryHint) -> Option<NextAttempt> {
    let at = match hint {
        RetryHint::Seconds(seconds) => now.plus_seconds(seconds),
        RetryHint::At(at) => at,
    };
    match at.0.saturating_sub(now.0) {
        ..=0 => None,
        1..=HINT_MICROS_MAX => Some(NextAttempt::At(at)),
        _ => Some(NextAttempt::Park),
    }
}

/// What follows after `failures` failures in a row (at least 1). A usable hint
/// is obeyed, never undercut, and spread by the first delay of the back-off.
pub fn next_attempt(
    now: Timestamp,
    failures: u32,
    hint: Option<RetryHint>,
    seed: u64,
    policy: BackoffPolicy,
) -> NextAttempt {
    if failures > policy.retries_max {
        return NextAttempt::Park;
    }
    match hint.and_then(|hint| retry_after(now, hint)) {
        Some(NextAttempt::At(at)) => {
            let spread = backoff(0, seed, policy.base_micros, policy.cap_micros);
            NextAttempt::At(at.plus_micros(spread))
        }
        Some(NextAttempt::Park) => NextAttempt::Park,
        None => {
            let attempt = failures.saturating_sub(1);
            let delay = backoff(attempt, seed, policy.base_micros, policy.cap_micros);
            NextAttempt::At(now.plus_micros(delay))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BackoffPolicy, NextAttempt, RetryHint, backoff, next_attempt};
    use hub_model::Timestamp;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn delays_stay_in_their_bounds_and_use_them() {
        for attempt in [0, 1, 2, 5, 40, u32::MAX] {
            let bound = 1_000_i64.saturating_mul(1 << attempt.min(40)).min(60_000);
            let delays: Vec<i64> =
                (0..2_000).map(|seed| backoff(attempt, seed, 1_000, 60_000)).collect();
            assert!(delays.iter().all(|d| (0..=bound).contains(d)), "{attempt}");
            let mean = delays.iter().sum::<i64>() / 2_000;
            assert!((bound * 4 / 10..=bound * 6 / 10).contains(&mean), "{attempt}: {mean}");
        }
        assert_eq!(backoff(3, 7, 1_000, 60_000), backoff(3, 7, 1_000, 60_000));
        assert_eq!(backoff(3, 7, -5, 60_000), 0);
        assert_eq!(backoff(3, 7, i64::MAX, 0), 0);
        assert!(backoff(u32::MAX, 7, i64::MAX, i64::MAX) >= 0);
    }

    #[test]
    fn hints_are_obeyed_up_to_an_hour() {
        let policy = BackoffPolicy::default();
        let next = |hint| next_attempt(NOW, 1, hint, 42, policy);
        let within = |attempt, from_seconds: i64, to_seconds: i64| match attempt {
            NextAttempt::At(at) => {
                (NOW.plus_seconds(from_seconds)..=NOW.plus_seconds(to_seconds)).contains(&at)
            }
            NextAttempt::Park => false,
        };
        let table = [
            (None, 0, 1),
            (Some(RetryHint::Seconds(120)), 120, 121),
            (Some(RetryHint::Seconds(3_600)), 3_600, 3_601),
            (Some(RetryHint::Seconds(0)), 0, 1),
            (Some(RetryHint::Seconds(-30)), 0, 1),
            (Some(RetryHint::Seconds(i64::MIN)), 0, 1),
            (Some(RetryHint::At(NOW.plus_seconds(60))), 60, 61),
            (Some(RetryHint::At(Timestamp(i64::MIN))), 0, 1),
        ];
        for (hint, from, to) in table {
            assert!(within(next(hint), from, to), "{hint:?}: {:?}", next(hint));
        }
        for far in [3_601, 31_536_000, i64::MAX] {
            assert_eq!(next(Some(RetryHint::Seconds(far))), NextAttempt::Park);
        }
        assert_ne!(next_attempt(NOW, 5, None, 1, policy), NextAttempt::Park);
        assert_eq!(next_attempt(NOW, 6, None, 1, policy), NextAttempt::Park);
        assert_eq!(next_attempt(NOW, 6, Some(RetryHint::Seconds(1)), 1, policy), NextAttempt::Park);
    }
}
