//! What an audience may hold of somebody, and what it is told.

use hub_model::{
    Attempt, EntityKind, FieldName, Mapping, Object, Profile, ProfileId, Record, RecordNo, Rules,
    RunId, Stamp, Timestamp, Value,
};

use super::member::{MAYBE, Step, held, patched, taken_in, unanswered, unanswered_birth};
use super::{
    Birth, Context, Due, Moment, Observation, Row, Stamps, created, delivered, observe, owed,
};
use crate::fixture::{at, mapping, row, rules};

const PERMITTED: Moment = Moment { permitted: true, all_read: true };
const REFUSED: Moment = Moment { permitted: false, all_read: true };

fn audience() -> Mapping {
    let mut ads = mapping("ads", &["mail <- mail", "phone <- phone"]);
    (ads.audience, ads.matching) = (true, vec![FieldName::new("mail")]);
    ads
}

fn attempt(fields: &[(&str, &str)]) -> Attempt {
    let value = |text: &str| if text.is_empty() { Value::Null } else { Value::text(text) };
    let field = |(name, text): &(&str, &str)| (FieldName::new(*name), (value(text), Stamp(9)));
    Attempt { fields: fields.iter().map(field).collect(), idempotency_key: "k".to_owned() }
}

fn birth(number: u64) -> Birth {
    Birth {
        number: RecordNo(number),
        stamp: Stamp(1),
        at: at(&audience(), &number.to_string()),
        for_record: RecordNo(1),
        profile: ProfileId(1),
        run: RunId::new("run"),
    }
}

fn member(number: u64, fields: &[(&str, &str)]) -> Record {
    created(birth(number), &attempt(fields), Some(&row(fields)), None, &audience())
}

#[test]
fn a_step_takes_out_whatever_may_be_there_but_what_comes_in() {
    let (ana, eva) = (row(&[("mail", "ana@x")]), row(&[("mail", "eva@x")]));
    let both = row(&[("mail", "ana@x"), ("phone", "1")]);
    let in_doubt = unanswered(&member(2, &[("mail", "ana@x")]), &attempt(&[("mail", "eva@x")]));
    // (row, patch, what goes, what comes)
    let table: [(&Object, Object, Vec<Object>, Option<Object>); 6] = [
        (&Object::new(), ana.clone(), vec![], Some(ana.clone())),
        (&ana, eva.clone(), vec![ana.clone()], Some(eva.clone())),
        (&ana, ana.clone(), vec![], Some(ana.clone())),
        (&ana, row(&[("phone", "1")]), vec![ana.clone()], Some(both.clone())),
        (&ana, [("mail".into(), Value::Null)].into(), vec![ana.clone()], None),
        (&in_doubt.raw, eva.clone(), vec![ana.clone()], Some(eva.clone())),
    ];
    for (before, patch, out, into) in table {
        assert_eq!(Step::put(before, &patch), Step { out, into }, "{before:?} {patch:?}");
    }
    assert_eq!(Step::remove(&in_doubt.raw), Step { out: vec![ana.clone(), eva], into: None });
    assert_eq!(patched(&both, &[("phone".into(), Value::Null)].into()), ana);
}

