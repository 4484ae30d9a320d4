//! Writing: the items, and one outcome for each of them.
//!
//! Vendors that take one item at a time are written to with [`Report::of_each`]. This one
//! takes a batch in as a job, tells later, and names the items that it refused:
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use liaison_sdk::{
//!     Call, Connector, Destination, Fault, JobState, Outcome, Report, Stored, Stream,
//!     WriteRequest, http,
//! };
//! use serde::Deserialize;
//! use serde_json::json;
//!
//! struct Crm;
//!
//! impl Connector for Crm {
//!     fn discover(_: &Call) -> Result<Vec<Stream>, Fault> {
//!         Ok(vec![Stream::new("contacts").writable(1_000)])
//!     }
//! }
//!
//! #[derive(Deserialize)]
//! struct Job {
//!     id: String,
//!     /// The keys of the rows, in the order in which they were sent; none = it runs.
//!     #[serde(default)]
//!     keys: Option<Vec<String>>,
//!     /// Why rows were refused, by their place.
//!     #[serde(default)]
//!     refused: BTreeMap<usize, String>,
//! }
//!
//! const JOBS: &str = "https://crm.example/jobs";
//!
//! impl Destination for Crm {
//!     fn write(_: &Call, request: &WriteRequest) -> Result<Report, Fault> {
//!         let rows: Vec<_> = request.items.iter().map(|item| &item.patch).collect();
//!         let job: Job = http::post(JOBS).json(&rows).send()?.expect_success()?.json()?;
//!         Ok(vec![Outcome::Accepted(job.id); rows.len()].into())
//!     }
//!
//!     fn poll_job(_: &Call, job: &str) -> Result<JobState, Fault> {
//!         // One that the vendor has forgotten is `not-found`: the hub looks the rows up.
//!         let job: Job = http::get(format!("{JOBS}/{job}")).send()?.expect_success()?.json()?;
//!         let Some(keys) = &job.keys else { return Ok(JobState::Running(30)) };
//!         let outcome = |(place, key): (usize, &String)| match job.refused.get(&place) {
//!             Some(why) => Outcome::Rejected(Fault::rejected("", "").vendor("", why)),
//!             None => Outcome::Updated(Stored::key(key)),
//!         };
//!         let outcomes: Vec<_> = keys.iter().enumerate().map(outcome).collect();
//!         Ok(JobState::Done(outcomes.into()))
//!     }
//! }
//!
//! liaison_sdk::export_connector!(Crm: destination);
//!
//! # use liaison_sdk::testing::{Exchange, Script};
//! # let ask = || Exchange::new("GET", "https://crm.example/jobs/7");
//! # let poll = |answer| Script::new().exchange(ask().reply_json(200, answer))
//! #     .run(|| Crm::poll_job(&Call::default(), "7")).unwrap();
//! # assert_eq!(poll(json!({ "id": "7" })), JobState::Running(30));
//! # let done = poll(json!({ "id": "7", "keys": ["a", "b"], "refused": { "1": "no name" } }));
//! # let JobState::Done(report) = done else { panic!() };
//! # let liaison_sdk::Verdict::Items(outcomes) = report.verdict else { panic!() };
//! # assert!(matches!(&outcomes[..], [Outcome::Updated(_), Outcome::Rejected(_)]));
//! ```

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::bindings::destination::exports::liaison::connector::destination as api;
use crate::bindings::host::liaison::connector::types as wit;
use crate::fault::{Fault, FaultCode};
use crate::hints::Hints;
use crate::row;

/// What to do with one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Create a row.
    Create,
    /// Change fields of a known row.
    Update,
    /// Archive (soft-delete) a known row.
    Archive,
    /// Delete a known row.
    Delete,
}

/// A permission, or its refusal, that travels with an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Consent {
    /// The purpose, in the organisation's words.
    pub purpose: String,
    /// Granted or refused.
    pub granted: bool,
    /// Since when, RFC 3339.
    pub since: String,
    /// Where it was given.
    pub source: String,
}

/// One item of a write. In `patch` an absent field is left alone, null clears,
/// a value sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WriteItem {
    /// What to do.
    pub action: Action,
    /// The row, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Fields that find the row where no key is known.
    #[serde(default, rename = "match", skip_serializing_if = "Map::is_empty")]
    pub matching: Map<String, Value>,
    /// The fields to write.
    #[serde(default)]
    pub patch: Map<String, Value>,
    /// Write only if the row still has this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_version: Option<String>,
    /// Stable across retries of the same content.
    #[serde(default)]
    pub idempotency_key: String,
    /// Consents that travel along.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<Consent>,
    /// How long the vendor may keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u32>,
}

