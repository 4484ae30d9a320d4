//! What a store on disk is asked for besides reading and writing: to give space
//! back, and to be copied to a safe place. Both go on while commits do.

use std::path::PathBuf;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::store::Error;

/// How far such work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Rows are copied.
    Copying,
    /// What was committed meanwhile is in the copy too; commits wait from here.
    CaughtUp,
    /// The copy was compared with the store.
    Compared,
    /// The store was switched to the copy; commits go on.
    Switched,
    /// The copy was opened and checked.
    Checked,
    /// All is done.
    Done,
}

/// How far such work is, with the rows of the body's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The step that was reached.
    pub step: Step,
    /// Rows copied.
    pub rows: u64,
    /// Rows that there were when it began.
    pub of_rows: u64,
}

/// Hears how far the work is. An error stops the work, which then leaves the
/// store as it was.
pub type Tell = Box<dyn FnMut(Progress) -> Result<(), Error> + Send>;

/// Bytes on disk for one alive above which compaction is worth it.
const WORTH_RATIO: u64 = 3;
/// Bytes beyond that: a few segments more or less are nothing to gain.
const WORTH_BYTES_MIN: u64 = 64 * 1024 * 1024;

/// What compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compacted {
    /// Bytes on disk before.
    pub bytes_before: u64,
    /// Bytes on disk after.
    pub bytes_after: u64,
}

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// The newest commit in it.
    pub seq: u64,
    /// Its bytes on disk.
    pub bytes: u64,
}

/// How large a store is, and how much of it is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sizes {
    /// Bytes of its files.
    pub disk_bytes: u64,
    /// Bytes of its rows, keys included; the rest of the files is what the
    /// engine needs to find them, and dead.
    pub live_bytes: u64,
    /// The commit before the oldest of the change log.
    pub log_start: u64,
    /// The newest commit.
    pub log_end: u64,
}

impl Sizes {
    /// Whether compaction gives back enough to be worth its writing. A store that
    /// was just compacted has about two bytes on disk for one alive.
    pub fn is_worth_compacting(&self) -> bool {
        let kept = self.live_bytes.saturating_mul(WORTH_RATIO);
        self.disk_bytes > kept.saturating_add(WORTH_BYTES_MIN)
    }
}

/// A store that lies on a disk.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Writes what is alive into new files and goes on with them. At any moment
    /// a kill leaves one store, the old or the new; they say the same.
    async fn compact(&self, tell: Tell) -> Result<Compacted, Error>;

    /// How large it is. Reads everything.
    async fn sizes(&self) -> Result<Sizes, Error>;

    /// Writes a copy into a folder that does not exist yet: the store as of one
    /// commit, which can be opened, checked and restored from.
    async fn backup(&self, to: PathBuf, tell: Tell) -> Result<BackedUp, Error>;
}

#[cfg(test)]
mod tests {
    use super::Sizes;

    #[test]
    fn only_a_store_with_much_that_is_dead_is_worth_compacting() {
        const MIB: u64 = 1024 * 1024;
        let table = [
            (0, 0, false),
            (64, 0, false),
            (65, 0, true),
            (200, 100, false),
            (364, 100, false),
            (365, 100, true),
            (u64::MAX / MIB, 0, true),
        ];
        for (disk, live, worth) in table {
            let (disk_bytes, live_bytes) = (disk * MIB, live * MIB);
            let sizes = Sizes { disk_bytes, live_bytes, ..Sizes::default() };
            assert_eq!(sizes.is_worth_compacting(), worth, "{disk} MiB for {live}");
        }
    }
}
