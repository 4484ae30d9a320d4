//! Audiences: containers at a vendor, and who is in them.
//!
//! A membership is no row: vendors that take one seldom show it again, say how many
//! were matched and not who, and replace a whole audience in several calls. So it
//! has a trait of its own beside [`Connector`](crate::Connector). What it matches
//! people by is declared as a stream whose rows are memberships: the fields of that
//! stream are the namespaces that [`Identity`] may name, its batch rules those of
//! [`Audience::write_members`].

use async_trait::async_trait;
use hub_model::{Fault, Object, RemoteKey};
use serde::{Deserialize, Serialize};

use crate::connector::CallContext;
use crate::page::Cursor;
use crate::write::Consent;

/// A list, audience or segment at a vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its key.
    pub key: RemoteKey,
    /// For people.
    pub title: String,
    /// Its kind, in the vendor's words.
    pub kind: String,
    /// Members, as far as the vendor tells.
    pub size: Option<u64>,
    /// It can be filled in so many seconds; none = at once.
    pub ready_after_seconds: Option<u32>,
}

/// Some containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerPage {
    /// The containers.
    pub items: Vec<Container>,
    /// Where to go on; none = that was all.
    pub next: Option<Cursor>,
}

/// A container that should be there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ContainerWish {
    /// Its key, where it is known.
    pub key: Option<RemoteKey>,
    /// For people; where no key is known, the container of this title is meant.
    pub title: String,
    /// Its kind, in the vendor's words; empty = the usual one.
    pub kind: String,
    /// Further settings.
    pub settings: Object,
}

/// In or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberChange {
    /// Joins.
    Add,
    /// Leaves.
    Remove,
}

/// A value that names somebody, in clear: the connector puts it into the form that
/// its vendor matches on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    /// A field of the stream of memberships: `email`.
    pub namespace: String,
    /// The value.
    pub value: String,
}

/// One member's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// In or out.
    pub change: MemberChange,
    /// The row at the vendor, where it is known.
    pub key: Option<RemoteKey>,
    /// The identities to match by; all are of one person.
    pub identities: Vec<Identity>,
    /// Consents that travel along.
    pub consents: Vec<Consent>,
    /// How long the vendor may keep it.
    pub ttl_seconds: Option<u32>,
    /// Stable across retries.
    pub idempotency_key: String,
}

/// A replacement of everybody in a container, in several calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplaceSession {
    /// Its id.
    pub id: u64,
    /// The number of this call, from 1.
    pub sequence: u32,
    /// This is the last call.
    pub last: bool,
    /// Members in all calls together, where known.
    pub total: Option<u64>,
}

/// Changes of members of one container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRequest {
    /// The container.
    pub container: RemoteKey,
    /// The changes, within the batch rules of the stream of memberships.
    pub members: Vec<Member>,
    /// They are a part of everybody who is to remain; none = they are changes.
    pub session: Option<ReplaceSession>,
}

/// What became of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberOutcome {
    /// Done.
    Done,
    /// Taken in; the result comes with the job.
    Accepted {
        /// The vendor's job.
        job: String,
    },
    /// Nobody at the vendor fits.
    Unmatched,
    /// Not now; nothing was changed.
    Retry {
        /// Not before so many seconds.
        after_seconds: Option<u32>,
    },
    /// Refused; nothing was changed.
    Rejected(Fault),
    /// It cannot be known.
    Unknown,
}

/// Counts in place of outcomes. Within a session some vendors count what they were
/// given so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberCounts {
    /// Members received.
    pub received: u64,
    /// Members found invalid.
    pub invalid: u64,
    /// Members matched, as far as the vendor tells.
    pub matched: Option<u64>,
}

/// The answer to changes of members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberReport {
    /// One outcome per member, in order.
    Items(Vec<MemberOutcome>),
    /// Counts only; the audit trail says so.
    Aggregate(MemberCounts),
}

/// The audiences of a connection.
#[async_trait]
pub trait Audience: Send + Sync {
    /// The containers there are, a page at a time.
    async fn containers(
        &self,
        call: &CallContext,
        cursor: Option<&Cursor>,
    ) -> Result<ContainerPage, Fault>;

    /// The container as wished: found or created, never doubled.
    async fn ensure_container(
        &self,
        call: &CallContext,
        wish: &ContainerWish,
    ) -> Result<Container, Fault>;

    /// Removes a container. `not-found` when there is none.
    async fn delete_container(&self, call: &CallContext, key: &RemoteKey) -> Result<(), Fault>;

    /// Adds and removes members, or replaces all of them within a session. What an
    /// `Err` means is as with [`Connector::write`](crate::Connector::write). Jobs
    /// are asked for with [`Connector::poll_job`](crate::Connector::poll_job).
    async fn write_members(
        &self,
        call: &CallContext,
        request: &MemberRequest,
    ) -> Result<MemberReport, Fault>;
}
