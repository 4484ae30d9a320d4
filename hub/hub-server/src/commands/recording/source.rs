//! Where recordings and the components of them are found, with a configuration or
//! without one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plugin_host::recording::{Damage, Recording};
use plugin_host::{Host, HostOptions, Limits, Package};

use crate::cli::Global;
use crate::exit::Exit;
use crate::limits::limits;
use crate::load::{Loaded, near};
use crate::package::{Found, Unfit};
use crate::recordings::{self, ENDING};
use crate::trouble::Trouble;
use crate::wire::no_sandbox;

/// Folders below one that is replayed, at most.
const DEPTH_MAX: usize = 3;

/// Where things are found, and what runs them.
pub struct Sources {
    /// The sandbox.
    pub host: Host,
    recordings: PathBuf,
    connectors: PathBuf,
}

impl Sources {
    /// Of the configuration, or of its folder where there is none.
    ///
    /// # Errors
    /// The sandbox cannot be set up.
    pub fn of(global: &Global) -> Result<Self, Trouble> {
        match Loaded::read(global) {
            Ok(loaded) => Self::with(&loaded),
            // A clean machine has none, and a broken one must not keep from looking.
            Err(_) => Self::at(
                global.config.join("data/recordings"),
                global.config.join("connectors"),
                limits(&[]).0,
            ),
        }
    }

    /// Of the configuration.
    ///
    /// # Errors
    /// The sandbox cannot be set up.
    pub fn with(loaded: &Loaded) -> Result<Self, Trouble> {
        let (limits, _) = limits(&[&loaded.config.limits]);
        Self::at(recordings::folder(loaded), loaded.connectors_dir(), limits)
    }

    fn at(recordings: PathBuf, connectors: PathBuf, limits: Limits) -> Result<Self, Trouble> {
        let options = HostOptions { cache_dir: None, cache_key: [0; 32], limits };
        let host = Host::new(options).map_err(|error| no_sandbox(&error))?;
        Ok(Self { host, recordings, connectors })
    }

    /// The recordings that a run, a file or a folder names, in order of their names.
    ///
    /// # Errors
    /// There is none.
    pub fn recordings(&self, name: &str) -> Result<Vec<PathBuf>, Trouble> {
        let path = Path::new(name);
        if !path.is_dir() {
            return Ok(vec![self.recording(name)?]);
        }
        let mut found = below(path, DEPTH_MAX, ENDING);
        found.sort();
        if found.is_empty() {
            return Err(unknown(path, "there is no recording in the folder", None));
        }
        Ok(found)
    }

    /// The recording that a run or a file names.
    ///
    /// # Errors
    /// There is none.
    pub fn recording(&self, name: &str) -> Result<PathBuf, Trouble> {
        let kept = self.recordings.join(format!("{name}{ENDING}"));
        let found = [PathBuf::from(name), kept].into_iter().find(|path| path.is_file());
        found.ok_or_else(|| {
            let runs: Vec<String> = below(&self.recordings, 0, ENDING)
                .iter()
                .filter_map(|path| path.file_name()?.to_str()?.strip_suffix(ENDING))
                .map(str::to_owned)
                .collect();
            let what = format!("there is no recording `{name}`");
            let nearest = (!runs.is_empty())
                .then(|| near(name, runs.iter().map(String::as_str), "record a run"));
            unknown(&self.recordings, &what, nearest)
        })
    }

    /// The component that was recorded, or another one that is named.
    ///
    /// # Errors
    /// It is not found, or is none.
    pub async fn package(
        &self,
        recording: &Recording,
        beside: &Path,
        named: Option<&Path>,
    ) -> Result<Arc<Package>, Trouble> {
        let found = match named {
            Some(path) => Found::read(path)?,
            None => {
                let beside = beside.parent().unwrap_or(Path::new("."));
                let folders = [self.connectors.as_path(), beside];
                let files = folders.iter().flat_map(|folder| below(folder, 1, ".wasm"));
                let digest = format!("sha256:{}", recording.header.component);
                let recorded = |path: PathBuf| Found::read_itself(&path, Some(&digest)).ok();
                files.into_iter().find_map(recorded).ok_or_else(|| self.missing(recording))?
            }
        };
        let loaded = self.host.load_bytes(found.bytes).await;
        loaded.map_err(|error| Unfit::of(found.place, &error).into())
    }

    fn missing(&self, recording: &Recording) -> Trouble {
        let header = &recording.header;
        let what = format!(
            "the recorded component of `{}` {} is not here: sha256 {}",
            header.connector, header.version, header.component
        );
        let mend = "put it there, or name one with `--component`: another version shows what it \
                    would do differently";
        Trouble::new(Exit::Usage, "replay/component", self.connectors.display(), what, mend)
    }
}

/// Reads a recording.
///
/// # Errors
/// It cannot be read, or is not whole.
pub fn read(path: &Path) -> Result<Recording, Trouble> {
    let refuse = |code: &str, what: &dyn std::fmt::Display, mend: &str| {
        Trouble::new(Exit::Usage, code, path.display(), what, mend)
    };
    let file = File::open(path)
        .map_err(|error| refuse("recording/unreadable", &error, "check the path and its rights"))?;
    Recording::read(file).map_err(|damage| {
        let (code, mend) = match &damage {
            Damage::Unpacked { .. } | Damage::Line { .. } => {
                ("recording/damaged", "fetch the file again; edited ones are refused")
            }
            Damage::Seal { .. } => {
                ("recording/changed", "use the file as it was recorded; edited ones are refused")
            }
            Damage::CutOff { .. } => {
                ("recording/cut-off", "fetch the file again: its end is missing")
            }
            Damage::Newer { .. } => ("recording/newer", "use the version that recorded it"),
            Damage::TooLarge => ("recording/too-large", "use the file as it was recorded"),
        };
        refuse(code, &damage, mend)
    })
}

fn unknown(place: &Path, what: &str, nearest: Option<String>) -> Trouble {
    let record = "record a run: `liaison sync run <sync> --record`".to_owned();
    let mend = nearest.unwrap_or(record);
    Trouble::new(Exit::Usage, "recording/unknown", place.display(), what, mend)
}

/// The files of a folder, and of those below it, whose names end so.
fn below(folder: &Path, depth: usize, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .flat_map(|path| match path.is_dir() {
            true if depth > 0 => below(&path, depth - 1, ending),
            true => Vec::new(),
            false => vec![path],
        })
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect()
}
