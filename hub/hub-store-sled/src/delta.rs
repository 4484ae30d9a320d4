//! The delta log: what each commit changed in the index.
//!
//! The index lives in memory because a tree of random keys inside the engine
//! was two thirds of its cost. Its log is appended with every commit, in the
//! same batch, and read from the beginning when the store is opened.

use hub_model::StreamRef;
use hub_store::Error;

use crate::block::Location;
use crate::event_index::EventKey;
use crate::index::Hash;
use crate::pack::bytes::{put_len, put_text, put_uint};
use crate::pack::{Bytes, Damaged};

/// Longest piece of the log under one key: a leaf of the engine holds up to 17.
const PIECE_BYTES: usize = 7_000;

const STREAM: u8 = 1;
const RECORD: u8 = 2;
const BORN: u8 = 3;
const PROFILE: u8 = 4;
const ALIAS: u8 = 5;
const CLAIM: u8 = 6;
const ERASED: u8 = 7;
const RELATED: u8 = 8;
const PAST: u8 = 9;
const FORGOTTEN: u8 = 10;
const EVENT: u8 = 16;
const EVENT_GONE: u8 = 17;

/// One change of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    /// A stream that later entries name by its place in the order of these.
    Stream(StreamRef),
    /// Where a record lies now, and the mark of what it shows (0 = none).
    Record { number: u32, location: Location, mark: u64 },
    /// The same of a record that is new: its row of a stream.
    Born { number: u32, location: Location, mark: u64, at: Hash, stream: u16 },
    /// Where a profile lies now; nowhere if it is gone.
    Profile { id: u32, location: Location },
    /// Which profile absorbed this one; 0 if none does any more.
    Alias { absorbed: u32, surviving: u32 },
    /// Who claims an identity; forgotten if nobody does.
    Claim { identity: Hash, profiles: Vec<u32>, carriers: u32 },
    /// A record that is gone for ever, and its row of a stream.
    Erased { number: u32, at: Hash },
    /// Where the newest version lies of a number that is no profile; nowhere if
    /// nothing is kept of it. Forgotten once it is a profile (again).
    Past { id: u32, location: Location },
    /// Nothing of a record is told as it was before a commit.
    Forgotten { number: u32, before: u64 },
    /// Everything that a record relates to now, in order.
    Related { number: u32, to: Vec<Hash> },
    /// Where an event lies, and what is kept of its key.
    Event { key: EventKey, location: Location },
    /// The same of an event that is gone for ever.
    EventGone { key: EventKey, location: Location },
}

impl Op {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Stream(stream) => {
                out.push(STREAM);
                put_text(out, stream.workspace.as_str());
                put_text(out, stream.connection.as_str());
                put_text(out, stream.stream.as_str());
            }
            Self::Record { number, location, mark } => {
                out.push(RECORD);
                put_record(out, *number, *location, *mark);
            }
            Self::Born { number, location, mark, at, stream } => {
                out.push(BORN);
                put_record(out, *number, *location, *mark);
                at.put(out);
                put_uint(out, u64::from(*stream));
            }
            Self::Profile { id, location } => {
                out.push(PROFILE);
                put_uint(out, u64::from(*id));
                put_uint(out, u64::from(location.0));
            }
            Self::Alias { absorbed, surviving } => {
                out.push(ALIAS);
                put_uint(out, u64::from(*absorbed));
                put_uint(out, u64::from(*surviving));
            }
            Self::Claim { identity, profiles, carriers } => {
                out.push(CLAIM);
                identity.put(out);
                put_uint(out, u64::from(*carriers));
                put_len(out, profiles.len());
                profiles.iter().for_each(|id| put_uint(out, u64::from(*id)));
            }
            Self::Erased { number, at } => {
                out.push(ERASED);
                put_uint(out, u64::from(*number));
                at.put(out);
            }
            Self::Past { id, location } => {
                out.push(PAST);
                put_uint(out, u64::from(*id));
                put_uint(out, u64::from(location.0));
            }
            Self::Forgotten { number, before } => {
                out.push(FORGOTTEN);
                put_uint(out, u64::from(*number));
                put_uint(out, *before);
            }
            Self::Related { number, to } => {
                out.push(RELATED);
                put_uint(out, u64::from(*number));
                put_len(out, to.len());
                to.iter().for_each(|hash| hash.put(out));
            }
            Self::Event { key, location } => {
                out.push(EVENT);
                put_event(out, *key, *location);
            }
            Self::EventGone { key, location } => {
                out.push(EVENT_GONE);
                put_event(out, *key, *location);
            }
        }
    }

    fn read(bytes: &mut Bytes<'_>) -> Result<Self, Damaged> {
        Ok(match bytes.byte()? {
            STREAM => Self::Stream(StreamRef::new(bytes.text()?, bytes.text()?, bytes.text()?)),
            RECORD => {
                let (number, location, mark) = read_record(bytes)?;
                Self::Record { number, location, mark }
            }
            BORN => {
                let (number, location, mark) = read_record(bytes)?;
                let at = Hash::read(bytes)?;
                let stream = u16::try_from(bytes.uint()?).map_err(|_| Damaged)?;
                Self::Born { number, location, mark, at, stream }
            }
            PROFILE => Self::Profile { id: bytes.short()?, location: Location(bytes.short()?) },
            ALIAS => Self::Alias { absorbed: bytes.short()?, surviving: bytes.short()? },
            CLAIM => {
                let identity = Hash::read(bytes)?;
                let carriers = bytes.short()?;
                let count = bytes.count()?;
                let profiles = (0..count).map(|_| bytes.short()).collect::<Result<_, _>>()?;
                Self::Claim { identity, profiles, carriers }
            }
            RELATED => {
                let (number, count) = (bytes.short()?, bytes.count()?);
                let to = (0..count).map(|_| Hash::read(bytes)).collect::<Result<_, _>>()?;
                Self::Related { number, to }
            }
            ERASED => Self::Erased { number: bytes.short()?, at: Hash::read(bytes)? },
            PAST => Self::Past { id: bytes.short()?, location: Location(bytes.short()?) },
            FORGOTTEN => Self::Forgotten { number: bytes.short()?, before: bytes.uint()? },
            EVENT => {
                let (key, location) = read_event(bytes)?;
                Self::Event { key, location }
            }
            EVENT_GONE => {
                let (key, location) = read_event(bytes)?;
                Self::EventGone { key, location }
            }
            _ => return Err(Damaged),
        })
    }
}

