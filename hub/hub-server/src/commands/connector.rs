//! `liaison connector`: install, list and inspect them; try one, or another version of
//! it; begin, build, judge, pack and sign one's own.

mod badge;
mod build;
mod call;
mod compiler;
mod fetch;
mod install;
mod items;
mod new;
mod shadow;
mod sign;
mod stage;
mod test;

use plugin_api::Manifest;
use plugin_install::{Lock, Locked, Verb};
use serde_json::{Value, json};

use crate::cli::ConnectorCommand;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table};
use crate::package::{Found, Unfit};
use crate::shelf::Shelf;
use crate::trouble::{Item, Trouble};

/// What stands where nobody signed.
const UNSIGNED: &str = "UNSIGNED";
/// What stands where no lock file says what was approved.
const NOT_INSTALLED: &str = "not installed";

/// Does what needs no configuration.
///
/// # Errors
/// What the command refuses.
pub fn alone(command: ConnectorCommand, out: Out) -> Result<Exit, Trouble> {
    match command {
        ConnectorCommand::New { id, title, lang, sdk } => {
            new::run(&id, title, lang, sdk.as_deref(), out)
        }
        ConnectorCommand::Build { folder } => build::build(&folder, out),
        ConnectorCommand::Pack { module, manifest, to } => {
            build::pack(&module, &manifest, to.as_deref(), out)
        }
        ConnectorCommand::Keygen { to } => sign::keygen(&to, out),
        ConnectorCommand::Sign { package, key } => sign::sign(&package, &key, out),
        ConnectorCommand::Inspect { name } => inspect(&Found::read(name.as_ref())?, None, out),
        _ => Err(Trouble::new(
            Exit::Usage,
            "connector/configuration",
            "",
            "this needs a configuration",
            "name its folder with --config DIR",
        )),
    }
}

/// Does what needs a configuration.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: ConnectorCommand, out: Out) -> Result<Exit, Trouble> {
    match command {
        ConnectorCommand::List => list(loaded, out),
        ConnectorCommand::Install(package) => {
            install::offer(loaded, Verb::Install, &package, out).await
        }
        ConnectorCommand::Upgrade(package) => {
            install::offer(loaded, Verb::Upgrade, &package, out).await
        }
        ConnectorCommand::Approve { id, yes } => install::approve(loaded, &id, yes, out),
        ConnectorCommand::Remove { id } => install::remove(loaded, &id, out),
        ConnectorCommand::Test { connection, stream, samples, badge } => {
            let stream = stream.as_deref();
            test::run(loaded, &connection, stream, samples.as_deref(), badge.as_deref(), out).await
        }
        ConnectorCommand::Run { connection, call } => {
            call::run(loaded, &connection, &call, out).await
        }
        ConnectorCommand::Record { connection, into, unmasked, call } => {
            call::record(loaded, &connection, &call, (&into, !unmasked), out).await
        }
        ConnectorCommand::Shadow(asked) => shadow::run(loaded, &asked, out).await,
        ConnectorCommand::Inspect { name } => {
            let shelf = Shelf::of(loaded);
            let found = shelf.take(&name)?;
            let lock = shelf.lock()?;
            inspect(&found, lock.as_ref().and_then(|lock| lock.connectors.get(&name)), out)
        }
        command => alone(command, out),
    }
}

fn list(loaded: &Loaded, out: Out) -> Result<Exit, Trouble> {
    let shelf = Shelf::of(loaded);
    let lock = shelf.lock()?;
    let found = match &lock {
        Some(lock) => installed(&shelf, lock),
        None => shelf.plain_files().iter().map(|path| (None, Found::read(path))).collect(),
    };
    let (mut views, mut rows, mut broken) = (Vec::new(), Vec::new(), Vec::<Item>::new());
    for (locked, found) in found {
        match found {
            Ok(found) => {
                let manifest = &found.manifest;
                rows.push(vec![
                    manifest.id.clone(),
                    manifest.version.clone(),
                    capabilities(manifest),
                    signed(locked),
                    state(locked),
                    manifest.title.clone(),
                ]);
                views.push(view(&found, locked));
            }
            Err(unfit) => broken.extend(Trouble::from(unfit).items),
        }
    }
    let head = ["CONNECTOR", "VERSION", "CAN", "SIGNED BY", "STATE", "TITLE"];
    out.data(&json!({ "connectors": views }), || table(&head, &rows))?;
    if broken.is_empty() {
        Ok(Exit::Ok)
    } else {
        Err(Trouble { exit: Exit::Finding, items: broken })
    }
}

