//! Sudden death: a fuse that burns with every effect, and a store that dies
//! with it. What was committed before stays; everything else is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use hub_model::{
    Claim, CommitSeq, Decision, Event, Fault, FaultCode, Identity, LedgerEntry, LedgerPlace,
    Pending, PositionName, Profile, ProfileId, Quarantined, Record, RecordNo, RecordRef, Related,
    Run, RunId, Standing, StreamRef, SyncId, Timestamp,
};
use hub_store::{
    AsOf, Counters, DumpCursor, DumpPage, Error, EventPage, EventPlace, HistoryPage, InboxEntry,
    Known, LogPage, MemoryStore, MovesPage, Review, Stats, Store, VerifyFinding, WriteSet,
};

/// Burns one step per effect; when it is burnt the process is dead.
#[derive(Debug)]
pub struct Fuse(AtomicI64);

impl Fuse {
    /// A fuse that never ends.
    pub fn endless() -> Self {
        Self(AtomicI64::new(i64::MAX))
    }

    /// The process will die after so many effects.
    pub fn set(&self, effects: i64) {
        self.0.store(effects, Ordering::SeqCst);
    }

    /// Whether the process is dead.
    pub fn is_burnt(&self) -> bool {
        self.0.load(Ordering::SeqCst) <= 0
    }

    /// One step.
    ///
    /// # Errors
    /// When the process is dead.
    pub fn burn(&self) -> Result<(), Fault> {
        if self.0.fetch_sub(1, Ordering::SeqCst) <= 1 {
            self.0.store(0, Ordering::SeqCst);
            return Err(Fault::new(FaultCode::Stopping));
        }
        Ok(())
    }
}

/// A store whose process may die before or after a commit.
pub struct MortalStore {
    body: Arc<MemoryStore>,
    fuse: Arc<Fuse>,
}

impl MortalStore {
    /// A mortal view of what is durable.
    pub fn new(body: Arc<MemoryStore>, fuse: Arc<Fuse>) -> Self {
        Self { body, fuse }
    }

    fn dead() -> Error {
        Error::Unavailable("the process died".to_owned())
    }

