//! References to secrets. A configuration says where a secret is, never what
//! it is: files are copied, shown and committed.

use crate::located::Location;

/// Where the value of a secret is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRef {
    /// The kind of place.
    pub source: SecretSource,
    /// Where the reference is written.
    pub location: Location,
}

/// The places a secret may come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// `env:NAME`: an environment variable of the hub.
    Env(String),
    /// `file:path`: a file; a relative path starts at the configuration's folder.
    File(String),
}

/// Why a text is not a reference. Carries nothing of the text: it may be the
/// secret itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAReference {
    /// It starts with neither `env:` nor `file:`.
    Literal,
    /// `env:` without a usable name.
    Name,
    /// `file:` without a usable path.
    Path,
}

impl SecretSource {
    /// Reads `env:NAME` or `file:path`.
    pub(crate) fn parse(text: &str) -> Result<Self, NotAReference> {
        if let Some(name) = text.strip_prefix("env:") {
            return if is_variable(name) {
                Ok(Self::Env(name.to_owned()))
            } else {
                Err(NotAReference::Name)
            };
        }
        match text.strip_prefix("file:") {
            Some(path) if !path.trim().is_empty() && !path.starts_with("//") => {
                Ok(Self::File(path.to_owned()))
            }
            Some(_) => Err(NotAReference::Path),
            None => Err(NotAReference::Literal),
        }
    }
}

/// The portable names of environment variables (POSIX.1-2017, 8.1).
fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
