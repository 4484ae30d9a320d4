//! Prism, which somebody else wrote: it stands in front of an account and lets through
//! what keeps the vendor's specification. A request that does not is answered with 422, an
//! answer that does not with 500.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{Unavailable, apt, counterparts, paths, process, tryton};

/// What is installed: the last one that runs on Node 18.
const PACKAGE: &str = "@stoplight/prism-cli@5.14.2";
/// Longest time that it may take to start.
const START_SECONDS_MAX: u64 = 120;

/// Its program, if it was set up.
///
/// # Errors
/// It was not set up, or could not be on this machine.
pub fn ready() -> Result<PathBuf, Unavailable> {
    let program = folder().join("node_modules/@stoplight/prism-cli/dist/index.js");
    if counterparts::is_complete(&folder(), PACKAGE) && program.is_file() {
        return Ok(program);
    }
    Err(Unavailable::new("prism", "cargo xtask setup --only prism fetches it"))
}

/// Fetches it.
///
/// # Errors
/// [`Unavailable`] without Node, or where npm cannot fetch the package.
pub fn prepare() -> Result<PathBuf> {
    if let Ok(program) = ready() {
        return Ok(program);
    }
    if !process::exists("npm") && apt::install(&["nodejs", "npm"]).is_err() {
        return Err(Unavailable::new("Node", "as root: apt-get install nodejs npm").into());
    }
    counterparts::begin(&folder())?;
    let mut command = Command::new("npm");
    command.current_dir(folder()).args(["install", "--prefix", ".", "--ignore-scripts"]);
    command.args(["--no-audit", "--no-fund", "--loglevel=error", PACKAGE]);
    process::read(&mut command).map_err(|error| {
        Unavailable::new("prism", format!("npm must be able to install {PACKAGE}: {error:#}"))
    })?;
    counterparts::complete(&folder(), PACKAGE)?;
    Ok(ready()?)
}

fn folder() -> PathBuf {
    paths::counterparts().join("prism")
}

/// A running one. It ends when this is dropped.
#[derive(Debug)]
pub struct Prism {
    /// Its port on this machine.
    pub port: u16,
    log: PathBuf,
    child: Child,
}

impl Prism {
    /// Starts one in front of an account.
    ///
    /// # Errors
    /// [`Unavailable`] if it was not set up; otherwise what keeps it from starting.
    pub fn start(work: &Path, specification: &Value, account: &str) -> Result<Self> {
        let (program, port) = (ready()?, tryton::free_port()?);
        let (log, file) = (work.join("prism.log"), work.join("specification.json"));
        fs::write(&file, specification.to_string())?;
        let child = Command::new("node")
            .arg(program)
            .args(["proxy", "--errors", "--host", "127.0.0.1", "--port", &port.to_string()])
            .arg(&file)
            .arg(account)
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start node")?;
        let mut prism = Self { port, log, child };
        let limit = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if prism.child.try_wait()?.is_some() || Instant::now() > limit {
                bail!("prism did not start: {}", prism.said());
            }
            sleep(Duration::from_millis(100));
        }
        Ok(prism)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it has said so far.
    #[must_use]
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
