//! Profiles: the golden record of one person or account. Derived from records
//! and decisions; never the only place where something is known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::conflict::Conflict;
use crate::consent::Consent;
use crate::id::{FieldName, ProfileId, RecordNo, Stamp, TraitName};
use crate::identity::Identity;
use crate::survivorship::Survivorship;
use crate::value::Value;

/// What a record describes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// A natural person; resolved into profiles.
    #[default]
    Person,
    /// An organisation; resolved into profiles of its own.
    Account,
}

impl EntityKind {
    /// The word used in configuration and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Account => "account",
        }
    }
}

/// Where a trait's value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The record that asserted the value.
    pub record: RecordNo,
    /// The field of that record.
    pub field: FieldName,
    /// The survivorship rule that picked it.
    pub rule: Survivorship,
}

/// A profile field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trait {
    /// The golden value; null when the newest assertion says "none".
    pub value: Value,
    /// The receipt stamp of the assertion it comes from.
    pub stamp: Stamp,
    /// Why this value.
    pub provenance: Provenance,
}

/// An identity that a profile claims.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claimed {
    /// The identity.
    pub identity: Identity,
    /// The stamp of the newest assertion of it.
    pub stamp: Stamp,
}

/// The golden record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The number of its founding record.
    pub id: ProfileId,
    /// Person or account.
    pub kind: EntityKind,
    /// The golden values. A trait that nobody asserts any more is absent.
    pub traits: BTreeMap<TraitName, Trait>,
    /// The identities it claims, in order.
    pub identities: Vec<Claimed>,
    /// Its records, lowest first, deleted ones included.
    pub records: Vec<RecordNo>,
    /// What it consented to, in order of purpose and channel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<Consent>,
    /// Its traits that wait for a person, in order of name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
}

impl Profile {
    /// What keeps a trait waiting for a person, if anything does.
    pub fn conflict(&self, name: &TraitName) -> Option<&Conflict> {
        self.conflicts.iter().find(|conflict| conflict.name == *name)
    }
}
