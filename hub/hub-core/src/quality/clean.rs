//! The cleaners: one value in, one value out, or the word that it does not fit.

use hub_model::{Cleaner, Cleaning, Fault, FaultCode, FieldName, Number, Object, Otherwise, Value};

use super::codes::{country, language};
use crate::identity::normal;

/// Digits between two separators of thousands.
const GROUP_DIGITS: usize = 3;

/// A value that its cleaner cannot clean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unfit;

/// Cleans a row by the steps in order.
///
/// # Errors
/// [`FaultCode::RowInvalid`] at the first field that does not fit, with the
/// `rule`, what it `expected` and the `class` of the value; never the value.
pub(super) fn clean(row: &mut Object, steps: &[Cleaning]) -> Result<(), Fault> {
    for step in steps {
        for field in &step.fields {
            let Some(value) = row.get_mut(field.as_str()) else { continue };
            match (each(&step.cleaner, value), step.otherwise) {
                (Ok(cleaned), _) => *value = cleaned,
                (Err(Unfit), Otherwise::Keep) => {}
                (Err(Unfit), Otherwise::Null) => *value = Value::Null,
                (Err(Unfit), Otherwise::Reject) => return Err(unfit(step, field, value)),
            }
        }
    }
    Ok(())
}

fn unfit(step: &Cleaning, field: &FieldName, value: &Value) -> Fault {
    Fault::new(FaultCode::RowInvalid)
        .at(field.as_str())
        .with("rule", step.cleaner.as_str())
        .with("expected", expected(&step.cleaner))
        .with("class", value.class())
}

/// What a cleaner takes, for people.
pub(crate) fn expected(cleaner: &Cleaner) -> String {
    match cleaner {
        Cleaner::Trim
        | Cleaner::Squeeze
        | Cleaner::Lower
        | Cleaner::Upper
        | Cleaner::EmptyToNull => "text".to_owned(),
        Cleaner::Date { format } | Cleaner::Instant { format } => format.to_string(),
        Cleaner::Country => "ISO 3166-1".to_owned(),
        Cleaner::Language => "ISO 639".to_owned(),
        Cleaner::Number { decimal, group: None } => format!("1234{decimal}5"),
        Cleaner::Number { decimal, group: Some(group) } => format!("1{group}234{decimal}5"),
        Cleaner::Email => "local@domain".to_owned(),
        Cleaner::Phone { country } => {
            country.as_ref().map_or_else(|| "E.164".to_owned(), |code| format!("E.164 or {code}"))
        }
        Cleaner::Map { table } => format!("one of {} values", table.len()),
    }
}

/// A list is cleaned item by item, null stays null.
fn each(cleaner: &Cleaner, value: &Value) -> Result<Value, Unfit> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::List(items) => {
            items.iter().map(|item| each(cleaner, item)).collect::<Result<_, _>>().map(Value::List)
        }
        single => one(cleaner, single),
    }
}

/// A single value.
pub(crate) fn one(cleaner: &Cleaner, value: &Value) -> Result<Value, Unfit> {
    let text = match value {
        Value::Text(text) => Ok(text.as_str()),
        _ => Err(Unfit),
    };
    match cleaner {
        Cleaner::Trim => text.map(|text| Value::text(normal::trim(text))),
        Cleaner::Squeeze => text.map(|text| {
            let trimmed = normal::trim(text);
            Value::text(trimmed.split_whitespace().collect::<Vec<_>>().join(" "))
        }),
        Cleaner::Lower => text.map(|text| Value::text(text.to_lowercase())),
        Cleaner::Upper => text.map(|text| Value::text(text.to_uppercase())),
        // What is no text is not empty.
        Cleaner::EmptyToNull => match text {
            Ok(text) if normal::trim(text).is_empty() => Ok(Value::Null),
            _ => Ok(value.clone()),
        },
        Cleaner::Date { format } => {
            digits(value).and_then(|text| format.local(&text)).map(Value::text).ok_or(Unfit)
        }
        Cleaner::Instant { format } => {
            let instant = digits(value).and_then(|text| format.instant(&text));
            instant.map(|time| Value::text(time.to_string())).ok_or(Unfit)
        }
        Cleaner::Country => text.and_then(|text| told(country(text.trim()))),
        Cleaner::Language => text.and_then(|text| told(language(text.trim()))),
        Cleaner::Number { decimal, group } => match value {
            Value::Number(_) => Ok(value.clone()),
            _ => text.and_then(|text| {
                number(text.trim(), *decimal, *group).map(Value::Number).ok_or(Unfit)
            }),
        },
        Cleaner::Email => text.and_then(|text| told(normal::email(text))),
        Cleaner::Phone { country } => {
            let text = digits(value).ok_or(Unfit)?;
            told(normal::phone(&text, country.as_deref()))
        }
        Cleaner::Map { table } => {
            let key = match value {
                Value::Text(text) => text.trim().to_owned(),
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                _ => return Err(Unfit),
            };
            table.get(&key).cloned().ok_or(Unfit)
        }
    }
}

