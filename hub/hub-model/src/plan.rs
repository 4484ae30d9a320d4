//! What a delivery would write, item by item, before anything leaves the hub.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{FieldName, ProfileId, RecordNo, RemoteKey, Stamp};
use crate::record::present;
use crate::value::Value;

/// What a planned write does to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteKind {
    /// A row is looked for, and created where there is none.
    Create,
    /// Fields of a known row are written.
    Update,
    /// A known row is deleted.
    Delete,
    /// A known row goes into the archive of its system.
    Archive,
}

impl WriteKind {
    /// The word used in output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Archive => "archive",
        }
    }
}

/// One field of a planned write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedField {
    /// What the row shows, as far as the hub knows; absent where it knows of none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub before: Option<Value>,
    /// What is written; null clears.
    pub after: Value,
    /// The stamp of the golden value.
    pub stamp: Stamp,
}

/// One write that a delivery would make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedWrite {
    /// What it does.
    pub action: WriteKind,
    /// The profile that it is about.
    pub profile: ProfileId,
    /// The record of the row; none for a create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordNo>,
    /// The row; none for a create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<RemoteKey>,
    /// The fields that are written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<FieldName, PlannedField>,
}

/// How many writes of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanCounts {
    /// Rows created.
    pub creates: u64,
    /// Rows of which fields are written.
    pub updates: u64,
    /// Rows deleted or archived.
    pub deletes: u64,
}

impl PlanCounts {
    /// Counts one more write.
    pub const fn count(&mut self, action: WriteKind) {
        match action {
            WriteKind::Create => self.creates += 1,
            WriteKind::Update => self.updates += 1,
            WriteKind::Delete | WriteKind::Archive => self.deletes += 1,
        }
    }

    /// Rows that exist and are touched.
    pub const fn existing(&self) -> u64 {
        self.updates + self.deletes
    }

    /// Whether no kind has more than the other's.
    pub const fn is_within(&self, other: &Self) -> bool {
        self.creates <= other.creates
            && self.updates <= other.updates
            && self.deletes <= other.deletes
    }
}

#[cfg(test)]
mod tests {
    use super::{PlannedWrite, Value};

    /// A plan is kept in a file between being shown and being applied.
    #[test]
    fn the_form_of_a_plan_does_not_drift() {
        let text = r#"{"action":"update","profile":1,"record":2,"key":"42","fields":{"a":{"before":null,"after":"x","stamp":3},"b":{"after":null,"stamp":4}}}"#;
        let write: PlannedWrite = serde_json::from_str(text).unwrap();
        assert_eq!(write.fields["a"].before, Some(Value::Null), "seen to be empty");
        assert_eq!(write.fields["b"].before, None, "never seen");
        assert_eq!(serde_json::to_string(&write).unwrap(), text);
    }
}
