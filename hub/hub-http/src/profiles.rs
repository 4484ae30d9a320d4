//! People and accounts: by identity, by number, and all of them page by page.
//! Everything here is personal data.

use axum::Json;
use axum::extract::{Path, State};
use hub_model::ProfileId;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::extract::{Query, rows};
use crate::find::{self, NotAnIdentity};
use crate::problem::{Code, Problem};
use crate::related;
use crate::state::AppState;
use crate::views;

/// Which profiles: by identity, or in order of their numbers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    identity: Option<String>,
    after: Option<u64>,
    limit: Option<usize>,
}

/// `GET /profiles?identity=email:ana@x.fr` or `GET /profiles?after=&limit=`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Problem> {
    match which {
        Which { identity: Some(identity), after: None, limit: None } => {
            by_identity(&state, &identity).await
        }
        Which { identity: None, after, limit } => page(&state, after, limit).await,
        Which { .. } => {
            Err(Problem::new(Code::BadParameter).at("query").with("identity stands alone"))
        }
    }
}

async fn by_identity(state: &AppState, text: &str) -> Result<Json<Value>, Problem> {
    let identity = find::identity(text, state.rules())?;
    let found = find::profiles(state.engine().workspace(), &identity).await?;
    let mut profiles = Vec::new();
    for profile in &found {
        profiles.push(related::profile(state.engine().workspace(), profile).await?);
    }
    Ok(Json(json!({ "profiles": profiles })))
}

async fn page(
    state: &AppState,
    after: Option<u64>,
    limit: Option<usize>,
) -> Result<Json<Value>, Problem> {
    let limit = rows(limit)?;
    let profiles = state.store().scan_profiles(after.map(ProfileId), limit).await?;
    let next = if profiles.len() < limit { None } else { profiles.last().map(|p| p.id) };
    let lines = views::profile_lines(state.store(), &profiles).await?;
    Ok(Json(json!({ "profiles": lines, "next": next })))
}

/// `GET /profiles/{id}`; the number of an absorbed profile finds the survivor.
pub(crate) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let unknown = || Problem::new(Code::UnknownProfile).at("profiles/{id}");
    let id = ProfileId(find::number(&id).ok_or_else(unknown)?);
    let profile = state.store().profiles(&[id]).await?.into_iter().flatten().next();
    let profile = profile.ok_or_else(unknown)?;
    Ok(Json(related::profile(state.engine().workspace(), &profile).await?))
}

impl From<NotAnIdentity> for Problem {
    fn from(error: NotAnIdentity) -> Self {
        let code = match &error {
            NotAnIdentity::Form | NotAnIdentity::Value(_) => Code::BadIdentity,
            NotAnIdentity::Namespace { .. } => Code::UnknownNamespace,
        };
        Self::new(code).at("identity").with(error.to_string())
    }
}
