//! Whom events and objects are about: they come up for judgement with the commit that
//! brings them or takes them away.

use std::collections::BTreeSet;

use hub_core::audience::Needs;
use hub_model::{
    Change, ChangeKind, CommitSeq, EntityKind, Identity, ProfileId, Record, RecordNo, RecordRef,
    Related, Rules,
};
use hub_store::{Error, Store, WriteSet};

/// Adds to a set the entries of the change log for those whom its events and objects
/// are about, before and after, if any segment asks for such. Who they are is what
/// the store knows; whoever becomes known by the set itself has changed by that.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn touch(
    store: &dyn Store,
    rules: &Rules,
    set: &mut WriteSet,
) -> Result<(), Error> {
    if rules.segments.is_empty() {
        return Ok(());
    }
    let needs = Needs::from(rules);
    let mut named = BTreeSet::new();
    if needs.has_events() {
        let gone = store.events_by_ref(&set.events_gone).await?;
        let events = set.events.iter().chain(gone.iter().flatten());
        let heard = events.filter(|event| needs.hears(&event.name));
        named.extend(heard.flat_map(|event| event.identities.iter().cloned()));
    }
    let mut rows = BTreeSet::new();
    if needs.has_relations() {
        objects(store, rules, &needs, set, (&mut named, &mut rows)).await?;
    }
    let named: Vec<Identity> = named.into_iter().collect();
    let claims = store.claims(&named).await?;
    let mut touched: BTreeSet<ProfileId> =
        claims.into_iter().flat_map(|claim| claim.profiles).collect();
    let rows: Vec<RecordRef> = rows.into_iter().collect();
    let people = store.records_by_ref(&rows).await?.into_iter().flatten();
    touched.extend(people.filter(|record| !record.is_object()).map(|record| record.profile));
    let kind = ChangeKind::Updated;
    set.changes.extend(touched.into_iter().map(|profile| Change {
        seq: CommitSeq(0),
        profile,
        kind,
    }));
    Ok(())
}

/// Whom and what objects relate to that come, change or go.
async fn objects(
    store: &dyn Store,
    rules: &Rules,
    needs: &Needs,
    set: &WriteSet,
    (named, rows): (&mut BTreeSet<Identity>, &mut BTreeSet<RecordRef>),
) -> Result<(), Error> {
    let put = set.records.iter().filter(|record| record.is_object());
    let erased = set.erased.iter().map(|(number, _)| *number);
    let numbers: Vec<RecordNo> = put.clone().map(|record| record.number).chain(erased).collect();
    let before = store.records(&numbers).await?;
    let kind = |record: &Record| {
        let stream = &record.at.stream;
        rules.mapping(&stream.connection, &stream.stream).map(|mapping| mapping.kind.clone())
    };
    // Of a stream that is not read any more nobody knows what its rows were.
    let counts =
        |record: &&Record| kind(record).as_ref().is_none_or(|kind: &EntityKind| needs.counts(kind));
    let counted = before.iter().flatten().filter(|record| record.is_object()).chain(put);
    for relation in counted.filter(counts).flat_map(|record| &record.relations) {
        match &relation.to {
            Related::Identity(identity) => named.insert(identity.clone()),
            Related::Row(at) => rows.insert(at.clone()),
        };
    }
    Ok(())
}
