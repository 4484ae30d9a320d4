//! Which packages a hub runs, and who let them in.
//!
//! A package is one component file with its manifest in it. Three questions stand
//! before it runs. *Who made it?* A detached minisign signature over the whole file
//! says so ([`signature`]); the key that came first for a connector's id is the one
//! that later versions must be signed by. *What does it ask for?* Everything that it
//! could do beyond computing is one set of words ([`capabilities`]), so that "more
//! than before" is a difference of sets. *Who said yes?* The lock file ([`lock`])
//! names each connector by the digest of its bytes, with its signer, what was approved
//! and by whom; an administrator keeps it in version control beside the rest of the
//! configuration.
//!
//! The signature is a file beside the component, not a section in it: what is signed
//! is then exactly what is digested and loaded, byte for byte, nothing has to be cut
//! out before it is verified, and everybody's own `minisign` can do it too.
//!
//! Nothing here reads a file or a clock: bytes and the lock come in, a [`Step`] or a
//! [`Refusal`] goes out ([`judge`]), and what was installed is judged once more
//! whenever it is loaded ([`confirm`]).

pub mod signature;

pub mod capabilities;

pub mod lock;

mod refusal;

mod judge;

mod confirm;

pub use capabilities::Capabilities;
pub use confirm::{confirm, is};
pub use judge::{Offer, Step, Verb, Wish, approve, judge};
pub use lock::{Lock, LockError, Locked, Release};
pub use refusal::Refusal;

/// The digest of a component's bytes, as the lock file names it: `sha256:` and
/// hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(bytes);
    let mut text = "sha256:".to_owned();
    hash.iter().for_each(|byte| text.push_str(&format!("{byte:02x}")));
    text
}
