//! `liaison-bench`: started by `cargo xtask bench`, which builds everything.
//! What measures in a process of its own is a command of its own.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use bench::api::{Server, Shown};
use bench::crowd::Crowd;
use bench::feed::Point;
use bench::people::People;
use bench::references::{self, Reference};
use bench::workloads::{Bench, Plan};
use bench::{curve, explained, languages, resolving, store_path};
use clap::{Args, Parser, Subcommand};
use serde::Deserialize;

#[derive(Debug, Parser)]
#[command(name = "liaison-bench", about = "What the hub costs, against goals and references")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure, and print figures, goals and ratios.
    Run(Run),
    /// Draw the large load of a run that was printed as JSON.
    Draw {
        /// What the run printed.
        #[arg(long)]
        run: PathBuf,
        /// Where the picture goes.
        #[arg(long, value_name = "FILE")]
        curve: PathBuf,
    },
    /// Print the functions that cost most, of the store path and of a load.
    Profile(Setting),
    /// The made-up vendor: customers to read, contacts to write.
    Api {
        /// Where to listen, on the loopback.
        #[arg(long)]
        port: u16,
        /// Decides every row.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Rows to serve.
        #[arg(long)]
        rows: u64,
        /// So many of them differ from the table as generated.
        #[arg(long, default_value_t = 0)]
        changed: u64,
    },
    /// The store path alone; prints what it cost as JSON.
    StorePath {
        /// The folder with the configuration.
        #[arg(long)]
        world: PathBuf,
        /// A fresh folder for the store.
        #[arg(long)]
        dir: PathBuf,
        /// Decides every row.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Rows to load.
        #[arg(long)]
        rows: u64,
        /// Do not read the same rows once more.
        #[arg(long)]
        load_only: bool,
    },
    /// Explain every trait of every profile of a store; prints the times as JSON.
    Explain {
        /// The folder with the configuration.
        #[arg(long)]
        world: PathBuf,
        /// A fresh folder for the store.
        #[arg(long)]
        dir: PathBuf,
        /// Decides every row.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Profiles in the store.
        #[arg(long, default_value_t = 100_000)]
        profiles: u64,
    },
    /// Resolve and derive in memory, beside plain grouping of the same rows; prints
    /// what both cost, and how it grows, as JSON.
    Resolve {
        /// The folder with the configuration.
        #[arg(long)]
        world: PathBuf,
        /// Decides every row.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Rows to resolve.
        #[arg(long, default_value_t = 1_000_000)]
        rows: u64,
    },
    /// Write the rows of a crowd, with their truth, as CSV; prints how many they are.
    Crowd {
        /// The folder.
        #[arg(long)]
        to: PathBuf,
        /// Decides every row.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Rows at least.
        #[arg(long, default_value_t = 50_000)]
        rows: usize,
    },
    /// A reference; prints what it cost as JSON.
    Reference {
        /// What to do.
        what: Reference,
        /// Decides every row.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Rows to handle; pulling takes all that the API has.
        #[arg(long)]
        rows: u64,
        /// The address of the API.
        #[arg(long)]
        url: String,
        /// A fresh folder to write into.
        #[arg(long)]
        dir: PathBuf,
    },
    /// What a connector costs in each language: size, loading, and a page beside the same
    /// Rust code without a sandbox.
    Languages {
        /// The folder of components.
        #[arg(long)]
        components: PathBuf,
        /// A folder for what is compiled; what is in it is lost.
        #[arg(long)]
        work: PathBuf,
        /// Pages read in each.
        #[arg(long, default_value_t = 300, value_name = "N")]
        pages: usize,
        /// Print the figures as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Count the bytes of all values in a copy of a store's engine.
    Values {
        /// The copy.
        #[arg(long)]
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    setting: Setting,
    /// Only these, such as `w1,w3,r1`.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
    /// Draw throughput and memory of the large load (`w2`, else `w10`) as SVG.
    #[arg(long, value_name = "FILE")]
    curve: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Setting {
    /// The binary `liaison`.
    #[arg(long)]
    liaison: PathBuf,
    /// The folder of components.
    #[arg(long)]
    components: PathBuf,
    /// A folder of the bench's own; what is in it is lost.
    #[arg(long)]
    work: PathBuf,
    /// Decides every row.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Rows of the large loads.
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    records: u64,
}

// As in the hub.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Command::Run(run) => measure(run),
        Command::Draw { run, curve } => {
            let text = fs::read(&run).with_context(|| format!("read {}", run.display()))?;
            let drawn: Drawn = serde_json::from_slice(&text).context("this is no run's JSON")?;
            draw(&drawn.curves, &curve)
        }
        Command::Profile(setting) => open(setting, Vec::new())?.profile(),
        Command::Api { port, seed, rows, changed } => runtime.block_on(async {
            let shown = Shown { rows, changed };
            let server = Server::open(People::new(seed), shown, port).await?;
            eprintln!("serving {rows} rows at http://{}", server.address()?);
            server.serve().await
        }),
        Command::StorePath { world, dir, seed, rows, load_only } => {
            let measured = store_path::measure(&world, &dir, People::new(seed), rows, !load_only);
            print(&runtime.block_on(measured)?)
        }
        Command::Explain { world, dir, seed, profiles } => {
            let measured = explained::measure(&world, &dir, People::new(seed), profiles);
            print(&runtime.block_on(measured)?)
        }
        Command::Resolve { world, seed, rows } => {
            print(&resolving::measure(&world, People::new(seed), rows)?)
        }
        Command::Crowd { to, seed, rows } => {
            let crowd = Crowd::make(seed, rows);
            crowd.write(&to)?;
            print(&serde_json::json!({ "rows": crowd.len(), "persons": crowd.persons }))
        }
        Command::Reference { what, seed, rows, url, dir } => {
            let people = People::new(seed);
            print(&match what {
                Reference::Pull => runtime.block_on(references::pull(&url))?,
                Reference::PageValues => references::write(&dir, people, rows, false)?,
                Reference::RowValues => references::write(&dir, people, rows, true)?,
                Reference::UnionFind => references::union_find(people, rows)?,
            })
        }
        Command::Languages { components, work, pages, json } => {
            // Compiled anew each time: that is one of the figures.
            if work.exists() {
                fs::remove_dir_all(&work)?;
            }
            let costs = runtime.block_on(languages::measure(&components, &work, pages))?;
            if json {
                return print(&costs);
            }
            print!("{}", languages::table(&costs));
            Ok(())
        }
        Command::Values { dir } => print(&references::values_bytes(&dir)?),
    }
}

