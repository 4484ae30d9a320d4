//! `[connections.*.folders]`: granted folders, each a directory, a bucket or a folder of a
//! server.
//!
//! A directory must not hold what no connector may see: the store, or the configuration with
//! its references to secrets.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::config::{ConnectionConfig, FolderConfig, FolderPlace, S3Config, SftpConfig, SftpLogin};
use crate::connection::not_a_reference;
use crate::document::Document;
use crate::fault::{ConfigFault, code};
use crate::secret::{SecretRef, SecretSource};
use crate::table::{TableReader, shown};
use crate::word;

/// The keys of a granted directory.
const DIRECTORY_KEYS: &[&str] = &["path", "s3", "sftp", "writable"];
/// The keys of a granted bucket.
const BUCKET_KEYS: &[&str] = &["s3", "region", "access_key", "secret_key", "writable"];
/// The keys of a granted folder of a server.
const SERVER_KEYS: &[&str] =
    &["sftp", "user", "host_key", "password", "private_key", "passphrase", "writable"];
/// All of them.
#[cfg(test)]
pub(crate) const KEYS: &[&str] = &[
    "path",
    "s3",
    "region",
    "access_key",
    "secret_key",
    "sftp",
    "user",
    "host_key",
    "password",
    "private_key",
    "passphrase",
    "writable",
];

/// Reads the folders of a connection: alias -> folder.
pub(crate) fn read(table: &mut TableReader<'_>) -> BTreeMap<String, FolderConfig> {
    let example = "in = { path = \"data/in\" }";
    let mut folders = BTreeMap::new();
    for (alias, mut folder) in table.tables("folders", example) {
        let place = folder.place().to_owned();
        let valid = word::check_id(table.document(), &alias, "the alias of a folder", &place);
        let (found, keys) = folder_place(&mut folder);
        let writable = folder.flag("writable").unwrap_or(false);
        folder.finish(keys);
        if let (true, Some(place)) = (valid, found) {
            folders.insert(alias.value, FolderConfig { place, writable });
        }
    }
    folders
}

/// A directory, unless an address says otherwise; and the keys that it has.
fn folder_place(folder: &mut TableReader<'_>) -> (Option<FolderPlace>, &'static [&'static str]) {
    if folder.has("s3") {
        let bucket = bucket(folder);
        return (bucket.map(|bucket| FolderPlace::S3(Box::new(bucket))), BUCKET_KEYS);
    }
    if folder.has("sftp") {
        let server = server(folder);
        return (server.map(|server| FolderPlace::Sftp(Box::new(server))), SERVER_KEYS);
    }
    folder.ask("s3");
    folder.ask("sftp");
    let path = folder.required("path", "a folder", "path = \"data/in\"");
    (path.map(FolderPlace::Directory), DIRECTORY_KEYS)
}

fn bucket(folder: &mut TableReader<'_>) -> Option<S3Config> {
    let address = folder.filled("s3", "the address of a bucket", "s3 = \"https://host/bucket\"");
    let region = folder.required("region", "a region", "region = \"eu-west-3\"");
    let access_key = secret(folder, "access_key", "access_key = \"env:S3_ACCESS_KEY\"");
    let secret_key = secret(folder, "secret_key", "secret_key = \"file:secrets/s3\"");
    let (access_key, secret_key) = (access_key?, secret_key?);
    Some(S3Config { address: address?, region: region?, access_key, secret_key })
}

fn server(folder: &mut TableReader<'_>) -> Option<SftpConfig> {
    let example = "sftp = \"sftp://host/path\"";
    let address = folder.filled("sftp", "the address of a folder of a server", example);
    let user = folder.required("user", "a user", "user = \"acme\"");
    let host_key = folder.filled("host_key", "a host key", "host_key = \"SHA256:...\"");
    let login = login(folder);
    Some(SftpConfig { address: address?, user: user?, login: login?, host_key })
}

fn login(folder: &mut TableReader<'_>) -> Option<SftpLogin> {
    let (by_key, by_password) = (folder.has("private_key"), folder.has("password"));
    let locked = folder.has("passphrase");
    let idle = |key: &'static str, why: &str, mend: &str| {
        let fault = folder.fault(code::NO_EFFECT, &folder.key_location(key), key);
        fault.with("why", why).with("mend", mend).record();
    };
    if by_key && by_password {
        idle("password", "`private_key` logs in already", "remove one of the two");
    }
    if !by_key && locked {
        idle("passphrase", "there is no `private_key` that it opens", "write one, or remove it");
    }
    if !by_key {
        folder.ask("private_key");
        folder.ask("passphrase");
        let password = secret(folder, "password", "password = \"file:secrets/sftp\"")?;
        return Some(SftpLogin::Password(password));
    }
    folder.ask("password");
    let key = secret(folder, "private_key", "private_key = \"file:secrets/id_ed25519\"");
    let passphrase = if locked {
        secret(folder, "passphrase", "passphrase = \"file:secrets/passphrase\"")
    } else {
        folder.ask("passphrase");
        None
    };
    Some(SftpLogin::PrivateKey { key: key?, passphrase })
}

/// A reference to a secret.
fn secret(
    folder: &mut TableReader<'_>,
    name: &'static str,
    example: &'static str,
) -> Option<SecretRef> {
    let written = folder.required(name, "a reference to a secret", example)?;
    match SecretSource::parse(&written) {
        Ok(source) => Some(SecretRef { source, location: written.location }),
        Err(reason) => {
            let place = folder.place_of(name);
            folder.document().fault(not_a_reference(reason, written.location, place));
            None
        }
    }
}

/// Records a fault for every folder that contains the data directory or the
/// configuration. By the words alone: links are followed, and refused, where
/// the folder is opened.
pub(crate) fn check(document: &Document<'_>, connection: &ConnectionConfig, data_dir: &str) {
    let data = plain(data_dir);
    for (alias, folder) in &connection.folders {
        let FolderPlace::Directory(written) = &folder.place else { continue };
        let path = plain(written);
        let what = if holds_configuration(&path) {
            "the configuration"
        } else if data.starts_with(&path) {
            "the hub's data directory"
        } else {
            continue;
        };
        let place = format!("connections.{}.folders.{alias}.path", connection.id);
        let fault = ConfigFault::new(code::FOLDER_HOLDS_DATA, written.location.clone(), place);
        document.fault(fault.with("found", shown(written)).with("what", what));
    }
}

/// Whether a path leads to the configuration's folder or above it.
fn holds_configuration(path: &Path) -> bool {
    let mut steps = path.components();
    steps.all(|step| matches!(step, Component::ParentDir | Component::RootDir))
}

/// The path without `.` and without `x/..`.
fn plain(path: &str) -> PathBuf {
    let mut plain = PathBuf::new();
    for step in Path::new(path).components() {
        let named = matches!(plain.components().next_back(), Some(Component::Normal(_)));
        match step {
            Component::CurDir => {}
            Component::ParentDir if named => {
                plain.pop();
            }
            _ => plain.push(step),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{holds_configuration, plain};

    #[test]
    fn folders_above_are_seen_through_their_spelling() {
        for path in [".", "./", "data/..", "..", "../..", "/", "a/./../"] {
            assert!(holds_configuration(&plain(path)), "{path}");
        }
        for path in ["data", "data/in", "../other", "/srv/in"] {
            assert!(!holds_configuration(&plain(path)), "{path}");
        }
        assert!(plain("data").starts_with(plain("./x/../data/")));
    }
}
