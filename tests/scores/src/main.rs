//! The scores on the command line; `cargo xtask connectors` sets them up.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use scores::Report;

/// Judges every connector that we ship, as a component.
#[derive(Debug, Parser)]
struct Arguments {
    /// An empty folder to work in; it is kept.
    #[arg(long, default_value = "scores", value_name = "DIR")]
    work: PathBuf,
    /// Print the scores as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let report = Report::make(&arguments.work)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.table());
    }
    report.judge()
}
