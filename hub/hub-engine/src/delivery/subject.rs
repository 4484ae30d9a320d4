//! What a due write is about: a profile, or an object of which others are made.
//!
//! Both are the same to everything that plans, writes and settles: golden values, and
//! the records that belong together. Of an object the golden values are what it says,
//! and the records are its own and those that were made of it. It stands under the
//! number of its record, which is no profile's.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::profile::of_object;
use hub_core::sync::{self, Due, Moment, is_met};
use hub_model::{
    Fault, FieldName, MadeOf, Mapping, Profile, ProfileId, Record, RecordNo, RecordRef, Related,
    Rules, Timestamp,
};
use hub_store::{Error, Store};

use super::reference;
use crate::permission::Permission;

/// Records read at once when those are looked for that relate to something.
const STEP_RECORDS: usize = 500;

/// A profile or an object, with everything that decides what is due.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// The golden values; of an object what it says, with the keys of its references.
    pub profile: Profile,
    /// The records that belong together.
    pub records: BTreeMap<RecordNo, Record>,
    /// The object, if it is one.
    pub source: Option<RecordRef>,
    /// Whose consents count for an object; nobody's where not all of them are known.
    whose: Option<Vec<Profile>>,
    /// Whether anything is due about it at all.
    is_met: bool,
    /// Why references have no key.
    missing: BTreeMap<FieldName, Fault>,
}

impl Subject {
    /// The records, in order.
    pub fn members(&self) -> Vec<&Record> {
        self.profile.records.iter().filter_map(|number| self.records.get(number)).collect()
    }

    /// Whether the destination may have anything of it: of an object, when everybody
    /// whose consents count for it lets it.
    pub fn is_permitted(&self, permission: &Permission<'_>, now: Timestamp) -> bool {
        let lets = |person: &Profile| permission.is_given(person, &[], now);
        match &self.whose {
            Some(people) => !people.is_empty() && people.iter().all(lets),
            None => permission.is_given(&self.profile, &self.members(), now),
        }
    }

    /// What the sync owes it. Of an object nothing is taken back by itself.
    pub fn owed(&self, mapping: &Mapping, moment: &Moment) -> Vec<Due> {
        match self.source {
            None => sync::owed(&self.profile, &self.members(), mapping, moment),
            Some(_) if !self.is_met || !moment.permitted => Vec::new(),
            Some(_) => sync::owed_of_object(&self.profile, &self.members(), mapping, &self.missing),
        }
    }

    /// Why a field has no key to refer by.
    pub fn missing(&self, field: &FieldName) -> Option<&Fault> {
        self.missing.get(field)
    }

    /// Whether it fulfils what is asked of it; people always do.
    pub fn is_met(&self) -> bool {
        self.is_met
    }
}

/// Those of some ids that are there, under the ids that they have now.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn load(
    store: &dyn Store,
    (rules, mapping): (&Rules, &Mapping),
    ids: &[ProfileId],
) -> Result<BTreeMap<ProfileId, Subject>, Error> {
    if let Some(made_of) = &mapping.made_of {
        return objects(store, (rules, mapping), made_of, ids).await;
    }
    let profiles: BTreeMap<ProfileId, Profile> =
        store.profiles(ids).await?.into_iter().flatten().map(|found| (found.id, found)).collect();
    let numbers: Vec<RecordNo> = profiles.values().flat_map(|p| &p.records).copied().collect();
    let found = store.records(&numbers).await?.into_iter().flatten();
    let mut records: BTreeMap<RecordNo, Record> = found.map(|r| (r.number, r)).collect();
    let subject = |(id, profile): (ProfileId, Profile)| {
        let own = profile.records.iter().filter_map(|number| records.remove_entry(number));
        let records = own.collect();
        let missing = BTreeMap::new();
        (id, Subject { profile, records, source: None, whose: None, is_met: true, missing })
    };
    Ok(profiles.into_iter().map(subject).collect())
}

/// One of them.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn one(
    store: &dyn Store,
    of: (&Rules, &Mapping),
    id: ProfileId,
) -> Result<Option<Subject>, Error> {
    Ok(load(store, of, &[id]).await?.into_values().next())
}

async fn objects(
    store: &dyn Store,
    (rules, mapping): (&Rules, &Mapping),
    made_of: &MadeOf,
    ids: &[ProfileId],
) -> Result<BTreeMap<ProfileId, Subject>, Error> {
    let numbers: Vec<RecordNo> = ids.iter().map(|id| RecordNo(id.0)).collect();
    let found = store.records(&numbers).await?.into_iter().flatten();
    let sources: Vec<Record> =
        found.filter(|it| it.is_object() && it.at.stream == made_of.stream).collect();
    let ends: Vec<Related> = sources.iter().map(|source| Related::Row(source.at.clone())).collect();
    let mut made: BTreeMap<RecordRef, Vec<Record>> = BTreeMap::new();
    for record in related(store, &ends).await? {
        if let Some(source) = record.made_of().filter(|_| record.at.stream == mapping.stream) {
            made.entry(source.clone()).or_default().push(record);
        }
    }
    let mut subjects = BTreeMap::new();
    for source in sources {
        let made = made.remove(&source.at).unwrap_or_default();
        let subject = object(store, (rules, mapping), made_of, (source, made)).await?;
        subjects.insert(subject.profile.id, subject);
    }
    Ok(subjects)
}

