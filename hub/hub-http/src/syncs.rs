//! Syncs: how they stand, and running one now.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hub_model::{Run, SyncId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::extract;
use crate::lang::Lang;
use crate::problem::{Code, Problem};
use crate::state::AppState;
use crate::views;

/// Runs shown with one sync.
const RECENT_RUNS: usize = 10;

/// `GET /syncs`.
pub(crate) async fn list(State(state): State<AppState>, lang: Lang) -> Json<Value> {
    let jobs = state.engine().jobs();
    let rows: Vec<Value> = state
        .engine()
        .status()
        .iter()
        .filter_map(|status| Some(views::sync(status, &jobs.get(&status.id)?.mapping, lang)))
        .collect();
    Json(json!({ "syncs": rows }))
}

/// `GET /syncs/{id}`: with its field pairs and its last runs.
pub(crate) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
    lang: Lang,
) -> Result<Json<Value>, Problem> {
    let id = SyncId::new(id);
    let unknown = || Problem::new(Code::UnknownSync).at("syncs/{id}");
    let jobs = state.engine().jobs();
    let job = jobs.get(&id).ok_or_else(unknown)?;
    let status = state.engine().status().into_iter().find(|s| s.id == id).ok_or_else(unknown)?;
    let runs: Vec<Run> = state.store().runs(Some(&id), RECENT_RUNS).await?;
    let mut view = views::sync(&status, &job.mapping, lang);
    if let Value::Object(entries) = &mut view {
        entries.insert("fields".to_owned(), views::fields(&job.mapping));
        entries.insert("runs".to_owned(), runs.iter().map(|r| views::run(r, lang)).collect());
    }
    Ok(Json(view))
}

/// What of a run is wanted; a field that is not known is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunRequest {
    /// Only read: nothing is delivered.
    #[serde(default)]
    read_only: bool,
}

/// `POST /syncs/{id}/run`: 202 once it runs, 409 while it runs already.
pub(crate) async fn run_now(
    State(state): State<AppState>,
    Path(id): Path<String>,
    extract::Json(RunRequest { read_only }): extract::Json<RunRequest>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let id = SyncId::new(id);
    if read_only {
        state.engine().read_now(&id)?;
    } else {
        state.engine().run_now(&id)?;
    }
    let running = state.engine().status().into_iter().find(|s| s.id == id).and_then(|s| s.running);
    Ok((StatusCode::ACCEPTED, Json(json!({ "sync": id, "run": running }))))
}
