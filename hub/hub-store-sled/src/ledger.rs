//! The ledger of writes: entries of one run that came with one commit lie in
//! chunks, as JSON, compressed together. A chunk is found by its run and the number
//! of its first entry; by which records its entries are found, rows without a value
//! but the run say.
//!
//! Entries are written once and read when somebody asks, or when one has to leave:
//! then its chunk is written again without it. So a chunk is small, and nothing of
//! it is kept in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included};

use hub_model::{LedgerEntry, LedgerPlace, RecordNo, RunId};
use hub_store::Error;

use crate::fault;
use crate::keys::{self, Key, table};
use crate::meta::Meta;
use crate::rows::Rows;

/// Most entries of a chunk.
const CHUNK_ENTRIES_MAX: usize = 32;
/// Bytes of an entry's JSON after which its chunk takes no more.
const CHUNK_BYTES: usize = 64 * 1024;
/// Largest chunk that reading accepts: the largest entry of the port, and more.
const CHUNK_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How hard to compress: entries of one commit look alike.
const COMPRESSION_LEVEL: i32 = 1;

/// Entries with their numbers.
pub(crate) type Chunk = Vec<(u64, LedgerEntry)>;

/// The rows that a commit changes: payloads to put, `None` = remove. What leaves
/// goes before what is put.
///
/// # Errors
/// When a chunk cannot be read or written.
pub(crate) fn plan(
    rows: &Rows,
    meta: &mut Meta,
    gone: &[LedgerPlace],
    news: &[LedgerEntry],
) -> Result<BTreeMap<Key, Option<Vec<u8>>>, Error> {
    let mut changed = BTreeMap::new();
    let mut leaving: BTreeMap<Key, BTreeSet<u64>> = BTreeMap::new();
    for place in gone {
        if let Some(key) = chunk_of(rows, place)? {
            leaving.entry(key).or_default().insert(place.number);
        }
    }
    for (key, numbers) in leaving {
        take_out(rows, meta, (&key, &numbers), &mut changed)?;
    }
    let mut by_run: BTreeMap<&RunId, Chunk> = BTreeMap::new();
    for entry in news {
        meta.ledger_last += 1;
        meta.stats.written += 1;
        by_run.entry(&entry.run).or_default().push((meta.ledger_last, entry.clone()));
    }
    for (run, entries) in by_run {
        for chunk in cut(entries)? {
            let Some((first, _)) = chunk.first() else { continue };
            let key = keys::ledger(run, *first);
            for place in index(&key, &chunk) {
                changed.insert(place, Some(run.as_str().as_bytes().to_vec()));
            }
            changed.insert(key, Some(packed(&chunk)?));
        }
    }
    Ok(changed)
}

/// The key of the chunk that may have an entry: the last that begins with it or
/// before.
fn chunk_of(rows: &Rows, place: &LedgerPlace) -> Result<Option<Key>, Error> {
    let range =
        (Included(keys::ledger(&place.run, 0)), Included(keys::ledger(&place.run, place.number)));
    let last = rows.tree.range::<Key, _>(range).next_back().transpose();
    let last = last.map_err(|error| fault::sled("reading rows", &error))?;
    Ok(last.map(|(key, _)| key.to_vec()))
}

/// Writes a chunk again without entries.
fn take_out(
    rows: &Rows,
    meta: &mut Meta,
    (key, numbers): (&Key, &BTreeSet<u64>),
    changed: &mut BTreeMap<Key, Option<Vec<u8>>>,
) -> Result<(), Error> {
    let payload = rows.payload(key)?.ok_or_else(|| damaged("is missing"))?;
    let before = read(key, &payload)?;
    let all = before.len();
    let was = index(key, &before);
    let stay: Chunk = before.into_iter().filter(|(number, _)| !numbers.contains(number)).collect();
    meta.stats.written = meta.stats.written.saturating_sub((all - stay.len()) as u64);
    let is = index(key, &stay);
    changed.extend(was.difference(&is).map(|place| (place.clone(), None)));
    if stay.len() < all {
        let left = if stay.is_empty() { None } else { Some(packed(&stay)?) };
        changed.insert(key.clone(), left);
    }
    Ok(())
}

fn cut(entries: Chunk) -> Result<Vec<Chunk>, Error> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut bytes = usize::MAX;
    for row in entries {
        let size = serde_json::to_vec(&row.1).map_err(|error| refused(&error))?.len();
        match chunks.last_mut() {
            Some(chunk)
                if chunk.len() < CHUNK_ENTRIES_MAX && bytes.saturating_add(size) <= CHUNK_BYTES =>
            {
                bytes += size;
                chunk.push(row);
            }
            _ => {
                bytes = size;
                chunks.push(vec![row]);
            }
        }
    }
    Ok(chunks)
}

