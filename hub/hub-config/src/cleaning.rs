//! `[[clean]]` and `[schema]`: how rows are cleaned, and what they must satisfy.

use std::collections::BTreeMap;

use hub_model::cleaning::CLEANING_STEPS_MAX;
use hub_model::{Cleaner, Cleaning, FieldName, Otherwise, TimeFormat, Value};

use crate::fault::code;
use crate::located::Located;
use crate::namespace;
use crate::settings;
use crate::table::{TableReader, shown};
use crate::word;

/// The keys of `[[clean]]`.
pub(crate) const KEYS: &[&str] =
    &["fields", "do", "format", "decimal", "group", "country", "table", "otherwise"];

/// What is done, before its options are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Trim,
    Squeeze,
    Lower,
    Upper,
    EmptyToNull,
    Date,
    Instant,
    Country,
    Language,
    Number,
    Email,
    Phone,
    Map,
}

/// The words for what is done.
pub(crate) const CLEANERS: &[(&str, Kind)] = &[
    ("trim", Kind::Trim),
    ("squeeze", Kind::Squeeze),
    ("lower", Kind::Lower),
    ("upper", Kind::Upper),
    ("empty-to-null", Kind::EmptyToNull),
    ("date", Kind::Date),
    ("instant", Kind::Instant),
    ("country", Kind::Country),
    ("language", Kind::Language),
    ("number", Kind::Number),
    ("email", Kind::Email),
    ("phone", Kind::Phone),
    ("map", Kind::Map),
];

/// The words for what happens to what cannot be cleaned.
pub(crate) const OTHERWISE: &[(&str, Otherwise)] =
    &[("reject", Otherwise::Reject), ("keep", Otherwise::Keep), ("null", Otherwise::Null)];

impl Kind {
    const fn options(self) -> &'static [&'static str] {
        match self {
            Self::Date | Self::Instant => &["format"],
            Self::Number => &["decimal", "group"],
            Self::Phone => &["country"],
            Self::Map => &["table"],
            _ => &[],
        }
    }
}

/// Reads the steps in order.
pub(crate) fn read(table: &mut TableReader<'_>) -> Vec<Cleaning> {
    let location = table.key_location("clean");
    let steps = table.list("clean", "[[clean]]");
    if steps.len() > CLEANING_STEPS_MAX {
        let fault = table.fault(code::TOO_MANY, &location, "clean");
        fault.with("limit", CLEANING_STEPS_MAX).record();
        return Vec::new();
    }
    steps.into_iter().filter_map(step).collect()
}

fn step(mut table: TableReader<'_>) -> Option<Cleaning> {
    let fields = fields(&mut table);
    if !table.has("do") {
        table.missing("do", "do = \"trim\"");
    }
    let kind = table.word("do", CLEANERS).map(|word| word.value);
    if matches!(kind, Some(Kind::Date | Kind::Instant)) && !table.has("format") {
        table.missing("format", FORMAT_EXAMPLE);
    }
    let format = format(&mut table, kind == Some(Kind::Date));
    let decimal = separator(&mut table, "decimal", "decimal = \",\"");
    let group = separator(&mut table, "group", "group = \" \"");
    let country = namespace::country(&mut table);
    let replacements = replacements(&mut table);
    let otherwise = table.word("otherwise", OTHERWISE).map(|word| word.value).unwrap_or_default();
    if let Some(kind) = kind {
        check_options(&table, kind);
    }
    check_separators(&table, decimal, group);
    table.finish(KEYS);
    let cleaner = match kind? {
        Kind::Trim => Cleaner::Trim,
        Kind::Squeeze => Cleaner::Squeeze,
        Kind::Lower => Cleaner::Lower,
        Kind::Upper => Cleaner::Upper,
        Kind::EmptyToNull => Cleaner::EmptyToNull,
        Kind::Date => Cleaner::Date { format: format? },
        Kind::Instant => Cleaner::Instant { format: format? },
        Kind::Country => Cleaner::Country,
        Kind::Language => Cleaner::Language,
        Kind::Number => Cleaner::Number { decimal: decimal.unwrap_or('.'), group },
        Kind::Email => Cleaner::Email,
        Kind::Phone => Cleaner::Phone { country },
        Kind::Map => Cleaner::Map { table: replacements? },
    };
    Some(Cleaning { fields: fields?, cleaner, otherwise })
}

