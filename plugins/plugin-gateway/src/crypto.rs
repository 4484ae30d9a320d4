//! Cryptography under the keys of a connection, for a connector that never sees one.
//!
//! A key has one purpose, which its slot names: a key for keyed hashes signs nothing, and
//! what seals does not hash. None of them is ever sent. Data have a limit, and each use
//! counts against the call's requests, so that a connector cannot burn time here.
//!
//! Nonces are drawn from the operating system and never taken from a connector: one that
//! is used twice gives an AES-GCM key away.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use ring::{aead, hmac, rand, signature};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::connection::ConnectionGateway;
use crate::credential::KeyUse;

/// Most bytes of data, and of what is associated, of one use.
pub const DATA_BYTES_MAX: usize = 1024 * 1024;
/// Length of a sealing key in bytes.
const SEALING_KEY_BYTES: usize = 32;
/// Length of the nonces of XChaCha20 in bytes.
const XNONCE_BYTES: usize = 24;

/// A keyed hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mac {
    /// HMAC-SHA-1, where a vendor insists.
    HmacSha1,
    /// HMAC-SHA-256.
    HmacSha256,
    /// HMAC-SHA-512.
    HmacSha512,
}

/// A signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signing {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256, as r and s of 32 bytes each.
    Es256,
}

/// Authenticated encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sealing {
    /// AES-256-GCM.
    Aes256Gcm,
    /// XChaCha20-Poly1305.
    XChaCha20Poly1305,
}

/// Why there is no result. Never says anything of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CryptoFault {
    /// No such slot, a key of another purpose or form, or more than may be asked.
    #[error("{0}")]
    Slot(String),
    /// Sealed bytes that do not open.
    #[error("the sealed bytes do not open")]
    NotAuthentic,
}

impl ConnectionGateway {
    /// A keyed hash under the key of a slot.
    ///
    /// # Errors
    ///
    /// See [`CryptoFault`]; so for the others.
    pub fn mac(&self, slot: &str, algorithm: Mac, data: &[u8]) -> Result<Vec<u8>, CryptoFault> {
        let key = self.key_of(slot, KeyUse::Mac, &[data])?;
        Ok(mac(key.as_bytes(), algorithm, data))
    }

    /// A signature by the key of a slot.
    ///
    /// # Errors
    ///
    /// See [`CryptoFault`].
    pub fn sign(
        &self,
        slot: &str,
        algorithm: Signing,
        data: &[u8],
    ) -> Result<Vec<u8>, CryptoFault> {
        let key = self.key_of(slot, KeyUse::Sign, &[data])?;
        sign(&key, algorithm, data).ok_or_else(|| unfit(slot, "an unencrypted PKCS#8 key for it"))
    }

    /// Nonce, ciphertext and tag, one after the other.
    ///
    /// # Errors
    ///
    /// See [`CryptoFault`].
    pub fn seal(
        &self,
        slot: &str,
        algorithm: Sealing,
        (data, associated): (&[u8], &[u8]),
    ) -> Result<Vec<u8>, CryptoFault> {
        let key = self.sealing_key(slot, (data, associated))?;
        seal(&key, algorithm, (data, associated))
            .ok_or_else(|| CryptoFault::Slot("the system gave no random bytes".to_owned()))
    }

    /// The reverse of [`Self::seal`].
    ///
    /// # Errors
    ///
    /// See [`CryptoFault`].
    pub fn open(
        &self,
        slot: &str,
        algorithm: Sealing,
        (sealed, associated): (&[u8], &[u8]),
    ) -> Result<Vec<u8>, CryptoFault> {
        let key = self.sealing_key(slot, (sealed, associated))?;
        open(&key, algorithm, (sealed, associated)).ok_or(CryptoFault::NotAuthentic)
    }

    fn sealing_key(
        &self,
        slot: &str,
        (data, associated): (&[u8], &[u8]),
    ) -> Result<Zeroizing<Vec<u8>>, CryptoFault> {
        let key = self.key_of(slot, KeyUse::Seal, &[data, associated])?;
        let key = read_base64(&key).filter(|key| key.len() == SEALING_KEY_BYTES);
        key.ok_or_else(|| unfit(slot, "32 bytes in Base64"))
    }

