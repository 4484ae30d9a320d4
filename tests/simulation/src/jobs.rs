//! Systems that take writes in and do them later, and say so only when asked.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{Fault, FaultCode, Value};
use plugin_api::{JobState, Outcome, WriteItem};

use crate::system::System;

/// Longest time that a job takes, in seconds.
const JOB_SECONDS_MAX: usize = 40;
/// Of so many jobs that have ended one is forgotten.
const FORGOTTEN_ONE_IN: usize = 8;

/// What a system has taken in.
#[derive(Debug, Default)]
pub struct Jobs {
    begun: u64,
    jobs: BTreeMap<u64, Job>,
}

#[derive(Debug)]
struct Job {
    items: Vec<WriteItem>,
    /// How many edits there were when it was begun.
    edits_before: u64,
    /// When it is done, in true seconds.
    due_seconds: i64,
    ended: Option<Ended>,
}

/// What came of a job.
#[derive(Debug, Clone)]
struct Ended {
    outcomes: Result<Vec<Outcome>, Fault>,
    /// Writes that took effect.
    took_effect: u64,
    /// Somebody has asked and heard.
    told: bool,
}

impl Jobs {
    /// Whether a job has made a row, and nobody was told.
    fn made_untold(&self, key: &str) -> bool {
        let is_row = |outcome: &Outcome| matches!(outcome, Outcome::Created { key: made, .. } if made.as_str() == key);
        let mut untold =
            self.jobs.values().filter_map(|job| job.ended.as_ref()).filter(|e| !e.told);
        untold.any(|ended| ended.outcomes.iter().flatten().any(is_row))
    }
}

impl System {
    /// Takes items in; the name of the job.
    pub fn take_in(&mut self, items: &[WriteItem]) -> String {
        self.jobs.begun += 1;
        self.tally.jobs += 1;
        let due_seconds = self.now_seconds + self.dice.below(JOB_SECONDS_MAX) as i64;
        let edits_before = self.edits;
        let job = Job { items: items.to_vec(), edits_before, due_seconds, ended: None };
        self.jobs.jobs.insert(self.jobs.begun, job);
        self.jobs.begun.to_string()
    }

    /// Time passes; every job is done that is due then.
    pub fn pass_to(&mut self, now_seconds: i64) {
        self.now_seconds = now_seconds;
        self.work(|job| job.due_seconds <= now_seconds);
    }

    /// Does every job now. Nobody who has not heard of a job can tell what it writes
    /// from somebody's edit: so it ends before its row is looked at again, as it does
    /// where a process takes longer to come back.
    pub fn do_all(&mut self) {
        self.work(|_| true);
    }

    fn work(&mut self, is_due: impl Fn(&Job) -> bool) {
        let due = self.jobs.jobs.iter().filter(|(_, job)| job.ended.is_none() && is_due(job));
        let due: Vec<u64> = due.map(|(number, _)| *number).collect();
        for number in due {
            let Some(mut job) = self.jobs.jobs.remove(&number) else { continue };
            let before = self.tally.writes;
            self.edits_before = Some(job.edits_before);
            let mut outcomes = self.execute(&job.items);
            self.edits_before = None;
            let took_effect = self.tally.writes - before;
            self.tally.unanswered += took_effect;
            let percent = self.fault_percent / 10;
            // A create that a page has shown is asked for no more: then nobody misses
            // what is not said of it.
            let last_is_known = job.items.last().is_some_and(|item| item.key.is_some());
            if let Ok(outcomes) = &mut outcomes
                && last_is_known
                && self.dice.percent(percent)
            {
                self.tally.faults += 1;
                outcomes.pop(); // a connector that cannot count
            }
            job.ended = Some(Ended { outcomes, took_effect, told: false });
            if self.dice.below(FORGOTTEN_ONE_IN) > 0 {
                self.jobs.jobs.insert(number, job);
            } else {
                self.tally.forgotten += 1;
            }
        }
    }

    /// Whether a job will make a row of an address.
    pub fn will_make(&self, email: &str) -> bool {
        let begun = self.jobs.jobs.values().filter(|job| job.ended.is_none());
        let mut creates = begun.flat_map(|job| &job.items).filter(|item| item.key.is_none());
        creates.any(|item| item.patch.get("email").and_then(Value::as_text) == Some(email))
    }

    /// How a job stands.
    ///
    /// # Errors
    /// When nobody knows it.
    pub fn job(&self, name: &str) -> Result<JobState, Fault> {
        let job = name.parse().ok().and_then(|number: u64| self.jobs.jobs.get(&number));
        let job = job.ok_or_else(|| Fault::new(FaultCode::NotFound))?;
        Ok(match job.ended.as_ref().map(|ended| &ended.outcomes) {
            None => JobState::Running { poll_after_seconds: 5 },
            Some(Ok(outcomes)) => JobState::Done(self.report(outcomes.clone())),
            Some(Err(fault)) => JobState::Failed(fault.clone()),
        })
    }

    /// Somebody has heard how a job stands.
    pub fn was_told(&mut self, name: &str) {
        let number = name.parse().unwrap_or(0);
        let Some(job) = self.jobs.jobs.get_mut(&number) else { return };
        let Some(ended) = job.ended.as_mut().filter(|ended| !ended.told) else { return };
        ended.told = true;
        let (items, ended) = (job.items.clone(), ended.clone());
        match ended.outcomes {
            // Outcomes that do not fit say nothing.
            Ok(outcomes) if outcomes.len() < items.len() => {}
            Ok(outcomes) => {
                self.tally.unanswered -= ended.took_effect;
                self.reported(&items, &outcomes, ended.took_effect);
            }
            Err(fault) => self.refused(&items, &fault),
        }
    }

    /// Rows are shown. Of those that a job has made, and that nobody was told of, who
    /// sees them knows before he asks.
    pub(crate) fn notice_shown<'a>(&mut self, keys: impl IntoIterator<Item = &'a String>) {
        let early = keys.into_iter().filter(|key| self.jobs.made_untold(key)).cloned();
        let early: BTreeSet<String> = early.collect();
        self.seen_early.extend(early);
    }
}
