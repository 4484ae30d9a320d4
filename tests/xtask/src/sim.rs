//! Fleets of fake systems with the real engine between them: built here, run by
//! `simulation`, whose words and exit code are passed on.

use std::process::Command;

use anyhow::Result;

use crate::{paths, process, steps::Steps};

/// Which fleets.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// How many fleets; with --planted, how many per bug at most.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    pub fleets: u64,
    /// The first seed; the others follow it. Chosen and printed when not given.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Print the fleet of the first seed in full.
    #[arg(long)]
    pub print: bool,
    /// Plant each known bug in turn, until a fleet sees it.
    #[arg(long)]
    pub planted: bool,
    /// Print the figures as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Runs them.
///
/// # Errors
/// Something does not compile, an invariant does not hold, or a planted bug is
/// not seen.
pub fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new(2);
    steps.step("build", "Mend the errors above.", process::build_workspace)?;
    let mut simulation = Command::new(paths::target().join("debug").join("simulation"));
    simulation.args(["--fleets", &options.fleets.to_string()]);
    if let Some(seed) = options.seed {
        simulation.args(["--seed", &seed.to_string()]);
    }
    let flags =
        [("--print", options.print), ("--planted", options.planted), ("--json", options.json)];
    simulation.args(flags.iter().filter(|(_, wanted)| *wanted).map(|(flag, _)| flag));
    let remedy = "cargo xtask sim --fleets 1 --seed <seed> --print shows one in full.";
    steps.step("fleets", remedy, || process::run(&mut simulation))
}
