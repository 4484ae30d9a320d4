//! Much to write, cut into commits.
//!
//! The parts of a work are given one by one; each stays whole, and as many as a
//! commit holds go together. The order of the parts is the order of the commits.

use hub_model::limits;
use hub_store::{Counters, Error, WriteSet};

use crate::workspace::Workspace;

/// Bytes of rows per commit when work is cut: well below what is refused.
const SLICE_BYTES: usize = limits::SLICE_BYTES_MAX / 2;
/// Records per commit when work is cut.
const SLICE_RECORDS: usize = 200;

/// Gathers parts into sets.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    set: WriteSet,
    bytes: usize,
}

impl Packer {
    /// Adds a part; what was gathered before it comes back when both together
    /// are too much for one commit.
    pub fn add(&mut self, part: WriteSet) -> Option<WriteSet> {
        let bytes = part.weight_bytes();
        let full = self.bytes + bytes > SLICE_BYTES
            || self.set.records.len() + part.records.len() > SLICE_RECORDS;
        let gathered = if full { self.take() } else { None };
        self.bytes += bytes;
        self.set.append(part);
        gathered
    }

    /// What was gathered, if anything was.
    pub fn take(&mut self) -> Option<WriteSet> {
        self.bytes = 0;
        let set = std::mem::take(&mut self.set);
        (!set.is_empty()).then_some(set)
    }
}

/// Commits parts, as many at a time as a commit holds.
pub(crate) struct Slices<'a> {
    workspace: &'a Workspace,
    counters: Option<Counters>,
    packer: Packer,
}

impl<'a> Slices<'a> {
    /// Into a workspace. `counters` are those after all parts, if any number was
    /// given out for them.
    pub fn new(workspace: &'a Workspace, counters: Option<Counters>) -> Self {
        Self { workspace, counters, packer: Packer::default() }
    }

    /// Adds a part, which stays whole.
    ///
    /// # Errors
    /// When a commit fails.
    pub async fn push(&mut self, part: WriteSet) -> Result<(), Error> {
        match self.packer.add(part) {
            Some(set) => self.commit(set).await,
            None => Ok(()),
        }
    }

    /// Commits what was added.
    ///
    /// # Errors
    /// When the commit fails.
    pub async fn flush(mut self) -> Result<(), Error> {
        match self.packer.take() {
            Some(set) => self.commit(set).await,
            None => Ok(()),
        }
    }

    async fn commit(&mut self, set: WriteSet) -> Result<(), Error> {
        let set = WriteSet { counters: self.counters.or(set.counters), ..set };
        self.workspace.commit(set).await?;
        Ok(())
    }
}
