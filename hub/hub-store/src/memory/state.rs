//! What a memory store holds, and its single-row look-ups.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hub_model::{
    Change, Claim, CommitSeq, Decision, Event, Identity, Move, Pending, PendingKey, PositionName,
    Profile, ProfileId, Quarantined, Record, RecordNo, RecordRef, Related, RemoteKey, Run, RunId,
    Stamp, Standing, StreamRef, Timestamp,
};

use super::events::Events;
use super::ledger::Ledger;
use crate::dump::Rows;
use crate::history::{Became, Moment, Version};
use crate::store::{Error, Known, Review};
use crate::view::View;
use crate::write_set::Counters;

/// Rows of quarantine of one stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Rejects {
    /// The newest row of each key.
    pub keyed: BTreeMap<RemoteKey, Quarantined>,
    /// Rows without a key, oldest first.
    pub keyless: VecDeque<Quarantined>,
}

/// What is kept of a profile's number besides what it stands for.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain {
    /// Since when it stands for that.
    pub since: Moment,
    /// What it was before, oldest first.
    pub older: Vec<Version>,
}

/// Everything, in the order in which it is read.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub seq: CommitSeq,
    /// The commit that the first one follows.
    pub log_start: CommitSeq,
    pub counters: Counters,
    pub records: BTreeMap<RecordNo, Record>,
    pub numbers: BTreeMap<RecordRef, RecordNo>,
    pub marks: BTreeMap<RecordNo, u64>,
    /// What records relate to, and the records.
    pub related: BTreeSet<(Related, RecordNo)>,
    pub profiles: BTreeMap<ProfileId, Profile>,
    pub aliases: BTreeMap<ProfileId, ProfileId>,
    pub claims: BTreeMap<Identity, Claim>,
    pub positions: BTreeMap<PositionName, Vec<u8>>,
    pub pending: BTreeMap<PendingKey, Pending>,
    pub decisions: BTreeMap<Stamp, Decision>,
    /// Every commit, those without changes too.
    pub log: BTreeMap<CommitSeq, Vec<Change>>,
    pub quarantine: BTreeMap<StreamRef, Rejects>,
    pub reviews: BTreeSet<Review>,
    pub runs: BTreeMap<RunId, Run>,
    pub inbox: BTreeMap<u64, Vec<u8>>,
    pub inbox_last: u64,
    pub tokens: BTreeMap<(String, String), Vec<u8>>,
    /// The newest instant that was told.
    pub instant: Option<Timestamp>,
    /// By profile or alias.
    pub chains: BTreeMap<ProfileId, Chain>,
    pub forgotten: BTreeMap<RecordNo, CommitSeq>,
    pub history_from: Option<Timestamp>,
    pub events: Events,
    /// Those that say something.
    pub standings: BTreeMap<ProfileId, Standing>,
    /// By the commit that made them.
    pub moves: BTreeMap<CommitSeq, Vec<Move>>,
    pub ledger: Ledger,
}

/// What a record relates to, each once.
pub(super) fn distinct(record: &Record) -> BTreeSet<&Related> {
    record.relations.iter().map(|relation| &relation.to).collect()
}

impl State {
    /// The record of a row of a stream.
    pub fn by_ref(&self, at: &RecordRef) -> Option<&Record> {
        self.records.get(self.numbers.get(at)?)
    }

    /// What is known of a row.
    pub fn known(&self, at: &RecordRef) -> Option<Known> {
        let number = *self.numbers.get(at)?;
        Some(Known { number, mark: self.marks.get(&number).copied().unwrap_or_default() })
    }

    /// What a profile's number stands for.
    pub fn became(&self, id: ProfileId) -> Option<Became> {
        let profile = self.profiles.get(&id);
        let absorbed = || self.alias_of(id).map(Became::Absorbed);
        profile.map(|profile| Became::Profile(Box::new(profile.clone()))).or_else(absorbed)
    }

    fn alias_of(&self, id: ProfileId) -> Option<ProfileId> {
        self.aliases.get(&id).copied()
    }

    /// Every row in quarantine.
    pub fn quarantined(&self) -> impl Iterator<Item = &Quarantined> {
        self.quarantine.values().flat_map(|rows| rows.keyed.values().chain(&rows.keyless))
    }
}

impl View for State {
    fn seq(&self) -> Result<CommitSeq, Error> {
        Ok(self.seq)
    }

    fn counters(&self) -> Result<Counters, Error> {
        Ok(self.counters)
    }

    fn record(&self, number: RecordNo) -> Result<Option<Record>, Error> {
        Ok(self.records.get(&number).cloned())
    }

    fn number(&self, at: &RecordRef) -> Result<Option<RecordNo>, Error> {
        Ok(self.numbers.get(at).copied())
    }

    fn profile(&self, id: ProfileId) -> Result<Option<Profile>, Error> {
        Ok(self.profiles.get(&id).cloned())
    }

    fn alias(&self, id: ProfileId) -> Result<Option<ProfileId>, Error> {
        Ok(self.alias_of(id))
    }

    fn claim(&self, identity: &Identity) -> Result<Option<Claim>, Error> {
        Ok(self.claims.get(identity).cloned())
    }

    fn is_related(&self, to: &Related, number: RecordNo) -> Result<bool, Error> {
        Ok(self.related.contains(&(to.clone(), number)))
    }

    fn position(&self, name: &PositionName) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.positions.get(name).cloned())
    }

    fn decision(&self, stamp: Stamp) -> Result<Option<Decision>, Error> {
        Ok(self.decisions.get(&stamp).cloned())
    }

    fn event(&self, at: &RecordRef) -> Result<Option<Event>, Error> {
        Ok(self.events.by_ref(at).cloned())
    }

    fn inbox_entries(&self) -> Result<u64, Error> {
        Ok(self.inbox.len() as u64)
    }

    fn inbox_last(&self) -> Result<u64, Error> {
        Ok(self.inbox_last)
    }

    fn instant(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.instant)
    }

    fn history_from(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.history_from)
    }

    fn forgotten(&self, number: RecordNo) -> Result<Option<CommitSeq>, Error> {
        Ok(self.forgotten.get(&number).copied())
    }

    fn versions(&self, id: ProfileId) -> Rows<'_, Version> {
        let chain = self.chains.get(&id);
        let since = chain.map(|chain| chain.since).unwrap_or_default();
        let newest = self.became(id).map(|became| Version { since, became });
        let older = chain.into_iter().flat_map(|chain| chain.older.iter().rev().cloned());
        Box::new(newest.into_iter().chain(older).map(Ok))
    }
}
