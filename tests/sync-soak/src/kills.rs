//! The hub is killed while it delivers, again and again, between a request and its
//! answer.
//!
//! It brings the people of a growing file to four systems at once: a real ERP, and
//! three services that know every contact that was ever made in them. One of these
//! takes a create by the address, one knows a repeated request by its key, one offers
//! nothing at all; and their searches do not find what was made a moment ago, so that
//! looking does not help.
//!
//! Where anything protects, nobody may be there twice. Where nothing does, whoever is
//! there twice must be among the possible duplicates that the hub lists, and the list
//! must be short: it could always be right by naming everybody.

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Serialize;
use serde_json::Value;
use xtask::demo::{
    hub::{self, Hub},
    story::wait_until_quiet,
};
use xtask::steps::Steps;

use crate::dice::Dice;

use world::{SYNCS, World};

/// How long after its first write a hub is killed, at most.
const LIFE_MILLIS_MAX: usize = 600;
/// How long a hub may take until its first write.
const FIRST_WRITE_LIMIT_SECONDS: u64 = 60;
/// Between two looks for it.
const LOOK_INTERVAL_MILLIS: u64 = 5;
/// How long the hub may take to finish after the last kill: creates stay open for a
/// minute, and those that were made again may wait once more.
const FINISH_LIMIT_SECONDS: u64 = 600;

/// How often it is killed.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// How often the hub is killed.
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub kills: usize,
    /// Decides the moments, and how long each request takes.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// People who are new in the file after each kill.
    #[arg(long, default_value_t = 12, value_name = "N")]
    pub people: usize,
}

/// What was found after the kills.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The options' seed.
    pub seed: u64,
    /// How often the hub was killed.
    pub kills: usize,
    /// People of the file.
    pub people: usize,
    /// Seconds from the first start to the last kill.
    pub seconds: f64,
    /// By system.
    pub systems: BTreeMap<String, Found>,
}

/// What a system showed.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    /// What protects it, by `liaison plan`.
    pub delivery: String,
    /// Writes that got no answer, by the ledger: found there, lost, or unknown.
    pub unanswered: BTreeMap<String, usize>,
    /// People who are there more than once.
    pub doubled: usize,
    /// People who are missing.
    pub missing: usize,
    /// People who are not shown as the file has them.
    pub stale: usize,
    /// Possible duplicates that the hub lists.
    pub listed: usize,
    /// People who are there more than once and not in the list.
    pub unlisted: usize,
}

/// Kills the hub so often, lets it finish, and compares.
///
/// # Errors
/// The hub cannot finish. What it lost or doubled is in the report
/// ([`Report::judge`]).
pub fn prove(work: &Path, options: &Options) -> Result<Report> {
    let mut steps = Steps::new(4);
    let mut dice = Dice::new(options.seed);
    let mut world = steps
        .step("an ERP and three services", "See above.", || World::open(work, options.seed))?;
    let begun = Instant::now();
    let title = format!("{} kills, seed {}", options.kills, options.seed);
    steps.step(&title, "The end of the hub's log is above.", || {
        (1..=options.kills).try_for_each(|kill| {
            world.grow(options.people, &mut dice)?;
            let life = strike(&world, &mut dice)?;
            eprintln!("      kill {kill} {life} ms after the first write");
            Ok(())
        })
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    steps.step("finish", "The end of the hub's log is above.", || finish(&world))?;
    let systems = steps.step("compare", "The folder is kept.", || compare(&world))?;
    let people = world.people.len();
    Ok(Report { seed: options.seed, kills: options.kills, people, seconds, systems })
}

/// One life of the hub, which ends a while after one of its first writes.
fn strike(world: &World, dice: &mut Dice) -> Result<u64> {
    let before = world.begun();
    let hub = Hub::spawn(&world.place.binary, &world.place.work)?;
    let limit = Instant::now() + Duration::from_secs(FIRST_WRITE_LIMIT_SECONDS);
    while world.begun() == before {
        if Instant::now() > limit {
            bail!("no write after {FIRST_WRITE_LIMIT_SECONDS} s:\n{}", hub.log_end());
        }
        sleep(Duration::from_millis(LOOK_INTERVAL_MILLIS));
    }
    let life = dice.below(LIFE_MILLIS_MAX) as u64;
    sleep(Duration::from_millis(life));
    hub.kill()?;
    Ok(life)
}

/// Lets the hub bring everything to its end.
fn finish(world: &World) -> Result<()> {
    let hub = Hub::start(&world.place.binary, &world.place.work)?;
    if let Err(error) = wait_until_quiet(&hub, &SYNCS, 2, FINISH_LIMIT_SECONDS) {
        eprintln!("{}", hub.log_end());
        return Err(error);
    }
    hub.kill()?;
    hub::command(&world.place.binary, &world.place.work, &["store", "verify"])?;
    Ok(())
}

fn compare(world: &World) -> Result<BTreeMap<String, Found>> {
    let of_system = |system: &&str| Ok(((*system).to_owned(), look(world, system)?));
    SYNCS.iter().filter(|sync| **sync != "people").map(of_system).collect()
}

/// Compares what a system shows with the file, and with what the hub says of it.
fn look(world: &World, system: &str) -> Result<Found> {
    let plan = world.place.ask(&["plan", system])?;
    let mut found = Found {
        delivery: plan["delivery"].as_str().context("no delivery class")?.to_owned(),
        ..Found::default()
    };
    for entry in world.place.ledger(system, false)? {
        let end = entry["end"].as_str().unwrap_or_default();
        if ["found", "lost", "unknown"].contains(&end) {
            *found.unanswered.entry(end.to_owned()).or_insert(0) += 1;
        }
    }
    let email = |entry: &Value| entry["fields"]["email"]["sent"].as_str().map(str::to_owned);
    let listed = world.place.ledger(system, true)?;
    let listed: BTreeSet<String> = listed.iter().filter_map(email).collect();
    found.listed = listed.len();
    let rows = world.rows(system)?;
    for (email, name) in &world.people {
        let names = rows.get(email).map_or(&[][..], Vec::as_slice);
        match names {
            [] => found.missing += 1,
            [_] => {}
            _ => {
                found.doubled += 1;
                found.unlisted += usize::from(!listed.contains(email));
            }
        }
        found.stale += usize::from(!names.is_empty() && !names.contains(name));
    }
    Ok(found)
}

impl Report {
    /// For a person.
    pub fn show(&self) {
        println!("{} kills in {:.0} s, {} people", self.kills, self.seconds, self.people);
        for (system, found) in &self.systems {
            println!(
                "  {system} ({}): {} doubled, {} missing, {} stale; unanswered {:?}; {} listed as possible duplicates, {} of the doubled are not",
                found.delivery,
                found.doubled,
                found.missing,
                found.stale,
                found.unanswered,
                found.listed,
                found.unlisted
            );
        }
    }

    /// Whether what was promised holds.
    ///
    /// # Errors
    /// What does not.
    pub fn judge(&self) -> Result<()> {
        for (system, found) in &self.systems {
            ensure!(found.missing + found.stale == 0, "{system} was not brought up to date");
            ensure!(found.unlisted == 0, "{} doubles of {system} are not listed", found.unlisted);
            if found.delivery == "possible-duplicates" {
                ensure!(found.listed * 2 < self.people, "the list of {system} names everybody");
            } else {
                ensure!(found.doubled == 0, "{} doubles in {system}", found.doubled);
            }
        }
        let unanswered = self.systems.values().flat_map(|found| found.unanswered.values());
        ensure!(unanswered.sum::<usize>() > 0, "no kill fell between a request and its answer");
        Ok(())
    }
}
