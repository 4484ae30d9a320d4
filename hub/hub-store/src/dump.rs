//! Dumping: a whole store as write sets that rebuild it, page by page.
//!
//! Committed in order into a fresh store, the pages give the same answers to
//! every read, whatever the bodies on both sides. Only the change log and the log of
//! moves are new: they hold each profile, and each membership, once. So that positions keep their meaning all the same,
//! the first page says which commit it continues from ([`Continued`]): places in
//! the old log then lie before everything in the new one, and whoever follows
//! looks at every profile once more, which delivery takes for no change.
//!
//! A claim goes with the records that name its identity, since a body may keep
//! no more of the identity than a hash; a claim that no record names is left out.
//!
//! What profiles were before goes ahead of what they are, as far as it is told
//! ([`crate::history`]), with the commits and instants that it was known by.
//!
//! A dump is of one commit. When the store has moved between two pages, the next
//! one is refused with [`Error::Moved`]: a store that is being written is dumped
//! from a backup of it.
//!
//! What a page holds and in which order is decided here, once; a body only gives
//! its rows, table by table ([`Tables`]).

use std::collections::BTreeSet;

use hub_model::{
    Change, ChangeKind, CommitSeq, Decision, Event, LedgerEntry, LedgerPlace, Pending, PendingKey,
    PositionName, Profile, ProfileId, Quarantined, Record, RecordNo, Run, RunId, Stamp, Standing,
    limits,
};
use serde::{Deserialize, Serialize};

use crate::history::{self, Moment, Version};
use crate::rules::INBOX_COMMIT_BYTES_MAX;
use crate::store::{Error, InboxEntry, Review};
use crate::view::View;
use crate::write_set::{Continued, Counters, PositionChange, WriteSet};

/// One page of a dump.
#[derive(Debug, Clone, PartialEq)]
pub struct DumpPage {
    /// What to commit: within the limits of the port. Empty for an empty store,
    /// and where the last table ended with the page before.
    pub set: WriteSet,
    /// Where to go on; `None` = this was the last page.
    pub next: Option<DumpCursor>,
}

/// Where a dump goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpCursor {
    /// The commit that is dumped.
    seq: CommitSeq,
    /// The table, and its last row that is done.
    place: Place,
}

impl DumpCursor {
    /// The commit that is dumped.
    pub fn seq(&self) -> CommitSeq {
        self.seq
    }
}

/// A table and its last row that is done: in the order in which they are dumped.
/// Claims go with the records that name them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Place {
    Records(Option<RecordNo>),
    /// What profiles were before: the number, and the commit of the version.
    Versions(Option<(ProfileId, CommitSeq)>),
    /// `owed`: the last profile filled its page, so its entry for the log did
    /// not fit in.
    Profiles {
        after: Option<ProfileId>,
        owed: bool,
    },
    Aliases(Option<ProfileId>),
    Forgotten(Option<RecordNo>),
    Decisions(Option<Stamp>),
    Positions(Option<PositionName>),
    Pending(Option<PendingKey>),
    Quarantine(usize),
    Reviews(Option<Review>),
    Runs(Option<RunId>),
    Tokens(Option<TokenKey>),
    Events(Option<u64>),
    Standings(Option<ProfileId>),
    Written(Option<LedgerPlace>),
    /// Last, and in commits of its own: a position `inbox` in the same commit
    /// would forget bodies.
    Inbox(u64),
}

/// What a sealed token is found by: (connection, name).
pub type TokenKey = (String, String);

/// Rows of a table, one after the other.
pub type Rows<'a, T> = Box<dyn Iterator<Item = Result<T, Error>> + 'a>;

