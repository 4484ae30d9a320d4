//! Objects as a whole: what other rules and the clock make of them. They are part
//! of no profile, so nobody who goes through people meets them.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::mapping::carried;
use hub_core::privacy::Tombstone;
use hub_core::relation::relations;
use hub_core::retention::{self, Held};
use hub_model::{
    FieldMapping, Identity, Mapping, ProfileId, Record, RecordNo, Related, Rules, RunId, Stamp,
    StreamRef, Timestamp,
};
use hub_store::{Error, Store, WriteSet};

use crate::reform::{Fate, reform};
use crate::run;
use crate::slices::Slices;
use crate::workspace::Workspace;

/// Records per step.
const STEP_RECORDS: usize = 500;

/// The records of a stream, some at a time.
struct Stream<'a> {
    stream: &'a StreamRef,
    after: Option<RecordNo>,
}

impl<'a> Stream<'a> {
    fn of(mapping: &'a Mapping) -> Self {
        Self { stream: &mapping.stream, after: None }
    }

    /// The next ones; `None` at the end.
    async fn records(&mut self, store: &dyn Store) -> Result<Option<Vec<Record>>, Error> {
        let records = store.scan_records(self.stream, self.after, STEP_RECORDS).await?;
        let Some(last) = records.last() else { return Ok(None) };
        self.after = Some(last.number);
        Ok(Some(records))
    }
}

/// A stream whose rows were people and are objects now, or the other way round,
/// is forgotten: it is read from its beginning under the new rules. Call it under
/// [`Workspace::decide`], before people are brought up to the rules.
///
/// # Errors
/// When the store cannot be read or written; a repetition finds what is left.
pub(crate) async fn forget_other_kinds(
    workspace: &Workspace,
    before: &Rules,
    after: &Rules,
) -> Result<(), Error> {
    let store = &*workspace.store;
    let run = RunId::new(format!("{:016}-rules", workspace.env.now().0));
    for mapping in &after.mappings {
        let stream = &mapping.stream;
        let was = before.mapping(&stream.connection, &stream.stream);
        if was.is_some_and(|was| was.kind.is_object() == mapping.kind.is_object()) {
            continue;
        }
        let mut stream = Stream::of(mapping);
        while let Some(records) = stream.records(store).await? {
            let others = records.into_iter();
            let others = others.filter(|record| record.is_object() != mapping.kind.is_object());
            let (objects, people): (Vec<_>, Vec<_>) = others.partition(Record::is_object);
            let erased = objects.into_iter().map(|record| (record.number, record.at)).collect();
            workspace.commit(WriteSet { erased, ..WriteSet::default() }).await?;
            let fates: BTreeMap<RecordNo, Fate> =
                people.into_iter().map(|record| (record.number, Fate::Erased)).collect();
            if !fates.is_empty() {
                reform(workspace, &fates, &run).await?;
            }
        }
    }
    Ok(())
}

/// Brings the relations of objects up to other rules. Those of people are made
/// with their profiles.
///
/// # Errors
/// When the store cannot be read or written; a repetition finds what is left.
pub(crate) async fn relate_anew(
    workspace: &Workspace,
    before: &Rules,
    rules: &Rules,
) -> Result<(), Error> {
    let store = &*workspace.store;
    let mut slices = Slices::new(workspace, None);
    for mapping in rules.mappings.iter().filter(|mapping| mapping.kind.is_object()) {
        let stream = &mapping.stream;
        let was = before.mapping(&stream.connection, &stream.stream);
        let alike = was.is_some_and(|was| was.relations == mapping.relations);
        if alike && before.namespaces == rules.namespaces {
            continue;
        }
        let mut stream = Stream::of(mapping);
        while let Some(records) = stream.records(store).await? {
            for mut record in records {
                let now = relations(&record, rules);
                if now != record.relations {
                    record.relations = now;
                    let records = vec![record];
                    slices.push(WriteSet { records, ..WriteSet::default() }).await?;
                }
            }
        }
    }
    slices.flush().await
}

