//! Records: what a system said, what it shows, what we told it.
//!
//! A link and a source record are one thing. Derivation reads only what a
//! system itself *asserted*; what we wrote into it is an echo and never votes.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::conflict::Dispute;
use crate::id::{FieldName, ProfileId, RecordNo, RecordRef, RunId, Stamp};
use crate::identity::Identity;
use crate::relation::{Related, Relation};
use crate::time::Timestamp;
use crate::value::{Object, Value};

/// A value that a system originated, with the order in which we received it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assertion {
    /// The value as the system has it.
    pub value: Value,
    /// When we first saw it, in the hub's order.
    pub stamp: Stamp,
    /// When its source says that the row changed, where that is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_time: Option<Timestamp>,
    /// When we first saw it, by the clock: for what expires (consents).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Timestamp>,
}

impl Assertion {
    /// An assertion without times.
    pub const fn new(value: Value, stamp: Stamp) -> Self {
        Self { value, stamp, source_time: None, seen: None }
    }
}

/// What we know of one mapped field of one record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FieldState {
    /// The last value that this system itself originated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asserted: Option<Assertion>,
    /// The last form seen there, or returned by a write; absent before the
    /// first, and after a write that returned none until the next read (then
    /// `raw` has the value as sent).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub remote: Option<Value>,
    /// The stamp of the golden value last delivered; 0 before the first.
    #[serde(default, skip_serializing_if = "is_never")]
    pub sent: Stamp,
    /// What is kept because people may be asked about the field; rarely anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<Box<Dispute>>,
}

impl FieldState {
    /// Changes what is kept because people may be asked about the field.
    pub fn revise_dispute(&mut self, change: impl FnOnce(&mut Dispute)) {
        let mut dispute = self.dispute.take().unwrap_or_default();
        change(&mut dispute);
        self.dispute = (*dispute != Dispute::default()).then_some(dispute);
    }

    /// Whether nothing is written for the field.
    pub fn is_paused(&self) -> bool {
        self.dispute.as_ref().is_some_and(|dispute| dispute.paused.is_some())
    }
}

fn is_never(stamp: &Stamp) -> bool {
    stamp.0 == 0
}

/// Null is a value: "seen to be empty" must not come back as "never seen".
pub(crate) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// An identity that a record asserted, kept for ever: resolution replays these
/// facts in stamp order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityFact {
    /// The identity; `None` when the record gave its value up.
    pub identity: Option<Identity>,
    /// The namespace, also when the value was given up.
    pub namespace: std::sync::Arc<str>,
    /// The field that carries it: a record may name somebody by several fields
    /// of one namespace.
    pub field: FieldName,
    /// When we first saw it.
    pub stamp: Stamp,
    /// It replaced another value that the system showed: somebody edited it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
    /// Resolution did not let it claim anything: too many records carried the
    /// value, or an edit reached a stranger's value and waits for a person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contested: bool,
}

/// A stretch of the hub's order of receipt during which a record was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// We learnt that it was deleted.
    pub from: Stamp,
    /// We saw it again.
    pub to: Stamp,
}

/// How a record came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// It was read from its system.
    Received,
    /// The hub created it, for the lowest live record that it had not created
    /// itself. A created record asserts nothing until somebody edits it there.
    Created {
        /// The record it was created for: it stays with it on a separation.
        for_record: RecordNo,
    },
}

/// The current state of one row of a stream, as we know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The number given at first receipt.
    pub number: RecordNo,
    /// Which row of which stream.
    #[serde(rename = "ref")]
    pub at: RecordRef,
    /// Received, or created by us.
    pub origin: Origin,
    /// The stamp of its first receipt or creation.
    pub born: Stamp,
    /// The stamp at which we learnt that it was deleted. The record remains a
    /// node: its links and values persist while its profile has a live record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Stamp>,
    /// Earlier deletions that its system took back, oldest first: resolution
    /// replays them, because a profile without a live record claims less.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absences: Vec<Absence>,
    /// The vendor's version of the row (etag, timestamp), for conditional writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The row as received.
    pub raw: Object,
    /// The state of each mapped field.
    pub fields: BTreeMap<FieldName, FieldState>,
    /// Every identity it ever asserted, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<IdentityFact>,
    /// Whom and what it relates to now, in order, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relations: Vec<Relation>,
    /// The profile that it belongs to (derived; may be an alias);
    /// [`ProfileId::NOBODY`] if it describes an object.
    pub profile: ProfileId,
    /// The run that last changed it.
    pub run: RunId,
}

impl Record {
    /// Whether its system still has it, as far as we know.
    pub fn is_live(&self) -> bool {
        self.deleted.is_none()
    }

    /// Whether it describes an object, which is part of no profile.
    pub fn is_object(&self) -> bool {
        self.profile == ProfileId::NOBODY
    }

    /// The object that it was made of, if the hub made it of one.
    pub fn made_of(&self) -> Option<&RecordRef> {
        self.relations.iter().filter(|relation| relation.is_kept()).find_map(|kept| {
            match &kept.to {
                Related::Row(at) => Some(at),
                Related::Identity(_) => None,
            }
        })
    }

    /// Whether any of its fields was originated by its system.
    pub fn asserts_anything(&self) -> bool {
        self.fields.values().any(|field| field.asserted.is_some())
    }

    /// The state of each mapped field, and what the raw row has of it. Both are in
    /// order of name, so that nothing is looked up.
    pub fn fields_beside_raw(
        &self,
    ) -> impl Iterator<Item = (&FieldName, &FieldState, Option<&Value>)> {
        let mut raw = self.raw.iter().peekable();
        self.fields.iter().map(move |(name, state)| {
            while raw.next_if(|(other, _)| other.as_str() < name.as_str()).is_some() {}
            let own = raw.peek().filter(|(other, _)| other.as_str() == name.as_str());
            (name, state, own.map(|(_, value)| *value))
        })
    }

    /// The identity that it asserts now in a namespace, if any.
    pub fn current_identity(&self, namespace: &str) -> Option<&IdentityFact> {
        self.identities.iter().rev().find(|fact| &*fact.namespace == namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::{FieldName, FieldState, Record, Value};

    #[test]
    fn seen_to_be_empty_is_not_never_seen() {
        for remote in [None, Some(Value::Null), Some(Value::from("x"))] {
            let state = FieldState { remote, ..FieldState::default() };
            let text = serde_json::to_string(&state).unwrap();
            assert_eq!(serde_json::from_str::<FieldState>(&text).unwrap(), state, "{text}");
        }
    }

    #[test]
    fn fields_stand_beside_the_raw_row() {
        let json = serde_json::json!({
            "number": 1, "origin": {"kind": "received"}, "born": 1, "profile": 1, "run": "r",
            "ref": {
                "stream": {"workspace": "w", "connection": "c", "stream": "s"}, "key": "k",
            },
            "raw": {"b": 1, "c": 2, "e": 3}, "fields": {"a": {}, "b": {}, "d": {}, "e": {}, "f": {}},
        });
        let record: Record = serde_json::from_value(json).unwrap();
        assert_eq!(record.fields.len(), 5);
        for (name, state, raw) in record.fields_beside_raw() {
            assert_eq!(Some(state), record.fields.get(&FieldName::new(name.as_str())));
            assert_eq!(raw, record.raw.get(name.as_str()), "{name}");
        }
    }
}
