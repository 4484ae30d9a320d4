//! A store of plain lists and maps: nothing is clever here, so that it is right.

use std::collections::BTreeMap;

use hub_model::{
    Change, Claim, CommitSeq, Decision, Event, Identity, LedgerEntry, Pending, PositionName,
    Profile, ProfileId, Quarantined, Record, RecordNo, Run, Standing,
};

use crate::rules::{self, QUARANTINED_KEYLESS_ROWS_MAX, RUNS_KEPT_MAX};
use crate::store::Review;
use crate::write_set::{Counters, WriteSet};

/// What a store must hold after the sets that were applied.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The newest commit.
    pub seq: CommitSeq,
    /// The numbers given out.
    pub counters: Counters,
    /// Records by number.
    pub records: Vec<Record>,
    /// Marks of records.
    pub marks: BTreeMap<RecordNo, u64>,
    /// Profiles by id.
    pub profiles: Vec<Profile>,
    /// Absorbed to surviving.
    pub aliases: BTreeMap<ProfileId, ProfileId>,
    /// Claims as put.
    pub claims: BTreeMap<Identity, Claim>,
    /// Positions, in no order; so are all further lists but the log and the inbox.
    pub positions: Vec<(PositionName, Vec<u8>)>,
    /// Deliveries not settled.
    pub pending: Vec<Pending>,
    /// Decisions.
    pub decisions: Vec<Decision>,
    /// Every entry of the change log, oldest first.
    pub log: Vec<Change>,
    /// Rows in quarantine, oldest first.
    pub quarantined: Vec<Quarantined>,
    /// Reviews.
    pub reviews: Vec<Review>,
    /// Runs.
    pub runs: Vec<Run>,
    /// Inbox bodies with their numbers, oldest first.
    pub inbox: Vec<(u64, Vec<u8>)>,
    /// The number of the last body.
    pub inbox_last: u64,
    /// Tokens: (connection, name, sealed).
    pub tokens: Vec<(String, String, Vec<u8>)>,
    /// Events in order of receipt.
    pub events: Vec<Event>,
    /// Standings that say something.
    pub standings: BTreeMap<ProfileId, Standing>,
    /// Entries of the ledger with their numbers, in order of writing.
    pub written: Vec<(u64, LedgerEntry)>,
    /// The number of the last entry.
    pub written_last: u64,
}

fn put<T>(rows: &mut Vec<T>, same: impl Fn(&T) -> bool, row: T) {
    rows.retain(|stored| !same(stored));
    rows.push(row);
}

/// Puts a row into a list that is in order of a key.
fn put_in_order<T, K: Ord>(rows: &mut Vec<T>, key: impl Fn(&T) -> K, row: T) {
    match rows.binary_search_by_key(&key(&row), &key) {
        Ok(place) => {
            if let Some(stored) = rows.get_mut(place) {
                *stored = row;
            }
        }
        Err(place) => rows.insert(place, row),
    }
}

impl Model {
    /// Writes a set that keeps the rules.
    pub fn apply(&mut self, set: &WriteSet) {
        if let Some(continued) = set.continued {
            self.seq = continued.seq;
            self.inbox_last = continued.inbox;
        }
        self.seq.0 += 1;
        self.counters = set.counters.unwrap_or(self.counters);
        self.apply_people(set);
        self.apply_work(set);
        self.apply_runs_and_inbox(set);
        self.events.retain(|event| !set.events_gone.contains(&event.at));
        for event in &set.events {
            if self.events.iter().all(|kept| kept.at != event.at) {
                self.events.push(event.clone());
            }
        }
        for standing in set.all_standings() {
            self.standings.remove(&standing.profile);
            if !standing.segments.is_empty() || standing.review.is_some() {
                self.standings.insert(standing.profile, standing);
            }
        }
        let leaves = |(number, entry): &(u64, LedgerEntry)| {
            set.unwritten.iter().any(|place| (&place.run, place.number) == (&entry.run, *number))
        };
        self.written.retain(|row| !leaves(row));
        for entry in &set.written {
            self.written_last += 1;
            self.written.push((self.written_last, entry.clone()));
        }
        self.log.extend(set.changes.iter().map(|change| Change { seq: self.seq, ..*change }));
    }

