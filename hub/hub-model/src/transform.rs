//! Transforms: one step of the way between a field and a trait.
//!
//! The set is small and closed, and no step computes what is not in its row:
//! a mapping stays something that can be read, checked before it runs, and
//! undone. Each step has a kind that it takes and one that it gives, and says by
//! itself which step undoes it. A step that reads the form of a system has a
//! counterpart that writes it: `date` and `format-date`, `split` and `join`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cleaning::Cleaner;
use crate::number::Number;
use crate::time_format::TimeFormat;
use crate::value::Value;

/// What class of values a step takes or gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any of them.
    Any,
    /// Text; codes, dates and instants are text as well.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    List,
}

impl Kind {
    /// The kind of a value; null and objects are of any.
    pub const fn of(value: &Value) -> Self {
        match value {
            Value::Text(_) => Self::Text,
            Value::Number(_) => Self::Number,
            Value::Bool(_) => Self::Boolean,
            Value::List(_) => Self::List,
            Value::Null | Value::Object(_) => Self::Any,
        }
    }

    fn of_all<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut kinds = values.into_iter().map(Self::of);
        let first = kinds.next().unwrap_or(Self::Any);
        if kinds.all(|kind| kind == first) { first } else { Self::Any }
    }

    /// The kind in a word, as people read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "a value",
            Self::Text => "text",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::List => "a list",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a country or a language is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum CodeForm {
    /// Two letters: `FR`, `fr`; a language may have a region, `fr-CA`.
    #[default]
    #[serde(rename = "alpha-2")]
    Two,
    /// Three letters: `FRA`, `fra`.
    #[serde(rename = "alpha-3")]
    Three,
}

/// When a [`Transform::When`] holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// The value is one of these.
    OneOf(Vec<Value>),
    /// The value is null, or text with nothing in it.
    Empty,
}

/// One step. Null stays null under all of them but [`Transform::Default`] and
/// [`Transform::When`]; a list is taken item by item by every step that takes
/// single values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transform {
    /// What cleaning does to a row, done to the value on its way.
    Clean(Cleaner),
    /// A capital letter at the beginning of each word, small ones after it.
    Title,
    /// Puts a text before.
    AddPrefix {
        /// The text.
        text: String,
    },
    /// Takes away a text that must stand before.
    StripPrefix {
        /// The text.
        text: String,
    },
    /// Puts a text after.
    AddSuffix {
        /// The text.
        text: String,
    },
    /// Takes away a text that must stand after.
    StripSuffix {
        /// The text.
        text: String,
    },
    /// Replaces a text to the letter, wherever it occurs.
    Replace {
        /// What is looked for.
        find: String,
        /// What stands there instead.
        with: String,
    },
    /// Text becomes a list: the pieces between separators.
    Split {
        /// The separator.
        by: String,
    },
    /// A list of texts becomes text. An item that holds the separator does not
    /// fit: it would come back as two.
    Join {
        /// The separator.
        by: String,
    },
    /// One of the pieces between separators.
    Part {
        /// The separator.
        by: String,
        /// Which one, from 1.
        at: u32,
    },
    /// Times an exact number.
    Multiply {
        /// The number.
        by: Number,
    },
    /// Divided by a number whose share is exact in decimals: 100, not 3.
    Divide {
        /// The number.
        by: Number,
    },
    /// A number becomes text, without separators of thousands.
    FormatNumber {
        /// The decimal separator.
        decimal: char,
    },
    /// Words become true and false.
    Boolean {
        /// The words for true.
        yes: Vec<String>,
        /// The words for false.
        no: Vec<String>,
    },
    /// True and false become words.
    FormatBoolean {
        /// The word for true.
        yes: String,
        /// The word for false.
        no: String,
    },
    /// An ISO date or local date-time becomes what a form writes.
    FormatDate {
        /// The form.
        format: TimeFormat,
    },
    /// An instant in RFC 3339 becomes what a form writes.
    FormatInstant {
        /// The form.
        format: TimeFormat,
    },
    /// A code of ISO 3166-1 becomes two letters.
    Country {
        /// The form that the system writes.
        form: CodeForm,
    },
    /// A code of ISO 3166-1 becomes what a form writes.
    FormatCountry {
        /// The form.
        form: CodeForm,
    },
    /// A code of ISO 639 becomes the short form of BCP 47.
    Language {
        /// The form that the system writes.
        form: CodeForm,
    },
    /// A code of ISO 639 becomes what a form writes.
    FormatLanguage {
        /// The form.
        form: CodeForm,
    },
    /// What is empty becomes a value.
    Default {
        /// The value.
        value: Value,
    },
    /// One value where a test holds, and another, or the same as before, where
    /// it does not.
    When {
        /// The test.
        test: Test,
        /// The value where it holds.
        then: Value,
        /// The value where it does not; absent where the value stays.
        #[serde(default, skip_serializing_if = "Option::is_none", rename = "else")]
        or: Option<Value>,
    },
}

