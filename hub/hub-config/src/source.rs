//! The files of a configuration as bytes, and the one place that reads them
//! from disk.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::fault::{ConfigFault, code};
use crate::located::Location;

/// The file that every configuration begins with.
pub const MAIN_FILE: &str = "liaison.toml";
/// The folder of the syncs, beside [`MAIN_FILE`].
pub const SYNCS_FOLDER: &str = "syncs";
/// Largest file of a configuration.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;
/// Most syncs of a configuration.
pub const SYNC_FILES_MAX: usize = 10_000;

/// A file of a configuration, or why it could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// `liaison.toml` or `syncs/<id>.toml`.
    pub path: String,
    /// Its bytes, or the fault of this file alone: the others are read on.
    pub content: Result<Vec<u8>, ConfigFault>,
}

impl SourceFile {
    /// A file with these bytes.
    pub fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), content: Ok(bytes.into()) }
    }
}

/// Reads `liaison.toml` and `syncs/*.toml` below a folder, sorted by name.
///
/// A file that is not there is left out; one that cannot be read carries its
/// fault. Names that begin with a dot (editors' leavings) and files that do
/// not end in `.toml` are passed over.
///
/// # Errors
/// The folder of the syncs exists and cannot be listed.
pub fn read_tree(root: &Path) -> io::Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    files.extend(read_file(&root.join(MAIN_FILE), MAIN_FILE.to_owned()));
    let mut names = match fs::read_dir(root.join(SYNCS_FOLDER)) {
        Ok(entries) => sync_names(entries)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    names.sort();
    for name in names {
        let path = format!("{SYNCS_FOLDER}/{name}");
        files.extend(read_file(&root.join(SYNCS_FOLDER).join(&name), path));
    }
    Ok(files)
}

/// The names of sync files, one more than allowed at most.
fn sync_names(entries: fs::ReadDir) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in entries {
        // A name that is not Unicode becomes a sync id that is refused by name.
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".toml") && !name.starts_with('.') {
            names.push(name);
        }
        if names.len() > SYNC_FILES_MAX {
            break;
        }
    }
    Ok(names)
}

/// One file, not beyond its limit; `None` if it does not exist.
fn read_file(at: &Path, path: String) -> Option<SourceFile> {
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    let read = File::open(at).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    let content =
        match read {
            Ok(_) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => Err(ConfigFault::new(code::FILE_UNREADABLE, Location::file(&path), "")
                .with("error", error)),
        };
    Some(SourceFile { path, content })
}

/// The text of a file without its byte order mark.
///
/// # Errors
/// Larger than [`FILE_BYTES_MAX`], or not UTF-8; other encodings are named.
pub(crate) fn text(file: &SourceFile) -> Result<&str, ConfigFault> {
    let bytes = file.content.as_ref().map_err(Clone::clone)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(ConfigFault::new(code::FILE_TOO_LARGE, Location::file(&file.path), "")
            .with("limit_bytes", FILE_BYTES_MAX));
    }
    let encoding = |found: &str| {
        ConfigFault::new(code::ENCODING, Location::file(&file.path), "").with("found", found)
    };
    if let Some(name) = foreign_encoding(bytes) {
        return Err(encoding(name));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let before = bytes.iter().take(error.valid_up_to());
            let line = 1 + before.filter(|byte| **byte == b'\n').count();
            let mut fault = encoding("not UTF-8 (Latin-1 or Windows-1252, perhaps)");
            fault.location.line = u32::try_from(line).unwrap_or(u32::MAX);
            Err(fault)
        }
    }
}

/// UTF-16 and UTF-32 by their marks, or by the zero bytes that ASCII has there.
fn foreign_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => Some("UTF-32 (little endian)"),
        [0, 0, 0xfe, 0xff, ..] => Some("UTF-32 (big endian)"),
        [0xff, 0xfe, ..] => Some("UTF-16 (little endian)"),
        [0xfe, 0xff, ..] => Some("UTF-16 (big endian)"),
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => {
            Some("UTF-16 (little endian) without a mark")
        }
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => {
            Some("UTF-16 (big endian) without a mark")
        }
        _ => None,
    }
}
