//! A granted directory, held open, and names below it.
//!
//! A name is walked one component at a time from the open directory, and no
//! component may be a symbolic link. There is thus no path text that is checked
//! first and followed later, and nothing that a link, planted between the two,
//! could turn elsewhere.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};

use crate::files::{
    ENTRIES_MAX, FileFault, FileInfo, FileRange, NAME_BYTES_MAX, NAME_DEPTH_MAX, VERSION_ABSENT,
};

/// Permissions of new files: customers' data are for the hub's user alone.
const NEW_FILE_MODE: u32 = 0o600;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// `NONBLOCK`, because opening a named pipe would wait for its other end.
const READ_FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

const NEW_FILE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// A name below a granted directory, as its components.
pub(crate) struct RelativeName<'n> {
    folders: Vec<&'n str>,
    file: &'n str,
}

impl<'n> RelativeName<'n> {
    /// Refuses whatever could lead out, or be a file of the hub's own.
    pub(crate) fn parse(name: &'n str) -> Result<Self, FileFault> {
        let refuse = |reason: &str| Err(FileFault::Invalid(reason.to_owned()));
        if name.len() > NAME_BYTES_MAX {
            return refuse("the name is too long");
        }
        if name.starts_with('/') {
            return refuse("the name must be relative to the granted folder");
        }
        if name.contains(|c: char| c.is_control() || c == '\\') {
            return refuse("the name holds a control character or a backslash");
        }
        let mut folders: Vec<&str> = name.split('/').collect();
        if folders.len() > NAME_DEPTH_MAX {
            return refuse("the name has too many levels");
        }
        if folders.iter().any(|part| part.is_empty() || part.starts_with('.')) {
            return refuse("no part of a name may be empty or begin with a dot");
        }
        match folders.pop() {
            Some(file) => Ok(Self { folders, file }),
            None => refuse("the name is empty"),
        }
    }
}

/// Opens a granted directory. Its own path is the admin's and may hold links.
pub(crate) fn open_root(path: &Path) -> Result<OwnedFd, FileFault> {
    let flags = DIRECTORY.difference(OFlags::NOFOLLOW);
    rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(|error| match error.into() {
        error if io::Error::kind(&error) == io::ErrorKind::NotFound => FileFault::NotFound,
        error => FileFault::Io(format!("the granted folder cannot be opened: {error}")),
    })
}

fn fault(error: impl Into<io::Error>) -> FileFault {
    let error: io::Error = error.into();
    match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::NOENT) => FileFault::NotFound,
        Some(rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR) => {
            FileFault::Denied("a part of the name is a link, or not a folder".to_owned())
        }
        _ => FileFault::Io(error.to_string()),
    }
}

fn open_parent(root: OwnedFd, name: &RelativeName<'_>) -> Result<OwnedFd, FileFault> {
    name.folders.iter().try_fold(root, |folder, part| {
        rustix::fs::openat(&folder, *part, DIRECTORY, Mode::empty()).map_err(fault)
    })
}

fn open_file(folder: &OwnedFd, file: &str) -> Result<File, FileFault> {
    let file: File =
        rustix::fs::openat(folder, file, READ_FILE, Mode::empty()).map_err(fault)?.into();
    if !file.metadata().map_err(fault)?.is_file() {
        return Err(FileFault::Denied("it is not a regular file".to_owned()));
    }
    Ok(file)
}

