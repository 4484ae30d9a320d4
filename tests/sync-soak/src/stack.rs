//! Fifteen tools of one organisation in one hub, all syncing on schedule: as many as
//! the median organisation links.
//!
//! The five systems of the ring, which write to each other; four files that come from
//! tills, loyalty cards, surveys and calls, and one that goes out; the events of a web
//! site; audiences at two ad platforms; a data partner who takes a segment as files and
//! gives ids back; mail. What is measured is the one process that keeps them in step,
//! while it goes on doing so.

mod others;
mod partner;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bench::{clock, measure};
use serde::Serialize;
use serde_json::Value;
use xtask::demo::{hub::Hub, story::wait_until_quiet};
use xtask::place::Place;
use xtask::steps::Steps;

use crate::people::Person;
use crate::systems::{self, System};
use others::Others;

/// How often each sync runs.
pub(crate) const SCHEDULE: &str = "every 5s";
/// How long the tools may take to come together.
const LOAD_LIMIT_SECONDS: u64 = 600;
/// How long an edit may take to reach everybody.
const EDIT_LIMIT_SECONDS: u64 = 120;
/// Silent runs of each sync before anything is measured.
const QUIET_RUNS: usize = 2;
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Bytes of a MiB.
const MIB: f64 = 1024.0 * 1024.0;

/// How large the organisation is.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// People, each known to two of the five systems and to some of the files.
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub people: usize,
    /// How long the hub is watched once everything has come together.
    #[arg(long, default_value_t = 60, value_name = "N")]
    pub seconds: u64,
}

/// What was seen.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Each connection.
    pub connections: Vec<Connection>,
    /// People in every system that has all of them.
    pub people: usize,
    /// How long all took to come together.
    pub load_seconds: f64,
    /// How long an edit in the CRM took to reach every other system.
    pub edit_seconds: f64,
    /// How long somebody who was promoted took to enter every audience and get his mail.
    pub promotion_seconds: f64,
    /// What the one process used afterwards.
    pub hub: Used,
}

/// One connection.
#[derive(Debug, Serialize)]
pub struct Connection {
    /// Its name.
    pub id: &'static str,
    /// What it is to the organisation.
    pub class: &'static str,
    /// The connector.
    pub connector: &'static str,
    /// Runs of its syncs while the hub was watched.
    pub runs: usize,
}

/// What a process used for some time.
#[derive(Debug, Serialize)]
pub struct Used {
    /// How long it was watched.
    pub seconds: f64,
    /// Processor time, as a share of one core.
    pub cpu_percent: f64,
    /// Resident memory at the end, and at most.
    pub memory_mib: f64,
    /// Resident memory at most since its start.
    pub peak_mib: f64,
}

/// The five that write to each other.
type Ring = Vec<Box<dyn System>>;

/// Links fifteen tools and watches the hub.
///
/// # Errors
/// One of them does not sync, or something does not arrive.
pub fn prove(work: &Path, options: &Options) -> Result<Report> {
    let mut steps = Steps::new(5);
    let (place, mut ring, mut others) =
        steps.step("fifteen tools", "See above.", || open(work, options))?;
    let mut connections = connections(&ring, &others);
    let syncs: Vec<&str> = ring.iter().map(|system| system.id()).chain(others.syncs()).collect();
    let begun = Instant::now();
    let hub = steps.step("they come together", "See above.", || {
        let hub = Hub::start(&place.binary, &place.work)?;
        others.visit(options.people)?;
        wait_until_quiet(&hub, &syncs, QUIET_RUNS, LOAD_LIMIT_SECONDS)?;
        for system in &ring {
            let people = system.people()?.len();
            ensure!(people == options.people, "{people} people in {}", system.id());
        }
        others.came_together(options.people)?;
        Ok(hub)
    })?;
    let load_seconds = begun.elapsed().as_secs_f64();
    let edit_seconds = steps.step("an edit reaches everybody", "See above.", || {
        edit(&mut ring).with_context(|| hub.log_end())
    })?;
    let promotion_seconds = steps.step("somebody is promoted", "See above.", || {
        others.promote().with_context(|| hub.log_end())
    })?;
    wait_until_quiet(&hub, &syncs, QUIET_RUNS, LOAD_LIMIT_SECONDS)?;
    let used = steps.step("all of them on schedule", "See above.", || {
        watch(&hub, options.seconds, &mut connections)
    })?;
    let people = options.people;
    Ok(Report { connections, people, load_seconds, edit_seconds, promotion_seconds, hub: used })
}

