//! The tracking client that Segment publishes for Python: what a web site's server
//! sends with, unmodified.

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{Unavailable, paths, process, python};

/// What is installed.
const PACKAGES: [&str; 1] = ["segment-analytics-python==2.4.0"];

/// A Python that has the client.
#[derive(Debug, Clone)]
pub struct Segment {
    python: PathBuf,
}

/// The client, if it is there.
///
/// # Errors
/// It was not set up, or could not be on this machine.
pub fn ready() -> Result<Segment, Unavailable> {
    let python = python::ready(&environment_folder(), &PACKAGES);
    let how = "cargo xtask setup --only segment fetches it";
    let python = python.ok_or_else(|| Unavailable::new("Segment's Python client", how))?;
    Ok(Segment { python })
}

/// Fetches the client.
///
/// # Errors
/// [`Unavailable`] without Python; otherwise what pip said.
pub fn prepare() -> Result<Segment> {
    let python = python::environment(&environment_folder(), &PACKAGES)?;
    Ok(Segment { python })
}

fn environment_folder() -> PathBuf {
    paths::counterparts().join("segment")
}

impl Segment {
    /// Sends calls, each a method of the client and its arguments by name, and waits
    /// until they are answered. Returns what the client complained about.
    ///
    /// # Errors
    /// The client cannot be run.
    pub fn send(&self, host: &str, key: &str, calls: &Value, gzip: bool) -> Result<Vec<String>> {
        let mut command = Command::new(&self.python);
        command.args(["-c", include_str!("segment/send.py"), host, key]);
        command.arg(if gzip { "gzip" } else { "plain" }).arg(calls.to_string());
        let said = process::read(&mut command).context("the client cannot be run")?;
        serde_json::from_str(&said).context("the script says another thing")
    }
}
