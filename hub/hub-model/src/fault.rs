//! Faults: a code with arguments, never a sentence. Sentences are made at the
//! faces, in the reader's language.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        /// What went wrong, as a stable code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum FaultCode {
            $($(#[$doc])* #[serde(rename = $text)] $variant),+
        }

        impl FaultCode {
            /// Every code, for tables of sentences and their tests.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as text; stable across versions.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

codes! {
    /// The connection's settings are wrong.
    Config = "config",
    /// The vendor refused the credential.
    Auth = "auth",
    /// The credential is good but may not do this.
    Permission = "permission",
    /// The host is not granted to this connection.
    HostDenied = "host-denied",
    /// No connection to the host.
    Unreachable = "unreachable",
    /// No answer in time; the outcome of a write is unknown.
    Timeout = "timeout",
    /// The vendor failed; a later attempt may work.
    Transient = "transient",
    /// Too many requests for now.
    RateLimited = "rate-limited",
    /// The account's allowance is used up.
    QuotaExhausted = "quota-exhausted",
    /// The row changed since it was read.
    Conflict = "conflict",
    /// The row does not exist.
    NotFound = "not-found",
    /// The cursor is no longer valid; a new snapshot is needed.
    CursorExpired = "cursor-expired",
    /// The vendor's answer does not fit its schema.
    SchemaDrift = "schema-drift",
    /// The vendor has blocked the account.
    Blocked = "blocked",
    /// The connector is defective.
    ConnectorBug = "connector-bug",
    /// The connector used more than it was allowed.
    LimitExceeded = "limit-exceeded",
    /// The connector has no such ability.
    NotSupported = "not-supported",
    /// A page broke the contract.
    PageMalformed = "page-malformed",
    /// The cursor does not move although records keep coming.
    CursorStuck = "cursor-stuck",
    /// A row has no usable key.
    RowKey = "row-key",
    /// A row is too large, too deep or has too many fields.
    RowLimit = "row-limit",
    /// A row does not fit the stream's schema or a cleaning rule.
    RowInvalid = "row-invalid",
    /// A complete snapshot lost more records than is plausible; nothing was deleted.
    SnapshotShrank = "snapshot-shrank",
    /// The vendor rejected an item.
    Rejected = "rejected",
    /// A value has no form in the system that it is to be written to.
    NoForm = "no-form",
    /// What a row refers to has no row there yet.
    Reference = "reference",
    /// The store refused or lost a commit.
    Store = "store",
    /// A mapping names something that the stream does not have.
    Mapping = "mapping",
    /// A sync archives rows, and its stream has no archive; nothing was written.
    NoArchive = "no-archive",
    /// A stream needs a consent for a purpose, and its sync asks for none; nothing was
    /// queued.
    NoConsent = "no-consent",
    /// What is due is not what was planned; nothing more was written.
    PlanMoved = "plan-moved",
    /// A run would write more than it may without being asked; nothing was written.
    Held = "held",
    /// It was undone: it waits until it would be written otherwise.
    Undone = "undone",
    /// The hub stops.
    Stopping = "stopping",
}

impl fmt::Display for FaultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A fault: the code, where it happened, and arguments for the sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What went wrong.
    pub code: FaultCode,
    /// Where: a path such as `syncs/people/email`, a URL host, a field.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// Named arguments; never a secret, never a customer's value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
}

impl Fault {
    /// A fault at no particular place.
    pub fn new(code: FaultCode) -> Self {
        Self { code, place: String::new(), args: BTreeMap::new() }
    }

    /// The same fault at a place.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    /// The same fault with one more argument.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.args.insert(name.to_owned(), value.to_string());
        self
    }
}

impl fmt::Display for Fault {
    /// The technical form for logs: `code at place (name=value)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())?;
        if !self.place.is_empty() {
            write!(f, " at {}", self.place)?;
        }
        for (index, (name, value)) in self.args.iter().enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { " (" } else { ", " })?;
        }
        if self.args.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

impl std::error::Error for Fault {}
