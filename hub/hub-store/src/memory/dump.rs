//! Every row, table by table, as a dump wants them.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use hub_model::{
    CommitSeq, Decision, Event, LedgerEntry, LedgerPlace, Pending, PendingKey, PositionName,
    Profile, ProfileId, Quarantined, Record, RecordNo, Run, RunId, Stamp, Standing,
};

use super::state::State;
use crate::dump::{Rows, Tables, TokenKey};
use crate::store::{InboxEntry, Review};

fn later<'a, K: Ord, V>(
    rows: &'a BTreeMap<K, V>,
    after: Option<&K>,
) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, K, V> {
    rows.range((after.map_or(Unbounded, Excluded), Unbounded))
}

impl Tables for State {
    fn all_records(&self, after: Option<RecordNo>) -> Rows<'_, (Record, u64)> {
        let mark = |number| self.marks.get(number).copied().unwrap_or_default();
        let rows = later(&self.records, after.as_ref());
        Box::new(rows.map(move |(number, row)| Ok((row.clone(), mark(number)))))
    }

    fn all_profiles(&self, after: Option<ProfileId>) -> Rows<'_, Profile> {
        Box::new(later(&self.profiles, after.as_ref()).map(|(_, row)| Ok(row.clone())))
    }

    fn all_aliases(&self, after: Option<ProfileId>) -> Rows<'_, (ProfileId, ProfileId)> {
        Box::new(later(&self.aliases, after.as_ref()).map(|(from, to)| Ok((*from, *to))))
    }

    fn all_decisions(&self, after: Option<Stamp>) -> Rows<'_, Decision> {
        Box::new(later(&self.decisions, after.as_ref()).map(|(_, row)| Ok(row.clone())))
    }

    fn all_positions(&self, after: Option<&PositionName>) -> Rows<'_, (PositionName, Vec<u8>)> {
        Box::new(later(&self.positions, after).map(|(key, row)| Ok((key.clone(), row.clone()))))
    }

    fn all_pending(&self, after: Option<&PendingKey>) -> Rows<'_, Pending> {
        Box::new(later(&self.pending, after).map(|(_, row)| Ok(row.clone())))
    }

    fn all_quarantined(&self, after: usize) -> Rows<'_, Quarantined> {
        Box::new(self.quarantined().skip(after).map(|row| Ok(row.clone())))
    }

    fn all_reviews(&self, after: Option<&Review>) -> Rows<'_, Review> {
        let start = after.map_or(Unbounded, Excluded);
        Box::new(self.reviews.range((start, Unbounded)).map(|row| Ok(row.clone())))
    }

    fn all_runs(&self, after: Option<&RunId>) -> Rows<'_, Run> {
        Box::new(later(&self.runs, after).map(|(_, row)| Ok(row.clone())))
    }

    fn all_tokens(&self, after: Option<&TokenKey>) -> Rows<'_, (TokenKey, Vec<u8>)> {
        Box::new(later(&self.tokens, after).map(|(key, row)| Ok((key.clone(), row.clone()))))
    }

    fn all_events(&self, after: Option<u64>) -> Rows<'_, (u64, Event)> {
        Box::new(self.events.after(after).map(|(number, event)| Ok((number, event.clone()))))
    }

    fn all_standings(&self, after: Option<ProfileId>) -> Rows<'_, Standing> {
        Box::new(later(&self.standings, after.as_ref()).map(|(_, row)| Ok(row.clone())))
    }

    fn all_written(&self, after: Option<&LedgerPlace>) -> Rows<'_, (LedgerPlace, LedgerEntry)> {
        let rows = self.ledger.after(None, after);
        Box::new(rows.map(|(place, entry)| Ok((place.clone(), entry.clone()))))
    }

    fn all_inbox(&self, after: u64) -> Rows<'_, InboxEntry> {
        let rows = later(&self.inbox, Some(&after));
        Box::new(rows.map(|(seq, body)| Ok(InboxEntry { seq: *seq, body: body.clone() })))
    }

    fn all_numbers(&self, from: ProfileId) -> Rows<'_, ProfileId> {
        Box::new(self.chains.range(from..).map(|(id, _)| Ok(*id)))
    }

    fn all_forgotten(&self, after: Option<RecordNo>) -> Rows<'_, (RecordNo, CommitSeq)> {
        Box::new(later(&self.forgotten, after.as_ref()).map(|(no, before)| Ok((*no, *before))))
    }
}
