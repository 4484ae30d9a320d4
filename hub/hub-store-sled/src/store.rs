//! The store as its callers see it.

mod shared;
mod upkeep;

use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::thread::{self, JoinHandle};

use async_trait::async_trait;
use hub_model::{
    Claim, CommitSeq, Decision, Event, Identity, LedgerEntry, LedgerPlace, Pending, PositionName,
    Profile, ProfileId, Quarantined, Record, RecordNo, RecordRef, Related, Run, RunId, Standing,
    StreamRef, SyncId, Timestamp, WorkspaceId,
};
use hub_store::history::{self, AsOf, HistoryPage};
use hub_store::{
    Counters, DumpCursor, DumpPage, Error, EventPage, EventPlace, InboxEntry, Known, LogPage,
    MovesPage, Review, Stats, Store, VerifyFinding, View, WriteSet,
};
use tokio::sync::{mpsc, oneshot};

use crate::block::Blocks;
use crate::commit::Job;
use crate::copy::Tap;
use crate::fault;
use crate::index::Index;
use crate::keys;
use crate::ledger;
use crate::meta::Meta;
use crate::open::{self, Mode};
use crate::place::Place;
use crate::read::Reader;
use crate::rows::Rows;
use crate::verify;

/// How many commits may wait for the writer; further callers wait themselves.
const WAITING_COMMITS_MAX: usize = 64;

/// One workspace's store in a directory of its own.
///
/// Its calls need a Tokio runtime. A commit whose caller is dropped while it
/// waits may still be written. Reads of many rows hold up the next commit until
/// they are done; `verify` reads all of them.
pub struct SledStore {
    // Replaced when the store goes on with a compacted copy.
    shared: Arc<RwLock<Arc<Shared>>>,
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

/// What is in memory of the newest commit.
pub(crate) struct State {
    pub meta: Meta,
    pub index: Index,
}

/// What readers and the writer share.
pub(crate) struct Shared {
    pub rows: Rows,
    blocks: Blocks,
    // Guards the rows too: held for writing while a batch is applied.
    state: RwLock<State>,
    failed: OnceLock<String>,
    suspect: Option<String>,
    full: bool,
    /// Where commits are noted while a copy is made.
    pub tap: Tap,
    // Last, so that the files are closed before the lock is released.
    pub place: Place,
}

impl SledStore {
    /// Opens the store in a directory, or makes one there.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process has it open, [`Error::Unavailable`]
    /// when it belongs to another workspace, when its format is newer, and when
    /// it was rolled back; [`Error::Full`] without space; [`Error::Corrupt`] when damaged.
    pub fn open(dir: &Path, workspace: &WorkspaceId) -> Result<Self, Error> {
        Self::start(dir, Some(workspace), Mode::Create)
    }

    /// Opens the store in a directory.
    ///
    /// # Errors
    /// As [`SledStore::open`], and [`Error::Unavailable`] when there is none.
    pub fn open_existing(dir: &Path, workspace: &WorkspaceId) -> Result<Self, Error> {
        Self::start(dir, Some(workspace), Mode::Existing)
    }

    /// Opens a store to look at it, of whatever workspace and even when the
    /// witness says that it was rolled back; `verify` then says so. Commits are
    /// refused.
    ///
    /// # Errors
    /// As [`SledStore::open_existing`], but for the two that are named.
    pub fn inspect(dir: &Path) -> Result<Self, Error> {
        Self::start(dir, None, Mode::Inspect)
    }

    fn start(dir: &Path, workspace: Option<&WorkspaceId>, mode: Mode) -> Result<Self, Error> {
        let opened = open::open(dir, workspace, mode)?;
        let (shared, writer) = Shared::of(opened);
        let current = Arc::new(RwLock::new(shared));
        if mode == Mode::Inspect {
            return Ok(Self { shared: current, jobs: None, writer: None });
        }
        let (jobs, waiting) = mpsc::channel(WAITING_COMMITS_MAX);
        let writer = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(waiting))
            .map_err(|error| fault::io("starting the writer", &error))?;
        Ok(Self { shared: current, jobs: Some(jobs), writer: Some(writer) })
    }

    /// The workspace that the store belongs to.
    pub fn workspace(&self) -> WorkspaceId {
        self.shared().state().meta.workspace.clone()
    }

    /// What is read now.
    fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a copy on a thread that may wait for the disk.
    async fn copying<T: Send + 'static>(
        &self,
        copy: impl FnOnce(&Live) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let jobs = self.jobs.clone();
        let jobs = jobs.ok_or_else(|| Error::Unavailable("the store is only looked at".into()))?;
        let live = Live { current: Arc::clone(&self.shared), jobs: jobs.downgrade() };
        drop(jobs);
        blocking("copying", move || copy(&live)).await
    }

    /// Finishes the commit under way and closes the files. Dropping does the
    /// same; waiting commits are answered first in both cases.
    pub fn close(self) {}

    /// Reads at one moment, on a thread that may wait for the disk.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let shared = self.shared();
        blocking("reading", move || {
            shared.may_read()?;
            read(&shared.reader(&shared.state()))
        })
        .await
    }
}

