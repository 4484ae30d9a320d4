//! The keys: a table's byte, then what identifies the row, so that a table's
//! order is the order in which it is read. Numbers are big-endian; text that
//! something follows carries its length, text at the end does not and therefore
//! sorts by its bytes.

use hub_model::{
    CommitSeq, Identity, PendingKey, PositionName, ProfileId, RecordNo, RemoteKey, RunId, Stamp,
    StreamRef, SyncId, Timestamp,
};
use hub_store::Review;

use crate::index::Hash;

/// A key, whole or the start of many.
pub(crate) type Key = Vec<u8>;

/// The tables. A byte is never reused for something else.
pub(crate) mod table {
    /// The meta row: no further key.
    pub const META: u8 = b'M';
    /// Records, in blocks.
    pub const RECORD: u8 = b'R';
    /// Profiles, in blocks.
    pub const PROFILE: u8 = b'P';
    /// What commits changed in the index, by commit and piece.
    pub const DELTA: u8 = b'I';
    /// Positions by name.
    pub const POSITION: u8 = b'O';
    /// Pending deliveries by sync, profile, record.
    pub const PENDING: u8 = b'W';
    /// (sync, due, profile, record), no value.
    pub const DUE: u8 = b'w';
    /// Decisions by stamp.
    pub const DECISION: u8 = b'D';
    /// Changes by commit; every commit has a row.
    pub const LOG: u8 = b'L';
    /// Quarantine by stream, then keyed rows by key, then others by number.
    pub const QUARANTINE: u8 = b'Q';
    /// Reviews: all of it is the key, no value.
    pub const REVIEW: u8 = b'V';
    /// Profiles with a conflict, by id, no value.
    pub const CONFLICT: u8 = b'C';
    /// Runs by id.
    pub const RUN: u8 = b'U';
    /// (sync, run id), no value.
    pub const RUN_OF: u8 = b'S';
    /// Inbox bodies by number.
    pub const INBOX: u8 = b'N';
    /// Sealed tokens by connection and name.
    pub const TOKEN: u8 = b'T';
    /// Events, in blocks.
    pub const EVENT: u8 = b'E';
    /// Where events lie, by the identity that they name and the commit.
    pub const EVENT_OF: u8 = b'e';
    /// Standings by profile.
    pub const STANDING: u8 = b'A';
    /// (segment, profile), since when.
    pub const MEMBER: u8 = b'a';
    /// (review, profile) of standings, no value.
    pub const STANDING_DUE: u8 = b'd';
    /// Who entered segments and left them, by commit.
    pub const MOVES: u8 = b'm';
    /// The ledger of writes, in chunks: by run, then the number of the first entry.
    pub const LEDGER: u8 = b'G';
    /// Where entries lie, by the record that they are found by and the chunk.
    pub const LEDGER_OF: u8 = b'g';
    /// Pieces of values that are too long for one, by key and place.
    pub const PIECE: u8 = b'x';
}

fn start(table: u8) -> Key {
    vec![table]
}

/// Text that something follows. The port refuses names beyond 512 bytes, so
/// the length always fits; a longer one would only fail to be found.
fn text(mut key: Key, text: &str) -> Key {
    key.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    key.extend(text.as_bytes());
    key
}

fn last(mut key: Key, text: &str) -> Key {
    key.extend(text.as_bytes());
    key
}

fn number(mut key: Key, number: u64) -> Key {
    key.extend(number.to_be_bytes());
    key
}

/// The table of the meta row, and every table as a prefix.
pub(crate) fn all(table: u8) -> Key {
    start(table)
}

/// A block of records or profiles.
pub(crate) fn block(table: u8, number: u32) -> Key {
    let mut key = start(table);
    key.extend(number.to_be_bytes());
    key
}

/// The number of a block, from its key.
pub(crate) fn block_number(key: &[u8]) -> Option<u32> {
    key.last_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes))
}

pub(crate) fn delta(seq: CommitSeq, piece: u32) -> Key {
    let mut key = number(start(table::DELTA), seq.0);
    key.extend(piece.to_be_bytes());
    key
}

