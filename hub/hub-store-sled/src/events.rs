//! Events: appended in blocks, known again by the index in memory, and found by
//! whom they name.
//!
//! What an identity leads to lies in rows of its own, one for each commit that
//! brought events of it: a visit of ten pages is one row of ten places. Those are
//! the only keys in no order that the store writes by the thousand, so they are
//! small, and nothing of them is in memory. An event knows its commit, so that
//! its places are found when it leaves; the block that it lay in is written again
//! without it when the store is compacted, as those of records are.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{Event, Identity, RecordRef, Timestamp};
use hub_store::{Error, EventPage, EventPlace};

use crate::block::{Block, Location, Packed, Packing, damaged};
use crate::delta::Op;
use crate::event_index::EventKey;
use crate::keys::{self, Key, table};
use crate::meta::Meta;
use crate::pack::bytes::{Bytes, Damaged, put_step};
use crate::pack::event::{self, Kept};
use crate::read::Reader;

/// What the events of a commit come to.
pub(crate) struct Planned {
    /// Changes of the index, in order.
    pub ops: Vec<Op>,
    /// Blocks and places to put; `None` = remove.
    pub rows: Vec<(Key, Option<Vec<u8>>)>,
}

/// Plans those that leave, then those that are new.
///
/// # Errors
/// When a row cannot be read, or the store has no block numbers left.
pub(crate) fn plan(
    reader: &Reader<'_>,
    meta: &mut Meta,
    gone: &[RecordRef],
    events: Vec<Event>,
) -> Result<Planned, Error> {
    let mut ops = Vec::new();
    let mut places: BTreeMap<Key, Vec<EventPlace>> = BTreeMap::new();
    let gone: BTreeSet<&RecordRef> = gone.iter().collect();
    let mut left: BTreeSet<&RecordRef> = BTreeSet::new();
    for at in gone {
        let Some((location, kept)) = reader.kept(at)? else { continue };
        ops.push(Op::EventGone { key: reader.event_key(at), location });
        meta.stats.events -= 1;
        let place = place_of(&kept.event, location);
        for identity in &kept.event.identities {
            let key = reader.places_key(identity, kept.seq);
            let known = match places.get_mut(&key) {
                Some(known) => known,
                None => places.entry(key.clone()).or_insert(reader.places(&key)?),
            };
            known.retain(|known| *known != place);
        }
        left.insert(at);
    }
    let seq = meta.stats.seq;
    let mut packing = Packing::after(table::EVENT, meta.event_block);
    let mut new: BTreeSet<RecordRef> = BTreeSet::new();
    for event in events {
        let is_known = new.contains(&event.at)
            || (!left.contains(&event.at) && reader.kept(&event.at)?.is_some());
        if is_known {
            continue;
        }
        let key = reader.event_key(&event.at);
        let kept = Kept { event, seq };
        let location = packing.add(|names, out| event::put(&kept, names, out))?;
        ops.push(Op::Event { key, location });
        meta.stats.events += 1;
        for identity in &kept.event.identities {
            let key = reader.places_key(identity, seq);
            places.entry(key).or_default().push(place_of(&kept.event, location));
        }
        new.insert(kept.event.at);
    }
    let Packed { blocks, last } = packing.finish()?;
    meta.event_block = last;
    let blocks = blocks.into_iter().map(|(key, block)| (key, Some(block)));
    let places = places.into_iter().map(|(key, places)| {
        let row = (!places.is_empty()).then(|| packed(&places));
        (key, row)
    });
    Ok(Planned { ops, rows: blocks.chain(places).collect() })
}

fn place_of(event: &Event, location: Location) -> EventPlace {
    EventPlace { time: event.time, number: u64::from(location.0) }
}

/// Places as bytes: each number and time by its way from the one before.
fn packed(places: &[EventPlace]) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut number, mut time) = (0, 0);
    for place in places {
        put_step(&mut out, number, place.number);
        let at = place.time.0.cast_unsigned();
        put_step(&mut out, time, at);
        (number, time) = (place.number, at);
    }
    out
}

fn unpacked(payload: &[u8]) -> Result<Vec<EventPlace>, Error> {
    let mut bytes = Bytes(payload);
    let (mut number, mut time) = (0, 0);
    let mut places = Vec::new();
    while !bytes.is_empty() {
        let place = bytes.step(number).and_then(|number| Ok((number, bytes.step(time)?)));
        (number, time) = place.map_err(|Damaged| {
            Error::Corrupt("the places of an identity's events cannot be read".to_owned())
        })?;
        places.push(EventPlace { time: Timestamp(time.cast_signed()), number });
    }
    Ok(places)
}

