//! Whether a signature is that of some bytes under a key.
//!
//! Everything is compared in constant time, and every failure is the same "no":
//! a key that cannot be read, a signature of another length, other bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plugin_api::recipe::{Algorithm, Encoding, KeyForm};
use ring::{hmac, signature};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Object identifier of RSA keys, with its tag and length.
const RSA_ENCRYPTION: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// Object identifiers of elliptic curve keys on P-256, with tags and lengths.
const EC_P256: [u8; 19] = [
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
    0x03, 0x01, 0x07,
];

/// The bytes of a signature as it is written.
pub(crate) fn decode(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Plain => Some(text.as_bytes().to_vec()),
        Encoding::Base64 => STANDARD.decode(text).ok(),
        Encoding::Hex => {
            let digits: Option<Vec<u8>> = text
                .bytes()
                .map(|byte| char::from(byte).to_digit(16).and_then(|digit| digit.try_into().ok()))
                .collect();
            let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
            Some(
                digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |a, d| a << 4 | d)).collect(),
            )
        }
    }
}

/// Whether the signature is that of the bytes under the key.
pub(crate) fn holds(
    algorithm: Algorithm,
    (key, form): (&str, KeyForm),
    signed: &[u8],
    given: &[u8],
) -> bool {
    match algorithm {
        Algorithm::Token => {
            // Of equal length whatever was sent, so that not even that is told.
            let (own, other) = (Sha256::digest(key.as_bytes()), Sha256::digest(given));
            bool::from(own.ct_eq(&other))
        }
        Algorithm::HmacSha1 => mac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, (key, form), signed, given),
        Algorithm::HmacSha256 => mac(hmac::HMAC_SHA256, (key, form), signed, given),
        Algorithm::RsaSha256 => {
            public(&signature::RSA_PKCS1_2048_8192_SHA256, &RSA_ENCRYPTION, key, (signed, given))
        }
        Algorithm::EcdsaP256 => {
            public(&signature::ECDSA_P256_SHA256_ASN1, &EC_P256, key, (signed, given))
        }
    }
}

fn mac(
    algorithm: hmac::Algorithm,
    (key, form): (&str, KeyForm),
    signed: &[u8],
    given: &[u8],
) -> bool {
    let bytes = match form {
        KeyForm::Text => Some(Zeroizing::new(key.as_bytes().to_vec())),
        // `_` is no digit of Base 64: what stands before it is a label.
        KeyForm::Base64 => {
            let digits = key.rsplit_once('_').map_or(key, |(_, digits)| digits);
            STANDARD.decode(digits).ok().map(Zeroizing::new)
        }
    };
    bytes.is_some_and(|bytes| {
        hmac::verify(&hmac::Key::new(algorithm, &bytes), signed, given).is_ok()
    })
}

fn public(
    algorithm: &'static dyn signature::VerificationAlgorithm,
    identifier: &[u8],
    key: &str,
    (signed, given): (&[u8], &[u8]),
) -> bool {
    let lines = key.lines().filter(|line| !line.trim_start().starts_with("-----"));
    let digits: String = lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
    let Ok(der) = STANDARD.decode(digits) else { return false };
    subject_key(&der, identifier).is_some_and(|key| {
        signature::UnparsedPublicKey::new(algorithm, key).verify(signed, given).is_ok()
    })
}

/// The key within `SubjectPublicKeyInfo` (RFC 5280), if it is of that kind:
/// `SEQUENCE { SEQUENCE { identifier ... }, BIT STRING }`.
fn subject_key<'d>(der: &'d [u8], identifier: &[u8]) -> Option<&'d [u8]> {
    let (info, _) = element(der, 0x30)?;
    let (algorithm, rest) = element(info, 0x30)?;
    let (bits, _) = element(rest, 0x03)?;
    let key = bits.strip_prefix(&[0])?;
    algorithm.starts_with(identifier).then_some(key)
}

/// The content of the first element of DER, if its tag is that; and what follows.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (_, rest) = der.split_first().filter(|(first, _)| **first == tag)?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        short @ 0..=0x7f => (usize::from(*short), rest),
        long @ (0x81 | 0x82) => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}
