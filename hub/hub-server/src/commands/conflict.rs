//! `liaison conflict`: traits that wait for a person.

use std::sync::Arc;

use hub_engine::SystemEnv;
use hub_engine::people::conflicts::{Ask, ConflictError};
use hub_engine::workspace::Workspace;
use hub_http::conflicts;
use hub_model::{ProfileId, RecordNo, TraitName, Value as Golden};
use serde_json::{Value, json};

use super::profile::encoded;
use crate::cli::{ConflictCommand, ConflictPlace as Place};
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, talk, text};
use crate::reach::{self, Data};
use crate::trouble::Trouble;

/// Who decides at the command line.
const AUTHOR: &str = "operator";

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: ConflictCommand, out: Out) -> Result<Exit, Trouble> {
    match command {
        ConflictCommand::List { limit } => list(loaded, limit, out).await,
        ConflictCommand::Show(place) => show(loaded, &place, out).await,
        ConflictCommand::Resolve { place, record, value, value_json } => {
            let (ask, said) = match (record, value, value_json) {
                (Some(record), ..) => (Ask::Side(RecordNo(record)), json!({ "record": record })),
                (None, Some(text), _) => {
                    let said = json!({ "value": text });
                    (Ask::Value(Golden::text(text)), said)
                }
                (None, None, given) => {
                    let json = parsed(&given.unwrap_or_default())?;
                    let value = Golden::from_json(json.clone()).map_err(|e| not_a_value(&e))?;
                    (Ask::Value(value), json!({ "value": json }))
                }
            };
            say(loaded, &place, ("resolve", &ask, said), out).await
        }
        ConflictCommand::Undo(place) => {
            say(loaded, &place, ("undo", &Ask::Undo, json!({})), out).await
        }
        ConflictCommand::Release(place) => {
            say(loaded, &place, ("release", &Ask::Release, json!({})), out).await
        }
    }
}

fn parsed(text: &str) -> Result<Value, Trouble> {
    serde_json::from_str(text).map_err(|error| not_a_value(&error))
}

fn not_a_value(error: &dyn std::fmt::Display) -> Trouble {
    let mend = "write JSON, or text with --value";
    Trouble::new(Exit::Usage, "conflict/bad-value", "--value-json", error, mend)
}

async fn list(loaded: &Loaded, limit: u16, out: Out) -> Result<Exit, Trouble> {
    let view = match reach::find(loaded).await? {
        Data::Hub(client) => client.get(&format!("/api/v1/conflicts?limit={limit}")).await?,
        Data::Store(store) => {
            let workspace = workspace(store, loaded);
            conflicts::waiting(&workspace, None, usize::from(limit)).await?
        }
    };
    out.data(&view, || lines(&view))?;
    if rows(&view, "conflicts").is_empty() {
        talk("nothing waits for a person; `liaison identity review` tells who may be one");
        return Ok(Exit::Ok);
    }
    Ok(Exit::Finding)
}

async fn show(loaded: &Loaded, place: &Place, out: Out) -> Result<Exit, Trouble> {
    let (id, name) = (ProfileId(place.profile), TraitName::new(place.name.as_str()));
    let view = match reach::find(loaded).await? {
        Data::Hub(client) => {
            let name = encoded(name.as_str());
            client.get(&format!("/api/v1/conflicts/one?profile={id}&trait={name}")).await?
        }
        Data::Store(store) => {
            let workspace = workspace(store, loaded);
            conflicts::shown(&workspace, id, &name).await.map_err(refused)?
        }
    };
    out.data(&view, || format!("{view:#}\n"))?;
    Ok(Exit::Ok)
}

/// `asked` is the name of the route, what is asked for, and that as a body.
async fn say(
    loaded: &Loaded,
    place: &Place,
    (route, ask, mut body): (&str, &Ask, Value),
    out: Out,
) -> Result<Exit, Trouble> {
    let (id, name) = (ProfileId(place.profile), TraitName::new(place.name.as_str()));
    let view = match reach::find(loaded).await? {
        Data::Hub(client) => {
            if let Value::Object(body) = &mut body {
                body.insert("profile".to_owned(), json!(id));
                body.insert("trait".to_owned(), json!(name));
            }
            client.post_json(&format!("/api/v1/conflicts/{route}"), &body).await?
        }
        Data::Store(store) => {
            let workspace = workspace(store, loaded);
            conflicts::settled(&workspace, (id, &name), ask, AUTHOR).await.map_err(refused)?
        }
    };
    out.data(&view, || {
        let (name, value) = (text(&view, "/trait"), text(&view, "/value"));
        match text(&view, "/waits").as_str() {
            "-" => format!("{name} of profile {id} is {value}\n"),
            reason => format!("{name} of profile {id} waits ({reason})\n"),
        }
    })?;
    Ok(Exit::Ok)
}

fn workspace(store: Arc<dyn hub_store::Store>, loaded: &Loaded) -> Workspace {
    let rules = Arc::new(loaded.config.rules());
    Workspace::new(store, rules, Arc::new(SystemEnv::default()))
}

fn rows<'v>(view: &'v Value, name: &str) -> &'v [Value] {
    view.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
}

/// A side a line, so that each record can be named.
fn lines(view: &Value) -> String {
    let mut cells = Vec::new();
    for conflict in rows(view, "conflicts") {
        let of = |pointer: &str| text(conflict, pointer);
        for side in rows(conflict, "sides") {
            let from = ["/connection", "/stream", "/key", "/field"].map(|part| text(side, part));
            cells.push(vec![
                of("/profile"),
                of("/trait"),
                of("/reason"),
                of("/agreed"),
                text(side, "/record"),
                text(side, "/value"),
                from.join(" "),
            ]);
        }
    }
    table(&["PROFILE", "TRAIT", "REASON", "KEPT", "RECORD", "SAYS", "FROM"], &cells)
}

fn refused(error: ConflictError) -> Trouble {
    let (exit, code, mend) = match &error {
        ConflictError::Store(error) => return error.clone().into(),
        ConflictError::NoProfile(_)
        | ConflictError::NotOpen(..)
        | ConflictError::NothingSettled(..) => {
            (Exit::Finding, "conflict/not-open", "`liaison conflict list` shows what waits")
        }
        ConflictError::NotASide(_) => (
            Exit::Usage,
            "conflict/not-a-side",
            "name a record that `liaison conflict list` shows, or give the --value",
        ),
        ConflictError::OtherReason { .. } => (
            Exit::Usage,
            "conflict/other-reason",
            "what was asked is settled by `resolve`, what is paused goes on after `release`",
        ),
        ConflictError::RulesChanged => (
            Exit::Usage,
            "people/rules-changed",
            "run `liaison identity apply` first, or start the hub, which does it",
        ),
    };
    Trouble::new(exit, code, "the conflict asked for", error, mend)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn each_side_has_a_line_that_names_its_record() {
        let side = |record: u64, value: &str| {
            json!({ "record": record, "connection": "crm", "stream": "people", "key": "a",
                    "field": "town", "value": value })
        };
        let view = json!({ "conflicts": [{ "profile": 17, "trait": "city", "reason": "ask",
            "agreed": "Lyon", "sides": [side(9, "Nice"), side(4, "Pau")] }] });
        let text = super::lines(&view);
        let words: Vec<Vec<&str>> =
            text.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        let line = |record, says| {
            vec!["17", "city", "ask", "Lyon", record, says, "crm", "people", "a", "town"]
        };
        assert_eq!(words, [line("9", "Nice"), line("4", "Pau")]);
    }
}
