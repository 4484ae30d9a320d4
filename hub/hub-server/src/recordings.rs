//! Recordings of this hub: a file per run under the data directory.
//!
//! They hold what systems answered, so they are for the hub's user alone, and go by
//! themselves: after `[recording] keep`, and when there are too many. While a run goes on
//! its file has another name; what a killed process leaves of one is removed at the next
//! start.

mod one;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use hub_config::{RecordOn, RecordingConfig};
use hub_engine::{Env, Event, SystemEnv};
use hub_model::{RunStatus, Timestamp};
use plugin_host::recording::{Header, Recorder, Tape};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::exit::Exit;
use crate::load::Loaded;
use crate::private;
use crate::trouble::Trouble;

pub use self::one::{Bytes, OneRecording};

/// Most recordings kept; the oldest go first.
const RECORDINGS_MAX: usize = 100;
/// What the name of a recording ends with.
pub const ENDING: &str = ".ndjson.gz";
/// What the name of one that is being made ends with.
const UNFINISHED: &str = ".unfinished";

/// What records the runs of this hub.
#[derive(Debug)]
pub struct Recordings {
    folder: PathBuf,
    rule: RecordingConfig,
    /// Runs that go on; none = one that cannot be recorded.
    tapes: Mutex<BTreeMap<String, Option<Arc<Tape>>>>,
}

/// Where recordings of a configuration are.
pub fn folder(loaded: &Loaded) -> PathBuf {
    loaded.data_dir().join("recordings")
}

impl Recordings {
    /// What the configuration says is recorded, or everything; none = nothing is.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub fn open(loaded: &Loaded, always: bool) -> Result<Option<Arc<Self>>, Trouble> {
        let mut rule = loaded.config.recording;
        if always {
            rule.on = RecordOn::Always;
        }
        let folder = folder(loaded);
        if rule.on == RecordOn::Never && !folder.exists() {
            return Ok(None);
        }
        private::folder(&folder).map_err(|error| {
            let what = format!("recordings cannot be kept: {error}");
            let mend = "check owner, permissions and free space";
            Trouble::new(Exit::Usage, "recording/folder", folder.display(), what, mend)
        })?;
        let recordings = Self { folder, rule, tapes: Mutex::default() };
        recordings.tidy();
        Ok((rule.on != RecordOn::Never).then(|| Arc::new(recordings)))
    }

    /// Ends the recording of a run, and keeps it if it is worth it: where it is then.
    pub fn ended(&self, run: &str, failed: bool) -> Option<PathBuf> {
        let tape = self.tapes().remove(run)??;
        let (unfinished, path) = self.names(run);
        let ending = tape.end();
        let wanted = self.rule.on == RecordOn::Always || failed || tape.faults() > 0;
        if !wanted || ending.is_err() {
            warn(run, fs::remove_file(unfinished));
            return None;
        }
        if let Ok(ending) = ending
            && let Some(limit) = ending.stopped
        {
            tracing::warn!(run, limit, "the recording ends before its run");
        }
        if let Err(error) = fs::rename(unfinished, &path) {
            warn(run, Err(error));
            return None;
        }
        self.tidy();
        Some(path)
    }

    /// Ends recordings as their runs end.
    pub async fn follow(self: Arc<Self>, mut events: Receiver<Event>) {
        loop {
            match events.recv().await {
                Ok(Event::Ended(run)) => {
                    use RunStatus::{Failed, Interrupted};
                    let failed = matches!(run.status, Failed | Interrupted);
                    let recordings = self.clone();
                    let ending = move || recordings.ended(run.id.as_str(), failed);
                    // Nobody is told: what went wrong is in the log.
                    let _ = tokio::task::spawn_blocking(ending).await;
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Ends what is left when the hub stops: those runs are interrupted.
    pub fn end_rest(&self) {
        let runs: Vec<String> = self.tapes().keys().cloned().collect();
        for run in runs {
            self.ended(&run, true);
        }
    }

    fn tapes(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Option<Arc<Tape>>>> {
        self.tapes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn names(&self, run: &str) -> (PathBuf, PathBuf) {
        let name = |ending: &str| self.folder.join(format!("{run}{ending}"));
        (name(UNFINISHED), name(ENDING))
    }

    fn begin(&self, run: &str, header: Header) -> io::Result<Arc<Tape>> {
        let file = private::new_file(&self.names(run).0)?;
        Ok(Arc::new(Tape::begin(Box::new(io::BufWriter::new(file)), header)?))
    }

    /// Removes what is unfinished and goes on no more, what is too old, and what is too
    /// much.
    fn tidy(&self) {
        let since = self.rule.keep.before(SystemEnv::default().now());
        let going: Vec<PathBuf> = self.tapes().keys().map(|run| self.names(run).0).collect();
        let mut kept = Vec::new();
        for (path, written) in files(&self.folder) {
            let unfinished = path.extension().is_some_and(|it| it == &UNFINISHED[1..]);
            if unfinished && !going.contains(&path) || written < since {
                warn("", fs::remove_file(path));
            } else if !unfinished {
                kept.push((written, path));
            }
        }
        kept.sort();
        let excess = kept.len().saturating_sub(RECORDINGS_MAX);
        kept.drain(..excess).for_each(|(_, path)| warn("", fs::remove_file(path)));
    }
}

impl Recorder for Recordings {
    fn tape(&self, run: &str, header: &dyn Fn() -> Header) -> Option<Arc<Tape>> {
        // Checks, handshakes and the like are no runs: those begin with a time.
        run.split_once('-').filter(|(time, _)| time.parse::<u64>().is_ok())?;
        if let Some(known) = self.tapes().get(run) {
            return known.clone();
        }
        let begun = self.begin(run, header());
        let tape = begun.map_err(|error| warn(run, Err(error))).ok();
        self.tapes().insert(run.to_owned(), tape.clone());
        tape
    }
}

/// The files of a folder, and when each was written.
pub fn files(folder: &Path) -> Vec<(PathBuf, Timestamp)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let written = |path: &Path| {
        let modified = fs::metadata(path).and_then(|it| it.modified()).ok()?;
        let since = modified.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_micros()).ok().map(Timestamp)
    };
    let files = entries.map(|entry| entry.path()).filter(|path| path.is_file());
    files.filter_map(|path| written(&path).map(|at| (path, at))).collect()
}

/// A recording that fails costs nothing but itself.
fn warn(run: &str, done: io::Result<()>) {
    if let Err(error) = done {
        tracing::warn!(run, %error, "a recording cannot be kept");
    }
}
