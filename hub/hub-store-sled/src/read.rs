//! Reading: what the port asks, from rows, at one moment.

use std::collections::BTreeSet;

use hub_model::{
    Claim, CommitSeq, Decision, Event, Identity, Pending, PositionName, Profile, ProfileId,
    Quarantined, Record, RecordNo, RecordRef, Related, Run, Stamp, StreamRef, SyncId, Timestamp,
};
use hub_store::dump::Rows as Told;
use hub_store::{
    Became, Counters, Error, InboxEntry, Known, LogPage, Moment, Review, Version, View,
};

use crate::block::{Blocks, Location, damaged};
use crate::index::{HashKey, Index};
use crate::keys::{self, Key, table};
use crate::log;
use crate::meta::Meta;
use crate::pack::{record, version};
use crate::rows::{Rows, decoded};

/// The rows, and what is known of them, at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub rows: &'a Rows,
    pub blocks: &'a Blocks,
    pub meta: &'a Meta,
    pub index: &'a Index,
}

impl View for Reader<'_> {
    fn seq(&self) -> Result<CommitSeq, Error> {
        Ok(self.meta.seq())
    }

    fn counters(&self) -> Result<Counters, Error> {
        Ok(self.meta.counters)
    }

    fn record(&self, number: RecordNo) -> Result<Option<Record>, Error> {
        let Some(at) = self.index.record(number) else { return Ok(None) };
        let found = self.blocks.row(table::RECORD, at, record::read)?;
        if found.number == number { Ok(Some(found)) } else { Err(misplaced(table::RECORD, at)) }
    }

    fn has_record(&self, number: RecordNo) -> Result<bool, Error> {
        Ok(self.index.record(number).is_some())
    }

    fn number(&self, at: &RecordRef) -> Result<Option<RecordNo>, Error> {
        Ok(self.index.number(self.hash_key().row(at)))
    }

    fn profile(&self, id: ProfileId) -> Result<Option<Profile>, Error> {
        let Some(at) = self.index.profile(id) else { return Ok(None) };
        let found = self.blocks.row(table::PROFILE, at, version::read_profile)?;
        if found.id == id { Ok(Some(found)) } else { Err(misplaced(table::PROFILE, at)) }
    }

    fn alias(&self, id: ProfileId) -> Result<Option<ProfileId>, Error> {
        Ok(self.index.alias(id))
    }

    fn claim(&self, identity: &Identity) -> Result<Option<Claim>, Error> {
        Ok(self.index.claim(self.hash_key().identity(identity)))
    }

    fn is_related(&self, to: &Related, number: RecordNo) -> Result<bool, Error> {
        Ok(self.index.is_related(self.hash_key().related(to), number))
    }

    fn position(&self, name: &PositionName) -> Result<Option<Vec<u8>>, Error> {
        self.rows.payload(&keys::position(name))
    }

    fn decision(&self, stamp: Stamp) -> Result<Option<Decision>, Error> {
        self.rows.row(&keys::decision(stamp))
    }

    fn event(&self, at: &RecordRef) -> Result<Option<Event>, Error> {
        Ok(self.kept(at)?.map(|(_, kept)| kept.event))
    }

    fn inbox_entries(&self) -> Result<u64, Error> {
        Ok(self.meta.inbox_last - self.meta.inbox_done)
    }

    fn inbox_last(&self) -> Result<u64, Error> {
        Ok(self.meta.inbox_last)
    }

    fn instant(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.meta.instant)
    }

    fn history_from(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.meta.history_from)
    }

    fn forgotten(&self, number: RecordNo) -> Result<Option<CommitSeq>, Error> {
        Ok(self.index.forgotten(number))
    }

    fn versions(&self, id: ProfileId) -> Told<'_, Version> {
        let Some(mut next) = self.index.newest(id) else {
            // Absorbed before history was kept.
            let absorbed = self.index.alias(id).map(Became::Absorbed);
            let known = |became| Ok(Version { since: Moment::default(), became });
            return Box::new(absorbed.into_iter().map(known));
        };
        Box::new(std::iter::from_fn(move || {
            if next == Location::NONE {
                return None;
            }
            let at = std::mem::replace(&mut next, Location::NONE);
            Some(self.blocks.version(at).and_then(|(row, since)| {
                // A version lies before those that replaced it.
                if row.id != id || row.head.before.0 >= at.0 {
                    return Err(misplaced(table::PROFILE, at));
                }
                next = row.head.before;
                Ok(Version { since, became: row.became })
            }))
        }))
    }
}

