//! `liaison store restore`: the store from a backup.
//!
//! The backup is checked first, then copied beside the store and checked again;
//! only then is the store moved aside and the copy put in its place. The backup
//! stays, and so does the store that was there.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use hub_store::{Error, Store};
use hub_store_sled::SledStore;

use super::place;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Progress, talk};
use crate::reach;
use crate::trouble::Trouble;

/// What a copy does without: they belong to the folder, not to the data.
const LEFT_OUT: [&str; 2] = ["lock", "reserve"];

/// Restores a backup.
///
/// # Errors
/// When the backup is not sound or of another workspace, when a hub has the
/// store, and when a store that opens is there, unless it may be replaced.
pub async fn run(loaded: &Loaded, from: &Path, replace: bool) -> Result<Exit, Trouble> {
    let mut progress = Progress::new();
    progress.show("checking the backup");
    let seq = check(loaded, from).await?;
    if let Some(there) = there(loaded).await?
        && !replace
    {
        return Err(Trouble::new(
            Exit::Usage,
            "restore/store-there",
            loaded.store_dir().display(),
            format!("there is a sound store, at commit {there}; the backup is at commit {seq}"),
            "say `--replace` if the backup is to take its place; the store is kept beside it",
        ));
    }
    let beside = place::beside(loaded, "restore");
    progress.show("copying the backup");
    copy_whole(from, &beside).map_err(|error| place::cannot(&beside, &error))?;
    progress.show("checking the copy");
    check(loaded, &beside).await?;
    progress.clear();
    let kept = place::put(loaded, &beside)?;
    talk(format!("restored to commit {seq}"));
    if let Some(kept) = kept {
        let kept = kept.display();
        talk(format!("what was there is kept in {kept}; remove it when you no longer need it"));
    }
    Ok(Exit::Ok)
}

/// The commit of a store that is what it claims to be.
async fn check(loaded: &Loaded, dir: &Path) -> Result<u64, Trouble> {
    let store = reach::open_copy(loaded, dir).await?;
    let findings = store.verify().await?;
    let Some(first) = findings.first() else { return Ok(store.stats().await?.seq) };
    Err(Trouble::new(
        Exit::Store,
        "restore/unsound",
        dir.display(),
        format!("{} findings, the first: {}", findings.len(), first.detail),
        "take another backup; nothing was changed",
    ))
}

/// The commit of the store that is there now; `None` when there is none that
/// opens.
async fn there(loaded: &Loaded) -> Result<Option<u64>, Trouble> {
    let (dir, workspace) = (loaded.store_dir(), loaded.config.workspace.clone());
    match SledStore::open_existing(&dir, &workspace) {
        Ok(store) => Ok(Some(store.stats().await?.seq)),
        Err(error @ Error::Locked { .. }) => Err(error.into()),
        Err(error) => {
            if dir.exists() {
                talk(format!("the store that is there does not open: {error}"));
            }
            Ok(None)
        }
    }
}

/// Copies a folder; durable on return. What an earlier try left is removed.
fn copy_whole(from: &Path, to: &Path) -> io::Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    crate::private::folder(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_whole(&entry.path(), &target)?;
        } else if !LEFT_OUT.iter().any(|name| entry.file_name() == **name) {
            fs::copy(entry.path(), &target)?;
            File::open(&target)?.sync_all()?;
        }
    }
    File::open(to)?.sync_all()
}
