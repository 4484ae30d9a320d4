//! Writing and looking up: one outcome per item, whatever the transport said.

use std::collections::BTreeMap;

use hub_model::{Fault, FieldName, Object, RemoteKey, StreamName, Value};
use serde::{Deserialize, Serialize};

use crate::page::Item;

/// What to do with one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Create a row (or update the one with the same key where the vendor
    /// offers an upsert).
    Create,
    /// Change fields of a known row.
    Update,
    /// Archive (soft-delete) a known row.
    Archive,
    /// Delete a known row.
    Delete,
}

/// A consent that travels with an item to vendors that require one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The purpose, in the organisation's words.
    pub purpose: String,
    /// Granted or not.
    pub granted: bool,
    /// Since when, RFC 3339.
    pub since: String,
    /// Where it was given.
    pub source: String,
}

/// One item of a write. In `patch` an absent field is left alone, null clears,
/// a value sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteItem {
    /// What to do.
    pub action: Action,
    /// The row, where it is known.
    pub key: Option<RemoteKey>,
    /// Fields that find the row where no key is known.
    pub matching: BTreeMap<FieldName, Value>,
    /// The fields to write.
    pub patch: Object,
    /// Write only if the row still has this version.
    pub if_version: Option<String>,
    /// Stable across retries of the same content.
    pub idempotency_key: String,
    /// Consents that travel along.
    pub consents: Vec<Consent>,
    /// How long the vendor may keep it.
    pub ttl_seconds: Option<u32>,
}

/// A batch to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteRequest {
    /// The stream.
    pub stream: StreamName,
    /// The items, within the stream's batch limits.
    pub items: Vec<WriteItem>,
    /// Validate only, where the vendor can.
    pub dry_run: bool,
}

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A row was created. `row` is the form the vendor returned, if it did.
    Created {
        /// The new row's key.
        key: RemoteKey,
        /// The stored form, as far as the vendor returned it.
        row: Option<Object>,
        /// Its version.
        version: Option<String>,
    },
    /// The row was changed.
    Updated {
        /// The stored form, as far as the vendor returned it.
        row: Option<Object>,
        /// Its version.
        version: Option<String>,
    },
    /// The row already was so.
    Unchanged,
    /// The row was deleted or archived.
    Deleted,
    /// Taken in; the result comes with the job.
    Accepted {
        /// The vendor's job.
        job: String,
    },
    /// The vendor has this already, under that key.
    DuplicateOf(RemoteKey),
    /// The row has another version now, or is gone: read it again.
    Conflict,
    /// Not now; nothing was written.
    Retry {
        /// Not before so many seconds.
        after_seconds: Option<u32>,
        /// Why.
        fault: Fault,
    },
    /// Refused for its content; nothing was written.
    Rejected(Fault),
    /// It cannot be known whether it was written: read back.
    Unknown,
}

/// Counts in place of outcomes, from vendors that never say which item failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aggregate {
    /// Items received.
    pub received: u32,
    /// Items found invalid.
    pub invalid: u32,
}

/// The answer to a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteReport {
    /// One outcome per item, in order.
    Items(Vec<Outcome>),
    /// Counts only; the audit trail says so.
    Aggregate(Aggregate),
}

impl WriteReport {
    /// Of how many items it tells.
    pub const fn items(&self) -> usize {
        match self {
            Self::Items(outcomes) => outcomes.len(),
            Self::Aggregate(counts) => counts.received as usize,
        }
    }
}

/// How a vendor's job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// Not finished.
    Running {
        /// Ask again after so many seconds.
        poll_after_seconds: u32,
    },
    /// Finished, with the outcomes of the items in the order they were sent.
    Done(WriteReport),
    /// The job failed as a whole.
    Failed(Fault),
}

/// How to find a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookupKey {
    /// By its key.
    Key(RemoteKey),
    /// By fields that discovery marks as matchable; all must be equal.
    Fields(BTreeMap<FieldName, Value>),
}

/// Rows to find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupRequest {
    /// The stream.
    pub stream: StreamName,
    /// What to find, at most the stream's `batch_items_max`.
    pub keys: Vec<LookupKey>,
    /// Fields that are mapped.
    pub fields: Vec<String>,
}

/// What a lookup found for one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    None,
    /// One row.
    One(Item),
    /// Several rows fit: nobody may be updated by guess.
    Several(Vec<RemoteKey>),
}
