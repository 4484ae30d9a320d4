//! `liaison store export`: the store as a file that any body can be rebuilt from.

use std::io::{self, BufWriter, Write};
use std::path::Path;

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
    let piped = to == Path::new("-");
    let out: Box<dyn Write> = if piped {
        Box::new(BufWriter::new(io::stdout()))
    } else {
        archive::create(to).map_err(|error| unwritten(to, &error))?
    };
    let written = write(&*store, out, header, to).await;
    if written.is_err() && !piped {
        // Half an export is none: it would only be in the way of the next.
        let _ = std::fs::remove_file(to);
    }
    written?;
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
