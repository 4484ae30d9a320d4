//! Rows of the change log: which profiles, and what happened to them.

use hub_model::{Change, ChangeKind, CommitSeq, ProfileId};
use hub_store::Error;

use crate::keys;
use crate::pack::bytes::put_step;
use crate::pack::{Bytes, Damaged};

const fn code(kind: ChangeKind) -> u8 {
    match kind {
        ChangeKind::Created => 0,
        ChangeKind::Updated => 1,
        ChangeKind::Merged => 2,
        ChangeKind::Separated => 3,
    }
}

const fn kind(code: u8) -> Result<ChangeKind, Damaged> {
    Ok(match code {
        0 => ChangeKind::Created,
        1 => ChangeKind::Updated,
        2 => ChangeKind::Merged,
        3 => ChangeKind::Separated,
        _ => return Err(Damaged),
    })
}

/// The payload of a commit's row.
pub(crate) fn pack(changes: &[Change]) -> Vec<u8> {
    let mut out = Vec::with_capacity(changes.len() * 3);
    let mut before = 0;
    for change in changes {
        out.push(code(change.kind));
        put_step(&mut out, before, change.profile.0);
        before = change.profile.0;
    }
    out
}

/// A commit from its row.
///
/// # Errors
/// [`Error::Corrupt`] when it cannot be read.
pub(crate) fn read(key: &[u8], payload: &[u8]) -> Result<(CommitSeq, Vec<Change>), Error> {
    let damaged = || Error::Corrupt("a row of the change log cannot be read".to_owned());
    let seq = keys::last_number(key).map(CommitSeq).ok_or_else(damaged)?;
    let mut bytes = Bytes(payload);
    let mut before = 0;
    let mut changes = Vec::new();
    while !bytes.is_empty() {
        let change = bytes.byte().and_then(kind).and_then(|kind| {
            before = bytes.step(before)?;
            Ok(Change { seq, profile: ProfileId(before), kind })
        });
        changes.push(change.map_err(|Damaged| damaged())?);
    }
    Ok((seq, changes))
}
