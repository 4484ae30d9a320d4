//! Audiences: containers at a vendor, and who is in them.
//!
//! A connector names what it matches people by as the fields of a stream of
//! memberships ([`Stream::members`](crate::Stream::members)), each with its hash
//! profile. The hub hands values over in clear, under the names of these fields;
//! [`hash`](crate::hash) makes of them what the platform wants.
//!
//! ```
//! use liaison_sdk::hash::{Kind, Profile};
//! use liaison_sdk::{
//!     Audience, Call, Connector, Container, ContainerPage, ContainerWish, Fault, Field,
//!     MemberOutcome, MemberReport, MemberRequest, Stream, http,
//! };
//! use serde_json::json;
//!
//! struct Ads;
//!
//! impl Connector for Ads {
//!     fn discover(_: &Call) -> Result<Vec<Stream>, Fault> {
//!         let email = Field::text("email").pii("email");
//!         let email = email.hash_profile(Profile::Meta.annotation(Kind::Email));
//!         Ok(vec![Stream::members("members", 1_000).field(email)])
//!     }
//! }
//!
//! impl Audience for Ads {
//!     fn containers(_: &Call, _: Option<&[u8]>) -> Result<ContainerPage, Fault> {
//!         Ok(ContainerPage::last(vec![Container::new("7", "Customers")]))
//!     }
//!
//!     fn ensure_container(_: &Call, wish: &ContainerWish) -> Result<Container, Fault> {
//!         Ok(Container::new("7", &wish.title))
//!     }
//!
//!     fn delete_container(_: &Call, _: &str) -> Result<(), Fault> {
//!         Err(Fault::not_supported("deleting audiences"))
//!     }
//!
//!     fn write_members(_: &Call, request: &MemberRequest) -> Result<MemberReport, Fault> {
//!         let url = format!("https://ads.example/audiences/{}", request.container);
//!         let hashed = request.members.iter().map(|member| {
//!             Ok(Profile::Meta.prepare(Kind::Email, member.identity("email").unwrap_or_default())?)
//!         });
//!         let hashed = hashed.collect::<Result<Vec<String>, Fault>>()?;
//!         http::post(url).json(&json!({ "add": hashed })).send()?.expect_success()?;
//!         Ok(vec![MemberOutcome::Done; request.members.len()].into())
//!     }
//! }
//!
//! liaison_sdk::export_connector!(Ads: audience);
//! ```

use serde_json::{Map, Value};

use crate::bindings::audience::exports::liaison::connector::audience as api;
use crate::bindings::host::liaison::connector::types as wit;
use crate::fault::Fault;
use crate::hints::Hints;
use crate::write::Consent;

/// A list, audience or segment at the vendor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Container {
    /// Its key.
    pub key: String,
    /// For people.
    pub title: String,
    /// Its kind, in the vendor's words.
    pub kind: String,
    /// Members, as far as the vendor tells.
    pub size: Option<u64>,
    /// It can be filled in so many seconds; none = at once.
    pub ready_after_seconds: Option<u32>,
}

impl Container {
    /// A container of which no more is known.
    pub fn new(key: impl Into<String>, title: impl Into<String>) -> Self {
        Self { key: key.into(), title: title.into(), ..Self::default() }
    }
}

/// Some containers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerPage {
    /// The containers.
    pub items: Vec<Container>,
    /// Where to go on; none = that was all.
    pub next: Option<Vec<u8>>,
}

impl ContainerPage {
    /// The last page.
    pub fn last(items: Vec<Container>) -> Self {
        Self { items, next: None }
    }
}

/// A container that should be there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerWish {
    /// Its key, where it is known.
    pub key: Option<String>,
    /// For people; where no key is known, the container of this title is meant.
    pub title: String,
    /// Its kind, in the vendor's words; empty = the usual one.
    pub kind: String,
    /// Further settings.
    pub settings: Map<String, Value>,
}

impl ContainerWish {
    /// A container by its title, as a test wishes for it.
    pub fn titled(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }
}

/// In or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberChange {
    /// Joins.
    Add,
    /// Leaves.
    Remove,
}

/// A value that names somebody, in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// A field of the stream of memberships.
    pub namespace: String,
    /// The value.
    pub value: String,
}

/// One member's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// In or out.
    pub change: MemberChange,
    /// The row at the vendor, where it is known.
    pub key: Option<String>,
    /// The identities to match by; all are of one person.
    pub identities: Vec<Identity>,
    /// Consents that travel along.
    pub consents: Vec<Consent>,
    /// How long the vendor may keep it.
    pub ttl_seconds: Option<u32>,
    /// Stable across retries.
    pub idempotency_key: String,
}

impl Member {
    /// A member as a test makes it: `Member::new(MemberChange::Add, [("email", "ana@x.fr")])`.
    pub fn new<'a>(
        change: MemberChange,
        identities: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let identity = |(namespace, value): (&str, &str)| Identity {
            namespace: namespace.to_owned(),
            value: value.to_owned(),
        };
        Self {
            change,
            key: None,
            identities: identities.into_iter().map(identity).collect(),
            consents: Vec::new(),
            ttl_seconds: None,
            idempotency_key: String::new(),
        }
    }

    /// The first value in a namespace.
    pub fn identity(&self, namespace: &str) -> Option<&str> {
        let own = self.identities.iter().find(|identity| identity.namespace == namespace);
        own.map(|identity| identity.value.as_str())
    }
}

