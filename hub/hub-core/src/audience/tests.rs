//! Tables of comparisons, and properties over random segments and people.

use std::collections::BTreeMap;

use hub_model::segment::Condition;
use hub_model::{
    Claimed, Consent, ConsentKey, ConsentProof, ConsentState, CountTest, EntityKind, FieldName,
    Identity, Number, Period, Profile, ProfileId, Provenance, RecordNo, Segment, Stamp, Standing,
    Survivorship, Timestamp, Trait, TraitName, Value, ValueTest,
};

use super::{Found, Gathered, Needs, Subject, Verdict, explain, judge, standing};
use crate::fixture::{Rng, cases, rules};

const DAY: i64 = 86_400;

fn day(days: i64) -> Timestamp {
    Timestamp::from_seconds(days * DAY)
}

fn golden(value: Value) -> Trait {
    let provenance = Provenance {
        record: RecordNo(1),
        field: FieldName::new("f"),
        rule: Survivorship::default(),
    };
    Trait { value, stamp: Stamp(1), provenance }
}

fn consent(channel: &str, state: ConsentState, (given, expires): (i64, Option<i64>)) -> Consent {
    Consent {
        key: ConsentKey::new("news", channel),
        state,
        stamp: Stamp(1),
        expires: expires.map(day),
        proof: ConsentProof {
            record: RecordNo(1),
            field: FieldName::new("optin"),
            given: Some(day(given)),
            text_version: None,
            raw: None,
        },
    }
}

fn person(traits: &[(&str, Value)], consents: Vec<Consent>) -> Profile {
    Profile {
        id: ProfileId(1),
        kind: EntityKind::Person,
        traits: traits.iter().map(|(name, v)| (TraitName::new(*name), golden(v.clone()))).collect(),
        identities: vec![Claimed { identity: Identity::new("email", "a@x.fr"), stamp: Stamp(1) }],
        records: vec![RecordNo(1)],
        consents,
        conflicts: Vec::new(),
    }
}

fn permitted(traits: &[(&str, Value)]) -> Profile {
    person(traits, vec![consent("email", ConsentState::Granted, (0, None))])
}

fn segment(when: Condition) -> Segment {
    let purpose = ConsentKey::new("news", "email");
    Segment { name: "s".into(), kind: EntityKind::Person, purpose, when }
}

fn about(test: ValueTest) -> Segment {
    segment(Condition::Trait { name: TraitName::new("t"), tests: vec![test] })
}

fn at(segment: &Segment, profile: &Profile, gathered: &Gathered, now: Timestamp) -> Verdict {
    judge(segment, &Subject { profile, gathered }, now)
}

fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

#[test]
fn comparisons_are_typed() {
    let text = |text: &str| Value::text(text);
    let n = |text: &str| Value::Number(number(text));
    let list = Value::List(vec![text("vip"), n("2")]);
    let table = [
        (ValueTest::Known(true), text("x"), true),
        (ValueTest::Known(true), Value::Null, false),
        (ValueTest::Known(false), Value::Null, true),
        (ValueTest::OneOf(vec![text("a"), n("1")]), n("1.0"), true),
        (ValueTest::OneOf(vec![n("1")]), text("1"), false),
        (ValueTest::OneOf(vec![Value::Bool(true)]), Value::Bool(true), true),
        (ValueTest::BeginsWith("75".into()), text("75011"), true),
        (ValueTest::BeginsWith("75".into()), n("75011"), false),
        (ValueTest::Contains(text("vip")), list.clone(), true),
        (ValueTest::Contains(n("2.0")), list.clone(), true),
        (ValueTest::Contains(text("vip")), text("vip"), false),
        (ValueTest::Above(number("0.1")), n("0.1000000000000000000001"), true),
        (ValueTest::Above(number("0.1")), n("0.1"), false),
        (ValueTest::AtLeast(number("0.1")), n("0.10"), true),
        (ValueTest::Below(number("-1")), n("-1.5"), true),
        (ValueTest::AtMost(number("100")), n("1e2"), true),
        (ValueTest::AtMost(number("100")), text("5"), false),
        (ValueTest::From(day(10)), text("1970-01-11"), true),
        (ValueTest::Before(day(10)), text("1970-01-11"), false),
        (ValueTest::Before(day(10)), text("1970-01-11T01:00:00+02:00"), true),
        (ValueTest::Before(day(10)), text("11/01/1970"), false),
        (ValueTest::Before(day(10)), n("5"), false),
        (ValueTest::Before(day(10)), Value::Null, false),
    ];
    for (test, value, holds) in table {
        let told = format!("{test} of {value:?}");
        let found = at(&about(test), &permitted(&[("t", value)]), &Gathered::default(), day(50));
        assert_eq!(found, Verdict { holds, next: None }, "{told}");
    }
}

