//! Somebody's events, newest first.

use hub_core::event;
use hub_model::{Event, Profile, Rules};
use hub_store::{Error, EventPage, EventPlace, Store};

/// Most events that are looked at for one page, whatever their name: a page that
/// ends before it is full says where to go on.
pub const EVENTS_LOOKED_AT_MAX: usize = 10_000;

/// A page of the events of a profile before a place, those of one name only if one
/// is given.
///
/// # Errors
/// When the store cannot answer.
pub async fn of_profile(
    store: &dyn Store,
    rules: &Rules,
    profile: &Profile,
    name: Option<&str>,
    (before, limit): (Option<EventPlace>, usize),
) -> Result<EventPage, Error> {
    let by = event::reach(&profile.identities, rules);
    let mut found = EventPage { events: Vec::new(), next: before };
    let mut looked_at = 0;
    loop {
        // Never more than are wanted, so that a page ends where it says.
        let wanted = limit.saturating_sub(found.events.len()).min(EVENTS_LOOKED_AT_MAX);
        let page = store.events(&by, found.next, wanted).await?;
        looked_at += page.events.len();
        let is_asked = |event: &Event| name.is_none_or(|name| *event.name == *name);
        found.events.extend(page.events.into_iter().filter(is_asked));
        found.next = page.next;
        let is_full = found.events.len() >= limit || looked_at >= EVENTS_LOOKED_AT_MAX;
        if is_full || found.next.is_none() {
            return Ok(found);
        }
    }
}
