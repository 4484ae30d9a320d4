//! Opening: in which order things are put right, looked at and refused.

use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::Duration;

use hub_model::WorkspaceId;
use hub_store::{Error, Stats};

use crate::delta;
use crate::fault;
use crate::guard::{self, Guard};
use crate::index::Index;
use crate::keys::{self, table};
use crate::meta::{Meta, Uuid};
use crate::place::{self, FORMAT, Place};
use crate::rows::Rows;
use crate::witness::{self, Seen, Witness};

/// The log bytes of one commit must stay below one segment.
const SEGMENT_BYTES: usize = 4 * 1024 * 1024;
/// Memory for pages; the process takes about twice as much.
const CACHE_BYTES: u64 = 48 * 1024 * 1024;
/// How often the engine's own thread flushes; commits do not wait for it.
const FLUSH_EVERY_MS: u64 = 500;
/// How long the files of a store closed a moment ago may still be held by
/// threads of the engine that are ending.
const HELD_TRIES: u32 = 250;
const HELD_PAUSE: Duration = Duration::from_millis(20);

/// What an opening may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Make a store where there is none.
    Create,
    /// Only open one.
    Existing,
    /// Only look at one, be it rolled back.
    Inspect,
}

/// An open store.
pub(crate) struct Opened {
    // Dropped before the lock.
    pub rows: Rows,
    pub meta: Meta,
    pub index: Index,
    pub db: File,
    pub witness: Witness,
    /// Why it may only be looked at.
    pub suspect: Option<String>,
    /// There is no space to keep back: it may only be read.
    pub full: bool,
    pub place: Place,
}

/// Opens a store. `workspace` is compared, if given.
pub(crate) fn open(
    dir: &Path,
    workspace: Option<&WorkspaceId>,
    mode: Mode,
) -> Result<Opened, Error> {
    if mode == Mode::Create {
        fs::create_dir_all(dir)
            .map_err(|error| fault::io(&format!("creating {}", dir.display()), &error))?;
    } else if !dir.join("format").exists() {
        return Err(Error::Unavailable(format!("{} is not a store", dir.display())));
    }
    let place = Place::take(dir)?;
    let finished = place.is_finished()?;
    if mode != Mode::Inspect {
        place.remove_leftovers()?;
    }
    open_place(place, workspace, mode, finished)
}

/// Opens the store in a place that is ours already; `finished` says whether
/// there was one before.
pub(crate) fn open_place(
    place: Place,
    workspace: Option<&WorkspaceId>,
    mode: Mode,
    finished: bool,
) -> Result<Opened, Error> {
    let dir = &place.path("");
    place.remove_unfinished_snapshots()?;
    let seen = witness::read(&place.path("witness"))?;
    let tree = match engine(&place) {
        // A power cut while it was made; nothing was acknowledged yet.
        Err(Error::Corrupt(why)) if !finished && seen.is_none_or(|seen| seen.seq == 0) => {
            tracing::warn!(why, "an unfinished store is set aside");
            place.set_aside_unfinished()?;
            engine(&place)?
        }
        other => other?,
    };
    let rows = Rows { tree: tree.into() };
    let db = File::open(place.engine().join("db"))
        .map_err(|error| fault::io("opening db for syncing", &error))?;
    let witness = Witness::open(&place.path("witness"))?;
    let stored: Option<Meta> =
        fault::contained("reading the meta row", || rows.row(&keys::all(table::META)))?;
    let (meta, suspect) = match stored {
        Some(meta) => {
            let suspect = if guard::is_on(Guard::Witness) { compared(&meta, seen) } else { None };
            (meta, suspect)
        }
        None => match (seen, workspace) {
            (Some(seen), _) if seen.seq > 0 && guard::is_on(Guard::Witness) => {
                return Err(rolled_back(dir, seen.seq, 0));
            }
            (_, Some(workspace)) if mode == Mode::Create => {
                (create(&rows, &db, &witness, workspace)?, None)
            }
            _ => return Err(Error::Unavailable(format!("{} is not a store", dir.display()))),
        },
    };
    place::check_version(meta.format)?;
    if let Some(workspace) = workspace.filter(|wanted| **wanted != meta.workspace) {
        let found = &meta.workspace;
        return Err(Error::Unavailable(format!(
            "{} belongs to workspace {found}, not {workspace}",
            dir.display()
        )));
    }
    if let (Some(why), false) = (&suspect, mode == Mode::Inspect) {
        return Err(Error::Unavailable(format!("{}: {why}", dir.display())));
    }
    let index = fault::contained("reading the index", || index(&rows, &meta))?;
    place.sync_created()?;
    if !finished {
        place.finish()?;
    }
    let mut full = false;
    if mode != Mode::Inspect {
        full = !place.keep_reserve();
        fault::contained("removing what an unfinished commit left", || {
            remove_orphans(&rows, &meta)
        })?;
    }
    Ok(Opened { rows, meta, index, db, witness, suspect, full, place })
}

/// Why the store is not the one that the witness saw.
fn compared(meta: &Meta, seen: Option<Seen>) -> Option<String> {
    let seq = meta.stats.seq;
    match seen {
        Some(seen) if seen.uuid != meta.uuid => {
            Some("the witness file belongs to another store: restore both from one backup".into())
        }
        Some(seen) if seen.seq > seq => Some(behind(seen.seq, seq)),
        None if seq > 0 => Some(format!(
            "the witness file is missing or damaged, so whether commit {seq} is the newest \
             cannot be known: restore from a backup, or run `liaison store verify`"
        )),
        Some(seen) if seen.seq + 1 < seq => {
            tracing::warn!(witness = seen.seq, store = seq, "the witness file is older than usual");
            None
        }
        _ => None,
    }
}

