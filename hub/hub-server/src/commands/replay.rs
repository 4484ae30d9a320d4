//! `liaison replay`: recorded calls once more, and where they differ.

use std::path::{Path, PathBuf};

use plugin_host::recording::{Recording, Replayed, Verdict};
use serde_json::{Value, json};

use super::recording::source::{Sources, read};
use crate::cli::{Global, ReplayAsked};
use crate::exit::Exit;
use crate::out::{Out, table, talk};
use crate::trouble::{Item, Trouble};

/// A recording that was replayed.
pub struct Played {
    path: PathBuf,
    recording: Recording,
    /// The digest of the component that was run.
    component: String,
    calls: Vec<Replayed>,
}

/// Replays what was asked for.
///
/// # Errors
/// What the command refuses: no recording, a damaged one, no component.
pub async fn run(global: &Global, asked: &ReplayAsked, out: Out) -> Result<Exit, Trouble> {
    let sources = Sources::of(global)?;
    let mut played = Vec::new();
    for path in sources.recordings(&asked.recording)? {
        let component = asked.component.as_deref();
        played.push(play(&sources, &path, component, asked.page).await?);
    }
    let views: Vec<Value> = played.iter().map(Played::view).collect();
    out.data(&json!({ "recordings": views }), || played.iter().map(Played::text).collect())?;
    for it in &played {
        it.explain();
    }
    Ok(if played.iter().all(Played::same) { Exit::Ok } else { Exit::Finding })
}

/// Replays a recording, or a page of it.
///
/// # Errors
/// As [`run`].
pub async fn play(
    sources: &Sources,
    path: &Path,
    component: Option<&Path>,
    page: Option<u32>,
) -> Result<Played, Trouble> {
    let recording = read(path)?;
    let only = page.map(|page| call_of(&recording, path, page)).transpose()?;
    let package = sources.package(&recording, path, component).await?;
    let component = package.digest.to_string();
    let replayed = recording.replay(&sources.host, package, only).await;
    let calls = replayed.map_err(|fault| Trouble {
        exit: Exit::Finding,
        items: vec![Item::of_fault(&fault, super::lang())],
    })?;
    Ok(Played { path: path.to_owned(), recording, component, calls })
}

fn call_of(recording: &Recording, path: &Path, page: u32) -> Result<u32, Trouble> {
    recording.call_of_page(page as usize).ok_or_else(|| {
        let what = format!("there is no page {page} in it");
        let mend = "leave `--page` out to see what there is";
        Trouble::new(Exit::Usage, "replay/page", path.display(), what, mend)
    })
}

impl Played {
    /// Whether everything was the same.
    pub fn same(&self) -> bool {
        self.calls.iter().all(|call| call.verdict() == Verdict::Same)
    }

    fn asked(&self, number: u32) -> (&'static str, &str) {
        let call = self.recording.calls.iter().find(|call| call.number == number);
        call.map_or(("", ""), |call| call.question.words())
    }

    fn view(&self) -> Value {
        let header = &self.recording.header;
        let calls: Vec<Value> = self.calls.iter().map(|call| self.call_view(call)).collect();
        json!({
            "file": self.path, "run": header.run, "connector": header.connector,
            "version": header.version, "masked": header.masked,
            "component": { "recorded": header.component, "run": self.component },
            "stopped": self.recording.ending.stopped, "calls": calls,
            "output": self.recording.output(), "same": self.same(),
        })
    }

    fn call_view(&self, call: &Replayed) -> Value {
        let (asked, of) = self.asked(call.number);
        let difference = call.difference.as_ref().map(|it| {
            json!({ "errand": it.errand, "asked": it.asked.as_ref().map(ToString::to_string),
                    "recorded": it.recorded.as_ref().map(ToString::to_string) })
        });
        json!({
            "call": call.number, "asked": asked, "of": of, "recorded": call.recorded,
            "gave": call.gave, "verdict": word(call.verdict()), "difference": difference,
        })
    }

    fn text(&self) -> String {
        let row = |call: &Replayed| {
            let (asked, of) = self.asked(call.number);
            vec![
                call.number.to_string(),
                format!("{asked} {of}").trim_end().to_owned(),
                call.recorded.to_string(),
                call.gave.to_string(),
                call.gave.output.get(..16).unwrap_or_default().to_owned(),
                word(call.verdict()).to_owned(),
            ]
        };
        let rows: Vec<Vec<String>> = self.calls.iter().map(row).collect();
        let head = ["CALL", "ASKED", "GAVE", "GIVES", "OUTPUT", ""];
        let output = self.recording.output();
        let verdict = if self.same() { "same" } else { "differs" };
        let run = &self.recording.header.run;
        format!("{}{run}  output {output}  {verdict}\n", table(&head, &rows))
    }

    /// What a reader should know besides, on stderr.
    fn explain(&self) {
        let header = &self.recording.header;
        if self.component != header.component {
            talk(format!("{}: run by another component than recorded", header.run));
        }
        if let Some(limit) = &self.recording.ending.stopped {
            talk(format!("{}: recorded up to {limit}; the run went on", header.run));
        }
        for call in &self.calls {
            let shown = |errand: Option<&dyn ToString>| {
                errand.map_or_else(|| "nothing more".to_owned(), |it| it.to_string())
            };
            if let Some(it) = &call.difference {
                let part = match (&it.asked, &it.recorded) {
                    (Some(asked), Some(recorded)) => recorded.differs(asked),
                    _ => None,
                };
                talk(format!(
                    "call {}, errand {}{}: asks {}\n   recorded: {}",
                    call.number,
                    it.errand,
                    part.map(|part| format!(" ({part})")).unwrap_or_default(),
                    shown(it.asked.as_ref().map(|it| it as &dyn ToString)),
                    shown(it.recorded.as_ref().map(|it| it as &dyn ToString)),
                ));
            }
            if call.verdict() == Verdict::Unknown {
                talk(format!("call {}: a secret was echoed and is not in it", call.number));
            }
        }
    }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same => "same",
        Verdict::Differs => "differs",
        Verdict::Unknown => "unknown",
    }
}
