//! What an organisation writes: `liaison.toml` and `syncs/*.toml`.
//!
//! A configuration is wrong more often than it is right while it is being
//! written, so reading it is built around the faults. The tree of each file is
//! walked by hand: every key is asked for by name, whatever was not asked for
//! is unknown, and every value keeps its line. One pass finds all faults of all
//! files at once. A derive of a deserialiser would stop at the first, lose
//! the lines, and let a misspelt key pass for an absent one.
//!
//! The crate reads and checks; it runs nothing. Secrets appear as references
//! only. Checks that need another room (schedules, component files, a
//! connector's schema, hosts) are made there, with the [`Location`] kept here.

mod located;

mod sentence;

mod fault;

mod config;
mod secret;

mod source;

mod document;
mod near;
mod table;
mod word;

mod cleaning;
mod connection;
mod consents;
mod conversion;
mod event;
mod folder;
mod from;
mod guards;
mod kind;
mod limits;
mod main_file;
mod matching;
mod membership;
mod namespace;
mod policies;
mod purposes;
mod recording;
mod relations;
mod segment;
mod settings;
mod several;
mod sync_file;
mod traits;
mod transform;

mod references;

mod read;

mod schema;

pub use config::{
    Config, ConnectionConfig, FolderConfig, FolderPlace, S3Config, SftpConfig, SftpLogin,
    SyncConfig,
};
pub use fault::{ConfigFault, code};
pub use limits::{LIMITS, LimitSetting, LimitsConfig};
pub use located::{Located, Location};
pub use main_file::VERSION;
pub use read::{load, parse, root_of};
pub use recording::{RecordOn, RecordingConfig};
pub use schema::{main_schema, sync_schema};
pub use secret::{SecretRef, SecretSource};
pub use settings::settings_faults;
pub use source::{FILE_BYTES_MAX, MAIN_FILE, SYNC_FILES_MAX, SYNCS_FOLDER, SourceFile, read_tree};
