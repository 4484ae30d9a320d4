//! A server of buckets that somebody else wrote: moto, which answers as S3 does.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{Unavailable, counterparts, paths, python, tryton};

/// What is installed.
const PACKAGES: [&str; 2] = ["moto[server,s3]==5.2.5", "boto3==1.44.8"];
/// The bucket that it has.
pub const BUCKET: &str = "shop-files";
/// Where that is.
pub const REGION: &str = "eu-west-3";

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
    let how = "cargo xtask setup --only bucket fetches it";
    Err(Unavailable::new("a server of buckets (moto)", how))
}

/// Fetches the server.
///
/// # Errors
/// [`Unavailable`] without Python; otherwise what pip said.
pub fn prepare() -> Result<PathBuf> {
    python::environment(&environment_folder(), &PACKAGES)
}

fn environment_folder() -> PathBuf {
    paths::counterparts().join("bucket")
}

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub struct Buckets {
    /// Its port on this machine.
    pub port: u16,
    child: Child,
}

impl Buckets {
    /// Starts a server with an empty bucket.
    ///
    /// # Errors
    /// [`Unavailable`] if it was not set up; otherwise what keeps it from starting.
    pub fn start(folder: &Path) -> Result<Self> {
        let (python, port) = (ready()?, tryton::free_port()?);
        fs::create_dir_all(folder)?;
        let log = folder.join("bucket.log");
        let mut child = Command::new(python)
            .args(["-W", "ignore", "-c", include_str!("bucket/serve.py")])
            .args([&port.to_string(), BUCKET, REGION])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .context("cannot start the server of buckets")?;
        let mut said = String::new();
        let output = child.stdout.take().context("it has no output")?;
        BufReader::new(output).read_line(&mut said)?;
        let buckets = Self { port, child };
        if said.trim() != "ready" {
            bail!("the server of buckets did not start: {}", fs::read_to_string(log)?);
        }
        Ok(buckets)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Buckets {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
