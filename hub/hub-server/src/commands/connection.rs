//! `liaison connection`: list, check, sign in, discover.

use std::sync::Arc;

use hub_http::SignIns;
use plugin_api::StreamInfo;
use serde_json::{Value, json};

use crate::cli::ConnectionCommand;
use crate::commands::{lang, sign_in};
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table};
use crate::reach::{self, Kept};
use crate::tokens::StoredTokens;
use crate::trouble::{Item, Trouble};
use crate::wire::{Bound, Wiring, call};

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: ConnectionCommand, out: Out) -> Result<Exit, Trouble> {
    match command {
        ConnectionCommand::List => list(loaded, out),
        ConnectionCommand::Check { id } => check(loaded, &id, out).await,
        ConnectionCommand::SignIn { id } => sign_in::run(loaded, &id, out).await,
        ConnectionCommand::Discover { id } => discover(loaded, &id, out).await,
    }
}

fn list(loaded: &Loaded, out: Out) -> Result<Exit, Trouble> {
    let mut views = Vec::new();
    let mut rows = Vec::new();
    for connection in &loaded.config.connections {
        let id = connection.id.as_str();
        let hosts: Vec<&str> = connection.hosts.iter().map(|host| host.as_str()).collect();
        let syncs: Vec<&str> = loaded
            .config
            .syncs
            .iter()
            .filter(|sync| sync.mapping.stream.connection.as_str() == id)
            .map(|sync| sync.id.as_str())
            .collect();
        rows.push(vec![
            id.into(),
            connection.connector.value.clone(),
            hosts.join(", "),
            syncs.join(", "),
        ]);
        let folders: Vec<&String> = connection.folders.keys().collect();
        views.push(json!({
            "id": id, "connector": *connection.connector, "hosts": hosts, "folders": folders,
            "syncs": syncs,
        }));
    }
    let head = ["CONNECTION", "CONNECTOR", "HOSTS", "SYNCS"];
    out.data(&json!({ "connections": views }), || table(&head, &rows))?;
    Ok(Exit::Ok)
}

/// The connection, and the sandbox that must outlive it.
///
/// # Errors
/// When it cannot be asked.
pub async fn bound<'l>(loaded: &'l Loaded, id: &str) -> Result<(Wiring<'l>, Bound), Trouble> {
    let connection = loaded.connection(id)?;
    let wiring = Wiring::passing(loaded)?;
    let bound = wiring.bind(connection).await?;
    if wiring.desk().standing(id).is_none() {
        return Ok((wiring, bound));
    }
    // Its refresh token is in the store, and is used by who has that, or two would renew it.
    match reach::kept(loaded).await? {
        Kept::Store(store) => {
            let wiring = Wiring::kept(loaded, Arc::new(StoredTokens(store)))?;
            let bound = wiring.bind(connection).await?;
            Ok((wiring, bound))
        }
        Kept::Hub(client) => {
            let what = "the hub that runs holds the tokens of this connection";
            let mend = format!(
                "look at GET http://{}/api/v1/connections, or stop the hub first",
                client.address()
            );
            let place = format!("connections.{id}");
            Err(Trouble::new(Exit::Finding, "sign-in/with-the-hub", place, what, mend))
        }
    }
}

/// The fault of a call of a connection.
pub fn refused(id: &str, fault: hub_model::Fault) -> Trouble {
    let place = format!("connections.{id}");
    let fault = if fault.place.is_empty() { fault.at(place) } else { fault };
    Trouble { exit: Exit::Finding, items: vec![Item::of_fault(&fault, lang())] }
}

async fn check(loaded: &Loaded, id: &str, out: Out) -> Result<Exit, Trouble> {
    let (_wiring, bound) = bound(loaded, id).await?;
    bound.connector.check(&call("check")).await.map_err(|fault| refused(id, fault))?;
    out.data(&json!({ "connection": id, "status": "ok" }), || format!("{id}  ok\n"))?;
    Ok(Exit::Ok)
}

async fn discover(loaded: &Loaded, id: &str, out: Out) -> Result<Exit, Trouble> {
    let (_wiring, bound) = bound(loaded, id).await?;
    let streams =
        bound.connector.discover(&call("discover")).await.map_err(|fault| refused(id, fault))?;
    let view = json!({ "connection": id, "streams": streams });
    out.data(&view, || streams.iter().map(show).collect::<Vec<_>>().join("\n"))?;
    Ok(Exit::Ok)
}

/// A stream in words.
pub fn show(stream: &StreamInfo) -> String {
    let able = match (stream.readable, stream.writable) {
        (true, true) => "read and write",
        (false, true) => "write only",
        _ => "read only",
    };
    let rows: Vec<Vec<String>> = stream
        .fields
        .iter()
        .map(|field| {
            let flags = [
                (field.required, "required"),
                (field.read_only, "read-only"),
                (field.create_only, "create-only"),
                (field.matchable, "matchable"),
            ];
            let flags: Vec<&str> = flags.iter().filter(|(on, _)| *on).map(|(_, w)| *w).collect();
            let kind = stream.schema.pointer(&format!("/properties/{}/type", field.name));
            let kind = kind.map(type_words).unwrap_or_default();
            vec![field.name.to_string(), kind, flags.join(", "), field.title.clone()]
        })
        .collect();
    let archive = if stream.archives { ", with an archive" } else { "" };
    let needs = match stream.purposes.join(", ") {
        purposes if purposes.is_empty() => purposes,
        purposes => format!(", with a consent for {purposes}"),
    };
    let head = format!("{}: {}, {able}{archive}{needs}\n", stream.name, stream.kind.as_str());
    head + &table(&["FIELD", "TYPE", "", "TITLE"], &rows)
}

/// A JSON Schema's `type`: one word or several.
fn type_words(kind: &Value) -> String {
    match kind {
        Value::String(word) => word.clone(),
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|"),
        _ => String::new(),
    }
}
