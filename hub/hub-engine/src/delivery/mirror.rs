//! Mirrors: whether a sync that deletes what nobody else has may know who that is.
//!
//! Before every other stream was read to its end, people whom it has seem to be
//! nowhere else. So each reading that comes to an end leaves a mark, as long as some
//! sync is a mirror; and once all marks are there, the mirror looks at everybody
//! once more, since it has passed by rows that it could not judge. Other rules begin
//! with no marks at all: they may know people again by other fields.

use hub_model::{CreatePolicy, Mapping, PositionName, Rules, SyncId};
use hub_store::{Error, PositionChange, WriteSet};

use crate::run::RunContext;

/// Where it is kept that a stream was read to its end.
fn read_position(mapping: &Mapping) -> PositionName {
    PositionName::new(format!("read/{}/{}", mapping.stream.connection, mapping.stream.stream))
}

/// Where it is kept that a mirror has looked at everybody since all was read.
fn mirrored_position(sync: &SyncId) -> PositionName {
    PositionName::new(format!("mirrored/{sync}"))
}

/// What is kept about the stream and sync of a mapping; forgotten with its cursor.
pub(crate) fn positions(mapping: &Mapping) -> [PositionName; 2] {
    [read_position(mapping), mirrored_position(&mapping.sync)]
}

fn is_mirror(mapping: &Mapping) -> bool {
    mapping.create == CreatePolicy::Mirror && mapping.writes()
}

/// The mappings of what has to be read before a mirror deletes anything.
fn needed<'a>(rules: &'a Rules, mirror: &'a Mapping) -> impl Iterator<Item = &'a Mapping> {
    let alike = move |other: &&Mapping| other.kind == mirror.kind && other.event.is_none();
    rules.mappings.iter().filter(|mapping| mapping.reads()).filter(alike)
}

/// Keeps that the stream of a run was read to its end, if a mirror has to know.
///
/// # Errors
/// When the store fails.
pub(crate) async fn note_read(context: &RunContext<'_>) -> Result<(), Error> {
    let rules = &context.workspace.rules;
    let own = &context.job.mapping;
    let mut mirrors = rules.mappings.iter().filter(|mapping| is_mirror(mapping));
    if !mirrors.any(|mirror| needed(rules, mirror).any(|mapping| mapping.sync == own.sync)) {
        return Ok(());
    }
    mark(context, read_position(own), WriteSet::default()).await
}

/// Whether everything was read that the sync has to know before it deletes whom it
/// knows nowhere else; of no other sync this is asked.
///
/// # Errors
/// When the store fails.
pub(super) async fn all_read(context: &RunContext<'_>) -> Result<bool, Error> {
    let mirror = &context.job.mapping;
    if !is_mirror(mirror) {
        return Ok(false);
    }
    for mapping in needed(&context.workspace.rules, mirror) {
        if context.workspace.store.position(&read_position(mapping)).await?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a mirror has yet to look at everybody since all was read.
///
/// # Errors
/// When the store fails.
pub(super) async fn is_to_look_again(context: &RunContext<'_>) -> Result<bool, Error> {
    let name = mirrored_position(context.job.id());
    Ok(all_read(context).await? && context.workspace.store.position(&name).await?.is_none())
}

/// Lets a delivery begin with everybody, where that is due.
///
/// # Errors
/// When the store fails.
pub(super) async fn begin(context: &RunContext<'_>) -> Result<(), Error> {
    if !is_to_look_again(context).await? {
        return Ok(());
    }
    let name = context.job.delivery_position();
    let expected = context.workspace.store.position(&name).await?;
    let forgotten = expected.is_some().then_some(PositionChange { name, expected, new: None });
    let positions = forgotten.into_iter().collect();
    let set = WriteSet { positions, ..WriteSet::default() };
    mark(context, mirrored_position(context.job.id()), set).await
}

/// Sets a mark that is not set.
async fn mark(
    context: &RunContext<'_>,
    name: PositionName,
    mut set: WriteSet,
) -> Result<(), Error> {
    if context.workspace.store.position(&name).await?.is_none() {
        set.positions.push(PositionChange { name, expected: None, new: Some(b"1".to_vec()) });
        context.workspace.commit(set).await?;
    }
    Ok(())
}
