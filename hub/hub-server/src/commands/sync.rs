//! `liaison sync`: list, run, status.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hub_engine::{Engine, Env, Event, RunRefused, SyncStatus, SystemEnv};
use hub_http::views;
use hub_model::{Run, RunStatus, SyncId};
use hub_store::Store;
use serde_json::{Value, json};

use super::profile::encoded;
use crate::cli::SyncCommand;
use crate::client::Client;
use crate::commands::lang;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, Progress, table, talk, text};
use crate::reach::{self, Data};
use crate::recordings::Recordings;
use crate::signals::{Closing, closed};
use crate::tokens::StoredTokens;
use crate::trouble::Trouble;
use crate::wire::Wiring;

/// Instants shown by `sync list`.
const NEXT_SHOWN: usize = 3;
/// Runs shown with one sync.
const RUNS_SHOWN: usize = 10;
/// Runs looked at to find the last that ended.
const RUNS_READ: usize = 5;
/// How long to wait before a hub is asked again whether a run has ended.
const END_PAUSE: Duration = Duration::from_millis(250);
/// How often a hub may not know yet of the run that it has begun.
const UNKNOWN_LOOKS_MAX: u32 = 40;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: SyncCommand, out: Out) -> Result<Exit, Trouble> {
    match command {
        SyncCommand::List => list(loaded, out).await,
        SyncCommand::Run { id, record } => {
            let id = loaded.sync(&id)?.id.clone();
            let run = match reach::find_or_create(loaded).await? {
                Data::Store(store) => run_here(loaded, store, &id, record).await?,
                Data::Hub(_) if record => return Err(recorded_there()),
                Data::Hub(client) => run_there(&client, &id).await?,
            };
            show_run(&run, out)
        }
        SyncCommand::Status { id } => {
            if let Some(id) = &id {
                loaded.sync(id)?;
            }
            status(loaded, id.as_deref(), out).await
        }
    }
}

async fn list(loaded: &Loaded, out: Out) -> Result<Exit, Trouble> {
    let now = SystemEnv::default().now();
    let waiting = waiting(loaded).await?;
    let mut views = Vec::new();
    let mut rows = Vec::new();
    for sync in &loaded.config.syncs {
        let Some(schedule) = loaded.schedules.get(&sync.id) else { continue };
        let times = if sync.paused { Vec::new() } else { schedule.next_n(now, NEXT_SHOWN) };
        let next: Vec<String> = times.iter().map(ToString::to_string).collect();
        let zone = loaded.config.zone_of(sync).as_str();
        let stream = format!("{}/{}", sync.mapping.stream.connection, sync.mapping.stream.stream);
        views.push(json!({
            "id": sync.id, "connection": sync.mapping.stream.connection,
            "stream": sync.mapping.stream.stream, "kind": sync.mapping.word(),
            "schedule": &*sync.schedule, "zone": zone, "words": schedule.describe(),
            "paused": sync.paused, "next": next, "fields": views::fields(&sync.mapping),
            "until": waiting.get(sync.id.as_str()),
        }));
        rows.push(vec![
            sync.id.to_string(),
            stream,
            arrows(sync.mapping.reads(), sync.mapping.writes()).to_owned(),
            schedule.describe(),
            match (sync.paused, waiting.get(sync.id.as_str()), next.first()) {
                (true, ..) => "paused".to_owned(),
                (false, Some(until), _) => format!("waiting until {until}"),
                (false, None, Some(next)) => next.clone(),
                (false, None, None) => "by hand".to_owned(),
            },
        ]);
    }
    out.data(&json!({ "syncs": views }), || {
        table(&["SYNC", "STREAM", "", "SCHEDULE", "NEXT"], &rows)
    })?;
    Ok(Exit::Ok)
}

/// Syncs that wait for their vendors, and until when.
async fn waiting(loaded: &Loaded) -> Result<BTreeMap<String, String>, Trouble> {
    let view = match reach::find(loaded).await? {
        Data::Store(store) => local_status(loaded, &*store, None).await?,
        Data::Hub(client) => client.get("/api/v1/syncs").await?,
    };
    let syncs = view.get("syncs").and_then(Value::as_array).into_iter().flatten();
    let waits = |sync: &Value| Some((text(sync, "/id"), sync.get("until")?.as_str()?.to_owned()));
    Ok(syncs.filter_map(waits).collect())
}

/// The system at the left, the profile at the right.
const fn arrows(reads: bool, writes: bool) -> &'static str {
    match (reads, writes) {
        (true, true) => "<->",
        (false, true) => "<-",
        _ => "->",
    }
}

