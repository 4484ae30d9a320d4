//! The sweep: what the clock alone brings about.
//!
//! Consents expire and the time of records is over without anybody writing
//! anything. So the hub looks at everybody now and then: at the latest after
//! [`SWEEP_SECONDS_MAX`], and sooner when it knows of an instant that comes
//! sooner. What must not be kept is emptied, everybody it hung together with is
//! derived anew ([`crate::reform`]), and what the destinations must lose is queued
//! as a delivery like any other. Nothing depends on the sweep being in time: a
//! write asks for the consent of its own instant.
//!
//! The place is kept with every step, so a crash goes on where it was; a step
//! that is repeated finds what it did.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::retention::{self, Held};
use hub_core::sync::{self, Due, Moment};
use hub_core::{consent, privacy};
use hub_model::{
    Attempt, Change, ChangeKind, CommitSeq, Origin, Pending, PendingKey, PendingState,
    PositionName, Profile, ProfileId, Record, RecordNo, RunId, Timestamp,
};
use hub_store::{Error, PositionChange, WriteSet};
use serde::{Deserialize, Serialize};

use crate::delivery::is_under_way;
use crate::events;
use crate::horizon;
use crate::objects;
use crate::permission::Permission;
use crate::reform::{Fate, reform};
use crate::run;
use crate::slices::Slices;
use crate::workspace::Workspace;

/// Longest time between two looks at everybody.
pub const SWEEP_SECONDS_MAX: i64 = 6 * 3600;
/// Profiles per step.
const STEP_PROFILES: usize = 200;

/// How far the sweep is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// Consents that expired until then have been acted on.
    done: Timestamp,
    /// The instant of the sweep under way.
    until: Option<Timestamp>,
    /// The last profile that it has looked at.
    after: Option<ProfileId>,
    /// When the next one is due, as far as is known.
    next: Timestamp,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Records whose time was over.
    pub emptied: u64,
    /// Records of which nothing was left to keep.
    pub erased: u64,
    /// Profiles of which a consent expired.
    pub expired: u64,
    /// Deliveries that were queued because of it.
    pub queued: u64,
    /// Events whose time was over.
    pub events: u64,
}

/// Sweeps if it is time, to its end.
///
/// # Errors
/// When the store cannot be read or written; the next call goes on.
pub(crate) async fn sweep(workspace: &Workspace) -> Result<Swept, Error> {
    horizon::follow(workspace).await?;
    let mut swept = Swept { events: events::sweep(workspace).await?, ..Swept::default() };
    let rules = &workspace.rules;
    let keeps = rules.sources.iter().any(|s| s.keep.is_some() || s.keep_anonymous.is_some());
    let expires = rules.purposes.iter().any(|purpose| purpose.expires.is_some());
    if !keeps && !expires {
        return Ok(swept);
    }
    // Each further one is about what the one before has split off or emptied.
    while once(workspace, &mut swept).await? {}
    if swept != Swept::default() {
        tracing::info!(?swept, "what the time is over of was removed");
    }
    Ok(swept)
}

/// One look at everybody; whether another one is due at once.
async fn once(workspace: &Workspace, swept: &mut Swept) -> Result<bool, Error> {
    let name = PositionName::new("sweep");
    let now = workspace.env.now();
    let mut kept = workspace.store.position(&name).await?;
    let known = kept.as_deref().and_then(|bytes| serde_json::from_slice::<Place>(bytes).ok());
    // Before the first sweep nothing was acted on.
    let start = Timestamp(i64::MIN);
    let mut place = known.unwrap_or(Place { done: start, until: None, after: None, next: start });
    if place.until.is_none() && now < place.next {
        return Ok(false);
    }
    if place.until.is_none() {
        let next = now.plus_seconds(SWEEP_SECONDS_MAX);
        place = Place { until: Some(now), after: None, next, ..place };
    }
    let until = place.until.unwrap_or(now);
    let mut again = false;
    loop {
        let _guard = workspace.decide().await;
        let profiles = workspace.store.scan_profiles(place.after, STEP_PROFILES).await?;
        let at_end = profiles.is_empty();
        place.after = profiles.last().map(|profile| profile.id).or(place.after);
        let mut step = Step::of(workspace, profiles, (place.done, until)).await?;
        again |= !step.fates.is_empty();
        place.next = step.next.map_or(place.next, |next| next.min(place.next));
        step.act(workspace, until, swept).await?;
        if at_end {
            let expired = objects::expire(workspace, until).await?;
            swept.erased += expired.erased;
            place.next = expired.next.map_or(place.next, |next| next.min(place.next));
            place = Place { done: until, until: None, after: None, next: place.next };
            if again {
                place.next = until;
            }
        }
        let new = serde_json::to_vec(&place).ok();
        let expected = std::mem::replace(&mut kept, new.clone());
        let positions = vec![PositionChange { name: name.clone(), expected, new }];
        workspace.commit(WriteSet { positions, ..WriteSet::default() }).await?;
        if at_end {
            return Ok(again);
        }
    }
}

/// What has to be done about some profiles.
#[derive(Default)]
struct Step {
    fates: BTreeMap<RecordNo, Fate>,
    /// Profiles of which a consent expired.
    expired: BTreeSet<ProfileId>,
    /// The next instant at which something of them is due.
    next: Option<Timestamp>,
    records: BTreeMap<RecordNo, Record>,
}

