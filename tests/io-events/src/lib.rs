//! What a program did to the files below one folder, call by call: the events,
//! and the bytes that they are written as.
//!
//! Paths are relative to that folder; `""` is the folder itself. Files are named
//! by their inode, which a later file may have again: an [`Event::Open`] that
//! created says where the new one begins.

mod codec;
mod event;

pub use codec::{decode, encode};
pub use event::Event;

/// Environment variable: the folder whose files are watched, absolute and
/// without symbolic links.
pub const ROOT_VARIABLE: &str = "LIAISON_IO_ROOT";
/// Environment variable: the file that events are appended to.
pub const LOG_VARIABLE: &str = "LIAISON_IO_LOG";
/// Environment variable: `<n>:<kind>`, the n-th call that changes or syncs a
/// watched file fails. Kinds:
///
/// - `eio`: this call alone fails;
/// - `enospc`: from this call on the disk is full; what is removed is free again;
/// - `erofs`: from this call on nothing can be changed;
/// - `fsync`: the n-th sync alone fails.
pub const FAULT_VARIABLE: &str = "LIAISON_IO_FAULT";
