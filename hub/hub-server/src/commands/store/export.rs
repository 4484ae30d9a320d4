//! `liaison store export`: the store as a file that any body can be rebuilt from.
//!
//! It is written under another name beside its place and gets its name when it is
//! whole and durable; what a kill leaves is removed by the next export to the same
//! place.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use hub_store::{Stats, Store, WriteSet};

use super::archive::{self, FORM, Header, Writer};
use super::none_yet;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Progress, talk};
use crate::trouble::Trouble;
use crate::{private, reach};

/// Writes the store, or a backup of one, to a file, or to stdout for `-`.
///
/// # Errors
/// When there is no store or it cannot be read, and when the file exists or
/// cannot be written.
pub async fn run(loaded: &Loaded, to: &Path, from: Option<&Path>) -> Result<Exit, Trouble> {
    let store = match from {
        Some(dir) => reach::open_copy(loaded, dir).await?,
        None if !loaded.store_dir().exists() => return Err(none_yet(loaded)),
        None => reach::open(loaded).await?,
    };
    let stats = store.stats().await?;
    let header = Header {
        form: FORM,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        id: private::random_name().map_err(|error| unwritten(to, &error))?,
        workspace: loaded.config.workspace.clone(),
        stats,
    };
    if to == Path::new("-") {
        write(&*store, Box::new(BufWriter::new(io::stdout())), header, to).await?;
    } else {
        let unfinished = begin(to).map_err(|error| unwritten(to, &error))?;
        let packed = to.extension().is_some_and(|extension| extension == "gz");
        let out = archive::create(&unfinished, packed).map_err(|error| unwritten(to, &error))?;
        let written = write(&*store, out, header, to).await;
        let named =
            written.and_then(|()| finish(&unfinished, to).map_err(|error| unwritten(to, &error)));
        if named.is_err() {
            // Half an export is none.
            let _ = fs::remove_file(&unfinished);
        }
        named?;
    }
    talk(format!("{} records and {} profiles written", stats.records, stats.profiles));
    Ok(Exit::Ok)
}

async fn write(
    store: &dyn Store,
    out: Box<dyn Write>,
    header: Header,
    to: &Path,
) -> Result<(), Trouble> {
    let total = rows_of_stats(&header.stats);
    let mut writer = Writer::begin(out, header).map_err(|error| unwritten(to, &error))?;
    let (mut progress, mut done, mut next) = (Progress::new(), 0, None);
    loop {
        let page = store.dump(next).await?;
        done += rows_of_set(&page.set);
        if !page.set.is_empty() {
            writer.commit(page.set).map_err(|error| unwritten(to, &error))?;
        }
        progress.show(&share("exporting", done, total));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    progress.clear();
    writer.end().map_err(|error| unwritten(to, &error))
}

/// Where the export is written until it is whole: beside its place, on the same
/// disk. What an earlier one left there is removed.
fn begin(to: &Path) -> io::Result<PathBuf> {
    refuse_existing(to)?;
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    let unfinished = to.with_file_name(name);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(unfinished),
    }
}

/// Gives it its name; durable on return.
fn finish(unfinished: &Path, to: &Path) -> io::Result<()> {
    refuse_existing(to)?;
    fs::rename(unfinished, to)?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

fn refuse_existing(to: &Path) -> io::Result<()> {
    if to.exists() { Err(io::ErrorKind::AlreadyExists.into()) } else { Ok(()) }
}

/// The rows that progress counts, as the store knows them beforehand.
pub fn rows_of_stats(stats: &Stats) -> u64 {
    stats.records + stats.profiles + stats.aliases + stats.claims + stats.pending + stats.runs
}

/// The same rows of one commit.
pub fn rows_of_set(set: &WriteSet) -> u64 {
    let rows = set.records.len() + set.profiles.len() + set.aliases.len();
    let rows = rows + set.claims.len() + set.pending.len() + set.runs.len();
    u64::try_from(rows).unwrap_or(u64::MAX)
}

/// How far work is, in words.
pub fn share(doing: &str, done: u64, total: u64) -> String {
    let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100).min(100);
    format!("{doing}: {percent} % ({done} of {total} rows)")
}

fn unwritten(to: &Path, error: &io::Error) -> Trouble {
    if error.kind() == io::ErrorKind::BrokenPipe {
        // A reader that went away (`| head`) is an ordinary end.
        std::process::exit(0);
    }
    Trouble::new(
        Exit::Usage,
        "export/not-written",
        to.display(),
        format!("the export could not be written: {error}"),
        "name a file that does not exist yet, in a folder that can be written and has room",
    )
}
