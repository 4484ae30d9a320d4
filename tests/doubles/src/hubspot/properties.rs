//! The properties of a kind of record, and what values they take.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::clock;
use super::refusal::Refusal;

/// Longest text of a property.
const TEXT_CHARS_MAX: usize = 65_536;

/// Definitions by name.
#[derive(Debug, Clone)]
pub struct Properties(BTreeMap<String, Value>);

impl Properties {
    /// Those of a new account.
    pub(super) fn new(kind: &str) -> Self {
        let mut properties = Self(BTreeMap::new());
        for (name, label, of, field) in COMMON {
            properties.add(name, label, of, field, true);
        }
        let (own, modified) = match kind {
            "contacts" => (CONTACTS, "lastmodifieddate"),
            "companies" => (COMPANIES, "hs_lastmodifieddate"),
            _ => (DEALS, "hs_lastmodifieddate"),
        };
        properties.add(modified, "Last Modified Date", "datetime", "date", true);
        for (name, label, of, field) in own {
            properties.add(name, label, of, field, false);
        }
        let stages = ["lead", "customer", "other"];
        for name in ["lifecyclestage", "dealstage"] {
            properties.change(name, json!({"options": options(&stages)}));
        }
        properties
    }

    fn add(&mut self, name: &str, label: &str, kind: &str, field: &str, fixed: bool) {
        let definition = json!({
            "name": name, "label": label, "type": kind, "fieldType": field, "description": "",
            "groupName": "information", "options": [], "hubspotDefined": true, "hidden": false,
            "calculated": false, "hasUniqueValue": false, "archived": false,
            "modificationMetadata": {
                "archivable": false, "readOnlyDefinition": true, "readOnlyValue": fixed,
            },
        });
        self.0.insert(name.to_owned(), definition);
    }

    /// A property of the account; members of `more` stand for themselves.
    pub fn define(&mut self, name: &str, kind: &str, field: &str, more: Value) {
        self.add(name, name, kind, field, false);
        self.change(name, json!({"hubspotDefined": false}));
        self.change(name, more);
    }

    fn change(&mut self, name: &str, more: Value) {
        let definition = self.0.get_mut(name).and_then(Value::as_object_mut);
        if let (Some(definition), Value::Object(more)) = (definition, more) {
            definition.extend(more);
        }
    }

    /// A property that somebody in the account deletes.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Every definition.
    pub(super) fn listed(&self) -> Vec<&Value> {
        self.0.values().collect()
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether no two records may have the same value.
    pub(super) fn is_unique(&self, kind: &str, name: &str) -> bool {
        let marked = self.0.get(name).is_some_and(|it| it["hasUniqueValue"] == true);
        marked || (kind == "contacts" && name == "email")
    }

    /// A value as it is stored.
    ///
    /// # Errors
    /// It is refused.
    pub(super) fn taken(&self, name: &str, value: &Value) -> Result<String, Refusal> {
        let Some(definition) = self.0.get(name) else {
            let message = format!("Property \"{name}\" does not exist");
            return Err(Refusal::value(name, "PROPERTY_DOESNT_EXIST", message));
        };
        if definition["modificationMetadata"]["readOnlyValue"] == true {
            let message = format!("\"{name}\" is a read only property; its value cannot be set.");
            return Err(Refusal::value(name, "READ_ONLY_VALUE", message));
        }
        let text = value.as_str().unwrap_or_default();
        let kind = definition["type"].as_str().unwrap_or_default();
        let options = definition["options"].as_array().cloned().unwrap_or_default();
        let is_option = |text: &str| options.iter().any(|option| option["value"] == text);
        let refuse = |code, what: &str| {
            Err(Refusal::value(name, code, format!("\"{text}\" was not {what}")))
        };
        match (name, kind) {
            _ if text.is_empty() => Ok(String::new()),
            _ if text.chars().count() > TEXT_CHARS_MAX => {
                let message = format!("the value of {name} is too long");
                Err(Refusal::value(name, "PROPERTY_VALUE_TOO_LONG", message))
            }
            ("email", _) => match text.split_once('@') {
                Some((_, domain)) if domain.contains('.') => Ok(text.trim().to_lowercase()),
                _ => {
                    let message = format!("Email address {text} is invalid");
                    Err(Refusal::value(name, "INVALID_EMAIL", message))
                }
            },
            (_, "number") if text.parse::<serde_json::Number>().is_err() => {
                refuse("INVALID_LONG", "a valid number.")
            }
            (_, "bool") if !is_flag(text) => refuse("INVALID_BOOLEAN", "a boolean."),
            (_, "datetime") => match clock::parse(text) {
                Some(millis) => Ok(clock::rfc3339(millis)),
                None => refuse("INVALID_DATE", "a valid long."),
            },
            (_, "enumeration") if !options.is_empty() && !text.split(';').all(is_option) => {
                refuse("INVALID_OPTION", "one of the allowed options")
            }
            _ => Ok(text.to_owned()),
        }
    }
}

fn is_flag(text: &str) -> bool {
    matches!(text, "true" | "false")
}

/// Options as a definition lists them.
#[must_use]
pub fn options(values: &[&str]) -> Value {
    let option = |value: &&str| json!({"label": value, "value": value, "hidden": false});
    values.iter().map(option).collect()
}

const COMMON: [(&str, &str, &str, &str); 3] = [
    ("createdate", "Create Date", "datetime", "date"),
    ("hs_object_id", "Record ID", "number", "number"),
    ("hs_merged_object_ids", "Merged record IDs", "enumeration", "checkbox"),
];
const CONTACTS: &[(&str, &str, &str, &str)] = &[
    ("email", "Email", "string", "text"),
    ("hs_additional_emails", "Additional email addresses", "string", "text"),
    ("firstname", "First Name", "string", "text"),
    ("lastname", "Last Name", "string", "text"),
    ("phone", "Phone Number", "string", "phonenumber"),
    ("mobilephone", "Mobile Phone Number", "string", "phonenumber"),
    ("address", "Street Address", "string", "text"),
    ("city", "City", "string", "text"),
    ("zip", "Postal Code", "string", "text"),
    ("country", "Country/Region", "string", "text"),
    ("date_of_birth", "Date of birth", "date", "date"),
    ("lifecyclestage", "Lifecycle Stage", "enumeration", "radio"),
];
const COMPANIES: &[(&str, &str, &str, &str)] = &[
    ("name", "Company name", "string", "text"),
    ("domain", "Company Domain Name", "string", "text"),
    ("phone", "Phone Number", "string", "phonenumber"),
    ("city", "City", "string", "text"),
    ("numberofemployees", "Number of Employees", "number", "number"),
];
const DEALS: &[(&str, &str, &str, &str)] = &[
    ("dealname", "Deal Name", "string", "text"),
    ("amount", "Amount", "number", "number"),
    ("closedate", "Close Date", "datetime", "date"),
    ("dealstage", "Deal Stage", "enumeration", "radio"),
];
