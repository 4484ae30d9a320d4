//! `liaison profile events`: what happened to somebody, newest first.

use std::sync::Arc;

use hub_engine::SystemEnv;
use hub_engine::workspace::Workspace;
use hub_http::{find, timeline};
use hub_model::{Profile, Rules};
use serde_json::{Value, json};

use super::{encoded, not_an_identity};
use crate::cli::EventsAsked;
use crate::client::Client;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, talk, text};
use crate::reach::{self, Data};
use crate::trouble::Trouble;

/// Events asked for at once.
const PAGE_ROWS: usize = 500;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, asked: EventsAsked, out: Out) -> Result<Exit, Trouble> {
    let rules = loaded.config.rules();
    let identity =
        find::identity(&asked.identity, &rules).map_err(|error| not_an_identity(&error))?;
    let mut people = Vec::new();
    match reach::find(loaded).await? {
        Data::Store(store) => {
            let workspace = Workspace::new(store, Arc::new(rules), Arc::new(SystemEnv::default()));
            for profile in find::profiles(&workspace, &identity).await? {
                let events = here(&workspace, &profile, &asked).await?;
                people.push(json!({ "id": profile.id, "events": events }));
            }
        }
        Data::Hub(client) => {
            let query = encoded(&identity.to_string());
            let found = client.get(&format!("/api/v1/profiles?identity={query}")).await?;
            let found = found.get("profiles").and_then(Value::as_array).cloned();
            for profile in found.unwrap_or_default() {
                let id = text(&profile, "/id");
                let events = there(&client, &id, &asked).await?;
                people.push(json!({ "id": profile.get("id"), "events": events }));
            }
        }
    }
    let view = json!({ "profiles": people });
    out.data(&view, || {
        let of = |person: &Value| person.get("events").and_then(Value::as_array).cloned();
        let rows = people.iter().filter_map(of).flatten().map(|event| row(&event));
        table(&["WHEN", "EVENT", "STREAM", "KEY"], &rows.collect::<Vec<_>>())
    })?;
    let has_none = |person: &Value| person.pointer("/events/0").is_none();
    if people.is_empty() {
        talk("nobody has this identity");
    } else if people.iter().all(has_none) {
        talk("no such event is kept");
    } else {
        return Ok(Exit::Ok);
    }
    Ok(Exit::Finding)
}

fn row(event: &Value) -> Vec<String> {
    let of = |pointer: &str| text(event, pointer);
    let stream = format!("{}/{}", of("/connection"), of("/stream"));
    vec![of("/time"), of("/name"), stream, of("/key")]
}

async fn here(
    workspace: &Workspace,
    profile: &Profile,
    asked: &EventsAsked,
) -> Result<Vec<Value>, Trouble> {
    let rules: &Rules = &workspace.rules;
    let (store, name) = (&*workspace.store, asked.name.as_deref());
    let (mut events, mut before) = (Vec::new(), None);
    loop {
        let limit = (asked.limit - events.len()).min(PAGE_ROWS);
        let page = timeline::page(store, rules, profile, name, (before, limit)).await?;
        before = taken(page, &mut events).and_then(|next| timeline::place(&next));
        if before.is_none() || events.len() >= asked.limit {
            return Ok(events);
        }
    }
}

async fn there(client: &Client, id: &str, asked: &EventsAsked) -> Result<Vec<Value>, Trouble> {
    let name = asked.name.as_ref().map(|name| format!("&name={}", encoded(name)));
    let name = name.unwrap_or_default();
    let (mut events, mut before) = (Vec::new(), String::new());
    loop {
        let limit = (asked.limit - events.len()).min(PAGE_ROWS);
        let path = format!("/api/v1/profiles/{id}/events?limit={limit}{name}{before}");
        let next = taken(client.get(&path).await?, &mut events);
        match next {
            Some(next) if events.len() < asked.limit => before = format!("&before={next}"),
            _ => return Ok(events),
        }
    }
}

/// Adds the events of a page; where to go on.
fn taken(mut page: Value, events: &mut Vec<Value>) -> Option<String> {
    if let Some(Value::Array(shown)) = page.get_mut("events").map(Value::take) {
        events.extend(shown);
    }
    page.get("next").and_then(Value::as_str).map(str::to_owned)
}
