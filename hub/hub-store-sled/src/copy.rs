//! Copying the rows into another engine while commits go on.
//!
//! The rows are read in the order of their keys, stretch by stretch. Every
//! batch that the writer has committed since the copy began is noted and applied
//! to the copy in the same order, after the stretch during which it was noted:
//! whatever a stretch read of a row, the last word on it is the writer's. Notes
//! wait in a queue of fixed length; when the copy is slower than the writer, the
//! writer waits for it.
//!
//! For the end the writer stands still between two commits: the last notes are
//! applied, the copy is made durable and compared with what was copied, and what
//! follows happens before the next commit.

use std::fs::File;
use std::ops::Bound::{Excluded, Unbounded};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hub_model::CommitSeq;
use hub_store::Error;
use hub_store::upkeep::{Progress, Step};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::commit::{Job, Pause, Writer};
use crate::delta::{self, Op};
use crate::engine::Engine;
use crate::fault;
use crate::frame::{self, PIECE_BYTES_MAX};
use crate::keys::{self, Key, table};
use crate::open;
use crate::place::Place;
use crate::store::Shared;

/// Batches that wait to be applied to the copy; each is at most a commit.
const NOTED_BATCHES_MAX: usize = 16;
/// Bytes of rows that are read before they are written.
const STRETCH_BYTES: usize = 1024 * 1024;
/// Memory for the pages of the copy.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;
/// How long to wait for the writer before looking at the notes again.
const LOOK_PAUSE: Duration = Duration::from_millis(1);

/// What becomes of a row in the copy: its value, perhaps another, or nothing.
/// Rows that are written meanwhile are copied as they are, without asking; a row
/// that was not written meanwhile must get the same answer each time.
pub(crate) type Keep = dyn Fn(&[u8], sled::IVec) -> Result<Option<sled::IVec>, Error> + Send;

/// Hears how far the work is; an error stops it.
pub(crate) type Tell<'a> = &'a mut (dyn FnMut(Progress) -> Result<(), Error> + Send);

/// Where the writer notes its batches while a copy is made.
#[derive(Default)]
pub(crate) struct Tap(Mutex<Option<SyncSender<sled::Batch>>>);

impl Tap {
    /// Held by the writer through a whole commit, so that a copy begins between
    /// two of them.
    pub fn hold(&self) -> MutexGuard<'_, Option<SyncSender<sled::Batch>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The notes of one copy; the writer stops noting when it is dropped.
struct Notes<'a> {
    tap: &'a Tap,
    // Taken before the tap is closed: a writer that waits for room is let go.
    noted: Option<Receiver<sled::Batch>>,
}

impl<'a> Notes<'a> {
    fn begin(tap: &'a Tap) -> Result<Self, Error> {
        let (sender, noted) = sync_channel(NOTED_BATCHES_MAX);
        let mut held = tap.hold();
        if held.is_some() {
            return Err(Error::Refused("the store is being copied already".to_owned()));
        }
        *held = Some(sender);
        Ok(Self { tap, noted: Some(noted) })
    }

    fn apply(&self, copy: &sled::Db) -> Result<(), Error> {
        for batch in self.noted.iter().flat_map(Receiver::try_iter) {
            copy.apply_batch(batch).map_err(|error| fault::sled("catching up", &error))?;
        }
        Ok(())
    }
}

impl Drop for Notes<'_> {
    fn drop(&mut self) {
        self.noted = None;
        *self.tap.hold() = None;
    }
}

/// A copy to be made.
pub(crate) struct Copying<'a> {
    /// What is copied.
    pub shared: &'a Shared,
    /// The way to its writer.
    pub jobs: &'a mpsc::WeakSender<Job>,
    /// Which rows.
    pub keep: &'a Keep,
    /// Whether the log of the index is written anew, as one entry before all
    /// others that says what is, instead of all that ever was.
    pub index_anew: bool,
}

/// The entry of the log of the index that a copy begins with.
const INDEX_START: CommitSeq = CommitSeq(0);
/// Changes of the index that are packed at a time.
const INDEX_OPS: usize = 10_000;

/// The writer, standing still until this is dropped or answered.
pub(crate) struct Still(Sender<Writer>);

impl Still {
    /// Lets the writer go on with another store.
    pub fn go_on_with(self, writer: Writer) {
        // A writer that has gone needs no store.
        let _ = self.0.send(writer);
    }
}

