//! The other half of quarantine: writes that a destination rejected.

use std::sync::Arc;

use hub_engine::rejected;
use hub_http::{rejected as shown, views};
use hub_model::{ProfileId, SyncId};
use serde_json::{Value, json};

use super::super::profile::encoded;
use super::super::sync::{ended, refused};
use crate::commands::lang;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, text};
use crate::reach::{self, Data};
use crate::tokens::StoredTokens;
use crate::trouble::Trouble;
use crate::wire::Wiring;

/// Writes asked for at once.
const PAGE_WRITES: usize = 500;

/// Those that wait, of one sync or of all.
pub(super) async fn list(data: &Data, syncs: &[SyncId]) -> Result<Vec<Value>, Trouble> {
    match data {
        Data::Store(store) => {
            let found = rejected::list(&**store, syncs, None, usize::MAX).await?;
            Ok(found.iter().map(|write| shown::view(write, lang())).collect())
        }
        Data::Hub(client) => {
            let mut writes = Vec::new();
            for sync in syncs {
                let sync = encoded(sync.as_str());
                let path = format!("/api/v1/quarantine/writes?sync={sync}&limit={PAGE_WRITES}");
                let mut after = String::new();
                loop {
                    let mut page = client.get(&format!("{path}{after}")).await?;
                    let rows = page.get_mut("writes").map(Value::take).unwrap_or_default();
                    writes.extend(rows.as_array().into_iter().flatten().cloned());
                    let Some(next) = page.get("next").filter(|next| !next.is_null()) else { break };
                    after = format!("&after_sync={sync}&after_profile={}", next["profile"]);
                    if let Some(record) = next["record"].as_u64() {
                        after.push_str(&format!("&after_record={record}"));
                    }
                }
            }
            Ok(writes)
        }
    }
}

/// Them as lines.
pub(super) fn lines(writes: &[Value]) -> String {
    let cells = |write: &Value| {
        let pointers =
            ["/sync", "/profile", "/action", "/key", "/fault/code", "/fault/place", "/tries"];
        let mut cells = pointers.map(|pointer| text(write, pointer)).to_vec();
        let said = ["/fault/args/vendor_message", "/fault/args/reason"];
        cells
            .extend(said.map(|pointer| text(write, pointer)).into_iter().find(|it| !it.is_empty()));
        cells
    };
    let rows: Vec<Vec<String>> = writes.iter().map(cells).collect();
    table(&["SYNC", "PROFILE", "WRITE", "KEY", "CODE", "FIELD", "TRIES", "SAID"], &rows)
}

/// What waits about one profile, whole.
pub(super) async fn show(
    loaded: &Loaded,
    sync: &str,
    profile: u64,
    out: Out,
) -> Result<Exit, Trouble> {
    let sync = &loaded.sync(sync)?.id;
    let writes: Vec<Value> = match reach::find(loaded).await? {
        Data::Store(store) => {
            let found = rejected::of_profile(&*store, sync, ProfileId(profile)).await?;
            found.iter().map(|write| shown::view(write, lang())).collect()
        }
        Data::Hub(client) => {
            let sync = encoded(sync.as_str());
            let path = format!("/api/v1/quarantine/writes?sync={sync}&profile={profile}");
            let page = client.get(&path).await?;
            page["writes"].as_array().cloned().unwrap_or_default()
        }
    };
    if writes.is_empty() {
        return Err(super::not_there(sync, "no write about that profile was rejected"));
    }
    let view = json!({ "writes": writes });
    out.data(&view, || format!("{view:#}\n"))?;
    Ok(Exit::Ok)
}

/// Sends them once more: all of a sync, or those about one profile.
pub(super) async fn replay(
    loaded: &Loaded,
    sync: &str,
    profile: Option<u64>,
    out: Out,
) -> Result<Exit, Trouble> {
    let id = loaded.sync(sync)?.id.clone();
    let run = match reach::find(loaded).await? {
        Data::Store(store) => {
            let wiring = Wiring::kept(loaded, Arc::new(StoredTokens(store.clone())))?;
            let engine = wiring.engine(store, None, wiring.one(&id).await.jobs).await?;
            let run = engine.resend_once(&id, profile.map(ProfileId)).await;
            views::run(&run.map_err(|why| refused(&id, why))?, lang())
        }
        Data::Hub(client) => {
            let request = json!({ "sync": id, "profile": profile });
            let begun = client.post_json("/api/v1/quarantine/writes/replay", &request).await?;
            ended(&client, &text(&begun, "/run")).await?
        }
    };
    let count =
        |name: &str| run.pointer(&format!("/counts/{name}")).and_then(Value::as_u64).unwrap_or(0);
    let (sent, stay) = (count("writes"), count("rejected"));
    let view = json!({ "sent": sent, "stay": stay, "run": run });
    out.data(&view, || format!("sent {sent}, rejected again {stay}\n"))?;
    super::super::sync::explain(&run);
    let failed = super::super::sync::exit_of(&run) != Exit::Ok;
    Ok(if stay > 0 || failed { Exit::Finding } else { Exit::Ok })
}
