//! Reading the whole: every file, then what files say of each other.

use std::collections::BTreeMap;
use std::path::Path;

use hub_model::namespace::PRIORITY;
use hub_model::{Namespace, NamespaceName, WorkspaceId};

use crate::config::{Config, SyncConfig};
use crate::document::{Document, Faults};
use crate::fault::{ConfigFault, code};
use crate::located::Location;
use crate::main_file::{self, MainFile};
use crate::references;
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
        references::check(main, &drafts, &faults);
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
    for sync in &mut syncs {
        by_priority(sync, &main.namespaces);
    }
    Config {
        workspace: main.workspace,
        zone: main.zone,
        data_dir: main.data_dir,
        listen: main.listen,
        connectors_dir: main.connectors_dir,
        connections: main.connections,
        syncs,
        namespaces: main.namespaces,
        traits: main.traits.into_iter().filter_map(|draft| draft.rule).collect(),
        purposes: main.purposes,
        history: main.history,
        segments: main.segments.into_iter().filter_map(|draft| draft.segment).collect(),
        recording: main.recording,
        limits: main.limits,
    }
}

/// A row's fields are heard in the order of the mapping, so those of stronger
/// namespaces come first; others keep their place.
fn by_priority(sync: &mut SyncConfig, namespaces: &[Namespace]) {
    let rank = |name: Option<&NamespaceName>| {
        let named = namespaces.iter().find(|namespace| Some(&namespace.name) == name);
        named.map_or(PRIORITY, |namespace| namespace.priority)
    };
    let fields = std::mem::take(&mut sync.mapping.fields);
    let locations = std::mem::take(&mut sync.field_locations);
    let mut pairs: Vec<_> = fields.into_iter().zip(locations).collect();
    pairs.sort_by_key(|(pair, _)| rank(pair.identity.as_ref()));
    (sync.mapping.fields, sync.field_locations) = pairs.into_iter().unzip();
    sync.mapping.composites.sort_by_key(|name| rank(Some(name)));
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
