//! Cleaning: what is done to a row's fields before it is compared with what is
//! known. Every step is declared; no type and no format is ever guessed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::FieldName;
use crate::time_format::TimeFormat;
use crate::value::Value;

/// Most steps of one stream.
pub const CLEANING_STEPS_MAX: usize = 500;

/// One way to clean a value. Null stays null under all of them. A list is
/// cleaned item by item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cleaner {
    /// Text without blanks and invisible characters at its ends.
    Trim,
    /// Trimmed text with one blank where there are several.
    Squeeze,
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
    /// Empty text becomes null.
    EmptyToNull,
    /// A date or local date-time of a declared form becomes ISO 8601.
    Date {
        /// The form that the source uses.
        format: TimeFormat,
    },
    /// An instant of a declared form becomes RFC 3339 in UTC.
    Instant {
        /// The form that the source uses.
        format: TimeFormat,
    },
    /// A code of ISO 3166-1 (two or three letters) becomes two capital letters.
    Country,
    /// A code of ISO 639 (two or three letters), perhaps with a region, becomes
    /// the short form of BCP 47: `fr`, `fr-CA`.
    Language,
    /// Text with a number in it becomes an exact number.
    Number {
        /// The decimal separator.
        decimal: char,
        /// What separates thousands, if anything does.
        group: Option<char>,
    },
    /// An e-mail address in its normal form.
    Email,
    /// A telephone number in E.164.
    Phone {
        /// Two-letter country of numbers without one.
        country: Option<String>,
    },
    /// Each value becomes what a table says.
    Map {
        /// From the value as text to the value meant.
        table: BTreeMap<String, Value>,
    },
}

impl Cleaner {
    /// The rule's stable word, as configured and as a reject names it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Trim => "trim",
            Self::Squeeze => "squeeze",
            Self::Lower => "lower",
            Self::Upper => "upper",
            Self::EmptyToNull => "empty-to-null",
            Self::Date { .. } => "date",
            Self::Instant { .. } => "instant",
            Self::Country => "country",
            Self::Language => "language",
            Self::Number { .. } => "number",
            Self::Email => "email",
            Self::Phone { .. } => "phone",
            Self::Map { .. } => "map",
        }
    }
}

/// What happens to a value that its cleaner cannot clean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// The row goes to quarantine.
    #[default]
    Reject,
    /// The value stays as it is.
    Keep,
    /// The value becomes null.
    Null,
}

/// One step: a cleaner and the fields that it cleans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleaning {
    /// The fields of the row; one that is absent stays absent.
    pub fields: Vec<FieldName>,
    /// What is done.
    pub cleaner: Cleaner,
    /// What happens if that is impossible.
    #[serde(default)]
    pub otherwise: Otherwise,
}
