//! The system itself, past the C library's functions of the same names: those
//! are ours now.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

/// A failed call with this error.
pub(crate) fn fail(error: c_int) -> isize {
    // SAFETY: the C library's own place for the error of this thread.
    unsafe { *libc::__errno_location() = error };
    -1
}

/// Runs something that may change the thread's error, and puts it back.
pub(crate) fn keeping_error<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: as above.
    let error = unsafe { *libc::__errno_location() };
    let answer = work();
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = error };
    answer
}

fn narrow(answer: i64) -> isize {
    isize::try_from(answer).unwrap_or(-1)
}

macro_rules! call {
    ($number:ident $(, $argument:expr)*) => {
        // SAFETY: the arguments are those that our caller gave to the C
        // function which does the same.
        narrow(unsafe { libc::syscall(libc::$number $(, $argument)*) })
    };
}

pub(crate) fn openat(dir: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> isize {
    call!(SYS_openat, dir, path, flags, mode)
}

pub(crate) fn write(fd: c_int, bytes: &[u8]) -> isize {
    call!(SYS_write, fd, bytes.as_ptr(), bytes.len())
}

pub(crate) fn pwrite(fd: c_int, bytes: &[u8], offset: i64) -> isize {
    call!(SYS_pwrite64, fd, bytes.as_ptr(), bytes.len(), offset)
}

pub(crate) fn position(fd: c_int) -> i64 {
    call!(SYS_lseek, fd, 0_i64, libc::SEEK_CUR) as i64
}

pub(crate) fn ftruncate(fd: c_int, bytes: i64) -> isize {
    call!(SYS_ftruncate, fd, bytes)
}

pub(crate) fn fsync(fd: c_int) -> isize {
    call!(SYS_fsync, fd)
}

pub(crate) fn fdatasync(fd: c_int) -> isize {
    call!(SYS_fdatasync, fd)
}

pub(crate) fn sync_file_range(fd: c_int, offset: i64, bytes: i64, flags: c_uint) -> isize {
    call!(SYS_sync_file_range, fd, offset, bytes, flags)
}

pub(crate) fn rename(
    from_dir: c_int,
    from: *const c_char,
    to_dir: c_int,
    to: *const c_char,
    flags: c_uint,
) -> isize {
    call!(SYS_renameat2, from_dir, from, to_dir, to, flags)
}

pub(crate) fn unlink(dir: c_int, path: *const c_char, flags: c_int) -> isize {
    call!(SYS_unlinkat, dir, path, flags)
}

pub(crate) fn mkdir(dir: c_int, path: *const c_char, mode: c_uint) -> isize {
    call!(SYS_mkdirat, dir, path, mode)
}

pub(crate) fn copy_file_range(arguments: [*mut c_void; 6]) -> isize {
    let [from, from_at, to, to_at, bytes, flags] = arguments;
    call!(SYS_copy_file_range, from, from_at, to, to_at, bytes, flags)
}

pub(crate) fn sendfile(to: c_int, from: c_int, offset: *mut i64, bytes: usize) -> isize {
    call!(SYS_sendfile, to, from, offset, bytes)
}

/// What is known of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// Inodes are numbered per device.
    pub device: u64,
    pub file: u64,
    pub bytes: u64,
    pub names: u64,
}

fn found(fill: impl FnOnce(*mut libc::stat) -> isize) -> Option<Found> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::zeroed();
    if fill(stat.as_mut_ptr()) != 0 {
        return None;
    }
    // SAFETY: zeros are a valid value, and the system has filled it.
    let stat = unsafe { stat.assume_init() };
    let bytes = u64::try_from(stat.st_size).unwrap_or(0);
    #[allow(clippy::useless_conversion, reason = "the width of a link count is the platform's")]
    Some(Found { device: stat.st_dev, file: stat.st_ino, bytes, names: stat.st_nlink.into() })
}

/// An open file.
pub(crate) fn of_open(fd: c_int) -> Option<Found> {
    found(|stat| call!(SYS_fstat, fd, stat))
}

/// A file by name, a link itself and not where it leads.
pub(crate) fn of_path(dir: c_int, path: *const c_char) -> Option<Found> {
    found(|stat| call!(SYS_newfstatat, dir, path, stat, libc::AT_SYMLINK_NOFOLLOW))
}

/// The absolute path of what a caller names, not looked up.
pub(crate) fn absolute(dir: c_int, path: *const c_char) -> Option<String> {
    if path.is_null() {
        return None;
    }
    // SAFETY: the caller gave a C string to a function that takes one.
    let path = unsafe { CStr::from_ptr(path) }.to_str().ok()?;
    if path.starts_with('/') {
        return Some(path.to_owned());
    }
    let link = if dir == libc::AT_FDCWD {
        c"/proc/self/cwd".to_owned()
    } else {
        std::ffi::CString::new(format!("/proc/self/fd/{dir}")).ok()?
    };
    let mut bytes = vec![0_u8; 4096];
    let length =
        call!(SYS_readlinkat, libc::AT_FDCWD, link.as_ptr(), bytes.as_mut_ptr(), bytes.len());
    bytes.truncate(usize::try_from(length).ok()?);
    let folder = String::from_utf8(bytes).ok()?;
    Some(format!("{folder}/{path}"))
}
