//! How much processor time a call may use: its own limit, or what its run has
//! left. Many short calls, each within its limit, are one long one.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hub_model::Fault;

use crate::limits::{Limits, RUNS_MAX, over};
use crate::meter::CpuMeter;

/// The processor time of one call: what it used, and what it may use.
pub(crate) struct Budget {
    meter: CpuMeter,
    allowed: Duration,
    exceeded: Fault,
}

impl Budget {
    /// The budget of a call whose run has used so much before it.
    ///
    /// # Errors
    /// The run has nothing left.
    pub(crate) fn new(limits: &Limits, spent: Duration) -> Result<Self, Fault> {
        let left = limits.cpu_of_run.saturating_sub(spent);
        let of_run = over("cpu_of_run_ms_max", limits.cpu_of_run.as_millis());
        if left.is_zero() {
            return Err(of_run);
        }
        let (allowed, exceeded) = if left < limits.cpu {
            (left, of_run)
        } else {
            (limits.cpu, over("cpu_ms_max", limits.cpu.as_millis()))
        };
        Ok(Self { meter: CpuMeter::new(), allowed, exceeded })
    }

    /// What counts the call's time.
    pub(crate) fn meter(&self) -> CpuMeter {
        self.meter.clone()
    }

    /// The limit, once the call has used it up; asked from within the call.
    pub(crate) fn exceeded_within(&self) -> Option<&Fault> {
        (self.meter.used_within() > self.allowed).then_some(&self.exceeded)
    }
}

/// The processor time of the latest runs of a connection.
#[derive(Default)]
pub(crate) struct Runs(Mutex<VecDeque<(String, Duration)>>);

impl Runs {
    /// What a run has used so far.
    pub(crate) fn spent(&self, run: &str) -> Duration {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.iter().find(|(known, _)| known == run).map_or(Duration::ZERO, |(_, spent)| *spent)
    }

    /// Adds what a call has used once it ends, however it ends.
    pub(crate) fn count<'r>(&'r self, run: &'r str, meter: CpuMeter) -> impl Drop + 'r {
        Counting { runs: self, run, meter }
    }

    fn add(&self, run: &str, used: Duration) {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, spent)) = runs.iter_mut().find(|(known, _)| known == run) {
            *spent = spent.saturating_add(used);
            return;
        }
        if runs.len() == RUNS_MAX {
            runs.pop_front();
        }
        runs.push_back((run.to_owned(), used));
    }
}

struct Counting<'r> {
    runs: &'r Runs,
    run: &'r str,
    meter: CpuMeter,
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        self.runs.add(self.run, self.meter.used());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use super::{Budget, Runs};
    use crate::limits::{Limits, RUNS_MAX};

    #[test]
    fn a_call_gets_its_limit_or_what_the_run_has_left() {
        let limits = Limits { cpu_of_run: Duration::from_secs(15), ..Limits::default() };
        let named = |seconds| Budget::new(&limits, Duration::from_secs(seconds)).unwrap();
        assert!(named(5).exceeded.args.contains_key("cpu_ms_max"));
        assert_eq!(named(5).allowed, Duration::from_secs(10));
        assert_eq!(named(8).exceeded.args["cpu_of_run_ms_max"], "15000");
        assert_eq!(named(8).allowed, Duration::from_secs(7));
        let none = Budget::new(&limits, Duration::from_secs(15)).map(drop).unwrap_err();
        assert_eq!(none.args["cpu_of_run_ms_max"], "15000");
    }

    #[test]
    fn runs_are_counted_apart_and_the_oldest_is_forgotten() {
        let runs = Runs::default();
        runs.add("a", Duration::from_millis(2));
        runs.add("a", Duration::from_millis(3));
        assert_eq!(runs.spent("a"), Duration::from_millis(5));
        assert_eq!(runs.spent("b"), Duration::ZERO);
        (0..RUNS_MAX).for_each(|run| runs.add(&run.to_string(), Duration::from_millis(1)));
        assert_eq!(runs.spent("a"), Duration::ZERO);
        assert_eq!(runs.0.lock().unwrap().len(), RUNS_MAX);
    }
}
