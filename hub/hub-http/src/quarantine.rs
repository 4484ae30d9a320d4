//! Rows that a rule rejected, with the reason. Personal data.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hub_model::{Quarantined, RemoteKey, StreamRef, SyncId};
use hub_store::{Error, Store};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::extract::{self, Query, rows};
use crate::lang::Lang;
use crate::problem::{Code, Problem};
use crate::state::AppState;
use crate::views;

/// Rows read at once while one is looked for.
const LOOK_ROWS: usize = 500;

/// Which rows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    after: Option<usize>,
    limit: Option<usize>,
}

/// `GET /quarantine?after=&limit=`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(which): Query<Which>,
    lang: Lang,
) -> Result<Json<Value>, Problem> {
    let limit = rows(which.limit)?;
    let after = which.after.unwrap_or(0);
    let rows = state.store().quarantined(after, limit).await?;
    let next = if rows.len() < limit { None } else { Some(after + rows.len()) };
    let rows: Vec<Value> = rows.iter().map(|row| views::quarantined(row, lang)).collect();
    Ok(Json(json!({ "quarantine": rows, "next": next })))
}

/// Which row: the stream of a sync, and its key there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct One {
    sync: String,
    key: String,
}

/// `GET /quarantine/row?sync=&key=`: one row, as it was received.
pub(crate) async fn one(
    State(state): State<AppState>,
    Query(One { sync, key }): Query<One>,
    lang: Lang,
) -> Result<Json<Value>, Problem> {
    let unknown = || Problem::new(Code::UnknownSync).at("sync");
    let jobs = state.engine().jobs();
    let job = jobs.get(&SyncId::new(sync)).ok_or_else(unknown)?;
    let found = find(state.store(), &job.mapping.stream, &RemoteKey::new(key)).await?;
    let row = found.ok_or_else(|| Problem::new(Code::NotQuarantined).at("key"))?;
    Ok(Json(views::quarantined(&row, lang)))
}

/// The row of a key that waits in quarantine.
///
/// # Errors
/// When the store cannot answer.
pub async fn find(
    store: &dyn Store,
    stream: &StreamRef,
    key: &RemoteKey,
) -> Result<Option<Quarantined>, Error> {
    let mut after = 0;
    loop {
        let rows = store.quarantined(after, LOOK_ROWS).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        after += rows.len();
        let found =
            rows.into_iter().find(|row| row.stream == *stream && row.key.as_ref() == Some(key));
        if found.is_some() {
            return Ok(found);
        }
    }
}

/// What is replayed: the rows of a sync's stream, or the one of a key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayRequest {
    sync: String,
    #[serde(default)]
    key: Option<String>,
}

/// `POST /quarantine/replay`: 202 with the run that judges them once more, 409
/// while the sync runs.
pub(crate) async fn replay(
    State(state): State<AppState>,
    extract::Json(ReplayRequest { sync, key }): extract::Json<ReplayRequest>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let sync = SyncId::new(sync);
    let run = state.engine().replay_now(&sync, key.map(RemoteKey::new))?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "sync": sync, "run": run }))))
}
