//! The workloads, one after another, each against a hub of its own process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use hub_model::WorkspaceId;
use hub_store_sled::SledStore;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::api::{Handle, Server, Shown};
use crate::feed::{PAGE_ROWS, Point, SLICE_ROWS};
use crate::measure::{self, Sample, Used};
use crate::people::People;
use crate::profile;
use crate::references::{Cost, Reference};
use crate::report::Report;
use crate::serving::Serving;
use crate::store_path::StorePath;
use crate::world::{CONTACTS, CUSTOMERS, Purpose, World, disk_bytes};
use crate::{explained, look_up, resolving};

/// Rows of the small load.
const SMALL_ROWS: u64 = 100_000;
/// The store of the store path, in its world's folder.
const STORE_PATH_STORE: &str = "store";
/// Runs of a small sync before and while it is measured.
const WARM_RUNS: u64 = 3;
const MEASURED_RUNS: u64 = 20;
/// How long a hub must have been idle before its memory is looked at.
const IDLE: Duration = Duration::from_secs(5);
/// Rows beyond the large load, for what happens beside a load.
const MORE_ROWS: u64 = 500_000;
/// So much of them is loaded before the hub is killed.
const KILLED_AFTER_ROWS: u64 = 5_000;

/// What to measure, and with what.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The binary `liaison`.
    pub liaison: PathBuf,
    /// This binary.
    pub bench: PathBuf,
    /// The folder of components.
    pub components: PathBuf,
    /// A folder of the bench's own.
    pub work: PathBuf,
    /// Decides every row.
    pub seed: u64,
    /// Rows of the large loads.
    pub rows: u64,
    /// Only these workloads and references: `w1`, `r2`. Empty = all.
    pub only: Vec<String>,
}

/// The bench at work.
pub struct Bench {
    plan: Plan,
    people: People,
    runtime: Runtime,
    api: Handle,
    port: u16,
    /// What was measured so far.
    pub report: Report,
}

impl Bench {
    /// Starts the API.
    ///
    /// # Errors
    /// The folder or a port cannot be had.
    pub fn open(plan: Plan) -> Result<Self> {
        fs::create_dir_all(&plan.work).with_context(|| plan.work.display().to_string())?;
        let people = People::new(plan.seed);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let server = runtime.block_on(Server::open(people, Shown::unchanged(0), 0))?;
        let (api, port) = (server.handle(), server.address()?.port());
        runtime.spawn(server.serve());
        let mut report = Report::default();
        report.notes.push(format!("seed {}, large loads of {} rows", plan.seed, plan.rows));
        report.notes.push(format!("load average at the start: {}", load_average()));
        Ok(Self { plan, people, runtime, api, port, report })
    }

    /// Measures everything that was asked for.
    ///
    /// # Errors
    /// The first workload that fails; the report holds what came before.
    pub fn measure(&mut self) -> Result<()> {
        self.references()?;
        self.in_memory()?;
        self.explaining()?;
        self.store_path()?;
        self.small()?;
        self.idle()?;
        self.large()
    }

    /// Prints the dearest functions of the store path, then of a load through
    /// the sandbox, each of a fresh store.
    ///
    /// # Errors
    /// There is no `perf`, or a load fails.
    pub fn profile(&self) -> Result<()> {
        let samples = self.plan.work.join("perf.data");
        let world = self.world("profile")?;
        let rows = self.small_rows();
        told(&format!("store path, {rows} rows, under perf"));
        let mut command = self.store_path_command(&world, rows);
        command.arg("--load-only");
        self.show_profile(&command, "store path (w10)", &samples)?;
        self.warm(&world)?;
        self.api.show(Shown::unchanged(rows));
        told(&format!("{rows} new customers, under perf"));
        let mut command = world.liaison(&self.plan.liaison);
        command.args(["sync", "run", CUSTOMERS]);
        self.show_profile(&command, "new customers (w1)", &samples)?;
        empty(world.root())
    }

