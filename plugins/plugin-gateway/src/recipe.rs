//! How to log in, as data: the host runs it, the connector only describes it.
//!
//! ```json
//! {
//!   "login": {
//!     "method": "POST",
//!     "url": "{settings.url}/{settings.database}/rpc/",
//!     "body": {"id": 0, "method": "common.db.login",
//!              "params": ["{username}", {"password": "{password}"}, "en"]}
//!   },
//!   "reply": {"user": "/result/0", "token": "/result/1"},
//!   "header": {"name": "Authorization",
//!              "value": "Session {base64({username}:{user}:{token})}"},
//!   "expired-status": [401]
//! }
//! ```
//!
//! The names without a dot are the parts of the credential (`username`,
//! `password`) and, in `header`, what `reply` found. Every text inside `body` is
//! a template filled in after the JSON was parsed, so that no value can change
//! its structure. The URL may hold settings only.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::template::{Template, TemplateError, scalar_text, setting};

/// A recipe that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// Not of the documented shape.
    #[error("the login recipe does not have the documented shape: {0}")]
    Shape(String),
    /// A template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A name that neither the credential nor the reply has.
    #[error(
        "the login recipe uses `{0}`, which is neither a part of the credential, nor of the reply, nor a setting"
    )]
    UnknownName(String),
    /// A pointer that is not one.
    #[error("`{0}` is not a JSON pointer; it must begin with `/`")]
    Pointer(String),
}

/// The login request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LoginRequest {
    /// The method; `POST` if left out.
    #[serde(default = "post")]
    pub method: String,
    /// URL template over the settings.
    pub url: String,
    /// Fixed headers; `Content-Type: application/json` is set by itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// JSON body; every text in it is a template.
    pub body: Value,
}

fn post() -> String {
    "POST".to_owned()
}

/// The header that carries the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SessionHeader {
    /// Its name.
    pub name: String,
    /// Template of its value.
    pub value: String,
}

/// A login recipe, as it stands in a manifest's credential slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SessionRecipe {
    /// How to log in.
    pub login: LoginRequest,
    /// Where the parts of the session are in the JSON reply: name to JSON pointer
    /// (RFC 6901). A login succeeded if all are there as text or number.
    pub reply: BTreeMap<String, String>,
    /// What to send with each request.
    pub header: SessionHeader,
    /// Statuses that mean "session expired"; 401 if left out.
    #[serde(default = "unauthorised")]
    pub expired_status: BTreeSet<u16>,
}

fn unauthorised() -> BTreeSet<u16> {
    BTreeSet::from([401])
}

/// Values of a credential's parts and of a reply, by name; wiped when dropped.
pub(crate) type Parts = BTreeMap<String, Zeroizing<String>>;

impl SessionRecipe {
    /// Reads a recipe and checks every template against the parts that exist.
    ///
    /// # Errors
    ///
    /// See [`RecipeError`].
    pub fn parse(recipe: &Value, parts: &BTreeSet<&str>) -> Result<Self, RecipeError> {
        let recipe =
            Self::deserialize(recipe).map_err(|error| RecipeError::Shape(error.to_string()))?;
        recipe.check(parts)?;
        Ok(recipe)
    }

    fn check(&self, parts: &BTreeSet<&str>) -> Result<(), RecipeError> {
        let no_parts = BTreeSet::new();
        check_names(&self.login.url, &no_parts)?;
        let mut texts = Vec::new();
        texts_of(&self.login.body, &mut texts);
        for text in texts {
            check_names(text, parts)?;
        }
        if let Some(pointer) = self.reply.values().find(|pointer| !pointer.starts_with('/')) {
            return Err(RecipeError::Pointer(pointer.clone()));
        }
        let mut known = parts.clone();
        known.extend(self.reply.keys().map(String::as_str));
        check_names(&self.header.value, &known)
    }

    pub(crate) fn login_url(&self, settings: &Value) -> Result<String, TemplateError> {
        Template::parse(&self.login.url)?.render_url(settings)
    }

    pub(crate) fn login_body(
        &self,
        settings: &Value,
        parts: &Parts,
    ) -> Result<Zeroizing<Vec<u8>>, TemplateError> {
        let mut body = self.login.body.clone();
        fill(&mut body, settings, parts)?;
        let text = Zeroizing::new(body.to_string().into_bytes());
        wipe(&mut body);
        Ok(text)
    }

    /// What the reply says, or `None` if it is not the reply of a success.
    pub(crate) fn parts_of_reply(&self, reply: &Value) -> Option<Parts> {
        let part = |(name, pointer): (&String, &String)| {
            let text = scalar_text(reply.pointer(pointer)?).filter(|text| !text.is_empty())?;
            Some((name.clone(), Zeroizing::new(text)))
        };
        self.reply.iter().map(part).collect()
    }

    pub(crate) fn header_value(
        &self,
        settings: &Value,
        parts: &Parts,
        reply: &Parts,
    ) -> Result<Zeroizing<String>, TemplateError> {
        Template::parse(&self.header.value)?.render(&|name| {
            let found = reply.get(name).or_else(|| parts.get(name));
            found
                .map(|part| Cow::Borrowed(part.as_str()))
                .or_else(|| setting(settings, name).map(Cow::Owned))
        })
    }
}

fn check_names(template: &str, known: &BTreeSet<&str>) -> Result<(), RecipeError> {
    for name in Template::parse(template)?.names() {
        if !name.starts_with("settings.") && !known.contains(name) {
            return Err(RecipeError::UnknownName(name.to_owned()));
        }
    }
    Ok(())
}

fn texts_of<'v>(value: &'v Value, into: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts_of(item, into)),
        Value::Object(members) => members.values().for_each(|member| texts_of(member, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn fill(value: &mut Value, settings: &Value, parts: &Parts) -> Result<(), TemplateError> {
    match value {
        Value::String(text) => {
            let filled = Template::parse(text)?.render(&|name| {
                let part = parts.get(name).map(|part| Cow::Borrowed(part.as_str()));
                part.or_else(|| setting(settings, name).map(Cow::Owned))
            })?;
            filled.as_str().clone_into(text);
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, settings, parts)),
        Value::Object(members) => {
            members.values_mut().try_for_each(|member| fill(member, settings, parts))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Wipes every text of a filled-in body.
pub(crate) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => zeroize::Zeroize::zeroize(text),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
