//! The list of those to whom nothing may be sent on a channel, kept with the data and
//! looked at wherever a consent is: when a write is queued, and when it is sent.
//!
//! Like tombstones it lies in rows of the store, whole in memory, by keyed hashes. It
//! names nobody otherwise: not the key of the event that brought an entry, which may be
//! an address. Under another key everybody would be off the list, so a list that was made
//! under another one is not opened. An entry is never taken off: one that is lifted says
//! by whom, and one that comes back holds again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use hub_core::privacy::{Key, Tombstone};
use hub_model::consent::EVERY_CHANNEL;
use hub_model::{
    Change, ChangeKind, ChannelName, CommitSeq, ConsentKey, Event, Identity, Mapping, PositionName,
    ProfileId, Signed, Suppression,
};
use hub_store::{Error, PositionChange, Store, WriteSet};

use crate::tombstones::Tombstones;
use crate::workspace::Workspace;

/// Entries in one row of the store; with the longest texts it stays below the limit of
/// a value.
const ROW_ENTRIES: usize = 40;
/// Longest reason and name of who did it, in bytes.
const TEXT_BYTES_MAX: usize = 128;
/// The row that tells the key of the list.
const KEY: &str = "suppressions/key";

/// A row of the store, as it is kept and as it is read.
#[derive(Debug, Clone, Default)]
struct Row {
    kept: Option<Vec<u8>>,
    entries: Vec<Suppression>,
}

#[derive(Debug, Default)]
struct Known {
    rows: Vec<Row>,
    /// Where entries are: by hash, then by channel.
    places: HashMap<Box<str>, BTreeMap<Box<str>, Place>>,
}

/// A row, and the place in it.
type Place = (usize, usize);

impl Known {
    fn place(&self, of: &str, channel: &str) -> Option<Place> {
        self.places.get(of)?.get(channel).copied()
    }

    fn entry(&self, (row, at): Place) -> Option<&Suppression> {
        self.rows.get(row)?.entries.get(at)
    }
}

/// The list of a workspace.
#[derive(Debug, Default)]
pub(crate) struct Suppressions {
    known: RwLock<Known>,
}

/// Rows that are another now. Commit the changes, then [`Suppressions::remember`].
#[derive(Debug, Default)]
pub(crate) struct Entered {
    pub positions: Vec<PositionChange>,
    rows: BTreeMap<usize, Row>,
}

