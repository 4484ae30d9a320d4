//! Fields of a contact: those that every account has, and the account's own.
//!
//! Custom fields are read by their name and written by their number. Numbers stay
//! exact; a date of SendGrid is a midnight, and is shown as the day that it is.

use std::collections::BTreeMap;

use liaison_sdk::time::Day;
use liaison_sdk::{Fault, Field};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::api::Api;
use crate::settings::is_address;

/// What a contact is known by. None of it can be changed once it is there.
pub const IDENTIFIERS: [&str; 4] = ["email", "external_id", "phone_number_id", "anonymous_id"];
/// Fields of text, with what they are called, their most characters, and their class
/// of personal data.
const TEXTS: [(&str, &str, usize, &str); 12] = [
    ("email", "E-mail", 254, "email"),
    ("external_id", "External ID", 254, "id"),
    ("phone_number_id", "Phone number ID", 254, "phone"),
    ("anonymous_id", "Anonymous ID", 254, "id"),
    ("first_name", "First name", 50, "name"),
    ("last_name", "Last name", 50, "name"),
    ("address_line_1", "Address, line 1", 100, "address"),
    ("address_line_2", "Address, line 2", 100, "address"),
    ("city", "City", 60, "address"),
    ("state_province_region", "State, province or region", 50, "address"),
    ("postal_code", "Postal code", 50, "address"),
    ("country", "Country", 50, "address"),
];
/// Further addresses, of which there may be so many.
const ALTERNATES: (&str, usize) = ("alternate_emails", 5);
/// Fields that are shown and not written here.
const READ_ONLY: [(&str, &str, &str); 5] = [
    ("phone_number", "Phone number", "phone"),
    ("whatsapp", "WhatsApp", "phone"),
    ("line", "Landline", "phone"),
    ("facebook", "Facebook", "id"),
    ("unique_name", "Unique name", "id"),
];
/// Longest custom text in characters.
const CUSTOM_CHARS_MAX: usize = 1_000;
/// What SendGrid writes behind the day of a date.
const MIDNIGHT: &str = "T00:00:00Z";

/// A kind of custom field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Kind {
    Text,
    Number,
    Date,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Definition {
    id: String,
    name: String,
    field_type: Kind,
}

#[derive(Deserialize)]
struct Defined {
    #[serde(default)]
    custom_fields: Vec<Definition>,
}

/// The fields that the account has now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(BTreeMap<String, Definition>);

impl Fields {
    /// Asks for them.
    ///
    /// # Errors
    /// The request's.
    pub fn of(api: &Api) -> Result<Self, Fault> {
        let defined: Defined = api.reads(api.get("/v3/marketing/field_definitions"))?;
        let named = defined.custom_fields.into_iter().map(|it| (it.name.clone(), it));
        Ok(Self(named.collect()))
    }

    /// Refuses fields that do not exist: every value of them would look empty.
    ///
    /// # Errors
    /// `schema-drift`, with the field.
    pub fn expect(&self, asked: &[String]) -> Result<(), Fault> {
        let known = |name: &&String| {
            self.0.contains_key(name.as_str())
                || TEXTS.iter().any(|(known, ..)| *known == name.as_str())
                || READ_ONLY.iter().any(|(known, ..)| *known == name.as_str())
                || name.as_str() == ALTERNATES.0
        };
        match asked.iter().find(|name| !known(name)) {
            Some(name) => Err(Fault::drift(name, "a field of contacts")),
            None => Ok(()),
        }
    }

    /// As discovery lists them.
    pub fn listed(&self) -> Vec<Field> {
        let texts = TEXTS.iter().map(|(name, title, most, pii)| {
            let schema = json!({"type": ["string", "null"], "maxLength": most});
            let field = Field::new(*name, schema).title(*title).pii(*pii);
            match (IDENTIFIERS.contains(name), *name) {
                (true, "email") => field.create_only().unique().matchable().required(),
                (true, _) => field.create_only().unique(),
                (false, _) => field,
            }
        });
        let schema = json!({
            "type": ["array", "null"], "items": {"type": "string"}, "maxItems": ALTERNATES.1,
        });
        let alternates = Field::new(ALTERNATES.0, schema).title("Alternate e-mails").pii("email");
        let read_only = READ_ONLY
            .iter()
            .map(|(name, title, pii)| Field::text(*name).title(*title).pii(*pii).read_only());
        let custom = self.0.values().map(|definition| {
            let schema = match definition.field_type {
                Kind::Text => json!({"type": ["string", "null"], "maxLength": CUSTOM_CHARS_MAX}),
                Kind::Number => json!({"type": ["number", "null"]}),
                Kind::Date => json!({"type": ["string", "null"], "x-date": "yyyy-mm-dd"}),
            };
            Field::new(&definition.name, schema).title(&definition.name)
        });
        texts.chain([alternates]).chain(read_only).chain(custom).collect()
    }

