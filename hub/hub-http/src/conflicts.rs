//! Traits that wait for a person: both sides, what was agreed before, and what he
//! says. Everything here is personal data.

use axum::Json;
use axum::extract::State;
use hub_engine::people::conflicts::{self, Ask, ConflictError, Says, Waiting};
use hub_engine::workspace::Workspace;
use hub_model::{Decision, DecisionKind, ProfileId, RecordNo, TraitName, Value as Golden};
use hub_store::Error;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::explained;
use crate::extract::{self, Query, rows};
use crate::problem::{Code, Problem};
use crate::state::AppState;

/// Who decides through the API: there is one owner today.
const OWNER: &str = "owner";

/// Which conflicts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    after: Option<u64>,
    limit: Option<usize>,
}

/// `GET /conflicts?after=&limit=`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Problem> {
    let limit = rows(which.limit)?;
    let after = which.after.map(ProfileId);
    Ok(Json(waiting(state.engine().workspace(), after, limit).await?))
}

/// One trait of one profile.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct One {
    profile: u64,
    #[serde(rename = "trait")]
    name: String,
}

/// `GET /conflicts/one?profile=17&trait=city`.
pub(crate) async fn one(
    State(state): State<AppState>,
    Query(one): Query<One>,
) -> Result<Json<Value>, Problem> {
    let workspace = state.engine().workspace();
    Ok(Json(shown(workspace, ProfileId(one.profile), &TraitName::new(one.name)).await?))
}

/// A side by its record, or a value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settling {
    profile: u64,
    #[serde(rename = "trait")]
    name: String,
    record: Option<u64>,
    /// Null is a value: it empties the field.
    #[serde(default, deserialize_with = "present")]
    value: Option<Value>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// `POST /conflicts/resolve`.
pub(crate) async fn resolve(
    State(state): State<AppState>,
    extract::Json(settling): extract::Json<Settling>,
) -> Result<Json<Value>, Problem> {
    let bad = |why: &str| Problem::new(Code::BadBody).at("value").with(why);
    let ask = match (settling.record, settling.value) {
        (Some(record), None) => Ask::Side(RecordNo(record)),
        (None, Some(value)) => {
            Ask::Value(Golden::from_json(value).map_err(|error| bad(&error.to_string()))?)
        }
        _ => return Err(bad("either a record or a value")),
    };
    said(&state, (settling.profile, settling.name), &ask).await
}

/// `POST /conflicts/undo`.
pub(crate) async fn undo(
    State(state): State<AppState>,
    extract::Json(One { profile, name }): extract::Json<One>,
) -> Result<Json<Value>, Problem> {
    said(&state, (profile, name), &Ask::Undo).await
}

/// `POST /conflicts/release`.
pub(crate) async fn release(
    State(state): State<AppState>,
    extract::Json(One { profile, name }): extract::Json<One>,
) -> Result<Json<Value>, Problem> {
    said(&state, (profile, name), &Ask::Release).await
}

async fn said(
    state: &AppState,
    (profile, name): (u64, String),
    ask: &Ask,
) -> Result<Json<Value>, Problem> {
    let (id, name) = (ProfileId(profile), TraitName::new(name));
    Ok(Json(settled(state.engine().workspace(), (id, &name), ask, OWNER).await?))
}

/// Does what a person says; what the trait is then.
///
/// # Errors
/// [`ConflictError`].
pub async fn settled(
    workspace: &Workspace,
    (id, name): (ProfileId, &TraitName),
    ask: &Ask,
    author: &str,
) -> Result<Value, ConflictError> {
    let profile = conflicts::apply(workspace, (id, name), ask, author).await?;
    Ok(json!({
        "profile": profile.id,
        "trait": name,
        "value": profile.traits.get(name).map(|golden| golden.value.to_json()),
        "waits": profile.conflict(name).map(|conflict| conflict.reason.as_str()),
    }))
}

/// What waits for a person.
///
/// # Errors
/// When the store cannot answer.
pub async fn waiting(
    workspace: &Workspace,
    after: Option<ProfileId>,
    limit: usize,
) -> Result<Value, Error> {
    let found = conflicts::list(workspace, after, limit).await?;
    Ok(json!({ "conflicts": found.iter().map(line).collect::<Vec<_>>() }))
}

/// A trait with everything that is known of it: what waits, all evidence, and what
/// people settled.
///
/// # Errors
/// [`ConflictError`].
pub async fn shown(
    workspace: &Workspace,
    id: ProfileId,
    name: &TraitName,
) -> Result<Value, ConflictError> {
    let found = workspace.store.profiles(&[id]).await?.into_iter().flatten().next();
    let profile = found.ok_or(ConflictError::NoProfile(id))?;
    let open = conflicts::of(workspace, &profile).await?;
    let waiting = open.iter().find(|waiting| waiting.conflict.name == *name);
    let decisions = conflicts::decisions(workspace, &profile, name).await?;
    if waiting.is_none() && decisions.is_empty() {
        return Err(ConflictError::NotOpen(profile.id, name.clone()));
    }
    let explained = explained::view(workspace, &profile, Some(name)).await?;
    Ok(json!({
        "profile": profile.id,
        "trait": name,
        "conflict": waiting.map(line),
        "explained": explained.pointer("/traits").and_then(|traits| traits.get(name.as_str())),
        "decisions": decisions.iter().map(decision).collect::<Vec<_>>(),
    }))
}

fn line(waiting: &Waiting) -> Value {
    let name = &waiting.conflict.name;
    let side = |says: &Says| {
        let record = &says.record;
        let at = &record.at.stream;
        json!({
            "record": record.number, "connection": at.connection, "stream": at.stream,
            "key": record.at.key, "field": says.field, "value": says.value.to_json(),
            "stamp": says.stamp, "run": record.run,
        })
    };
    json!({
        "profile": waiting.profile.id,
        "trait": name,
        "reason": waiting.conflict.reason.as_str(),
        "agreed": waiting.profile.traits.get(name).map(|golden| golden.value.to_json()),
        "sides": waiting.sides.iter().map(side).collect::<Vec<_>>(),
    })
}

fn decision(decision: &Decision) -> Value {
    let (kind, of) = match &decision.kind {
        DecisionKind::Withdrawal { of, .. } => ("withdrawal", Some(of)),
        _ => ("value", None),
    };
    json!({
        "kind": kind, "of": of, "stamp": decision.stamp, "author": decision.author,
        "at": decision.at.to_string(),
    })
}

impl From<ConflictError> for Problem {
    fn from(error: ConflictError) -> Self {
        let code = match &error {
            ConflictError::Store(error) => return error.clone().into(),
            ConflictError::NoProfile(_) => Code::UnknownProfile,
            ConflictError::NotOpen(..) | ConflictError::NothingSettled(..) => Code::NotOpen,
            ConflictError::NotASide(_) | ConflictError::OtherReason { .. } => Code::NoSides,
            ConflictError::RulesChanged => Code::RulesChanged,
        };
        Self::new(code).with(error.to_string())
    }
}