fn stream_text(key: Key, stream: &StreamRef) -> Key {
    let key = text(key, stream.workspace.as_str());
    text(text(key, stream.connection.as_str()), stream.stream.as_str())
}

pub(crate) fn position(name: &PositionName) -> Key {
    last(start(table::POSITION), name.as_str())
}

pub(crate) fn pending_of_sync(sync: &SyncId) -> Key {
    text(start(table::PENDING), sync.as_str())
}

pub(crate) fn pending_of(sync: &SyncId, profile: ProfileId) -> Key {
    number(pending_of_sync(sync), profile.0)
}

/// Records are numbered from 1, so 0 stands for none.
fn record_or_none(record: Option<RecordNo>) -> u64 {
    record.map_or(0, |record| record.0)
}

pub(crate) fn pending(key: &PendingKey) -> Key {
    number(pending_of(&key.sync, key.profile), record_or_none(key.record))
}

pub(crate) fn due_of_sync(sync: &SyncId) -> Key {
    text(start(table::DUE), sync.as_str())
}

/// An instant, so that earlier ones sort first.
fn instant(key: Key, at: Timestamp) -> Key {
    // The sign bit is turned, so that negative numbers sort before the others.
    number(key, at.0.cast_unsigned() ^ (1 << 63))
}

/// Where the deliveries of a sync begin that are due at an instant or later.
pub(crate) fn due_from(sync: &SyncId, due: Timestamp) -> Key {
    instant(due_of_sync(sync), due)
}

pub(crate) fn due(key: &PendingKey, due: Timestamp) -> Key {
    number(number(due_from(&key.sync, due), key.profile.0), record_or_none(key.record))
}

/// The key of the delivery that a row of the table of due times speaks of.
pub(crate) fn pending_of_due(sync: &SyncId, due_key: &[u8]) -> Option<Key> {
    const DUE_BYTES: usize = 8;
    let place = due_key.get(due_of_sync(sync).len() + DUE_BYTES..)?;
    let mut key = pending_of_sync(sync);
    key.extend(place);
    Some(key)
}

pub(crate) fn decision(stamp: Stamp) -> Key {
    number(start(table::DECISION), stamp.0)
}

pub(crate) fn log(seq: CommitSeq) -> Key {
    number(start(table::LOG), seq.0)
}

pub(crate) fn rejected(stream: &StreamRef, key: &RemoteKey) -> Key {
    let mut row = stream_text(start(table::QUARANTINE), stream);
    row.push(0);
    last(row, key.as_str())
}

pub(crate) fn rejected_keyless(stream: &StreamRef) -> Key {
    let mut rows = stream_text(start(table::QUARANTINE), stream);
    rows.push(1);
    rows
}

pub(crate) fn rejected_number(stream: &StreamRef, place: u64) -> Key {
    number(rejected_keyless(stream), place)
}

pub(crate) fn review(review: &Review) -> Key {
    let key = text(start(table::REVIEW), &review.identity.namespace);
    let key = text(key, &review.identity.value);
    last(number(number(key, review.left.0), review.right.0), &review.reason)
}

pub(crate) fn conflict(profile: ProfileId) -> Key {
    number(start(table::CONFLICT), profile.0)
}

pub(crate) fn run(id: &RunId) -> Key {
    last(start(table::RUN), id.as_str())
}

pub(crate) fn runs_of(sync: &SyncId) -> Key {
    text(start(table::RUN_OF), sync.as_str())
}

pub(crate) fn run_of(sync: &SyncId, id: &RunId) -> Key {
    last(runs_of(sync), id.as_str())
}

pub(crate) fn inbox(seq: u64) -> Key {
    number(start(table::INBOX), seq)
}

pub(crate) fn token(connection: &str, name: &str) -> Key {
    last(text(start(table::TOKEN), connection), name)
}

/// Where the events of an identity lie, commit by commit.
pub(crate) fn event_of(identity: Hash) -> Key {
    let mut key = start(table::EVENT_OF);
    identity.put(&mut key);
    key
}

/// Those that one commit brought.
pub(crate) fn event_of_in(identity: Hash, seq: u64) -> Key {
    number(event_of(identity), seq)
}

