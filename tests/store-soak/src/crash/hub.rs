//! A folder with a configuration, and the commands that an administrator gives
//! there: `liaison store ...`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hub_store::conformance::WORKSPACE;
use serde_json::Value;

use super::episode::{Step, half_made};
use crate::program::{Ended, Running};

/// A folder of a hub that does not run.
#[derive(Debug)]
pub struct Hub<'a> {
    liaison: &'a Path,
    /// Where its configuration is.
    pub root: PathBuf,
}

impl<'a> Hub<'a> {
    /// Makes one that has no store yet.
    ///
    /// # Errors
    /// The system's.
    pub fn new(liaison: &'a Path, root: PathBuf) -> Result<Self> {
        fs::create_dir_all(root.join("data")).context("make a folder for a hub")?;
        fs::write(root.join("liaison.toml"), "version = 1\n").context("write a configuration")?;
        Ok(Self { liaison, root })
    }

    /// Its store's folder.
    pub fn store(&self) -> PathBuf {
        self.beside("")
    }

    /// A folder beside its store's, by the end of its name.
    pub fn beside(&self, end: &str) -> PathBuf {
        self.root.join("data").join(format!("{WORKSPACE}{end}"))
    }

    /// Starts a command about the store.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&self, store: &[&str]) -> Result<Running> {
        let mut command = Command::new(self.liaison);
        command.arg("--config").arg(&self.root).arg("store").args(store);
        Running::start(command)
    }

    /// Gives a command, which must do what it is asked, and answers what it
    /// prints and how long it took.
    #[expect(clippy::disallowed_methods, reason = "kills come within the time that it takes")]
    pub fn done(&self, store: &[&str]) -> Step<(String, Duration)> {
        let started = Instant::now();
        let ended = self.start(store)?.end()?;
        match told(store, &ended) {
            None => Ok((ended.out, started.elapsed())),
            Some(why) => half_made(why),
        }
    }

    /// Gives a command, which must be refused with a code.
    pub fn refused(&self, store: &[&str], code: &str) -> Step {
        let ended = self.start(store)?.end()?;
        match told(store, &ended) {
            Some(why) if why.contains(code) => Ok(()),
            other => half_made(format!("no `{code}`: {}", other.unwrap_or_default())),
        }
    }

    /// Every row of the store, as an export tells them.
    pub fn rows(&self) -> Step<Vec<Value>> {
        let (text, _) = self.done(&["export", "--to", "-"])?;
        rows(&text).map_or_else(|| half_made("an export to a pipe is not whole".to_owned()), Ok)
    }
}

/// The commits of an export that is whole. Which commit of another store they
/// continue is not about the rows.
pub fn rows(text: &str) -> Option<Vec<Value>> {
    let mut lines = text.lines().map(serde_json::from_str::<Value>);
    lines.next()?.ok()?.get("liaison_export")?;
    let mut rows = Vec::new();
    loop {
        let mut line = lines.next()?.ok()?;
        if line.get("end").is_some() {
            return lines.next().is_none().then_some(rows);
        }
        let mut set = line.get_mut("commit")?.get_mut("set")?.take();
        set.as_object_mut()?.remove("continued");
        rows.push(set);
    }
}

/// What a command that failed says.
fn told(store: &[&str], ended: &Ended) -> Option<String> {
    if ended.status.is_some_and(|status| status.success()) {
        return None;
    }
    let how = ended.status.map_or("hangs".to_owned(), |status| status.to_string());
    Some(format!("`store {}`: {how}: {}", store.join(" "), ended.said.trim()))
}