impl WriteItem {
    /// An item as a test makes it: `WriteItem::new(Action::Update, Some("7"), json!({..}))`.
    /// A patch that is no object counts as empty.
    pub fn new(action: Action, key: Option<&str>, patch: impl Into<Value>) -> Self {
        let patch = match patch.into() {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        Self {
            action,
            key: key.map(str::to_owned),
            matching: Map::new(),
            patch,
            if_version: None,
            idempotency_key: String::new(),
            consents: Vec::new(),
            ttl_seconds: None,
        }
    }
}

/// A batch to write.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteRequest {
    /// The stream.
    pub stream: String,
    /// The items, within the stream's batch rules.
    pub items: Vec<WriteItem>,
    /// Validate only, where the vendor can.
    pub dry_run: bool,
}

impl WriteRequest {
    /// Refuses more items than a write may have.
    ///
    /// # Errors
    /// `rejected`.
    pub fn expect_at_most(&self, items_max: u32) -> Result<(), Fault> {
        at_most("items", self.items.len(), items_max)
    }
}

/// Refuses more items at a place than a write may have.
pub(crate) fn at_most(place: &str, items: usize, items_max: u32) -> Result<(), Fault> {
    if u32::try_from(items).is_ok_and(|items| items <= items_max) {
        return Ok(());
    }
    let fault = Fault::new(FaultCode::Rejected).at(place);
    Err(fault.with("items-max", items_max).with("items", items))
}

/// A row as the vendor stored it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stored {
    /// Its key.
    pub key: String,
    /// The row, as far as the vendor returned it. What it normalised must be
    /// visible here.
    pub row: Option<Map<String, Value>>,
    /// Its version.
    pub version: Option<String>,
}

impl Stored {
    /// Only the key is known.
    pub fn key(key: impl Into<String>) -> Self {
        Self { key: key.into(), ..Self::default() }
    }

    /// With the row as it was stored.
    #[must_use]
    pub fn row(mut self, row: Map<String, Value>) -> Self {
        self.row = Some(row);
        self
    }

    /// With its version.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }
}

/// What became of one item. An HTTP status is not an outcome: the connector decides.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A row was created.
    Created(Stored),
    /// The row was changed.
    Updated(Stored),
    /// The row already was so.
    Unchanged,
    /// The row was deleted or archived.
    Deleted,
    /// Taken in; the result comes with the job.
    Accepted(String),
    /// The vendor has this already, under that key.
    DuplicateOf(String),
    /// The row has another version now, or is gone.
    Conflict,
    /// Not now, and not before so many seconds; nothing was written.
    Retry(Option<u32>, Fault),
    /// Refused for its content; nothing was written.
    Rejected(Fault),
    /// It cannot be known whether it was written.
    Unknown,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// One outcome per item, in order.
    Items(Vec<Outcome>),
    /// Counts, from vendors that never say which item failed: received, invalid.
    Aggregate(u32, u32),
}

/// The answer to a write.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What became of the items.
    pub verdict: Verdict,
    /// What the call learned besides.
    pub hints: Hints,
}

impl From<Vec<Outcome>> for Report {
    fn from(outcomes: Vec<Outcome>) -> Self {
        Self { verdict: Verdict::Items(outcomes), hints: Hints::default() }
    }
}

impl Report {
    /// Writes items one after the other, for vendors that take one at a time, and
    /// makes of each fault what it means for the batch:
    ///
    /// - a fault of the item alone (refused, gone, changed meanwhile) is its outcome,
    ///   and the next item follows;
    /// - after a timeout, or an answer that cannot be read, nobody knows whether the
    ///   item was written: `unknown`, and nothing more is tried;
    /// - any other fault (credential, limit, outage) would meet the next item too: it
    ///   and those after it are tried later. Where nothing was written before, it is
    ///   the fault of the whole call.
    ///
    /// ```
    /// use liaison_sdk::{Action, Fault, FaultCode, Outcome, Report, Verdict, WriteItem};
    ///
    /// let items = [1, 2, 3].map(|_| WriteItem::new(Action::Delete, Some("7"), ()));
    /// let mut answers = [Ok(Outcome::Deleted), Err(Fault::new(FaultCode::RateLimited(Some(9))))]
    ///     .into_iter();
    /// let report = Report::of_each(&items, |_| answers.next().unwrap()).unwrap();
    /// let Verdict::Items(outcomes) = report.verdict else { panic!() };
    /// assert!(matches!(
    ///     outcomes[..],
    ///     [Outcome::Deleted, Outcome::Retry(Some(9), _), Outcome::Retry(Some(9), _)]
    /// ));
    /// ```
    ///
    /// # Errors
    /// The first fault that is not of its item alone, while nothing was written.
    pub fn of_each(
        items: &[WriteItem],
        mut write: impl FnMut(&WriteItem) -> Result<Outcome, Fault>,
    ) -> Result<Self, Fault> {
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(items.len());
        for item in items {
            let fault = match write(item) {
                Ok(outcome) => {
                    outcomes.push(outcome);
                    continue;
                }
                Err(fault) => fault,
            };
            match fault.code {
                FaultCode::Conflict | FaultCode::NotFound => outcomes.push(Outcome::Conflict),
                FaultCode::Rejected | FaultCode::RowInvalid | FaultCode::NotSupported => {
                    outcomes.push(Outcome::Rejected(fault));
                }
                FaultCode::Timeout | FaultCode::SchemaDrift | FaultCode::Bug => {
                    outcomes.push(Outcome::Unknown);
                    outcomes.resize(items.len(), Outcome::Retry(None, fault));
                    break;
                }
                _ if !outcomes.iter().any(Outcome::is_written) => return Err(fault),
                _ => {
                    outcomes.resize(items.len(), Outcome::after(fault));
                    break;
                }
            }
        }
        Ok(outcomes.into())
    }
}

