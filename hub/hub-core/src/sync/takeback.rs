//! Taking back what the hub brought: when a destination may not have it any
//! more.
//!
//! A row that the hub created, and nobody has edited since, goes. In a row that
//! its system had by itself every field shows again what that system said, or
//! nothing. What a system said of its own is its own: it is never touched.

use hub_model::{Assertion, ConsentKey, Mapping, Origin, Profile, Record, Stamp, Timestamp, Value};

use super::due::{Due, Wanted, due, speaks, told};
use super::member;
use crate::consent;

/// Whether a destination may have anything of a profile at an instant: not without
/// the consents that it requires, nor that of the purpose of the segment that it is
/// for, nor when the time of the data is over and no record is left that speaks for
/// the profile.
pub fn may_have(
    profile: &Profile,
    members: &[&Record],
    requires: &[ConsentKey],
    now: Timestamp,
) -> bool {
    consent::permits(&profile.consents, requires, now).is_ok() && !is_over(members)
}

/// What a sync owes a profile: golden values, if they may be had there, or that what
/// was brought is taken back.
pub fn owed(
    profile: &Profile,
    members: &[&Record],
    mapping: &Mapping,
    permitted: bool,
) -> Vec<Due> {
    if permitted {
        return match mapping.audience {
            true => member::owed(profile, members, mapping),
            false => due(profile, members, mapping),
        };
    }
    if profile.kind != mapping.kind || !mapping.writes() {
        return Vec::new();
    }
    let here = members.iter().filter(|record| record.at.stream == mapping.stream);
    here.flat_map(|record| take_back(record, mapping)).collect()
}

/// Whether the time of a profile's data is over: no record is left that speaks for
/// it.
pub fn is_over(members: &[&Record]) -> bool {
    members.iter().any(|record| is_emptied(record)) && !members.iter().any(|record| speaks(record))
}

/// Whether the time of a record was over: nothing is left of what it said.
pub fn is_emptied(record: &Record) -> bool {
    record.origin == Origin::Received
        && !record.is_live()
        && record.raw.is_empty()
        && record.identities.is_empty()
        && !record.asserts_anything()
}

/// What a row has to be told so that nothing stays that the hub brought.
pub fn take_back(record: &Record, mapping: &Mapping) -> Vec<Due> {
    if !record.is_live() {
        return Vec::new();
    }
    if record.origin != Origin::Received && !record.asserts_anything() {
        return vec![Due::Remove { record: record.number }];
    }
    told(record, mapping, |pair| {
        let own = record.fields.get(&pair.field).and_then(|state| state.asserted.as_ref());
        let plain = |own: &Assertion| Wanted::plain(own.value.clone(), own.stamp);
        Some(own.map_or_else(|| Wanted::plain(Value::Null, Stamp(0)), plain))
    })
}

#[cfg(test)]
mod tests {
    use hub_model::{
        Attempt, ConsentKey, EntityKind, FieldName, Mapping, Profile, ProfileId, Record, RecordNo,
        Rules, RunId, Stamp, Timestamp, Value,
    };

    use super::{Due, may_have, take_back};
    use crate::fixture::{at, mapping, row, rules};
    use crate::retention::emptied;
    use crate::sync::{
        Birth, Context, Observation, Row, Stamps, created, delivered, mark_sent, observe,
    };

    fn setup() -> (Mapping, Mapping, Rules) {
        let (panel, crm) = (mapping("panel", &["age -> age"]), mapping("crm", &["age <-> age"]));
        let rules = rules(vec![], vec![panel.clone(), crm.clone()]);
        (panel, crm, rules)
    }

    fn owed(profile: &Profile, members: &[&Record], mapping: &Mapping, now: Timestamp) -> Vec<Due> {
        let permitted = may_have(profile, members, &mapping.requires, now);
        super::owed(profile, members, mapping, permitted)
    }

    fn read(
        record: Option<&Record>,
        mapping: &Mapping,
        number: u64,
        age: &str,
        stamps: &mut Stamps,
    ) -> Record {
        let (_, _, rules) = setup();
        let run = RunId::new("run");
        let context =
            Context { number: RecordNo(number), run: &run, rules: &rules, now: Timestamp(0) };
        let (at, object) = (at(mapping, &number.to_string()), row(&[("age", age)]));
        let row = Row { at: &at, object: &object, raw: &object, version: None };
        match observe(record, &row, mapping, stamps, &context) {
            Observation::Seen(seen) => seen.record,
            Observation::Unchanged => record.cloned().unwrap(),
        }
    }