/// Inode, size and both times: any replacement, append or edit changes one.
fn info(name: String, meta: &std::fs::Metadata) -> FileInfo {
    let version = format!(
        "{:x}-{:x}-{:x}.{:x}-{:x}.{:x}",
        meta.ino(),
        meta.size(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec()
    );
    FileInfo { name, size_bytes: meta.size(), version }
}

pub(crate) fn stat(root: OwnedFd, name: &str) -> Result<FileInfo, FileFault> {
    let relative = RelativeName::parse(name)?;
    let file = open_file(&open_parent(root, &relative)?, relative.file)?;
    Ok(info(name.to_owned(), &file.metadata().map_err(fault)?))
}

pub(crate) fn read(
    root: OwnedFd,
    name: &str,
    offset_bytes: u64,
    length_bytes: usize,
) -> Result<FileRange, FileFault> {
    let relative = RelativeName::parse(name)?;
    let mut file = open_file(&open_parent(root, &relative)?, relative.file)?;
    file.seek(SeekFrom::Start(offset_bytes)).map_err(fault)?;
    let mut bytes = Vec::new();
    let length = u64::try_from(length_bytes).unwrap_or(u64::MAX);
    (&file).take(length).read_to_end(&mut bytes).map_err(fault)?;
    // Taken after the bytes: a change while reading shows in the version.
    let meta = file.metadata().map_err(fault)?;
    Ok(FileRange { bytes, info: info(name.to_owned(), &meta) })
}

pub(crate) fn list(root: OwnedFd) -> Result<Vec<FileInfo>, FileFault> {
    let mut found = Vec::new();
    list_below(root, "", 1, &mut found)?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn list_below(
    folder: OwnedFd,
    prefix: &str,
    depth: usize,
    found: &mut Vec<FileInfo>,
) -> Result<(), FileFault> {
    for entry in Dir::read_from(&folder).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        // A name that is not text, or is hidden, could not be asked for.
        let Ok(name) = entry.file_name().to_str() else { continue };
        if name.starts_with('.') || RelativeName::parse(name).is_err() {
            continue;
        }
        let full = format!("{prefix}{name}");
        match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                // Gone, changed or not readable since: another's business, not a fault.
                let Ok(file) = open_file(&folder, name) else { continue };
                if found.len() >= ENTRIES_MAX {
                    return Err(FileFault::TooMany { limit: ENTRIES_MAX });
                }
                found.push(info(full, &file.metadata().map_err(fault)?));
            }
            Ok(stat)
                if FileType::from_raw_mode(stat.st_mode) == FileType::Directory
                    && depth < NAME_DEPTH_MAX =>
            {
                let Ok(below) = rustix::fs::openat(&folder, name, DIRECTORY, Mode::empty()) else {
                    continue;
                };
                list_below(below, &format!("{full}/"), depth + 1, found)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Replaces a file whole: a reader sees the old or the new one, and after the
/// return a power cut does not take it back.
pub(crate) fn write(
    root: OwnedFd,
    name: &str,
    bytes: &[u8],
    expected_version: Option<&str>,
) -> Result<FileInfo, FileFault> {
    let relative = RelativeName::parse(name)?;
    let folder = open_parent(root, &relative)?;
    let present = match open_file(&folder, relative.file) {
        Ok(file) => Some(file.metadata().map_err(fault)?),
        Err(FileFault::NotFound) => None,
        Err(other) => return Err(other),
    };
    let found = present
        .as_ref()
        .map_or(VERSION_ABSENT.to_owned(), |meta| info(String::new(), meta).version);
    if expected_version.is_some_and(|expected| expected != found) {
        return Err(FileFault::Changed { found });
    }
    let mode = present.map_or(NEW_FILE_MODE, |meta| meta.permissions().mode() & 0o777);
    // One name per file: what a crash left behind is replaced by the next write.
    let temporary = format!(".{}.liaison-tmp", relative.file);
    match rustix::fs::unlinkat(&folder, &temporary, AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(fault(error)),
    }
    let written = write_through(&folder, &temporary, relative.file, bytes, mode);
    if written.is_err() {
        // The fault that matters is the one of the write.
        let _ = rustix::fs::unlinkat(&folder, &temporary, AtFlags::empty());
    }
    let meta = written?;
    Ok(info(name.to_owned(), &meta))
}

fn write_through(
    folder: &OwnedFd,
    temporary: &str,
    target: &str,
    bytes: &[u8],
    mode: u32,
) -> Result<std::fs::Metadata, FileFault> {
    let created =
        rustix::fs::openat(folder, temporary, NEW_FILE, Mode::from_raw_mode(NEW_FILE_MODE));
    let mut file: File = created.map_err(fault)?.into();
    file.write_all(bytes).map_err(fault)?;
    file.set_permissions(std::fs::Permissions::from_mode(mode)).map_err(fault)?;
    file.sync_all().map_err(fault)?;
    rustix::fs::renameat(folder, temporary, folder, target).map_err(fault)?;
    rustix::fs::fsync(folder).map_err(fault)?;
    // After the rename, which moves the change time.
    file.metadata().map_err(fault)
}
