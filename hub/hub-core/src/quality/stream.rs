//! Everything that is asked of the rows of one stream, compiled once per run.

use std::borrow::Cow;

use hub_model::{Cleaning, Fault, FaultCode, FieldMapping, Mapping, Object};

use super::clean::clean;
use super::limits::accept;
use super::rules::RowRules;
use crate::mapping::reading;

/// The checks and cleaners of a stream.
#[derive(Debug, Clone)]
pub struct StreamRules {
    /// What the connector says of its rows, before they are cleaned.
    declared: Option<RowRules>,
    clean: Vec<Cleaning>,
    /// What the organisation asks of them, after they are cleaned.
    required: Option<RowRules>,
    /// The pairs whose values change on their way into the profile.
    converted: Vec<FieldMapping>,
}

impl StreamRules {
    /// Compiles the connector's schema of the stream (if it declares one) and
    /// the rules of the sync.
    ///
    /// # Errors
    /// As [`RowRules::compile`], at `schema` for the connector's and at
    /// `syncs/<id>/schema` for the organisation's.
    pub fn compile(declared: Option<&serde_json::Value>, mapping: &Mapping) -> Result<Self, Fault> {
        let required = mapping.schema.as_ref().map(|schema| {
            RowRules::compile(schema).map_err(|fault| {
                let place = format!("syncs/{}/{}", mapping.sync, fault.place);
                fault.at(place)
            })
        });
        Ok(Self {
            declared: declared.map(RowRules::compile).transpose()?,
            clean: mapping.clean.clone(),
            required: required.transpose()?,
            converted: mapping.fields.iter().filter(|pair| converts(pair)).cloned().collect(),
        })
    }

    /// Accepts a row: its limits, the connector's schema, the cleaners in order,
    /// then the organisation's schema; and each value must fit the transforms that
    /// it goes through on its way into the profile. Returns the row as it goes on,
    /// in its system's form; nothing is copied where nothing is cleaned. The row as
    /// received stays with the record.
    ///
    /// Rows that come back from a write are cleaned the same way before they
    /// are compared, or a vendor's form would pass for an edit; see
    /// [`StreamRules::cleaned`].
    ///
    /// # Errors
    /// The first rule that the row breaks, with its field, what was expected
    /// and the class of the value. The row belongs into quarantine, as received.
    pub fn admit<'a>(&self, row: &'a Object) -> Result<Cow<'a, Object>, Fault> {
        accept(row)?;
        if let Some(declared) = &self.declared {
            declared.check(row)?;
        }
        let row = self.cleaned(row)?;
        if let Some(required) = &self.required {
            required.check(&row)?;
        }
        self.converted.iter().try_for_each(|pair| fits(pair, &row))?;
        Ok(row)
    }

    /// A row through the cleaners alone.
    ///
    /// # Errors
    /// The first value that does not fit its cleaner.
    pub fn cleaned<'a>(&self, row: &'a Object) -> Result<Cow<'a, Object>, Fault> {
        if self.clean.is_empty() {
            return Ok(Cow::Borrowed(row));
        }
        let mut cleaned = row.clone();
        clean(&mut cleaned, &self.clean)?;
        Ok(Cow::Owned(cleaned))
    }
}

/// Whether a value may not fit on its way into the profile.
fn converts(pair: &FieldMapping) -> bool {
    let steps = pair.conversion.as_ref().is_some_and(|conversion| !conversion.read.is_empty());
    let made = pair.made().is_some();
    pair.direction.reads() && (steps || made)
}

