//! Survivorship by table, and by properties over random records.

use hub_model::{
    Assertion, EntityKind, FieldName, Profile, ProfileId, Record, RecordNo, Rules, RunId, Stamp,
    Survivorship, SyncId, TimeField, TimeFormat, Timestamp, TraitName, TraitRule, Value,
};
use serde_json::json;

use super::{Lost, Standing, derive, explain};
use crate::fixture::{Rng, at, cases, mapping, rules};
use crate::sync::{Context, Observation, Row, Stamps, observe, observe_deleted};

const SYSTEMS: [&str; 3] = ["crm", "shop", "bank"];

fn configuration(rule: Option<Survivorship>, sources: &[&str]) -> Rules {
    let mut mappings = Vec::new();
    for (index, system) in SYSTEMS.iter().enumerate() {
        let mut mapping = mapping(system, &["v -> v", "w -> v", "n -> n"]);
        mapping.priority = index as u32;
        let field = FieldName::new("at");
        mapping.source_time = Some(TimeField { field, format: TimeFormat::UnixSeconds });
        mappings.push(mapping);
    }
    let mut rules = rules(Vec::new(), mappings);
    rules.traits.extend(rule.map(|rule| TraitRule {
        name: TraitName::new("v"),
        rule,
        sources: sources.iter().copied().map(SyncId::new).collect(),
    }));
    rules
}

fn read(
    rules: &Rules,
    record: Option<&Record>,
    (stream, number): (usize, u64),
    json: serde_json::Value,
    stamps: &mut Stamps,
) -> Record {
    let Ok(Value::Object(object)) = Value::from_json(json) else { panic!("an object") };
    let mapping = &rules.mappings[stream];
    let run = RunId::new("run");
    let context = Context { number: RecordNo(number), run: &run, rules, now: Timestamp(0) };
    let at = at(mapping, &number.to_string());
    let row = Row { at: &at, object: &object, raw: &object, version: None };
    match observe(record, &row, mapping, stamps, &context) {
        Observation::Seen(seen) => seen.record,
        Observation::Unchanged => record.cloned().unwrap(),
    }
}

fn golden(rules: &Rules, members: &[&Record]) -> Profile {
    derive(ProfileId(1), EntityKind::Person, members, rules)
}

/// Records of the three systems in their order, each with one row.
fn three(rules: &Rules, rows: [serde_json::Value; 3]) -> Vec<Record> {
    let mut stamps = Stamps::after(0);
    let rows = rows.into_iter().enumerate();
    rows.map(|(n, json)| read(rules, None, (n, n as u64 + 1), json, &mut stamps)).collect()
}

