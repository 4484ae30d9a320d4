use hub_model::{
    Consent, ConsentKey, ConsentMapping, ConsentProof, ConsentState, EntityKind, FieldName, Period,
    ProfileId, Purpose, Record, RecordNo, Rules, RunId, Segment, Stamp, Survivorship, TimeField,
    TimeFormat, Timestamp, TraitName, TraitRule, Value, segment::Condition,
};

use super::{Effective, effective, expired_between, next_expiry, not_asked, permits, stated};
use crate::fixture::{Rng, at, cases, mapping, row, rules};
use crate::sync::{Context, Observation, Row, Stamps, observe, observe_deleted};

fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn configuration() -> Rules {
    let stating = |channel: &str| ConsentMapping {
        field: FieldName::new("optin"),
        key: ConsentKey::new("newsletter", channel),
        granted: vec![Value::text("yes")],
        denied: vec![Value::text("no")],
        withdrawn: vec![Value::text("stop")],
        otherwise: ConsentState::Unknown,
        time: Some(TimeField { field: FieldName::new("at"), format: TimeFormat::Rfc3339 }),
        text_version: Some(FieldName::new("text")),
        proof: Some(FieldName::new("tcf")),
    };
    let mut crm = mapping("crm", &["optin <-> optin"]);
    crm.consents = vec![stating("email")];
    let mut shop = mapping("shop", &["optin -> optin"]);
    shop.consents = vec![stating("email"), stating("*")];
    let mut rules = rules(Vec::new(), vec![crm, shop]);
    let expires = Some(Period::Months(13));
    rules.purposes =
        vec![Purpose { name: "newsletter".into(), channels: vec!["email".into()], expires }];
    let (name, rule) = (TraitName::new("optin"), Survivorship::Strictest);
    rules.traits = vec![TraitRule { name, rule, sources: Vec::new() }];
    rules
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
    let now = time("2026-01-31T00:00:00Z");
    let context = Context { number: RecordNo(number), run: &run, rules, now };
    let (at, object) = (at(mapping, &number.to_string()), row(fields));
    let row = Row { at: &at, object: &object, raw: &object, version: None };
    match observe(record, &row, mapping, stamps, &context) {
        Observation::Seen(seen) => seen.record,
        Observation::Unchanged => record.cloned().unwrap(),
    }
}

fn states(consents: &[Consent]) -> Vec<(String, ConsentState)> {
    consents.iter().map(|consent| (consent.key.to_string(), consent.state)).collect()
}

#[test]
fn a_statement_has_its_proof_and_its_end() {
    let rules = configuration();
    let mut stamps = Stamps::after(0);
    let fields = [
        ("optin", "yes"),
        ("at", "2025-06-30T12:00:00+02:00"),
        ("text", "v7"),
        ("tcf", "CPc7TgAPc7TgA"),
    ];
    let a = read(&rules, None, (0, 1), &fields, &mut stamps);
    let consents = stated(&[&a], &rules);
    let [consent] = consents.as_slice() else { panic!("{consents:?}") };
    assert_eq!(consent.state, ConsentState::Granted);
    assert_eq!(consent.expires, Some(time("2026-07-30T10:00:00Z")));
    let proof = ConsentProof {
        record: RecordNo(1),
        field: FieldName::new("optin"),
        given: Some(time("2025-06-30T10:00:00Z")),
        text_version: Some("v7".to_owned()),
        raw: Some("CPc7TgAPc7TgA".to_owned()),
    };
    assert_eq!(consent.proof, proof);
    // Undated, it counts from when the hub first saw it.
    let b = read(&rules, None, (0, 2), &[("optin", "yes")], &mut stamps);
    assert_eq!(stated(&[&b], &rules)[0].expires, Some(time("2027-02-28T00:00:00Z")));
    // Undated and never seen by the clock, it has expired.
    let mut c = b;
    c.fields.get_mut("optin").unwrap().asserted.as_mut().unwrap().seen = None;
    let consents = stated(&[&c], &rules);
    let held = effective(&consents, "newsletter", "email", time("2026-02-01T00:00:00Z"));
    assert_eq!((held.state, held.expired), (ConsentState::Unknown, true));
}

