//! The ledger of writes: what runs wrote, and taking it back.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hub_engine::ledger::{self, Wanted};
use hub_model::{LedgerPlace, RunId, SyncId};
use hub_store::{Error, Store};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::extract::{self, Query, rows};
use crate::problem::{Code, Problem};
use crate::state::AppState;
use crate::views;

/// Which entries.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    sync: Option<String>,
    run: Option<String>,
    #[serde(default)]
    unknown: bool,
    after: Option<String>,
    limit: Option<usize>,
}

/// `GET /ledger?sync=&run=&unknown=&after=&limit=`: in order of run and of writing.
/// Personal data.
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(Which { sync, run, unknown, after, limit }): Query<Which>,
) -> Result<Json<Value>, Problem> {
    let wanted = Wanted { sync: sync.map(SyncId::new), run: run.map(RunId::new), unknown };
    let no_place = || Problem::new(Code::BadParameter).at("after");
    let after = after.map(|text| place(&text).ok_or_else(no_place)).transpose()?;
    Ok(Json(page(state.store(), &wanted, after, rows(limit)?).await?))
}

/// Entries after a place, and where to go on.
///
/// # Errors
/// When the store cannot answer.
pub async fn page(
    store: &dyn Store,
    wanted: &Wanted,
    after: Option<LedgerPlace>,
    limit: usize,
) -> Result<Value, Error> {
    let found = ledger::page(store, wanted, after, limit).await?;
    let next = found.last().filter(|_| found.len() == limit);
    let next = next.map(|(place, _)| format!("{}:{}", place.number, place.run));
    let entries: Vec<Value> = found.iter().map(|(at, e)| views::written(at, e)).collect();
    Ok(json!({ "entries": entries, "next": next }))
}

/// A place from the text that [`page`] tells it by.
pub fn place(text: &str) -> Option<LedgerPlace> {
    let (number, run) = text.split_once(':')?;
    Some(LedgerPlace { run: RunId::new(run), number: number.parse().ok()? })
}

/// `GET /ledger/{run}/{number}`: one entry. Personal data.
pub(crate) async fn one(
    State(state): State<AppState>,
    Path((run, number)): Path<(String, u64)>,
) -> Result<Json<Value>, Problem> {
    let place = LedgerPlace { run: RunId::new(run), number };
    let found = ledger::one(state.store(), &place).await?;
    let entry = found.ok_or_else(|| Problem::new(Code::NoSuchEntry).at("ledger/{run}/{number}"))?;
    Ok(Json(views::written(&place, &entry)))
}

/// `GET /runs/{id}/undo`: what undoing would write, and what it would leave.
/// Personal data.
pub(crate) async fn undo_plan(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let run = RunId::new(id);
    let shown = state.engine().undo_plan(&run).await?;
    let shown = shown.ok_or_else(|| Problem::new(Code::UnknownRun).at("runs/{id}"))?;
    Ok(Json(views::undo(&run, &shown)))
}

/// Nothing is said with it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UndoRequest {}

/// `POST /runs/{id}/undo`: 202 with the run that takes back what that one wrote.
pub(crate) async fn undo(
    State(state): State<AppState>,
    Path(id): Path<String>,
    extract::Json(UndoRequest {}): extract::Json<UndoRequest>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let run = RunId::new(id);
    let unknown = || Problem::new(Code::UnknownRun).at("runs/{id}");
    let sync = state.engine().sync_of(&run).await?.ok_or_else(unknown)?;
    let undoing = state.engine().undo_now(&sync, &run)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "sync": sync, "run": undoing, "undoes": run }))))
}
