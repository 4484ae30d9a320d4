//! The directory of a store: whose turn it is, which format it has, and what
//! must be put right there before and after the engine opens its files.
//!
//! ```text
//! <dir>/lock      locked while open; holds the process id
//! <dir>/format    "liaison-store 2"; written last when a store is made
//! <dir>/witness   how far the store was (see the witness module)
//! <dir>/reserve   space to give up when the disk is full
//! <dir>/sled/     the engine's files: conf, db, snap.*, blobs/
//! <dir>/current   which folder the engine's files are in, once that is another
//! <dir>/unfinished/  what a power cut left of a store that was being made
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hub_store::Error;

use crate::fault;
use crate::guard::{self, Guard};

/// The format that this version writes and the newest that it reads.
pub const FORMAT: u32 = 2;
/// The engine's first folder; each compaction makes a new one, with a number.
const ENGINE: &str = "sled";
const FORMAT_WORD: &str = "liaison-store";
/// Space kept back, so that a store on a full disk can be opened once more.
pub(crate) const RESERVE_BYTES: u64 = 16 * 1024 * 1024;
/// The reserve is written in pieces of this size.
const FILL_BYTES: usize = 1024 * 1024;

/// A directory that is ours while this value lives.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    dir: PathBuf,
    engine: String,
    // Unlocked by closing.
    _lock: Arc<File>,
}

impl Place {
    /// Takes the directory, which must exist.
    pub fn take(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("lock");
        let mut lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|error| fault::io(&format!("opening {}", path.display()), &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if !guard::is_on(Guard::Lock) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(dir, &mut lock)),
            Err(TryLockError::Error(error)) => {
                return Err(fault::io(&format!("locking {}", path.display()), &error));
            }
        }
        // The id is only for the message above; a full disk must not stop us.
        let written = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
        if let Err(error) = written {
            tracing::warn!(%error, "the process id was not written to the lock file");
        }
        let engine = current(dir)?;
        Ok(Self { dir: dir.to_owned(), engine, _lock: Arc::new(lock) })
    }

    /// A file or folder of the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The engine's folder.
    pub fn engine(&self) -> PathBuf {
        self.path(&self.engine)
    }

    /// The same directory with the engine in the folder that a copy is made in.
    pub fn next(&self) -> Self {
        let number = self.engine.strip_prefix(ENGINE).and_then(|rest| rest.get(1..)?.parse().ok());
        let next = number.unwrap_or(1_u64).saturating_add(1);
        Self { engine: format!("{ENGINE}-{next}"), ..self.clone() }
    }

    /// From now on the engine's folder is this one, whatever it was; durable on
    /// return.
    pub fn make_current(&self) -> Result<(), Error> {
        let path = self.path("current");
        write_whole(&path, format!("{}\n", self.engine).as_bytes())
            .and_then(|()| File::open(&self.dir)?.sync_all())
            .map_err(|error| fault::io(&format!("writing {}", path.display()), &error))
    }

    /// Removes engine folders that are not the current one: what a kill left of
    /// a copy, before it was switched to or after.
    pub fn remove_leftovers(&self) -> Result<(), Error> {
        let doing = "removing what an unfinished copy left";
        let entries = fs::read_dir(&self.dir).map_err(|error| fault::io(doing, &error))?;
        for entry in entries {
            let name = entry.map_err(|error| fault::io(doing, &error))?.file_name();
            let Some(name) = name.to_str().filter(|name| is_engine(name)) else { continue };
            if name != self.engine {
                tracing::warn!(folder = name, "what an unfinished copy left is removed");
                fs::remove_dir_all(self.path(name)).map_err(|error| fault::io(doing, &error))?;
            }
        }
        Ok(())
    }

    /// Removes the engine's folder, which must not be the current one.
    pub fn remove_engine(&self) -> Result<(), Error> {
        match fs::remove_dir_all(self.engine()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(fault::io("removing an engine's folder", &error))
            }
            _ => Ok(()),
        }
    }

    /// Whether a store was ever finished here; refuses one of a newer format.
    pub fn is_finished(&self) -> Result<bool, Error> {
        let path = self.path("format");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(fault::io(&format!("reading {}", path.display()), &error)),
        };
        let found = text.trim().strip_prefix(FORMAT_WORD).and_then(|rest| rest.trim().parse().ok());
        let found =
            found.ok_or_else(|| Error::Corrupt(format!("{} cannot be read", path.display())))?;
        check_version(found)?;
        Ok(true)
    }

    /// Says that a store is finished: last of all, when the rest is durable.
    pub fn finish(&self) -> Result<(), Error> {
        let path = self.path("format");
        write_whole(&path, format!("{FORMAT_WORD} {FORMAT}\n").as_bytes())
            .and_then(|()| File::open(&self.dir)?.sync_all())
            .map_err(|error| fault::io(&format!("writing {}", path.display()), &error))
    }

    /// Moves away what a power cut left of a store that was being made: nothing
    /// in it was ever acknowledged, but nothing is thrown away unseen either.
    pub fn set_aside_unfinished(&self) -> Result<(), Error> {
        let aside = self.path("unfinished");
        let removed = match fs::remove_dir_all(&aside) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        removed
            .and_then(|()| fs::rename(self.engine(), &aside))
            .map_err(|error| fault::io("setting an unfinished store aside", &error))
    }

    /// Removes what a kill during a snapshot leaves: the engine would take it
    /// for its newest snapshot and never open again.
    pub fn remove_unfinished_snapshots(&self) -> Result<(), Error> {
        if !guard::is_on(Guard::Snapshots) {
            return Ok(());
        }
        let doing = "removing unfinished snapshots";
        let entries = match fs::read_dir(self.engine()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(fault::io(doing, &error)),
        };
        for entry in entries {
            let path = entry.map_err(|error| fault::io(doing, &error))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("snap.") && name.ends_with(".generating") {
                tracing::warn!(file = name, "an unfinished snapshot is removed");
                fs::remove_file(&path).map_err(|error| fault::io(doing, &error))?;
            }
        }
        Ok(())
    }

    /// Makes durable what the engine created but did not sync. Cheap when it
    /// has been done, so it is done at every opening.
    pub fn sync_created(&self) -> Result<(), Error> {
        if !guard::is_on(Guard::Created) {
            return Ok(());
        }
        let engine = self.engine();
        let parent = self.dir.canonicalize().ok().and_then(|dir| dir.parent().map(Path::to_owned));
        let files = [engine.join("conf"), engine.join("db"), engine, self.dir.clone()];
        for path in files.iter().chain(&parent) {
            File::open(path)
                .and_then(|file| file.sync_all())
                .map_err(|error| fault::io(&format!("syncing {}", path.display()), &error))?;
        }
        Ok(())
    }

    /// Gives up the reserve; whether there was one.
    pub fn give_up_reserve(&self) -> bool {
        fs::remove_file(self.path("reserve")).is_ok()
    }

    /// Keeps space back; whether there was some. Without it the store may only
    /// be read: what was given up to open it must not be used up by writing.
    pub fn keep_reserve(&self) -> bool {
        let path = self.path("reserve");
        if fs::metadata(&path).is_ok_and(|found| found.len() == RESERVE_BYTES) {
            return true;
        }
        match fill(&path) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "no space can be kept back for a full disk");
                // What was written of it takes space for nothing.
                let _ = fs::remove_file(&path);
                false
            }
        }
    }

    /// Bytes of the engine's files.
    pub fn disk_bytes(&self) -> u64 {
        let files = fs::read_dir(self.engine()).into_iter().flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).map(|found| found.len()).sum()
    }

    /// Whether the engine put a value into a file of its own, which it never syncs.
    pub fn has_blobs(&self) -> Result<bool, Error> {
        match fs::read_dir(self.engine().join("blobs")) {
            Ok(mut files) => Ok(files.next().is_some()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(fault::io("looking for blob files", &error)),
        }
    }
}

