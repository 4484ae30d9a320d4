//! Plans: executed as they were shown, or refused by the name of what has moved.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::{Map, Value, json};
use xtask::demo::{data::Row, world::Party};
use xtask::place::FINDING;

use super::world::{World, row};
use crate::dice::Dice;
use crate::erp;
use crate::people::Person;

/// People of the file that a plan is about.
const CHANGED: usize = 40;
/// People who are new in the file.
const NEW: usize = 10;

/// What became of plans.
#[derive(Debug, Default, Serialize)]
pub struct Planned {
    /// Writes that were planned.
    pub planned: usize,
    /// Writes that were executed, by the ledger: the same ones.
    pub executed: usize,
    /// Plans from under which something had moved: what the refusal said.
    pub refused: Vec<String>,
}

/// A plan that is kept in a file.
struct Plan {
    file: String,
    writes: Vec<Value>,
}

pub(super) fn prove(world: &World, dice: &mut Dice) -> Result<Planned> {
    let mut rows = xtask::demo::data::read_rows(&world.place.work.join("in/people.csv"))?;
    let known = rows.len();
    change(&mut rows, known, 0, dice);
    rows.extend((1..=NEW).map(|number| row(&Person::of(known + number))));
    let plan = plan(world, &rows)?;
    ensure!(plan.writes.len() == CHANGED + NEW, "{} writes are planned", plan.writes.len());
    let applied = world.place.ask(&["apply", "erp", "--plan", &plan.file])?;
    let run = applied["run"]["id"].as_str().context("a run without an id")?;
    let entries = world.place.ledger(run, false)?;
    let (wanted, made): (BTreeSet<String>, BTreeSet<String>) =
        (plan.writes.iter().map(planned).collect(), entries.iter().map(executed).collect());
    let differ: Vec<&String> = wanted.symmetric_difference(&made).collect();
    ensure!(differ.is_empty(), "planned or executed, not both: {differ:#?}");
    ensure!(entries.len() == plan.writes.len(), "{} entries", entries.len());

    let refused = vec![
        moved_there(world, &mut rows, known, dice)?,
        moved_here(world, &mut rows, known, dice)?,
    ];
    Ok(Planned { planned: plan.writes.len(), executed: entries.len(), refused })
}

/// Somebody edits a party between plan and execution.
fn moved_there(world: &World, rows: &mut [Row], known: usize, dice: &mut Dice) -> Result<String> {
    change(rows, known, 1, dice);
    let plan = plan(world, rows)?;
    let (planned, party) = an_update_of(&plan, "phone")?;
    let phone = json!(["type", "=", "phone"]);
    let values = json!({ "value": "+33 1 99 00 99 99" });
    Party::new(&world.session, party).write_child("contact_mechanism", phone, 0, values)?;
    // Her edit is the newest: nothing is due to her any more.
    refused(world, &plan, &planned, "write")
}

/// The file says something else between plan and execution.
fn moved_here(world: &World, rows: &mut [Row], known: usize, dice: &mut Dice) -> Result<String> {
    change(rows, known, 2, dice);
    let plan = plan(world, rows)?;
    let (planned, party) = an_update_of(&plan, "phone")?;
    let code = erp::parties(&world.session)?.remove(&party).and_then(|mut it| it.remove("code"));
    let row = rows.iter_mut().find(|row| code.as_ref() == row.get("id"));
    row.context("nobody has that code")?.insert("phone".into(), "+33 1 99 00 88 88".into());
    world.write_people(rows)?;
    world.place.run("people")?;
    refused(world, &plan, &planned, "phone")
}

/// A plan is refused with the record and what of it has moved, and nothing is written.
fn refused(world: &World, plan: &Plan, planned: &Value, what: &str) -> Result<String> {
    let before = erp::parties(&world.session)?;
    let told = world.place.tell(&["apply", "erp", "--plan", &plan.file])?;
    ensure!(told.code == FINDING, "a plan gone stale was executed: {:#}", told.data);
    let moved = told.data["moved"].as_array().cloned().unwrap_or_default();
    let named = |it: &&Value| it["record"] == planned["record"] && it["what"] == what;
    let named = moved.iter().find(named);
    let named = named.with_context(|| format!("not told of {planned}: {:#}", told.data))?;
    ensure!(erp::parties(&world.session)? == before, "a refused plan wrote something");
    let run = told.data["run"]["id"].as_str().context("a run without an id")?;
    ensure!(world.place.ledger(run, false)?.is_empty(), "a refused plan is in the ledger");
    Ok(format!("{}, {} moved: {named}", told.data["run"]["fault"]["code"], moved.len()))
}

/// Changes so many people of the file: telephone or last name.
fn change(rows: &mut [Row], known: usize, round: usize, dice: &mut Dice) {
    let mut free: Vec<usize> = (0..known).collect();
    for number in 0..CHANGED {
        let Some(row) = rows.get_mut(free.swap_remove(dice.below(free.len()))) else { continue };
        let (column, value) = match number % 2 {
            0 => ("phone", format!("+33 1 99 00 7{round} {number:02}")),
            _ => ("last_name", format!("Married-{round}-{number}")),
        };
        row.insert(column.to_owned(), value);
    }
}

/// Reads the file, and plans.
fn plan(world: &World, rows: &[Row]) -> Result<Plan> {
    world.write_people(rows)?;
    world.place.run("people")?;
    let shown = world.place.ask(&["plan", "erp"])?;
    world.place.write("plan.json", &shown.to_string())?;
    let file = world.place.work.join("plan.json").display().to_string();
    let writes = shown["writes"].as_array().context("a plan without writes")?.clone();
    Ok(Plan { file, writes })
}

/// A planned update of a field, and its party.
fn an_update_of(plan: &Plan, field: &str) -> Result<(Value, i64)> {
    let update = |it: &&Value| it["action"] == "update" && !it["fields"][field].is_null();
    let found = plan.writes.iter().find(update).context("no such update is planned")?;
    let key = found["key"].as_str().context("an update without a row")?;
    Ok((found.clone(), key.parse()?))
}

/// A planned write in the form in which the ledger is compared with it.
fn planned(write: &Value) -> String {
    compared(write, &write["action"], "after")
}

/// A write that was made, in the same form. Anything else is as it was told.
fn executed(entry: &Value) -> String {
    if entry["end"] == "made" { compared(entry, &entry["kind"], "sent") } else { entry.to_string() }
}

fn compared(write: &Value, action: &Value, after: &str) -> String {
    // The row of a create is known only afterwards.
    let row = if action == "create" { Value::Null } else { json!([write["record"], write["key"]]) };
    let fields = write["fields"].as_object().cloned().unwrap_or_default();
    let field = |(name, field): (String, Value)| (name, json!([field["before"], field[after]]));
    let fields: Map<String, Value> = fields.into_iter().map(field).collect();
    json!([action, write["profile"], row, fields]).to_string()
}

impl Planned {
    /// For a person.
    pub fn show(&self) {
        println!(
            "  of {} planned writes {} were executed, the same ones",
            self.planned, self.executed
        );
        for refused in &self.refused {
            println!("  a plan gone stale was refused: {refused}");
        }
    }
}
