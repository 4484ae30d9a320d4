//! One file while it is read: its text, its lines, and the list of faults.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use crate::fault::{ConfigFault, code};
use crate::located::Location;
use crate::table::TableReader;

/// All faults found so far, of all files.
#[derive(Default)]
pub(crate) struct Faults(RefCell<Vec<ConfigFault>>);

impl Faults {
    /// Adds one.
    pub(crate) fn push(&self, fault: ConfigFault) {
        self.0.borrow_mut().push(fault);
    }

    /// All, in the order of files and lines.
    pub(crate) fn into_sorted(self) -> Vec<ConfigFault> {
        let mut faults = self.0.into_inner();
        faults.sort_by(|a, b| {
            let after_main = |f: &ConfigFault| &*f.location.file != crate::source::MAIN_FILE;
            (after_main(a), &a.location, a.code).cmp(&(after_main(b), &b.location, b.code))
        });
        faults.dedup();
        faults
    }
}

/// A file being read.
pub(crate) struct Document<'f> {
    path: Arc<str>,
    text: &'f str,
    /// Byte offset of every line's first character.
    line_starts: Vec<usize>,
    /// The keys that belong to the file itself.
    top_keys: &'static [&'static str],
    faults: &'f Faults,
}

impl<'f> Document<'f> {
    /// A document over a text.
    pub(crate) fn new(
        path: &str,
        text: &'f str,
        top_keys: &'static [&'static str],
        faults: &'f Faults,
    ) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(offset, _)| offset + 1))
            .collect();
        Self { path: path.into(), text, line_starts, top_keys, faults }
    }

    /// The keys that belong to the file itself.
    pub(crate) fn top_keys(&self) -> &'static [&'static str] {
        self.top_keys
    }

    /// The file as a whole.
    pub(crate) fn whole(&self) -> Location {
        Location { file: self.path.clone(), line: 0, column: 0 }
    }

    /// Line and column of a byte offset.
    pub(crate) fn location(&self, span: &Range<usize>) -> Location {
        let index = self.line_starts.partition_point(|start| *start <= span.start);
        let start = self.line_starts.get(index.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.get(start..span.start).unwrap_or_default();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Location {
            file: self.path.clone(),
            line: count(index),
            column: count(before.chars().count() + 1),
        }
    }

    /// Adds a fault.
    pub(crate) fn fault(&self, fault: ConfigFault) {
        self.faults.push(fault);
    }

    /// Parses the text. A key that is written twice is a fault, and the rest is
    /// read on; after any other error of syntax the tree is not to be trusted,
    /// and `None` keeps consequences of one slip from being reported as faults.
    pub(crate) fn parse(&self) -> Option<Spanned<DeTable<'f>>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        let mut sound = true;
        for error in &errors {
            let duplicate = error.message() == "duplicate key";
            sound &= duplicate;
            self.fault(self.syntax(error, duplicate));
        }
        sound.then_some(table)
    }

    fn syntax(&self, error: &Error, duplicate: bool) -> ConfigFault {
        let location = error.span().map_or_else(|| self.whole(), |span| self.location(&span));
        if duplicate {
            let key = error.span().and_then(|span| self.text.get(span)).unwrap_or("a key");
            return ConfigFault::new(code::DUPLICATE_KEY, location, "").with("key", key.trim());
        }
        // The parser speaks of tokens over several lines; one line is enough.
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        ConfigFault::new(code::SYNTAX, location, "").with("message", message)
    }

    /// A reader of the file's top table.
    pub(crate) fn top<'p>(&'p self, table: &'p DeTable<'p>) -> TableReader<'p> {
        TableReader::new(self, table, self.whole(), String::new())
    }
}

/// What a value is, in words; never what it holds.
pub(crate) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
