//! Reading: a snapshot of the whole file, page by page.
//!
//! A position is good for one version of the file. A file that changes between
//! two pages, or after a complete snapshot, answers `cursor-expired`: only a
//! snapshot that begins without a cursor tells which rows are gone.

use liaison_sdk::files::Stat;
use liaison_sdk::{Fault, FaultCode, Page, ReadRequest, Row as Item};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::file::{READ_BYTES_MAX, Rows};
use crate::row::{self, Row};
use crate::settings::Stream;
use crate::window::Position;

/// Rows of one page.
const PAGE_ROWS_MAX: usize = 1_000;
/// A page ends when so many bytes of the file are in it; the hub's limit for a
/// page is 10 MiB, and JSON is longer than CSV by its names.
const PAGE_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// Where reading goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
enum Cursor {
    /// In the midst of this version.
    At { version: String, offset: u64, line: u64 },
    /// This version has been read whole.
    Done { version: String },
}

/// One page.
///
/// # Errors
/// `config` for a missing file, `schema-drift` for one that is broken as a
/// whole, `cursor-expired` for one that changed.
pub fn read(stream: &Stream, request: &ReadRequest) -> Result<Page, Fault> {
    let cursor = request.cursor::<Cursor>()?;
    let Some(stat) = stream.stat_or_declared(READ_BYTES_MAX)? else {
        // Nothing was written yet, or the file was taken away: no statement
        // about rows that are not there.
        return Ok(Page::default());
    };
    let from = match cursor {
        None => None,
        Some(Cursor::Done { version }) if version == stat.version => {
            return Page::default().next_from(&Cursor::Done { version });
        }
        Some(Cursor::At { version, offset, line }) if version == stat.version => {
            Some(Position { offset, line })
        }
        Some(_) => return Err(stream.fault(FaultCode::CursorExpired)),
    };
    page(stream, &stat, from, request).map_err(|fault| match fault.code {
        FaultCode::Conflict => stream.fault(FaultCode::CursorExpired),
        _ => fault,
    })
}

fn page(
    stream: &Stream,
    stat: &Stat,
    from: Option<Position>,
    request: &ReadRequest,
) -> Result<Page, Fault> {
    let mut rows = Rows::open(stream, stat, from)?;
    let begin = rows.position().offset;
    let wanted = usize::try_from(request.rows_wanted).unwrap_or(PAGE_ROWS_MAX);
    let limit = if wanted == 0 { PAGE_ROWS_MAX } else { wanted.min(PAGE_ROWS_MAX) };
    let mut items = Vec::new();
    while items.len() < limit && rows.position().offset - begin < PAGE_BYTES_MAX {
        let Some((line, row)) = rows.next_row()? else {
            let done = Cursor::Done { version: stat.version.clone() };
            return Page::of(items).complete().next_from(&done);
        };
        items.push(match row {
            Ok((key, row)) => item(key, row, &request.fields),
            Err(broken) => {
                let place = format!("{} line {line}", stream.file);
                Item::invalid(broken.key, place, broken.reason, broken.raw)
            }
        });
    }
    let Position { offset, line } = rows.position();
    Page::of(items).more_from(&Cursor::At { version: stat.version.clone(), offset, line })
}

/// A row with the fields that were asked for (none = all). The version is that
/// of the whole row.
pub fn item(key: String, mut row: Row, fields: &[String]) -> Item {
    let version = row::version(&row);
    if !fields.is_empty() {
        row.retain(|name, _| fields.contains(name));
    }
    Item::upsert(key, Value::Object(row)).version(version)
}
