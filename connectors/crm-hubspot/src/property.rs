//! Properties: HubSpot's own and those of the account. Their definitions are
//! asked for with every call: which property exists, of which type, and with
//! which options, is the account's business and may change between two calls.
//!
//! Every value travels as text. Here it gets its type and loses it again;
//! numbers stay decimal text on the whole way.

use std::collections::BTreeMap;

use liaison_sdk::{Fault, Field};
use serde::Deserialize;
use serde_json::{Number, Value, json};

use crate::api::{Api, Effect, Trouble, VERSION};
use crate::object::Object;
use crate::time;

/// Most properties of a stream: the hub takes no more fields.
pub const PROPERTIES_MAX: usize = 1_000;
/// Longest list of options that discovery repeats.
const OPTIONS_SHOWN_MAX: usize = 50;

/// The definition of a property.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Property {
    /// Its internal name.
    pub name: String,
    /// For people.
    pub label: String,
    #[serde(rename = "type")]
    kind: String,
    field_type: String,
    text_display_hint: Option<String>,
    options: Vec<Choice>,
    external_options: Option<bool>,
    calculated: Option<bool>,
    has_unique_value: Option<bool>,
    hubspot_defined: Option<bool>,
    modification_metadata: Option<Modification>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Choice {
    value: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Modification {
    read_only_value: bool,
}

/// How a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As text.
    Text,
    /// As an exact number.
    Number,
    /// As true or false.
    Flag,
    /// As `yyyy-mm-dd`.
    Date,
    /// As RFC 3339 in UTC.
    Instant,
    /// As one of the options.
    Choice,
    /// As a sorted list of options.
    Choices,
}

impl Property {
    /// How its values are shown.
    pub fn kind(&self) -> Kind {
        match (self.kind.as_str(), self.field_type.as_str()) {
            ("number", _) => Kind::Number,
            ("bool", _) => Kind::Flag,
            ("date", _) => Kind::Date,
            ("datetime", _) => Kind::Instant,
            ("enumeration", "checkbox") => Kind::Choices,
            ("enumeration", _) => Kind::Choice,
            _ => Kind::Text,
        }
    }

    /// No two records have the same value.
    pub fn is_unique(&self, object: &Object) -> bool {
        self.has_unique_value == Some(true) || object.unique.contains(&self.name.as_str())
    }

    /// HubSpot computes it, or does not let it be written.
    pub fn is_read_only(&self) -> bool {
        let metadata = self.modification_metadata.as_ref();
        self.calculated == Some(true) || metadata.is_some_and(|it| it.read_only_value)
    }

    /// The value as it is shown. One that does not fit its type is shown as text.
    pub fn shown(&self, value: Option<&Value>) -> Value {
        let text = match value {
            Some(Value::String(text)) if !text.is_empty() => text.as_str(),
            Some(Value::Number(number)) => return self.shown(Some(&json!(number.to_string()))),
            Some(Value::Bool(flag)) => return self.shown(Some(&json!(flag.to_string()))),
            _ => return Value::Null,
        };
        let typed = match self.kind() {
            Kind::Text | Kind::Choice => None,
            Kind::Number => text.parse::<Number>().ok().map(Value::Number),
            Kind::Flag => text.to_ascii_lowercase().parse::<bool>().ok().map(Value::Bool),
            Kind::Date => time::date(text).map(Value::String),
            Kind::Instant => time::parse_instant(text).and_then(time::instant).map(Value::String),
            Kind::Choices => Some(json!(sorted(text.split(';')))),
        };
        typed.unwrap_or_else(|| Value::from(text))
    }

