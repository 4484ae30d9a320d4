//! How heavy a commit is, measured the same way by everybody.
//!
//! Whoever cuts a page into slices and whoever refuses a slice must agree, or a
//! slice that passes in the tests is refused in production. The weight is
//! therefore a function of the write set alone. People, who come by the
//! thousand, weigh what a thrifty store needs for them before it compresses:
//! names and values once, however often they are repeated; other rows weigh
//! their JSON. Every row adds a fixed sum for keys and framing.

use std::io;

use hub_model::{Claim, Event, Identity, Profile, ProfileId, Record, Related, Standing, Value};
use serde::Serialize;

use crate::history::{Became, Version};
use crate::write_set::WriteSet;

/// What a row weighs besides its contents: key, index entries, framing.
pub const ROW_BYTES: usize = 64;
/// What a number weighs: a stamp, an id, the place of a name.
const NUMBER_BYTES: usize = 4;

impl WriteSet {
    /// The weight of everything but the inbox bodies, compared with
    /// [`hub_model::limits::SLICE_BYTES_MAX`] by `commit`. Bodies are new rows
    /// that nothing refers to, so a store may write them ahead of the commit.
    pub fn weight_bytes(&self) -> usize {
        let positions: usize = self
            .positions
            .iter()
            .map(|change| {
                ROW_BYTES + change.name.as_str().len() + change.new.as_ref().map_or(0, Vec::len)
            })
            .sum();
        let tokens: usize = self
            .tokens
            .iter()
            .map(|(connection, name, sealed)| {
                ROW_BYTES + connection.len() + name.len() + sealed.as_ref().map_or(0, Vec::len)
            })
            .sum();
        let numbers = self.marks.len() * 4 + self.aliases.len() * 3 + self.changes.len() * 2;
        self.records.iter().map(record_bytes).sum::<usize>()
            + self.profiles.iter().map(profile_bytes).sum::<usize>()
            + self.claims.iter().map(claim_bytes).sum::<usize>()
            + numbers * NUMBER_BYTES
            + self.versions.iter().map(version_bytes).sum::<usize>()
            + self.forgotten.len() * 3 * NUMBER_BYTES
            + rows(&self.erased)
            + self.erased_profiles.len() * ROW_BYTES
            + rows(&self.discarded)
            + rows(&self.closed)
            + rows(&self.decisions)
            + rows(&self.pending)
            + rows(&self.settled)
            + rows(&self.quarantined)
            + rows(&self.released)
            + rows(&self.reviews)
            + rows(&self.runs)
            + self.events.iter().map(event_bytes).sum::<usize>()
            + rows(&self.events_gone)
            + self.standings.iter().map(standing_bytes).sum::<usize>()
            + rows(&self.written)
            + rows(&self.unwritten)
            + positions
            + tokens
    }

    /// The bytes of the inbox bodies, compared with
    /// [`crate::rules::INBOX_COMMIT_BYTES_MAX`] by `commit`.
    pub fn inbox_bytes(&self) -> usize {
        self.inbox.iter().map(|body| ROW_BYTES + body.len()).sum()
    }
}

fn record_bytes(record: &Record) -> usize {
    let raw = record.raw.iter().map(|(name, value)| name.len() + value.size_bytes());
    let fields = record.fields_beside_raw().map(|(_, state, raw)| {
        // What the raw row says is kept once.
        let own = |value: Option<&Value>| {
            value.filter(|value| Some(*value) != raw).map_or(0, Value::size_bytes)
        };
        let asserted = own(state.asserted.as_ref().map(|asserted| &asserted.value));
        let dispute = state.dispute.as_ref().map_or(0, row_bytes);
        3 * NUMBER_BYTES + asserted + own(state.remote.as_ref()) + dispute
    });
    let said = record.identities.iter().map(|fact| {
        3 * NUMBER_BYTES + fact.identity.as_ref().map_or(0, |identity| identity.value.len())
    });
    let related = record.relations.iter().map(|relation| {
        let named = match &relation.to {
            Related::Identity(identity) => identity.value.len(),
            Related::Row(at) => at.key.as_str().len(),
        };
        // What it names, and where it is found by that.
        6 * NUMBER_BYTES + named
    });
    let version = record.version.as_ref().map_or(0, String::len);
    ROW_BYTES
        + record.at.key.as_str().len()
        + version
        + record.absences.len() * 2 * NUMBER_BYTES
        + raw.chain(fields).chain(said).chain(related).sum::<usize>()
}

fn profile_bytes(profile: &Profile) -> usize {
    let traits = profile
        .traits
        .iter()
        .map(|(name, golden)| name.as_str().len() + golden.value.size_bytes() + 4 * NUMBER_BYTES);
    let identities =
        profile.identities.iter().map(|claimed| claimed.identity.value.len() + 2 * NUMBER_BYTES);
    let conflicts = if profile.conflicts.is_empty() { 0 } else { row_bytes(&profile.conflicts) };
    ROW_BYTES
        + profile.records.len() * NUMBER_BYTES
        + conflicts
        + traits.chain(identities).sum::<usize>()
}

/// As what it was: a profile that a commit took is taken again as a version. Since
/// when it was so is part of what every row weighs.
fn version_bytes((_, version): &(ProfileId, Version)) -> usize {
    match &version.became {
        Became::Profile(profile) => profile_bytes(profile),
        Became::Absorbed(_) | Became::Forgotten => ROW_BYTES,
    }
}

/// Each identity leads to the event by a row of its own.
fn event_bytes(event: &Event) -> usize {
    let properties = event.properties.iter().map(|(name, value)| name.len() + value.size_bytes());
    let identities = event.identities.iter().map(|identity| ROW_BYTES + identity.value.len());
    ROW_BYTES
        + event.at.key.as_str().len()
        + event.name.len()
        + properties.chain(identities).sum::<usize>()
}

/// Each segment leads to its member by a row of its own, and tells of the move.
fn standing_bytes(standing: &Standing) -> usize {
    let names = standing.segments.keys().map(|name| 2 * (ROW_BYTES + name.len()));
    2 * ROW_BYTES + row_bytes(standing) + names.sum::<usize>()
}

fn claim_bytes((_, claim): &(Identity, Claim)) -> usize {
    (6 + claim.profiles.len()) * NUMBER_BYTES
}

/// The JSON bytes of one row, as they count in a commit.
fn row_bytes(row: &impl Serialize) -> usize {
    let mut counter = Counter(0);
    // Counting cannot fail; a row that cannot be written as JSON is refused
    // where it is written.
    let _ = serde_json::to_writer(&mut counter, row);
    ROW_BYTES + counter.0
}

fn rows<T: Serialize>(rows: &[T]) -> usize {
    rows.iter().map(row_bytes).sum()
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
