//! Looking people up while a load runs: on the store itself, and through a
//! hub's API.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use hub_model::Identity;

use crate::dice::Dice;
use crate::people::People;
use crate::serving::Serving;
use crate::store_path::Loader;
use crate::world::CUSTOMERS;

/// Look-ups on the store.
const STORE_LOOK_UPS: u64 = 20_000;
/// Look-ups through HTTP.
const HTTP_LOOK_UPS: u64 = 2_000;
/// Rows that the load goes on with at most.
const MORE_ROWS: u64 = 5_000_000;
/// Between two look-ups on the store: the load is what should be busy.
const PAUSE: Duration = Duration::from_micros(200);

/// How long look-ups took, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// Half of them at most.
    pub p50: f64,
    /// All but one in a hundred at most.
    pub p99: f64,
}

/// Looks up people among the first `rows` rows of the store in `dir`, while
/// the rows that follow are loaded.
///
/// # Errors
/// Somebody who was loaded is not found, or the load fails.
pub async fn in_store(world: &Path, dir: &Path, people: People, rows: u64) -> Result<Times> {
    let loader = Loader::open(world, dir, people, rows + MORE_ROWS).await?;
    loader.feed.seek(rows);
    let engine = loader.engine.clone();
    let load = tokio::spawn(async move { loader.load().await });
    let mut dice = Dice::of(rows, 6);
    let mut times = Vec::new();
    for _ in 0..STORE_LOOK_UPS {
        let row = dice.below(rows);
        let email = Identity::new("email", &people.names(row).email);
        let begun = Instant::now();
        let found = engine.workspace().profiles_of(&email).await?;
        times.push(begun.elapsed());
        if found.len() != 1 {
            bail!("row {row} has {} profiles", found.len());
        }
        tokio::time::sleep(PAUSE).await;
    }
    if load.is_finished() {
        bail!("the load ended before the look-ups did");
    }
    engine.stop().await;
    load.abort();
    percentiles(times)
}

/// The same through the API of a hub, which must be loading.
///
/// # Errors
/// Somebody who was loaded is not found.
pub async fn through_http(hub: &Serving, people: People, rows: u64) -> Result<Times> {
    let mut dice = Dice::of(rows, 7);
    let mut times = Vec::new();
    for _ in 0..HTTP_LOOK_UPS {
        let row = dice.below(rows);
        let path = format!("/api/v1/profiles?identity=email:{}", people.names(row).email);
        let begun = Instant::now();
        let found = hub.get(&path).await?;
        times.push(begun.elapsed());
        if found["profiles"].as_array().map_or(0, Vec::len) != 1 {
            bail!("row {row}: {found}");
        }
    }
    let sync = hub.get(&format!("/api/v1/syncs/{CUSTOMERS}")).await?;
    if sync["running"].is_null() {
        bail!("the load ended before the look-ups did");
    }
    percentiles(times)
}

pub(crate) fn percentiles(mut times: Vec<Duration>) -> Result<Times> {
    times.sort_unstable();
    let at = |per_cent: usize| {
        let place = times.len().saturating_sub(1) * per_cent / 100;
        times.get(place).map(|time| time.as_secs_f64() * 1e6).context("no look-ups")
    };
    Ok(Times { p50: at(50)?, p99: at(99)? })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::percentiles;

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let times = (0..=100).rev().map(Duration::from_micros).collect();
        let found = percentiles(times).unwrap();
        assert!((found.p50 - 50.0).abs() < 1e-6 && (found.p99 - 99.0).abs() < 1e-6, "{found:?}");
        assert!(percentiles(Vec::new()).is_err());
    }
}
