//! Plans of deliveries, applying one, and runs that wait for a person.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hub_engine::hold;
use hub_model::{Answer, ProfileId, RunId, SyncId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::extract::{self, Query, rows};
use crate::identity::OWNER;
use crate::lang::Lang;
use crate::problem::Problem;
use crate::state::AppState;
use crate::views;

/// Which writes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    after: Option<u64>,
    limit: Option<usize>,
}

/// `GET /syncs/{id}/plan?after=&limit=`: the first page says the hash and the
/// counts of all of it. A profile is never cut by a page. Personal data.
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Query(Which { after, limit }): Query<Which>,
) -> Result<Json<Value>, Problem> {
    let (id, limit) = (SyncId::new(id), rows(limit)?);
    let after = after.map(ProfileId);
    let mut view = json!({ "sync": id });
    if after.is_none() {
        let shown = state.engine().plan(&id, &mut |_| {}).await?;
        view["plan"] = shown.plan.hash.into();
        view["counts"] = views::plan_counts(&shown.plan.counts);
        view["held"] = shown.held.into();
        view["awaiting"] = shown.awaiting.into();
        view["forecast"] = shown.forecast.as_ref().map(views::forecast).into();
        view["delivery"] = shown.delivery.as_str().into();
    }
    let (writes, next) = state.engine().plan_page(&id, after, limit).await?;
    view["writes"] = writes.iter().map(views::planned).collect();
    view["next"] = json!(next);
    Ok(Json(view))
}

/// The hash of the plan that is to be executed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplyRequest {
    plan: String,
}

/// `POST /syncs/{id}/apply`: 202 with the run that writes exactly what was
/// planned, or fails with `plan-moved`; 409 while the sync runs.
pub(crate) async fn apply(
    State(state): State<AppState>,
    Path(id): Path<String>,
    extract::Json(ApplyRequest { plan }): extract::Json<ApplyRequest>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let sync = SyncId::new(id);
    let run = state.engine().apply_now(&sync, &plan)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "sync": sync, "run": run }))))
}

/// `GET /holds`: runs that wait for an answer, or were answered and are not over.
pub(crate) async fn holds(State(state): State<AppState>) -> Result<Json<Value>, Problem> {
    let holds = hold::all(state.store(), state.engine().jobs().keys()).await?;
    let rows: Vec<Value> = holds.iter().map(|(sync, hold)| views::hold(sync, hold)).collect();
    Ok(Json(json!({ "holds": rows })))
}

/// Nothing is said with an answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerRequest {}

/// `POST /runs/{id}/approve`: the sync runs soon and may write as much as was
/// planned.
pub(crate) async fn approve(
    State(state): State<AppState>,
    Path(id): Path<String>,
    lang: Lang,
    extract::Json(AnswerRequest {}): extract::Json<AnswerRequest>,
) -> Result<Json<Value>, Problem> {
    answer(&state, id, true, lang).await
}

/// `POST /runs/{id}/refuse`: what was planned stays unwritten.
pub(crate) async fn refuse(
    State(state): State<AppState>,
    Path(id): Path<String>,
    lang: Lang,
    extract::Json(AnswerRequest {}): extract::Json<AnswerRequest>,
) -> Result<Json<Value>, Problem> {
    answer(&state, id, false, lang).await
}

async fn answer(
    state: &AppState,
    run: String,
    approved: bool,
    lang: Lang,
) -> Result<Json<Value>, Problem> {
    let answer = Answer { approved, by: OWNER.to_owned(), at: state.now() };
    let run = state.engine().answer(&RunId::new(run), answer).await?;
    Ok(Json(views::run(&run, lang)))
}
