//! The trait that every body of a connector implements.

use async_trait::async_trait;
use hub_model::{Fault, RateHint, Timestamp};

use crate::audience::Audience;
use crate::inbound::Inbound;
use crate::manifest::Manifest;
use crate::page::{Page, ReadRequest};
use crate::stream::StreamInfo;
use crate::write::{Found, JobState, LookupRequest, WriteReport, WriteRequest};

/// What a call is made for; carried into logs and limits, never to the vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallContext {
    /// The run, or what else asks (`check`, `discover`).
    pub purpose: String,
    /// The hub's time of the call: the only clock that a connector sees.
    pub now: Timestamp,
    /// A number that seeds the connector's randomness.
    pub seed: u64,
}

/// What calls of a connection have learned besides their answers, for whoever
/// paces them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Learned {
    /// Requests that they made of the vendor; 0 = not known, each counts as one.
    pub requests: u32,
    /// What the vendor said about its limits.
    pub rates: Vec<RateHint>,
}

/// A connector bound to one connection.
///
/// Every method may fail with a [`Fault`] whose code says what the hub does
/// next: retry (`transient`, `timeout`, `unreachable`), wait (`rate-limited`,
/// `quota-exhausted`, both with an argument `after_seconds` where known), ask a
/// person (`auth`, `permission`, `config`, `blocked`), read anew
/// (`cursor-expired`) or stop (`connector-bug`, `limit-exceeded`).
#[async_trait]
pub trait Connector: Send + Sync {
    /// What the connector says about itself.
    fn manifest(&self) -> &Manifest;

    /// The SHA-256 of the component in hexadecimal, where there is one.
    fn digest(&self) -> Option<String> {
        None
    }

    /// What calls have learned since this was asked last.
    fn learned(&self) -> Learned {
        Learned::default()
    }

    /// The way in, for connectors whose vendor pushes.
    fn inbound(&self) -> Option<&dyn Inbound> {
        None
    }

    /// Its audiences, for connectors whose vendor has some.
    fn audience(&self) -> Option<&dyn Audience> {
        None
    }

    /// Whether settings, credential and host work. Changes nothing.
    async fn check(&self, call: &CallContext) -> Result<(), Fault>;

    /// The streams of this connection.
    async fn discover(&self, call: &CallContext) -> Result<Vec<StreamInfo>, Fault>;

    /// One page.
    async fn read(&self, call: &CallContext, request: &ReadRequest) -> Result<Page, Fault>;

    /// Rows by key or by matching fields: one answer per key, in order.
    async fn lookup(
        &self,
        call: &CallContext,
        request: &LookupRequest,
    ) -> Result<Vec<Found>, Fault>;

    /// Writes a batch. An `Err` of code `timeout` or `connector-bug` means that
    /// the outcome of every item is unknown; any other code that nothing was written.
    async fn write(&self, call: &CallContext, request: &WriteRequest)
    -> Result<WriteReport, Fault>;

    /// Asks for the state of a vendor's job.
    async fn poll_job(&self, call: &CallContext, job: &str) -> Result<JobState, Fault>;
}
