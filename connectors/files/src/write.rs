//! Writing: read the file, apply the batch, replace the file under the version
//! that was read. Others see the old content or the new, and a file that
//! somebody else replaced meanwhile is read again.

use liaison_sdk::{
    Action, Fault, FaultCode, Outcome, Report, Stored, WriteItem, WriteRequest, files,
};

use crate::file::WRITE_BYTES_MAX;
use crate::row::{self, Row, key_text};
use crate::settings::Stream;
use crate::table::Table;

/// Items of one write: each write replaces the whole file.
pub const BATCH_ITEMS_MAX: u32 = 1_000;
/// So often a write starts over because somebody else replaced the file.
const ATTEMPTS_MAX: usize = 4;

/// Writes a batch.
///
/// # Errors
/// Those of the host and of the file's content; nothing is written then.
/// `transient` when somebody else keeps replacing the file.
pub fn write(stream: &Stream, request: &WriteRequest) -> Result<Report, Fault> {
    for _ in 0..ATTEMPTS_MAX {
        match attempt(stream, request) {
            Err(fault) if fault.code == FaultCode::Conflict => {}
            done => return done.map(Into::into),
        }
    }
    Err(stream.fault(FaultCode::Transient).with("reason", "file-keeps-changing"))
}

fn attempt(stream: &Stream, request: &WriteRequest) -> Result<Vec<Outcome>, Fault> {
    let stat = stream.stat(WRITE_BYTES_MAX)?;
    let mut table = match &stat {
        None => Table::empty(stream),
        Some(stat) => Table::parse(stream, stream.content(stat)?)
            .map_err(|fault| stream.content_fault(&fault))?,
    };
    let outcomes = request.items.iter().map(|item| apply(stream, &mut table, item)).collect();
    if table.is_changed() && !request.dry_run {
        let content = table.into_bytes();
        let version = stat.as_ref().map(|stat| stat.version.as_str());
        files::write(&stream.folder, &stream.file, &content, version)?;
    }
    Ok(outcomes)
}

fn apply(stream: &Stream, table: &mut Table<'_>, item: &WriteItem) -> Outcome {
    let Some(key) = key_of(stream, item) else { return rejected(&stream.key, "no-key") };
    let present = table.get(&key);
    if let Some(version) = &item.if_version
        && present.as_ref().is_none_or(|row| row::version(row) != *version)
        && item.action != Action::Create
    {
        return Outcome::Conflict;
    }
    match item.action {
        Action::Create | Action::Update => match (item.action, present) {
            (Action::Update, None) => Outcome::Conflict,
            (action, present) => put(stream, table, key, action, present, item),
        },
        Action::Delete => {
            table.remove(&key);
            Outcome::Deleted
        }
        Action::Archive => Outcome::Rejected(Fault::not_supported("archive")),
    }
}

/// The row that an item is about. The key column of a known row cannot be
/// written: it is the row's name.
fn key_of(stream: &Stream, item: &WriteItem) -> Option<String> {
    let named = |fields: &Row| fields.get(&stream.key).and_then(key_text);
    item.key.clone().or_else(|| named(&item.patch)).or_else(|| named(&item.matching))
}

fn put(
    stream: &Stream,
    table: &mut Table<'_>,
    key: String,
    action: Action,
    present: Option<Row>,
    item: &WriteItem,
) -> Outcome {
    let is_new = present.is_none();
    let mut row = present.clone().unwrap_or_default();
    if is_new {
        row.insert(stream.key.clone(), key.clone().into());
    }
    for (name, value) in &item.patch {
        if *name == stream.key {
            if key_text(value).as_ref() != Some(&key) {
                return rejected(name, "key-is-fixed");
            }
            continue;
        }
        if !row::usable(name) {
            return rejected(name, "column-name");
        }
        row.insert(name.clone(), row::stored(value, stream.layout));
    }
    let stored = Stored::key(&key).version(row::version(&row)).row(row.clone());
    if present.as_ref().is_some_and(|present| same(present, &row)) {
        return match action {
            Action::Create => Outcome::Created(stored),
            _ => Outcome::Unchanged,
        };
    }
    if !table.fits(&row) {
        return rejected("", "too-large");
    }
    table.put(&key, row);
    match action {
        // Also when the row was there: its key is what the hub has to learn.
        Action::Create => Outcome::Created(stored),
        _ => Outcome::Updated(stored),
    }
}

/// Whether two rows say the same: an absent member is null.
fn same(one: &Row, other: &Row) -> bool {
    let value = |row: &Row, name: &String| row.get(name).cloned().unwrap_or_default();
    one.keys().chain(other.keys()).all(|name| value(one, name) == value(other, name))
}

fn rejected(field: &str, reason: &str) -> Outcome {
    Outcome::Rejected(Fault::new(FaultCode::Rejected).at(field).with("reason", reason))
}