impl Outcome {
    /// What a fault means for items while others of their write were sent.
    pub fn after(fault: Fault) -> Self {
        match fault.code {
            FaultCode::Timeout | FaultCode::SchemaDrift | FaultCode::Bug => Self::Unknown,
            FaultCode::RateLimited(after) | FaultCode::QuotaExhausted(after) => {
                Self::Retry(after, fault)
            }
            FaultCode::Rejected => Self::Rejected(fault),
            _ => Self::Retry(None, fault),
        }
    }

    /// Whether the vendor has, or may have, done something.
    fn is_written(&self) -> bool {
        match self {
            Self::Created(_)
            | Self::Updated(_)
            | Self::Deleted
            | Self::Accepted(_)
            | Self::Unknown => true,
            Self::Unchanged
            | Self::DuplicateOf(_)
            | Self::Conflict
            | Self::Retry(..)
            | Self::Rejected(_) => false,
        }
    }
}

/// Gives the items of one request of a write, by their places, their outcome; `after` is
/// [`Outcome::after`] or that of members, `begun` whether an earlier request was sent.
///
/// # Errors
/// The request's fault is that of the whole write while nothing was sent.
pub fn settle<O: Clone>(
    outcomes: &mut [O],
    places: Vec<usize>,
    taken: Result<O, Fault>,
    after: fn(Fault) -> O,
    begun: &mut bool,
) -> Result<(), Fault> {
    let outcome = match taken {
        Err(fault) if !*begun => return Err(fault),
        taken => taken.unwrap_or_else(after),
    };
    *begun = true;
    for place in places {
        if let Some(slot) = outcomes.get_mut(place) {
            slot.clone_from(&outcome);
        }
    }
    Ok(())
}

/// How a vendor's job stands.
#[derive(Debug, Clone, PartialEq)]
pub enum JobState {
    /// Not finished; ask again after so many seconds.
    Running(u32),
    /// Finished, with the outcomes in the order in which the items were sent.
    Done(Report),
    /// The job failed as a whole.
    Failed(Fault),
}

impl TryFrom<api::WriteRequest> for WriteRequest {
    type Error = Fault;

    fn try_from(request: api::WriteRequest) -> Result<Self, Fault> {
        if request.items.format != wit::BatchFormat::Ndjson {
            return Err(Fault::not_supported("items as MessagePack"));
        }
        let items = row::parse_lines(&request.items.data)?;
        Ok(Self { stream: request.stream, items, dry_run: request.dry_run })
    }
}

impl From<Stored> for api::Stored {
    fn from(stored: Stored) -> Self {
        let row = stored.row.map(|fields| Value::Object(fields).to_string());
        Self { key: stored.key, row, version: stored.version }
    }
}

impl From<Outcome> for api::Outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Created(stored) => Self::Created(stored.into()),
            Outcome::Updated(stored) => Self::Updated(stored.into()),
            Outcome::Unchanged => Self::Unchanged,
            Outcome::Deleted => Self::Deleted,
            Outcome::Accepted(job) => Self::Accepted(job),
            Outcome::DuplicateOf(key) => Self::DuplicateOf(key),
            Outcome::Conflict => Self::Conflict,
            Outcome::Retry(after_seconds, fault) => {
                Self::Retry(api::Retry { after_seconds, fault: fault.into() })
            }
            Outcome::Rejected(fault) => Self::Rejected(fault.into()),
            Outcome::Unknown => Self::Unknown,
        }
    }
}

impl From<Report> for api::Report {
    fn from(report: Report) -> Self {
        let verdict = match report.verdict {
            Verdict::Items(outcomes) => {
                api::Verdict::Items(outcomes.into_iter().map(Into::into).collect())
            }
            Verdict::Aggregate(received, invalid) => {
                api::Verdict::Aggregate(api::Aggregate { received, invalid })
            }
        };
        Self { verdict, hints: report.hints.into() }
    }
}

impl From<JobState> for api::JobState {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Running(seconds) => Self::Running(seconds),
            JobState::Done(report) => Self::Done(report.into()),
            JobState::Failed(fault) => Self::Failed(fault.into()),
        }
    }
}

#[cfg(test)]
mod tests;
