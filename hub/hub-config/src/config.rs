//! A configuration that has been read without a fault.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use hub_model::{
    AccountName, ConnectionId, Guards, History, Mapping, Namespace, Purpose, Rules, Segment,
    Source, Survivorship, SyncId, TraitRule, WorkspaceId,
};

use crate::limits::LimitsConfig;
use crate::located::{Located, Location};
use crate::recording::RecordingConfig;
use crate::secret::SecretRef;

/// Everything that an organisation wrote, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The default zone of schedules: an IANA name, not yet looked up.
    pub zone: Located<String>,
    /// Where the store is; relative to the configuration's folder.
    pub data_dir: Located<String>,
    /// Where the hub listens; always a loopback address.
    pub listen: Located<SocketAddr>,
    /// The folder of component files; relative to the configuration's folder.
    pub connectors_dir: Located<String>,
    /// The connections, by id.
    pub connections: Vec<ConnectionConfig>,
    /// The syncs, by id.
    pub syncs: Vec<SyncConfig>,
    /// The namespaces, by name.
    pub namespaces: Vec<Namespace>,
    /// The traits with a rule of survivorship, by name.
    pub traits: Vec<TraitRule>,
    /// The purposes of consents, by name.
    pub purposes: Vec<Purpose>,
    /// How long what profiles were before is kept, and what was written.
    pub history: History,
    /// The segments, by name.
    pub segments: Vec<Segment>,
    /// Which runs are recorded.
    pub recording: RecordingConfig,
    /// What connectors may use.
    pub limits: LimitsConfig,
}

impl Config {
    /// Everything that decisions about data need to know.
    pub fn rules(&self) -> Rules {
        let sources = self.connections.iter().map(|connection| &connection.source);
        let special = |source: &&Source| {
            source.keep.is_some()
                || source.keep_anonymous.is_some()
                || source.party != <_>::default()
        };
        Rules {
            workspace: self.workspace.clone(),
            namespaces: self.namespaces.clone(),
            mappings: self.syncs.iter().map(|sync| sync.mapping.clone()).collect(),
            traits: self.trait_rules(),
            purposes: self.purposes.clone(),
            sources: sources.filter(special).cloned().collect(),
            history: self.history,
            segments: self.segments.clone(),
        }
    }

    /// The rules as written, and that of every trait that states a consent.
    fn trait_rules(&self) -> Vec<TraitRule> {
        let mut rules = self.traits.clone();
        for mapping in self.syncs.iter().map(|sync| &sync.mapping) {
            for pair in mapping.consents.iter().filter_map(|c| mapping.field(c.field.as_str())) {
                if rules.iter().all(|rule| rule.name != pair.to) {
                    let rule = Survivorship::Strictest;
                    rules.push(TraitRule { name: pair.to.clone(), rule, sources: Vec::new() });
                }
            }
        }
        rules
    }

    /// The connection of that id.
    pub fn connection(&self, id: &str) -> Option<&ConnectionConfig> {
        self.connections.iter().find(|connection| connection.id.as_str() == id)
    }

    /// The sync of that id.
    pub fn sync(&self, id: &str) -> Option<&SyncConfig> {
        self.syncs.iter().find(|sync| sync.id.as_str() == id)
    }

    /// The zone of a sync: its own, else the workspace's.
    pub fn zone_of<'a>(&'a self, sync: &'a SyncConfig) -> &'a Located<String> {
        sync.zone.as_ref().unwrap_or(&self.zone)
    }
}

/// An account at a vendor: connector, settings, credentials and grants.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionConfig {
    /// Its id.
    pub id: ConnectionId,
    /// The connector's id; whether it is installed is known elsewhere.
    pub connector: Located<String>,
    /// The account at the vendor, where several connections share one and its limits.
    pub account: Option<String>,
    /// Granted hosts in lower case: `host`, `host:port` or `*.suffix`.
    pub hosts: Vec<Located<String>>,
    /// Granted private networks: `address/prefix:port`.
    pub private: Vec<Located<String>>,
    /// Whether plain HTTP, and mail without TLS, is allowed towards the granted hosts.
    pub insecure_http: bool,
    /// Whose data they are, and how long they are kept.
    pub source: Source,
    /// Granted folders by alias.
    pub folders: BTreeMap<String, FolderConfig>,
    /// The connector's settings, not yet checked against its schema; see
    /// [`settings_faults`](crate::settings_faults).
    pub settings: serde_json::Value,
    /// Where each value of the settings was written, by JSON pointer; the
    /// empty pointer is the table.
    pub settings_places: BTreeMap<String, Location>,
    /// Credential slot -> part -> where its value is found.
    pub credentials: BTreeMap<String, BTreeMap<String, SecretRef>>,
    /// What its connector may use, where that is not as for all.
    pub limits: LimitsConfig,
    /// Where the connection is written.
    pub location: Location,
}

impl ConnectionConfig {
    /// The account whose limits count: the one that it names, else its own.
    pub fn account(&self) -> AccountName {
        let named = self.account.as_deref().map(AccountName::from);
        named.unwrap_or_else(|| AccountName::from(&self.id))
    }
}

/// A folder that a connection may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderConfig {
    /// Where it is.
    pub place: FolderPlace,
    /// Whether files may be written.
    pub writable: bool,
}

/// Where a folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderPlace {
    /// A directory; relative to the configuration's folder.
    Directory(Located<String>),
    /// A bucket.
    S3(Box<S3Config>),
    /// A folder of an SSH server.
    Sftp(Box<SftpConfig>),
}

impl FolderPlace {
    /// The path or the address.
    pub const fn written(&self) -> &Located<String> {
        match self {
            Self::Directory(path) => path,
            Self::S3(bucket) => &bucket.address,
            Self::Sftp(server) => &server.address,
        }
    }
}

/// A bucket, and where the keys to it are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Config {
    /// `https://host/bucket/prefix`, not yet taken apart.
    pub address: Located<String>,
    /// The region that requests are signed for.
    pub region: Located<String>,
    /// The access key.
    pub access_key: SecretRef,
    /// The secret key.
    pub secret_key: SecretRef,
}

/// A folder of an SSH server, and how to log in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SftpConfig {
    /// `sftp://host/path`, not yet taken apart.
    pub address: Located<String>,
    /// Who logs in.
    pub user: Located<String>,
    /// With what.
    pub login: SftpLogin,
    /// What the server has to present, not yet parsed. Without it nobody logs in, and the
    /// fault says what the server presents.
    pub host_key: Option<Located<String>>,
}

/// What a user of an SSH server logs in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SftpLogin {
    /// A password.
    Password(SecretRef),
    /// A private key.
    PrivateKey {
        /// The key.
        key: SecretRef,
        /// What it is encrypted with.
        passphrase: Option<SecretRef>,
    },
}

/// A scheduled job between a stream and the hub.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncConfig {
    /// Its id: the name of its file.
    pub id: SyncId,
    /// When it runs, not yet parsed.
    pub schedule: Located<String>,
    /// When its audience is filled anew, not yet parsed.
    pub reconcile: Option<Located<String>>,
    /// Its own zone: an IANA name, not yet looked up.
    pub zone: Option<Located<String>>,
    /// Whether the schedule is suspended.
    pub paused: bool,
    /// How much one run may write without being asked.
    pub guards: Guards,
    /// The mapping and its policies.
    pub mapping: Mapping,
    /// Where the fields of the mapping are written, in its order.
    pub field_locations: Vec<Location>,
    /// Where the stream is named.
    pub stream_location: Location,
    /// The file.
    pub location: Location,
}
