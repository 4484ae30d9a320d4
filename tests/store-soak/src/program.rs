//! Writers and checkers as processes: started, waited for, killed.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::{Plan, Verdict};

/// Longest life of a process that should end by itself. A store that hangs is
/// as closed as one that does not open.
const LIFE_LIMIT: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(5);

/// The program under test, and what it is run with.
#[derive(Debug, Clone)]
pub struct Program {
    /// `store-soak`.
    pub binary: PathBuf,
    /// Environment of every process.
    pub environment: Vec<(String, String)>,
}

/// How a process ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// `None` = it had to be killed.
    pub status: Option<ExitStatus>,
    /// What it printed.
    pub out: String,
    /// What it said on standard error.
    pub said: String,
}

impl Program {
    /// The program without anything around it.
    #[must_use]
    pub fn new(binary: &Path) -> Self {
        Self { binary: binary.to_owned(), environment: Vec::new() }
    }

    /// The same, with a variable of the environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Starts a command on a store.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&self, command: &str, dir: &Path, plan: &Plan, more: &[&str]) -> Result<Running> {
        let mut process = Command::new(&self.binary);
        process.arg(command).arg("--dir").arg(dir).args(plan.arguments()).args(more);
        process.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Running::start(process)
    }

    /// Writes until a commit, and waits for the end.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn write(&self, dir: &Path, plan: &Plan, until: u64) -> Result<Ended> {
        self.start("write", dir, plan, &["--until", &until.to_string()])?.end()
    }

    /// What a checker of its own process finds. A checker that dies or hangs
    /// could not open the store either.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn check(&self, dir: &Path, plan: &Plan, acked: u64) -> Result<Verdict> {
        let more = ["--json", "--acked", &acked.to_string()];
        let ended = self.start("check", dir, plan, &more)?.end()?;
        Ok(serde_json::from_str(&ended.out).unwrap_or_else(|_| {
            let how = ended.status.map_or("hangs".to_owned(), |status| status.to_string());
            Verdict::Unopenable { why: format!("{how}: {}", ended.said.trim()) }
        }))
    }
}

/// A process that runs.
#[derive(Debug)]
pub struct Running {
    child: Child,
    begun: Receiver<()>,
    out: JoinHandle<String>,
    said: JoinHandle<String>,
}

impl Running {
    /// Starts a process that is asked nothing.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(mut process: Command) -> Result<Self> {
        process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = process.spawn();
        let program = process.get_program().display();
        let mut child = started.with_context(|| format!("start {program}"))?;
        let (begins, begun) = mpsc::channel();
        let out = drained(child.stdout.take(), Some(begins));
        let said = drained(child.stderr.take(), None);
        Ok(Self { child, begun, out, said })
    }

    /// Waits until it has printed something; whether it did.
    pub fn begun(&self, limit: Duration) -> bool {
        self.begun.recv_timeout(limit).is_ok()
    }

    /// Waits until it ends, and kills it when it does not.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn end(mut self) -> Result<Ended> {
        let mut waited = Duration::ZERO;
        while waited < LIFE_LIMIT {
            if let Some(status) = self.child.try_wait()? {
                return Ok(self.collect(Some(status)));
            }
            thread::sleep(PAUSE);
            waited += PAUSE;
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(self.collect(None))
    }

    /// Kills it after a while. `status` is set when it had ended before.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn kill_after(mut self, life: Duration) -> Result<Ended> {
        thread::sleep(life);
        let status = self.child.try_wait()?;
        if status.is_none() {
            self.child.kill()?;
            self.child.wait()?;
        }
        Ok(self.collect(status))
    }

    fn collect(self, status: Option<ExitStatus>) -> Ended {
        let text = |reader: JoinHandle<String>| reader.join().unwrap_or_default();
        Ended { status, out: text(self.out), said: text(self.said) }
    }
}

/// Reads a pipe to its end; says when the first bytes come.
fn drained(
    pipe: Option<impl Read + Send + 'static>,
    begins: Option<Sender<()>>,
) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut piece = [0; 4096];
        let Some(mut pipe) = pipe else { return String::new() };
        // A pipe that breaks ends what was said, no more.
        while let Ok(length @ 1..) = pipe.read(&mut piece) {
            bytes.extend(piece.iter().take(length));
            // Nobody waits any more: nothing to say.
            let _ = begins.as_ref().map(|begins| begins.send(()));
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
