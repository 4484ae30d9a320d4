//! Echo or change, case by case.

use hub_model::{
    Attempt, FieldName, Mapping, Normaliser, Object, ProfileId, Record, RecordNo, Rules, RunId,
    Stamp, Timestamp, Value,
};

use super::{Birth, Context, Observation, Row, Seen, Stamps, created, observe, observe_deleted};
use crate::fixture::{at, mapping, namespace, row, rules};

fn setup() -> (Mapping, Rules) {
    let crm = mapping("crm", &["mail <-> mail email", "name -> name", "tag <- tag"]);
    let rules = rules(vec![namespace("email", Normaliser::Email)], vec![crm.clone()]);
    (crm, rules)
}

fn see(record: Option<&Record>, row: &Object, stamps: &mut Stamps) -> Option<Seen> {
    let (mapping, rules) = setup();
    let run = RunId::new("run-1");
    let context = Context { number: RecordNo(7), run: &run, rules: &rules, now: Timestamp(0) };
    let row = Row { at: &at(&mapping, "k"), object: row, raw: row, version: Some("v1") };
    match observe(record, &row, &mapping, stamps, &context) {
        Observation::Seen(seen) => Some(*seen),
        Observation::Unchanged => None,
    }
}

fn asserted(record: &Record, field: &str) -> Option<(Value, u64)> {
    let asserted = record.fields.get(field)?.asserted.as_ref()?;
    Some((asserted.value.clone(), asserted.stamp.0))
}

#[test]
fn first_sight_asserts_what_there_is() {
    let mut stamps = Stamps::after(10);
    let first = row(&[("mail", "Ana@X.fr"), ("tag", "vip"), ("extra", "1")]);
    let seen = see(None, &first, &mut stamps).unwrap();
    let record = &seen.record;
    assert!(seen.is_new && !seen.is_changed());
    assert_eq!((record.number, record.born, record.profile.0), (RecordNo(7), Stamp(11), 7));
    assert_eq!(asserted(record, "mail"), Some((Value::text("Ana@X.fr"), 12)));
    assert_eq!(record.fields["mail"].sent, Stamp(12));
    // Absent reads as null, and the first null says nothing.
    assert_eq!(asserted(record, "name"), None);
    assert_eq!(record.fields["name"].remote, Some(Value::Null));
    // Only written: seen, not asserted.
    assert_eq!(asserted(record, "tag"), None);
    assert_eq!(record.fields["tag"].remote, Some(Value::text("vip")));
    assert_eq!(record.raw, first);
    let fact = &seen.facts[0];
    assert_eq!(fact.identity.as_ref().unwrap().to_string(), "email:ana@x.fr");
    assert_eq!((fact.stamp, fact.edited), (Stamp(12), false));
    assert_eq!(record.identities, seen.facts);
}

#[test]
fn the_same_row_again_is_nothing_and_takes_no_stamp() {
    let mut stamps = Stamps::after(0);
    let first = row(&[("mail", "ana@x.fr")]);
    let record = see(None, &first, &mut stamps).unwrap().record;
    let last = stamps.last();
    assert_eq!(see(Some(&record), &first, &mut stamps), None);
    assert_eq!(stamps.last(), last);
}