fn told(text: Option<String>) -> Result<Value, Unfit> {
    text.map(Value::text).ok_or(Unfit)
}

/// Text, or the digits of a number: dates and telephone numbers come as either.
fn digits(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An exact number from text in a declared form. Groups are of three digits,
/// so that `1.23` is not 123 where the point groups. Any blank groups where a
/// blank does: French texts use two narrower ones.
fn number(text: &str, decimal: char, group: Option<char>) -> Option<Number> {
    let (sign, unsigned) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = match unsigned.split_once(decimal) {
        Some((_, "")) => return None,
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (unsigned, None),
    };
    let separates = |c: char| group == Some(c) || (group == Some(' ') && is_blank(c));
    let groups: Vec<&str> = whole.split(separates).collect();
    let sound = match groups.as_slice() {
        [single] => !single.is_empty(),
        [first, rest @ ..] => {
            (1..=GROUP_DIGITS).contains(&first.len())
                && rest.iter().all(|g| g.len() == GROUP_DIGITS)
        }
        [] => false,
    };
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !sound || !groups.iter().all(|group| plain(group)) || !fraction.is_none_or(plain) {
        return None;
    }
    let whole = groups.concat();
    // JSON's grammar knows no leading zeros.
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    match fraction {
        Some(fraction) => Number::parse(&format!("{sign}{whole}.{fraction}")),
        None => Number::parse(&format!("{sign}{whole}")),
    }
}

const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}')
}

#[cfg(test)]
mod tests {
    use hub_model::{
        Cleaner, Cleaning, FaultCode, FieldName, Object, Otherwise, TimeFormat, Value,
    };
    use serde_json::json;

    use super::clean;
    use crate::fixture::Rng;

    fn step(cleaner: Cleaner, otherwise: Otherwise) -> Cleaning {
        Cleaning { fields: vec![FieldName::new("f")], cleaner, otherwise }
    }

    fn cleaned(cleaner: &Cleaner, json: serde_json::Value) -> Option<serde_json::Value> {
        let mut row = Object::from([("f".into(), Value::from_json(json).unwrap())]);
        clean(&mut row, &[step(cleaner.clone(), Otherwise::Reject)]).ok()?;
        row.remove("f").map(|value| value.to_json())
    }

    fn format(text: &str) -> TimeFormat {
        TimeFormat::parse(text).unwrap()
    }

    #[test]
    fn each_cleaner_takes_its_values_and_refuses_others() {
        let date = Cleaner::Date { format: format("DD/MM/YYYY") };
        let compact = Cleaner::Date { format: format("YYYYMMDD") };
        let instant = Cleaner::Instant { format: format("unix-seconds") };
        let french = Cleaner::Number { decimal: ',', group: Some(' ') };
        let german = Cleaner::Number { decimal: ',', group: Some('.') };
        let plain = Cleaner::Number { decimal: '.', group: None };
        let phone = Cleaner::Phone { country: Some("FR".to_owned()) };
        let table = [("M", json!("male")), ("1", json!(true)), ("true", json!("yes"))];
        let table = table.map(|(key, json)| (key.to_owned(), Value::from_json(json).unwrap()));
        let map = Cleaner::Map { table: table.into() };
        let cases = [
            (&Cleaner::Trim, json!("  a  b\u{200b} "), Some(json!("a  b"))),
            (&Cleaner::Trim, json!(1), None),
            (&Cleaner::Trim, json!(["a ", null, " b"]), Some(json!(["a", null, "b"]))),
            (&Cleaner::Squeeze, json!(" a \u{a0}\t b "), Some(json!("a b"))),
            (&Cleaner::Lower, json!("\u{c9}A"), Some(json!("\u{e9}a"))),
            (&Cleaner::Upper, json!("\u{e9}\u{df}"), Some(json!("\u{c9}SS"))),
            (&Cleaner::EmptyToNull, json!(" \u{feff}"), Some(json!(null))),
            (&Cleaner::EmptyToNull, json!(" a"), Some(json!(" a"))),
            (&Cleaner::EmptyToNull, json!(0), Some(json!(0))),
            (&date, json!(" 03/04/2026"), Some(json!("2026-04-03"))),
            (&date, json!("2026-04-03"), None),
            (&date, json!(null), Some(json!(null))),
            (&compact, json!(19570110), Some(json!("1957-01-10"))),
            (&instant, json!(1774744200), Some(json!("2026-03-29T00:30:00Z"))),
            (&Cleaner::Country, json!("fra"), Some(json!("FR"))),
            (&Cleaner::Country, json!("France"), None),
            (&Cleaner::Language, json!("fr_CA"), Some(json!("fr-CA"))),
            (&french, json!("1 234,50"), Some(json!(1234.5))),
            (&french, json!("1\u{202f}234\u{a0}567"), Some(json!(1_234_567))),
            (&french, json!("-0,5"), Some(json!(-0.5))),
            (&french, json!("1 23"), None),
            (&french, json!("1234 567"), None),
            (&french, json!("1.5"), None),
            (&french, json!("1,"), None),
            (&french, json!(""), None),
            (&german, json!("1.234,5"), Some(json!(1234.5))),
            (&german, json!("1.23"), None),
            (&german, json!(7), Some(json!(7))),
            (&plain, json!("007.10"), Some(json!(7.1))),
            (&plain, json!("1e5"), None),
            (&plain, json!("\u{661}"), None),
            (&Cleaner::Email, json!(" Ana@X.fr"), Some(json!("ana@x.fr"))),
            (&Cleaner::Email, json!("ana"), None),
            (&phone, json!("06 12 34 56 98"), Some(json!("+33612345698"))),
            (&phone, json!(33_612_345_698_i64), Some(json!("+33612345698"))),
            (&phone, json!("12"), None),
            (&map, json!(" M"), Some(json!("male"))),
            (&map, json!(1), Some(json!(true))),
            (&map, json!(true), Some(json!("yes"))),
            (&map, json!("m"), None),
            (&map, json!({"M": 1}), None),
        ];
        for (cleaner, json, expected) in cases {
            assert_eq!(cleaned(cleaner, json.clone()), expected, "{cleaner:?} {json}");
        }
    }