impl Entered {
    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Suppressions {
    /// The list that a store holds.
    ///
    /// # Errors
    /// When the store cannot be read, a row is damaged, or the list was made under
    /// another key.
    pub(crate) async fn open(store: &dyn Store, key: &Key) -> Result<Self, Error> {
        let mut rows = BTreeMap::new();
        for index in 0.. {
            let Some(kept) = store.position(&name(index)).await? else { break };
            let entries = serde_json::from_slice(&kept).map_err(|error| {
                Error::Corrupt(format!("the suppressions cannot be read: {error}"))
            })?;
            rows.insert(index, Row { kept: Some(kept), entries });
        }
        let known = store.position(&PositionName::new(KEY)).await?;
        if !rows.is_empty() && known.as_deref() != Some(&mark(key)[..]) {
            let why = "the list of those to whom nothing may be sent was made under another key, \
                       and would forbid nothing: restore the `.privacy-key` file of these data";
            return Err(Error::Unavailable(why.to_owned()));
        }
        let list = Self::default();
        list.remember(Entered { positions: Vec::new(), rows });
        Ok(list)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows after some entries were put: new ones at the end, those that are there
    /// in their place. Call it under [`Workspace::decide`].
    fn put(&self, key: &Key, news: Vec<Suppression>) -> Result<Entered, Error> {
        let known = self.known();
        let mut rows: BTreeMap<usize, Row> = BTreeMap::new();
        let mut added: BTreeMap<(Box<str>, Box<str>), Place> = BTreeMap::new();
        let mut end = known.rows.len().saturating_sub(1);
        for entry in news {
            let id = (entry.of.clone(), entry.channel.clone());
            let place = added.get(&id).copied().or_else(|| known.place(&id.0, &id.1));
            let fresh = |row: usize| known.rows.get(row).cloned().unwrap_or_default();
            if let Some((row, at)) = place {
                let row = rows.entry(row).or_insert_with(|| fresh(row));
                if let Some(slot) = row.entries.get_mut(at) {
                    *slot = entry;
                }
                continue;
            }
            if rows.entry(end).or_insert_with(|| fresh(end)).entries.len() >= ROW_ENTRIES {
                end += 1;
            }
            let row = rows.entry(end).or_insert_with(|| fresh(end));
            added.insert(id, (end, row.entries.len()));
            row.entries.push(entry);
        }
        let mut positions = Vec::new();
        rows.retain(|index, row| {
            known.rows.get(*index).is_none_or(|old| old.entries != row.entries)
        });
        for (index, row) in &mut rows {
            let new = serde_json::to_vec(&row.entries).map_err(|error| {
                Error::Refused(format!("a suppression cannot be written: {error}"))
            })?;
            let expected = row.kept.replace(new.clone());
            if *index == 0 && expected.is_none() {
                let new = Some(mark(key).to_vec());
                positions.push(PositionChange {
                    name: PositionName::new(KEY),
                    expected: None,
                    new,
                });
            }
            positions.push(PositionChange { name: name(*index), expected, new: Some(new) });
        }
        Ok(Entered { positions, rows })
    }

    /// Holds to these from now on.
    pub(crate) fn remember(&self, entered: Entered) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for (index, row) in entered.rows {
            for (at, entry) in row.entries.iter().enumerate() {
                let channels = known.places.entry(entry.of.clone()).or_default();
                channels.insert(entry.channel.clone(), (index, at));
            }
            if known.rows.len() <= index {
                known.rows.resize_with(index + 1, Row::default);
            }
            if let Some(slot) = known.rows.get_mut(index) {
                *slot = row;
            }
        }
    }

    /// Every entry, in order of receipt.
    pub fn all(&self) -> Vec<Suppression> {
        self.known().rows.iter().flat_map(|row| row.entries.iter().cloned()).collect()
    }

    /// The entries about an identity, by channel.
    pub fn about(&self, of: &str) -> Vec<Suppression> {
        let known = self.known();
        let places = known.places.get(of).into_iter().flat_map(BTreeMap::values);
        places.filter_map(|place| known.entry(*place)).cloned().collect()
    }

    fn entry(&self, of: &str, channel: &str) -> Option<Suppression> {
        let known = self.known();
        known.entry(known.place(of, channel)?).cloned()
    }

    /// Whether nothing may be sent on any of these channels to whom one of these
    /// identities names.
    pub(crate) fn forbid<'a>(
        &self,
        tombstones: &Tombstones,
        channels: &BTreeSet<ChannelName>,
        mut identities: impl Iterator<Item = &'a Identity>,
    ) -> bool {
        let known = self.known();
        let meets = |channel: &str| {
            let is = |own: &str| own == channel || own == EVERY_CHANNEL;
            channel == EVERY_CHANNEL || channels.iter().any(|own| is(own))
        };
        let forbids = |identity: &Identity| {
            let places = known.places.get(&hashed(tombstones, identity));
            let mut entries =
                places.into_iter().flatten().filter_map(|(_, place)| known.entry(*place));
            entries.any(|entry| entry.holds() && meets(&entry.channel))
        };
        !channels.is_empty() && !known.places.is_empty() && identities.any(forbids)
    }
}

/// By what an identity stands on the list.
fn hashed(tombstones: &Tombstones, identity: &Identity) -> Box<str> {
    format!("{:032x}", u128::from_be_bytes(tombstones.key.identity(identity))).into()
}

/// By what the key is known again that a list was made under.
fn mark(key: &Key) -> Tombstone {
    key.identity(&Identity::new(KEY, KEY))
}

fn name(row: usize) -> PositionName {
    PositionName::new(format!("suppressions/{row}"))
}

fn short(text: &str) -> Box<str> {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().into()
}

/// The channels on which a destination brings something: those of the consents that it
/// asks for, and the one on which its rows are messages.
pub(crate) fn channels(requires: &[ConsentKey], sends: Option<&str>) -> BTreeSet<ChannelName> {
    requires.iter().map(|key| key.channel.clone()).chain(sends.map(Into::into)).collect()
}

