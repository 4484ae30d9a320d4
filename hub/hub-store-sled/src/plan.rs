//! From a checked write set to rows: what will lie under which key.
//!
//! The plan is a thin layer over the stored rows, so that a set which names a
//! row twice, or puts what it takes away, comes to the same end as in memory.
//! Nothing is written here.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{PendingKey, Quarantined, StreamRef, SyncId, Timestamp};
use hub_store::rules::{QUARANTINED_KEYLESS_ROWS_MAX, RUNS_KEPT_MAX, inbox_done};
use hub_store::{Error, WriteSet};
use serde::{Deserialize, Serialize};

use crate::delta::{self, Op};
use crate::events;
use crate::keys::{self, Key};
use crate::ledger;
use crate::log;
use crate::meta::Meta;
use crate::people::People;
use crate::read::Reader;
use crate::rows::Rows;
use crate::standings;
use crate::store::State;

/// Most inbox bodies that one commit removes; the rest waits, unseen.
const INBOX_REMOVED_PER_COMMIT_MAX: u64 = 1_000;

/// What a commit will change.
pub(crate) struct Plan<'a> {
    rows: &'a Rows,
    /// The meta row after the commit.
    pub meta: Meta,
    /// What the commit changes in the index.
    pub ops: Vec<Op>,
    /// Payloads to put; `None` = remove.
    pub changed: BTreeMap<Key, Option<Vec<u8>>>,
}

/// All of a delivery that its own end has to know.
#[derive(Deserialize)]
struct DueTime {
    due: Timestamp,
}

/// Which count a table's rows are counted in.
pub(crate) type Count = fn(&mut Meta) -> &mut u64;

impl<'a> Plan<'a> {
    /// Plans a set that keeps the rules.
    ///
    /// # Errors
    /// When a row cannot be read or written.
    pub fn new(reader: &Reader<'a>, state: &State, mut set: WriteSet) -> Result<Self, Error> {
        let rows = reader.rows;
        let mut plan =
            Self { rows, meta: state.meta.clone(), ops: Vec::new(), changed: BTreeMap::new() };
        if let Some(continued) = set.continued {
            plan.meta.continue_from(continued);
        }
        plan.meta.stats.seq += 1;
        plan.meta.counters = set.counters.unwrap_or(plan.meta.counters);
        plan.meta.instant = plan.meta.instant.max(set.at);
        plan.meta.history_from = plan.meta.history_from.max(set.history_from);
        plan.log(&set);
        plan.conflicts(&set)?;
        standings::plan(&mut plan, &set)?;
        let people = People::new(state, &mut plan.meta).plan(&mut set)?;
        plan.ops = people.ops;
        plan.changed.extend(people.blocks.into_iter().map(|(key, block)| (key, Some(block))));
        let (gone, news) = (std::mem::take(&mut set.events_gone), std::mem::take(&mut set.events));
        let events = events::plan(reader, &mut plan.meta, &gone, news)?;
        plan.ops.extend(events.ops);
        plan.changed.extend(events.rows);
        let seq = plan.meta.seq();
        for (place, piece) in (0_u32..).zip(delta::pieces(&plan.ops)) {
            plan.changed.insert(keys::delta(seq, place), Some(piece));
        }
        plan.set(set)?;
        let meta = json(&plan.meta)?;
        plan.changed.insert(keys::all(keys::table::META), Some(meta));
        Ok(plan)
    }

    fn set(&mut self, set: WriteSet) -> Result<(), Error> {
        self.deliveries(&set)?;
        self.quarantine(&set)?;
        self.runs(&set)?;
        let ledger = ledger::plan(self.rows, &mut self.meta, &set.unwritten, &set.written)?;
        self.changed.extend(ledger);
        for change in &set.positions {
            self.changed.insert(keys::position(&change.name), change.new.clone());
        }
        for review in &set.closed {
            self.changed.insert(keys::review(review), None);
        }
        for review in &set.reviews {
            self.changed.insert(keys::review(review), Some(Vec::new()));
        }
        for decision in &set.decisions {
            self.changed.insert(keys::decision(decision.stamp), Some(json(decision)?));
        }
        for (connection, name, sealed) in &set.tokens {
            self.changed.insert(keys::token(connection, name), sealed.clone());
        }
        self.inbox(set);
        Ok(())
    }

