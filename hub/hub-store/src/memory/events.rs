//! Events in memory: in order of receipt, and by whom they name.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use hub_model::{Event, Identity, RecordRef};

use crate::store::{EventPage, EventPlace};

/// All events.
#[derive(Debug, Clone, Default)]
pub(super) struct Events {
    last: u64,
    rows: BTreeMap<u64, Event>,
    numbers: BTreeMap<RecordRef, u64>,
    of: BTreeMap<Identity, BTreeSet<EventPlace>>,
}

impl Events {
    /// Takes an event in, unless its stream has one of that key.
    pub fn append(&mut self, event: Event) {
        if self.numbers.contains_key(&event.at) {
            return;
        }
        self.last += 1;
        let number = self.last;
        self.numbers.insert(event.at.clone(), number);
        for identity in &event.identities {
            let place = EventPlace { time: event.time, number };
            self.of.entry(identity.clone()).or_default().insert(place);
        }
        self.rows.insert(number, event);
    }

    /// Lets an event go.
    pub fn remove(&mut self, at: &RecordRef) {
        let Some(number) = self.numbers.remove(at) else { return };
        let Some(event) = self.rows.remove(&number) else { return };
        for identity in &event.identities {
            if let Some(places) = self.of.get_mut(identity) {
                places.remove(&EventPlace { time: event.time, number });
                if places.is_empty() {
                    self.of.remove(identity);
                }
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// The event of a key.
    pub fn by_ref(&self, at: &RecordRef) -> Option<&Event> {
        self.rows.get(self.numbers.get(at)?)
    }

    /// Those after a number, in order of receipt.
    pub fn after(&self, after: Option<u64>) -> impl Iterator<Item = (u64, &Event)> {
        let rows = self.rows.range((after.map_or(Unbounded, Excluded), Unbounded));
        rows.map(|(number, event)| (*number, event))
    }

    /// Those that name any of these identities, newest first.
    pub fn page(&self, of: &[Identity], before: Option<EventPlace>, limit: usize) -> EventPage {
        let end = before.map_or(Unbounded, Excluded);
        let places: BTreeSet<EventPlace> = of
            .iter()
            .filter_map(|identity| self.of.get(identity))
            .flat_map(|places| places.range((Unbounded, end)))
            .copied()
            .collect();
        let page: Vec<EventPlace> = places.iter().rev().take(limit).copied().collect();
        let events = page.iter().filter_map(|place| self.rows.get(&place.number).cloned());
        let next = page.last().filter(|_| places.len() > page.len()).copied();
        EventPage { events: events.collect(), next }
    }
}
