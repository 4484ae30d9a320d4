//! The author's side: pairs of keys, and signatures made with them, in the files of
//! minisign. Only keys without a password are read; the format is small and fixed, and
//! what is made here is read by a verifier that others wrote.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use blake2::{Blake2b512, Digest as _};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::{KEY_WORD, SignatureError, SignerKey};

/// Random bytes that a pair is made of: the seed, and the number of the key.
pub const RANDOM_BYTES: usize = SEED_BYTES + NUMBER_BYTES;

const SEED_BYTES: usize = 32;
const NUMBER_BYTES: usize = 8;
const PUBLIC_BYTES: usize = 32;
/// A checksum, of keys with a password only.
const NO_CHECKSUM: [u8; 32] = [0; 32];
/// Ed25519, and Ed25519 of a BLAKE2b hash.
const KEY_KIND: &[u8; 2] = b"Ed";
const HASHED_KIND: &[u8; 2] = b"ED";
/// No password; a BLAKE2b checksum; and no salt, work or memory for a password.
const PLAIN_HEAD: [u8; 54] = {
    let mut head = [0; 54];
    (head[0], head[1], head[4], head[5]) = (b'E', b'd', b'B', b'2');
    head
};
/// For people who open the files.
const SECRET_COMMENT: &str = "secret key of a Liaison connector's author";
const COMMENT: &str = "signature of a Liaison connector";

/// A secret key without a password.
struct Secret {
    pair: Ed25519KeyPair,
    number: [u8; NUMBER_BYTES],
}

/// A new pair: the text of the secret key's file, and the public key.
///
/// # Errors
/// [`SignatureError::Key`] if these bytes make none; all do.
pub fn generate(random: [u8; RANDOM_BYTES]) -> Result<(String, SignerKey), SignatureError> {
    let (seed, number) = random.split_at(SEED_BYTES);
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| SignatureError::Key)?;
    let bytes = [&PLAIN_HEAD[..], number, seed, pair.public_key().as_ref(), &NO_CHECKSUM].concat();
    let text = format!("untrusted comment: {SECRET_COMMENT}\n{}\n", BASE64.encode(bytes));
    let key = Secret::parse(&text)?.public()?;
    Ok((text, key))
}

/// Signs bytes with the text of a secret key's file: the text of the signature's file,
/// and the key that verifies it.
///
/// # Errors
/// [`SignatureError::Protected`].
pub fn sign(bytes: &[u8], secret: &str) -> Result<(String, SignerKey), SignatureError> {
    let secret = Secret::parse(secret)?;
    let key = secret.public()?;
    let signature = secret.pair.sign(&Blake2b512::digest(bytes));
    let comment = format!("{KEY_WORD}{key}");
    let whole = secret.pair.sign(&[signature.as_ref(), comment.as_bytes()].concat());
    let signed = [&HASHED_KIND[..], &secret.number, signature.as_ref()].concat();
    let text = format!(
        "untrusted comment: {COMMENT}\n{}\ntrusted comment: {comment}\n{}\n",
        BASE64.encode(signed),
        BASE64.encode(whole.as_ref()),
    );
    Ok((text, key))
}

impl Secret {
    fn parse(text: &str) -> Result<Self, SignatureError> {
        Self::read(text).ok_or(SignatureError::Protected)
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.lines().nth(1)?.trim()).ok()?;
        let rest = bytes.strip_prefix(&PLAIN_HEAD[..])?;
        let (number, rest) = rest.split_first_chunk::<NUMBER_BYTES>()?;
        let (seed, rest) = rest.split_at_checked(SEED_BYTES)?;
        let public = rest.get(..PUBLIC_BYTES)?;
        // A damaged seed does not fit the public key.
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public).ok()?;
        Some(Self { pair, number: *number })
    }

    fn public(&self) -> Result<SignerKey, SignatureError> {
        let bytes = [&KEY_KIND[..], &self.number, self.pair.public_key().as_ref()].concat();
        SignerKey::parse(&BASE64.encode(bytes))
    }
}
