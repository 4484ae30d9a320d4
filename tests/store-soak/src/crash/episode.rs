//! The life of one store: killed in the middle of whatever it is asked for, and
//! looked at each time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use super::hub::Hub;
use super::moment::Moment;
use super::{Programs, Run};
use crate::program::{Ended, Running};
use crate::recording::quick_folder;
use crate::{Plan, Verdict, write};

/// How long a process may take to open a store on a busy machine.
const OPENING_LIMIT: Duration = Duration::from_secs(120);
/// Of a hundred checks, so many are themselves killed first.
const CHECKS_KILLED_PERCENT: u64 = 25;
/// Such a check lives at most so long.
const CHECK_LIFE_MS_MAX: u64 = 120;

/// Ends an episode early.
pub enum Stop {
    /// The store, or what was made of it, is not what it should be.
    Bad(Verdict),
    /// The harness itself cannot go on.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// A step of an episode.
pub type Step<T = ()> = Result<T, Stop>;

/// Something looks finished and is not, or cannot be finished.
pub fn half_made<T>(why: String) -> Step<T> {
    Err(Stop::Bad(Verdict::HalfMade { why }))
}

/// A store, the hub around it, and what was acknowledged.
pub struct Store<'a> {
    pub(super) programs: &'a Programs,
    pub(super) hub: Hub<'a>,
    /// The newest commit.
    pub(super) acked: u64,
    /// The commit of the backup that is kept.
    pub(super) backup: Option<u64>,
    plan: Plan,
    /// What it was found to be at the last look.
    found: Verdict,
    pub(super) folder: TempDir,
}

impl<'a> Store<'a> {
    /// A new one, in a folder in memory: a kill takes nothing from the system,
    /// so the disk is not what this is about.
    ///
    /// # Errors
    /// The system's.
    pub fn new(programs: &'a Programs, plan: Plan) -> Result<Self> {
        let folder = quick_folder()?;
        let hub = Hub::new(&programs.liaison, folder.path().join("hub"))?;
        let found = Verdict::Sound { seq: 0, records: 0, profiles: 0 };
        Ok(Self { programs, hub, acked: 0, backup: None, plan, found, folder })
    }

    /// Rows at the last look.
    pub fn records(&self) -> u64 {
        match self.found {
            Verdict::Sound { records, .. } => records,
            _ => 0,
        }
    }

    /// Keeps the files, to be looked at.
    pub fn keep(self) {
        let _ = self.folder.keep();
    }

    /// Kills one process, and finds out what it left.
    ///
    /// # Errors
    /// A process cannot be started.
    pub fn kill(&mut self, moment: Moment, run: &mut Run) -> Result<()> {
        // Before the first commit there is nothing to look after.
        let moment = if self.acked == 0 { Moment::Write } else { moment };
        let life = run.lives.pick(moment, &mut run.random);
        let step = match moment {
            Moment::Write | Moment::Open => self.write(moment, life, run),
            Moment::OpenReleased => self.open_released(life, run),
            Moment::Compact => self.compact(life, run),
            Moment::Backup => self.back_up(life, run),
            Moment::Restore => self.restore(life, run),
            Moment::Export => self.export(life, run),
            Moment::Import => self.import(life, run),
        };
        let verdict = match step {
            Ok(()) => self.found.clone(),
            Err(Stop::Bad(verdict)) => verdict,
            Err(Stop::Failed(error)) => return Err(error),
        };
        let (place, plan) = (self.folder.path().display(), self.plan.arguments().join(" "));
        let kill = run.report.kills();
        let told = format!("kill {kill} ({moment:?}, {life:?}) of {place} with {plan}");
        run.report.tally.add(&verdict, &told);
        Ok(())
    }

    /// A writer, killed while it opens or commits.
    fn write(&mut self, moment: Moment, life: Duration, run: &mut Run) -> Step {
        let dir = self.hub.store();
        let running = self.programs.soak.start("write", &dir, &self.plan, &[])?;
        if moment == Moment::Write {
            // One that does not get there is found out by the check.
            running.begun(OPENING_LIMIT);
        }
        let Ended { status, out, said } = running.kill_after(life)?;
        // One that was meant to be opening may have been quicker.
        let hit = if write::opened_at(&out).is_some() { Moment::Write } else { Moment::Open };
        run.report.killed(hit);
        // A kill before the first acknowledgement leaves the earlier one.
        let acked = write::last_acked(&out).unwrap_or(self.acked).max(self.acked);
        run.report.acked += acked - self.acked;
        self.acked = acked;
        if let Some(status) = status {
            let why = format!("the writer ended, {status}: {}", said.trim());
            return Err(Stop::Bad(Verdict::Unopenable { why }));
        }
        self.sound(run)?;
        Ok(())
    }

    /// Kills a command of the hub's; whether it was, or had ended before.
    pub(super) fn struck(running: Running, moment: Moment, life: Duration, run: &mut Run) -> Step {
        match running.kill_after(life)? {
            Ended { status: None, .. } => run.report.killed(moment),
            Ended { status: Some(status), .. } if status.success() => run.report.late += 1,
            Ended { said, .. } => return half_made(format!("refused: {}", said.trim())),
        }
        Ok(())
    }

    /// The store is sound and holds what was acknowledged; the check may be
    /// killed before.
    pub(super) fn sound(&mut self, run: &mut Run) -> Step {
        let (dir, acked) = (self.hub.store(), self.acked.to_string());
        if run.random.percent(CHECKS_KILLED_PERCENT) {
            let life = Duration::from_millis(run.random.below(CHECK_LIFE_MS_MAX));
            let more = ["--acked", acked.as_str()];
            self.programs.soak.start("check", &dir, &self.plan, &more)?.kill_after(life)?;
            run.report.checks_killed += 1;
        }
        self.found = self.found_at(&dir, self.acked)?;
        if let Verdict::Sound { seq, .. } = self.found {
            // The commit under way may have been written; it counts from now on.
            run.report.one_more += seq - self.acked;
            self.acked = seq;
        }
        Ok(())
    }

    /// What is there is a sound store that holds so many commits.
    pub(super) fn found_at(&self, dir: &Path, acked: u64) -> Step<Verdict> {
        let verdict = self.programs.soak.check(dir, &self.plan, acked)?;
        if verdict.is_sound() { Ok(verdict) } else { Err(Stop::Bad(verdict)) }
    }

    /// A place for what is made of the store.
    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.hub.root.join(name)
    }
}