#[test]
fn what_the_hub_wrote_consents_to_nothing() {
    let rules = configuration();
    let mut stamps = Stamps::after(0);
    let mut a = read(&rules, None, (0, 1), &[("optin", "")], &mut stamps);
    let state = a.fields.entry(FieldName::new("optin")).or_default();
    state.remote = Some(Value::text("yes"));
    assert!(stated(&[&a], &rules).is_empty());
}

#[test]
fn the_stricter_wins_over_channels_and_time() {
    let rules = configuration();
    let (email, every) = ("newsletter/email".to_owned(), "newsletter/*".to_owned());
    // (the crm's word, the shop's word about every channel, what is stated)
    use ConsentState::{Denied, Granted, Unknown, Withdrawn};
    let cases = [
        ("yes", "yes", Granted, Granted),
        ("yes", "no", Denied, Denied),
        ("stop", "no", Withdrawn, Denied),
        ("yes", "maybe", Granted, Unknown),
        ("maybe", "yes", Granted, Granted),
    ];
    for (crm, shop, on_email, on_every) in cases {
        let mut stamps = Stamps::after(0);
        let a = read(&rules, None, (0, 1), &[("optin", crm)], &mut stamps);
        let b = read(&rules, None, (1, 2), &[("optin", shop)], &mut stamps);
        let consents = stated(&[&a, &b], &rules);
        let expected = [(every.clone(), on_every), (email.clone(), on_email)];
        assert_eq!(states(&consents), expected, "{crm} {shop}");
        // A deleted record keeps its word.
        let gone = observe_deleted(&b, Stamp(9), &RunId::new("r"));
        assert_eq!(stated(&[&gone, &a], &rules), consents, "{crm} {shop}");
        // The trait itself survives by the same rule.
        let profile = crate::profile::derive(ProfileId(1), EntityKind::Person, &[&a, &b], &rules);
        let golden = &profile.traits["optin"];
        let stating = &rules.mappings[0].consents[0];
        assert_eq!(stating.state_of(&golden.value), on_email.max(on_every), "{crm} {shop}");
        assert_eq!(profile.consents, consents);
    }
}

fn consent(channel: &str, state: ConsentState, expires: Option<i64>) -> Consent {
    Consent {
        key: ConsentKey::new("ads", channel),
        state,
        stamp: Stamp(1),
        expires: expires.map(Timestamp::from_seconds),
        proof: ConsentProof {
            record: RecordNo(1),
            field: FieldName::new("f"),
            given: Some(Timestamp::from_seconds(10)),
            text_version: None,
            raw: None,
        },
    }
}

#[test]
fn a_declared_purpose_is_asked_by_its_name_or_by_another() {
    let ads = || vec![ConsentKey::new("advertising", "web")];
    let shown = || ConsentKey::new("shown", "web");
    // (required, called otherwise, the segment's, declared, what is not asked)
    let cases = [
        (vec![], None, None, vec![], None),
        (vec![], None, None, vec!["advertising"], Some("advertising")),
        (ads(), None, None, vec!["advertising"], None),
        (ads(), None, None, vec!["advertising", "profiling"], Some("profiling")),
        (vec![shown()], None, None, vec!["advertising"], Some("advertising")),
        (vec![shown()], Some(shown()), None, vec!["advertising"], None),
        (vec![], None, Some("advertising"), vec!["advertising"], None),
        (vec![], None, Some("newsletter"), vec!["advertising"], Some("advertising")),
    ];
    for (requires, called, segment, declared, expected) in cases {
        let mut mapping = mapping("ads", &["email <- email"]);
        mapping.requires = requires;
        mapping.purposes = called.into_iter().map(|key| ("advertising".into(), key)).collect();
        let segment = segment.map(|purpose| Segment {
            name: "who".into(),
            kind: EntityKind::Person,
            purpose: ConsentKey::new(purpose, "web"),
            when: Condition::All(Vec::new()),
        });
        let declared: Vec<Box<str>> = declared.into_iter().map(Into::into).collect();
        assert_eq!(not_asked(&declared, &mapping, segment.as_ref()), expected, "{mapping:?}");
    }
}