/// Where other conversions lead to what is made of objects, what was told in a form of
/// the old ones counts as told no more: it is due again where it is another now.
///
/// # Errors
/// When the store cannot be read or written; a repetition finds what is left.
pub(crate) async fn forget_told(
    workspace: &Workspace,
    before: &Rules,
    after: &Rules,
) -> Result<(), Error> {
    let mut slices = Slices::new(workspace, None);
    for mapping in &after.mappings {
        let Some(made_of) = &mapping.made_of else { continue };
        let own = |rules: &Rules, stream: &StreamRef| {
            let found = rules.mapping(&stream.connection, &stream.stream);
            found.map(|mapping| mapping.fields.clone()).unwrap_or_default()
        };
        let was = own(before, &mapping.stream);
        let is_other = |pair: &&FieldMapping| {
            let carried = carried(pair);
            let feeds = |rules| -> Vec<FieldMapping> {
                let says = own(rules, &made_of.stream).into_iter();
                says.filter(|says| carried.contains(&says.to)).collect()
            };
            !was.contains(pair) || feeds(before) != feeds(after)
        };
        let written = mapping.fields.iter().filter(|pair| pair.direction.writes());
        let others: Vec<&FieldMapping> = written.filter(is_other).collect();
        if others.is_empty() {
            continue;
        }
        let mut stream = Stream::of(mapping);
        while let Some(records) = stream.records(&*workspace.store).await? {
            for mut record in records.into_iter().filter(|record| record.made_of().is_some()) {
                for pair in &others {
                    if let Some(state) = record.fields.get_mut(&pair.field) {
                        state.sent = Stamp(0);
                    }
                }
                let records = vec![record];
                slices.push(WriteSet { records, ..WriteSet::default() }).await?;
            }
        }
    }
    slices.flush().await
}

/// What the clock did to objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Expired {
    /// Objects whose time was over.
    pub erased: u64,
    /// The next instant at which the time of one is over.
    pub next: Option<Timestamp>,
}

/// Lets objects go whose time is over at `until`: the rows of a source that may
/// be kept so long, and those that lead to nobody who is known by name. Unless a
/// row changes it is not taken again. Call it under [`Workspace::decide`].
///
/// # Errors
/// When the store cannot be read or written; the next call goes on.
pub(crate) async fn expire(workspace: &Workspace, until: Timestamp) -> Result<Expired, Error> {
    let (store, rules) = (&*workspace.store, &workspace.rules);
    let mut expired = Expired::default();
    for mapping in rules.mappings.iter().filter(|mapping| mapping.kind.is_object()) {
        if rules.source(&mapping.stream.connection).is_none() {
            continue;
        }
        let mut stream = Stream::of(mapping);
        while let Some(records) = stream.records(store).await? {
            let nameless = nameless(workspace, &records).await?;
            let mut over = Vec::new();
            for record in &records {
                // Of a record that no run is known of nobody knows how old it is.
                let since = run::started_of(&record.run).unwrap_or(until);
                let anonymous = nameless.contains(&record.number);
                match retention::expiry(Held { record, since }, anonymous, rules) {
                    Some(expiry) if expiry.at <= until => over.push(record),
                    Some(expiry) => {
                        expired.next = Some(expired.next.map_or(expiry.at, |at| at.min(expiry.at)));
                    }
                    None => {}
                }
            }
            if over.is_empty() {
                continue;
            }
            expired.erased += over.len() as u64;
            let tombstones = &workspace.tombstones;
            let live = over.iter().filter(|record| record.is_live());
            let news: Vec<Tombstone> =
                live.map(|record| tombstones.key.content(&record.at, &record.raw)).collect();
            let positions = tombstones.keep(store, &news).await?;
            let erased = over.iter().map(|record| (record.number, record.at.clone())).collect();
            workspace.commit(WriteSet { erased, positions, ..WriteSet::default() }).await?;
            tombstones.remember(&news);
        }
    }
    Ok(expired)
}

/// The records that relate to somebody, and to nobody who is known by name.
async fn nameless(workspace: &Workspace, records: &[Record]) -> Result<BTreeSet<RecordNo>, Error> {
    let identities = |record: &'_ Record| -> Vec<Identity> {
        let ends = record.relations.iter().map(|relation| &relation.to);
        let named = ends.filter_map(|to| match to {
            Related::Identity(identity) => Some(identity.clone()),
            Related::Row(_) => None,
        });
        named.collect()
    };
    let asked: BTreeSet<Identity> = records.iter().flat_map(identities).collect();
    let asked: Vec<Identity> = asked.into_iter().collect();
    let claims = workspace.store.claims(&asked).await?;
    let ids: BTreeSet<ProfileId> = claims.iter().flat_map(|c| c.profiles.iter().copied()).collect();
    let ids: Vec<ProfileId> = ids.into_iter().collect();
    let profiles = workspace.store.profiles(&ids).await?;
    let named: BTreeSet<ProfileId> = profiles
        .into_iter()
        .flatten()
        .filter(|profile| !retention::is_anonymous(&profile.identities, &workspace.rules))
        .map(|profile| profile.id)
        .collect();
    let known: BTreeSet<Identity> = asked
        .into_iter()
        .zip(claims)
        .filter(|(_, claim)| claim.profiles.iter().any(|id| named.contains(id)))
        .map(|(identity, _)| identity)
        .collect();
    let nameless = records.iter().filter(|record| {
        let ends = identities(record);
        !ends.is_empty() && ends.iter().all(|identity| !known.contains(identity))
    });
    Ok(nameless.map(|record| record.number).collect())
}