fn fields(table: &mut TableReader<'_>) -> Option<Vec<FieldName>> {
    let example = "fields = [\"email\"]";
    if !table.has("fields") {
        table.ask("fields");
        table.missing("fields", example);
        return None;
    }
    let location = table.key_location("fields");
    let empty = table.peek_is_empty("fields");
    let names = table.texts("fields", example);
    if empty {
        let fault = table.fault(code::EMPTY, &location, "fields");
        fault.with("expected", "at least one field").record();
    }
    let place = table.place_of("fields");
    let sound = names.iter().all(|name| word::check_name(table.document(), name, &place));
    sound.then(|| names.iter().map(|name| FieldName::new(name.as_str())).collect())
}

const FORMAT_EXAMPLE: &str = "format = \"DD/MM/YYYY\"";

/// The declared form of a date or instant. `local`: it must have no zone.
pub(crate) fn format(table: &mut TableReader<'_>, local: bool) -> Option<TimeFormat> {
    let text = table.filled("format", "a form of dates", FORMAT_EXAMPLE)?;
    let format = time_format(table, "format", &text)?;
    if local && format.has_zone() {
        let fault = table.fault(code::TIME_FORMAT, &text.location, "format");
        let fault = fault.with("found", shown(&text)).with("why", "it is an instant, not a date");
        fault.with("mend", "write `do = \"instant\"`, or a pattern of YYYY, MM and DD").record();
        return None;
    }
    Some(format)
}

/// A form of dates or times.
pub(crate) fn time_format(
    table: &TableReader<'_>,
    key: &str,
    text: &Located<String>,
) -> Option<TimeFormat> {
    match TimeFormat::parse(text) {
        Ok(format) => Some(format),
        Err(error) => {
            let fault = table.fault(code::TIME_FORMAT, &text.location, key);
            fault.with("found", shown(text)).with("why", error).record();
            None
        }
    }
}

/// Decimals and thousands are not told apart by one character.
pub(crate) fn check_separators(
    table: &TableReader<'_>,
    decimal: Option<char>,
    group: Option<char>,
) -> bool {
    let clash = group.is_some() && group == Some(decimal.unwrap_or('.'));
    if clash {
        let location = table.key_location("group");
        let fault = table.fault(code::NO_EFFECT, &location, "group");
        let fault = fault.with("why", "it is the decimal separator as well");
        fault.with("mend", "name two different characters").record();
    }
    !clash
}

/// One character between the parts of a number.
pub(crate) fn separator(
    table: &mut TableReader<'_>,
    key: &'static str,
    example: &str,
) -> Option<char> {
    let text = table.text(key, "one character", example)?;
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(one), None) if !one.is_alphanumeric() && one != '-' && one != '+' => Some(one),
        _ => {
            let fault = table.fault(code::SEPARATOR, &text.location, key);
            fault.with("found", shown(&text)).record();
            None
        }
    }
}

/// The table of a map.
pub(crate) fn replacements(table: &mut TableReader<'_>) -> Option<BTreeMap<String, Value>> {
    let place = table.place_of("table");
    let entries = table.table("table", "table = { M = \"male\" }")?;
    let mut replacements = BTreeMap::new();
    for (key, value) in entries.values() {
        let json =
            settings::json_value(entries.document(), value, &format!("{place}.{}", key.value));
        if let Ok(value) = Value::from_json(json) {
            replacements.insert(key.value, value);
        }
    }
    Some(replacements)
}

/// An option of another cleaner is a slip; a map without a table too.
fn check_options(table: &TableReader<'_>, kind: Kind) {
    let word = CLEANERS.iter().find(|(_, other)| *other == kind).map_or("", |(word, _)| *word);
    for key in ["format", "decimal", "group", "country", "table"] {
        if table.has(key) && !kind.options().contains(&key) {
            let fault = table.fault(code::NO_EFFECT, &table.key_location(key), key);
            let fault = fault.with("why", format!("`{word}` does not look at it"));
            fault.with("mend", "remove it").record();
        }
    }
    if kind == Kind::Map && !table.has("table") {
        table.missing("table", "table = { M = \"male\" }");
    }
}

/// Reads the schema that cleaned rows must satisfy.
pub(crate) fn schema(table: &mut TableReader<'_>) -> Option<serde_json::Value> {
    let (schema, places) = settings::read_below(table, "schema", "[schema]")?;
    let location = table.key_location("schema");
    if let Err(error) = settings::compile(&schema) {
        let at = settings::nearest(&places, error.instance_path().as_str()).unwrap_or(location);
        table.fault(code::SCHEMA, &at, "schema").with("why", error.masked()).record();
    }
    Some(schema)
}
