//! Appending the events of a slice.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::event;
use hub_model::{Event, Identity, Object, ProfileId, RecordRef, RemoteKey, RunCounts, Timestamp};
use hub_store::{Error, WriteSet};

use crate::workspace::Workspace;

/// The row of what an event ties, on its way to become a record.
#[derive(Debug, Clone)]
pub(crate) struct Ties {
    /// Its key.
    pub key: RemoteKey,
    /// What it shows.
    pub row: Object,
    /// By what it is known again.
    pub mark: u64,
}

/// Whether an event is not taken, whoever claims what it names: it is about
/// somebody who was erased, or its time is over.
pub(crate) fn is_refused(workspace: &Workspace, event: &Event) -> bool {
    let now = workspace.env.now();
    event.identities.iter().any(|identity| workspace.tombstones.refuse(identity))
        || event::over(event, false, &workspace.rules).is_some_and(|over| over <= now)
}

/// Adds the events of a slice to its commit, but for those that are known, and
/// takes away those that their system deleted.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn append(
    workspace: &Workspace,
    events: Vec<Event>,
    gone: BTreeSet<RecordRef>,
    (set, counts): (&mut WriteSet, &mut RunCounts),
) -> Result<(), Error> {
    if events.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let store = &*workspace.store;
    let gone: Vec<RecordRef> = gone.into_iter().collect();
    let known = store.events_by_ref(&gone).await?;
    set.events_gone.extend(known.into_iter().flatten().map(|event| event.at));
    counts.deleted += set.events_gone.len() as u64;

    let refs: Vec<RecordRef> = events.iter().map(|event| event.at.clone()).collect();
    let known = store.events_by_ref(&refs).await?;
    let left: BTreeSet<&RecordRef> = set.events_gone.iter().collect();
    let mut keys: BTreeSet<RecordRef> = BTreeSet::new();
    let news = events.into_iter().zip(known).filter_map(|(event, known)| {
        let is_news = known.is_none() || left.contains(&event.at);
        (is_news && keys.insert(event.at.clone())).then_some(event)
    });
    let news: Vec<Event> = news.collect();
    let over = over(workspace, &news, workspace.env.now()).await?;
    for (event, over) in news.into_iter().zip(over) {
        if over {
            counts.refused += 1;
        } else {
            counts.new += 1;
            set.events.push(event);
        }
    }
    Ok(())
}

/// Of which events the time is over. Whether they are anonymous is asked only
/// where it matters.
///
/// # Errors
/// When the store cannot answer.
pub(super) async fn over(
    workspace: &Workspace,
    events: &[Event],
    now: Timestamp,
) -> Result<Vec<bool>, Error> {
    let rules = &workspace.rules;
    let is_over = |event: &Event, anonymous: bool| {
        event::over(event, anonymous, rules).is_some_and(|over| over <= now)
    };
    let in_doubt = |event: &&Event| is_over(event, true) && !is_over(event, false);
    let asked: BTreeSet<&Identity> =
        events.iter().filter(in_doubt).flat_map(|event| &event.identities).collect();
    let asked: Vec<Identity> = asked.into_iter().cloned().collect();
    let (mut claimants, mut ids) = (BTreeMap::new(), BTreeSet::new());
    if !asked.is_empty() {
        let claims = workspace.store.claims(&asked).await?;
        ids.extend(claims.iter().flat_map(|claim| claim.profiles.iter().copied()));
        claimants.extend(asked.iter().zip(claims.into_iter().map(|claim| claim.profiles)));
    }
    let ids: Vec<ProfileId> = ids.into_iter().collect();
    let profiles = workspace.store.profiles(&ids).await?;
    let profiles: BTreeMap<ProfileId, _> =
        profiles.into_iter().flatten().map(|profile| (profile.id, profile)).collect();
    let judge = |event: &Event| {
        if !in_doubt(&event) {
            return is_over(event, false);
        }
        let ids = event.identities.iter().filter_map(|i| claimants.get(i)).flatten();
        let own = ids.filter_map(|id| profiles.get(id));
        is_over(event, event::is_anonymous(event, own, rules))
    };
    Ok(events.iter().map(judge).collect())
}