    fn made(crm: &Mapping, tried: &Attempt) -> Record {
        let birth = Birth {
            number: RecordNo(2),
            stamp: Stamp(20),
            at: at(crm, "2"),
            for_record: RecordNo(1),
            profile: ProfileId(1),
            run: RunId::new("run"),
        };
        created(birth, tried, None, None, crm)
    }

    fn attempt(age: &str, stamp: u64) -> Attempt {
        let fields = [(FieldName::new("age"), (Value::text(age), Stamp(stamp)))].into();
        Attempt { fields, idempotency_key: String::new() }
    }

    #[test]
    fn a_row_that_the_hub_made_goes_and_others_say_what_their_system_said() {
        let (panel, crm, rules) = setup();
        let mut stamps = Stamps::after(0);
        let source = read(None, &panel, 1, "42", &mut stamps);
        let mine = made(&crm, &attempt("42", stamps.last()));
        assert_eq!(take_back(&mine, &crm), [Due::Remove { record: RecordNo(2) }]);
        // Somebody edited it since: his value stays.
        let edited = read(Some(&mine), &crm, 2, "43", &mut stamps);
        assert_eq!(take_back(&edited, &crm), []);
        // A row of its own, which the hub wrote into.
        let own = read(None, &crm, 3, "40", &mut stamps);
        assert_eq!(take_back(&own, &crm), []);
        let told = delivered(&own, &attempt("42", 90), None, None, &crm);
        let said = own.fields["age"].asserted.clone().unwrap();
        let back = [(FieldName::new("age"), (said.value.clone(), said.stamp))].into();
        assert_eq!(take_back(&told, &crm), [Due::Update { record: RecordNo(3), fields: back }]);
        // Told so, it is silent.
        let again = Attempt {
            fields: [(FieldName::new("age"), (said.value, said.stamp))].into(),
            idempotency_key: String::new(),
        };
        assert_eq!(take_back(&delivered(&told, &again, None, None, &crm), &crm), []);
        // It shows that already: only the stamps move.
        let mut shows = told.clone();
        shows.fields.get_mut("age").unwrap().remote = Some(Value::text("40"));
        let [Due::MarkSent { fields, .. }] = &take_back(&shows, &crm)[..] else {
            panic!("silent");
        };
        assert_eq!(take_back(&mark_sent(&shows, fields), &crm), []);

        // Nothing is taken back as long as the source speaks.
        let derive = |members: &[&Record]| {
            crate::profile::derive(ProfileId(1), EntityKind::Person, members, &rules)
        };
        let now = Timestamp(0);
        let members = [&source, &mine];
        assert_eq!(owed(&derive(&members), &members, &crm, now), []);
        let over = emptied(&source, Stamp(99), &RunId::new("sweep"));
        let members = [&over, &mine];
        let removal = [Due::Remove { record: RecordNo(2) }];
        assert_eq!(owed(&derive(&members), &members, &crm, now), removal);
        // A source that deleted its row by itself takes nothing back.
        let gone = crate::sync::observe_deleted(&source, Stamp(99), &RunId::new("r"));
        let members = [&gone, &mine];
        assert_eq!(owed(&derive(&members), &members, &crm, now), []);
    }

    #[test]
    fn without_the_consent_that_is_required_what_was_brought_goes() {
        let (panel, mut crm, rules) = setup();
        crm.requires = vec![ConsentKey::new("ads", "web")];
        let mut stamps = Stamps::after(0);
        let source = read(None, &panel, 1, "42", &mut stamps);
        let mine = made(&crm, &attempt("42", stamps.last()));
        let members = [&source, &mine];
        let profile = crate::profile::derive(ProfileId(1), EntityKind::Person, &members, &rules);
        let removal = [Due::Remove { record: RecordNo(2) }];
        assert_eq!(owed(&profile, &members, &crm, Timestamp(0)), removal);
        // Nobody was ever told: nothing to take back, and nothing to send.
        assert_eq!(owed(&profile, &[&source], &crm, Timestamp(0)), []);
    }
}
