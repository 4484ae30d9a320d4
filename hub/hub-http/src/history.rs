//! What profiles were: as of an instant, and who changed what when. Everything here
//! is personal data.

use axum::Json;
use axum::extract::{Path, State};
use hub_engine::people::history::{self, Change, Event, Origin, Step};
use hub_model::{
    CommitSeq, Consent, ConsentKey, Identity, Profile, ProfileId, Rules, Timestamp, Trait,
    TraitName,
};
use hub_store::{Error, Store};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::extract::{Query, rows};
use crate::find;
use crate::problem::{Code, Problem};
use crate::state::AppState;
use crate::views;

/// Whose history, and which part of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    identity: String,
    #[serde(rename = "trait")]
    name: Option<String>,
    limit: Option<usize>,
}

/// Which part of a number's history.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    #[serde(rename = "trait")]
    name: Option<String>,
    before: Option<u64>,
    limit: Option<usize>,
}

/// `GET /history?identity=email:ana@x.fr&trait=city&limit=`: of everybody who is one
/// profile with the one who has the identity.
pub(crate) async fn of_identity(
    State(state): State<AppState>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Problem> {
    let identity = find::identity(&which.identity, state.rules())?;
    let today = find::profiles(state.engine().workspace(), &identity).await?;
    let only = which.name.as_deref().map(TraitName::new);
    let limit = rows(which.limit)?;
    Ok(Json(whole(state.store(), state.rules(), &today, only.as_ref(), limit).await?))
}

/// `GET /profiles/{id}/history?trait=&before=&limit=`: of exactly this number, also
/// of one that was absorbed.
pub(crate) async fn of_number(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Query(part): Query<Part>,
) -> Result<Json<Value>, Problem> {
    let unknown = || Problem::new(Code::UnknownProfile).at("profiles/{id}/history");
    let id = ProfileId(find::number(&id).ok_or_else(unknown)?);
    if state.store().history(id, None, 1).await?.versions.is_empty() {
        return Err(unknown());
    }
    let only = part.name.as_deref().map(TraitName::new);
    let page = (part.before.map(CommitSeq), rows(part.limit)?);
    Ok(Json(of(state.store(), state.rules(), id, only.as_ref(), page).await?))
}

/// The histories of everybody who is part of these profiles today.
///
/// # Errors
/// When the store cannot answer.
pub async fn whole(
    store: &dyn Store,
    rules: &Rules,
    today: &[Profile],
    only: Option<&TraitName>,
    limit: usize,
) -> Result<Value, Error> {
    let mut profiles = Vec::new();
    for profile in today {
        let mut numbers = Vec::new();
        for id in history::numbers(store, profile).await? {
            numbers.push(of(store, rules, id, only, (None, limit)).await?);
        }
        profiles.push(json!({ "id": profile.id, "numbers": numbers }));
    }
    Ok(json!({ "profiles": profiles }))
}

async fn of(
    store: &dyn Store,
    rules: &Rules,
    id: ProfileId,
    only: Option<&TraitName>,
    page: (Option<CommitSeq>, usize),
) -> Result<Value, Error> {
    let found = history::steps(store, rules, id, only, page).await?;
    let steps: Vec<Value> = found.steps.iter().map(step).collect();
    Ok(json!({ "id": id, "steps": steps, "next": found.next }))
}

/// How those stood at an instant who are one profile today.
///
/// # Errors
/// When the store cannot answer.
pub async fn as_of(
    store: &dyn Store,
    today: &[Profile],
    identity: Option<&Identity>,
    at: Timestamp,
) -> Result<Value, Error> {
    let then = history::as_of(store, today, identity, at).await?;
    let mut profiles = Vec::new();
    for (since, profile) in &then.profiles {
        let mut view = views::profile(store, profile).await?;
        if let Value::Object(entries) = &mut view {
            entries.insert("since".to_owned(), json!(since.at.map(|at| at.to_string())));
        }
        profiles.push(view);
    }
    Ok(json!({ "as_of": at.to_string(), "profiles": profiles, "forgotten": then.forgotten }))
}

/// An instant from text.
pub(crate) fn instant(text: &str) -> Result<Timestamp, Problem> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| {
        let expected = "expected an instant such as 2026-01-31T12:00:00Z";
        Problem::new(Code::BadParameter).at("as_of").with(expected)
    })
}

fn step(step: &Step) -> Value {
    let (event, by) = match &step.event {
        Event::Became(_) => ("changed", None),
        Event::Was(_) => ("was", None),
        Event::AbsorbedBy(by) => ("absorbed", Some(by)),
        Event::Forgotten => ("forgotten", None),
    };
    let mut view = json!({
        "commit": step.since.seq, "at": step.since.at.map(|at| at.to_string()), "event": event,
    });
    let Value::Object(entries) = &mut view else { return view };
    if let Some(by) = by {
        entries.insert("by".to_owned(), json!(by));
    }
    if let Some(changes) = step.event.changes() {
        let traits = changes.traits.iter().zip(&step.origins);
        let names = |identities: &[Identity]| -> Value {
            identities.iter().map(ToString::to_string).collect()
        };
        let told = [
            ("traits", traits.map(|(change, origin)| changed(change, origin.as_ref())).collect()),
            ("consents", changes.consents.iter().map(consent).collect()),
            ("identities_gained", names(&changes.identities_gained)),
            ("identities_lost", names(&changes.identities_lost)),
            ("records_gained", json!(changes.records_gained)),
            ("records_lost", json!(changes.records_lost)),
        ];
        entries.extend(told.map(|(name, value): (&str, Value)| (name.to_owned(), value)));
    }
    view
}

fn changed(change: &Change<TraitName, Trait>, origin: Option<&Origin>) -> Value {
    let value = |side: &Option<Trait>| side.as_ref().map(|value| value.value.to_json());
    let from = change.after.as_ref().map(|after| &after.provenance);
    let at = origin.and_then(|origin| origin.at.as_ref());
    let came = origin.map(|origin| &origin.arrival);
    json!({
        "trait": change.name,
        "before": value(&change.before),
        "after": value(&change.after),
        "record": from.map(|from| from.record),
        "field": from.map(|from| &from.field),
        "rule": from.map(|from| from.rule.as_str()),
        "connection": at.map(|at| &at.stream.connection),
        "stream": at.map(|at| &at.stream.stream),
        "key": at.map(|at| &at.key),
        "run": came.and_then(|came| came.run.as_ref()),
        "connector": came.and_then(|came| came.connector.as_ref()),
    })
}

fn consent(change: &Change<ConsentKey, Consent>) -> Value {
    let state = |side: &Option<Consent>| side.as_ref().map(|consent| json!(consent.state));
    json!({
        "purpose": &*change.name.purpose, "channel": &*change.name.channel,
        "before": state(&change.before), "after": state(&change.after),
    })
}