fn behind(witness: u64, store: u64) -> String {
    format!(
        "store rolled back: {witness} commits were acknowledged, {store} are there. \
         Restore from a backup, or run `liaison store verify` to see what is left"
    )
}

fn rolled_back(dir: &Path, witness: u64, store: u64) -> Error {
    Error::Unavailable(format!("{}: {}", dir.display(), behind(witness, store)))
}

fn engine(place: &Place) -> Result<sled::Db, Error> {
    match try_engine(place) {
        // The engine needs room to open; the reserve is kept for this.
        Err(Error::Full(why)) if place.give_up_reserve() => {
            tracing::warn!(why, "the disk is full; the reserve is given up to open the store");
            try_engine(place)
        }
        other => other,
    }
}

fn try_engine(place: &Place) -> Result<sled::Db, Error> {
    let config = config(&place.engine(), CACHE_BYTES);
    for _ in 0..HELD_TRIES {
        let opened = fault::contained("opening the store", || Ok(config.open()))?;
        match opened {
            Ok(db) => return Ok(db),
            Err(sled::Error::Io(error)) if is_held(&error) => thread::sleep(HELD_PAUSE),
            Err(error) => return Err(fault::sled("opening the store", &error)),
        }
    }
    Err(Error::Unavailable("the engine's files are held by another program".to_owned()))
}

fn config(engine: &Path, cache_bytes: u64) -> sled::Config {
    let segment_bytes = if guard::is_on(Guard::CommitSize) {
        SEGMENT_BYTES
    } else {
        // What a commit must not span is made small, so that a test need not
        // write commits of hundreds of megabytes.
        SEGMENT_BYTES / 8
    };
    sled::Config::new()
        .path(engine)
        .mode(sled::Mode::HighThroughput)
        .segment_size(segment_bytes)
        .cache_capacity(cache_bytes)
        .flush_every_ms(Some(FLUSH_EVERY_MS))
}

/// An engine without rows in a folder that is made for it.
pub(crate) fn fresh_engine(engine: &Path, cache_bytes: u64) -> Result<sled::Db, Error> {
    if engine.exists() {
        return Err(Error::Refused(format!("{} is in the way", engine.display())));
    }
    fault::contained("making a store to copy into", || {
        let made = config(engine, cache_bytes).open();
        made.map_err(|error| fault::sled("making a store to copy into", &error))
    })
}

fn is_held(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::WouldBlock
        || error.to_string().contains("could not acquire lock")
}

fn create(
    rows: &Rows,
    db: &File,
    witness: &Witness,
    workspace: &WorkspaceId,
) -> Result<Meta, Error> {
    if !rows.tree.is_empty() {
        return Err(Error::Corrupt("the store has rows but no meta row".to_owned()));
    }
    let [uuid, hash_key] = [random()?, random()?];
    let meta = Meta::new(FORMAT, uuid, hash_key, workspace.clone());
    let key = keys::all(table::META);
    let payload = serde_json::to_vec(&meta)
        .map_err(|error| Error::Refused(format!("the meta row is not JSON: {error}")))?;
    let framed = crate::frame::whole(&key, &payload);
    fault::contained("creating the store", || {
        rows.tree
            .insert(key, framed)
            .and_then(|_| rows.tree.flush())
            .map_err(|error| fault::sled("creating the store", &error))
    })?;
    if guard::is_on(Guard::Sync) {
        db.sync_data().map_err(|error| fault::io("syncing db", &error))?;
    }
    witness.write(Seen { uuid, seq: 0 })?;
    Ok(meta)
}

fn random() -> Result<Uuid, Error> {
    let mut bytes = Uuid::default();
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::Unavailable(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

/// The index, from its log.
fn index(rows: &Rows, meta: &Meta) -> Result<Index, Error> {
    let mut index = Index::new();
    for row in rows.scan(&keys::all(table::DELTA), None) {
        delta::read(&row?.1, |op| index.apply(op))?;
    }
    let Stats { records, profiles, aliases, claims, events, relations, .. } = meta.stats;
    let wanted = [records, profiles, aliases, claims, events, relations];
    let counts = index.counts();
    if counts != wanted {
        return Err(Error::Corrupt(format!(
            "the log of the index leads to {counts:?} records, profiles, aliases, claims, events \
             and relations; the newest commit had {wanted:?}"
        )));
    }
    Ok(index)
}

/// Pieces of an inbox body are written ahead of its row; a kill in between
/// leaves them to nobody.
fn remove_orphans(rows: &Rows, meta: &Meta) -> Result<(), Error> {
    let first = keys::pieces(&keys::inbox(meta.inbox_last.saturating_add(1)));
    let last = keys::pieces(&keys::inbox(u64::MAX));
    for stored in rows.tree.range(first..keys::end_of(&last)).keys() {
        let key = stored.map_err(|error| fault::sled("finding orphans", &error))?;
        rows.tree.remove(key).map_err(|error| fault::sled("removing orphans", &error))?;
    }
    Ok(())
}
