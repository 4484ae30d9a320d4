//! How the hub is: health for machines, numbers and connections for people.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hub_model::{ConnectionId, Fault, FaultCode, RunStatus};
use serde_json::{Value, json};

use crate::lang::Lang;
use crate::problem::Problem;
use crate::sentences::SIGN_IN;
use crate::state::{AppState, ConnectionView};
use crate::views;

/// `GET /health`: no credential needed, so nothing in it but one word. `ok`,
/// `degraded` (a connection is broken or waits for a sign-in, or a sync failed last time), or 503 with
/// `unavailable` when the store does not answer.
pub(crate) async fn health(State(state): State<AppState>) -> Response {
    let (status, word) = match state.store().counters().await {
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        Ok(_) if is_degraded(&state) => (StatusCode::OK, "degraded"),
        Ok(_) => (StatusCode::OK, "ok"),
    };
    (status, Json(json!({ "status": word, "version": state.version() }))).into_response()
}

fn is_degraded(state: &AppState) -> bool {
    let failed = |status: &hub_engine::SyncStatus| {
        status.last.as_ref().is_some_and(|run| run.status == RunStatus::Failed)
    };
    let waits = |id: &str| state.sign_ins().standing(id).is_some_and(|it| it.needed.is_some());
    state.connections().iter().any(|c| c.fault.is_some() || waits(&c.id))
        || state.engine().status().iter().any(failed)
}

/// `GET /connections`, each with what came to its door since the hub started.
pub(crate) async fn connections(State(state): State<AppState>, lang: Lang) -> Json<Value> {
    let row = |connection: &ConnectionView| {
        let mut row = views::connection(connection, lang);
        let door = state.engine().door(&ConnectionId::new(connection.id.as_str()));
        if let Some(needed) = state.sign_ins().standing(&connection.id).and_then(|it| it.needed) {
            let fault = Fault::new(FaultCode::Auth).with(SIGN_IN, &connection.id);
            row["status"] = "sign-in".into();
            row["fault"] = views::fault(&fault.with("reason", needed), lang);
        }
        row["inbox"] = door.map_or(Value::Null, |counts| views::door(&counts));
        row
    };
    let rows: Vec<Value> = state.connections().iter().map(row).collect();
    Json(json!({ "connections": rows }))
}

/// `GET /stats`: counts of what the store holds.
pub(crate) async fn stats(State(state): State<AppState>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "stats": state.store().stats().await? })))
}
