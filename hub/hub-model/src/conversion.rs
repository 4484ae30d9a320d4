//! Conversions: the whole way of a value between a field and a trait.
//!
//! Records keep what their systems show, in the form in which they show it; so
//! an echo is known again whatever a mapping makes of it. A conversion is applied
//! where an assertion becomes a trait, and the other way where a golden value
//! becomes what is written. Both ways are plain lists of steps, settled when the
//! configuration is read: nothing is inverted while data move.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cleaning::Otherwise;
use crate::made_of::Reference;
use crate::transform::{Kind, OneWay, Transform};
use crate::value::Value;

/// Most steps of one way.
pub const TRANSFORM_STEPS_MAX: usize = 20;
/// Longest template, in bytes.
pub const TEMPLATE_BYTES_MAX: usize = 1_024;

/// A step, and what happens to a value that it cannot take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is done.
    pub transform: Transform,
    /// What happens if that is impossible.
    #[serde(default)]
    pub otherwise: Otherwise,
}

impl From<Transform> for Step {
    fn from(transform: Transform) -> Self {
        Self { transform, otherwise: Otherwise::Reject }
    }
}

/// What a value is made of where the pair has no field, or no trait, of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Made {
    /// Always the same.
    Constant(Value),
    /// Text around other values: fields of the row on the way to a trait, traits
    /// on the way to a field.
    Template(Template),
    /// The key of the row there that what is written refers to.
    Reference(Reference),
}

/// How a value changes on its way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Conversion {
    /// What it is made of, where it is not a field's or a trait's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Made>,
    /// From the field to the trait, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<Step>,
    /// From the trait to the field, in order; absent where no way leads back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<Vec<Step>>,
}

impl Conversion {
    /// Reads by these steps, and writes by what undoes them if that exists.
    pub fn reading(read: Vec<Step>) -> Self {
        let write = backwards(&read).ok();
        Self { made: None, read, write }
    }
}

/// The way back: what undoes each step, the last one first. A value that the way
/// back cannot take is always rejected: it would be written as something else.
///
/// A step that brings values into a normal form stands before those that give a
/// form of their own: behind a table, `upper` would give what no entry is. A
/// default stands before all others: they would take it for a value of the system.
///
/// # Errors
/// The place of the first step that cannot be undone, and why.
pub fn backwards(steps: &[Step]) -> Result<Vec<Step>, (usize, OneWay)> {
    let mut back = Vec::with_capacity(steps.len());
    let mut form = None;
    let mut former: Option<&Step> = None;
    for (place, step) in steps.iter().enumerate() {
        if let (Transform::Default { .. }, Some(former)) = (&step.transform, former) {
            return Err((place, OneWay::Behind(former.transform.as_str())));
        }
        former = Some(step);
        let inverse = step.transform.inverse().map_err(|why| (place, why))?;
        match (&inverse, form) {
            (None, Some(form)) => return Err((place, OneWay::Behind(form))),
            (Some(undone), None) if !undone.takes_any_text() => {
                form = Some(step.transform.as_str());
            }
            _ => {}
        }
        back.extend(inverse.map(Step::from));
    }
    back.reverse();
    // What is written is read again: seconds as a number, say, behind `lower`.
    let after = |kind: Kind, step: &Step| step.transform.after(kind).unwrap_or(Kind::Any);
    let mut kind = back.iter().fold(Kind::Any, after);
    for (place, step) in steps.iter().enumerate() {
        kind = step.transform.after(kind).ok_or((place, OneWay::Kind(kind)))?;
    }
    Ok(back)
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Stands as it is.
    Text(String),
    /// Stands for the value of that name.
    Name(String),
}

/// A text with names in braces: `{first} {last}`. A brace is written twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

/// A text that is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a template is at most {TEMPLATE_BYTES_MAX} bytes long and has names in braces")]
pub struct NotATemplate;

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`NotATemplate`] for a lone brace, a template without names, or one that
    /// is too long.
    pub fn parse(text: &str) -> Result<Self, NotATemplate> {
        if text.len() > TEMPLATE_BYTES_MAX {
            return Err(NotATemplate);
        }
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
                plain.push(next);
                rest = after;
            } else if next == '{' {
                let inside = rest.get(1..).and_then(|inside| inside.split_once('}'));
                let (name, after) = inside.ok_or(NotATemplate)?;
                if name.trim().is_empty() || name.contains('{') {
                    return Err(NotATemplate);
                }
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Name(name.to_owned()));
                rest = after;
            } else if next == '}' {
                return Err(NotATemplate);
            } else {
                plain.push(next);
                rest = rest.get(next.len_utf8()..).unwrap_or_default();
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        let template = Self { text: text.to_owned(), pieces };
        if template.names().next().is_some() { Ok(template) } else { Err(NotATemplate) }
    }

    /// Its pieces in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The names in it, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Name(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Template {
    type Error = NotATemplate;

    fn try_from(text: String) -> Result<Self, NotATemplate> {
        Self::parse(&text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.text
    }
}

