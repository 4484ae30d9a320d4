//! Whom and what records relate to, asked from either end.
//!
//! A relation names an identity or a row. Who is at that end is looked up here,
//! in what people claim now: nothing of it is kept, so a merge or a separation
//! moves orders and employees without touching one.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{
    EntityKind, Identity, Profile, ProfileId, Record, RecordNo, RecordRef, Related, RoleName,
};
use hub_store::Error;

use crate::workspace::Workspace;

/// Most records that are looked at to count who relates to somebody.
pub const COUNTED_RECORDS_MAX: usize = 1_000;
/// Records read at once when one role is looked for.
const STEP_RECORDS: usize = 200;

/// Everything by which others relate to a profile: what it claims, and its rows.
///
/// # Errors
/// When the store cannot answer.
pub async fn ends(workspace: &Workspace, profile: &Profile) -> Result<Vec<Related>, Error> {
    let records = workspace.store.records(&profile.records).await?;
    let claimed = profile.identities.iter().map(|claimed| claimed.identity.clone());
    let rows = records.into_iter().flatten().map(|record| Related::Row(record.at));
    Ok(claimed.map(Related::Identity).chain(rows).collect())
}

/// A record that relates to what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// What the one asked for is to the record.
    pub role: RoleName,
    /// What the record describes.
    pub kind: EntityKind,
    /// The record.
    pub record: Record,
}

/// Some links, the newest records first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Links {
    /// Them.
    pub links: Vec<Link>,
    /// Go on with records below this one; `None` = there are no more.
    pub next: Option<RecordNo>,
}

/// The living records that relate to any of these ends, in one role or in all.
///
/// # Errors
/// When the store cannot answer.
pub async fn links(
    workspace: &Workspace,
    ends: &[Related],
    role: Option<&str>,
    below: Option<RecordNo>,
    limit: usize,
) -> Result<Links, Error> {
    let wanted: BTreeSet<&Related> = ends.iter().collect();
    let mut found = Links { links: Vec::new(), next: below };
    loop {
        let step = if role.is_some() { STEP_RECORDS } else { limit.clamp(1, STEP_RECORDS) };
        let records = workspace.store.related(ends, found.next, step).await?;
        if records.is_empty() {
            found.next = None;
            return Ok(found);
        }
        for record in records {
            if found.links.len() >= limit {
                return Ok(found);
            }
            found.next = Some(record.number);
            if !record.is_live() {
                continue;
            }
            let roles: BTreeSet<&RoleName> = record
                .relations
                .iter()
                .filter(|relation| wanted.contains(&relation.to))
                .map(|relation| &relation.role)
                .filter(|name| role.is_none_or(|role| role == &***name))
                .collect();
            let kind = kind(workspace, &record);
            let links = roles.into_iter().map(|role| Link {
                role: role.clone(),
                kind: kind.clone(),
                record: record.clone(),
            });
            found.links.extend(links);
        }
    }
}

/// How many records of a kind relate in a role, and the newest of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Count {
    /// The role.
    pub role: RoleName,
    /// The kind.
    pub kind: EntityKind,
    /// How many, of those that were looked at.
    pub records: usize,
    /// The newest.
    pub newest: Vec<Record>,
}

/// Counts by role and kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Counts {
    /// Them, in order.
    pub counts: Vec<Count>,
    /// Whether there are more records than [`COUNTED_RECORDS_MAX`].
    pub more: bool,
}

/// Who relates to any of these ends, counted.
///
/// # Errors
/// When the store cannot answer.
pub async fn counts(
    workspace: &Workspace,
    ends: &[Related],
    newest: usize,
) -> Result<Counts, Error> {
    let found = links(workspace, ends, None, None, COUNTED_RECORDS_MAX).await?;
    let mut counts: BTreeMap<(EntityKind, RoleName), Count> = BTreeMap::new();
    for Link { role, kind, record } in found.links {
        let key = (kind.clone(), role.clone());
        let none = || Count { role, kind, records: 0, newest: Vec::new() };
        let count = counts.entry(key).or_insert_with(none);
        count.records += 1;
        if count.newest.len() < newest {
            count.newest.push(record);
        }
    }
    Ok(Counts { counts: counts.into_values().collect(), more: found.next.is_some() })
}

/// The other end of a relation of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Other {
    /// What it is to the record.
    pub role: RoleName,
    /// What the record names.
    pub to: Related,
    /// The record that says so.
    pub by: RecordNo,
    /// Who that is now.
    pub profiles: Vec<ProfileId>,
    /// The object that it is, if it is known.
    pub object: Option<RecordRef>,
}

/// The other ends of what records say.
///
/// # Errors
/// When the store cannot answer.
pub async fn others(workspace: &Workspace, records: &[Record]) -> Result<Vec<Other>, Error> {
    let said = records.iter().filter(|record| record.is_live());
    let said: Vec<_> =
        said.flat_map(|r| r.relations.iter().map(|relation| (r.number, relation))).collect();
    let named = |to: &Related| match to {
        Related::Identity(identity) => Some(identity.clone()),
        Related::Row(_) => None,
    };
    let identities: BTreeSet<Identity> = said.iter().filter_map(|(_, r)| named(&r.to)).collect();
    let identities: Vec<Identity> = identities.into_iter().collect();
    let claims = workspace.store.claims(&identities).await?;
    let claims: BTreeMap<Identity, Vec<ProfileId>> =
        identities.into_iter().zip(claims.into_iter().map(|claim| claim.profiles)).collect();
    let mut others = Vec::new();
    for (by, relation) in said {
        let (mut profiles, mut object) = (Vec::new(), None);
        match &relation.to {
            Related::Identity(identity) => {
                profiles = claims.get(identity).cloned().unwrap_or_default();
            }
            Related::Row(at) => {
                let found = workspace.store.records_by_ref(std::slice::from_ref(at)).await?;
                match found.into_iter().flatten().next() {
                    Some(record) if record.is_object() => object = Some(record.at),
                    Some(record) => {
                        let found = workspace.store.profiles(&[record.profile]).await?;
                        profiles.extend(found.into_iter().flatten().map(|profile| profile.id));
                    }
                    None => {}
                }
            }
        }
        let (role, to) = (relation.role.clone(), relation.to.clone());
        others.push(Other { role, to, by, profiles, object });
    }
    Ok(others)
}

/// What a record describes.
fn kind(workspace: &Workspace, record: &Record) -> EntityKind {
    let stream = &record.at.stream;
    let mapping = workspace.rules.mapping(&stream.connection, &stream.stream);
    mapping.map(|mapping| mapping.kind.clone()).unwrap_or_else(|| {
        // A stream that no sync reads any more.
        if record.is_object() { EntityKind::object("object") } else { EntityKind::default() }
    })
}
