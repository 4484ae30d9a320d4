//! The ad platforms' own normalisers, to hold the SDK's hash profiles against:
//! Meta's Business SDK and the formatter of Google's Data Manager API, each in a
//! Python environment of its own, so that one that cannot be had leaves the other.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use crate::{Unavailable, counterparts, paths, process, python};

/// A platform's own normaliser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oracle {
    /// `facebook_business.adobjects.serverside.normalize`.
    Meta,
    /// `google.ads.datamanager_util.Formatter`.
    Google,
}

impl Oracle {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Meta, Self::Google];

    const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Google => "google",
        }
    }

    /// Pinned: the SDK's documentation names these versions.
    const fn package(self) -> &'static str {
        match self {
            Self::Meta => "facebook_business==26.0.3",
            Self::Google => "google-ads-datamanager-util==0.4.0",
        }
    }

    const fn script(self) -> &'static str {
        match self {
            Self::Meta => include_str!("oracles/meta.py"),
            Self::Google => include_str!("oracles/google.py"),
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
            Unavailable::new(format!("the normaliser of {}", self.name()), how).into()
        })
    }

    /// Whether it is there.
    ///
    /// # Errors
    /// It was not set up, or could not be on this machine.
    pub fn ready(self) -> Result<(), Unavailable> {
        let python = python::interpreter(&self.folder());
        if counterparts::is_complete(&self.folder(), self.package()) && python.is_file() {
            return Ok(());
        }
        let what = format!("the normaliser of {}", self.name());
        Err(Unavailable::new(what, "cargo xtask setup --only oracles installs it"))
    }

    /// What it makes of values by field: as they are to be sent, or null where it
    /// refuses.
    ///
    /// # Errors
    /// It ends with an error, or answers in no form that is known.
    pub fn ask(self, questions: &[Map<String, Value>]) -> Result<Vec<Map<String, Value>>> {
        let lines: String =
            questions.iter().map(|line| Value::Object(line.clone()).to_string() + "\n").collect();
        let file = self.folder().join("questions.ndjson");
        fs::write(&file, lines).with_context(|| format!("write {}", file.display()))?;
        let mut command = Command::new(python::interpreter(&self.folder()));
        let said = process::read(command.args(["-c", self.script()]).arg(&file))?;
        let answer = |line| serde_json::from_str(line).context("an answer is no object");
        said.lines().map(answer).collect()
    }
}