impl Reader<'_> {
    pub const fn hash_key(&self) -> HashKey {
        HashKey(self.meta.hash_key)
    }

    pub fn known(&self, at: &RecordRef) -> Result<Option<Known>, Error> {
        let number = self.number(at)?;
        Ok(number.map(|number| Known { number, mark: self.index.mark(number) }))
    }

    pub fn by_ref(&self, at: &RecordRef) -> Result<Option<Record>, Error> {
        self.number(at)?.map_or(Ok(None), |number| self.record(number))
    }

    pub fn log_page(&self, after: CommitSeq, limit: usize) -> Result<LogPage, Error> {
        let head = self.meta.seq();
        let mut page = LogPage { changes: Vec::new(), next: head, head };
        if after >= head {
            return Ok(page);
        }
        for row in self.rows.scan(&keys::all(table::LOG), Some(&keys::log(after))) {
            let (key, payload) = row?;
            let (seq, changes) = log::read(&key, &payload)?;
            let full = page.changes.len() + changes.len() > limit.max(1);
            if full && !page.changes.is_empty() && !changes.is_empty() {
                page.next = CommitSeq(seq.0 - 1);
                break;
            }
            page.changes.extend(changes);
        }
        Ok(page)
    }

    pub fn scan_profiles(
        &self,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<Profile>, Error> {
        let ids = self.index.profiles_after(after).take(limit);
        let found = ids.map(|id| self.profile(id)?.ok_or_else(|| missing("profile", "its id")));
        found.collect()
    }

    pub fn scan_records(
        &self,
        stream: &StreamRef,
        after: Option<RecordNo>,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        let numbers = self.index.records_of(stream, after).take(limit);
        let found =
            numbers.map(|no| self.record(no)?.ok_or_else(|| missing("record", "its number")));
        found.collect()
    }

    pub fn related(
        &self,
        to: &[Related],
        below: Option<RecordNo>,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        let mut numbers: BTreeSet<RecordNo> = BTreeSet::new();
        for end in to {
            numbers.extend(self.index.related(self.hash_key().related(end), below).take(limit));
        }
        let newest = numbers.into_iter().rev().take(limit);
        let found =
            newest.map(|no| self.record(no)?.ok_or_else(|| missing("record", "a relation")));
        found.collect()
    }

    pub fn pending_due(
        &self,
        sync: &SyncId,
        due: Timestamp,
        limit: usize,
    ) -> Result<Vec<Pending>, Error> {
        // One table is in order of due times, the answer in order of keys.
        let end = match due.0.checked_add(1) {
            Some(next) => keys::due_from(sync, Timestamp(next)),
            None => keys::end_of(&keys::due_of_sync(sync)),
        };
        let mut wanted: BTreeSet<Key> = BTreeSet::new();
        for stored in self.rows.stored(&keys::due_of_sync(sync), None) {
            let (key, _) = stored?;
            if *key >= *end {
                break;
            }
            wanted.extend(keys::pending_of_due(sync, &key));
        }
        let rows = wanted.iter().take(limit).map(|key| self.rows.row(key));
        rows.map(|row| row?.ok_or_else(|| missing("delivery", "its due time"))).collect()
    }

    pub fn pending_of(&self, sync: &SyncId, profiles: &[ProfileId]) -> Result<Vec<Pending>, Error> {
        if self.meta.stats.pending == 0 {
            return Ok(Vec::new());
        }
        let mut family: BTreeSet<ProfileId> =
            profiles.iter().map(|id| self.resolve(*id)).collect::<Result<_, _>>()?;
        let mut look: Vec<ProfileId> = family.iter().copied().collect();
        while let Some(id) = look.pop() {
            let absorbed = self.index.absorbed_by(id);
            look.extend(absorbed.filter(|absorbed| family.insert(*absorbed)));
        }
        let mut found = Vec::new();
        for id in family {
            for row in self.rows.scan(&keys::pending_of(sync, id), None) {
                found.push(decoded_row(row)?);
            }
        }
        Ok(found)
    }

    pub fn conflicted(
        &self,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<Profile>, Error> {
        let after = after.map(keys::conflict);
        let rows = self.rows.scan(&keys::all(table::CONFLICT), after.as_deref()).take(limit);
        rows.map(|row| {
            let id = keys::last_number(&row?.0).map(ProfileId);
            let profile = id.map(|id| self.profile(id)).transpose()?.flatten();
            profile.ok_or_else(|| missing("profile", "its conflict"))
        })
        .collect()
    }

    pub fn decisions(&self) -> Result<Vec<Decision>, Error> {
        self.rows.scan(&keys::all(table::DECISION), None).map(decoded_row).collect()
    }

    pub fn quarantined(&self, after: usize, limit: usize) -> Result<Vec<Quarantined>, Error> {
        let rows = self.rows.scan(&keys::all(table::QUARANTINE), None);
        rows.skip(after).take(limit).map(decoded_row).collect()
    }

    pub fn reviews(&self, limit: usize) -> Result<Vec<Review>, Error> {
        let rows = self.rows.scan(&keys::all(table::REVIEW), None).take(limit);
        rows.map(|row| keys::read_review(&row?.0).ok_or_else(|| missing("review", "its key")))
            .collect()
    }

    pub fn runs(&self, sync: Option<&SyncId>, limit: usize) -> Result<Vec<Run>, Error> {
        let Some(sync) = sync else {
            let rows = self.rows.scan_back(&keys::all(table::RUN)).take(limit);
            return rows.map(decoded_row).collect();
        };
        let prefix = keys::runs_of(sync);
        let mut found = Vec::new();
        for row in self.rows.scan_back(&prefix).take(limit) {
            let key = row?.0;
            let id = key.get(prefix.len()..).unwrap_or_default();
            let run = self.rows.row(&[&keys::all(table::RUN), id].concat())?;
            found.push(run.ok_or_else(|| missing("run", "its sync"))?);
        }
        Ok(found)
    }

    pub fn inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxEntry>, Error> {
        let after = keys::inbox(after.max(self.meta.inbox_done));
        let rows = self.rows.scan(&keys::all(table::INBOX), Some(&after)).take(limit);
        rows.map(|row| {
            let (key, body) = row?;
            let seq = keys::last_number(&key).ok_or_else(|| missing("body", "its number"))?;
            Ok(InboxEntry { seq, body })
        })
        .collect()
    }
}

fn misplaced(table: u8, at: Location) -> Error {
    damaged(table, at.block())
}

fn missing(what: &str, by: &str) -> Error {
    Error::Corrupt(format!("a {what} is not found by {by}"))
}

fn decoded_row<T: serde::de::DeserializeOwned>(
    row: Result<(Key, Vec<u8>), Error>,
) -> Result<T, Error> {
    let (key, payload) = row?;
    decoded(&key, &payload)
}
