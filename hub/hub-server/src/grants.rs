//! What a connection may reach: from the words of the configuration to what
//! the gateway enforces.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use hub_config::{
    ConfigFault, ConnectionConfig, FolderPlace as Written, Located, S3Config, SftpConfig,
    SftpLogin as WrittenLogin,
};
use plugin_api::Manifest;
use plugin_gateway::{
    FolderGrant, FolderPlace, GrantError, Grants, HostPattern, PrivateGrant, S3Place, SftpLogin,
    SftpPlace,
};

use crate::secrets;

/// The grants of a connection.
///
/// # Errors
/// Every host, network and folder that cannot be granted.
pub fn grants(connection: &ConnectionConfig, root: &Path) -> Result<Grants, Vec<ConfigFault>> {
    let mut faults = Vec::new();
    let at = |field: &str| format!("connections.{}.{field}", connection.id);
    let hosts: Vec<HostPattern> =
        parsed(&connection.hosts, "config/host", &at("hosts"), &mut faults);
    let private: Vec<PrivateGrant> =
        parsed(&connection.private, "config/private", &at("private"), &mut faults);
    let mut folders = BTreeMap::new();
    for (alias, folder) in &connection.folders {
        let place = at(&format!("folders.{alias}"));
        let granted = match &folder.place {
            Written::Directory(path) => directory(path, root, &place).map_err(|fault| vec![fault]),
            Written::S3(bucket) => self::bucket(bucket, root, &place),
            Written::Sftp(server) => self::server(server, root, &place),
        };
        match granted {
            Ok(place) => {
                folders.insert(alias.clone(), FolderGrant { place, writable: folder.writable });
            }
            Err(found) => faults.extend(found),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let insecure_http = connection.insecure_http;
    Ok(Grants { hosts, private, insecure_http, folders, authorities_pem: None })
}

/// The same folders, and one port of this machine in place of the hosts.
pub fn on_this_machine(grants: Grants, port: u16) -> Grants {
    // Neither of these can be misunderstood; if they were, nothing would be granted.
    let host = format!("127.0.0.1:{port}").parse().into_iter().collect();
    let private = format!("127.0.0.1/32:{port}").parse().into_iter().collect();
    Grants { hosts: host, private, insecure_http: true, ..grants }
}

fn parsed<T: FromStr<Err = GrantError>>(
    texts: &[Located<String>],
    code: &'static str,
    place: &str,
    faults: &mut Vec<ConfigFault>,
) -> Vec<T> {
    let mut grants = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match T::from_str(text) {
            Ok(grant) => grants.push(grant),
            Err(error) => {
                let problem = format!("`{}` is not a valid {}", error.given, error.what);
                let place = format!("{place}[{index}]");
                faults.push(ConfigFault::told(
                    code,
                    text.location.clone(),
                    place,
                    problem,
                    error.mend,
                ));
            }
        }
    }
    grants
}

fn directory(path: &Located<String>, root: &Path, place: &str) -> Result<FolderPlace, ConfigFault> {
    let why = match root.join(path.as_str()).canonicalize() {
        Ok(path) if path.is_dir() => return Ok(FolderPlace::Directory(path)),
        Ok(_) => "it is not a folder".to_owned(),
        Err(error) => error.to_string(),
    };
    let problem = format!("the folder `{}` cannot be granted: {why}", **path);
    let at = path.location.clone();
    Err(ConfigFault::told("config/folder", at, place, problem, "create it, or correct the path"))
}

fn bucket(bucket: &S3Config, root: &Path, place: &str) -> Result<FolderPlace, Vec<ConfigFault>> {
    let key = |written, name| secrets::reference(written, root, &format!("{place}.{name}"));
    let (access_key, one) = key(&bucket.access_key, "access_key");
    let (secret_key, other) = key(&bucket.secret_key, "secret_key");
    let mut faults: Vec<ConfigFault> = one.into_iter().chain(other).collect();
    match S3Place::new(&bucket.address, &bucket.region, access_key, secret_key) {
        Ok(granted) if faults.is_empty() => return Ok(FolderPlace::S3(Box::new(granted))),
        Ok(_) => {}
        Err(error) => {
            let problem = format!("`{}` is not a valid {}", error.given, error.what);
            let (at, place) = (bucket.address.location.clone(), format!("{place}.s3"));
            faults.push(ConfigFault::told("config/folder", at, place, problem, error.mend));
        }
    }
    Err(faults)
}

fn server(server: &SftpConfig, root: &Path, place: &str) -> Result<FolderPlace, Vec<ConfigFault>> {
    let mut faults = Vec::new();
    let mut secret = |written, name| {
        let (secret, fault) = secrets::reference(written, root, &format!("{place}.{name}"));
        faults.extend(fault);
        secret
    };
    let login = match &server.login {
        WrittenLogin::Password(password) => SftpLogin::Password(secret(password, "password")),
        WrittenLogin::PrivateKey { key, passphrase } => SftpLogin::PrivateKey {
            key: secret(key, "private_key"),
            passphrase: passphrase.as_ref().map(|passphrase| secret(passphrase, "passphrase")),
        },
    };
    let host_key = server.host_key.as_ref();
    let pinned = host_key.map(|key| key.as_str());
    match SftpPlace::new(&server.address, &server.user, login, pinned) {
        Ok(granted) if faults.is_empty() => return Ok(FolderPlace::Sftp(granted)),
        Ok(_) => {}
        Err(error) => {
            let problem = format!("`{}` is not a valid {}", error.given, error.what);
            let (at, name) = match host_key {
                Some(key) if error.what == "host key" => (&key.location, "host_key"),
                _ => (&server.address.location, "sftp"),
            };
            let (at, place) = (at.clone(), format!("{place}.{name}"));
            faults.push(ConfigFault::told("config/folder", at, place, problem, error.mend));
        }
    }
    Err(faults)
}

/// Hosts that the connector wants to reach and may not. It would fail at the
/// first request; saying it at once saves a round.
pub fn missing(
    connection: &ConnectionConfig,
    manifest: &Manifest,
    grants: &Grants,
) -> Vec<ConfigFault> {
    let place = format!("connections.{}.hosts", connection.id);
    let at = connection.hosts.first().map_or(&connection.location, |host| &host.location);
    let mut faults = Vec::new();
    for asked in &manifest.hosts {
        match HostPattern::requested(asked, &connection.settings) {
            Ok(wanted) if grants.hosts.contains(&wanted) || covered(&wanted, grants) => {}
            Ok(wanted) => {
                let problem =
                    format!("the connector needs the host `{wanted}`, which is not granted");
                let mend = format!("add `\"{wanted}\"` to `hosts` if it is right");
                let code = "config/host-not-granted";
                faults.push(ConfigFault::told(code, at.clone(), place.clone(), problem, mend));
            }
            // A setting that is missing or no host: the schema of settings says it better.
            Err(error) => tracing::debug!(%error, "a requested host could not be told"),
        }
    }
    faults
}

/// Whether a grant with a wildcard covers the host that is wanted.
fn covered(wanted: &HostPattern, grants: &Grants) -> bool {
    let text = wanted.to_string();
    let below = |grant: &HostPattern| {
        let grant = grant.to_string();
        grant.strip_prefix('*').is_some_and(|suffix| text.ends_with(suffix))
    };
    grants.hosts.iter().any(below)
}
