//! People and accounts: by identity, by number, and all of them page by page.
//! Everything here is personal data.

use axum::Json;
use axum::extract::{Path, State};
use hub_model::ProfileId;
use hub_store::AsOf;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::extract::{Query, rows};
use crate::find::{self, NotAnIdentity};
use crate::history;
use crate::problem::{Code, Problem};
use crate::related;
use crate::state::AppState;
use crate::views;

/// Which profiles: by identity, or in order of their numbers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    identity: Option<String>,
    as_of: Option<String>,
    after: Option<u64>,
    limit: Option<usize>,
}

/// As of when; now if it is left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct When {
    as_of: Option<String>,
}

/// `GET /profiles?identity=email:ana@x.fr&as_of=` or `GET /profiles?after=&limit=`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Problem> {
    match which {
        Which { identity: Some(identity), as_of, after: None, limit: None } => {
            by_identity(&state, &identity, as_of.as_deref()).await
        }
        Which { identity: None, as_of: None, after, limit } => page(&state, after, limit).await,
        Which { .. } => {
            let expected = "identity stands alone, or with as_of";
            Err(Problem::new(Code::BadParameter).at("query").with(expected))
        }
    }
}

async fn by_identity(
    state: &AppState,
    text: &str,
    as_of: Option<&str>,
) -> Result<Json<Value>, Problem> {
    let identity = find::identity(text, state.rules())?;
    let found = find::profiles(state.engine().workspace(), &identity).await?;
    if let Some(as_of) = as_of {
        let at = history::instant(as_of)?;
        return Ok(Json(history::as_of(state.store(), &found, Some(&identity), at).await?));
    }
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

/// `GET /profiles/{id}?as_of=`; the number of an absorbed profile finds the survivor,
/// as of a time before it was absorbed itself.
pub(crate) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Query(when): Query<When>,
) -> Result<Json<Value>, Problem> {
    let unknown = || Problem::new(Code::UnknownProfile).at("profiles/{id}");
    let id = ProfileId(find::number(&id).ok_or_else(unknown)?);
    if let Some(as_of) = &when.as_of {
        let at = history::instant(as_of)?;
        return match state.store().profile_as_of(id, at).await? {
            AsOf::Profile { profile, .. } => {
                Ok(Json(views::profile(state.store(), &profile).await?))
            }
            AsOf::Nobody => Err(unknown()),
            AsOf::Forgotten => Err(Problem::new(Code::NotKept).at("as_of")),
        };
    }
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
