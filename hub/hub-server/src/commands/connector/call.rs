//! `liaison connector run` and `record`: one call of a connector against a live account.
//!
//! It is bound as a sync would be, with the grants, credentials and limits of its
//! connection. Nothing of what it answers goes into the store.

use std::path::Path;
use std::sync::Arc;

use hub_config::ConnectionConfig;
use hub_model::{RemoteKey, StreamName};
use plugin_api::page::ItemResult;
use plugin_api::{
    Connector, Cursor, Found, ItemChange, LookupKey, LookupRequest, Outcome, Page, ReadRequest,
    WriteReport, WriteRequest,
};
use serde_json::{Value, json};

use super::items;
use crate::cli::CallCommand;
use crate::commands::connection::{refused, show};
use crate::commands::lang;
use crate::commands::recording::source::Sources;
use crate::commands::recording::test;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, talk};
use crate::private;
use crate::recordings::OneRecording;
use crate::trouble::{Item, Trouble};
use crate::wire::{Wiring, call};

/// What calls are made for, in logs and recordings.
const PURPOSE: &str = "connector-run";

/// What came of a call.
struct Told {
    view: Value,
    text: String,
    exit: Exit,
}

/// Makes the call and prints what came of it.
///
/// # Errors
/// The connection cannot be bound, or the call failed.
pub async fn run(
    loaded: &Loaded,
    id: &str,
    command: &CallCommand,
    out: Out,
) -> Result<Exit, Trouble> {
    let config = loaded.connection(id)?;
    let told = asked(&Wiring::passing(loaded)?, config, command).await?;
    out.data(&told.view, || told.text)?;
    Ok(told.exit)
}

/// Makes the call, and a case of it for `liaison replay`.
///
/// # Errors
/// The connection cannot be bound, or there is no case of it. A call that fails is worth
/// a case.
pub async fn record(
    loaded: &Loaded,
    id: &str,
    command: &CallCommand,
    (into, masked): (&Path, bool),
    out: Out,
) -> Result<Exit, Trouble> {
    let refuse = |error: &dyn std::fmt::Display| {
        let what = format!("the case cannot be made: {error}");
        let mend = "name a folder that is not there, in one that can be written";
        Trouble::new(Exit::Usage, "recording/case", into.display(), what, mend)
    };
    // Before anything is asked of the account.
    if into.exists() {
        return Err(refuse(&"the folder is there already"));
    }
    let config = loaded.connection(id)?;
    let recording = Arc::new(OneRecording::default());
    let wiring = Wiring::passing(loaded)?.recorded_by(Some(recording.clone()));
    match asked(&wiring, config, command).await {
        Ok(told) => talk(told.text.trim_end()),
        Err(trouble) => talk(&trouble),
    }
    let bytes = recording.end().map_err(|error| refuse(&error))?;
    let unfinished = into.with_extension("unfinished");
    let written = private::new_file(&unfinished)
        .and_then(|mut file| std::io::Write::write_all(&mut file, &bytes));
    written.map_err(|error| refuse(&error))?;
    let made = test(&Sources::with(loaded)?, &unfinished, masked, None, into, out).await;
    std::fs::remove_file(&unfinished).map_err(|error| refuse(&error))?;
    made
}

async fn asked(
    wiring: &Wiring<'_>,
    config: &ConnectionConfig,
    command: &CallCommand,
) -> Result<Told, Trouble> {
    let bound = wiring.bind(config).await?;
    let connector = &*bound.connector;
    let id = config.id.as_str();
    match command {
        CallCommand::Check => {
            connector.check(&call(PURPOSE)).await.map_err(|fault| refused(id, fault))?;
            let view = json!({ "connection": id, "status": "ok" });
            Ok(Told { view, text: format!("{id}  ok\n"), exit: Exit::Ok })
        }
        CallCommand::Discover => {
            let found = connector.discover(&call(PURPOSE)).await;
            let streams = found.map_err(|fault| refused(id, fault))?;
            let text = streams.iter().map(show).collect::<Vec<_>>().join("\n");
            let view = json!({ "connection": id, "streams": streams });
            Ok(Told { view, text, exit: Exit::Ok })
        }
        CallCommand::Read { stream, cursor, pages, fields } => {
            let first = ReadRequest {
                stream: StreamName::new(stream.as_str()),
                cursor: cursor.as_deref().map(cursor_of),
                fields: fields.clone(),
            };
            read(connector, id, first, *pages).await
        }
        CallCommand::Lookup { stream, keys } => lookup(connector, id, stream, keys).await,
        CallCommand::Write { stream, items, yes } => {
            let request = WriteRequest {
                stream: StreamName::new(stream.as_str()),
                items: items::read(items)?,
                dry_run: false,
            };
            write(connector, id, &request, *yes).await
        }
    }
}

