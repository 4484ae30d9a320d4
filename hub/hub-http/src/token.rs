//! Secrets that open the door: 256 random bits, kept and compared as SHA-256.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Bytes of randomness in a secret.
const SECRET_BYTES: usize = 32;

/// No randomness could be had from the system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no randomness: {0}")]
pub struct NoRandomness(String);

/// A secret in clear, as shown to its owner once. Prints itself as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A fresh secret with a prefix that secret scanners recognise.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn random(prefix: &str) -> Result<Self, NoRandomness> {
        let mut bytes = [0_u8; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| NoRandomness(error.to_string()))?;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self(format!("{prefix}{hex}")))
    }

    /// The secret in clear, to be shown or sent.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// What is kept of a secret.
#[derive(Debug, Clone, Copy)]
pub struct AccessToken([u8; 32]);

impl AccessToken {
    /// Of a secret in clear.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Whether the text is the secret; takes the same time either way.
    pub fn opens(&self, text: &str) -> bool {
        let other: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        bool::from(self.0.ct_eq(&other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_its_own_lock_only() {
        let secret = Secret::random("hub_").unwrap();
        let other = Secret::random("hub_").unwrap();
        let lock = AccessToken::of(secret.reveal());
        assert!(lock.opens(secret.reveal()));
        assert!(!lock.opens(other.reveal()));
        assert!(!lock.opens(""));
        assert_eq!(secret.reveal().len(), "hub_".len() + 64);
        assert_eq!(format!("{secret:?}"), "Secret(***)");
    }
}