/// Runs it in this process.
async fn run_here(
    loaded: &Loaded,
    store: Arc<dyn Store>,
    id: &SyncId,
    record: bool,
) -> Result<Value, Trouble> {
    let recordings = Recordings::open(loaded, record)?;
    let wiring = Wiring::kept(loaded, Arc::new(StoredTokens(store.clone())))?;
    let wiring = wiring.recorded_by(recordings.clone());
    let engine = wiring.engine(store, None, wiring.one(id).await.jobs).await?;
    let run = watched(&engine, id, engine.run_once(id)).await?;
    if let Some(recordings) = recordings {
        let good = matches!(text(&run, "/status").as_str(), "succeeded" | "with-rejects");
        if let Some(path) = recordings.ended(&text(&run, "/id"), !good) {
            talk(format!("recorded in {}", path.display()));
            talk(format!("replay it: liaison replay {}", text(&run, "/id")));
        }
    }
    Ok(run)
}

/// A run of another process is recorded by that one.
fn recorded_there() -> Trouble {
    Trouble::new(
        Exit::Usage,
        "recording/by-hub",
        "--record",
        "a hub is running and does the work: it records what its configuration says",
        "write `[recording]` with `on = \"failure\"` into liaison.toml and start it again, or stop it",
    )
}

/// Waits for the end of a run in this process, and shows how far it is.
pub(super) async fn watched(
    engine: &Engine,
    id: &SyncId,
    running: impl Future<Output = Result<Run, RunRefused>>,
) -> Result<Value, Trouble> {
    let mut events = engine.subscribe();
    let mut progress = Progress::new();
    tokio::pin!(running);
    let stop = async {
        match Closing::listen() {
            Ok(closing) => closed(closing.receiver()).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::pin!(stop);
    let mut stopping = false;
    let run = loop {
        tokio::select! {
            run = &mut running => break run,
            Ok(event) = events.recv() => {
                if let Event::Progress { counts, .. } = event {
                    progress.show(&counted(&views::counts(&counts)));
                }
            }
            () = &mut stop, if !stopping => {
                stopping = true;
                // Ends the run at its next commit; `running` then returns it.
                let engine = engine.clone();
                tokio::spawn(async move { engine.stop().await });
            }
        }
    };
    progress.clear();
    run.map(|run| views::run(&run, lang())).map_err(|why| refused(id, why))
}

/// Why a run was not started.
pub(super) fn refused(id: &SyncId, why: RunRefused) -> Trouble {
    let place = format!("syncs/{id}.toml");
    Trouble::new(Exit::Finding, "sync/refused", place, why, "wait for the other run to end")
}

/// Waits for the end of a run that a hub has begun.
pub(super) async fn ended(client: &Client, run: &str) -> Result<Value, Trouble> {
    let path = format!("/api/v1/runs/{}", encoded(run));
    let mut unknown = 0;
    loop {
        tokio::time::sleep(END_PAUSE).await;
        match client.get(&path).await {
            Ok(run) if text(&run, "/status") != "running" => return Ok(run),
            // A run that has just been begun is not kept yet.
            Ok(_) => {}
            Err(trouble) => {
                let early = trouble.items.iter().all(|item| item.code == "http/unknown-run");
                unknown += 1;
                if !early || unknown > UNKNOWN_LOOKS_MAX {
                    return Err(trouble);
                }
            }
        }
    }
}

/// Has it run by the hub that holds the store, and watches.
async fn run_there(client: &Client, id: &SyncId) -> Result<Value, Trouble> {
    let mut events = client.events().await?;
    events.next().await?;
    client.post(&format!("/api/v1/syncs/{id}/run")).await?;
    let mut progress = Progress::new();
    while let Some((name, data)) = events.next().await? {
        let ours = data.get("sync").and_then(Value::as_str) == Some(id.as_str());
        match name.as_str() {
            "run-progress" if ours => {
                progress.show(&counted(data.get("counts").unwrap_or(&Value::Null)));
            }
            "run-ended" if ours => {
                progress.clear();
                return Ok(data);
            }
            // Too slow to hear everything: its end may have been missed.
            "lagged" => {
                let sync = client.get(&format!("/api/v1/syncs/{id}")).await?;
                if sync.get("running").is_none_or(Value::is_null) {
                    progress.clear();
                    return Ok(sync.get("last").cloned().unwrap_or_default());
                }
            }
            _ => {}
        }
    }
    progress.clear();
    Err(Trouble::new(
        Exit::Unreachable,
        "hub/stopped",
        format!("http://{}", client.address()),
        "the hub stopped while the sync ran",
        "start it again: the sync goes on where it was; nothing is lost",
    ))
}

fn counted(counts: &Value) -> String {
    let n = |name: &str| counts.get(name).and_then(Value::as_u64).unwrap_or(0);
    format!(
        "read {}, new {}, changed {}, written {}, rejected {}",
        n("read"),
        n("new"),
        n("changed"),
        n("writes"),
        n("rejected") + n("quarantined"),
    )
}

fn show_run(run: &Value, out: Out) -> Result<Exit, Trouble> {
    out.data(run, || {
        let counts = counted(run.get("counts").unwrap_or(&Value::Null));
        format!("{}  {}  {counts}\n", text(run, "/sync"), text(run, "/status"))
    })?;
    explain(run);
    Ok(exit_of(run))
}

/// Why a run failed, on stderr.
pub(super) fn explain(run: &Value) {
    let fault = run.get("fault").filter(|fault| !fault.is_null());
    if let Some(fault) = fault {
        talk(format!(
            "{}: error[{}]: {}. {}\n   at: {}\n mend: {}",
            text(run, "/sync"),
            text(fault, "/code"),
            text(fault, "/title"),
            text(fault, "/detail"),
            text(fault, "/place"),
            text(fault, "/mend"),
        ));
    }
}

pub(super) fn exit_of(run: &Value) -> Exit {
    match run.get("status").and_then(Value::as_str) {
        Some("failed" | "interrupted" | "held" | "waiting") => Exit::Finding,
        _ => Exit::Ok,
    }
}

async fn status(loaded: &Loaded, id: Option<&str>, out: Out) -> Result<Exit, Trouble> {
    let data = reach::find(loaded).await?;
    let view = match (&data, id) {
        (Data::Store(store), id) => local_status(loaded, &**store, id).await?,
        (Data::Hub(client), None) => client.get("/api/v1/syncs").await?,
        (Data::Hub(client), Some(id)) => client.get(&format!("/api/v1/syncs/{id}")).await?,
    };
    let one = std::slice::from_ref(&view);
    let all = view.get("syncs").and_then(Value::as_array).map_or(one, Vec::as_slice);
    out.data(&view, || {
        let row = |sync: &Value| {
            let pointers = [
                "/id",
                "/status",
                "/last/started",
                "/last/counts/read",
                "/last/counts/writes",
                "/delivery",
            ];
            let cells = pointers.map(|pointer| text(sync, pointer));
            cells.into_iter().chain([goes_on(sync)]).collect()
        };
        let rows: Vec<Vec<String>> = all.iter().map(row).collect();
        table(&["SYNC", "STATUS", "LAST RUN", "READ", "WRITTEN", "DELIVERY", "NEXT"], &rows)
    })?;
    let mut exit = Exit::Ok;
    for sync in all {
        if let Some(last) = sync.get("last").filter(|last| !last.is_null()) {
            explain(last);
            if ["failed", "held", "waiting"].contains(&text(last, "/status").as_str()) {
                exit = Exit::Finding;
            }
        }
    }
    Ok(exit)
}

/// When a sync runs next: what waits for its vendor goes on by itself.
fn goes_on(sync: &Value) -> String {
    match sync.get("until").and_then(Value::as_str) {
        Some(until) => format!("waiting until {until}"),
        None => text(sync, "/next"),
    }
}

/// How syncs stand while no hub runs.
async fn local_status(
    loaded: &Loaded,
    store: &dyn Store,
    id: Option<&str>,
) -> Result<Value, Trouble> {
    let now = SystemEnv::default().now();
    let mut views = Vec::new();
    for sync in loaded.config.syncs.iter().filter(|s| id.is_none_or(|id| s.id.as_str() == id)) {
        let runs = store.runs(Some(&sync.id), RUNS_SHOWN.max(RUNS_READ)).await?;
        let schedule = loaded.schedules.get(&sync.id).filter(|_| !sync.paused);
        let status = SyncStatus {
            id: sync.id.clone(),
            schedule: sync.schedule.value.clone(),
            paused: sync.paused,
            next: schedule.and_then(|schedule| schedule.next_after(now)),
            running: None,
            last: runs.first().map(|run| cut_off(run.clone())),
            skipped: 0,
            until: runs.first().and_then(|run| run.until),
            delivery: runs.iter().find_map(|run| run.delivery),
        };
        let mut view = views::sync(&status, &sync.mapping, lang());
        if let (Some(_), Value::Object(entries)) = (id, &mut view) {
            let runs = runs.iter().map(|run| views::run(&cut_off(run.clone()), lang())).collect();
            entries.insert("fields".to_owned(), views::fields(&sync.mapping));
            entries.insert("runs".to_owned(), runs);
        }
        views.push(view);
    }
    Ok(match id {
        Some(_) => views.pop().unwrap_or_default(),
        None => json!({ "syncs": views }),
    })
}

/// No hub runs, so a run without an end was cut off.
fn cut_off(run: Run) -> Run {
    if run.ended.is_some() { run } else { Run { status: RunStatus::Interrupted, ..run } }
}
