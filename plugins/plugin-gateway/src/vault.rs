//! Sealing of small secrets at rest: envelope encryption with XChaCha20-Poly1305.
//!
//! Each workspace has a random data key; the data key is stored wrapped by a
//! master key that lives elsewhere. Changing the master key rewraps one small
//! value instead of every secret, and a copied data directory alone opens
//! nothing. What a value is for (workspace, connection, name, version) is bound
//! to it as associated data: a sealed value that was moved to another place does
//! not open there.
//!
//! Nonces are 24 random bytes, long enough to be drawn blindly for the life of a key.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// Length of keys in bytes.
pub const KEY_BYTES: usize = 32;
/// Length of nonces in bytes.
const NONCE_BYTES: usize = 24;
/// First byte of everything written here.
const FORMAT: u8 = 1;

/// A value could not be sealed or opened. Says nothing about the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The operating system gave no randomness.
    #[error("the operating system gave no random bytes")]
    Random,
    /// Too short, or of a format that this version does not know.
    #[error("the sealed value has an unknown format")]
    Format,
    /// Another key, another place, or changed bytes.
    #[error("the sealed value does not open with this key at this place")]
    Open,
    /// The value is too large to seal.
    #[error("the value cannot be sealed")]
    Seal,
}

/// A 256-bit key. Wiped when dropped; `Debug` prints `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Zeroizing<[u8; KEY_BYTES]>);

impl Key {
    /// A key of the given bytes.
    #[must_use]
    pub fn from_bytes(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(bytes)
    }

    /// A random key.
    ///
    /// # Errors
    ///
    /// [`VaultError::Random`].
    pub fn random() -> Result<Self, VaultError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| VaultError::Random)?;
        Ok(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.bytes().into())
    }

    fn seal(&self, plain: &[u8], place: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| VaultError::Random)?;
        let payload = Payload { msg: plain, aad: place };
        let sealed =
            self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Seal)?;
        let mut out = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
        out.push(FORMAT);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    fn open(&self, sealed: &[u8], place: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (format, rest) = sealed.split_first().ok_or(VaultError::Format)?;
        if *format != FORMAT {
            return Err(VaultError::Format);
        }
        let (nonce, body) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(VaultError::Format)?;
        let payload = Payload { msg: body, aad: place };
        let plain =
            self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| VaultError::Open)?;
        Ok(Zeroizing::new(plain))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// A workspace's data key, wrapped by the master key: safe to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey(pub Vec<u8>);

/// Seals and opens the secrets of one workspace.
#[derive(Debug, Clone)]
pub struct Vault {
    workspace: String,
    data_key: Key,
}

impl Vault {
    /// A vault with a new data key, and that key wrapped for storing.
    ///
    /// # Errors
    ///
    /// [`VaultError::Random`].
    pub fn create(master: &Key, workspace: &str) -> Result<(Self, WrappedKey), VaultError> {
        let vault = Self { workspace: workspace.to_owned(), data_key: Key::random()? };
        let wrapped = wrap(master, &vault.data_key, workspace)?;
        Ok((vault, wrapped))
    }

    /// The vault of a stored data key.
    ///
    /// # Errors
    ///
    /// Another master key, another workspace, or changed bytes.
    pub fn open_with(
        master: &Key,
        workspace: &str,
        wrapped: &WrappedKey,
    ) -> Result<Self, VaultError> {
        let data_key = unwrap_key(master, workspace, wrapped)?;
        Ok(Self { workspace: workspace.to_owned(), data_key })
    }

    /// The same data key under a new master key. Sealed values stay as they are.
    ///
    /// # Errors
    ///
    /// As [`Vault::open_with`].
    pub fn rewrap(
        old: &Key,
        new: &Key,
        workspace: &str,
        wrapped: &WrappedKey,
    ) -> Result<WrappedKey, VaultError> {
        wrap(new, &unwrap_key(old, workspace, wrapped)?, workspace)
    }

    /// Seals a value for one place: connection, name and version.
    ///
    /// # Errors
    ///
    /// No randomness.
    pub fn seal(
        &self,
        connection: &str,
        name: &str,
        version: u32,
        plain: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        self.data_key.seal(plain, &self.place(connection, name, version))
    }

    /// Opens a value that was sealed for the same place.
    ///
    /// # Errors
    ///
    /// Another place or workspace, another key, or changed bytes.
    pub fn open(
        &self,
        connection: &str,
        name: &str,
        version: u32,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.data_key.open(sealed, &self.place(connection, name, version))
    }

    fn place(&self, connection: &str, name: &str, version: u32) -> Vec<u8> {
        place(&["liaison/value", &self.workspace, connection, name, &version.to_string()])
    }
}

/// Associated data: each part preceded by its length, so that no two lists of
/// parts give the same bytes.
fn place(parts: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        out.extend_from_slice(part.as_bytes());
    }
    out
}

fn wrap(master: &Key, data_key: &Key, workspace: &str) -> Result<WrappedKey, VaultError> {
    master.seal(data_key.bytes(), &place(&["liaison/data-key", workspace])).map(WrappedKey)
}

fn unwrap_key(master: &Key, workspace: &str, wrapped: &WrappedKey) -> Result<Key, VaultError> {
    let plain = master.open(&wrapped.0, &place(&["liaison/data-key", workspace]))?;
    let bytes: [u8; KEY_BYTES] = plain.as_slice().try_into().map_err(|_| VaultError::Format)?;
    Ok(Key(Zeroizing::new(bytes)))
}
