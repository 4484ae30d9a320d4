//! `liaison hold`: runs that wait for a person.

use hub_engine::hold::{self, AnswerRefused};
use hub_engine::{Env, SystemEnv};
use hub_http::views;
use hub_model::{Answer, RunId};
use serde_json::{Value, json};

use super::identity::AUTHOR;
use super::profile::encoded;
use crate::cli::HoldCommand;
use crate::commands::lang;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, text};
use crate::reach::{self, Data};
use crate::trouble::Trouble;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: HoldCommand, out: Out) -> Result<Exit, Trouble> {
    match command {
        HoldCommand::List => list(loaded, out).await,
        HoldCommand::Approve { run } => answer(loaded, &run, true, out).await,
        HoldCommand::Refuse { run } => answer(loaded, &run, false, out).await,
    }
}

async fn list(loaded: &Loaded, out: Out) -> Result<Exit, Trouble> {
    let view = match reach::find(loaded).await? {
        Data::Store(store) => {
            let syncs = loaded.config.syncs.iter().map(|sync| &sync.id);
            let holds = hold::all(&*store, syncs).await?;
            let rows: Vec<Value> =
                holds.iter().map(|(sync, hold)| views::hold(sync, hold)).collect();
            json!({ "holds": rows })
        }
        Data::Hub(client) => client.get("/api/v1/holds").await?,
    };
    let rows = view.get("holds").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    out.data(&view, || {
        let row = |hold: &Value| {
            let pointers =
                ["/run", "/counts/creates", "/counts/updates", "/counts/deletes", "/plan"];
            let mut cells = pointers.map(|pointer| text(hold, pointer)).to_vec();
            cells.push(standing(hold));
            cells
        };
        let rows: Vec<Vec<String>> = rows.iter().map(row).collect();
        table(&["RUN", "CREATES", "UPDATES", "DELETES", "PLAN", "ANSWER"], &rows)
    })?;
    let waits = rows.iter().any(|hold| hold.get("answer").is_none_or(Value::is_null));
    Ok(if waits { Exit::Finding } else { Exit::Ok })
}

fn standing(hold: &Value) -> String {
    match hold.pointer("/answer/approved").and_then(Value::as_bool) {
        None => "waits".to_owned(),
        Some(yes) => {
            let word = if yes { "approved" } else { "refused" };
            format!("{word} by {} at {}", text(hold, "/answer/by"), text(hold, "/answer/at"))
        }
    }
}

async fn answer(loaded: &Loaded, run: &str, approved: bool, out: Out) -> Result<Exit, Trouble> {
    let view = match reach::find(loaded).await? {
        Data::Store(store) => {
            let at = SystemEnv::default().now();
            let answer = Answer { approved, by: AUTHOR.to_owned(), at };
            let answered = hold::answer(&*store, &RunId::new(run), answer).await;
            views::run(&answered.map_err(|error| refused(run, error))?, lang())
        }
        Data::Hub(client) => {
            let verb = if approved { "approve" } else { "refuse" };
            client.post(&format!("/api/v1/runs/{}/{verb}", encoded(run))).await?
        }
    };
    out.data(&view, || format!("{}  {}\n", text(&view, "/id"), standing(&view)))?;
    Ok(Exit::Ok)
}

fn refused(run: &str, error: AnswerRefused) -> Trouble {
    let code = match error {
        AnswerRefused::Store(error) => return error.into(),
        AnswerRefused::Unknown(_) => "hold/unknown-run",
        AnswerRefused::NotHeld(_) => "hold/not-held",
    };
    let mend = "`liaison hold list` shows those that wait: a later run takes the place of an \
                earlier one";
    Trouble::new(Exit::Finding, code, run, error, mend)
}
