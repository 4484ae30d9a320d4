//! `liaison mapping preview`.

use hub_engine::mapping;
use hub_http::mapping::view;
use hub_model::{FaultCode, RemoteKey, SyncId};
use serde_json::{Value, json};

use crate::cli::MappingCommand;
use crate::commands::lang;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, talk, text};
use crate::reach::{self, Data};
use crate::trouble::Trouble;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: MappingCommand, out: Out) -> Result<Exit, Trouble> {
    let MappingCommand::Preview { id, record, limit } = command;
    let sync: SyncId = loaded.sync(&id)?.id.clone();
    let rules = loaded.config.rules();
    let limit = usize::from(limit);
    let view = match reach::find(loaded).await? {
        Data::Store(store) => {
            let key = record.as_deref().map(RemoteKey::new);
            let found = mapping::preview(&*store, &rules, &sync, (key.as_ref(), limit)).await?;
            view(&found.unwrap_or_default(), lang())
        }
        Data::Hub(client) => {
            let asked = json!({ "sync": sync, "record": record, "limit": limit, "rules": rules });
            client.post_json("/api/v1/mapping/preview", &asked).await?
        }
    };
    let records = view.get("records").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    out.data(&view, || records.iter().map(page).collect())?;
    talk("nothing was changed");
    if records.is_empty() {
        talk("no record is stored of this stream, or none with that key");
        return Ok(Exit::Finding);
    }
    let misfits = records.iter().flat_map(pairs).any(|pair| {
        ["/says/fault", "/writes/fault"].iter().any(|place| pair.pointer(place).is_some())
    });
    let unclean = records.iter().any(|record| record.get("unclean").is_some_and(|u| !u.is_null()));
    Ok(if misfits || unclean { Exit::Finding } else { Exit::Ok })
}

fn pairs(record: &Value) -> &[Value] {
    record.get("pairs").and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
}

/// A record for people to read.
fn page(record: &Value) -> String {
    let [key, number, profile] =
        ["/key", "/record", "/profile"].map(|pointer| text(record, pointer));
    let rows: Vec<Vec<String>> = pairs(record)
        .iter()
        .map(|pair| {
            let side = |name: &str, value: &str| match pair.get(name) {
                None | Some(Value::Null) => "(made)".to_owned(),
                Some(_) => text(pair, value),
            };
            vec![
                side("field", "/field"),
                shown(pair.get("has")),
                side("trait", "/trait"),
                outcome(pair.get("says")),
                outcome(pair.get("writes")),
            ]
        })
        .collect();
    let mut page = match record.get("is_met").and_then(Value::as_bool) {
        None => format!("{key} (record {number}, profile {profile})\n"),
        Some(true) => format!("{key} (record {number})\n"),
        Some(false) => format!("{key} (record {number}): not met, nothing is written\n"),
    };
    if record.get("unclean").is_some_and(|fault| !fault.is_null()) {
        page.push_str(&format!("cannot be cleaned: {}\n", misfit(record.get("unclean"))));
    }
    page.push_str(&table(&["FIELD", "HAS", "TRAIT", "BECOMES", "WRITTEN BACK"], &rows));
    page.push('\n');
    page
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(value) => value.to_string(),
    }
}

fn outcome(outcome: Option<&Value>) -> String {
    match outcome {
        None | Some(Value::Null) => "-".to_owned(),
        Some(outcome) => match outcome.get("fault") {
            Some(fault) => format!("does not fit: {}", misfit(Some(fault))),
            None => outcome.get("value").map_or_else(|| "-".to_owned(), Value::to_string),
        },
    }
}

/// Rule, what it takes, and the class of what it met; or what a reference lacks.
fn misfit(fault: Option<&Value>) -> String {
    let Some(fault) = fault else { return "-".to_owned() };
    if fault.get("code").and_then(Value::as_str) == Some(FaultCode::Reference.as_str()) {
        let [named, known, rows] = ["/args/named", "/args/known", "/args/rows"];
        let [named, known, rows] = [named, known, rows].map(|place| text(fault, place));
        return format!("names {named}, {known} known, {rows} rows there");
    }
    let [rule, expected, class] = ["/args/rule", "/args/expected", "/args/class"];
    format!("{} takes {}, met {}", text(fault, rule), text(fault, expected), text(fault, class))
}
