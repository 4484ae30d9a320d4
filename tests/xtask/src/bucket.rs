//! A server of buckets that somebody else wrote: moto, which answers as S3 does.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{Unavailable, paths, process::Running, python, tryton};

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
    let python = python::ready(&environment_folder(), &PACKAGES);
    let how = "cargo xtask setup --only bucket fetches it";
    python.ok_or_else(|| Unavailable::new("a server of buckets (moto)", how))
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
    _server: Running,
}

impl Buckets {
    /// Starts a server with an empty bucket.
    ///
    /// # Errors
    /// [`Unavailable`] if it was not set up; otherwise what keeps it from starting.
    pub fn start(folder: &Path) -> Result<Self> {
        let (python, port) = (ready()?, tryton::free_port()?);
        fs::create_dir_all(folder)?;
        let mut command = Command::new(python);
        command.args(["-W", "ignore", "-c", include_str!("bucket/serve.py")]);
        command.args([&port.to_string(), BUCKET, REGION]);
        let server = Running::start(&mut command, &folder.join("bucket.log"));
        let server = server.context("the server of buckets")?;
        Ok(Self { port, _server: server })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
