//! `[namespaces.*]`: which values name people.

use hub_model::{Namespace, Normaliser};

use crate::fault::code;
use crate::table::{TableReader, shown};

/// The keys of a namespace.
pub(crate) const KEYS: &[&str] = &[
    "normaliser",
    "trusted",
    "country",
    "values_per_profile_max",
    "records_per_value_max",
    "never",
];

/// The words for normalisers.
pub(crate) const NORMALISERS: &[(&str, Normaliser)] = &[
    ("email", Normaliser::Email),
    ("phone", Normaliser::Phone),
    ("code", Normaliser::Code),
    ("exact", Normaliser::Exact),
];

/// Most values of one namespace on one profile unless it says otherwise: more
/// than any person has, fewer than a wrong join gathers.
const VALUES_PER_PROFILE: u32 = 25;
/// Most records that carry one value unless it says otherwise: beyond it, the
/// value is a switchboard or a placeholder.
const RECORDS_PER_VALUE: u32 = 25;
/// Largest limit that still limits.
const COUNT_MAX: u32 = 100_000;

/// Reads one namespace; `None` if it has no normaliser.
pub(crate) fn read(name: &str, mut table: TableReader<'_>) -> Option<Namespace> {
    let normaliser = normaliser(&mut table);
    let trusted = table.flag("trusted").unwrap_or(true);
    let country = country(&mut table);
    let values = table.integer("values_per_profile_max", (1, COUNT_MAX), VALUES_PER_PROFILE);
    let records = table.integer("records_per_value_max", (1, COUNT_MAX), RECORDS_PER_VALUE);
    let never = table.texts("never", "never = [\"info@example.org\"]");
    table.finish(KEYS);
    Some(Namespace {
        name: name.into(),
        normaliser: normaliser?,
        trusted,
        country,
        values_per_profile_max: values.map_or(VALUES_PER_PROFILE, |n| n.value),
        records_per_value_max: records.map_or(RECORDS_PER_VALUE, |n| n.value),
        never: never.into_iter().map(|text| text.value).collect(),
    })
}

fn normaliser(table: &mut TableReader<'_>) -> Option<Normaliser> {
    if !table.has("normaliser") {
        table.missing("normaliser", "normaliser = \"email\"");
    }
    table.word("normaliser", NORMALISERS).map(|word| word.value)
}

fn country(table: &mut TableReader<'_>) -> Option<String> {
    let text = table.text("country", "two capital letters", "country = \"FR\"")?;
    if text.len() == 2 && text.chars().all(|c| c.is_ascii_uppercase()) {
        return Some(text.value);
    }
    table.fault(code::COUNTRY, &text.location, "country").with("found", shown(&text)).record();
    None
}
