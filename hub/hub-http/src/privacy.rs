//! What one person may ask for: everything that is kept of him, and that it goes.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hub_engine::erasure::{self, EraseRefused, Erasure, Phase};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::extract::{self, Query};
use crate::find;
use crate::lang::Lang;
use crate::person;
use crate::problem::{Code, Problem};
use crate::state::AppState;

/// Who, and in which form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Export {
    identity: String,
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Csv,
}

/// `GET /privacy/export?identity=email:ana@x.fr&format=json|csv`.
pub(crate) async fn export(
    State(state): State<AppState>,
    Query(Export { identity, format }): Query<Export>,
    lang: Lang,
) -> Result<Response, Problem> {
    let identity = find::identity(&identity, state.rules())?;
    let profiles = find::profiles(state.engine().workspace(), &identity).await?;
    if profiles.is_empty() {
        return Err(Problem::new(Code::Nobody).at("identity"));
    }
    let everything = person::everything(state.engine().workspace(), &profiles, lang).await?;
    Ok(match format {
        Format::Json => Json(everything).into_response(),
        Format::Csv => {
            let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
            (kind, person::csv(&everything)).into_response()
        }
    })
}

/// Who is to be erased.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EraseRequest {
    identity: String,
}

/// `POST /privacy/erasures`: 202 once the request is durable.
pub(crate) async fn erase(
    State(state): State<AppState>,
    extract::Json(EraseRequest { identity }): extract::Json<EraseRequest>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let identity = find::identity(&identity, state.rules())?;
    let erasure = state.engine().erase(&identity).await?;
    let engine = state.engine().clone();
    tokio::spawn(async move {
        if let Err(error) = engine.tend().await {
            tracing::error!(%error, "the erasure is kept, and goes on later");
        }
    });
    Ok((StatusCode::ACCEPTED, Json(certificate(&erasure))))
}

/// `GET /privacy/erasures/{id}`: how far it is.
pub(crate) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let unknown = || Problem::new(Code::UnknownErasure).at("privacy/erasures/{id}");
    let id = find::number(&id).ok_or_else(unknown)?;
    let found = erasure::find(state.engine().workspace(), id).await?;
    Ok(Json(certificate(&found.ok_or_else(unknown)?)))
}

/// What may be shown of an erasure: counts, moments and receipts; nothing of the
/// person.
pub fn certificate(erasure: &Erasure) -> Value {
    let phase = match erasure.phase {
        Phase::Leaving => "leaving",
        Phase::Telling => "telling-destinations",
        Phase::Told => "waiting-for-compaction",
        Phase::Done => "done",
    };
    let receipts: Vec<Value> = erasure
        .receipts()
        .map(|receipt| {
            json!({
                "sync": receipt.sync, "connection": receipt.connection, "stream": receipt.stream,
                "action": receipt.action, "state": receipt.told,
                "at": receipt.at.map(|at| at.to_string()),
                "fault": receipt.fault.as_ref().map(|fault| fault.code.as_str()),
            })
        })
        .collect();
    json!({
        "id": erasure.id, "state": phase, "records": erasure.records,
        "objects": erasure.objects,
        "requested": erasure.requested.to_string(),
        "logically_gone": erasure.logically_gone.map(|at| at.to_string()),
        "compacted": erasure.compacted.map(|at| at.to_string()),
        "physically_gone": erasure.physically_gone.map(|at| at.to_string()),
        "destinations": receipts,
    })
}

impl From<EraseRefused> for Problem {
    fn from(refused: EraseRefused) -> Self {
        match refused {
            EraseRefused::Nobody => Self::new(Code::Nobody).at("identity"),
            EraseRefused::Several { .. } => {
                Self::new(Code::SeveralPeople).at("identity").with(refused.to_string())
            }
            EraseRefused::UnderWay => Self::new(Code::WriteUnderWay).at("identity"),
            EraseRefused::Store(error) => error.into(),
        }
    }
}