/// Work on a thread that may wait for the disk; a panic becomes an error.
async fn blocking<T: Send + 'static>(
    doing: &str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let doing = doing.to_owned();
    match tokio::task::spawn_blocking(move || fault::contained(&doing, work)).await {
        Ok(answer) => answer,
        Err(_) => Err(Error::Unavailable("the runtime stops".to_owned())),
    }
}

/// A store in use, as a copy of it needs it. The way to the writer does not keep
/// the writer from ending: a store that is closed gives up its copies.
pub(crate) struct Live {
    pub current: Arc<RwLock<Arc<Shared>>>,
    pub jobs: mpsc::WeakSender<Job>,
}

impl Drop for SledStore {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the store's writer ended by a panic");
        }
    }
}

impl std::fmt::Debug for SledStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SledStore").field("place", &self.shared().place).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SledStore {
    async fn commit(&self, set: WriteSet) -> Result<CommitSeq, Error> {
        let stopped = || Error::Unavailable("the store takes no commits".to_owned());
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        let (answer, answered) = oneshot::channel();
        let set = Box::new(set);
        jobs.send(Job::Commit { set, answer }).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    async fn counters(&self) -> Result<Counters, Error> {
        let shared = self.shared();
        shared.may_read()?;
        let counters = shared.state().meta.counters;
        Ok(counters)
    }

    async fn records(&self, numbers: &[RecordNo]) -> Result<Vec<Option<Record>>, Error> {
        let numbers = numbers.to_vec();
        self.read(move |reader| numbers.iter().map(|number| reader.record(*number)).collect()).await
    }

    async fn records_by_ref(&self, refs: &[RecordRef]) -> Result<Vec<Option<Record>>, Error> {
        let refs = refs.to_vec();
        self.read(move |reader| refs.iter().map(|at| reader.by_ref(at)).collect()).await
    }

    async fn known(&self, refs: &[RecordRef]) -> Result<Vec<Option<Known>>, Error> {
        let shared = self.shared();
        shared.may_read()?;
        let state = shared.state();
        let reader = shared.reader(&state);
        refs.iter().map(|at| reader.known(at)).collect()
    }

    async fn profiles(&self, ids: &[ProfileId]) -> Result<Vec<Option<Profile>>, Error> {
        let ids = ids.to_vec();
        self.read(move |reader| ids.iter().map(|id| reader.profile(reader.resolve(*id)?)).collect())
            .await
    }

    async fn claims(&self, identities: &[Identity]) -> Result<Vec<Claim>, Error> {
        let shared = self.shared();
        shared.may_read()?;
        let state = shared.state();
        let reader = shared.reader(&state);
        identities.iter().map(|identity| reader.resolved_claim(identity)).collect()
    }

    async fn position(&self, name: &PositionName) -> Result<Option<Vec<u8>>, Error> {
        let name = name.clone();
        self.read(move |reader| reader.position(&name)).await
    }

    async fn log(&self, after: CommitSeq, limit: usize) -> Result<LogPage, Error> {
        self.read(move |reader| reader.log_page(after, limit)).await
    }

    async fn scan_profiles(
        &self,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<Profile>, Error> {
        self.read(move |reader| reader.scan_profiles(after, limit)).await
    }

    async fn profile_ids(
        &self,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<ProfileId>, Error> {
        let shared = self.shared();
        shared.may_read()?;
        let ids = shared.state().index.profiles_after(after).take(limit).collect();
        Ok(ids)
    }

    async fn conflicted(
        &self,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<Profile>, Error> {
        self.read(move |reader| reader.conflicted(after, limit)).await
    }

    async fn scan_records(
        &self,
        stream: &StreamRef,
        after: Option<RecordNo>,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        let stream = stream.clone();
        self.read(move |reader| reader.scan_records(&stream, after, limit)).await
    }

    async fn related(
        &self,
        to: &[Related],
        below: Option<RecordNo>,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        let to = to.to_vec();
        self.read(move |reader| reader.related(&to, below, limit)).await
    }

    async fn pending(
        &self,
        sync: &SyncId,
        due: Timestamp,
        limit: usize,
    ) -> Result<Vec<Pending>, Error> {
        let sync = sync.clone();
        self.read(move |reader| reader.pending_due(&sync, due, limit)).await
    }

    async fn pending_of(
        &self,
        sync: &SyncId,
        profiles: &[ProfileId],
    ) -> Result<Vec<Pending>, Error> {
        let (sync, profiles) = (sync.clone(), profiles.to_vec());
        self.read(move |reader| reader.pending_of(&sync, &profiles)).await
    }

    async fn decisions(&self) -> Result<Vec<Decision>, Error> {
        self.read(|reader| reader.decisions()).await
    }

    async fn quarantined(&self, after: usize, limit: usize) -> Result<Vec<Quarantined>, Error> {
        self.read(move |reader| reader.quarantined(after, limit)).await
    }

    async fn reviews(&self, limit: usize) -> Result<Vec<Review>, Error> {
        self.read(move |reader| reader.reviews(limit)).await
    }

    async fn runs(&self, sync: Option<&SyncId>, limit: usize) -> Result<Vec<Run>, Error> {
        let sync = sync.cloned();
        self.read(move |reader| reader.runs(sync.as_ref(), limit)).await
    }

    async fn run(&self, id: &RunId) -> Result<Option<Run>, Error> {
        let key = keys::run(id);
        self.read(move |reader| reader.rows.row(&key)).await
    }

    async fn inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxEntry>, Error> {
        self.read(move |reader| reader.inbox(after, limit)).await
    }

    async fn history(
        &self,
        id: ProfileId,
        before: Option<CommitSeq>,
        limit: usize,
    ) -> Result<HistoryPage, Error> {
        self.read(move |reader| history::page(reader, id, before, limit)).await
    }

    async fn profile_as_of(&self, id: ProfileId, at: Timestamp) -> Result<AsOf, Error> {
        self.read(move |reader| history::as_of(reader, id, at)).await
    }

    async fn token(&self, connection: &str, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let key = keys::token(connection, name);
        self.read(move |reader| reader.rows.payload(&key)).await
    }

    async fn events_by_ref(&self, refs: &[RecordRef]) -> Result<Vec<Option<Event>>, Error> {
        let refs = refs.to_vec();
        self.read(move |reader| refs.iter().map(|at| reader.event(at)).collect()).await
    }

    async fn events(
        &self,
        of: &[Identity],
        before: Option<EventPlace>,
        limit: usize,
    ) -> Result<EventPage, Error> {
        let of = of.to_vec();
        self.read(move |reader| reader.event_page(&of, before, limit)).await
    }

    async fn scan_events(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Event)>, Error> {
        self.read(move |reader| reader.events_after(after).take(limit).collect()).await
    }

    async fn standings(&self, ids: &[ProfileId]) -> Result<Vec<Standing>, Error> {
        let ids = ids.to_vec();
        self.read(move |reader| ids.iter().map(|id| reader.standing(*id)).collect()).await
    }

    async fn members(
        &self,
        segment: &str,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<(ProfileId, Timestamp)>, Error> {
        let segment = segment.to_owned();
        self.read(move |reader| reader.members(&segment, after, limit)).await
    }

    async fn member_count(&self, segment: &str) -> Result<u64, Error> {
        let segment = segment.to_owned();
        self.read(move |reader| reader.member_count(&segment)).await
    }

    async fn standings_due(&self, at: Timestamp, limit: usize) -> Result<Vec<ProfileId>, Error> {
        self.read(move |reader| reader.standings_due(at, limit)).await
    }

    async fn moves(&self, after: CommitSeq, limit: usize) -> Result<MovesPage, Error> {
        self.read(move |reader| reader.moves_page(after, limit)).await
    }

    async fn written_about(
        &self,
        record: RecordNo,
    ) -> Result<Vec<(LedgerPlace, LedgerEntry)>, Error> {
        self.read(move |reader| ledger::about(reader.rows, record)).await
    }

    async fn scan_written(
        &self,
        run: Option<&RunId>,
        after: Option<&LedgerPlace>,
        limit: usize,
    ) -> Result<Vec<(LedgerPlace, LedgerEntry)>, Error> {
        let (run, after) = (run.cloned(), after.cloned());
        self.read(move |reader| {
            ledger::after(reader.rows, run.as_ref(), after.as_ref()).take(limit).collect()
        })
        .await
    }

    async fn dump(&self, after: Option<DumpCursor>) -> Result<DumpPage, Error> {
        self.read(move |reader| hub_store::dump::page(reader, after)).await
    }

    async fn stats(&self) -> Result<Stats, Error> {
        let shared = self.shared();
        shared.may_read()?;
        let stats = shared.state().meta.stats;
        Ok(Stats { disk_bytes: shared.place.disk_bytes(), ..stats })
    }

    async fn verify(&self) -> Result<Vec<VerifyFinding>, Error> {
        let mut found = self.read(verify::verify).await?;
        let shared = self.shared();
        if let Some(detail) = shared.suspect.clone() {
            found.push(VerifyFinding { check: "witness".to_owned(), detail });
        }
        if shared.place.has_blobs()? {
            let detail = "the engine put a value outside its log".to_owned();
            found.push(VerifyFinding { check: "blobs".to_owned(), detail });
        }
        Ok(found)
    }
}
