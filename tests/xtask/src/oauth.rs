//! An authorisation server that somebody else wrote: Authlib, which knows codes with
//! PKCE, rotating refresh tokens, clients that stand for themselves, and assertions.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{Unavailable, paths, process::Running, python, tryton};

/// What is installed.
const PACKAGES: [&str; 2] = ["Authlib==1.9.10", "Flask==3.1.3"];
/// The client that it knows.
pub const CLIENT: &str = "hub";
/// The secret of that client.
pub const SECRET: &str = "cl1ent-s3cret";
/// A refresh token that it has given already.
pub const REFRESH_TOKEN: &str = "refresh-token-from-before";

/// The interpreter that has the server, if it was set up.
///
/// # Errors
/// It was not set up, or could not be on this machine.
pub fn ready() -> Result<PathBuf, Unavailable> {
    let python = python::ready(&environment_folder(), &PACKAGES);
    let how = "cargo xtask setup --only oauth fetches it";
    python.ok_or_else(|| Unavailable::new("an authorisation server (Authlib)", how))
}

/// Fetches the server.
///
/// # Errors
/// [`Unavailable`] without Python; otherwise what pip said.
pub fn prepare() -> Result<PathBuf> {
    python::environment(&environment_folder(), &PACKAGES)
}

fn environment_folder() -> PathBuf {
    paths::counterparts().join("oauth")
}

/// What it is started with.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// Where a browser is sent back to.
    pub redirect: &'a str,
    /// A file with the key that assertions are verified with.
    pub key: &'a Path,
    /// The access token that it gives, where another double wants a certain one.
    pub token: &'a str,
}

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub struct Issuer {
    /// Its port on this machine.
    pub port: u16,
    _server: Running,
}

impl Issuer {
    /// Starts a server.
    ///
    /// # Errors
    /// [`Unavailable`] if it was not set up; otherwise what keeps it from starting.
    pub fn start(folder: &Path, terms: Terms<'_>) -> Result<Self> {
        let (python, port) = (ready()?, tryton::free_port()?);
        fs::create_dir_all(folder)?;
        let mut command = Command::new(python);
        command.args(["-W", "ignore", "-c", include_str!("oauth/serve.py")]);
        command.args([&port.to_string(), CLIENT, SECRET, terms.redirect, REFRESH_TOKEN]);
        command.arg(terms.key).arg(terms.token);
        let server = Running::start(&mut command, &folder.join("oauth.log"));
        let server = server.context("the authorisation server")?;
        Ok(Self { port, _server: server })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
