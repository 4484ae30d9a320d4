//! Files in the folders that the connection was granted, by alias. Names are
//! relative; nothing outside can be named.

use crate::bindings::host::liaison::connector::files as wit;
use crate::fault::{Fault, FaultCode};
use crate::host;

/// A file's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// Its name, relative to the folder.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Changes whenever the content changes.
    pub version: String,
    /// When it was last changed: microseconds since 1970.
    pub modified: Option<i64>,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The bytes.
    pub data: Vec<u8>,
    /// The version of the file right after they were read: one that differs from
    /// that of an earlier part means that the parts do not fit together.
    pub version: String,
}

/// The files of a folder, by name.
///
/// # Errors
/// `host-denied`, `not-found` or `transient`.
pub fn list(folder: &str) -> Result<Vec<Stat>, Fault> {
    let files = host::files_list(folder).map_err(|error| fault(error, folder, ""))?;
    Ok(files.into_iter().map(Into::into).collect())
}

/// One file's state.
///
/// # Errors
/// `host-denied`, `not-found` or `transient`.
pub fn stat(folder: &str, name: &str) -> Result<Stat, Fault> {
    let stat = host::files_stat(folder, name).map_err(|error| fault(error, folder, name))?;
    Ok(stat.into())
}

/// At most `bytes_max` bytes from an offset; fewer only at the end of the file.
///
/// # Errors
/// `host-denied`, `not-found`, `limit` or `transient`.
pub fn read(folder: &str, name: &str, offset: u64, bytes_max: u32) -> Result<Part, Fault> {
    let part = host::files_read(folder, name, offset, bytes_max);
    let part = part.map_err(|error| fault(error, folder, name))?;
    Ok(Part { data: part.data, version: part.version })
}

/// Replaces a file as a whole: others see the old content or the new.
/// `expected` is the version it must still have; none = it must not exist yet.
///
/// # Errors
/// `conflict` when it has another version; `host-denied`, `not-found`, `limit`
/// or `transient`.
pub fn write(folder: &str, name: &str, data: &[u8], expected: Option<&str>) -> Result<Stat, Fault> {
    let written = host::files_write(folder, name, data, expected);
    Ok(written.map_err(|error| fault(error, folder, name))?.into())
}

impl From<wit::FileState> for Stat {
    fn from(stat: wit::FileState) -> Self {
        Self { name: stat.name, size: stat.size, version: stat.version, modified: stat.modified }
    }
}

fn fault(error: wit::Error, folder: &str, name: &str) -> Fault {
    let fault = match error {
        wit::Error::Denied(why) => Fault::new(FaultCode::HostDenied).with("why", why),
        wit::Error::NotFound => Fault::new(FaultCode::NotFound),
        wit::Error::Conflict => Fault::new(FaultCode::Conflict),
        wit::Error::TooLarge(bytes) => Fault::new(FaultCode::Limit).with("bytes-max", bytes),
        wit::Error::Io(why) => Fault::new(FaultCode::Transient).with("why", why),
        wit::Error::NotSupported => Fault::not_supported("files"),
    };
    fault.at(if name.is_empty() { folder.to_owned() } else { format!("{folder}/{name}") })
}
