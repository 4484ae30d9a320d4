//! Privacy: what is remembered of somebody who must not be remembered, and what
//! must leave the destinations with him.
//!
//! A tombstone tells a value or a row again without holding it: a keyed hash,
//! whose key is not among the data. Without the key nobody can ask whether a
//! person was ever here.

pub mod unlink;

pub use unlink::Unlink;

use hmac::{Hmac, KeyInit, Mac};
use hub_model::{Identity, Object, Profile, Record, RecordRef, Rules};
use sha2::Sha256;

/// Bytes of a tombstone: so many that no two meet by chance.
pub const TOMBSTONE_BYTES: usize = 16;
/// Bytes of the key.
pub const KEY_BYTES: usize = 32;

/// A value or a row that is not to come back.
pub type Tombstone = [u8; TOMBSTONE_BYTES];

/// Makes tombstones. Never shown.
#[derive(Clone)]
pub struct Key([u8; KEY_BYTES]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// The key of a workspace.
    pub const fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    fn of(&self, kind: &str, parts: &[&[u8]]) -> Tombstone {
        let mut tombstone = [0; TOMBSTONE_BYTES];
        // A key of any length is taken.
        let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0) else {
            return tombstone;
        };
        for part in std::iter::once(&kind.as_bytes()).chain(parts) {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        for (place, byte) in tombstone.iter_mut().zip(mac.finalize().into_bytes()) {
            *place = byte;
        }
        tombstone
    }

    /// Of a value that names somebody.
    pub fn identity(&self, identity: &Identity) -> Tombstone {
        self.of("identity", &[identity.namespace.as_bytes(), identity.value.as_bytes()])
    }

    /// Of a row of a stream, whatever it shows.
    pub fn row(&self, at: &RecordRef) -> Tombstone {
        let stream = &at.stream;
        self.of(
            "row",
            &[
                stream.connection.as_str().as_bytes(),
                stream.stream.as_str().as_bytes(),
                at.key.as_str().as_bytes(),
            ],
        )
    }

    /// Of a row as long as it shows the same.
    pub fn content(&self, at: &RecordRef, raw: &Object) -> Tombstone {
        // A row holds nothing that cannot be written as JSON.
        let shown = serde_json::to_vec(raw).unwrap_or_default();
        self.of("content", &[&self.row(at), &shown])
    }
}

/// The tombstones of a person who is erased: every row that told of him, and
/// every value by which a row alone would join him. What never joins, such as a
/// value of a weak namespace or one that many carry, is not his alone and does
/// not keep others out.
pub fn tombstones(
    profile: &Profile,
    records: &[Record],
    rules: &Rules,
    key: &Key,
) -> Vec<Tombstone> {
    let trusted = profile.identities.iter().filter(|claimed| {
        rules.namespace(&claimed.identity.namespace).is_some_and(|namespace| namespace.trusted)
    });
    let values = trusted.map(|claimed| key.identity(&claimed.identity));
    let mut all: Vec<Tombstone> =
        records.iter().map(|record| key.row(&record.at)).chain(values).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use hub_model::{EntityKind, Identity, Normaliser, ProfileId, RecordNo, RunId, Timestamp};

    use super::{Key, tombstones};
    use crate::fixture::{at, mapping, namespace, row, rules};
    use crate::sync::{Context, Observation, Row, Stamps, observe};

    #[test]
    fn a_tombstone_tells_values_rows_and_keys_apart() {
        let (key, other) = (Key::new([1; 32]), Key::new([2; 32]));
        let crm = mapping("crm", &["mail -> mail email"]);
        let (one, two) = (at(&crm, "1"), at(&crm, "2"));
        let ana = Identity::new("email", "ana@x.fr");
        let (shown, changed) = (row(&[("a", "x")]), row(&[("a", "y")]));
        let mut all = vec![
            key.identity(&ana),
            other.identity(&ana),
            key.identity(&Identity::new("emai", "lana@x.fr")),
            key.row(&one),
            key.row(&two),
            key.content(&one, &shown),
            key.content(&one, &changed),
            key.content(&two, &shown),
        ];
        assert_eq!(key.identity(&ana), Key::new([1; 32]).identity(&ana));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_eq!(format!("{key:?}"), "Key(..)");
    }

    #[test]
    fn values_that_never_join_keep_nobody_out() {
        let crm = mapping("crm", &["mail -> mail email", "town -> town town"]);
        let mut town = namespace("town", Normaliser::Code);
        town.trusted = false;
        let email = namespace("email", Normaliser::Email);
        let rules = rules(vec![email, town], vec![crm.clone()]);
        let run = RunId::new("run");
        let context = Context { number: RecordNo(1), run: &run, rules: &rules, now: Timestamp(0) };
        let (place, shown) = (at(&crm, "1"), row(&[("mail", "ana@x.fr"), ("town", "lyon")]));
        let seen = Row { at: &place, object: &shown, raw: &shown, version: None };
        let Observation::Seen(seen) = observe(None, &seen, &crm, &mut Stamps::after(0), &context)
        else {
            panic!("a new row");
        };
        let record = seen.record;
        let profile = crate::profile::derive(ProfileId(1), EntityKind::Person, &[&record], &rules);
        assert_eq!(profile.identities.len(), 2);
        let key = Key::new([7; 32]);
        let mut wanted = [key.row(&place), key.identity(&Identity::new("email", "ana@x.fr"))];
        wanted.sort_unstable();
        assert_eq!(tombstones(&profile, &[record], &rules, &key), wanted);
    }
}
