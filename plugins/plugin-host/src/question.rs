//! What the hub asks of a guest, in the words of the port: what is asked again when a
//! call is replayed.

use std::borrow::Cow;

use hub_model::{Fault, RemoteKey};
use plugin_api::{
    ContainerWish, Cursor, Delivery, LookupRequest, MemberRequest, ReadRequest, WriteRequest,
};
use serde::{Deserialize, Serialize};

use crate::encode;
use crate::instance::{Ask, AudienceAsk};

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question<'q> {
    /// Whether settings, credential and host work.
    Check,
    /// The streams.
    Discover,
    /// A page.
    Read(Cow<'q, ReadRequest>),
    /// Rows by key or field.
    Lookup(Cow<'q, LookupRequest>),
    /// A batch to write.
    Write(Cow<'q, WriteRequest>),
    /// How a vendor's job stands.
    PollJob(Cow<'q, str>),
    /// The containers there are.
    Containers(Option<Cow<'q, Cursor>>),
    /// A container as wished.
    EnsureContainer(Cow<'q, ContainerWish>),
    /// A container less.
    DeleteContainer(Cow<'q, RemoteKey>),
    /// Members to write.
    WriteMembers(Cow<'q, MemberRequest>),
    /// The answer to a challenge.
    Handshake(Cow<'q, Delivery>),
    /// What a delivery means.
    Parse(Cow<'q, Delivery>),
}

impl Question<'_> {
    /// What it is called, and of what it is asked.
    #[must_use]
    pub fn words(&self) -> (&'static str, &str) {
        match self {
            Self::Check => ("check", ""),
            Self::Discover => ("discover", ""),
            Self::Read(request) => ("read", request.stream.as_str()),
            Self::Lookup(request) => ("lookup", request.stream.as_str()),
            Self::Write(request) => ("write", request.stream.as_str()),
            Self::PollJob(job) => ("poll-job", job),
            Self::Containers(_) => ("containers", ""),
            Self::EnsureContainer(wish) => ("ensure-container", &wish.title),
            Self::DeleteContainer(key) => ("delete-container", key.as_str()),
            Self::WriteMembers(request) => ("write-members", request.container.as_str()),
            Self::Handshake(delivery) => ("handshake", &delivery.target),
            Self::Parse(delivery) => ("parse", &delivery.target),
        }
    }

    /// Whether it is asked outside of runs.
    pub(crate) const fn is_between_runs(&self) -> bool {
        matches!(self, Self::Check | Self::Discover | Self::Handshake(_))
    }

    /// The same in the contract's types.
    ///
    /// # Errors
    /// As [`encode`].
    pub(crate) fn ask(&self) -> Result<Ask, Fault> {
        Ok(match self {
            Self::Check => Ask::Check,
            Self::Discover => Ask::Discover,
            Self::Read(request) => Ask::Read(encode::read(request)),
            Self::Lookup(request) => Ask::Lookup(encode::lookup(request)?),
            Self::Write(request) => Ask::Write(encode::write(request)?),
            Self::PollJob(job) => Ask::PollJob(job.clone().into_owned()),
            Self::Containers(cursor) => {
                let cursor = cursor.as_ref().map(|cursor| cursor.0.clone());
                Ask::Audience(AudienceAsk::Containers(cursor))
            }
            Self::EnsureContainer(wish) => {
                Ask::Audience(AudienceAsk::Ensure(encode::audience::wish(wish)?))
            }
            Self::DeleteContainer(key) => {
                Ask::Audience(AudienceAsk::Delete(key.as_str().to_owned()))
            }
            Self::WriteMembers(request) => Ask::Audience(encode::audience::members(request)),
            Self::Handshake(delivery) => Ask::Handshake(encode::delivery(delivery)),
            Self::Parse(delivery) => Ask::Parse(encode::delivery(delivery)),
        })
    }
}
