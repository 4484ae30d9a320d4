//! SIGKILL at random moments: while the store is written, while it is opened,
//! while it is checked.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use hub_store::conformance::Random;

use crate::program::Ended;
use crate::{Plan, Program, Tally, Verdict, write};

/// Kills after which a new store is begun, at most: a longer life of one store
/// finds nothing new and makes every check longer.
const KILLS_PER_STORE_MAX: u64 = 20;
/// A writer commits at most so long.
const WRITE_MS_MAX: u64 = 350;
/// A process that is killed while it opens lives at most so long.
const OPEN_MS_MAX: u64 = 60;
/// How long a process may take to open a store on a busy machine.
const OPENING_LIMIT: Duration = Duration::from_secs(120);
/// Of a hundred checks, so many are themselves killed first.
const CHECKS_KILLED_PERCENT: u64 = 25;
/// Such a check lives at most so long.
const CHECK_LIFE_MS_MAX: u64 = 120;
/// Stores in a hundred that are filled with pages instead of small commits.
const PAGES_PERCENT: u64 = 30;

/// What the process does that is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It commits.
    Write,
    /// It opens the store.
    Open,
}

impl Moment {
    /// A fifth of the kills hit the opening.
    fn pick(random: &mut Random) -> Self {
        if random.percent(20) { Self::Open } else { Self::Write }
    }

    /// The command of `store-soak` that does it.
    fn command(self) -> &'static str {
        match self {
            Self::Write | Self::Open => "write",
        }
    }

    /// How long the process may still live: from its start, or from the moment
    /// when it has opened the store, however slow the machine.
    fn life(self, random: &mut Random) -> Duration {
        Duration::from_millis(match self {
            Self::Write => random.below(WRITE_MS_MAX),
            Self::Open => random.below(OPEN_MS_MAX),
        })
    }

    fn begins_open(self) -> bool {
        match self {
            Self::Write => true,
            Self::Open => false,
        }
    }
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
    /// Kills of writers.
    pub kills: u64,
    /// Of these, before commits were taken.
    pub in_open: u64,
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

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            ("kills", self.kills),
            ("  while opening", self.in_open),
            ("  with the commit under way", self.one_more),
            ("checks killed as well", self.checks_killed),
            ("stores begun", self.stores),
            ("acknowledged commits", self.acked),
        ];
        for (name, count) in rows {
            writeln!(f, "{name:<28}{count:>8}")?;
        }
        write!(f, "after each kill\n{}", self.tally)
    }
}

/// Kills and checks. `progress` is called after each kill.
///
/// # Errors
/// A process cannot be started, or a folder not be made; what the store does
/// wrong is in the report.
pub fn run(
    program: &Program,
    options: Options,
    mut progress: impl FnMut(&Report),
) -> Result<Report> {
    let mut random = Random::new(options.seed);
    let mut report = Report::default();
    while report.kills < options.kills {
        let folder = tempfile::tempdir().context("make a folder for a store")?;
        let seed = random.next_u64() % 1_000_000_000;
        let pages = random.percent(PAGES_PERCENT);
        let plan = if pages { Plan::pages(seed) } else { Plan::small(seed) };
        report.stores += 1;
        let mut store = Store { program, plan, dir: folder.path().join("store"), acked: 0 };
        for _ in 0..=random.below(KILLS_PER_STORE_MAX) {
            store.kill(&mut random, &mut report)?;
            progress(&report);
            if report.kills == options.kills {
                break;
            }
            if report.tally.bad() > 0 {
                // What comes after a failure proves nothing.
                let _ = folder.keep();
                return Ok(report);
            }
        }
    }
    Ok(report)
}

struct Store<'a> {
    program: &'a Program,
    plan: Plan,
    dir: std::path::PathBuf,
    acked: u64,
}

impl Store<'_> {
    fn kill(&mut self, random: &mut Random, report: &mut Report) -> Result<()> {
        let moment = Moment::pick(random);
        let life = moment.life(random);
        let running = self.program.start(moment.command(), &self.dir, &self.plan, &[])?;
        if moment.begins_open() {
            // One that does not get there is found out by the check.
            running.begun(OPENING_LIMIT);
        }
        let ended = running.kill_after(life)?;
        report.kills += 1;
        report.in_open += u64::from(write::opened_at(&ended.out).is_none());
        // A kill before the first acknowledgement leaves the earlier one.
        let acked = write::last_acked(&ended.out).unwrap_or(self.acked).max(self.acked);
        report.acked += acked - self.acked;
        self.acked = acked;
        let verdict = match ended {
            Ended { status: Some(status), said, .. } => {
                Verdict::Unopenable { why: format!("the writer ended, {status}: {}", said.trim()) }
            }
            _ => self.checked(random, report)?,
        };
        if let Verdict::Sound { seq, .. } = verdict {
            // The commit under way may have been written; it counts from now on.
            report.one_more += seq - self.acked;
            self.acked = seq;
        }
        let place = format!(
            "kill {} ({moment:?}, {life:?}) of {} with {}",
            report.kills,
            self.dir.display(),
            self.plan.arguments().join(" ")
        );
        report.tally.add(&verdict, &place);
        Ok(())
    }

    fn checked(&self, random: &mut Random, report: &mut Report) -> Result<Verdict> {
        let acked = self.acked.to_string();
        if random.percent(CHECKS_KILLED_PERCENT) {
            let life = Duration::from_millis(random.below(CHECK_LIFE_MS_MAX));
            let more = ["--acked", acked.as_str()];
            self.program.start("check", &self.dir, &self.plan, &more)?.kill_after(life)?;
            report.checks_killed += 1;
        }
        self.program.check(&self.dir, &self.plan, self.acked)
    }
}
