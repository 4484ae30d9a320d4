//! The writer: one thread, one commit at a time, acknowledged when it is on
//! the disk.
//!
//! The order is the guarantee: rules, plan, bodies ahead, one batch, the
//! engine's flush, our own sync of `db`, the witness, the answer. An error or a
//! panic from the batch on leaves it unknown what the files hold, so the store
//! answers nothing more until it is opened again; a failed sync is never tried
//! a second time.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use hub_model::{CommitSeq, limits};
use hub_store::{Error, WriteSet, rules};
use tokio::sync::{mpsc, oneshot};

use crate::delta::Op;
use crate::fault;
use crate::frame::{self, PIECE_BYTES_MAX};
use crate::guard::{self, Guard};
use crate::keys::{self, Key, table};
use crate::meta::Meta;
use crate::plan::Plan;
use crate::rows::Rows;
use crate::store::Shared;
use crate::witness::{Seen, Witness};

/// Most bytes of one batch: below a segment of the engine's log, with room for
/// what it adds. The port's weight keeps commits below two thirds of it.
const BATCH_BYTES_MAX: usize = limits::SLICE_BYTES_MAX / 2 * 3;
/// Bytes of bodies in one batch that is written ahead.
const AHEAD_BYTES: usize = 256 * 1024;

/// What waits for the writer.
pub(crate) enum Job {
    /// A commit.
    Commit {
        /// What is written.
        set: Box<WriteSet>,
        /// Where the answer goes.
        answer: oneshot::Sender<Result<CommitSeq, Error>>,
    },
    /// To stand still.
    Pause(Pause),
}

/// The writer stands still until the other side answers or is gone.
pub(crate) struct Pause {
    /// Told when the writer stands.
    pub stands: Sender<()>,
    /// The store to go on with, if it is another.
    pub with: Receiver<Writer>,
}

/// What only the writer uses.
pub(crate) struct Writer {
    pub shared: Arc<Shared>,
    pub db: File,
    pub witness: Witness,
}

impl Writer {
    /// Commits until nobody can ask any more.
    pub fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(job) = jobs.blocking_recv() {
            match job {
                Job::Commit { set, answer } => {
                    let done = self.commit(*set);
                    // A caller that has gone does not undo its commit.
                    let _ = answer.send(done);
                }
                Job::Pause(pause) => {
                    if pause.stands.send(()).is_ok()
                        && let Ok(writer) = pause.with.recv()
                    {
                        self = writer;
                    }
                }
            }
        }
    }

    fn commit(&self, set: WriteSet) -> Result<CommitSeq, Error> {
        self.shared.may_write()?;
        fault::contained("committing", || self.prepare(set)).and_then(|prepared| match prepared {
            None => Ok(self.shared.state().meta.seq()),
            Some(prepared) => {
                self.shared.fail_on_error(fault::contained("committing", || self.write(prepared)))
            }
        })
    }

    /// Checks and plans; nothing is written. `None` = nothing to write.
    fn prepare(&self, set: WriteSet) -> Result<Option<Prepared>, Error> {
        if set.is_empty() {
            return Ok(None);
        }
        let rows = &self.shared.rows;
        let state = self.shared.state();
        self.shared.check_workspace(&set, &state.meta)?;
        let reader = self.shared.reader(&state);
        if guard::is_on(Guard::CommitSize) {
            rules::check(&set, &reader)?;
        }
        let plan = Plan::new(&reader, &state, set)?;
        let batches = Batches::new(rows, plan.changed)?;
        if batches.bytes > BATCH_BYTES_MAX && guard::is_on(Guard::CommitSize) {
            let bytes = batches.bytes;
            return Err(Error::Refused(format!(
                "{bytes} bytes as stored, {BATCH_BYTES_MAX} may be"
            )));
        }
        Ok(Some(Prepared { batches, meta: plan.meta, ops: plan.ops }))
    }

    fn write(&self, prepared: Prepared) -> Result<CommitSeq, Error> {
        let Prepared { batches, meta, ops } = prepared;
        let seq = meta.seq();
        let seen = Seen { uuid: meta.uuid, seq: seq.0 };
        let tap = self.shared.tap.hold();
        let noted = tap.as_ref().map(|_| batches.all());
        for ahead in batches.ahead {
            self.apply(ahead)?;
            self.sync()?;
        }
        {
            // Readers see all of a commit or nothing of it.
            let mut state = self.shared.state_for_writing();
            self.apply(batches.commit)?;
            state.meta = meta;
            ops.into_iter().for_each(|op| state.index.apply(op));
        }
        self.sync()?;
        if self.shared.place.has_blobs()? {
            return Err(Error::Corrupt("the engine put a value outside its log".to_owned()));
        }
        self.witness.write(seen)?;
        if let Some(tap) = &*tap {
            // If nobody listens any more, the copy was given up.
            noted.into_iter().flatten().for_each(|batch| drop(tap.send(batch)));
        }
        Ok(seq)
    }

    fn apply(&self, batch: sled::Batch) -> Result<(), Error> {
        let tree = &self.shared.rows.tree;
        tree.apply_batch(batch).map_err(|error| fault::sled("writing a commit", &error))
    }

    fn sync(&self) -> Result<(), Error> {
        let tree = &self.shared.rows.tree;
        tree.flush().map_err(|error| fault::sled("flushing a commit", &error))?;
        if guard::is_on(Guard::Sync) {
            self.db.sync_data().map_err(|error| fault::io("syncing db", &error))?;
        }
        Ok(())
    }
}

