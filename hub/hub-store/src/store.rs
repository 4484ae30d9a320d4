//! The trait, its answers and its errors.

use async_trait::async_trait;
use hub_model::{
    Change, Claim, CommitSeq, Decision, Event, Fault, Identity, LedgerEntry, LedgerPlace, Moved,
    Pending, PositionName, Profile, ProfileId, Quarantined, Record, RecordNo, RecordRef, Related,
    Run, RunId, Standing, StreamRef, SyncId, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::dump::{DumpCursor, DumpPage};
use crate::history::{AsOf, HistoryPage};
use crate::write_set::{Counters, WriteSet};

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A position was not where the commit expected it: somebody else moved it.
    /// Nothing was written; read again and decide anew.
    #[error("position {name} has moved")]
    Conflict {
        /// The position.
        name: PositionName,
    },
    /// The commit breaks a limit or a rule of the port. Nothing was written.
    #[error("commit refused: {0}")]
    Refused(String),
    /// The store was written while it was dumped. Nothing was answered; begin
    /// again, or dump a backup.
    #[error("the store has moved from commit {from} to {to} while it was dumped")]
    Moved {
        /// The commit that was dumped.
        from: CommitSeq,
        /// The newest commit.
        to: CommitSeq,
    },
    /// No space left. Nothing was acknowledged; the store accepts nothing more
    /// until it is opened again.
    #[error("no space left in the store: {0}")]
    Full(String),
    /// Damaged data were noticed. Nothing of it was served.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// Another process has the store. Nothing was done.
    #[error("{place} is open in {}", process(*.by))]
    Locked {
        /// Which store.
        place: String,
        /// The process, if it is known.
        by: Option<u32>,
    },
    /// The store was rolled back or failed earlier; it must be opened again.
    #[error("the store is not available: {0}")]
    Unavailable(String),
}

fn process(id: Option<u32>) -> String {
    id.map_or_else(|| "another process".to_owned(), |id| format!("process {id}"))
}

/// A stretch of the change log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The entries, oldest first.
    pub changes: Vec<Change>,
    /// Read on from here: the last commit that is wholly in `changes`.
    pub next: CommitSeq,
    /// The newest commit at the time of the call.
    pub head: CommitSeq,
}

/// Something for a person to look at: a connection of profiles that the rules
/// did not make.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Review {
    /// The identity that both sides carry.
    pub identity: Identity,
    /// The profile that brought it.
    pub left: ProfileId,
    /// The profile that had it.
    pub right: ProfileId,
    /// Why they were not joined: `shared-value`, `cardinality`, `same-stream`,
    /// `separated`, `two-way-change`.
    pub reason: String,
}

/// A raw body that waits in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxEntry {
    /// Its place in the order of receipt.
    pub seq: u64,
    /// The body as received.
    pub body: Vec<u8>,
}

/// What the store knows of a row without reading its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The number of its record.
    pub number: RecordNo,
    /// The mark that came with the record's last change, or since; 0 = none. See
    /// [`WriteSet::marks`].
    pub mark: u64,
}

/// A place among events that stand newest first: when one happened, and the
/// number under which the body keeps it. Numbers grow in order of receipt and
/// mean nothing to another body, or after the event has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventPlace {
    /// When the event happened.
    pub time: Timestamp,
    /// Its number.
    pub number: u64,
}

/// A stretch of somebody's events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventPage {
    /// The events, newest first; of one instant, the last received first.
    pub events: Vec<Event>,
    /// Read on before this place; `None` = there are no earlier ones.
    pub next: Option<EventPlace>,
}

/// A stretch of the log of moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovesPage {
    /// The moves, oldest first.
    pub moves: Vec<Moved>,
    /// Read on from here: the last commit that is wholly in `moves`.
    pub next: CommitSeq,
    /// Whether there are no more.
    pub at_end: bool,
}

