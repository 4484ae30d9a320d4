//! Writing a set that was checked: cannot fail.

use std::collections::BTreeMap;

use hub_model::{CommitSeq, Move, ProfileId, Quarantined, RecordNo, Standing, SyncId};

use super::state::{State, distinct};
use crate::history::{Moment, Version};
use crate::rules::{self, QUARANTINED_KEYLESS_ROWS_MAX, RUNS_KEPT_MAX};
use crate::view::View;
use crate::write_set::WriteSet;

impl State {
    /// Writes the set. What is taken away goes first, then what is put, so a
    /// set may replace a row under another name.
    pub fn apply(&mut self, mut set: WriteSet) {
        if let Some(continued) = set.continued {
            self.seq = continued.seq;
            self.log_start = continued.seq;
            self.inbox_last = continued.inbox;
        }
        self.seq = CommitSeq(self.seq.0 + 1);
        self.counters = set.counters.unwrap_or(self.counters);
        self.instant = self.instant.max(set.at);
        self.history_from = self.history_from.max(set.history_from);
        let inbox_done = rules::inbox_done(&set);
        set.all_standings().for_each(|standing| self.stand(standing));
        self.apply_people(&mut set);
        self.apply_work(&mut set);
        for run in set.runs {
            let sync = run.sync.clone();
            self.runs.insert(run.id.clone(), run);
            self.drop_old_runs(&sync);
        }
        for body in set.inbox {
            self.inbox_last += 1;
            self.inbox.insert(self.inbox_last, body);
        }
        if let Some(done) = inbox_done {
            self.inbox.retain(|seq, _| *seq > done);
        }
        set.events_gone.iter().for_each(|at| self.events.remove(at));
        set.events.into_iter().for_each(|event| self.events.append(event));
        set.unwritten.iter().for_each(|place| self.ledger.remove(place));
        set.written.into_iter().for_each(|entry| self.ledger.append(entry));
        for change in &mut set.changes {
            change.seq = self.seq;
        }
        self.log.insert(self.seq, set.changes);
    }

    fn erase(&mut self, set: &mut WriteSet) {
        for (number, at) in set.erased.drain(..) {
            if self.numbers.get(&at) == Some(&number) {
                self.numbers.remove(&at);
                self.unrelate(number);
                self.records.remove(&number);
                self.marks.remove(&number);
                self.forgotten.remove(&number);
            }
        }
        for id in set.erased_profiles.drain(..) {
            let leads_here = |absorbed: &&ProfileId| self.resolve(**absorbed) == Ok(id);
            let aliases: Vec<_> = self.aliases.keys().filter(leads_here).copied().collect();
            for absorbed in aliases {
                self.aliases.remove(&absorbed);
                self.chains.remove(&absorbed);
            }
            self.profiles.remove(&id);
            self.chains.remove(&id);
        }
        for row in set.discarded.drain(..) {
            let Some(rows) = self.quarantine.get_mut(&row.stream) else { continue };
            match &row.key {
                Some(key) if rows.keyed.get(key) == Some(&row) => {
                    rows.keyed.remove(key);
                }
                Some(_) => {}
                None => rows.keyless.retain(|kept| *kept != row),
            }
        }
        for review in set.closed.drain(..) {
            self.reviews.remove(&review);
        }
    }

    fn stand(&mut self, standing: Standing) {
        let id = standing.profile;
        let was = self.standings.remove(&id).unwrap_or_else(|| Standing::none(id));
        let moves: Vec<Move> = was.moves(&standing).collect();
        if !moves.is_empty() {
            self.moves.entry(self.seq).or_default().extend(moves);
        }
        if !standing.is_none() {
            self.standings.insert(id, standing);
        }
    }

    /// Forgets what a record relates to.
    fn unrelate(&mut self, number: RecordNo) {
        let record = self.records.get(&number);
        for relation in record.into_iter().flat_map(|record| &record.relations) {
            self.related.remove(&(relation.to.clone(), number));
        }
    }

