//! What differs between two versions of a profile: field by field, before and
//! after, as somebody asks who wants to know who changed what.
//!
//! A trait is as it was while its value is; that another record now stands behind
//! the same value is no change of it.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{Consent, ConsentKey, Identity, Profile, RecordNo, Trait, TraitName};

/// One thing of a profile, before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<N, T> {
    /// Which.
    pub name: N,
    /// What it was; absent if it was not there.
    pub before: Option<T>,
    /// What it became; absent if it went.
    pub after: Option<T>,
}

/// What differs between two versions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// Traits of which the value differs, in order of name.
    pub traits: Vec<Change<TraitName, Trait>>,
    /// Consents of which the state differs, in order of key.
    pub consents: Vec<Change<ConsentKey, Consent>>,
    /// Identities that it claims since.
    pub identities_gained: Vec<Identity>,
    /// Identities that it claims no more.
    pub identities_lost: Vec<Identity>,
    /// Records that it is made of since.
    pub records_gained: Vec<RecordNo>,
    /// Records that it is made of no more.
    pub records_lost: Vec<RecordNo>,
}

impl Changes {
    /// Whether nothing differs that anybody looks at.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The same with one trait only, and nothing else.
    pub fn only(self, name: &TraitName) -> Self {
        let mut traits = self.traits;
        traits.retain(|change| change.name == *name);
        Self { traits, ..Self::default() }
    }
}

/// What differs from one version to the next; everything, for the first.
pub fn changes(before: Option<&Profile>, after: &Profile) -> Changes {
    let traits = |profile: &Profile| profile.traits.clone();
    let consents = |profile: &Profile| -> BTreeMap<ConsentKey, Consent> {
        profile.consents.iter().map(|consent| (consent.key.clone(), consent.clone())).collect()
    };
    let identities = |profile: &Profile| -> BTreeSet<Identity> {
        profile.identities.iter().map(|claimed| claimed.identity.clone()).collect()
    };
    let records = |profile: &Profile| profile.records.iter().copied().collect();
    let (identities_gained, identities_lost) = moved(&before.map(identities), &identities(after));
    let (records_gained, records_lost) = moved(&before.map(records), &records(after));
    Changes {
        traits: differing(before.map(traits), traits(after), |a, b| a.value == b.value),
        consents: differing(before.map(consents), consents(after), |a, b| a.state == b.state),
        identities_gained,
        identities_lost,
        records_gained,
        records_lost,
    }
}

fn differing<N: Ord, T>(
    before: Option<BTreeMap<N, T>>,
    after: BTreeMap<N, T>,
    is_same: impl Fn(&T, &T) -> bool,
) -> Vec<Change<N, T>> {
    let mut all: BTreeMap<N, (Option<T>, Option<T>)> = BTreeMap::new();
    for (name, was) in before.into_iter().flatten() {
        all.entry(name).or_default().0 = Some(was);
    }
    for (name, is) in after {
        all.entry(name).or_default().1 = Some(is);
    }
    let differing = all.into_iter().filter(|(_, change)| match change {
        (Some(was), Some(is)) => !is_same(was, is),
        _ => true,
    });
    differing.map(|(name, (before, after))| Change { name, before, after }).collect()
}

/// What came, and what went.
fn moved<T: Ord + Clone>(before: &Option<BTreeSet<T>>, after: &BTreeSet<T>) -> (Vec<T>, Vec<T>) {
    let none = BTreeSet::new();
    let before = before.as_ref().unwrap_or(&none);
    (after.difference(before).cloned().collect(), before.difference(after).cloned().collect())
}

#[cfg(test)]
mod tests {
    use hub_model::{
        Claimed, EntityKind, FieldName, Identity, Profile, ProfileId, Provenance, RecordNo, Stamp,
        Survivorship, Trait, Value,
    };

    use super::{Changes, changes};

    fn profile(traits: &[(&str, &str)], emails: &[&str], records: &[u64]) -> Profile {
        let one = |value: &str, record: u64| Trait {
            value: Value::text(value),
            stamp: Stamp(record),
            provenance: Provenance {
                record: RecordNo(record),
                field: FieldName::new("f"),
                rule: Survivorship::MostRecent,
            },
        };
        let last = records.last().copied().unwrap_or(1);
        let claimed =
            |email: &&str| Claimed { identity: Identity::new("email", email), stamp: Stamp(1) };
        Profile {
            id: ProfileId(1),
            kind: EntityKind::Person,
            traits: traits.iter().map(|(name, value)| ((*name).into(), one(value, last))).collect(),
            identities: emails.iter().map(claimed).collect(),
            records: records.iter().map(|number| RecordNo(*number)).collect(),
            consents: Vec::new(),
            conflicts: Vec::new(),
        }
    }

    #[test]
    fn what_came_what_went_and_what_is_other() {
        let was = profile(&[("city", "Lyon"), ("age", "41"), ("name", "Ana")], &["a@x.fr"], &[1]);
        let is = profile(&[("city", "Nice"), ("name", "Ana"), ("tel", "1")], &["b@x.fr"], &[1, 2]);
        let found = changes(Some(&was), &is);
        let told: Vec<_> = found
            .traits
            .iter()
            .map(|change| {
                let value =
                    |side: &Option<Trait>| side.as_ref()?.value.as_text().map(str::to_owned);
                (change.name.as_str(), value(&change.before), value(&change.after))
            })
            .collect();
        let some = |text: &str| Some(text.to_owned());
        // The name is said by another record now, and is the same.
        let wanted = [
            ("age", some("41"), None),
            ("city", some("Lyon"), some("Nice")),
            ("tel", None, some("1")),
        ];
        assert_eq!(told, wanted);
        assert_eq!(found.identities_gained, [Identity::new("email", "b@x.fr")]);
        assert_eq!(found.identities_lost, [Identity::new("email", "a@x.fr")]);
        assert_eq!(
            (found.records_gained.clone(), found.records_lost.clone()),
            (vec![RecordNo(2)], vec![])
        );
        let only = found.only(&"city".into());
        assert_eq!((only.traits.len(), only.identities_gained.len()), (1, 0));
        assert!(changes(Some(&was), &was).is_empty());
        let first = changes(None, &was);
        assert_eq!((first.traits.len(), first.records_gained.len()), (3, 1));
        assert_ne!(first, Changes::default());
    }
}