#[test]
fn dates_turn_by_the_clock() {
    let date = permitted(&[("t", Value::text("1970-01-31"))]);
    let (within, older) =
        (about(ValueTest::Within(Period::Months(1))), about(ValueTest::Older(Period::Months(1))));
    // (now, within, older, when either turns): February has 28 days.
    let table = [
        (29, false, false, Some(30)),
        (30, true, false, Some(58)),
        (57, true, false, Some(58)),
        (58, false, true, None),
    ];
    for (now, is_within, is_older, next) in table {
        let next = next.map(day);
        let found = at(&within, &date, &Gathered::default(), day(now));
        assert_eq!(found, Verdict { holds: is_within, next }, "day {now}");
        let found = at(&older, &date, &Gathered::default(), day(now));
        assert_eq!(found, Verdict { holds: is_older, next }, "day {now}");
    }
}

#[test]
fn nobody_is_a_member_without_a_grant() {
    use ConsentState::{Denied, Granted, Unknown, Withdrawn};
    let all = segment(Condition::All(Vec::new()));
    let on = consent;
    // (consents, day, member, when it turns)
    let table = [
        (vec![], 5, false, None),
        (vec![on("email", Granted, (0, None))], 5, true, None),
        (vec![on("email", Granted, (0, Some(9)))], 5, true, Some(9)),
        (vec![on("email", Granted, (0, Some(9)))], 9, false, None),
        (vec![on("email", Granted, (7, Some(9)))], 5, false, Some(7)),
        (vec![on("sms", Granted, (0, None))], 5, false, None),
        (vec![on("*", Granted, (0, None))], 5, true, None),
        (vec![on("*", Granted, (0, None)), on("email", Denied, (0, None))], 5, false, None),
        (vec![on("*", Withdrawn, (0, None)), on("email", Granted, (0, None))], 5, false, None),
        (vec![on("email", Unknown, (0, None))], 5, false, None),
    ];
    for (consents, now, holds, next) in table {
        let told = format!("{consents:?} at day {now}");
        let found = at(&all, &person(&[], consents), &Gathered::default(), day(now));
        assert_eq!(found, Verdict { holds, next: next.map(day) }, "{told}");
    }
}

#[test]
fn events_are_counted_in_their_window() {
    let counted = |at_least, at_most, within| {
        segment(Condition::Event {
            name: "buy".into(),
            within: Some(Period::Days(within)),
            count: CountTest { at_least, at_most },
        })
    };
    let needs = |segment: &Segment| Needs::of([segment]);
    let heard = |segment: &Segment| {
        let mut gathered = Gathered::default();
        for time in [20, 15, 15, 3] {
            gathered.hear(&needs(segment), &"buy".into(), day(time));
            gathered.hear(&needs(segment), &"open".into(), day(time));
        }
        gathered
    };
    // (at least, at most, window, now, holds, when it turns)
    let table = [
        (1, None, 10, 21, true, Some(30)),
        (2, None, 10, 21, true, Some(25)),
        (4, None, 10, 21, false, None),
        (4, None, 30, 21, true, Some(33)),
        (0, Some(0), 10, 21, false, Some(30)),
        (0, Some(0), 10, 30, true, None),
        (1, Some(1), 10, 21, false, Some(25)),
        (1, Some(1), 10, 25, true, Some(30)),
    ];
    for (at_least, at_most, within, now, holds, next) in table {
        let segment = counted(at_least, at_most, within);
        let found = at(&segment, &permitted(&[]), &heard(&segment), day(now));
        let told = format!("{} at day {now}", segment.when);
        assert_eq!(found, Verdict { holds, next: next.map(day) }, "{told}");
    }
}