async fn object(
    store: &dyn Store,
    (rules, mapping): (&Rules, &Mapping),
    made_of: &MadeOf,
    (source, made): (Record, Vec<Record>),
) -> Result<Subject, Error> {
    let mut profile = of_object(&source, rules);
    profile.kind = mapping.kind.clone();
    profile.records.extend(made.iter().map(|record| record.number));
    profile.records.sort_unstable();
    let is_met = is_met(&source, &profile, made_of);
    let mut missing = BTreeMap::new();
    let row = made.iter().find(|record| record.is_live());
    for (pair, to) in mapping.references() {
        let ends = reference::ends(store, rules, (&source, made_of), to).await?;
        match sync::referred((pair, to), &ends, (&source, row)) {
            Ok(key) => {
                profile.traits.insert(pair.to.clone(), key);
            }
            Err(fault) => {
                missing.insert(pair.field.clone(), fault);
            }
        }
    }
    let whose = match &made_of.whose {
        Some(role) => Some(those(store, &source, role).await?),
        None => None,
    };
    let at = Some(source.at.clone());
    let records = made.into_iter().chain([source]).map(|record| (record.number, record)).collect();
    Ok(Subject { profile, records, source: at, whose, is_met, missing })
}

/// Those who are something to an object. Nobody if one of them is not known: his consents
/// are not known either.
async fn those(store: &dyn Store, source: &Record, role: &str) -> Result<Vec<Profile>, Error> {
    let mut people = Vec::new();
    for relation in source.relations.iter().filter(|it| *it.role == *role && !it.is_kept()) {
        let ids: Vec<ProfileId> = match &relation.to {
            Related::Identity(identity) => {
                let claims = store.claims(std::slice::from_ref(identity)).await?;
                claims.into_iter().flat_map(|claim| claim.profiles).collect()
            }
            Related::Row(at) => {
                let found = store.records_by_ref(std::slice::from_ref(at)).await?;
                let resolved = found.into_iter().flatten().filter(|record| !record.is_object());
                resolved.map(|record| record.profile).collect()
            }
        };
        let found: Vec<Profile> = store.profiles(&ids).await?.into_iter().flatten().collect();
        if found.is_empty() {
            return Ok(Vec::new());
        }
        people.extend(found);
    }
    Ok(people)
}

/// Every record that relates to any of these.
///
/// # Errors
/// When the store cannot answer.
pub(super) async fn related(store: &dyn Store, ends: &[Related]) -> Result<Vec<Record>, Error> {
    let (mut all, mut below) = (Vec::new(), None);
    while !ends.is_empty() {
        let found = store.related(ends, below, STEP_RECORDS).await?;
        let Some(last) = found.last() else { break };
        below = Some(last.number);
        all.extend(found);
    }
    Ok(all)
}

/// Whether an object says for sources whom they name.
fn stands_between(mapping: &Mapping, object: &Record) -> bool {
    let mut through = mapping.references().filter_map(|(_, reference)| reference.through.as_ref());
    through.any(|stream| *stream == object.at.stream)
}

/// Whom a sync has to look at because these have changed: themselves; and where
/// objects are made of others, the sources that changed, whose rows did, and those
/// that name whoever or whatever did.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn concerned(
    store: &dyn Store,
    mapping: &Mapping,
    changed: &[ProfileId],
) -> Result<Vec<ProfileId>, Error> {
    let Some(made_of) = &mapping.made_of else { return Ok(changed.to_vec()) };
    let mut concerned: BTreeSet<ProfileId> = BTreeSet::new();
    let mut ends: Vec<Related> = Vec::new();
    let mut between: Vec<Record> = Vec::new();
    let numbers: Vec<RecordNo> = changed.iter().map(|id| RecordNo(id.0)).collect();
    for object in store.records(&numbers).await?.into_iter().flatten().filter(Record::is_object) {
        if let Some(source) = object.made_of() {
            let found = store.records_by_ref(std::slice::from_ref(source)).await?;
            concerned.extend(found.into_iter().flatten().map(|it| ProfileId::from(it.number)));
            ends.push(Related::Row(source.clone()));
        }
        concerned.insert(object.number.into());
        ends.push(Related::Row(object.at.clone()));
        if stands_between(mapping, &object) {
            between.push(object);
        }
    }
    if mapping.references().next().is_some() || made_of.whose.is_some() {
        let profiles = store.profiles(changed).await?;
        for profile in profiles.into_iter().flatten() {
            let claimed = profile.identities.into_iter();
            ends.extend(claimed.map(|claimed| Related::Identity(claimed.identity)));
            let rows = store.records(&profile.records).await?.into_iter().flatten();
            ends.extend(rows.map(|record| Related::Row(record.at)));
        }
        let mut sources: Vec<RecordRef> = Vec::new();
        for naming in related(store, &ends).await?.into_iter().chain(between) {
            if naming.at.stream == made_of.stream {
                concerned.insert(naming.number.into());
            } else if stands_between(mapping, &naming) {
                // It says it for its sources.
                let named = naming.relations.into_iter().map(|relation| relation.to);
                sources.extend(named.filter_map(|to| match to {
                    Related::Row(at) if at.stream == made_of.stream => Some(at),
                    Related::Row(_) | Related::Identity(_) => None,
                }));
            }
        }
        let found = store.records_by_ref(&sources).await?.into_iter().flatten();
        concerned.extend(found.map(|source| ProfileId::from(source.number)));
    }
    let concerned: Vec<ProfileId> = concerned.into_iter().collect();
    let numbers: Vec<RecordNo> = concerned.iter().map(|id| RecordNo(id.0)).collect();
    let found = store.records(&numbers).await?.into_iter().flatten();
    let sources = found.filter(|record| record.at.stream == made_of.stream);
    Ok(sources.map(|source| source.number.into()).collect())
}
