//! `liaison connector shadow`: a version that is not installed, on live or recorded
//! inputs, beside the one that is.
//!
//! The installed version reads a few pages, or did in a run that was recorded. The other
//! one is then asked the same, and answered from the recording: it reaches nobody, so
//! nothing that it writes leaves this process. What is shown was masked before.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hub_config::{ConnectionConfig, SyncConfig};
use plugin_api::ReadRequest;
use plugin_host::Package;
use plugin_host::recording::{Recording, Shadowed};
use serde_json::{Value, json};

use crate::cli::ShadowAsked;
use crate::commands::lang;
use crate::commands::recording::key;
use crate::commands::recording::source::{Sources, read};
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, talk};
use crate::package::{Found, Unfit};
use crate::recordings::{Bytes, OneRecording};
use crate::shelf::Shelf;
use crate::trouble::{Item, Trouble};
use crate::wire::{Wiring, call};

/// What pages are read for, in logs and recordings.
const PURPOSE: &str = "shadow";
/// Differences of one call that a reader is shown.
const SHOWN_MAX: usize = 50;

/// Both versions, and what they are tried on.
struct Pair<'l> {
    loaded: &'l Loaded,
    sources: Sources,
    runs: Arc<Package>,
    other: Arc<Package>,
}

/// What both make of one recording.
struct Tried {
    of: String,
    recording: Recording,
    calls: Vec<Shadowed>,
}

/// Shows how another version differs from the installed one.
///
/// # Errors
/// What the command refuses: no component, none of that id installed, no input.
pub async fn run(loaded: &Loaded, asked: &ShadowAsked, out: Out) -> Result<Exit, Trouble> {
    let found = Found::read_itself(&asked.package, None)?;
    let id = found.manifest.id.clone();
    let installed = Shelf::of(loaded).take(&id)?;
    let sources = Sources::with(loaded)?;
    let (runs, other) = (load(&sources, installed).await?, load(&sources, found).await?);
    let pair = Pair { loaded, sources, runs, other };
    let mut tried = Vec::new();
    if asked.recordings.is_empty() {
        for (connection, sync) in inputs(loaded, &id, &asked.connections)? {
            let of = sync.id.to_string();
            let recording = pair.live(connection, sync, asked.pages).await?;
            tried.push(pair.tried(of, recording, None, asked.unmasked).await?);
        }
    }
    for name in &asked.recordings {
        for path in pair.sources.recordings(name)? {
            let recording = read(&path)?;
            let of = recording.header.run.clone();
            tried.push(pair.tried(of, recording, Some(&path), asked.unmasked).await?);
        }
    }
    let same = tried.iter().all(|it| it.calls.iter().all(Shadowed::is_same));
    let [from, to] = [&pair.runs, &pair.other].map(|it| &it.manifest.version);
    let views: Vec<Value> = tried.iter().map(|it| pair.view(it)).collect();
    let view = json!({ "connector": id, "runs": from, "other": to, "inputs": views,
        "same": same });
    out.data(&view, || {
        let verdict = if same { "same" } else { "differs" };
        let told: String = tried.iter().map(|it| pair.text(it)).collect();
        format!("{told}{id} {from} -> {to}  {verdict}\n")
    })?;
    Ok(if same { Exit::Ok } else { Exit::Finding })
}

async fn load(sources: &Sources, found: Found) -> Result<Arc<Package>, Trouble> {
    let loaded = sources.host.load_bytes(found.bytes).await;
    loaded.map_err(|error| Unfit::of(found.place, &error).into())
}

fn unmaskable(of: &str, error: &dyn std::fmt::Display) -> Trouble {
    let mend = "look at it as it is, if you may: `--unmasked`";
    Trouble::new(Exit::Finding, "recording/mask", of, error, mend)
}

/// The connections of a connector, with the syncs that read.
fn inputs<'l>(
    loaded: &'l Loaded,
    connector: &str,
    named: &[String],
) -> Result<Vec<(&'l ConnectionConfig, &'l SyncConfig)>, Trouble> {
    for name in named {
        loaded.connection(name)?;
    }
    let config = &loaded.config;
    let wanted = |it: &&ConnectionConfig| {
        *it.connector.value == *connector
            && (named.is_empty() || named.iter().any(|name| *name == it.id.as_str()))
    };
    let of = |connection: &'l ConnectionConfig| {
        let reads = move |sync: &&SyncConfig| {
            sync.mapping.stream.connection == connection.id && sync.mapping.reads()
        };
        config.syncs.iter().filter(reads).map(move |sync| (connection, sync))
    };
    let found: Vec<_> = config.connections.iter().filter(wanted).flat_map(of).collect();
    if found.is_empty() {
        let what = format!("no sync reads by a connection of `{connector}`");
        let mend = "name a recording: `--recording <run>`";
        return Err(Trouble::new(Exit::Usage, "connector/no-input", "", what, mend));
    }
    Ok(found)
}