impl Copying<'_> {
    /// Makes the copy in the engine's folder of a place, which must not exist,
    /// and calls `finish` with it closed and durable while the writer stands
    /// still.
    pub fn run<T>(
        self,
        to: &Place,
        tell: Tell<'_>,
        finish: impl FnOnce(Still, Tell<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.shared.may_read()?;
        let notes = Notes::begin(&self.shared.tap)?;
        let copy = Engine::from(open::fresh_engine(&to.engine(), CACHE_BYTES)?);
        let of_rows = self.shared.rows.tree.len() as u64;
        let mut told = Progress { step: Step::Copying, rows: 0, of_rows };
        tell(told)?;
        let mut after: Option<Key> = None;
        while let Some(last) = self.stretch(after.as_deref(), &copy, &mut told.rows)? {
            after = Some(last);
            notes.apply(&copy)?;
            // Whoever closes the store does not wait for a copy of it.
            self.jobs.upgrade().ok_or_else(stopped)?;
            tell(told)?;
        }
        let still = self.still(&notes, &copy)?;
        notes.apply(&copy)?;
        if self.index_anew {
            self.write_index(&copy)?;
        }
        tell(Progress { step: Step::CaughtUp, ..told })?;
        // An error of a commit meanwhile: nobody knows what was copied.
        self.shared.may_read()?;
        durable(&copy, &to.engine())?;
        self.compare(&copy)?;
        tell(Progress { step: Step::Compared, ..told })?;
        drop(copy);
        drop(notes);
        to.sync_created()?;
        finish(still, tell)
    }

    /// Copies some rows; the key of the last one read.
    fn stretch(
        &self,
        after: Option<&[u8]>,
        copy: &sled::Db,
        rows: &mut u64,
    ) -> Result<Option<Key>, Error> {
        let (mut batch, mut bytes, mut last) = (sled::Batch::default(), 0, None);
        for row in self.rows(after) {
            let (key, value) = row?;
            *rows += 1;
            last = Some(key.to_vec());
            if !self.is_copied(&key) {
                continue;
            }
            if let Some(value) = (self.keep)(&key, value)? {
                bytes += key.len() + value.len();
                batch.insert(key, value);
            }
            if bytes > STRETCH_BYTES {
                break;
            }
        }
        copy.apply_batch(batch).map_err(|error| fault::sled("copying rows", &error))?;
        Ok(last)
    }

    fn rows(
        &self,
        after: Option<&[u8]>,
    ) -> impl Iterator<Item = Result<(sled::IVec, sled::IVec), Error>> + use<> {
        let start = after.map_or(Unbounded, |key| Excluded(key.to_vec()));
        let rows = self.shared.rows.tree.range::<Key, _>((start, Unbounded));
        rows.map(|row| row.map_err(|error| fault::sled("reading rows to copy", &error)))
    }

    /// Asks the writer to stand still, and catches up until it does.
    fn still(&self, notes: &Notes<'_>, copy: &sled::Db) -> Result<Still, Error> {
        let (stands, standing) = channel();
        let (go_on, with) = channel();
        let mut job = Job::Pause(Pause { stands, with });
        loop {
            notes.apply(copy)?;
            let jobs = self.jobs.upgrade().ok_or_else(stopped)?;
            match jobs.try_send(job) {
                Ok(()) => break,
                Err(TrySendError::Full(waits)) => job = waits,
                Err(TrySendError::Closed(_)) => return Err(stopped()),
            }
            std::thread::sleep(LOOK_PAUSE);
        }
        loop {
            notes.apply(copy)?;
            match standing.recv_timeout(LOOK_PAUSE) {
                Ok(()) => return Ok(Still(go_on)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(stopped()),
            }
        }
    }

    /// Writes the log of the index anew; the writer stands still.
    fn write_index(&self, copy: &sled::Db) -> Result<(), Error> {
        let failed = |error: sled::Error| fault::sled("writing the index of the copy", &error);
        for row in copy.scan_prefix(keys::all(table::DELTA)).keys() {
            copy.remove(row.map_err(failed)?).map_err(failed)?;
        }
        let state = self.shared.state();
        let mut ops = state.index.ops();
        let mut place = 0_u32;
        loop {
            let some: Vec<Op> = ops.by_ref().take(INDEX_OPS).collect();
            if some.is_empty() {
                return Ok(());
            }
            let mut batch = sled::Batch::default();
            for piece in delta::pieces(&some) {
                if piece.len() > PIECE_BYTES_MAX {
                    return Err(Error::Refused("an identity has too many profiles".to_owned()));
                }
                let key = keys::delta(INDEX_START, place);
                place += 1;
                let framed = frame::whole(&key, &piece);
                batch.insert(key, framed);
            }
            copy.apply_batch(batch).map_err(failed)?;
        }
    }

    /// Whether rows of this key were copied: all are, but for a log of the index
    /// that is written anew. That one is judged by what opening makes of it.
    fn is_copied(&self, key: &[u8]) -> bool {
        !(self.index_anew && key.first() == Some(&table::DELTA))
    }

    /// Every row is in the copy as it should be, and nothing else. Rows that
    /// were written meanwhile are there as they were written, wanted or not.
    fn compare(&self, copy: &sled::Db) -> Result<(), Error> {
        let differs = || Error::Corrupt("the copy is not what was copied".to_owned());
        let of_copy = |row: &sled::Result<(sled::IVec, sled::IVec)>| {
            row.as_ref().map_or(true, |(key, _)| self.is_copied(key))
        };
        let mut copied = copy.iter().filter(of_copy).peekable();
        for row in self.rows(None) {
            let (key, value) = row?;
            if !self.is_copied(&key) {
                continue;
            }
            let kept = (self.keep)(&key, value.clone())?;
            let there = copied.next_if(|found| found.as_ref().is_ok_and(|(at, _)| *at == key));
            let right = match there {
                Some(found) => {
                    let (_, found) = found.map_err(|e| fault::sled("reading the copy", &e))?;
                    found == value || kept.is_some_and(|kept| found == kept)
                }
                None => kept.is_none(),
            };
            if !right {
                return Err(differs());
            }
        }
        copied.next().map_or(Ok(()), |_| Err(differs()))
    }
}

fn stopped() -> Error {
    Error::Unavailable("the store is closed".to_owned())
}

fn durable(copy: &sled::Db, engine: &Path) -> Result<(), Error> {
    copy.flush().map_err(|error| fault::sled("flushing the copy", &error))?;
    // The engine's own flush does not reach the disk.
    File::open(engine.join("db"))
        .and_then(|db| db.sync_all())
        .map_err(|error| fault::io("syncing the copy", &error))
}

/// Every row as it is.
pub(crate) fn every_row(_: &[u8], value: sled::IVec) -> Result<Option<sled::IVec>, Error> {
    Ok(Some(value))
}
