//! `liaison.toml`.

use std::net::{Ipv4Addr, SocketAddr};

use hub_model::segment::SEGMENTS_MAX;
use hub_model::{History, Namespace, Purpose, WorkspaceId};

use crate::config::ConnectionConfig;
use crate::document::Document;
use crate::fault::{ConfigFault, code};
use crate::limits::{self, LimitsConfig};
use crate::located::Located;
use crate::recording::{self, RecordingConfig};
use crate::segment::{self, SegmentDraft};
use crate::table::{TableReader, shown};
use crate::traits::{self, TraitDraft};
use crate::word::{self, BadListen};
use crate::{connection, folder, namespace, purposes};

/// The version of the configuration that this crate reads.
pub const VERSION: u32 = 1;

/// The keys of the file.
pub(crate) const KEYS: &[&str] = &[
    "version",
    "workspace",
    "http",
    "connectors",
    "namespaces",
    "traits",
    "purposes",
    "connections",
    "history",
    "segments",
    "recording",
    "limits",
];
/// The keys of `[history]`.
pub(crate) const HISTORY_KEYS: &[&str] = &["keep", "keep_writes"];
/// The keys of `[workspace]`.
pub(crate) const WORKSPACE_KEYS: &[&str] = &["name", "zone", "data_dir"];
/// The keys of `[http]`.
pub(crate) const HTTP_KEYS: &[&str] = &["listen"];
/// The keys of `[connectors]`.
pub(crate) const CONNECTORS_KEYS: &[&str] = &["dir"];

const WORKSPACE: &str = "default";
const ZONE: &str = "UTC";
const DATA_DIR: &str = "data";
const CONNECTORS_DIR: &str = "connectors";
const LISTEN_PORT: u16 = 8420;

/// What the file says. Connections and namespaces with faults are missing from
/// the values but not from the names, so that nobody is told that they are
/// unknown.
pub(crate) struct MainFile {
    pub(crate) workspace: WorkspaceId,
    pub(crate) zone: Located<String>,
    pub(crate) data_dir: Located<String>,
    pub(crate) listen: Located<SocketAddr>,
    pub(crate) connectors_dir: Located<String>,
    pub(crate) connections: Vec<ConnectionConfig>,
    pub(crate) connection_names: Vec<String>,
    pub(crate) namespaces: Vec<Namespace>,
    pub(crate) namespace_names: Vec<String>,
    pub(crate) traits: Vec<TraitDraft>,
    pub(crate) purposes: Vec<Purpose>,
    pub(crate) history: History,
    pub(crate) segments: Vec<SegmentDraft>,
    pub(crate) recording: RecordingConfig,
    pub(crate) limits: LimitsConfig,
}

/// Reads the file; `None` if it is no TOML or of a newer version.
pub(crate) fn read(document: &Document<'_>) -> Option<MainFile> {
    let parsed = document.parse()?;
    let mut table = document.top(parsed.get_ref());
    version(&mut table)?;
    let (workspace, zone, data_dir) = workspace(&mut table);
    let listen = http(&mut table);
    let connectors_dir = connectors(&mut table);
    let (namespace_names, namespaces) = namespaces(&mut table);
    let traits = traits(&mut table);
    let purposes = purposes(&mut table);
    let history = history(&mut table);
    let segments = segments(&mut table);
    let recording = recording::read(&mut table);
    let limits = limits::read(&mut table, false);
    let (connection_names, connections) = connections(&mut table);
    table.finish(KEYS);
    for connection in &connections {
        folder::check(document, connection, &data_dir);
    }
    Some(MainFile {
        workspace,
        zone,
        data_dir,
        listen,
        connectors_dir,
        connections,
        connection_names,
        namespaces,
        namespace_names,
        traits,
        purposes,
        history,
        segments,
        recording,
        limits,
    })
}

/// `None` if a newer Liaison wrote the file: its other faults would mislead.
fn version(table: &mut TableReader<'_>) -> Option<()> {
    if !table.has("version") {
        table.missing("version", "version = 1");
    }
    if let Some((found, location)) = table.peek_integer("version")
        && found > i64::from(VERSION)
    {
        table
            .fault(code::NEWER_VERSION, &location, "version")
            .with("found", found)
            .with("reads", VERSION)
            .record();
        return None;
    }
    table.integer("version", (1, VERSION), VERSION);
    Some(())
}

