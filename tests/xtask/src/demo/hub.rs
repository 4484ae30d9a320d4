//! A running `liaison serve`, and the few questions that the demo asks it.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// How long a start may take on a busy machine: components are compiled once.
const START_LIMIT_SECONDS: u64 = 180;
/// How long an answer may take.
const ANSWER_LIMIT_SECONDS: u64 = 60;
/// Between two looks.
const LOOK_INTERVAL_MILLISECONDS: u64 = 200;
/// How much of the log is quoted when something went wrong.
const QUOTED_LOG_BYTES_MAX: usize = 4_000;
/// The login name in the ERP, which is no secret but comes by reference too.
const USER_VARIABLE: (&str, &str) = ("LIAISON_DEMO_ERP_USER", crate::tryton::USER);

/// A running hub; killed when dropped.
#[derive(Debug)]
pub struct Hub {
    binary: PathBuf,
    work: PathBuf,
    child: Child,
}

impl Hub {
    /// Starts the hub and waits until it answers.
    ///
    /// # Errors
    /// It ends, or does not answer in time; the end of its log is quoted.
    pub fn start(binary: &Path, work: &Path) -> Result<Self> {
        let mut hub = Self::spawn(binary, work)?;
        let limit = Instant::now() + Duration::from_secs(START_LIMIT_SECONDS);
        while Instant::now() < limit {
            if let Some(status) = hub.child.try_wait()? {
                bail!("the hub ended with {status}:\n{}", log_end(work));
            }
            if hub.get("/api/v1/health").is_ok() {
                return Ok(hub);
            }
            sleep(Duration::from_millis(LOOK_INTERVAL_MILLISECONDS));
        }
        bail!("the hub does not answer after {START_LIMIT_SECONDS} s:\n{}", log_end(work))
    }

    /// Starts the hub without waiting for anything.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(binary: &Path, work: &Path) -> Result<Self> {
        let log =
            fs::OpenOptions::new().create(true).append(true).open(work.join("liaison.log"))?;
        let child = liaison(binary, work)
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start liaison")?;
        Ok(Self { binary: binary.to_path_buf(), work: work.to_path_buf(), child })
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process as a power failure of the process alone would: SIGKILL.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks the API, as a program with the access token does.
    ///
    /// # Errors
    /// No answer, or one that is not 200 and JSON.
    pub fn get(&self, path: &str) -> Result<Value> {
        let note: Value = serde_json::from_slice(&fs::read(self.work.join("data/serve.json"))?)?;
        let address: SocketAddr = note["address"].as_str().context("no address")?.parse()?;
        let token = fs::read_to_string(self.work.join("data/api-token"))?;
        let request = format!(
            "GET {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\r\n",
            token.trim()
        );
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, address.port()))?;
        stream.set_read_timeout(Some(Duration::from_secs(ANSWER_LIMIT_SECONDS)))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
        if head.split_whitespace().nth(1) != Some("200") {
            bail!("GET {path}: {}", head.lines().next().unwrap_or_default());
        }
        serde_json::from_str(body).context("the answer is not JSON")
    }

    /// The runs that ended, newest first.
    ///
    /// # Errors
    /// No answer.
    pub fn runs(&self) -> Result<Vec<Value>> {
        let mut runs = self.get("/api/v1/runs?limit=200")?;
        let runs = runs["runs"].take();
        let ended = |run: &Value| !run["ended"].is_null();
        Ok(runs.as_array().into_iter().flatten().filter(|r| ended(r)).cloned().collect())
    }

    /// A one-time link to the page.
    ///
    /// # Errors
    /// The command fails.
    pub fn link(&self) -> Result<String> {
        let output = self.command(&["token", "link"])?;
        Ok(output.trim().to_owned())
    }

    /// Runs another command of `liaison` and returns its data.
    ///
    /// # Errors
    /// It fails; what it said is quoted.
    pub fn command(&self, arguments: &[&str]) -> Result<String> {
        command(&self.binary, &self.work, arguments)
    }

    /// The end of the hub's log.
    pub fn log_end(&self) -> String {
        log_end(&self.work)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command of `liaison` and returns its data.
///
/// # Errors
/// It fails; what it said is quoted.
pub fn command(binary: &Path, work: &Path, arguments: &[&str]) -> Result<String> {
    let output = output(binary, work, arguments)?;
    if !output.status.success() {
        bail!(
            "liaison {} ended with {}:\n{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command of `liaison` that may have bad news: its exit code says so.
///
/// # Errors
/// It cannot be started.
pub fn output(binary: &Path, work: &Path, arguments: &[&str]) -> Result<Output> {
    liaison(binary, work).args(arguments).output().context("cannot start liaison")
}

fn liaison(binary: &Path, work: &Path) -> Command {
    let mut command = Command::new(binary);
    command.arg("--config").arg(work).env(USER_VARIABLE.0, USER_VARIABLE.1);
    command
}

fn log_end(work: &Path) -> String {
    let mut text = Vec::new();
    if let Ok(mut log) = File::open(work.join("liaison.log")) {
        let _ = log.read_to_end(&mut text);
    }
    let start = text.len().saturating_sub(QUOTED_LOG_BYTES_MAX);
    String::from_utf8_lossy(text.get(start..).unwrap_or_default()).into_owned()
}
