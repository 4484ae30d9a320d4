//! `cargo xtask bench`: builds hub, connectors and bench optimised, and lets
//! `liaison-bench` measure.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{
    components, paths, process,
    setup::{self, Part},
    steps::Steps,
};

/// What to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Print the figures as JSON.
    #[arg(long)]
    pub json: bool,
    /// Only these workloads and references, such as `w1,w3,r1`.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub only: Vec<String>,
    /// Rows of the large loads; without it a million.
    #[arg(long, value_name = "N")]
    pub records: Option<u64>,
    /// Decides every row.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Cargo's profile of what is measured.
    #[arg(long, default_value = "release", value_name = "NAME")]
    pub profile: String,
    /// Print the functions that cost most instead of figures (needs `perf`).
    #[arg(long)]
    pub profile_cpu: bool,
    /// What a connector costs in Rust, Python and TypeScript, beside native code.
    #[arg(long)]
    pub languages: bool,
    /// Draw throughput and memory of the large load as SVG.
    #[arg(long, value_name = "FILE")]
    pub curve: Option<PathBuf>,
}

/// Builds and measures.
///
/// # Errors
/// Something does not compile, or a workload did not do what it should.
pub fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new(2);
    let remedy = "cargo xtask components repeats this step alone.";
    steps.step("connectors into components", remedy, components::build)?;
    if options.languages {
        setup::run(Some(Part::Languages))?;
    }
    let profile = format!("{} build of hub and bench", options.profile);
    steps.step(&profile, "Mend the errors above.", || process::build_binaries(&options.profile))?;
    process::run(&mut measure(options))
}

fn measure(options: &Options) -> Command {
    // Cargo keeps what its profile `dev` builds in a folder of another name.
    let folder = if options.profile == "dev" { "debug" } else { &options.profile };
    let built = paths::target().join(folder);
    let mut command = Command::new(built.join("liaison-bench"));
    if options.languages {
        command.arg("languages").arg("--components").arg(paths::components());
        command.arg("--work").arg(paths::target().join("bench/languages"));
        command.args(options.json.then_some("--json"));
        return command;
    }
    command.arg(if options.profile_cpu { "profile" } else { "run" });
    command.arg("--liaison").arg(built.join("liaison"));
    command.arg("--components").arg(paths::components());
    command.arg("--work").arg(paths::target().join("bench"));
    if let Some(records) = options.records {
        command.args(["--records", &records.to_string()]);
    }
    if let Some(seed) = options.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    if options.profile_cpu {
        return command;
    }
    if !options.only.is_empty() {
        command.args(["--only", &options.only.join(",")]);
    }
    if options.json {
        command.arg("--json");
    }
    if let Some(curve) = &options.curve {
        command.arg("--curve").arg(curve);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::{Options, measure};

    fn options() -> Options {
        Options {
            json: false,
            only: Vec::new(),
            records: None,
            seed: None,
            profile: "release".to_owned(),
            profile_cpu: false,
            languages: false,
            curve: None,
        }
    }

    #[test]
    fn options_reach_the_bench() {
        let only = vec!["w1".to_owned(), "r1".to_owned()];
        let some = Options { json: true, only, records: Some(5), ..options() };
        let cases = [
            (options(), "run --liaison", "--only"),
            (some, "--records 5 --only w1,r1 --json", "--curve"),
            (Options { profile_cpu: true, json: true, ..options() }, "profile --liaison", "--json"),
            (Options { languages: true, ..options() }, "languages --components", "--liaison"),
            (Options { profile: "dev".to_owned(), ..options() }, "debug/liaison ", "--records"),
        ];
        for (options, present, absent) in cases {
            let command = measure(&options);
            let arguments: Vec<_> = command.get_args().map(|a| a.to_string_lossy()).collect();
            let line = arguments.join(" ");
            assert!(line.contains(present) && !line.contains(absent), "{line}");
        }
    }
}