#[test]
fn changes_field_by_field() {
    let mut stamps = Stamps::after(0);
    let before = row(&[("mail", "ana@x.fr"), ("name", "Ana")]);
    let record = see(None, &before, &mut stamps).unwrap().record;
    // (row, assertions, identity facts as (identity, edited))
    type Facts<'a> = &'a [(Option<&'a str>, bool)];
    let cases: &[(Object, usize, Facts<'_>)] = &[
        (row(&[("mail", "ana@x.fr"), ("name", "Ana"), ("extra", "2")]), 0, &[]),
        (row(&[("mail", "ana@x.fr"), ("name", "Ann")]), 1, &[]),
        (row(&[("mail", "ana@x.fr")]), 1, &[]),
        (row(&[("mail", "bob@x.fr"), ("name", "Ana")]), 1, &[(Some("email:bob@x.fr"), true)]),
        (row(&[("mail", "n/a"), ("name", "Ana")]), 1, &[(None, true)]),
        (row(&[("mail", ""), ("name", "Ana"), ("tag", "vip")]), 1, &[(None, true)]),
        (row(&[("mail", "ana@x.fr"), ("name", "Ana"), ("tag", "vip")]), 0, &[]),
    ];
    for (row, assertions, facts) in cases {
        let seen = see(Some(&record), row, &mut stamps).unwrap();
        assert_eq!(seen.assertions, *assertions, "{row:?}");
        assert_eq!(seen.is_changed(), *assertions > 0);
        let got: Vec<(Option<String>, bool)> = seen
            .facts
            .iter()
            .map(|f| (f.identity.as_ref().map(ToString::to_string), f.edited))
            .collect();
        let want: Vec<_> = facts.iter().map(|(i, e)| (i.map(str::to_owned), *e)).collect();
        assert_eq!(got, want, "{row:?}");
    }
}

#[test]
fn another_version_alone_is_kept_and_asserts_nothing() {
    let mut stamps = Stamps::after(0);
    let first = row(&[("mail", "ana@x.fr")]);
    let mut record = see(None, &first, &mut stamps).unwrap().record;
    record.version = Some("v0".to_owned());
    let seen = see(Some(&record), &first, &mut stamps).unwrap();
    assert_eq!((seen.assertions, seen.is_changed()), (0, false));
    assert_eq!(seen.record.version.as_deref(), Some("v1"));
}

#[test]
fn a_deletion_is_kept_once_and_taken_back_by_a_row() {
    let mut stamps = Stamps::after(0);
    let first = row(&[("mail", "ana@x.fr"), ("name", "Ana")]);
    let record = see(None, &first, &mut stamps).unwrap().record;
    let run = RunId::new("run-2");
    let stamp = stamps.next();
    let gone = observe_deleted(&record, stamp, &run);
    assert_eq!(gone.deleted, Some(stamp));
    assert_eq!(gone.fields, record.fields);
    assert_eq!(observe_deleted(&gone, Stamp(99), &run), gone);
    let seen = see(Some(&gone), &first, &mut stamps).unwrap();
    assert!(seen.restored && seen.is_changed() && seen.facts.is_empty());
    assert!(seen.record.is_live());
    assert_eq!(seen.record.fields, record.fields);
    assert_eq!(seen.record.absences[0].from, stamp);
}

#[test]
fn on_a_created_record_only_news_speak() {
    let (crm, _) = setup();
    let mut stamps = Stamps::after(20);
    let sent = [("mail", "ana@x.fr"), ("name", "Ana Maria")];
    let attempt = Attempt {
        fields: sent
            .iter()
            .map(|(f, v)| (FieldName::new(*f), (Value::text(*v), Stamp(9))))
            .collect(),
        idempotency_key: String::new(),
    };
    let make = |returned: Option<&Object>| {
        let birth = Birth {
            number: RecordNo(7),
            stamp: Stamp(10),
            at: at(&crm, "k"),
            for_record: RecordNo(1),
            profile: ProfileId(1),
            run: RunId::new("run-1"),
        };
        created(birth, &attempt, returned, Some("v1"), &crm)
    };
    let shown = [("mail", "ana@x.fr"), ("name", "ANA MA")];
    let edited = [("mail", "ana@x.fr"), ("name", "Anna")];
    // (returned by the create, first row read, assertions)
    let cases = [
        (Some(row(&shown)), row(&shown), 0),
        (None, row(&shown), 0),
        (Some(row(&shown)), row(&edited), 1),
        (None, row(&edited), 1),
        (None, row(&sent), 0),
    ];
    for (returned, read, assertions) in cases {
        let record = make(returned.as_ref());
        let seen = see(Some(&record), &read, &mut stamps);
        assert_eq!(seen.as_ref().map_or(0, |seen| seen.assertions), assertions, "{read:?}");
        let next = seen.map_or(record, |seen| seen.record);
        assert_eq!(next.asserts_anything(), assertions > 0);
        assert_eq!(see(Some(&next), &read, &mut stamps), None);
    }
}
