//! Reading a table key by key. What was not asked for is unknown.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::document::{Document, type_name};
use crate::fault::{ConfigFault, code};
use crate::located::{Located, Location};
use crate::near;

/// Longest piece of a value that a fault repeats, in characters.
const SHOWN_CHARS_MAX: usize = 60;

/// A table being read. Every method that finds a fault records it and answers
/// as if the key were absent, so that reading goes on.
pub(crate) struct TableReader<'p> {
    document: &'p Document<'p>,
    table: &'p DeTable<'p>,
    location: Location,
    place: String,
    asked: Vec<&'static str>,
}

impl<'p> TableReader<'p> {
    pub(crate) fn new(
        document: &'p Document<'p>,
        table: &'p DeTable<'p>,
        location: Location,
        place: String,
    ) -> Self {
        Self { document, table, location, place, asked: Vec::new() }
    }

    /// Where the table is written.
    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// The dotted path of the table.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// The document it is on.
    pub(crate) fn document(&self) -> &'p Document<'p> {
        self.document
    }

    /// The dotted path of a key of this table.
    pub(crate) fn place_of(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) }
    }

    /// Records a fault of a key of this table.
    pub(crate) fn fault(&self, code: &'static str, location: &Location, key: &str) -> FaultAt<'p> {
        let place = if key.is_empty() { self.place.clone() } else { self.place_of(key) };
        FaultAt { document: self.document, fault: ConfigFault::new(code, location.clone(), place) }
    }

    /// A value as it was parsed.
    pub(crate) fn raw(&mut self, key: &'static str) -> Option<&'p Spanned<DeValue<'p>>> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// Counts a key as asked for; its value is judged elsewhere.
    pub(crate) fn ask(&mut self, key: &'static str) {
        self.asked.push(key);
    }

    /// A text as it is, without asking for it.
    pub(crate) fn peek_text(&self, key: &str) -> Option<(String, Location)> {
        let value = self.table.get(key)?;
        let text = value.get_ref().as_str()?;
        Some((text.to_owned(), self.document.location(&value.span())))
    }

    /// Whether a key is absent or an empty list.
    pub(crate) fn peek_is_empty(&self, key: &str) -> bool {
        self.table
            .get(key)
            .is_none_or(|value| value.get_ref().as_array().is_some_and(|a| a.is_empty()))
    }

    /// Whether a key is written, without asking for it.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Where a key is written.
    pub(crate) fn key_location(&self, key: &str) -> Location {
        self.table
            .get_key_value(key)
            .map_or_else(|| self.location.clone(), |(key, _)| self.document.location(&key.span()))
    }

    /// A text without control characters, possibly empty.
    pub(crate) fn text(
        &mut self,
        key: &'static str,
        expected: &str,
        example: &str,
    ) -> Option<Located<String>> {
        let value = self.raw(key)?;
        let place = self.place_of(key);
        text_of(self.document, value, &place, expected, example)
    }

    /// A text with something in it.
    pub(crate) fn filled(
        &mut self,
        key: &'static str,
        expected: &str,
        example: &str,
    ) -> Option<Located<String>> {
        let text = self.text(key, expected, example)?;
        if !text.trim().is_empty() {
            return Some(text);
        }
        self.fault(code::EMPTY, &text.location, key).with("expected", expected).record();
        None
    }

    /// A text that must be there.
    pub(crate) fn required(
        &mut self,
        key: &'static str,
        expected: &str,
        example: &str,
    ) -> Option<Located<String>> {
        if !self.has(key) {
            self.asked.push(key);
            self.missing(key, example);
            return None;
        }
        self.filled(key, expected, example)
    }

    /// Records that a key is missing.
    pub(crate) fn missing(&self, key: &str, example: &str) {
        self.fault(code::MISSING_KEY, &self.location, key)
            .with("key", key)
            .with("table", self.words())
            .with("example", example)
            .record();
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<Located<T>> {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let known = near::list(names.iter().copied()).unwrap_or_default();
        let example = format!("{key} = \"{}\"", names.first().copied().unwrap_or_default());
        let text = self.text(key, &format!("one of {known}"), &example)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(Located::new(*value, text.location));
        }
        let fault =
            self.fault(code::UNKNOWN_WORD, &text.location, key).with("found", shown(&text.value));
        let FaultAt { document, fault } = fault;
        document.fault(near::hint(fault, &text.value, names.iter().copied()));
        None
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.raw(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => {
                let place = self.place_of(key);
                wrong_type(self.document, value, &place, "true or false", &format!("{key} = true"));
                None
            }
        }
    }

    /// A whole number without asking for it.
    pub(crate) fn peek_integer(&self, key: &str) -> Option<(i64, Location)> {
        let value = self.table.get(key)?;
        let DeValue::Integer(integer) = value.get_ref() else { return None };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok()?;
        Some((number, self.document.location(&value.span())))
    }

    /// A whole number within a range; `usual` is shown as an example.
    pub(crate) fn integer(
        &mut self,
        key: &'static str,
        (min, max): (u32, u32),
        usual: u32,
    ) -> Option<Located<u32>> {
        let value = self.raw(key)?;
        let location = self.document.location(&value.span());
        let DeValue::Integer(integer) = value.get_ref() else {
            let expected = format!("a whole number from {min} to {max}");
            let place = self.place_of(key);
            wrong_type(self.document, value, &place, &expected, &format!("{key} = {usual}"));
            return None;
        };
        match i64::from_str_radix(integer.as_str(), integer.radix()).map(u32::try_from) {
            Ok(Ok(number)) if (min..=max).contains(&number) => Some(Located::new(number, location)),
            _ => {
                self.fault(code::OUT_OF_RANGE, &location, key)
                    .with("found", shown(&integer.to_string()))
                    .with("min", min)
                    .with("max", max)
                    .record();
                None
            }
        }
    }

    /// A list of texts, each with something in it; empty if absent.
    pub(crate) fn texts(&mut self, key: &'static str, example: &str) -> Vec<Located<String>> {
        let Some(value) = self.raw(key) else { return Vec::new() };
        let place = self.place_of(key);
        let DeValue::Array(items) = value.get_ref() else {
            wrong_type(self.document, value, &place, "a list of texts", example);
            return Vec::new();
        };
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let place = format!("{place}[{index}]");
            let Some(text) = text_of(self.document, item, &place, "a text", example) else {
                continue;
            };
            if text.trim().is_empty() {
                let fault = ConfigFault::new(code::EMPTY, text.location, place);
                self.document.fault(fault.with("expected", "a text"));
            } else {
                texts.push(text);
            }
        }
        texts
    }

    /// A table below this one.
    pub(crate) fn table(&mut self, key: &'static str, example: &str) -> Option<TableReader<'p>> {
        let value = self.raw(key)?;
        self.reader(key, value, self.key_location(key), example)
    }

    /// The tables below a key whose names are free: connections, namespaces.
    pub(crate) fn tables(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Vec<(Located<String>, TableReader<'p>)> {
        self.table(key, example).map_or_else(Vec::new, |tables| tables.entries(example))
    }

    /// Every entry of this table as a table of its own.
    pub(crate) fn entries(&self, example: &str) -> Vec<(Located<String>, TableReader<'p>)> {
        let mut found = Vec::with_capacity(self.table.len());
        for (key, value) in self.table {
            let location = self.document.location(&key.span());
            let name = key.get_ref().to_string();
            if let Some(reader) = self.reader(&name, value, location.clone(), example) {
                found.push((Located::new(name, location), reader));
            }
        }
        found
    }

    /// Every entry of this table as it was parsed.
    pub(crate) fn values(
        &self,
    ) -> impl Iterator<Item = (Located<String>, &'p Spanned<DeValue<'p>>)> + use<'p> {
        let document = self.document;
        self.table.iter().map(move |(key, value)| {
            let name = key.get_ref().to_string();
            (Located::new(name, document.location(&key.span())), value)
        })
    }

    /// The tables of a list `[[key]]`.
    pub(crate) fn list(&mut self, key: &'static str, example: &str) -> Vec<TableReader<'p>> {
        let Some(value) = self.raw(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            wrong_type(self.document, value, &self.place_of(key), "a list of tables", example);
            return Vec::new();
        };
        let items = items.iter().enumerate();
        items
            .filter_map(|(index, item)| {
                let location = self.document.location(&item.span());
                self.reader(&format!("{key}[{index}]"), item, location, example)
            })
            .collect()
    }

    fn reader(
        &self,
        name: &str,
        value: &'p Spanned<DeValue<'p>>,
        location: Location,
        example: &str,
    ) -> Option<TableReader<'p>> {
        let place = self.place_of(name);
        match value.get_ref() {
            DeValue::Table(table) => Some(TableReader::new(self.document, table, location, place)),
            _ => {
                wrong_type(self.document, value, &place, "a table", example);
                None
            }
        }
    }

    /// Ends the reading: whatever was not asked for is unknown.
    pub(crate) fn finish(self, known: &[&'static str]) {
        debug_assert!(
            known.len() == self.asked.len() && known.iter().all(|key| self.asked.contains(key)),
            "{}: known {known:?}, asked for {:?}",
            self.place,
            self.asked
        );
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let location = self.document.location(&key.span());
            let fault = ConfigFault::new(code::UNKNOWN_KEY, location, self.place_of(name))
                .with("key", shown(name))
                .with("table", self.words());
            // TOML ends the file's own keys at the first table; a key added
            // below belongs to the last one.
            let misplaced = !self.place.is_empty() && self.document.top_keys().contains(&name);
            let fault = if misplaced { fault.with("top", name) } else { fault };
            self.document.fault(near::hint(fault, name, known.iter().copied()));
        }
    }

    /// The table in words: `[connections.erp]`, `fields[0]`, or `the file`.
    fn words(&self) -> String {
        match self.place.as_str() {
            "" => "the file".to_owned(),
            item if item.ends_with(']') => item.to_owned(),
            table => format!("[{table}]"),
        }
    }
}

/// A fault that is being put together.
pub(crate) struct FaultAt<'p> {
    document: &'p Document<'p>,
    fault: ConfigFault,
}

