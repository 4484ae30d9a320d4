//! Runs: one execution of a sync, with its counts.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::guards::Answer;
use crate::id::{RunId, SyncId};
use crate::ledger::DeliveryClass;
use crate::rate::Forecast;
use crate::receipt::{ConnectorVersion, Receipt};
use crate::time::Timestamp;

/// Why a run started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Its schedule was due at this instant.
    Schedule(Timestamp),
    /// Somebody asked.
    Manual,
    /// Its system pushed: it takes what was delivered, again and again for a while.
    Pushed,
    /// The time was over that an earlier run waited for.
    Resumed,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It works.
    Running,
    /// It did everything.
    Succeeded,
    /// It finished; some rows or writes were rejected.
    WithRejects,
    /// It stopped; what it had committed stays, the next run goes on.
    Failed,
    /// The process ended while it ran; the next run goes on.
    Interrupted,
    /// It would have written more than it may without being asked: everything
    /// was read, nothing was written, and a person decides.
    Held,
    /// Its account has no room left for now: what it had committed stays, and the
    /// hub goes on by itself at the instant that the run names.
    Waiting,
}

/// What a run did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunCounts {
    /// Pages read.
    pub pages: u64,
    /// Rows read, echoes and unchanged ones included.
    pub read: u64,
    /// Records that were new.
    pub new: u64,
    /// Records with at least one new assertion.
    pub changed: u64,
    /// Records found deleted.
    pub deleted: u64,
    /// Rows put into quarantine.
    pub quarantined: u64,
    /// Rows that were not taken: they are about somebody who was erased, or show
    /// again what was removed because its time was over.
    pub refused: u64,
    /// Remote records created.
    pub created: u64,
    /// Remote records updated.
    pub updated: u64,
    /// Remote records deleted.
    pub removed: u64,
    /// Writes that the vendor rejected.
    pub rejected: u64,
    /// Writes that wait for another try.
    pub retried: u64,
    /// Writes that wait for a row that they refer to.
    pub awaiting: u64,
    /// Requests to write that left the hub, items counted.
    pub writes: u64,
    /// Writes that were taken into a job of the vendor's, which is asked for later.
    pub accepted: u64,
    /// Writes of which the vendor only counted how many it took in.
    pub counted: u64,
    /// Of these, how many it found invalid; which ones it does not say.
    pub counted_invalid: u64,
}

/// One execution of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Sorts by start.
    pub id: RunId,
    /// What was executed.
    pub sync: SyncId,
    /// Why.
    pub trigger: Trigger,
    /// When it started.
    pub started: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// How it stands.
    pub status: RunStatus,
    /// What it did.
    pub counts: RunCounts,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// The connector that it worked with; absent in runs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<ConnectorVersion>,
    /// What it received, in the hub's order.
    #[serde(default)]
    pub receipt: Receipt,
    /// The hash of the plan that it applied, or was held with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The run that it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<RunId>,
    /// What protects its destination from writes that are made twice, as far as it
    /// asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryClass>,
    /// What somebody answered after it was held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Until when it waits for its vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What a first delivery was expected to take of the vendor's allowance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
}