impl Step {
    async fn of(
        workspace: &Workspace,
        profiles: Vec<Profile>,
        (done, until): (Timestamp, Timestamp),
    ) -> Result<Self, Error> {
        let mut step = Self::default();
        let numbers: Vec<RecordNo> =
            profiles.iter().flat_map(|profile| profile.records.iter().copied()).collect();
        let records = workspace.store.records(&numbers).await?.into_iter().flatten();
        step.records = records.map(|record| (record.number, record)).collect();
        for profile in profiles {
            let members: Vec<&Record> =
                profile.records.iter().filter_map(|number| step.records.get(number)).collect();
            let held: Vec<Held<'_>> = members
                .iter()
                // Of a record that no run is known of nobody knows how old it is.
                .map(|record| Held { record, since: since(record).unwrap_or(until) })
                .collect();
            let rules = &workspace.rules;
            let over = retention::due(until, &held, &profile.identities, rules);
            let left = is_left(&members);
            if (!over.is_empty() || left)
                && is_under_way(&*workspace.store, rules, profile.id).await?
            {
                // Its outcome decides what there is to take back: soon.
                step.sooner(until);
                continue;
            }
            step.fates.extend(over.iter().map(|expiry| (expiry.record, Fate::Emptied)));
            if left {
                step.fates.extend(members.iter().map(|record| (record.number, Fate::Erased)));
            }
            if consent::expired_between(&profile.consents, done, until).next().is_some() {
                step.expired.insert(profile.id);
            }
            let next = [
                retention::next(until, &held, &profile.identities, rules),
                consent::next_expiry(&profile.consents, until),
            ];
            next.into_iter().flatten().for_each(|next| step.sooner(next));
        }
        Ok(step)
    }

    fn sooner(&mut self, at: Timestamp) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    async fn act(
        &mut self,
        workspace: &Workspace,
        until: Timestamp,
        swept: &mut Swept,
    ) -> Result<(), Error> {
        let mut changed = self.expired.clone();
        swept.expired += self.expired.len() as u64;
        if !self.fates.is_empty() {
            self.shut_out(workspace).await?;
            let run = RunId::new(format!("{:016}-sweep", until.0));
            changed.extend(reform(workspace, &self.fates, &run).await?);
            for fate in self.fates.values() {
                match fate {
                    Fate::Emptied => swept.emptied += 1,
                    Fate::Erased => swept.erased += 1,
                }
            }
        }
        swept.queued += queue(workspace, &changed).await?;
        Ok(())
    }

    /// The system may go on showing a row whose time is over: unless it changes,
    /// it is not taken again.
    async fn shut_out(&self, workspace: &Workspace) -> Result<(), Error> {
        let tombstones = &workspace.tombstones;
        let emptied = self.fates.iter().filter(|(_, fate)| **fate == Fate::Emptied);
        let records = emptied.filter_map(|(number, _)| self.records.get(number));
        let news: Vec<privacy::Tombstone> =
            records.map(|record| tombstones.key.content(&record.at, &record.raw)).collect();
        let positions = tombstones.keep(&*workspace.store, &news).await?;
        workspace.commit(WriteSet { positions, ..WriteSet::default() }).await?;
        tombstones.remember(&news);
        Ok(())
    }
}

/// Since when a record is as it is: since the run started that last changed it.
fn since(record: &Record) -> Option<Timestamp> {
    run::started_of(&record.run)
}

/// Whether nothing of a profile is left to keep: the time of what it was made of
/// is over, and what the hub had created for it is gone.
fn is_left(members: &[&Record]) -> bool {
    let silent = |record: &&Record| !record.is_live() && !record.asserts_anything();
    members.iter().any(|record| sync::is_emptied(record))
        && members.iter().all(|record| {
            silent(record) && (sync::is_emptied(record) || record.origin != Origin::Received)
        })
}

/// Queues what destinations are owed about profiles: rows that go, values that
/// are no more. New rows are left to the follower of the log.
async fn queue(workspace: &Workspace, ids: &BTreeSet<ProfileId>) -> Result<u64, Error> {
    let store = &*workspace.store;
    let now = workspace.env.now();
    let head = workspace.head().await?;
    let mut slices = Slices::new(workspace, None);
    let mut queued = 0;
    let ids: Vec<ProfileId> = ids.iter().copied().collect();
    for profile in store.profiles(&ids).await?.into_iter().flatten() {
        let members: Vec<Record> =
            store.records(&profile.records).await?.into_iter().flatten().collect();
        let members: Vec<&Record> = members.iter().collect();
        let (kind, id) = (ChangeKind::Updated, profile.id);
        let changes = vec![Change { seq: CommitSeq(0), profile: id, kind }];
        slices.push(WriteSet { changes, ..WriteSet::default() }).await?;
        for mapping in workspace.rules.mappings.iter().filter(|mapping| mapping.writes()) {
            let permission =
                Permission::of_sync((workspace, mapping), None, std::iter::once(id)).await?;
            let permitted = permission.is_given(&profile, &members, now);
            // Whom a mirror should not show is found out when the sync delivers.
            let moment = Moment { permitted, all_read: false };
            for due in sync::owed(&profile, &members, mapping, &moment) {
                let (record, fields) = match due {
                    Due::Update { record, fields } => (record, fields),
                    Due::Remove { record, .. } => (record, BTreeMap::new()),
                    // What has no form there is refused when the sync delivers.
                    Due::Create { .. } | Due::MarkSent { .. } | Due::Refused { .. } => continue,
                };
                let key =
                    PendingKey { sync: mapping.sync.clone(), profile: id, record: Some(record) };
                let idempotency_key =
                    sync::idempotency_key(&key.sync, key.profile, key.record, &fields, head);
                let attempt = Attempt { fields, idempotency_key };
                let state = PendingState::Retry;
                let pending = vec![Pending {
                    key,
                    state,
                    attempt,
                    run: None,
                    tries: 0,
                    due: now,
                    fault: None,
                    word: None,
                }];
                slices.push(WriteSet { pending, ..WriteSet::default() }).await?;
                queued += 1;
            }
        }
    }
    slices.flush().await?;
    Ok(queued)
}
