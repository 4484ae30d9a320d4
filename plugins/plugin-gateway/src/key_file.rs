//! Where keys live on disk: the master key in a file of its own outside the data
//! directory, the wrapped data key inside it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use crate::secret::{Secret, SecretError};
use crate::vault::{KEY_BYTES, Key, Vault, VaultError, WrappedKey};

/// Largest key file in bytes.
const KEY_FILE_BYTES_MAX: u64 = 4 * 1024;

/// A key could not be loaded or kept.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("the key file {path} cannot be used")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others may read it.
    #[error("the key file {path} can be read by others (mode {mode:o}); run `chmod 600` on it")]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It lies with what it protects.
    #[error(
        "the master key {path} lies inside the data directory; whoever copies the data would have the key too"
    )]
    InsideData {
        /// Which file.
        path: PathBuf,
    },
    /// Not 32 bytes in Base64.
    #[error("the key is not 32 bytes in Base64")]
    Malformed,
    /// The reference cannot be resolved.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The wrapped key does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// The master key in a file, created with mode 0600 if there is none.
///
/// # Errors
///
/// The file lies inside `data_dir`, others may read it, or it is malformed.
pub fn load_or_create_master(path: &Path, data_dir: &Path) -> Result<Key, KeyFileError> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| absolute(path));
    let parent = absolute(path).parent().map(real);
    if parent.is_some_and(|parent| parent.starts_with(real(data_dir))) {
        return Err(KeyFileError::InsideData { path: path.to_owned() });
    }
    match read_private(path)? {
        Some(text) => decode(&text),
        None => {
            let key = Key::random()?;
            let text = Zeroizing::new(STANDARD.encode(key.bytes()) + "\n");
            write_new_private(path, text.as_bytes())?;
            Ok(key)
        }
    }
}

/// The master key from a reference such as `env:LIAISON_MASTER_KEY`: 32 bytes in Base64.
///
/// # Errors
///
/// The reference cannot be resolved or the value is malformed.
pub fn master_from(secret: &Secret) -> Result<Key, KeyFileError> {
    decode(secret.resolve()?.expose_secret())
}

/// The vault of a workspace whose wrapped data key is in a file; both are
/// created if there is none.
///
/// # Errors
///
/// The file cannot be used, or it was wrapped by another master key.
pub fn load_or_create_vault(
    master: &Key,
    workspace: &str,
    path: &Path,
) -> Result<Vault, KeyFileError> {
    match read_private(path)? {
        Some(text) => {
            let wrapped = STANDARD.decode(text.trim()).map_err(|_| KeyFileError::Malformed)?;
            Ok(Vault::open_with(master, workspace, &WrappedKey(wrapped))?)
        }
        None => {
            let (vault, wrapped) = Vault::create(master, workspace)?;
            write_new_private(path, (STANDARD.encode(&wrapped.0) + "\n").as_bytes())?;
            Ok(vault)
        }
    }
}

fn decode(text: &str) -> Result<Key, KeyFileError> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| KeyFileError::Malformed)?);
    let bytes: [u8; KEY_BYTES] =
        bytes.as_slice().try_into().map_err(|_| KeyFileError::Malformed)?;
    Ok(Key::from_bytes(Zeroizing::new(bytes)))
}

fn read_private(path: &Path) -> Result<Option<Zeroizing<String>>, KeyFileError> {
    let fault = |source| KeyFileError::Io { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error)),
    };
    check_mode(path, &file.metadata().map_err(fault)?)?;
    let mut text = Zeroizing::new(String::new());
    file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text).map_err(fault)?;
    Ok(Some(text))
}

#[cfg(unix)]
fn check_mode(path: &Path, meta: &std::fs::Metadata) -> Result<(), KeyFileError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = meta.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(KeyFileError::Exposed { path: path.to_owned(), mode })
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &std::fs::Metadata) -> Result<(), KeyFileError> {
    Ok(())
}

/// Writes a file that must not exist yet, whole or not at all, durable on return:
/// a key that is lost in a power cut takes every sealed secret with it.
fn write_new_private(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    let fault = |source| KeyFileError::Io { path: path.to_owned(), source };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(fault)?;
    let mut suffix = [0; 8];
    getrandom::fill(&mut suffix).map_err(|_| VaultError::Random)?;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{:016x}.tmp", u64::from_ne_bytes(suffix)));
    let temporary = PathBuf::from(temporary);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary).map_err(fault)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        // A link, not a rename: of two processes that start at once, one must lose.
        .and_then(|()| std::fs::hard_link(&temporary, path))
        .and_then(|()| File::open(folder)?.sync_all());
    // The file is in place under its own name, or the error is on its way.
    let _ = std::fs::remove_file(&temporary);
    written.map_err(fault)
}
