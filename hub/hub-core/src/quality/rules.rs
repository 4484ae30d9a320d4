//! The schema of a stream, compiled once per run.

use hub_model::{Fault, FaultCode, Object};
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};

use super::plain::Plain;

/// Largest schema accepted, in bytes of its JSON text: it comes from a plugin.
pub const SCHEMA_BYTES_MAX: usize = 256 * 1024;
/// Largest compiled pattern, in bytes: the expression comes from a plugin too.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;
/// Longest text of an expectation that a fault repeats, in characters.
const EXPECTED_CHARS_MAX: usize = 200;

/// The compiled rules of one stream's rows.
#[derive(Debug, Clone)]
pub struct RowRules {
    plain: Option<Plain>,
    validator: Validator,
    schema: serde_json::Value,
}

impl RowRules {
    /// Compiles a JSON Schema of draft 2020-12. Other documents are never
    /// fetched, and patterns run on a linear engine: look-around and
    /// back-references are refused here rather than paid for later.
    ///
    /// # Errors
    /// [`FaultCode::SchemaDrift`] at `schema` when it is too large, is no
    /// schema, names another document or has a pattern of that kind.
    pub fn compile(schema: &serde_json::Value) -> Result<Self, Fault> {
        if schema.to_string().len() > SCHEMA_BYTES_MAX {
            return Err(Fault::new(FaultCode::SchemaDrift)
                .at("schema")
                .with("rule", "bytes")
                .with("expected", SCHEMA_BYTES_MAX));
        }
        let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX);
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            .with_pattern_options(patterns)
            .build(schema)
            .map_err(|error| broken_schema(&error))?;
        Ok(Self { plain: Plain::of(schema), validator, schema: schema.clone() })
    }

    /// Checks a row.
    ///
    /// # Errors
    /// [`FaultCode::RowInvalid`] at the path of the first offending field, with
    /// the `rule` that it breaks, what that rule `expected` and the `class` of
    /// the value; a value never appears.
    pub fn check(&self, row: &Object) -> Result<(), Fault> {
        if self.plain.as_ref().is_some_and(|plain| plain.admits(row)) {
            return Ok(());
        }
        let json: serde_json::Map<_, _> =
            row.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect();
        self.validator.validate(&json.into()).map_err(|error| self.broken_row(&error))
    }

    fn broken_row(&self, error: &ValidationError<'_>) -> Fault {
        let rule = error.kind().keyword().to_owned();
        let expected =
            self.schema.pointer(error.schema_path().as_str()).map_or_else(String::new, short);
        Fault::new(FaultCode::RowInvalid)
            .at(error.instance_path().as_str().trim_start_matches('/'))
            .with("rule", rule)
            .with("expected", expected)
            .with("class", class(error.instance()))
    }
}

/// What kind of value it is, in the words of [`hub_model::Value::class`].
fn class(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "boolean",
        serde_json::Value::Number(_) => "number",
        serde_json::Value::String(text) if text.is_empty() => "empty text",
        serde_json::Value::String(_) => "text",
        serde_json::Value::Array(_) => "list",
        serde_json::Value::Object(_) => "object",
    }
}

fn broken_schema(error: &ValidationError<'_>) -> Fault {
    Fault::new(FaultCode::SchemaDrift)
        .at(format!("schema{}", error.instance_path().as_str()))
        .with("rule", error.kind().keyword())
        .with("expected", "JSON Schema 2020-12, self-contained, linear patterns")
}

/// What a keyword of the schema asks for, as short text.
fn short(keyword: &serde_json::Value) -> String {
    let text = match keyword {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().take(EXPECTED_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use hub_model::{FaultCode, Object, Value};
    use serde_json::json;

    use super::{RowRules, SCHEMA_BYTES_MAX};

    fn row(json: serde_json::Value) -> Object {
        match Value::from_json(json).expect("a value") {
            Value::Object(row) => row,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_broken_rule_is_named_with_its_place_and_without_the_value() {
        let rules = RowRules::compile(&json!({
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": {"type": "integer"},
                "mail": {"type": ["string", "null"], "maxLength": 12},
                "amount": {"type": "number", "multipleOf": 0.01, "maximum": 9007199254740993i64},
                "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
                "code": {"pattern": "^[A-Z]{2}[0-9]+$"},
            },
            "$defs": {"line": {"type": "object", "properties": {"sku": {"enum": ["a", "b"]}}}},
            "x-liaison-kind": "person",
        }))
        .unwrap();
        let cases = [
            (json!({"id": 1, "mail": null, "amount": 0.1, "code": "FR1"}), None),
            (json!({"id": 1, "amount": 9007199254740993i64}), None),
            (json!({}), Some(("", "required", "[\"id\"]"))),
            (json!({"id": "secret"}), Some(("id", "type", "integer"))),
            (json!({"id": 1, "mail": "secret@secret.example"}), Some(("mail", "maxLength", "12"))),
            (json!({"id": 1, "amount": 0.001}), Some(("amount", "multipleOf", "0.01"))),
            (
                json!({"id": 1, "amount": 9007199254740994i64}),
                Some(("amount", "maximum", "9007199254740993")),
            ),
            (json!({"id": 1, "code": "secret"}), Some(("code", "pattern", "^[A-Z]{2}[0-9]+$"))),
            (
                json!({"id": 1, "lines": [{"sku": "a"}, {"sku": "secret"}]}),
                Some(("lines/1/sku", "enum", "[\"a\",\"b\"]")),
            ),
        ];
        for (json, expected) in cases {
            let got = rules.check(&row(json.clone())).err();
            let Some((place, rule, want)) = expected else {
                assert_eq!(got, None, "{json}");
                continue;
            };
            let fault = got.unwrap_or_else(|| panic!("accepted: {json}"));
            assert_eq!(fault.code, FaultCode::RowInvalid);
            assert_eq!((fault.place.as_str(), fault.args["rule"].as_str()), (place, rule));
            assert_eq!(fault.args["expected"], want, "{json}");
            assert!(!format!("{fault:?}").contains("secret"), "{fault:?}");
        }
    }

    #[test]
    fn hostile_schemas_are_refused() {
        let cases = [
            json!({"$ref": "https://example.com/schema.json"}),
            json!({"$ref": "file:///etc/passwd"}),
            json!({"type": 12}),
            json!({"properties": {"a": {"pattern": "(?=look)ahead"}}}),
            json!({"properties": {"a": {"pattern": r"(a)\1"}}}),
            json!({"properties": {"a": {"pattern": "((a{1000}){1000}){1000}"}}}),
            json!({"description": "x".repeat(SCHEMA_BYTES_MAX)}),
        ];
        for schema in cases {
            let fault = RowRules::compile(&schema).err();
            assert_eq!(fault.map(|fault| fault.code), Some(FaultCode::SchemaDrift), "{schema:.80}");
        }
    }

    #[test]
    fn a_catastrophic_pattern_stays_linear() {
        let schema = json!({"properties": {"a": {"pattern": "^(a+)+$"}}});
        let rules = RowRules::compile(&schema).unwrap();
        let text = format!("{}!", "a".repeat(30_000));
        assert!(rules.check(&row(json!({"a": text}))).is_err());
    }
}
