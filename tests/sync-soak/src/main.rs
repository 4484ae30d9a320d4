//! One proof after the other, on the command line; `cargo xtask` sets them up.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use serde::Serialize;
use sync_soak::{kills, ring, stack, undo};

/// Proofs of two-way sync with the binary and a real ERP.
#[derive(Debug, Parser)]
struct Arguments {
    /// An empty folder to work in; it is kept.
    #[arg(long, global = true, default_value = "sync-soak", value_name = "DIR")]
    work: PathBuf,
    /// Print what was seen as one JSON object on stdout.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Five systems that all write to each other agree, and fall silent.
    Ring(ring::Options),
    /// Fifteen tools of one organisation, all on schedule in one process.
    Stack(stack::Options),
    /// A wrecked mapping is taken back; a plan is executed exactly, or not at all.
    Undo(undo::Options),
    /// A hub that is killed while it delivers doubles nothing unseen.
    Kills(kills::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(Arguments { work, json, command }: &Arguments) -> Result<()> {
    match command {
        Command::Ring(options) => {
            let report = ring::prove(work, options)?;
            tell(*json, &report, ring::Report::show)
        }
        Command::Stack(options) => {
            let report = stack::prove(work, options)?;
            tell(*json, &report, stack::Report::show)
        }
        Command::Undo(options) => {
            let report = undo::prove(work, options)?;
            tell(*json, &report, undo::Report::show)
        }
        Command::Kills(options) => {
            let report = kills::prove(work, options)?;
            tell(*json, &report, kills::Report::show)?;
            report.judge()
        }
    }
}

fn tell<R: Serialize>(json: bool, report: &R, show: impl FnOnce(&R)) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        show(report);
    }
    Ok(())
}
