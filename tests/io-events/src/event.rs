//! One call.

/// A call that succeeded, in the order of their ends. A call that waits for
/// another's return therefore always comes after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A file or folder was opened.
    Open {
        /// Where it lies.
        path: String,
        /// Its inode.
        file: u64,
        /// It was not there before.
        created: bool,
    },
    /// Bytes were written.
    Write {
        /// The inode.
        file: u64,
        /// Where, in bytes from the beginning.
        offset: u64,
        /// What, but for the zeros at its end.
        data: Vec<u8>,
        /// Zero bytes after `data`.
        zeros: u64,
    },
    /// A file was given a length.
    Truncate {
        /// The inode.
        file: u64,
        /// Its length in bytes.
        bytes: u64,
    },
    /// A file or folder was synced by `fsync` or `fdatasync`.
    Sync {
        /// The inode.
        file: u64,
        /// Events before this one were over when the call began: only they are
        /// known to be durable now.
        began: u64,
    },
    /// `sync_file_range`: promises nothing.
    RangeSync {
        /// The inode.
        file: u64,
    },
    /// A file or folder was given another name.
    Rename {
        /// The old name.
        from: String,
        /// The new name; what had it is gone.
        to: String,
    },
    /// A file or an empty folder was removed.
    Remove {
        /// Its name.
        path: String,
    },
    /// A folder was made.
    Folder {
        /// Its name.
        path: String,
        /// Its inode.
        file: u64,
    },
    /// The program said something on its standard output.
    Said {
        /// The bytes.
        text: Vec<u8>,
    },
}

impl Event {
    /// A write, its zeros counted.
    #[must_use]
    pub fn write(file: u64, offset: u64, bytes: &[u8]) -> Self {
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let data = bytes.get(..used).unwrap_or(bytes).to_vec();
        Self::Write { file, offset, data, zeros: (bytes.len() - used) as u64 }
    }
}
