//! Runs that write what somebody has looked at: a plan, or the undoing of a run.

use hub_model::{Run, RunId, SyncId, Trigger};

use super::{Engine, RunRefused};
use crate::run::Task;

impl Engine {
    /// Writes what was planned under a hash, or nothing when something else is
    /// due; in the background. Counts as a run of the sync; returns its id.
    ///
    /// # Errors
    /// [`RunRefused`] as for [`Engine::run_now`].
    pub fn apply_now(&self, sync: &SyncId, plan: &str) -> Result<RunId, RunRefused> {
        self.start(sync, Task::Apply(plan.to_owned()))
    }

    /// The same, waiting for the end.
    ///
    /// # Errors
    /// [`RunRefused`] as for [`Engine::run_now`]. A run that fails is an answer.
    pub async fn apply_once(&self, sync: &SyncId, plan: &str) -> Result<Run, RunRefused> {
        let begun = self.begin(sync, Task::Apply(plan.to_owned()))?;
        Ok(self.run(&begun, Trigger::Manual).await)
    }

    /// Takes back what a run wrote, where nobody has edited since; in the
    /// background. Counts as a run of the sync; returns its id.
    ///
    /// # Errors
    /// [`RunRefused`] as for [`Engine::run_now`].
    pub fn undo_now(&self, sync: &SyncId, run: &RunId) -> Result<RunId, RunRefused> {
        self.start(sync, Task::Undo(run.clone()))
    }

    /// The same, waiting for the end.
    ///
    /// # Errors
    /// [`RunRefused`] as for [`Engine::run_now`]. A run that fails is an answer.
    pub async fn undo_once(&self, sync: &SyncId, run: &RunId) -> Result<Run, RunRefused> {
        let begun = self.begin(sync, Task::Undo(run.clone()))?;
        Ok(self.run(&begun, Trigger::Manual).await)
    }
}
