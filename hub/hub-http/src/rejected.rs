//! Writes that a destination rejected, with its reason. Personal data.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hub_engine::rejected::{self, Rejected};
use hub_model::{PendingKey, ProfileId, RecordNo, SyncId};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::extract::{self, Query, rows};
use crate::lang::Lang;
use crate::problem::{Code, Problem};
use crate::state::AppState;
use crate::views;

/// Which writes: of one sync or of all, after one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    sync: Option<String>,
    profile: Option<u64>,
    after_sync: Option<String>,
    after_profile: Option<u64>,
    after_record: Option<u64>,
    limit: Option<usize>,
}

/// `GET /quarantine/writes?sync=&profile=&after_sync=&after_profile=&after_record=&limit=`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(which): Query<Which>,
    lang: Lang,
) -> Result<Json<Value>, Problem> {
    let limit = rows(which.limit)?;
    let jobs = state.engine().jobs();
    let syncs: Vec<SyncId> = match which.sync.map(SyncId::new) {
        Some(sync) if !jobs.contains_key(&sync) => {
            return Err(Problem::new(Code::UnknownSync).at("sync"));
        }
        Some(sync) => vec![sync],
        None => jobs.keys().cloned().collect(),
    };
    let found = match which.profile {
        Some(profile) => {
            let mut found = Vec::new();
            for sync in &syncs {
                found.extend(rejected::of_profile(state.store(), sync, ProfileId(profile)).await?);
            }
            found
        }
        None => {
            let after =
                which.after_sync.zip(which.after_profile).map(|(sync, profile)| PendingKey {
                    sync: SyncId::new(sync),
                    profile: ProfileId(profile),
                    record: which.after_record.map(RecordNo),
                });
            rejected::list(state.store(), &syncs, after.as_ref(), limit).await?
        }
    };
    let next = found.last().filter(|_| which.profile.is_none() && found.len() == limit);
    let next = next.map(|last| {
        json!({ "sync": last.of.sync, "profile": last.of.profile, "record": last.of.record })
    });
    let rows: Vec<Value> = found.iter().map(|write| view(write, lang)).collect();
    Ok(Json(json!({ "writes": rows, "next": next })))
}

/// A write that was rejected. Holds personal data.
pub fn view(write: &Rejected, lang: Lang) -> Value {
    let fields: Map<String, Value> =
        write.fields.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect();
    json!({
        "sync": write.of.sync, "profile": write.of.profile, "record": write.of.record,
        "key": write.key, "action": write.action.as_str(), "fields": fields,
        "fault": write.fault.as_ref().map(|fault| views::fault(fault, lang)),
        "tries": write.tries,
    })
}

/// What is sent once more: all that a sync's destination rejected, or what is about
/// one profile.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayRequest {
    sync: String,
    #[serde(default)]
    profile: Option<u64>,
}

/// `POST /quarantine/writes/replay`: 202 with the run that sends them, 409 while the
/// sync runs.
pub(crate) async fn replay(
    State(state): State<AppState>,
    extract::Json(ReplayRequest { sync, profile }): extract::Json<ReplayRequest>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let sync = SyncId::new(sync);
    let run = state.engine().resend_now(&sync, profile.map(ProfileId))?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "sync": sync, "run": run }))))
}