impl Pair<'_> {
    /// What the version that runs reads now. A fault is an input too.
    async fn live(
        &self,
        connection: &ConnectionConfig,
        sync: &SyncConfig,
        pages: u16,
    ) -> Result<Recording, Trouble> {
        let recording = Arc::new(OneRecording::default());
        let wiring = Wiring::passing(self.loaded)?.recorded_by(Some(recording.clone()));
        let bound = wiring.bind(connection).await?;
        let mapping = &sync.mapping;
        let mut request = ReadRequest {
            stream: mapping.stream.stream.clone(),
            cursor: None,
            fields: mapping.fields.iter().map(|pair| pair.field.to_string()).collect(),
        };
        for _ in 0..pages {
            match bound.connector.read(&call(PURPOSE), &request).await {
                Ok(page) if page.more => request.cursor = page.next,
                Ok(_) => break,
                Err(fault) => {
                    talk(Item::of_fault(&fault, lang()));
                    break;
                }
            }
        }
        let unfit = |what: String| {
            let mend = "look at the connection: `liaison connection check`";
            Trouble::new(Exit::Finding, "connector/no-input", &sync.location, what, mend)
        };
        let bytes = recording.end().map_err(|error| unfit(error.to_string()))?;
        Recording::read(&bytes[..]).map_err(|damage| unfit(damage.to_string()))
    }

    async fn tried(
        &self,
        of: String,
        recording: Recording,
        path: Option<&Path>,
        unmasked: bool,
    ) -> Result<Tried, Trouble> {
        let runs = if recording.header.component == self.runs.digest.to_string() {
            self.runs.clone()
        } else {
            let beside = path.map_or_else(PathBuf::new, Path::to_owned);
            self.sources.package(&recording, &beside, None).await?
        };
        let host = &self.sources.host;
        let recording = if unmasked || recording.header.masked {
            recording
        } else {
            let (to, masked) = (Bytes::default(), key().map_err(|error| unmaskable(&of, &error))?);
            let written = recording.mask(host, runs.clone(), masked, Box::new(to.clone())).await;
            written.map_err(|error| unmaskable(&of, &error))?;
            Recording::read(&to.take()[..]).map_err(|damage| unmaskable(&of, &damage))?
        };
        let calls = recording.shadow(host, runs, self.other.clone()).await;
        let calls = calls.map_err(|fault| Trouble {
            exit: Exit::Finding,
            items: vec![Item::of_fault(&fault, lang())],
        })?;
        Ok(Tried { of, recording, calls })
    }

    /// The trait that a field is mapped to, if it is read by a sync.
    fn mapped(&self, tried: &Tried, stream: &str, field: &str) -> Option<String> {
        let connection = &tried.recording.header.connection;
        let of = self.loaded.config.syncs.iter().map(|sync| &sync.mapping).filter(|mapping| {
            mapping.stream.connection.as_str() == connection
                && mapping.stream.stream.as_str() == stream
        });
        of.flat_map(|mapping| &mapping.fields)
            .find(|pair| pair.field.as_str() == field)
            .map(|pair| pair.to.to_string())
    }

    fn view(&self, tried: &Tried) -> Value {
        let calls = tried.calls.iter().map(|call| {
            let (asked, of) = tried.asked(call);
            let changes = call.changes.iter().map(|change| {
                let fields = change.fields.iter().map(|(name, (runs, other))| {
                    let mapped = self.mapped(tried, of, name);
                    json!({ "field": name, "runs": runs, "other": other, "mapped": mapped })
                });
                json!({ "name": change.name, "fields": fields.collect::<Vec<_>>() })
            });
            let requests = call.requests.iter().map(|it| {
                json!({ "request": it.number, "runs": it.runs, "other": it.other,
                    "part": it.part })
            });
            json!({
                "call": call.call, "asked": asked, "of": of, "runs": call.runs,
                "other": call.other, "equal": call.same,
                "changes": changes.collect::<Vec<_>>(),
                "requests": requests.collect::<Vec<_>>(), "same": call.is_same(),
            })
        });
        json!({
            "of": tried.of, "connection": tried.recording.header.connection,
            "masked": tried.recording.header.masked, "calls": calls.collect::<Vec<_>>(),
        })
    }

    fn text(&self, tried: &Tried) -> String {
        let row = |call: &Shadowed| {
            let (asked, of) = tried.asked(call);
            vec![
                tried.of.clone(),
                call.call.to_string(),
                format!("{asked} {of}").trim_end().to_owned(),
                call.runs.to_string(),
                call.other.to_string(),
                call.changes.len().to_string(),
                call.requests.len().to_string(),
            ]
        };
        let rows: Vec<Vec<String>> = tried.calls.iter().map(row).collect();
        let head = ["INPUT", "CALL", "ASKED", "RUNS", "OTHER", "CHANGES", "REQUESTS"];
        let details: String = tried.calls.iter().map(|call| self.details(tried, call)).collect();
        table(&head, &rows) + &details
    }

    fn details(&self, tried: &Tried, call: &Shadowed) -> String {
        let (_, of) = tried.asked(call);
        let shown = |value: &Option<Value>| {
            value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string)
        };
        let fields = call.changes.iter().flat_map(|change| {
            change.fields.iter().map(move |(name, (runs, other))| {
                let mapped = self.mapped(tried, of, name);
                let mapped = mapped.map(|to| format!(" (mapped to {to})")).unwrap_or_default();
                let (runs, other) = (shown(runs), shown(other));
                format!("   {} {name}{mapped}: {runs} -> {other}\n", change.name)
            })
        });
        let requests = call.requests.iter().map(|it| {
            let nothing = || "nothing".to_owned();
            let part = it.part.map(|part| format!(" ({part})")).unwrap_or_default();
            let [runs, other] = [&it.runs, &it.other].map(|it| it.clone().unwrap_or_else(nothing));
            format!("   request {}{part}: {runs} -> {other}\n", it.number)
        });
        let all: Vec<String> = fields.chain(requests).collect();
        let rest = all.len().saturating_sub(SHOWN_MAX);
        let mut text = all.into_iter().take(SHOWN_MAX).collect::<String>();
        if !text.is_empty() {
            text.insert_str(0, &format!("call {}:\n", call.call));
        }
        if rest > 0 {
            text.push_str(&format!("   and {rest} more: --json shows them\n"));
        }
        text
    }
}

impl Tried {
    fn asked(&self, call: &Shadowed) -> (&'static str, &str) {
        let asked = self.recording.calls.iter().find(|it| it.number == call.call);
        asked.map_or(("", ""), |call| call.question.words())
    }
}