/// Why nothing undoes a step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OneWay {
    /// Several values become one.
    #[error("what it replaced cannot be told from what was there before")]
    Replaced,
    /// The rest of the text is lost.
    #[error("the other parts are lost")]
    Part,
    /// A condition.
    #[error("which of its values a result came from is not known")]
    Condition,
    /// Two entries of a table give the same value.
    #[error("its table gives `{0}` for several values")]
    NotOneToOne(String),
    /// A table gives what no text stands for.
    #[error("its table gives {0}, which no text stands for")]
    NoText(&'static str),
    /// A normal form behind a step that gives a form of its own.
    #[error("behind `{0}` it changes what that step is undone by; put it before")]
    Behind(&'static str),
    /// What is written back is of a kind that it does not take.
    #[error("what would be written is {0}, which it does not take when it is read again")]
    Kind(Kind),
    /// The factor has no exact counterpart.
    #[error("1/{0} has no exact decimals")]
    NoExactDecimals(Number),
}

impl Transform {
    /// The step's stable word, as configured and as a reject names it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Clean(cleaner) => cleaner.as_str(),
            Self::Title => "title",
            Self::AddPrefix { .. } => "add-prefix",
            Self::StripPrefix { .. } => "strip-prefix",
            Self::AddSuffix { .. } => "add-suffix",
            Self::StripSuffix { .. } => "strip-suffix",
            Self::Replace { .. } => "replace",
            Self::Split { .. } => "split",
            Self::Join { .. } => "join",
            Self::Part { .. } => "part",
            Self::Multiply { .. } => "multiply",
            Self::Divide { .. } => "divide",
            Self::FormatNumber { .. } => "format-number",
            Self::Boolean { .. } => "boolean",
            Self::FormatBoolean { .. } => "format-boolean",
            Self::FormatDate { .. } => "format-date",
            Self::FormatInstant { .. } => "format-instant",
            Self::Country { .. } => "country",
            Self::FormatCountry { .. } => "format-country",
            Self::Language { .. } => "language",
            Self::FormatLanguage { .. } => "format-language",
            Self::Default { .. } => "default",
            Self::When { .. } => "when",
        }
    }

    /// What it takes. Dates, telephone numbers and the keys of a table may come
    /// as text or as a number.
    pub const fn takes(&self) -> Kind {
        match self {
            Self::Clean(cleaner) => match cleaner {
                Cleaner::Trim
                | Cleaner::Squeeze
                | Cleaner::Lower
                | Cleaner::Upper
                | Cleaner::Country
                | Cleaner::Language
                | Cleaner::Email => Kind::Text,
                Cleaner::EmptyToNull
                | Cleaner::Date { .. }
                | Cleaner::Instant { .. }
                | Cleaner::Number { .. }
                | Cleaner::Phone { .. }
                | Cleaner::Map { .. } => Kind::Any,
            },
            Self::Multiply { .. } | Self::Divide { .. } | Self::FormatNumber { .. } => Kind::Number,
            Self::FormatBoolean { .. } => Kind::Boolean,
            Self::Join { .. } => Kind::List,
            Self::Boolean { .. } | Self::Default { .. } | Self::When { .. } => Kind::Any,
            _ => Kind::Text,
        }
    }

    /// What comes out where a value of this kind goes in; `None` if it does not
    /// take that kind.
    pub fn after(&self, before: Kind) -> Option<Kind> {
        let takes = self.takes();
        let fits = takes == before || takes == Kind::Any || before == Kind::Any;
        match before {
            Kind::List if self.is_itemwise() && takes != Kind::List => Some(Kind::List),
            _ if fits => Some(self.gives(before)),
            _ => None,
        }
    }

    fn gives(&self, before: Kind) -> Kind {
        let same = |other: Kind| if other == before { before } else { Kind::Any };
        match self {
            Self::Clean(Cleaner::EmptyToNull) => before,
            Self::Clean(Cleaner::Number { .. }) | Self::Multiply { .. } | Self::Divide { .. } => {
                Kind::Number
            }
            Self::Clean(Cleaner::Map { table }) => Kind::of_all(table.values()),
            Self::Boolean { .. } => Kind::Boolean,
            Self::Split { .. } => Kind::List,
            Self::FormatInstant {
                format: TimeFormat::UnixSeconds | TimeFormat::UnixMilliseconds,
            } => Kind::Number,
            Self::Default { value } => same(Kind::of(value)),
            Self::When { then, or: Some(or), .. } => Kind::of_all([then, or]),
            Self::When { then, or: None, .. } => same(Kind::of(then)),
            _ => Kind::Text,
        }
    }

    /// Whether it takes a list item by item.
    pub const fn is_itemwise(&self) -> bool {
        !matches!(
            self,
            Self::Split { .. } | Self::Join { .. } | Self::Default { .. } | Self::When { .. }
        )
    }

    /// Whether it has a word about null.
    pub const fn takes_null(&self) -> bool {
        matches!(self, Self::Default { .. } | Self::When { .. })
    }

    /// Whether it takes any text, or any list of texts, so that nothing done to its
    /// letters matters.
    pub(crate) const fn takes_any_text(&self) -> bool {
        matches!(
            self,
            Self::AddPrefix { .. }
                | Self::AddSuffix { .. }
                | Self::Split { .. }
                | Self::Join { .. }
        )
    }

    /// The step that undoes it: through that one and then through this one, a
    /// value that this one gives stays what it is. `None` where nothing has to be
    /// done for that, as with a step that brings values into a normal form.
    ///
    /// # Errors
    /// [`OneWay`] where there is no such step.
    pub fn inverse(&self) -> Result<Option<Self>, OneWay> {
        Ok(Some(match self {
            Self::Clean(cleaner) => return undone(cleaner),
            Self::Title | Self::Default { .. } => return Ok(None),
            Self::AddPrefix { text } => Self::StripPrefix { text: text.clone() },
            Self::StripPrefix { text } => Self::AddPrefix { text: text.clone() },
            Self::AddSuffix { text } => Self::StripSuffix { text: text.clone() },
            Self::StripSuffix { text } => Self::AddSuffix { text: text.clone() },
            Self::Replace { .. } => return Err(OneWay::Replaced),
            Self::Split { by } => Self::Join { by: by.clone() },
            Self::Join { by } => Self::Split { by: by.clone() },
            Self::Part { .. } => return Err(OneWay::Part),
            Self::Multiply { by } => Self::Divide { by: exact(by)? },
            Self::Divide { by } => Self::Multiply { by: exact(by)? },
            Self::FormatNumber { decimal } => {
                Self::Clean(Cleaner::Number { decimal: *decimal, group: None })
            }
            Self::Boolean { yes, no } => Self::FormatBoolean {
                yes: yes.first().cloned().unwrap_or_default(),
                no: no.first().cloned().unwrap_or_default(),
            },
            Self::FormatBoolean { yes, no } => {
                Self::Boolean { yes: vec![yes.clone()], no: vec![no.clone()] }
            }
            Self::FormatDate { format } => Self::Clean(Cleaner::Date { format: format.clone() }),
            Self::FormatInstant { format } => {
                Self::Clean(Cleaner::Instant { format: format.clone() })
            }
            Self::Country { form } => Self::FormatCountry { form: *form },
            Self::FormatCountry { .. } => Self::Country { form: CodeForm::Two },
            Self::Language { form } => Self::FormatLanguage { form: *form },
            Self::FormatLanguage { .. } => Self::Language { form: CodeForm::Two },
            Self::When { .. } => return Err(OneWay::Condition),
        }))
    }
}

