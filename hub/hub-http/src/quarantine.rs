//! Rows that a rule rejected, with the reason. Personal data.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::extract::{Query, rows};
use crate::lang::Lang;
use crate::problem::Problem;
use crate::state::AppState;
use crate::views;

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
