//! Spreading what is due at one instant: without it, every sync of every hub
//! calls its vendor at 02:00:00.

use hub_model::SyncId;

use crate::schedule::Schedule;

/// Most of a period that a run may be late on purpose, per cent.
const PERIOD_PERCENT_MAX: i64 = 5;
/// Most that a run may be late on purpose: 5 minutes.
const JITTER_MICROS_MAX: i64 = 300 * 1_000_000;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// The seed of a sync: the same in every process and version (FNV-1a, mixed).
pub fn jitter_seed(sync: &SyncId) -> u64 {
    let bytes = sync.as_str().bytes();
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(hash)
}

/// How long after its due instant a run starts, in microseconds: seed modulo
/// the smaller of 5 % of the shortest period and 5 minutes. 0 for `manual`.
pub fn jitter_micros(schedule: &Schedule, seed: u64) -> i64 {
    let Some(period_seconds) = schedule.shortest_period_seconds() else { return 0 };
    let share = period_seconds.saturating_mul(MICROS_PER_SECOND / 100 * PERIOD_PERCENT_MAX);
    let bound = share.min(JITTER_MICROS_MAX);
    match u64::try_from(bound) {
        Ok(bound) if bound > 0 => i64::try_from(seed % bound).unwrap_or(0),
        _ => 0,
    }
}

/// The finaliser of SplitMix64: every input bit reaches every output bit.
pub(crate) const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