    /// The value as HubSpot takes it; empty text clears.
    ///
    /// # Errors
    /// What is wrong with it, as a word.
    pub fn sent(&self, value: &Value) -> Result<String, &'static str> {
        if self.is_read_only() {
            return Err("read-only");
        }
        let text = match value {
            Value::Null => return Ok(String::new()),
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Array(items) if self.kind() == Kind::Choices => {
                let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
                texts.ok_or("type")?.join(";")
            }
            Value::Array(_) | Value::Object(_) => return Err("type"),
        };
        if text.is_empty() {
            return Ok(text);
        }
        match self.kind() {
            Kind::Text => Ok(text),
            Kind::Number => text.parse::<Number>().map(|_| text).map_err(|_| "number"),
            Kind::Flag => {
                text.parse::<bool>().map(|flag| flag.to_string()).map_err(|_| "true or false")
            }
            Kind::Date => time::date(&text).ok_or("yyyy-mm-dd"),
            Kind::Instant => time::parse_instant(&text).and_then(time::instant).ok_or("RFC 3339"),
            Kind::Choice => self.known(&text).then_some(text).ok_or("option"),
            Kind::Choices => {
                let options = sorted(text.split(';'));
                let known = options.iter().all(|option| self.known(option));
                known.then(|| options.join(";")).ok_or("option")
            }
        }
    }

    /// Whether it is an option, as far as the definition lists them.
    fn known(&self, option: &str) -> bool {
        let elsewhere = self.external_options == Some(true) || self.options.is_empty();
        elsewhere || self.options.iter().any(|choice| choice.value == option)
    }

    /// What discovery says of it.
    pub fn field(&self, object: &Object) -> Field {
        let mut schema = match self.kind() {
            Kind::Number => json!({"type": ["number", "string", "null"]}),
            Kind::Flag => json!({"type": ["boolean", "string", "null"]}),
            Kind::Choices => json!({"type": ["array", "null"]}),
            Kind::Date => json!({"type": ["string", "null"], "x-format": "date"}),
            Kind::Instant => json!({"type": ["string", "null"], "x-format": "date-time"}),
            Kind::Text | Kind::Choice => json!({"type": ["string", "null"]}),
        };
        if (1..=OPTIONS_SHOWN_MAX).contains(&self.options.len()) {
            // Not as `enum`: a row whose option was removed since is a row all the same.
            let options = self.options.iter().map(|choice| choice.value.as_str());
            schema["x-options"] = options.collect();
        }
        let field = Field::new(&self.name, schema).title(&self.label).pii(self.pii());
        let field = if self.is_read_only() { field.read_only() } else { field };
        let field = if self.is_unique(object) { field.unique() } else { field };
        if self.is_matchable(object) { field.matchable() } else { field }
    }

    /// Records can be found by it.
    pub fn is_matchable(&self, object: &Object) -> bool {
        self.is_unique(object) || object.searched.contains(&self.name.as_str())
    }

    fn pii(&self) -> &'static str {
        let hint = self.text_display_hint.as_deref().unwrap_or_default();
        match (self.name.as_str(), self.kind.as_str(), hint) {
            ("email" | "work_email" | "hs_additional_emails", _, _) | (_, _, "email") => "email",
            ("phone" | "mobilephone" | "fax", _, _)
            | (_, "phone_number", _)
            | (_, _, "phone_number") => "phone",
            ("firstname" | "lastname" | "salutation", _, _) => "name",
            ("address" | "address2" | "zip", _, _) | (_, _, "physical_address" | "postal_code") => {
                "address"
            }
            ("ip_city" | "hs_ip_address", _, _) | (_, _, "ip_address") => "id",
            _ => "",
        }
    }
}

fn sorted<'t>(options: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let options = options.map(str::trim).filter(|option| !option.is_empty());
    let mut options: Vec<&str> = options.collect();
    options.sort_unstable();
    options.dedup();
    options
}

/// The properties of an object that the account has now, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Properties(BTreeMap<String, Property>);

#[derive(Deserialize)]
struct Defined {
    results: Vec<Property>,
}

impl Properties {
    /// Asks for them.
    ///
    /// # Errors
    /// [`Trouble`] of the request.
    pub fn of(api: &Api, object: &Object) -> Result<Self, Trouble> {
        let request = api.get(&format!("/crm/properties/{VERSION}/{}", object.path));
        let defined: Defined = api.call(Effect::Reads, request)?;
        // When a record was changed is its row's time and no field of it: a
        // write that changes nothing would look like a change.
        let fields = defined.results.into_iter().filter(|it| it.name != object.modified);
        let named = fields.map(|property| (property.name.clone(), property));
        Ok(Self(named.collect()))
    }

