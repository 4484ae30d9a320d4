//! Every row, table by table, as a dump wants them.

use hub_model::{
    CommitSeq, Decision, Event, LedgerEntry, LedgerPlace, Pending, PendingKey, PositionName,
    Profile, ProfileId, Quarantined, Record, RecordNo, Run, RunId, Stamp, Standing,
};
use hub_store::dump::{Rows, Tables, TokenKey};
use hub_store::{Error, InboxEntry, Review, View};
use serde::de::DeserializeOwned;

use crate::keys::{self, Key, table};
use crate::ledger;
use crate::read::Reader;
use crate::rows::decoded;

impl Reader<'_> {
    /// Keys and payloads of a table after a key of it.
    fn table(
        &self,
        table: u8,
        after: Option<Key>,
    ) -> impl Iterator<Item = Result<(Key, Vec<u8>), Error>> {
        self.rows.scan(&keys::all(table), after.as_deref())
    }

    /// The rows of a table that say by themselves what they are.
    fn whole<T: DeserializeOwned>(&self, table: u8, after: Option<Key>) -> Rows<'_, T> {
        Box::new(self.table(table, after).map(|row| {
            let (key, payload) = row?;
            decoded(&key, &payload)
        }))
    }

    /// The rows of a table that are told by key and payload.
    fn told<'a, T: 'a>(
        &'a self,
        table: u8,
        after: Option<Key>,
        tell: impl Fn(&[u8], Vec<u8>) -> Result<Option<T>, Error> + 'a,
    ) -> Rows<'a, T> {
        Box::new(self.table(table, after).map(move |row| {
            let (key, payload) = row?;
            tell(&key, payload)?.ok_or_else(|| nowhere(table))
        }))
    }
}

impl Tables for Reader<'_> {
    fn all_records(&self, after: Option<RecordNo>) -> Rows<'_, (Record, u64)> {
        Box::new(self.index.records_after(after).map(|number| {
            let record = self.record(number)?.ok_or_else(|| nowhere(table::RECORD))?;
            Ok((record, self.index.mark(number)))
        }))
    }

    fn all_profiles(&self, after: Option<ProfileId>) -> Rows<'_, Profile> {
        let ids = self.index.profiles_after(after);
        Box::new(ids.map(|id| self.profile(id)?.ok_or_else(|| nowhere(table::PROFILE))))
    }

    fn all_aliases(&self, after: Option<ProfileId>) -> Rows<'_, (ProfileId, ProfileId)> {
        Box::new(self.index.aliases_after(after).map(Ok))
    }

    fn all_decisions(&self, after: Option<Stamp>) -> Rows<'_, Decision> {
        self.whole(table::DECISION, after.map(keys::decision))
    }

    fn all_positions(&self, after: Option<&PositionName>) -> Rows<'_, (PositionName, Vec<u8>)> {
        self.told(table::POSITION, after.map(keys::position), |key, value| {
            Ok(keys::read_position(key).map(|name| (name, value)))
        })
    }

    fn all_pending(&self, after: Option<&PendingKey>) -> Rows<'_, Pending> {
        self.whole(table::PENDING, after.map(keys::pending))
    }

    fn all_quarantined(&self, after: usize) -> Rows<'_, Quarantined> {
        let rows = self.table(table::QUARANTINE, None).skip(after);
        Box::new(rows.map(|row| {
            let (key, payload) = row?;
            decoded(&key, &payload)
        }))
    }

    fn all_reviews(&self, after: Option<&Review>) -> Rows<'_, Review> {
        self.told(table::REVIEW, after.map(keys::review), |key, _| Ok(keys::read_review(key)))
    }

    fn all_runs(&self, after: Option<&RunId>) -> Rows<'_, Run> {
        self.whole(table::RUN, after.map(keys::run))
    }

    fn all_tokens(&self, after: Option<&TokenKey>) -> Rows<'_, (TokenKey, Vec<u8>)> {
        let after = after.map(|(connection, name)| keys::token(connection, name));
        self.told(table::TOKEN, after, |key, sealed| {
            Ok(keys::read_token(key).map(|token| (token, sealed)))
        })
    }

    fn all_events(&self, after: Option<u64>) -> Rows<'_, (u64, Event)> {
        Box::new(self.events_after(after))
    }

    fn all_standings(&self, after: Option<ProfileId>) -> Rows<'_, Standing> {
        self.standings_after(after)
    }

    fn all_written(&self, after: Option<&LedgerPlace>) -> Rows<'_, (LedgerPlace, LedgerEntry)> {
        Box::new(ledger::after(self.rows, None, after))
    }

    fn all_inbox(&self, after: u64) -> Rows<'_, InboxEntry> {
        // Bodies that are done lie there a while, unseen.
        let after = after.max(self.meta.inbox_done);
        self.told(table::INBOX, Some(keys::inbox(after)), |key, body| {
            Ok(keys::last_number(key).map(|seq| InboxEntry { seq, body }))
        })
    }

    fn all_numbers(&self, from: ProfileId) -> Rows<'_, ProfileId> {
        let after = from.0.checked_sub(1).map(ProfileId);
        let mut profiles = self.index.profiles_after(after).peekable();
        let mut aliases = self.index.aliases_after(after).map(|(id, _)| id).peekable();
        // Both are in order, and no number is in both.
        Box::new(std::iter::from_fn(move || match (profiles.peek(), aliases.peek()) {
            (Some(profile), Some(alias)) if alias < profile => aliases.next().map(Ok),
            (None, Some(_)) => aliases.next().map(Ok),
            _ => profiles.next().map(Ok),
        }))
    }

    fn all_forgotten(&self, after: Option<RecordNo>) -> Rows<'_, (RecordNo, CommitSeq)> {
        Box::new(self.index.forgotten_after(after).map(Ok))
    }
}

fn nowhere(table: u8) -> Error {
    Error::Corrupt(format!("a row of table {} is not where it should be", char::from(table)))
}
