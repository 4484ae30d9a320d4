//! Explaining: every trait of every profile of a store, and how long it takes.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use hub_engine::people::explain::{Explained, Standing, explain};
use hub_model::{Profile, ProfileId};
use serde::{Deserialize, Serialize};

use crate::look_up::{Times, percentiles};
use crate::people::People;
use crate::store_path::Loader;

/// Profiles fetched at once.
const PAGE_PROFILES: usize = 500;

/// What explaining everybody came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    /// Profiles explained, one at a time.
    pub profiles: u64,
    /// Traits explained.
    pub traits: u64,
    /// Microseconds for all traits of a profile: half of them at most.
    pub p50_micros: f64,
    /// All but one in a hundred at most.
    pub p99_micros: f64,
}

/// Loads rows until there are so many profiles, then explains each of them.
///
/// # Errors
/// The load fails, or a trait has no explanation that leads to its record, run,
/// page and connector.
pub async fn measure(world: &Path, dir: &Path, people: People, profiles: u64) -> Result<Measured> {
    // Some persons have several rows: add what is missing until it is enough.
    let mut rows = profiles;
    while people.persons(rows) < profiles {
        rows += profiles - people.persons(rows);
    }
    let loader = Loader::open(world, dir, people, rows).await?;
    loader.load().await?;
    let workspace = loader.engine.workspace();
    let (mut times, mut traits) = (Vec::<Duration>::new(), 0);
    let mut after: Option<ProfileId> = None;
    loop {
        let page = workspace.store.scan_profiles(after, PAGE_PROFILES).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for profile in &page {
            let begun = Instant::now();
            let explained = explain(workspace, profile, None).await?;
            times.push(begun.elapsed());
            traits += judge(profile, &explained)?;
        }
    }
    let profiles = times.len() as u64;
    let Times { p50, p99 } = percentiles(times)?;
    Ok(Measured { profiles, traits, p50_micros: p50, p99_micros: p99 })
}

/// The number of traits, each of which is explained down to its page.
fn judge(profile: &Profile, explained: &[Explained]) -> Result<u64> {
    for (name, golden) in &profile.traits {
        let found = explained.iter().find(|e| e.explanation.name == *name);
        let arrived = found.and_then(|e| {
            let mut told = e.explanation.evidence.iter().zip(&e.arrivals);
            told.find(|(evidence, _)| {
                evidence.standing == Standing::Won
                    && evidence.record == golden.provenance.record
                    && evidence.value == golden.value
            })
        });
        let whole = arrived.is_some_and(|(evidence, arrival)| {
            evidence.raw.is_some()
                && arrival.run.is_some()
                && arrival.pages.is_some()
                && arrival.connector.is_some()
        });
        if !whole {
            bail!("the trait {name} of profile {} is not explained: {arrived:?}", profile.id);
        }
    }
    Ok(profile.traits.len() as u64)
}