fn open(work: &Path, options: &Options) -> Result<(Place, Ring, Others)> {
    let place = Place::new(work)?;
    place.configure("[namespaces.email]\nnormaliser = \"email\"\n")?;
    let mut ring = systems::open(&place)?;
    systems::enter(&mut ring, options.people)?;
    for system in &ring {
        place.write(&format!("syncs/{}.toml", system.id()), &system.sync(SCHEDULE))?;
    }
    let others = Others::open(&place, options.people)?;
    place.ask(&["check", "--online"])?;
    Ok((place, ring, others))
}

fn connections(ring: &[Box<dyn System>], others: &Others) -> Vec<Connection> {
    let of_ring = ring.iter().map(|system| {
        let (class, connector) = system.class();
        Connection { id: system.id(), class, connector, runs: 0 }
    });
    of_ring.chain(others.connections()).collect()
}

/// The CRM gives somebody another name; returns when all others show it.
fn edit(ring: &mut [Box<dyn System>]) -> Result<f64> {
    let somebody = Person::of(1).email;
    let name = "Renamed By The Crm";
    let crm = ring.iter_mut().find(|system| system.id() == "crm").context("no CRM")?;
    crm.edit(&somebody, "name", name)?;
    within(EDIT_LIMIT_SECONDS, || {
        let mut behind = BTreeSet::new();
        for system in ring.iter() {
            let shown = system.people()?;
            let fields = shown.get(&somebody);
            if fields.and_then(|fields| fields.get("name")).map(String::as_str) != Some(name) {
                behind.insert(system.id());
            }
        }
        Ok(behind.into_iter().map(str::to_owned).collect())
    })
}

/// Looks until nothing is missing any more; returns after how many seconds.
///
/// # Errors
/// Something is missing when the time is up.
pub(crate) fn within(
    limit_seconds: u64,
    mut missing: impl FnMut() -> Result<Vec<String>>,
) -> Result<f64> {
    let begun = Instant::now();
    loop {
        let behind = missing()?;
        if behind.is_empty() {
            return Ok(begun.elapsed().as_secs_f64());
        }
        if begun.elapsed() > Duration::from_secs(limit_seconds) {
            bail!("after {limit_seconds} s not yet: {}", behind.join(", "));
        }
        sleep(LOOK_EVERY);
    }
}

/// Watches the hub for some time. Every sync must run, succeed, and write nothing.
fn watch(hub: &Hub, seconds: u64, connections: &mut [Connection]) -> Result<Used> {
    let before: BTreeSet<String> = hub.runs()?.iter().map(id).collect();
    let (begun, cpu) = (Instant::now(), measure::cpu_seconds(hub.process())?);
    let mut seen: BTreeMap<String, Value> = BTreeMap::new();
    while begun.elapsed() < Duration::from_secs(seconds) {
        sleep(LOOK_EVERY);
        let ended = hub.runs()?.into_iter().filter(|run| !before.contains(&id(run)));
        seen.extend(ended.map(|run| (id(&run), run)));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let cpu_seconds = measure::cpu_seconds(hub.process())? - cpu;
    let memory = clock::memory(hub.process()).context("the hub has ended")?;
    for run in seen.values() {
        let writes = run["counts"]["writes"].as_u64();
        ensure!(run["status"] == "succeeded" && writes == Some(0), "not silent: {run:#}");
    }
    for connection in connections {
        let own = |run: &&Value| run["sync"] == connection.id;
        connection.runs = seen.values().filter(own).count();
        ensure!(connection.runs > 1, "{} ran {} times", connection.id, connection.runs);
    }
    Ok(Used {
        seconds,
        cpu_percent: 100.0 * cpu_seconds / seconds,
        memory_mib: memory.resident_bytes as f64 / MIB,
        peak_mib: memory.peak_bytes as f64 / MIB,
    })
}

fn id(run: &Value) -> String {
    run["id"].as_str().unwrap_or_default().to_owned()
}

impl Report {
    /// For a person.
    pub fn show(&self) {
        println!("{:<10} {:<22} {:<20} {:>5}", "connection", "class", "connector", "runs");
        for Connection { id, class, connector, runs } in &self.connections {
            println!("{id:<10} {class:<22} {connector:<20} {runs:>5}");
        }
        println!(
            "{} people; together after {:.0} s; an edit reached every system after {:.1} s; \
             who was promoted was in every audience and had his mail after {:.1} s",
            self.people, self.load_seconds, self.edit_seconds, self.promotion_seconds
        );
        let Used { seconds, cpu_percent, memory_mib, peak_mib } = self.hub;
        println!(
            "one process, watched for {seconds:.0} s: {cpu_percent:.1} % of a core, \
             {memory_mib:.0} MiB resident, {peak_mib:.0} MiB at most"
        );
    }
}
