//! `cargo xtask identity`: how well a hub knows who is who, on data whose truth
//! is known, through the whole pipeline.
//!
//! FEBRL has people with typing errors; few of them have anything in common with
//! a stranger, so a resolver that merges too much looks perfect on it. The crowd
//! (made by `liaison-bench crowd`) is the opposite, and is resolved twice: with
//! the guards that a configuration offers, and without them, to show what they
//! are worth.

pub mod score;
pub mod set;

use std::{fs, process::Command};

use anyhow::{Result, bail};
use serde_json::json;

use self::{score::Score, set::Set};
use crate::{components, counterparts, febrl, paths, process, steps::Steps, tryton};

/// What to resolve.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Only these sets.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Part>,
    /// Rows of the crowd, at least.
    #[arg(long, default_value_t = 50_000, value_name = "N")]
    pub records: u64,
    /// Decides every row of the crowd.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Print the scores as one JSON array on stdout.
    #[arg(long)]
    pub json: bool,
}

/// A kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// The three FEBRL sets.
    Febrl,
    /// People who share telephones, mailboxes and browsers.
    Crowd,
}

/// Builds, resolves and scores.
///
/// # Errors
/// Something cannot be built or fetched, a run fails, or a score is below its
/// aim.
pub fn run(options: &Options) -> Result<()> {
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    let mut steps = Steps::new(2);
    let remedy = "cargo xtask components repeats this step alone.";
    steps.step("connectors into components", remedy, components::build)?;
    steps.step("the hub", "Mend the errors above.", || process::build_binaries("dev"))?;
    let mut scored = Vec::new();
    if wanted(Part::Febrl) {
        let data = febrl::ready().or_else(|_| febrl::fetch(&tryton::prepare()?.python))?;
        for number in 1..=3 {
            let set = Set::febrl(number)?;
            let work = paths::target().join("identity").join(&set.name);
            counterparts::begin(&work)?;
            set::lay_out_febrl(&data, number, &work)?;
            let score = set.resolve(&work)?;
            scored.push((set, score));
        }
    }
    if wanted(Part::Crowd) {
        for guarded in [true, false] {
            let set = Set::crowd(guarded);
            let folder = if guarded { "guarded" } else { "unguarded" };
            let work = paths::target().join("identity").join(folder);
            counterparts::begin(&work)?;
            fs::create_dir_all(work.join("in"))?;
            let mut crowd = Command::new(paths::target().join("debug").join("liaison-bench"));
            crowd.arg("crowd").arg("--to").arg(work.join("in"));
            crowd.args(["--seed", &options.seed.to_string()]);
            process::read(crowd.args(["--rows", &options.records.to_string()]))?;
            let score = set.resolve(&work)?;
            scored.push((set, score));
        }
    }
    tell(&scored, options.json);
    let missed = scored.iter().filter(|(set, score)| !set.is_met(score));
    let missed: Vec<&str> = missed.map(|(set, _)| set.name.as_str()).collect();
    if !missed.is_empty() {
        bail!("below the aim: {}", missed.join(", "));
    }
    Ok(())
}

fn tell(scored: &[(Set, Score)], as_json: bool) {
    if as_json {
        let line = |(set, score): &(Set, Score)| {
            json!({
                "set": set.name, "score": score,
                "precision": score.precision(), "recall": score.recall(),
                "aim": set.aim.map(|aim| json!({
                    "precision": aim.precision, "pairs_right": aim.pairs_right,
                })),
                "met": set.is_met(score),
            })
        };
        println!("{:#}", scored.iter().map(line).collect::<serde_json::Value>());
        return;
    }
    println!(
        "{:18} {:>8} {:>8} {:>10} {:>7} {:>10} {:>7}",
        "set", "records", "persons", "precision", "aim", "recall", "aim"
    );
    for (set, score) in scored {
        let aim = |rate: fn(set::Aim, &Score) -> f64| {
            set.aim.map_or_else(|| "-".to_owned(), |aim| format!("{:.3}", rate(aim, score)))
        };
        println!(
            "{:18} {:>8} {:>8} {:>10.5} {:>7} {:>10.5} {:>7}{}",
            set.name,
            score.records,
            score.persons,
            score.precision(),
            aim(|aim, _| aim.precision),
            score.recall(),
            aim(|aim, score| aim.pairs_right as f64 / score.pairs_true.max(1) as f64),
            if set.is_met(score) { "" } else { "  MISSED" },
        );
    }
}
