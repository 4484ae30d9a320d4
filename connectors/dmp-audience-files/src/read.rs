//! One page of what a partner gives back.

use liaison_sdk::files::{self, Stat};
use liaison_sdk::{Fault, Page, ReadRequest, clock, time};

use crate::ending;
use crate::progress::{Entry, Progress};
use crate::settings::Inbound;
use crate::table::Table;

/// Rows of one page.
const PAGE_ROWS_MAX: u32 = 5_000;

/// One page.
///
/// # Errors
/// Those of the folder and of its files, and `cursor-expired`.
pub fn read(stream: &Inbound, request: &ReadRequest) -> Result<Page, Fault> {
    let mut progress: Progress = request.cursor()?.unwrap_or_default();
    let files = of(stream)?;
    let now = clock::now().div_euclid(time::SECOND_MICROS);
    let time_to_live = stream.time_to_live_seconds();
    let Some(task) = progress.next(&files, now, time_to_live)? else {
        return Page::default().next_from(&progress);
    };
    let Some(entry) = files.get(task.file) else {
        return Err(Fault::bug("a task of no file"));
    };
    let table = Table::open(stream, &entry.stat)?;
    let rows_max = if task.ending { PAGE_ROWS_MAX } else { wanted(request) };
    let rows_max = usize::try_from(rows_max).map_err(Fault::bug)?;
    let (rows, at) = if task.ending {
        let good = files.iter().enumerate().filter(|(place, _)| *place != task.file);
        let good = good.filter(|(_, other)| progress.is_good(other));
        let good: Vec<&Stat> = good.map(|(_, other)| &other.stat).collect();
        ending::page(stream, &table, task.from, rows_max, &good)?
    } else {
        let (records, at) = table.records(task.from, rows_max)?;
        (records.into_iter().map(|record| table.row(record)).collect(), at)
    };
    progress.note(&task, entry, at);
    let more = at.is_some() || progress.clone().next(&files, now, time_to_live)?.is_some();
    let page = Page::of(rows);
    if more { page.more_from(&progress) } else { page.next_from(&progress) }
}

/// The newest file of a stream, by its name.
///
/// # Errors
/// Those of the folder.
pub fn newest(stream: &Inbound) -> Result<Option<Stat>, Fault> {
    Ok(of(stream)?.pop().map(|entry| entry.stat))
}

/// The files of a stream, by name.
fn of(stream: &Inbound) -> Result<Vec<Entry>, Fault> {
    let mut files = files::list(&stream.folder)?;
    files.retain(|stat| stream.takes(&stat.name));
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files.into_iter().map(Entry::from).collect())
}

fn wanted(request: &ReadRequest) -> u32 {
    if request.rows_wanted == 0 { PAGE_ROWS_MAX } else { request.rows_wanted.min(PAGE_ROWS_MAX) }
}
