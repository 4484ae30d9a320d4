//! Where a reference leads: from what a source says, by its relations, to the rows of
//! the stream whose key is wanted. What is found is judged by the core.

use std::collections::BTreeSet;

use hub_core::sync::Ends;
use hub_model::{
    MadeOf, ProfileId, Record, RecordRef, Reference, Related, Relation, Rules, StreamRef,
};
use hub_store::{Error, Store};

use super::subject::related;

/// What a source says in the role of a reference, followed to its rows there.
///
/// # Errors
/// When the store cannot answer.
pub(super) async fn ends(
    store: &dyn Store,
    rules: &Rules,
    (source, made_of): (&Record, &MadeOf),
    reference: &Reference,
) -> Result<Ends, Error> {
    let between = match &reference.through {
        None => Vec::new(),
        Some(stream) => {
            let found = related(store, &[Related::Row(source.at.clone())]).await?.into_iter();
            found.filter(|record| record.at.stream == *stream && record.is_live()).collect()
        }
    };
    let (stream, sayers) = match &reference.through {
        None => (&made_of.stream, vec![source]),
        Some(stream) => (stream, between.iter().collect()),
    };
    let mapping = rules.mapping(&stream.connection, &stream.stream);
    let relates = mapping.into_iter().flat_map(|mapping| &mapping.relations);
    let fields: Vec<_> = relates.filter(|relates| relates.role == reference.role).collect();
    let in_role = |relation: &&Relation| relation.role == reference.role && !relation.is_kept();
    let mut said = BTreeSet::new();
    let mut named: BTreeSet<&Related> = BTreeSet::new();
    for sayer in sayers {
        let asserted = |field| Some(sayer.fields.get(field)?.asserted.as_ref()?.stamp);
        said.extend(fields.iter().filter_map(|relates| asserted(&relates.field)));
        named.extend(sayer.relations.iter().filter(in_role).map(|relation| &relation.to));
    }
    let mut ends = Ends { said, named: Vec::with_capacity(named.len()) };
    for to in named {
        ends.named.push(owners(store, to, &reference.stream).await?);
    }
    Ok(ends)
}

/// Whoever or whatever that is, each with the living rows in a stream.
async fn owners(
    store: &dyn Store,
    to: &Related,
    stream: &StreamRef,
) -> Result<Vec<Vec<Record>>, Error> {
    match to {
        Related::Identity(identity) => {
            let claims = store.claims(std::slice::from_ref(identity)).await?;
            let ids: Vec<ProfileId> = claims.into_iter().flat_map(|c| c.profiles).collect();
            of_profiles(store, &ids, stream).await
        }
        Related::Row(at) => of_row(store, at, stream).await,
    }
}

async fn of_row(
    store: &dyn Store,
    at: &RecordRef,
    stream: &StreamRef,
) -> Result<Vec<Vec<Record>>, Error> {
    let found = store.records_by_ref(std::slice::from_ref(at)).await?;
    let Some(record) = found.into_iter().flatten().next() else { return Ok(Vec::new()) };
    let there = |record: &Record| record.at.stream == *stream && record.is_live();
    if record.at.stream == *stream {
        return Ok(vec![Some(record).filter(there).into_iter().collect()]);
    }
    if !record.is_object() {
        return of_profiles(store, &[record.profile], stream).await;
    }
    let made = related(store, &[Related::Row(at.clone())]).await?.into_iter();
    Ok(vec![made.filter(|record| there(record) && record.made_of() == Some(at)).collect()])
}

async fn of_profiles(
    store: &dyn Store,
    ids: &[ProfileId],
    stream: &StreamRef,
) -> Result<Vec<Vec<Record>>, Error> {
    let mut owners = Vec::new();
    let mut seen = BTreeSet::new();
    for profile in store.profiles(ids).await?.into_iter().flatten() {
        if !seen.insert(profile.id) {
            continue;
        }
        let records = store.records(&profile.records).await?.into_iter().flatten();
        let rows = records.filter(|record| record.at.stream == *stream && record.is_live());
        owners.push(rows.collect());
    }
    Ok(owners)
}
