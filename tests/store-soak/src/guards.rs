//! What each guard of the store is good for: the same mishap with it and
//! without it.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hub_store_sled::Guard;

use crate::image::{Files, Node, Survival};
use crate::plan::Sizes;
use crate::recording::{Recorder, STORE, put, quick_folder, read};
use crate::{Plan, Verdict, powercut, write};

/// Images per power-cut proof, and a seed with which the guard is seen to be
/// needed in so few.
const IMAGES: u64 = 8;
const SEED: u64 = 5;
/// The same for oversized commits, which go wrong less often.
const OVERSIZED_IMAGES: u64 = 40;
const OVERSIZED_SEED: u64 = 6;
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
        Guard::CommitSize => ("power cuts while a commit of many segments is written", oversize),
        Guard::Snapshots => ("a kill while a snapshot is written", leave_snapshot),
        Guard::Witness => ("files of an older state, as a bad recovery leaves", roll_back),
        Guard::Checksum => ("two cursors change places", swap_rows),
        Guard::Lock => ("a second process opens the store", open_twice),
    };
    let size = if guard == Guard::CommitSize { Sizes::Oversized } else { Sizes::Small };
    let plan = Plan { seed: SEED, size, without: None };
    let with = strike(recorder, &plan)?;
    let without = strike(recorder, &plan.without(guard))?;
    Ok(Row { guard, mishap, with, without })
}

fn cut_power(recorder: &Recorder, plan: &Plan) -> Result<Outcome> {
    images(recorder, plan, IMAGES, SEED)
}

fn images(recorder: &Recorder, plan: &Plan, images: u64, seed: u64) -> Result<Outcome> {
    let options = powercut::Options { images, seed, plan: Some(*plan) };
    let report = powercut::run(recorder, options, |_| {})?;
    let bad = report.tally.bad();
    let told = format!("{bad} of {images} images bad, seed {seed}");
    Ok(Outcome { kept: bad == 0, told })
}

fn oversize(recorder: &Recorder, plan: &Plan) -> Result<Outcome> {
    if plan.without.is_some() {
        return images(recorder, plan, OVERSIZED_IMAGES, OVERSIZED_SEED);
    }
    // With the guard there is no such commit.
    let folder = quick_folder()?;
    let dir = folder.path().join(STORE);
    let ended = recorder.program.write(&dir, plan, 3)?;
    let acked = write::last_acked(&ended.out).unwrap_or(0);
    let verdict = recorder.program.check(&dir, plan, acked)?;
    let refused = ended.said.contains("commit refused");
    let told = format!("the commit is refused; {verdict}");
    Ok(Outcome { kept: refused && verdict.is_sound(), told })
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
