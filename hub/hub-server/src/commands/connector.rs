//! `liaison connector`: list those installed, inspect one; begin, build, judge and
//! pack one's own.

mod badge;
mod build;
mod new;
mod stage;
mod test;

use std::path::{Path, PathBuf};

use plugin_api::Manifest;
use serde_json::json;

use crate::cli::ConnectorCommand;
use crate::exit::Exit;
use crate::load::{Loaded, near};
use crate::out::{Out, table};
use crate::trouble::Trouble;
use crate::wire;

/// Does what needs no configuration.
///
/// # Errors
/// What the command refuses.
pub async fn alone(command: ConnectorCommand, out: Out) -> Result<Exit, Trouble> {
    match command {
        ConnectorCommand::New { id, title, lang, sdk } => {
            new::run(&id, title, lang, sdk.as_deref(), out)
        }
        ConnectorCommand::Build { folder } => build::build(&folder, out),
        ConnectorCommand::Pack { module, manifest, to } => {
            build::pack(&module, &manifest, to.as_deref(), out)
        }
        ConnectorCommand::Inspect { name } => inspect_file(name.as_ref(), out).await,
        ConnectorCommand::List | ConnectorCommand::Test { .. } => Err(Trouble::new(
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
        ConnectorCommand::List => list(loaded, out).await,
        ConnectorCommand::Test { connection, stream, samples, badge } => {
            let stream = stream.as_deref();
            test::run(loaded, &connection, stream, samples.as_deref(), badge.as_deref(), out).await
        }
        ConnectorCommand::Inspect { name } => {
            let path = loaded.component(&name);
            if path.exists() {
                return inspect_file(&path, out).await;
            }
            let installed = wire::installed(&loaded.connectors_dir());
            let names = installed.iter().filter_map(|path| path.file_stem()?.to_str());
            let mend = near(&name, names, "put the component file there, or give its path");
            let what = format!("there is no connector `{name}`");
            Err(Trouble::new(Exit::Usage, "connector/missing", path.display(), what, mend))
        }
        command => alone(command, out).await,
    }
}

async fn list(loaded: &Loaded, out: Out) -> Result<Exit, Trouble> {
    let mut views = Vec::new();
    let mut rows = Vec::new();
    let mut broken = Vec::new();
    for path in wire::installed(&loaded.connectors_dir()) {
        match wire::inspect(&path).await {
            Ok(found) => {
                rows.push(row(&found.manifest, &path));
                views.push(json!({
                    "id": found.manifest.id, "version": found.manifest.version,
                    "title": found.manifest.title, "capabilities": found.manifest.capabilities,
                    "file": path, "digest": found.digest,
                }));
            }
            Err(trouble) => broken.extend(trouble.items),
        }
    }
    let head = ["CONNECTOR", "VERSION", "CAN", "TITLE"];
    out.data(&json!({ "connectors": views }), || table(&head, &rows))?;
    if broken.is_empty() {
        Ok(Exit::Ok)
    } else {
        Err(Trouble { exit: Exit::Finding, items: broken })
    }
}

fn row(manifest: &Manifest, _: &Path) -> Vec<String> {
    vec![
        manifest.id.clone(),
        manifest.version.clone(),
        capabilities(manifest),
        manifest.title.clone(),
    ]
}

fn capabilities(manifest: &Manifest) -> String {
    let words = manifest.capabilities.iter().filter_map(|capability| {
        serde_json::to_value(capability).ok()?.as_str().map(str::to_owned)
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Shows a component file: nothing of it is run.
///
/// # Errors
/// When it is no connector of ours.
pub async fn inspect_file(path: &Path, out: Out) -> Result<Exit, Trouble> {
    let found = wire::inspect(&PathBuf::from(path)).await?;
    let manifest = &found.manifest;
    let view = json!({ "file": path, "digest": found.digest, "manifest": manifest });
    out.data(&view, || {
        let mut rows = vec![
            ("id", manifest.id.clone()),
            ("version", manifest.version.clone()),
            ("contract", manifest.contract.clone()),
            ("title", manifest.title.clone()),
            ("digest", format!("sha256:{}", found.digest)),
            ("can", capabilities(manifest)),
        ];
        rows.extend(manifest.hosts.iter().map(|host| ("wants host", host.0.clone())));
        let slots = manifest.credentials.iter();
        rows.extend(
            slots.map(|s| ("wants credential", format!("{} ({}) {}", s.name, s.kind, s.title))),
        );
        rows.extend(manifest.streams.iter().map(|stream| ("stream", stream.to_string())));
        rows.extend(settings(manifest));
        let rows: Vec<Vec<String>> =
            rows.into_iter().map(|(what, value)| vec![what.to_owned(), value]).collect();
        table(&["WHAT", "VALUE"], &rows)
    })?;
    Ok(Exit::Ok)
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
