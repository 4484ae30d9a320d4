//! What one commit writes.

use hub_model::{
    Change, Claim, CommitSeq, Decision, Event, Identity, LedgerEntry, LedgerPlace, Pending,
    PendingKey, PositionName, Profile, ProfileId, Quarantined, Record, RecordNo, RecordRef,
    RemoteKey, Run, Standing, StreamRef, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::history::{Moment, Version};
use crate::store::Review;

/// The numbers that are given out once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// The last record number given.
    pub record: u64,
    /// The last stamp given.
    pub stamp: u64,
}

/// Where a rebuilt store counts on from, so that places in the old log and inbox
/// keep their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Continued {
    /// The commit that this one is numbered after.
    pub seq: CommitSeq,
    /// The number that inbox bodies are numbered after.
    pub inbox: u64,
}

/// A position that moves with the commit, compared before it is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionChange {
    /// Which position: a stream's cursor, a follower's place.
    pub name: PositionName,
    /// What it must be now; `None` = not set yet.
    pub expected: Option<Vec<u8>>,
    /// What it becomes; `None` = forgotten.
    pub new: Option<Vec<u8>>,
}

/// Everything that one commit writes: all of it or nothing.
///
/// What is taken away (settled, released, absorbed, erased) goes before what is
/// put, and
/// of two rows with one key the later one wins; only a position may not be named
/// twice. Which sets are refused is written in [`crate::rules`], how heavy a set
/// may be in [`crate::weight`]: whoever cuts work into sets asks
/// [`WriteSet::weight_bytes`] and stays below
/// [`hub_model::limits::SLICE_BYTES_MAX`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct WriteSet {
    /// The counters after this commit. Must not go down, and must cover every
    /// record number and stamp in the set. `None` = unchanged.
    pub counters: Option<Counters>,
    /// Records, whole, new or replaced. A number keeps its row for ever.
    pub records: Vec<Record>,
    /// Marks of records: whatever the caller will know their rows by, so that a
    /// row that was read before need not be compared with its record. A record
    /// that is put loses its mark, unless it is given one here. 0 = none.
    pub marks: Vec<(RecordNo, u64)>,
    /// Profiles, whole, new or replaced. Putting a profile whose id is an alias
    /// ends the alias: that is how a separation gives an id back.
    pub profiles: Vec<Profile>,
    /// Profiles that were absorbed: (absorbed, surviving). The absorbed row is
    /// removed, its id stays an alias until a profile of that id is put again.
    pub aliases: Vec<(ProfileId, ProfileId)>,
    /// Records that leave the store for ever, each with the row that it is of; one
    /// that is not there is no fault. Its number is never given out again, its row
    /// gets another when it is read again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<(RecordNo, RecordRef)>,
    /// Profiles that leave the store for ever, with every alias that leads to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased_profiles: Vec<ProfileId>,
    /// Identity claims, whole rows; an empty claim removes the row.
    pub claims: Vec<(Identity, Claim)>,
    /// Decisions to append. A stamp belongs to one decision.
    pub decisions: Vec<Decision>,
    /// Entries for the change log, in order; `seq` is set by the store.
    pub changes: Vec<Change>,
    /// Positions to move.
    pub positions: Vec<PositionChange>,
    /// Pending deliveries to put.
    pub pending: Vec<Pending>,
    /// Pending deliveries that are settled.
    pub settled: Vec<PendingKey>,
    /// Rows to put into quarantine: one per key of a stream, and of rows without
    /// a key the newest [`crate::rules::QUARANTINED_KEYLESS_ROWS_MAX`] per stream.
    pub quarantined: Vec<Quarantined>,
    /// Rows that were accepted after all.
    pub released: Vec<(StreamRef, RemoteKey)>,
    /// Rows of quarantine that leave it without having been accepted, compared
    /// whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discarded: Vec<Quarantined>,
    /// Things for a person to look at that are none any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<Review>,
    /// Things for a person to look at; the same thing is kept once.
    pub reviews: Vec<Review>,
    /// Runs to put (replace by id); the newest [`crate::rules::RUNS_KEPT_MAX`]
    /// per sync are kept.
    pub runs: Vec<Run>,
    /// Raw inbox bodies to append. Those that the position
    /// [`crate::rules::INBOX_POSITION`] is done with are forgotten.
    pub inbox: Vec<Vec<u8>>,
    /// Sealed tokens to put: (connection, name, sealed value; `None` = forget).
    pub tokens: Vec<(String, String, Option<Vec<u8>>)>,
    /// Events to append. One whose key its stream has already is the same event
    /// and changes nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// Events that leave the store for ever; one that is not there is no fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events_gone: Vec<RecordRef>,
    /// Entries to append to the ledger of writes, each to those of its run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<LedgerEntry>,
    /// Entries that leave the ledger; one that is not there is no fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unwritten: Vec<LedgerPlace>,
    /// Numbers to count on from; only in the first commit of a store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continued: Option<Continued>,
    /// The instant of the commit by the caller's clock: what it puts is known to be
    /// so since then (see [`crate::history`]). One before the newest that the store
    /// was told, or none, counts as that. By itself it is nothing to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What profiles were before, oldest first of each, below what is put of it
    /// later: only of numbers that stand for nobody. This is how a dump tells it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<(ProfileId, Version)>,
    /// Since when profiles that are put, or absorbed, in this set are so, where it
    /// is not since this commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub since: Vec<(ProfileId, Moment)>,
    /// Records of which nothing may be told as it was before a commit; without one,
    /// before this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forgotten: Vec<(RecordNo, Option<CommitSeq>)>,
    /// The horizon of history: versions that were replaced before are not told any
    /// more. It never goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_from: Option<Timestamp>,
    /// Standings, whole, new or replaced; an empty one removes the row. What differs
    /// from the one before is appended to the log of moves. A profile that leaves the
    /// store or is absorbed in the set leaves all its segments by that, first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standings: Vec<Standing>,
}