#[test]
fn each_rule_picks_its_value() {
    use Survivorship::*;
    let v = |value: serde_json::Value| json!({"v": value});
    let at = |value: &str, seconds: i64| json!({"v": value, "at": seconds});
    // (rule, sources, the rows of crm, shop and bank, the value, its record)
    let cases = [
        (MostRecent, &[][..], [v(json!("a")), v(json!("b")), v(json!("c"))], json!("c"), 3),
        (MostRecentAtSource, &[], [at("a", 5), at("b", 9), v(json!("c"))], json!("b"), 2),
        (MostRecentAtSource, &[], [at("a", 5), at("b", 5), at("c", 4)], json!("b"), 2),
        (SourcePriority, &["shop"], [v(json!("a")), v(json!("b")), v(json!("c"))], json!("b"), 2),
        (SourcePriority, &["x"], [v(json!("a")), v(json!("b")), v(json!("c"))], json!("a"), 1),
        // A source that has nothing does not hide the next.
        (
            SourcePriority,
            &["shop", "bank"],
            [v(json!("a")), json!({}), v(json!("c"))],
            json!("c"),
            3,
        ),
        // What others say does not count, whenever they said it; what an owner
        // emptied is empty, and one who says nothing does not own.
        (Owner, &["crm"], [v(json!("a")), v(json!("b")), v(json!("c"))], json!("a"), 1),
        (Owner, &["shop", "crm"], [v(json!("a")), json!({}), v(json!("c"))], json!("a"), 1),
        (Owner, &["crm"], [json!({}), v(json!("b")), v(json!("c"))], json!("c"), 3),
        (MostFrequent, &[], [v(json!("a")), v(json!("a")), v(json!("c"))], json!("a"), 2),
        // Two fields of one record are one voice.
        (
            MostFrequent,
            &[],
            [v(json!("a")), v(json!("a")), json!({"v": "c", "w": "c"})],
            json!("a"),
            2,
        ),
        (MostFrequent, &[], [v(json!("a")), v(json!("b")), v(json!("c"))], json!("c"), 3),
        (
            Longest,
            &[],
            [v(json!("abc")), v(json!("\u{e9}\u{e9}")), v(json!("ab"))],
            json!("abc"),
            1,
        ),
        (Longest, &[], [v(json!([1])), v(json!([1, 2])), v(json!("x"))], json!([1, 2]), 2),
        (Min, &[], [v(json!(10)), v(json!(9)), v(json!(9.5))], json!(9), 2),
        (
            Max,
            &[],
            [v(json!("2026-01-31")), v(json!("2026-02-01")), v(json!(""))],
            json!("2026-02-01"),
            2,
        ),
        (
            Union,
            &[],
            [v(json!(["b", "a"])), v(json!("c")), v(json!(["a", null]))],
            json!(["a", "b", "c"]),
            3,
        ),
        (Union, &[], [v(json!(1)), json!({}), json!({})], json!([1]), 1),
    ];
    for (rule, sources, rows, value, record) in cases {
        let rules = configuration(Some(rule), sources);
        let case = format!("{rule} {sources:?} {rows:?}");
        let records = three(&rules, rows);
        let members: Vec<&Record> = records.iter().collect();
        let profile = golden(&rules, &members);
        let golden = &profile.traits["v"];
        assert_eq!(golden.value, Value::from_json(value).unwrap(), "{case}");
        assert_eq!(golden.provenance.record, RecordNo(record), "{case}");
        assert_eq!(golden.provenance.rule, rule, "{case}");
    }
}

#[test]
fn an_emptied_field_counts_where_the_newest_does_and_nowhere_else() {
    // Two that contradict each other wait where the rule is to ask.
    for (_, rule) in Survivorship::WORDS.iter().filter(|(_, rule)| *rule != Survivorship::Ask) {
        let rules = configuration(Some(*rule), &["shop", "crm"]);
        let mut stamps = Stamps::after(0);
        let a = read(&rules, None, (0, 1), json!({"v": "a", "at": 1}), &mut stamps);
        let b = read(&rules, None, (1, 2), json!({"v": "b", "at": 2}), &mut stamps);
        let b = read(&rules, Some(&b), (1, 2), json!({"v": null, "at": 3}), &mut stamps);
        let value = golden(&rules, &[&a, &b]).traits["v"].value.clone();
        assert_eq!(value.is_null(), rule.null_counts(), "{rule}");
        let a = read(&rules, Some(&a), (0, 1), json!({"v": null, "at": 4}), &mut stamps);
        assert_eq!(golden(&rules, &[&a, &b]).traits["v"].value, Value::Null, "{rule}");
    }
}

/// The declared time is that of the assertion: later changes of other fields,
/// our own writes among them, do not make an old value newer.
#[test]
fn a_later_time_of_the_row_does_not_renew_an_old_value() {
    let rules = configuration(Some(Survivorship::MostRecentAtSource), &[]);
    let mut stamps = Stamps::after(0);
    let a = read(&rules, None, (0, 1), json!({"v": "a", "n": 1, "at": 1}), &mut stamps);
    let b = read(&rules, None, (1, 2), json!({"v": "b", "at": 2}), &mut stamps);
    let a = read(&rules, Some(&a), (0, 1), json!({"v": "a", "n": 2, "at": 3}), &mut stamps);
    assert_eq!(golden(&rules, &[&a, &b]).traits["v"].value, Value::text("b"));
    let a = read(&rules, Some(&a), (0, 1), json!({"v": "c", "n": 2, "at": 4}), &mut stamps);
    assert_eq!(golden(&rules, &[&a, &b]).traits["v"].value, Value::text("c"));
}