async fn read(
    connector: &dyn Connector,
    id: &str,
    mut request: ReadRequest,
    pages: u16,
) -> Result<Told, Trouble> {
    let mut items: Vec<Value> = Vec::new();
    let mut last = None;
    for _ in 0..pages {
        let page = connector.read(&call(PURPOSE), &request).await;
        let page: Page = page.map_err(|fault| refused(id, fault))?;
        items.extend(page.items.iter().map(item));
        request.cursor.clone_from(&page.next);
        let more = page.more;
        last = Some(page);
        if !more {
            break;
        }
    }
    let next = last.as_ref().and_then(|page| page.next.as_ref()).map(shown_cursor);
    let more = last.as_ref().is_some_and(|page| page.more);
    let complete = last.as_ref().is_some_and(|page| page.snapshot_complete);
    if let Some(next) = next.as_ref().filter(|_| more) {
        talk(format!("there is more: --cursor '{}'", next.replace('\'', "'\\''")));
    }
    let mut text: String = items.iter().map(line).collect();
    text.push_str(&format!("{} rows{}\n", items.len(), if complete { ", complete" } else { "" }));
    let view = json!({
        "connection": id, "stream": request.stream, "items": items, "next": next, "more": more,
        "snapshot_complete": complete,
    });
    Ok(Told { view, text, exit: Exit::Ok })
}

async fn lookup(
    connector: &dyn Connector,
    id: &str,
    stream: &str,
    keys: &[String],
) -> Result<Told, Trouble> {
    let request = LookupRequest {
        stream: StreamName::new(stream),
        keys: keys.iter().map(|key| LookupKey::Key(RemoteKey::new(key.as_str()))).collect(),
        fields: Vec::new(),
    };
    let found = connector.lookup(&call(PURPOSE), &request).await;
    let found: Vec<Found> = found.map_err(|fault| refused(id, fault))?;
    let view = |(key, found): (&String, Found)| match found {
        Found::None => json!({ "key": key, "change": "not-found" }),
        Found::One(one) => item(&Ok(one)),
        Found::Several(keys) => json!({ "key": key, "change": "several", "keys": keys }),
    };
    let all = !found.iter().any(|found| matches!(found, Found::None));
    let views: Vec<Value> = keys.iter().zip(found).map(view).collect();
    let text = views.iter().map(line).collect();
    let exit = if all { Exit::Ok } else { Exit::Finding };
    Ok(Told { view: json!({ "connection": id, "stream": stream, "found": views }), text, exit })
}

async fn write(
    connector: &dyn Connector,
    id: &str,
    request: &WriteRequest,
    yes: bool,
) -> Result<Told, Trouble> {
    if !yes {
        let row = |item: &plugin_api::WriteItem| {
            let action = serde_json::to_value(item.action).unwrap_or_default();
            let key = item.key.as_ref().map_or("-", RemoteKey::as_str);
            let patch = serde_json::to_string(&item.patch).unwrap_or_default();
            vec![action.as_str().unwrap_or_default().to_owned(), key.to_owned(), patch]
        };
        let rows: Vec<Vec<String>> = request.items.iter().map(row).collect();
        talk(format!("nothing was sent to `{id}`; `--yes` sends it"));
        let view = json!({ "connection": id, "stream": request.stream, "items": request.items,
            "sent": false });
        let text = table(&["ACTION", "KEY", "FIELDS"], &rows);
        return Ok(Told { view, text, exit: Exit::Finding });
    }
    let report = connector.write(&call(PURPOSE), request).await;
    let views: Vec<Value> = match report.map_err(|fault| refused(id, fault))? {
        WriteReport::Items(outcomes) => outcomes.iter().map(outcome).collect(),
        WriteReport::Aggregate(counts) => vec![json!({
            "outcome": "counted", "done": counts.invalid == 0,
            "detail": format!("{} received, {} invalid", counts.received, counts.invalid),
        })],
    };
    let done = views.iter().all(|view| view["done"] == true);
    let text = |view: &Value, name: &str| view[name].as_str().unwrap_or("-").to_owned();
    let row = |(number, view): (usize, &Value)| {
        vec![number.to_string(), text(view, "outcome"), text(view, "key"), text(view, "detail")]
    };
    let rows: Vec<Vec<String>> = (1..).zip(&views).map(row).collect();
    let text = table(&["ITEM", "OUTCOME", "KEY", "DETAIL"], &rows);
    let view = json!({ "connection": id, "stream": request.stream, "outcomes": views,
        "sent": true });
    Ok(Told { view, text, exit: if done { Exit::Ok } else { Exit::Finding } })
}

