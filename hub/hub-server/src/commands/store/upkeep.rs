//! `liaison store stats`, `compact`, `backup`: by this process, or by the hub
//! that has the store.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hub_store::Store;
use hub_store::upkeep::{self, Progress, Sizes, Step, Upkeep};
use serde_json::{Value, json};

use super::none_yet;
use crate::client::Client;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{self, Out, table, talk};
use crate::reach::{self, Kept};
use crate::trouble::Trouble;

/// How often a hub is asked how far it is.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// Counts and sizes; says when compaction is worth it.
///
/// # Errors
/// When the store cannot be read.
pub async fn stats(loaded: &Loaded, out: Out) -> Result<Exit, Trouble> {
    reach::refuse_unfinished_restore(loaded)?;
    let answer = if loaded.store_dir().exists() {
        match reach::kept(loaded).await? {
            Kept::Store(store) => merged(json!(store.stats().await?), store.sizes().await?),
            Kept::Hub(client) => {
                let mut answer = client.get("/api/v1/store").await?;
                let sizes = answer.get_mut("sizes").map(Value::take).unwrap_or_default();
                let sizes = serde_json::from_value(sizes).unwrap_or_default();
                merged(answer.get_mut("stats").map(Value::take).unwrap_or_default(), sizes)
            }
        }
    } else {
        merged(json!(hub_store::Stats::default()), Sizes::default())
    };
    out.data(&answer, || {
        let entries = answer.as_object().into_iter().flatten();
        let rows: Vec<Vec<String>> =
            entries.map(|(name, value)| vec![name.clone(), value.to_string()]).collect();
        table(&["WHAT", "COUNT"], &rows)
    })?;
    if answer.get("compaction_is_worth_it") == Some(&json!(true)) {
        talk("much of the files is dead; give it back with: liaison store compact");
    }
    Ok(Exit::Ok)
}

fn merged(mut stats: Value, sizes: Sizes) -> Value {
    if let Value::Object(entries) = &mut stats {
        let percent = sizes.disk_bytes.saturating_mul(100).checked_div(sizes.live_bytes);
        entries.insert("disk_bytes".to_owned(), json!(sizes.disk_bytes));
        entries.insert("live_bytes".to_owned(), json!(sizes.live_bytes));
        entries.insert("disk_percent_of_live".to_owned(), json!(percent));
        entries.insert("log_commits".to_owned(), json!(sizes.log_end - sizes.log_start));
        entries.insert("compaction_is_worth_it".to_owned(), json!(sizes.is_worth_compacting()));
    }
    stats
}

/// Gives space back.
///
/// # Errors
/// When there is no store or it cannot be copied.
pub async fn compact(loaded: &Loaded, out: Out) -> Result<Exit, Trouble> {
    let done = match owned(loaded).await? {
        Kept::Store(store) => json!(store.compact(shown("compacting")).await?),
        Kept::Hub(client) => {
            let started = client.post("/api/v1/store/compact").await?;
            watched(&client, started, "compacting").await?
        }
    };
    let done =
        json!({ "bytes_before": done.get("bytes_before"), "bytes_after": done.get("bytes_after") });
    out.data(&done, || {
        format!("{} bytes before, {} after\n", done["bytes_before"], done["bytes_after"])
    })?;
    Ok(Exit::Ok)
}

/// Writes a backup.
///
/// # Errors
/// When there is no store, it cannot be copied, or something is at the place.
pub async fn backup(loaded: &Loaded, to: &Path, out: Out) -> Result<Exit, Trouble> {
    // The hub may run in another folder.
    let to = std::path::absolute(to).map_err(|error| super::place::cannot(to, &error))?;
    if to.exists() {
        return Err(Trouble::new(
            Exit::Usage,
            "backup/exists",
            to.display(),
            "there is something at this place; it exists already",
            "name a folder that does not exist yet",
        ));
    }
    let done = match owned(loaded).await? {
        Kept::Store(store) => json!(store.backup(to.clone(), shown("backing up")).await?),
        Kept::Hub(client) => {
            let asked = json!({ "to": to });
            let started = client.post_json("/api/v1/store/backup", &asked).await?;
            watched(&client, started, "backing up").await?
        }
    };
    let done = json!({ "to": to, "seq": done.get("seq"), "bytes": done.get("bytes") });
    out.data(&done, || {
        format!("{} holds commit {}, {} bytes\n", to.display(), done["seq"], done["bytes"])
    })?;
    Ok(Exit::Ok)
}

async fn owned(loaded: &Loaded) -> Result<Kept, Trouble> {
    if loaded.store_dir().exists() { reach::kept(loaded).await } else { Err(none_yet(loaded)) }
}

/// Shows how far this process is.
fn shown(doing: &'static str) -> upkeep::Tell {
    let line = Arc::new(Mutex::new(out::Progress::new()));
    Box::new(move |told| {
        let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
        if told.step == Step::Done {
            line.clear()
        } else {
            line.show(&words(doing, &told))
        }
        Ok(())
    })
}

fn words(doing: &str, told: &Progress) -> String {
    match told.step {
        Step::Copying => super::export::share(doing, told.rows, told.of_rows),
        Step::CaughtUp => format!("{doing}: comparing"),
        Step::Compared => format!("{doing}: checking"),
        Step::Checked | Step::Switched | Step::Done => format!("{doing}: almost done"),
    }
}

/// Shows how far a hub is, until it is done.
async fn watched(client: &Client, mut answer: Value, doing: &str) -> Result<Value, Trouble> {
    let mut line = out::Progress::new();
    loop {
        let mut work = answer.get_mut("work").map(Value::take).unwrap_or_default();
        match work.get("state").and_then(Value::as_str) {
            Some("running") => {
                let told = work.get_mut("progress").map(Value::take).unwrap_or_default();
                if let Ok(told) = serde_json::from_value::<Progress>(told) {
                    line.show(&words(doing, &told));
                }
            }
            Some("failed") => {
                line.clear();
                return Err(Trouble::new(
                    Exit::Store,
                    "store/upkeep",
                    "store",
                    work.get("reason").and_then(Value::as_str).unwrap_or_default(),
                    "look at the reason above; the store is as it was",
                ));
            }
            _ => {
                line.clear();
                return Ok(work);
            }
        }
        tokio::time::sleep(LOOK_PAUSE).await;
        answer = client.get("/api/v1/store/work").await?;
    }
}
