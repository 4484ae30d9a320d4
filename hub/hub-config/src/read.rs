//! Reading the whole: every file, then what files say of each other.

use std::collections::BTreeMap;
use std::path::Path;

use hub_model::WorkspaceId;

use crate::config::{Config, SyncConfig};
use crate::document::{Document, Faults};
use crate::fault::{ConfigFault, code};
use crate::located::Location;
use crate::main_file::{self, MainFile};
use crate::near;
use crate::source::{self, MAIN_FILE, SYNC_FILES_MAX, SYNCS_FOLDER, SourceFile};
use crate::sync_file::{self, SyncDraft};
use crate::table::shown;

/// Reads a configuration from its files.
///
/// # Errors
/// All faults of all files, `liaison.toml` first, in the order of lines.
pub fn parse(files: &[SourceFile]) -> Result<Config, Vec<ConfigFault>> {
    let faults = Faults::default();
    let main = read_main(files, &faults);
    let workspace = main.as_ref().map(|main| main.workspace.clone());
    let workspace = workspace.unwrap_or_else(|| WorkspaceId::new("default"));
    let drafts = read_syncs(files, &workspace, &faults);
    if let Some(main) = &main {
        check_references(main, &drafts, &faults);
    }
    check_streams(&drafts, &faults);
    let faults = faults.into_sorted();
    match main {
        Some(main) if faults.is_empty() => {
            Ok(assemble(main, drafts.into_iter().filter_map(|draft| draft.sync).collect()))
        }
        _ => Err(faults),
    }
}

fn assemble(main: MainFile, mut syncs: Vec<SyncConfig>) -> Config {
    syncs.sort_by(|a, b| a.id.cmp(&b.id));
    Config {
        workspace: main.workspace,
        zone: main.zone,
        data_dir: main.data_dir,
        listen: main.listen,
        connectors_dir: main.connectors_dir,
        connections: main.connections,
        syncs,
        namespaces: main.namespaces,
    }
}

fn read_main(files: &[SourceFile], faults: &Faults) -> Option<MainFile> {
    let Some(file) = files.iter().find(|file| file.path == MAIN_FILE) else {
        faults.push(main_file::missing());
        return None;
    };
    let text = record(source::text(file), faults)?;
    main_file::read(&Document::new(&file.path, text, main_file::KEYS, faults))
}

fn read_syncs(files: &[SourceFile], workspace: &WorkspaceId, faults: &Faults) -> Vec<SyncDraft> {
    let syncs: Vec<(&str, &SourceFile)> =
        files.iter().filter_map(|file| Some((sync_id(&file.path)?, file))).collect();
    if syncs.len() > SYNC_FILES_MAX {
        let fault = ConfigFault::new(code::TOO_MANY_FILES, Location::file(SYNCS_FOLDER), "");
        faults.push(fault.with("limit", SYNC_FILES_MAX));
        return Vec::new();
    }
    let read = |(id, file): (&str, &SourceFile)| {
        let text = record(source::text(file), faults)?;
        sync_file::read(&Document::new(&file.path, text, sync_file::KEYS, faults), id, workspace)
    };
    syncs.into_iter().filter_map(read).collect()
}

fn record<T>(result: Result<T, ConfigFault>, faults: &Faults) -> Option<T> {
    result.map_err(|fault| faults.push(fault)).ok()
}

/// The id of the sync in a file: its name.
fn sync_id(path: &str) -> Option<&str> {
    path.strip_prefix(SYNCS_FOLDER)?.strip_prefix('/')?.strip_suffix(".toml")
}

/// Connections and namespaces that syncs name must exist.
fn check_references(main: &MainFile, drafts: &[SyncDraft], faults: &Faults) {
    for draft in drafts {
        if let Some(name) = &draft.connection
            && !main.connection_names.contains(&name.value)
        {
            let fault =
                ConfigFault::new(code::UNKNOWN_CONNECTION, name.location.clone(), "connection");
            let known = main.connection_names.iter().map(String::as_str);
            faults.push(near::hint(fault.with("name", shown(name)), name, known));
        }
        for (place, name) in &draft.identities {
            if main.namespace_names.contains(&name.value) {
                continue;
            }
            let place = format!("{place}.identity");
            let fault = ConfigFault::new(code::UNKNOWN_NAMESPACE, name.location.clone(), place);
            let known = main.namespace_names.iter().map(String::as_str);
            faults.push(near::hint(fault.with("name", shown(name)), name, known));
        }
    }
}

/// A stream has one sync: two would answer each other's writes.
fn check_streams(drafts: &[SyncDraft], faults: &Faults) {
    let mut seen: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for draft in drafts {
        let (Some(connection), Some(stream)) = (&draft.connection, &draft.stream) else {
            continue;
        };
        let first = seen.entry((connection.as_str(), stream.as_str())).or_insert(&draft.id);
        if *first != draft.id {
            faults.push(
                ConfigFault::new(code::DUPLICATE_STREAM, stream.location.clone(), "stream")
                    .with("stream", shown(stream))
                    .with("connection", shown(connection))
                    .with("other", *first),
            );
        }
    }
}

/// Reads the configuration below a folder, or beside a `liaison.toml`.
///
/// # Errors
/// All faults of all files; a folder that cannot be listed is one.
pub fn load(path: &Path) -> Result<Config, Vec<ConfigFault>> {
    let files = source::read_tree(root_of(path)).map_err(|error| {
        let fault = ConfigFault::new(code::FILE_UNREADABLE, Location::file(SYNCS_FOLDER), "");
        vec![fault.with("error", error)]
    })?;
    parse(&files)
}

/// The configuration's folder: the path itself, or that of a `*.toml` file.
/// Relative paths of the configuration start here.
pub fn root_of(path: &Path) -> &Path {
    let is_file = path.extension().is_some_and(|extension| extension == "toml");
    match path.parent() {
        Some(parent) if is_file && parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) if is_file => parent,
        _ => path,
    }
}
