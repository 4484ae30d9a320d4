//! Conflicts: what a field keeps so that edits which knew nothing of each other
//! can be told, and what is open on a profile because of it.
//!
//! An edit is judged by what its author had before him: the golden value that the
//! hub had brought to his system last. That is a fact of the moment at which the
//! edit was received, so it is kept with it; whether two edits contradict each
//! other then follows from the facts alone, in whatever order they are looked at.

use serde::{Deserialize, Deserializer, Serialize};

use crate::id::{FieldName, RecordNo, Stamp, TraitName};
use crate::time::Timestamp;
use crate::value::Value;

/// What a system had before it when it originated a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The stamp of the golden value that it had been told last; 0 = none.
    pub knew: Stamp,
    /// That golden value, not the form that its system made of it.
    pub agreed: Value,
    /// What it said just before: that value, or an edit of its own.
    pub before: Value,
}

/// What a person settled about a trait. Who and when is in the decision of the
/// same stamp; the value is kept here, so that it leaves with the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The stamp of the decision.
    pub stamp: Stamp,
    /// The value, whatever systems had said before that stamp.
    pub value: Value,
}

/// What a field of a record keeps besides what was asserted, seen and sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dispute {
    /// The golden value last told, where its system shows it in another form.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub told: Option<Value>,
    /// What the last assertion was made over, where a person may be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// What a person settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
    /// When its system last typed over what the hub had just told it, oldest
    /// first; see [`crate::limits::TURNS_KEPT_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Timestamp>,
    /// Since when nothing is written for the trait, because systems kept
    /// answering each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Timestamp>,
}

/// Null is a value: "told to be empty" must not come back as "nothing kept".
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Why a trait waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConflictReason {
    /// Edits knew nothing of each other, and the rule of the trait is to ask.
    Ask,
    /// Systems kept typing over what the other had said.
    PingPong,
}

impl ConflictReason {
    /// The reason as a stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::PingPong => "ping-pong",
        }
    }
}

/// One of the assertions that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Side {
    /// The record.
    pub record: RecordNo,
    /// The field; its value is what it asserts.
    pub field: FieldName,
}

/// A trait that waits for a person: it is delivered nowhere until then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The trait.
    pub name: TraitName,
    /// Why.
    pub reason: ConflictReason,
    /// Who says what, the newest first.
    pub sides: Vec<Side>,
}

#[cfg(test)]
mod tests {
    use super::{Dispute, Value};

    #[test]
    fn told_to_be_empty_is_not_nothing_kept() {
        for told in [None, Some(Value::Null), Some(Value::from("x"))] {
            let dispute = Dispute { told, ..Dispute::default() };
            let text = serde_json::to_string(&dispute).unwrap();
            assert_eq!(serde_json::from_str::<Dispute>(&text).unwrap(), dispute, "{text}");
        }
    }
}
