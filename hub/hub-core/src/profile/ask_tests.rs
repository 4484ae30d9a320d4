//! Who knew what when he typed: by table, and by properties over random histories.

use std::collections::{BTreeMap, BTreeSet};

use hub_model::{
    Attempt, ConflictReason, EntityKind, FieldName, Profile, ProfileId, Record, RecordNo, Rules,
    RunId, Settled, Survivorship, Timestamp, TraitName, TraitRule, Value,
};

use super::{Lost, Standing, derive, explain};
use crate::fixture::{Rng, at, cases, mapping, row, rules};
use crate::sync::{
    Context, Due, Observation, Row, Stamps, delivered, due, mark_sent, observe, settled,
};

fn configuration() -> Rules {
    let of = |name: &str| mapping(name, &["v <-> v", "n <-> n"]);
    let mut rules = rules(Vec::new(), vec![of("crm"), of("shop"), of("bank")]);
    let (name, sources) = (TraitName::new("v"), Vec::new());
    rules.traits.push(TraitRule { name, rule: Survivorship::Ask, sources });
    rules
}

/// Records of one person, one in each system.
struct Person {
    rules: Rules,
    records: BTreeMap<usize, Record>,
    stamps: Stamps,
}

impl Person {
    fn new() -> Self {
        Self { rules: configuration(), records: BTreeMap::new(), stamps: Stamps::after(0) }
    }

    /// Somebody types a value in a system.
    fn types(&mut self, system: usize, value: &str) {
        let mapping = &self.rules.mappings[system];
        let number = RecordNo(system as u64 + 1);
        let run = RunId::new("run");
        let context = Context { number, run: &run, rules: &self.rules, now: Timestamp(0) };
        let (at, object) = (at(mapping, "k"), row(&[("v", value), ("n", "same")]));
        let row = Row { at: &at, object: &object, raw: &object, version: None };
        let known = self.records.get(&system);
        if let Observation::Seen(seen) = observe(known, &row, mapping, &mut self.stamps, &context) {
            self.records.insert(system, seen.record);
        }
    }

    fn profile(&self) -> Profile {
        let members: Vec<&Record> = self.records.values().collect();
        derive(ProfileId(1), EntityKind::Person, &members, &self.rules)
    }

    /// The hub brings what is due to a system, which makes a form of its own of it.
    fn delivers(&mut self, system: usize, form: fn(&str) -> String) {
        let (profile, mapping) = (self.profile(), &self.rules.mappings[system]);
        let members: Vec<&Record> = self.records.values().collect();
        for due in due(&profile, &members, mapping) {
            let record = self.records[&system].clone();
            let next = match due {
                Due::MarkSent { fields, .. } => mark_sent(&record, &fields),
                Due::Update { fields, .. } => {
                    let shown = fields.iter().map(|(field, (value, _))| {
                        let text = value.as_text().map(form);
                        (field.as_str().into(), text.map_or(Value::Null, Value::text))
                    });
                    let shown = shown.collect();
                    let attempt = Attempt { fields, idempotency_key: String::new() };
                    delivered(&record, &attempt, Some(&shown), None, mapping)
                }
                other => panic!("{other:?}"),
            };
            self.records.insert(system, next);
        }
    }

    fn settles(&mut self, system: usize, value: &str) {
        let stamp = self.stamps.next();
        let by = Settled { stamp, value: Value::text(value) };
        let record = settled(&self.records[&system], &FieldName::new("v"), Some(by));
        self.records.insert(system, record);
    }

    /// The golden value, and the records that contradict each other.
    fn told(&self) -> (String, Vec<u64>) {
        let profile = self.profile();
        let golden = profile.traits.get("v").map(|golden| golden.value.clone());
        let golden = golden.map_or("-".to_owned(), |v| v.as_text().unwrap_or("null").to_owned());
        let sides = profile.conflict(&TraitName::new("v")).into_iter().flat_map(|conflict| {
            assert_eq!(conflict.reason, ConflictReason::Ask);
            conflict.sides.iter().map(|side| side.record.0).collect::<Vec<_>>()
        });
        (golden, sides.collect())
    }
}

