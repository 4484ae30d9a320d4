//! What readers and the writer share: which of it may be read or written now.

use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hub_store::{Error, WriteSet};

use super::{Shared, State};
use crate::block::Blocks;
use crate::commit::Writer;
use crate::copy::Tap;
use crate::meta::Meta;
use crate::open::Opened;
use crate::place;
use crate::read::Reader;

impl Shared {
    /// What readers share, and the writer.
    pub fn of(opened: Opened) -> (Arc<Self>, Writer) {
        let shared = Arc::new(Self {
            blocks: Blocks::new(opened.rows.clone()),
            rows: opened.rows,
            state: RwLock::new(State { meta: opened.meta, index: opened.index }),
            failed: OnceLock::new(),
            suspect: opened.suspect,
            full: opened.full,
            tap: Tap::default(),
            place: opened.place,
        });
        let writer = Writer { shared: Arc::clone(&shared), db: opened.db, witness: opened.witness };
        (shared, writer)
    }

    /// What is in memory, and the right to read rows that belong to it.
    pub fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to change what readers see together.
    pub fn state_for_writing(&self) -> RwLockWriteGuard<'_, State> {
        // Poisoned = the writer's batch panicked: `failed` is set right after,
        // and nothing is read or written any more.
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads rows that belong to what is in memory.
    pub fn reader<'a>(&'a self, state: &'a State) -> Reader<'a> {
        Reader { rows: &self.rows, blocks: &self.blocks, meta: &state.meta, index: &state.index }
    }

    /// Whether what is read belongs together.
    pub fn may_read(&self) -> Result<(), Error> {
        if self.state.is_poisoned() {
            return Err(Error::Unavailable("the engine gave up; open the store again".to_owned()));
        }
        match self.failed.get() {
            Some(why) => Err(Error::Unavailable(format!("{why}; open the store again"))),
            None => Ok(()),
        }
    }

    /// Whether commits are taken.
    pub fn may_write(&self) -> Result<(), Error> {
        self.may_read()?;
        match &self.suspect {
            Some(why) => Err(Error::Unavailable(why.clone())),
            None if self.full => Err(Error::Full(format!(
                "{} bytes must be free to write; make room and open the store again",
                place::RESERVE_BYTES
            ))),
            None => Ok(()),
        }
    }

    /// After an error of a write nobody knows what the files hold.
    pub fn fail_on_error<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &answer {
            tracing::error!(%error, "the store stops");
            let _ = self.failed.set(error.to_string());
        }
        answer
    }

    /// Nothing of another workspace enters.
    pub fn check_workspace(&self, set: &WriteSet, meta: &Meta) -> Result<(), Error> {
        let records = set.records.iter().map(|record| &record.at.stream);
        let quarantined = set.quarantined.iter().map(|row| &row.stream);
        let events = set.events.iter().map(|event| &event.at.stream);
        match records
            .chain(quarantined)
            .chain(events)
            .find(|stream| stream.workspace != meta.workspace)
        {
            Some(stream) => Err(Error::Refused(format!(
                "a row of {stream} in the store of workspace {}",
                meta.workspace
            ))),
            None => Ok(()),
        }
    }
}
