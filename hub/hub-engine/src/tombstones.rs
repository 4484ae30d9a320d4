//! What must not come back: tombstones of people who were erased and of rows whose
//! time was over, kept with the data and looked at before a row is taken.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use hub_core::privacy::{Key, TOMBSTONE_BYTES, Tombstone};
use hub_model::{Identity, IdentityFact, Object, PositionName, RecordRef, Related};
use hub_store::{Error, PositionChange, Store};

/// Tombstones in one row of the store.
const ROW_TOMBSTONES: usize = 1_000;

/// The tombstones of a workspace.
#[derive(Debug)]
pub(crate) struct Tombstones {
    /// Makes them.
    pub key: Key,
    known: RwLock<HashSet<Tombstone>>,
}

impl Tombstones {
    /// None.
    pub fn none() -> Self {
        Self { key: Key::new([0; hub_core::privacy::KEY_BYTES]), known: RwLock::default() }
    }

    /// Those that a store holds.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(store: &dyn Store, key: Key) -> Result<Self, Error> {
        let mut known = HashSet::new();
        for row in 0.. {
            let Some(bytes) = store.position(&name(row)).await? else { break };
            let tombstones = bytes.chunks_exact(TOMBSTONE_BYTES);
            known.extend(tombstones.filter_map(|t| Tombstone::try_from(t).ok()));
        }
        Ok(Self { key, known: RwLock::new(known) })
    }

    fn known(&self) -> RwLockReadGuard<'_, HashSet<Tombstone>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The changes that keep more of them. Commit them, then [`Self::remember`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn keep(
        &self,
        store: &dyn Store,
        news: &[Tombstone],
    ) -> Result<Vec<PositionChange>, Error> {
        let mut fresh: Vec<Tombstone> = {
            let known = self.known();
            news.iter().filter(|news| !known.contains(*news)).copied().collect()
        };
        fresh.sort_unstable();
        fresh.dedup();
        let mut row = self.known().len() / ROW_TOMBSTONES;
        let mut changes = Vec::new();
        let mut rest = fresh.as_slice();
        while !rest.is_empty() {
            let expected = store.position(&name(row)).await?;
            let mut bytes = expected.clone().unwrap_or_default();
            let room = ROW_TOMBSTONES.saturating_sub(bytes.len() / TOMBSTONE_BYTES);
            let (now, later) = rest.split_at(room.min(rest.len()));
            bytes.extend(now.iter().flatten());
            if !now.is_empty() {
                changes.push(PositionChange { name: name(row), expected, new: Some(bytes) });
            }
            rest = later;
            row += 1;
        }
        Ok(changes)
    }

    /// Looks for these too from now on.
    pub fn remember(&self, news: &[Tombstone]) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).extend(news);
    }

    /// Whether a row must not be taken, whoever it names.
    pub fn refuse_row(&self, at: &RecordRef, raw: &Object) -> bool {
        let known = self.known();
        !known.is_empty()
            && (known.contains(&self.key.row(at)) || known.contains(&self.key.content(at, raw)))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.known().is_empty()
    }

    /// Whether a value must not come back.
    pub fn refuse(&self, identity: &Identity) -> bool {
        self.known().contains(&self.key.identity(identity))
    }

    /// Whether the end of a relation must not be named again.
    pub fn refuse_related(&self, to: &Related) -> bool {
        match to {
            Related::Identity(identity) => self.refuse(identity),
            Related::Row(at) => self.known().contains(&self.key.row(at)),
        }
    }

    /// Whether a row must not be taken because of whom it names.
    pub fn refuse_facts(&self, facts: &[IdentityFact]) -> bool {
        let known = self.known();
        let mut named = facts.iter().filter_map(|fact| fact.identity.as_ref());
        !known.is_empty() && named.any(|identity| known.contains(&self.key.identity(identity)))
    }
}

fn name(row: usize) -> PositionName {
    PositionName::new(format!("tombstones/{row}"))
}