    /// A contact's values by the names of fields: those asked for, or all.
    pub fn shown(&self, contact: &Map<String, Value>, asked: &[String]) -> Map<String, Value> {
        let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|it| it == name);
        let names = TEXTS.iter().map(|(name, ..)| *name).chain(READ_ONLY.iter().map(|it| it.0));
        let own = names.chain([ALTERNATES.0]).filter(|name| is_asked(name));
        let own = own.map(|name| (name.to_owned(), filled(contact.get(name))));
        let custom = contact.get("custom_fields").and_then(Value::as_object);
        let custom = self.0.values().filter(|it| is_asked(&it.name)).map(|definition| {
            let value = filled(custom.and_then(|custom| custom.get(&definition.name)));
            (definition.name.clone(), definition.field_type.shown(value))
        });
        own.chain(custom).collect()
    }

    /// A patch in the form that SendGrid writes.
    ///
    /// # Errors
    /// The field, and what is wrong with it.
    pub fn sent(
        &self,
        patch: &Map<String, Value>,
    ) -> Result<Map<String, Value>, (String, &'static str)> {
        let mut sent = Map::new();
        let mut custom = Map::new();
        for (name, value) in patch {
            let wrong = |reason| (name.clone(), reason);
            if let Some((_, _, most, _)) = TEXTS.iter().find(|(known, ..)| known == name) {
                let text = text(value, *most).map_err(wrong)?;
                let text = match name.as_str() {
                    "email" if is_address(text) => text.to_lowercase(),
                    "email" => return Err(wrong("address")),
                    _ => text.to_owned(),
                };
                sent.insert(name.clone(), text.into());
            } else if name == ALTERNATES.0 {
                sent.insert(name.clone(), alternates(value).map_err(wrong)?);
            } else if READ_ONLY.iter().any(|(known, ..)| known == name) {
                return Err(wrong("read-only"));
            } else {
                let definition = self.0.get(name).ok_or_else(|| wrong("unknown-field"))?;
                let value = definition.field_type.sent(value).map_err(wrong)?;
                custom.insert(definition.id.clone(), value);
            }
        }
        if !custom.is_empty() {
            sent.insert("custom_fields".to_owned(), custom.into());
        }
        Ok(sent)
    }
}

impl Kind {
    fn shown(self, value: Value) -> Value {
        match (self, &value) {
            (Self::Number, Value::String(text)) => number(text).unwrap_or(value),
            (Self::Date, Value::String(text)) => {
                text.strip_suffix(MIDNIGHT).map_or(value.clone(), Value::from)
            }
            _ => value,
        }
    }

    /// Text is cleared by an empty one, everything else by null.
    fn sent(self, value: &Value) -> Result<Value, &'static str> {
        match (self, value) {
            (Self::Text, value) => text(value, CUSTOM_CHARS_MAX).map(Value::from),
            (_, Value::Null) => Ok(Value::Null),
            (Self::Number, Value::Number(number)) => Ok(number.clone().into()),
            (Self::Number, Value::String(text)) => number(text.trim()).ok_or("number"),
            (Self::Date, Value::String(text)) => {
                let day = text.trim().strip_suffix(MIDNIGHT).unwrap_or(text.trim());
                Day::parse(day).map(|_| format!("{day}{MIDNIGHT}").into()).ok_or("yyyy-mm-dd")
            }
            _ => Err("type"),
        }
    }
}

fn number(text: &str) -> Option<Value> {
    serde_json::from_str::<serde_json::Number>(text).ok().map(Value::from)
}

/// A value as a text that is not too long; null is an empty one.
fn text(value: &Value, chars_max: usize) -> Result<&str, &'static str> {
    match value {
        Value::Null => Ok(""),
        Value::String(text) if text.chars().count() > chars_max => Err("too-long"),
        Value::String(text) => Ok(text.trim()),
        _ => Err("type"),
    }
}

fn alternates(value: &Value) -> Result<Value, &'static str> {
    let Value::Array(items) = value else {
        return if value.is_null() { Ok(json!([])) } else { Err("type") };
    };
    if items.len() > ALTERNATES.1 {
        return Err("too-many");
    }
    let address = |item: &Value| item.as_str().filter(|it| is_address(it)).map(str::to_lowercase);
    let addresses: Option<Vec<String>> = items.iter().map(address).collect();
    addresses.map(Value::from).ok_or("address")
}

/// A value; an empty text or list is none.
fn filled(value: Option<&Value>) -> Value {
    match value {
        Some(Value::String(text)) if text.is_empty() => Value::Null,
        Some(Value::Array(items)) if items.is_empty() => Value::Null,
        value => value.cloned().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Kind;

    #[test]
    fn values_are_exact_and_checked_before_they_are_sent() {
        let long = "x".repeat(1_001);
        for (kind, value, sent) in [
            (Kind::Text, json!(" a "), Ok(json!("a"))),
            (Kind::Text, Value::Null, Ok(json!(""))),
            (Kind::Text, json!(1), Err("type")),
            (Kind::Text, json!(long), Err("too-long")),
            (Kind::Number, Value::Null, Ok(Value::Null)),
            (Kind::Number, json!("12.50"), Ok(serde_json::from_str("12.50").unwrap())),
            (Kind::Number, json!("x"), Err("number")),
            (Kind::Number, json!(true), Err("type")),
            (Kind::Date, json!("2024-02-29"), Ok(json!("2024-02-29T00:00:00Z"))),
            (Kind::Date, json!("2024-02-30"), Err("yyyy-mm-dd")),
            (Kind::Date, json!("29/02/2024"), Err("yyyy-mm-dd")),
        ] {
            assert_eq!(kind.sent(&value), sent, "{kind:?} {value}");
        }
        for (kind, value, shown) in [
            (Kind::Text, json!("007"), json!("007")),
            (Kind::Number, json!("12.50"), serde_json::from_str("12.50").unwrap()),
            (Kind::Number, json!("many"), json!("many")),
            (Kind::Date, json!("2024-02-29T00:00:00Z"), json!("2024-02-29")),
            (Kind::Date, json!("2024-02-29T10:00:00Z"), json!("2024-02-29T10:00:00Z")),
        ] {
            assert_eq!(kind.shown(value.clone()), shown, "{kind:?} {value}");
        }
    }
}
