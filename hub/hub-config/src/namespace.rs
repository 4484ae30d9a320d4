//! `[namespaces.*]`: which values name people.

use hub_model::namespace::{
    COMPOSITE_PARTS_MAX, PRIORITY, RECORDS_PER_VALUE_MAX, VALUES_PER_PROFILE_MAX,
};
use hub_model::{Namespace, Normaliser, Part, TraitName};

use crate::fault::code;
use crate::table::{TableReader, shown};
use crate::word;

/// The keys of a namespace.
pub(crate) const KEYS: &[&str] = &[
    "normaliser",
    "parts",
    "trusted",
    "anonymous",
    "priority",
    "country",
    "values_per_profile_max",
    "records_per_value_max",
    "never",
];
/// The keys of a part.
pub(crate) const PART_KEYS: &[&str] = &["trait", "normaliser"];

/// The words for normalisers.
pub(crate) const NORMALISERS: &[(&str, Normaliser)] = &[
    ("email", Normaliser::Email),
    ("phone", Normaliser::Phone),
    ("code", Normaliser::Code),
    ("exact", Normaliser::Exact),
    ("cookie", Normaliser::Cookie),
    ("device", Normaliser::Device),
    ("name", Normaliser::Name),
    ("date", Normaliser::Date),
    ("composite", Normaliser::Composite),
];
/// The same without the composite, which is no part of another.
pub(crate) fn part_normalisers() -> &'static [(&'static str, Normaliser)] {
    NORMALISERS.split_last().map_or(NORMALISERS, |(_, rest)| rest)
}

/// Weakest rank.
const RANK_MAX: u32 = 1_000_000;
/// Largest limit that still limits.
const COUNT_MAX: u32 = 100_000;

/// Reads one namespace; `None` if it has no normaliser.
pub(crate) fn read(name: &str, mut table: TableReader<'_>) -> Option<Namespace> {
    let normaliser = normaliser(&mut table);
    let parts = parts(&mut table, normaliser);
    let trusted = table.flag("trusted").unwrap_or(true);
    let anonymous = table.flag("anonymous");
    let priority = table.integer("priority", (0, RANK_MAX), PRIORITY);
    let country = country(&mut table);
    let values = table.integer("values_per_profile_max", (1, COUNT_MAX), VALUES_PER_PROFILE_MAX);
    let records = table.integer("records_per_value_max", (1, COUNT_MAX), RECORDS_PER_VALUE_MAX);
    let never = table.texts("never", "never = [\"info@example.org\"]");
    table.finish(KEYS);
    let usual = Namespace::new(name, normaliser?);
    Some(Namespace {
        parts,
        trusted,
        anonymous: anonymous.unwrap_or(usual.anonymous),
        priority: priority.map_or(PRIORITY, |n| n.value),
        country,
        values_per_profile_max: values.map_or(VALUES_PER_PROFILE_MAX, |n| n.value),
        records_per_value_max: records.map_or(RECORDS_PER_VALUE_MAX, |n| n.value),
        never: never.into_iter().map(|text| text.value).collect(),
        ..usual
    })
}

fn normaliser(table: &mut TableReader<'_>) -> Option<Normaliser> {
    if !table.has("normaliser") {
        table.missing("normaliser", "normaliser = \"email\"");
    }
    table.word("normaliser", NORMALISERS).map(|word| word.value)
}

/// The traits that a composite is made of.
fn parts(table: &mut TableReader<'_>, normaliser: Option<Normaliser>) -> Vec<Part> {
    let example = "parts = [{ trait = \"last_name\", normaliser = \"name\" }]";
    let location = table.key_location("parts");
    let written = table.has("parts");
    let empty = table.peek_is_empty("parts");
    let readers = table.list("parts", example);
    match normaliser {
        Some(Normaliser::Composite) if empty => table.missing("parts", example),
        Some(Normaliser::Composite) | None => {}
        Some(_) if written => {
            let fault = table.fault(code::NO_EFFECT, &location, "parts");
            let fault = fault.with("why", "only a composite has parts");
            fault.with("mend", "remove it, or write `normaliser = \"composite\"`").record();
        }
        Some(_) => {}
    }
    if readers.len() > COMPOSITE_PARTS_MAX {
        let fault = table.fault(code::TOO_MANY, &location, "parts");
        fault.with("limit", COMPOSITE_PARTS_MAX).record();
    }
    readers.into_iter().filter_map(part).collect()
}

fn part(mut table: TableReader<'_>) -> Option<Part> {
    let of = table.required("trait", "the name of a trait", "trait = \"last_name\"");
    let place = table.place_of("trait");
    let of = of.filter(|of| word::check_name(table.document(), of, &place));
    if !table.has("normaliser") {
        table.missing("normaliser", "normaliser = \"name\"");
    }
    let normaliser = table.word("normaliser", part_normalisers());
    table.finish(PART_KEYS);
    Some(Part { of: TraitName::new(of?.as_str()), normaliser: normaliser?.value })
}

/// A two-letter country under the key `country`.
pub(crate) fn country(table: &mut TableReader<'_>) -> Option<String> {
    let text = table.text("country", "two capital letters", "country = \"FR\"")?;
    if text.len() == 2 && text.chars().all(|c| c.is_ascii_uppercase()) {
        return Some(text.value);
    }
    table.fault(code::COUNTRY, &text.location, "country").with("found", shown(&text)).record();
    None
}
