//! A server for mail that somebody else wrote: aiosmtpd, which takes messages in and
//! has them read by Python's own parser.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{Unavailable, counterparts, paths, python, tryton};

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
    let folder = environment_folder();
    let python = python::interpreter(&folder);
    if counterparts::is_complete(&folder, &PACKAGES.join("\n")) && python.is_file() {
        return Ok(python);
    }
    let how = "cargo xtask setup --only mail fetches it";
    Err(Unavailable::new("a server for mail (aiosmtpd)", how))
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
    child: Child,
}

impl Catcher {
    /// Starts a server that keeps what it catches in a folder.
    ///
    /// # Errors
    /// [`Unavailable`] if it was not set up; otherwise what keeps it from starting.
    pub fn start(folder: &Path) -> Result<Self> {
        let (python, port) = (ready()?, tryton::free_port()?);
        fs::create_dir_all(folder)?;
        let log = folder.join("catch.log");
        let mut child = Command::new(python)
            .args(["-W", "ignore", "-c", include_str!("mail/catch.py")])
            .arg(folder)
            .args([&port.to_string(), USER, PASSWORD])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .context("cannot start the server for mail")?;
        let mut said = String::new();
        let output = child.stdout.take().context("it has no output")?;
        BufReader::new(output).read_line(&mut said)?;
        let catcher = Self { port, folder: folder.to_path_buf(), child };
        if said.trim() != "ready" {
            bail!("the server for mail did not start: {}", fs::read_to_string(log)?);
        }
        Ok(catcher)
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

impl Drop for Catcher {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