    /// Which profiles have a conflict follows from what is put: an index of them.
    fn conflicts(&mut self, set: &WriteSet) -> Result<(), Error> {
        let count: Count = |meta| &mut meta.conflicted;
        let gone = set.erased_profiles.iter().chain(set.aliases.iter().map(|(id, _)| id));
        for id in gone {
            if self.meta.conflicted > 0 {
                self.remove(keys::conflict(*id), count)?;
            }
        }
        for profile in &set.profiles {
            let key = keys::conflict(profile.id);
            if !profile.conflicts.is_empty() {
                self.put(key, Vec::new(), count)?;
            } else if self.meta.conflicted > 0 {
                self.remove(key, count)?;
            }
        }
        Ok(())
    }

    fn log(&mut self, set: &WriteSet) {
        let entry = log::pack(&set.changes);
        self.changed.insert(keys::log(self.meta.seq()), Some(entry));
    }

    fn deliveries(&mut self, set: &WriteSet) -> Result<(), Error> {
        for key in &set.settled {
            self.forget_due(key)?;
            self.remove(keys::pending(key), |meta| &mut meta.stats.pending)?;
        }
        for pending in &set.pending {
            self.forget_due(&pending.key)?;
            let row = json(pending)?;
            self.put(keys::pending(&pending.key), row, |meta| &mut meta.stats.pending)?;
            self.changed.insert(keys::due(&pending.key, pending.due), Some(Vec::new()));
        }
        Ok(())
    }

    fn forget_due(&mut self, key: &PendingKey) -> Result<(), Error> {
        let row = keys::pending(key);
        if let Some(payload) = self.payload(&row)? {
            let stored: DueTime = crate::rows::decoded(&row, &payload)?;
            self.changed.insert(keys::due(key, stored.due), None);
        }
        Ok(())
    }

    fn quarantine(&mut self, set: &WriteSet) -> Result<(), Error> {
        let count: Count = |meta| &mut meta.stats.quarantined;
        for (stream, key) in &set.released {
            if self.meta.stats.quarantined == 0 {
                break; // the usual case, without a look at the tree per row
            }
            self.remove(keys::rejected(stream, key), count)?;
        }
        self.discarded(set)?;
        let mut keyless = BTreeSet::new();
        for row in &set.quarantined {
            let key = self.place_of(row);
            self.put(key, json(row)?, count)?;
            if row.key.is_none() {
                keyless.insert(&row.stream);
            }
        }
        for stream in keyless {
            self.drop_keyless(stream)?;
        }
        Ok(())
    }

    fn discarded(&mut self, set: &WriteSet) -> Result<(), Error> {
        for row in &set.discarded {
            let places = match &row.key {
                Some(key) => BTreeSet::from([keys::rejected(&row.stream, key)]),
                None => self.keys(&keys::rejected_keyless(&row.stream))?,
            };
            let wanted = json(row)?;
            for place in places {
                if self.payload(&place)?.as_ref() == Some(&wanted) {
                    self.remove(place, |meta| &mut meta.stats.quarantined)?;
                }
            }
        }
        Ok(())
    }

    fn place_of(&mut self, row: &Quarantined) -> Key {
        match &row.key {
            Some(key) => keys::rejected(&row.stream, key),
            None => {
                self.meta.keyless_last += 1;
                keys::rejected_number(&row.stream, self.meta.keyless_last)
            }
        }
    }

