//! References to secrets, resolved at the moment of use.
//!
//! A configuration names where a secret is, never the secret. Resolving late
//! means that a rotated file or variable works without a restart, and that a
//! secret is in memory only while a request is made.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use secrecy::SecretString;
use zeroize::Zeroizing;

/// Largest secret in bytes.
pub const SECRET_BYTES_MAX: usize = 64 * 1024;

/// A secret could not be had. The text names the reference, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The reference is written wrongly. The text that was given is not shown:
    /// it may be the secret itself.
    #[error("a secret is written as `env:NAME` or `file:path`, never as the value itself")]
    Syntax,
    /// The variable is not set, empty or not Unicode.
    #[error("the environment variable {0} is not set, is empty, or is not text")]
    Variable(String),
    /// The file cannot be read.
    #[error("the secret file {path} cannot be read: {reason}")]
    File {
        /// Which file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Others on this machine may read the file.
    #[error(
        "the secret file {path} can be read by everybody (mode {mode:o}); run `chmod 600 {path}`"
    )]
    Exposed {
        /// Which file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretRef {
    /// `env:NAME`: an environment variable.
    Env(String),
    /// `file:path`: a file; a relative path counts from the configuration's folder.
    /// One trailing line end is not part of the secret.
    File(PathBuf),
}

impl FromStr for SecretRef {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        match text.split_once(':') {
            Some(("env", name)) if is_variable_name(name) => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() && !path.contains('\0') => {
                Ok(Self::File(PathBuf::from(path)))
            }
            _ => Err(SecretError::Syntax),
        }
    }
}

fn is_variable_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(good)
}

impl SecretRef {
    /// Reads the secret. `base` is the folder that relative paths count from.
    ///
    /// # Errors
    ///
    /// The variable is not set, or the file is missing, too large, not text, or
    /// readable by everybody.
    pub fn resolve(&self, base: &Path) -> Result<SecretString, SecretError> {
        match self {
            Self::Env(name) => match std::env::var(name) {
                Ok(value) if !value.is_empty() => Ok(value.into()),
                _ => Err(SecretError::Variable(name.clone())),
            },
            Self::File(path) => read_secret_file(&base.join(path)),
        }
    }
}

fn read_secret_file(path: &Path) -> Result<SecretString, SecretError> {
    let shown = path.display().to_string();
    let fault = |reason: String| SecretError::File { path: shown.clone(), reason };
    let file = std::fs::File::open(path).map_err(|error| fault(error.to_string()))?;
    let meta = file.metadata().map_err(|error| fault(error.to_string()))?;
    if !meta.is_file() {
        return Err(fault("it is not a regular file".to_owned()));
    }
    if let Some(mode) = exposed_mode(&meta) {
        return Err(SecretError::Exposed { path: shown, mode });
    }
    let mut text = Zeroizing::new(String::new());
    let limit = u64::try_from(SECRET_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_string(&mut text).map_err(|error| fault(error.to_string()))?;
    if text.len() > SECRET_BYTES_MAX {
        return Err(fault(format!("it is larger than {SECRET_BYTES_MAX} bytes")));
    }
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if secret.is_empty() {
        return Err(fault("it is empty".to_owned()));
    }
    Ok(secret.into())
}

/// The mode, if everybody may read or write.
#[cfg(unix)]
fn exposed_mode(meta: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = meta.permissions().mode() & 0o7777;
    (mode & 0o006 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn exposed_mode(_: &std::fs::Metadata) -> Option<u32> {
    None
}

#[derive(Clone)]
enum Source {
    Value(Arc<SecretString>),
    Reference(SecretRef, Arc<Path>),
}

/// A secret or the way to it. `Debug` prints `***`.
#[derive(Clone)]
pub struct Secret(Source);

impl Secret {
    /// A secret that is at hand, such as one typed into the console.
    #[must_use]
    pub fn value(secret: SecretString) -> Self {
        Self(Source::Value(Arc::new(secret)))
    }

    /// A secret by reference; `base` is the folder that relative paths count from.
    #[must_use]
    pub fn reference(reference: SecretRef, base: impl AsRef<Path>) -> Self {
        Self(Source::Reference(reference, Arc::from(base.as_ref())))
    }

    /// The secret.
    ///
    /// # Errors
    ///
    /// As [`SecretRef::resolve`].
    pub fn resolve(&self) -> Result<SecretString, SecretError> {
        match &self.0 {
            Source::Value(secret) => Ok(SecretString::clone(secret)),
            Source::Reference(reference, base) => reference.resolve(base),
        }
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self::value(secret.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
