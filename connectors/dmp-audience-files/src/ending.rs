//! Rows of a file whose time is over.
//!
//! The hub keeps what a file said until somebody says otherwise. So each row is brought
//! once more, with nothing in it but its key. A row that a file which is still good has
//! as well stays as it is: the partner has renewed it.

use std::collections::BTreeSet;

use liaison_sdk::files::Stat;
use liaison_sdk::{Fault, FaultCode, Row};

use crate::settings::Inbound;
use crate::table::{Position, Table};

/// Most bytes of the files that are still good, each of which is looked through for
/// every page.
const GOOD_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A page of rows whose time is over, and where to go on.
///
/// # Errors
/// `limit` when the files that are still good are too large together; otherwise
/// those of the files.
pub fn page(
    stream: &Inbound,
    table: &Table<'_>,
    from: Option<Position>,
    rows_max: usize,
    good: &[&Stat],
) -> Result<(Vec<Row>, Option<Position>), Fault> {
    let (records, next) = table.records(from, rows_max)?;
    let mut keys: BTreeSet<String> = records.into_iter().filter_map(|record| record.key).collect();
    if good.iter().map(|stat| stat.size).sum::<u64>() > GOOD_BYTES_MAX {
        let fault = Fault::new(FaultCode::Limit).at(&stream.folder);
        return Err(fault.with("bytes-max", GOOD_BYTES_MAX));
    }
    for stat in good {
        if keys.is_empty() {
            break;
        }
        let other = Table::open(stream, stat)?;
        let mut at = None;
        loop {
            let (records, next) = other.records(at, usize::MAX)?;
            for key in records.into_iter().filter_map(|record| record.key) {
                keys.remove(&key);
            }
            at = next;
            if at.is_none() {
                break;
            }
        }
    }
    Ok((keys.iter().map(|key| table.ended(key)).collect(), next))
}
