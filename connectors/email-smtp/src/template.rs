//! A text with placeholders: `{{field}}`, and `{{field|text}}` with a text for those
//! who have no value. Two braces, because style sheets are full of single ones.

use std::fmt::Write as _;

use liaison_sdk::http::percent_encode;
use serde_json::{Map, Value};

/// Longest name of a field in bytes.
const NAME_BYTES_MAX: usize = 200;

/// What a value is put into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A header: one line.
    Header,
    /// Text for people.
    Plain,
    /// Markup: escaped, in text and in quoted attributes.
    Html,
    /// A part of an address: percent-encoded.
    Address,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFault {
    /// `{{` without `}}`.
    Unclosed,
    /// Nothing, or something that is no field, between the braces.
    Name,
}

impl TextFault {
    /// What was expected.
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Unclosed => "`}}` behind every `{{`",
            Self::Name => "the name of a field between `{{` and `}}`, without spaces in it",
        }
    }
}

/// Why a text cannot be filled in, and the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    /// The field.
    pub field: String,
    /// A stable word: `no-value`, `line-break`, `type`.
    pub reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field { name: String, otherwise: Option<String> },
}

/// A text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    text: String,
    parts: Vec<Part>,
}

impl Text {
    /// Reads a text.
    ///
    /// # Errors
    /// [`TextFault`].
    pub fn parse(text: String) -> Result<Self, TextFault> {
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, behind)) = rest.split_once("{{") {
            let (inner, after) = behind.split_once("}}").ok_or(TextFault::Unclosed)?;
            let (name, otherwise) = match inner.split_once('|') {
                Some((name, otherwise)) => (name, Some(otherwise.to_owned())),
                None => (inner, None),
            };
            let name = name.trim();
            let odd = |c: char| c.is_whitespace() || c.is_control() || "{}<>\"'".contains(c);
            if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(odd) {
                return Err(TextFault::Name);
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Field { name: name.to_owned(), otherwise });
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { text, parts })
    }

    /// It as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The fields that it mentions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field { name, .. } => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text for a row.
    ///
    /// # Errors
    /// The first field that keeps it from being filled in.
    pub fn fill(&self, row: &Map<String, Value>, into: Place) -> Result<String, Hole> {
        let mut out = String::with_capacity(self.text.len());
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Field { name, otherwise } => {
                    let hole = |reason| Hole { field: name.clone(), reason };
                    let value = value(row.get(name)).ok_or_else(|| hole("type"))?;
                    let value = match (value.trim().is_empty(), otherwise) {
                        (false, _) => value,
                        (true, Some(otherwise)) => otherwise.clone(),
                        (true, None) => return Err(hole("no-value")),
                    };
                    put(&value, into, &mut out).ok_or_else(|| hole("line-break"))?;
                }
            }
        }
        Ok(out)
    }
}

/// A value as text: none is empty, and a list or an object has no text.
fn value(value: Option<&Value>) -> Option<String> {
    match value {
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::Bool(truth)) => Some(truth.to_string()),
        Some(Value::Array(_) | Value::Object(_)) => None,
    }
}

fn put(value: &str, into: Place, out: &mut String) -> Option<()> {
    match into {
        Place::Header if value.chars().any(char::is_control) => return None,
        Place::Header | Place::Plain => out.push_str(value),
        Place::Address => out.push_str(&percent_encode(value)),
        Place::Html => {
            for c in value.chars() {
                match c {
                    '&' => out.push_str("&amp;"),
                    '<' => out.push_str("&lt;"),
                    '>' => out.push_str("&gt;"),
                    // Both ways of quoting an attribute; a backtick is a third to some.
                    '"' | '\'' | '`' => write!(out, "&#{};", u32::from(c)).ok()?,
                    _ => out.push(c),
                }
            }
        }
    }
    Some(())
}