    fn alive(&self) -> Result<(), Error> {
        if self.fuse.is_burnt() { Err(Self::dead()) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for MortalStore {
    async fn commit(&self, set: WriteSet) -> Result<CommitSeq, Error> {
        self.fuse.burn().map_err(|_| Self::dead())?;
        let seq = self.body.commit(set).await?;
        self.fuse.burn().map_err(|_| Self::dead())?;
        Ok(seq)
    }
    async fn counters(&self) -> Result<Counters, Error> {
        self.alive()?;
        self.body.counters().await
    }
    async fn records(&self, numbers: &[RecordNo]) -> Result<Vec<Option<Record>>, Error> {
        self.alive()?;
        self.body.records(numbers).await
    }
    async fn records_by_ref(&self, refs: &[RecordRef]) -> Result<Vec<Option<Record>>, Error> {
        self.alive()?;
        self.body.records_by_ref(refs).await
    }
    async fn known(&self, refs: &[RecordRef]) -> Result<Vec<Option<Known>>, Error> {
        self.alive()?;
        self.body.known(refs).await
    }
    async fn profiles(&self, ids: &[ProfileId]) -> Result<Vec<Option<Profile>>, Error> {
        self.alive()?;
        self.body.profiles(ids).await
    }
    async fn claims(&self, identities: &[Identity]) -> Result<Vec<Claim>, Error> {
        self.alive()?;
        self.body.claims(identities).await
    }
    async fn position(&self, name: &PositionName) -> Result<Option<Vec<u8>>, Error> {
        self.alive()?;
        self.body.position(name).await
    }
    async fn log(&self, after: CommitSeq, limit: usize) -> Result<LogPage, Error> {
        self.alive()?;
        self.body.log(after, limit).await
    }
    async fn scan_profiles(
        &self,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<Profile>, Error> {
        self.alive()?;
        self.body.scan_profiles(after, limit).await
    }
    async fn profile_ids(
        &self,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<ProfileId>, Error> {
        self.alive()?;
        self.body.profile_ids(after, limit).await
    }
    async fn conflicted(
        &self,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<Profile>, Error> {
        self.alive()?;
        self.body.conflicted(after, limit).await
    }
    async fn scan_records(
        &self,
        stream: &StreamRef,
        after: Option<RecordNo>,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        self.alive()?;
        self.body.scan_records(stream, after, limit).await
    }
    async fn related(
        &self,
        to: &[Related],
        below: Option<RecordNo>,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        self.alive()?;
        self.body.related(to, below, limit).await
    }
    async fn pending(
        &self,
        sync: &SyncId,
        due: Timestamp,
        limit: usize,
    ) -> Result<Vec<Pending>, Error> {
        self.alive()?;
        self.body.pending(sync, due, limit).await
    }
    async fn pending_of(
        &self,
        sync: &SyncId,
        profiles: &[ProfileId],
    ) -> Result<Vec<Pending>, Error> {
        self.alive()?;
        self.body.pending_of(sync, profiles).await
    }
    async fn decisions(&self) -> Result<Vec<Decision>, Error> {
        self.alive()?;
        self.body.decisions().await
    }
    async fn quarantined(&self, after: usize, limit: usize) -> Result<Vec<Quarantined>, Error> {
        self.alive()?;
        self.body.quarantined(after, limit).await
    }
    async fn reviews(&self, limit: usize) -> Result<Vec<Review>, Error> {
        self.alive()?;
        self.body.reviews(limit).await
    }
    async fn runs(&self, sync: Option<&SyncId>, limit: usize) -> Result<Vec<Run>, Error> {
        self.alive()?;
        self.body.runs(sync, limit).await
    }
    async fn run(&self, id: &RunId) -> Result<Option<Run>, Error> {
        self.alive()?;
        self.body.run(id).await
    }
    async fn inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxEntry>, Error> {
        self.alive()?;
        self.body.inbox(after, limit).await
    }
    async fn history(
        &self,
        id: ProfileId,
        before: Option<CommitSeq>,
        limit: usize,
    ) -> Result<HistoryPage, Error> {
        self.alive()?;
        self.body.history(id, before, limit).await
    }
    async fn profile_as_of(&self, id: ProfileId, at: Timestamp) -> Result<AsOf, Error> {
        self.alive()?;
        self.body.profile_as_of(id, at).await
    }
    async fn token(&self, connection: &str, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.alive()?;
        self.body.token(connection, name).await
    }
    async fn events_by_ref(&self, refs: &[RecordRef]) -> Result<Vec<Option<Event>>, Error> {
        self.alive()?;
        self.body.events_by_ref(refs).await
    }
    async fn events(
        &self,
        of: &[Identity],
        before: Option<EventPlace>,
        limit: usize,
    ) -> Result<EventPage, Error> {
        self.alive()?;
        self.body.events(of, before, limit).await
    }
    async fn scan_events(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Event)>, Error> {
        self.alive()?;
        self.body.scan_events(after, limit).await
    }
    async fn standings(&self, ids: &[ProfileId]) -> Result<Vec<Standing>, Error> {
        self.alive()?;
        self.body.standings(ids).await
    }
    async fn members(
        &self,
        segment: &str,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<(ProfileId, Timestamp)>, Error> {
        self.alive()?;
        self.body.members(segment, after, limit).await
    }
    async fn member_count(&self, segment: &str) -> Result<u64, Error> {
        self.alive()?;
        self.body.member_count(segment).await
    }
    async fn standings_due(&self, at: Timestamp, limit: usize) -> Result<Vec<ProfileId>, Error> {
        self.alive()?;
        self.body.standings_due(at, limit).await
    }
    async fn moves(&self, after: CommitSeq, limit: usize) -> Result<MovesPage, Error> {
        self.alive()?;
        self.body.moves(after, limit).await
    }
    async fn written_about(
        &self,
        record: RecordNo,
    ) -> Result<Vec<(LedgerPlace, LedgerEntry)>, Error> {
        self.alive()?;
        self.body.written_about(record).await
    }
    async fn scan_written(
        &self,
        run: Option<&RunId>,
        after: Option<&LedgerPlace>,
        limit: usize,
    ) -> Result<Vec<(LedgerPlace, LedgerEntry)>, Error> {
        self.alive()?;
        self.body.scan_written(run, after, limit).await
    }
    async fn dump(&self, after: Option<DumpCursor>) -> Result<DumpPage, Error> {
        self.alive()?;
        self.body.dump(after).await
    }
    async fn stats(&self) -> Result<Stats, Error> {
        self.alive()?;
        self.body.stats().await
    }
    async fn verify(&self) -> Result<Vec<VerifyFinding>, Error> {
        self.alive()?;
        self.body.verify().await
    }
}
