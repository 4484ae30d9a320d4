//! Which call fails, and how.

use std::ffi::c_int;

/// What a call is going to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Makes a file or folder.
    Create,
    /// Makes a file longer by so many bytes, or writes within it.
    Write { growth_bytes: u64 },
    /// Renames, removes, cuts: needs no space.
    Change,
    /// Makes durable.
    Sync,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Io,
    Full,
    ReadOnly,
    Sync,
}

/// The fault that was asked for.
#[derive(Debug)]
pub(crate) struct Fault {
    kind: Kind,
    /// Calls until it begins, that one included; for [`Kind::Sync`] only syncs.
    calls_left: u64,
    /// Bytes that were removed since the disk is full.
    free_bytes: u64,
}

/// The least that a new name takes.
const NAME_BYTES: u64 = 4096;

impl Fault {
    /// Reads `<n>:<kind>`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (calls, kind) = text.split_once(':')?;
        let kind = match kind {
            "eio" => Kind::Io,
            "enospc" => Kind::Full,
            "erofs" => Kind::ReadOnly,
            "fsync" => Kind::Sync,
            _ => return None,
        };
        Some(Self { kind, calls_left: calls.parse().ok()?, free_bytes: 0 })
    }

    /// The error of a call, if it fails.
    pub(crate) fn of(&mut self, call: Call) -> Option<c_int> {
        if self.kind == Kind::Sync && call != Call::Sync {
            return None;
        }
        if self.calls_left > 1 {
            self.calls_left -= 1;
            return None;
        }
        let first = self.calls_left == 1;
        self.calls_left = 0;
        match self.kind {
            Kind::Io | Kind::Sync => first.then_some(libc::EIO),
            Kind::ReadOnly if call == Call::Sync => Some(libc::EIO),
            Kind::ReadOnly => Some(libc::EROFS),
            Kind::Full => {
                let wanted = match call {
                    Call::Create => NAME_BYTES,
                    Call::Write { growth_bytes } => growth_bytes,
                    Call::Change | Call::Sync => 0,
                };
                match self.free_bytes.checked_sub(wanted) {
                    Some(left) => {
                        self.free_bytes = left;
                        None
                    }
                    None => Some(libc::ENOSPC),
                }
            }
        }
    }

    /// Space that was given back.
    pub(crate) fn freed(&mut self, bytes: u64) {
        self.free_bytes += bytes;
    }
}
