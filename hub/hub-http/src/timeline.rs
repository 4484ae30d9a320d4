//! What happened to somebody: his events, newest first. Personal data.

use axum::Json;
use axum::extract::{Path, State};
use hub_engine::events;
use hub_model::{Event, Profile, ProfileId, Rules, Timestamp};
use hub_store::{Error, EventPlace, Store};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::extract::{Query, rows};
use crate::find;
use crate::limits::ROWS_MAX;
use crate::problem::{Code, Problem};
use crate::state::AppState;

/// Which events.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    name: Option<String>,
    before: Option<String>,
    limit: Option<usize>,
}

/// `GET /profiles/{id}/events?name=&before=&limit=`; `next` of an answer is
/// `before` of the next question.
pub(crate) async fn of_profile(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Query(Which { name, before, limit }): Query<Which>,
) -> Result<Json<Value>, Problem> {
    let unknown = || Problem::new(Code::UnknownProfile).at("profiles/{id}");
    let id = ProfileId(find::number(&id).ok_or_else(unknown)?);
    let limit = rows(limit)?;
    let no_place = || {
        let expected = "the `next` of an earlier answer";
        Problem::new(Code::BadParameter).at("before").with(expected)
    };
    let before = before.map(|text| place(&text).ok_or_else(no_place)).transpose()?;
    let (store, rules) = (state.store(), state.rules());
    let profile = store.profiles(&[id]).await?.into_iter().flatten().next();
    let profile = profile.ok_or_else(unknown)?;
    Ok(Json(page(store, rules, &profile, name.as_deref(), (before, limit)).await?))
}

/// A page of a profile's events, with where to go on.
///
/// # Errors
/// When the store cannot answer.
pub async fn page(
    store: &dyn Store,
    rules: &Rules,
    profile: &Profile,
    name: Option<&str>,
    from: (Option<EventPlace>, usize),
) -> Result<Value, Error> {
    let page = events::of_profile(store, rules, profile, name, from).await?;
    let shown: Vec<Value> = page.events.iter().map(event).collect();
    Ok(json!({ "events": shown, "next": page.next.map(place_text) }))
}

/// All of a profile's events.
///
/// # Errors
/// When the store cannot answer.
pub async fn all(store: &dyn Store, rules: &Rules, profile: &Profile) -> Result<Value, Error> {
    let (mut shown, mut before) = (Vec::new(), None);
    loop {
        let from = (before, ROWS_MAX);
        let page = events::of_profile(store, rules, profile, None, from).await?;
        shown.extend(page.events.iter().map(event));
        before = page.next;
        if before.is_none() {
            return Ok(Value::Array(shown));
        }
    }
}

/// A place as text, and back.
pub fn place_text(place: EventPlace) -> String {
    format!("{}.{}", place.time.0, place.number)
}

/// See [`place_text`].
pub fn place(text: &str) -> Option<EventPlace> {
    let (time, number) = text.split_once('.')?;
    Some(EventPlace { time: Timestamp(time.parse().ok()?), number: number.parse().ok()? })
}

fn event(event: &Event) -> Value {
    let properties: Map<String, Value> =
        event.properties.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect();
    let identities: Vec<String> = event.identities.iter().map(ToString::to_string).collect();
    json!({
        "connection": event.at.stream.connection, "stream": event.at.stream.stream,
        "key": event.at.key, "name": &*event.name, "time": event.time.to_string(),
        "received": event.received.to_string(), "identities": identities,
        "properties": properties,
    })
}

#[cfg(test)]
mod tests {
    use hub_model::Timestamp;
    use hub_store::EventPlace;

    use super::{place, place_text};

    #[test]
    fn a_place_comes_back_from_its_text() {
        for (time, number) in [(0, 0), (i64::MIN, 1), (i64::MAX, u64::MAX)] {
            let wanted = EventPlace { time: Timestamp(time), number };
            assert_eq!(place(&place_text(wanted)), Some(wanted));
        }
        for text in ["", ".", "1", "1.", "a.1", "1.-1", "1.2.3"] {
            assert_eq!(place(text), None, "{text}");
        }
    }
}