/// The stamp of a union tells any two sets of assertions apart.
#[test]
fn a_union_that_loses_a_member_has_another_stamp() {
    let rules = configuration(Some(Survivorship::Union), &[]);
    let mut same = 0;
    for seed in 0..500_u64 {
        let mut stamps = Stamps::after(seed * 97 + 200);
        let mut record =
            |n: usize| read(&rules, None, (n, n as u64 + 1), json!({"v": [n]}), &mut stamps);
        let (a, b, c) = (record(0), record(1), record(2));
        let of = |members: &[&Record]| golden(&rules, members).traits["v"].stamp;
        let whole = of(&[&a, &b, &c]);
        let own = [&a, &b, &c].map(|record| of(&[record]));
        assert!(!own.contains(&whole) && whole.0 <= stamps.last() && whole.0 > 0, "seed {seed}");
        assert!(!own.contains(&of(&[&b, &c])), "seed {seed}");
        same += usize::from(of(&[&b, &c]) == whole) + usize::from(of(&[&a, &c]) == whole);
    }
    // By chance once in as many as there are stamps: here about 25,000.
    assert!(same <= 3, "{same}");
}

#[test]
fn a_union_stays_within_the_size_of_a_value() {
    let rules = configuration(Some(Survivorship::Union), &[]);
    let many = |from: usize| json!({"v": (from..from + 700).map(|n| format!("{n:05}")).collect::<Vec<_>>()});
    let long = |c: &str| json!({"v": [c.repeat(20_000)]});
    let records = three(&rules, [many(0), many(600), json!({})]);
    let members: Vec<&Record> = records.iter().collect();
    let Value::List(items) = golden(&rules, &members).traits["v"].value.clone() else { panic!() };
    assert_eq!(items.len(), 1_000);
    let records = three(&rules, [long("b"), long("a"), json!({})]);
    let members: Vec<&Record> = records.iter().collect();
    let value = &golden(&rules, &members).traits["v"].value;
    assert_eq!(*value, Value::List(vec![Value::text("a".repeat(20_000))]));
}

/// Random records under every rule: the order of the members never shows, what
/// `explain` calls the winner is the golden value, and every asserted value has
/// its standing.
#[test]
fn the_result_is_a_function_of_the_set() {
    let mut shared = 0;
    for seed in 0..cases(1_000) {
        let mut rng = Rng(seed);
        let rule = rng.pick(Survivorship::WORDS).1;
        let rules = configuration(Some(rule), &["bank", "crm"]);
        let mut stamps = Stamps::after(0);
        let values = [
            json!("a"),
            json!("bb"),
            json!("bb"),
            json!(1),
            json!(1.0),
            json!(["a", 2]),
            json!(null),
        ];
        let mut records: Vec<Option<Record>> = vec![None; 6];
        for _ in 0..15 {
            let n = rng.below(6);
            let mut row = serde_json::Map::new();
            for field in ["v", "w"] {
                row.insert(field.to_owned(), rng.pick(&values).clone());
            }
            row.insert("at".to_owned(), json!(rng.below(4)));
            let place = (n % 3, n as u64 + 1);
            records[n] = Some(read(&rules, records[n].as_ref(), place, row.into(), &mut stamps));
        }
        let dead = rng.percent(10);
        for record in records.iter_mut().flatten() {
            if dead || rng.percent(20) {
                *record = observe_deleted(record, stamps.next(), &RunId::new("r"));
            }
        }
        let mut members: Vec<&Record> = records.iter().flatten().collect();
        let first = golden(&rules, &members);
        let explained = explain(&first, &members, &rules);
        for _ in 0..3 {
            rng.shuffle(&mut members);
            assert_eq!(golden(&rules, &members), first, "seed {seed} {rule}");
            assert_eq!(explain(&first, &members, &rules), explained, "seed {seed} {rule}");
        }
        let asserted = members
            .iter()
            .flat_map(|record| record.fields.values())
            .filter(|state| state.asserted.is_some())
            .count();
        let evidence: usize = explained.iter().map(|explanation| explanation.evidence.len()).sum();
        assert_eq!(evidence, asserted, "seed {seed}");
        for explanation in &explained {
            let golden = first.traits.get(&explanation.name);
            assert_eq!(explanation.value.as_ref(), golden.map(|golden| &golden.value));
            let won = explanation.evidence.iter().filter(|e| e.standing == Standing::Won);
            let won: Vec<_> = won.collect();
            let union = explanation.evidence.iter().any(|e| e.standing == Standing::Shared);
            shared += usize::from(union);
            match golden {
                None => assert!(won.is_empty() && !union, "seed {seed}"),
                Some(_) if union => assert!(won.is_empty(), "seed {seed}"),
                Some(golden) => {
                    let [winner] = won.as_slice() else { panic!("seed {seed} {won:?}") };
                    assert_eq!((&winner.value, winner.stamp), (&golden.value, golden.stamp));
                    assert_eq!(winner.record, golden.provenance.record, "seed {seed}");
                    assert_eq!(winner.field, golden.provenance.field, "seed {seed}");
                }
            }
        }
    }
    assert!(shared > 50, "{shared}");
}