fn same(text: &str) -> String {
    text.to_owned()
}

fn upper(text: &str) -> String {
    text.to_uppercase()
}

/// What happens to a person.
enum Step {
    /// In a system, this is typed.
    Type(usize, &'static str),
    /// A system is told what is due.
    Tell(usize),
    /// The same, and it keeps capital letters.
    TellUpper(usize),
    /// A person settles it; a record of that system keeps the value.
    Settle(usize, &'static str),
}

#[test]
fn edits_that_knew_nothing_of_each_other_wait_for_a_person() {
    use Step::{Settle, Tell, TellUpper, Type};
    let agreed = || vec![Type(0, "Lyon"), Tell(0), Type(1, "Lyon"), Tell(0), Tell(1)];
    // (what happens after two systems agreed on Lyon, the golden value, the sides)
    let cases: Vec<(&str, Vec<Step>, &str, &[u64])> = vec![
        ("nothing", vec![], "Lyon", &[]),
        ("one edit", vec![Type(0, "Paris")], "Paris", &[]),
        ("an edit of what was told", vec![Type(0, "Paris"), Tell(1), Type(1, "Nice")], "Nice", &[]),
        ("both at once", vec![Type(0, "Paris"), Type(1, "Nice")], "Lyon", &[2, 1]),
        ("the same at once", vec![Type(0, "Paris"), Type(1, "Paris")], "Paris", &[]),
        ("one empties it", vec![Type(0, ""), Type(1, "Nice")], "Lyon", &[2, 1]),
        (
            "typing twice is not knowing more",
            vec![Type(0, "Paris"), Type(1, "Nice"), Type(1, "Nizza")],
            "Lyon",
            &[2, 1],
        ),
        (
            "typed twice before the other typed at all",
            vec![Type(0, "Paris"), Type(0, "Rome"), Type(1, "Nice")],
            "Lyon",
            &[2, 1],
        ),
        (
            "typed back to what was agreed",
            vec![Type(0, "Paris"), Type(1, "Nice"), Type(1, "Lyon")],
            "Paris",
            &[],
        ),
        (
            "typed like the other",
            vec![Type(0, "Paris"), Type(1, "Nice"), Type(1, "Paris")],
            "Paris",
            &[],
        ),
        ("settled", vec![Type(0, "Paris"), Type(1, "Nice"), Settle(0, "Paris")], "Paris", &[]),
        (
            "settled otherwise, and told",
            vec![Type(0, "Paris"), Type(1, "Nice"), Settle(1, "Pau"), Tell(0), Tell(1)],
            "Pau",
            &[],
        ),
        (
            "settled, then typed by one who was not told yet",
            vec![Type(0, "Paris"), Type(1, "Nice"), Settle(0, "Paris"), Type(1, "Brest")],
            "Brest",
            &[],
        ),
        (
            "settled, told, and both at once again",
            vec![
                Type(0, "Paris"),
                Type(1, "Nice"),
                Settle(0, "Paris"),
                Tell(1),
                Tell(0),
                Type(0, "Brest"),
                Type(1, "Metz"),
            ],
            "Paris",
            &[2, 1],
        ),
        (
            "a third system that was told agrees with both",
            vec![Type(2, "Lyon"), Tell(2), Type(0, "Paris"), Type(1, "Nice")],
            "Lyon",
            &[2, 1],
        ),
        (
            "what is kept is the value, not the form that a system made of it",
            vec![Type(0, "Metz"), TellUpper(1), Type(0, "Paris"), Type(0, "Rome"), Type(1, "Nice")],
            "Metz",
            &[2, 1],
        ),
    ];
    for (case, steps, golden, sides) in cases {
        let mut person = Person::new();
        for step in agreed().into_iter().chain(steps) {
            match step {
                Type(system, value) => person.types(system, value),
                Tell(system) => person.delivers(system, same),
                TellUpper(system) => person.delivers(system, upper),
                Settle(system, value) => person.settles(system, value),
            }
        }
        assert_eq!(person.told(), (golden.to_owned(), sides.to_vec()), "{case}");
    }
}

/// Two systems that never agreed: nothing is golden, nothing is written, and the
/// other field travels.
#[test]
fn what_was_never_agreed_has_no_value_and_holds_that_field_alone() {
    let mut person = Person::new();
    person.types(0, "Paris");
    person.types(1, "Nice");
    assert_eq!(person.told(), ("-".to_owned(), vec![2, 1]));
    let (profile, members) = (person.profile(), person.records.values().collect::<Vec<_>>());
    for mapping in &person.rules.mappings[..2] {
        for due in due(&profile, &members, mapping) {
            let text = format!("{due:?}");
            assert!(!text.contains("\"v\"") && text.contains("\"n\""), "{text}");
        }
    }
    let told = explain(&profile, &members, &person.rules);
    let v = told.iter().find(|told| told.name.as_str() == "v").unwrap();
    assert!(v.evidence.iter().all(|evidence| evidence.standing == Standing::Open));
    person.settles(0, "Paris");
    let (profile, members) = (person.profile(), person.records.values().collect::<Vec<_>>());
    let told = explain(&profile, &members, &person.rules);
    let v = told.iter().find(|told| told.name.as_str() == "v").unwrap();
    let decided = Standing::Lost(Lost::Decided);
    assert!(v.evidence.iter().all(|evidence| evidence.standing == decided));
}

/// The order of the members never shows, what is open is delivered nowhere, and
/// once a person has settled it everybody is told and falls silent.
#[test]
fn random_histories_settle() {
    let (mut open, mut asked) = (0, 0);
    for seed in 0..cases(1_000) {
        let mut rng = Rng(seed);
        let mut person = Person::new();
        let forms = [same, upper];
        let mut typed = BTreeSet::from(["-".to_owned(), "null".to_owned()]);
        for n in 0..20 {
            let system = rng.below(3);
            match rng.below(10) {
                0..5 => {
                    let value = format!("v{}", if rng.percent(30) { rng.below(3) } else { n });
                    person.types(system, if rng.percent(8) { "" } else { &value });
                    typed.insert(value);
                }
                5..9 if person.records.contains_key(&system) => {
                    let before = person.profile();
                    person.delivers(system, *rng.pick(&forms));
                    assert_eq!(person.profile(), before, "seed {seed}: telling is no evidence");
                }
                _ if !person.told().1.is_empty() => {
                    asked += 1;
                    let side = person.told().1[0];
                    person.settles(usize::try_from(side).unwrap() - 1, &format!("s{n}"));
                    let settled = person.told();
                    assert_eq!(settled, (format!("s{n}"), vec![]), "seed {seed}");
                    typed.insert(format!("s{n}"));
                }
                _ => {}
            }
            let profile = person.profile();
            let mut members: Vec<&Record> = person.records.values().collect();
            rng.shuffle(&mut members);
            let kind = EntityKind::Person;
            assert_eq!(derive(ProfileId(1), kind, &members, &person.rules), profile, "seed {seed}");
            let golden = person.told().0;
            assert!(typed.contains(&golden), "seed {seed}: {golden:?} was never typed (I5)");
            open += usize::from(!profile.conflicts.is_empty());
        }
        let (golden, sides) = person.told();
        if let Some(side) = sides.first() {
            person.settles(usize::try_from(*side).unwrap() - 1, "end");
        }
        let golden = if sides.is_empty() { golden } else { "end".to_owned() };
        for system in 0..3 {
            if person.records.contains_key(&system) {
                person.delivers(system, same);
                let members: Vec<&Record> = person.records.values().collect();
                let mapping = &person.rules.mappings[system];
                assert_eq!(due(&person.profile(), &members, mapping), [], "seed {seed}");
            }
        }
        assert_eq!(person.told(), (golden, vec![]), "seed {seed}");
    }
    assert!(open > 500 && asked > 50, "{open} {asked}");
}
