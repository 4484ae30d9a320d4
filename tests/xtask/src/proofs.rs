//! The proofs of the store: built here, run by `store-soak`, whose words and
//! exit code are passed on.

use std::process::Command;

use anyhow::Result;

use crate::{paths, process, steps::Steps};

/// How often to cut the power.
#[derive(Debug, Clone, clap::Args)]
pub struct PowerCut {
    /// How many disks are built and checked.
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub images: u64,
    /// Decides everything; chosen and printed when not given.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// Which calls to let fail.
#[derive(Debug, Clone, clap::Args)]
pub struct IoFault {
    /// Calls per kind of fault, spread over the run; all of them when not given.
    #[arg(long, value_name = "N")]
    pub calls: Option<u64>,
    /// Decides the commits; chosen and printed when not given.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// Kills writers of the store, and the hub's commands about it.
///
/// # Errors
/// Something does not compile, or was lost.
pub fn crash(kills: u32, seed: Option<u64>) -> Result<()> {
    soak("crash", &[("--kills", Some(kills.into())), ("--seed", seed)])
}

/// Cuts the power of writers of the store.
///
/// # Errors
/// Something does not compile, or was lost.
pub fn power_cut(options: &PowerCut) -> Result<()> {
    soak("powercut", &[("--images", Some(options.images)), ("--seed", options.seed)])
}

/// Lets calls of writers of the store fail.
///
/// # Errors
/// Something does not compile, or was lost.
pub fn io_fault(options: &IoFault) -> Result<()> {
    soak("iofault", &[("--calls", options.calls), ("--seed", options.seed)])
}

/// Leaves out each guard of the store, one after the other.
///
/// # Errors
/// Something does not compile, or a guard guards nothing.
pub fn guards() -> Result<()> {
    soak("guards", &[])
}

fn soak(command: &str, options: &[(&str, Option<u64>)]) -> Result<()> {
    let mut steps = Steps::new(2);
    steps.step("build", "Mend the errors above.", process::build_workspace)?;
    let mut soak = Command::new(paths::target().join("debug").join("store-soak"));
    soak.arg(command);
    for (name, value) in options {
        if let Some(value) = value {
            soak.arg(name).arg(value.to_string());
        }
    }
    let remedy = "The seed repeats it; store-soak check --help shows how to look at one store.";
    steps.step(command, remedy, || process::run(&mut soak))
}
