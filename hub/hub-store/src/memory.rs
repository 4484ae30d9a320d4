//! The memory body: the port's meaning in the plainest form, for tests and for
//! simulations.
//!
//! One state of ordered maps behind one mutex; a commit is checked, then
//! applied whole, so there is no moment at which a crash could leave half of
//! it. What can go wrong with a real store is switched on by hand:
//! [`MemoryStore::fail_next`] refuses commits, [`MemoryStore::lose_answers`]
//! writes them and loses the answer, and [`MemoryStore::snapshot`] with
//! [`MemoryStore::restore`] is what survives a crash, or an older backup.

mod apply;
mod dump;
mod events;
mod ledger;
mod read;
mod state;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use hub_model::{
    Claim, CommitSeq, Decision, Event, Identity, LedgerEntry, LedgerPlace, Pending, PositionName,
    Profile, ProfileId, Quarantined, Record, RecordNo, RecordRef, Related, Run, RunId, Standing,
    StreamRef, SyncId, Timestamp,
};

use crate::dump::{self as dumping, DumpCursor, DumpPage};
use crate::history::{self, AsOf, HistoryPage};
use crate::rules;
use crate::store::{
    Error, EventPage, EventPlace, InboxEntry, Known, LogPage, MovesPage, Review, Stats, Store,
    VerifyFinding,
};
use crate::upkeep::{BackedUp, Compacted, Sizes, Tell, Upkeep};
use crate::view::View;
use crate::write_set::{Counters, WriteSet};

use state::State;

/// A store in memory. Dropped, it is gone.
#[derive(Debug, Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    state: Arc<State>,
    fail_next: u32,
    lose_answers: u32,
}

/// What a store held at one moment. Cheap to keep: it is copied only when the
/// store that it came from, or is restored to, is written.
#[derive(Debug, Clone)]
pub struct Snapshot(Arc<State>);

impl MemoryStore {
    /// What the store holds now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(Arc::clone(&self.lock().state))
    }

    /// Puts the store back to what it held; planned failures are forgotten.
    pub fn restore(&self, snapshot: &Snapshot) {
        *self.lock() = Inner { state: Arc::clone(&snapshot.0), ..Inner::default() };
    }

    /// The next so many commits write nothing and answer [`Error::Unavailable`].
    pub fn fail_next(&self, commits: u32) {
        self.lock().fail_next = commits;
    }

    /// The next so many commits are written, yet answer [`Error::Unavailable`]:
    /// what a process sees that dies between the write and the answer.
    pub fn lose_answers(&self, commits: u32) {
        self.lock().lose_answers = commits;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The state is replaced only by a commit that ran to its end.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Arc<State> {
        Arc::clone(&self.lock().state)
    }
}

impl Inner {
    fn commit(&mut self, set: WriteSet) -> Result<CommitSeq, Error> {
        if let Some(left) = self.fail_next.checked_sub(1) {
            self.fail_next = left;
            return Err(Error::Unavailable("the commit was made to fail".to_owned()));
        }
        if set.is_empty() {
            return Ok(self.state.seq);
        }
        rules::check(&set, &*self.state)?;
        let state = Arc::make_mut(&mut self.state);
        state.apply(set);
        if let Some(left) = self.lose_answers.checked_sub(1) {
            self.lose_answers = left;
            return Err(Error::Unavailable("the answer was made to be lost".to_owned()));
        }
        Ok(self.state.seq)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, set: WriteSet) -> Result<CommitSeq, Error> {
        self.lock().commit(set)
    }

    async fn counters(&self) -> Result<Counters, Error> {
        Ok(self.read().counters)
    }

    async fn records(&self, numbers: &[RecordNo]) -> Result<Vec<Option<Record>>, Error> {
        let state = self.read();
        Ok(numbers.iter().map(|number| state.records.get(number).cloned()).collect())
    }

    async fn records_by_ref(&self, refs: &[RecordRef]) -> Result<Vec<Option<Record>>, Error> {
        let state = self.read();
        Ok(refs.iter().map(|at| state.by_ref(at).cloned()).collect())
    }

