//! Erasing a person: a durable job from the request to the certificate.
//!
//! The request is kept first, with tombstones: from then on nothing of the person
//! is taken in again. Then everything that is kept of him leaves, and whoever
//! hung together with him is derived anew; rows of others that relate to him lose
//! what names him. From that moment he is gone as far as anybody who asks can see. What the hub brought to other systems is taken back
//! there, each with a receipt, by the next run of each sync. The files hold what
//! was there before until they are compacted; that moment is kept as well.
//!
//! Until the destinations have been told, the job knows the keys of their rows, and
//! what members of audiences are known by. When they have, it knows counts and
//! moments, and the files are compacted a last time.

mod job;
mod leave;
mod tell;
mod unlink;

pub use job::{Action, Erasure, Phase, Receipt, Told};
pub(crate) use tell::tell;

use std::collections::BTreeSet;

use hub_core::sync::{self, Due, member};
use hub_core::{event, privacy};
use hub_model::{Identity, Mapping, Profile, ProfileId, Record, SyncId, Value};
use hub_store::upkeep::Upkeep;
use hub_store::{Error, Store, WriteSet};

use crate::delivery::is_under_way;
use crate::workspace::Workspace;
use job::{Removal, Telling};

/// Why nobody was erased.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EraseRefused {
    /// Nobody has the identity.
    #[error("nobody has this identity")]
    Nobody,
    /// Several profiles have it: it is not certain who is meant.
    #[error("{profiles} people have this identity")]
    Several {
        /// How many.
        profiles: usize,
    },
    /// A write about the person has no known outcome yet: what it left there
    /// could not be taken back.
    #[error("a write about this person is under way")]
    UnderWay,
    /// The store cannot do it.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Keeps the request; nothing of the person is taken in from then on.
pub(crate) async fn begin(
    workspace: &Workspace,
    identity: &Identity,
) -> Result<Erasure, EraseRefused> {
    let _guard = workspace.decide().await;
    let store = &*workspace.store;
    let found = workspace.profiles_of(identity).await?;
    let profile = match found.as_slice() {
        [] => return Err(EraseRefused::Nobody),
        [one] => one,
        several => return Err(EraseRefused::Several { profiles: several.len() }),
    };
    if is_under_way(&*workspace.store, &workspace.rules, profile.id).await? {
        return Err(EraseRefused::UnderWay);
    }
    let records: Vec<Record> =
        store.records(&profile.records).await?.into_iter().flatten().collect();
    let tombstones =
        privacy::tombstones(profile, &records, &workspace.rules, &workspace.tombstones.key);
    let ends = unlink::ends(store, profile, &records, &workspace.rules).await?;
    let objects = unlink::objects(store, &ends).await?;
    let telling = Telling {
        records: records.iter().map(|record| (record.number, record.at.clone())).collect(),
        profile: Some(profile.id),
        identities: event::reach(&profile.identities, &workspace.rules),
        texts: texts(profile, &records, &workspace.rules.mappings).into_iter().collect(),
        removals: removals(&records, &workspace.rules.mappings),
        ends,
    };
    let (erasure, mut positions) =
        job::create(store, workspace.env.now(), (records.len(), objects), telling).await?;
    positions.extend(workspace.tombstones.keep(store, &tombstones).await?);
    store.commit(WriteSet { positions, ..WriteSet::default() }).await?;
    workspace.tombstones.remember(&tombstones);
    Ok(erasure)
}

/// The person's values as texts, by which rows that name him otherwise are known:
/// those that name him, in every form that was received.
fn texts(profile: &Profile, records: &[Record], mappings: &[Mapping]) -> BTreeSet<String> {
    const CHARS_MIN: usize = 5;
    let claimed = profile.identities.iter().map(|claimed| claimed.identity.value.to_string());
    let facts = records.iter().flat_map(|record| &record.identities);
    let told = facts.filter_map(|fact| Some(fact.identity.as_ref()?.value.to_string()));
    let received = records.iter().flat_map(|record| {
        let stream = &record.at.stream;
        let mapping = mappings.iter().find(|mapping| mapping.stream == *stream);
        let naming = mapping.into_iter().flat_map(|m| &m.fields).filter(|p| p.identity.is_some());
        naming.filter_map(|pair| match record.raw.get(pair.field.as_str())? {
            Value::Text(text) => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    });
    let all = claimed.chain(told).chain(received).map(|text| text.to_lowercase());
    // Shorter ones are in everybody's rows.
    all.filter(|text| text.chars().count() >= CHARS_MIN).collect()
}

/// What the destinations have to be told.
fn removals(records: &[Record], mappings: &[Mapping]) -> Vec<Removal> {
    let mut removals = Vec::new();
    for record in records {
        let mapping = mappings.iter().find(|m| m.stream == record.at.stream && m.writes());
        let Some(mapping) = mapping else { continue };
        for due in sync::take_back(record, mapping) {
            let fields = match due {
                Due::Remove { .. } => None,
                Due::Update { fields, .. } => {
                    Some(fields.into_iter().map(|(field, (value, _))| (field, value)).collect())
                }
                Due::MarkSent { .. } | Due::Create { .. } | Due::Refused { .. } => continue,
            };
            let version = record.version.clone();
            let mut removal = Removal::new(mapping, record.at.key.clone(), version, fields);
            if mapping.audience {
                // Nobody there knows the key: the values say who is meant.
                removal.fields = member::values(&record.raw).collect();
            }
            removals.push(removal);
        }
    }
    removals
}

/// Goes on with every erasure that is not done.
///
/// # Errors
/// When the store cannot be read or written; the next call goes on.
pub(crate) async fn work(workspace: &Workspace, upkeep: Option<&dyn Upkeep>) -> Result<(), Error> {
    let store = &*workspace.store;
    for id in job::open(store).await? {
        if let Some(erasure) = job::read(store, id).await?
            && erasure.phase == Phase::Leaving
        {
            leave::leave(workspace, erasure).await?;
        }
    }
    let Some(upkeep) = upkeep else { return Ok(()) };
    let mut waiting = Vec::new();
    for id in job::open(store).await? {
        waiting.extend(job::read(store, id).await?.filter(Erasure::needs_compaction));
    }
    if waiting.is_empty() {
        return Ok(());
    }
    // What left before this moment is not in the files that it makes.
    upkeep.compact(Box::new(|_| Ok(()))).await?;
    for erasure in waiting {
        job::compacted(store, erasure.id, &erasure, workspace.env.now()).await?;
    }
    Ok(())
}

/// Those who are to be erased and have not left yet. Nothing of them goes anywhere:
/// the removals that were kept with the request would not know of it.
pub(crate) async fn leaving(store: &dyn Store) -> Result<BTreeSet<ProfileId>, Error> {
    let mut leaving = BTreeSet::new();
    for id in job::open(store).await? {
        let erasure = job::read(store, id).await?.filter(|it| it.phase == Phase::Leaving);
        leaving.extend(erasure.and_then(|erasure| erasure.telling.profile));
    }
    Ok(leaving)
}

/// The certificate of an erasure.
///
/// # Errors
/// When the store cannot be read.
pub async fn find(workspace: &Workspace, id: u64) -> Result<Option<Erasure>, Error> {
    job::read(&*workspace.store, id).await
}

/// Whether a sync has something to take back.
pub(crate) fn is_about(erasure: &Erasure, sync: &SyncId) -> bool {
    erasure.receipts().any(|receipt| receipt.sync == *sync && receipt.told == Told::Queued)
}