    fn show_profile(&self, command: &Command, name: &str, samples: &Path) -> Result<()> {
        println!("# {name}, {} rows, self time", self.small_rows());
        for line in profile::functions(command, samples)? {
            println!("{line}");
        }
        println!();
        Ok(())
    }

    fn wants(&self, name: &str) -> bool {
        self.plan.only.is_empty() || self.plan.only.iter().any(|only| only == name)
    }

    fn wants_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.wants(name))
    }

    fn small_rows(&self) -> u64 {
        self.plan.rows.min(SMALL_ROWS)
    }

    fn references(&mut self) -> Result<()> {
        if self.wants("r1") {
            self.api.show(Shown::unchanged(self.small_rows()));
            let cost = self.reference(Reference::Pull, self.small_rows())?;
            self.report.keep("r1.pull", cost);
        }
        if self.wants("r2") {
            let pages = self.reference(Reference::PageValues, self.plan.rows)?;
            self.report.keep("r2.page_values", pages);
            let rows = self.reference(Reference::RowValues, self.plan.rows)?;
            self.report.keep("r2.row_values", rows);
        }
        if self.wants("r3") {
            let cost = self.reference(Reference::UnionFind, self.plan.rows)?;
            self.report.keep("r3.union_find", cost);
        }
        Ok(())
    }

    /// Processor seconds per million rows.
    fn reference(&self, what: Reference, rows: u64) -> Result<f64> {
        told(&format!("reference {what:?}, {rows} rows"));
        let dir = self.plan.work.join("reference");
        empty(&dir)?;
        let word = serde_json::to_value(what)?;
        let mut command = Command::new(&self.plan.bench);
        command.args(["reference", word.as_str().unwrap_or_default()]);
        command.args(["--seed", &self.plan.seed.to_string(), "--rows", &rows.to_string()]);
        command.args(["--url", &format!("http://127.0.0.1:{}", self.port)]);
        command.arg("--dir").arg(&dir);
        let (output, _) = measure::run(command, |_| {})?;
        let cost: Cost = serde_json::from_slice(&output)?;
        empty(&dir)?;
        Ok(per_million(cost.cpu_seconds, cost.rows))
    }

    /// W11: the pure modules alone, beside plain grouping.
    fn in_memory(&mut self) -> Result<()> {
        if !self.wants_any(&["w11", "r4"]) {
            return Ok(());
        }
        told(&format!("resolving in memory, {} rows", self.plan.rows));
        let found: resolving::Measured =
            self.in_process("resolve", &["--rows", &self.plan.rows.to_string()])?;
        self.report.keep("r4.group", found.group_micros);
        self.report.keep("w11.cpu", found.resolve_micros);
        self.report.keep("w11.ratio", found.ratio);
        let growth = ["w11.at_10k", "w11.at_100k", "w11.at_1m"].into_iter().zip(found.growth);
        let joins = ["w11.join_2", "w11.join_20", "w11.join_200"].into_iter().zip(found.clusters);
        for (name, step) in growth.chain(joins) {
            self.report.keep(name, step.micros);
        }
        Ok(())
    }

    /// W12: every trait of everybody.
    fn explaining(&mut self) -> Result<()> {
        if !self.wants("w12") {
            return Ok(());
        }
        let profiles = self.small_rows();
        told(&format!("explaining {profiles} profiles"));
        let dir = self.plan.work.join("explained");
        empty(&dir)?;
        let (place, count) = (dir.display().to_string(), profiles.to_string());
        let found: explained::Measured =
            self.in_process("explain", &["--dir", &place, "--profiles", &count])?;
        if found.profiles < profiles {
            bail!("{} profiles were explained instead of {profiles}", found.profiles);
        }
        self.report.keep("w12.p50", found.p50_micros);
        self.report.keep("w12.p99", found.p99_micros);
        empty(&dir)
    }

    /// What a command of this binary prints, in a process and world of its own.
    fn in_process<T: DeserializeOwned>(&self, what: &str, arguments: &[&str]) -> Result<T> {
        let world = self.world(what)?;
        let mut command = Command::new(&self.plan.bench);
        command.arg(what).arg("--world").arg(world.root());
        command.args(["--seed", &self.plan.seed.to_string()]).args(arguments);
        let (output, _) = measure::run(command, |_| {})?;
        empty(world.root())?;
        Ok(serde_json::from_slice(&output)?)
    }

    /// W10, and W6 on the store that it leaves.
    fn store_path(&mut self) -> Result<()> {
        if !self.wants_any(&["w10", "w6"]) {
            return Ok(());
        }
        told(&format!("store path, {} rows", self.plan.rows));
        let world = self.world("store-path")?;
        let (output, _) = measure::run(self.store_path_command(&world, self.plan.rows), |_| {})?;
        let path: StorePath = serde_json::from_slice(&output)?;
        if let Some((first, last)) = ends(&path.points) {
            self.report.keep("w10.first", first);
            self.report.keep("w10.last", last);
            self.report.keep("w10.growth", last / first);
        }
        self.report.keep("w10.mean", per_million(path.cpu_seconds, path.rows));
        self.report.keep("w10.parsing", per_million(path.parsing_cpu_seconds, path.rows));
        self.report.keep("w10.again", per_million(path.again_cpu_seconds, path.rows));
        self.report.keep("w10.memory", per_million(path.peak_bytes as f64 / 1e6, path.profiles));
        self.report.curves.insert("w10", path.points);
        if self.wants("w6") {
            told("look-ups on the store, beside a load");
            let dir = world.root().join(STORE_PATH_STORE);
            let found = look_up::in_store(world.root(), &dir, self.people, self.plan.rows);
            let times = self.runtime.block_on(found)?;
            self.report.keep("w6.p50", times.p50);
            self.report.keep("w6.p99", times.p99);
        }
        empty(world.root())
    }

    fn store_path_command(&self, world: &World, rows: u64) -> Command {
        let mut command = Command::new(&self.plan.bench);
        command.arg("store-path").arg("--world").arg(world.root());
        command.arg("--dir").arg(world.root().join(STORE_PATH_STORE));
        command.args(["--seed", &self.plan.seed.to_string(), "--rows", &rows.to_string()]);
        command
    }

    /// W1, W3, W4 and W5, on one store.
    fn small(&mut self) -> Result<()> {
        if !self.wants_any(&["w1", "w3", "w4", "w5"]) {
            return Ok(());
        }
        let rows = self.small_rows();
        told(&format!("{rows} new customers"));
        let world = self.world("small")?;
        self.warm(&world)?;
        self.api.show(Shown::unchanged(rows));
        let (run, used) = world.sync(&self.plan.liaison, CUSTOMERS, |_| {})?;
        expect(&run, &[("read", rows), ("new", rows), ("quarantined", 0)])?;
        self.check_persons(&world, rows)?;
        self.report.keep("w1.cpu", per_million(used.cpu_seconds, rows));
        self.report.keep("w1.wall", rows as f64 / used.wall_seconds);
        if self.wants("w3") {
            told("the same customers, unchanged");
            world.read_again(true)?;
            let (run, used) = world.sync(&self.plan.liaison, CUSTOMERS, |_| {})?;
            expect(&run, &[("read", rows), ("new", 0), ("changed", 0)])?;
            self.report.keep("w3.cpu", per_million(used.cpu_seconds, rows));
        }
        if self.wants("w5") {
            let again = self.page(&world, true)?;
            self.report.keep("w5.cpu", again);
            let nothing = self.page(&world, false)?;
            self.report.keep("w5.empty", nothing);
        }
        if self.wants("w4") {
            self.deliver(&world, rows)?;
        }
        empty(world.root())
    }

    /// Processor seconds of one sync of one page in a hub that runs.
    fn page(&self, world: &World, again: bool) -> Result<f64> {
        told(if again { "one unchanged page" } else { "one sync without news" });
        self.api.show(Shown::unchanged(PAGE_ROWS));
        world.read_again(again)?;
        self.runtime.block_on(async {
            let hub = Serving::start(world, &self.plan.liaison).await?;
            let mut events = hub.events().await?;
            for _ in 0..WARM_RUNS {
                hub.sync(CUSTOMERS, &mut events).await?;
            }
            let before = measure::cpu_seconds(hub.process())?;
            for _ in 0..MEASURED_RUNS {
                let run = hub.sync(CUSTOMERS, &mut events).await?;
                let read = if again { PAGE_ROWS } else { 0 };
                expect(&run, &[("read", read), ("changed", 0), ("pages", 1)])?;
            }
            let used = measure::cpu_seconds(hub.process())? - before;
            Ok(used / MEASURED_RUNS as f64)
        })
    }

    fn deliver(&mut self, world: &World, rows: u64) -> Result<()> {
        told("delivery");
        let persons = self.people.persons(rows);
        let before = self.api.sink();
        let (run, used) = world.sync(&self.plan.liaison, CONTACTS, |_| {})?;
        expect(&run, &[("created", persons), ("rejected", 0), ("retried", 0)])?;
        let taken = self.api.sink();
        if taken.created - before.created != persons {
            bail!("the sink has {} of {persons} persons", taken.created - before.created);
        }
        self.report.keep("w4.cpu", per_million(used.cpu_seconds, persons));
        let batches = taken.batches - before.batches;
        self.report.keep("w4.batch", persons as f64 / batches.max(1) as f64);
        Ok(())
    }

    /// W7.
    fn idle(&mut self) -> Result<()> {
        if !self.wants("w7") {
            return Ok(());
        }
        told("an idle hub");
        let world = World::create(
            &self.plan.work.join("idle"),
            &self.plan.components,
            self.port,
            Purpose::Idle,
        )?;
        let binary = self.plan.liaison.clone();
        let memory = self.runtime.block_on(async {
            // The first start compiles the connectors.
            Serving::start(&world, &binary).await?.kill()?;
            let hub = Serving::start(&world, &binary).await?;
            let connections = hub.get("/api/v1/connections").await?;
            let all = connections["connections"].as_array();
            let sound = |all: &Vec<Value>| all.iter().filter(|one| one["fault"].is_null()).count();
            if all.map_or(0, sound) != 3 {
                bail!("not three sound connections: {connections}");
            }
            tokio::time::sleep(IDLE).await;
            crate::clock::memory(hub.process()).context("the hub ended")
        })?;
        self.report.keep("w7.memory", memory.resident_bytes as f64 / 1e6);
        empty(world.root())
    }

    /// W2, W8, W9 and W6 through HTTP, on one store.
    fn large(&mut self) -> Result<()> {
        if !self.wants_any(&["w2", "w6", "w8", "w9"]) {
            return Ok(());
        }
        let rows = self.plan.rows;
        told(&format!("large load, {rows} rows"));
        let world = self.world("large")?;
        self.warm(&world)?;
        self.api.show(Shown::unchanged(rows));
        let mut curve = vec![Point::default()];
        let api = self.api.clone();
        let watch = |sample: &Sample| {
            let known = curve.last().map_or(0, |point| point.rows);
            let rows = api.asked_after();
            if rows > known {
                curve.push(point(rows, sample));
            }
        };
        let (run, used) = world.sync(&self.plan.liaison, CUSTOMERS, watch)?;
        expect(&run, &[("read", rows), ("new", rows), ("quarantined", 0)])?;
        self.check_persons(&world, rows)?;
        curve.push(end(rows, &used, &curve));
        self.keep_large(&curve, &used)?;
        self.disk(&world, rows)?;
        self.api.show(Shown::unchanged(rows + MORE_ROWS));
        if self.wants("w9") {
            self.open_after_kill(&world, rows)?;
        }
        if self.wants("w6") {
            told("look-ups through HTTP, beside a load");
            let (binary, people) = (self.plan.liaison.clone(), self.people);
            let times = self.runtime.block_on(async {
                let hub = Serving::start(&world, &binary).await?;
                hub.begin(CUSTOMERS).await?;
                look_up::through_http(&hub, people, rows).await
            })?;
            self.report.keep("w6.http_p50", times.p50);
            self.report.keep("w6.http_p99", times.p99);
        }
        empty(world.root())
    }

    fn keep_large(&mut self, curve: &[Point], used: &Used) -> Result<()> {
        let rows = self.plan.rows;
        let slices = slices(curve, rows);
        if let Some((first, last)) = ends(&slices) {
            self.report.keep("w2.first", first);
            self.report.keep("w2.last", last);
            self.report.keep("w2.growth", last / first);
        }
        self.report.keep("w2.mean", per_million(used.cpu_seconds, rows));
        self.report.keep("w2.rows_per_second", rows as f64 / used.wall_seconds);
        let profiles = self.people.persons(rows);
        self.report.keep("w2.memory", per_million(used.peak_bytes as f64 / 1e6, profiles));
        self.report.curves.insert("w2", curve.to_vec());
        Ok(())
    }

    /// W8. The values are counted in a copy: the engine writes when it opens.
    fn disk(&mut self, world: &World, rows: u64) -> Result<()> {
        if !self.wants("w8") {
            return Ok(());
        }
        told("the store on disk");
        let bytes = disk_bytes(&world.store())?;
        let values = self.values_bytes(&world.store())?;
        self.report.keep("w8.disk", bytes as f64 / values as f64);
        self.report.keep("w8.per_row", bytes as f64 / rows as f64);
        self.report.notes.push("w8.disk is measured without compaction".to_owned());
        Ok(())
    }

    fn values_bytes(&self, store: &Path) -> Result<u64> {
        let copy = self.plan.work.join("copy");
        empty(&copy)?;
        copy_folder(&store.join("sled"), &copy)?;
        let mut command = Command::new(&self.plan.bench);
        command.arg("values").arg("--dir").arg(&copy);
        let (output, _) = measure::run(command, |_| {})?;
        empty(&copy)?;
        let text = String::from_utf8(output)?;
        text.trim().parse().context("`values` did not answer with a number")
    }

    /// W9.
    fn open_after_kill(&mut self, world: &World, rows: u64) -> Result<()> {
        told("opening after a kill");
        let (api, binary) = (self.api.clone(), self.plan.liaison.clone());
        self.runtime.block_on(async {
            let hub = Serving::start(world, &binary).await?;
            hub.begin(CUSTOMERS).await?;
            let begun = Instant::now();
            while api.asked_after() < rows + KILLED_AFTER_ROWS {
                if begun.elapsed() > Duration::from_secs(60) {
                    bail!("the load does not go on");
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            hub.kill()
        })?;
        let workspace = WorkspaceId::new("default");
        let begun = Instant::now();
        let store = SledStore::open_existing(&world.store(), &workspace)?;
        let seconds = begun.elapsed().as_secs_f64();
        store.close();
        self.report.keep("w9.open", per_million(seconds, self.people.persons(rows)));
        Ok(())
    }

    fn world(&self, name: &str) -> Result<World> {
        let root = self.plan.work.join(name);
        World::create(&root, &self.plan.components, self.port, Purpose::Work)
    }

    /// Compiles the connector and makes the store, outside of any figure.
    fn warm(&self, world: &World) -> Result<()> {
        self.api.show(Shown::unchanged(0));
        let (run, _) = world.sync(&self.plan.liaison, CUSTOMERS, |_| {})?;
        expect(&run, &[("read", 0)])
    }

    fn check_persons(&self, world: &World, rows: u64) -> Result<()> {
        let stats = world.stats(&self.plan.liaison)?;
        let persons = self.people.persons(rows);
        if stats["profiles"] != persons || stats["records"] != rows {
            bail!("{rows} rows of {persons} persons became {stats}");
        }
        Ok(())
    }
}

fn told(what: &str) {
    eprintln!("bench: {what} ...");
}

/// The system's own account of how busy it was.
fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

fn per_million(value: f64, of: u64) -> f64 {
    value * 1e6 / of.max(1) as f64
}

fn expect(run: &Value, counts: &[(&str, u64)]) -> Result<()> {
    for (name, expected) in counts {
        let found = run["counts"][*name].as_u64();
        if found != Some(*expected) {
            bail!("{name} is {found:?}, not {expected}, in {run}");
        }
    }
    Ok(())
}

fn point(rows: u64, sample: &Sample) -> Point {
    Point {
        rows,
        cpu_seconds: sample.cpu_seconds,
        wall_seconds: sample.wall_seconds,
        resident_bytes: sample.resident_bytes,
    }
}

fn end(rows: u64, used: &Used, curve: &[Point]) -> Point {
    Point {
        rows,
        cpu_seconds: used.cpu_seconds,
        wall_seconds: used.wall_seconds,
        resident_bytes: curve.last().map_or(0, |point| point.resident_bytes),
    }
}

/// Points at whole slices, from those of a curve around them.
fn slices(curve: &[Point], rows: u64) -> Vec<Point> {
    let step = usize::try_from(SLICE_ROWS).unwrap_or(usize::MAX);
    (0..=rows).step_by(step).filter_map(|rows| between(curve, rows)).collect()
}

fn between(curve: &[Point], rows: u64) -> Option<Point> {
    let after = curve.iter().position(|point| point.rows >= rows)?;
    let (after, before) = (curve.get(after)?, curve.get(after.saturating_sub(1))?);
    let span = after.rows.saturating_sub(before.rows);
    let share = if span == 0 { 1.0 } else { rows.saturating_sub(before.rows) as f64 / span as f64 };
    let mix = |before: f64, after: f64| before + (after - before) * share;
    Some(Point {
        rows,
        cpu_seconds: mix(before.cpu_seconds, after.cpu_seconds),
        wall_seconds: mix(before.wall_seconds, after.wall_seconds),
        resident_bytes: after.resident_bytes,
    })
}

/// Processor seconds per million rows in the first and in the last slice.
fn ends(points: &[Point]) -> Option<(f64, f64)> {
    let cost = |pair: &[Point]| {
        let [before, after] = pair else { return None };
        let rows = after.rows.checked_sub(before.rows).filter(|rows| *rows > 0)?;
        Some(per_million(after.cpu_seconds - before.cpu_seconds, rows))
    };
    let mut pairs = points.windows(2).filter_map(cost);
    let first = pairs.next()?;
    Some((first, pairs.next_back().unwrap_or(first)))
}

fn empty(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{ends, slices};
    use crate::feed::Point;

    fn at(rows: u64, cpu_seconds: f64) -> Point {
        Point { rows, cpu_seconds, wall_seconds: cpu_seconds, resident_bytes: rows }
    }

    #[test]
    fn slices_lie_between_samples() {
        let curve = [at(0, 0.0), at(50_000, 1.0), at(150_000, 2.0), at(200_000, 4.0)];
        let slices = slices(&curve, 200_000);
        let cpu: Vec<f64> = slices.iter().map(|point| point.cpu_seconds).collect();
        assert_eq!(cpu, [0.0, 1.5, 4.0]);
        assert_eq!(ends(&slices), Some((15.0, 25.0)));
    }

    #[test]
    fn one_slice_is_first_and_last() {
        assert_eq!(ends(&[at(0, 0.0), at(2_000, 0.02)]), Some((10.0, 10.0)));
        assert_eq!(ends(&[]), None);
    }
}
