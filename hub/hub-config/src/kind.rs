//! `kind`: what the rows of a sync describe, and what has no meaning for rows
//! that are part of no profile.

use hub_model::{EntityKind, WhenErased};

use crate::fault::code;
use crate::near;
use crate::table::{TableReader, shown};
use crate::word;

/// The kinds that are resolved into profiles.
pub(crate) const RESOLVED: [EntityKind; 2] = [EntityKind::Person, EntityKind::Account];
/// Kinds that the design knows and this version does not read by a sync.
const LATER: &[&str] = &["membership"];
/// Names of objects that are in use, for whoever asks.
const OBJECTS: &str = "`order`, `deal`, `invoice`, `ticket` or another name of your own";
/// Other words for people and organisations: as a kind of objects each of them is
/// a slip, and a costly one.
const MEANT: &[(&str, &[&str])] = &[
    ("person", &["people", "contact", "contacts", "customer", "customers", "user", "users"]),
    ("account", &["company", "companies", "organisation", "organization", "firm", "firms"]),
];

/// The words for what becomes of objects of a person who is erased.
pub(crate) const WHEN_ERASED: &[(&str, WhenErased)] =
    &[("unlink", WhenErased::Unlink), ("erase", WhenErased::Erase)];

/// Keys of a sync that say how rows become profiles, or are written.
const OF_PROFILES: &[&str] = &[
    "create",
    "deletes",
    "matching",
    "priority",
    "identities",
    "deduplicate",
    "records_per_profile_max",
    "consents",
    "requires",
    "purposes",
    "segment",
    "audience",
];

/// Reads the kind. A free name must not be a slip of one that is resolved: its
/// rows would be people that nobody ever finds.
pub(crate) fn read(table: &mut TableReader<'_>) -> EntityKind {
    let example = "kind = \"person\"";
    let Some(text) = table.filled("kind", "the name of a kind", example) else {
        return EntityKind::default();
    };
    if let Some(resolved) = RESOLVED.iter().find(|kind| kind.as_str() == text.value) {
        return resolved.clone();
    }
    if LATER.contains(&text.as_str()) {
        let fault = table.fault(code::NOT_SUPPORTED, &text.location, "kind");
        let known = format!("`person`, `account`, `event`, {OBJECTS}");
        fault.with("found", shown(&text)).with("known", known).record();
        return EntityKind::default();
    }
    if let Some(meant) = meant(&text) {
        let fault = table.fault(code::KIND, &text.location, "kind");
        fault.with("found", shown(&text)).with("near", meant).record();
        return EntityKind::default();
    }
    let place = table.place_of("kind");
    match word::check_id(table.document(), &text, "a kind of objects", &place) {
        true => EntityKind::object(&text),
        false => EntityKind::default(),
    }
}

/// The kind that somebody probably meant.
fn meant(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let other = MEANT.iter().find(|(_, words)| words.contains(&lower.as_str()));
    let slip = || {
        let mut kinds = MEANT.iter().map(|(kind, _)| *kind);
        kinds.find(|kind| lower == *kind || near::is_one_edit(&lower, kind))
    };
    other.map(|(kind, _)| *kind).or_else(slip)
}

/// Keys that say how objects are written, where they are made of others.
const OF_WRITTEN: &[&str] = &["create", "matching", "requires", "purposes"];

/// Reads what becomes of objects of an erased person, and says of every key that
/// objects have no use for it. `makes` is whether they are made of others.
pub(crate) fn objects(table: &mut TableReader<'_>, kind: &EntityKind, makes: bool) -> WhenErased {
    let when = table.word("when_erased", WHEN_ERASED);
    if !kind.is_object() {
        if let Some(when) = &when {
            let fault = table.fault(code::NO_EFFECT, &when.location, "when_erased");
            let why = "it is about objects, and the rows are resolved into profiles";
            fault.with("why", why).with("mend", "remove it").record();
        }
        return WhenErased::default();
    }
    let of_use = |key: &str| makes && OF_WRITTEN.contains(&key);
    for key in OF_PROFILES.iter().filter(|key| table.has(key) && !of_use(key)) {
        let fault = table.fault(code::NO_EFFECT, &table.key_location(key), key);
        let why = format!("the rows are objects of kind `{}`, part of no profile", kind.as_str());
        fault.with("why", why).with("mend", "remove it").record();
    }
    when.map(|when| when.value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn slips_of_people_are_no_objects() {
        let table = [
            ("persons", Some("person")),
            ("Person", Some("person")),
            ("presno", None),
            ("persno", Some("person")),
            ("acount", Some("account")),
            ("accounts", Some("account")),
            ("contact", Some("person")),
            ("company", Some("account")),
            ("order", None),
            ("oder", None),
            ("amount", None),
            ("reason", None),
            ("discount", None),
        ];
        for (word, near) in table {
            assert_eq!(meant(word), near, "{word}");
        }
    }
}
