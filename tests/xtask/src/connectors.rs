//! `cargo xtask connectors`: set up here, judged by `scores`, whose table and exit code
//! are passed on.

use std::process::Command;

use anyhow::Result;

use crate::{counterparts, paths, process, setup::Part, steps::Steps};

/// How the scores are told.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Print the scores as one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Judges every connector that we ship.
///
/// # Errors
/// Something does not compile, or a rule that can be judged is broken.
pub fn run(options: &Options) -> Result<()> {
    let parts = [Part::Components, Part::Tryton, Part::Mail];
    let mut steps = Steps::new(parts.len() + 2);
    for part in parts {
        part.set_up(&mut steps)?;
    }
    steps.step("build", "Mend the errors above.", process::build_workspace)?;
    let work = paths::target().join("scores");
    counterparts::begin(&work)?;
    let mut scores = Command::new(paths::target().join("debug").join("scores"));
    scores.arg("--work").arg(&work).args(options.json.then_some("--json"));
    let remedy = format!("The folders are kept: {}.", work.display());
    steps.step("scores", &remedy, || process::run(&mut scores))
}
