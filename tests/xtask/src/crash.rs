//! `cargo xtask crash --of hub`: the hub is killed at random moments of the
//! demo's load, again and again, and must then come to the same end as if nothing
//! had been. `--of delivery` kills it while it writes to several systems (see
//! [`crate::two_way`]), and without `--of` only the store is killed (see
//! [`crate::proofs`]).

use std::{collections::BTreeSet, thread::sleep, time::Duration};

use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::Value;

use crate::{
    demo::{
        hub::{self, Hub},
        prepare, story,
        world::{SYNCS, World},
    },
    proofs,
    steps::Steps,
    two_way,
};

/// Kills when nobody says how many.
const STORE_KILLS: u32 = 300;
const HUB_KILLS: u32 = 50;
/// Longest life of a process that is going to be killed.
const LIFE_MILLIS_MAX: u64 = 3_000;
/// Shortest life.
const LIFE_MILLIS_MIN: u64 = 50;
/// How long the hub may take to finish after the last kill.
const FINISH_LIMIT_SECONDS: u64 = 900;

/// How to kill.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// What is killed.
    #[arg(long, value_enum, default_value_t = Of::Store)]
    pub of: Of,
    /// How often it is killed: 300 times the store, 50 times the hub, 200 times in
    /// delivery.
    #[arg(long, value_name = "N")]
    pub kills: Option<u32>,
    /// Decides the moments; without it the store chooses one, the others take 1.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Customers in the seeded file, besides the 1,000 rows of FEBRL (hub).
    #[arg(long, default_value_t = 300, value_name = "N")]
    pub customers: usize,
    /// Print the counts as one JSON object on stdout (hub, delivery).
    #[arg(long)]
    pub json: bool,
}

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Of {
    /// A process that works on a store: two or three a second.
    Store,
    /// The whole hub during the demo's load.
    Hub,
    /// The whole hub between a request to a system and its answer.
    Delivery,
}

/// What was found after the kills.
#[derive(Debug, Serialize)]
struct Counts {
    seed: u64,
    kills: u32,
    rows: usize,
    records_of_rows: usize,
    lost: usize,
    doubled_in_erp: usize,
    missing_in_erp: usize,
    doubled_in_file: usize,
    profiles: usize,
}

/// Kills the hub and checks what is left.
///
/// # Errors
/// Anything lost, doubled or inconsistent, named.
pub fn run(options: &Options) -> Result<()> {
    match options.of {
        Of::Delivery => two_way::kills(options.kills.map(u64::from), options.seed, options.json),
        Of::Store => proofs::crash(options.kills.unwrap_or(STORE_KILLS), options.seed),
        Of::Hub => hub(
            &Load {
                kills: options.kills.unwrap_or(HUB_KILLS),
                seed: options.seed.unwrap_or(1),
                customers: options.customers,
            },
            options.json,
        ),
    }
}

/// How the hub is loaded and killed.
struct Load {
    kills: u32,
    seed: u64,
    customers: usize,
}

fn hub(options: &Load, json: bool) -> Result<()> {
    let stage = prepare("crash")?;
    let mut steps = Steps::new(3);
    let world = steps.step("data, configuration, a fresh ERP", "See above.", || {
        World::open(stage, story::FEBRL_ROWS, options.customers)
    })?;
    steps.step(&format!("{} kills, seed {}", options.kills, options.seed), "See above.", || {
        kill(&world, options)
    })?;
    let remedy = "The folder is kept: target/crash.";
    let counts = steps.step("finish and compare", remedy, || compare(&world, options))?;
    if json {
        println!("{}", serde_json::to_string_pretty(&counts)?);
    } else {
        println!(
            "{} kills: {} rows, {} lost, {} doubled in the ERP, {} missing there, {} doubled in the file; {} profiles",
            counts.kills,
            counts.rows,
            counts.lost,
            counts.doubled_in_erp,
            counts.missing_in_erp,
            counts.doubled_in_file,
            counts.profiles
        );
    }
    let wrong =
        counts.lost + counts.doubled_in_erp + counts.missing_in_erp + counts.doubled_in_file;
    if wrong > 0 {
        bail!("something was lost or doubled; seed {}", options.seed);
    }
    Ok(())
}

fn kill(world: &World, options: &Load) -> Result<()> {
    let mut state = options.seed;
    for kill in 1..=options.kills {
        let hub = Hub::spawn(&world.stage.binary, &world.stage.work)?;
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let life = LIFE_MILLIS_MIN + (state >> 33) % (LIFE_MILLIS_MAX - LIFE_MILLIS_MIN);
        sleep(Duration::from_millis(life));
        hub.kill()?;
        eprintln!("      kill {kill} after {life} ms");
    }
    Ok(())
}

fn compare(world: &World, options: &Load) -> Result<Counts> {
    let hub = world.start_hub()?;
    if let Err(error) = story::wait_until_quiet(&hub, &SYNCS, 2, FINISH_LIMIT_SECONDS) {
        eprintln!("{}", hub.log_end());
        return Err(error);
    }
    let export = hub.command(&["profile", "export"])?;
    hub.kill()?;
    hub::command(&world.stage.binary, &world.stage.work, &["store", "verify"])?;

    let profiles: Vec<Value> =
        export.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let mut keys = Vec::new();
    let mut codes = BTreeSet::new();
    for profile in &profiles {
        codes.extend(profile["traits"]["code"].as_str().map(str::to_owned));
        for record in profile["records"].as_array().into_iter().flatten() {
            keys.push(format!("{}/{}/{}", record["connection"], record["stream"], record["key"]));
        }
    }
    let distinct: BTreeSet<&String> = keys.iter().collect();
    if distinct.len() != keys.len() {
        bail!("{} records belong to more than one profile", keys.len() - distinct.len());
    }
    let of_rows = keys.iter().filter(|key| key.starts_with("\"shop\"")).count();
    let rows = world.febrl_rows + world.customers.len();
    let parties = world.parties()?;
    let out: Vec<String> = world.out()?.into_iter().map(|row| row["code"].clone()).collect();
    let out_distinct: BTreeSet<&String> = out.iter().collect();
    Ok(Counts {
        seed: options.seed,
        kills: options.kills,
        rows,
        records_of_rows: of_rows,
        lost: rows.saturating_sub(of_rows),
        doubled_in_erp: parties.values().filter(|ids| ids.len() > 1).count(),
        missing_in_erp: codes.iter().filter(|code| !parties.contains_key(*code)).count(),
        doubled_in_file: out.len() - out_distinct.len(),
        profiles: profiles.len(),
    })
}
