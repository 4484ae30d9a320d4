//! Profiles: the golden record of one person or account. Derived from records
//! and decisions; never the only place where something is known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::conflict::Conflict;
use crate::consent::Consent;
use crate::id::{FieldName, KindName, ProfileId, RecordNo, Stamp, TraitName};
use crate::identity::Identity;
use crate::survivorship::Survivorship;
use crate::value::Value;

/// What a record describes. Written as one word; any word but the first two
/// names a kind of objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "KindName", into = "KindName")]
pub enum EntityKind {
    /// A natural person; resolved into profiles.
    #[default]
    Person,
    /// An organisation; resolved into profiles of its own.
    Account,
    /// Something else that is and changes: an order, a deal, a ticket. It keeps
    /// the identity that its system gives it and is part of no profile.
    Object(KindName),
}

impl EntityKind {
    /// The kind of objects of that name.
    pub fn object(name: &str) -> Self {
        Self::Object(KindName::new(name))
    }

    /// The word used in configuration and output.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Person => "person",
            Self::Account => "account",
            Self::Object(name) => name.as_str(),
        }
    }

    /// Whether it is resolved into no profile.
    pub const fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }
}

impl From<KindName> for EntityKind {
    fn from(name: KindName) -> Self {
        match name.as_str() {
            "person" => Self::Person,
            "account" => Self::Account,
            _ => Self::Object(name),
        }
    }
}

impl From<EntityKind> for KindName {
    fn from(kind: EntityKind) -> Self {
        match kind {
            EntityKind::Object(name) => name,
            resolved => Self::new(resolved.as_str()),
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

#[cfg(test)]
mod tests {
    use super::EntityKind;

    #[test]
    fn a_kind_is_one_word_and_comes_back_as_it_was() {
        let kinds = [EntityKind::Person, EntityKind::Account, EntityKind::object("order")];
        for (kind, word) in kinds.into_iter().zip(["person", "account", "order"]) {
            let text = serde_json::to_string(&kind).unwrap();
            assert_eq!(text, format!("\"{word}\""));
            assert_eq!(serde_json::from_str::<EntityKind>(&text).unwrap(), kind);
            assert_eq!((kind.as_str(), kind.is_object()), (word, word == "order"));
        }
    }
}
