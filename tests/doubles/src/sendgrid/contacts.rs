//! Contacts, their custom fields, and how they are found.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{BEGINNING, invalid, refusal};
use crate::http::Answer;
use crate::hubspot::clock::rfc3339;

/// Fields that every account has and that can be written, with their most characters.
pub const RESERVED: [(&str, usize); 13] = [
    ("email", 254),
    ("phone_number_id", 254),
    ("external_id", 254),
    ("anonymous_id", 254),
    ("alternate_emails", 5),
    ("first_name", 50),
    ("last_name", 50),
    ("address_line_1", 100),
    ("address_line_2", 100),
    ("city", 60),
    ("state_province_region", 50),
    ("postal_code", 50),
    ("country", 50),
];
/// What a contact is known by.
const IDENTIFIERS: [&str; 4] = ["email", "phone_number_id", "external_id", "anonymous_id"];
/// Addresses of one search, and numbers of one batch.
const ASKED_MAX: usize = 100;

/// A contact.
#[derive(Debug, Clone, Default)]
pub struct Contact {
    /// Its number.
    pub id: String,
    /// What is known, by name; custom fields by theirs.
    pub values: Map<String, Value>,
    custom: Map<String, Value>,
    lists: BTreeSet<String>,
    created: i64,
    updated: i64,
}

/// A custom field.
#[derive(Debug, Clone)]
struct Custom {
    id: String,
    name: String,
    kind: String,
}

/// Contacts and custom fields.
#[derive(Debug, Default)]
pub struct Contacts {
    contacts: BTreeMap<String, Contact>,
    custom: Vec<Custom>,
    made: u64,
}

impl Contact {
    fn of(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(Value::as_str)
    }

    fn fits(&self, wished: &Map<String, Value>) -> bool {
        IDENTIFIERS.iter().any(|name| {
            let wished = wished.get(*name).and_then(Value::as_str).filter(|it| !it.is_empty());
            wished.is_some_and(|wished| self.of(name).is_some_and(|own| own == lower(name, wished)))
        })
    }

    fn details(&self, key: &str) -> Value {
        let mut shown = self.values.clone();
        shown.insert(key.to_owned(), self.id.as_str().into());
        shown.insert("custom_fields".to_owned(), self.custom.clone().into());
        shown.insert("created_at".to_owned(), rfc3339(self.created * 1_000).into());
        shown.insert("updated_at".to_owned(), rfc3339(self.updated * 1_000).into());
        Value::Object(shown)
    }

    /// As a line of an export.
    pub(super) fn line(&self) -> Value {
        self.details("contact_id")
    }

    fn shown(&self) -> Value {
        let mut shown = self.details("id");
        shown["list_ids"] = self.lists.iter().cloned().collect();
        shown["segment_ids"] = json!([]);
        shown
    }

    pub(super) fn is_in(&self, list: &str) -> bool {
        self.lists.contains(list)
    }

    pub(super) fn leave(&mut self, list: &str) {
        self.lists.remove(list);
    }
}

impl Contacts {
    /// Defines a custom field of a kind (`Text`, `Number`, `Date`); its number.
    pub fn define(&mut self, name: &str, kind: &str) -> String {
        let suffix = kind.get(..1).unwrap_or("T");
        let id = format!("w{}_{suffix}", self.custom.len() + 1);
        self.custom.push(Custom { id: id.clone(), name: name.to_owned(), kind: kind.to_owned() });
        id
    }

    /// Takes a custom field away, with everybody's values.
    pub fn undefine(&mut self, name: &str) {
        self.custom.retain(|custom| custom.name != name);
        self.contacts.values_mut().for_each(|contact| {
            contact.custom.remove(name);
        });
    }

