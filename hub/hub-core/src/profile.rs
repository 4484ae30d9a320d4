//! The golden record of one person or account: a function of the *set* of its
//! records and of nothing else, so that no order of work ever shows in it.
//!
//! Only what systems originated counts. Echoes of our own writes are not among
//! a record's assertions, so undoing a merge gives each person back what the
//! systems said.

mod survivorship;

mod ask;

mod explain;

mod receivers;

mod changes;

#[cfg(test)]
mod survivorship_tests;

#[cfg(test)]
mod ask_tests;

pub use changes::{Change, Changes, changes};
pub use explain::{Evidence, Explanation, Standing, explain};
pub use receivers::{Receiver, Reception, receivers};
pub use survivorship::Lost;
pub(crate) use survivorship::of_all as stamp_of_all;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hub_model::{
    Claimed, Conflict, ConflictReason, EntityKind, Mapping, Profile, ProfileId, Provenance, Record,
    RecordNo, Rules, Survivorship, Trait, TraitName, Value,
};

use crate::identity::claims_of;
use crate::mapping::{Said, said};
use survivorship::Candidate;

/// Derives a profile from all of its records.
///
/// A trait takes what its rule of survivorship picks, and without one the
/// newest assertion, among the fields that are mapped to it and read; a newest
/// assertion of null makes a null trait, and a trait that nobody asserts is
/// absent. Values of deleted records persist while one record is live; then the
/// profile keeps its records and one-way identities only.
pub fn derive(id: ProfileId, kind: EntityKind, members: &[&Record], rules: &Rules) -> Profile {
    let mut records: Vec<RecordNo> = members.iter().map(|record| record.number).collect();
    records.sort_unstable();
    records.dedup();
    let live = members.iter().any(|record| record.is_live());
    let identities = claims_of(members.iter().copied(), rules)
        .into_iter()
        .map(|(identity, stamp)| Claimed { identity, stamp })
        .collect();
    let (traits, conflicts) =
        if live { survivors(members, rules) } else { (BTreeMap::new(), Vec::new()) };
    Profile {
        id,
        kind,
        traits,
        identities,
        records,
        consents: crate::consent::stated(members, rules),
        conflicts,
    }
}

/// What one object says, in the place of a golden record: there is nobody else whose
/// word could survive. It stands under the number of its record.
pub fn of_object(source: &Record, rules: &Rules) -> Profile {
    let mut candidates = candidates(&[source], rules);
    candidates.sort_by(|a, b| a.pair.to.cmp(&b.pair.to));
    let contests = candidates.chunk_by(|a, b| a.pair.to == b.pair.to);
    let traits =
        contests.filter_map(|one| Some((one.first()?.pair.to.clone(), newest(one)?))).collect();
    Profile {
        id: source.number.into(),
        kind: EntityKind::default(),
        traits,
        identities: Vec::new(),
        records: vec![source.number],
        consents: Vec::new(),
        conflicts: Vec::new(),
    }
}

/// The golden values, and what keeps traits waiting for a person.
fn survivors(members: &[&Record], rules: &Rules) -> (BTreeMap<TraitName, Trait>, Vec<Conflict>) {
    let mut conflicts = Vec::new();
    let mut candidates = candidates(members, rules);
    candidates.sort_by(|a, b| a.pair.to.cmp(&b.pair.to));
    let contests = candidates.chunk_by(|a, b| a.pair.to == b.pair.to);
    let traits = contests
        .filter_map(|contest| {
            let name = &contest.first()?.pair.to;
            let golden = match rules.trait_rule(name) {
                Some(rule) if rule.rule == Survivorship::Ask => {
                    let (golden, conflict) = ask::settle(name, contest);
                    conflicts.extend(conflict);
                    golden
                }
                Some(rule) => survivorship::settle(rule, contest),
                None => newest(contest),
            };
            Some((name.clone(), golden?))
        })
        .collect();
    for paused in ask::paused(members, rules) {
        match conflicts.iter_mut().find(|known| known.name == paused.name) {
            Some(known) if known.reason == paused.reason => known.sides.extend(paused.sides),
            // What a person is asked about is delivered nowhere already.
            Some(_) => {}
            None => conflicts.push(paused),
        }
    }
    conflicts.iter_mut().filter(|c| c.reason == ConflictReason::PingPong).for_each(|conflict| {
        conflict.sides.sort();
    });
    conflicts.sort_by(|a, b| a.name.cmp(&b.name));
    (traits, conflicts)
}

