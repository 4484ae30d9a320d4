//! Blocks: a few packed rows under one key, compressed together.
//!
//! Rows of one commit look alike, so a block of them costs a fifth of what they
//! cost alone, and the engine has one key to keep instead of many. A block is
//! never changed: what is new of a row goes to a new block, and the index knows
//! which block is current ([`crate::index`]).

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use hub_store::{Became, Error, Moment};
use zstd::bulk::{Compressor, Decompressor};

use crate::keys::{self, Key};
use crate::pack::names::Item;
use crate::pack::{Bytes, Damaged, Names, bytes, event, record, version};
use crate::rows::Rows;

/// Bits of a [`Location`] that tell the place in its block.
const SLOT_BITS: u32 = 5;
/// Most rows in a block.
pub(crate) const BLOCK_ROWS_MAX: usize = 1 << SLOT_BITS;
/// Bytes of packed rows after which a block takes no more.
const BLOCK_BYTES: usize = 24 * 1024;
/// Largest block that reading accepts: one row of the port's limits and more.
const BLOCK_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How hard to compress: the next level costs twice the time for a tenth less.
const COMPRESSION_LEVEL: i32 = 1;
/// Blocks kept unpacked, by table and number: a batch of deliveries reads each
/// of its blocks several times.
const CACHED_BLOCKS: usize = 512;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
/// Set in the byte of the method: the moment that the block was written follows.
const DATED: u8 = 2;

/// Where a row lies: the number of its block, and its place there. Blocks are
/// numbered from 1, so no row lies at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Location(pub u32);

impl Location {
    /// Of no row.
    pub const NONE: Self = Self(0);

    /// Of a place in a block.
    ///
    /// # Errors
    /// [`Error::Refused`] when the numbers of blocks are used up.
    pub fn new(block: u32, slot: usize) -> Result<Self, Error> {
        let slot = u32::try_from(slot).unwrap_or(u32::MAX);
        match block.checked_mul(1 << SLOT_BITS) {
            Some(first) if slot < 1 << SLOT_BITS => Ok(Self(first | slot)),
            _ => Err(Error::Refused("the store has no block numbers left; compact it".to_owned())),
        }
    }

    /// The number of the block.
    pub const fn block(self) -> u32 {
        self.0 >> SLOT_BITS
    }

    /// The place in the block.
    pub fn slot(self) -> usize {
        usize::try_from(self.0 & ((1 << SLOT_BITS) - 1)).unwrap_or(usize::MAX)
    }
}

/// The bit of a place where the rows of a block are marked; none beyond them.
pub(crate) const fn bit_of(slot: usize) -> u32 {
    if slot < BLOCK_ROWS_MAX { 1 << slot } else { 0 }
}

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Blocks of one table, ready to be written.
pub(crate) struct Packed {
    /// Their keys and payloads.
    pub blocks: Vec<(Key, Vec<u8>)>,
    /// The number of the last block of the table.
    pub last: u32,
}

/// Packs rows into the blocks of one table.
pub(crate) struct Packing {
    table: u8,
    block: u32,
    written: Option<Moment>,
    names: Names,
    items: Vec<u8>,
    ends: Vec<usize>,
    done: Vec<(Key, Vec<u8>)>,
}

impl Packing {
    /// After the last block of a table.
    pub fn after(table: u8, last: u32) -> Self {
        Self {
            table,
            block: last,
            written: None,
            names: Names::default(),
            items: Vec::new(),
            ends: Vec::new(),
            done: Vec::new(),
        }
    }

    /// The same, with the moment that the rows are written in each block.
    pub fn written(self, moment: Moment) -> Self {
        Self { written: Some(moment), ..self }
    }

    /// Adds a row; where it will lie.
    ///
    /// # Errors
    /// [`Error::Refused`] when the numbers of blocks are used up.
    pub fn add(&mut self, pack: impl FnOnce(&mut Names, &mut Vec<u8>)) -> Result<Location, Error> {
        let full = self.items.len() + self.names.size_bytes() >= BLOCK_BYTES;
        if self.ends.is_empty() {
            self.block += 1;
        } else if full || self.ends.len() == BLOCK_ROWS_MAX {
            self.close()?;
            self.block += 1;
        }
        let location = Location::new(self.block, self.ends.len())?;
        pack(&mut self.names, &mut self.items);
        self.ends.push(self.items.len());
        Ok(location)
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.ends.is_empty() {
            return Ok(());
        }
        let names = std::mem::take(&mut self.names);
        let payload = assembled(self.written, names, &mut self.items, &mut self.ends)?;
        self.done.push((keys::block(self.table, self.block), payload));
        Ok(())
    }

