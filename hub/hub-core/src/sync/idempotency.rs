//! The key by which a vendor recognises a repeated request.

use std::collections::BTreeMap;

use hub_model::{CommitSeq, FieldName, ProfileId, RecordNo, Stamp, SyncId, Value};
use sha2::{Digest, Sha256};

/// How much of the digest is kept: enough that no two attempts of a hub meet.
pub(super) const KEY_BYTES: usize = 16;

/// The key of an attempt that is made for the first time, as of a commit; a retry
/// carries the key that is kept with the attempt. The commit is part of it because
/// a value may go away and come back with its old stamp, as when an owner's word is
/// written over an edit once more: a vendor that took the second write for a
/// repetition of the first would leave the edit as it is.
/// 32 hexadecimal digits; says nothing about the values.
pub fn idempotency_key(
    sync: &SyncId,
    profile: ProfileId,
    record: Option<RecordNo>,
    fields: &BTreeMap<FieldName, (Value, Stamp)>,
    asof: CommitSeq,
) -> String {
    let mut digest = Sha256::new();
    feed(&mut digest, sync.as_str());
    digest.update(profile.0.to_be_bytes());
    digest.update(asof.0.to_be_bytes());
    // Record numbers start at 1.
    digest.update(record.map_or(0, |record| record.0).to_be_bytes());
    for (field, (value, stamp)) in fields {
        feed(&mut digest, field.as_str());
        // No value is without its JSON.
        feed(&mut digest, &serde_json::to_string(value).unwrap_or_default());
        digest.update(stamp.0.to_be_bytes());
    }
    hexadecimal(&digest.finalize())
}

/// The part of a digest that is kept, in hexadecimal digits.
pub(super) fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().take(KEY_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// Length first, so that no two sequences of texts feed the same bytes.
pub(super) fn feed(digest: &mut Sha256, text: &str) {
    digest.update((text.len() as u64).to_be_bytes());
    digest.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use hub_model::{CommitSeq, FieldName, ProfileId, RecordNo, Stamp, SyncId, Value};

    use super::idempotency_key;

    #[test]
    fn the_key_follows_the_content() {
        let fields = |name: &str, value: &str, stamp: u64| {
            BTreeMap::from([(FieldName::new(name), (Value::text(value), Stamp(stamp)))])
        };
        let key = |sync: &str, profile, record, fields: &BTreeMap<_, _>| {
            let sync = SyncId::new(sync);
            idempotency_key(&sync, ProfileId(profile), record, fields, CommitSeq(7))
        };
        let some = fields("name", "Ana", 3);
        let first = key("crm", 1, None, &some);
        assert_eq!(first.len(), 32);
        assert_eq!(first, key("crm", 1, None, &some.clone()));
        let later = SyncId::new("crm");
        let later = idempotency_key(&later, ProfileId(1), None, &some, CommitSeq(8));
        let others = [
            key("shop", 1, None, &some),
            key("crm", 2, None, &some),
            key("crm", 1, Some(RecordNo(1)), &some),
            key("crm", 1, None, &fields("name", "Bob", 3)),
            key("crm", 1, None, &fields("name", "Ana", 4)),
            key("crm", 1, None, &fields("nam", "eAna", 3)),
            key("crm", 1, None, &BTreeMap::new()),
            first,
            later,
        ];
        assert_eq!(others.iter().collect::<BTreeSet<_>>().len(), others.len());
    }
}
