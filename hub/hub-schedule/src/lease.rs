//! Leases with fencing: who may work on something, and proof that an older
//! holder may not.
//!
//! The row is stored by compare-and-set; every commit of the holder compares
//! the fence. So a holder that was frozen and wakes up late cannot write, even
//! while it believes that it holds the lease.

use hub_model::Timestamp;
use serde::{Deserialize, Serialize};

/// How long a lease holds: 30 s.
const TTL_SECONDS: i64 = 30;
/// When a holder renews, after it took or renewed: 10 s.
const RENEW_SECONDS: i64 = 10;
/// When a holder that could not renew stops by itself, before the end: 5 s.
const MARGIN_SECONDS: i64 = 5;

/// The stored row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who holds it.
    pub owner: String,
    /// Goes up by one with every new holder.
    pub fence: u64,
    /// Until when, unless renewed.
    pub expires: Timestamp,
}

/// Somebody else holds it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("held by {owner} until {until}")]
pub struct Held {
    /// Who.
    pub owner: String,
    /// Until when at least.
    pub until: Timestamp,
}

/// The row that takes the lease, to be stored by compare-and-set against
/// `current`. The same owner gets a new fence too: a process that starts again
/// must shut out what it left behind.
///
/// # Errors
/// Another owner holds it and it has not expired.
pub fn acquire(current: Option<&Lease>, owner: &str, now: Timestamp) -> Result<Lease, Held> {
    let fence = match current {
        Some(lease) if lease.owner != owner && now < lease.expires => {
            return Err(Held { owner: lease.owner.clone(), until: lease.expires });
        }
        Some(lease) => lease.fence.saturating_add(1),
        None => 1,
    };
    Ok(Lease { owner: owner.to_owned(), fence, expires: now.plus_seconds(TTL_SECONDS) })
}

/// The row that keeps the lease, to be stored by compare-and-set.
///
/// # Errors
/// The stored row has another fence: the lease is lost, and the holder stops.
pub fn renew(current: &Lease, mine: &Lease, now: Timestamp) -> Result<Lease, Held> {
    if current.fence != mine.fence || current.owner != mine.owner {
        return Err(Held { owner: current.owner.clone(), until: current.expires });
    }
    // A clock that was set back must not shorten what is stored.
    let expires = now.plus_seconds(TTL_SECONDS).max(current.expires);
    Ok(Lease { expires, ..mine.clone() })
}

/// When a holder renews, counted from when it took or renewed. Both instants
/// are of the holder's monotonic clock.
pub const fn renew_at(since: Timestamp) -> Timestamp {
    since.plus_seconds(RENEW_SECONDS)
}

/// When a holder that could not renew stops by itself; as [`renew_at`].
pub const fn must_stop_at(since: Timestamp) -> Timestamp {
    since.plus_seconds(TTL_SECONDS - MARGIN_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::{acquire, must_stop_at, renew, renew_at};
    use hub_model::Timestamp;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn one_holder_at_a_time_and_fences_go_up() {
        let first = acquire(None, "a", NOW).expect("free");
        assert_eq!((first.fence, first.expires), (1, NOW.plus_seconds(30)));
        let held = acquire(Some(&first), "b", NOW.plus_seconds(29)).expect_err("held");
        assert_eq!((held.owner.as_str(), held.until), ("a", first.expires));
        let second = acquire(Some(&first), "b", NOW.plus_seconds(30)).expect("expired");
        assert_eq!(second.fence, 2);
        assert!(renew(&second, &first, NOW.plus_seconds(31)).is_err(), "the old holder is out");
        assert!(renew(&second, &second, NOW.plus_seconds(40)).is_ok());
        let again = acquire(Some(&first), "a", NOW.plus_seconds(1)).expect("its own");
        assert_eq!(again.fence, 2, "a restart shuts out the process before it");
    }

    #[test]
    fn a_holder_stops_before_anybody_else_may_start() {
        let lease = acquire(None, "a", NOW).expect("free");
        assert!(renew_at(NOW) < must_stop_at(NOW));
        assert!(must_stop_at(NOW) < lease.expires);
        let back = renew(&lease, &lease, NOW.plus_seconds(-3_600)).expect("mine");
        assert_eq!(back.expires, lease.expires);
    }
}
