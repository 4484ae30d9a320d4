//! Failing disks: each call of a writer fails in turn. The writer must stop with
//! one clear line, and the store must open with all that was acknowledged when
//! the fault is gone; on a full disk even while it lasts.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use io_events::{Event, FAULT_VARIABLE};

use crate::image::Files;
use crate::program::Ended;
use crate::recording::{Recorder, STORE, put, quick_folder};
use crate::{Plan, Tally, Verdict, write};

/// Commits that the store has before, where it is not new.
const COMMITS_BEFORE: u64 = 3;
/// Commits tried while a call fails.
const COMMITS: u64 = 4;
/// What the store keeps back for the day the disk is full.
const RESERVE: &str = "reserve";

/// How the disk fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One call fails.
    Io,
    /// From one call on there is no space but what is given back.
    Full,
    /// From one call on nothing can be changed.
    ReadOnly,
    /// One sync fails.
    Sync,
}

/// Every kind.
pub const KINDS: [Kind; 4] = [Kind::Io, Kind::Full, Kind::ReadOnly, Kind::Sync];

impl Kind {
    /// As the recorder reads it.
    fn word(self) -> &'static str {
        match self {
            Self::Io => "eio",
            Self::Full => "enospc",
            Self::ReadOnly => "erofs",
            Self::Sync => "fsync",
        }
    }

    /// Whether a call is one that this kind counts.
    fn counts(self, event: &Event) -> bool {
        match event {
            Event::Open { created, .. } => *created && self != Self::Sync,
            Event::Sync { .. } => true,
            Event::Said { .. } => false,
            _ => self != Self::Sync,
        }
    }
}

/// Which calls to let fail.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Calls per kind and store, spread evenly; `None` = every call.
    pub calls: Option<u64>,
    /// Decides the commits.
    pub seed: u64,
}

/// What became of the runs.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Runs with a failing call.
    pub runs: u64,
    /// Of these, stopped by the writer with one clear line.
    pub stopped: u64,
    /// Of these, done in spite of the fault.
    pub unhurt: u64,
    /// Stores opened and found whole while the disk was full.
    pub opened_full: u64,
    /// Runs that ended otherwise: by a signal, a panic, many lines, or not at all.
    pub unclean: Vec<String>,
    /// What the checks found, with and without the fault.
    pub tally: Tally,
}

impl Report {
    /// Everything that is not as it should be, in words.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        self.unclean.iter().chain(&self.tally.failures).cloned().collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            ("runs with a failing call", self.runs),
            ("  stopped with one line", self.stopped),
            ("  done in spite of it", self.unhurt),
            ("  ended otherwise", self.unclean.len() as u64),
            ("opened on the full disk", self.opened_full),
        ];
        for (name, count) in rows {
            writeln!(f, "{name:<28}{count:>8}")?;
        }
        write!(f, "after each run\n{}", self.tally)
    }
}

/// Lets calls fail. `progress` is called after each run.
///
/// # Errors
/// A process cannot be started, or the recorder misses something; what the store
/// does wrong is in the report.
pub fn run(
    recorder: &Recorder,
    options: Options,
    mut progress: impl FnMut(&Report),
) -> Result<Report> {
    let plan = Plan::small(options.seed);
    let mut report = Report::default();
    // A store that is made, and one that is opened.
    for before in [0, COMMITS_BEFORE] {
        let base = if before == 0 {
            Files::new()
        } else {
            let made = recorder.record(Files::new(), 0, &plan, before)?;
            made.image(made.events.len(), crate::image::Survival::All, 0)?
        };
        let whole = recorder.record(base.clone(), before, &plan, before + COMMITS)?;
        for kind in KINDS {
            let calls = whole.events.iter().filter(|event| kind.counts(event)).count() as u64;
            let step = options.calls.map_or(1, |wanted| calls.div_ceil(wanted.max(1)).max(1));
            // The last ones fall behind the end of a run that is a little shorter.
            for call in (1..=calls).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
                let fault = Fault { kind, call };
                fault.strike(recorder, &base, before, &plan, &mut report)?;
                progress(&report);
            }
        }
    }
    Ok(report)
}

/// One call that fails.
#[derive(Debug, Clone, Copy)]
struct Fault {
    kind: Kind,
    call: u64,
}

impl Fault {
    fn strike(
        self,
        recorder: &Recorder,
        base: &Files,
        before: u64,
        plan: &Plan,
        report: &mut Report,
    ) -> Result<()> {
        let folder = quick_folder()?;
        let root = folder.path().canonicalize()?.join("root");
        put(base, &root)?;
        let dir = root.join(STORE);
        let log = folder.path().join("events");
        let faulty = recorder.around(&root, &log);
        let word = self.kind.word();
        let broken = faulty.clone().with(FAULT_VARIABLE, format!("{}:{word}", self.call));
        let ended = broken.write(&dir, plan, before + COMMITS)?;
        let acked = write::last_acked(&ended.out).unwrap_or(before);
        let place = format!("{self:?} of a store with {before} commits, seed {}", plan.seed);
        report.runs += 1;
        match how(&ended) {
            How::Unhurt => report.unhurt += 1,
            How::Stopped => report.stopped += 1,
            How::Unclean(why) => report.unclean.push(format!("{place}: {why}")),
        }
        // A full disk stays full; with its reserve the store opens all the same.
        if self.kind == Kind::Full && dir.join(RESERVE).is_file() {
            let full = faulty.with(FAULT_VARIABLE, format!("1:{word}"));
            let verdict = full.check(&dir, plan, acked)?;
            report.opened_full += u64::from(verdict.is_sound());
            report.tally.add(&verdict, &format!("{place}, the disk still full"));
        }
        let verdict = recorder.program.check(&dir, plan, acked)?;
        let verdict = match verdict {
            Verdict::Sound { .. } => has_reserve(&dir)?.unwrap_or(verdict),
            other => other,
        };
        report.tally.add(&verdict, &place);
        Ok(())
    }
}

/// After an opening with space there is a reserve again.
fn has_reserve(dir: &Path) -> Result<Option<Verdict>> {
    let reserve = fs::metadata(dir.join(RESERVE)).context("look at the reserve");
    let lost = || Verdict::Unopenable { why: "no reserve was made again".to_owned() };
    Ok(if reserve.is_ok_and(|reserve| reserve.len() > 0) { None } else { Some(lost()) })
}

enum How {
    Unhurt,
    Stopped,
    Unclean(String),
}

/// A clean end is success, or code 1 and one line that says why.
fn how(ended: &Ended) -> How {
    let Some(status) = ended.status else { return How::Unclean("it hangs".to_owned()) };
    let said: Vec<&str> = ended.said.lines().filter(|line| !line.starts_with("seed ")).collect();
    match (status.code(), said.as_slice()) {
        (Some(0), []) => How::Unhurt,
        (Some(1), [line]) if line.starts_with("error: ") => How::Stopped,
        _ => How::Unclean(format!("{status}: {}", said.join(" | "))),
    }
}
