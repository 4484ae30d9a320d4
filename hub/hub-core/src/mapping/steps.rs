//! The steps: one value in, one value out, or the word that it does not fit.

use std::borrow::Cow;

use hub_model::conversion::Piece;
use hub_model::limits::VALUE_BYTES_MAX;
use hub_model::{
    CodeForm, Fault, FaultCode, FieldName, Otherwise, Step, Template, Test, TimeFormat, Timestamp,
    Transform, Value,
};

use crate::identity::normal;
use crate::quality::{Unfit, clean_one, codes, expected};

/// A value that a step cannot take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The step's word.
    pub rule: &'static str,
    /// What it takes.
    pub expected: String,
    /// What class of value it met.
    pub class: &'static str,
}

impl Misfit {
    /// As a fault at a field; the value is not in it.
    pub fn fault(&self, code: FaultCode, field: &FieldName) -> Fault {
        Fault::new(code)
            .at(field.as_str())
            .with("rule", self.rule)
            .with("expected", &self.expected)
            .with("class", self.class)
    }
}

/// Takes a value through steps in order.
///
/// # Errors
/// [`Misfit`] at the first step that cannot take what comes and rejects it.
pub fn convert<'a>(steps: &[Step], value: Cow<'a, Value>) -> Result<Cow<'a, Value>, Misfit> {
    let mut value = value;
    for step in steps {
        let became = each(&step.transform, &value)
            .and_then(|new| if new.size_bytes() > VALUE_BYTES_MAX { Err(Unfit) } else { Ok(new) });
        value = match (became, step.otherwise) {
            (Ok(new), _) => Cow::Owned(new),
            (Err(Unfit), Otherwise::Keep) => value,
            (Err(Unfit), Otherwise::Null) => Cow::Owned(Value::Null),
            (Err(Unfit), Otherwise::Reject) => return Err(misfit(&step.transform, &value)),
        };
    }
    Ok(value)
}

fn misfit(transform: &Transform, value: &Value) -> Misfit {
    let expected = match transform {
        Transform::Clean(cleaner) => expected(cleaner),
        Transform::StripPrefix { text } => format!("{text}…"),
        Transform::StripSuffix { text } => format!("…{text}"),
        Transform::Boolean { yes, no } => [yes.as_slice(), no.as_slice()].concat().join(", "),
        Transform::Join { by } => format!("texts without `{by}`"),
        Transform::FormatDate { .. } => "YYYY-MM-DD".to_owned(),
        Transform::FormatInstant { .. } => "RFC 3339".to_owned(),
        Transform::Country { .. } | Transform::FormatCountry { .. } => "ISO 3166-1".to_owned(),
        Transform::Language { .. } | Transform::FormatLanguage { .. } => "ISO 639".to_owned(),
        other => other.takes().to_string(),
    };
    Misfit { rule: transform.as_str(), expected, class: value.class() }
}

/// A list is taken item by item where the step takes single values.
fn each(transform: &Transform, value: &Value) -> Result<Value, Unfit> {
    match value {
        Value::Null if !transform.takes_null() => Ok(Value::Null),
        Value::List(items) if transform.is_itemwise() => {
            let items = items.iter().map(|item| each(transform, item));
            items.collect::<Result<_, _>>().map(Value::List)
        }
        single => one(transform, single),
    }
}

fn one(transform: &Transform, value: &Value) -> Result<Value, Unfit> {
    let text = || value.as_text().ok_or(Unfit);
    match transform {
        Transform::Clean(cleaner) => clean_one(cleaner, value),
        Transform::Title => text().map(|text| Value::text(title(text))),
        Transform::AddPrefix { text: prefix } => {
            let joined = Value::text(format!("{prefix}{}", text()?));
            // A mark at its beginning may have become one with the prefix.
            let kept = joined.as_text().and_then(|joined| joined.strip_prefix(prefix.as_str()));
            if kept == value.as_text() { Ok(joined) } else { Err(Unfit) }
        }
        Transform::StripPrefix { text: prefix } => told(text()?.strip_prefix(prefix.as_str())),
        Transform::AddSuffix { text: suffix } => {
            let joined = Value::text(format!("{}{suffix}", text()?));
            let kept = joined.as_text().and_then(|joined| joined.strip_suffix(suffix.as_str()));
            if kept == value.as_text() { Ok(joined) } else { Err(Unfit) }
        }
        Transform::StripSuffix { text: suffix } => told(text()?.strip_suffix(suffix.as_str())),
        Transform::Replace { find, with } => {
            text().map(|text| Value::text(text.replace(find.as_str(), with)))
        }
        Transform::Split { by } => text().map(|text| Value::List(split(text, by))),
        Transform::Join { by } => join(value, by),
        Transform::Part { by, at } => {
            let place = usize::try_from(*at).unwrap_or(usize::MAX).saturating_sub(1);
            told(text()?.split(by.as_str()).nth(place).map(str::trim))
        }
        Transform::Multiply { by } => number(value)?.times(by).map(Value::Number).ok_or(Unfit),
        Transform::Divide { by } => {
            let share = by.reciprocal().and_then(|share| number(value).ok()?.times(&share));
            share.map(Value::Number).ok_or(Unfit)
        }
        Transform::FormatNumber { decimal } => {
            let plain = number(value)?.to_string();
            // Beyond so many places a number has no plain form.
            if plain.contains('e') { Err(Unfit) } else { Ok(Value::text(pointed(plain, *decimal))) }
        }
        Transform::Boolean { yes, no } => boolean(value, yes, no),
        Transform::FormatBoolean { yes, no } => match value {
            Value::Bool(flag) => Ok(Value::text(if *flag { yes.as_str() } else { no.as_str() })),
            _ => Err(Unfit),
        },
        Transform::FormatDate { format } => told(format.write_local(text()?)),
        Transform::FormatInstant { format } => instant(text()?, format),
        Transform::Country { .. } => told(codes::country(text()?.trim())),
        Transform::FormatCountry { form } => {
            told(code(text()?, *form, codes::country, codes::country_long))
        }
        Transform::Language { .. } => told(codes::language(text()?.trim())),
        Transform::FormatLanguage { form } => {
            told(code(text()?, *form, codes::language, codes::language_long))
        }
        Transform::Default { value: usual } => {
            Ok(if is_empty(value) { usual.clone() } else { value.clone() })
        }
        Transform::When { test, then, or } => {
            Ok(if holds(test, value) { then } else { or.as_ref().unwrap_or(value) }.clone())
        }
    }
}

