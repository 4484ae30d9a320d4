//! The store path alone: the real engine and the real store in one process,
//! fed by [`Feed`]. Runs as a process of its own, so that memory and processor
//! time are its own.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use hub_engine::{Engine, EngineOptions, SyncJob, SystemEnv};
use hub_model::{RunStatus, SyncId};
use hub_schedule::Schedule;
use hub_store::Store;
use hub_store_sled::SledStore;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::feed::{Feed, Point};
use crate::people::People;
use crate::world::{CUSTOMERS, disk_bytes};

/// What loading, and reading the same again, cost.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StorePath {
    /// Rows loaded.
    pub rows: u64,
    /// Profiles that they became.
    pub profiles: u64,
    /// Processor seconds of the load, without making the rows.
    pub cpu_seconds: f64,
    /// Of which parsing the rows' text.
    pub parsing_cpu_seconds: f64,
    /// The load on the wall clock.
    pub wall_seconds: f64,
    /// Points of the load, the end included.
    pub points: Vec<Point>,
    /// Processor seconds for the same rows once more, unchanged.
    pub again_cpu_seconds: f64,
    /// Of which parsing the rows' text.
    pub again_parsing_cpu_seconds: f64,
    /// Resident memory at most during the load.
    pub peak_bytes: u64,
    /// The store's folder after the load.
    pub disk_bytes: u64,
}

/// The real engine over a store, with one sync that the generator feeds.
pub struct Loader {
    /// The engine.
    pub engine: Engine,
    /// Where its rows come from.
    pub feed: Arc<Feed>,
}

impl Loader {
    /// Opens the store in `dir`, under the configuration of `world`.
    ///
    /// # Errors
    /// The configuration is wrong or the store cannot be opened.
    pub async fn open(world: &Path, dir: &Path, people: People, rows: u64) -> Result<Self> {
        let config = match hub_config::load(world) {
            Ok(config) => config,
            Err(faults) => bail!("{}: {faults:?}", world.display()),
        };
        let sync = config.sync(CUSTOMERS).context("no sync of customers")?;
        let fields: Vec<_> = sync.mapping.fields.iter().map(|pair| pair.field.clone()).collect();
        let feed = Arc::new(Feed::new(people, rows, &fields)?);
        let job = SyncJob {
            mapping: sync.mapping.clone(),
            guards: sync.guards,
            schedule: Schedule::parse(&sync.schedule, config.zone_of(sync))?,
            schedule_text: sync.schedule.value.clone(),
            reconcile: None,
            paused: true,
            account: (&sync.mapping.stream.connection).into(),
            connector: feed.clone(),
        };
        std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        let store: Arc<dyn Store> = Arc::new(SledStore::open(dir, &config.workspace)?);
        let engine = Engine::open(EngineOptions {
            store,
            rules: config.rules(),
            jobs: vec![job],
            env: Arc::new(SystemEnv::default()),
            upkeep: None,
            privacy_key: [0; 32],
        })
        .await?;
        Ok(Self { engine, feed })
    }

    /// Reads what there is; returns how many rows were read and how many of
    /// them were new.
    ///
    /// # Errors
    /// The run did not succeed.
    pub async fn load(&self) -> Result<(u64, u64)> {
        let run = self.engine.run_once(&SyncId::new(CUSTOMERS)).await?;
        if run.status != RunStatus::Succeeded {
            bail!("the run ended as {:?}: {:?}", run.status, run.fault);
        }
        Ok((run.counts.read, run.counts.new))
    }
}

/// Loads `rows` rows into a fresh store in `dir`, then, if that is wanted,
/// reads the same rows `again`.
///
/// # Errors
/// The store fails, or holds other profiles than there are persons.
pub async fn measure(
    world: &Path,
    dir: &Path,
    people: People,
    rows: u64,
    again: bool,
) -> Result<StorePath> {
    let loader = Loader::open(world, dir, people, rows).await?;
    let begun = loader.feed.point(0);
    let (_, new) = loader.load().await?;
    let loaded = loader.feed.point(rows);
    let peak_bytes = clock::memory(std::process::id()).map_or(0, |memory| memory.peak_bytes);
    let mut points = loader.feed.points();
    points.push(loaded);
    let parsing = loader.feed.parsing().as_secs_f64();
    let stats = loader.engine.store().stats().await?;
    let persons = people.persons(rows);
    if new != rows || stats.profiles != persons {
        bail!("{rows} rows of {persons} persons became {new} records, {} profiles", stats.profiles);
    }

    let disk_bytes = disk_bytes(dir)?;
    let again = if again { self::again(&loader, rows).await? } else { (0.0, 0.0) };
    Ok(StorePath {
        rows,
        profiles: stats.profiles,
        cpu_seconds: loaded.cpu_seconds - begun.cpu_seconds,
        parsing_cpu_seconds: parsing,
        wall_seconds: loaded.wall_seconds - begun.wall_seconds,
        points,
        again_cpu_seconds: again.0,
        again_parsing_cpu_seconds: again.1,
        peak_bytes,
        disk_bytes,
    })
}

/// Reads the same rows once more; returns processor seconds, and how many of
/// them went into parsing.
async fn again(loader: &Loader, rows: u64) -> Result<(f64, f64)> {
    let before = (loader.feed.point(rows), loader.feed.parsing());
    loader.feed.seek(0);
    let (read, new) = loader.load().await?;
    if (read, new) != (rows, 0) {
        bail!("read again, {rows} rows were {read} rows, {new} of them new");
    }
    let cpu = loader.feed.point(rows).cpu_seconds - before.0.cpu_seconds;
    Ok((cpu, loader.feed.parsing().saturating_sub(before.1).as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use crate::people::People;
    use crate::world::{Purpose, World};

    #[tokio::test(flavor = "multi_thread")]
    async fn rows_become_persons_and_the_same_rows_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("world");
        let world = World::create(&root, folder.path(), 1, Purpose::Work).unwrap();
        let people = People::new(5);
        let dir = root.join("store");
        let cost = super::measure(world.root(), &dir, people, 400, true).await.unwrap();
        assert_eq!((cost.rows, cost.profiles), (400, people.persons(400)));
        assert!(cost.profiles < 400, "nobody was seen twice");
        assert!(cost.cpu_seconds > 0.0 && cost.again_cpu_seconds > 0.0, "{cost:?}");
        assert_eq!(cost.points.len(), 2);
    }
}
