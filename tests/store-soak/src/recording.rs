//! A writer under the recorder: the files it began with, and all it did.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use hub_store::conformance::Random;
use io_events::{Event, LOG_VARIABLE, ROOT_VARIABLE, decode};
use tempfile::TempDir;

use crate::image::{Files, Node, Survival, image};
use crate::program::Ended;
use crate::{Plan, Program, write};

/// Where the store lies below the watched folder.
pub const STORE: &str = "store";
/// Zeros of a file are left out in pieces of this length: a hole reads the same.
const HOLE_BYTES: usize = 4096;

/// A run of a writer, call by call.
#[derive(Debug, Clone)]
pub struct Recording {
    /// What lay there before.
    pub base: Files,
    /// The last commit acknowledged before.
    pub acked: u64,
    /// What the writer did.
    pub events: Vec<Event>,
}

/// The program with the recorder around it.
#[derive(Debug, Clone)]
pub struct Recorder {
    /// `store-soak`.
    pub program: Program,
    /// The library to be preloaded.
    pub library: PathBuf,
}

impl Recorder {
    /// The program, watched in a folder; events go to a file.
    pub(crate) fn around(&self, root: &Path, log: &Path) -> Program {
        self.program
            .clone()
            .with("LD_PRELOAD", self.library.display().to_string())
            .with(ROOT_VARIABLE, root.display().to_string())
            .with(LOG_VARIABLE, log.display().to_string())
    }

    /// Records a writer until a commit, and proves that nothing was missed: all
    /// events in a row make the files that the writer left.
    ///
    /// # Errors
    /// The writer fails, or the recorder has missed something.
    pub fn record(&self, base: Files, acked: u64, plan: &Plan, until: u64) -> Result<Recording> {
        let folder = quick_folder()?;
        let root = folder.path().canonicalize()?.join("root");
        put(&base, &root)?;
        let log = folder.path().join("events");
        let ended = self.around(&root, &log).write(&root.join(STORE), plan, until)?;
        let Ended { status, said, .. } = &ended;
        ensure!(status.is_some_and(|status| status.success()), "the writer fails: {said}");
        let events = decode(&fs::read(&log).context("read the events")?);
        let recording = Recording { base, acked, events };
        let replayed = recording.image(recording.events.len(), Survival::All, 0)?;
        same(&replayed, &read(&root)?)?;
        ensure!(recording.acked_at(recording.events.len()) == until, "not all was acknowledged");
        Ok(recording)
    }
}

impl Recording {
    /// The files after a cut before the event `cut`.
    ///
    /// # Errors
    /// The recorder has missed something.
    pub fn image(&self, cut: usize, survival: Survival, seed: u64) -> Result<Files> {
        let events = self.events.get(..cut).unwrap_or(&self.events);
        Ok(image(&self.base, events, survival, &mut Random::new(seed))?)
    }

    /// The last commit acknowledged before the event `cut`.
    #[must_use]
    pub fn acked_at(&self, cut: usize) -> u64 {
        let mut lines = Vec::new();
        for event in self.events.iter().take(cut) {
            if let Event::Said { text } = event {
                lines.extend(text);
            }
        }
        write::last_acked(&String::from_utf8_lossy(&lines)).unwrap_or(self.acked).max(self.acked)
    }

    /// The events right after an acknowledgement: where a cut hurts most.
    #[must_use]
    pub fn ends_of_acks(&self) -> Vec<usize> {
        let said =
            |event: &Event| matches!(event, Event::Said { text } if text.starts_with(b"ack"));
        (1..=self.events.len()).filter(|end| said(&self.events[end - 1])).collect()
    }
}

/// A folder in memory where there is one: what survives is decided by the
/// events, not by the disk below.
///
/// # Errors
/// It cannot be made.
pub fn quick_folder() -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.context("make a folder")
}

/// Writes files into a folder.
///
/// # Errors
/// The system's.
pub fn put(files: &Files, root: &Path) -> Result<()> {
    fs::create_dir_all(root).with_context(|| root.display().to_string())?;
    for (path, node) in files {
        let path = root.join(path);
        match node {
            Node::Folder => fs::create_dir_all(&path)?,
            Node::File(bytes) => put_file(&path, bytes)?,
        }
    }
    Ok(())
}

fn put_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path).with_context(|| path.display().to_string())?;
    file.set_len(bytes.len() as u64)?;
    for (place, piece) in bytes.chunks(HOLE_BYTES).enumerate() {
        if piece.iter().any(|byte| *byte != 0) {
            file.seek(SeekFrom::Start((place * HOLE_BYTES) as u64))?;
            file.write_all(piece)?;
        }
    }
    Ok(())
}

/// Reads the files of a folder.
///
/// # Errors
/// The system's.
pub fn read(root: &Path) -> Result<Files> {
    let mut files = Files::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).context("read a folder")? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if entry.file_type()?.is_dir() {
                files.insert(path.clone(), Node::Folder);
                folders.push(path);
            } else {
                files.insert(path, Node::File(fs::read(entry.path())?));
            }
        }
    }
    Ok(files)
}

fn same(replayed: &Files, left: &Files) -> Result<()> {
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    ensure!(names(replayed) == names(left), "{:?}, not {:?}", names(replayed), names(left));
    for (path, node) in replayed {
        ensure!(left.get(path) == Some(node), "the recorder has missed a write to {path}");
    }
    Ok(())
}
