//! `liaison-bench`: started by `cargo xtask bench`, which builds everything.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use bench::people::People;
use bench::store_path;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "liaison-bench")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The store path alone, in this process; prints what it cost as JSON.
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
    },
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
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Command::StorePath { world, dir, seed, rows } => {
            let cost =
                runtime.block_on(store_path::measure(&world, &dir, People::new(seed), rows))?;
            println!("{}", serde_json::to_string(&cost)?);
        }
    }
    Ok(())
}
