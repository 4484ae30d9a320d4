//! Plans: what a delivery would write, known again by one hash, and what has
//! moved between two of them.
//!
//! The writes come in order of profile and record, so that a plan is hashed and
//! counted while it is walked, however large it is. Values, stamps and what the
//! rows show are part of the hash: a plan that was looked at and a plan that is
//! executed are the same, or they have different hashes.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{
    FieldName, PendingKey, PlanCounts, PlannedField, PlannedWrite, ProfileId, Record, RecordNo,
    Stamp, SyncId, Value, WriteKind,
};
use sha2::{Digest, Sha256};

use super::echo::form_there;
use super::idempotency::{KEY_BYTES, feed, hexadecimal};

/// The digest of one planned write.
pub type Fingerprint = [u8; KEY_BYTES];

/// A write as it is shown and hashed. `record` is the row as the hub knows it.
pub fn planned(
    key: &PendingKey,
    action: WriteKind,
    record: Option<&Record>,
    fields: &BTreeMap<FieldName, (Value, Stamp)>,
) -> PlannedWrite {
    let field = |(name, (after, stamp)): (&FieldName, &(Value, Stamp))| {
        let before = record.and_then(|record| form_there(record, name)).cloned();
        (name.clone(), PlannedField { before, after: after.clone(), stamp: *stamp })
    };
    PlannedWrite {
        action,
        profile: key.profile,
        record: key.record,
        key: record.map(|record| record.at.key.clone()),
        fields: fields.iter().map(field).collect(),
    }
}

/// Says whether two writes are the same, by everything that is in them.
pub fn fingerprint(write: &PlannedWrite) -> Fingerprint {
    let mut digest = Sha256::new();
    feed(&mut digest, write.action.as_str());
    digest.update(write.profile.0.to_be_bytes());
    // Record numbers start at 1.
    digest.update(write.record.map_or(0, |record| record.0).to_be_bytes());
    feed(&mut digest, write.key.as_ref().map_or("", |key| key.as_str()));
    for (name, field) in &write.fields {
        feed(&mut digest, name.as_str());
        // No value is written as nothing.
        let before = field.before.as_ref().map(|value| value.to_json().to_string());
        feed(&mut digest, &before.unwrap_or_default());
        feed(&mut digest, &field.after.to_json().to_string());
        digest.update(field.stamp.0.to_be_bytes());
    }
    let mut short = Fingerprint::default();
    for (place, byte) in short.iter_mut().zip(digest.finalize()) {
        *place = byte;
    }
    short
}

/// A plan without its values: what it is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanSummary {
    /// 32 hexadecimal digits; says nothing about the values.
    pub hash: String,
    /// How much it writes.
    pub counts: PlanCounts,
}

/// Sums up a plan while it is walked.
#[derive(Debug, Clone)]
pub struct Summing {
    digest: Sha256,
    counts: PlanCounts,
}

impl Summing {
    /// For a sync.
    pub fn new(sync: &SyncId) -> Self {
        let mut digest = Sha256::new();
        feed(&mut digest, sync.as_str());
        Self { digest, counts: PlanCounts::default() }
    }

    /// Adds the next write, in order of profile and record; returns its digest.
    pub fn add(&mut self, write: &PlannedWrite) -> Fingerprint {
        let print = fingerprint(write);
        self.digest.update(print);
        self.counts.count(write.action);
        print
    }

    /// The whole plan.
    pub fn end(self) -> PlanSummary {
        PlanSummary { hash: hexadecimal(&self.digest.finalize()), counts: self.counts }
    }
}

/// Something that is otherwise than it was planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The profile.
    pub profile: ProfileId,
    /// The record, unless a row was to be created.
    pub record: Option<RecordNo>,
    /// In which way.
    pub how: How,
}

/// In which way a write moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It was planned and is due no more: it was written, or its reason went.
    Gone,
    /// It is due and was not planned.
    New,
    /// Something else is to be done with the row.
    Action {
        /// What was planned.
        planned: WriteKind,
        /// What is due.
        now: WriteKind,
    },
    /// A field shows, or is to be given, another value.
    Field {
        /// Which.
        field: FieldName,
        /// As it was planned, if it was.
        planned: Option<PlannedField>,
        /// As it is due, if it is.
        now: Option<PlannedField>,
    },
}

