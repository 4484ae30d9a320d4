//! Digests, and how they are written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::Unfit;

/// How a platform wants a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// In clear: the platform matches on it as it is, or hashes itself.
    Plain,
    /// SHA-256 in hexadecimal, small letters.
    Sha256Hex,
    /// SHA-256 in Base64: of the digest's 32 bytes, never of its hexadecimal text.
    Sha256Base64,
    /// SHA-1 in hexadecimal, small letters.
    Sha1Hex,
}

impl Form {
    /// A normalised value in this form.
    pub(super) fn of(self, normalised: &str) -> String {
        match self {
            Self::Plain => normalised.to_owned(),
            Self::Sha256Hex => hex(&Sha256::digest(normalised)),
            Self::Sha256Base64 => BASE64.encode(Sha256::digest(normalised)),
            Self::Sha1Hex => hex(&Sha1::digest(normalised)),
        }
    }

    /// A digest in hexadecimal that was made elsewhere, in this form.
    pub(super) fn adopt(self, digest: &str) -> Result<String, Unfit> {
        let bytes = unhex(digest).ok_or(Unfit::Digest)?;
        let wanted = match self {
            Self::Plain => 0,
            Self::Sha256Hex | Self::Sha256Base64 => Sha256::output_size(),
            Self::Sha1Hex => Sha1::output_size(),
        };
        match self {
            _ if bytes.len() != wanted || wanted == 0 => Err(Unfit::Digest),
            Self::Sha256Base64 => Ok(BASE64.encode(bytes)),
            _ => Ok(hex(&bytes)),
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |character: &u8| char::from(*character).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    };
    text.as_bytes().chunks(2).map(byte).collect()
}
