//! Why a package is not installed, or does not run. Each has a code that scripts can
//! rely on, and says how to mend it.

use crate::capabilities::Capabilities;

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody signed it.
    #[error("nobody signed it: there is no signature beside it")]
    Unsigned,
    /// Earlier versions were signed.
    #[error("nobody signed it, and the installed version was signed by {key}")]
    NoLongerSigned {
        /// By whom.
        key: String,
    },
    /// Its signature file is something else, or has no usable key.
    #[error("{0}")]
    Signature(String),
    /// The signature does not say by which key it was made.
    #[error("its signature does not carry the key that made it")]
    KeyUnknown,
    /// Another key than the one that is trusted.
    #[error("it was signed by another key than {trusted}, which is trusted for it")]
    OtherKey {
        /// The one that is trusted.
        trusted: String,
    },
    /// Its bytes are not those that were signed or installed.
    #[error("{0}")]
    Tampered(String),
    /// The file belongs to another connector.
    #[error("it is the connector `{found}`, not `{expected}`")]
    OtherId {
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// Versions cannot be ordered.
    #[error("its version `{0}` is no version such as 1.4.2")]
    Version(String),
    /// It is not later than what is installed.
    #[error("version {offered} is not later than {installed}, which is installed")]
    Downgrade {
        /// What was offered.
        offered: String,
        /// What is there.
        installed: String,
    },
    /// It is there already, in another version.
    #[error("`{0}` is installed already")]
    Installed(String),
    /// There is nothing to upgrade, approve or remove.
    #[error("no connector `{0}` is installed")]
    NotInstalled(String),
    /// Nothing waits for a yes.
    #[error("no version of `{0}` waits for approval")]
    NothingHeld(String),
    /// Nobody has approved what it asks for.
    #[error("what it asks for was not approved: {}", words(.0))]
    NotApproved(Box<Capabilities>),
}

/// What is asked for, on one line.
fn words(asked: &Capabilities) -> String {
    let lines = asked.lines().into_iter().map(|(kind, word)| format!("{kind} {word}"));
    lines.collect::<Vec<_>>().join("; ")
}

impl Refusal {
    /// A stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unsigned => "connector/unsigned",
            Self::NoLongerSigned { .. } => "connector/no-longer-signed",
            Self::Signature(_) => "connector/signature",
            Self::KeyUnknown => "connector/key-unknown",
            Self::OtherKey { .. } => "connector/other-key",
            Self::Tampered(_) => "connector/tampered",
            Self::OtherId { .. } => "connector/other-id",
            Self::Version(_) => "connector/version",
            Self::Downgrade { .. } => "connector/downgrade",
            Self::Installed(_) => "connector/installed",
            Self::NotInstalled(_) => "connector/not-installed",
            Self::NothingHeld(_) => "connector/nothing-held",
            Self::NotApproved(_) => "connector/not-approved",
        }
    }

    /// How to mend it.
    pub const fn mend(&self) -> &'static str {
        match self {
            Self::Unsigned => {
                "put its .minisig file beside it; for one that you build yourself, \
                 --allow-unsigned lets it in, and every listing says so"
            }
            Self::NoLongerSigned { .. } => {
                "do not use it unless its author says why; then remove the connector first"
            }
            Self::Signature(_) => "fetch the .minisig file again, from where the package came from",
            Self::KeyUnknown => "name the author's public key, as he publishes it: --key RW...",
            Self::OtherKey { .. } => {
                "do not use it unless the author himself says that his key has changed; then \
                 name the new one: --key RW..."
            }
            Self::Tampered(_) => {
                "fetch the package and its .minisig again, and install that: these bytes are \
                 not the author's"
            }
            Self::OtherId { .. } => "install it under its own id",
            Self::Version(_) => "its author must give it a version of three numbers",
            Self::Downgrade { .. } => "--allow-downgrade insists",
            Self::Installed(_) => "`liaison connector upgrade` puts another version in its place",
            Self::NotInstalled(_) => "`liaison connector list` shows what is installed",
            Self::NothingHeld(_) => "`liaison connector list` shows which versions are held",
            Self::NotApproved(_) => "look at what it asks for, then approve it: --approve",
        }
    }
}
