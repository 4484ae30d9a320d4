//! Backups: a copy of the store as of one commit, in a folder of its own that is
//! a store like any other.
//!
//! It is made under another name beside its place and gets its name when it is
//! whole, durable and checked; what a kill leaves is removed by the next backup
//! to the same place.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use hub_model::WorkspaceId;
use hub_store::upkeep::{BackedUp, Progress, Step};
use hub_store::{Error, VerifyFinding};

use crate::block::Blocks;
use crate::copy::{Copying, Tell, every_row};
use crate::fault;
use crate::open::{self, Mode};
use crate::place::Place;
use crate::read::Reader;
use crate::store::Live;
use crate::verify;
use crate::witness::{Seen, Witness};

/// Writes a backup of a store that is in use.
pub(crate) fn backup(live: &Live, to: &Path, tell: Tell<'_>) -> Result<BackedUp, Error> {
    let shared = Arc::clone(&live.current.read().unwrap_or_else(PoisonError::into_inner));
    if to.exists() {
        return Err(Error::Refused(format!("{} exists already", to.display())));
    }
    let unfinished = unfinished(to)?;
    remove(&unfinished)?;
    let made = make(live, &unfinished, tell).and_then(|done| {
        fs::rename(&unfinished, to)
            .and_then(|()| sync_parent(to))
            .map_err(|error| doing("naming the backup", &error))?;
        Ok(done)
    });
    let (backed_up, told) = made.inspect_err(|_| {
        if let Err(error) = remove(&unfinished) {
            tracing::warn!(%error, "an unfinished backup stays");
        }
    })?;
    drop(shared);
    // All is done: nobody can stop it any more.
    let _ = tell(Progress { step: Step::Done, ..told });
    Ok(backed_up)
}

fn make(live: &Live, dir: &Path, tell: Tell<'_>) -> Result<(BackedUp, Progress), Error> {
    let shared = Arc::clone(&live.current.read().unwrap_or_else(PoisonError::into_inner));
    private_folder(dir).map_err(|error| doing("creating the backup", &error))?;
    let place = Place::take(dir)?;
    let copying =
        Copying { shared: &shared, jobs: &live.jobs, keep: &every_row, index_anew: false };
    let (workspace, mut told) = copying.run(&place, tell, |still, _| {
        let meta = shared.state().meta.clone();
        drop(still);
        let witness = Witness::open(&place.path("witness"))?;
        witness.write(Seen { uuid: meta.uuid, seq: meta.stats.seq })?;
        place.finish()?;
        let rows = 0;
        Ok((meta.workspace, Progress { step: Step::Checked, rows, of_rows: rows }))
    })?;
    drop(place);
    let backed_up = check(dir, &workspace, &mut told)?;
    tell(told)?;
    Ok((backed_up, told))
}

/// Opens the copy as a restore would, and reads all of it.
fn check(dir: &Path, workspace: &WorkspaceId, told: &mut Progress) -> Result<BackedUp, Error> {
    let opened = open::open(dir, Some(workspace), Mode::Inspect)?;
    let found = fault::contained("checking the backup", || {
        let blocks = Blocks::new(opened.rows.clone());
        let (rows, meta, index) = (&opened.rows, &opened.meta, &opened.index);
        verify::verify(&Reader { rows, blocks: &blocks, meta, index })
    })?;
    if let Some(VerifyFinding { check, detail }) = found.first() {
        return Err(Error::Corrupt(format!(
            "the backup is not sound, so the store is not either: {check}: {detail}"
        )));
    }
    told.of_rows = opened.rows.tree.len() as u64;
    told.rows = told.of_rows;
    Ok(BackedUp { seq: opened.meta.stats.seq, bytes: opened.place.disk_bytes() })
}

/// Where the backup is made: beside its place, on the same disk.
fn unfinished(to: &Path) -> Result<PathBuf, Error> {
    let name = to.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Error::Refused(format!("{} has no name", to.display())))?;
    Ok(to.with_file_name(format!("{name}.unfinished")))
}

/// Nobody else may read what only the hub's user could.
fn private_folder(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn remove(dir: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(doing("removing an unfinished backup", &error))
        }
        _ => Ok(()),
    }
}

fn sync_parent(to: &Path) -> io::Result<()> {
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

fn doing(what: &str, error: &io::Error) -> Error {
    fault::io(what, error)
}