fn told(text: Option<impl Into<hub_model::Text>>) -> Result<Value, Unfit> {
    text.map(Value::text).ok_or(Unfit)
}

fn number(value: &Value) -> Result<&hub_model::Number, Unfit> {
    match value {
        Value::Number(number) => Ok(number),
        _ => Err(Unfit),
    }
}

fn pointed(plain: String, decimal: char) -> String {
    if decimal == '.' { plain } else { plain.replace('.', &decimal.to_string()) }
}

/// Whether a value is what a test asks for.
pub(crate) fn holds(test: &Test, value: &Value) -> bool {
    match test {
        Test::OneOf(values) => values.contains(value),
        Test::Empty => is_empty(value),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => normal::trim(text).is_empty(),
        _ => false,
    }
}

/// Words are parted by blanks, hyphens and apostrophes. What is no letter and no
/// digit neither begins a word nor ends one.
fn title(text: &str) -> String {
    let small = text.to_lowercase();
    let mut titled = String::with_capacity(small.len());
    let mut begins = true;
    for c in small.chars() {
        if begins {
            // A letter that becomes two is one capital and small ones after it.
            let mut capital = c.to_uppercase();
            titled.extend(capital.next());
            titled.extend(capital.flat_map(char::to_lowercase));
        } else {
            titled.push(c);
        }
        let parts = c.is_whitespace() || matches!(c, '-' | '\'' | '\u{2019}');
        begins = parts || (begins && !c.is_alphanumeric());
    }
    titled
}

/// Nothing has no pieces.
fn split(text: &str, by: &str) -> Vec<Value> {
    if text.is_empty() { Vec::new() } else { text.split(by).map(Value::text).collect() }
}

fn join(value: &Value, by: &str) -> Result<Value, Unfit> {
    let Value::List(items) = value else { return Err(Unfit) };
    let texts: Option<Vec<&str>> = items.iter().map(Value::as_text).collect();
    let joined = Value::text(texts.ok_or(Unfit)?.join(by));
    let again = joined.as_text().map(|text| split(text, by));
    if again.as_ref() == Some(items) { Ok(joined) } else { Err(Unfit) }
}

fn boolean(value: &Value, yes: &[String], no: &[String]) -> Result<Value, Unfit> {
    let word = match value {
        Value::Text(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(_) => return Ok(value.clone()),
        _ => return Err(Unfit),
    };
    if yes.contains(&word) {
        Ok(Value::Bool(true))
    } else if no.contains(&word) {
        Ok(Value::Bool(false))
    } else {
        Err(Unfit)
    }
}

fn instant(text: &str, format: &TimeFormat) -> Result<Value, Unfit> {
    let time = Timestamp::parse_rfc3339(text).ok_or(Unfit)?;
    let written = format.write_instant(time).ok_or(Unfit)?;
    match format {
        TimeFormat::UnixSeconds | TimeFormat::UnixMilliseconds => {
            hub_model::Number::parse(&written).map(Value::Number).ok_or(Unfit)
        }
        TimeFormat::Rfc3339 | TimeFormat::Pattern(_) => Ok(Value::text(written)),
    }
}

fn code(
    text: &str,
    form: CodeForm,
    short: impl Fn(&str) -> Option<String>,
    long: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let code = short(text.trim())?;
    match form {
        CodeForm::Two => Some(code),
        CodeForm::Three => long(&code),
    }
}

/// A template with its values. What is missing leaves no hole: blanks are then
/// one, and none at the ends. Null if nothing is there at all.
pub(crate) fn fill<'v>(
    template: &Template,
    value: impl Fn(&str) -> Option<&'v Value>,
) -> Result<Value, Misfit> {
    let mut filled = String::new();
    let mut any = false;
    for piece in template.pieces() {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Name(name) => match value(name).unwrap_or(&Value::Null) {
                Value::Null => {}
                Value::Text(text) => {
                    any |= !text.trim().is_empty();
                    filled.push_str(text);
                }
                Value::Number(number) => {
                    any = true;
                    filled.push_str(&number.to_string());
                }
                other => {
                    let expected = "texts and numbers".to_owned();
                    return Err(Misfit { rule: "template", expected, class: other.class() });
                }
            },
        }
    }
    if !any {
        return Ok(Value::Null);
    }
    let text = normal::trim(&filled).split_whitespace().collect::<Vec<_>>().join(" ");
    if text.len() + 2 > VALUE_BYTES_MAX {
        let expected = format!("{VALUE_BYTES_MAX} bytes");
        return Err(Misfit { rule: "template", expected, class: "text" });
    }
    Ok(Value::text(text))
}
