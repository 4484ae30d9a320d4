//! Rows that were there before an object was made of another: the one that is found
//! by what the new one would be found by is that object. It is related to its source
//! and kept up to it; one that belongs to another source already is left alone.

use std::collections::BTreeSet;

use hub_core::sync;
use hub_model::{Change, ChangeKind, CommitSeq, Fault, ProfileId, RecordNo, RecordRef, RemoteKey};
use hub_store::WriteSet;

use crate::run::RunContext;
use crate::slices::Slices;

/// Relates found rows to the sources for which they were looked for. The next look at
/// each of them, in this run, brings the row up to it.
pub(super) async fn adopt(
    context: &RunContext<'_>,
    found: &[(ProfileId, RemoteKey)],
) -> Result<(), Fault> {
    let mapping = &context.job.mapping;
    if mapping.made_of.is_none() || found.is_empty() {
        return Ok(());
    }
    let workspace = context.workspace;
    let _guard = workspace.decide().await;
    let mut slices = Slices::new(workspace, None);
    let mut taken: BTreeSet<&RemoteKey> = BTreeSet::new();
    for (id, key) in found {
        let at = RecordRef { stream: mapping.stream.clone(), key: key.clone() };
        let row = workspace.store.records_by_ref(&[at]).await?.into_iter().flatten().next();
        let source = workspace.store.records(&[RecordNo(id.0)]).await?.into_iter().flatten().next();
        let (Some(row), Some(source)) = (row, source) else { continue };
        if !row.is_live() || !row.is_object() || row.made_of().is_some() || !taken.insert(key) {
            continue;
        }
        let (profile, kind) = (*id, ChangeKind::Updated);
        let records = vec![sync::linked(row, source.at)];
        let changes = vec![Change { seq: CommitSeq(0), profile, kind }];
        slices.push(WriteSet { records, changes, ..WriteSet::default() }).await?;
    }
    slices.flush().await?;
    Ok(())
}