fn is_engine(name: &str) -> bool {
    let number = |rest: &str| rest.strip_prefix('-').is_some_and(|n| n.parse::<u64>().is_ok());
    name.strip_prefix(ENGINE).is_some_and(|rest| rest.is_empty() || number(rest))
}

/// The engine's folder.
fn current(dir: &Path) -> Result<String, Error> {
    let path = dir.join("current");
    match fs::read_to_string(&path) {
        Ok(name) if is_engine(name.trim()) && dir.join(name.trim()).is_dir() => {
            Ok(name.trim().to_owned())
        }
        Ok(_) => Err(Error::Corrupt(format!("{} names no folder of the store", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(ENGINE.to_owned()),
        Err(error) => Err(fault::io(&format!("reading {}", path.display()), &error)),
    }
}

/// Refuses formats that this version does not know.
pub(crate) fn check_version(found: u32) -> Result<(), Error> {
    if found <= FORMAT {
        return Ok(());
    }
    Err(Error::Unavailable(format!(
        "the store has format {found}, this version reads up to {FORMAT}: use a newer version"
    )))
}

fn taken(dir: &Path, lock: &mut File) -> Error {
    let mut holder = String::new();
    let _ = lock.rewind().and_then(|()| lock.read_to_string(&mut holder));
    Error::Locked { place: dir.display().to_string(), by: holder.trim().parse().ok() }
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

fn fill(path: &Path) -> io::Result<()> {
    // Written, not only sized: a hole reserves nothing.
    let mut file = File::create(path)?;
    let zeros = vec![0; FILL_BYTES];
    for _ in 0..RESERVE_BYTES / FILL_BYTES as u64 {
        file.write_all(&zeros)?;
    }
    file.sync_all()
}
