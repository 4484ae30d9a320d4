//! To whom nothing may be sent on a channel, and who said so.

use axum::Json;
use axum::extract::State;
use hub_engine::suppressions;
use hub_engine::workspace::Workspace;
use hub_model::consent::EVERY_CHANNEL;
use hub_model::{Identity, Rules, Suppression};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::extract::{self, Query};
use crate::find;
use crate::identity::OWNER;
use crate::problem::{Code, Problem};
use crate::state::AppState;

/// About whom; everybody if nobody is named.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whom {
    identity: Option<String>,
}

/// `GET /suppressions?identity=email:ana@x.fr`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(Whom { identity }): Query<Whom>,
) -> Result<Json<Value>, Problem> {
    let identity = identity.map(|text| find::identity(&text, state.rules())).transpose()?;
    Ok(Json(listed(state.engine().workspace(), identity.as_ref())))
}

/// The list, or what it says of one identity.
pub fn listed(workspace: &Workspace, identity: Option<&Identity>) -> Value {
    let entries = suppressions::listed(workspace, identity);
    let shown: Vec<Value> = entries.iter().map(view).collect();
    json!({ "suppressions": shown })
}

/// Who, on which channel, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddRequest {
    identity: String,
    channel: String,
    reason: String,
}

/// `POST /suppressions`: nothing is sent there any more, also not what is queued.
pub(crate) async fn add(
    State(state): State<AppState>,
    extract::Json(request): extract::Json<AddRequest>,
) -> Result<Json<Value>, Problem> {
    let AddRequest { identity, channel, reason } = request;
    decide(&state, &identity, &channel, Some(&reason)).await
}

/// Who, and on which channel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LiftRequest {
    identity: String,
    channel: String,
}

/// `POST /suppressions/lift`: it may be sent again what consents allow.
pub(crate) async fn lift(
    State(state): State<AppState>,
    extract::Json(LiftRequest { identity, channel }): extract::Json<LiftRequest>,
) -> Result<Json<Value>, Problem> {
    decide(&state, &identity, &channel, None).await
}

async fn decide(
    state: &AppState,
    identity: &str,
    channel: &str,
    reason: Option<&str>,
) -> Result<Json<Value>, Problem> {
    let identity = find::identity(identity, state.rules())?;
    if !is_channel(state.rules(), channel) {
        let known = channels(state.rules()).join(", ");
        return Err(Problem::new(Code::BadBody).at("channel").with(format!("one of {known}")));
    }
    let entry = state.engine().suppress(&identity, channel, reason, OWNER).await?;
    let entry = entry.ok_or_else(|| Problem::new(Code::Nobody).at("identity"))?;
    Ok(Json(view(&entry)))
}

/// Whether some purpose has the channel, or all channels are meant.
pub fn is_channel(rules: &Rules, channel: &str) -> bool {
    channels(rules).contains(&channel)
}

/// The channels that there are.
pub fn channels(rules: &Rules) -> Vec<&str> {
    let own = rules.purposes.iter().flat_map(|purpose| &purpose.channels);
    let mut all: Vec<&str> = own.map(|name| &**name).chain([EVERY_CHANNEL]).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// An entry; of the person there is a keyed hash.
pub fn view(entry: &Suppression) -> Value {
    json!({
        "of": entry.of, "namespace": entry.namespace, "channel": entry.channel,
        "reason": entry.reason, "source": entry.source, "by": entry.by,
        "at": entry.at.to_string(), "holds": entry.holds(),
        "lifted_by": entry.lifted.as_ref().map(|signed| &signed.by),
        "lifted_at": entry.lifted.as_ref().map(|signed| signed.at.to_string()),
    })
}
