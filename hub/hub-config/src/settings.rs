//! `[connections.x.settings]`: free here, judged by the connector's schema.
//!
//! Faults never repeat a setting's value: people paste secrets into the wrong
//! place.

use std::collections::BTreeMap;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::DeValue;

use crate::config::ConnectionConfig;
use crate::document::Document;
use crate::fault::{ConfigFault, code};
use crate::located::Location;
use crate::near;
use crate::table::{TableReader, shown};

/// Largest compiled pattern of a connector's schema.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

/// Where each value was written, by JSON pointer.
pub(crate) type Places = BTreeMap<String, Location>;

/// Reads the settings of a connection as JSON, with the place of every value.
pub(crate) fn read(table: &mut TableReader<'_>) -> (Value, Places) {
    read_below(table, "settings", "[connections.x.settings]").unwrap_or_else(|| {
        let places = Places::from([(String::new(), table.location().clone())]);
        (Value::Object(Map::new()), places)
    })
}

/// Reads a table below a key as JSON, with the place of every value.
pub(crate) fn read_below(
    table: &mut TableReader<'_>,
    key: &'static str,
    example: &str,
) -> Option<(Value, Places)> {
    let below = table.table(key, example)?;
    let mut places = Places::from([(String::new(), below.location().clone())]);
    let mut object = Map::new();
    for (key, value) in below.values() {
        let at = At { dotted: below.place_of(&key), pointer: pointer("", &key) };
        places.insert(at.pointer.clone(), key.location);
        object.insert(key.value, json(below.document(), value, &at, &mut places));
    }
    Some((Value::Object(object), places))
}

/// One value as JSON; `dotted` is its place.
pub(crate) fn json_value(
    document: &Document<'_>,
    value: &Spanned<DeValue<'_>>,
    dotted: &str,
) -> Value {
    let at = At { dotted: dotted.to_owned(), pointer: String::new() };
    json(document, value, &at, &mut Places::new())
}

struct At {
    dotted: String,
    pointer: String,
}

/// A key below a JSON pointer (RFC 6901, section 3).
fn pointer(parent: &str, key: &str) -> String {
    format!("{parent}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn json(
    document: &Document<'_>,
    value: &Spanned<DeValue<'_>>,
    at: &At,
    places: &mut Places,
) -> Value {
    places.entry(at.pointer.clone()).or_insert_with(|| document.location(&value.span()));
    match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map(Number::from)
            .map_or_else(|_| not_a_number(document, value, at), Value::Number),
        DeValue::Float(float) => serde_json::from_str(float.as_str().trim_start_matches('+'))
            .map_or_else(|_| not_a_number(document, value, at), Value::Number),
        DeValue::Array(items) => {
            let below = |index: usize| At {
                dotted: format!("{}[{index}]", at.dotted),
                pointer: pointer(&at.pointer, &index.to_string()),
            };
            let items = items.iter().enumerate();
            items.map(|(index, item)| json(document, item, &below(index), places)).collect()
        }
        DeValue::Table(table) => {
            let mut object = Map::new();
            for (key, value) in table {
                let name = key.get_ref();
                let below = At {
                    dotted: format!("{}.{name}", at.dotted),
                    pointer: pointer(&at.pointer, name),
                };
                object.insert(name.to_string(), json(document, value, &below, places));
            }
            Value::Object(object)
        }
    }
}

/// JSON has no infinity, and TOML no whole number beyond 64 bits.
fn not_a_number(document: &Document<'_>, value: &Spanned<DeValue<'_>>, at: &At) -> Value {
    let location = document.location(&value.span());
    document.fault(
        ConfigFault::new(code::WRONG_TYPE, location, at.dotted.as_str())
            .with("found", "a number without an exact form")
            .with("expected", "a finite number, or a whole one within 64 bits,")
            .with("mend", "write a smaller number, or a text"),
    );
    Value::Null
}

/// Checks the settings of a connection against its connector's schema (JSON
/// Schema 2020-12). References to other documents are never followed, and
/// patterns run on an engine of linear time.
pub fn settings_faults(connection: &ConnectionConfig, schema: &Value) -> Vec<ConfigFault> {
    let place = format!("connections.{}.settings", connection.id);
    let validator = match compile(schema) {
        Ok(validator) => validator,
        Err(error) => {
            let at = location(connection, "");
            let fault = ConfigFault::new(code::CONNECTOR_SCHEMA, at, place);
            return vec![fault.with("why", error.masked())];
        }
    };
    let errors = validator.iter_errors(&connection.settings);
    let mut faults: Vec<ConfigFault> =
        errors.flat_map(|error| explain(connection, schema, &place, &error)).collect();
    faults.sort_by(|a, b| (&a.location, &a.place).cmp(&(&b.location, &b.place)));
    faults
}

/// Compiles a schema that somebody else wrote: offline, with linear patterns.
pub(crate) fn compile(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES_MAX))
        .offline()
        .build(schema)
}

/// One error in our words; several if several keys are unknown.
fn explain(
    connection: &ConnectionConfig,
    schema: &Value,
    place: &str,
    error: &ValidationError<'_>,
) -> Vec<ConfigFault> {
    let path = error.instance_path().as_str();
    let dotted = |pointer: &str| format!("{place}{}", dotted(pointer));
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let known = properties(schema, error.schema_path().as_str());
            let unknown = |key: &String| {
                let at = pointer(path, key);
                let fault =
                    ConfigFault::new(code::SETTINGS_KEY, location(connection, &at), dotted(&at));
                near::hint(fault.with("key", shown(key)), key, known.iter().map(String::as_str))
            };
            unexpected.iter().map(unknown).collect()
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            let at = location(connection, path);
            let fault = ConfigFault::new(code::MISSING_KEY, at, dotted(&pointer(path, key)));
            let table = format!("[{}]", dotted(path));
            let example = format!("{key} = …");
            vec![fault.with("key", key).with("table", table).with("example", example)]
        }
        _ => {
            let fault = ConfigFault::new(code::SETTINGS, location(connection, path), dotted(path));
            vec![fault.with("why", error.masked())]
        }
    }
}

/// The properties declared beside the keyword that refused a key.
fn properties(schema: &Value, keyword: &str) -> Vec<String> {
    let parent = keyword.rsplit_once('/').map_or("", |(parent, _)| parent);
    let declared = schema.pointer(parent).and_then(|schema| schema.get("properties"));
    declared.and_then(Value::as_object).map_or_else(Vec::new, |all| all.keys().cloned().collect())
}

/// The nearest place at or above a pointer.
fn location(connection: &ConnectionConfig, pointer: &str) -> Location {
    nearest(&connection.settings_places, pointer).unwrap_or_else(|| connection.location.clone())
}

/// The place that is nearest at or above a pointer.
pub(crate) fn nearest(places: &Places, pointer: &str) -> Option<Location> {
    let mut pointer = pointer;
    loop {
        if let Some(location) = places.get(pointer) {
            return Some(location.clone());
        }
        pointer = pointer.rsplit_once('/')?.0;
    }
}

/// `/a/0/b` as `.a[0].b`.
fn dotted(pointer: &str) -> String {
    let steps = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"));
    steps
        .map(|step| match step.parse::<usize>() {
            Ok(index) => format!("[{index}]"),
            Err(_) => format!(".{step}"),
        })
        .collect()
}
