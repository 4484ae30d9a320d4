//! A wrecked mapping, and what was planned.
//!
//! An ERP has a thousand parties; half of them were entered by its users, the others
//! by the hub. Then somebody swaps first and last name in the mapping, and writes one
//! address to everybody. The guards hold the run; an operator approves it, and every
//! party is rewritten. While people go on editing, the run is undone: afterwards the
//! ERP must be as it was, field by field, except for their edits.
//!
//! Behind it stand the two promises about plans: what is executed is what was planned,
//! write by write, and a plan from under which something has moved is refused by name.

mod plans;
mod world;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::Value;
use xtask::place::FINDING;
use xtask::steps::Steps;

use crate::dice::Dice;
use crate::erp::{self, Party};
pub use plans::Planned;
use world::{Edit, Mapping, World};

/// How large the ERP is.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Parties of the ERP.
    #[arg(long, default_value_t = 1_000, value_name = "N",
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(120..))]
    pub parties: usize,
    /// Parties that are edited between the run and its undoing.
    #[arg(long, default_value_t = 30, value_name = "N",
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(3..=100))]
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
    /// Parties of the ERP.
    pub parties: usize,
    /// What the held run would have written.
    pub held: Value,
    /// Parties that the run rewrote, by the ERP.
    pub wrecked: usize,
    /// Fields that people edited meanwhile.
    pub edits: usize,
    /// Writes of the undoing.
    pub taken_back: u64,
    /// Fields that the undoing skipped, by its reason.
    pub skipped: BTreeMap<String, usize>,
    /// Fields of the ERP that differ from before in any other way than by an edit.
    pub differences: usize,
    /// Writes of the next run, the mapping being as wrecked as before.
    pub written_after: u64,
    /// Edits of fields that were the hub's meanwhile, which it wrote over once the
    /// mapping was mended. Nothing else is written then.
    pub reclaimed: usize,
    /// What became of plans.
    pub plans: Planned,
}

/// Wrecks an ERP and takes it back.
///
/// # Errors
/// Whatever is not as it was promised, by name.
pub fn prove(work: &Path, options: &Options) -> Result<Report> {
    let mut steps = Steps::new(5);
    let mut dice = Dice::new(options.seed);
    let world =
        steps.step("an ERP and people", "See above.", || World::open(work, options.parties))?;
    let before = erp::parties(&world.session)?;
    ensure!(before.len() == options.parties, "{} parties", before.len());
    let (held, run) = steps.step("a wrecked mapping", "See above.", || wreck(&world))?;
    let wrecked = erp::parties(&world.session)?;
    let rewritten = before.iter().filter(|(id, party)| wrecked.get(id) != Some(party)).count();
    ensure!(rewritten == before.len(), "only {rewritten} parties were rewritten");

    let edits = world.edit(&before, options.edits, &mut dice)?;
    let (taken_back, skipped) = steps.step("undo", "See above.", || undo(&world, &run))?;
    let after = erp::parties(&world.session)?;
    let expected = expected(&before, &edits);
    let differences = differences(&expected, &after);
    ensure!(differences.is_empty(), "after the undoing:\n{}", differences.join("\n"));
    let (written_after, reclaimed) =
        steps.step("silence, and a mended mapping", "See above.", || {
            Ok((silence(&world, &expected)?, mend(&world, &before, &expected)?))
        })?;

    let plans = steps.step("plans", "See above.", || plans::prove(&world, &mut dice))?;
    Ok(Report {
        seed: options.seed,
        parties: before.len(),
        held,
        wrecked: rewritten,
        edits: edits.len(),
        taken_back,
        skipped,
        differences: differences.len(),
        written_after,
        reclaimed,
        plans,
    })
}

/// Lets a wrecked mapping loose: it is held, approved, and runs. What was held, and
/// the run that wrote.
fn wreck(world: &World) -> Result<(Value, String)> {
    world.map(Mapping::Wrecked)?;
    let place = &world.place;
    let held = place.tell(&["sync", "run", "erp"])?;
    ensure!(held.code == FINDING && held.data["status"] == "held", "not held: {:#}", held.data);
    ensure!(held.data["counts"]["writes"] == 0, "a held run wrote: {:#}", held.data);
    let list = place.tell(&["hold", "list"])?;
    let hold = list.data["holds"][0].clone();
    let run = hold["run"].as_str().context("no run is held")?;
    place.ask(&["hold", "approve", run])?;
    let run = place.run("erp")?;
    Ok((hold["counts"].clone(), run["id"].as_str().context("a run without an id")?.to_owned()))
}

