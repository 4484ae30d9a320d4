//! The schemas for editors agree with the reader.

use hub_config::{main_schema, sync_schema};
use serde_json::Value;

use crate::cases::cases;

/// The TOML files of a case as JSON, with the schema of each; files that are
/// no TOML are left out.
fn documents(case: &std::path::Path) -> Vec<(String, Value, Value)> {
    let files = hub_config::read_tree(case).unwrap();
    let json = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).ok()?;
        let table: toml::Table = text.trim_start_matches('\u{feff}').parse().ok()?;
        // TOML's dates are tables of their own in serde; the cases have few.
        serde_json::to_value(table).ok()
    };
    let with_schema = |file: hub_config::SourceFile| {
        let schema = if file.path.starts_with("syncs/") { sync_schema() } else { main_schema() };
        Some((file.path, json(&file.content.ok()?)?, schema))
    };
    files.into_iter().filter_map(with_schema).collect()
}

fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::draft202012::meta::validate(schema).expect("a valid schema");
    jsonschema::draft202012::new(schema).unwrap()
}

#[test]
fn good_cases_validate() {
    let mut checked = 0;
    for case in cases() {
        if !case.file_name().unwrap().to_string_lossy().starts_with("good-") {
            continue;
        }
        for (path, document, schema) in documents(&case) {
            let errors: Vec<String> =
                validator(&schema).iter_errors(&document).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{} {path}: {errors:?}", case.display());
            checked += 1;
        }
    }
    assert!(checked >= 6, "{checked}");
}

/// Bad cases that an editor can see are seen by the schema.
#[test]
fn slips_of_form_do_not_validate() {
    let names = [
        "02-empty-files",
        "04-unknown-keys",
        "06-wrong-types",
        "08-numbers-out-of-range",
        "10-secrets",
        "ids",
        "words",
        "kind-of-later",
        "objects-with-slips",
        "objects-of-others-with-slips",
        "events-with-slips",
        "sync-without-fields",
        "rules-with-slips",
        "cleaning-with-slips",
        "transforms-with-slips",
        "segments-with-slips",
        "audiences-with-slips",
        "limits-with-slips",
    ];
    for name in names {
        let case = cases().into_iter().find(|case| case.ends_with(name)).expect(name);
        let refused = documents(&case)
            .into_iter()
            .filter(|(_, document, schema)| !validator(schema).is_valid(document))
            .count();
        assert!(refused > 0, "{name}");
    }
}

#[test]
fn every_property_is_described() {
    fn walk(schema: &Value, place: &str) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let place = format!("{place}/{key}");
            assert!(property["description"].is_string(), "{place}");
            walk(property, &place);
            walk(&property["additionalProperties"], &place);
            walk(&property["items"], &place);
        }
    }
    walk(&main_schema(), "liaison.toml");
    walk(&sync_schema(), "syncs");
}
