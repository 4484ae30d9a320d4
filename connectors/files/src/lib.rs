//! CSV and NDJSON files, in and out, in the folders that a connection was
//! granted.
//!
//! A stream is a file with a key column. Choices that are easy to get wrong:
//!
//! - **Reading is a snapshot.** A file has no history, so a row that is missing
//!   from a complete read is gone. Therefore everything that might only *look*
//!   like missing rows is a fault of the whole file (an open quote, UTF-16, a
//!   header without the key, a file replaced between two pages), while a row
//!   that is broken by itself is one invalid row and the file goes on.
//! - **Columns are text.** `007`, `+33 1`, `1e5` and `31/02/2024` arrive as they
//!   are; what they mean is the mapping's business. An empty cell is null.
//! - **Writing replaces the file as a whole**, under the version that was read.
//!   Untouched rows keep their bytes and their order, also rows that nobody can
//!   read. That makes a row's version checkable: `conditional_writes`.
//! - **A key is a row's name.** Creating with a key that exists updates; a key
//!   cannot be written over.
//! - **Formulas** are defused on writing and restored on reading ([`formula`]).
//! - **A missing file** is a wrong setting, unless `columns` says that the hub
//!   makes it; even then its absence never means that all rows are gone.

pub mod settings;

pub mod file_fault;
pub mod formula;
pub mod row;
pub mod window;

pub mod file;
pub mod lookup;
pub mod read;
pub mod table;
pub mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use liaison_sdk::{
    Call, Connector, Destination, EntityKind, Fault, Field, Found, Idempotency, Lookup,
    LookupRequest, Page, ReadRequest, Report, Source, Stream as Described, WriteRequest,
};
use serde_json::json;

use crate::file::{READ_BYTES_MAX, Rows};
use crate::settings::{Kind, Layout, Stream};

/// The connector.
pub struct Files;

/// So many rows of NDJSON are looked at to learn the members.
const SAMPLE_ROWS_MAX: usize = 200;

impl Connector for Files {
    fn discover(call: &Call) -> Result<Vec<Described>, Fault> {
        let streams = file::settings(call)?.streams()?;
        streams.iter().map(describe).collect()
    }
}

impl Source for Files {
    fn read(call: &Call, request: &ReadRequest) -> Result<Page, Fault> {
        read::read(&file::stream(call, &request.stream)?, request)
    }
}

impl Lookup for Files {
    fn lookup(call: &Call, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
        lookup::lookup(&file::stream(call, &request.stream)?, request)
    }
}

impl Destination for Files {
    fn write(call: &Call, request: &WriteRequest) -> Result<Report, Fault> {
        write::write(&file::stream(call, &request.stream)?, request)
    }
}

/// The stream as discovery describes it. Whether its folder may be written is
/// the host's to say.
fn describe(stream: &Stream) -> Result<Described, Fault> {
    let kind = match stream.kind {
        Kind::Person => EntityKind::Person,
        Kind::Account => EntityKind::Account,
        Kind::Object => EntityKind::Object,
    };
    let fields = columns(stream)?.into_iter().map(|column| {
        let field = match stream.layout {
            Layout::Csv { .. } => Field::text(&column),
            Layout::Ndjson => Field::new(&column, json!(true)),
        };
        let field = field.matchable();
        if column == stream.key { field.create_only().required().unique() } else { field }
    });
    Ok(Described::new(&stream.name)
        .title(&stream.file)
        .kind(kind)
        .readable()
        .writable(write::BATCH_ITEMS_MAX)
        .primary_key([&stream.key])
        .complete_snapshots()
        .conditional_writes()
        .idempotency(Idempotency::ExternalId)
        .dry_run()
        .open()
        .with_fields(fields))
}

/// The columns of the file, and those that are declared.
fn columns(stream: &Stream) -> Result<Vec<String>, Fault> {
    let mut columns = Vec::new();
    if let Some(stat) = stream.stat_or_declared(READ_BYTES_MAX)? {
        let mut rows = Rows::open(stream, &stat, None)?;
        columns = rows.columns().to_vec();
        if stream.layout == Layout::Ndjson {
            let mut members = BTreeSet::from([stream.key.clone()]);
            for _ in 0..SAMPLE_ROWS_MAX {
                let Some((_, row)) = rows.next_row()? else { break };
                members.extend(row.into_iter().flat_map(|(_, row)| row).map(|(name, _)| name));
            }
            columns.extend(members);
        }
    }
    let declared: Vec<&String> =
        stream.columns.iter().filter(|column| !columns.contains(column)).collect();
    columns.extend(declared.into_iter().cloned().collect::<Vec<_>>());
    Ok(columns)
}

liaison_sdk::export_connector!(Files: source, lookup, destination);
