//! The binary `liaison`: it wires the rooms together and gives them a command
//! line. It takes no decision about data.
//!
//! Every command answers with an exit code and prints data on stdout, talk on
//! stderr. What a command refuses it refuses with a code, a place and a way to
//! mend ([`trouble`]). Commands that need data open the store themselves,
//! unless a running hub holds it: then they ask that hub ([`reach`]).

mod exit;
mod out;
mod trouble;

mod cli;
mod logging;

mod access;
mod load;
mod private;

mod broken;
mod grants;
mod keys;
mod limits;
mod secrets;
mod sign_ins;
mod tokens;

mod recordings;

mod package;
mod shelf;

mod follow;
mod mapping;
mod wire;

mod client;
mod reach;

mod port;
mod signals;

mod commands;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::trouble::Trouble;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hub_store_sled::hush_panics();
    // clap prints its own help and errors, and ends with 0 or 2: our codes.
    let cli = Cli::parse();
    let json = cli.global.json;
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(trouble) => {
            if json {
                let _ = out::print(&format!("{:#}\n", trouble.json()));
            }
            out::talk(&trouble);
            trouble.exit.into()
        }
    }
}

fn run(cli: Cli) -> Result<Exit, Trouble> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Trouble::new(
            Exit::Usage,
            "cli/no-threads",
            "",
            format!("the process could not start its threads: {error}"),
            "raise the limits of the system for this user (`ulimit -u`)",
        )
    })?;
    runtime.block_on(commands::run(cli))
}
