//! `cargo xtask`: the commands a person types.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::{components, paths};

/// Set-up, demo and tests of Liaison, one command each.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build every connector and guest into target/components/<crate>.wasm.
    Components {
        /// Build the guests of another workspace (a connector author's own).
        #[arg(long, value_name = "FOLDER")]
        workspace: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<()> {
    match task {
        Task::Components { workspace } => {
            let folder = workspace.clone().unwrap_or_else(paths::root);
            for component in components::build_workspace(&folder)? {
                println!("{}\t{} bytes", component.path.display(), component.bytes);
            }
            Ok(())
        }
    }
}