/// Every row there is, table by table, each in an order of the body's own that
/// stays the same between commits. `after` is a row that was given before.
pub trait Tables: View {
    /// Records with their marks, by number.
    fn all_records(&self, after: Option<RecordNo>) -> Rows<'_, (Record, u64)>;
    /// Profiles, by id.
    fn all_profiles(&self, after: Option<ProfileId>) -> Rows<'_, Profile>;
    /// (absorbed, surviving), one hop, by absorbed.
    fn all_aliases(&self, after: Option<ProfileId>) -> Rows<'_, (ProfileId, ProfileId)>;
    /// Decisions, by stamp.
    fn all_decisions(&self, after: Option<Stamp>) -> Rows<'_, Decision>;
    /// Positions, by name.
    fn all_positions(&self, after: Option<&PositionName>) -> Rows<'_, (PositionName, Vec<u8>)>;
    /// Deliveries that are not settled, by key.
    fn all_pending(&self, after: Option<&PendingKey>) -> Rows<'_, Pending>;
    /// Quarantine, but for so many rows; of a stream's rows without a key the
    /// oldest first.
    fn all_quarantined(&self, after: usize) -> Rows<'_, Quarantined>;
    /// Reviews.
    fn all_reviews(&self, after: Option<&Review>) -> Rows<'_, Review>;
    /// Runs, by id.
    fn all_runs(&self, after: Option<&RunId>) -> Rows<'_, Run>;
    /// Sealed tokens, by connection and name.
    fn all_tokens(&self, after: Option<&TokenKey>) -> Rows<'_, (TokenKey, Vec<u8>)>;
    /// Events with their numbers, in order of receipt.
    fn all_events(&self, after: Option<u64>) -> Rows<'_, (u64, Event)>;
    /// Standings, by profile.
    fn all_standings(&self, after: Option<ProfileId>) -> Rows<'_, Standing>;
    /// Entries of the ledger of writes, in order of their places.
    fn all_written(&self, after: Option<&LedgerPlace>) -> Rows<'_, (LedgerPlace, LedgerEntry)>;
    /// Bodies that wait in the inbox, oldest first.
    fn all_inbox(&self, after: u64) -> Rows<'_, InboxEntry>;
    /// The numbers of profiles and aliases from one on, in order.
    fn all_numbers(&self, from: ProfileId) -> Rows<'_, ProfileId>;
    /// Records of which nothing is told before a commit, by number.
    fn all_forgotten(&self, after: Option<RecordNo>) -> Rows<'_, (RecordNo, CommitSeq)>;
}

/// The page of a dump after a place; the first one without.
///
/// # Errors
/// [`Error::Moved`] when the store was written since the dump began, and
/// whatever the tables answer.
pub fn page(tables: &impl Tables, after: Option<DumpCursor>) -> Result<DumpPage, Error> {
    let seq = tables.seq()?;
    let place = match after {
        None if seq == CommitSeq(0) => {
            return Ok(DumpPage { set: WriteSet::default(), next: None });
        }
        None => {
            let next = DumpCursor { seq, place: Place::Records(None) };
            return Ok(DumpPage { set: first(tables, seq)?, next: Some(next) });
        }
        Some(cursor) if cursor.seq != seq => {
            return Err(Error::Moved { from: cursor.seq, to: seq });
        }
        Some(cursor) => cursor.place,
    };
    let mut page = Page::default();
    let mut next = Some(place);
    // Empty tables make no pages.
    while let Some(place) = next.take_if(|_| page.set.is_empty()) {
        next = fill(tables, place, &mut page)?;
    }
    Ok(DumpPage { set: page.set, next: next.map(|place| DumpCursor { seq, place }) })
}

/// What the rest needs: the numbers, and where to count on from.
fn first(tables: &impl Tables, seq: CommitSeq) -> Result<WriteSet, Error> {
    let waiting = tables.all_inbox(0).next().transpose()?;
    let inbox = match waiting {
        Some(entry) => entry.seq.saturating_sub(1),
        None => tables.inbox_last()?,
    };
    Ok(WriteSet {
        counters: Some(tables.counters()?).filter(|counters| *counters != Counters::default()),
        continued: Some(Continued { seq, inbox }),
        at: tables.instant()?,
        history_from: tables.history_from()?,
        ..WriteSet::default()
    })
}

