//! Runs, newest first.

use axum::Json;
use axum::extract::{Path, State};
use hub_model::{RunId, SyncId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::extract::{Query, rows};
use crate::lang::Lang;
use crate::problem::{Code, Problem};
use crate::state::AppState;
use crate::views;

/// Which runs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    sync: Option<String>,
    limit: Option<usize>,
}

/// `GET /runs?sync=&limit=`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(which): Query<Which>,
    lang: Lang,
) -> Result<Json<Value>, Problem> {
    let limit = rows(which.limit)?;
    let sync = which.sync.filter(|id| !id.is_empty()).map(SyncId::new);
    if let Some(id) = &sync
        && !state.engine().jobs().contains_key(id)
    {
        return Err(Problem::new(Code::UnknownSync).at("sync"));
    }
    let runs = state.store().runs(sync.as_ref(), limit).await?;
    let rows: Vec<Value> = runs.iter().map(|run| views::run(run, lang)).collect();
    Ok(Json(json!({ "runs": rows })))
}

/// `GET /runs/{id}`.
pub(crate) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
    lang: Lang,
) -> Result<Json<Value>, Problem> {
    let run = state.store().run(&RunId::new(id)).await?;
    let run = run.ok_or_else(|| Problem::new(Code::UnknownRun).at("runs/{id}"))?;
    Ok(Json(views::run(&run, lang)))
}