fn put_record(out: &mut Vec<u8>, number: u32, location: Location, mark: u64) {
    put_uint(out, u64::from(number));
    put_uint(out, u64::from(location.0));
    out.extend_from_slice(&mark.to_le_bytes());
}

fn read_record(bytes: &mut Bytes<'_>) -> Result<(u32, Location, u64), Damaged> {
    let (number, location) = (bytes.short()?, Location(bytes.short()?));
    let mark = bytes.take(8)?.try_into().map_err(|_| Damaged)?;
    Ok((number, location, u64::from_le_bytes(mark)))
}

fn put_event(out: &mut Vec<u8>, key: EventKey, location: Location) {
    out.extend_from_slice(&key.part.to_le_bytes());
    out.extend_from_slice(&key.print.to_le_bytes());
    put_uint(out, u64::from(location.0));
}

fn read_event(bytes: &mut Bytes<'_>) -> Result<(EventKey, Location), Damaged> {
    let part = u16::from_le_bytes(bytes.take(2)?.try_into().map_err(|_| Damaged)?);
    let print = u32::from_le_bytes(bytes.take(4)?.try_into().map_err(|_| Damaged)?);
    Ok((EventKey { part, print }, Location(bytes.short()?)))
}

/// The pieces of a log entry: whole changes, in order.
pub(crate) fn pieces(ops: &[Op]) -> Vec<Vec<u8>> {
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    let mut piece = Vec::new();
    for op in ops {
        let before = piece.len();
        op.put(&mut piece);
        if piece.len() > PIECE_BYTES && before > 0 {
            let next = piece.split_off(before);
            pieces.push(std::mem::replace(&mut piece, next));
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// The changes of a piece.
///
/// # Errors
/// [`Error::Corrupt`] when it cannot be read.
pub(crate) fn read(payload: &[u8], mut each: impl FnMut(Op)) -> Result<(), Error> {
    let mut bytes = Bytes(payload);
    while !bytes.is_empty() {
        let damaged = |Damaged| Error::Corrupt("the log of the index cannot be read".to_owned());
        each(Op::read(&mut bytes).map_err(damaged)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hub_model::StreamRef;

    use super::{Op, PIECE_BYTES, pieces, read};
    use crate::block::Location;
    use crate::index::Hash;

    #[test]
    fn changes_come_back_in_order_whatever_the_pieces() {
        let mut ops = vec![Op::Stream(StreamRef::new("main", "crm", "contacts"))];
        for n in 1..2_000_u32 {
            let at = Hash([n, !n, 7]);
            let location = Location(n * 3);
            ops.push(Op::Born { number: n, location, mark: u64::MAX, at, stream: 0 });
            ops.push(Op::Record { number: n, location, mark: 0 });
            ops.push(Op::Profile { id: n, location: Location::NONE });
            ops.push(Op::Alias { absorbed: n, surviving: n - 1 });
            ops.push(Op::Claim { identity: at, profiles: vec![n, n + 1], carriers: 3 });
            ops.push(Op::Erased { number: n, at });
            ops.push(Op::Past { id: n, location });
            ops.push(Op::Forgotten { number: n, before: u64::MAX });
            ops.push(Op::Related { number: n, to: vec![at, Hash([n; 3])] });
            ops.push(Op::Event { key: at.into(), location });
            ops.push(Op::EventGone { key: at.into(), location });
        }
        ops.push(Op::Claim { identity: Hash([0; 3]), profiles: vec![1 << 20; 5_000], carriers: 0 });
        let pieces = pieces(&ops);
        assert!(pieces.len() > 10 && pieces.iter().filter(|p| p.len() > PIECE_BYTES).count() == 1);
        let mut found = Vec::new();
        for piece in &pieces {
            read(piece, |op| found.push(op)).unwrap();
        }
        assert_eq!(found, ops);
        assert!(read(&pieces[0][..20], |_| ()).is_err());
    }
}
