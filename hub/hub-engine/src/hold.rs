//! Runs that wait for a person, and what was answered.
//!
//! One row per sync: the newest plan that was beyond the guards. A later run
//! asks again with its own plan, so there is never a queue of old questions. The
//! answer is kept with the run that it was given to as well: there it stays when
//! the question is over.

use std::collections::BTreeMap;

use hub_model::{Answer, Hold, PositionName, Run, RunId, SyncId};
use hub_store::{Error, PositionChange, Store, WriteSet};

/// Why an answer was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerRefused {
    /// There is no such run.
    #[error("there is no run {0}")]
    Unknown(RunId),
    /// It does not wait: it was never held, or a later run has taken its place.
    #[error("run {0} does not wait for an answer")]
    NotHeld(RunId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

fn name(sync: &SyncId) -> PositionName {
    PositionName::new(format!("hold/{sync}"))
}

/// What waits for an answer, or was answered and is not over, of a sync.
///
/// # Errors
/// When the store cannot answer.
pub async fn read(store: &dyn Store, sync: &SyncId) -> Result<Option<Hold>, Error> {
    let kept = store.position(&name(sync)).await?;
    parse(sync, kept.as_deref())
}

fn parse(sync: &SyncId, kept: Option<&[u8]>) -> Result<Option<Hold>, Error> {
    let hold = kept.map(serde_json::from_slice).transpose();
    hold.map_err(|error| Error::Corrupt(format!("the hold of {sync} cannot be read: {error}")))
}

/// Those of several syncs.
///
/// # Errors
/// When the store cannot answer.
pub async fn all<'a>(
    store: &dyn Store,
    syncs: impl Iterator<Item = &'a SyncId>,
) -> Result<BTreeMap<SyncId, Hold>, Error> {
    let mut holds = BTreeMap::new();
    for sync in syncs {
        if let Some(hold) = read(store, sync).await? {
            holds.insert(sync.clone(), hold);
        }
    }
    Ok(holds)
}

/// Asks: takes the place of what was asked before.
pub(crate) async fn put(store: &dyn Store, sync: &SyncId, hold: &Hold) -> Result<(), Error> {
    let change = change(sync, store.position(&name(sync)).await?, Some(hold))?;
    store.commit(WriteSet { positions: vec![change], ..WriteSet::default() }).await?;
    Ok(())
}

/// Forgets what was asked: everything that was due is written.
pub(crate) async fn over(store: &dyn Store, sync: &SyncId) -> Result<(), Error> {
    let Some(kept) = store.position(&name(sync)).await? else { return Ok(()) };
    let change = change(sync, Some(kept), None)?;
    store.commit(WriteSet { positions: vec![change], ..WriteSet::default() }).await?;
    Ok(())
}

/// Keeps a person's answer to a run that was held. Until it is over it may be
/// changed.
///
/// # Errors
/// [`AnswerRefused`].
pub async fn answer(store: &dyn Store, run: &RunId, answer: Answer) -> Result<Run, AnswerRefused> {
    let found = store.run(run).await?.ok_or_else(|| AnswerRefused::Unknown(run.clone()))?;
    let kept = store.position(&name(&found.sync)).await?;
    let hold = parse(&found.sync, kept.as_deref())?.filter(|hold| hold.run == *run);
    let hold = hold.ok_or_else(|| AnswerRefused::NotHeld(run.clone()))?;
    let hold = Hold { answer: Some(answer.clone()), ..hold };
    let positions = vec![change(&found.sync, kept, Some(&hold))?];
    let answered = Run { answer: Some(answer), ..found };
    let runs = vec![answered.clone()];
    store.commit(WriteSet { positions, runs, ..WriteSet::default() }).await?;
    Ok(answered)
}

fn change(
    sync: &SyncId,
    expected: Option<Vec<u8>>,
    hold: Option<&Hold>,
) -> Result<PositionChange, Error> {
    let new = hold.map(serde_json::to_vec).transpose();
    let new = new.map_err(|error| Error::Refused(format!("a hold is not JSON: {error}")))?;
    Ok(PositionChange { name: name(sync), expected, new })
}
