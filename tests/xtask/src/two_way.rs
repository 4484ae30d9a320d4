//! The proofs of two-way sync: set up here, run by `sync-soak`, whose words and exit
//! code are passed on.

use std::process::Command;

use anyhow::Result;

use crate::{
    demo::{Stage, prepare},
    mail, paths, process,
    steps::Steps,
};

/// How large the ring is.
#[derive(Debug, Clone, clap::Args)]
pub struct Ring {
    /// People at the beginning, each known to two of the systems.
    #[arg(long, value_name = "N")]
    pub people: Option<u64>,
    /// Decides who is edited; 1 unless given.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Print what was seen as one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// How large the ERP is that is wrecked.
#[derive(Debug, Clone, clap::Args)]
pub struct Undo {
    /// Parties of the ERP; 1,000 unless given.
    #[arg(long, value_name = "N")]
    pub parties: Option<u64>,
    /// Decides who is edited; 1 unless given.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Print what was seen as one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Lets five systems agree.
///
/// # Errors
/// Something does not compile, or they do not fall silent.
pub fn ring(options: &Ring) -> Result<()> {
    let numbers = [("--people", options.people), ("--seed", options.seed)];
    soak("ring", &numbers, options.json)
}

/// Links fifteen tools that share so many people.
///
/// # Errors
/// Something does not compile, or one of them does not sync.
pub fn stack(people: usize, json: bool) -> Result<()> {
    mail::prepare()?;
    soak("stack", &[("--people", Some(people as u64))], json)
}

/// Wrecks an ERP, and takes it back.
///
/// # Errors
/// Something does not compile, or is not as before.
pub fn undo(options: &Undo) -> Result<()> {
    let numbers = [("--parties", options.parties), ("--seed", options.seed)];
    soak("undo", &numbers, options.json)
}

/// Kills the hub while it delivers.
///
/// # Errors
/// Something does not compile, or was doubled or lost.
pub fn kills(kills: Option<u64>, seed: Option<u64>, json: bool) -> Result<()> {
    soak("kills", &[("--kills", kills), ("--seed", seed)], json)
}

fn soak(proof: &str, numbers: &[(&str, Option<u64>)], json: bool) -> Result<()> {
    let Stage { work, .. } = prepare(proof)?;
    let mut soak = Command::new(paths::target().join("debug").join("sync-soak"));
    soak.arg(proof).arg("--work").arg(&work);
    for (name, value) in numbers {
        if let Some(value) = value {
            soak.arg(name).arg(value.to_string());
        }
    }
    soak.args(json.then_some("--json"));
    let remedy = format!("The folder is kept: {}.", work.display());
    Steps::new(1).step(proof, &remedy, || process::run(&mut soak))
}
