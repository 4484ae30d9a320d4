//! What each guard of the store is good for: the same mishap with it and
//! without it.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hub_store_sled::Guard;
use io_events::Event;

use crate::image::{Files, Node, Survival};
use crate::plan::Sizes;
use crate::recording::{Recorder, Recording, STORE, put, quick_folder, read};
use crate::{Plan, Verdict, powercut, write};

/// Images per power-cut proof, and a seed with which the guard is seen to be
/// needed in so few.
const IMAGES: u64 = 8;
const SEED: u64 = 5;
/// Of a plan of oversized commits the third is the first of them.
const OVERSIZED_COMMITS: u64 = 3;
/// Pages whose commits are followed to the disk.
const PAGES_COMMITS: u64 = 12;
/// Segments of the engine's log that one commit may lie in: it begins where the
/// one before it ended.
const SEGMENTS_PER_COMMIT_MAX: usize = 2;
/// Commits of a store whose rows change places: enough to have several cursors.
const SWAPPED_COMMITS: u64 = 10;
/// Of a store's segments; the engine must be told when it is opened directly.
pub(crate) const SEGMENT_BYTES: usize = 4 * 1024 * 1024;
/// What a kill during a snapshot leaves, with the highest number there is.
const UNFINISHED: &str = "snap.7FFFFFFFFFFFFFFF.generating";
/// How long a first process may take to open its store.
const OPENING_LIMIT: Duration = Duration::from_secs(120);

/// What a mishap did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The store kept its promise, or said that it cannot.
    pub kept: bool,
    /// In words.
    pub told: String,
}

/// A guard and its proof.
#[derive(Debug, Clone)]
pub struct Row {
    /// The guard.
    pub guard: Guard,
    /// What happens to the store.
    pub mishap: &'static str,
    /// With the guard.
    pub with: Outcome,
    /// Without it.
    pub without: Outcome,
}

impl Row {
    /// Whether the guard is seen to guard something.
    #[must_use]
    pub fn proves(&self) -> bool {
        self.with.kept && !self.without.kept
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.proves() { "proven" } else { "NOT PROVEN" };
        writeln!(f, "{:<12}{verdict}: {}", self.guard.name(), self.mishap)?;
        writeln!(f, "{:<14}with     {}", "", self.with.told)?;
        write!(f, "{:<14}without  {}", "", self.without.told)
    }
}

/// The proof of one guard.
///
/// # Errors
/// A process cannot be started, or the store's files are not as expected.
pub fn prove(recorder: &Recorder, guard: Guard) -> Result<Row> {
    let (mishap, strike): (_, fn(&Recorder, &Plan) -> Result<Outcome>) = match guard {
        Guard::Sync => ("power cuts while commits are acknowledged", cut_power),
        Guard::Created => ("power cuts after a store was made", cut_power),
        Guard::CommitSize => ("a commit larger than a segment of the log", oversize),
        Guard::Snapshots => ("a kill while a snapshot is written", leave_snapshot),
        Guard::Witness => ("files of an older state, as a bad recovery leaves", roll_back),
        Guard::Checksum => ("two cursors change places", swap_rows),
        Guard::Lock => ("a second process opens the store", open_twice),
    };
    let plan = Plan::small(SEED);
    let with = strike(recorder, &plan)?;
    let without = strike(recorder, &plan.without(guard))?;
    Ok(Row { guard, mishap, with, without })
}

fn cut_power(recorder: &Recorder, plan: &Plan) -> Result<Outcome> {
    let options = powercut::Options { images: IMAGES, seed: SEED, plan: Some(*plan) };
    let report = powercut::run(recorder, options, |_| {})?;
    let bad = report.tally.bad();
    let told = format!("{bad} of {IMAGES} images bad, seed {SEED}");
    Ok(Outcome { kept: bad == 0, told })
}

/// What is written between two syncs may reach the disk in any order. A commit
/// that lies in one segment, or at the border of two, is torn in one place only;
/// in one of many segments the engine may find the later ones without the
/// earlier.
fn oversize(recorder: &Recorder, plan: &Plan) -> Result<Outcome> {
    let oversized = Plan { size: Sizes::Oversized, ..*plan };
    if plan.without.is_some() {
        let recording = recorder.record(Files::new(), 0, &oversized, OVERSIZED_COMMITS)?;
        // Without the guard the segments are smaller too.
        let segments = segments_per_commit(&recording, SEGMENT_BYTES / 8)?;
        let told = format!("one commit lies in {segments} segments, in no order");
        return Ok(Outcome { kept: segments <= SEGMENTS_PER_COMMIT_MAX, told });
    }
    let folder = quick_folder()?;
    let dir = folder.path().join(STORE);
    let ended = recorder.program.write(&dir, &oversized, OVERSIZED_COMMITS)?;
    let acked = write::last_acked(&ended.out).unwrap_or(0);
    let verdict = recorder.program.check(&dir, &oversized, acked)?;
    let refused = ended.said.contains("commit refused") && verdict.is_sound();
    let pages = Plan { size: Sizes::Pages, ..*plan };
    let recording = recorder.record(Files::new(), 0, &pages, PAGES_COMMITS)?;
    let segments = segments_per_commit(&recording, SEGMENT_BYTES)?;
    let told = format!("the commit is refused; a page lies in {segments} at most; {verdict}");
    Ok(Outcome { kept: refused && segments <= SEGMENTS_PER_COMMIT_MAX, told })
}

