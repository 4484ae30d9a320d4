//! `liaison undo`: what a run wrote, taken back.

use hub_http::views;
use hub_model::{RunId, SyncId};
use serde_json::{Value, json};

use super::plan::{Planner, lines, no_plan};
use super::profile::encoded;
use super::sync::{ended, exit_of, explain, watched};
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, talk, text};
use crate::trouble::Trouble;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, run: &str, yes: bool, out: Out) -> Result<Exit, Trouble> {
    let id = RunId::new(run);
    let sync = sync_of(loaded, &id)?;
    let planner = Planner::open(loaded, &sync).await?;
    let view = shown(&planner, &sync, &id).await?;
    if !yes {
        out.data(&view, || plan_text(&view))?;
        talk("nothing was written; `--yes` does it");
        return Ok(if left(&view).is_empty() { Exit::Ok } else { Exit::Finding });
    }
    let undoing = match &planner {
        Planner::Here(engine) => watched(engine, &sync, engine.undo_once(&sync, &id)).await?,
        Planner::Hub(client) => {
            let begun = client.post(&format!("/api/v1/runs/{}/undo", encoded(run))).await?;
            ended(client, &text(&begun, "/run")).await?
        }
    };
    // What is skipped is told by what the rows showed when they were looked at.
    let after = shown(&planner, &sync, &id).await?;
    let result = json!({ "run": undoing, "skipped": after["skipped"] });
    out.data(&result, || {
        let counts = ["updated", "created", "removed", "rejected", "retried"]
            .map(|name| format!("{name} {}", text(&undoing, &format!("/counts/{name}"))));
        let told = format!("{}  {}\n", text(&undoing, "/status"), counts.join(", "));
        told + &skipped_text(&after)
    })?;
    explain(&undoing);
    Ok(if left(&after).is_empty() { exit_of(&undoing) } else { Exit::Finding })
}

/// The sync of a run: its id ends with it.
fn sync_of(loaded: &Loaded, run: &RunId) -> Result<SyncId, Trouble> {
    let name = run.as_str().split_once('-').map_or(run.as_str(), |(_, sync)| sync);
    Ok(loaded.sync(name)?.id.clone())
}

async fn shown(planner: &Planner, sync: &SyncId, run: &RunId) -> Result<Value, Trouble> {
    match planner {
        Planner::Here(engine) => {
            let shown = engine.undo_plan(run).await.map_err(|why| no_plan(sync, why))?;
            shown.map(|shown| views::undo(run, &shown)).ok_or_else(|| {
                let mend = "`liaison sync status <sync>` and `liaison ledger list` show runs";
                Trouble::new(Exit::Finding, "undo/unknown-run", run, "there is no such run", mend)
            })
        }
        Planner::Hub(client) => {
            client.get(&format!("/api/v1/runs/{}/undo", encoded(run.as_str()))).await
        }
    }
}

fn left(view: &Value) -> &[Value] {
    view.get("skipped").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn plan_text(view: &Value) -> String {
    let writes = view.get("writes").and_then(Value::as_array).into_iter().flatten();
    let mut told: String = writes.map(lines).collect();
    if told.is_empty() {
        told.push_str("nothing to take back\n");
    }
    told + &skipped_text(view)
}

fn skipped_text(view: &Value) -> String {
    let cells = |row: &Value| {
        ["/record", "/key", "/field", "/why"].map(|pointer| text(row, pointer)).to_vec()
    };
    let rows: Vec<Vec<String>> = left(view).iter().map(cells).collect();
    if rows.is_empty() {
        return String::new();
    }
    table(&["SKIPPED RECORD", "ROW", "FIELD", "WHY"], &rows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::plan_text;

    #[test]
    fn what_is_taken_back_and_what_is_not_is_told() {
        let view = json!({
            "writes": [{
                "action": "update", "profile": 1, "record": 2, "key": "42",
                "fields": { "city": { "before": "Lyon", "after": "Metz", "stamp": 3 } },
            }],
            "skipped": [{ "record": 5, "key": "43", "field": "city", "why": "edited-since" }],
        });
        let text = "update profile 1, record 2, row 42\n    city: \"Lyon\" -> \"Metz\"\n\
            SKIPPED RECORD  ROW  FIELD  WHY\n5               43   city   edited-since\n";
        assert_eq!(plan_text(&view), text);
        assert_eq!(plan_text(&json!({})), "nothing to take back\n");
    }
}