    async fn known(&self, refs: &[RecordRef]) -> Result<Vec<Option<Known>>, Error> {
        let state = self.read();
        Ok(refs.iter().map(|at| state.known(at)).collect())
    }

    async fn profiles(&self, ids: &[ProfileId]) -> Result<Vec<Option<Profile>>, Error> {
        let state = self.read();
        ids.iter().map(|id| state.profile(state.resolve(*id)?)).collect()
    }

    async fn claims(&self, identities: &[Identity]) -> Result<Vec<Claim>, Error> {
        let state = self.read();
        identities.iter().map(|identity| state.resolved_claim(identity)).collect()
    }

    async fn position(&self, name: &PositionName) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.read().positions.get(name).cloned())
    }

    async fn log(&self, after: CommitSeq, limit: usize) -> Result<LogPage, Error> {
        Ok(self.read().log_page(after, limit))
    }

    async fn scan_profiles(
        &self,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<Profile>, Error> {
        Ok(self.read().scan_profiles(after, limit))
    }

    async fn profile_ids(
        &self,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<ProfileId>, Error> {
        Ok(self.read().profile_ids(after, limit))
    }

    async fn conflicted(
        &self,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<Profile>, Error> {
        Ok(self.read().conflicted(after, limit))
    }

    async fn scan_records(
        &self,
        stream: &StreamRef,
        after: Option<RecordNo>,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        Ok(self.read().scan_records(stream, after, limit))
    }

    async fn related(
        &self,
        to: &[Related],
        below: Option<RecordNo>,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        Ok(self.read().related(to, below, limit))
    }

    async fn pending(
        &self,
        sync: &SyncId,
        due: Timestamp,
        limit: usize,
    ) -> Result<Vec<Pending>, Error> {
        Ok(self.read().pending_due(sync, due, limit))
    }

    async fn pending_of(
        &self,
        sync: &SyncId,
        profiles: &[ProfileId],
    ) -> Result<Vec<Pending>, Error> {
        self.read().pending_of(sync, profiles)
    }

    async fn decisions(&self) -> Result<Vec<Decision>, Error> {
        Ok(self.read().decisions.values().cloned().collect())
    }

    async fn quarantined(&self, after: usize, limit: usize) -> Result<Vec<Quarantined>, Error> {
        Ok(self.read().quarantined().skip(after).take(limit).cloned().collect())
    }

    async fn reviews(&self, limit: usize) -> Result<Vec<Review>, Error> {
        Ok(self.read().reviews.iter().take(limit).cloned().collect())
    }

    async fn runs(&self, sync: Option<&SyncId>, limit: usize) -> Result<Vec<Run>, Error> {
        let state = self.read();
        let wanted = |run: &&Run| sync.is_none_or(|sync| run.sync == *sync);
        Ok(state.runs.values().rev().filter(wanted).take(limit).cloned().collect())
    }

    async fn run(&self, id: &RunId) -> Result<Option<Run>, Error> {
        Ok(self.read().runs.get(id).cloned())
    }

    async fn inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxEntry>, Error> {
        let state = self.read();
        let later = state.inbox.iter().filter(|(seq, _)| **seq > after).take(limit);
        Ok(later.map(|(seq, body)| InboxEntry { seq: *seq, body: body.clone() }).collect())
    }

    async fn history(
        &self,
        id: ProfileId,
        before: Option<CommitSeq>,
        limit: usize,
    ) -> Result<HistoryPage, Error> {
        history::page(&*self.read(), id, before, limit)
    }

    async fn profile_as_of(&self, id: ProfileId, at: Timestamp) -> Result<AsOf, Error> {
        history::as_of(&*self.read(), id, at)
    }

    async fn token(&self, connection: &str, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let key = (connection.to_owned(), name.to_owned());
        Ok(self.read().tokens.get(&key).cloned())
    }

    async fn events_by_ref(&self, refs: &[RecordRef]) -> Result<Vec<Option<Event>>, Error> {
        let state = self.read();
        Ok(refs.iter().map(|at| state.events.by_ref(at).cloned()).collect())
    }

    async fn events(
        &self,
        of: &[Identity],
        before: Option<EventPlace>,
        limit: usize,
    ) -> Result<EventPage, Error> {
        Ok(self.read().events.page(of, before, limit))
    }

    async fn scan_events(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Event)>, Error> {
        let state = self.read();
        Ok(state.events.after(after).take(limit).map(|(number, e)| (number, e.clone())).collect())
    }

    async fn standings(&self, ids: &[ProfileId]) -> Result<Vec<Standing>, Error> {
        let state = self.read();
        let of = |id: &ProfileId| {
            state.standings.get(id).cloned().unwrap_or_else(|| Standing::none(*id))
        };
        Ok(ids.iter().map(of).collect())
    }

    async fn members(
        &self,
        segment: &str,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<(ProfileId, Timestamp)>, Error> {
        Ok(self.read().members(segment, after).take(limit).collect())
    }

    async fn member_count(&self, segment: &str) -> Result<u64, Error> {
        Ok(self.read().members(segment, None).count() as u64)
    }

    async fn standings_due(&self, at: Timestamp, limit: usize) -> Result<Vec<ProfileId>, Error> {
        Ok(self.read().standings_due(at, limit))
    }

    async fn moves(&self, after: CommitSeq, limit: usize) -> Result<MovesPage, Error> {
        Ok(self.read().moves_page(after, limit))
    }

    async fn written_about(
        &self,
        record: RecordNo,
    ) -> Result<Vec<(LedgerPlace, LedgerEntry)>, Error> {
        Ok(self.read().ledger.about(record))
    }

    async fn scan_written(
        &self,
        run: Option<&RunId>,
        after: Option<&LedgerPlace>,
        limit: usize,
    ) -> Result<Vec<(LedgerPlace, LedgerEntry)>, Error> {
        let state = self.read();
        let found = state.ledger.after(run, after).take(limit);
        Ok(found.map(|(place, entry)| (place.clone(), entry.clone())).collect())
    }

    async fn dump(&self, after: Option<DumpCursor>) -> Result<DumpPage, Error> {
        dumping::page(&*self.read(), after)
    }

    async fn stats(&self) -> Result<Stats, Error> {
        Ok(self.read().stats())
    }

    async fn verify(&self) -> Result<Vec<VerifyFinding>, Error> {
        self.read().verify()
    }
}

/// There are no files to look after.
#[async_trait]
impl Upkeep for MemoryStore {
    async fn compact(&self, _: Tell) -> Result<Compacted, Error> {
        Ok(Compacted { bytes_before: 0, bytes_after: 0 })
    }

    async fn sizes(&self) -> Result<Sizes, Error> {
        let state = self.read();
        Ok(Sizes { log_start: state.log_start.0, log_end: state.seq.0, ..Sizes::default() })
    }

    async fn backup(&self, _: PathBuf, _: Tell) -> Result<BackedUp, Error> {
        Err(Error::Refused("a store in memory has no files to back up".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot read its store has failed")]

    use super::{Error, MemoryStore, Store, WriteSet};
    use crate::conformance::fixtures;

    #[tokio::test]
    async fn failures_are_made_on_demand() {
        let store = MemoryStore::default();
        store.commit(fixtures::person(1)).await.unwrap();
        let before = store.snapshot();
        store.fail_next(1);
        assert!(matches!(store.commit(fixtures::person(2)).await, Err(Error::Unavailable(_))));
        assert_eq!(store.stats().await.unwrap().seq, 1);
        store.lose_answers(1);
        assert!(matches!(store.commit(fixtures::person(2)).await, Err(Error::Unavailable(_))));
        assert_eq!(store.stats().await.unwrap().seq, 2);
        store.restore(&before);
        assert_eq!(store.stats().await.unwrap().seq, 1);
        assert_eq!(store.commit(WriteSet::default()).await.unwrap().0, 1);
        assert_eq!(store.commit(fixtures::person(2)).await.unwrap().0, 2);
    }
}

crate::store_conformance!(crate::conformance::MemorySubject::fresh);
