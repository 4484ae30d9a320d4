//! The vendors' own code, to hold ours against: the normalisers of Meta's Business SDK and
//! of Google's Data Manager API for the SDK's hash profiles, Google's definitions for what
//! the connector sends, and the clients of HubSpot and SendGrid for the fake accounts. Each
//! is in a Python environment of its own, so that one that cannot be had leaves the others.

use std::{fs, path::PathBuf, process::Command, sync::Mutex};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use crate::{Unavailable, paths, process, python};

/// Questions are handed over in a file.
static ASKING: Mutex<()> = Mutex::new(());

/// A vendor's own code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oracle {
    /// `facebook_business.adobjects.serverside.normalize`.
    Meta,
    /// `google.ads.datamanager_util.Formatter`.
    Google,
    /// The messages of `google.ads.datamanager_v1`, into which JSON is read strictly.
    GoogleMessages,
    /// The client `hubspot`, unmodified.
    HubSpot,
    /// The client `sendgrid`, unmodified.
    SendGrid,
}

impl Oracle {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Meta, Self::Google, Self::GoogleMessages, Self::HubSpot, Self::SendGrid];

    const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Google => "google",
            Self::GoogleMessages => "google-messages",
            Self::HubSpot => "hubspot",
            Self::SendGrid => "sendgrid",
        }
    }

    /// Pinned: the SDK's documentation names these versions.
    const fn package(self) -> &'static str {
        match self {
            Self::Meta => "facebook_business==26.0.3",
            Self::Google => "google-ads-datamanager-util==0.4.0",
            Self::GoogleMessages => "google-ads-datamanager==0.9.4",
            Self::HubSpot => "hubspot-api-client==12.0.0",
            Self::SendGrid => "sendgrid==6.12.5",
        }
    }

    const fn script(self) -> &'static str {
        match self {
            Self::Meta => include_str!("oracles/meta.py"),
            Self::Google => include_str!("oracles/google.py"),
            Self::GoogleMessages => include_str!("oracles/google_messages.py"),
            Self::HubSpot => include_str!("oracles/hubspot.py"),
            Self::SendGrid => include_str!("oracles/sendgrid.py"),
        }
    }

    fn what(self) -> String {
        match self {
            Self::Meta | Self::Google => format!("the normaliser of {}", self.name()),
            Self::GoogleMessages => "the messages of google".to_owned(),
            Self::HubSpot | Self::SendGrid => format!("the client of {}", self.name()),
        }
    }

    fn folder(self) -> PathBuf {
        paths::counterparts().join("oracles").join(self.name())
    }

    /// Installs it.
    ///
    /// # Errors
    /// [`Unavailable`] without Python, or where pip cannot fetch the package: many
    /// machines have a Python that it was not built for.
    pub fn fetch(self) -> Result<()> {
        if self.ready().is_ok() {
            return Ok(());
        }
        let made = python::environment(&self.folder(), &[self.package()]);
        let made = made.and_then(|_| self.ask(&[Map::new()]));
        made.map(drop).map_err(|error| {
            let how = format!("pip must be able to install {}: {error:#}", self.package());
            Unavailable::new(self.what(), how).into()
        })
    }

    /// Whether it is there.
    ///
    /// # Errors
    /// It was not set up, or could not be on this machine.
    pub fn ready(self) -> Result<(), Unavailable> {
        let how = "cargo xtask setup --only oracles installs it";
        let python = python::ready(&self.folder(), &[self.package()]);
        python.map(drop).ok_or_else(|| Unavailable::new(self.what(), how))
    }

    /// What it makes of values by field: as they are to be sent, or null where it
    /// refuses. Of a `body` and the name of its `message`: `refused` is why it is none,
    /// or null. Of a call of a client: what it read of the answer.
    ///
    /// # Errors
    /// It ends with an error, or answers in no form that is known.
    pub fn ask(self, questions: &[Map<String, Value>]) -> Result<Vec<Map<String, Value>>> {
        let lines: String =
            questions.iter().map(|line| Value::Object(line.clone()).to_string() + "\n").collect();
        let _alone = ASKING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let file = self.folder().join("questions.ndjson");
        fs::write(&file, lines).with_context(|| format!("write {}", file.display()))?;
        let mut command = Command::new(python::interpreter(&self.folder()));
        let said = process::read(command.args(["-c", self.script()]).arg(&file))?;
        let answer = |line| serde_json::from_str(line).context("an answer is no object");
        said.lines().map(answer).collect()
    }
}