    /// The key of a slot, if it is for that and the call may still ask.
    fn key_of(
        &self,
        slot: &str,
        purpose: KeyUse,
        data: &[&[u8]],
    ) -> Result<Zeroizing<String>, CryptoFault> {
        if !self.may_call() {
            return Err(CryptoFault::Slot("the call's number of requests is used up".to_owned()));
        }
        if data.iter().any(|data| data.len() > DATA_BYTES_MAX) {
            return Err(CryptoFault::Slot(format!("more than {DATA_BYTES_MAX} bytes of data")));
        }
        match self.key(slot, purpose) {
            Some(Ok(key)) => Ok(key),
            Some(Err(error)) => Err(CryptoFault::Slot(self.redactor().redact(&error.to_string()))),
            None => Err(unfit(slot, &format!("a {}", purpose.as_str()))),
        }
    }
}

fn unfit(slot: &str, expected: &str) -> CryptoFault {
    let slot: String = slot.chars().take(80).collect();
    CryptoFault::Slot(format!("the slot `{}` does not hold {expected}", slot.escape_debug()))
}

fn read_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|digit| !digit.is_whitespace()).collect());
    STANDARD.decode(digits.as_bytes()).ok().map(Zeroizing::new)
}

fn mac(key: &[u8], algorithm: Mac, data: &[u8]) -> Vec<u8> {
    let algorithm = match algorithm {
        Mac::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Mac::HmacSha256 => hmac::HMAC_SHA256,
        Mac::HmacSha512 => hmac::HMAC_SHA512,
    };
    hmac::sign(&hmac::Key::new(algorithm, key), data).as_ref().to_vec()
}

/// The signature; none where the key is none of this kind.
pub(crate) fn sign(pem: &str, algorithm: Signing, data: &[u8]) -> Option<Vec<u8>> {
    let random = rand::SystemRandom::new();
    let lines = pem.lines().filter(|line| !line.trim_start().starts_with("-----"));
    let digits = Zeroizing::new(lines.flat_map(str::chars).collect::<String>());
    let key = read_base64(&digits)?;
    match algorithm {
        Signing::Rs256 => {
            let pair = signature::RsaKeyPair::from_pkcs8(&key).ok()?;
            let mut signed = vec![0; pair.public().modulus_len()];
            pair.sign(&signature::RSA_PKCS1_SHA256, &random, data, &mut signed).ok()?;
            Some(signed)
        }
        Signing::Es256 => {
            let kind = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
            let pair = signature::EcdsaKeyPair::from_pkcs8(kind, &key, &random).ok()?;
            Some(pair.sign(&random, data).ok()?.as_ref().to_vec())
        }
    }
}

fn seal(key: &[u8], algorithm: Sealing, (data, associated): (&[u8], &[u8])) -> Option<Vec<u8>> {
    match algorithm {
        Sealing::Aes256Gcm => {
            let mut nonce = [0; aead::NONCE_LEN];
            getrandom::fill(&mut nonce).ok()?;
            let mut sealed = data.to_vec();
            let unique = aead::Nonce::assume_unique_for_key(nonce);
            aes_key(key)?
                .seal_in_place_append_tag(unique, aead::Aad::from(associated), &mut sealed)
                .ok()?;
            Some([&nonce[..], &sealed].concat())
        }
        Sealing::XChaCha20Poly1305 => {
            let mut nonce = [0; XNONCE_BYTES];
            getrandom::fill(&mut nonce).ok()?;
            let payload = Payload { msg: data, aad: associated };
            let cipher = XChaCha20Poly1305::new_from_slice(key).ok()?;
            let sealed = cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
            Some([&nonce[..], &sealed].concat())
        }
    }
}

fn open(key: &[u8], algorithm: Sealing, (sealed, associated): (&[u8], &[u8])) -> Option<Vec<u8>> {
    match algorithm {
        Sealing::Aes256Gcm => {
            let (nonce, sealed) = sealed.split_first_chunk::<{ aead::NONCE_LEN }>()?;
            let nonce = aead::Nonce::assume_unique_for_key(*nonce);
            let mut opened = sealed.to_vec();
            let plain =
                aes_key(key)?.open_in_place(nonce, aead::Aad::from(associated), &mut opened);
            let length = plain.ok()?.len();
            opened.truncate(length);
            Some(opened)
        }
        Sealing::XChaCha20Poly1305 => {
            let (nonce, sealed) = sealed.split_first_chunk::<XNONCE_BYTES>()?;
            let payload = Payload { msg: sealed, aad: associated };
            let cipher = XChaCha20Poly1305::new_from_slice(key).ok()?;
            cipher.decrypt(&XNonce::from(*nonce), payload).ok()
        }
    }
}

fn aes_key(key: &[u8]) -> Option<aead::LessSafeKey> {
    aead::UnboundKey::new(&aead::AES_256_GCM, key).ok().map(aead::LessSafeKey::new)
}

#[cfg(test)]
mod tests;
