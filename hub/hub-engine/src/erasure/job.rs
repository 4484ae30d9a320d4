//! The job as it is kept, and the certificate that it becomes.

use std::collections::BTreeMap;

use hub_model::{
    ConnectionId, Fault, FieldName, Identity, Mapping, PositionName, ProfileId, RecordNo,
    RecordRef, Related, RemoteKey, StreamName, SyncId, Timestamp, Value,
};
use hub_store::{Error, PositionChange, Store, WriteSet};
use serde::{Deserialize, Serialize};

/// Certificates kept; the oldest that are done go.
pub const ERASURES_KEPT_MAX: usize = 10_000;

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// What is kept of the person leaves.
    Leaving,
    /// He is gone; destinations are being told.
    Telling,
    /// Every destination was told; the files may hold what was there before.
    Told,
    /// The files were compacted since.
    Done,
}

/// What a destination is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// To delete a row that the hub had created.
    Delete,
    /// To show again what its system had said by itself, or nothing.
    Clear,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// The next run of the sync tells it.
    Queued,
    /// It did.
    Done,
    /// It refused: somebody has to do it there by hand.
    Refused,
}

/// The receipt of a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The sync that tells it.
    pub sync: SyncId,
    /// Where.
    pub connection: ConnectionId,
    /// Where there.
    pub stream: StreamName,
    /// What it is told.
    pub action: Action,
    /// What became of it.
    pub told: Told,
    /// Since when that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What it said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// A row that a destination is told about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Removal {
    pub receipt: Receipt,
    /// The row; forgotten once it was told.
    pub key: Option<RemoteKey>,
    pub version: Option<String>,
    /// What it is to show; nothing where it is deleted. Of a member of an audience,
    /// by what it is known there.
    pub fields: BTreeMap<FieldName, Value>,
    pub tries: u32,
    pub due: Timestamp,
}

impl Removal {
    /// To delete a row, or to have it show values.
    pub fn new(
        mapping: &Mapping,
        key: RemoteKey,
        version: Option<String>,
        fields: Option<BTreeMap<FieldName, Value>>,
    ) -> Self {
        let receipt = Receipt {
            sync: mapping.sync.clone(),
            connection: mapping.stream.connection.clone(),
            stream: mapping.stream.stream.clone(),
            action: if fields.is_some() { Action::Clear } else { Action::Delete },
            told: Told::Queued,
            at: None,
            fault: None,
        };
        let fields = fields.unwrap_or_default();
        Self { receipt, key: Some(key), version, fields, tries: 0, due: Timestamp(i64::MIN) }
    }
}

/// What has to be known until everybody was told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Telling {
    pub records: Vec<(RecordNo, RecordRef)>,
    pub profile: Option<ProfileId>,
    /// By which identities events are his.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<Identity>,
    /// By which texts rows of quarantine and places of reading are known.
    pub texts: Vec<String>,
    pub removals: Vec<Removal>,
    /// By what others relate to the person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<Related>,
}

/// An erasure: a job first, a certificate in the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Its number.
    pub id: u64,
    /// How far it is.
    pub phase: Phase,
    /// When it was asked for.
    pub requested: Timestamp,
    /// How many records were kept of the person.
    pub records: u64,
    /// How many objects related to him: each lost what names him, or left.
    #[serde(default)]
    pub objects: u64,
    /// When nothing of him was left that anybody could read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logically_gone: Option<Timestamp>,
    /// When the files were compacted after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compacted: Option<Timestamp>,
    /// When they were compacted after every destination was told: nothing is left,
    /// not even the keys of the rows there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub physically_gone: Option<Timestamp>,
    pub(crate) telling: Telling,
}

impl Erasure {
    /// What became of each row at each destination.
    pub fn receipts(&self) -> impl Iterator<Item = &Receipt> {
        self.telling.removals.iter().map(|removal| &removal.receipt)
    }

    /// Whether files hold something that compaction would take away.
    pub(super) fn needs_compaction(&self) -> bool {
        match self.phase {
            Phase::Leaving | Phase::Done => false,
            Phase::Telling => self.compacted.is_none(),
            Phase::Told => true,
        }
    }