/// Everything in which two plans differ, in order of profile and record.
pub fn moved(planned: &[PlannedWrite], now: &[PlannedWrite]) -> Vec<Moved> {
    let place = |write: &PlannedWrite| (write.profile, write.record);
    let before: BTreeMap<_, _> = planned.iter().map(|write| (place(write), write)).collect();
    let after: BTreeMap<_, _> = now.iter().map(|write| (place(write), write)).collect();
    let places: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    let mut all = Vec::new();
    for (profile, record) in places {
        let at = |how| Moved { profile, record, how };
        match (before.get(&(profile, record)), after.get(&(profile, record))) {
            (Some(_), None) => all.push(at(How::Gone)),
            (None, _) => all.push(at(How::New)),
            (Some(planned), Some(now)) if planned.action != now.action => {
                all.push(at(How::Action { planned: planned.action, now: now.action }));
            }
            (Some(planned), Some(now)) => all.extend(fields(planned, now).map(at)),
        }
    }
    all
}

fn fields<'a>(
    planned: &'a PlannedWrite,
    now: &'a PlannedWrite,
) -> impl Iterator<Item = How> + use<'a> {
    let names: BTreeSet<&FieldName> = planned.fields.keys().chain(now.fields.keys()).collect();
    names.into_iter().filter_map(|name| {
        let (planned, now) = (planned.fields.get(name), now.fields.get(name));
        (planned != now).then(|| How::Field {
            field: name.clone(),
            planned: planned.cloned(),
            now: now.cloned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hub_model::{
        FieldName, PlannedField, PlannedWrite, ProfileId, RecordNo, RemoteKey, Stamp, SyncId,
        Value, WriteKind,
    };

    use super::{How, Summing, fingerprint, moved};

    fn write(
        profile: u64,
        record: u64,
        name: &str,
        before: Option<Value>,
        stamp: u64,
    ) -> PlannedWrite {
        let field = PlannedField { before, after: Value::text("Ana"), stamp: Stamp(stamp) };
        PlannedWrite {
            action: WriteKind::Update,
            profile: ProfileId(profile),
            record: Some(RecordNo(record)),
            key: Some(RemoteKey::from("42")),
            fields: [(FieldName::new(name), field)].into(),
        }
    }

    #[test]
    fn the_hash_follows_everything_in_a_plan() {
        let first = write(1, 2, "name", None, 3);
        let mut deleted = first.clone();
        deleted.action = WriteKind::Delete;
        let mut elsewhere = first.clone();
        elsewhere.key = Some(RemoteKey::from("43"));
        let mut cleared = first.clone();
        cleared.fields.get_mut("name").unwrap().after = Value::Null;
        let all = [
            first.clone(),
            deleted,
            elsewhere,
            cleared,
            write(2, 2, "name", None, 3),
            write(1, 3, "name", None, 3),
            write(1, 2, "nom", None, 3),
            write(1, 2, "name", Some(Value::Null), 3),
            write(1, 2, "name", Some(Value::text("")), 3),
            write(1, 2, "name", None, 4),
        ];
        let prints: BTreeSet<_> = all.iter().map(fingerprint).collect();
        assert_eq!(prints.len(), all.len());
        assert_eq!(fingerprint(&first), fingerprint(&first.clone()));

        let hash = |sync: &str, writes: &[PlannedWrite]| {
            let mut sum = Summing::new(&SyncId::new(sync));
            for write in writes {
                sum.add(write);
            }
            sum.end()
        };
        let whole = hash("crm", &all);
        assert_eq!((whole.counts.updates, whole.counts.deletes, whole.hash.len()), (9, 1, 32));
        assert_eq!(whole, hash("crm", &all));
        assert_ne!(whole.hash, hash("shop", &all).hash);
        assert_ne!(whole.hash, hash("crm", &all[1..]).hash);
        assert_ne!(hash("crm", &[]).hash, hash("shop", &[]).hash);
    }

    #[test]
    fn what_moved_is_named() {
        let kept = write(1, 1, "name", None, 1);
        let gone = write(2, 2, "name", None, 1);
        let new = write(3, 3, "name", None, 1);
        let before = write(4, 4, "name", None, 1);
        let after = write(4, 4, "name", Some(Value::text("Anna")), 1);
        let other = write(5, 5, "name", None, 1);
        let mut removed = other.clone();
        removed.action = WriteKind::Delete;
        let planned = [kept.clone(), gone, before.clone(), other];
        let now = [kept, new, after.clone(), removed];
        assert_eq!(moved(&planned, &planned), []);
        let found: Vec<_> =
            moved(&planned, &now).into_iter().map(|moved| (moved.profile.0, moved.how)).collect();
        let field = How::Field {
            field: FieldName::new("name"),
            planned: before.fields.get("name").cloned(),
            now: after.fields.get("name").cloned(),
        };
        let action = How::Action { planned: WriteKind::Update, now: WriteKind::Delete };
        assert_eq!(found, [(2, How::Gone), (3, How::New), (4, field), (5, action)]);
    }
}