/// Takes a run back; its writes, and what it skipped by reason.
fn undo(world: &World, run: &str) -> Result<(u64, BTreeMap<String, usize>)> {
    let place = &world.place;
    let shown = place.tell(&["undo", run])?;
    let undone = place.tell(&["undo", run, "--yes"])?;
    let counts = &undone.data["run"]["counts"];
    let (written, planned) = (counts["updated"].as_u64(), shown.data["writes"].as_array());
    let planned = planned.map(|writes| writes.len() as u64);
    ensure!(written == planned, "shown {planned:?} writes, made {written:?}: {:#}", undone.data);
    let mut skipped = BTreeMap::new();
    for left in undone.data["skipped"].as_array().into_iter().flatten() {
        let why = left["why"].as_str().context("skipped for no reason")?;
        *skipped.entry(why.to_owned()).or_insert(0) += 1;
    }
    Ok((written.unwrap_or(0), skipped))
}

/// What the ERP must show: everything as before, and the edits.
fn expected(before: &BTreeMap<i64, Party>, edits: &[Edit]) -> BTreeMap<i64, Party> {
    let mut expected = before.clone();
    for Edit { party, field, value } in edits {
        expected.entry(*party).or_default().insert(field.clone(), value.clone());
    }
    expected
}

fn differences(expected: &BTreeMap<i64, Party>, shown: &BTreeMap<i64, Party>) -> Vec<String> {
    let ids = expected.keys().chain(shown.keys().filter(|id| !expected.contains_key(id)));
    let differ = ids.filter(|id| expected.get(id) != shown.get(id));
    differ.map(|id| format!("{id}: {:?}, not {:?}", shown.get(id), expected.get(id))).collect()
}

/// Runs the sync with the mapping as it is: what was undone stays undone. Writes.
fn silence(world: &World, expected: &BTreeMap<i64, Party>) -> Result<u64> {
    let run = world.place.run("erp")?;
    let differences = differences(expected, &erp::parties(&world.session)?);
    ensure!(differences.is_empty(), "after the next run:\n{}", differences.join("\n"));
    Ok(run["counts"]["writes"].as_u64().unwrap_or(0))
}

/// Mends the mapping. What people have not edited stays as it was before everything;
/// how many of their edits are in fields that are the hub's to write.
fn mend(
    world: &World,
    before: &BTreeMap<i64, Party>,
    edited: &BTreeMap<i64, Party>,
) -> Result<usize> {
    world.map(Mapping::Sound)?;
    world.place.run("erp")?;
    let mut reclaimed = 0;
    for (id, party) in erp::parties(&world.session)? {
        let (before, edited) = (before.get(&id), edited.get(&id));
        let of = |party: Option<&Party>, name: &str| party.and_then(|it| it.get(name)).cloned();
        for name in party.keys() {
            let shown = party.get(name).cloned();
            let (before, edited) = (of(before, name), of(edited, name));
            reclaimed += usize::from(shown != edited);
            ensure!(
                shown == edited || shown == before,
                "{id} shows {name} {shown:?} once the mapping is mended, not {edited:?}"
            );
        }
    }
    Ok(reclaimed)
}

impl Report {
    /// For a person.
    pub fn show(&self) {
        println!("{} parties in the ERP", self.parties);
        println!("  the wrecked mapping was held with {}", self.held);
        println!(
            "  approved, it rewrote {} of them; then people edited {} fields",
            self.wrecked, self.edits
        );
        println!("  the undoing wrote {} of them and skipped {:?}", self.taken_back, self.skipped);
        println!(
            "  {} differences from before, except the edits; {} writes in the next run",
            self.differences, self.written_after
        );
        println!(
            "  once the mapping was mended the hub took {} edited fields back",
            self.reclaimed
        );
        self.plans.show();
    }
}
