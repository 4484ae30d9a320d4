//! The keys of events, in memory: all that is needed to know one again.
//!
//! An event takes eight bytes: half of a hash, and where it lies. The other half
//! is the part that it lies in, of so many that a part stays short and in order,
//! and an entry is put in by moving those behind it. What has the same hash is
//! told apart by reading it.

use crate::block::Location;
use crate::index::Hash;

/// How many parts: a part of ten million events has 2,400.
const PARTS: usize = 4_096;

/// What is kept of the hash of an event's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventKey {
    /// The part that it lies in.
    pub part: u16,
    /// By what it is told from others there.
    pub print: u32,
}

impl From<Hash> for EventKey {
    fn from(hash: Hash) -> Self {
        let [print, _, other] = hash.0;
        let part = other % PARTS as u32;
        Self { part: u16::try_from(part).unwrap_or_default(), print }
    }
}

/// The index.
#[derive(Debug)]
pub(crate) struct EventIndex {
    /// Prints with locations behind them, in order.
    parts: Vec<Vec<u64>>,
    count: u64,
}

impl Default for EventIndex {
    fn default() -> Self {
        Self { parts: vec![Vec::new(); PARTS], count: 0 }
    }
}

const fn entry(key: EventKey, location: Location) -> u64 {
    (key.print as u64) << 32 | location.0 as u64
}

/// The lower half of an entry.
const fn location(entry: u64) -> Location {
    Location((entry & u32::MAX as u64) as u32)
}

impl EventIndex {
    fn part(&self, key: EventKey) -> &[u64] {
        self.parts.get(usize::from(key.part)).map_or(&[], Vec::as_slice)
    }

    /// Takes an event in.
    pub fn insert(&mut self, key: EventKey, location: Location) {
        let Some(part) = self.parts.get_mut(usize::from(key.part)) else { return };
        let entry = entry(key, location);
        if let Err(place) = part.binary_search(&entry) {
            if part.len() == part.capacity() {
                // Doubling would leave a third of it empty.
                part.reserve_exact(part.len() / 8 + 4);
            }
            part.insert(place, entry);
            self.count += 1;
        }
    }

    /// Lets an event go.
    pub fn remove(&mut self, key: EventKey, location: Location) {
        let Some(part) = self.parts.get_mut(usize::from(key.part)) else { return };
        if let Ok(place) = part.binary_search(&entry(key, location)) {
            part.remove(place);
            self.count -= 1;
        }
    }

    /// Whether the event of a location is current.
    pub fn has(&self, key: EventKey, location: Location) -> bool {
        self.part(key).binary_search(&entry(key, location)).is_ok()
    }

    /// Where an event of that key may lie: nearly always nowhere, or where it does.
    pub fn candidates(&self, key: EventKey) -> impl Iterator<Item = Location> + use<'_> {
        let part = self.part(key);
        let first = part.partition_point(|held| *held < entry(key, Location::NONE));
        let from = part.get(first..).unwrap_or_default().iter();
        from.take_while(move |held| **held >> 32 == u64::from(key.print)).map(|e| location(*e))
    }

    /// Every event.
    pub fn all(&self) -> impl Iterator<Item = (EventKey, Location)> + use<'_> {
        let parts = (0..=u16::MAX).zip(&self.parts);
        parts.flat_map(|(part, held)| {
            held.iter().map(move |entry| {
                let print = u32::try_from(entry >> 32).unwrap_or_default();
                (EventKey { part, print }, location(*entry))
            })
        })
    }

    /// How many there are.
    pub const fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::{EventIndex, EventKey};
    use crate::block::Location;
    use crate::index::Hash;

    #[test]
    fn what_is_put_in_is_found_until_it_goes() {
        let key = |n: u32| EventKey::from(Hash([n.wrapping_mul(0x9e37_79b9), 0, n * 5]));
        let mut index = EventIndex::default();
        for n in 0..50_000_u32 {
            index.insert(key(n / 2), Location(n));
            index.insert(key(n / 2), Location(n));
        }
        assert_eq!((index.count(), index.all().count()), (50_000, 50_000));
        for n in 0..25_000 {
            let found: Vec<Location> = index.candidates(key(n)).collect();
            assert_eq!(found, [Location(2 * n), Location(2 * n + 1)]);
        }
        assert_eq!(index.candidates(key(25_000)).next(), None);
        index.remove(key(7), Location(14));
        index.remove(key(7), Location(14));
        assert_eq!(index.candidates(key(7)).collect::<Vec<_>>(), [Location(15)]);
        assert!(index.has(key(7), Location(15)) && !index.has(key(7), Location(14)));
        assert_eq!(index.count(), 49_999);
        let room: usize = index.parts.iter().map(Vec::capacity).sum();
        assert!(room < 50_000 * 3 / 2, "{room} places for 50,000");
        let mut again = EventIndex::default();
        index.all().for_each(|(key, location)| again.insert(key, location));
        assert_eq!(again.parts, index.parts);
    }
}