/// Enters whom the news of a slice suppress, into its commit; whom they name is looked
/// at by every destination. Remember what is returned once it is committed.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn enter(
    workspace: &Workspace,
    mapping: &Mapping,
    set: &mut WriteSet,
) -> Result<Entered, Error> {
    let Some(of_event) = mapping.event.as_ref().filter(|it| !it.suppress.is_empty()) else {
        return Ok(Entered::default());
    };
    let list = &workspace.suppressions;
    let mut news = Vec::new();
    let mut named: BTreeSet<Identity> = BTreeSet::new();
    for event in &set.events {
        for met in of_event.suppress.iter().filter(|it| it.is_met(event)) {
            for identity in &event.identities {
                let entry = of_event_entry(workspace, event, identity, &met.channel);
                // What holds goes on holding, for its first reason.
                if !list.entry(&entry.of, &entry.channel).is_some_and(|known| known.holds()) {
                    named.insert(identity.clone());
                    news.push(entry);
                }
            }
        }
    }
    let entered = list.put(&workspace.tombstones.key, news)?;
    set.positions.extend(entered.positions.iter().cloned());
    let told: BTreeSet<ProfileId> = set.changes.iter().map(|change| change.profile).collect();
    let news = touched(workspace, named).await?;
    set.changes.extend(news.into_iter().filter(|change| !told.contains(&change.profile)));
    Ok(entered)
}

fn of_event_entry(
    workspace: &Workspace,
    event: &Event,
    identity: &Identity,
    channel: &str,
) -> Suppression {
    let stream = &event.at.stream;
    Suppression {
        of: hashed(&workspace.tombstones, identity),
        namespace: identity.namespace.to_string().into(),
        channel: channel.into(),
        reason: short(&event.name),
        source: Some(format!("{}/{}", stream.connection, stream.stream).into()),
        by: None,
        at: event.received,
        lifted: None,
    }
}

/// Entries of the log about whom identities name: what was brought of them may have to
/// be taken back, or brought.
async fn touched(workspace: &Workspace, named: BTreeSet<Identity>) -> Result<Vec<Change>, Error> {
    let named: Vec<Identity> = named.into_iter().collect();
    let claims = workspace.store.claims(&named).await?;
    let ids: BTreeSet<ProfileId> = claims.into_iter().flat_map(|claim| claim.profiles).collect();
    let kind = ChangeKind::Updated;
    Ok(ids.into_iter().map(|profile| Change { seq: CommitSeq(0), profile, kind }).collect())
}

/// The list, or what it says of one identity.
pub fn listed(workspace: &Workspace, identity: Option<&Identity>) -> Vec<Suppression> {
    let list = &workspace.suppressions;
    identity
        .map_or_else(|| list.all(), |identity| list.about(&hashed(&workspace.tombstones, identity)))
}

/// Enters somebody by hand, on a channel, for a reason, or lifts what stands there.
/// Returns the entry; `None` where there is nothing to lift.
///
/// # Errors
/// When the store does not take it.
pub(crate) async fn decide(
    workspace: &Workspace,
    identity: &Identity,
    channel: &str,
    reason: Option<&str>,
    by: &str,
) -> Result<Option<Suppression>, Error> {
    let _guard = workspace.decide().await;
    let (list, at) = (&workspace.suppressions, workspace.env.now());
    let of = hashed(&workspace.tombstones, identity);
    let by = short(by);
    let entry = match (list.entry(&of, channel).filter(Suppression::holds), reason) {
        (Some(known), Some(_)) => return Ok(Some(known)),
        (Some(known), None) => Suppression { lifted: Some(Signed { by, at }), ..known },
        (None, None) => return Ok(None),
        (None, Some(reason)) => Suppression {
            of,
            namespace: identity.namespace.to_string().into(),
            channel: channel.into(),
            reason: short(reason),
            source: None,
            by: Some(by),
            at,
            lifted: None,
        },
    };
    let entered = list.put(&workspace.tombstones.key, vec![entry.clone()])?;
    let changes = touched(workspace, BTreeSet::from([identity.clone()])).await?;
    let positions = entered.positions.clone();
    workspace.commit(WriteSet { positions, changes, ..WriteSet::default() }).await?;
    list.remember(entered);
    Ok(Some(entry))
}
