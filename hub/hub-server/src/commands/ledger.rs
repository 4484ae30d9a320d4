//! `liaison ledger`: what was written.

use hub_engine::ledger::{self, Wanted};
use hub_http::views;
use hub_model::{LedgerPlace, RunId, SyncId};
use serde_json::Value;

use super::profile::encoded;
use crate::cli::LedgerCommand;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, talk, text};
use crate::reach::{self, Data};
use crate::trouble::Trouble;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: LedgerCommand, out: Out) -> Result<Exit, Trouble> {
    match command {
        LedgerCommand::List { of, unknown, after, limit } => {
            let (sync, run) = match of.as_deref() {
                None => (None, None),
                Some(run) if is_run(run) => (None, Some(RunId::new(run))),
                Some(sync) => (Some(loaded.sync(sync)?.id.clone()), None),
            };
            let wanted = Wanted { sync, run, unknown };
            list(loaded, &wanted, after, limit, out).await
        }
        LedgerCommand::Show { run, number } => show(loaded, &run, number, out).await,
    }
}

/// Whether a name is a run's: its start in microseconds, and its sync.
fn is_run(name: &str) -> bool {
    const START_DIGITS: usize = 16;
    let start = name.split_once('-').map_or("", |(start, _)| start);
    start.len() == START_DIGITS && start.bytes().all(|byte| byte.is_ascii_digit())
}

async fn list(
    loaded: &Loaded,
    wanted: &Wanted,
    after: Option<String>,
    limit: usize,
    out: Out,
) -> Result<Exit, Trouble> {
    let view = match reach::find(loaded).await? {
        Data::Store(store) => {
            let place = |text| hub_http::ledger::place(text).ok_or_else(no_place);
            let after = after.as_deref().map(place).transpose()?;
            hub_http::ledger::page(&*store, wanted, after, limit).await?
        }
        Data::Hub(client) => {
            let mut path = format!("/api/v1/ledger?limit={limit}&unknown={}", wanted.unknown);
            let sync = wanted.sync.as_ref().map(SyncId::as_str);
            let run = wanted.run.as_ref().map(RunId::as_str);
            for (name, value) in [("sync", sync), ("run", run), ("after", after.as_deref())] {
                if let Some(value) = value {
                    path.push_str(&format!("&{name}={}", encoded(value)));
                }
            }
            client.get(&path).await?
        }
    };
    let entries = view.get("entries").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    out.data(&view, || {
        let row = |entry: &Value| {
            let fields = entry.get("fields").and_then(Value::as_object).into_iter().flatten();
            let fields: Vec<&str> = fields.map(|(name, _)| name.as_str()).collect();
            let pointers = ["/run", "/number", "/kind", "/record", "/key", "/end", "/at"];
            let mut cells = pointers.map(|pointer| text(entry, pointer)).to_vec();
            cells.push(fields.join(", "));
            cells
        };
        let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
        table(&["RUN", "NUMBER", "WRITE", "RECORD", "ROW", "END", "AT", "FIELDS"], &rows)
    })?;
    if let Some(next) = view.get("next").and_then(Value::as_str) {
        talk(format!("there may be more: `--after {next}`"));
    }
    Ok(if wanted.unknown && !entries.is_empty() { Exit::Finding } else { Exit::Ok })
}

fn no_place() -> Trouble {
    let mend = "give it as `liaison ledger list` told it: `<number>:<run>`";
    Trouble::new(Exit::Usage, "ledger/bad-place", "--after", "this is no place", mend)
}

async fn show(loaded: &Loaded, run: &str, number: u64, out: Out) -> Result<Exit, Trouble> {
    let view = match reach::find(loaded).await? {
        Data::Store(store) => {
            let place = LedgerPlace { run: RunId::new(run), number };
            let found = ledger::one(&*store, &place).await?;
            let entry = found.ok_or_else(|| {
                let mend = "`liaison ledger list` shows those that are kept";
                let place = format!("{run} {number}");
                let what = "the ledger has no such entry";
                Trouble::new(Exit::Finding, "ledger/no-such-entry", place, what, mend)
            })?;
            views::written(&place, &entry)
        }
        Data::Hub(client) => {
            client.get(&format!("/api/v1/ledger/{}/{number}", encoded(run))).await?
        }
    };
    out.data(&view, || {
        let fault = view.get("fault").filter(|fault| !fault.is_null());
        let fault = fault.map(|_| format!(" ({})", text(&view, "/fault"))).unwrap_or_default();
        let head = format!(
            "{} profile {}, record {}, row {}: {}{fault} at {}\n",
            text(&view, "/kind"),
            text(&view, "/profile"),
            text(&view, "/record"),
            text(&view, "/key"),
            text(&view, "/end"),
            text(&view, "/at"),
        );
        let fields = view.get("fields").and_then(Value::as_object).into_iter().flatten();
        let row = |(name, field): (&String, &Value)| {
            let told = |part: &str| field.get(part).map(Value::to_string).unwrap_or_default();
            vec![name.clone(), told("before"), told("sent"), told("shown")]
        };
        let rows: Vec<Vec<String>> = fields.map(row).collect();
        head + &table(&["FIELD", "BEFORE", "SENT", "SHOWN AS"], &rows)
    })?;
    Ok(Exit::Ok)
}
