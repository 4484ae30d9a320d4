//! The story of the demo: load, edits on both sides, a scene, silence.

use std::{
    collections::BTreeMap,
    thread::sleep,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Options,
    data::Row,
    hub::Hub,
    prepare,
    scene::{self, Scene},
    world::{Party, SYNCS, World},
};
use crate::steps::Steps;

/// All of FEBRL's first data set.
pub const FEBRL_ROWS: usize = 1_000;
/// How long the load may take.
const LOAD_LIMIT_SECONDS: u64 = 900;
/// How long an edit may take to arrive.
const EDIT_LIMIT_SECONDS: u64 = 180;
/// How long the following rounds may take.
const QUIET_LIMIT_SECONDS: u64 = 180;
/// Rounds of every sync that must pass without a write.
const QUIET_ROUNDS: usize = 2;
/// Between two looks.
const LOOK_INTERVAL_MILLISECONDS: u64 = 500;

/// What the demo saw, for programs.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    records: u64,
    profiles: u64,
    febrl_rows: usize,
    customers: usize,
    parties_in_erp: usize,
    rows_out: usize,
    load_seconds: f64,
    edits: Vec<Edit>,
    scene: Vec<Edit>,
    quiet_rounds: Vec<Round>,
    seconds: f64,
}

/// One edit and how long it took to arrive.
#[derive(Debug, Serialize)]
pub struct Edit {
    pub(super) what: String,
    pub(super) from: &'static str,
    pub(super) seconds: f64,
}

/// One run after everything had arrived.
#[derive(Debug, Serialize)]
pub struct Round {
    sync: String,
    run: String,
    read: u64,
    writes: u64,
}

/// Tells the story.
///
/// # Errors
/// Something did not arrive, or something was written that should not.
pub fn tell(options: &Options) -> Result<()> {
    let stage = prepare("demo")?;
    let begun = Instant::now();
    let mut steps = Steps::new(5);
    let remedy = "The end of the hub's log is above.";
    let mut world = steps.step("data, configuration, a fresh ERP", remedy, || {
        World::open(stage, FEBRL_ROWS, options.customers)
    })?;
    let scene = Scene::open(&world)?;
    let syncs: Vec<&str> = SYNCS.into_iter().chain(scene::SYNCS).collect();
    let (hub, load_seconds) = steps.step("load: CSV files into the ERP", remedy, || {
        let hub = world.start_hub()?;
        let loading = Instant::now();
        let quiet = with_log(&hub, wait_until_quiet(&hub, &syncs, 1, LOAD_LIMIT_SECONDS));
        quiet?;
        Ok((hub, loading.elapsed().as_secs_f64()))
    })?;
    let edits = steps.step("edits on both sides", remedy, || {
        let edits = edit_both_sides(&mut world, &hub);
        with_log(&hub, edits)
    })?;
    let played = steps.step("a purchase, a letter, an unsubscription", remedy, || {
        with_log(&hub, scene.play(&world, &hub))
    })?;
    let quiet_rounds = steps.step("silence", remedy, || {
        let rounds = wait_until_quiet(&hub, &syncs, QUIET_ROUNDS, QUIET_LIMIT_SECONDS);
        with_log(&hub, rounds)
    })?;
    let report = Report {
        load_seconds,
        edits,
        scene: played,
        quiet_rounds,
        seconds: begun.elapsed().as_secs_f64(),
        ..report(&world, &hub)?
    };
    check(&report)?;
    scene.check()?;
    show(&report, options)?;
    if !options.once {
        eprintln!("\nThe hub and the ERP keep running; edit people in either and look.");
        eprintln!("  page      {}", hub.link()?);
        eprintln!("  ERP       {} (user {})", world.erp.url, world.erp.user);
        eprintln!("  files     {}", world.stage.work.join("data").display());
        eprintln!("Ctrl-C ends both.");
        loop {
            sleep(Duration::from_secs(3600));
        }
    }
    Ok(())
}

fn with_log<T>(hub: &Hub, result: Result<T>) -> Result<T> {
    if result.is_err() {
        eprintln!("{}", hub.log_end());
    }
    result
}