    /// The blocks.
    ///
    /// # Errors
    /// [`Error::Refused`] when a block cannot be compressed.
    pub fn finish(mut self) -> Result<Packed, Error> {
        self.close()?;
        Ok(Packed { blocks: self.done, last: self.block })
    }
}

/// The payload of a block: its names, where each row ends, the rows.
fn assembled(
    written: Option<Moment>,
    names: Names,
    items: &mut Vec<u8>,
    ends: &mut Vec<usize>,
) -> Result<Vec<u8>, Error> {
    let mut plain = Vec::with_capacity(items.len() + names.size_bytes() + 100);
    names.finish(&mut plain);
    bytes::put_len(&mut plain, ends.len());
    let mut start = 0;
    for end in ends.drain(..) {
        bytes::put_len(&mut plain, end - start);
        start = end;
    }
    plain.append(items);
    compressed(written, &plain)
}

/// What is left of a row when its block is written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// All of it.
    Whole,
    /// Of a version: that it was, and where the one before lies.
    Hollow,
    /// Of a version: that it was.
    Last,
    /// An empty place.
    Nothing,
}

/// A block with what is left of its rows, each at its old place; names that no
/// row speaks of go. `None` = every row that there is is left whole.
///
/// # Errors
/// [`Error::Corrupt`] when the block cannot be read.
pub(crate) fn without(
    table: u8,
    number: u32,
    payload: &[u8],
    left: impl Fn(usize) -> Left,
) -> Result<Option<Vec<u8>>, Error> {
    let damaged = |Damaged| damaged(table, number);
    let block = Block::read(payload).map_err(damaged)?;
    if (0..block.rows()).all(|slot| left(slot) == Left::Whole || block.is_empty(slot)) {
        return Ok(None);
    }
    let (mut names, mut items, mut ends) = (Names::default(), Vec::new(), Vec::new());
    for slot in 0..block.rows() {
        let left = left(slot);
        if left != Left::Nothing {
            let item = block.item(slot).map_err(damaged)?;
            match table {
                keys::table::PROFILE => {
                    let mut row = version::read(item).map_err(damaged)?;
                    if left != Left::Whole {
                        row.became = Became::Forgotten;
                    }
                    if left == Left::Last {
                        row.head.before = Location::NONE;
                    }
                    version::put(&row, &mut names, &mut items);
                }
                keys::table::EVENT => {
                    let row = event::read(item).map_err(damaged)?;
                    event::put(&row, &mut names, &mut items);
                }
                _ => {
                    let row = record::read(item).map_err(damaged)?;
                    record::put(&row, &mut names, &mut items);
                }
            }
        }
        ends.push(items.len());
    }
    assembled(block.written, names, &mut items, &mut ends).map(Some)
}

fn compressed(written: Option<Moment>, plain: &[u8]) -> Result<Vec<u8>, Error> {
    let failed = |error: std::io::Error| Error::Refused(format!("compressing a block: {error}"));
    let packed = COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => kept.insert(Compressor::new(COMPRESSION_LEVEL).map_err(failed)?),
        };
        compressor.compress(plain).map_err(failed)
    })?;
    let (method, body) = if packed.len() < plain.len() { (ZSTD, &*packed) } else { (PLAIN, plain) };
    let mut out = Vec::with_capacity(body.len() + 24);
    out.push(if written.is_some() { method | DATED } else { method });
    if let Some(written) = written {
        version::put_moment(&mut out, written);
    }
    bytes::put_len(&mut out, plain.len());
    out.extend_from_slice(body);
    Ok(out)
}

/// A block, unpacked as far as its rows can be told apart.
#[derive(Debug)]
pub(crate) struct Block {
    /// When it was written, if it says so.
    pub written: Option<Moment>,
    names: Vec<Arc<str>>,
    plain: Vec<u8>,
    /// Where each row begins, and where the last ends.
    bounds: Vec<usize>,
}