    /// Somebody, as entered by hand; the number.
    pub fn enter(&mut self, values: &Value) -> String {
        let values = values.as_object().cloned().unwrap_or_default();
        let (custom, values): (Map<_, _>, Map<_, _>) = values
            .into_iter()
            .partition(|(name, _)| !RESERVED.iter().any(|(reserved, _)| reserved == name));
        self.made += 1;
        let id = format!("{:08x}-5b7e-4c32-9d0a-{:012x}", self.made, self.made);
        let created = BEGINNING;
        let contact = Contact { custom, created, updated: created, ..Contact::default() };
        self.contacts.insert(id.clone(), Contact { id: id.clone(), values, ..contact });
        id
    }

    /// Changes values by hand.
    pub fn edit(&mut self, id: &str, values: &Value) {
        let Some(contact) = self.contacts.get_mut(id) else { return };
        for (name, value) in values.as_object().into_iter().flatten() {
            set(&mut contact.values, name, value);
        }
    }

    /// Takes the number of somebody's line in exports away, as no account does.
    pub fn unname(&mut self, email: &str) {
        let known = self.contacts.values_mut().find(|contact| contact.of("email") == Some(email));
        if let Some(contact) = known {
            contact.id.clear();
        }
    }

    /// Takes somebody away by hand.
    pub fn remove(&mut self, id: &str) {
        self.contacts.remove(id);
    }

    /// The contact of an address.
    #[must_use]
    pub fn with(&self, email: &str) -> Option<&Contact> {
        self.contacts.values().find(|contact| contact.of("email") == Some(email))
    }

    /// A value of the contact with an address, custom fields too.
    #[must_use]
    pub fn value(&self, email: &str, name: &str) -> Value {
        let contact = self.with(email);
        let value = contact.and_then(|it| it.values.get(name).or_else(|| it.custom.get(name)));
        value.cloned().unwrap_or_default()
    }

