//! `liaison suppression`: to whom nothing is sent.

use std::sync::Arc;

use hub_http::{find, suppressions};
use hub_model::Identity;
use hub_store_sled::SledStore;
use serde_json::{Value, json};

use super::identity::AUTHOR;
use super::profile::{encoded, not_an_identity};
use crate::cli::SuppressionCommand;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, text};
use crate::reach::{self, Kept};
use crate::tokens::StoredTokens;
use crate::trouble::Trouble;
use crate::wire::Wiring;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: SuppressionCommand, out: Out) -> Result<Exit, Trouble> {
    match command {
        SuppressionCommand::List { identity } => list(loaded, identity.as_deref(), out).await,
        SuppressionCommand::Add { identity, channel, reason } => {
            decide(loaded, (&identity, &channel), Some(&reason), out).await
        }
        SuppressionCommand::Remove { identity, channel } => {
            decide(loaded, (&identity, &channel), None, out).await
        }
    }
}

fn named(loaded: &Loaded, text: &str) -> Result<Identity, Trouble> {
    find::identity(text, &loaded.config.rules()).map_err(|error| not_an_identity(&error))
}

/// The engine over the store, which runs nothing: it has the key of the list.
async fn engine(loaded: &Loaded, store: Arc<SledStore>) -> Result<hub_engine::Engine, Trouble> {
    let wiring = Wiring::kept(loaded, Arc::new(StoredTokens(store.clone())))?;
    let jobs = wiring.all().await.jobs;
    wiring.engine(store.clone(), Some(store), jobs).await
}

async fn list(loaded: &Loaded, of: Option<&str>, out: Out) -> Result<Exit, Trouble> {
    let identity = of.map(|text| named(loaded, text)).transpose()?;
    let view = match reach::kept(loaded).await? {
        Kept::Store(store) => {
            let engine = engine(loaded, store).await?;
            suppressions::listed(engine.workspace(), identity.as_ref())
        }
        Kept::Hub(client) => {
            let query = identity.as_ref().map(|identity| encoded(&identity.to_string()));
            let query = query.map_or_else(String::new, |text| format!("?identity={text}"));
            client.get(&format!("/api/v1/suppressions{query}")).await?
        }
    };
    let rows = view.get("suppressions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    out.data(&view, || {
        let row = |entry: &Value| {
            let pointers = ["/namespace", "/of", "/channel", "/reason", "/source", "/at"];
            let mut cells = pointers.map(|pointer| text(entry, pointer)).to_vec();
            cells.push(standing(entry));
            cells
        };
        let rows: Vec<Vec<String>> = rows.iter().map(row).collect();
        table(&["NAMESPACE", "HASH", "CHANNEL", "REASON", "FROM", "SINCE", ""], &rows)
    })?;
    let holds = rows.iter().any(|entry| entry.get("holds") == Some(&Value::Bool(true)));
    Ok(if of.is_none() || holds { Exit::Ok } else { Exit::Finding })
}

fn standing(entry: &Value) -> String {
    let has = |name: &str| entry.get(name).is_some_and(|value| !value.is_null());
    let by = |what: &str, who: &str| format!("{what} by {}", text(entry, who));
    match (has("lifted_by"), has("by")) {
        (true, _) => by("lifted", "/lifted_by") + " at " + &text(entry, "/lifted_at"),
        (false, true) => by("entered", "/by"),
        (false, false) => String::new(),
    }
}

async fn decide(
    loaded: &Loaded,
    (of, channel): (&str, &str),
    reason: Option<&str>,
    out: Out,
) -> Result<Exit, Trouble> {
    let identity = named(loaded, of)?;
    let rules = loaded.config.rules();
    if !suppressions::is_channel(&rules, channel) {
        let what = format!("no purpose has the channel `{channel}`");
        let mend = format!("there are: {}", suppressions::channels(&rules).join(", "));
        return Err(Trouble::new(
            Exit::Usage,
            "suppression/unknown-channel",
            "--channel",
            what,
            mend,
        ));
    }
    let view = match reach::kept(loaded).await? {
        Kept::Store(store) => {
            let engine = engine(loaded, store).await?;
            let entry = engine.suppress(&identity, channel, reason, AUTHOR).await?;
            suppressions::view(&entry.ok_or_else(nothing)?)
        }
        Kept::Hub(client) => {
            let identity = identity.to_string();
            let mut request = json!({ "identity": identity, "channel": channel });
            let path = match reason {
                Some(reason) => {
                    request["reason"] = reason.into();
                    "/api/v1/suppressions"
                }
                None => "/api/v1/suppressions/lift",
            };
            client.post_json(path, &request).await?
        }
    };
    out.data(&view, || {
        let done = if reason.is_some() { "suppressed" } else { "lifted" };
        format!("{done}: {} on {}\n", text(&view, "/of"), text(&view, "/channel"))
    })?;
    Ok(Exit::Ok)
}

fn nothing() -> Trouble {
    let what = "nothing holds on this channel for this identity";
    let mend = "`liaison suppression list namespace:value` shows what does";
    Trouble::new(Exit::Finding, "suppression/nothing", "the identity", what, mend)
}