impl Block {
    /// Reads a block.
    pub fn read(payload: &[u8]) -> Result<Self, Damaged> {
        let mut head = Bytes(payload);
        let flags = head.byte()?;
        let written = if flags & DATED != 0 { Some(version::moment(&mut head)?) } else { None };
        let method = flags & !DATED;
        let len = usize::try_from(head.uint()?).map_err(|_| Damaged)?;
        let plain = match method {
            PLAIN => head.0.to_vec(),
            ZSTD if len <= BLOCK_BYTES_MAX => decompressed(head.0, len)?,
            _ => return Err(Damaged),
        };
        let mut rest = Bytes(&plain);
        let names = Names::read(&mut rest)?;
        let count = rest.count()?;
        let lens: Vec<usize> = (0..count).map(|_| rest.count()).collect::<Result<_, _>>()?;
        let mut at = plain.len() - rest.0.len();
        let mut bounds = vec![at];
        for len in lens {
            at = at.checked_add(len).filter(|end| *end <= plain.len()).ok_or(Damaged)?;
            bounds.push(at);
        }
        Ok(Self { written, names, plain, bounds })
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.bounds.len() - 1
    }

    /// Whether a row was taken out of its place.
    pub fn is_empty(&self, slot: usize) -> bool {
        let bound = |at: usize| self.bounds.get(at);
        bound(slot).is_some() && bound(slot) == bound(slot + 1)
    }

    /// A row of it.
    pub fn item(&self, slot: usize) -> Result<Item<'_>, Damaged> {
        let (Some(start), Some(end)) = (self.bounds.get(slot), self.bounds.get(slot + 1)) else {
            return Err(Damaged);
        };
        let bytes = self.plain.get(*start..*end).ok_or(Damaged)?;
        Ok(Item { names: &self.names, bytes: Bytes(bytes) })
    }
}

fn decompressed(packed: &[u8], len: usize) -> Result<Vec<u8>, Damaged> {
    let plain = DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(Decompressor::new().map_err(|_| Damaged)?),
        };
        decompressor.decompress(packed, len).map_err(|_| Damaged)
    })?;
    if plain.len() == len { Ok(plain) } else { Err(Damaged) }
}

/// Which block a place of the cache holds: (table, number).
type Cached = Option<((u8, u32), Arc<Block>)>;

/// Reads rows out of blocks; keeps the blocks read last.
pub(crate) struct Blocks {
    rows: Rows,
    cache: Vec<Mutex<Cached>>,
}

impl Blocks {
    /// The blocks among these rows.
    pub fn new(rows: Rows) -> Self {
        Self { rows, cache: (0..CACHED_BLOCKS).map(|_| Mutex::new(None)).collect() }
    }

    /// The row at a location of a table.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when there is none, or it cannot be read.
    pub fn row<T>(
        &self,
        table: u8,
        at: Location,
        read: impl FnOnce(Item<'_>) -> Result<T, Damaged>,
    ) -> Result<T, Error> {
        let block = self.block(table, at.block())?;
        block.item(at.slot()).and_then(read).map_err(|Damaged| damaged(table, at.block()))
    }

    /// The version at a location, and since when it is so.
    ///
    /// # Errors
    /// As for [`Blocks::row`].
    pub fn version(&self, at: Location) -> Result<(version::Row, Moment), Error> {
        let block = self.block(keys::table::PROFILE, at.block())?;
        let row = block.item(at.slot()).and_then(version::read);
        let row = row.map_err(|Damaged| damaged(keys::table::PROFILE, at.block()))?;
        let since = row.head.since.or(block.written).unwrap_or_default();
        Ok((row, since))
    }

    fn block(&self, table: u8, number: u32) -> Result<Arc<Block>, Error> {
        let place = usize::try_from(number).unwrap_or(0) * 2 + usize::from(table & 1);
        let cached = self.cache.get(place % CACHED_BLOCKS);
        let wanted = (table, number);
        let kept = cached.map(|cached| cached.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(Some((found, block))) = kept.as_deref()
            && *found == wanted
        {
            return Ok(Arc::clone(block));
        }
        drop(kept);
        let payload = self.rows.payload(&keys::block(table, number))?;
        let payload = payload.ok_or_else(|| damaged(table, number))?;
        let block = Arc::new(Block::read(&payload).map_err(|Damaged| damaged(table, number))?);
        if let Some(cached) = cached {
            let mut place = cached.lock().unwrap_or_else(PoisonError::into_inner);
            *place = Some((wanted, Arc::clone(&block)));
        }
        Ok(block)
    }
}

/// What is said of a block that cannot be read.
pub(crate) fn damaged(table: u8, number: u32) -> Error {
    Error::Corrupt(format!("block {number} of table {} cannot be read", char::from(table)))
}

#[cfg(test)]
mod tests;