/// Written out as a rule, the usual one comes to what it is without.
#[test]
fn the_usual_rule_is_the_usual_rule() {
    for seed in 0..300 {
        let mut rng = Rng(seed);
        let told = configuration(Some(Survivorship::MostRecent), &[]);
        let silent = configuration(None, &[]);
        let mut stamps = Stamps::after(0);
        let mut records = Vec::new();
        for number in 1..=4 {
            let value = rng.pick(&[json!("a"), json!("b"), json!(null)]).clone();
            let row = json!({"v": value, "w": "c"});
            records.push(read(&told, None, (rng.below(3), number), row, &mut stamps));
        }
        // Should stamps ever be equal, the ties are broken alike.
        if rng.percent(50) {
            for state in records.iter_mut().flat_map(|record| record.fields.values_mut()) {
                let value = state.asserted.take().map(|asserted| asserted.value);
                state.asserted = value.map(|value| Assertion::new(value, Stamp(7)));
            }
        }
        let members: Vec<&Record> = records.iter().collect();
        assert_eq!(golden(&told, &members), golden(&silent, &members), "seed {seed}");
    }
}

#[test]
fn losers_are_told_why() {
    let rules = configuration(Some(Survivorship::Longest), &[]);
    let mut stamps = Stamps::after(0);
    let a = read(&rules, None, (0, 1), json!({"v": "long", "w": null}), &mut stamps);
    let b = read(&rules, None, (1, 2), json!({"v": "also", "w": "no"}), &mut stamps);
    let b = read(&rules, Some(&b), (1, 2), json!({"v": "also", "w": null}), &mut stamps);
    let mut c = read(&rules, None, (2, 3), json!({"n": 1}), &mut stamps);
    // The hub wrote it there; it shows, and is no evidence.
    c.fields.entry(FieldName::new("v")).or_default().remote = Some(Value::text("also"));
    let members = [&a, &b, &c];
    let told = explain(&golden(&rules, &members), &members, &rules);
    let of: Vec<(u64, String, Standing)> = told
        .iter()
        .filter(|explanation| explanation.name.as_str() == "v")
        .flat_map(|explanation| &explanation.evidence)
        .map(|e| (e.record.0, format!("{}={}", e.field, e.value.to_json()), e.standing))
        .collect();
    let expected = [
        (2, "v=\"also\"", Standing::Won),
        (2, "w=null", Standing::Lost(Lost::Empty)),
        (1, "v=\"long\"", Standing::Lost(Lost::Older)),
        (3, "v=\"also\"", Standing::Lost(Lost::Echo)),
    ];
    let of: Vec<(u64, &str, Standing)> = of.iter().map(|(n, v, s)| (*n, v.as_str(), *s)).collect();
    assert_eq!(of, expected);
}
