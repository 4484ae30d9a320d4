//! Decisions: what a human settled. They are facts with author and time, and
//! survive every re-read and rebuild.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::{FieldName, RecordNo, Stamp, TraitName};
use crate::time::Timestamp;

/// What was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DecisionKind {
    /// These two records are one person. Holds from its first stamp.
    Match {
        /// One record.
        left: RecordNo,
        /// The other.
        right: RecordNo,
    },
    /// These two sets of records are different people. Holds from the start:
    /// refuses joins across its sides and confirms within each.
    Separation {
        /// One side.
        left: BTreeSet<RecordNo>,
        /// The other side.
        right: BTreeSet<RecordNo>,
    },
    /// The trait of this record's profile has a value that a person gave it. The
    /// record's field keeps the value ([`crate::Settled`]): a decision names no
    /// customer's data. It wins until somebody types another one.
    Value {
        /// The record whose field keeps the value.
        record: RecordNo,
        /// That field.
        field: FieldName,
        /// The trait.
        name: TraitName,
    },
    /// A decision about a value is taken back.
    Withdrawal {
        /// The record of that decision.
        record: RecordNo,
        /// The stamp of that decision.
        of: Stamp,
    },
}

impl DecisionKind {
    /// The records that it names, of both sides.
    pub fn records(&self) -> BTreeSet<RecordNo> {
        match self {
            Self::Match { left, right } => BTreeSet::from([*left, *right]),
            Self::Separation { left, right } => left.union(right).copied().collect(),
            Self::Value { record, .. } | Self::Withdrawal { record, .. } => {
                BTreeSet::from([*record])
            }
        }
    }
}

/// A decision with its author and time. The newest contradicting one wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The order of receipt.
    pub stamp: Stamp,
    /// What was settled.
    #[serde(flatten)]
    pub kind: DecisionKind,
    /// Who settled it (an account name of the hub, not personal data of a customer).
    pub author: String,
    /// When.
    pub at: Timestamp,
}