/// What the records assert in fields that are read.
fn candidates<'a>(members: &[&'a Record], rules: &'a Rules) -> Vec<Candidate<'a>> {
    let of_record = |record: &&'a Record| {
        let stream = &record.at.stream;
        let mapping = rules.mapping(&stream.connection, &stream.stream);
        mapping.map(|mapping| (*record, mapping))
    };
    let of_fields = |(record, mapping): (&'a Record, &'a Mapping)| {
        let read = mapping.fields.iter().filter(|pair| pair.direction.reads());
        read.filter_map(move |pair| {
            Some(Candidate { record, mapping, pair, said: said(record, pair)? })
        })
    };
    members.iter().filter_map(of_record).flat_map(of_fields).collect()
}

/// The usual rule: the newest stamp; and, should stamps ever be equal, the
/// mapping's priority, then the older record, then the field.
fn newest(candidates: &[Candidate<'_>]) -> Option<Trait> {
    let winner = candidates.iter().max_by_key(|candidate| {
        let Candidate { record, mapping, pair, said } = candidate;
        let priority = Reverse(mapping.priority);
        (said.stamp, priority, Reverse(record.number), Reverse(&pair.field))
    })?;
    let provenance = Provenance {
        record: winner.record.number,
        field: winner.pair.field.clone(),
        rule: Survivorship::MostRecent,
    };
    let Said { value, stamp, .. } = &winner.said;
    Some(Trait { value: Value::clone(value), stamp: *stamp, provenance })
}

#[cfg(test)]
mod tests {
    use hub_model::{
        Conversion, EntityKind, Made, Normaliser, ProfileId, Record, RecordNo, Rules, RunId, Stamp,
        Survivorship, Template, Timestamp, Transform, Value,
    };

    use super::derive;
    use crate::fixture::{Rng, at, mapping, namespace, row, rules};
    use crate::sync::{Context, Observation, Row, Stamps, observe, observe_deleted};

    fn configuration(mail: &str) -> Rules {
        let crm = mapping("crm", &[mail, "name -> name", "tag <- tag", "code -> code code"]);
        let shop = mapping("shop", &["mail -> mail email", "label -> name", "code -> code code"]);
        let namespaces =
            vec![namespace("email", Normaliser::Email), namespace("code", Normaliser::Code)];
        rules(namespaces, vec![crm, shop])
    }

    fn read(
        rules: &Rules,
        record: Option<&Record>,
        (stream, number): (usize, u64),
        fields: &[(&str, &str)],
        stamps: &mut Stamps,
    ) -> Record {
        let mapping = &rules.mappings[stream];
        let run = RunId::new("run");
        let context = Context { number: RecordNo(number), run: &run, rules, now: Timestamp(0) };
        let at = at(mapping, &number.to_string());
        let object = row(fields);
        let row = Row { at: &at, object: &object, raw: &object, version: None };
        match observe(record, &row, mapping, stamps, &context) {
            Observation::Seen(seen) => seen.record,
            Observation::Unchanged => record.cloned().unwrap(),
        }
    }

    fn golden(rules: &Rules, members: &[&Record]) -> hub_model::Profile {
        derive(ProfileId(1), EntityKind::Person, members, rules)
    }

    fn claims(rules: &Rules, members: &[&Record]) -> Vec<String> {
        golden(rules, members).identities.iter().map(|c| c.identity.to_string()).collect()
    }

    #[test]
    fn the_newest_assertion_survives_with_its_provenance() {
        let rules = configuration("mail -> mail email");
        let mut stamps = Stamps::after(0);
        let a = read(&rules, None, (0, 1), &[("name", "Ana"), ("tag", "vip")], &mut stamps);
        let b = read(&rules, None, (1, 2), &[("label", "Anna")], &mut stamps);
        let profile = golden(&rules, &[&a, &b]);
        let name = &profile.traits["name"];
        assert_eq!(name.value, Value::text("Anna"));
        assert_eq!(name.provenance.record, RecordNo(2));
        assert_eq!(name.provenance.field.as_str(), "label");
        assert_eq!(name.provenance.rule, Survivorship::MostRecent);
        // Only written, and never asserted: absent.
        assert!(!profile.traits.contains_key("tag") && !profile.traits.contains_key("mail"));
        let a = read(&rules, Some(&a), (0, 1), &[("name", "")], &mut stamps);
        assert_eq!(golden(&rules, &[&a, &b]).traits["name"].value, Value::Null);
    }

    #[test]
    fn traits_are_what_transforms_constants_and_templates_make_of_assertions() {
        let lines = ["code -> code code", "a -> first", "b -> last", "=name -> name"];
        let more = ["=status -> status", "z -> zone"];
        let mut crm = mapping("crm", &[&lines[..], &more[..]].concat());
        let usual = Transform::Default { value: Value::text("none") };
        crm.fields[5].conversion = Some(Box::new(Conversion::reading(vec![usual.into()])));
        let upper = Transform::Clean(hub_model::Cleaner::Upper);
        let made = |made| Some(Box::new(Conversion { made: Some(made), ..Conversion::default() }));
        crm.fields[2].conversion = Some(Box::new(Conversion::reading(vec![upper.into()])));
        crm.fields[3].conversion = made(Made::Template(Template::parse("{a} {b}").unwrap()));
        crm.fields[4].conversion = made(Made::Constant(Value::text("prospect")));
        let prefix = Transform::StripPrefix { text: "c-".to_owned() };
        crm.fields[0].conversion = Some(Box::new(Conversion::reading(vec![prefix.into()])));
        let mut rules = rules(vec![namespace("code", Normaliser::Code)], vec![crm]);
        let mut stamps = Stamps::after(0);
        let fields = [("code", "c-7"), ("a", "Ana"), ("b", "Le Goff")];
        let record = read(&rules, None, (0, 1), &fields, &mut stamps);
        let profile = golden(&rules, &[&record]);
        let shown: Vec<(&str, String, u64)> = profile
            .traits
            .iter()
            .map(|(name, t)| (name.as_str(), t.value.to_json().to_string(), t.stamp.0))
            .collect();
        let expected = [
            ("code", "\"7\"", 2),
            ("first", "\"Ana\"", 3),
            ("last", "\"LE GOFF\"", 4),
            // What the fields hold, not what the traits became of them.
            ("name", "\"Ana Le Goff\"", 4),
            ("status", "\"prospect\"", 1),
            // A field that was always empty.
            ("zone", "\"none\"", 1),
        ];
        assert_eq!(shown, expected.map(|(name, value, stamp)| (name, value.to_owned(), stamp)));
        // An identity is what the transforms make of its field.
        assert_eq!(claims(&rules, &[&record]), ["code:7"]);
        // The record keeps what its system shows, and nothing that was made.
        let kept: Vec<&str> = record.fields.keys().map(|field| field.as_str()).collect();
        assert_eq!(kept, ["a", "b", "code", "z"]);
        assert_eq!(record.fields["b"].remote, Some(Value::text("Le Goff")));

        // What fits no longer is no evidence, and is explained as that.
        let strict = Transform::StripPrefix { text: "x".to_owned() };
        rules.mappings[0].fields[2].conversion =
            Some(Box::new(Conversion::reading(vec![strict.into()])));
        let profile = golden(&rules, &[&record]);
        assert!(!profile.traits.contains_key("last"));
        let explained = super::explain(&profile, &[&record], &rules);
        let last = explained.iter().find(|e| e.name.as_str() == "last").unwrap();
        assert_eq!(last.evidence[0].standing, super::Standing::Lost(super::Lost::Unfit));
        // What the hub created is nobody's word on whoever it is about.
        let mut created = record.clone();
        created.origin = hub_model::Origin::Created { for_record: RecordNo(9) };
        assert!(!golden(&rules, &[&created]).traits.contains_key("status"));
    }

    #[test]
    fn values_of_the_deleted_persist_while_somebody_lives() {
        let rules = configuration("mail <-> mail email");
        let mut stamps = Stamps::after(0);
        let run = RunId::new("run");
        let a = read(&rules, None, (0, 1), &[("mail", "a@x.fr"), ("code", "c1")], &mut stamps);
        let b = read(&rules, None, (1, 2), &[("label", "Bob")], &mut stamps);
        let a = observe_deleted(&a, Stamp(50), &run);
        let profile = golden(&rules, &[&a, &b]);
        assert_eq!(profile.traits["mail"].value, Value::text("a@x.fr"));
        assert_eq!(claims(&rules, &[&a, &b]), ["code:c1", "email:a@x.fr"]);
        let b = observe_deleted(&b, Stamp(51), &run);
        let profile = golden(&rules, &[&a, &b]);
        assert!(profile.traits.is_empty());
        assert_eq!(profile.records, [RecordNo(1), RecordNo(2)]);
        // The two-way value is free again; the code still names the person.
        assert_eq!(claims(&rules, &[&a, &b]), ["code:c1"]);
    }

    #[test]
    fn a_two_way_namespace_claims_its_newest_value_only() {
        for (mail, expected) in [
            ("mail -> mail email", vec!["email:a@x.fr", "email:b@x.fr"]),
            ("mail <-> mail email", vec!["email:b@x.fr"]),
        ] {
            let rules = configuration(mail);
            let mut stamps = Stamps::after(0);
            let a = read(&rules, None, (0, 1), &[("mail", "a@x.fr")], &mut stamps);
            let b = read(&rules, None, (1, 2), &[("mail", "b@x.fr")], &mut stamps);
            assert_eq!(claims(&rules, &[&a, &b]), expected, "{mail}");
            let b = read(&rules, Some(&b), (1, 2), &[("mail", "")], &mut stamps);
            let given_up: &[&str] = if expected.len() == 1 { &[] } else { &expected };
            assert_eq!(claims(&rules, &[&a, &b]), given_up, "{mail}");
        }
    }

    #[test]
    fn the_order_of_the_members_does_not_show() {
        for seed in 0..300 {
            let mut rng = Rng(seed);
            let rules = configuration("mail <-> mail email");
            let mut stamps = Stamps::after(0);
            let mut records: Vec<Option<Record>> = vec![None; 5];
            let values = ["", "a@x.fr", "b@x.fr", "Ana"];
            for _ in 0..20 {
                let n = rng.below(5);
                let row: Vec<(&str, &str)> = ["mail", "name", "label", "code"]
                    .iter()
                    .map(|field| (*field, *rng.pick(&values)))
                    .collect();
                let place = (n % 2, n as u64 + 1);
                records[n] = Some(read(&rules, records[n].as_ref(), place, &row, &mut stamps));
                if rng.percent(10) {
                    let stamp = stamps.next();
                    let gone =
                        observe_deleted(records[n].as_ref().unwrap(), stamp, &RunId::new("r"));
                    records[n] = Some(gone);
                }
            }
            let mut members: Vec<&Record> = records.iter().flatten().collect();
            let first = golden(&rules, &members);
            for _ in 0..5 {
                rng.shuffle(&mut members);
                assert_eq!(golden(&rules, &members), first, "seed {seed}");
            }
        }
    }
}
