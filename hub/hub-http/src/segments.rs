//! Segments: how many are in each, who, who would be, and why somebody is or not.
//! Members and reasons are personal data.

use axum::Json;
use axum::extract::{Path, State};
use hub_engine::audience::{self, Found, Preview, Reason, Why};
use hub_engine::workspace::Workspace;
use hub_model::{ProfileId, Rules, Segment};
use hub_store::{Error, Store};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::extract::{self, Query, rows};
use crate::find;
use crate::problem::{Code, Problem};
use crate::state::AppState;

/// Those shown of a preview.
const PREVIEW_ROWS: usize = 20;

fn segment<'a>(state: &'a AppState, name: &str) -> Result<&'a Segment, Problem> {
    let unknown = || Problem::new(Code::UnknownSegment).at("segment");
    state.rules().segment(name).ok_or_else(unknown)
}

/// `GET /segments`: those of the configuration, and how many are in each.
pub(crate) async fn list(State(state): State<AppState>) -> Result<Json<Value>, Problem> {
    Ok(Json(listed(state.store(), state.rules()).await?))
}

/// The segments of a configuration.
///
/// # Errors
/// When the store cannot answer.
pub async fn listed(store: &dyn Store, rules: &Rules) -> Result<Value, Error> {
    let mut rows = Vec::new();
    for segment in &rules.segments {
        rows.push(json!({
            "segment": segment.name,
            "kind": segment.kind.as_str(),
            "purpose": segment.purpose.to_string(),
            "members": store.member_count(&segment.name).await?,
        }));
    }
    Ok(json!({ "segments": rows }))
}

/// Which members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    after: Option<u64>,
    limit: Option<usize>,
}

/// `GET /segments/{name}/members?after=&limit=`, in order of number.
pub(crate) async fn members(
    State(state): State<AppState>,
    Path(name): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Problem> {
    let segment = segment(&state, &name)?;
    let (after, limit) = (which.after.map(ProfileId), rows(which.limit)?);
    Ok(Json(page(state.store(), segment, after, limit).await?))
}

/// A page of the members of a segment.
///
/// # Errors
/// When the store cannot answer.
pub async fn page(
    store: &dyn Store,
    segment: &Segment,
    after: Option<ProfileId>,
    limit: usize,
) -> Result<Value, Error> {
    let members = store.members(&segment.name, after, limit).await?;
    let ids: Vec<ProfileId> = members.iter().map(|(id, _)| *id).collect();
    let profiles = store.profiles(&ids).await?;
    let rows = members.iter().zip(profiles).map(|((id, since), profile)| {
        let claimed = profile.iter().flat_map(|profile| &profile.identities);
        let identities = claimed.map(|claimed| claimed.identity.to_string());
        json!({
            "profile": id,
            "since": since.to_string(),
            "identities": identities.collect::<Vec<_>>(),
        })
    });
    let rows: Vec<Value> = rows.collect();
    let next = members.last().filter(|_| members.len() == limit).map(|(id, _)| *id);
    Ok(json!({ "members": rows, "next": next }))
}

/// A segment to try; it need not be one of the configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tried {
    segment: Segment,
}

/// `POST /segments/preview`: who would be in it now. Keeps nothing.
pub(crate) async fn preview(
    State(state): State<AppState>,
    extract::Json(Tried { segment }): extract::Json<Tried>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(previewed(state.engine().workspace(), &segment).await?))
}

/// Who would be in a segment, as the API shows it.
///
/// # Errors
/// When the store cannot answer.
pub async fn previewed(workspace: &Workspace, segment: &Segment) -> Result<Value, Error> {
    let Preview { members, profiles, first } =
        audience::preview(workspace, segment, PREVIEW_ROWS).await?;
    Ok(json!({ "members": members, "profiles": profiles, "first": first }))
}

/// Who.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    identity: String,
}

/// `GET /segments/{name}/explain?identity=email:ana@x.fr`.
pub(crate) async fn explain(
    State(state): State<AppState>,
    Path(name): Path<String>,
    Query(Whose { identity }): Query<Whose>,
) -> Result<Json<Value>, Problem> {
    let segment = segment(&state, &name)?;
    let identity = find::identity(&identity, state.rules())?;
    Ok(Json(explained(state.engine().workspace(), segment, &identity).await?))
}

/// Why those who have an identity are in a segment or not.
///
/// # Errors
/// When the store cannot answer.
pub async fn explained(
    workspace: &Workspace,
    segment: &Segment,
    identity: &hub_model::Identity,
) -> Result<Value, Error> {
    let mut profiles = Vec::new();
    for profile in find::profiles(workspace, identity).await? {
        let why = audience::explain(workspace, segment, &profile).await?;
        let kept = workspace.store.standings(&[profile.id]).await?;
        let since = kept.iter().find_map(|standing| standing.segments.get(&segment.name));
        profiles.push(json!({
            "profile": profile.id,
            "member": why.member,
            "since": since.map(ToString::to_string),
            "of_kind": why.is_of_kind,
            "purpose": purpose(segment, &why),
            "review": why.review.map(|at| at.to_string()),
            "when": reason(&why.when),
        }));
    }
    Ok(json!({ "segment": segment.name, "profiles": profiles }))
}

fn purpose(segment: &Segment, why: &Why) -> Value {
    json!({
        "name": segment.purpose.to_string(),
        "permitted": why.permitted,
        "consent": why.consent.as_str(),
    })
}

fn reason(reason: &Reason) -> Value {
    let mut view = Map::from_iter([
        ("condition".to_owned(), json!(reason.condition)),
        ("holds".to_owned(), json!(reason.holds)),
    ]);
    if let Some(next) = reason.next {
        view.insert("next".to_owned(), json!(next.to_string()));
    }
    match &reason.found {
        Some(Found::Value(value)) => view.insert("found".to_owned(), value.to_json()),
        Some(Found::Count(count)) => view.insert("found".to_owned(), json!(count)),
        Some(Found::Consent(state)) => view.insert("found".to_owned(), json!(state.as_str())),
        None => {
            let parts: Vec<Value> = reason.parts.iter().map(self::reason).collect();
            view.insert("parts".to_owned(), json!(parts))
        }
    };
    Value::Object(view)
}