    fn apply_people(&mut self, set: &WriteSet) {
        for record in &set.records {
            put_in_order(&mut self.records, |stored| stored.number, record.clone());
            self.marks.remove(&record.number);
        }
        for (number, mark) in &set.marks {
            self.marks.insert(*number, *mark);
        }
        for (absorbed, surviving) in &set.aliases {
            self.profiles.retain(|stored| stored.id != *absorbed);
            self.aliases.insert(*absorbed, *surviving);
        }
        for profile in &set.profiles {
            self.aliases.remove(&profile.id);
            put_in_order(&mut self.profiles, |stored| stored.id, profile.clone());
        }
        for (identity, claim) in &set.claims {
            if *claim == Claim::default() {
                self.claims.remove(identity);
            } else {
                self.claims.insert(identity.clone(), claim.clone());
            }
        }
        for decision in &set.decisions {
            put(&mut self.decisions, |stored| stored.stamp == decision.stamp, decision.clone());
        }
        for review in &set.reviews {
            put(&mut self.reviews, |stored| stored == review, review.clone());
        }
    }

    fn apply_work(&mut self, set: &WriteSet) {
        for change in &set.positions {
            self.positions.retain(|stored| stored.0 != change.name);
            if let Some(value) = &change.new {
                self.positions.push((change.name.clone(), value.clone()));
            }
        }
        self.pending.retain(|stored| !set.settled.contains(&stored.key));
        for pending in &set.pending {
            put(&mut self.pending, |stored| stored.key == pending.key, pending.clone());
        }
        for (stream, key) in &set.released {
            self.quarantined.retain(|row| row.stream != *stream || row.key.as_ref() != Some(key));
        }
        for row in &set.quarantined {
            let same = |stored: &Quarantined| {
                row.key.is_some() && stored.stream == row.stream && stored.key == row.key
            };
            put(&mut self.quarantined, same, row.clone());
            let keyless =
                |stored: &Quarantined| stored.key.is_none() && stored.stream == row.stream;
            if self.quarantined.iter().filter(|row| keyless(row)).count()
                > QUARANTINED_KEYLESS_ROWS_MAX
            {
                let oldest = self.quarantined.iter().position(keyless);
                oldest.map(|place| self.quarantined.remove(place));
            }
        }
        for (connection, name, sealed) in &set.tokens {
            self.tokens.retain(|stored| stored.0 != *connection || stored.1 != *name);
            if let Some(sealed) = sealed {
                self.tokens.push((connection.clone(), name.clone(), sealed.clone()));
            }
        }
    }

    fn apply_runs_and_inbox(&mut self, set: &WriteSet) {
        for run in &set.runs {
            put(&mut self.runs, |stored| stored.id == run.id, run.clone());
            let of_sync: Vec<&Run> = self.runs.iter().filter(|r| r.sync == run.sync).collect();
            if of_sync.len() > RUNS_KEPT_MAX {
                let oldest = of_sync.iter().map(|run| run.id.clone()).min();
                self.runs.retain(|run| Some(&run.id) != oldest.as_ref());
            }
        }
        for body in &set.inbox {
            self.inbox_last += 1;
            self.inbox.push((self.inbox_last, body.clone()));
        }
        if let Some(done) = rules::inbox_done(set) {
            self.inbox.retain(|(seq, _)| *seq > done);
        }
    }

    /// The profile that an id stands for.
    pub fn resolve(&self, id: ProfileId) -> ProfileId {
        let mut at = id;
        while let Some(next) = self.aliases.get(&at) {
            at = *next;
        }
        at
    }

    /// A record.
    pub fn record(&self, number: RecordNo) -> Option<&Record> {
        let place = self.records.binary_search_by_key(&number, |record| record.number).ok()?;
        self.records.get(place)
    }

    /// A profile, aliases not followed.
    pub fn profile(&self, id: ProfileId) -> Option<&Profile> {
        let place = self.profiles.binary_search_by_key(&id, |profile| profile.id).ok()?;
        self.profiles.get(place)
    }
}