/// A replacement of everybody in a container, in several calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplaceSession {
    /// Its id, given by the hub.
    pub id: u64,
    /// The number of this call, from 1.
    pub sequence: u32,
    /// This is the last call.
    pub last: bool,
    /// Members in all calls together, where known.
    pub total: Option<u64>,
}

/// Changes of members of one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRequest {
    /// The container.
    pub container: String,
    /// The changes, within the batch rules of the stream of memberships.
    pub members: Vec<Member>,
    /// They are a part of everybody who is to remain; none = they are changes.
    pub session: Option<ReplaceSession>,
}

/// What became of one member.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberOutcome {
    /// Done.
    Done,
    /// Taken in; the result comes with the job, by
    /// [`poll_job`](crate::Destination::poll_job).
    Accepted(String),
    /// Nobody at the vendor fits.
    Unmatched,
    /// Not now, and not before so many seconds; nothing was changed.
    Retry(Option<u32>),
    /// Refused; nothing was changed.
    Rejected(Fault),
    /// It cannot be known.
    Unknown,
}

/// Counts, from vendors that never say which member failed. Within a session they may
/// be of all its calls so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemberCounts {
    /// Members received.
    pub received: u64,
    /// Members found invalid.
    pub invalid: u64,
    /// Members matched, as far as the vendor tells.
    pub matched: Option<u64>,
}

/// What became of the members.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberVerdict {
    /// One outcome per member, in order.
    Items(Vec<MemberOutcome>),
    /// Counts only.
    Aggregate(MemberCounts),
}

/// The answer to changes of members.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberReport {
    /// What became of the members.
    pub verdict: MemberVerdict,
    /// What the call learned besides.
    pub hints: Hints,
}

impl From<Vec<MemberOutcome>> for MemberReport {
    fn from(outcomes: Vec<MemberOutcome>) -> Self {
        Self { verdict: MemberVerdict::Items(outcomes), hints: Hints::default() }
    }
}

impl From<MemberCounts> for MemberReport {
    fn from(counts: MemberCounts) -> Self {
        Self { verdict: MemberVerdict::Aggregate(counts), hints: Hints::default() }
    }
}

impl MemberReport {
    /// The report with what the call learned besides.
    #[must_use]
    pub fn with_hints(self, hints: Hints) -> Self {
        Self { hints, ..self }
    }
}

impl MemberRequest {
    pub(crate) fn of(
        container: String,
        members: Vec<api::Member>,
        session: Option<api::ReplaceSession>,
    ) -> Self {
        let session = session.map(|api::ReplaceSession { id, sequence, last, total }| {
            ReplaceSession { id, sequence, last, total }
        });
        Self { container, members: members.into_iter().map(Into::into).collect(), session }
    }
}

impl From<api::Member> for Member {
    fn from(member: api::Member) -> Self {
        let identity = |wit::Identity { namespace, value }| Identity { namespace, value };
        let consent = |wit::Consent { purpose, granted, since, source }| Consent {
            purpose,
            granted,
            since,
            source,
        };
        Self {
            change: match member.change {
                api::Membership::Add => MemberChange::Add,
                api::Membership::Remove => MemberChange::Remove,
            },
            key: member.key,
            identities: member.identities.into_iter().map(identity).collect(),
            consents: member.consents.into_iter().map(consent).collect(),
            ttl_seconds: member.ttl_seconds,
            idempotency_key: member.idempotency_key,
        }
    }
}

impl TryFrom<api::ContainerWish> for ContainerWish {
    type Error = Fault;

    fn try_from(wish: api::ContainerWish) -> Result<Self, Fault> {
        let settings = serde_json::from_str(&wish.settings).map_err(Fault::bug)?;
        Ok(Self { key: wish.key, title: wish.title, kind: wish.kind, settings })
    }
}

impl From<Container> for api::Container {
    fn from(container: Container) -> Self {
        let Container { key, title, kind, size, ready_after_seconds } = container;
        Self { key, title, kind, size, ready_after_seconds }
    }
}

impl From<ContainerPage> for api::ContainerPage {
    fn from(page: ContainerPage) -> Self {
        Self { items: page.items.into_iter().map(Into::into).collect(), next: page.next }
    }
}

impl From<MemberOutcome> for api::MemberOutcome {
    fn from(outcome: MemberOutcome) -> Self {
        match outcome {
            MemberOutcome::Done => Self::Done,
            MemberOutcome::Accepted(job) => Self::Accepted(job),
            MemberOutcome::Unmatched => Self::Unmatched,
            MemberOutcome::Retry(after_seconds) => Self::Retry(after_seconds),
            MemberOutcome::Rejected(fault) => Self::Rejected(fault.into()),
            MemberOutcome::Unknown => Self::Unknown,
        }
    }
}

impl From<MemberReport> for api::MemberReport {
    fn from(report: MemberReport) -> Self {
        let verdict = match report.verdict {
            MemberVerdict::Items(outcomes) => {
                api::MemberVerdict::Items(outcomes.into_iter().map(Into::into).collect())
            }
            MemberVerdict::Aggregate(MemberCounts { received, invalid, matched }) => {
                api::MemberVerdict::Aggregate(api::MemberCounts { received, invalid, matched })
            }
        };
        Self { verdict, hints: report.hints.into() }
    }
}
