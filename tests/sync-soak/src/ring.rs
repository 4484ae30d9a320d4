//! Five systems that all write to each other, through one hub: an ERP, a CRM, a file
//! and two web services that protect themselves in different ways.
//!
//! People edit in each of them at once, also the same value of the same person in two
//! of them, and enter somebody new. A round is one run of each sync. After at most two
//! rounds all five must show the same, and the rounds after that must write nothing:
//! an echo that passed for an edit would travel around for ever.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde::Serialize;
use xtask::place::Place;
use xtask::steps::Steps;

use crate::dice::Dice;
use crate::people::Person;
use crate::systems::{self, Fields, System};

/// Rounds in which every edit must have reached everybody.
const ROUNDS_MAX: usize = 2;
/// Rounds after that, which must write nothing.
const QUIET_ROUNDS: usize = 2;
/// Rounds in which the systems come together for the first time.
const FIRST_ROUNDS_MAX: usize = 4;
/// Longer than the search of the CRM needs to know of a change.
const LAG: Duration = Duration::from_millis(300);

/// How large the ring is.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// People at the beginning, each known to two of the systems.
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub people: usize,
    /// Edits in each system; one more in each is in conflict with its neighbour's.
    #[arg(long, default_value_t = 6, value_name = "N")]
    pub edits: usize,
    /// Decides who is edited.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
}

/// What was seen.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The options' seed.
    pub seed: u64,
    /// People in every system at the end.
    pub people: usize,
    /// Edits, and people entered, all systems together.
    pub edits: usize,
    /// Writes of each sync, round by round, while the systems came together.
    pub first: Vec<Round>,
    /// The same after the edits, until all showed the same.
    pub rounds: Vec<Round>,
    /// The same after that.
    pub quiet: Vec<Round>,
}

/// Writes of each sync in one round.
pub type Round = BTreeMap<String, u64>;

/// Builds the ring and shows that it settles.
///
/// # Errors
/// The systems differ after the rounds, or something is written after silence.
pub fn prove(work: &Path, options: &Options) -> Result<Report> {
    let mut steps = Steps::new(4);
    let mut dice = Dice::new(options.seed);
    let (place, mut ring) = steps.step("five systems", "See above.", || open(work, options))?;
    let first = steps.step("they come together", "See above.", || {
        let mut rounds = Vec::new();
        while rounds.last().is_none_or(writes) {
            ensure!(rounds.len() < FIRST_ROUNDS_MAX, "{rounds:?}\n{}", differences(&ring)?);
            rounds.push(round(&place, &ring)?);
        }
        agree(&ring)?;
        Ok(rounds)
    })?;
    let edits = steps
        .step("edits in each of them", "See above.", || edit(&mut ring, options, &mut dice))?;
    let (rounds, quiet) = steps.step("rounds", "See above.", || {
        let mut rounds = Vec::new();
        while rounds.is_empty() || agree(&ring).is_err() {
            if rounds.len() == ROUNDS_MAX {
                bail!("after {rounds:?} they differ:\n{}", differences(&ring)?);
            }
            rounds.push(round(&place, &ring)?);
        }
        let quiet: Vec<Round> =
            (0..QUIET_ROUNDS).map(|_| round(&place, &ring)).collect::<Result<_>>()?;
        ensure!(!quiet.iter().any(writes), "written after silence: {quiet:?}");
        agree(&ring)?;
        Ok((rounds, quiet))
    })?;
    let people = ring.first().map_or(Ok(0), |system| system.people().map(|people| people.len()))?;
    Ok(Report { seed: options.seed, people, edits, first, rounds, quiet })
}

fn open(work: &Path, options: &Options) -> Result<(Place, Vec<Box<dyn System>>)> {
    let place = Place::new(work)?;
    place.configure("[namespaces.email]\nnormaliser = \"email\"\n")?;
    let mut ring = systems::open(&place)?;
    systems::enter(&mut ring, options.people)?;
    for system in &ring {
        place.write(&format!("syncs/{}.toml", system.id()), &system.sync("manual"))?;
    }
    place.ask(&["check", "--online"])?;
    Ok((place, ring))
}

