//! The door for what systems push: the raw body is durable before its sender
//! hears "yes", so a "yes" is never a lie.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hub_model::ConnectionId;
use serde_json::{Value, json};

use crate::extract::Raw;
use crate::problem::{Code, Problem};
use crate::state::AppState;

/// `POST /inbox/{connection}`: at most 1 MiB of anything. It is a hint: the
/// syncs of the connection are read soon.
pub(crate) async fn accept(
    State(state): State<AppState>,
    Path(connection): Path<String>,
    Raw(body): Raw,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if !state.connections().iter().any(|known| known.id == connection) {
        return Err(Problem::new(Code::UnknownConnection).at("inbox/{connection}"));
    }
    state.engine().accept(&ConnectionId::new(connection), &body).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "bytes": body.len() }))))
}
