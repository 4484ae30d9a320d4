//! Writes that a destination rejected: the dead letters of delivery.
//!
//! They are the other half of quarantine. A row that a rule rejected on its way in
//! waits there under its key; a write that a system rejected on its way out waits as
//! what is pending about its profile, with the vendor's reason and the content. It
//! goes again by itself when the content changes, because the golden value or the
//! mapping did; and by hand, as it is, when somebody has mended the system instead.

use std::collections::BTreeMap;

use hub_model::{
    Fault, FieldName, Pending, PendingKey, ProfileId, RecordNo, RemoteKey, Run, RunId, SyncId,
    Timestamp, Trigger, Value, WriteKind,
};
use hub_store::{Error, Store};

use crate::engine::{Engine, RunRefused};
use crate::run::Task;

/// A write that a destination rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The sync that delivers, the profile, and the record; none for a create.
    pub of: PendingKey,
    /// The row; none for a create.
    pub key: Option<RemoteKey>,
    /// What was to be done.
    pub action: WriteKind,
    /// What was to be written.
    pub fields: BTreeMap<FieldName, Value>,
    /// Why not: the vendor's code, field and message.
    pub fault: Option<Fault>,
    /// How often it was tried.
    pub tries: u32,
}

/// Writes of syncs that were rejected, in order of sync, profile and record, after
/// one; so many.
///
/// # Errors
/// When the store cannot answer.
pub async fn list(
    store: &dyn Store,
    syncs: &[SyncId],
    after: Option<&PendingKey>,
    limit: usize,
) -> Result<Vec<Rejected>, Error> {
    let ever = Timestamp(i64::MAX);
    let mut found: Vec<Pending> = Vec::new();
    for sync in syncs {
        let waiting = store.pending(sync, ever, usize::MAX).await?;
        let later = |pending: &Pending| after.is_none_or(|after| pending.key > *after);
        found.extend(waiting.into_iter().filter(|it| it.is_refused() && later(it)));
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found.truncate(limit);
    told(store, found).await
}

/// What of a sync was rejected about one profile.
///
/// # Errors
/// When the store cannot answer.
pub async fn of_profile(
    store: &dyn Store,
    sync: &SyncId,
    profile: ProfileId,
) -> Result<Vec<Rejected>, Error> {
    let mut found = store.pending_of(sync, &[profile]).await?;
    found.retain(Pending::is_refused);
    told(store, found).await
}

async fn told(store: &dyn Store, found: Vec<Pending>) -> Result<Vec<Rejected>, Error> {
    let numbers: Vec<RecordNo> = found.iter().filter_map(|pending| pending.key.record).collect();
    let records = store.records(&numbers).await?.into_iter().flatten();
    let keys: BTreeMap<RecordNo, RemoteKey> =
        records.map(|record| (record.number, record.at.key)).collect();
    let tell = |pending: Pending| {
        let Pending { key: of, attempt, tries, fault, .. } = pending;
        let fields: BTreeMap<FieldName, Value> =
            attempt.fields.into_iter().map(|(field, (value, _))| (field, value)).collect();
        let action = match of.record {
            None => WriteKind::Create,
            Some(_) if fields.is_empty() => WriteKind::Delete,
            Some(_) => WriteKind::Update,
        };
        let key = of.record.and_then(|number| keys.get(&number).cloned());
        Rejected { of, key, action, fields, fault, tries }
    };
    Ok(found.into_iter().map(tell).collect())
}

impl Engine {
    /// Sends what a sync's destination rejected once more, in the background: all of
    /// it, or what is about one profile. Counts as a run of the sync; returns its id.
    ///
    /// # Errors
    /// [`RunRefused`] as for [`Engine::run_now`].
    pub fn resend_now(
        &self,
        sync: &SyncId,
        profile: Option<ProfileId>,
    ) -> Result<RunId, RunRefused> {
        self.start(sync, Task::Resend(profile))
    }

    /// The same, waiting for the end.
    ///
    /// # Errors
    /// [`RunRefused`] as for [`Engine::run_now`]. A run that fails is an answer.
    pub async fn resend_once(
        &self,
        sync: &SyncId,
        profile: Option<ProfileId>,
    ) -> Result<Run, RunRefused> {
        let begun = self.begin(sync, Task::Resend(profile))?;
        Ok(self.run(&begun, Trigger::Manual).await)
    }
}
