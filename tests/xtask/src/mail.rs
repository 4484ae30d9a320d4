//! A server for mail that somebody else wrote: aiosmtpd, which takes messages in and
//! has them read by Python's own parser.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{Unavailable, paths, process::Running, python, tryton};

/// What is installed.
const PACKAGES: [&str; 1] = ["aiosmtpd==1.4.6"];
/// The user that it knows.
pub const USER: &str = "hub";
/// The password of that user.
pub const PASSWORD: &str = "m4il-s3cret";

/// The interpreter that has the server, if it was set up.
///
/// # Errors
/// It was not set up, or could not be on this machine.
pub fn ready() -> Result<PathBuf, Unavailable> {
    let python = python::ready(&environment_folder(), &PACKAGES);
    let how = "cargo xtask setup --only mail fetches it";
    python.ok_or_else(|| Unavailable::new("a server for mail (aiosmtpd)", how))
}

/// Fetches the server.
///
/// # Errors
/// [`Unavailable`] without Python; otherwise what pip said.
pub fn prepare() -> Result<PathBuf> {
    python::environment(&environment_folder(), &PACKAGES)
}

fn environment_folder() -> PathBuf {
    paths::counterparts().join("mail")
}

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub struct Catcher {
    /// Its port on this machine.
    pub port: u16,
    folder: PathBuf,
    _server: Running,
}

impl Catcher {
    /// Starts a server that keeps what it catches in a folder.
    ///
    /// # Errors
    /// [`Unavailable`] if it was not set up; otherwise what keeps it from starting.
    pub fn start(folder: &Path) -> Result<Self> {
        let (python, port) = (ready()?, tryton::free_port()?);
        fs::create_dir_all(folder)?;
        let mut command = Command::new(python);
        command.args(["-W", "ignore", "-c", include_str!("mail/catch.py")]);
        command.arg(folder).args([&port.to_string(), USER, PASSWORD]);
        let server = Running::start(&mut command, &folder.join("catch.log"));
        let server = server.context("the server for mail")?;
        Ok(Self { port, folder: folder.to_path_buf(), _server: server })
    }

    /// The Maildir that bounces are delivered into.
    #[must_use]
    pub fn maildir(&self) -> PathBuf {
        self.folder.join("maildir")
    }

    /// What was caught, in order, as Python reads it.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn caught(&self) -> Result<Vec<Value>> {
        let folder = fs::read_dir(self.folder.join("caught"))?;
        let mut files: Vec<PathBuf> = folder.filter_map(|it| Some(it.ok()?.path())).collect();
        files.sort();
        files.iter().map(|file| Ok(serde_json::from_slice(&fs::read(file)?)?)).collect()
    }
}
