//! What a run received, in the hub's order of receipt: from it, the page that
//! brought a value can be found by the value's stamp alone, so that records need
//! not carry it.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::id::Stamp;

/// Stretches of pages kept per run. Beyond it neighbours are taken together: a
/// value is then known to have come with one of a few pages.
pub const STRETCHES_KEPT_MAX: usize = 128;

/// The connector that a run worked with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorVersion {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The SHA-256 of its component, in hexadecimal; absent for one that is no
    /// component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// The stamps that were given out while a run read, page by page. Other syncs
/// may have received in between; what a value belongs to is told by its sync
/// and its stamp together, since a sync never overlaps itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Receipt {
    /// The last stamp before the run.
    #[serde(default)]
    pub after: Stamp,
    /// The last stamp when it ended; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Stamp>,
    /// Pages that said something new, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pages: Vec<Stretch>,
}

/// First and last page, first and last stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stretch(u64, u64, Stamp, Stamp);

impl Receipt {
    /// The receipt of a run that begins after a stamp.
    pub fn beginning_after(stamp: Stamp) -> Self {
        Self { after: stamp, ..Self::default() }
    }

    /// The same, of a run that has ended.
    #[must_use]
    pub fn ended(mut self, through: Stamp) -> Self {
        self.through = Some(through);
        self
    }

    /// Notes that a page, counted from 1, was taken in with these stamps. A page
    /// without any said nothing new and is not noted.
    pub fn note(&mut self, page: u64, stamps: RangeInclusive<Stamp>) {
        if stamps.is_empty() {
            return;
        }
        self.pages.push(Stretch(page, page, *stamps.start(), *stamps.end()));
        if self.pages.len() > STRETCHES_KEPT_MAX {
            self.join_the_shortest();
        }
    }

    /// Takes the two neighbours together that make the shortest stretch, so that
    /// old pages are told about as exactly as new ones.
    fn join_the_shortest(&mut self) {
        let pairs = self.pages.iter().zip(self.pages.iter().skip(1)).enumerate();
        let joined = pairs.map(|(place, (a, b))| (place, Stretch(a.0, b.1, a.2, b.3)));
        if let Some((place, both)) = joined.min_by_key(|(_, both)| both.1 - both.0) {
            self.pages.splice(place..=place + 1, [both]);
        }
    }

    /// Whether a stamp was given out while the run worked.
    pub fn holds(&self, stamp: Stamp) -> bool {
        stamp > self.after && self.through.is_none_or(|through| stamp <= through)
    }

    /// The pages, from 1, of which one brought what has this stamp. `None` if it
    /// came by no page: it was looked up before a write, or read back after one.
    pub fn pages_of(&self, stamp: Stamp) -> Option<RangeInclusive<u64>> {
        let place = self.pages.partition_point(|stretch| stretch.3 < stamp);
        let stretch = self.pages.get(place).filter(|stretch| stretch.2 <= stamp)?;
        Some(stretch.0..=stretch.1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Receipt, STRETCHES_KEPT_MAX, Stamp};

    #[test]
    fn a_stamp_leads_to_its_page() {
        let mut receipt = Receipt::beginning_after(Stamp(10));
        receipt.note(1, Stamp(11)..=Stamp(20));
        receipt.note(2, Stamp(21)..=Stamp(20));
        receipt.note(3, Stamp(25)..=Stamp(25));
        receipt.through = Some(Stamp(30));
        let page = |stamp| receipt.pages_of(Stamp(stamp));
        assert_eq!(page(11), Some(1..=1));
        assert_eq!(page(20), Some(1..=1));
        assert_eq!(page(25), Some(3..=3));
        for none in [10, 21, 24, 26, 30] {
            assert_eq!(page(none), None, "{none}");
        }
        let held: Vec<u64> = (9..=32).filter(|stamp| receipt.holds(Stamp(*stamp))).collect();
        assert_eq!(held, (11..=30).collect::<Vec<_>>());
    }

    #[test]
    fn many_pages_are_told_less_exactly_and_never_wrongly() {
        let mut receipt = Receipt::default();
        for page in 1..=10_000 {
            receipt.note(page, Stamp(page * 2)..=Stamp(page * 2 + 1));
        }
        assert!(receipt.pages.len() <= STRETCHES_KEPT_MAX);
        for page in 1..=10_000 {
            let found = receipt.pages_of(Stamp(page * 2 + 1)).unwrap();
            assert!(found.contains(&page), "{page} in {found:?}");
            assert!(found.end() - found.start() < 256, "{found:?}");
        }
        assert!(serde_json::to_string(&receipt).unwrap().len() < 8 * 1024);
    }

    #[test]
    fn a_receipt_survives_its_row() {
        let mut receipt = Receipt::beginning_after(Stamp(3));
        receipt.note(2, Stamp(4)..=Stamp(9));
        let text = serde_json::to_string(&receipt).unwrap();
        assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), receipt, "{text}");
        assert_eq!(serde_json::from_str::<Receipt>("{}").unwrap(), Receipt::default());
    }
}