impl Reader<'_> {
    fn event_key(&self, at: &RecordRef) -> EventKey {
        self.hash_key().row(at).into()
    }

    fn places_key(&self, identity: &Identity, seq: u64) -> Key {
        keys::event_of_in(self.hash_key().identity(identity), seq)
    }

    fn places(&self, key: &[u8]) -> Result<Vec<EventPlace>, Error> {
        self.rows.payload(key)?.map_or(Ok(Vec::new()), |payload| unpacked(&payload))
    }

    fn event_at(&self, location: Location) -> Result<Kept, Error> {
        self.blocks.row(table::EVENT, location, event::read)
    }

    /// The event of a key, and where it lies.
    pub fn kept(&self, at: &RecordRef) -> Result<Option<(Location, Kept)>, Error> {
        for location in self.index.events().candidates(self.event_key(at)) {
            let kept = self.event_at(location)?;
            if kept.event.at == *at {
                return Ok(Some((location, kept)));
            }
        }
        Ok(None)
    }

    /// Those that name any of these identities, newest first.
    pub fn event_page(
        &self,
        of: &[Identity],
        before: Option<EventPlace>,
        limit: usize,
    ) -> Result<EventPage, Error> {
        // No more places are in memory than are answered.
        let mut newest: BTreeSet<EventPlace> = BTreeSet::new();
        let mut is_all = true;
        let of: BTreeSet<&Identity> = of.iter().collect();
        for identity in of {
            let prefix = keys::event_of(self.hash_key().identity(identity));
            for row in self.rows.scan(&prefix, None) {
                for place in unpacked(&row?.1)? {
                    if before.is_none_or(|before| place < before) && newest.insert(place) {
                        is_all &= newest.len() <= limit;
                        if newest.len() > limit {
                            newest.pop_first();
                        }
                    }
                }
            }
        }
        let mut events = Vec::new();
        for place in newest.iter().rev() {
            let location = Location(u32::try_from(place.number).unwrap_or_default());
            events.push(self.event_at(location)?.event);
        }
        Ok(EventPage { events, next: newest.first().filter(|_| !is_all).copied() })
    }

    /// All after a number, in order of receipt.
    pub fn events_after(
        &self,
        after: Option<u64>,
    ) -> impl Iterator<Item = Result<(u64, Event), Error>> {
        let after = after.map_or(0, |number| u32::try_from(number).unwrap_or(u32::MAX));
        let before = keys::block(table::EVENT, Location(after).block().saturating_sub(1));
        let blocks = self.rows.scan(&keys::all(table::EVENT), Some(&before));
        blocks.flat_map(move |row| match row.and_then(|row| self.current(&row, after)) {
            Ok(events) => events.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    }

    /// The current events of a block after a location.
    fn current(
        &self,
        (key, payload): &(Key, Vec<u8>),
        after: u32,
    ) -> Result<Vec<(u64, Event)>, Error> {
        let number = keys::block_number(key).unwrap_or_default();
        let damaged = |Damaged| damaged(table::EVENT, number);
        let block = Block::read(payload).map_err(damaged)?;
        let mut found = Vec::new();
        for slot in (0..block.rows()).filter(|slot| !block.is_empty(*slot)) {
            let location = Location::new(number, slot)?;
            if location.0 > after {
                let event = block.item(slot).and_then(event::read).map_err(damaged)?.event;
                if self.index.events().has(self.event_key(&event.at), location) {
                    found.push((u64::from(location.0), event));
                }
            }
        }
        Ok(found)
    }

    /// Whether every identity of an event leads to it.
    pub fn is_placed(&self, number: u64, at: &RecordRef) -> Result<bool, Error> {
        let Some((location, kept)) = self.kept(at)? else { return Ok(false) };
        let place = place_of(&kept.event, location);
        for identity in &kept.event.identities {
            if !self.places(&self.places_key(identity, kept.seq))?.contains(&place) {
                return Ok(false);
            }
        }
        Ok(u64::from(location.0) == number)
    }
}

/// How many places a row has.
///
/// # Errors
/// [`Error::Corrupt`] when it cannot be read.
pub(crate) fn count_places(payload: &[u8]) -> Result<u64, Error> {
    unpacked(payload).map(|places| places.len() as u64)
}
