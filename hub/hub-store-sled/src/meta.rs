//! The meta row: the only row that every commit overwrites.

use hub_model::{CommitSeq, WorkspaceId};
use hub_store::{Counters, Stats};
use serde::{Deserialize, Serialize};

/// What the store knows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// The format of the layout.
    pub format: u32,
    /// Which store this is, by chance given once; ties the witness to it.
    pub uuid: Uuid,
    /// Whose data these are.
    pub workspace: WorkspaceId,
    /// The newest commit, and the counts as of it (disk size not kept).
    pub stats: Stats,
    /// The numbers given out.
    pub counters: Counters,
    /// The number of the last inbox body.
    pub inbox_last: u64,
    /// Bodies up to this one are forgotten.
    pub inbox_done: u64,
    /// Bodies up to this one have been removed: a few per commit.
    pub inbox_removed: u64,
    /// The number of the last row of quarantine without a key.
    pub keyless_last: u64,
}

/// Which store: 16 random bytes.
pub(crate) type Uuid = [u8; 16];

impl Meta {
    /// Of a store without a commit.
    pub fn new(format: u32, uuid: Uuid, workspace: WorkspaceId) -> Self {
        Self {
            format,
            uuid,
            workspace,
            stats: Stats::default(),
            counters: Counters::default(),
            inbox_last: 0,
            inbox_done: 0,
            inbox_removed: 0,
            keyless_last: 0,
        }
    }

    /// The newest commit.
    pub fn seq(&self) -> CommitSeq {
        CommitSeq(self.stats.seq)
    }
}
