//! From changed records to changed profiles: loads what the decision depends
//! on, asks the core, and fills the write set with what it concluded.
//!
//! Call it under [`crate::workspace::Workspace::decide`], and commit the set
//! before letting go.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::identity::{Needs, Resolution, Review, Separations, World};
use hub_core::sync::Seen;
use hub_model::{
    Change, ChangeKind, CommitSeq, IdentityFact, Profile, ProfileId, Record, RecordNo,
};
use hub_store::{Error, WriteSet};

use crate::workspace::Workspace;

/// A record that is to be kept, and what the world has to hear about it.
pub(crate) enum Changed {
    /// A row was read.
    Seen(Box<Seen>),
    /// Its row is gone.
    Deleted(Record),
    /// The hub created it.
    Created(Record),
    /// Only what it shows or was told has changed.
    States(Record),
}

impl Changed {
    /// The record as it is now.
    pub fn record(&self) -> &Record {
        match self {
            Self::Seen(seen) => &seen.record,
            Self::Deleted(record) | Self::Created(record) | Self::States(record) => record,
        }
    }
}

/// Adds the changed records and everything that follows from them to the set.
///
/// # Errors
/// When the store cannot answer, or lacks a row that another one speaks of.
pub(crate) async fn conclude(
    workspace: &Workspace,
    changed: Vec<Changed>,
    set: &mut WriteSet,
) -> Result<(), Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let separations = Separations::new(&workspace.store.decisions().await?);
    let mut world = World::new(&workspace.rules, &separations);
    let before = load(workspace, &mut world, &changed).await?;
    let stirred = stirred(&changed);
    let resolution = resolve(world, changed).map_err(|error| {
        Error::Corrupt(format!("resolution lacks what the store should have: {error}"))
    })?;
    fill(set, resolution, &before);
    let told: BTreeSet<ProfileId> = set.changes.iter().map(|change| change.profile).collect();
    let entry = |profile| Change { seq: CommitSeq(0), profile, kind: ChangeKind::Updated };
    set.changes.extend(stirred.difference(&told).copied().map(entry));
    Ok(())
}

/// The profiles of known records that said something new, are there again, or are
/// gone. Where another system's word stands, nothing of the profile changes with
/// that; but the row shows what it should not, or should not be there, and deliveries
/// have to look. An object is part of no profile: it stands in the log under its own
/// number, for those who make others of it, or refer to it.
fn stirred(changed: &[Changed]) -> BTreeSet<ProfileId> {
    let moved = changed.iter().filter_map(|change| {
        let record = change.record();
        let is_object = record.is_object();
        let is_news = match change {
            Changed::Seen(seen) => seen.is_changed() || (seen.is_new && is_object),
            Changed::Deleted(_) => true,
            Changed::Created(_) => is_object,
            Changed::States(_) => false,
        };
        is_news.then(|| if is_object { record.number.into() } else { record.profile })
    });
    moved.collect()
}

fn resolve(
    mut world: World<'_>,
    changed: Vec<Changed>,
) -> Result<Resolution, hub_core::identity::NotLoaded> {
    for change in changed {
        match change {
            Changed::Seen(seen) => world.apply(*seen)?,
            Changed::Deleted(record) | Changed::States(record) => world.revise(record)?,
            Changed::Created(record) => world.found(record)?,
        }
    }
    world.finish()
}

/// Loads until the world lacks nothing; returns the profiles as stored.
async fn load(
    workspace: &Workspace,
    world: &mut World<'_>,
    changed: &[Changed],
) -> Result<BTreeMap<ProfileId, Profile>, Error> {
    let numbers: BTreeSet<RecordNo> = changed.iter().map(|change| change.record().number).collect();
    let numbers: Vec<_> = numbers.into_iter().collect();
    for record in workspace.store.records(&numbers).await?.into_iter().flatten() {
        world.load_record(record);
    }
    let mut before = BTreeMap::new();
    let mut last = Needs::default();
    loop {
        let mut needs = world.needs(facts(changed));
        // Whom a record was made for may be erased since, and it be somebody else's.
        let born = changed.iter().filter(|change| matches!(change, Changed::Created(_)));
        needs.records.extend(born.filter_map(|change| world.needs_of_birth(change.record())));
        if needs.is_empty() {
            return Ok(before);
        }
        if needs == last {
            return Err(Error::Corrupt(
                "a record, profile or claim is missing that another row names".to_owned(),
            ));
        }
        fetch(workspace, world, &needs, &mut before).await?;
        last = needs;
    }
}

fn facts(changed: &[Changed]) -> impl Iterator<Item = &IdentityFact> {
    changed.iter().flat_map(|change| match change {
        Changed::Seen(seen) => seen.facts.as_slice(),
        _ => &[],
    })
}

async fn fetch(
    workspace: &Workspace,
    world: &mut World<'_>,
    needs: &Needs,
    before: &mut BTreeMap<ProfileId, Profile>,
) -> Result<(), Error> {
    let numbers: Vec<_> = needs.records.iter().copied().collect();
    for record in workspace.store.records(&numbers).await?.into_iter().flatten() {
        world.load_record(record);
    }
    let ids: Vec<_> = needs.profiles.iter().copied().collect();
    for profile in workspace.store.profiles(&ids).await?.into_iter().flatten() {
        world.load_profile(&profile);
        before.insert(profile.id, profile);
    }
    let identities: Vec<_> = needs.claims.iter().cloned().collect();
    let claims = workspace.store.claims(&identities).await?;
    for (identity, claim) in identities.into_iter().zip(claims) {
        world.load_claim(identity, claim);
    }
    Ok(())
}

fn fill(set: &mut WriteSet, resolution: Resolution, before: &BTreeMap<ProfileId, Profile>) {
    let change = |profile, kind| Change { seq: CommitSeq(0), profile, kind };
    set.records.extend(resolution.records);
    for profile in resolution.profiles {
        if before.get(&profile.id) == Some(&profile) {
            continue;
        }
        let founded = resolution.founded.contains(&profile.id);
        let kind = if founded { ChangeKind::Created } else { ChangeKind::Updated };
        set.changes.push(change(profile.id, kind));
        set.profiles.push(profile);
    }
    for (absorbed, surviving) in resolution.joins {
        set.changes.push(change(absorbed, ChangeKind::Merged));
        set.aliases.push((absorbed, surviving));
    }
    set.claims.extend(resolution.claims);
    set.reviews.extend(resolution.reviews.into_iter().map(kept));
}

fn kept(review: Review) -> hub_store::Review {
    hub_store::Review {
        identity: review.identity,
        left: review.left,
        right: review.right,
        reason: review.reason.as_str().to_owned(),
    }
}