#[test]
fn an_answer_is_explained_condition_by_condition() {
    let country = Condition::Trait {
        name: TraitName::new("country"),
        tests: vec![ValueTest::OneOf(vec![Value::text("FR")])],
    };
    let identity = |name: &str| Condition::Identity(name.into());
    let any = Condition::Any(vec![identity("phone"), identity("email")]);
    let segment = segment(Condition::All(vec![country, any]));
    let profile = permitted(&[("country", Value::text("BE"))]);
    let gathered = Gathered::default();
    let why = explain(&segment, &Subject { profile: &profile, gathered: &gathered }, day(1));
    assert_eq!((why.member, why.permitted, why.is_of_kind), (false, true, true));
    let [country, any] = why.when.parts.as_slice() else { panic!("{why:?}") };
    assert_eq!(country.condition, "trait = country, is = \"FR\"");
    assert_eq!((country.holds, &country.found), (false, &Some(Found::Value(Value::text("BE")))));
    assert_eq!((any.holds, any.parts[0].holds, any.parts[1].holds), (true, false, true));
    assert_eq!(any.parts[1].found, Some(Found::Count(1)));
}

/// Somebody at random, with everything that happened to him, newest first.
struct Someone {
    profile: Profile,
    events: Vec<(&'static str, Timestamp)>,
    objects: Vec<&'static str>,
}

const EVENTS: [&str; 2] = ["buy", "open"];
const LAST_DAY: usize = 40;

impl Someone {
    fn any(rng: &mut Rng) -> Self {
        let mut consents = vec![consent(
            "email",
            *rng.pick(&[ConsentState::Granted, ConsentState::Granted, ConsentState::Denied]),
            (rng.below(LAST_DAY) as i64, rng.percent(50).then(|| rng.below(LAST_DAY) as i64)),
        )];
        consents.truncate(rng.below(4));
        let date = day(rng.below(LAST_DAY) as i64).to_string();
        let value = match rng.below(3) {
            0 => Value::text(&date[..10]),
            1 => Value::from(rng.below(5) as i64),
            _ => Value::Null,
        };
        let mut events: Vec<_> = (0..rng.below(12))
            .map(|_| (*rng.pick(&EVENTS), day(rng.below(LAST_DAY) as i64)))
            .collect();
        events.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
        let objects = (0..rng.below(4)).map(|_| *rng.pick(&["buyer", "payer"])).collect();
        Self { profile: person(&[("t", value)], consents), events, objects }
    }

