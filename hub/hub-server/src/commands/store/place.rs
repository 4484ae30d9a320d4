//! The folder of the store, and what lies beside it for a while: a store that
//! is being built, and the one that was there before.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use hub_store::Store;

use crate::exit::Exit;
use crate::load::Loaded;
use crate::reach;
use crate::trouble::Trouble;

/// A folder or file beside the store's.
pub fn beside(loaded: &Loaded, what: &str) -> PathBuf {
    loaded.beside_store(what)
}

/// Refuses when there is a store that something was ever committed to.
///
/// # Errors
/// When there is one, and when it cannot be opened.
pub async fn refuse_unless_empty(loaded: &Loaded) -> Result<(), Trouble> {
    let dir = loaded.store_dir();
    if !dir.exists() {
        return Ok(());
    }
    let seq = reach::open(loaded).await?.stats().await?.seq;
    if seq == 0 {
        return Ok(());
    }
    Err(Trouble::new(
        Exit::Usage,
        "store/not-empty",
        dir.display(),
        format!("there is a store already, at commit {seq}"),
        "move its folder away first, or write another `data_dir` in liaison.toml",
    ))
}

/// Puts a store that was built beside into the place of the store, and answers
/// where the one that was there is now. A kill in between leaves no store in the
/// place, which is noticed (see `reach`), and both beside it.
///
/// # Errors
/// When the folders cannot be moved, and when an older one is kept already.
pub fn put(loaded: &Loaded, built: &Path) -> Result<Option<PathBuf>, Trouble> {
    let (dir, old) = (loaded.store_dir(), beside(loaded, "replaced"));
    let replaces = dir.exists();
    if replaces && old.exists() {
        return Err(Trouble::new(
            Exit::Store,
            "store/replaced-before",
            old.display(),
            "a store that was replaced earlier is still kept",
            "look whether you still need it, then move it away or remove it",
        ));
    }
    let moved = || -> io::Result<()> {
        if replaces {
            fs::rename(&dir, &old)?;
        }
        fs::rename(built, &dir)?;
        dir.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    };
    moved().map_err(|error| cannot(&dir, &error))?;
    Ok(replaces.then_some(old))
}

/// A folder cannot be used.
pub fn cannot(place: &Path, error: &io::Error) -> Trouble {
    Trouble::new(
        Exit::Store,
        "store/folder",
        place.display(),
        format!("the folder cannot be used: {error}"),
        "check owner, permissions and free space",
    )
}
