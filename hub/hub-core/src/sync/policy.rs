//! What becomes of rows in a destination when nobody elsewhere speaks for their
//! person any more.
//!
//! Deletes stay where they were made unless the sync says otherwise. Who says so is
//! the sync of the row that would go, because its system loses something. Nothing
//! goes while another system still has the person: a row that was cleared away in
//! one of two shops says nothing about the other. And a row that came after the
//! delete stands by itself, or a person could never be typed in again.

use hub_model::{CreatePolicy, DeletePolicy, Mapping, Origin, Record, Stamp};

use super::due::{Due, speaks};
use super::takeback::is_emptied;
use crate::planted::{self, Bug};

/// The rows of a stream that are to go, lowest first, given all records of their
/// person. A mirror deletes nothing before every stream was read to its end: until
/// then nobody knows who is nowhere else.
pub fn leaving(members: &[&Record], mapping: &Mapping, all_read: bool) -> Vec<Due> {
    let archive = mapping.deletes == DeletePolicy::Archive;
    let remove = |record: &&Record| Due::Remove { record: record.number, archive };
    let mut here: Vec<&Record> = rows(members, mapping).filter(|row| row.is_live()).collect();
    here.sort_by_key(|record| record.number);
    let is_had = others(members, mapping).any(speaks);
    if is_had && !planted::is(Bug::DeletedForAll) {
        return Vec::new();
    }
    if mapping.create == CreatePolicy::Mirror {
        return here.iter().filter(|_| all_read).map(remove).collect();
    }
    let follows = matches!(mapping.deletes, DeletePolicy::Propagate | DeletePolicy::Archive);
    let follows = follows || planted::is(Bug::DeletesEverywhere);
    let Some(gone) = deleted(members, mapping).filter(|_| follows) else { return Vec::new() };
    here.iter().filter(|row| since(row) < gone).map(remove).collect()
}

/// Whether the rows of a person are left alone: he was deleted elsewhere, and the
/// sync keeps what he leaves behind.
pub(super) fn is_let_go(members: &[&Record], mapping: &Mapping) -> bool {
    mapping.deletes == DeletePolicy::Unlink
        && !others(members, mapping).any(speaks)
        && deleted(members, mapping).is_some()
}

/// Whether a person whose rows are all gone gets another one. As a rule who was
/// deleted stays so. But where the hub deletes rows itself, one may be gone only
/// because its person was gone everywhere, and he has come anew since.
pub(super) fn is_back(members: &[&Record], mapping: &Mapping) -> bool {
    let deletes = mapping.create == CreatePolicy::Mirror
        || matches!(mapping.deletes, DeletePolicy::Propagate | DeletePolicy::Archive);
    let last = rows(members, mapping).map(|row| row.deleted).max().flatten();
    let had = |record: &&Record| record.origin == Origin::Received || record.asserts_anything();
    let nobody_left =
        |gone| !others(members, mapping).filter(had).any(|record| was_live(record, gone));
    let all_gone = !rows(members, mapping).any(Record::is_live);
    deletes && all_gone && last.is_some_and(nobody_left)
}

/// The records of a person in the stream of a mapping.
fn rows<'a>(members: &[&'a Record], mapping: &Mapping) -> impl Iterator<Item = &'a Record> {
    members.iter().copied().filter(move |record| record.at.stream == mapping.stream)
}

/// The others.
fn others<'a>(members: &[&'a Record], mapping: &Mapping) -> impl Iterator<Item = &'a Record> {
    members.iter().copied().filter(move |record| record.at.stream != mapping.stream)
}

/// When a system last deleted the person, of those that had him by themselves. That
/// the time of what it said is over is no delete.
fn deleted(members: &[&Record], mapping: &Mapping) -> Option<Stamp> {
    let is_own = |record: &&Record| record.origin == Origin::Received && !is_emptied(record);
    let own = others(members, mapping).filter(is_own);
    own.filter_map(|record| record.deleted).max()
}

/// Since when a row is there. One that the hub made was made for a row that is
/// older than any delete of it.
fn since(row: &Record) -> Stamp {
    let born = if row.origin == Origin::Received { row.born } else { Stamp(0) };
    row.absences.last().map_or(born, |absence| absence.to)
}

fn was_live(record: &Record, at: Stamp) -> bool {
    let was_gone = record.absences.iter().any(|absence| absence.from <= at && at < absence.to);
    record.born <= at && !was_gone && record.deleted.is_none_or(|gone| at < gone)
}
