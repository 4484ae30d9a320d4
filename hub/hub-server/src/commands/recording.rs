//! `liaison recording`: list, export, test.

pub mod source;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hub_model::Timestamp;
use serde_json::{Value, json};

use self::source::{Sources, read};
use super::replay::play;
use crate::cli::{Global, RecordingCommand};
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, talk};
use crate::private;
use crate::recordings::{self, ENDING};
use crate::trouble::Trouble;

/// The recording of a case.
const OF_CASE: &str = "recording.ndjson.gz";
/// What a case is about, for whoever reviews it.
const ABOUT_CASE: &str = "case.json";

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(global: &Global, command: RecordingCommand, out: Out) -> Result<Exit, Trouble> {
    match command {
        RecordingCommand::List => list(&Loaded::read(global)?, out),
        RecordingCommand::Export { recording, mask, to, component } => {
            let sources = Sources::of(global)?;
            let from = sources.recording(&recording)?;
            copy(&sources, &from, mask, component.as_deref(), &to).await?;
            talk(format!("written to {}", to.display()));
            Ok(Exit::Ok)
        }
        RecordingCommand::Test { recording, into, unmasked, component } => {
            let sources = Sources::of(global)?;
            let from = sources.recording(&recording)?;
            test(&sources, &from, !unmasked, component.as_deref(), &into, out).await
        }
    }
}

fn list(loaded: &Loaded, out: Out) -> Result<Exit, Trouble> {
    let mut found: Vec<_> = recordings::files(&recordings::folder(loaded))
        .into_iter()
        .filter_map(|(path, at)| {
            let run = path.file_name()?.to_str()?.strip_suffix(ENDING)?.to_owned();
            let bytes = fs::metadata(&path).map_or(0, |it| it.len());
            Some((at, run, bytes, path))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    let view = |(at, run, bytes, path): &(Timestamp, String, u64, PathBuf)| json!({ "run": run, "ended": at.to_string(), "bytes": bytes, "file": path });
    let views: Vec<Value> = found.iter().map(view).collect();
    out.data(&json!({ "recordings": views }), || {
        let row = |(at, run, bytes, _): &(Timestamp, String, u64, PathBuf)| {
            vec![run.clone(), at.to_string(), bytes.to_string()]
        };
        table(&["RUN", "ENDED", "BYTES"], &found.iter().map(row).collect::<Vec<_>>())
    })?;
    Ok(Exit::Ok)
}

/// A copy, with other values if they are to be masked.
async fn copy(
    sources: &Sources,
    from: &Path,
    mask: bool,
    component: Option<&Path>,
    to: &Path,
) -> Result<(), Trouble> {
    // Damage is found before anything is written.
    let recording = read(from)?;
    let refuse = |error: io::Error| {
        let what = format!("the recording cannot be written: {error}");
        let mend = "name a file that is not there, in a folder that can be written";
        Trouble::new(Exit::Usage, "recording/write", to.display(), what, mend)
    };
    let mut file = private::new_file(to).map_err(refuse)?;
    if !mask {
        let mut from = fs::File::open(from).map_err(refuse)?;
        return io::copy(&mut from, &mut file).map(drop).map_err(refuse);
    }
    let masked = async {
        let package = sources.package(&recording, from, component).await?;
        let key = key().map_err(refuse)?;
        let writer = Box::new(io::BufWriter::new(file));
        recording.mask(&sources.host, package, key, writer).await.map_err(|error| {
            let mend = "hand it over unmasked to somebody who may see it, or record a run of \
                        made-up rows";
            Trouble::new(Exit::Finding, "recording/mask", from.display(), error, mend)
        })
    };
    let masked = masked.await;
    if masked.is_err() {
        // Half a copy is of no use to anybody.
        fs::remove_file(to).map_err(refuse)?;
    }
    masked.map(drop)
}

/// Makes a case of a recording.
///
/// # Errors
/// The folder is there, or the recording cannot be masked or replayed.
pub async fn test(
    sources: &Sources,
    from: &Path,
    mask: bool,
    component: Option<&Path>,
    into: &Path,
    out: Out,
) -> Result<Exit, Trouble> {
    let refuse = |error: &dyn std::fmt::Display| {
        let what = format!("the case cannot be made: {error}");
        let mend = "name a folder that is not there, in one that can be written";
        Trouble::new(Exit::Usage, "recording/case", into.display(), what, mend)
    };
    if into.exists() {
        return Err(refuse(&"the folder is there already"));
    }
    fs::create_dir_all(into).map_err(|error| refuse(&error))?;
    let recording = into.join(OF_CASE);
    copy(sources, from, mask, component, &recording).await?;
    let played = play(sources, &recording, component, None).await?;
    let made = read(&recording)?;
    let calls: Vec<Value> = made
        .calls
        .iter()
        .map(|call| {
            let (asked, of) = call.question.words();
            json!({ "asked": asked, "of": of, "errands": call.exchanges.len(), "gave": call.gave })
        })
        .collect();
    let about = json!({
        "connector": made.header.connector, "version": made.header.version,
        "masked": made.header.masked, "output": made.output(), "calls": calls,
    });
    let case = into.join(ABOUT_CASE);
    fs::write(&case, format!("{about:#}\n")).map_err(|error| refuse(&error))?;
    let verdict = if played.same() { "same" } else { "differs" };
    let view = json!({ "case": into, "output": made.output(), "same": played.same() });
    out.data(&view, || format!("{}  output {}  {verdict}\n", into.display(), made.output()))?;
    talk(format!("it is replayed by: liaison replay {}", into.display()));
    Ok(if played.same() { Exit::Ok } else { Exit::Finding })
}

/// The key of a mask: nobody keeps it, so nothing of it can be undone.
///
/// # Errors
/// The system gives no random numbers.
pub fn key() -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    Ok(key)
}
