//! Taking back what the hub brought: when a destination may not have it any
//! more.
//!
//! A row that the hub created, and nobody has edited since, goes. In a row that
//! its system had by itself every field shows again what that system said, or
//! nothing. What a system said of its own is its own: it is never touched.

use hub_model::{
    Assertion, ConsentKey, Mapping, Origin, Profile, Record, RunId, Stamp, Timestamp, Value,
};

use super::due::{Due, Wanted, due, speaks, told};
use super::member;
use super::observe::observe_deleted;
use super::policy::leaving;
use super::undo::unmade;
use crate::consent;

/// What is true when something is owed, besides what the records say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The destination may have something of the profile: [`may_have`], and it is in
    /// the segment that the sync is for.
    pub permitted: bool,
    /// Every stream was read to its end, so that who has no record elsewhere is
    /// known to be nowhere else.
    pub all_read: bool,
}

/// Whether a destination may have anything of a profile at an instant: not without
/// the consents that it requires, nor when the time of the data is over and no record
/// is left that speaks for the profile.
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
///
/// A row that the policies of the sync do not want there any more goes, and is told
/// nothing else.
pub fn owed(
    profile: &Profile,
    members: &[&Record],
    mapping: &Mapping,
    moment: &Moment,
) -> Vec<Due> {
    if profile.kind != mapping.kind || !mapping.writes() {
        return Vec::new();
    }
    if moment.permitted && mapping.audience {
        return member::owed(profile, members, mapping);
    }
    if moment.permitted {
        let mut owed = leaving(members, mapping, moment.all_read);
        if owed.is_empty() {
            owed = due(profile, members, mapping);
        }
        return owed;
    }
    let here = members.iter().filter(|record| record.at.stream == mapping.stream);
    here.flat_map(|record| take_back(record, mapping)).collect()
}

/// A record whose row the hub has taken away. Whoever has left a segment or an audience
/// may come back: nothing stands against another row for him.
pub fn removed(record: &Record, stamp: Stamp, run: &RunId, mapping: &Mapping) -> Record {
    let gone = observe_deleted(record, stamp, run);
    let may_return = mapping.segment.is_some() || mapping.audience;
    let returns = may_return && record.origin != Origin::Received;
    if returns { unmade(&gone) } else { gone }
}

/// Whether the time of a profile's data is over: no record is left that speaks for
/// it.
fn is_over(members: &[&Record]) -> bool {
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
        return vec![Due::Remove { record: record.number, archive: false }];
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

    use super::{Due, Moment, may_have, take_back};
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

    fn owed(profile: &Profile, members: &[&Record], mapping: &Mapping) -> Vec<Due> {
        let permitted = may_have(profile, members, &mapping.requires, Timestamp(0));
        super::owed(profile, members, mapping, &Moment { permitted, all_read: true })
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
        assert_eq!(take_back(&mine, &crm), [Due::Remove { record: RecordNo(2), archive: false }]);
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
        let members = [&source, &mine];
        assert_eq!(owed(&derive(&members), &members, &crm), []);
        let over = emptied(&source, Stamp(99), &RunId::new("sweep"));
        let members = [&over, &mine];
        let removal = [Due::Remove { record: RecordNo(2), archive: false }];
        assert_eq!(owed(&derive(&members), &members, &crm), removal);
        // A source that deleted its row by itself takes nothing back.
        let gone = crate::sync::observe_deleted(&source, Stamp(99), &RunId::new("r"));
        let members = [&gone, &mine];
        assert_eq!(owed(&derive(&members), &members, &crm), []);
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
        let removal = [Due::Remove { record: RecordNo(2), archive: false }];
        assert_eq!(owed(&profile, &members, &crm), removal);
        // Nobody was ever told: nothing to take back, and nothing to send.
        assert_eq!(owed(&profile, &[&source], &crm), []);
    }
}
