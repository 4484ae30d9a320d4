//! The keys of this hub: the master key beside the configuration, the data key
//! that it wraps, the key that marks compiled connectors as ours, and the one
//! that makes tombstones of those who were erased.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use plugin_gateway::{
    Key, KeyFileError, Vault, VaultError, load_or_create_master, load_or_create_vault,
};

use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::talk;
use crate::private;
use crate::trouble::Trouble;

/// Bytes of the key that marks compiled connectors.
const CACHE_KEY_BYTES: usize = 32;
/// The place that the sealed cache key is bound to.
const CACHE_PLACE: (&str, &str, u32) = ("", "compile-cache", 1);

/// The place that the sealed key of tombstones is bound to.
const PRIVACY_PLACE: (&str, &str, u32) = ("", "privacy", 1);

/// The keys, and where compiled connectors are kept.
pub struct Keys {
    /// Seals what vendors hand out.
    pub vault: Arc<Vault>,
    /// Marks compiled connectors.
    pub cache_key: [u8; CACHE_KEY_BYTES],
    /// Makes tombstones.
    pub privacy_key: [u8; CACHE_KEY_BYTES],
    /// Where compiled connectors are kept; `None` = nowhere.
    pub cache_dir: Option<PathBuf>,
}

impl Keys {
    /// The keys of this hub; made at the first start.
    ///
    /// # Errors
    /// When a key file cannot be used, or does not fit the data.
    pub fn kept(loaded: &Loaded) -> Result<Self, Trouble> {
        let data_dir = loaded.data_dir();
        let cache_dir = data_dir.join("cache");
        private::folder(&cache_dir).map_err(|error| unusable(&cache_dir, &error))?;
        let master_path = loaded.root.join(".liaison-key");
        let fresh = !master_path.exists();
        let master = load_or_create_master(&master_path, &data_dir)
            .map_err(|e| refused(&master_path, &e))?;
        if fresh {
            talk(format!(
                "a new master key was written to {}: back it up apart from the data, and never \
                 commit it",
                master_path.display()
            ));
        }
        let workspace = loaded.config.workspace.as_str();
        let vault_path = data_dir.join(format!("{workspace}.data-key"));
        let vault = load_or_create_vault(&master, workspace, &vault_path)
            .map_err(|error| refused(&vault_path, &error))?;
        let cache_key = cache_key(&vault, &cache_dir.join("key"))?;
        let privacy_path = data_dir.join(format!("{workspace}.privacy-key"));
        let privacy_key = privacy_key(&vault, &privacy_path)?;
        let vault = Arc::new(vault);
        Ok(Self { vault, cache_key, privacy_key, cache_dir: Some(cache_dir) })
    }

    /// Keys for one command that must leave nothing behind.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn passing(loaded: &Loaded) -> Result<Self, Trouble> {
        let made = Key::random().and_then(|k| Vault::create(&k, loaded.config.workspace.as_str()));
        let (vault, _) = made.map_err(|error| no_randomness(&error))?;
        let (cache_key, privacy_key) = (random()?, random()?);
        Ok(Self { vault: Arc::new(vault), cache_key, privacy_key, cache_dir: None })
    }
}

/// The cache key, sealed in the data directory: who can write there but has
/// not the master key cannot pass foreign machine code off as ours.
fn cache_key(vault: &Vault, path: &std::path::Path) -> Result<[u8; CACHE_KEY_BYTES], Trouble> {
    let (connection, name, version) = CACHE_PLACE;
    let known = fs::read(path).ok();
    let opened = known.and_then(|sealed| vault.open(connection, name, version, &sealed).ok());
    if let Some(key) = opened.and_then(|key| <[u8; CACHE_KEY_BYTES]>::try_from(&key[..]).ok()) {
        return Ok(key);
    }
    // None, or not ours: everything is compiled anew under a new one.
    let key = random()?;
    let sealed =
        vault.seal(connection, name, version, &key).map_err(|error| no_randomness(&error))?;
    fs::write(path, sealed).map_err(|error| unusable(path, &error))?;
    Ok(key)
}

/// The key of tombstones, sealed beside the other keys. Under another one those
/// who were erased would be taken in again, so one that cannot be opened is not
/// replaced.
fn privacy_key(vault: &Vault, path: &std::path::Path) -> Result<[u8; CACHE_KEY_BYTES], Trouble> {
    let (connection, name, version) = PRIVACY_PLACE;
    match fs::read(path) {
        Ok(sealed) => {
            let opened = vault.open(connection, name, version, &sealed).ok();
            let key = opened.and_then(|key| <[u8; CACHE_KEY_BYTES]>::try_from(&key[..]).ok());
            key.ok_or_else(|| {
                let what = "the key that tells who was erased cannot be opened";
                let mend = "restore this file, and the master key that belongs to it: under a new \
                            key those who were erased would be taken in again";
                Trouble::new(Exit::Usage, "key/privacy", path.display(), what, mend)
            })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = random()?;
            let sealed = vault
                .seal(connection, name, version, &key)
                .map_err(|error| no_randomness(&error))?;
            fs::write(path, sealed).map_err(|error| unusable(path, &error))?;
            Ok(key)
        }
        Err(error) => Err(unusable(path, &error)),
    }
}

fn random() -> Result<[u8; CACHE_KEY_BYTES], Trouble> {
    let mut key = [0; CACHE_KEY_BYTES];
    getrandom::fill(&mut key).map_err(|_| no_randomness(&VaultError::Random))?;
    Ok(key)
}

fn no_randomness(error: &VaultError) -> Trouble {
    let mend = "check that /dev/urandom works on this system";
    Trouble::new(Exit::Usage, "key/randomness", "", error, mend)
}

fn unusable(path: &std::path::Path, error: &std::io::Error) -> Trouble {
    let what = format!("it cannot be used: {error}");
    let mend = "check owner, permissions and free space";
    Trouble::new(Exit::Usage, "key/file", path.display(), what, mend)
}

fn refused(path: &std::path::Path, error: &KeyFileError) -> Trouble {
    let source = std::error::Error::source(error).map(|s| format!(": {s}")).unwrap_or_default();
    let mend = match error {
        KeyFileError::Io { .. } => "check owner, permissions and free space",
        KeyFileError::Exposed { .. } => "chmod 600",
        KeyFileError::InsideData { .. } => "move `data_dir` below the configuration's folder",
        KeyFileError::Malformed | KeyFileError::Secret(_) | KeyFileError::Vault(_) => {
            "restore the master key that belongs to these data; without it, remove the file named \
             data-key: stored logins are then made anew"
        }
    };
    let what = format!("{error}{source}");
    Trouble::new(Exit::Usage, "key/file", path.display(), what, mend)
}