fn packed(chunk: &Chunk) -> Result<Vec<u8>, Error> {
    let plain = serde_json::to_vec(chunk).map_err(|error| refused(&error))?;
    zstd::bulk::compress(&plain, COMPRESSION_LEVEL).map_err(|error| refused(&error))
}

/// A chunk from its row.
///
/// # Errors
/// [`Error::Corrupt`] when it cannot be read.
pub(crate) fn read(key: &[u8], payload: &[u8]) -> Result<Chunk, Error> {
    let plain = zstd::bulk::decompress(payload, capacity(payload));
    let plain = plain.map_err(|_| damaged("cannot be unpacked"))?;
    let chunk: Chunk = serde_json::from_slice(&plain).map_err(|_| damaged("cannot be read"))?;
    let run = keys::run_of_ledger(key).ok_or_else(|| damaged("has no run"))?;
    if chunk.iter().any(|(_, entry)| entry.run != run) {
        return Err(damaged("lies under another run"));
    }
    Ok(chunk)
}

/// What unpacking may need: what the frame says, within limits.
fn capacity(payload: &[u8]) -> usize {
    let told = zstd::zstd_safe::get_frame_content_size(payload).ok().flatten();
    told.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0).min(CHUNK_BYTES_MAX)
}

/// By which rows the entries of a chunk are found.
pub(crate) fn index(key: &[u8], chunk: &Chunk) -> BTreeSet<Key> {
    let first = keys::last_number(key).unwrap_or_default();
    let records: BTreeSet<RecordNo> =
        chunk.iter().flat_map(|(_, entry)| entry.found_by()).collect();
    records.into_iter().map(|record| keys::ledger_of_in(record, first)).collect()
}

fn placed((number, entry): (u64, LedgerEntry)) -> (LedgerPlace, LedgerEntry) {
    (LedgerPlace { run: entry.run.clone(), number }, entry)
}

/// Entries that are found by a record, in order of their places.
///
/// # Errors
/// When a row cannot be read.
pub(crate) fn about(
    rows: &Rows,
    record: RecordNo,
) -> Result<Vec<(LedgerPlace, LedgerEntry)>, Error> {
    let mut found = Vec::new();
    for row in rows.scan(&keys::ledger_of(record), None) {
        let (key, run) = row?;
        let run = std::str::from_utf8(&run).map_err(|_| damaged("has no run"))?;
        let chunk = keys::ledger(&RunId::from(run), keys::last_number(&key).unwrap_or_default());
        let payload = rows.payload(&chunk)?.ok_or_else(|| damaged("is missing"))?;
        let entries = read(&chunk, &payload)?.into_iter();
        found
            .extend(entries.filter(|(_, entry)| entry.found_by().any(|r| r == record)).map(placed));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}

/// Entries after a place, in order: of one run, or of all.
pub(crate) fn after<'a>(
    rows: &'a Rows,
    run: Option<&RunId>,
    after: Option<&LedgerPlace>,
) -> impl Iterator<Item = Result<(LedgerPlace, LedgerEntry), Error>> + use<'a> {
    let prefix = run.map_or_else(|| keys::all(table::LEDGER), keys::ledger_of_run);
    // The chunk that the place lies in may have more after it.
    let began = after.and_then(|place| chunk_of(rows, place).ok().flatten());
    let start = began.or_else(|| after.map(|place| keys::ledger(&place.run, place.number)));
    let start = start.filter(|key| *key > prefix).unwrap_or_else(|| prefix.clone());
    let after = after.cloned();
    let chunks = rows.tree.range::<Key, _>((Included(start), Excluded(keys::end_of(&prefix))));
    chunks
        .map(move |stored| {
            let (key, _) = stored.map_err(|error| fault::sled("reading rows", &error))?;
            let payload = rows.payload(&key)?.ok_or_else(|| damaged("is missing"))?;
            read(&key, &payload)
        })
        .flat_map(|chunk| match chunk {
            Ok(entries) => entries.into_iter().map(|row| Ok(placed(row))).collect(),
            Err(error) => vec![Err(error)],
        })
        .filter(move |row| match (row, &after) {
            (Ok((place, _)), Some(after)) => place > after,
            _ => true,
        })
}

fn refused(error: &impl std::fmt::Display) -> Error {
    Error::Refused(format!("a chunk of the ledger cannot be packed: {error}"))
}

fn damaged(how: &str) -> Error {
    Error::Corrupt(format!("a chunk of the ledger {how}"))
}