/// What the lock file names, each as it lies there.
fn installed<'l>(shelf: &Shelf, lock: &'l Lock) -> Vec<(Option<&'l Locked>, Result<Found, Unfit>)> {
    let each =
        |(id, locked): (&String, &'l Locked)| (Some(locked), shelf.release(id, &locked.runs));
    lock.connectors.iter().map(each).collect()
}

fn view(found: &Found, locked: Option<&Locked>) -> Value {
    let manifest = &found.manifest;
    let held = locked.and_then(|it| it.held.as_ref());
    json!({
        "id": manifest.id, "version": manifest.version, "title": manifest.title,
        "capabilities": manifest.capabilities, "file": found.place, "digest": found.digest,
        "installed": locked.is_some(),
        "signed_by": locked.and_then(|it| it.runs.key.as_ref()),
        "approved": locked.map(|it| json!({ "by": it.runs.by, "at": it.runs.at })),
        "held": held.map(|it| json!({ "version": it.version, "digest": it.digest })),
    })
}

fn signed(locked: Option<&Locked>) -> String {
    let key = locked.map(|it| it.runs.key.clone().unwrap_or_else(|| UNSIGNED.to_owned()));
    key.unwrap_or_else(|| "not verified".to_owned())
}

fn state(locked: Option<&Locked>) -> String {
    let Some(locked) = locked else { return NOT_INSTALLED.to_owned() };
    match &locked.held {
        Some(held) => format!("runs; {} is held", held.version),
        None => "runs".to_owned(),
    }
}

fn capabilities(manifest: &Manifest) -> String {
    let words = manifest.capabilities.iter().filter_map(|capability| {
        serde_json::to_value(capability).ok()?.as_str().map(str::to_owned)
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Shows a package: nothing of it is run. What is installed is told with what was
/// approved; of any other file it is told who says that he signed it, and whether
/// that is so.
fn inspect(found: &Found, locked: Option<&Locked>, out: Out) -> Result<Exit, Trouble> {
    let manifest = &found.manifest;
    let signer = match locked {
        Some(_) => signed(locked),
        None => claimed(found),
    };
    let view = json!({
        "file": found.place, "digest": found.digest, "manifest": manifest,
        "signed_by": signer, "capabilities": found.capabilities(),
        "installed": locked,
    });
    out.data(&view, || {
        let mut rows = vec![
            ("id", manifest.id.clone()),
            ("version", manifest.version.clone()),
            ("contract", manifest.contract.clone()),
            ("title", manifest.title.clone()),
            ("digest", format!("sha256:{}", found.digest)),
            ("signed by", signer),
            ("state", state(locked)),
        ];
        rows.extend(locked.map(|it| ("approved", format!("by {}, {}", it.runs.by, it.runs.at))));
        let asked = found.capabilities();
        rows.extend(asked.lines().into_iter().map(|(kind, word)| (kind, word.to_owned())));
        rows.extend(manifest.streams.iter().map(|stream| ("stream", stream.to_string())));
        rows.extend(settings(manifest));
        let rows: Vec<Vec<String>> =
            rows.into_iter().map(|(what, value)| vec![what.to_owned(), value]).collect();
        table(&["WHAT", "VALUE"], &rows)
    })?;
    Ok(Exit::Ok)
}

/// By whom a file says that it was signed, once that was verified.
fn claimed(found: &Found) -> String {
    let Some(signature) = &found.signature else { return UNSIGNED.to_owned() };
    match plugin_install::signature::claimed(signature) {
        Ok(Some(key)) => match key.verify(&found.bytes, signature) {
            Ok(()) => key.as_str().to_owned(),
            Err(error) => format!("not verified: {error}"),
        },
        Ok(None) => "not verified: the signature does not carry its key".to_owned(),
        Err(error) => format!("not verified: {error}"),
    }
}

/// The settings that the connector's schema names, required ones marked.
fn settings(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let required = manifest.settings.get("required").and_then(serde_json::Value::as_array);
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|r| r == name));
    let properties = manifest.settings.get("properties").and_then(serde_json::Value::as_object);
    let line = |(name, schema): (&String, &serde_json::Value)| {
        let mark = if is_required(name) { " (required)" } else { "" };
        let title = schema.get("title").and_then(serde_json::Value::as_str).unwrap_or_default();
        ("setting", format!("{name}{mark} {title}").trim_end().to_owned())
    };
    properties.into_iter().flatten().map(line).collect()
}
