//! What was asked for and may be there without being found: a search lags behind a
//! create, and whose create had no answer knows no more of it than the search. So
//! nobody else's row is created by the same value until that is settled.

use std::collections::{HashMap, HashSet};

use hub_model::{Fault, FaultCode, FieldName, Mapping, Pending, Profile, ProfileId, Value};

use super::plan::Work;

/// Creates without an answer.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// By the values that would find their rows.
    by: HashMap<(FieldName, Value), ProfileId>,
    /// For whom.
    profiles: HashSet<ProfileId>,
}

impl Asked {
    /// Notes creates that have no answer.
    pub fn note<'a>(&mut self, mapping: &Mapping, open: impl IntoIterator<Item = &'a Pending>) {
        for open in open {
            self.profiles.insert(open.key.profile);
            for field in &mapping.matching {
                if let Some((value, _)) = open.attempt.fields.get(field) {
                    let found_by = (field.clone(), value.clone());
                    self.by.entry(found_by).or_insert(open.key.profile);
                }
            }
        }
    }

    /// Whether a row was asked for on behalf of a profile, or of one that is part of it
    /// now: whose founding record is.
    pub(super) fn is_for(&self, profile: &Profile) -> bool {
        profile.records.iter().any(|number| self.profiles.contains(&ProfileId(number.0)))
    }

    /// Why a create has to wait, if a row by one of its values was asked for on
    /// behalf of another profile.
    pub(super) fn for_another(&self, work: &Work) -> Option<Fault> {
        let profile = work.key.profile;
        let mut asked = work.matching.iter().filter_map(|found_by| self.by.get(found_by));
        let other = asked.find(|other| **other != profile)?;
        let fault = Fault::new(FaultCode::Conflict).at(work.key.sync.to_string());
        Some(fault.with("profile", profile).with("asked_for", other))
    }
}