    /// Forgets what is not needed once everybody was told.
    pub(super) fn settle(&mut self) {
        if self.phase == Phase::Telling && self.receipts().all(|r| r.told != Told::Queued) {
            self.phase = Phase::Told;
        }
    }
}

fn list() -> PositionName {
    PositionName::new("erasures")
}

fn name(id: u64) -> PositionName {
    PositionName::new(format!("erasure/{id:016}"))
}

/// All that are known: (number, whether it is done), oldest first.
async fn known(store: &dyn Store) -> Result<(Option<Vec<u8>>, Vec<(u64, bool)>), Error> {
    let kept = store.position(&list()).await?;
    let known = kept.as_deref().and_then(|bytes| serde_json::from_slice(bytes).ok());
    Ok((kept, known.unwrap_or_default()))
}

fn json(row: &impl Serialize) -> Result<Option<Vec<u8>>, Error> {
    serde_json::to_vec(row).map(Some).map_err(|error| Error::Refused(error.to_string()))
}

/// A new one, and the changes that keep it.
pub(super) async fn create(
    store: &dyn Store,
    requested: Timestamp,
    (records, objects): (usize, u64),
    telling: Telling,
) -> Result<(Erasure, Vec<PositionChange>), Error> {
    let (expected, mut all) = known(store).await?;
    let id = all.last().map_or(0, |(id, _)| *id) + 1;
    let erasure = Erasure {
        id,
        phase: Phase::Leaving,
        requested,
        records: records as u64,
        objects,
        logically_gone: None,
        compacted: None,
        physically_gone: None,
        telling,
    };
    all.push((id, false));
    let mut changes = Vec::new();
    if all.len() > ERASURES_KEPT_MAX
        && let Some(place) = all.iter().position(|(_, done)| *done)
    {
        let (old, _) = all.remove(place);
        let expected = store.position(&name(old)).await?;
        changes.push(PositionChange { name: name(old), expected, new: None });
    }
    changes.push(PositionChange { name: list(), expected, new: json(&all)? });
    changes.push(PositionChange { name: name(id), expected: None, new: json(&erasure)? });
    Ok((erasure, changes))
}

/// The numbers of those that are not done.
pub(super) async fn open(store: &dyn Store) -> Result<Vec<u64>, Error> {
    let (_, all) = known(store).await?;
    Ok(all.into_iter().filter(|(_, done)| !done).map(|(id, _)| id).collect())
}

/// One.
pub(super) async fn read(store: &dyn Store, id: u64) -> Result<Option<Erasure>, Error> {
    let Some(bytes) = store.position(&name(id)).await? else { return Ok(None) };
    let read = serde_json::from_slice(&bytes);
    // The message of the decoder may quote a value.
    read.map(Some).map_err(|_| Error::Corrupt(format!("erasure {id} cannot be read")))
}

/// The changes that keep it as it is now.
pub(super) async fn keep(
    store: &dyn Store,
    erasure: &Erasure,
) -> Result<Vec<PositionChange>, Error> {
    let expected = store.position(&name(erasure.id)).await?;
    let mut changes =
        vec![PositionChange { name: name(erasure.id), expected, new: json(erasure)? }];
    if erasure.phase == Phase::Done {
        let (expected, mut all) = known(store).await?;
        for (_, done) in all.iter_mut().filter(|(id, _)| *id == erasure.id) {
            *done = true;
        }
        changes.push(PositionChange { name: list(), expected, new: json(&all)? });
    }
    Ok(changes)
}

/// The files were compacted: of `then`, as it was before, nothing old is left.
pub(super) async fn compacted(
    store: &dyn Store,
    id: u64,
    then: &Erasure,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(mut erasure) = read(store, id).await? else { return Ok(()) };
    erasure.compacted = Some(now);
    if then.phase == Phase::Told && erasure.phase == Phase::Told {
        erasure.phase = Phase::Done;
        erasure.physically_gone = Some(now);
    }
    let positions = keep(store, &erasure).await?;
    store.commit(WriteSet { positions, ..WriteSet::default() }).await?;
    Ok(())
}
