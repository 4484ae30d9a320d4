//! Why each trait has its value: which record, raw row, run, page, rule and
//! connector, and who received it. Everything here is personal data.

use axum::Json;
use axum::extract::{Path, State};
use hub_engine::people::explain::{
    self, Arrival, Evidence, Explained, Lost, Receiver, Reception, Standing,
};
use hub_engine::workspace::Workspace;
use hub_model::{Profile, RecordNo, TraitName};
use hub_store::Error;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::extract::Query;
use crate::find;
use crate::problem::{Code, Problem};
use crate::state::AppState;

/// Whose traits, and which.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    identity: String,
    #[serde(rename = "trait")]
    name: Option<String>,
}

/// `GET /explain?identity=email:ana@x.fr&trait=city`.
pub(crate) async fn of_identity(
    State(state): State<AppState>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Problem> {
    let identity = find::identity(&which.identity, state.rules())?;
    let workspace = state.engine().workspace();
    let only = which.name.as_deref().map(TraitName::new);
    let mut profiles = Vec::new();
    for profile in find::profiles(workspace, &identity).await? {
        profiles.push(view(workspace, &profile, only.as_ref()).await?);
    }
    Ok(Json(json!({ "profiles": profiles })))
}

/// `GET /records/{number}`: the row as received, and what became of it.
pub(crate) async fn record(
    State(state): State<AppState>,
    Path(number): Path<String>,
) -> Result<Json<Value>, Problem> {
    let unknown = || Problem::new(Code::UnknownRecord).at("records/{number}");
    let number = RecordNo(find::number(&number).ok_or_else(unknown)?);
    let records = state.engine().workspace().store.records(&[number]).await?;
    let record = records.into_iter().flatten().next().ok_or_else(unknown)?;
    Ok(Json(json!({
        "number": record.number,
        "connection": record.at.stream.connection,
        "stream": record.at.stream.stream,
        "key": record.at.key,
        "live": record.is_live(),
        "run": record.run,
        "version": record.version,
        "raw": record.raw.iter().map(|(k, v)| (k.to_string(), v.to_json())).collect::<Map<_, _>>(),
    })))
}

/// A profile with each trait explained; one trait only, if it is named.
///
/// # Errors
/// When the store cannot answer.
pub async fn view(
    workspace: &Workspace,
    profile: &Profile,
    only: Option<&TraitName>,
) -> Result<Value, Error> {
    let explained = explain::explain(workspace, profile, only).await?;
    let traits: Map<String, Value> =
        explained.iter().map(|e| (e.explanation.name.to_string(), one(e))).collect();
    Ok(json!({ "id": profile.id, "kind": profile.kind.as_str(), "traits": traits }))
}

fn one(explained: &Explained) -> Value {
    let explanation = &explained.explanation;
    let told = explanation.evidence.iter().zip(&explained.arrivals);
    let won = explanation.evidence.iter().find(|told| told.standing == Standing::Won);
    let by = won.map(|won| json!({ "rule": explanation.rule.as_str(), "record": won.record }));
    json!({
        "value": explanation.value.as_ref().map(hub_model::Value::to_json),
        "rule": explanation.rule.as_str(),
        "evidence": told.map(|(told, came)| evidence(told, came, by.as_ref())).collect::<Vec<_>>(),
        "received_by": explained.receivers.iter().map(receiver).collect::<Vec<_>>(),
    })
}

/// `by` is the rule that picked the winner, and the winner's record: what beat an
/// assertion that lost to it.
fn evidence(told: &Evidence, came: &Arrival, by: Option<&Value>) -> Value {
    let (standing, because) = match told.standing {
        Standing::Won => ("won", None),
        Standing::Shared => ("shared", None),
        Standing::Open => ("open", None),
        Standing::Lost(why) => ("lost", Some(why.as_str())),
    };
    let beaten =
        matches!(told.standing, Standing::Lost(why) if !matches!(why, Lost::Echo | Lost::Gone));
    json!({
        "standing": standing,
        "because": because,
        "beaten_by": by.filter(|_| beaten),
        "value": told.value.to_json(),
        "connection": told.at.stream.connection,
        "stream": told.at.stream.stream,
        "key": told.at.key,
        "field": told.field,
        "record": told.record,
        "raw": told.raw.as_ref().map(hub_model::Value::to_json),
        "live": told.live,
        "stamp": told.stamp,
        "source_time": told.source_time.map(|time| time.to_string()),
        "run": came.run,
        "pages": came.pages.map(|(first, last)| [first, last]),
        "connector": came.connector,
    })
}

fn receiver(receiver: &Receiver) -> Value {
    let before = match receiver.reception {
        Reception::Earlier(stamp) => Some(stamp),
        _ => None,
    };
    json!({
        "sync": receiver.sync,
        "key": receiver.at.as_ref().map(|at| &at.key),
        "field": receiver.field,
        "state": receiver.reception.as_str(),
        "sent_stamp": before,
    })
}
