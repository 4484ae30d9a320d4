//! The write ledger: what was written to a destination, field by field, and what
//! became of it.
//!
//! An attempt is among the deliveries under way ([`crate::delivery`]) from before
//! its request leaves until it has ended; then it is an entry here. What a vendor
//! refused for the time being wrote nothing and goes on waiting there.
//!
//! An entry says what the row showed before as far as the hub knew, what was sent,
//! and what the vendor made of that. So a write can be explained, and undone where
//! nobody has edited since.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::delivery::Attempt;
use crate::fault::FaultCode;
use crate::id::{FieldName, ProfileId, RecordNo, RemoteKey, RunId, Stamp, SyncId};
use crate::plan::WriteKind;
use crate::record::present;
use crate::time::Timestamp;
use crate::value::Value;

/// Most bytes of values in one entry. Beyond it the names of the fields are kept
/// without their values, and nothing of it can be undone: a commit has to hold the
/// record, its profile and the entry.
pub const ENTRY_BYTES_MAX: usize = 128 * 1024;

/// What protects a destination from a write that is made twice because its answer
/// was lost. The strongest that its connector declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryClass {
    /// Creating with a key that exists updates.
    ExternalId,
    /// The vendor knows a repeated request by its key.
    IdempotencyKey,
    /// The vendor checks the version of the row that is written.
    ConditionalWrite,
    /// None of the three: a lost answer to a create may end in two rows.
    PossibleDuplicates,
}

impl DeliveryClass {
    /// The word used in output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExternalId => "external-id",
            Self::IdempotencyKey => "idempotency-key",
            Self::ConditionalWrite => "conditional-write",
            Self::PossibleDuplicates => "possible-duplicates",
        }
    }

    /// Whether a create that is made twice makes one row.
    pub const fn creates_once(self) -> bool {
        matches!(self, Self::ExternalId | Self::IdempotencyKey)
    }
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteEnd {
    /// The vendor did it, and said so.
    Made,
    /// The row was so already, says the vendor.
    Unchanged,
    /// The vendor answered with counts only: it says of no item what became of it.
    Counted,
    /// No answer came; the row, read back, shows the write.
    Found,
    /// No answer came; the write did not arrive. It is due again.
    Lost,
    /// No answer came and nothing told whether it arrived: made again, there may
    /// be two rows.
    Unknown,
    /// The vendor refused its content.
    Rejected,
}

impl WriteEnd {
    /// The word used in output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Unchanged => "unchanged",
            Self::Counted => "counted",
            Self::Found => "found",
            Self::Lost => "lost",
            Self::Unknown => "unknown",
            Self::Rejected => "rejected",
        }
    }

    /// Whether the row is, as far as is known, otherwise than before.
    pub const fn is_made(self) -> bool {
        matches!(self, Self::Made | Self::Counted | Self::Found)
    }
}

/// One field of a write.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LedgerField {
    /// What the row showed; absent where nobody had seen it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub before: Option<Value>,
    /// What was sent; absent where the row was deleted. Null clears.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub sent: Option<Value>,
    /// What the vendor made of it, where that is another form than was sent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub shown: Option<Value>,
    /// The stamp of the golden value; 0 where the row was deleted.
    #[serde(default)]
    pub stamp: Stamp,
}

impl LedgerField {
    /// What the row was left with, as far as the hub knew then.
    pub const fn after(&self) -> Option<&Value> {
        match &self.shown {
            Some(shown) => Some(shown),
            None => self.sent.as_ref(),
        }
    }

    fn size_bytes(&self) -> usize {
        [&self.before, &self.sent, &self.shown].into_iter().flatten().map(Value::size_bytes).sum()
    }
}