/// Counts of what the store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stats {
    /// The newest commit.
    pub seq: u64,
    /// Records, deleted ones included.
    pub records: u64,
    /// Profiles, aliases not counted.
    pub profiles: u64,
    /// Aliases of merged profiles.
    pub aliases: u64,
    /// Identities claimed.
    pub claims: u64,
    /// Relations of records: to each other end once.
    #[serde(default)]
    pub relations: u64,
    /// Deliveries not settled.
    pub pending: u64,
    /// Rows in quarantine.
    pub quarantined: u64,
    /// Runs kept.
    pub runs: u64,
    /// Events.
    #[serde(default)]
    pub events: u64,
    /// Members of segments: of each segment once.
    #[serde(default)]
    pub memberships: u64,
    /// Entries of the ledger of writes.
    #[serde(default)]
    pub written: u64,
    /// Bytes on disk; 0 for a store in memory.
    pub disk_bytes: u64,
}

/// Something that `verify` found wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyFinding {
    /// Stable name of the check: `record-index`, `counters`, `profile-member`,
    /// `alias`, `claim`, `history`, `relation`, `event`, `ledger`, `standing`, `log-gap`,
    /// `checksum`; of a body's own layout `index`, `counts`, `witness`, `blobs`.
    pub check: String,
    /// What does not fit, without customer values.
    pub detail: String,
}

/// A body of the port. `commit` is atomic, durable on return, and safe to call
/// from several tasks; reads see every commit that has returned. A snapshot
/// across calls is not promised: safety comes from the compare-and-set.
#[async_trait]
pub trait Store: Send + Sync {
    /// Writes all of the set, or nothing. An empty set is no commit: the newest
    /// one is answered. A commit whose caller is dropped may still be written.
    async fn commit(&self, set: WriteSet) -> Result<CommitSeq, Error>;

    /// The numbers given out so far.
    async fn counters(&self) -> Result<Counters, Error>;

    /// Records by number, in the order asked.
    async fn records(&self, numbers: &[RecordNo]) -> Result<Vec<Option<Record>>, Error>;

    /// Records by remote key, in the order asked.
    async fn records_by_ref(&self, refs: &[RecordRef]) -> Result<Vec<Option<Record>>, Error>;

    /// What is known of rows, in the order asked, without reading them.
    async fn known(&self, refs: &[RecordRef]) -> Result<Vec<Option<Known>>, Error>;

    /// Profiles by id, aliases followed, in the order asked.
    async fn profiles(&self, ids: &[ProfileId]) -> Result<Vec<Option<Profile>>, Error>;

    /// Claims by identity, in the order asked; ids have their aliases followed
    /// and are free of doubles.
    async fn claims(&self, identities: &[Identity]) -> Result<Vec<Claim>, Error>;

    /// A position.
    async fn position(&self, name: &PositionName) -> Result<Option<Vec<u8>>, Error>;

    /// The change log after a commit: whole commits, as many as `limit` entries
    /// hold, at least one if there is any. Commits without changes do not
    /// appear; at the end `next` is the head all the same.
    async fn log(&self, after: CommitSeq, limit: usize) -> Result<LogPage, Error>;