/// Counts of what is where now.
///
/// # Errors
/// The hub or the ERP does not answer.
pub fn report(world: &World, hub: &Hub) -> Result<Report> {
    let stats = hub.get("/api/v1/stats")?["stats"].take();
    Ok(Report {
        records: stats["records"].as_u64().unwrap_or(0),
        profiles: stats["profiles"].as_u64().unwrap_or(0),
        febrl_rows: world.febrl_rows,
        customers: world.customers.len(),
        parties_in_erp: world.parties()?.len(),
        rows_out: world.out()?.len(),
        ..Report::default()
    })
}

/// Everybody who came in must have gone out, once.
///
/// # Errors
/// Somebody is missing or there twice, or something was written after silence.
pub fn check(report: &Report) -> Result<()> {
    let people = usize::try_from(report.profiles).unwrap_or(0);
    if report.parties_in_erp != people || report.rows_out != people {
        bail!(
            "{people} profiles, but {} parties in the ERP and {} rows in the file",
            report.parties_in_erp,
            report.rows_out
        );
    }
    match report.quiet_rounds.iter().find(|round| round.writes > 0) {
        Some(round) => bail!("{} wrote {} items after silence", round.run, round.writes),
        None => Ok(()),
    }
}

fn show(report: &Report, options: &Options) -> Result<()> {
    if options.json {
        println!("{}", serde_json::to_string_pretty(report)?);
        return Ok(());
    }
    println!(
        "{} rows of FEBRL and {} customers: {} records, {} profiles, {} parties in the ERP, {} rows out",
        report.febrl_rows,
        report.customers,
        report.records,
        report.profiles,
        report.parties_in_erp,
        report.rows_out
    );
    for step in &report.scene {
        println!("  {:8} {}, {:.1} s later", step.from, step.what, step.seconds);
    }
    for edit in &report.edits {
        println!("  {:8} {:40} arrived after {:4.1} s", edit.from, edit.what, edit.seconds);
    }
    let rounds = report.quiet_rounds.len();
    println!("then {rounds} runs without a write; {:.0} s in all", report.seconds);
    Ok(())
}

/// Waits until each of these syncs has ended `rounds` runs in a row that changed
/// and wrote nothing, all begun after this call.
///
/// # Errors
/// A run fails, or the time is up.
pub fn wait_until_quiet(
    hub: &Hub,
    syncs: &[&str],
    rounds: usize,
    limit_seconds: u64,
) -> Result<Vec<Round>> {
    let since = now_micros()?;
    let limit = Instant::now() + Duration::from_secs(limit_seconds);
    let mut told = String::new();
    while Instant::now() < limit {
        let runs = hub.runs()?;
        let mut quiet = Vec::new();
        let mut standing = Vec::new();
        for sync in syncs {
            let of_sync: Vec<&Value> = runs.iter().filter(|run| run["sync"] == *sync).collect();
            if let Some(failed) = of_sync.first().filter(|run| run["status"] == "failed") {
                bail!("a run failed: {failed}");
            }
            let fresh = of_sync.iter().take_while(|run| is_silent(run) && started(run) >= since);
            let fresh: Vec<Round> = fresh.take(rounds).map(|run| round(run)).collect();
            standing.push(format!("{sync} {}/{rounds}", fresh.len()));
            quiet.extend(fresh);
        }
        if quiet.len() == rounds * syncs.len() {
            return Ok(quiet);
        }
        let line = standing.join(", ");
        if line != told {
            eprintln!("      quiet runs: {line}");
            told = line;
        }
        sleep(Duration::from_millis(LOOK_INTERVAL_MILLISECONDS));
    }
    bail!("not quiet after {limit_seconds} s: {told}")
}

fn is_silent(run: &Value) -> bool {
    let counts = &run["counts"];
    ["new", "changed", "deleted", "writes", "retried", "rejected"].iter().all(|c| counts[*c] == 0)
}

fn round(run: &Value) -> Round {
    Round {
        sync: run["sync"].as_str().unwrap_or_default().to_owned(),
        run: run["id"].as_str().unwrap_or_default().to_owned(),
        read: run["counts"]["read"].as_u64().unwrap_or(0),
        writes: run["counts"]["writes"].as_u64().unwrap_or(0),
    }
}

/// A run's id begins with the microsecond of its start.
fn started(run: &Value) -> u128 {
    let id = run["id"].as_str().unwrap_or_default();
    id.split('-').next().and_then(|micros| micros.parse().ok()).unwrap_or(0)
}

