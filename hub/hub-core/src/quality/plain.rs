//! Plain schemas: those that say which fields a row has and of what type they
//! are, and nothing else.
//!
//! Nearly all that connectors declare are like that, and every row is checked.
//! A plain schema is compared with the row itself, without a document made for
//! the validator. It only ever says yes: what it does not admit, and every other
//! schema, is the validator's to judge.

use std::collections::BTreeMap;

use hub_model::{Object, Text, Value};

/// What may stand beside the types: it says nothing about rows.
const ANNOTATIONS: [&str; 8] = [
    "$comment",
    "default",
    "deprecated",
    "description",
    "examples",
    "readOnly",
    "title",
    "writeOnly",
];

/// The types of the fields.
#[derive(Debug, Clone)]
pub(super) struct Plain {
    fields: BTreeMap<Text, Types>,
    /// Whether there may be other fields.
    open: bool,
}

/// Which types a value may have, a bit each.
#[derive(Debug, Clone, Copy)]
struct Types(u8);

const ANY: Types = Types(0xff);

impl Types {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "null" => Self(1),
            "boolean" => Self(2),
            "number" => Self(4),
            "string" => Self(8),
            "array" => Self(16),
            "object" => Self(32),
            // Also `1.0` is one: a question for the validator.
            _ => return None,
        })
    }

    /// From the keyword `type`.
    fn read(keyword: &serde_json::Value) -> Option<Self> {
        match keyword {
            serde_json::Value::String(word) => Self::of(word),
            serde_json::Value::Array(words) => words
                .iter()
                .try_fold(Self(0), |all, word| Some(Self(all.0 | Self::of(word.as_str()?)?.0))),
            _ => None,
        }
    }

    fn admit(self, value: &Value) -> bool {
        let own = match value {
            Value::Null => 1,
            Value::Bool(_) => 2,
            Value::Number(_) => 4,
            Value::Text(_) => 8,
            Value::List(_) => 16,
            Value::Object(_) => 32,
        };
        self.0 & own != 0
    }
}

impl Plain {
    /// `None` for a schema that says more.
    pub fn of(schema: &serde_json::Value) -> Option<Self> {
        let mut plain = Self { fields: BTreeMap::new(), open: true };
        for (keyword, says) in schema.as_object()? {
            match keyword.as_str() {
                "$schema" => {}
                "type" if says == "object" => {}
                "properties" => {
                    for (name, field) in says.as_object()? {
                        plain.fields.insert(name.as_str().into(), field_types(field)?);
                    }
                }
                "additionalProperties" => plain.open = says.as_bool()?,
                other => is_annotation(other).then_some(())?,
            }
        }
        Some(plain)
    }

    /// Whether a row certainly keeps the schema.
    pub fn admits(&self, row: &Object) -> bool {
        // Both are in order of name.
        let mut fields = self.fields.iter().peekable();
        row.iter().all(|(name, value)| {
            while fields.next_if(|(declared, _)| *declared < name).is_some() {}
            match fields.next_if(|(declared, _)| *declared == name) {
                Some((_, types)) => types.admit(value),
                None => self.open,
            }
        })
    }
}

fn field_types(field: &serde_json::Value) -> Option<Types> {
    let mut types = ANY;
    for (keyword, says) in field.as_object()? {
        match keyword.as_str() {
            "type" => types = Types::read(says)?,
            other => is_annotation(other).then_some(())?,
        }
    }
    Some(types)
}

fn is_annotation(keyword: &str) -> bool {
    keyword.starts_with("x-") || ANNOTATIONS.contains(&keyword)
}

#[cfg(test)]
mod tests {
    use hub_model::{Object, Value};
    use serde_json::json;

    use super::Plain;

    #[test]
    fn what_it_admits_the_validator_admits() {
        let values = [
            json!(null),
            json!(true),
            json!(1),
            json!(1.5),
            json!("x"),
            json!([1]),
            json!({"a": 1}),
        ];
        let types = ["null", "boolean", "number", "string", "array", "object"];
        let mut admitted = 0;
        for open in [true, false] {
            for (place, first) in types.iter().enumerate() {
                let both = json!([first, types[(place + 1) % types.len()]]);
                let schema = json!({
                    "$schema": "https://json-schema.org/draft/2020-12/schema",
                    "type": "object", "x-kind": "person", "additionalProperties": open,
                    "properties": {
                        "a": {"type": first}, "b": {"type": both, "title": "B"}, "d": {},
                    },
                });
                let plain = Plain::of(&schema).expect("plain");
                let validator = jsonschema::validator_for(&schema).unwrap();
                for value in &values {
                    for name in ["a", "b", "c", "d"] {
                        let valid = validator.is_valid(&json!({ name: value }));
                        let value = Value::from_json(value.clone()).unwrap();
                        let row = Object::from([(name.into(), value)]);
                        assert_eq!(plain.admits(&row), valid, "{row:?}");
                        admitted += usize::from(valid);
                    }
                }
            }
        }
        assert!(admitted > 100, "{admitted}");
    }

    #[test]
    fn a_schema_that_says_more_is_not_plain() {
        let schemas = [
            json!(true),
            json!({"type": "array"}),
            json!({"required": ["a"]}),
            json!({"additionalProperties": {"type": "string"}}),
            json!({"properties": {"a": false}}),
            json!({"properties": {"a": {"type": "integer"}}}),
            json!({"properties": {"a": {"type": "string", "maxLength": 3}}}),
            json!({"properties": {"a": {"$ref": "#/$defs/a"}}}),
            json!({"$defs": {}}),
            json!({"patternProperties": {}}),
        ];
        for schema in schemas {
            assert!(Plain::of(&schema).is_none(), "{schema}");
        }
    }
}