/// A write that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// The run whose request it was, also where a later one learnt of its end.
    pub run: RunId,
    /// The sync.
    pub sync: SyncId,
    /// What was done with the row, or asked for.
    pub kind: WriteKind,
    /// The profile that it was about.
    pub profile: ProfileId,
    /// The record of the row; none where no row is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordNo>,
    /// The row, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<RemoteKey>,
    /// The records of the profile at that time: whose values may be in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<RecordNo>,
    /// The fields that were written; of a row that was deleted, what it showed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<FieldName, LedgerField>,
    /// By which the vendor could know a repetition.
    pub idempotency_key: String,
    /// What became of it.
    pub end: WriteEnd,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultCode>,
    /// When that was known.
    pub at: Timestamp,
}

impl LedgerEntry {
    /// Of an attempt that has ended, without its fields.
    pub fn of(kind: WriteKind, attempt: &Attempt, (run, sync): (&RunId, &SyncId)) -> Self {
        Self {
            run: run.clone(),
            sync: sync.clone(),
            kind,
            profile: ProfileId::NOBODY,
            record: None,
            key: None,
            about: Vec::new(),
            fields: BTreeMap::new(),
            idempotency_key: attempt.idempotency_key.clone(),
            end: WriteEnd::Made,
            fault: None,
            at: Timestamp(0),
        }
    }

    /// Every record by which it is found: those whose values may be in it, and
    /// that of the row. A profile's number is that of a record of its.
    pub fn found_by(&self) -> impl Iterator<Item = RecordNo> + '_ {
        let profile = Some(self.profile).filter(|profile| *profile != ProfileId::NOBODY);
        let own = self.record.into_iter().chain(profile.map(|profile| RecordNo(profile.0)));
        own.chain(self.about.iter().copied())
    }

    /// The same, without values where they are too many.
    #[must_use]
    pub fn within_limits(self) -> Self {
        let bytes: usize = self.fields.values().map(LedgerField::size_bytes).sum();
        if bytes > ENTRY_BYTES_MAX { self.without_values() } else { self }
    }

    /// The same with the names of the fields alone.
    #[must_use]
    pub fn without_values(mut self) -> Self {
        for field in self.fields.values_mut() {
            *field = LedgerField { stamp: field.stamp, ..LedgerField::default() };
        }
        self
    }
}

/// Where an entry stands: in order of run, and of writing within one. Numbers
/// mean nothing to another store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LedgerPlace {
    /// The run.
    pub run: RunId,
    /// Its number.
    pub number: u64,
}

#[cfg(test)]
mod tests {
    use super::{ENTRY_BYTES_MAX, LedgerEntry, LedgerField, Stamp, Value, WriteEnd};

    fn entry() -> LedgerEntry {
        let text = r#"{"run":"1-crm","sync":"crm","kind":"update","profile":1,"record":2,"key":"42","about":[1,2],"fields":{"a":{"before":null,"sent":"x","shown":"X","stamp":3},"b":{"sent":null,"stamp":4}},"idempotency_key":"k","end":"found","at":5}"#;
        let entry: LedgerEntry = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&entry).unwrap(), text);
        entry
    }

    /// Entries are kept for months, and exported.
    #[test]
    fn the_form_of_an_entry_does_not_drift() {
        let entry = entry();
        assert_eq!(entry.fields["a"].before, Some(Value::Null), "seen to be empty");
        assert_eq!(entry.fields["b"].before, None, "never seen");
        assert_eq!(entry.fields["a"].after(), Some(&Value::text("X")));
        assert_eq!(entry.fields["b"].after(), Some(&Value::Null));
        assert!(entry.end.is_made() && !WriteEnd::Lost.is_made());
        let found: Vec<u64> = entry.found_by().map(|record| record.0).collect();
        assert_eq!(found, [2, 1, 1, 2]);
    }

    #[test]
    fn values_that_are_too_many_are_left_out() {
        let mut large = entry();
        assert_eq!(large.clone().within_limits(), large);
        large.fields.get_mut("b").unwrap().sent = Some(Value::text("v".repeat(ENTRY_BYTES_MAX)));
        let cut = large.within_limits();
        assert_eq!(cut.fields.len(), 2);
        assert_eq!(cut.fields["a"], LedgerField { stamp: Stamp(3), ..LedgerField::default() });
    }
}
