//! Who made a package: minisign signatures (Ed25519 over BLAKE2b of the file).
//!
//! A signature names its key by eight bytes only, so ours carry the whole public key in
//! the trusted comment, which is signed too: `key:RW…`. That is what makes trust on
//! first use possible without a second file. A signature made with `minisign` itself
//! carries it when it is given one: `minisign -Sm x.wasm -t key:RW…`.

mod author;

use std::fmt;

pub use author::{RANDOM_BYTES, generate, sign};
use minisign_verify::{Error as VerifyError, PublicKey, Signature};

/// What is appended to a package's file name.
pub const SUFFIX: &str = "minisig";
/// Largest signature file in bytes.
pub const SIGNATURE_BYTES_MAX: u64 = 4 * 1024;

/// Before the public key in the trusted comment.
const KEY_WORD: &str = "key:";

/// Why a key or a signature cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It is no key of minisign.
    #[error("this is no minisign key")]
    Key,
    /// The secret key has a password.
    #[error("the secret key is protected by a password, or is no minisign key")]
    Protected,
    /// The file is no signature.
    #[error("the signature file is no minisign signature")]
    Form,
    /// Another key made it.
    #[error("the signature was made by another key")]
    OtherKey,
    /// It does not belong to these bytes.
    #[error("the signature does not belong to these bytes")]
    Mismatch,
}

/// The public key of a signer, in minisign's own text form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerKey {
    text: String,
    key: PublicKey,
}

impl SignerKey {
    /// Reads `RW…`.
    ///
    /// # Errors
    /// [`SignatureError::Key`].
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let text = text.trim().to_owned();
        let key = PublicKey::from_base64(&text).map_err(|_| SignatureError::Key)?;
        Ok(Self { text, key })
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this key signed exactly these bytes.
    ///
    /// # Errors
    /// [`SignatureError`] says what is wrong.
    pub fn verify(&self, bytes: &[u8], signature: &str) -> Result<(), SignatureError> {
        let signature = Signature::decode(signature).map_err(|_| SignatureError::Form)?;
        self.key.verify(bytes, &signature, false).map_err(|error| match error {
            VerifyError::UnexpectedKeyId => SignatureError::OtherKey,
            VerifyError::InvalidSignature => SignatureError::Mismatch,
            _ => SignatureError::Form,
        })
    }
}

impl fmt::Display for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The key that a signature says it was made by; nothing is verified yet.
///
/// # Errors
/// [`SignatureError::Form`] and [`SignatureError::Key`].
pub fn claimed(signature: &str) -> Result<Option<SignerKey>, SignatureError> {
    let signature = Signature::decode(signature).map_err(|_| SignatureError::Form)?;
    let mut words = signature.trusted_comment().split_whitespace();
    words.find_map(|word| word.strip_prefix(KEY_WORD)).map(SignerKey::parse).transpose()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{RANDOM_BYTES, SignatureError, SignerKey, claimed, generate, sign};

    #[test]
    fn a_signature_names_its_key_and_fits_its_bytes_only() {
        let (secret, key) = generate([1; RANDOM_BYTES]).unwrap();
        let (signature, signer) = sign(b"bytes", &secret).unwrap();
        assert_eq!((&signer, claimed(&signature).unwrap().as_ref()), (&key, Some(&key)));
        assert_eq!(key.verify(b"bytes", &signature), Ok(()));
        assert_eq!(key.verify(b"other", &signature), Err(SignatureError::Mismatch));
        let (_, other) = generate([2; RANDOM_BYTES]).unwrap();
        assert_eq!(other.verify(b"bytes", &signature), Err(SignatureError::OtherKey));
        // The key in the comment is under the signature as well.
        let forged = signature.replace(key.as_str(), other.as_str());
        assert_ne!(forged, signature);
        assert_eq!(key.verify(b"bytes", &forged), Err(SignatureError::Mismatch));
    }

    // spelling: off
    #[test]
    fn what_minisign_itself_signed_is_understood() {
        // Of the text `test`, from the documentation of minisign's verifier.
        let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
        let signature = "untrusted comment: signature from minisign secret key\n\
            RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
            trusted comment: timestamp:1633700835\tfile:test\tprehashed\n\
            wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==";
        let key = SignerKey::parse(key).unwrap();
        assert_eq!(key.verify(b"test", signature), Ok(()));
        assert_eq!(claimed(signature), Ok(None));
        // A key of `minisign -G -W`, which nobody uses.
        let secret = "untrusted comment: minisign encrypted secret key\nRWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAok2LtPfBBu6Ms0x7iS6y4MwG1WaUZRQ0q3BXTDWwG41Nv1d+DhehwB9+qCwLyENkaLLGmRV96N98xtxgtm20IsUCodMuqlCsAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
        let (signature, key) = sign(b"test", secret).unwrap();
        assert_eq!(key.as_str(), "RWSiTYu098EG7h9+qCwLyENkaLLGmRV96N98xtxgtm20IsUCodMuqlCs");
        assert_eq!(key.verify(b"test", &signature), Ok(()));
        let damaged = secret.replace("ZRQ0", "0QRZ");
        assert_eq!(sign(b"test", &damaged).unwrap_err(), SignatureError::Protected);
    }
    // spelling: on

    #[test]
    fn nonsense_is_refused_without_a_panic() {
        let (secret, key) = generate([1; RANDOM_BYTES]).unwrap();
        let (good, _) = sign(b"x", &secret).unwrap();
        for cut in 0..good.len() {
            let Some(part) = good.get(..cut) else { continue };
            // Only line ends may be missing.
            assert!(key.verify(b"x", part).is_err() || part.trim() == good.trim(), "{cut}");
        }
        for text in ["", "RW", "not a key", "RWQ=\n\0"] {
            assert_eq!(SignerKey::parse(text), Err(SignatureError::Key), "{text}");
            assert_eq!(sign(b"x", text).unwrap_err(), SignatureError::Protected, "{text}");
        }
    }
}
