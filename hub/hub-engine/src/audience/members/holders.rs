//! Who has which values in an audience.
//!
//! Values that another member has as well stay in when one of them gives them up. Who
//! has which is looked up when the first are taken out in a run. Where it is not known
//! whether the other came to have them, giving them up waits until it is: a member who
//! was forgotten meanwhile could not be taken out any more.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use hub_core::sync::member;
use hub_model::{Object, PendingState, RecordNo, StreamRef, SyncId, Timestamp};
use hub_store::{Error, Store};

/// Rows that are looked at at once.
const STEP_RECORDS: usize = 500;

/// Who has which values, as of a run: hashes of both. Each is in for certain, or on its
/// way.
pub(super) struct Holders {
    run: String,
    has: BTreeMap<(u64, u64), bool>,
}

fn hashed(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Holders {
    /// Who has which values, and who may come to have them.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn of(
        store: &dyn Store,
        (sync, stream): (&SyncId, &StreamRef),
        run: &str,
    ) -> Result<Self, Error> {
        let mut holders = Self { run: run.to_owned(), has: BTreeMap::new() };
        let mut after: Option<RecordNo> = None;
        loop {
            let page = store.scan_records(stream, after, STEP_RECORDS).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.number);
            for record in page.iter().filter(|record| record.is_live()) {
                holders.note(&member::sure(&record.raw), record.at.key.as_str(), true);
            }
        }
        let ever = Timestamp(i64::MAX);
        for open in store.pending(sync, ever, usize::MAX).await? {
            if open.state != PendingState::Unknown || open.attempt.fields.is_empty() {
                continue;
            }
            let number: Vec<RecordNo> = open.key.record.into_iter().collect();
            let record = store.records(&number).await?.into_iter().flatten().next();
            let row = record.as_ref().map(|record| &record.raw);
            let values = member::tried(row.unwrap_or(&Object::new()), &open.attempt);
            let key = record.as_ref().map(|record| record.at.key.as_str());
            holders.note(&values, key.unwrap_or(&open.attempt.idempotency_key), false);
        }
        Ok(holders)
    }

    /// Whether it was looked up in this run.
    pub fn is_of(&self, run: &str) -> bool {
        self.run == run
    }

    /// Somebody has values for certain, or may come to have them.
    pub fn note(&mut self, values: &Object, who: &str, is_in: bool) {
        if !values.is_empty() {
            self.has.insert((hashed(values), hashed(&who)), is_in);
        }
    }

    /// He has them no more.
    pub fn forget(&mut self, values: &Object, who: &str) {
        self.has.remove(&(hashed(values), hashed(&who)));
    }

    /// Whether another has the values: for certain, or perhaps; nobody = `None`.
    pub fn other(&self, values: &Object, who: &str) -> Option<bool> {
        let (values, who) = (hashed(values), hashed(&who));
        let all = self.has.range((values, 0)..=(values, u64::MAX));
        all.filter(|((_, other), _)| *other != who).map(|(_, is_in)| *is_in).max()
    }
}