fn print(value: &impl serde::Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(value)?);
    Ok(())
}

fn open(setting: Setting, only: Vec<String>) -> Result<Bench> {
    Bench::open(Plan {
        liaison: setting.liaison,
        bench: std::env::current_exe()?,
        components: setting.components,
        work: setting.work,
        seed: setting.seed,
        rows: setting.records,
        only,
    })
}

fn measure(run: Run) -> Result<()> {
    if let Some(folder) = run.curve.as_deref().and_then(Path::parent) {
        // Before the load: what takes minutes is not lost for want of a folder.
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    let mut bench = open(run.setting, run.only)?;
    let measured = bench.measure();
    let report = &bench.report;
    if run.json {
        println!("{:#}", report.json());
    } else {
        println!("{}", report.table());
    }
    if let Some(file) = run.curve {
        draw(&report.curves, &file)?;
    }
    measured
}

/// What is read of a run's JSON.
#[derive(Deserialize)]
struct Drawn {
    curves: BTreeMap<String, Vec<Point>>,
}

fn draw<K: Borrow<str> + Ord>(curves: &BTreeMap<K, Vec<Point>>, file: &Path) -> Result<()> {
    let points = curves.get("w2").or_else(|| curves.get("w10"));
    let points = points.context("no load was measured that could be drawn")?;
    let rows = points.last().map_or(0, |point| point.rows);
    fs::write(file, curve::svg(&format!("A load of {rows} rows"), points))
        .with_context(|| format!("write {}", file.display()))
}