    /// All contacts.
    pub fn all(&self) -> impl Iterator<Item = &Contact> {
        self.contacts.values()
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Contact> {
        self.contacts.get_mut(id)
    }

    pub(super) fn forget_list(&mut self, list: &str) {
        self.contacts.values_mut().for_each(|contact| contact.leave(list));
    }

    pub(super) fn members(&self, list: &str) -> BTreeSet<String> {
        let own = self.contacts.values().filter(|contact| contact.is_in(list));
        own.filter_map(|contact| contact.of("email").map(str::to_owned)).collect()
    }

    pub(super) fn definitions(&self) -> Answer {
        let custom: Vec<Value> = self
            .custom
            .iter()
            .map(|it| json!({"id": it.id, "name": it.name, "field_type": it.kind}))
            .collect();
        let reserved = RESERVED.iter().enumerate().map(|(number, (name, _))| {
            json!({"id": format!("_rf{number}_T"), "name": name, "field_type": "Text"})
        });
        let read_only = json!({
            "id": "_rf20_T", "name": "automation_id", "field_type": "Text", "read_only": true,
        });
        let reserved: Vec<Value> = reserved.chain([read_only]).collect();
        Answer::json(
            200,
            &json!({"custom_fields": custom, "reserved_fields": reserved, "_metadata": {}}),
        )
    }

    /// Why a request to write contacts is refused as a whole.
    pub(super) fn refuse(&self, body: &Value) -> Option<Answer> {
        let contacts = body["contacts"].as_array().map(Vec::as_slice).unwrap_or_default();
        if contacts.is_empty() || contacts.len() > 30_000 {
            return Some(invalid("contacts", "the number of contacts is out of range"));
        }
        contacts.iter().enumerate().find_map(|(place, contact)| {
            let at = |name: &str| format!("contacts[{place}].{name}");
            let known = |name: &&str| contact[*name].as_str().is_some_and(|it| !it.is_empty());
            if !IDENTIFIERS.iter().any(known) {
                return Some(invalid(&at("identifier"), "at least one identifier is required"));
            }
            if let Some(email) = contact["email"].as_str().filter(|email| !email.contains('@')) {
                let message = format!("email '{email}' is not valid");
                return Some(invalid(&at("email"), &message));
            }
            let long = RESERVED.iter().find(|(name, most)| {
                contact[*name].as_str().is_some_and(|text| text.chars().count() > *most)
            });
            if let Some((name, most)) = long {
                return Some(invalid(
                    &at(name),
                    &format!("length should be less than {most} chars"),
                ));
            }
            let custom = contact["custom_fields"].as_object().into_iter().flatten();
            let unknown = custom.map(|(id, _)| id).find(|id| self.field(id).is_none());
            unknown.map(|id| invalid(&at(&format!("custom_fields.{id}")), "invalid custom field"))
        })
    }

    fn field(&self, id: &str) -> Option<&Custom> {
        self.custom.iter().find(|custom| custom.id == id)
    }

    /// Writes one contact: whether it was made, or what is wrong with it.
    pub(super) fn upsert(
        &mut self,
        wished: &Map<String, Value>,
        lists: &[String],
        now: i64,
    ) -> Result<bool, String> {
        let mut custom = Map::new();
        for (id, value) in
            wished.get("custom_fields").and_then(Value::as_object).into_iter().flatten()
        {
            let field = self.field(id).ok_or("unknown custom field")?;
            let is_number = value.is_number() || value.is_null() || value == "";
            if field.kind == "Number" && !is_number {
                return Err(format!("custom field {} with value {value} is no number", field.name));
            }
            custom.insert(field.name.clone(), value.clone());
        }
        let known = self.contacts.values().find(|contact| contact.fits(wished));
        let (id, made) = match known {
            Some(contact) => {
                let absent =
                    |name: &&&str| contact.of(name).is_some() && !wished.contains_key(**name);
                if let Some(name) = IDENTIFIERS.iter().find(absent) {
                    return Err(format!("the identifier {name} of the contact is missing"));
                }
                (contact.id.clone(), false)
            }
            None => (self.enter(&json!({})), true),
        };
        let contact = self.contacts.get_mut(&id).ok_or("gone")?;
        for (name, value) in wished.iter().filter(|(name, _)| *name != "custom_fields") {
            let value = match value.as_str() {
                Some(text) => Value::from(lower(name, text)),
                None => value.clone(),
            };
            set(&mut contact.values, name, &value);
        }
        for (name, value) in &custom {
            set(&mut contact.custom, name, value);
        }
        contact.lists.extend(lists.iter().cloned());
        contact.updated = now;
        if made {
            contact.created = now;
        }
        Ok(made)
    }

    pub(super) fn batch(&self, body: &Value) -> Answer {
        let ids = body["ids"].as_array().map(Vec::as_slice).unwrap_or_default();
        if ids.len() > ASKED_MAX {
            return invalid("ids", "too many ids");
        }
        let found = ids.iter().filter_map(|id| self.contacts.get(id.as_str()?));
        Answer::json(200, &json!({"result": found.map(Contact::shown).collect::<Vec<_>>()}))
    }

    pub(super) fn by_emails(&self, body: &Value) -> Answer {
        let emails = body["emails"].as_array().map(Vec::as_slice).unwrap_or_default();
        if emails.len() > ASKED_MAX {
            return invalid("emails", "too many emails");
        }
        let mut result = Map::new();
        for email in emails.iter().filter_map(Value::as_str) {
            let email = email.to_lowercase();
            let answer = match self.with(&email) {
                Some(contact) => json!({"contact": contact.shown()}),
                None => json!({"error": "contact not found"}),
            };
            result.insert(email, answer);
        }
        if result.values().all(|answer| answer.get("contact").is_none()) {
            return refusal(404, None, "contacts not found");
        }
        Answer::json(200, &json!({ "result": result }))
    }
}

fn lower(name: &str, text: &str) -> String {
    if name == "email" { text.to_lowercase() } else { text.to_owned() }
}

/// An empty value is no value.
fn set(values: &mut Map<String, Value>, name: &str, value: &Value) {
    if value.is_null() || value == "" || value == &json!([]) {
        values.remove(name);
    } else {
        values.insert(name.to_owned(), value.clone());
    }
}
