//! What a world still lacks, so that the caller can load it.

use std::collections::BTreeSet;

use hashbrown::HashSet;
use hub_model::{Identity, IdentityFact, Origin, ProfileId, Record, RecordNo};

use super::world::World;

/// What has to be loaded. Empty when the world is complete. Loading one thing
/// may show the need of another: ask again until it is empty, which takes at
/// most four rounds. The same answer twice means that the store lacks a row
/// that another one speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// Records, by number.
    pub records: BTreeSet<RecordNo>,
    /// Profiles, by id; an id may be an alias.
    pub profiles: BTreeSet<ProfileId>,
    /// Claims, by identity; load an empty one where the store has none.
    pub claims: HashSet<Identity>,
}

impl Needs {
    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.profiles.is_empty() && self.claims.is_empty()
    }
}

impl World<'_> {
    /// What is missing before these facts, and any deletion or revision of the
    /// loaded records, can be told.
    pub fn needs<'a>(&self, facts: impl IntoIterator<Item = &'a IdentityFact>) -> Needs {
        let mut missing = Needs::default();
        for identity in facts.into_iter().filter_map(|fact| fact.identity.as_ref()) {
            match self.claims.get(identity) {
                Some(held) => {
                    let listed = held.claim.profiles.iter();
                    missing.profiles.extend(listed.filter(|id| !self.profiles.contains_key(id)));
                }
                None => {
                    missing.claims.insert(identity.clone());
                }
            }
        }
        for record in self.records.values() {
            self.needs_of(record, &mut missing);
        }
        for member in self.profiles.values() {
            let unknown = member.records.iter().filter(|n| !self.records.contains_key(n));
            missing.records.extend(unknown);
        }
        missing
    }

    /// What the birth of a record that the hub created needs besides: the
    /// record it was created for (and then that one's profile).
    pub fn needs_of_birth(&self, record: &Record) -> Option<RecordNo> {
        match record.origin {
            Origin::Created { for_record }
                if !record.is_object() && !self.records.contains_key(&for_record) =>
            {
                Some(for_record)
            }
            _ => None,
        }
    }

    fn needs_of(&self, record: &Record, missing: &mut Needs) {
        if record.is_object() {
            return;
        }
        if !self.owners.contains_key(&record.number) {
            missing.profiles.insert(record.profile);
        }
        let ever = record.identities.iter().filter_map(|fact| fact.identity.as_ref());
        missing
            .claims
            .extend(ever.filter(|identity| !self.claims.contains_key(*identity)).cloned());
    }
}