impl FaultAt<'_> {
    /// The same with one more argument.
    pub(crate) fn with(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.fault = self.fault.with(name, value);
        self
    }

    /// Adds it to the list.
    pub(crate) fn record(self) {
        self.document.fault(self.fault);
    }
}

fn text_of(
    document: &Document<'_>,
    value: &Spanned<DeValue<'_>>,
    place: &str,
    expected: &str,
    example: &str,
) -> Option<Located<String>> {
    let DeValue::String(text) = value.get_ref() else {
        wrong_type(document, value, place, expected, example);
        return None;
    };
    let location = document.location(&value.span());
    if let Some(control) = text.chars().find(|c| c.is_control()) {
        let fault = ConfigFault::new(code::CONTROL_CHARACTER, location, place);
        document.fault(fault.with("codepoint", format!("{:04X}", u32::from(control))));
        return None;
    }
    Some(Located::new(text.to_string(), location))
}

/// Records that a value has the wrong type.
pub(crate) fn wrong_type(
    document: &Document<'_>,
    value: &Spanned<DeValue<'_>>,
    place: &str,
    expected: &str,
    example: &str,
) {
    let location = document.location(&value.span());
    document.fault(
        ConfigFault::new(code::WRONG_TYPE, location, place)
            .with("found", type_name(value.get_ref()))
            .with("expected", expected)
            .with("example", example),
    );
}

/// A piece of a value for a fault: short, and without control characters.
pub(crate) fn shown(text: &str) -> String {
    let mut piece: String =
        text.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        piece.push('…');
    }
    piece.replace("\\'", "'").replace("\\\"", "\"")
}
