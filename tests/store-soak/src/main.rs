//! Writes a store until it is killed, says afterwards whether what was
//! acknowledged is there, and does both many times over.
//!
//! ```text
//! store-soak write --dir /tmp/soak --seed 7        # prints `ack 1 cursor-0=0`, ...
//! store-soak check --dir /tmp/soak --seed 7 --acked 123
//! store-soak crash --kills 100
//! store-soak powercut --images 100
//! store-soak iofault --calls 20
//! store-soak guards
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};
use hub_store_sled::Guard;
use store_soak::plan::Sizes;
use store_soak::recording::Recorder;
use store_soak::{Plan, Program, check, crash, guards, iofault, plan, powercut, write};

/// Kills or images after which the counts so far are told.
const TOLD_EVERY: u64 = 50;

#[derive(Parser)]
#[command(about = "Proofs that the store keeps what it acknowledged")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Commit write sets, go on where the store is, print each acknowledgement.
    Write {
        /// The store's directory.
        #[arg(long)]
        dir: PathBuf,
        #[command(flatten)]
        plan: Plan,
        /// Stop after this commit; without it only a signal ends the writing.
        #[arg(long)]
        until: Option<u64>,
    },
    /// Compare the store with the model, and name what is wrong.
    Check {
        /// The store's directory.
        #[arg(long)]
        dir: PathBuf,
        /// The writer's plan.
        #[command(flatten)]
        plan: Plan,
        /// The last commit that the writer acknowledged.
        #[arg(long)]
        acked: u64,
        /// Print the verdict as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Kill writers at random moments, and check.
    Crash {
        /// How many writers are killed.
        #[arg(long, default_value_t = 300)]
        kills: u64,
        /// Decides moments and commits; chosen when not given.
        #[arg(long, default_value_t = plan::chosen_seed(), hide_default_value = true)]
        seed: u64,
        /// The hub's binary, whose commands are killed too; beside this program
        /// when not given.
        #[arg(long, value_name = "FILE")]
        liaison: Option<PathBuf>,
    },
    /// Record writers, build the disks that power cuts leave, and check.
    Powercut {
        /// How many disks are built.
        #[arg(long, default_value_t = 100)]
        images: u64,
        /// Decides everything; chosen when not given.
        #[arg(long, default_value_t = plan::chosen_seed(), hide_default_value = true)]
        seed: u64,
        /// Only commits of this size; otherwise small ones and pages.
        #[arg(long, value_enum)]
        size: Option<Sizes>,
        /// Leave one guard of the store out, to see what it is good for.
        #[arg(long, value_name = "GUARD", value_parser = plan::guard)]
        without: Option<Guard>,
        #[command(flatten)]
        library: Library,
    },
    /// Let each call of writers on the disk fail in turn, and check.
    Iofault {
        /// Calls per kind of fault and store, spread evenly; every call when not
        /// given.
        #[arg(long)]
        calls: Option<u64>,
        /// Decides the commits; chosen when not given.
        #[arg(long, default_value_t = plan::chosen_seed(), hide_default_value = true)]
        seed: u64,
        #[command(flatten)]
        library: Library,
    },
    /// The same mishap with each guard of the store and without it.
    Guards {
        /// Only this one.
        #[arg(long, value_name = "GUARD", value_parser = plan::guard)]
        only: Option<Guard>,
        #[command(flatten)]
        library: Library,
    },
}

