//! Reading: what the port asks, from rows, at one moment.

use std::collections::BTreeSet;

use hub_model::{
    Change, ChangeKind, Claim, CommitSeq, Decision, Identity, Pending, PositionName, Profile,
    ProfileId, Quarantined, Record, RecordNo, RecordRef, RemoteKey, Run, Stamp, StreamRef, SyncId,
    Timestamp,
};
use hub_store::{Counters, Error, InboxEntry, LogPage, Review, View};

use crate::keys::{self, Key, table};
use crate::meta::Meta;
use crate::rows::{Rows, decoded};

/// The rows and the meta row of one moment.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub rows: &'a Rows,
    pub meta: &'a Meta,
}

impl View for Reader<'_> {
    fn counters(&self) -> Result<Counters, Error> {
        Ok(self.meta.counters)
    }

    fn record(&self, number: RecordNo) -> Result<Option<Record>, Error> {
        self.rows.row(&keys::record(number))
    }

    fn number(&self, at: &RecordRef) -> Result<Option<RecordNo>, Error> {
        Ok(self.rows.number(&keys::number_of(at))?.map(RecordNo))
    }

    fn profile(&self, id: ProfileId) -> Result<Option<Profile>, Error> {
        self.rows.row(&keys::profile(id))
    }

    fn alias(&self, id: ProfileId) -> Result<Option<ProfileId>, Error> {
        Ok(self.rows.number(&keys::alias(id))?.map(ProfileId))
    }

    fn claim(&self, identity: &Identity) -> Result<Option<Claim>, Error> {
        self.rows.row(&keys::claim(identity))
    }

    fn position(&self, name: &PositionName) -> Result<Option<Vec<u8>>, Error> {
        self.rows.payload(&keys::position(name))
    }

    fn decision(&self, stamp: Stamp) -> Result<Option<Decision>, Error> {
        self.rows.row(&keys::decision(stamp))
    }

    fn inbox_entries(&self) -> Result<u64, Error> {
        Ok(self.meta.inbox_last - self.meta.inbox_done)
    }

    fn inbox_last(&self) -> Result<u64, Error> {
        Ok(self.meta.inbox_last)
    }
}

impl Reader<'_> {
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
            let (seq, changes) = read_log(&key, &payload)?;
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
        let after = after.map(keys::profile);
        let rows = self.rows.scan(&keys::all(table::PROFILE), after.as_deref()).take(limit);
        rows.map(decoded_row).collect()
    }

    pub fn scan_records(
        &self,
        stream: &StreamRef,
        after: Option<&RemoteKey>,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        let after = after
            .map(|key| keys::number_of(&RecordRef { stream: stream.clone(), key: key.clone() }));
        let mut found = Vec::new();
        for row in self.rows.scan(&keys::numbers(stream), after.as_deref()).take(limit) {
            let number = keys::last_number(&row?.1).map(RecordNo);
            let record = number.map_or(Ok(None), |number| self.record(number))?;
            found.push(record.ok_or_else(|| missing("record", "its key"))?);
        }
        Ok(found)
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

    pub fn pending_of(&self, sync: &SyncId, profile: ProfileId) -> Result<Vec<Pending>, Error> {
        let mut family = BTreeSet::from([self.resolve(profile)?]);
        let mut look: Vec<ProfileId> = family.iter().copied().collect();
        while let Some(id) = look.pop() {
            for stored in self.rows.stored(&keys::absorbed_by(id), None) {
                let absorbed = keys::last_number(&stored?.0).map(ProfileId);
                look.extend(absorbed.filter(|absorbed| family.insert(*absorbed)));
            }
        }
        let mut found = Vec::new();
        for id in family {
            for row in self.rows.scan(&keys::pending_of(sync, id), None) {
                found.push(decoded_row(row)?);
            }
        }
        Ok(found)
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

fn missing(what: &str, by: &str) -> Error {
    Error::Corrupt(format!("a {what} is not found by {by}"))
}

fn decoded_row<T: serde::de::DeserializeOwned>(
    row: Result<(Key, Vec<u8>), Error>,
) -> Result<T, Error> {
    let (key, payload) = row?;
    decoded(&key, &payload)
}

/// A commit of the log from its row.
pub(crate) fn read_log(key: &[u8], payload: &[u8]) -> Result<(CommitSeq, Vec<Change>), Error> {
    let seq = keys::last_number(key).map(CommitSeq).ok_or_else(|| missing("commit", "its key"))?;
    let changes: Vec<(ProfileId, ChangeKind)> = decoded(key, payload)?;
    let changes = changes.into_iter().map(|(profile, kind)| Change { seq, profile, kind });
    Ok((seq, changes.collect()))
}
