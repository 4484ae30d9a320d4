//! The versions that a compacted copy keeps, found by following the ways back from
//! what is current.
//!
//! A version lies before those that replaced it. So one pass over the blocks, the
//! last first, meets every version after all that lead to it, and reads each block
//! once; what is in memory are the ways that lead on. How much of a version is
//! kept is the port's rule ([`hub_store::history`]), as of one moment.

use std::collections::{BTreeMap, HashMap};

use hub_model::{CommitSeq, RecordNo, Timestamp};
use hub_store::history::{self, Kept};
use hub_store::{Became, Error, Moment, Version};

use crate::block::{BLOCK_ROWS_MAX, Block, Left, Location, bit_of, damaged};
use crate::index::Index;
use crate::keys::{self, table};
use crate::meta::Meta;
use crate::pack::{Damaged, version};
use crate::rows::Rows;
use crate::scrub::marked;

/// What is kept of the rows of one block, a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Bits {
    whole: u32,
    hollow: u32,
    last: u32,
}

/// What is kept of each row of the blocks of profiles; of blocks that are not
/// named, nothing.
#[derive(Debug, Default)]
pub(crate) struct Lineage(HashMap<u32, Bits>);

/// What the ways back are followed from, and by: as of one moment.
pub(crate) struct Ends {
    /// By block: a bit for each row that is the newest version of a number.
    newest: Vec<u32>,
    records: Records,
    from: Option<Timestamp>,
}

/// Which records there are, and what of them is told.
struct Records {
    /// A bit for each number.
    there: Vec<u64>,
    given_out: u64,
    forgotten: BTreeMap<RecordNo, CommitSeq>,
}

const WORD_BITS: u64 = 64;

/// The word and the bit of a number.
fn word_of(number: RecordNo) -> (usize, u64) {
    let word = usize::try_from(number.0 / WORD_BITS).unwrap_or(usize::MAX);
    (word, 1 << (number.0 % WORD_BITS))
}

impl Records {
    fn of(meta: &Meta, index: &Index) -> Self {
        let mut there: Vec<u64> = Vec::new();
        for (word, bit) in index.records_after(None).map(word_of) {
            // They come in order.
            there.resize(there.len().max(word + 1), 0);
            if let Some(word) = there.get_mut(word) {
                *word |= bit;
            }
        }
        let forgotten = index.forgotten_after(None).collect();
        Self { there, given_out: meta.counters.record, forgotten }
    }

    fn is_gone(&self, number: RecordNo, seq: CommitSeq) -> bool {
        let (word, bit) = word_of(number);
        let is_there = self.there.get(word).is_some_and(|word| word & bit != 0);
        let forgotten = self.forgotten.get(&number).is_some_and(|before| seq < *before);
        // Those of later are there.
        forgotten || !(is_there || number.0 > self.given_out)
    }
}

impl Ends {
    /// As of now.
    pub fn of(meta: &Meta, index: &Index) -> Self {
        let profiles = index.profiles_after(None).filter_map(|id| index.profile(id));
        let newest = profiles.chain(index.pasts().map(|(_, location)| location));
        Self {
            newest: marked(meta.profile_block, newest),
            records: Records::of(meta, index),
            from: meta.history_from,
        }
    }

    fn is_newest(&self, at: Location) -> bool {
        let block = usize::try_from(at.block()).ok().and_then(|block| self.newest.get(block));
        block.is_some_and(|block| block & bit_of(at.slot()) != 0)
    }
}

/// Versions that newer ones lead to: how many are newer, and when the next began.
type Ways = HashMap<Location, (usize, Moment)>;

impl Lineage {
    /// Follows the ways back.
    ///
    /// # Errors
    /// When a version that a way leads to cannot be read.
    pub fn of(rows: &Rows, ends: &Ends) -> Result<Self, Error> {
        let (mut lineage, mut ways) = (Self::default(), Ways::new());
        let blocks = u32::try_from(ends.newest.len()).unwrap_or(u32::MAX);
        for number in (1..blocks).rev() {
            // One that is not there: nothing of it was left before.
            if let Some(payload) = rows.payload(&keys::block(table::PROFILE, number))? {
                let bits = ends.block(number, &payload, &mut ways)?;
                if bits != Bits::default() {
                    lineage.0.insert(number, bits);
                }
            }
        }
        match ways.keys().next() {
            Some(at) => Err(damaged(table::PROFILE, at.block())),
            None => Ok(lineage),
        }
    }

    /// Whether every row that a block can hold is kept whole.
    pub fn is_whole(&self, block: u32) -> bool {
        self.0.get(&block).is_some_and(|bits| bits.whole == u32::MAX)
    }

    /// What is left of the rows of a block; `None` = nothing of any.
    pub fn left(&self, block: u32) -> Option<impl Fn(usize) -> Left + use<>> {
        let Bits { whole, hollow, last } = *self.0.get(&block)?;
        Some(move |slot| {
            let is_in = |bits: u32| bits & bit_of(slot) != 0;
            match (is_in(whole), is_in(hollow), is_in(last)) {
                (true, ..) => Left::Whole,
                (_, true, _) => Left::Hollow,
                (.., true) => Left::Last,
                _ => Left::Nothing,
            }
        })
    }
}

impl Ends {
    /// What is kept of the rows of a block; the ways that lead on are added.
    fn block(&self, number: u32, payload: &[u8], ways: &mut Ways) -> Result<Bits, Error> {
        let failed = |Damaged| damaged(table::PROFILE, number);
        let block = Block::read(payload).map_err(failed)?;
        let mut bits = Bits::default();
        for slot in (0..block.rows().min(BLOCK_ROWS_MAX)).rev() {
            let at = Location::new(number, slot)?;
            let (newer, replaced) = match ways.remove(&at) {
                Some(way) => way,
                None if self.is_newest(at) => (0, Moment::default()),
                None => continue,
            };
            let item = block.item(slot).map_err(failed)?;
            let (head, _) = version::head(&mut item.clone()).map_err(failed)?;
            let since = head.since.or(block.written).unwrap_or_default();
            let mut kept = Kept::Whole;
            if newer > 0 {
                let became = version::read(item).map_err(failed)?.became;
                // What was cut before is as little as it can be.
                if became != Became::Forgotten || head.before != Location::NONE {
                    let version = Version { since, became };
                    kept = history::kept(&version, (newer, replaced), self.from, |record, seq| {
                        Ok(self.records.is_gone(record, seq))
                    })?;
                }
            }
            match kept {
                Kept::Whole => bits.whole |= bit_of(slot),
                Kept::Hollow => bits.hollow |= bit_of(slot),
                Kept::Last => bits.last |= bit_of(slot),
            }
            if kept != Kept::Last && head.before != Location::NONE {
                ways.insert(head.before, (newer + 1, since));
            }
        }
        Ok(bits)
    }
}
