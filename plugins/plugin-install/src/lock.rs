//! The lock file: what is installed, by digest. It is written by commands and read by
//! people, in version control among others: tables in order of the connectors' ids,
//! words in order of the alphabet, one line per fact.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::capabilities::Capabilities;

/// The form of lock files that is written.
pub const VERSION: u32 = 1;
/// Largest lock file in bytes.
pub const LOCK_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Over every lock file.
const HEAD: &str = "# Which connectors this hub runs. Written by `liaison connector`; keep it in\n\
                    # version control, with the folder of connectors.\n";

/// Why a text is no lock file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// It cannot be read as one.
    #[error("{0}")]
    Form(String),
    /// A later hub wrote it.
    #[error("it has the form {0}; this hub knows {VERSION}")]
    Version(u32),
}

/// Everything that is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The form of this file.
    pub version: u32,
    /// The connectors, by id.
    #[serde(default)]
    pub connectors: BTreeMap<String, Locked>,
}

/// One connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// The one that runs; `by` approved it.
    pub runs: Release,
    /// A later one that asks for more and waits for a yes; `by` brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Release>,
}

/// A version of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Its version.
    pub version: String,
    /// The contract that it was written against.
    pub contract: String,
    /// The digest of its bytes: `sha256:...`.
    pub digest: String,
    /// The public key that its signature is verified with; none = nobody signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Who let it in.
    pub by: String,
    /// When (RFC 3339).
    pub at: String,
    /// Everything that it asks for.
    pub capabilities: Capabilities,
}

impl Default for Lock {
    fn default() -> Self {
        Self { version: VERSION, connectors: BTreeMap::new() }
    }
}

impl Lock {
    /// Reads a lock file.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let lock: Self = toml::from_str(text).map_err(|error| {
            let line =
                error.span().and_then(|at| Some(text.get(..at.start)?.lines().count().max(1)));
            let at = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            LockError::Form(format!("{at}{}", error.message()))
        })?;
        if lock.version != VERSION {
            return Err(LockError::Version(lock.version));
        }
        Ok(lock)
    }

    /// The text of the file: the same for the same lock, always.
    ///
    /// # Errors
    /// [`LockError::Form`] when a value cannot be written as TOML.
    pub fn text(&self) -> Result<String, LockError> {
        let body =
            toml::to_string_pretty(self).map_err(|error| LockError::Form(error.to_string()))?;
        Ok(format!("{HEAD}{body}"))
    }

    /// The digests of everything that is named.
    pub fn digests(&self) -> impl Iterator<Item = &str> {
        let releases = self.connectors.values().flat_map(|it| [Some(&it.runs), it.held.as_ref()]);
        releases.flatten().map(|release| release.digest.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{Lock, LockError, Locked, Release};

    fn release(version: &str) -> Release {
        Release {
            version: version.to_owned(),
            contract: "0.1.0".to_owned(),
            digest: "sha256:00".to_owned(),
            key: Some("RWQ".to_owned()),
            by: "ana".to_owned(),
            at: "2026-01-01T00:00:00Z".to_owned(),
            capabilities: crate::Capabilities {
                hosts: ["b.x".to_owned(), "a.x".to_owned()].into(),
                ..crate::Capabilities::default()
            },
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_is_in_order() {
        let mut lock = Lock::default();
        for id in ["files", "crm \"odd\"", "a.b"] {
            let locked = Locked { runs: release("1.0.0"), held: Some(release("2.0.0")) };
            lock.connectors.insert(id.to_owned(), locked);
        }
        let text = lock.text().unwrap();
        assert_eq!(Lock::parse(&text).unwrap(), lock);
        assert_eq!(Lock::parse(&text).unwrap().text().unwrap(), text);
        let at = |part: &str| text.find(part).unwrap();
        assert!(at("connectors.\"a.b\"") < at("connectors.files"), "{text}");
        assert!(at("a.x") < at("b.x"), "{text}");
        assert_eq!(lock.digests().count(), 6);
        assert_eq!(Lock::parse(&Lock::default().text().unwrap()).unwrap(), Lock::default());
    }

    #[test]
    fn other_texts_are_refused_with_their_line() {
        let bad = |text: &str| Lock::parse(text).unwrap_err();
        assert_eq!(bad("version = 2"), LockError::Version(2));
        for (text, part) in [
            ("", "version"),
            ("version = 1\n[[[", "line 2"),
            ("version = 1\nlocked = 1\n", "locked"),
            ("version = 1\n[connectors.a.runs]\nversion = 1\n", "line 3"),
        ] {
            let said = bad(text).to_string();
            assert!(said.contains(part), "{text}: {said}");
        }
    }
}