    #[test]
    fn what_does_not_fit_is_rejected_kept_or_emptied_and_never_told() {
        let date = Cleaner::Date { format: format("DD/MM/YYYY") };
        let row = || Object::from([("f".into(), Value::text("secret"))]);
        let try_it = |otherwise| {
            let mut row = row();
            clean(&mut row, &[step(date.clone(), otherwise)]).map(|()| row.remove("f").unwrap())
        };
        assert_eq!(try_it(Otherwise::Keep), Ok(Value::text("secret")));
        assert_eq!(try_it(Otherwise::Null), Ok(Value::Null));
        let fault = try_it(Otherwise::Reject).unwrap_err();
        assert_eq!((fault.code, fault.place.as_str()), (FaultCode::RowInvalid, "f"));
        let args: Vec<_> = fault.args.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(args, [("class", "text"), ("expected", "DD/MM/YYYY"), ("rule", "date")]);
        assert!(!format!("{fault:?}").contains("secret"));
    }

    #[test]
    fn steps_act_in_order_on_the_fields_they_name() {
        let f = |cleaner| step(cleaner, Otherwise::Reject);
        let table = [("FR".to_owned(), Value::text("fr"))].into();
        let steps = [f(Cleaner::Trim), f(Cleaner::Country), f(Cleaner::Map { table })];
        let mut row =
            Object::from([("f".into(), Value::text(" fra ")), ("g".into(), Value::text(" fra "))]);
        clean(&mut row, &steps).unwrap();
        assert_eq!((&row["f"], &row["g"]), (&Value::text("fr"), &Value::text(" fra ")));
        clean(&mut Object::new(), &steps).unwrap();
    }

    /// A cleaned value is clean: cleaning it again changes nothing. (Numbers,
    /// dates and tables change the form, and are declared for the old one.)
    #[test]
    fn cleaning_twice_is_cleaning_once() {
        let cleaners = [
            Cleaner::Trim,
            Cleaner::Squeeze,
            Cleaner::Lower,
            Cleaner::Upper,
            Cleaner::EmptyToNull,
            Cleaner::Country,
            Cleaner::Language,
            Cleaner::Email,
            Cleaner::Phone { country: Some("FR".to_owned()) },
        ];
        let alphabet: Vec<char> =
            "aZ\u{e9}\u{df}\u{130}\u{200b}\u{a0} \t@.x06+frFR_-".chars().collect();
        let mut fit = 0;
        for seed in 0..4_000 {
            let mut rng = Rng(seed);
            let cleaner = rng.pick(&cleaners);
            let start = ["", "fr", "ana@x.fr", "0612345698"][rng.below(4)].chars();
            let more: Vec<char> = (0..rng.below(4)).map(|_| *rng.pick(&alphabet)).collect();
            let text: String = start.chain(more).collect();
            let Some(once) = cleaned(cleaner, json!(text)) else { continue };
            fit += 1;
            assert_eq!(
                cleaned(cleaner, once.clone()),
                Some(once),
                "seed {seed} {text:?} {cleaner:?}"
            );
        }
        assert!(fit > 1_500, "{fit}");
    }
}
