//! The connection's settings.

use std::collections::BTreeMap;

use liaison_sdk::{Call, Fault, http};
use serde::Deserialize;

use crate::suppression::Suppression;
use crate::{CONTACTS, MEMBERS, event};

/// Longest address in bytes.
const ADDRESS_BYTES_MAX: usize = 254;

/// A dynamic template.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its number.
    pub template_id: String,
    /// What it is filled with.
    #[serde(default)]
    pub fields: Vec<String>,
    /// The group that its links unsubscribe from.
    pub group: Option<u64>,
    /// What it needs a consent for; a message that somebody waits for needs none.
    pub purpose: Option<String>,
}

/// What `connector.json` describes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address of the API, without a path.
    pub url: String,
    /// Address of the files of exports, without a path.
    pub files_url: String,
    /// Time between two exports.
    #[serde(default = "export_minutes")]
    pub export_minutes: u32,
    /// The address that mail is from.
    pub from: Option<String>,
    /// The name that is shown with it.
    pub from_name: Option<String>,
    /// The messages.
    #[serde(default)]
    pub templates: BTreeMap<String, Template>,
}

const fn export_minutes() -> u32 {
    60
}

impl Settings {
    /// The settings of a call.
    ///
    /// # Errors
    /// `config`, with what was expected.
    pub fn of(call: &Call) -> Result<Self, Fault> {
        let settings: Self = call.settings()?;
        for (name, url) in [("url", &settings.url), ("files_url", &settings.files_url)] {
            if !http::is_origin(url) {
                let expected = "an address without a path: https://api.sendgrid.com";
                return Err(Fault::config(format!("settings.{name}"), expected));
            }
        }
        if settings.from.as_ref().is_some_and(|from| !is_address(from)) {
            return Err(Fault::config("settings.from", "an address: ana@x.fr"));
        }
        if settings.from.is_none() && !settings.templates.is_empty() {
            return Err(Fault::config("settings.from", "the verified address that mail is from"));
        }
        let taken = |name: &&String| {
            [CONTACTS, MEMBERS, event::EVENTS].contains(&name.as_str())
                || Suppression::of(name).is_some()
        };
        if let Some(name) = settings.templates.keys().find(taken) {
            let place = format!("settings.templates.{name}");
            return Err(Fault::config(place, "another name: this is a stream of SendGrid"));
        }
        Ok(settings)
    }
}

/// Whether a text can be an address: SendGrid judges the rest.
pub fn is_address(text: &str) -> bool {
    let sound = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@')
    };
    text.len() <= ADDRESS_BYTES_MAX
        && text.rsplit_once('@').is_some_and(|(name, host)| {
            sound(name) && sound(host) && host.contains('.') && !host.ends_with('.')
        })
}