    /// What is known of him: all of it, or what the needs let through.
    fn gathered(&self, needs: &Needs, until_enough: Option<Timestamp>) -> Gathered {
        let mut gathered = Gathered::default();
        for (name, time) in &self.events {
            if until_enough.is_some_and(|now| gathered.is_enough(needs, *time, now)) {
                break;
            }
            gathered.hear(needs, &(*name).into(), *time);
        }
        for role in &self.objects {
            gathered.relate(EntityKind::object("order"), (*role).into());
        }
        gathered
    }
}

fn any_condition(rng: &mut Rng, levels: usize) -> Condition {
    let period = |rng: &mut Rng| Period::Days(1 + rng.below(20) as u32);
    let count = |rng: &mut Rng| CountTest {
        at_least: rng.below(4) as u32,
        at_most: rng.percent(40).then(|| rng.below(4) as u32),
    };
    match rng.below(if levels == 0 { 5 } else { 8 }) {
        0 => {
            let test = match rng.below(5) {
                0 => ValueTest::Known(rng.percent(50)),
                1 => ValueTest::AtLeast(Number::from(rng.below(5) as i64)),
                2 => ValueTest::Before(day(rng.below(LAST_DAY) as i64)),
                3 => ValueTest::Within(period(rng)),
                _ => ValueTest::Older(period(rng)),
            };
            Condition::Trait { name: TraitName::new("t"), tests: vec![test] }
        }
        1 => Condition::Identity((*rng.pick(&["email", "phone"])).into()),
        2 => Condition::Relation {
            kind: "order".into(),
            role: rng.percent(50).then(|| "buyer".into()),
            count: count(rng),
        },
        3 => Condition::Consent(ConsentKey::new("news", ["email", "sms"][rng.below(2)])),
        4 => Condition::Event {
            name: (*rng.pick(&EVENTS)).into(),
            within: rng.percent(80).then(|| period(rng)),
            count: count(rng),
        },
        group => {
            let parts = (0..rng.below(4)).map(|_| any_condition(rng, levels - 1)).collect();
            match group {
                5 => Condition::All(parts),
                6 => Condition::Any(parts),
                _ => Condition::None(parts),
            }
        }
    }
}

#[test]
fn nothing_turns_before_it_was_said_to() {
    let mut turned = 0;
    for seed in 0..cases(3_000) {
        let mut rng = Rng(seed);
        let segment = segment(any_condition(&mut rng, 3));
        let needs = Needs::of([&segment]);
        let someone = Someone::any(&mut rng);
        let all = someone.gathered(&Needs::of([&segment]), None);
        let mut held: Option<Verdict> = None;
        for now in 0..(LAST_DAY as i64 + 25) * 2 {
            let now = day(0).plus_seconds(now * DAY / 2);
            let found = at(&segment, &someone.profile, &all, now);
            let told = || format!("seed {seed} at {now}: {segment:?} {:?}", someone.events);
            assert!(found.next.is_none_or(|next| next > now), "{}", told());
            if let Some(before) = held {
                let due = before.next.is_some_and(|next| next <= now);
                assert!(due || found.holds == before.holds, "{}", told());
                turned += u32::from(found.holds != before.holds);
            }
            held = Some(found);
            // What decides nothing was rightly left out.
            let enough = someone.gathered(&needs, Some(now));
            assert_eq!(at(&segment, &someone.profile, &enough, now), found, "{}", told());
            let granted = super::consent_state(
                &Subject { profile: &someone.profile, gathered: &all },
                &segment.purpose,
                now,
            );
            assert!(!found.holds || granted == ConsentState::Granted, "{}", told());
            let why =
                explain(&segment, &Subject { profile: &someone.profile, gathered: &all }, now);
            assert_eq!((why.member, why.review), (found.holds, found.next), "{}", told());
        }
    }
    assert!(turned > 500, "only {turned} answers turned by time: the property says nothing");
}

#[test]
fn a_standing_is_judged_anew_and_keeps_since_when() {
    let mut rules = rules(Vec::new(), Vec::new());
    let named = |name: &str, when| Segment { name: name.into(), ..segment(when) };
    let within = ValueTest::Within(Period::Days(10));
    rules.segments = vec![
        named("all", Condition::All(Vec::new())),
        named("fresh", about(within).when),
        named("nobody", Condition::Any(Vec::new())),
    ];
    let profile = permitted(&[("t", Value::text("1970-01-06"))]);
    let gathered = Gathered::default();
    let subject = Subject { profile: &profile, gathered: &gathered };
    let first = standing(&rules, &subject, &Standing::none(ProfileId(1)), day(6));
    let wanted = Standing {
        profile: ProfileId(1),
        segments: BTreeMap::from([("all".into(), day(6)), ("fresh".into(), day(6))]),
        review: Some(day(15)),
    };
    assert_eq!(first, wanted);
    let later = standing(&rules, &subject, &first, day(15));
    let segments = BTreeMap::from([("all".into(), day(6))]);
    assert_eq!(later, Standing { profile: ProfileId(1), segments, review: None });
}
