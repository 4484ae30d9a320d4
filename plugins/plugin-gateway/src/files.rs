//! Files in granted folders: list, look, read a range, replace whole.
//!
//! A connector knows a folder by its alias, never by its path, and names files
//! relative to it. Writing replaces a file whole and, if asked, only if it is
//! still the version that was read; that is all a connector needs to keep a file
//! consistent, and nothing with which it could leave one half written.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::folder;
use crate::grants::{FolderGrant, FolderPlace};
use crate::wire::Wire;

/// Most bytes given by one read.
pub const READ_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Largest file written, in bytes.
pub const WRITE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Most files listed in a folder.
pub const ENTRIES_MAX: usize = 10_000;
/// Longest name in bytes, folders included.
pub const NAME_BYTES_MAX: usize = 200;
/// Most levels of a name, the file included.
pub const NAME_DEPTH_MAX: usize = 8;
/// As an expected version: the file must not exist.
pub const VERSION_ABSENT: &str = "absent";

/// Why a file operation failed. Nothing was changed, except after
/// [`FileFault::Io`] of a write, when the file is the old or the new one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileFault {
    /// The folder is not granted, not writable, or the name leads elsewhere.
    #[error("denied: {0}")]
    Denied(String),
    /// No such file or folder.
    #[error("the file does not exist")]
    NotFound,
    /// The file is not the expected version.
    #[error("the file was changed by somebody else")]
    Changed {
        /// The version that it has now.
        found: String,
    },
    /// More bytes than allowed.
    #[error("larger than the limit of {limit_bytes} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit_bytes: usize,
    },
    /// More files than allowed.
    #[error("more than {limit} files")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The name is not acceptable.
    #[error("invalid name: {0}")]
    Invalid(String),
    /// The operating system refused.
    #[error("{0}")]
    Io(String),
}

/// A file in a granted folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// Its name relative to the folder.
    pub name: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Changes whenever the file does; opaque.
    pub version: String,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRange {
    /// The bytes; fewer than asked for at the end of the file.
    #[serde(with = "plugin_api::bytes")]
    pub bytes: Vec<u8>,
    /// The file that they are from, as it was right after the reading.
    pub info: FileInfo,
}

/// The files of one connection.
#[derive(Clone)]
pub struct FileAccess {
    folders: Arc<BTreeMap<String, FolderGrant>>,
    wire: Arc<Wire>,
}

impl fmt::Debug for FileAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileAccess").field("folders", &self.folders).finish_non_exhaustive()
    }
}

/// One write at a time in this process, so that between the look at the version
/// and the replacement no other write of ours comes. Other programs may: the
/// window is then as short as the write.
static WRITING: Mutex<()> = Mutex::new(());

impl FileAccess {
    /// Access to the given folders, some of which may be over the wire.
    pub(crate) fn new(folders: BTreeMap<String, FolderGrant>, wire: Arc<Wire>) -> Self {
        Self { folders: Arc::new(folders), wire }
    }

    /// All files of a folder and of the folders below, by name. Hidden ones,
    /// links and whatever is no regular file are left out.
    ///
    /// # Errors
    ///
    /// See [`FileFault`].
    pub async fn list(&self, folder: &str) -> Result<Vec<FileInfo>, FileFault> {
        match &self.grant(folder)?.place {
            FolderPlace::Directory(path) => {
                let path = path.clone();
                blocking(move || folder::list(folder::open_root(&path)?)).await
            }
            FolderPlace::S3(place) => place.over(&self.wire).list().await,
            FolderPlace::Sftp(place) => place.over(&self.wire).list().await,
        }
    }

    /// Size and version of a file.
    ///
    /// # Errors
    ///
    /// See [`FileFault`].
    pub async fn stat(&self, folder: &str, name: &str) -> Result<FileInfo, FileFault> {
        match &self.grant(folder)?.place {
            FolderPlace::Directory(path) => {
                let (path, name) = (path.clone(), name.to_owned());
                blocking(move || folder::stat(folder::open_root(&path)?, &name)).await
            }
            FolderPlace::S3(place) => place.over(&self.wire).stat(name).await,
            FolderPlace::Sftp(place) => place.over(&self.wire).stat(name).await,
        }
    }

    /// A range of a file: at most `length_bytes` from `offset_bytes` on, empty
    /// behind the end.
    ///
    /// # Errors
    ///
    /// More than [`READ_BYTES_MAX`] are asked for; else see [`FileFault`].
    pub async fn read(
        &self,
        folder: &str,
        name: &str,
        offset_bytes: u64,
        length_bytes: usize,
    ) -> Result<FileRange, FileFault> {
        if length_bytes > READ_BYTES_MAX {
            return Err(FileFault::TooLarge { limit_bytes: READ_BYTES_MAX });
        }
        match &self.grant(folder)?.place {
            FolderPlace::Directory(path) => {
                let (path, name) = (path.clone(), name.to_owned());
                let read = move || {
                    folder::read(folder::open_root(&path)?, &name, offset_bytes, length_bytes)
                };
                blocking(read).await
            }
            FolderPlace::S3(place) => {
                place.over(&self.wire).read(name, offset_bytes, length_bytes).await
            }
            FolderPlace::Sftp(place) => {
                place.over(&self.wire).read(name, offset_bytes, length_bytes).await
            }
        }
    }

    /// Replaces a file whole, durably, or creates it. With an expected version
    /// only if the file still has it; [`VERSION_ABSENT`] stands for no file.
    ///
    /// # Errors
    ///
    /// The folder is not writable, [`FileFault::Changed`], more than
    /// [`WRITE_BYTES_MAX`]; else see [`FileFault`].
    pub async fn write_atomic(
        &self,
        folder: &str,
        name: &str,
        bytes: Vec<u8>,
        expected_version: Option<String>,
    ) -> Result<FileInfo, FileFault> {
        let grant = self.grant(folder)?;
        if !grant.writable {
            return Err(FileFault::Denied("the folder is granted for reading only".to_owned()));
        }
        if bytes.len() > WRITE_BYTES_MAX {
            return Err(FileFault::TooLarge { limit_bytes: WRITE_BYTES_MAX });
        }
        let expected = expected_version;
        match &grant.place {
            FolderPlace::Directory(path) => {
                let (path, name) = (path.clone(), name.to_owned());
                blocking(move || {
                    let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
                    folder::write(folder::open_root(&path)?, &name, &bytes, expected.as_deref())
                })
                .await
            }
            FolderPlace::S3(place) => {
                place.over(&self.wire).write(name, bytes, expected.as_deref()).await
            }
            FolderPlace::Sftp(place) => {
                place.over(&self.wire).write(name, &bytes, expected.as_deref()).await
            }
        }
    }

    fn grant(&self, folder: &str) -> Result<&FolderGrant, FileFault> {
        self.folders.get(folder).ok_or_else(|| {
            let shown: String = folder.chars().take(80).collect();
            FileFault::Denied(format!("no folder `{}` is granted", shown.escape_debug()))
        })
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileFault> + Send + 'static,
) -> Result<T, FileFault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(FileFault::Io(format!("the file task ended early: {error}"))))
}
