//! The meta row: the only row that every commit overwrites.

use hub_model::{CommitSeq, Timestamp, WorkspaceId};
use hub_store::{Continued, Counters, Moment, Stats};
use serde::{Deserialize, Serialize};

/// What the store knows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// The format of the layout.
    pub format: u32,
    /// Which store this is, by chance given once; ties the witness to it.
    pub uuid: Uuid,
    /// What turns keys and identities into hashes; never leaves the store.
    pub hash_key: Uuid,
    /// Whose data these are.
    pub workspace: WorkspaceId,
    /// The newest commit, and the counts as of it (disk size not kept).
    pub stats: Stats,
    /// The commit that the first one of the log follows.
    #[serde(default)]
    pub log_start: u64,
    /// The numbers given out.
    pub counters: Counters,
    /// The last block of records, and of profiles.
    pub record_block: u32,
    /// See above.
    pub profile_block: u32,
    /// The last block of events.
    #[serde(default)]
    pub event_block: u32,
    /// The number of the last inbox body.
    pub inbox_last: u64,
    /// Bodies up to this one are forgotten.
    pub inbox_done: u64,
    /// Bodies up to this one have been removed: a few per commit.
    pub inbox_removed: u64,
    /// The number of the last entry of the ledger.
    #[serde(default)]
    pub ledger_last: u64,
    /// The number of the last row of quarantine without a key.
    pub keyless_last: u64,
    /// The newest instant that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instant: Option<Timestamp>,
    /// The horizon of history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_from: Option<Timestamp>,
    /// How many profiles have a conflict.
    #[serde(default)]
    pub conflicted: u64,
    /// How many profiles have a standing.
    #[serde(default)]
    pub standings: u64,
}

/// 16 random bytes.
pub(crate) type Uuid = [u8; 16];

impl Meta {
    /// Of a store without a commit.
    pub fn new(format: u32, uuid: Uuid, hash_key: Uuid, workspace: WorkspaceId) -> Self {
        Self {
            format,
            uuid,
            hash_key,
            workspace,
            stats: Stats::default(),
            log_start: 0,
            counters: Counters::default(),
            record_block: 0,
            profile_block: 0,
            event_block: 0,
            inbox_last: 0,
            inbox_done: 0,
            inbox_removed: 0,
            ledger_last: 0,
            keyless_last: 0,
            instant: None,
            history_from: None,
            conflicted: 0,
            standings: 0,
        }
    }

    /// Counts on from the numbers of another store.
    pub fn continue_from(&mut self, continued: Continued) {
        self.stats.seq = continued.seq.0;
        self.log_start = continued.seq.0;
        self.inbox_last = continued.inbox;
        self.inbox_done = continued.inbox;
        self.inbox_removed = continued.inbox;
    }

    /// The newest commit, and its instant.
    pub fn moment(&self) -> Moment {
        Moment { seq: self.seq(), at: self.instant }
    }

    /// The newest commit.
    pub fn seq(&self) -> CommitSeq {
        CommitSeq(self.stats.seq)
    }
}