/// Fills a page from the table of a place; where to go on.
fn fill(tables: &impl Tables, place: Place, page: &mut Page) -> Result<Option<Place>, Error> {
    let none = WriteSet::default;
    Ok(Some(match place {
        Place::Records(after) => {
            let rows = tables.all_records(after).map(|row| with_claims(tables, row?));
            let last = page.take(rows)?;
            last.map_or(Place::Versions(None), |n| Place::Records(Some(n)))
        }
        Place::Versions(after) => {
            let rows = older(tables, after).map(|row| {
                let (id, version) = row?;
                let place = (id, version.since.seq);
                Ok((place, WriteSet { versions: vec![(id, version)], ..none() }))
            });
            let first = Place::Profiles { after: None, owed: false };
            page.take(rows)?.map_or(first, |last| Place::Versions(Some(last)))
        }
        Place::Profiles { after, owed } => {
            profiles(tables, after, owed, page)?.unwrap_or(Place::Aliases(None))
        }
        Place::Aliases(after) => {
            let rows = tables.all_aliases(after).map(|row| {
                let row = row?;
                let since = since(tables, row.0)?;
                Ok((row.0, WriteSet { aliases: vec![row], since, ..none() }))
            });
            page.take(rows)?.map_or(Place::Forgotten(None), |last| Place::Aliases(Some(last)))
        }
        Place::Forgotten(after) => page
            .rows(tables.all_forgotten(after), |(number, before)| {
                (number, WriteSet { forgotten: vec![(number, Some(before))], ..none() })
            })?
            .map_or(Place::Decisions(None), |last| Place::Forgotten(Some(last))),
        Place::Decisions(after) => page
            .rows(tables.all_decisions(after), |row| {
                (row.stamp, WriteSet { decisions: vec![row], ..none() })
            })?
            .map_or(Place::Positions(None), |last| Place::Decisions(Some(last))),
        Place::Positions(after) => page
            .rows(tables.all_positions(after.as_ref()), |(name, value)| {
                let moved = PositionChange { name: name.clone(), expected: None, new: Some(value) };
                (name, WriteSet { positions: vec![moved], ..none() })
            })?
            .map_or(Place::Pending(None), |last| Place::Positions(Some(last))),
        Place::Pending(after) => page
            .rows(tables.all_pending(after.as_ref()), |row| {
                (row.key.clone(), WriteSet { pending: vec![row], ..none() })
            })?
            .map_or(Place::Quarantine(0), |last| Place::Pending(Some(last))),
        Place::Quarantine(after) => page
            .rows(tables.all_quarantined(after), |row| {
                ((), WriteSet { quarantined: vec![row], ..none() })
            })?
            .map_or(Place::Reviews(None), |()| {
                Place::Quarantine(after + page.set.quarantined.len())
            }),
        Place::Reviews(after) => page
            .rows(tables.all_reviews(after.as_ref()), |row| {
                (row.clone(), WriteSet { reviews: vec![row], ..none() })
            })?
            .map_or(Place::Runs(None), |last| Place::Reviews(Some(last))),
        Place::Runs(after) => page
            .rows(tables.all_runs(after.as_ref()), |row| {
                (row.id.clone(), WriteSet { runs: vec![row], ..none() })
            })?
            .map_or(Place::Tokens(None), |last| Place::Runs(Some(last))),
        Place::Tokens(after) => page
            .rows(tables.all_tokens(after.as_ref()), |(key, sealed)| {
                let put = (key.0.clone(), key.1.clone(), Some(sealed));
                (key, WriteSet { tokens: vec![put], ..none() })
            })?
            .map_or(Place::Events(None), |last| Place::Tokens(Some(last))),
        Place::Events(after) => page
            .rows(tables.all_events(after), |(number, row)| {
                (number, WriteSet { events: vec![row], ..none() })
            })?
            .map_or(Place::Standings(None), |last| Place::Events(Some(last))),
        Place::Standings(after) => page
            .rows(tables.all_standings(after), |row| {
                (row.profile, WriteSet { standings: vec![row], ..none() })
            })?
            .map_or(Place::Written(None), |last| Place::Standings(Some(last))),
        Place::Written(after) => page
            .rows(tables.all_written(after.as_ref()), |(place, row)| {
                (place, WriteSet { written: vec![row], ..none() })
            })?
            .map_or(Place::Inbox(0), |last| Place::Written(Some(last))),
        Place::Inbox(after) => {
            let last = page.rows(tables.all_inbox(after), |entry| {
                (entry.seq, WriteSet { inbox: vec![entry.body], ..none() })
            })?;
            return Ok(last.map(Place::Inbox));
        }
    }))
}

