//! The ledger of writes in memory: in order of run, and of writing within one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included, Unbounded};

use hub_model::{LedgerEntry, LedgerPlace, RecordNo, RunId};

/// All entries.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    last: u64,
    rows: BTreeMap<LedgerPlace, LedgerEntry>,
    about: BTreeMap<RecordNo, BTreeSet<LedgerPlace>>,
}

impl Ledger {
    /// Takes an entry in.
    pub fn append(&mut self, entry: LedgerEntry) {
        self.last += 1;
        let place = LedgerPlace { run: entry.run.clone(), number: self.last };
        for record in entry.found_by() {
            self.about.entry(record).or_default().insert(place.clone());
        }
        self.rows.insert(place, entry);
    }

    /// Lets an entry go.
    pub fn remove(&mut self, place: &LedgerPlace) {
        let Some(entry) = self.rows.remove(place) else { return };
        for record in entry.found_by() {
            if let Some(places) = self.about.get_mut(&record) {
                places.remove(place);
                if places.is_empty() {
                    self.about.remove(&record);
                }
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Those that are found by a record.
    pub fn about(&self, record: RecordNo) -> Vec<(LedgerPlace, LedgerEntry)> {
        let places = self.about.get(&record).into_iter().flatten();
        places.filter_map(|place| Some((place.clone(), self.rows.get(place)?.clone()))).collect()
    }

    /// Those after a place, in order: of one run, or of all.
    pub fn after<'a>(
        &'a self,
        run: Option<&'a RunId>,
        after: Option<&LedgerPlace>,
    ) -> impl Iterator<Item = (&'a LedgerPlace, &'a LedgerEntry)> + use<'a> {
        let first = run.map(|run| LedgerPlace { run: run.clone(), number: 0 });
        let start = match (first, after) {
            (Some(first), Some(after)) if first > *after => Included(first),
            (_, Some(after)) => Excluded(after.clone()),
            (Some(first), None) => Included(first),
            (None, None) => Unbounded,
        };
        let rows = self.rows.range((start, Unbounded));
        rows.take_while(move |(place, _)| run.is_none_or(|run| place.run == *run))
    }
}
