//! Whose a row is that was asked for somebody who is gone since.
//!
//! A create had no answer, and before its row is seen the last record of its person
//! is deleted; then the person comes anew. Whoever is gone claims nothing, so he
//! founds another profile. Had the row been known in time, it would have kept the
//! claim, and he would have joined by it. So the row is his all the same: it was
//! made for the value by which it is found, and he is who has that value now.

use std::collections::BTreeSet;

use hub_model::{Profile, Record, RecordNo};

use crate::identity::Separations;

/// The one profile that takes over a row which was asked for others, given all
/// records of these and everybody who claims now what the row is found by. Nobody
/// takes over from the living, nor from whom he was told apart.
pub fn heir<'a>(
    asked: &[&Record],
    claimants: &'a [Profile],
    separations: &Separations,
) -> Option<&'a Profile> {
    let [heir] = claimants else { return None };
    if asked.iter().any(|record| record.is_live()) {
        return None;
    }
    let gone: BTreeSet<RecordNo> = asked.iter().map(|record| record.number).collect();
    let theirs: BTreeSet<RecordNo> = heir.records.iter().copied().collect();
    (gone.is_disjoint(&theirs) && !separations.forbid(&gone, &theirs)).then_some(heir)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hub_model::{
        Attempt, Decision, DecisionKind, EntityKind, Profile, ProfileId, Record, RecordNo, RunId,
        Stamp, Timestamp,
    };

    use super::heir;
    use crate::fixture::{at, mapping};
    use crate::identity::Separations;
    use crate::profile::derive;
    use crate::sync::{Birth, created};

    fn record(number: u64, live: bool) -> Record {
        let crm = mapping("crm", &["email <-> email email"]);
        let birth = Birth {
            number: RecordNo(number),
            stamp: Stamp(number),
            at: at(&crm, &number.to_string()),
            for_record: RecordNo(number),
            profile: ProfileId(number),
            run: RunId::new("run"),
        };
        let attempt = Attempt { fields: BTreeMap::new(), idempotency_key: String::new() };
        let deleted = (!live).then_some(Stamp(9));
        Record { deleted, ..created(birth, &attempt, None, None, &crm) }
    }

    fn profile(record: &Record) -> Profile {
        let rules = crate::fixture::rules(vec![], vec![]);
        derive(ProfileId::from(record.number), EntityKind::Person, &[record], &rules)
    }

    #[test]
    fn who_comes_anew_takes_over_from_who_is_gone() {
        let (gone, living, anew, other) =
            (record(1, false), record(2, true), record(3, true), record(4, true));
        let apart = Decision {
            stamp: Stamp(20),
            kind: DecisionKind::Separation {
                left: [gone.number].into(),
                right: [anew.number].into(),
            },
            author: "ana".to_owned(),
            at: Timestamp(0),
        };
        let (nobody_apart, apart) = (Separations::new(&[]), Separations::new(&[apart]));
        let (anew, other) = (profile(&anew), profile(&other));
        // (asked for, who claims the value now, decisions, who takes over)
        type Case<'a> = (&'a [&'a Record], &'a [&'a Profile], &'a Separations, Option<u64>);
        let cases: &[Case<'_>] = &[
            (&[&gone], &[&anew], &nobody_apart, Some(3)),
            (&[&gone], &[&anew], &apart, None),
            (&[&gone], &[&other], &apart, Some(4)),
            (&[&gone], &[], &nobody_apart, None),
            (&[&gone], &[&anew, &other], &nobody_apart, None),
            (&[&gone, &living], &[&anew], &nobody_apart, None),
            (&[&gone], &[&profile(&gone)], &nobody_apart, None),
        ];
        for (asked, claimants, separations, wanted) in cases {
            let claimants: Vec<Profile> = claimants.iter().map(|one| (*one).clone()).collect();
            let found = heir(asked, &claimants, separations).map(|heir| heir.id);
            assert_eq!(found, wanted.map(ProfileId), "{asked:?} {claimants:?}");
        }
    }
}