fn fits(pair: &FieldMapping, row: &Object) -> Result<(), Fault> {
    let said = reading(pair, row);
    said.map(|_| ()).map_err(|misfit| misfit.fault(FaultCode::RowInvalid, &pair.field))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use hub_model::{
        Cleaner, Cleaning, Conversion, FaultCode, FieldName, Made, Object, Otherwise, Template,
        Transform, Value,
    };
    use serde_json::json;

    use super::StreamRules;
    use crate::fixture::mapping;

    fn row(json: serde_json::Value) -> Object {
        match Value::from_json(json).unwrap() {
            Value::Object(row) => row,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_row_is_checked_cleaned_and_checked_again() {
        let mut crm = mapping("crm", &["price -> price"]);
        crm.clean = vec![Cleaning {
            fields: vec![FieldName::new("price")],
            cleaner: Cleaner::Number { decimal: ',', group: None },
            otherwise: Otherwise::Reject,
        }];
        crm.schema = Some(json!({"properties": {"price": {"type": "number", "minimum": 1}}}));
        let declared = json!({"properties": {"price": {"type": "string"}}});
        let rules = StreamRules::compile(Some(&declared), &crm).unwrap();
        let cases = [
            (json!({"price": "12,5"}), Ok(json!({"price": 12.5}))),
            (json!({"price": 12}), Err(("type", "number"))),
            (json!({"price": "12.5"}), Err(("number", "text"))),
            (json!({"price": ""}), Err(("number", "empty text"))),
            (json!({"price": "0,5"}), Err(("minimum", "number"))),
            (json!({}), Ok(json!({}))),
        ];
        for (json, expected) in cases {
            let row = row(json.clone());
            match (rules.admit(&row), expected) {
                (Ok(admitted), Ok(expected)) => {
                    assert_eq!(Value::Object(admitted.into_owned()).to_json(), expected, "{json}");
                }
                (Err(fault), Err((rule, class))) => {
                    assert_eq!(fault.code, FaultCode::RowInvalid, "{json}");
                    assert_eq!(fault.place, "price", "{json}");
                    assert_eq!((&*fault.args["rule"], &*fault.args["class"]), (rule, class));
                }
                (got, expected) => panic!("{json}: {got:?}, {expected:?}"),
            }
        }
    }

    #[test]
    fn a_row_whose_value_does_not_fit_its_transforms_is_not_admitted() {
        let mut crm = mapping("crm", &["code -> code", "=name -> name"]);
        let strip = Transform::StripPrefix { text: "c-".to_owned() };
        crm.fields[0].conversion = Some(Box::new(Conversion::reading(vec![strip.into()])));
        let template = Some(Made::Template(Template::parse("{a}").unwrap()));
        crm.fields[1].conversion =
            Some(Box::new(Conversion { made: template, ..Conversion::default() }));
        let rules = StreamRules::compile(None, &crm).unwrap();
        let cases = [
            (json!({"code": "c-1", "a": "x"}), None),
            (json!({"code": null}), None),
            (json!({}), None),
            (json!({"code": "secret"}), Some(("code", "strip-prefix", "text"))),
            (json!({"a": ["secret"]}), Some(("=name", "template", "list"))),
        ];
        for (json, refused) in cases {
            let row = row(json.clone());
            let admitted = rules.admit(&row);
            // It goes on in its system's form.
            assert!(
                admitted.as_ref().is_ok_and(|row| matches!(row, Cow::Borrowed(_)))
                    == refused.is_none()
            );
            let Some((place, rule, class)) = refused else { continue };
            let fault = admitted.unwrap_err();
            assert_eq!((fault.code, fault.place.as_str()), (FaultCode::RowInvalid, place));
            assert_eq!((&*fault.args["rule"], &*fault.args["class"]), (rule, class));
            assert!(!format!("{fault:?}").contains("secret"), "{fault:?}");
        }
    }

    #[test]
    fn where_nothing_is_cleaned_nothing_is_copied() {
        let rules = StreamRules::compile(None, &mapping("crm", &["a -> a"])).unwrap();
        let row = row(json!({"a": " x "}));
        assert!(matches!(rules.admit(&row), Ok(Cow::Borrowed(same)) if std::ptr::eq(same, &row)));
    }

    #[test]
    fn a_schema_of_no_use_is_told_where_it_is_written() {
        let mut crm = mapping("crm", &["a -> a"]);
        crm.schema = Some(json!({"$ref": "https://example.com/schema.json"}));
        let fault = StreamRules::compile(None, &crm).unwrap_err();
        assert_eq!(fault.code, FaultCode::SchemaDrift);
        assert!(fault.place.starts_with("syncs/crm/schema"), "{}", fault.place);
    }
}