    /// Profiles in order of id.
    async fn scan_profiles(
        &self,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<Profile>, Error>;

    /// The ids of profiles in order, without reading them.
    async fn profile_ids(
        &self,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<ProfileId>, Error>;

    /// Profiles that have a conflict, in order of id.
    async fn conflicted(
        &self,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<Profile>, Error>;

    /// Records of a stream in order of number.
    async fn scan_records(
        &self,
        stream: &StreamRef,
        after: Option<RecordNo>,
        limit: usize,
    ) -> Result<Vec<Record>, Error>;

    /// Records, deleted ones included, that relate to any of these, each once, in
    /// order of number, the newest first; those with a number below `below`.
    async fn related(
        &self,
        to: &[Related],
        below: Option<RecordNo>,
        limit: usize,
    ) -> Result<Vec<Record>, Error>;

    /// Deliveries of a sync that are not settled and due at an instant, in order
    /// of profile and record, whatever their state.
    async fn pending(
        &self,
        sync: &SyncId,
        due: Timestamp,
        limit: usize,
    ) -> Result<Vec<Pending>, Error>;

    /// Unsettled deliveries about some profiles for one sync, whatever their due
    /// time, those about profiles that they absorbed included; each once, by key.
    async fn pending_of(
        &self,
        sync: &SyncId,
        profiles: &[ProfileId],
    ) -> Result<Vec<Pending>, Error>;

    /// Decisions in order of stamp.
    async fn decisions(&self) -> Result<Vec<Decision>, Error>;

    /// Rows in quarantine, in no promised order but stable between commits.
    async fn quarantined(&self, after: usize, limit: usize) -> Result<Vec<Quarantined>, Error>;

    /// Things for a person to look at.
    async fn reviews(&self, limit: usize) -> Result<Vec<Review>, Error>;

    /// Runs, newest first.
    async fn runs(&self, sync: Option<&SyncId>, limit: usize) -> Result<Vec<Run>, Error>;

    /// A run.
    async fn run(&self, id: &RunId) -> Result<Option<Run>, Error>;

    /// Inbox bodies after a place, oldest first.
    async fn inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxEntry>, Error>;

    /// What a profile's number stood for, newest first, before a commit. Aliases
    /// are not followed: of one that was merged this is what it was by itself.
    async fn history(
        &self,
        id: ProfileId,
        before: Option<CommitSeq>,
        limit: usize,
    ) -> Result<HistoryPage, Error>;

    /// How a profile stood at an instant, merges until then followed.
    async fn profile_as_of(&self, id: ProfileId, at: Timestamp) -> Result<AsOf, Error>;

    /// A sealed token.
    async fn token(&self, connection: &str, name: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Events by key, in the order asked.
    async fn events_by_ref(&self, refs: &[RecordRef]) -> Result<Vec<Option<Event>>, Error>;

    /// Events that name any of these identities, each once, newest first, before
    /// a place: so many, fewer at the end.
    async fn events(
        &self,
        of: &[Identity],
        before: Option<EventPlace>,
        limit: usize,
    ) -> Result<EventPage, Error>;

    /// Events of all streams in order of receipt, with their numbers.
    async fn scan_events(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Event)>, Error>;

    /// Standings of profiles, in the order asked; empty ones of those of whom none is
    /// kept. Aliases are not followed.
    async fn standings(&self, ids: &[ProfileId]) -> Result<Vec<Standing>, Error>;

    /// Members of a segment in order of id, and since when they are.
    async fn members(
        &self,
        segment: &str,
        after: Option<ProfileId>,
        limit: usize,
    ) -> Result<Vec<(ProfileId, Timestamp)>, Error>;

    /// How many members a segment has. Goes through them.
    async fn member_count(&self, segment: &str) -> Result<u64, Error>;

    /// Profiles whose standing is to be judged again at an instant, the most overdue
    /// first.
    async fn standings_due(&self, at: Timestamp, limit: usize) -> Result<Vec<ProfileId>, Error>;

    /// The log of moves after a commit: whole commits, as many as `limit` moves hold,
    /// at least one if there is any.
    async fn moves(&self, after: CommitSeq, limit: usize) -> Result<MovesPage, Error>;

    /// Entries of the ledger that are found by a record
    /// ([`LedgerEntry::found_by`]), in order of their places.
    async fn written_about(
        &self,
        record: RecordNo,
    ) -> Result<Vec<(LedgerPlace, LedgerEntry)>, Error>;

    /// Entries of the ledger in order of their places, after one: of one run, or
    /// of all.
    async fn scan_written(
        &self,
        run: Option<&RunId>,
        after: Option<&LedgerPlace>,
        limit: usize,
    ) -> Result<Vec<(LedgerPlace, LedgerEntry)>, Error>;

    /// The store as write sets that rebuild it, page by page: the first without
    /// a cursor, then after the one of the page before (see [`crate::dump`]).
    /// [`Error::Moved`] when something was committed between two pages.
    async fn dump(&self, after: Option<DumpCursor>) -> Result<DumpPage, Error>;

    /// Counts.
    async fn stats(&self) -> Result<Stats, Error>;

    /// Reads everything and checks what belongs together. Empty = sound.
    async fn verify(&self) -> Result<Vec<VerifyFinding>, Error>;
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::new(hub_model::FaultCode::Store).with("reason", error)
    }
}