pub(crate) fn standing(profile: ProfileId) -> Key {
    number(start(table::STANDING), profile.0)
}

pub(crate) fn members_of(segment: &str) -> Key {
    text(start(table::MEMBER), segment)
}

pub(crate) fn member(segment: &str, profile: ProfileId) -> Key {
    number(members_of(segment), profile.0)
}

/// Where the standings begin whose review is at an instant or later.
pub(crate) fn standing_due_from(review: Timestamp) -> Key {
    instant(start(table::STANDING_DUE), review)
}

pub(crate) fn standing_due(review: Timestamp, profile: ProfileId) -> Key {
    number(standing_due_from(review), profile.0)
}

pub(crate) fn moves(seq: CommitSeq) -> Key {
    number(start(table::MOVES), seq.0)
}

/// The chunks of a run. No id has a byte 0, so they stand in order of runs.
pub(crate) fn ledger_of_run(run: &RunId) -> Key {
    let mut key = last(start(table::LEDGER), run.as_str());
    key.push(0);
    key
}

/// The chunk whose first entry has a number.
pub(crate) fn ledger(run: &RunId, first: u64) -> Key {
    number(ledger_of_run(run), first)
}

/// The chunks with entries that a record finds.
pub(crate) fn ledger_of(record: RecordNo) -> Key {
    number(start(table::LEDGER_OF), record.0)
}

/// That one of them is the chunk whose first entry has a number.
pub(crate) fn ledger_of_in(record: RecordNo, first: u64) -> Key {
    number(ledger_of(record), first)
}

/// The run of a chunk, from its key.
pub(crate) fn run_of_ledger(key: &[u8]) -> Option<RunId> {
    const NUMBER_BYTES: usize = 8;
    let run = key.get(1..key.len().checked_sub(NUMBER_BYTES + 1)?)?;
    std::str::from_utf8(run).ok().map(RunId::from)
}

/// All pieces of a row.
pub(crate) fn pieces(row: &[u8]) -> Key {
    let mut key = start(table::PIECE);
    key.extend(u16::try_from(row.len()).unwrap_or(u16::MAX).to_be_bytes());
    key.extend(row);
    key
}

pub(crate) fn piece(row: &[u8], place: u16) -> Key {
    let mut key = pieces(row);
    key.extend(place.to_be_bytes());
    key
}

/// The row and the place that a piece's key names.
pub(crate) fn row_of_piece(key: &[u8]) -> Option<(&[u8], u16)> {
    let (_, rest) = key.split_first()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (row, place) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((row, u16::from_be_bytes(place.try_into().ok()?)))
}

/// The number at the end of a key.
pub(crate) fn last_number(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The first key after all keys that begin like this.
pub(crate) fn end_of(prefix: &[u8]) -> Key {
    let mut end = prefix.to_vec();
    while let Some(byte) = end.pop() {
        if let Some(next) = byte.checked_add(1) {
            end.push(next);
            break;
        }
    }
    end
}

/// Decides whether `text` can be split; used by the reader of reviews.
pub(crate) fn split_text(rest: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

/// A review from its key.
pub(crate) fn read_review(key: &[u8]) -> Option<Review> {
    let (namespace, rest) = split_text(key.get(1..)?)?;
    let (value, rest) = split_text(rest)?;
    let (left, rest) = rest.split_first_chunk::<8>()?;
    let (right, reason) = rest.split_first_chunk::<8>()?;
    Some(Review {
        identity: Identity::new(namespace, value),
        left: ProfileId(u64::from_be_bytes(*left)),
        right: ProfileId(u64::from_be_bytes(*right)),
        reason: std::str::from_utf8(reason).ok()?.to_owned(),
    })
}

/// The name of a position from its key.
pub(crate) fn read_position(key: &[u8]) -> Option<PositionName> {
    std::str::from_utf8(key.get(1..)?).ok().map(PositionName::from)
}

/// Connection and name of a token from its key.
pub(crate) fn read_token(key: &[u8]) -> Option<(String, String)> {
    let (connection, name) = split_text(key.get(1..)?)?;
    Some((connection.to_owned(), std::str::from_utf8(name).ok()?.to_owned()))
}