/// One run of each sync; its writes.
fn round(place: &Place, ring: &[Box<dyn System>]) -> Result<Round> {
    sleep(LAG);
    let mut writes = Round::new();
    for system in ring {
        let run = place.run(system.id())?;
        writes.insert(system.id().to_owned(), run["counts"]["writes"].as_u64().unwrap_or(0));
    }
    eprintln!("      writes: {writes:?}");
    Ok(writes)
}

fn writes(round: &Round) -> bool {
    round.values().any(|writes| *writes > 0)
}

/// Edits in each system, each about somebody else; then the same value of one person
/// in two neighbours, and somebody new in each.
fn edit(ring: &mut [Box<dyn System>], options: &Options, dice: &mut Dice) -> Result<usize> {
    let mut free: Vec<usize> = (0..options.people).collect();
    let mut edits = 0;
    let count = ring.len();
    for at in 0..count {
        for number in 0..options.edits {
            if free.is_empty() {
                bail!("too few people for so many edits");
            }
            let person = Person::of(free.swap_remove(dice.below(free.len())));
            let Some(system) = ring.get_mut(at) else { continue };
            let field = if number % 2 == 1 && system.has_cities() { "city" } else { "name" };
            let value = format!("{field} {number} of {}", system.id());
            system.edit(&person.email, field, &value)?;
            edits += 1;
        }
        let person = Person::of(free.swap_remove(dice.below(free.len())));
        for editor in [at, (at + 1) % count] {
            if let Some(system) = ring.get_mut(editor) {
                let value = format!("Contested by {}", system.id());
                system.edit(&person.email, "name", &value)?;
                edits += 1;
            }
        }
        if let Some(system) = ring.get_mut(at) {
            system.enter(&Person::of(options.people + at))?;
            edits += 1;
        }
    }
    Ok(edits)
}

/// All show the same people and, of each, the same in every field that they have.
fn agree(ring: &[Box<dyn System>]) -> Result<()> {
    let told = differences(ring)?;
    ensure!(told.is_empty(), "{told}");
    Ok(())
}

fn differences(ring: &[Box<dyn System>]) -> Result<String> {
    let shown: Vec<(&str, BTreeMap<String, Fields>)> =
        ring.iter().map(|system| Ok((system.id(), system.people()?))).collect::<Result<_>>()?;
    // The first is the ERP, which has every field.
    let Some(((reference, people), others)) = shown.split_first() else { return Ok(String::new()) };
    let mut told = String::new();
    for (id, theirs) in others {
        let emails = people.keys().chain(theirs.keys());
        for email in emails.collect::<std::collections::BTreeSet<_>>() {
            let (one, other) = (people.get(email), theirs.get(email));
            let same = match (one, other) {
                (Some(one), Some(other)) => {
                    other.iter().all(|(name, value)| one.get(name) == Some(value))
                }
                _ => false,
            };
            if !same {
                told += &format!("{email}: {reference} {one:?}, {id} {other:?}\n");
            }
        }
    }
    Ok(told)
}

impl Report {
    /// For a person.
    pub fn show(&self) {
        println!(
            "{} people in each of five systems; {} edits and entries",
            self.people, self.edits
        );
        let phases = [("coming together", &self.first), ("after the edits", &self.rounds)];
        for (phase, rounds) in phases.into_iter().chain([("then", &self.quiet)]) {
            for (number, round) in rounds.iter().enumerate() {
                let of_syncs: Vec<String> =
                    round.iter().map(|(sync, writes)| format!("{sync} {writes}")).collect();
                println!("  {phase}, round {}: writes to {}", number + 1, of_syncs.join(", "));
            }
        }
        println!("agreed after {} rounds", self.rounds.len());
    }
}
