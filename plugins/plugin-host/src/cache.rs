//! Compiled code, kept under a MAC.
//!
//! Whoever could place a file here would run native code in the hub. So a file is
//! read into memory, its MAC is checked over exactly the bytes that are then
//! loaded, and the key of the MAC is the hub's own. A file that does not pass is
//! compiled anew and replaced; nothing fails because of the cache.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::engine::CONFIG_REVISION;
use crate::package::ComponentDigest;
use crate::trusted;

/// Bytes of the MAC at the head of a file.
const MAC_BYTES: usize = 32;
/// The wasmtime whose code this is: code of another version is another file.
const WASMTIME: &str = "48.0";

/// The folder of compiled code.
pub(crate) struct CodeCache {
    folder: PathBuf,
    key: [u8; 32],
}

impl CodeCache {
    /// Opens the folder, creating it for this user alone.
    ///
    /// # Errors
    /// The folder cannot be created or belongs to others.
    pub(crate) fn open(folder: &Path, key: [u8; 32]) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(Self { folder: folder.to_path_buf(), key })
    }

    /// The code of a component, if it was compiled before by this engine.
    pub(crate) fn get(&self, engine: &Engine, digest: ComponentDigest) -> Option<Component> {
        let path = self.path(digest);
        let file = fs::read(&path).ok()?;
        let (mac, code) = file.split_at_checked(MAC_BYTES)?;
        if self.mac(digest, code)?.verify_slice(mac).is_err() {
            tracing::warn!(path = %path.display(), "compiled code was altered; compiling anew");
            return None;
        }
        match trusted::load_compiled(engine, code) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::info!(%error, "compiled code is of another engine; compiling anew");
                None
            }
        }
    }

    /// Keeps the code of a component. Failing to is not a fault.
    pub(crate) fn put(&self, digest: ComponentDigest, code: &[u8]) {
        if let Err(error) = self.write(digest, code) {
            tracing::warn!(%error, folder = %self.folder.display(), "compiled code was not kept");
        }
    }

    fn write(&self, digest: ComponentDigest, code: &[u8]) -> io::Result<()> {
        use std::io::Write as _;
        let mac = self.mac(digest, code).ok_or(io::ErrorKind::InvalidInput)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(mac.finalize().into_bytes().as_slice())?;
        file.write_all(code)?;
        file.persist(self.path(digest))?;
        Ok(())
    }

    /// The MAC binds the code to the component it was made from.
    fn mac(&self, digest: ComponentDigest, code: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(&digest.0);
        mac.update(code);
        Some(mac)
    }

    /// Component, wasmtime and configuration together name the file.
    fn path(&self, digest: ComponentDigest) -> PathBuf {
        let mut name = Sha256::new();
        name.update(digest.0);
        name.update(WASMTIME);
        name.update(CONFIG_REVISION);
        let name = ComponentDigest(name.finalize().into());
        self.folder.join(format!("{name}.code"))
    }
}