/// Most segments of the engine's log that anything was written to between two
/// acknowledgements.
fn segments_per_commit(recording: &Recording, segment_bytes: usize) -> Result<usize> {
    let log = |event: &Event| match event {
        Event::Open { path, file, .. } if path.ends_with("/db") => Some(*file),
        _ => None,
    };
    let log = recording.events.iter().find_map(log).context("the log was never opened")?;
    let segments = |commit: &[Event]| {
        let written = commit.iter().filter_map(|event| match event {
            // The engine writes no further than to the end of a segment.
            Event::Write { file, offset, .. } if *file == log => {
                Some(offset / segment_bytes as u64)
            }
            _ => None,
        });
        written.collect::<BTreeSet<u64>>().len()
    };
    let acks = recording.ends_of_acks();
    let commits = acks.windows(2).filter_map(|ends| recording.events.get(ends[0]..ends[1]));
    commits.map(segments).max().context("too few commits")
}

/// The files of a store after so many commits.
fn written(recorder: &Recorder, plan: &Plan, base: Files, from: u64, to: u64) -> Result<Files> {
    let recording = recorder.record(base, from, plan, to)?;
    recording.image(recording.events.len(), Survival::All, 0)
}

/// Where the engine's files lie.
fn engine_folder(files: &Files) -> Result<String> {
    let db = files.keys().find_map(|path| path.strip_suffix("/db"));
    db.map(str::to_owned).context("the engine's files are not there")
}

fn checked(recorder: &Recorder, files: &Files, plan: &Plan, acked: u64) -> Result<Verdict> {
    let folder = quick_folder()?;
    put(files, folder.path())?;
    recorder.program.check(&folder.path().join(STORE), plan, acked)
}

fn leave_snapshot(recorder: &Recorder, plan: &Plan) -> Result<Outcome> {
    let mut files = written(recorder, plan, Files::new(), 0, 3)?;
    let path = format!("{}/{UNFINISHED}", engine_folder(&files)?);
    files.insert(path, Node::File(b"half a snapshot".to_vec()));
    let verdict = checked(recorder, &files, plan, 3)?;
    Ok(Outcome { kept: verdict.is_sound(), told: verdict.to_string() })
}

fn roll_back(recorder: &Recorder, plan: &Plan) -> Result<Outcome> {
    let older = written(recorder, plan, Files::new(), 0, 3)?;
    let mut files = written(recorder, plan, older.clone(), 3, 5)?;
    let below = format!("{}/", engine_folder(&files)?);
    files.retain(|path, _| !path.starts_with(&below));
    files.extend(older.into_iter().filter(|(path, _)| path.starts_with(&below)));
    let verdict = checked(recorder, &files, plan, 5)?;
    // What is lost is lost: the question is whether the store says so.
    let kept = matches!(verdict, Verdict::Refused { seq: Some(3), .. });
    Ok(Outcome { kept, told: verdict.to_string() })
}

fn swap_rows(recorder: &Recorder, plan: &Plan) -> Result<Outcome> {
    let files = written(recorder, plan, Files::new(), 0, SWAPPED_COMMITS)?;
    let folder = quick_folder()?;
    put(&files, folder.path())?;
    swap_two(&folder.path().join(engine_folder(&files)?))?;
    let files = read(folder.path())?;
    let verdict = checked(recorder, &files, plan, SWAPPED_COMMITS)?;
    let told = verdict.to_string();
    // Damage may be told, never served.
    let served = told.contains(": found ");
    let kept = matches!(verdict, Verdict::Torn { .. } | Verdict::Unopenable { .. }) && !served;
    Ok(Outcome { kept, told: told.chars().take(150).collect() })
}

/// Two cursors get each other's values, below every check of the engine: without
/// a checksum over key and value nothing would tell, and pages would be skipped.
fn swap_two(engine: &std::path::Path) -> Result<()> {
    let db = sled::Config::new().path(engine).segment_size(SEGMENT_BYTES).open()?;
    let mut rows: Vec<(sled::IVec, sled::IVec)> = db.iter().collect::<Result<_, _>>()?;
    let name = b"cursor-";
    rows.retain(|(key, _)| key.windows(name.len()).any(|part| part == name));
    let [(first, one), (second, other), ..] = rows.as_slice() else {
        bail!("the store has {} cursors", rows.len());
    };
    db.insert(first, other)?;
    db.insert(second, one)?;
    db.flush()?;
    Ok(())
}

fn open_twice(recorder: &Recorder, plan: &Plan) -> Result<Outcome> {
    let folder = quick_folder()?;
    let dir = folder.path().join(STORE);
    let first = recorder.program.start("write", &dir, plan, &[])?;
    ensure!(first.begun(OPENING_LIMIT), "the first process does not open the store");
    // It works on a snapshot, so to say.
    let engine = engine_folder(&read(folder.path())?)?;
    let its_file = folder.path().join(engine).join(UNFINISHED);
    std::fs::write(&its_file, b"half a snapshot")?;
    let second = recorder.program.write(&dir, plan, 1)?;
    let kept = its_file.exists();
    first.kill_after(Duration::ZERO)?;
    let told = if kept { "touches nothing" } else { "removes a file of the first" };
    let said = second.said.lines().last().unwrap_or_default();
    Ok(Outcome { kept, told: format!("{told}: {said}") })
}
