//! `liaison quarantine`: list, show, replay rows that a rule rejected on their way in,
//! and writes that a destination rejected on their way out.

mod writes;

use std::sync::Arc;

use hub_http::{quarantine, views};
use hub_model::{RemoteKey, StreamRef, SyncId};
use serde_json::{Value, json};

use super::profile::encoded;
use super::sync::{ended, refused};
use crate::cli::QuarantineCommand;
use crate::client::Client;
use crate::commands::lang;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, text};
use crate::reach::{self, Data};
use crate::tokens::StoredTokens;
use crate::trouble::Trouble;
use crate::wire::Wiring;

/// Rows asked for at once.
const PAGE_ROWS: usize = 500;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: QuarantineCommand, out: Out) -> Result<Exit, Trouble> {
    match command {
        QuarantineCommand::List { sync } => list(loaded, sync.as_deref(), out).await,
        QuarantineCommand::Show { sync, profile: Some(profile), .. } => {
            writes::show(loaded, &sync, profile, out).await
        }
        QuarantineCommand::Show { sync, key, .. } => {
            show(loaded, &sync, &key.unwrap_or_default(), out).await
        }
        QuarantineCommand::Replay { sync, key: None, writes, profile }
            if writes || profile.is_some() =>
        {
            writes::replay(loaded, &sync, profile, out).await
        }
        QuarantineCommand::Replay { sync, key, .. } => replay(loaded, &sync, key, out).await,
    }
}

async fn list(loaded: &Loaded, sync: Option<&str>, out: Out) -> Result<Exit, Trouble> {
    let wanted = sync.map(|id| loaded.sync(id)).transpose()?.map(|sync| &sync.mapping.stream);
    let data = reach::find(loaded).await?;
    let mut rows = Vec::new();
    let mut after = 0;
    loop {
        let page: Vec<Value> = match &data {
            Data::Store(store) => {
                let page = store.quarantined(after, PAGE_ROWS).await?;
                page.iter().map(|row| views::quarantined(row, lang())).collect()
            }
            Data::Hub(client) => {
                let path = format!("/api/v1/quarantine?after={after}&limit={PAGE_ROWS}");
                let mut page = client.get(&path).await?;
                let rows = page.get_mut("quarantine").map(Value::take).unwrap_or_default();
                rows.as_array().cloned().unwrap_or_default()
            }
        };
        after += page.len();
        let is_last = page.len() < PAGE_ROWS;
        rows.extend(page.into_iter().filter(|row| wanted.is_none_or(|stream| is_of(row, stream))));
        if is_last {
            break;
        }
    }
    let syncs = loaded.config.syncs.iter().filter(|it| sync.is_none_or(|id| it.id.as_str() == id));
    let syncs: Vec<SyncId> = syncs.map(|sync| sync.id.clone()).collect();
    let rejected = writes::list(&data, &syncs).await?;
    out.data(&json!({ "quarantine": rows, "writes": rejected }), || {
        let cells = |row: &Value| {
            let stream = format!("{}/{}", text(row, "/connection"), text(row, "/stream"));
            let pointers =
                ["/key", "/fault/code", "/fault/place", "/fault/args/rule", "/fault/args/class"];
            let rest = pointers.map(|pointer| text(row, pointer));
            [stream].into_iter().chain(rest).chain([text(row, "/at")]).collect()
        };
        let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
        let head = ["STREAM", "KEY", "CODE", "FIELD", "RULE", "VALUE IS", "SINCE"];
        let mut lines = table(&head, &rows);
        if !rejected.is_empty() {
            lines.push('\n');
            lines.push_str(&writes::lines(&rejected));
        }
        lines
    })?;
    let none = rows.is_empty() && rejected.is_empty();
    Ok(if none { Exit::Ok } else { Exit::Finding })
}

fn is_of(row: &Value, stream: &StreamRef) -> bool {
    text(row, "/connection") == stream.connection.as_str()
        && text(row, "/stream") == stream.stream.as_str()
}

async fn show(loaded: &Loaded, sync: &str, key: &str, out: Out) -> Result<Exit, Trouble> {
    let sync = loaded.sync(sync)?;
    let view = match reach::find(loaded).await? {
        Data::Store(store) => {
            let key = RemoteKey::new(key);
            let found = quarantine::find(&*store, &sync.mapping.stream, &key).await?;
            let none = || not_there(&sync.id, "no row of that key waits in quarantine");
            views::quarantined(&found.ok_or_else(none)?, lang())
        }
        Data::Hub(client) => {
            let (sync, key) = (encoded(sync.id.as_str()), encoded(key));
            client.get(&format!("/api/v1/quarantine/row?sync={sync}&key={key}")).await?
        }
    };
    out.data(&view, || format!("{view:#}\n"))?;
    Ok(Exit::Ok)
}

fn not_there(sync: &impl std::fmt::Display, what: &str) -> Trouble {
    Trouble::new(
        Exit::Finding,
        "quarantine/not-there",
        format!("syncs/{sync}.toml"),
        what,
        "`liaison quarantine list` shows what waits; what was accepted leaves by itself",
    )
}

async fn replay(
    loaded: &Loaded,
    sync: &str,
    key: Option<String>,
    out: Out,
) -> Result<Exit, Trouble> {
    let id = loaded.sync(sync)?.id.clone();
    let run = match reach::find(loaded).await? {
        Data::Store(store) => {
            let wiring = Wiring::kept(loaded, Arc::new(StoredTokens(store.clone())))?;
            let engine = wiring.engine(store, None, wiring.one(&id).await.jobs).await?;
            let run = engine.replay_once(&id, key.map(RemoteKey::new)).await;
            views::run(&run.map_err(|why| refused(&id, why))?, lang())
        }
        Data::Hub(client) => replay_there(&client, &json!({ "sync": id, "key": key })).await?,
    };
    let count = |name: &str| run.pointer(&format!("/counts/{name}")).and_then(Value::as_u64);
    let (tried, stay) = (count("read").unwrap_or(0), count("quarantined").unwrap_or(0));
    let view =
        json!({ "tried": tried, "accepted": tried - stay.min(tried), "stay": stay, "run": run });
    out.data(&view, || {
        format!("tried {tried}, accepted {}, stay {stay}\n", tried - stay.min(tried))
    })?;
    let failed = run.get("status").and_then(Value::as_str) == Some("failed");
    if failed {
        crate::out::talk(format!(
            "the replay failed: {} ({})",
            text(&run, "/fault/title"),
            text(&run, "/fault/mend")
        ));
    }
    Ok(if stay > 0 || failed { Exit::Finding } else { Exit::Ok })
}

/// Has it done by the hub that holds the store, and waits for the end.
async fn replay_there(client: &Client, request: &Value) -> Result<Value, Trouble> {
    let begun = client.post_json("/api/v1/quarantine/replay", request).await?;
    ended(client, &text(&begun, "/run")).await
}