    /// The property of that name.
    pub fn get(&self, name: &str) -> Option<&Property> {
        self.0.get(name)
    }

    /// Those that discovery lists: all of them, or in a very wide account the
    /// account's own first and HubSpot's internals last.
    pub fn listed(&self) -> Vec<&Property> {
        let mut listed: Vec<&Property> = self.0.values().collect();
        if listed.len() > PROPERTIES_MAX {
            let internal = |property: &Property| {
                property.hubspot_defined != Some(false) && property.name.starts_with("hs_")
            };
            listed.sort_by_key(|property| internal(property));
            listed.truncate(PROPERTIES_MAX);
        }
        listed
    }

    /// Whether discovery leaves some out.
    pub fn is_cut(&self) -> bool {
        self.0.len() > PROPERTIES_MAX
    }

    /// The properties that a read shows: those asked for, or all.
    ///
    /// # Errors
    /// `schema-drift` for one that does not exist. HubSpot would answer such a
    /// read without a word, and every value would look empty.
    pub fn asked(&self, object: &Object, fields: &[String]) -> Result<Vec<&Property>, Fault> {
        if fields.is_empty() {
            return Ok(self.listed());
        }
        let missing = |name: &str| Fault::drift(name, format!("a property of {}", object.stream));
        fields.iter().map(|name| self.get(name).ok_or_else(|| missing(name))).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Property;

    fn property(kind: &str, field_type: &str, options: &[&str]) -> Property {
        let options: Vec<Value> = options.iter().map(|value| json!({"value": value})).collect();
        let text = json!({"name": "p", "type": kind, "fieldType": field_type, "options": options});
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn text_gets_its_type_and_numbers_stay_exact() {
        for (kind, field_type, text, shown) in [
            ("string", "text", "007", json!("007")),
            (
                "number",
                "number",
                "9007199254740993.10",
                serde_json::from_str("9007199254740993.10").unwrap(),
            ),
            ("number", "number", "1,000", json!("1,000")),
            ("bool", "booleancheckbox", "true", json!(true)),
            ("bool", "booleancheckbox", "maybe", json!("maybe")),
            ("date", "date", "1709164800000", json!("2024-02-29")),
            ("datetime", "date", "2026-11-30T11:05:22Z", json!("2026-11-30T11:05:22.000Z")),
            ("enumeration", "select", "b", json!("b")),
            ("enumeration", "checkbox", "b;a;", json!(["a", "b"])),
            ("string", "text", "", Value::Null),
        ] {
            let property = property(kind, field_type, &[]);
            assert_eq!(property.shown(Some(&json!(text))), shown, "{kind} {text}");
            assert_eq!(property.shown(Some(&Value::Null)), Value::Null);
            assert_eq!(property.shown(None), Value::Null);
        }
    }

    #[test]
    fn values_are_checked_before_they_are_sent() {
        let number: Value = serde_json::from_str("0.10").unwrap();
        for (kind, field_type, value, sent) in [
            ("string", "text", json!(" a "), Ok("a")),
            ("string", "text", Value::Null, Ok("")),
            ("string", "text", json!({}), Err("type")),
            ("number", "number", number, Ok("0.10")),
            ("number", "number", json!("x"), Err("number")),
            ("bool", "booleancheckbox", json!(false), Ok("false")),
            ("date", "date", json!("2024-02-30"), Err("yyyy-mm-dd")),
            (
                "datetime",
                "date",
                json!("2026-11-30T12:05:22+01:00"),
                Ok("2026-11-30T11:05:22.000Z"),
            ),
            ("enumeration", "select", json!("c"), Err("option")),
            ("enumeration", "checkbox", json!(["b", "a"]), Ok("a;b")),
            ("enumeration", "checkbox", json!([1]), Err("type")),
        ] {
            let property = property(kind, field_type, &["a", "b"]);
            assert_eq!(property.sent(&value), sent.map(str::to_owned), "{kind} {value}");
        }
        let mut computed = property("number", "calculation_equation", &[]);
        computed.calculated = Some(true);
        assert_eq!(computed.sent(&json!(1)), Err("read-only"));
    }
}