/// A row as it is shown.
fn item(item: &ItemResult) -> Value {
    let item = match item {
        Ok(item) => item,
        Err(bad) => {
            let what = Item::of_fault(&bad.fault, lang()).what;
            return json!({ "key": bad.key, "change": "bad", "fault": bad.fault, "what": what,
                "raw": bad.raw });
        }
    };
    let (change, data) = match &item.change {
        ItemChange::Upsert(row) => {
            ("upsert", serde_json::from_str(&row.text()).unwrap_or_default())
        }
        ItemChange::Archive(fields) => ("archive", json!(fields)),
        ItemChange::Delete => ("delete", Value::Null),
        ItemChange::MergedInto(key) => ("merged-into", json!(key)),
        ItemChange::Event(fields) => ("event", json!(fields)),
        ItemChange::MemberAdd { container } => ("member-add", json!(container)),
        ItemChange::MemberRemove { container } => ("member-remove", json!(container)),
    };
    json!({ "key": item.key, "change": change, "data": data, "version": item.version,
        "time": item.time })
}

fn line(item: &Value) -> String {
    let key = item["key"].as_str().unwrap_or("-");
    let rest = match (&item["what"], &item["data"], &item["keys"]) {
        (Value::String(what), ..) => what.clone(),
        (_, Value::Null, Value::Null) => String::new(),
        (_, Value::Null, keys) => keys.to_string(),
        (_, data, _) => data.to_string(),
    };
    let change = item["change"].as_str().unwrap_or("-");
    format!("{}\n", format!("{key}  {change}  {rest}").trim_end())
}

/// An outcome as it is shown, and whether the item was done.
fn outcome(outcome: &Outcome) -> Value {
    let version = |version: &Option<String>| version.as_ref().map(|it| format!("version {it}"));
    let fault = |fault: &hub_model::Fault| Some(Item::of_fault(fault, lang()).what);
    let (word, done, key, detail) = match outcome {
        Outcome::Created { key, version: it, .. } => ("created", true, Some(key), version(it)),
        Outcome::Updated { version: it, .. } => ("updated", true, None, version(it)),
        Outcome::Unchanged => ("unchanged", true, None, None),
        Outcome::Deleted => ("deleted", true, None, None),
        Outcome::Accepted { job } => ("accepted", true, None, Some(format!("job {job}"))),
        Outcome::DuplicateOf(key) => ("duplicate-of", false, Some(key), None),
        Outcome::Conflict => ("conflict", false, None, None),
        Outcome::Retry { fault: why, .. } => ("retry", false, None, fault(why)),
        Outcome::Rejected(why) => ("rejected", false, None, fault(why)),
        Outcome::Unknown => ("unknown", false, None, Some("read it back".to_owned())),
    };
    let row = match outcome {
        Outcome::Created { row, .. } | Outcome::Updated { row, .. } => row.as_ref(),
        _ => None,
    };
    json!({ "outcome": word, "done": done, "key": key, "detail": detail, "row": row })
}

/// A cursor as it can be typed: text where it is text.
fn shown_cursor(cursor: &Cursor) -> String {
    match serde_json::to_value(cursor) {
        Ok(Value::String(text)) => text,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

fn cursor_of(text: &str) -> Cursor {
    let other = || serde_json::from_str(text).ok().filter(|_| text.starts_with("{\"base64\""));
    other().unwrap_or_else(|| Cursor(text.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use plugin_api::Cursor;

    use super::{cursor_of, shown_cursor};

    #[test]
    fn a_cursor_can_be_typed() {
        for bytes in [&b"{\"after\":\"3\"}"[..], b"12", b"\"q\"", b"\xff\x00", b""] {
            let cursor = Cursor(bytes.to_vec());
            assert_eq!(cursor_of(&shown_cursor(&cursor)), cursor);
        }
    }
}