fn now_micros() -> Result<u128> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())
}

/// What an edit should look like on the other side.
struct Expected {
    from: &'static str,
    code: String,
    column: &'static str,
    value: String,
}

/// Edits ten people, five in the ERP and five in the file, and waits until each
/// edit is seen where it was not made.
///
/// # Errors
/// An edit is refused or does not arrive in time.
pub fn edit_both_sides(world: &mut World, hub: &Hub) -> Result<Vec<Edit>> {
    let parties = world.parties()?;
    let session = world.erp.session()?;
    let code = |index: usize| format!("C{index:05}");
    let id = |code: &str| -> Result<i64> {
        parties
            .get(code)
            .and_then(|ids| ids.first())
            .copied()
            .with_context(|| format!("{code} is not in the ERP"))
    };
    let mut expected = Vec::new();
    let begun = Instant::now();

    let mut in_erp = |index: usize, column: &'static str, value: &str| -> Result<()> {
        let code = code(index);
        let party = Party::new(&session, id(&code)?);
        match column {
            "name" => party.write(json!({ "name": value }))?,
            "email" | "phone" => party.write_child(
                "contact_mechanism",
                json!(["type", "=", column]),
                0,
                json!({ "value": value }),
            )?,
            "address1_street" => {
                party.write_child("address", json!([]), 0, json!({ "street": value }))?
            }
            _ => party.write_child("address", json!([]), 1, json!({ "street": value }))?,
        }
        expected.push(Expected { from: "ERP", code, column, value: value.to_owned() });
        Ok(())
    };
    in_erp(1, "name", "Edited In The Erp")?;
    in_erp(2, "email", "edited.in.erp@example.net")?;
    in_erp(3, "phone", "+33 1 99 00 55 01")?;
    in_erp(4, "address1_street", "1 Erp Street")?;
    in_erp(5, "address2_street", "2 Erp Street")?;

    let edits = [
        (6, "name", "Edited In The File"),
        (7, "email", "edited.in.file@example.net"),
        (8, "phone", "+33 1 99 00 55 02"),
        (9, "address1_street", "1 File Street"),
        (10, "address2_street", "2 File Street"),
    ];
    for (index, column, value) in edits {
        let code = code(index);
        let row = world.customers.iter_mut().find(|row| row["id"] == code);
        row.context("no such customer")?.insert(column.to_owned(), value.to_owned());
        expected.push(Expected { from: "file", code, column, value: value.to_owned() });
    }
    world.write_customers()?;

    let mut arrived: Vec<Edit> = Vec::new();
    let limit = begun + Duration::from_secs(EDIT_LIMIT_SECONDS);
    while !expected.is_empty() {
        let out: BTreeMap<String, Row> =
            world.out()?.into_iter().map(|row| (row["code"].clone(), row)).collect();
        let mut waiting = Vec::new();
        for edit in expected {
            let file_shows = shows(out.get(&edit.code), &edit);
            let erp_shows = edit.from == "ERP"
                || shows(Some(&Party::new(&session, id(&edit.code)?).shown()?), &edit);
            if file_shows && erp_shows {
                let what = format!("{} of {}: {}", edit.column, edit.code, edit.value);
                let seconds = begun.elapsed().as_secs_f64();
                eprintln!("      {what} arrived from the {} after {seconds:.1} s", edit.from);
                arrived.push(Edit { what, from: edit.from, seconds });
            } else {
                waiting.push(edit);
            }
        }
        expected = waiting;
        if let (Some(edit), true) = (expected.first(), Instant::now() > limit) {
            let status = hub.command(&["sync", "status"]).unwrap_or_default();
            bail!(
                "{} of {} did not arrive from the {}\n{status}",
                edit.column,
                edit.code,
                edit.from
            );
        }
        sleep(Duration::from_millis(LOOK_INTERVAL_MILLISECONDS));
    }
    Ok(arrived)
}

/// Whether a row shows an edit; systems write phone numbers in their own form.
fn shows(row: Option<&Row>, edit: &Expected) -> bool {
    let Some(value) = row.and_then(|row| row.get(edit.column)) else { return false };
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    *value == edit.value || (edit.column == "phone" && digits(value) == digits(&edit.value))
}
