//! Many fleets on all cores: each is a world of its own, so that a thread runs
//! one after the other and nothing is shared but the next seed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use hub_core::planted::{self, Bug};
use serde::Serialize;

use crate::fleet::{Fleet, lock};
use crate::oracle::{self, Finding};

/// Seeds of failed fleets that are told by number.
const FAILED_SEEDS_TOLD: usize = 20;

/// What many fleets came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Fleets that were run.
    pub fleets: u64,
    /// Of these, fleets in which something was wrong.
    pub failed: u64,
    /// Seeds of the first of them.
    pub failed_seeds: Vec<u64>,
    /// Fleets that violated an invariant, by its name.
    pub violated: BTreeMap<String, u64>,
    /// What users did.
    pub edits: u64,
    /// Requests and items that failed.
    pub faults: u64,
    /// Deaths of the process.
    pub crashes: u64,
    /// Hints that were pushed.
    pub hints: u64,
    /// Steps of the hub's clock.
    pub clock_steps: u64,
    /// Changes of the configuration.
    pub rule_changes: u64,
    /// Decisions about people.
    pub decisions: u64,
    /// Fleets with a system that fails for ever.
    pub broken: u64,
    /// Jobs that systems took in.
    pub jobs: u64,
    /// Of these, jobs that were forgotten before they were asked for.
    pub forgotten: u64,
    /// Writes that were only counted.
    pub counted: u64,
    /// Systems that allow only so many calls.
    pub allowances: u64,
    /// Writes that took effect.
    pub writes: u64,
    /// Every edit, times every other system.
    pub fan_out: u64,
    /// Unread edits overwritten between a look and the write, where versions are
    /// not checked.
    pub lost_in_between: u64,
}

/// What one fleet came to.
struct Ended {
    figures: Figures,
    wrong: Vec<Finding>,
}

impl Figures {
    fn of(fleet: &Fleet, wrong: &[Finding]) -> Self {
        let mut figures = Self {
            fleets: 1,
            edits: fleet.edits(),
            crashes: fleet.happened.crashes,
            hints: fleet.happened.hints,
            clock_steps: fleet.happened.clock_steps,
            rule_changes: fleet.happened.rule_changes,
            decisions: fleet.happened.decisions,
            fan_out: fleet.edits() * (fleet.systems.len() as u64 - 1),
            ..Self::default()
        };
        for system in &fleet.systems {
            let system = lock(system);
            figures.broken = figures.broken.max(u64::from(system.broken.is_some()));
            figures.faults += system.tally.faults;
            figures.jobs += system.tally.jobs;
            figures.forgotten += system.tally.forgotten;
            figures.counted += system.tally.counted;
            figures.allowances += u64::from(system.character.allows.is_some());
            figures.writes += system.tally.writes;
            figures.lost_in_between += system.tally.lost_in_between;
        }
        figures.note(fleet.seed, wrong);
        figures
    }

    fn note(&mut self, seed: u64, wrong: &[Finding]) {
        if wrong.is_empty() {
            return;
        }
        self.failed += 1;
        self.failed_seeds.push(seed);
        let mut names: Vec<&str> = wrong.iter().map(|finding| finding.invariant).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            *self.violated.entry(name.to_owned()).or_default() += 1;
        }
    }

    fn add(&mut self, other: &Self) {
        self.fleets += other.fleets;
        self.failed += other.failed;
        self.failed_seeds.extend(&other.failed_seeds);
        self.failed_seeds.sort_unstable();
        self.failed_seeds.truncate(FAILED_SEEDS_TOLD);
        for (name, fleets) in &other.violated {
            *self.violated.entry(name.clone()).or_default() += fleets;
        }
        self.edits += other.edits;
        self.faults += other.faults;
        self.crashes += other.crashes;
        self.hints += other.hints;
        self.clock_steps += other.clock_steps;
        self.rule_changes += other.rule_changes;
        self.decisions += other.decisions;
        self.broken += other.broken;
        self.jobs += other.jobs;
        self.forgotten += other.forgotten;
        self.counted += other.counted;
        self.allowances += other.allowances;
        self.writes += other.writes;
        self.fan_out += other.fan_out;
        self.lost_in_between += other.lost_in_between;
    }

    /// Writes as a share of what the ideal fan-out of every edit would be.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
    pub fn share(&self) -> f64 {
        self.writes as f64 / self.fan_out.max(1) as f64
    }

    /// The figures in words.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} fleets, {} failed\n\
             {} edits, {} faults, {} crashes, {} hints, {} clock steps\n\
             {} changes of the rules, {} decisions about people, {} fleets with a broken system\n\
             {} jobs, {} of them forgotten, {} writes only counted, {} systems with an allowance\n\
             {} writes: {:.3} of the ideal fan-out\n\
             {} unread edits overwritten in the window that a system without versions leaves\n",
            self.fleets,
            self.failed,
            self.edits,
            self.faults,
            self.crashes,
            self.hints,
            self.clock_steps,
            self.rule_changes,
            self.decisions,
            self.broken,
            self.jobs,
            self.forgotten,
            self.counted,
            self.allowances,
            self.writes,
            self.share(),
            self.lost_in_between,
        );
        let names = (1..=14).map(|number| format!("I{number}"));
        for name in names.chain(["R22".to_owned()]) {
            let fleets = self.violated.get(&name).copied().unwrap_or(0);
            text.push_str(&format!("{name:<4} {fleets} fleets\n"));
        }
        if let Some(fleets) = self.violated.get(PANIC) {
            text.push_str(&format!("{PANIC} {fleets} fleets\n"));
        }
        text
    }
}

