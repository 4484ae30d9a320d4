//! What bears on some people: found from the store by claims, and where claims
//! do not tell (values of two-way namespaces that were given up), by looking at
//! every record once more.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::identity::redecide::{Named, bearing, is_told_by_claims};
use hub_model::{Decision, Identity, Profile, ProfileId, Record, RecordNo};
use hub_store::Error;

use super::PeopleError;
use crate::everybody::Everybody;
use crate::workspace::Workspace;

/// Most records that are replayed at once for one decision.
pub(super) const TOGETHER_RECORDS_MAX: usize = 20_000;

/// Records that bear on each other and no other, with their profiles.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub records: BTreeMap<RecordNo, Record>,
    pub profiles: BTreeMap<ProfileId, Profile>,
}

impl Part {
    /// Where each record is.
    pub fn owners(&self) -> BTreeMap<RecordNo, ProfileId> {
        let profiles = self.profiles.values();
        profiles.flat_map(|p| p.records.iter().map(|number| (*number, p.id))).collect()
    }
}

/// Gathers everything that bears on some records. Call it under
/// [`Workspace::decide`].
pub(super) async fn gather(
    workspace: &Workspace,
    start: BTreeSet<RecordNo>,
    decisions: &[Decision],
) -> Result<Part, PeopleError> {
    let mut gathering = Gathering {
        workspace,
        named: Named::new(decisions),
        part: Part::default(),
        open: start,
        asked: BTreeSet::new(),
        untold: BTreeSet::new(),
    };
    loop {
        gathering.follow().await?;
        if gathering.untold.is_empty() {
            return Ok(gathering.part);
        }
        gathering.look_everywhere().await?;
    }
}

struct Gathering<'a> {
    workspace: &'a Workspace,
    named: Named<'a>,
    part: Part,
    /// Records to take in.
    open: BTreeSet<RecordNo>,
    /// Values whose claims were asked for.
    asked: BTreeSet<Identity>,
    /// Values that others may have said whom no claim names.
    untold: BTreeSet<Identity>,
}

impl Gathering<'_> {
    /// Follows profiles, claims and decisions to their end.
    async fn follow(&mut self) -> Result<(), PeopleError> {
        let store = &self.workspace.store;
        while !self.open.is_empty() {
            let known = &self.part.records;
            let numbers: Vec<RecordNo> = std::mem::take(&mut self.open)
                .into_iter()
                .filter(|n| !known.contains_key(n))
                .collect();
            let found = store.records(&numbers).await?;
            let mut ids = BTreeSet::new();
            let mut values = BTreeSet::new();
            for record in found.into_iter().flatten() {
                ids.insert(record.profile);
                self.open.extend(self.named.with(&record));
                for identity in bearing(&record, &self.workspace.rules) {
                    if self.asked.insert(identity.clone()) {
                        values.insert(identity.clone());
                    }
                }
                self.part.records.insert(record.number, record);
            }
            if self.part.records.len() > TOGETHER_RECORDS_MAX {
                return Err(PeopleError::TooManyTogether { records_max: TOGETHER_RECORDS_MAX });
            }
            let rules = &self.workspace.rules;
            self.untold.extend(values.iter().filter(|v| !is_told_by_claims(v, rules)).cloned());
            let values: Vec<Identity> = values.into_iter().collect();
            for claim in store.claims(&values).await? {
                ids.extend(claim.profiles);
            }
            ids.retain(|id| !self.part.profiles.contains_key(id));
            let ids: Vec<ProfileId> = ids.into_iter().collect();
            for (id, profile) in ids.iter().zip(store.profiles(&ids).await?) {
                let profile = profile.ok_or_else(|| missing(*id))?;
                self.open.extend(&profile.records);
                self.part.profiles.insert(profile.id, profile);
            }
            self.open.retain(|number| !self.part.records.contains_key(number));
        }
        Ok(())
    }

    /// Looks for everybody who ever said one of the untold values.
    async fn look_everywhere(&mut self) -> Result<(), Error> {
        let untold = std::mem::take(&mut self.untold);
        let said = |record: &Record| {
            let mut told = record.identities.iter().filter_map(|fact| fact.identity.as_ref());
            told.any(|identity| untold.contains(identity))
        };
        let mut everybody = Everybody::default();
        while let Some(records) = everybody.records(&*self.workspace.store).await? {
            let found = records.iter().filter(|record| said(record)).map(|record| record.number);
            self.open.extend(found.filter(|number| !self.part.records.contains_key(number)));
        }
        Ok(())
    }
}

fn missing(id: ProfileId) -> Error {
    Error::Corrupt(format!("profile {id} is missing that a record or claim names"))
}
