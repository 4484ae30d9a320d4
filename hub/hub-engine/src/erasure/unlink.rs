//! What others say of the person: rows that relate to him.
//!
//! An object loses every value that names him, or leaves with him, as its sync
//! says; of another person's row the relation goes. The row of an object that
//! stays is not taken again as it was: a text in it may mention him that no keyed
//! hash would know. Once it changes it is, without the values that are his by
//! themselves. A step that is repeated finds nobody more who relates to him.

use std::collections::BTreeSet;

use hub_core::privacy::{Tombstone, Unlink};
use hub_model::{
    Change, ChangeKind, CommitSeq, Identity, Profile, Record, RecordNo, Related, Rules, RunId,
    WhenErased,
};
use hub_store::{Error, Store, WriteSet};

use super::job::Erasure;
use crate::conclude::{Changed, conclude};
use crate::slices::Slices;
use crate::workspace::Workspace;

/// Records looked at per step.
const STEP_RECORDS: usize = 200;

/// What leads to a person and to nobody else: the values by which he alone is
/// known, also those that he gave up and nobody took up, and his rows.
pub(super) async fn ends(
    store: &dyn Store,
    profile: &Profile,
    records: &[Record],
    rules: &Rules,
) -> Result<Vec<Related>, Error> {
    let trusted = |identity: &&Identity| {
        rules.namespace(&identity.namespace).is_some_and(|namespace| namespace.trusted)
    };
    let claimed = profile.identities.iter().map(|claimed| &claimed.identity);
    let told = records.iter().flat_map(|record| &record.identities);
    let told = told.filter_map(|fact| fact.identity.as_ref());
    let named: BTreeSet<Identity> = claimed.chain(told).filter(trusted).cloned().collect();
    let named: Vec<Identity> = named.into_iter().collect();
    let claims = store.claims(&named).await?;
    let own = named
        .into_iter()
        .zip(claims)
        .filter(|(_, claim)| claim.profiles.iter().all(|id| *id == profile.id));
    let values = own.map(|(identity, _)| Related::Identity(identity));
    let rows = records.iter().map(|record| Related::Row(record.at.clone()));
    Ok(values.chain(rows).collect())
}

/// How many objects relate to any of these.
pub(super) async fn objects(store: &dyn Store, ends: &[Related]) -> Result<u64, Error> {
    let (mut count, mut below) = (0, None);
    loop {
        let found = store.related(ends, below, STEP_RECORDS).await?;
        let Some(last) = found.last() else { return Ok(count) };
        below = Some(last.number);
        count += found.iter().filter(|record| record.is_object()).count() as u64;
    }
}

/// Takes him out of whatever relates to him.
pub(super) async fn unlink(
    workspace: &Workspace,
    erasure: &Erasure,
    run: &RunId,
) -> Result<(), Error> {
    let store = &*workspace.store;
    let telling = &erasure.telling;
    let own: BTreeSet<RecordNo> = telling.records.iter().map(|(number, _)| *number).collect();
    let ends: BTreeSet<&Related> = telling.ends.iter().collect();
    let is_erased = |to: &Related| ends.contains(to);
    let rules = &workspace.rules;
    let mut slices = Slices::new(workspace, None);
    let mut below: Option<RecordNo> = None;
    let mut people = Vec::new();
    loop {
        let found = store.related(&telling.ends, below, STEP_RECORDS).await?;
        let Some(last) = found.last() else { break };
        below = Some(last.number);
        shut_out(workspace, &found).await?;
        for record in found.into_iter().filter(|record| !own.contains(&record.number)) {
            let stream = &record.at.stream;
            let mapping = rules.mapping(&stream.connection, &stream.stream);
            let texts = &telling.texts;
            let unlink =
                mapping.map(|mapping| Unlink { mapping, rules, is_erased: &is_erased, texts });
            let part = match unlink {
                Some(unlink) if !record.is_object() => {
                    people.push(Changed::States(unlink.record(&record, run)));
                    continue;
                }
                Some(unlink) if stays(&unlink, &record) => {
                    // What was made of it is told without him.
                    let (profile, kind) = (record.number.into(), ChangeKind::Updated);
                    let changes = vec![Change { seq: CommitSeq(0), profile, kind }];
                    let records = vec![unlink.record(&record, run)];
                    WriteSet { records, changes, ..WriteSet::default() }
                }
                // Also where nobody can say any more which of its values name him.
                _ => WriteSet { erased: vec![(record.number, record.at)], ..WriteSet::default() },
            };
            slices.push(part).await?;
        }
    }
    slices.flush().await?;
    for person in people {
        let mut set = WriteSet::default();
        conclude(workspace, vec![person], &mut set).await?;
        store.commit(set).await?;
    }
    Ok(())
}

fn stays(unlink: &Unlink<'_>, object: &Record) -> bool {
    unlink.mapping.when_erased == WhenErased::Unlink && !unlink.is_named_by(object.at.key.as_str())
}

/// The rows of these objects are not taken again as they are.
async fn shut_out(workspace: &Workspace, records: &[Record]) -> Result<(), Error> {
    let tombstones = &workspace.tombstones;
    let objects = records.iter().filter(|record| record.is_object());
    let news: Vec<Tombstone> =
        objects.map(|object| tombstones.key.content(&object.at, &object.raw)).collect();
    let positions = tombstones.keep(&*workspace.store, &news).await?;
    workspace.store.commit(WriteSet { positions, ..WriteSet::default() }).await?;
    tombstones.remember(&news);
    Ok(())
}