/// The library that is preloaded.
#[derive(clap::Args)]
struct Library {
    /// `libio_recorder.so`; beside this program when not given.
    #[arg(long, value_name = "FILE")]
    recorder: Option<PathBuf>,
}

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
    match command {
        Command::Write { dir, plan, until } => {
            prepare(&plan);
            eprintln!("seed {}", plan.seed);
            runtime()?.block_on(write::write(&dir, &plan, until))
        }
        Command::Check { dir, plan, acked, json } => {
            prepare(&plan);
            let verdict = runtime()?.block_on(check::check(&dir, &plan, acked));
            let text = if json { serde_json::to_string(&verdict)? } else { verdict.to_string() };
            println!("{text}");
            if !verdict.is_sound() {
                bail!("{verdict}");
            }
            Ok(())
        }
        Command::Crash { kills, seed, liaison } => {
            eprintln!("seed {seed}");
            let soak = program()?;
            let liaison = built(liaison, &soak, "liaison", "hub-server")?;
            let programs = crash::Programs { soak, liaison };
            let mut failures = Failures::default();
            let report = crash::run(&programs, crash::Options { kills, seed }, |report| {
                failures.tell(&report.tally.failures);
                if report.kills() % TOLD_EVERY == 0 {
                    eprintln!("{} kills, {} bad", report.kills(), report.tally.bad());
                }
            })?;
            println!("{report}seed {seed}");
            none(&report.tally.failures)
        }
        Command::Powercut { images, seed, size, without, library } => {
            eprintln!("seed {seed}");
            let fixed = size.is_some() || without.is_some();
            let size = size.unwrap_or(Sizes::Small);
            let plan = fixed.then_some(Plan { seed, size, without });
            let options = powercut::Options { images, seed, plan };
            let mut failures = Failures::default();
            let report = powercut::run(&library.recorder()?, options, |report| {
                failures.tell(&report.tally.failures);
                if report.images % TOLD_EVERY == 0 {
                    eprintln!("{} images, {} bad", report.images, report.tally.bad());
                }
            })?;
            println!("{report}seed {seed}");
            none(&report.tally.failures)
        }
        Command::Iofault { calls, seed, library } => {
            eprintln!("seed {seed}");
            let options = iofault::Options { calls, seed };
            let mut failures = Failures::default();
            let report = iofault::run(&library.recorder()?, options, |report| {
                failures.tell(&report.failures());
                if report.runs % TOLD_EVERY == 0 {
                    eprintln!("{} runs, {} bad", report.runs, report.failures().len());
                }
            })?;
            println!("{report}seed {seed}");
            none(&report.failures())
        }
        Command::Guards { only, library } => {
            let recorder = library.recorder()?;
            let mut unproven = Vec::new();
            let wanted = |guard: &Guard| only.is_none_or(|only| only == *guard);
            for guard in Guard::ALL.into_iter().filter(wanted) {
                let row = guards::prove(&recorder, guard)?;
                println!("{row}");
                if !row.proves() {
                    unproven.push(format!("{} is not proven", guard.name()));
                }
            }
            Failures::default().tell(&unproven);
            none(&unproven)
        }
    }
}

impl Library {
    fn recorder(self) -> Result<Recorder> {
        let program = program()?;
        let library = built(self.recorder, &program, "libio_recorder.so", "io-recorder")?;
        Ok(Recorder { program, library })
    }
}

/// What cargo builds of another package: the file that is named, or the one
/// beside this program.
fn built(named: Option<PathBuf>, program: &Program, name: &str, package: &str) -> Result<PathBuf> {
    let file = named.unwrap_or_else(|| program.binary.with_file_name(name));
    ensure!(file.is_file(), "{} is not there: build {package}", file.display());
    Ok(file)
}

/// Switches off the guard that the plan names, and the printing of panics that
/// become errors.
fn prepare(plan: &Plan) {
    hub_store_sled::hush_panics();
    if let Some(guard) = plan.without {
        hub_store_sled::switch_off(guard);
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Runtime::new().context("start a runtime")
}

/// This program again.
fn program() -> Result<Program> {
    Ok(Program::new(&std::env::current_exe().context("find this program")?))
}

/// Failures, each told when it comes: a run may be stopped before its end.
#[derive(Default)]
struct Failures(usize);

impl Failures {
    fn tell(&mut self, all: &[String]) {
        for failure in all.iter().skip(self.0) {
            eprintln!("{failure}");
        }
        self.0 = all.len();
    }
}

fn none(failures: &[String]) -> Result<()> {
    if !failures.is_empty() {
        bail!("{} failures", failures.len());
    }
    Ok(())
}
