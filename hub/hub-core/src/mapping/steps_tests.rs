//! Every step both ways: what it gives, what it refuses, and that what undoes it
//! does.

use std::borrow::Cow;

use hub_model::conversion::backwards;
use hub_model::{
    Cleaner, CodeForm, Number, OneWay, Otherwise, Step, Template, Test, TimeFormat, Transform,
    Value,
};
use serde_json::{Value as Json, json};

use super::steps::{convert, fill};
use crate::fixture::{Rng, cases};

fn value(json: Json) -> Value {
    Value::from_json(json).unwrap()
}

fn through(steps: &[Step], value: &Value) -> Option<Value> {
    convert(steps, Cow::Borrowed(value)).ok().map(Cow::into_owned)
}

fn step(transform: Transform) -> Vec<Step> {
    vec![Step::from(transform)]
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn format(text: &str) -> TimeFormat {
    TimeFormat::parse(text).unwrap()
}

fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

fn table(entries: &[(&str, Json)]) -> Cleaner {
    let entry = |(key, json): &(&str, Json)| ((*key).to_owned(), value(json.clone()));
    Cleaner::Map { table: entries.iter().map(entry).collect() }
}

/// (step, taken, given or refused, and back)
#[test]
fn each_step_gives_what_it_says_and_its_inverse_leads_back() {
    let prefix = || Transform::AddPrefix { text: text("FR-") };
    let strip = || Transform::StripPrefix { text: text("FR-") };
    let suffix = || Transform::AddSuffix { text: text(" €") };
    let unsuffix = || Transform::StripSuffix { text: text(" €") };
    let split = || Transform::Split { by: text(";") };
    let join = || Transform::Join { by: text(";") };
    let cents = || Transform::Divide { by: number("100") };
    let times = || Transform::Multiply { by: number("0.25") };
    let decimal = || Transform::Clean(Cleaner::Number { decimal: ',', group: Some(' ') });
    let written = || Transform::FormatNumber { decimal: ',' };
    let words = || Transform::Boolean {
        yes: vec![text("oui"), text("o"), text("1")],
        no: vec![text("non")],
    };
    let unwords = || Transform::FormatBoolean { yes: text("oui"), no: text("non") };
    let day = || Transform::Clean(Cleaner::Date { format: format("DD/MM/YYYY") });
    let unday = || Transform::FormatDate { format: format("DD/MM/YYYY") };
    let instant = || Transform::Clean(Cleaner::Instant { format: format("unix-seconds") });
    let country = || Transform::Country { form: CodeForm::Three };
    let uncountry = || Transform::FormatCountry { form: CodeForm::Three };
    let language = || Transform::Language { form: CodeForm::Three };
    let map = || Transform::Clean(table(&[("FR", json!("France")), ("DE", json!("Germany"))]));
    let usual = || Transform::Default { value: value(json!("n/a")) };
    let upper = || Transform::Clean(Cleaner::Upper);
    let cases: Vec<(Transform, Json, Option<Json>, Option<Json>)> = vec![
        // Normal forms: what comes back is the normal form itself.
        (Transform::Clean(Cleaner::Trim), json!(" a "), Some(json!("a")), Some(json!("a"))),
        (
            Transform::Clean(Cleaner::Squeeze),
            json!(" a  b"),
            Some(json!("a b")),
            Some(json!("a b")),
        ),
        (Transform::Clean(Cleaner::Lower), json!("ÉA"), Some(json!("éa")), Some(json!("éa"))),
        (upper(), json!("ana"), Some(json!("ANA")), Some(json!("ANA"))),
        (upper(), json!(1), None, None),
        (upper(), json!(["a", null]), Some(json!(["A", null])), Some(json!(["A", null]))),
        (
            Transform::Title,
            json!("le goff-DUPONT d'arc"),
            Some(json!("Le Goff-Dupont D'Arc")),
            Some(json!("Le Goff-Dupont D'Arc")),
        ),
        (Transform::Clean(Cleaner::EmptyToNull), json!(" "), Some(json!(null)), Some(json!(null))),
        (
            Transform::Clean(Cleaner::Email),
            json!(" Ana@X.fr"),
            Some(json!("ana@x.fr")),
            Some(json!("ana@x.fr")),
        ),
        // Pieces of text.
        (prefix(), json!("75"), Some(json!("FR-75")), Some(json!("75"))),
        (prefix(), json!("\u{301}"), Some(json!("FR-\u{301}")), Some(json!("\u{301}"))),
        (strip(), json!("FR-75"), Some(json!("75")), Some(json!("FR-75"))),
        (strip(), json!("75"), None, None),
        (suffix(), json!("12"), Some(json!("12 €")), Some(json!("12"))),
        (unsuffix(), json!("12 €"), Some(json!("12")), Some(json!("12 €"))),
        (unsuffix(), json!("12"), None, None),
        (
            Transform::Replace { find: text("Street"), with: text("St.") },
            json!("Main Street"),
            Some(json!("Main St.")),
            None,
        ),
        (split(), json!("a;b;"), Some(json!(["a", "b", ""])), Some(json!("a;b;"))),
        (split(), json!(""), Some(json!([])), Some(json!(""))),
        (join(), json!(["a", "b"]), Some(json!("a;b")), Some(json!(["a", "b"]))),
        (join(), json!(["a;b"]), None, None),
        (join(), json!([1]), None, None),
        (join(), json!("a"), None, None),
        (Transform::Part { by: text(" "), at: 2 }, json!("Ana Le Goff"), Some(json!("Le")), None),
        (Transform::Part { by: text(" "), at: 4 }, json!("Ana Le Goff"), None, None),
        // Numbers.
        (cents(), json!(1999), Some(json!(19.99)), Some(json!(1999))),
        (cents(), json!("1999"), None, None),
        (times(), json!(3), Some(json!(0.75)), Some(json!(3))),
        (decimal(), json!("1 234,5"), Some(json!(1234.5)), Some(json!("1234,5"))),
        (decimal(), json!("x"), None, None),
        (written(), json!(-0.5), Some(json!("-0,5")), Some(json!(-0.5))),
        (written(), json!(1e50), None, None),
        // Truth values.
        (words(), json!("o"), Some(json!(true)), Some(json!("oui"))),
        (words(), json!(1), Some(json!(true)), Some(json!("oui"))),
        (words(), json!("peut-être"), None, None),
        (unwords(), json!(false), Some(json!("non")), Some(json!(false))),
        (unwords(), json!("non"), None, None),
        // Times.
        (day(), json!("03/04/2026"), Some(json!("2026-04-03")), Some(json!("03/04/2026"))),
        (day(), json!("2026-04-03"), None, None),
        (unday(), json!("2026-04-03"), Some(json!("03/04/2026")), Some(json!("2026-04-03"))),
        (unday(), json!("2026-04-03T10:00:00"), None, None),
        (
            instant(),
            json!(1774744200),
            Some(json!("2026-03-29T00:30:00Z")),
            Some(json!(1774744200)),
        ),
        (
            Transform::FormatInstant { format: format("YYYY-MM-DD hh:mm") },
            json!("2026-03-29T02:30:00+02:00"),
            Some(json!("2026-03-29 00:30")),
            Some(json!("2026-03-29T00:30:00Z")),
        ),
        // Codes.
        (country(), json!("fra"), Some(json!("FR")), Some(json!("FRA"))),
        (country(), json!("France"), None, None),
        (uncountry(), json!("FR"), Some(json!("FRA")), Some(json!("FR"))),
        (language(), json!("fr_CA"), Some(json!("fr-CA")), Some(json!("fra-CA"))),
        // Tables.
        (map(), json!("FR"), Some(json!("France")), Some(json!("FR"))),
        (map(), json!("IT"), None, None),
        (
            Transform::Clean(table(&[("1", json!(true)), ("0", json!(false))])),
            json!(1),
            Some(json!(true)),
            Some(json!("1")),
        ),
        // What is empty.
        (usual(), json!(null), Some(json!("n/a")), Some(json!("n/a"))),
        (usual(), json!(" "), Some(json!("n/a")), Some(json!("n/a"))),
        (usual(), json!(0), Some(json!(0)), Some(json!(0))),
    ];
    for (transform, taken, given, back) in cases {
        let name = format!("{} {taken}", transform.as_str());
        let way = step(transform);
        let got = through(&way, &value(taken));
        assert_eq!(got.as_ref().map(Value::to_json), given, "{name}");
        let undone = backwards(&way);
        let returned = got.as_ref().and_then(|got| through(undone.as_ref().ok()?, got));
        assert_eq!(returned.as_ref().map(Value::to_json), back, "{name}, back");
        if let (Some(got), Some(returned)) = (got, returned) {
            assert_eq!(through(&way, &returned), Some(got), "{name}, again");
        }
    }
}

#[test]
fn conditions_hold_or_not() {
    let when = |test: Test, or: Option<&str>| {
        step(Transform::When { test, then: value(json!("yes")), or: or.map(Value::from) })
    };
    let one_of = |values: Json| match value(values) {
        Value::List(values) => Test::OneOf(values),
        other => panic!("{other:?}"),
    };
    let cases = [
        (when(one_of(json!(["a", 1])), Some("no")), json!(1), json!("yes")),
        (when(one_of(json!(["a", 1])), Some("no")), json!("1"), json!("no")),
        (when(one_of(json!(["a"])), None), json!("b"), json!("b")),
        (when(one_of(json!([null])), None), json!(null), json!("yes")),
        (when(Test::Empty, Some("no")), json!(" "), json!("yes")),
        (when(Test::Empty, Some("no")), json!(["x"]), json!("no")),
    ];
    for (way, taken, given) in cases {
        assert_eq!(through(&way, &value(taken.clone())), Some(value(given)), "{taken}");
        assert!(backwards(&way).is_err());
    }
}

#[test]
fn what_cannot_be_undone_says_why() {
    let cases = [
        (Transform::Replace { find: text("a"), with: text("b") }, OneWay::Replaced),
        (Transform::Part { by: text(" "), at: 1 }, OneWay::Part),
        (Transform::Multiply { by: number("3") }, OneWay::NoExactDecimals(number("3"))),
        (Transform::Multiply { by: number("0") }, OneWay::NoExactDecimals(number("0"))),
        (
            Transform::Clean(table(&[("M", json!("male")), ("H", json!("male"))])),
            OneWay::NotOneToOne(text("male")),
        ),
        (
            Transform::Clean(table(&[("1", json!(true)), ("yes", json!("true"))])),
            OneWay::NotOneToOne(text("true")),
        ),
        (Transform::Clean(table(&[("-", json!(null))])), OneWay::NoText("null")),
    ];
    for (transform, why) in cases {
        assert_eq!(backwards(&step(transform)), Err((0, why)));
    }
}

#[test]
fn what_does_not_fit_is_rejected_or_emptied_and_never_told() {
    let strip = Transform::StripPrefix { text: text("FR-") };
    let way = |otherwise| vec![Step { transform: strip.clone(), otherwise }];
    let secret = Value::text("secret");
    assert_eq!(through(&way(Otherwise::Null), &secret), Some(Value::Null));
    let misfit = convert(&way(Otherwise::Reject), Cow::Borrowed(&secret)).unwrap_err();
    assert_eq!((misfit.rule, &*misfit.expected, misfit.class), ("strip-prefix", "FR-…", "text"));
    // Text that grows beyond what a value may be.
    let grow = Step::from(Transform::Replace { find: text("a"), with: "a".repeat(1_000) });
    assert_eq!(through(&[grow.clone(), grow], &Value::text("a".repeat(40))), None);
}

#[test]
fn a_template_leaves_no_holes() {
    let template = Template::parse("{first} {middle} {last}").unwrap();
    let filled = |first: Json, last: Json| {
        let (first, last) = (value(first), value(last));
        fill(&template, |name| match name {
            "first" => Some(&first),
            "last" => Some(&last),
            _ => None,
        })
        .map(|value| value.to_json())
        .map_err(|misfit| misfit.class)
    };
    assert_eq!(filled(json!("Ana"), json!("Le Goff")), Ok(json!("Ana Le Goff")));
    assert_eq!(filled(json!(null), json!(7)), Ok(json!("7")));
    assert_eq!(filled(json!(" "), json!(null)), Ok(json!(null)));
    assert_eq!(filled(json!(["Ana"]), json!(null)), Err("list"));
}

/// A value that a step is likely to meet.
fn drawn(rng: &mut Rng, kind: usize) -> Value {
    let alphabet: Vec<char> =
        "aZé\u{df}\u{130}\u{149}\u{1c6}\u{3a3}\u{fb01}\u{301}\u{200b}\u{a0} ;\t-'@.01FR"
            .chars()
            .collect();
    let mut word =
        |n: usize| -> String { (0..rng.below(n)).map(|_| *rng.pick(&alphabet)).collect() };
    match kind {
        0 => Value::text(word(8)),
        1 => Value::text(format!("FR-{}", word(4))),
        2 => Value::text(format!("{} €", word(4))),
        3 => Value::List((0..3).map(|_| Value::text(word(4))).collect()),
        4 => {
            let (sign, digits, places) = (rng.below(2), rng.below(1_000_000), rng.below(5));
            let sign = if sign == 0 { "" } else { "-" };
            Value::Number(number(&format!("{sign}{digits}e-{places}")))
        }
        5 => Value::Bool(rng.percent(50)),
        6 => {
            let (year, month, day) = (rng.below(3_000), 1 + rng.below(12), 1 + rng.below(31));
            Value::text(format!("{year:04}-{month:02}-{day:02}"))
        }
        7 => {
            let seconds = i64::try_from(rng.below(4_000_000_000)).unwrap();
            Value::text(hub_model::Timestamp::from_seconds(seconds - 1_000_000_000).to_string())
        }
        8 => Value::text(*rng.pick(&["FR", "fra", "DE", "de", "deu", "fr-CA", "GBR", "en_GB"])),
        9 => Value::text(*rng.pick(&[
            "oui",
            "non",
            "France",
            "Germany",
            "1",
            "0612345698",
            "a@x.fr",
        ])),
        10 => {
            let (day, month, year) = (1 + rng.below(28), 1 + rng.below(12), 1_900 + rng.below(200));
            Value::text(format!("{day:02}/{month:02}/{year:04}"))
        }
        _ => Value::Null,
    }
}

/// Of what a step gives, its inverse makes something of which it gives the same.
/// So does the way back of a chain, unless one of both ways rejects the value: it
/// never becomes another one.
#[test]
fn what_undoes_a_step_is_undone_by_it() {
    let steps = [
        Transform::Clean(Cleaner::Trim),
        Transform::Clean(Cleaner::Squeeze),
        Transform::Clean(Cleaner::Lower),
        Transform::Clean(Cleaner::Upper),
        Transform::Clean(Cleaner::EmptyToNull),
        Transform::Clean(Cleaner::Email),
        Transform::Clean(Cleaner::Phone { country: Some(text("FR")) }),
        Transform::Clean(Cleaner::Date { format: format("DD/MM/YYYY") }),
        Transform::Clean(Cleaner::Instant { format: format("unix-seconds") }),
        Transform::Clean(Cleaner::Instant { format: format("rfc3339") }),
        Transform::Clean(Cleaner::Number { decimal: ',', group: Some(' ') }),
        Transform::Clean(table(&[
            ("oui", json!("yes")),
            ("non", json!("no")),
            ("FR", json!("France")),
        ])),
        Transform::Title,
        Transform::AddPrefix { text: text("FR-") },
        Transform::StripPrefix { text: text("FR-") },
        Transform::AddSuffix { text: text(" €") },
        Transform::StripSuffix { text: text(" €") },
        Transform::Split { by: text(";") },
        Transform::Join { by: text(";") },
        Transform::Multiply { by: number("0.008") },
        Transform::Divide { by: number("100") },
        Transform::FormatNumber { decimal: ',' },
        Transform::Boolean { yes: vec![text("oui"), text("1")], no: vec![text("non")] },
        Transform::FormatBoolean { yes: text("oui"), no: text("non") },
        Transform::FormatDate { format: format("DD.MM.YYYY") },
        Transform::FormatInstant { format: format("unix-milliseconds") },
        Transform::Country { form: CodeForm::Three },
        Transform::FormatCountry { form: CodeForm::Three },
        Transform::Language { form: CodeForm::Three },
        Transform::FormatLanguage { form: CodeForm::Three },
        Transform::Default { value: Value::text("n/a") },
    ];
    let mut met = vec![0_u64; steps.len()];
    for seed in 0..cases(1_000) {
        let mut rng = Rng(seed);
        for (first, transform) in steps.iter().enumerate() {
            let mut way = step(transform.clone());
            if rng.percent(30) {
                way.push(Step::from(rng.pick(&steps).clone()));
            }
            let kind = rng.below(12);
            let taken = drawn(&mut rng, kind);
            let Some(given) = through(&way, &taken) else { continue };
            met[first] += 1;
            // A normal form behind another form is refused.
            let Ok(back) = backwards(&way) else {
                assert!(way.len() > 1, "seed {seed} {way:?}");
                continue;
            };
            let returned = through(&back, &given);
            let again = returned.as_ref().and_then(|returned| through(&way, returned));
            if way.len() > 1 && again.is_none() {
                continue;
            }
            assert_eq!(again, Some(given), "seed {seed} {way:?} of {taken:?} by {returned:?}");
        }
    }
    let rare = steps.iter().zip(met).find(|(_, met)| *met < cases(1_000) / 25);
    assert_eq!(rare, None, "a step that was hardly tried proves nothing");
}
