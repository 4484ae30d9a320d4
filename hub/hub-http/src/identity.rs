//! Who may be one person: connections that the rules did not make, merges and
//! what undoes them, and what other rules would do. Everything here is personal
//! data or changes who people are.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use hub_engine::people::decide::{self, Ask, Outcome};
use hub_engine::people::reviews::{self, Reported};
use hub_engine::people::{PeopleError, Preview, recast};
use hub_engine::workspace::Workspace;
use hub_model::{ProfileId, RecordNo, Rules};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::extract::{self, Query, rows};
use crate::problem::{Code, Problem};
use crate::state::AppState;
use crate::views;

/// Who decides through the API: there is one owner today.
pub(crate) const OWNER: &str = "owner";

/// Which reports.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    #[serde(default)]
    all: bool,
    limit: Option<usize>,
}

/// `GET /identity/reviews?all=true&limit=`.
pub(crate) async fn review(
    State(state): State<AppState>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Problem> {
    let limit = rows(which.limit)?;
    Ok(Json(reports(state.engine().workspace(), which.all, limit).await?))
}

/// Two profiles, by number; `apply` decides, without it nothing is changed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Two {
    left: u64,
    right: u64,
    #[serde(default)]
    apply: bool,
}

/// Records of a profile that are somebody else; or the profile that was joined
/// to it by hand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    profile: u64,
    #[serde(default)]
    records: BTreeSet<u64>,
    joined: Option<u64>,
    #[serde(default)]
    apply: bool,
}

/// `POST /identity/merge`.
pub(crate) async fn merge(
    State(state): State<AppState>,
    extract::Json(Two { left, right, apply }): extract::Json<Two>,
) -> Result<Json<Value>, Problem> {
    decided(&state, &Ask::Merge(ProfileId(left), ProfileId(right)), apply).await
}

/// `POST /identity/refuse`.
pub(crate) async fn refuse(
    State(state): State<AppState>,
    extract::Json(Two { left, right, apply }): extract::Json<Two>,
) -> Result<Json<Value>, Problem> {
    decided(&state, &Ask::Refuse(ProfileId(left), ProfileId(right)), apply).await
}

/// `POST /identity/unmerge`.
pub(crate) async fn unmerge(
    State(state): State<AppState>,
    extract::Json(part): extract::Json<Part>,
) -> Result<Json<Value>, Problem> {
    let profile = ProfileId(part.profile);
    let ask = match part.joined {
        Some(joined) if part.records.is_empty() => Ask::Undo(profile, ProfileId(joined)),
        Some(_) => {
            return Err(Problem::new(Code::BadBody).at("joined").with("joined stands alone"));
        }
        None => Ask::Separate(profile, part.records.into_iter().map(RecordNo).collect()),
    };
    decided(&state, &ask, part.apply).await
}

/// Other rules: those that `liaison` reads from a changed folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhatIf {
    rules: Rules,
}

/// `POST /identity/preview`.
pub(crate) async fn preview(
    State(state): State<AppState>,
    extract::Json(WhatIf { rules }): extract::Json<WhatIf>,
) -> Result<Json<Value>, Problem> {
    let preview = recast::preview(state.engine().workspace(), &rules).await?;
    Ok(Json(previewed(&preview)))
}

async fn decided(state: &AppState, ask: &Ask, apply: bool) -> Result<Json<Value>, Problem> {
    let workspace = state.engine().workspace();
    Ok(Json(decision(workspace, ask, apply.then_some(OWNER)).await?))
}

/// What a decision would do; with an author, it is made.
///
/// # Errors
/// [`PeopleError`].
pub async fn decision(
    workspace: &Workspace,
    ask: &Ask,
    author: Option<&str>,
) -> Result<Value, PeopleError> {
    let outcome = match author {
        Some(author) => decide::apply(workspace, ask, author).await?,
        None => decide::preview(workspace, ask).await?,
    };
    Ok(outcome_view(workspace, outcome, author.is_some()).await?)
}

async fn outcome_view(
    workspace: &Workspace,
    outcome: Outcome,
    applied: bool,
) -> Result<Value, hub_store::Error> {
    Ok(json!({
        "applied": applied,
        "before": views::profile_lines(&*workspace.store, &outcome.before).await?,
        "after": views::profile_lines(&*workspace.store, &outcome.after).await?,
        "preview": previewed(&outcome.preview),
    }))
}

/// The reports as the API shows them.
///
/// # Errors
/// When the store cannot answer.
pub async fn reports(
    workspace: &Workspace,
    all: bool,
    limit: usize,
) -> Result<Value, hub_store::Error> {
    let mut shown = Vec::new();
    for reported in reviews::list(workspace, all, limit).await? {
        shown.push(report(workspace, &reported).await?);
    }
    Ok(json!({ "reviews": shown }))
}

async fn report(workspace: &Workspace, reported: &Reported) -> Result<Value, hub_store::Error> {
    let sides = [reported.left.clone(), reported.right.clone()];
    let mut lines = views::profile_lines(&*workspace.store, &sides).await?;
    let right = lines.pop();
    Ok(json!({
        "namespace": &*reported.identity.namespace,
        "value": &*reported.identity.value,
        "reason": reported.reason,
        "carriers": reported.carriers,
        "settled": reported.settled.as_str(),
        "left": lines.pop(),
        "right": right,
    }))
}

/// A preview as the API shows it.
pub fn previewed(preview: &Preview) -> Value {
    let merges = preview.merges.iter().map(|m| json!({ "into": m.into, "from": m.from }));
    let splits = preview.splits.iter().map(|s| json!({ "profile": s.profile, "into": s.into }));
    let writes: Map<String, Value> = preview
        .writes
        .iter()
        .map(|(sync, w)| (sync.to_string(), json!({ "updates": w.updates, "creates": w.creates })))
        .collect();
    json!({
        "merges": merges.collect::<Vec<_>>(),
        "splits": splits.collect::<Vec<_>>(),
        "changed": preview.changed,
        "unchanged": preview.unchanged,
        "writes": writes,
    })
}

impl From<PeopleError> for Problem {
    fn from(error: PeopleError) -> Self {
        let code = match &error {
            PeopleError::Store(error) => return error.clone().into(),
            PeopleError::NoProfile(_) => Code::UnknownProfile,
            PeopleError::OneAlready(_) | PeopleError::TwoAlready(..) => Code::DecidedAlready,
            PeopleError::Kinds(..) => Code::KindsDiffer,
            PeopleError::NotASeparation(_) | PeopleError::NotByHand(_) => Code::NoSides,
            PeopleError::RulesChanged => Code::RulesChanged,
            PeopleError::TooManyPairs { .. } | PeopleError::TooManyTogether { .. } => {
                Code::TooManyTogether
            }
        };
        Self::new(code).with(error.to_string())
    }
}