fn workspace(table: &mut TableReader<'_>) -> (WorkspaceId, Located<String>, Located<String>) {
    let top = table.location().clone();
    let default = |value: &str| Located::new(value.to_owned(), top.clone());
    let Some(mut workspace) = table.table("workspace", "[workspace]") else {
        return (WorkspaceId::new(WORKSPACE), default(ZONE), default(DATA_DIR));
    };
    let name = workspace.filled("name", "an id", "name = \"default\"").filter(|name| {
        word::check_id(workspace.document(), name, "the name of a workspace", "workspace.name")
    });
    let zone = workspace.filled("zone", "an IANA time zone", "zone = \"Europe/Paris\"");
    let data_dir = workspace.filled("data_dir", "a folder", "data_dir = \"data\"");
    workspace.finish(WORKSPACE_KEYS);
    let name = name.map_or_else(|| WORKSPACE.to_owned(), |name| name.value);
    (
        WorkspaceId::new(name),
        zone.unwrap_or_else(|| default(ZONE)),
        data_dir.unwrap_or_else(|| default(DATA_DIR)),
    )
}

fn http(table: &mut TableReader<'_>) -> Located<SocketAddr> {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, LISTEN_PORT));
    let default = Located::new(loopback, table.location().clone());
    let Some(mut http) = table.table("http", "[http]") else { return default };
    let written = http.filled("listen", "address and port", "listen = \"127.0.0.1:8420\"");
    let listen = written.and_then(|text| match word::listen(&text) {
        Ok(address) => Some(Located::new(address, text.location)),
        Err(BadListen::Form) => {
            let fault = http.fault(code::LISTEN, &text.location, "listen");
            fault.with("found", shown(&text)).record();
            None
        }
        Err(BadListen::Public(port)) => {
            let fault = http.fault(code::NOT_LOOPBACK, &text.location, "listen");
            fault.with("found", shown(&text)).with("port", port).record();
            None
        }
    });
    http.finish(HTTP_KEYS);
    listen.unwrap_or(default)
}

fn connectors(table: &mut TableReader<'_>) -> Located<String> {
    let default = Located::new(CONNECTORS_DIR.to_owned(), table.location().clone());
    let Some(mut connectors) = table.table("connectors", "[connectors]") else { return default };
    let dir = connectors.filled("dir", "a folder", "dir = \"connectors\"");
    connectors.finish(CONNECTORS_KEYS);
    dir.unwrap_or(default)
}

fn namespaces(table: &mut TableReader<'_>) -> (Vec<String>, Vec<Namespace>) {
    let (mut names, mut namespaces) = (Vec::new(), Vec::new());
    for (name, reader) in table.tables("namespaces", "[namespaces.email]") {
        let place = reader.place().to_owned();
        word::check_id(table.document(), &name, "the name of a namespace", &place);
        namespaces.extend(namespace::read(&name, reader));
        names.push(name.value);
    }
    (names, namespaces)
}

fn traits(table: &mut TableReader<'_>) -> Vec<TraitDraft> {
    let tables = table.tables("traits", "[traits.phone]").into_iter();
    tables.map(|(name, reader)| traits::read(name, reader)).collect()
}

fn purposes(table: &mut TableReader<'_>) -> Vec<Purpose> {
    let mut purposes = Vec::new();
    for (name, reader) in table.tables("purposes", "[purposes.newsletter]") {
        let place = reader.place().to_owned();
        word::check_id(table.document(), &name, "the name of a purpose", &place);
        purposes.push(purposes::read(&name, reader));
    }
    purposes
}

fn history(table: &mut TableReader<'_>) -> History {
    let usual = History::default();
    let Some(mut history) = table.table("history", "[history]") else { return usual };
    let keep = purposes::period(&mut history, "keep", "keep = \"400 days\"");
    let writes = purposes::period(&mut history, "keep_writes", "keep_writes = \"90 days\"");
    history.finish(HISTORY_KEYS);
    History { keep: keep.unwrap_or(usual.keep), keep_writes: writes.unwrap_or(usual.keep_writes) }
}

fn segments(table: &mut TableReader<'_>) -> Vec<SegmentDraft> {
    let location = table.key_location("segments");
    let mut segments = Vec::new();
    for (name, reader) in table.tables("segments", "[segments.customers]") {
        let place = reader.place().to_owned();
        word::check_id(table.document(), &name, "the name of a segment", &place);
        segments.push(segment::read(&name, reader));
    }
    if segments.len() > SEGMENTS_MAX {
        let fault = table.fault(code::TOO_MANY, &location, "segments");
        fault.with("limit", SEGMENTS_MAX).record();
    }
    segments
}

fn connections(table: &mut TableReader<'_>) -> (Vec<String>, Vec<ConnectionConfig>) {
    let (mut names, mut connections) = (Vec::new(), Vec::new());
    for (name, reader) in table.tables("connections", "[connections.erp]") {
        let place = reader.place().to_owned();
        word::check_id(table.document(), &name, "the id of a connection", &place);
        connections.extend(connection::read(&name, reader));
        names.push(name.value);
    }
    (names, connections)
}

/// The fault of a configuration without this file.
pub(crate) fn missing() -> ConfigFault {
    let file = crate::located::Location::file(crate::source::MAIN_FILE);
    ConfigFault::new(code::FILE_MISSING, file, "")
}
