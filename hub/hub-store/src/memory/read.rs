//! Reading stretches, counting, checking.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};

use hub_model::{
    CommitSeq, Moved, Pending, PendingKey, Profile, ProfileId, Record, RecordNo, Related,
    StreamRef, SyncId, Timestamp,
};

use super::state::{State, distinct};
use crate::audit::{self, Findings};
use crate::store::{Error, LogPage, MovesPage, Stats, VerifyFinding};
use crate::view::View;

impl State {
    pub fn log_page(&self, after: CommitSeq, limit: usize) -> LogPage {
        let mut page = LogPage { changes: Vec::new(), next: self.seq, head: self.seq };
        if after >= self.seq {
            return page;
        }
        for (seq, changes) in self.log.range((Excluded(after), Unbounded)) {
            let full = page.changes.len() + changes.len() > limit.max(1);
            if full && !page.changes.is_empty() && !changes.is_empty() {
                page.next = CommitSeq(seq.0 - 1);
                break;
            }
            page.changes.extend(changes);
        }
        page
    }

    pub fn scan_profiles(&self, after: Option<ProfileId>, limit: usize) -> Vec<Profile> {
        let start = after.map_or(Unbounded, Excluded);
        self.profiles.range((start, Unbounded)).take(limit).map(|(_, p)| p.clone()).collect()
    }

    pub fn profile_ids(&self, after: Option<ProfileId>, limit: usize) -> Vec<ProfileId> {
        let start = after.map_or(Unbounded, Excluded);
        self.profiles.range((start, Unbounded)).take(limit).map(|(id, _)| *id).collect()
    }

    pub fn conflicted(&self, after: Option<ProfileId>, limit: usize) -> Vec<Profile> {
        let start = after.map_or(Unbounded, Excluded);
        let profiles = self.profiles.range((start, Unbounded)).map(|(_, profile)| profile);
        profiles.filter(|profile| !profile.conflicts.is_empty()).take(limit).cloned().collect()
    }

    pub fn scan_records(
        &self,
        stream: &StreamRef,
        after: Option<RecordNo>,
        limit: usize,
    ) -> Vec<Record> {
        let start = after.map_or(Unbounded, Excluded);
        let records = self.records.range((start, Unbounded)).map(|(_, record)| record);
        records.filter(|record| record.at.stream == *stream).take(limit).cloned().collect()
    }

    pub fn related(&self, to: &[Related], below: Option<RecordNo>, limit: usize) -> Vec<Record> {
        let below = below.unwrap_or(RecordNo(u64::MAX));
        let of = |to: &Related| (to.clone(), RecordNo(0))..(to.clone(), below);
        let found = to.iter().flat_map(|to| self.related.range(of(to)));
        let numbers: BTreeSet<RecordNo> = found.map(|(_, number)| *number).collect();
        let newest = numbers.iter().rev().take(limit);
        newest.filter_map(|number| self.records.get(number).cloned()).collect()
    }

    fn pending_of_sync<'a>(&'a self, sync: &'a SyncId) -> impl Iterator<Item = &'a Pending> {
        let start = PendingKey { sync: sync.clone(), profile: ProfileId(0), record: None };
        self.pending
            .range(start..)
            .take_while(move |(key, _)| key.sync == *sync)
            .map(|(_, pending)| pending)
    }

    pub fn pending_due(&self, sync: &SyncId, due: Timestamp, limit: usize) -> Vec<Pending> {
        let waiting = self.pending_of_sync(sync).filter(|pending| pending.due <= due);
        waiting.take(limit).cloned().collect()
    }

    pub fn pending_of(&self, sync: &SyncId, profiles: &[ProfileId]) -> Result<Vec<Pending>, Error> {
        let wanted: BTreeSet<ProfileId> =
            profiles.iter().map(|id| self.resolve(*id)).collect::<Result<_, _>>()?;
        let mut found = Vec::new();
        for pending in self.pending_of_sync(sync) {
            if wanted.contains(&self.resolve(pending.key.profile)?) {
                found.push(pending.clone());
            }
        }
        Ok(found)
    }

    pub fn members<'a>(
        &'a self,
        segment: &'a str,
        after: Option<ProfileId>,
    ) -> impl Iterator<Item = (ProfileId, Timestamp)> + 'a {
        let start = after.map_or(Unbounded, Excluded);
        let standings = self.standings.range((start, Unbounded));
        standings.filter_map(|(id, standing)| Some((*id, *standing.segments.get(segment)?)))
    }

    pub fn standings_due(&self, at: Timestamp, limit: usize) -> Vec<ProfileId> {
        let due = self.standings.values().filter_map(|standing| {
            standing.review.filter(|review| *review <= at).map(|at| (at, standing.profile))
        });
        let due: BTreeSet<(Timestamp, ProfileId)> = due.collect();
        due.into_iter().take(limit).map(|(_, id)| id).collect()
    }

    pub fn moves_page(&self, after: CommitSeq, limit: usize) -> MovesPage {
        let mut page = MovesPage { moves: Vec::new(), next: after, at_end: true };
        for (seq, moves) in self.moves.range((Excluded(after), Unbounded)) {
            if !page.moves.is_empty() && page.moves.len() + moves.len() > limit {
                page.at_end = false;
                break;
            }
            let moved = moves.iter().map(|made| Moved { seq: *seq, made: made.clone() });
            page.moves.extend(moved);
            page.next = *seq;
        }
        page
    }

    pub fn stats(&self) -> Stats {
        Stats {
            seq: self.seq.0,
            records: self.records.len() as u64,
            profiles: self.profiles.len() as u64,
            aliases: self.aliases.len() as u64,
            claims: self.claims.len() as u64,
            relations: self.related.len() as u64,
            pending: self.pending.len() as u64,
            quarantined: self.quarantined().count() as u64,
            runs: self.runs.len() as u64,
            events: self.events.len(),
            memberships: self.standings.values().map(|s| s.segments.len() as u64).sum(),
            written: self.ledger.len(),
            disk_bytes: 0,
        }
    }

    pub fn verify(&self) -> Result<Vec<VerifyFinding>, Error> {
        let mut found = Findings::default();
        for record in self.records.values() {
            audit::record(record, self, &mut found)?;
        }
        for (_, number) in &self.related {
            if !self.records.contains_key(number) {
                found.add("relation", format!("something leads to record {number}: absent"));
            }
        }
        let relations = self.records.values().map(|record| distinct(record).len()).sum::<usize>();
        if relations != self.related.len() {
            let kept = self.related.len();
            found.add("relation", format!("records have {relations} relations, {kept} are kept"));
        }
        for profile in self.profiles.values() {
            audit::profile(profile, self, &mut found)?;
        }
        for (identity, claim) in &self.claims {
            audit::claim(identity, claim, self, &mut found)?;
        }
        for absorbed in self.aliases.keys() {
            audit::alias(*absorbed, self, &mut found)?;
        }
        for id in self.chains.keys() {
            audit::history(*id, self, &mut found)?;
        }
        for (number, event) in self.events.after(None) {
            audit::event(number, event, self, &mut found)?;
        }
        for standing in self.standings.values() {
            audit::standing(standing, self, &mut found)?;
        }
        let mut before = self.log_start;
        for (seq, changes) in &self.log {
            audit::log(before, *seq, changes, &mut found);
            before = *seq;
        }
        if before != self.seq {
            found.add("log-gap", format!("the log ends at {before}, the store at {}", self.seq));
        }
        Ok(found.into_vec())
    }
}