impl WriteSet {
    /// The standings that this set puts, in order: first those of the profiles that
    /// it takes away.
    pub fn all_standings(&self) -> impl Iterator<Item = Standing> {
        let absorbed = self.aliases.iter().map(|(id, _)| id);
        let gone = self.erased_profiles.iter().chain(absorbed).map(|id| Standing::none(*id));
        gone.chain(self.standings.iter().cloned())
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        *self == Self { at: self.at, ..Self::default() }
    }

    /// Adds another set's rows after its own. Counters and numbers to count on
    /// from become the other's where it has any.
    pub fn append(&mut self, other: Self) {
        // Named one by one, so that no table is ever forgotten here.
        let Self {
            counters,
            records,
            marks,
            profiles,
            aliases,
            erased,
            erased_profiles,
            claims,
            decisions,
            changes,
            positions,
            pending,
            settled,
            quarantined,
            released,
            discarded,
            closed,
            reviews,
            runs,
            inbox,
            tokens,
            events,
            events_gone,
            written,
            unwritten,
            continued,
            at,
            versions,
            since,
            forgotten,
            history_from,
            standings,
        } = other;
        self.counters = counters.or(self.counters);
        self.records.extend(records);
        self.marks.extend(marks);
        self.profiles.extend(profiles);
        self.aliases.extend(aliases);
        self.erased.extend(erased);
        self.erased_profiles.extend(erased_profiles);
        self.claims.extend(claims);
        self.decisions.extend(decisions);
        self.changes.extend(changes);
        self.positions.extend(positions);
        self.pending.extend(pending);
        self.settled.extend(settled);
        self.quarantined.extend(quarantined);
        self.released.extend(released);
        self.discarded.extend(discarded);
        self.closed.extend(closed);
        self.reviews.extend(reviews);
        self.runs.extend(runs);
        self.inbox.extend(inbox);
        self.tokens.extend(tokens);
        self.events.extend(events);
        self.events_gone.extend(events_gone);
        self.written.extend(written);
        self.unwritten.extend(unwritten);
        self.continued = continued.or(self.continued);
        self.at = self.at.max(at);
        self.versions.extend(versions);
        self.since.extend(since);
        self.forgotten.extend(forgotten);
        self.history_from = self.history_from.max(history_from);
        self.standings.extend(standings);
    }
}
