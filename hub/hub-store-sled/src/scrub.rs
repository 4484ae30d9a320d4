//! What a compacted copy holds: of people and events, what is current as of one moment, and
//! nothing of what was erased or replaced before.
//!
//! A block of which no row is current is left out. One with some is written
//! again without the others, each row at its old place, so that the index stays
//! true. Entries of the change log about profiles that are no more are left out:
//! whoever follows the log finds nobody under their numbers anyway.

use std::collections::BTreeSet;

use hub_model::{CommitSeq, ProfileId};
use hub_store::Error;

use crate::block::{self, Location};
use crate::frame::{self, Frame, PIECE_BYTES_MAX};
use crate::keys::{self, table};
use crate::log;
use crate::rows::Rows;
use crate::store::Shared;

/// Which rows of blocks, and which profiles, there are as of one moment. What is
/// written later is wanted.
pub(crate) struct Alive {
    rows: Rows,
    seq: CommitSeq,
    /// By block number: a bit for each current row.
    records: Vec<u32>,
    /// See above.
    profiles: Vec<u32>,
    /// See above.
    events: Vec<u32>,
    /// Profiles and aliases by number: whether there is one.
    known: BTreeSet<u64>,
    /// The numbers beyond are of later.
    known_until: u64,
}

impl Alive {
    /// As of now.
    pub fn of(shared: &Shared) -> Self {
        let state = shared.state();
        let (meta, index) = (&state.meta, &state.index);
        let records = index.records_after(None).filter_map(|number| index.record(number));
        let profiles = index.profiles_after(None).filter_map(|id| index.profile(id));
        let aliases = index.aliases().map(|(absorbed, _)| absorbed);
        let events = index.events().all().map(|(_, location)| location);
        Self {
            rows: shared.rows.clone(),
            seq: meta.seq(),
            records: marked(meta.record_block, records),
            profiles: marked(meta.profile_block, profiles),
            events: marked(meta.event_block, events),
            known: index.profiles_after(None).chain(aliases).map(|id| id.0).collect(),
            known_until: meta.counters.record,
        }
    }

    /// What becomes of a row: its value, another, or nothing.
    ///
    /// # Errors
    /// When a row that has to be read cannot be.
    pub fn keep(&self, key: &[u8], value: sled::IVec) -> Result<Option<sled::IVec>, Error> {
        match key.first() {
            Some(table) if is_blocks(*table) => self.block(key, None, value),
            Some(&table::PIECE) => match keys::row_of_piece(key) {
                Some((row, place)) if row.first().is_some_and(|table| is_blocks(*table)) => {
                    self.block(row, Some((key, place)), value)
                }
                _ => Ok(Some(value)),
            },
            Some(&table::LOG) => self.log(key, value),
            _ => Ok(Some(value)),
        }
    }

    /// A block, or one of its pieces.
    fn block(
        &self,
        row: &[u8],
        piece: Option<(&[u8], u16)>,
        value: sled::IVec,
    ) -> Result<Option<sled::IVec>, Error> {
        let table = row.first().copied().unwrap_or_default();
        let blocks = match table {
            table::RECORD => &self.records,
            table::PROFILE => &self.profiles,
            _ => &self.events,
        };
        let number = keys::block_number(row).unwrap_or_default();
        let known = usize::try_from(number).ok().and_then(|number| blocks.get(number));
        let wanted = match known.copied() {
            // Later than this moment, or full of current rows.
            None | Some(u32::MAX) => return Ok(Some(value)),
            Some(0) => return Ok(None),
            Some(wanted) => wanted,
        };
        let missing = || Error::Corrupt(format!("block {number} is not there to be copied"));
        let payload = self.rows.payload(row)?.ok_or_else(missing)?;
        let is_wanted = |slot: usize| {
            u32::try_from(slot)
                .is_ok_and(|slot| wanted.checked_shr(slot).is_some_and(|w| w & 1 == 1))
        };
        let Some(left) = block::without(table, number, &payload, is_wanted)? else {
            return Ok(Some(value));
        };
        let pieces = left.len().div_ceil(PIECE_BYTES_MAX);
        let is_whole = pieces <= 1;
        match piece {
            None if is_whole => Ok(Some(frame::whole(row, &left).into())),
            None => {
                let before = match frame::read(row, &value)? {
                    Frame::Pieces { count, .. } => count,
                    Frame::Whole(_) => 0,
                };
                // Less never takes more room; if it did, rows would be lost.
                let count = u16::try_from(pieces).ok().filter(|count| *count <= before);
                let count = count.ok_or_else(|| {
                    Error::Corrupt(format!("block {number} grew while rows were taken out of it"))
                })?;
                Ok(Some(frame::in_pieces(row, count, frame::crc_in_pieces(row, &left)).into()))
            }
            Some((key, place)) => {
                let part = left.chunks(PIECE_BYTES_MAX).nth(usize::from(place));
                Ok(part.filter(|_| !is_whole).map(|part| frame::whole(key, part).into()))
            }
        }
    }

    /// An entry of the log without profiles that are no more.
    fn log(&self, key: &[u8], value: sled::IVec) -> Result<Option<sled::IVec>, Error> {
        if keys::last_number(key).is_none_or(|seq| seq > self.seq.0) {
            return Ok(Some(value));
        }
        let payload = self.rows.payload(key)?;
        let missing = || Error::Corrupt("an entry of the log is not there to be copied".to_owned());
        let (_, mut changes) = log::read(key, &payload.ok_or_else(missing)?)?;
        let before = changes.len();
        changes.retain(|change| self.is_known(change.profile));
        if changes.len() == before {
            return Ok(Some(value));
        }
        let left = log::pack(&changes);
        // An entry in pieces would leave them without an owner.
        match frame::read(key, &value)? {
            Frame::Whole(_) => Ok(Some(frame::whole(key, &left).into())),
            Frame::Pieces { .. } => Ok(Some(value)),
        }
    }

    fn is_known(&self, id: ProfileId) -> bool {
        id.0 > self.known_until || self.known.contains(&id.0)
    }
}

/// Whether a table holds rows in blocks.
const fn is_blocks(table: u8) -> bool {
    matches!(table, table::RECORD | table::PROFILE | table::EVENT)
}

/// For each block up to the last, which of its rows one of the locations is.
fn marked(last: u32, locations: impl Iterator<Item = Location>) -> Vec<u32> {
    let mut blocks = vec![0; usize::try_from(last).unwrap_or(0) + 1];
    for location in locations {
        let block = usize::try_from(location.block()).ok().and_then(|at| blocks.get_mut(at));
        let bit = u32::try_from(location.slot()).ok().and_then(|slot| 1_u32.checked_shl(slot));
        if let (Some(block), Some(bit)) = (block, bit) {
            *block |= bit;
        }
    }
    blocks
}