#[test]
fn what_holds_at_an_instant() {
    use ConsentState::{Denied, Granted, Unknown, Withdrawn};
    let on = consent;
    // (consents, channel, seconds, state, expired)
    let cases = [
        (vec![], "web", 50, Unknown, false),
        (vec![on("web", Granted, Some(100))], "web", 99, Granted, false),
        (vec![on("web", Granted, Some(100))], "web", 100, Unknown, true),
        (vec![on("web", Granted, Some(100))], "web", 9, Unknown, false),
        (vec![on("web", Granted, Some(100))], "sms", 50, Unknown, false),
        (vec![on("*", Granted, None)], "sms", 50, Granted, false),
        (vec![on("*", Granted, None), on("sms", Denied, None)], "sms", 50, Denied, false),
        (vec![on("*", Granted, None), on("sms", Denied, None)], "web", 50, Granted, false),
        (vec![on("*", Granted, None), on("sms", Denied, None)], "*", 50, Denied, false),
        (vec![on("web", Granted, None)], "*", 50, Unknown, false),
        (vec![on("*", Withdrawn, None), on("web", Granted, None)], "web", 50, Withdrawn, false),
        // One grant is over, the other is not.
        (vec![on("*", Granted, Some(20)), on("web", Granted, None)], "web", 50, Granted, false),
        (vec![on("web", Granted, Some(20)), on("*", Unknown, None)], "web", 50, Unknown, true),
    ];
    for (consents, channel, seconds, state, expired) in cases {
        let now = Timestamp::from_seconds(seconds);
        let Effective { state: got, expired: over, .. } = effective(&consents, "ads", channel, now);
        assert_eq!(got, state, "{consents:?} {channel} {seconds}");
        // Whichever of them is named first, what is over can be told.
        assert!(!expired || over, "{consents:?} {channel} {seconds}");
        let required = [ConsentKey::new("ads", channel)];
        assert_eq!(permits(&consents, &required, now).is_ok(), state == Granted);
        assert_eq!(effective(&consents, "other", channel, now).state, Unknown);
    }
    assert_eq!(permits(&[], &[], Timestamp(0)), Ok(()));
}

#[test]
fn sweeps_find_each_expiry_once() {
    let consents: Vec<Consent> = [Some(30), None, Some(10), Some(20)]
        .into_iter()
        .map(|expires| consent("web", ConsentState::Granted, expires))
        .collect();
    let second = Timestamp::from_seconds;
    let (mut after, mut found) = (second(0), Vec::new());
    while let Some(until) = next_expiry(&consents, after) {
        found
            .extend(expired_between(&consents, after, until).map(|c| c.expires.unwrap().seconds()));
        after = until;
    }
    assert_eq!(found, [10, 20, 30]);
}

#[test]
fn the_stricter_wins_whatever_the_order() {
    for seed in 0..cases(1_000) {
        let mut rng = Rng(seed);
        let rules = configuration();
        let mut stamps = Stamps::after(0);
        let words = ["yes", "no", "stop", "maybe", ""];
        let times = ["", "2024-01-01T00:00:00Z", "2025-06-30T00:00:00Z", "2025-12-01T00:00:00Z"];
        let mut records = Vec::new();
        for number in 1..2 + rng.below(5) as u64 {
            let place = (rng.below(2), number);
            let mut record = None;
            for _ in 0..rng.below(3) + 1 {
                let fields = [("optin", *rng.pick(&words)), ("at", *rng.pick(&times))];
                record = Some(read(&rules, record.as_ref(), place, &fields, &mut stamps));
            }
            records.extend(record);
        }
        let mut members: Vec<&Record> = records.iter().collect();
        let all = stated(&members, &rules);
        for _ in 0..3 {
            rng.shuffle(&mut members);
            assert_eq!(stated(&members, &rules), all, "seed {seed}");
        }
        // A merge is never more permissive than either side, and no
        // stricter than the stricter of both: at any instant.
        let (left, right) = members.split_at(rng.below(members.len() + 1));
        let (left, right) = (stated(left, &rules), stated(right, &rules));
        for month in 2..=9 {
            let now = time(&format!("2026-0{month}-15T00:00:00Z"));
            for channel in ["email", "sms", "*"] {
                let at = |consents| effective(consents, "newsletter", channel, now).state;
                let stricter = at(&left).max(at(&right));
                assert_eq!(at(&all), stricter, "seed {seed} {channel} {now}");
            }
        }
    }
}