#[test]
fn without_an_answer_both_may_be_there_and_nothing_counts_as_delivered() {
    let ads = audience();
    let ana = member(2, &[("mail", "ana@x")]);
    let in_doubt = unanswered(&ana, &attempt(&[("mail", "eva@x")]));
    let sets = [row(&[("mail", "ana@x")]), row(&[("mail", "eva@x")])];
    assert_eq!((held(&in_doubt.raw), in_doubt.fields.len()), (sets.to_vec(), 0));
    // He may be out, or in as before: what was there is due once more either way.
    let leaving = unanswered(&ana, &attempt(&[]));
    assert_eq!((held(&leaving.raw), leaving.fields.len()), (sets[..1].to_vec(), 0));
    let born = unanswered_birth(birth(3), &attempt(&[("mail", "eva@x")]), &ads);
    assert_eq!((held(&born.raw), born.fields.len()), (sets[1..].to_vec(), 0));
    // Answered the next time, only that is there.
    let shows = Step::default().shows(&in_doubt.raw, &row(&[("mail", "eve@x")]), false);
    let settled = delivered(&in_doubt, &attempt(&[("mail", "eve@x")]), Some(&shows), None, &ads);
    assert_eq!(held(&settled.raw), [row(&[("mail", "eve@x")])]);
    assert_eq!(settled.fields["mail"].sent, Stamp(9));
    // What is taken out later may stay.
    let eve = row(&[("mail", "eve@x")]);
    let shows = Step::put(&in_doubt.raw, &eve).shows(&in_doubt.raw, &eve, true);
    let later = delivered(&in_doubt, &attempt(&[("mail", "eve@x")]), Some(&shows), None, &ads);
    assert_eq!(held(&later.raw), [sets[0].clone(), sets[1].clone(), eve]);
    // Of a job it is not known whether the old values are out.
    let later = taken_in(&ana, &attempt(&[("mail", "eva@x")]), &ads);
    assert_eq!((held(&later.raw), later.fields["mail"].sent), (sets.to_vec(), Stamp(9)));
    assert!(later.raw.contains_key(MAYBE));
}

/// Somebody whom a system has, by name and telephone.
fn known(mail: &str) -> (Record, Profile, Rules) {
    let crm = mapping("crm", &["mail -> mail mail", "phone -> phone"]);
    let rules = rules(vec![], vec![crm.clone(), audience()]);
    let run = RunId::new("run");
    let context = Context { number: RecordNo(1), run: &run, rules: &rules, now: Timestamp(0) };
    let (there, object) = (at(&crm, "1"), row(&[("mail", mail), ("phone", "1")]));
    let seen = Row { at: &there, object: &object, raw: &object, version: None };
    let Observation::Seen(seen) = observe(None, &seen, &crm, &mut Stamps::after(0), &context)
    else {
        panic!("new")
    };
    let record = seen.record;
    let profile = crate::profile::derive(ProfileId(1), EntityKind::Person, &[&record], &rules);
    (record, profile, rules)
}

#[test]
fn somebody_is_one_member_and_none_without_what_finds_him() {
    let ads = audience();
    let (source, profile, rules) = known("ana@x");
    let due = |members: &[&Record]| owed(&profile, members, &ads, &PERMITTED);
    assert!(matches!(due(&[&source])[..], [Due::Create { .. }]));
    let (one, two) = (member(2, &[("mail", "ana@x")]), member(3, &[("mail", "eva@x")]));
    let removal = |number| Due::Remove { record: RecordNo(number), archive: false };
    let found = due(&[&source, &one, &two]);
    assert!(
        matches!(&found[..], [Due::Update { record: RecordNo(2), .. }, last]
        | [Due::MarkSent { .. }, Due::Update { record: RecordNo(2), .. }, last]
        if *last == removal(3)),
        "{found:?}"
    );
    // What may be there of an attempt without an answer is due as if it were new.
    let in_doubt = unanswered(&one, &attempt(&[("mail", "ana@x")]));
    let found = due(&[&source, &in_doubt]);
    let [Due::Update { fields, .. }] = &found[..] else { panic!("{found:?}") };
    assert_eq!(fields.len(), 2);
    assert_eq!(owed(&profile, &[&source, &one, &two], &ads, &REFUSED), [removal(2), removal(3)]);
    // No system has him any more, or nothing is left to find him by.
    let gone = super::observe_deleted(&source, Stamp(99), &RunId::new("r"));
    let nobody = crate::profile::derive(ProfileId(1), EntityKind::Person, &[&gone], &rules);
    assert_eq!(owed(&nobody, &[&gone, &one], &ads, &PERMITTED), [removal(2)]);
    let (nameless, profile, _) = known("");
    assert_eq!(owed(&profile, &[&nameless, &one], &ads, &PERMITTED), [removal(2)]);
}