/// In place of an invariant: something stopped in the middle.
const PANIC: &str = "panic";

/// Runs one fleet to its end, also if something panics in it.
fn one(seed: u64, bug: Option<Bug>) -> Ended {
    planted::plant(bug);
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut fleet = Fleet::new(seed);
            let silent = fleet.run().await;
            let wrong = oracle::findings(&fleet, silent).await;
            Ended { figures: Figures::of(&fleet, &wrong), wrong }
        })
    }));
    planted::plant(None);
    ran.unwrap_or_else(|_| {
        let text = "something panicked; it said so on standard error".to_owned();
        let wrong = vec![Finding { invariant: PANIC, text }];
        let mut figures = Figures { fleets: 1, ..Figures::default() };
        figures.note(seed, &wrong);
        Ended { figures, wrong }
    })
}

/// Runs the fleets of some seeds. `tell` hears of each that ended: how many have,
/// which, and what is wrong with it.
pub fn run(first: u64, count: u64, tell: impl Fn(u64, u64, &[Finding]) + Sync) -> Figures {
    let sum = Mutex::new(Figures::default());
    over(first, count, None, |seed, ended| {
        let mut sum = lock(&sum);
        sum.add(&ended.figures);
        tell(sum.fleets, seed, &ended.wrong);
        true
    });
    sum.into_inner().unwrap_or_default()
}

/// A bug, and who saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Caught {
    /// The bug.
    pub bug: &'static str,
    /// The lowest seed of those that were run that saw it.
    pub seed: u64,
    /// How many fleets were run.
    pub fleets: u64,
    /// The invariant that it violates first.
    pub invariant: &'static str,
    /// What the oracle said.
    pub text: String,
}

/// Runs fleets with a planted bug until one sees it.
pub fn hunt(bug: Bug, first: u64, most: u64) -> Option<Caught> {
    let caught: Mutex<Option<Caught>> = Mutex::default();
    let fleets = AtomicU64::new(0);
    over(first, most, Some(bug), |seed, ended| {
        fleets.fetch_add(1, Ordering::SeqCst);
        let Some(wrong) = ended.wrong.first() else { return true };
        let mut caught = lock(&caught);
        if caught.as_ref().is_none_or(|other| seed < other.seed) {
            let (invariant, text) = (wrong.invariant, wrong.text.clone());
            *caught = Some(Caught { bug: bug.name(), seed, fleets: 0, invariant, text });
        }
        false
    });
    let fleets = fleets.into_inner();
    caught.into_inner().ok().flatten().map(|caught| Caught { fleets, ..caught })
}

/// Runs fleets on all cores until there are no more or `ended` says to stop.
fn over(first: u64, count: u64, bug: Option<Bug>, ended: impl Fn(u64, Ended) -> bool + Sync) {
    let next = AtomicU64::new(first);
    let stop = AtomicBool::new(false);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= first + count {
                        return;
                    }
                    if !ended(seed, one(seed, bug)) {
                        stop.store(true, Ordering::SeqCst);
                    }
                }
            });
        }
    });
}