/// A number that has a counterpart.
fn exact(by: &Number) -> Result<Number, OneWay> {
    by.reciprocal().map(|_| by.clone()).ok_or_else(|| OneWay::NoExactDecimals(by.clone()))
}

fn undone(cleaner: &Cleaner) -> Result<Option<Transform>, OneWay> {
    Ok(match cleaner {
        Cleaner::Trim
        | Cleaner::Squeeze
        | Cleaner::Lower
        | Cleaner::Upper
        | Cleaner::EmptyToNull
        | Cleaner::Country
        | Cleaner::Language
        | Cleaner::Email
        | Cleaner::Phone { .. } => None,
        Cleaner::Date { format } => Some(Transform::FormatDate { format: format.clone() }),
        Cleaner::Instant { format } => Some(Transform::FormatInstant { format: format.clone() }),
        Cleaner::Number { decimal, .. } => Some(Transform::FormatNumber { decimal: *decimal }),
        Cleaner::Map { table } => Some(Transform::Clean(Cleaner::Map { table: inverted(table)? })),
    })
}

fn inverted(table: &BTreeMap<String, Value>) -> Result<BTreeMap<String, Value>, OneWay> {
    let mut inverted = BTreeMap::new();
    let mut met = BTreeSet::new();
    for (key, value) in table {
        let text = match value {
            // As a key is looked up, see [`Cleaner::Map`].
            Value::Text(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null | Value::List(_) | Value::Object(_) => {
                return Err(OneWay::NoText(value.class()));
            }
        };
        if !met.insert(text.clone()) {
            return Err(OneWay::NotOneToOne(text));
        }
        inverted.insert(text, Value::text(key.as_str()));
    }
    Ok(inverted)
}
