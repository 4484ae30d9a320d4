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

mod wire;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::fault::{Fault, FaultCode};
use crate::hints::Hints;
use crate::write::{self, Consent};

/// Most pages that are looked through for a title.
const PAGES_MAX: usize = 100;

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

    /// The further settings, for connectors with one kind of container.
    ///
    /// # Errors
    /// `config` for another kind, or for settings that do not fit.
    pub fn settings_of<T: DeserializeOwned>(&self, kind: &str) -> Result<T, Fault> {
        if !["", kind].contains(&self.kind.as_str()) {
            return Err(Fault::config("kind", kind));
        }
        let settings = Value::Object(self.settings.clone());
        serde_json::from_value(settings).map_err(|error| Fault::config("settings", error))
    }

    /// The container of the title, by pages of containers; of several the one with the
    /// lowest number, which is the oldest where keys are numbers that grow.
    ///
    /// # Errors
    /// `config` for no title, `schema-drift` for a list without an end; those of `page`.
    pub fn find(
        &self,
        page: impl Fn(Option<&[u8]>) -> Result<ContainerPage, Fault>,
    ) -> Result<Option<Container>, Fault> {
        if self.title.trim().is_empty() {
            return Err(Fault::config("title", "the name of a container"));
        }
        let (mut oldest, mut cursor) = (None::<Container>, None::<Vec<u8>>);
        for _ in 0..PAGES_MAX {
            let ContainerPage { items, next } = page(cursor.as_deref())?;
            let named = items.into_iter().filter(|container| container.title == self.title);
            oldest = named.chain(oldest).min_by_key(|it| (it.key.len(), it.key.clone()));
            if next.is_none() {
                return Ok(oldest);
            }
            if next == cursor {
                break;
            }
            cursor = next;
        }
        Err(Fault::drift("containers", "a list of containers that ends"))
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

impl MemberRequest {
    /// Refuses more members than a write may have.
    ///
    /// # Errors
    /// `rejected`.
    pub fn expect_at_most(&self, items_max: u32) -> Result<(), Fault> {
        write::at_most("members", self.members.len(), items_max)
    }
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

impl MemberOutcome {
    /// What a fault means for members while others of their request were changed.
    pub fn after(fault: Fault) -> Self {
        match fault.code {
            FaultCode::Timeout | FaultCode::SchemaDrift | FaultCode::Bug => Self::Unknown,
            FaultCode::RateLimited(after) | FaultCode::QuotaExhausted(after) => Self::Retry(after),
            FaultCode::Rejected => Self::Rejected(fault),
            _ => Self::Retry(None),
        }
    }
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