    fn apply_people(&mut self, set: &mut WriteSet) {
        self.erase(set);
        for record in set.records.drain(..) {
            self.numbers.insert(record.at.clone(), record.number);
            self.marks.remove(&record.number);
            self.unrelate(record.number);
            let related = distinct(&record).into_iter().map(|to| (to.clone(), record.number));
            self.related.extend(related);
            self.records.insert(record.number, record);
        }
        self.marks.extend(set.marks.drain(..));
        self.apply_profiles(set);
        for (identity, claim) in set.claims.drain(..) {
            if claim.profiles.is_empty() && claim.carriers == 0 {
                self.claims.remove(&identity);
            } else {
                self.claims.insert(identity, claim);
            }
        }
        for decision in set.decisions.drain(..) {
            self.decisions.insert(decision.stamp, decision);
        }
        self.reviews.extend(set.reviews.drain(..));
    }

    fn apply_profiles(&mut self, set: &mut WriteSet) {
        for (number, before) in set.forgotten.drain(..) {
            self.forgotten.insert(number, before.unwrap_or(self.seq));
        }
        for (id, version) in set.versions.drain(..) {
            self.chains.entry(id).or_default().older.push(version);
        }
        let now = Moment { seq: self.seq, at: self.instant };
        let told: BTreeMap<ProfileId, Moment> = set.since.drain(..).collect();
        let since = |id: &ProfileId| told.get(id).copied().unwrap_or(now);
        // Of several rows of one number the last one counts: one version.
        let aliases: BTreeMap<_, _> = set.aliases.drain(..).collect();
        for (absorbed, surviving) in aliases {
            self.turn(absorbed, since(&absorbed));
            self.profiles.remove(&absorbed);
            self.aliases.insert(absorbed, surviving);
        }
        let profiles: BTreeMap<_, _> = set.profiles.drain(..).map(|row| (row.id, row)).collect();
        for (id, profile) in profiles {
            self.turn(id, since(&id));
            self.aliases.remove(&id);
            self.profiles.insert(id, profile);
        }
    }

    /// A number is about to stand for something else: what it stands for is history.
    fn turn(&mut self, id: ProfileId, since: Moment) {
        let was = self.became(id);
        let known = self.chains.contains_key(&id);
        let chain = self.chains.entry(id).or_default();
        if let Some(became) = was.filter(|_| known) {
            chain.older.push(Version { since: chain.since, became });
        }
        chain.since = since;
    }

    fn apply_work(&mut self, set: &mut WriteSet) {
        for change in set.positions.drain(..) {
            match change.new {
                Some(value) => self.positions.insert(change.name, value),
                None => self.positions.remove(&change.name),
            };
        }
        for key in set.settled.drain(..) {
            self.pending.remove(&key);
        }
        for pending in set.pending.drain(..) {
            self.pending.insert(pending.key.clone(), pending);
        }
        for (stream, key) in set.released.drain(..) {
            if let Some(rows) = self.quarantine.get_mut(&stream) {
                rows.keyed.remove(&key);
            }
        }
        for row in set.quarantined.drain(..) {
            self.quarantine_row(row);
        }
        for (connection, name, sealed) in set.tokens.drain(..) {
            match sealed {
                Some(sealed) => self.tokens.insert((connection, name), sealed),
                None => self.tokens.remove(&(connection, name)),
            };
        }
    }

    fn quarantine_row(&mut self, row: Quarantined) {
        let rows = self.quarantine.entry(row.stream.clone()).or_default();
        match &row.key {
            Some(key) => {
                rows.keyed.insert(key.clone(), row);
            }
            None => {
                rows.keyless.push_back(row);
                while rows.keyless.len() > QUARANTINED_KEYLESS_ROWS_MAX {
                    rows.keyless.pop_front();
                }
            }
        }
    }

    fn drop_old_runs(&mut self, sync: &SyncId) {
        let of_sync = self.runs.values().rev().filter(|run| run.sync == *sync);
        let old: Vec<_> = of_sync.skip(RUNS_KEPT_MAX).map(|run| run.id.clone()).collect();
        for id in old {
            self.runs.remove(&id);
        }
    }
}
