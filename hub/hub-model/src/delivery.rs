//! Deliveries under way: one pending state per target, never a queue of edits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultCode};
use crate::id::{FieldName, ProfileId, RecordNo, RemoteKey, RunId, Stamp, SyncId};
use crate::time::Timestamp;
use crate::value::Value;

/// What a delivery is about: a profile's record in the sync's stream, or the
/// record that is to be created for the profile. Where objects are made of others,
/// the source stands under the number of its record: no profile has that.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PendingKey {
    /// The sync that delivers.
    pub sync: SyncId,
    /// The profile (may since have become an alias), or the source.
    pub profile: ProfileId,
    /// The record to update, or `None` for a create.
    pub record: Option<RecordNo>,
}

/// What we tried to write, durable before the request leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The golden value and its stamp, field by field.
    pub fields: BTreeMap<FieldName, (Value, Stamp)>,
    /// Stable across retries of the same content.
    pub idempotency_key: String,
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingState {
    /// The request may have left; its outcome is not known. Read back before
    /// anything else is written or believed.
    Unknown,
    /// The vendor said no for now; nothing was written.
    Retry,
    /// The vendor rejected the content; waits until the golden value changes.
    Rejected,
}

/// What a vendor has said of a write whose outcome is not known by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Taken in; a job of the vendor's decides.
    Accepted {
        /// The job.
        job: String,
        /// Which of the items that the job was given, from 0.
        place: u32,
        /// Since when.
        since: Timestamp,
        /// How often it was asked for.
        polls: u32,
    },
    /// The job wrote it; the row has yet to be read.
    Written {
        /// The row, where the vendor names it.
        key: Option<RemoteKey>,
    },
    /// Counted among those that were taken in, by a vendor that never says which
    /// item failed.
    Counted,
}

/// One delivery that is not settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// What it is about.
    pub key: PendingKey,
    /// How far it has come.
    pub state: PendingState,
    /// What was tried last.
    pub attempt: Attempt,
    /// The run whose request may have left, while its outcome is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// How often it was tried.
    pub tries: u32,
    /// Not before this instant.
    pub due: Timestamp,
    /// What the vendor said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// What the vendor said besides, where the outcome is not known by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<Word>,
}

impl Pending {
    /// Whether its system rejected it; not where a person took it back.
    pub fn is_refused(&self) -> bool {
        let undone = self.fault.as_ref().is_some_and(|fault| fault.code == FaultCode::Undone);
        self.state == PendingState::Rejected && !undone
    }

    /// The job that decides what becomes of it.
    pub fn job(&self) -> Option<&str> {
        match &self.word {
            Some(Word::Accepted { job, .. }) => Some(job),
            _ => None,
        }
    }
}
