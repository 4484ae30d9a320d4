//! A mapping tried on records that are stored. Personal data.

use axum::Json;
use axum::extract::State;
use hub_engine::mapping::{self, Preview};
use hub_model::{Fault, RemoteKey, Rules, SyncId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::extract;
use crate::lang::Lang;
use crate::problem::{Code, Problem};
use crate::state::AppState;
use crate::views;

/// Which sync and which records; other rules than those in force, if they are sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    sync: String,
    record: Option<String>,
    limit: Option<usize>,
    rules: Option<Rules>,
}

/// `POST /mapping/preview`: what each pair makes of stored records, both ways.
pub(crate) async fn preview(
    State(state): State<AppState>,
    lang: Lang,
    extract::Json(which): extract::Json<Which>,
) -> Result<Json<Value>, Problem> {
    let rules = which.rules.as_ref().unwrap_or_else(|| state.rules());
    let (sync, key) = (SyncId::new(which.sync), which.record.map(RemoteKey::new));
    let limit = match which.limit {
        Some(limit) => extract::rows(Some(limit))?,
        None => mapping::RECORDS,
    };
    let found = mapping::preview(state.store(), rules, &sync, (key.as_ref(), limit)).await?;
    let previews = found.ok_or_else(|| Problem::new(Code::UnknownSync).at("sync"))?;
    Ok(Json(view(&previews, lang)))
}

/// Previews as the API shows them.
pub fn view(previews: &[Preview], lang: Lang) -> Value {
    let records = previews.iter().map(|preview| {
        let pairs = preview.pairs.iter().map(|pair| {
            json!({
                "field": pair.field,
                "has": pair.has.as_ref().map(hub_model::Value::to_json),
                "trait": pair.to,
                "says": pair.says.as_ref().map(|said| outcome(said, lang)),
                "writes": pair.writes.as_ref().map(|form| outcome(form, lang)),
            })
        });
        json!({
            "key": preview.key,
            "record": preview.record,
            "profile": preview.profile,
            "is_met": preview.is_met,
            "unclean": preview.unclean.as_ref().map(|fault| views::fault(fault, lang)),
            "pairs": pairs.collect::<Vec<_>>(),
        })
    });
    json!({ "records": records.collect::<Vec<_>>() })
}

fn outcome(outcome: &Result<hub_model::Value, Fault>, lang: Lang) -> Value {
    match outcome {
        Ok(value) => json!({ "value": value.to_json() }),
        Err(fault) => json!({ "fault": views::fault(fault, lang) }),
    }
}
