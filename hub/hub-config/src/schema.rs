//! JSON Schemas of both files, for editors that complete and check while one
//! writes. Written by hand, because an editor's hints are written for people;
//! tests hold them to the keys that the reader knows.

use serde_json::Value;

/// The schema of `liaison.toml` (JSON Schema 2020-12).
pub fn main_schema() -> Value {
    parsed(include_str!("schema/liaison.schema.json"))
}

/// The schema of `syncs/<id>.toml` (JSON Schema 2020-12).
pub fn sync_schema() -> Value {
    parsed(include_str!("schema/sync.schema.json"))
}

/// A schema of this crate; the tests parse them, so there is no other case.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::{main_schema, sync_schema};
    use hub_model::{Party, Survivorship};

    use crate::{
        cleaning, connection, consents, event, folder, kind, limits, main_file, namespace,
        policies, purposes, recording, relations, segment, sync_file, traits, transform,
    };

    fn keys(schema: &Value, pointer: &str) -> BTreeSet<String> {
        let table = schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"));
        assert_eq!(table["additionalProperties"], false, "{pointer}");
        table["properties"].as_object().expect(pointer).keys().cloned().collect()
    }

    fn words<T>(words: &[(&str, T)]) -> Vec<Value> {
        words.iter().map(|(word, _)| Value::from(*word)).collect()
    }

    #[test]
    fn the_keys_are_those_of_the_reader() {
        let (main, sync) = (main_schema(), sync_schema());
        let table = [
            (&main, "", main_file::KEYS),
            (&main, "/properties/workspace", main_file::WORKSPACE_KEYS),
            (&main, "/properties/http", main_file::HTTP_KEYS),
            (&main, "/properties/connectors", main_file::CONNECTORS_KEYS),
            (&main, "/properties/namespaces/additionalProperties", namespace::KEYS),
            (
                &main,
                "/properties/namespaces/additionalProperties/properties/parts/items",
                namespace::PART_KEYS,
            ),
            (&main, "/properties/traits/additionalProperties", traits::KEYS),
            (&main, "/properties/purposes/additionalProperties", purposes::KEYS),
            (&main, "/properties/history", main_file::HISTORY_KEYS),
            (&main, "/properties/recording", recording::KEYS),
            (&main, "/properties/segments/additionalProperties", segment::KEYS),
            (&main, "/$defs/condition/oneOf/0", segment::TRAIT_KEYS),
            (&main, "/$defs/condition/oneOf/1", segment::IDENTITY_KEYS),
            (&main, "/$defs/condition/oneOf/2", segment::RELATION_KEYS),
            (&main, "/$defs/condition/oneOf/3", segment::EVENT_KEYS),
            (&main, "/$defs/condition/oneOf/4", segment::CONSENT_KEYS),
            (&main, "/$defs/condition/oneOf/5", segment::GROUP_KEYS),
            (&main, "/properties/connections/additionalProperties", connection::KEYS),
            (
                &main,
                "/properties/connections/additionalProperties/properties/folders/additionalProperties",
                folder::KEYS,
            ),
            (&sync, "", sync_file::KEYS),
            (&sync, "/properties/fields/items", sync_file::FIELD_KEYS),
            (&sync, "/properties/clean/items", cleaning::KEYS),
            (&sync, "/properties/consents/items", consents::KEYS),
            (&sync, "/properties/relations/items", relations::KEYS),
            (&sync, "/properties/event", event::KEYS),
            (&sync, "/properties/event/properties/suppress/items", event::SUPPRESS_KEYS),
            (&sync, "/$defs/time", consents::TIME_KEYS),
            (&sync, "/$defs/step", transform::KEYS),
        ];
        for (schema, pointer, known) in table {
            let known: BTreeSet<String> = known.iter().map(|key| (*key).to_owned()).collect();
            assert_eq!(keys(schema, pointer), known, "{pointer}");
        }
    }

    #[test]
    fn the_limits_are_those_of_the_reader() {
        let main = main_schema();
        let of_connection = "/properties/connections/additionalProperties/properties/limits";
        for (pointer, of_connection) in [("/properties/limits", false), (of_connection, true)] {
            let known = limits::keys(of_connection).into_iter().map(str::to_owned).collect();
            assert_eq!(keys(&main, pointer), known, "{pointer}");
        }
        for limit in limits::LIMITS {
            assert!(limit.min <= limit.usual && limit.usual <= limit.max, "{limit:?}");
            let property = &main["properties"]["limits"]["properties"][limit.key];
            let bounds = ["minimum", "default", "maximum"].map(|bound| property[bound].as_u64());
            let expected = [limit.min, limit.usual, limit.max].map(|it| Some(it.into()));
            assert_eq!(bounds, expected, "{}", limit.key);
        }
    }

    #[test]
    fn the_words_are_those_of_the_reader() {
        let (main, sync) = (main_schema(), sync_schema());
        let table = [
            (
                &main,
                "/properties/namespaces/additionalProperties/properties/normaliser/enum",
                words(namespace::NORMALISERS),
            ),
            (
                &main,
                "/properties/namespaces/additionalProperties/properties/parts/items/properties/normaliser/enum",
                words(namespace::part_normalisers()),
            ),
            (
                &main,
                "/properties/traits/additionalProperties/properties/survivorship/enum",
                words(Survivorship::WORDS),
            ),
            (&main, "/properties/recording/properties/on/enum", words(recording::WORDS)),
            (
                &main,
                "/properties/connections/additionalProperties/properties/origin/enum",
                words(Party::WORDS),
            ),
            (
                &main,
                "/properties/segments/additionalProperties/properties/kind/enum",
                words(segment::KINDS),
            ),
            (&sync, "/properties/clean/items/properties/do/enum", words(cleaning::CLEANERS)),
            (
                &sync,
                "/properties/clean/items/properties/otherwise/enum",
                words(cleaning::OTHERWISE),
            ),
            (
                &sync,
                "/properties/consents/items/properties/otherwise/enum",
                words(consents::OTHERWISE),
            ),
            (&sync, "/$defs/step/properties/do/enum", words(transform::STEPS)),
            (&sync, "/$defs/step/properties/form/enum", words(transform::FORMS)),
            (&sync, "/$defs/step/properties/otherwise/enum", words(transform::OTHERWISE)),
            (&sync, "/properties/when_erased/enum", words(kind::WHEN_ERASED)),
            (&sync, "/properties/create/enum", words(policies::CREATE)),
            (&sync, "/properties/deletes/enum", words(policies::DELETES)),
            (
                &sync,
                "/properties/fields/items/properties/direction/enum",
                words(sync_file::DIRECTIONS),
            ),
        ];
        for (schema, pointer, words) in table {
            assert_eq!(
                schema.pointer(pointer).and_then(Value::as_array),
                Some(&words),
                "{pointer}"
            );
        }
    }
}
