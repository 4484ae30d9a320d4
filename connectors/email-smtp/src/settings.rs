//! The connection's settings.

use std::collections::BTreeMap;

use liaison_sdk::{Call, Fault, mail};
use serde::Deserialize;

use crate::template::{Text, TextFault};

/// The field that says whom a message is for.
pub const TO: &str = "to";
/// The stream of what came back.
pub const REPORTS: &str = "reports";
/// Longest address in bytes.
const ADDRESS_BYTES_MAX: usize = 254;
/// The slot of the credential.
const LOGIN: &str = "login";

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Security {
    #[default]
    Starttls,
    Tls,
    None,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTemplate {
    subject: String,
    text: Option<String>,
    html: Option<String>,
    unsubscribe: Option<String>,
    purpose: Option<String>,
}

fn yes() -> bool {
    true
}

/// A message with placeholders.
#[derive(Debug, Clone)]
pub struct Template {
    /// The subject.
    pub subject: Text,
    /// The plain text.
    pub text: Option<Text>,
    /// The HTML.
    pub html: Option<Text>,
    /// Where a post takes somebody off the list.
    pub unsubscribe: Option<Text>,
    /// What it needs a consent for; a message that somebody waits for needs none.
    pub purpose: Option<String>,
}

impl Template {
    /// The fields that it mentions, with repetitions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let parts = [&self.text, &self.html, &self.unsubscribe].into_iter().flatten();
        std::iter::once(&self.subject).chain(parts).flat_map(Text::names)
    }
}

/// What `connector.json` describes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    server: String,
    #[serde(default)]
    security: Security,
    #[serde(default = "yes")]
    login: bool,
    /// The address that mail is from.
    pub from: String,
    /// The name that is shown with it.
    pub from_name: Option<String>,
    /// Where answers go.
    pub reply_to: Option<String>,
    return_path: Option<String>,
    /// The folder of bounces and complaints.
    pub reports: Option<String>,
    #[serde(default, rename = "templates")]
    written: BTreeMap<String, WrittenTemplate>,
    /// The messages.
    #[serde(skip)]
    pub templates: BTreeMap<String, Template>,
}

impl Settings {
    /// The settings of a call.
    ///
    /// # Errors
    /// `config`, with what was expected.
    pub fn of(call: &Call) -> Result<Self, Fault> {
        let mut settings: Self = call.settings()?;
        let addresses = [
            ("from", Some(&settings.from)),
            ("reply_to", settings.reply_to.as_ref()),
            ("return_path", settings.return_path.as_ref()),
        ];
        for (name, address) in addresses {
            if address.is_some_and(|address| !is_address(address)) {
                return Err(Fault::config(format!("settings.{name}"), "an address: ana@x.fr"));
            }
        }
        let name = settings.from_name.as_deref().unwrap_or_default();
        if name.chars().any(char::is_control) {
            return Err(Fault::config("settings.from_name", "a name without line breaks"));
        }
        for (name, written) in std::mem::take(&mut settings.written) {
            let template = template(&name, written)?;
            settings.templates.insert(name, template);
        }
        Ok(settings)
    }

    /// The server that takes mail in.
    pub fn server(&self) -> mail::Server {
        let security = match self.security {
            Security::Starttls => mail::Security::Starttls,
            Security::Tls => mail::Security::Tls,
            Security::None => mail::Security::None,
        };
        let credential = self.login.then(|| LOGIN.to_owned());
        mail::Server { address: self.server.clone(), security, credential }
    }

    /// Where bounces go.
    pub fn return_path(&self) -> &str {
        self.return_path.as_ref().unwrap_or(&self.from)
    }
}

fn template(name: &str, written: WrittenTemplate) -> Result<Template, Fault> {
    let place = |part: &str| format!("settings.templates.{name}.{part}");
    if name == REPORTS {
        return Err(Fault::config(place(""), "another name: this is the stream of bounces"));
    }
    if written.text.is_none() && written.html.is_none() {
        return Err(Fault::config(place("text"), "`text` or `html`, or both"));
    }
    let parsed = |part: &str, text: String| {
        let fault = |fault: TextFault| Fault::config(place(part), fault.expected());
        Text::parse(text).map_err(fault)
    };
    let maybe = |part: &str, text: Option<String>| text.map(|text| parsed(part, text)).transpose();
    let template = Template {
        subject: parsed("subject", written.subject)?,
        text: maybe("text", written.text)?,
        html: maybe("html", written.html)?,
        unsubscribe: maybe("unsubscribe", written.unsubscribe)?,
        purpose: written.purpose,
    };
    let texts = [
        ("subject", Some(&template.subject)),
        ("text", template.text.as_ref()),
        ("html", template.html.as_ref()),
        ("unsubscribe", template.unsubscribe.as_ref()),
    ];
    for (part, text) in texts {
        if text.is_some_and(|text| text.text().trim().is_empty()) {
            return Err(Fault::config(place(part), "a text"));
        }
    }
    if template.subject.text().chars().any(char::is_control) {
        return Err(Fault::config(place("subject"), "one line"));
    }
    let secure = |text: &Text| text.text().starts_with("https://") && text.text().is_ascii();
    if template.unsubscribe.as_ref().is_some_and(|text| !secure(text)) {
        return Err(Fault::config(
            place("unsubscribe"),
            "an address: https://www.example.org/leave",
        ));
    }
    Ok(template)
}

/// Whether a text is an address of the plain form that needs no quoting.
pub fn is_address(text: &str) -> bool {
    let local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    let domain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    let sound = |part: &str, good: &dyn Fn(char) -> bool| {
        !part.is_empty() && part.chars().all(good) && !part.starts_with('.') && !part.ends_with('.')
    };
    text.len() <= ADDRESS_BYTES_MAX
        && text
            .rsplit_once('@')
            .is_some_and(|(name, host)| sound(name, &local) && sound(host, &domain))
}
