//! `liaison store import`: a store from an export.
//!
//! The store is built in a folder of its own beside the one it is for, checked,
//! and only then put in its place; so whatever is wrong with the file, nothing
//! was changed. Each commit of the file is one commit of the new store, which
//! therefore knows by its own number how far it is: after a kill the same
//! command reads the file again and goes on from there.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use hub_model::CommitSeq;
use hub_store::{Stats, Store};
use hub_store_sled::SledStore;

use super::archive::{FORM, Header, Reader, Unreadable};
use super::export::{rows_of_set, rows_of_stats, share};
use super::place;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Progress, talk};
use crate::trouble::Trouble;
use crate::{private, reach};

/// Builds the store from a file, or from stdin for `-`.
///
/// # Errors
/// When a store with data is there, and when the file is no whole export of this
/// workspace.
pub async fn run(loaded: &Loaded, from: &Path) -> Result<Exit, Trouble> {
    let input: Box<dyn Read> = if from == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(from).map_err(|error| unreadable(from, &error.into()))?)
    };
    let (reader, header) = Reader::begin(input).map_err(|error| unreadable(from, &error))?;
    if header.workspace != loaded.config.workspace {
        return Err(Trouble::new(
            Exit::Usage,
            "import/other-workspace",
            from.display(),
            format!("it holds the workspace `{}`", header.workspace),
            format!("import it where `[workspace] name` is \"{}\"", header.workspace),
        ));
    }
    place::refuse_unless_empty(loaded).await?;
    let beside = Beside::of(loaded);
    beside.prepare(&header)?;
    let store = reach::open_or_create(loaded, &beside.dir).await?;
    let stats = fill(&store, reader, &header, from).await?;
    check(&store, &header, &stats, from).await?;
    drop(store);
    let _ = fs::remove_file(&beside.note);
    // What was there held nothing.
    if let Some(empty) = place::put(loaded, &beside.dir)? {
        fs::remove_dir_all(&empty).map_err(|error| place::cannot(&empty, &error))?;
    }
    talk(format!("{} records and {} profiles imported", stats.records, stats.profiles));
    Ok(Exit::Ok)
}

/// Where the store is built, and the note of the export that it is built from.
struct Beside {
    dir: PathBuf,
    note: PathBuf,
}

impl Beside {
    fn of(loaded: &Loaded) -> Self {
        let dir = place::beside(loaded, "import");
        let note = place::beside(loaded, "import-of");
        Self { dir, note }
    }

    /// Makes room, or keeps what an earlier import of the same export left.
    fn prepare(&self, header: &Header) -> Result<(), Trouble> {
        let kept = private::read(&self.note).ok().flatten();
        let cannot = |error: io::Error| place::cannot(&self.dir, &error);
        if kept.as_deref() == Some(header.id.as_str()) && self.dir.exists() {
            talk("an import of this file was begun before: going on");
            return Ok(());
        }
        if self.dir.exists() {
            fs::remove_dir_all(&self.dir).map_err(cannot)?;
        }
        if let Some(parent) = self.note.parent() {
            private::folder(parent).map_err(cannot)?;
        }
        private::write(&self.note, &header.id).map_err(cannot)
    }
}

/// Commits what is not there yet.
async fn fill(
    store: &SledStore,
    mut reader: Reader,
    header: &Header,
    from: &Path,
) -> Result<Stats, Trouble> {
    let total = rows_of_stats(&header.stats);
    let (mut progress, mut done) = (Progress::new(), 0);
    let mut there = store.stats().await?.seq;
    let mut next = CommitSeq(0);
    while let Some(set) = reader.next().map_err(|error| unreadable(from, &error))? {
        let follows = set.continued.map_or(next, |continued| continued.seq);
        next = CommitSeq(follows.0 + 1);
        done += rows_of_set(&set);
        if next.0 > there {
            there = store.commit(set).await?.0;
        }
        progress.show(&share("importing", done, total));
    }
    progress.clear();
    Ok(store.stats().await?)
}

/// The store holds what the export says, and what belongs together is together.
async fn check(
    store: &SledStore,
    header: &Header,
    stats: &Stats,
    from: &Path,
) -> Result<(), Trouble> {
    let wanted = Stats { seq: stats.seq, disk_bytes: stats.disk_bytes, ..header.stats };
    let findings = store.verify().await?;
    if wanted == *stats && findings.is_empty() {
        return Ok(());
    }
    let found = match findings.first() {
        Some(first) => format!("{} findings, the first: {}", findings.len(), first.detail),
        None => "the counts are not those of the export".to_owned(),
    };
    Err(Trouble::new(
        Exit::Store,
        "import/unsound",
        from.display(),
        format!("the store that was built is not sound: {found}"),
        "nothing was changed; run `liaison store verify` where the export was made",
    ))
}

fn unreadable(from: &Path, error: &Unreadable) -> Trouble {
    let (code, mend) = match error {
        Unreadable::Io(_) => ("import/not-read", "check that the file is there and readable"),
        Unreadable::Foreign => ("import/foreign", "name a file made by `liaison store export`"),
        Unreadable::Form { .. } => {
            ("import/other-form", "import it with the version that wrote it, or export it anew")
        }
        Unreadable::CutShort { .. } => {
            ("import/cut-short", "copy the file again; nothing was changed")
        }
        Unreadable::Damaged { .. } => {
            ("import/damaged", "copy the file again; nothing was changed")
        }
    };
    let what = match error {
        Unreadable::Form { form, .. } if *form < u64::from(FORM) => format!("{error} (older)"),
        other => other.to_string(),
    };
    Trouble::new(Exit::Usage, code, from.display(), what, mend)
}