    fn drop_keyless(&mut self, stream: &StreamRef) -> Result<(), Error> {
        let kept = self.keys(&keys::rejected_keyless(stream))?;
        let surplus = kept.len().saturating_sub(QUARANTINED_KEYLESS_ROWS_MAX);
        for key in kept.into_iter().take(surplus) {
            self.remove(key, |meta| &mut meta.stats.quarantined)?;
        }
        Ok(())
    }

    fn runs(&mut self, set: &WriteSet) -> Result<(), Error> {
        let mut syncs = BTreeSet::new();
        for run in &set.runs {
            self.put(keys::run(&run.id), json(run)?, |meta| &mut meta.stats.runs)?;
            self.changed.insert(keys::run_of(&run.sync, &run.id), Some(Vec::new()));
            syncs.insert(&run.sync);
        }
        for sync in syncs {
            self.drop_runs(sync)?;
        }
        Ok(())
    }

    fn drop_runs(&mut self, sync: &SyncId) -> Result<(), Error> {
        let prefix = keys::runs_of(sync);
        let kept = self.keys(&prefix)?;
        let surplus = kept.len().saturating_sub(RUNS_KEPT_MAX);
        for key in kept.into_iter().take(surplus) {
            let id = key.get(prefix.len()..).unwrap_or_default();
            let row = [&keys::all(keys::table::RUN), id].concat();
            self.remove(row, |meta| &mut meta.stats.runs)?;
            self.changed.insert(key, None);
        }
        Ok(())
    }

    fn inbox(&mut self, set: WriteSet) {
        let done = inbox_done(&set);
        for body in set.inbox {
            self.meta.inbox_last += 1;
            self.changed.insert(keys::inbox(self.meta.inbox_last), Some(body));
        }
        let meta = &mut self.meta;
        if let Some(done) = done {
            meta.inbox_done = meta.inbox_done.max(done.min(meta.inbox_last));
        }
        let until = meta.inbox_done.min(meta.inbox_removed + INBOX_REMOVED_PER_COMMIT_MAX);
        for seq in meta.inbox_removed + 1..=until {
            self.changed.insert(keys::inbox(seq), None);
        }
        meta.inbox_removed = until;
    }

    /// The payload of a row as it will be.
    pub fn payload(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.changed.get(key) {
            Some(planned) => Ok(planned.clone()),
            None => self.rows.payload(key),
        }
    }

    fn exists(&self, key: &[u8]) -> Result<bool, Error> {
        match self.changed.get(key) {
            Some(planned) => Ok(planned.is_some()),
            None => Ok(self.rows.raw(key)?.is_some()),
        }
    }

    /// The keys that begin with a prefix, as they will be.
    fn keys(&self, prefix: &[u8]) -> Result<BTreeSet<Key>, Error> {
        let mut found = BTreeSet::new();
        for stored in self.rows.stored(prefix, None) {
            found.insert(stored?.0.to_vec());
        }
        for (key, planned) in self.changed.range(prefix.to_vec()..keys::end_of(prefix)) {
            match planned {
                Some(_) => found.insert(key.clone()),
                None => found.remove(key),
            };
        }
        Ok(found)
    }

    /// Puts a row, and counts it if it is new.
    pub fn put(&mut self, key: Key, payload: Vec<u8>, count: Count) -> Result<(), Error> {
        if !self.exists(&key)? {
            *count(&mut self.meta) += 1;
        }
        self.changed.insert(key, Some(payload));
        Ok(())
    }

    /// Removes a row, if it is there.
    pub fn remove(&mut self, key: Key, count: Count) -> Result<(), Error> {
        if self.exists(&key)? {
            let count = count(&mut self.meta);
            *count = count.saturating_sub(1);
            self.changed.insert(key, None);
        }
        Ok(())
    }
}

/// A row as it is kept.
pub(crate) fn json(row: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(row).map_err(|error| Error::Refused(format!("a row is not JSON: {error}")))
}
