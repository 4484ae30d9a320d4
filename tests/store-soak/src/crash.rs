//! SIGKILL at random moments: while a store is written and opened, while it is
//! compacted, backed up, restored, exported and imported, while it is checked.
//!
//! Writers and checkers are `store-soak`; everything else is the command that an
//! administrator gives, so that what is killed is the product.

mod commands;
mod episode;
mod hub;
mod moment;
mod released;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use hub_store::conformance::Random;

use crate::{Plan, Program, Tally};
use episode::Store;
use moment::Lives;
pub use moment::Moment;

/// Kills after which a new store is begun, at most: a longer life of one store
/// finds nothing new and makes every check longer.
const KILLS_PER_STORE_MAX: u64 = 20;
/// The same in records: most stores are small, so that there are many kills, and
/// some are large enough to be copied in several stretches.
const RECORDS_PER_STORE_MAX: u64 = 800;
const RECORDS_PER_LARGE_STORE_MAX: u64 = 6_000;
/// Stores of pages in a hundred that are large.
const LARGE_PERCENT: u64 = 20;
/// Stores in a hundred that are filled with pages instead of small commits.
const PAGES_PERCENT: u64 = 30;

/// What is killed.
#[derive(Debug, Clone)]
pub struct Programs {
    /// Writers and checkers.
    pub soak: Program,
    /// The hub, for its commands about a store.
    pub liaison: PathBuf,
}

/// How much to kill.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Kills, those of checkers not counted.
    pub kills: u64,
    /// Decides the moments and the commits.
    pub seed: u64,
}

/// What the kills left behind.
#[derive(Debug, Clone, Default)]
pub struct Report {
    hits: BTreeMap<Moment, u64>,
    /// Commands that had ended before they were to be killed; not counted as kills.
    pub late: u64,
    /// Checkers that were killed and run again.
    pub checks_killed: u64,
    /// Commits acknowledged.
    pub acked: u64,
    /// Kills after which the commit under way was there too.
    pub one_more: u64,
    /// Stores begun.
    pub stores: u64,
    /// What the checks found.
    pub tally: Tally,
}

impl Report {
    /// Kills, those of checkers not counted.
    #[must_use]
    pub fn kills(&self) -> u64 {
        self.hits.values().sum()
    }

    /// Kills at such a moment.
    #[must_use]
    pub fn kills_at(&self, moment: Moment) -> u64 {
        self.hits.get(&moment).copied().unwrap_or(0)
    }

    fn killed(&mut self, moment: Moment) {
        *self.hits.entry(moment).or_default() += 1;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<28}{:>8}", "kills", self.kills())?;
        for moment in Moment::all() {
            writeln!(f, "  {:<26}{:>8}", moment.words(), self.kills_at(moment))?;
        }
        let rows = [
            ("with the commit under way", self.one_more),
            ("checks killed as well", self.checks_killed),
            ("commands that were quicker", self.late),
            ("stores begun", self.stores),
            ("acknowledged commits", self.acked),
        ];
        for (name, count) in rows {
            writeln!(f, "{name:<28}{count:>8}")?;
        }
        write!(f, "after each of them\n{}", self.tally)
    }
}

/// What goes on from kill to kill.
struct Run {
    random: Random,
    lives: Lives,
    report: Report,
}

/// Kills and checks. `progress` is called after each kill.
///
/// # Errors
/// A process cannot be started, or a folder not be made; what the store does
/// wrong is in the report.
pub fn run(
    programs: &Programs,
    options: Options,
    mut progress: impl FnMut(&Report),
) -> Result<Report> {
    let (random, lives) = (Random::new(options.seed), Lives::default());
    let mut run = Run { random, lives, report: Report::default() };
    while run.report.kills() < options.kills {
        let seed = run.random.next_u64() % 1_000_000_000;
        let pages = run.random.percent(PAGES_PERCENT);
        let plan = if pages { Plan::pages(seed) } else { Plan::small(seed) };
        let large = pages && run.random.percent(LARGE_PERCENT);
        let records_max = if large { RECORDS_PER_LARGE_STORE_MAX } else { RECORDS_PER_STORE_MAX };
        run.report.stores += 1;
        let mut store = Store::new(programs, plan)?;
        for _ in 0..=run.random.below(KILLS_PER_STORE_MAX) {
            let moment = Moment::pick(&mut run.random);
            store.kill(moment, &mut run)?;
            progress(&run.report);
            if run.report.tally.bad() > 0 {
                // What comes after a failure proves nothing.
                store.keep();
                return Ok(run.report);
            }
            if run.report.kills() == options.kills || store.records() > records_max {
                break;
            }
        }
    }
    Ok(run.report)
}
