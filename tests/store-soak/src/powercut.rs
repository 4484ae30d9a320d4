//! Power cuts: a writer's calls are recorded, and for many moments the files are
//! built that a disk may then hold. Each must open and hold what was acknowledged.

use std::fmt;

use anyhow::Result;
use hub_store::conformance::Random;

use crate::image::{Files, Survival};
use crate::recording::{Recorder, Recording, STORE, put, quick_folder};
use crate::{Plan, Program, Tally, Verdict};

/// Images of one recording.
const IMAGES_PER_RECORDING: u64 = 20;
/// Most commits in one recording.
const COMMITS_MAX: u64 = 40;
/// Recordings in a row, each beginning on an image of the one before: a store
/// that has survived a cut must survive the next.
const RECORDINGS_IN_A_ROW: u64 = 3;
/// Recordings in a hundred with pages instead of small commits.
const PAGES_PERCENT: u64 = 40;
/// How many unsynced blocks of a hundred survive: nothing, half, most.
const SURVIVING_PERCENT: [u64; 3] = [0, 50, 90];

/// How much to cut.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Images built and checked.
    pub images: u64,
    /// Decides everything.
    pub seed: u64,
    /// The same plan for every recording, its seed aside; otherwise they vary.
    pub plan: Option<Plan>,
}

/// What the cuts left behind.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Images checked.
    pub images: u64,
    /// Recordings they were cut from.
    pub recordings: u64,
    /// Calls recorded.
    pub events: u64,
    /// Commits that the images had to hold, summed.
    pub acked: u64,
    /// Images that held the commit under way too.
    pub one_more: u64,
    /// What the checks found.
    pub tally: Tally,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            ("images", self.images),
            ("  with the commit under way", self.one_more),
            ("recordings", self.recordings),
            ("calls recorded", self.events),
            ("acknowledged commits in all", self.acked),
        ];
        for (name, count) in rows {
            writeln!(f, "{name:<28}{count:>8}")?;
        }
        write!(f, "after each cut\n{}", self.tally)
    }
}

/// Records, cuts and checks. `progress` is called after each image.
///
/// # Errors
/// A process cannot be started, or the recorder misses something; what the store
/// does wrong is in the report.
pub fn run(
    recorder: &Recorder,
    options: Options,
    mut progress: impl FnMut(&Report),
) -> Result<Report> {
    let mut random = Random::new(options.seed);
    let mut report = Report::default();
    while report.images < options.images {
        let seed = random.next_u64() % 1_000_000_000;
        let plan = match options.plan {
            Some(plan) => Plan { seed, ..plan },
            None if random.percent(PAGES_PERCENT) => Plan::pages(seed),
            None => Plan::small(seed),
        };
        let mut base = (Files::new(), 0);
        for _ in 0..RECORDINGS_IN_A_ROW {
            let until = base.1 + 1 + random.below(COMMITS_MAX);
            let recording = recorder.record(base.0, base.1, &plan, until)?;
            report.recordings += 1;
            report.events += recording.events.len() as u64;
            let mut next = None;
            for _ in 0..IMAGES_PER_RECORDING {
                let cut = Cut::pick(&recording, &mut random);
                let files = recording.image(cut.place, cut.survival, cut.seed)?;
                let acked = recording.acked_at(cut.place);
                let verdict = checked(&recorder.program, &files, &plan, acked)?;
                let place = format!(
                    "{cut:?} of {} calls, recording {}, {}",
                    recording.events.len(),
                    report.recordings,
                    plan.arguments().join(" ")
                );
                report.images += 1;
                report.acked += acked;
                report.tally.add(&verdict, &place);
                if let Verdict::Sound { seq, .. } = verdict {
                    report.one_more += seq - acked;
                    next = Some((files, seq));
                }
                progress(&report);
                if report.images == options.images {
                    return Ok(report);
                }
            }
            match next {
                Some(sound) => base = sound,
                None => break,
            }
        }
    }
    Ok(report)
}

/// When and how the power fails.
#[derive(Debug, Clone, Copy)]
struct Cut {
    place: usize,
    survival: Survival,
    seed: u64,
}

impl Cut {
    /// Half of the cuts come right after an acknowledgement.
    fn pick(recording: &Recording, random: &mut Random) -> Self {
        let anywhere = random.below(recording.events.len() as u64 + 1);
        let anywhere = usize::try_from(anywhere).unwrap_or(0);
        let after_ack = random.pick(&recording.ends_of_acks()).copied();
        let place = if random.percent(50) { after_ack } else { None };
        let share = random.pick(&SURVIVING_PERCENT).copied().unwrap_or(0);
        Self {
            place: place.unwrap_or(anywhere),
            survival: Survival::Percent(share),
            seed: random.next_u64(),
        }
    }
}

fn checked(program: &Program, files: &Files, plan: &Plan, acked: u64) -> Result<Verdict> {
    let folder = quick_folder()?;
    put(files, folder.path())?;
    program.check(&folder.path().join(STORE), plan, acked)
}
