//! Events that must not be kept any more.

use hub_core::event;
use hub_model::{Event, Identity, PositionName, RecordRef, Timestamp};
use hub_store::{Error, PositionChange, WriteSet};
use serde::{Deserialize, Serialize};

use super::append::over;
use crate::workspace::Workspace;

/// Longest time between two looks at all events. A time to live is days at least.
const LOOK_SECONDS_MAX: i64 = 24 * 3600;
/// Events looked at per step.
const STEP_EVENTS: usize = 500;
/// Events of a person that leave per commit: each may take a place from a row of
/// many.
const LEAVING_EVENTS: usize = 200;

/// How far the look at all events is.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Place {
    /// The number of the last event that was looked at; `None` between two looks.
    after: Option<u64>,
    /// When the next one is due.
    next: Timestamp,
}

/// Looks at all events if it is time, and removes those whose time is over.
/// Returns how many went.
///
/// # Errors
/// When the store cannot be read or written; the next call goes on.
pub(crate) async fn sweep(workspace: &Workspace) -> Result<u64, Error> {
    if !event::any_ends(&workspace.rules) || workspace.store.stats().await?.events == 0 {
        return Ok(0);
    }
    let name = PositionName::new("sweep/events");
    let now = workspace.env.now();
    let mut kept = workspace.store.position(&name).await?;
    let known = kept.as_deref().and_then(|bytes| serde_json::from_slice::<Place>(bytes).ok());
    let mut place = known.unwrap_or_default();
    if place.after.is_none() && now < place.next {
        return Ok(0);
    }
    let mut went = 0;
    loop {
        let _guard = workspace.decide().await;
        let rows = workspace.store.scan_events(place.after, STEP_EVENTS).await?;
        place.after = rows.last().map(|(number, _)| *number);
        if place.after.is_none() {
            place.next = now.plus_seconds(LOOK_SECONDS_MAX);
        }
        let events: Vec<Event> = rows.into_iter().map(|(_, event)| event).collect();
        let over = over(workspace, &events, now).await?;
        let gone = events.into_iter().zip(over).filter(|(_, over)| *over);
        let events_gone: Vec<RecordRef> = gone.map(|(event, _)| event.at).collect();
        went += events_gone.len() as u64;
        let new = serde_json::to_vec(&place).ok();
        let expected = std::mem::replace(&mut kept, new.clone());
        let positions = vec![PositionChange { name: name.clone(), expected, new }];
        workspace.commit(WriteSet { events_gone, positions, ..WriteSet::default() }).await?;
        if place.after.is_none() {
            return Ok(went);
        }
    }
}

/// Removes every event that names a person, also where it names somebody else
/// too. Repeated after a crash.
///
/// # Errors
/// When the store cannot be read or written.
pub(crate) async fn forget_person(workspace: &Workspace, by: &[Identity]) -> Result<(), Error> {
    loop {
        let events = workspace.store.events(by, None, LEAVING_EVENTS).await?.events;
        if events.is_empty() {
            return Ok(());
        }
        let events_gone = events.into_iter().map(|event| event.at).collect();
        workspace.commit(WriteSet { events_gone, ..WriteSet::default() }).await?;
    }
}
