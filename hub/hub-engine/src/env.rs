//! Time, waiting and randomness, as arguments.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hub_model::Timestamp;

/// What the engine needs from the world besides store and connectors.
#[async_trait]
pub trait Env: Send + Sync {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// Waits.
    async fn sleep(&self, duration: Duration);

    /// A number that nobody needs to guess: seeds jitter and connectors.
    fn random(&self) -> u64;
}

/// The real world.
#[derive(Debug, Default)]
pub struct SystemEnv {
    drawn: AtomicU64,
}

#[async_trait]
impl Env for SystemEnv {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp(since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn random(&self) -> u64 {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        mix(self.now().0.unsigned_abs() ^ drawn.rotate_left(32))
    }
}

/// Spreads the bits of a number (the finaliser of SplitMix64).
pub(crate) const fn mix(number: u64) -> u64 {
    let a = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    b ^ (b >> 31)
}