#[cfg(test)]
mod tests {
    use super::{Conversion, NotATemplate, Step, Template, backwards};
    use crate::cleaning::Cleaner;
    use crate::time_format::TimeFormat;
    use crate::transform::{Kind, OneWay, Transform};

    #[test]
    fn templates() {
        let long = format!("{{a}}{}", "x".repeat(1_024));
        for bad in ["", "plain", "{", "}", "{}", "{ }", "a{b", "{a}}", "{a{b}}", &long] {
            assert_eq!(Template::parse(bad), Err(NotATemplate), "{bad}");
        }
        let template = Template::parse("{{{first}, {last name}}}").unwrap();
        assert_eq!(template.names().collect::<Vec<_>>(), ["first", "last name"]);
        let json = serde_json::to_string(&template).unwrap();
        assert_eq!(json, "\"{{{first}, {last name}}}\"");
        assert_eq!(serde_json::from_str::<Template>(&json).unwrap(), template);
    }

    #[test]
    fn the_way_back_undoes_the_last_step_first() {
        let steps = |steps: &[Transform]| steps.iter().cloned().map(Step::from).collect::<Vec<_>>();
        let add = Transform::AddPrefix { text: "FR-".to_owned() };
        let strip = Transform::StripPrefix { text: "FR-".to_owned() };
        let upper = Transform::Clean(Cleaner::Upper);
        let split = Transform::Split { by: ";".to_owned() };
        let join = Transform::Join { by: ";".to_owned() };
        let back = backwards(&steps(&[upper.clone(), add.clone(), split.clone()])).unwrap();
        assert_eq!(back, steps(&[join, strip]));
        let part = Transform::Part { by: " ".to_owned(), at: 1 };
        let table = Cleaner::Map { table: [("a".to_owned(), "A".into())].into() };
        let behind = steps(&[split.clone(), Transform::Clean(table), upper.clone()]);
        assert_eq!(backwards(&behind), Err((2, OneWay::Behind("map"))));
        let instant = Transform::Clean(Cleaner::Instant { format: TimeFormat::UnixSeconds });
        let seconds = steps(&[upper.clone(), instant]);
        assert_eq!(backwards(&seconds), Err((0, OneWay::Kind(Kind::Number))));
        let usual = Transform::Default { value: "n/a".into() };
        let behind = steps(&[upper.clone(), usual.clone()]);
        assert_eq!(backwards(&behind), Err((1, OneWay::Behind("upper"))));
        assert_eq!(backwards(&steps(&[usual, upper.clone()])), Ok(Vec::new()));
        let way = steps(&[upper, part, split]);
        assert_eq!(backwards(&way), Err((1, OneWay::Part)));
        assert_eq!(Conversion::reading(way).write, None);
    }

    #[test]
    fn kinds_follow_each_other_and_lists_are_taken_item_by_item() {
        let trim = Transform::Clean(Cleaner::Trim);
        let split = Transform::Split { by: ";".to_owned() };
        let join = Transform::Join { by: ";".to_owned() };
        let number = Transform::Clean(Cleaner::Number { decimal: '.', group: None });
        let cents = Transform::Divide { by: 100.into() };
        let cases = [
            (vec![&trim, &number, &cents], Some(Kind::Number)),
            (vec![&split, &trim, &number], Some(Kind::List)),
            (vec![&split, &join, &trim], Some(Kind::Text)),
            (vec![&split, &split], None),
            (vec![&trim, &cents], None),
            (vec![&cents, &trim], None),
            (vec![&trim, &join], None),
        ];
        for (steps, kind) in cases {
            let after = steps.iter().try_fold(Kind::Any, |kind, step| step.after(kind));
            assert_eq!(after, kind, "{steps:?}");
        }
    }
}