/// A record with its mark and the claims of the identities that it names.
fn with_claims(
    tables: &impl Tables,
    (record, mark): (Record, u64),
) -> Result<(RecordNo, WriteSet), Error> {
    let number = record.number;
    let named: BTreeSet<_> =
        record.identities.iter().filter_map(|fact| fact.identity.clone()).collect();
    let mut set = WriteSet { records: vec![record], ..WriteSet::default() };
    if mark != 0 {
        set.marks.push((number, mark));
    }
    for identity in named {
        if let Some(claim) = tables.claim(&identity)? {
            set.claims.push((identity, claim));
        }
    }
    Ok((number, set))
}

/// Since when a number stands for what it does.
fn since(tables: &impl Tables, id: ProfileId) -> Result<Vec<(ProfileId, Moment)>, Error> {
    let newest = history::told(tables, id).next().transpose()?;
    Ok(newest.into_iter().map(|version| (id, version.since)).collect())
}

/// What is told of former times: by number, the oldest first.
fn older(
    tables: &impl Tables,
    after: Option<(ProfileId, CommitSeq)>,
) -> impl Iterator<Item = Result<(ProfileId, Version), Error>> {
    let numbers = tables.all_numbers(after.map_or(ProfileId(0), |(id, _)| id));
    let of = move |id: ProfileId| {
        let told: Result<Vec<Version>, Error> = history::told(tables, id).skip(1).collect();
        let is_later =
            |version: &Version| after.is_none_or(|after| (id, version.since.seq) > after);
        Ok(told?.into_iter().rev().filter(is_later).map(|version| (id, version)).collect())
    };
    numbers.flat_map(move |id| match id.and_then(of) {
        Ok::<Vec<_>, Error>(rows) => rows.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    })
}

fn profiles(
    tables: &impl Tables,
    after: Option<ProfileId>,
    owed: bool,
    page: &mut Page,
) -> Result<Option<Place>, Error> {
    let entry = |profile| Change { seq: CommitSeq(0), profile, kind: ChangeKind::Updated };
    if let (Some(id), true) = (after, owed) {
        page.set.changes = vec![entry(id)];
        return Ok(Some(Place::Profiles { after, owed: false }));
    }
    let rows = tables.all_profiles(after).map(|row| {
        let row = row?;
        let (changes, since) = (vec![entry(row.id)], since(tables, row.id)?);
        Ok((row.id, WriteSet { changes, since, profiles: vec![row], ..WriteSet::default() }))
    });
    let last = page.take(rows)?;
    let next = last.map(|last| Place::Profiles { after: Some(last), owed: false });
    if page.bytes <= limits::SLICE_BYTES_MAX {
        return Ok(next);
    }
    // One profile, as large as a commit takes.
    page.set.changes.clear();
    let after = page.set.profiles.last().map(|profile| profile.id);
    Ok(Some(Place::Profiles { after, owed: true }))
}

/// A page that is being filled.
#[derive(Default)]
struct Page {
    set: WriteSet,
    bytes: usize,
}

impl Page {
    /// Takes rows, each as a set of its own with its place, as many as one commit
    /// takes, at least one: a row that was committed fits into a commit of its
    /// own. The place of the last one, when more follow.
    fn take<P>(
        &mut self,
        rows: impl Iterator<Item = Result<(P, WriteSet), Error>>,
    ) -> Result<Option<P>, Error> {
        let mut last = None;
        for row in rows {
            let (place, set) = row?;
            let bytes = set.weight_bytes() + set.inbox_bytes();
            let full = self.bytes + bytes > limits::SLICE_BYTES_MAX.min(INBOX_COMMIT_BYTES_MAX)
                || self.set.records.len() + set.records.len() > limits::SLICE_RECORDS_MAX
                || self.set.events.len() + set.events.len() > limits::SLICE_RECORDS_MAX
                || self.set.written.len() + set.written.len() > limits::SLICE_RECORDS_MAX;
            if full && last.is_some() {
                return Ok(last);
            }
            self.set.append(set);
            self.bytes += bytes;
            last = Some(place);
        }
        Ok(None)
    }

    /// The same of rows that become sets.
    fn rows<T, P>(
        &mut self,
        rows: Rows<'_, T>,
        set: impl Fn(T) -> (P, WriteSet),
    ) -> Result<Option<P>, Error> {
        self.take(rows.map(|row| row.map(&set)))
    }
}