/// A commit that was checked and planned.
struct Prepared {
    batches: Batches,
    meta: Meta,
    ops: Vec<Op>,
}

/// What the engine is given.
struct Batches {
    /// Pieces of inbox bodies, which nothing refers to yet.
    ahead: Vec<sled::Batch>,
    /// Everything else, at once.
    commit: sled::Batch,
    /// Bytes of keys and values in `commit`.
    bytes: usize,
}

impl Batches {
    fn new(rows: &Rows, changed: BTreeMap<Key, Option<Vec<u8>>>) -> Result<Self, Error> {
        let mut new = Self { ahead: Vec::new(), commit: sled::Batch::default(), bytes: 0 };
        let mut ahead = (sled::Batch::default(), 0);
        for (key, payload) in changed {
            let before = stored_pieces(rows, &key)?;
            let now = match payload {
                Some(payload) => new.put(&key, &payload, &mut ahead)?,
                None => {
                    new.remove(key.clone());
                    0
                }
            };
            for place in now..before {
                new.remove(keys::piece(&key, place));
            }
        }
        if ahead.1 > 0 {
            new.ahead.push(ahead.0);
        }
        Ok(new)
    }

    /// A copy of each, in the order in which they are applied.
    fn all(&self) -> Vec<sled::Batch> {
        self.ahead.iter().chain([&self.commit]).cloned().collect()
    }

    /// Puts a row; how many pieces it has.
    fn put(
        &mut self,
        key: &[u8],
        payload: &[u8],
        ahead: &mut (sled::Batch, usize),
    ) -> Result<u16, Error> {
        if payload.len() <= PIECE_BYTES_MAX {
            self.insert(key.to_vec(), frame::whole(key, payload));
            return Ok(0);
        }
        let pieces = payload.chunks(PIECE_BYTES_MAX);
        let count = u16::try_from(pieces.len())
            .map_err(|_| Error::Refused(format!("a row of {} bytes", payload.len())))?;
        for (place, piece) in (0..count).zip(pieces) {
            let at = keys::piece(key, place);
            let framed = frame::whole(&at, piece);
            if key.first() == Some(&table::INBOX) {
                if ahead.1 + framed.len() > AHEAD_BYTES {
                    self.ahead.push(std::mem::take(&mut ahead.0));
                    ahead.1 = 0;
                }
                ahead.1 += framed.len();
                ahead.0.insert(at, framed);
            } else {
                self.insert(at, framed);
            }
        }
        let crc = frame::crc_in_pieces(key, payload);
        self.insert(key.to_vec(), frame::in_pieces(key, count, crc));
        Ok(count)
    }

    fn insert(&mut self, key: Key, value: Vec<u8>) {
        self.bytes += key.len() + value.len();
        self.commit.insert(key, value);
    }

    fn remove(&mut self, key: Key) {
        self.bytes += key.len();
        self.commit.remove(key);
    }
}

/// How many pieces the row under a key has now.
fn stored_pieces(rows: &Rows, key: &[u8]) -> Result<u16, Error> {
    let Some(bytes) = rows.raw(key)? else { return Ok(0) };
    match frame::read(key, &bytes)? {
        frame::Frame::Whole(_) => Ok(0),
        frame::Frame::Pieces { count, .. } => Ok(count),
    }
}
