//! Runs fleets and says what they came to.
//!
//! ```text
//! simulation --fleets 1000 --seed 7        # figures; the exit code is not 0 on a failure
//! simulation --fleets 1 --seed 7 --print   # one fleet in full
//! simulation --planted                     # every planted bug, and who saw it
//! ```

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Parser;
use hub_core::planted::Bug;
use simulation::fleet::Fleet;
use simulation::many::{self, Figures};
use simulation::oracle;

/// Fleets within which a planted bug must be seen.
const FLEETS_PER_BUG: u64 = 1_000;
/// Fleets after which the state of affairs is told.
const TOLD_EVERY: u64 = 500;
/// Chosen seeds are below this, to be typed again easily.
const CHOSEN_SEEDS: u128 = 1_000_000_000;

/// Fleets of systems that differ, fail and are edited, with the real engine
/// between them.
#[derive(Debug, Parser)]
#[command(name = "simulation")]
struct Arguments {
    /// How many fleets; with --planted, how many per bug at most.
    #[arg(long, value_name = "N")]
    fleets: Option<u64>,
    /// The first seed; the others follow it. Chosen and printed when not given.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Print the fleet of the first seed in full.
    #[arg(long)]
    print: bool,
    /// Plant each known bug in turn, until a fleet sees it.
    #[arg(long)]
    planted: bool,
    /// The bug to plant, by its name.
    #[arg(long, value_name = "NAME", requires = "planted")]
    bug: Option<String>,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(chosen_seed);
    let good = if arguments.planted {
        planted(&arguments, seed)?
    } else if arguments.print {
        print(seed)?
    } else {
        fleets(&arguments, seed)?
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn fleets(arguments: &Arguments, seed: u64) -> Result<bool> {
    let count = arguments.fleets.unwrap_or(FLEETS_PER_BUG);
    eprintln!("{count} fleets from seed {seed}");
    let figures: Figures = many::run(seed, count, |ended, seed, wrong| {
        for finding in wrong {
            eprintln!("seed {seed}: {}: {}", finding.invariant, finding.text);
        }
        if ended % TOLD_EVERY == 0 {
            eprintln!("{ended} of {count}");
        }
    });
    if arguments.json {
        println!("{}", serde_json::to_string(&figures).context("figures as JSON")?);
    } else {
        print!("{}", figures.text());
    }
    Ok(figures.failed == 0)
}

fn print(seed: u64) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("a runtime")?;
    runtime.block_on(async {
        let mut fleet = Fleet::new(seed);
        let silent = fleet.run().await;
        let wrong = oracle::findings(&fleet, silent).await;
        oracle::print(&fleet).await;
        for finding in &wrong {
            println!("seed {seed}: {}: {}", finding.invariant, finding.text);
        }
        Ok(wrong.is_empty())
    })
}

fn planted(arguments: &Arguments, seed: u64) -> Result<bool> {
    let most = arguments.fleets.unwrap_or(FLEETS_PER_BUG);
    let wanted = |bug: &&Bug| arguments.bug.as_deref().is_none_or(|name| name == bug.name());
    let bugs: Vec<&Bug> = Bug::ALL.iter().filter(wanted).collect();
    anyhow::ensure!(!bugs.is_empty(), "no such bug; --planted alone lists all");
    let mut caught = Vec::new();
    if !arguments.json {
        println!("{:<28} {:>10} {:>7}  invariant", "bug", "seed", "fleets");
    }
    let mut good = true;
    for bug in bugs {
        let found = many::hunt(*bug, seed, most);
        good &= found.is_some();
        match found {
            Some(found) if !arguments.json => println!(
                "{:<28} {:>10} {:>7}  {}: {}",
                found.bug,
                found.seed,
                found.fleets,
                found.invariant,
                found.text.chars().take(100).collect::<String>()
            ),
            Some(found) => caught.push(found),
            None => eprintln!("{:<28} not seen by {most} fleets from seed {seed}", bug.name()),
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string(&caught).context("the table as JSON")?);
    }
    Ok(good)
}

#[expect(clippy::disallowed_methods, reason = "a seed that nobody gave is chosen by the clock")]
fn chosen_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos() % CHOSEN_SEEDS).unwrap_or(0)
}
