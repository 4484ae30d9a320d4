//! What an organisation configured, as plain values: which field of a system is
//! which trait of a profile, in which direction, and which values name people.

use serde::{Deserialize, Serialize};

use crate::id::{ConnectionId, FieldName, StreamName, StreamRef, SyncId, TraitName, WorkspaceId};
use crate::identity::NamespaceName;
use crate::profile::EntityKind;

/// The way a value may travel between a system's field (written at the left)
/// and a trait of the profile (written at the right).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// `->` from the system into the profile.
    #[serde(rename = "->")]
    ToProfile,
    /// `<-` from the profile into the system.
    #[serde(rename = "<-")]
    ToSystem,
    /// `<->` both ways.
    #[serde(rename = "<->")]
    Both,
}

impl Direction {
    /// Whether the system's own values become assertions.
    pub const fn reads(self) -> bool {
        matches!(self, Self::ToProfile | Self::Both)
    }

    /// Whether golden values are written into the system.
    pub const fn writes(self) -> bool {
        matches!(self, Self::ToSystem | Self::Both)
    }
}

/// One field pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldMapping {
    /// The system's field.
    pub field: FieldName,
    /// The profile's trait.
    #[serde(rename = "trait")]
    pub to: TraitName,
    /// The way the value travels.
    pub direction: Direction,
    /// The namespace in which the value names somebody, if it does.
    pub identity: Option<NamespaceName>,
}

/// What a sync does when a profile has no record in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CreatePolicy {
    /// Find it, else create it.
    #[default]
    Upsert,
    /// Only records that exist are written.
    UpdateOnly,
}

/// A sync's mapping and policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The sync.
    pub sync: SyncId,
    /// The stream it works on; one sync per stream.
    pub stream: StreamRef,
    /// What the rows describe.
    pub kind: EntityKind,
    /// The field pairs; a field occurs once.
    pub fields: Vec<FieldMapping>,
    /// Fields by which an existing row is found before one is created, most
    /// telling first; each is tried alone.
    pub matching: Vec<FieldName>,
    /// What happens to profiles without a record there.
    pub create: CreatePolicy,
    /// A complete snapshot that lost more than this share of the known records
    /// (per cent) deletes nothing and asks a person.
    pub deletes_percent_max: u8,
    /// Rank in survivorship when receipt stamps do not decide; lower is stronger.
    pub priority: u32,
}

impl Mapping {
    /// The pair of a field.
    pub fn field(&self, name: &str) -> Option<&FieldMapping> {
        self.fields.iter().find(|pair| pair.field.as_str() == name)
    }

    /// Whether anything is read.
    pub fn reads(&self) -> bool {
        self.fields.iter().any(|pair| pair.direction.reads())
    }

    /// Whether anything is written.
    pub fn writes(&self) -> bool {
        self.fields.iter().any(|pair| pair.direction.writes())
    }

    /// The pair, if any, that carries a namespace both ways. In such a
    /// namespace a profile claims only its newest value.
    pub fn two_way_identity(&self, namespace: &str) -> Option<&FieldMapping> {
        self.fields.iter().find(|pair| {
            pair.direction == Direction::Both && pair.identity.as_deref() == Some(namespace)
        })
    }
}

/// How a value becomes an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normaliser {
    /// E-mail address: trimmed, lower case, domain in its ASCII form.
    Email,
    /// Telephone number in E.164, with the namespace's country as default.
    Phone,
    /// Code: trimmed, case folded.
    Code,
    /// As it is, NFC and trimmed.
    Exact,
}

/// The rules of one namespace of identities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Its name.
    pub name: NamespaceName,
    /// How values are normalised.
    pub normaliser: Normaliser,
    /// Trusted namespaces join profiles; weak ones only find them.
    pub trusted: bool,
    /// Two-letter country for phone numbers without one.
    pub country: Option<String>,
    /// Most values of this namespace on one profile; a join beyond is refused.
    pub values_per_profile_max: u32,
    /// A value carried by more records names nobody.
    pub records_per_value_max: u32,
    /// Values that never identify, normalised.
    pub never: Vec<String>,
}

/// Everything that decisions about data need to know of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The namespaces.
    pub namespaces: Vec<Namespace>,
    /// The mappings, one per sync.
    pub mappings: Vec<Mapping>,
}

impl Rules {
    /// The namespace of that name.
    pub fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.iter().find(|namespace| &*namespace.name == name)
    }

    /// The mapping of a stream.
    pub fn mapping(&self, connection: &ConnectionId, stream: &StreamName) -> Option<&Mapping> {
        self.mappings
            .iter()
            .find(|m| m.stream.connection == *connection && m.stream.stream == *stream)
    }

    /// Whether any mapping carries the namespace both ways.
    pub fn is_two_way(&self, namespace: &str) -> bool {
        self.mappings.iter().any(|mapping| mapping.two_way_identity(namespace).is_some())
    }
}
