//! The C functions that the standard library and the store call.

use std::ffi::{c_char, c_int, c_uint, c_void};

use io_events::Event;

use crate::fault::Call;
use crate::recorder::{Recorder, recorder};
use crate::sys;

fn int(answer: isize) -> c_int {
    c_int::try_from(answer).unwrap_or(-1)
}

/// What a caller wants written.
///
/// # Safety
/// As the C function that it was given to demands.
unsafe fn bytes<'a>(data: *const c_void, length: usize) -> &'a [u8] {
    if data.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(data.cast(), length) }
}

// Opening. The third argument is only there with O_CREAT; reading it otherwise
// reads a register that nobody uses.

#[unsafe(no_mangle)]
extern "C" fn open(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    opened(libc::AT_FDCWD, path, flags, mode)
}

#[unsafe(no_mangle)]
extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    opened(libc::AT_FDCWD, path, flags, mode)
}

#[unsafe(no_mangle)]
extern "C" fn openat(dir: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    opened(dir, path, flags, mode)
}

#[unsafe(no_mangle)]
extern "C" fn openat64(dir: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    opened(dir, path, flags, mode)
}

#[unsafe(no_mangle)]
extern "C" fn creat(path: *const c_char, mode: c_uint) -> c_int {
    opened(libc::AT_FDCWD, path, libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC, mode)
}

fn opened(dir: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    let open = || sys::openat(dir, path, flags, mode);
    let Some((recorder, name)) = recorder().and_then(|r| Some((r, r.below(dir, path)?))) else {
        return int(open());
    };
    let before = sys::keeping_error(|| sys::of_path(dir, path));
    let cut = before.is_some_and(|before| before.bytes > 0) && flags & libc::O_TRUNC != 0;
    let created = before.is_none();
    let told = |fd: isize, watch: &mut crate::recorder::Watch<'_>| {
        let Some(found) = sys::of_open(int(fd)) else { return };
        watch.begin(found.file);
        watch.event(&Event::Open { path: name, file: found.file, created });
        if cut {
            watch.freed(before.map_or(0, |before| before.bytes));
            watch.event(&Event::Truncate { file: found.file, bytes: 0 });
        }
    };
    int(match (created && flags & libc::O_CREAT != 0, cut) {
        (true, _) => recorder.change(Call::Create, open, told),
        (_, true) => recorder.change(Call::Change, open, told),
        _ => {
            let fd = open();
            if fd >= 0 {
                recorder.note(|watch| told(fd, watch));
            }
            fd
        }
    })
}

// Writing.

#[unsafe(no_mangle)]
unsafe extern "C" fn write(fd: c_int, data: *const c_void, length: usize) -> isize {
    // SAFETY: the caller's.
    written(fd, unsafe { bytes(data, length) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn writev(fd: c_int, parts: *const libc::iovec, count: c_int) -> isize {
    // SAFETY: the caller's.
    written(fd, &unsafe { joined(parts, count) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite(fd: c_int, data: *const c_void, length: usize, at: i64) -> isize {
    // SAFETY: the caller's.
    written_at(fd, unsafe { bytes(data, length) }, at)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(fd: c_int, data: *const c_void, length: usize, at: i64) -> isize {
    // SAFETY: the caller's.
    written_at(fd, unsafe { bytes(data, length) }, at)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwritev(fd: c_int, parts: *const libc::iovec, count: c_int, at: i64) -> isize {
    // SAFETY: the caller's.
    written_at(fd, &unsafe { joined(parts, count) }, at)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwritev64(
    fd: c_int,
    parts: *const libc::iovec,
    count: c_int,
    at: i64,
) -> isize {
    // SAFETY: the caller's.
    written_at(fd, &unsafe { joined(parts, count) }, at)
}

/// # Safety
/// As `writev` demands.
unsafe fn joined(parts: *const libc::iovec, count: c_int) -> Vec<u8> {
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: the caller's promise.
    let parts = unsafe { std::slice::from_raw_parts(parts, count) };
    // SAFETY: the same, of each part.
    parts.iter().flat_map(|part| unsafe { bytes(part.iov_base, part.iov_len) }).copied().collect()
}

fn written(fd: c_int, data: &[u8]) -> isize {
    let write = || sys::write(fd, data);
    let Some(recorder) = recorder() else { return write() };
    let Some(found) = recorder.watched(fd) else {
        let written = write();
        if let (libc::STDOUT_FILENO, Ok(length)) = (fd, usize::try_from(written)) {
            let text = data.get(..length).unwrap_or(data).to_vec();
            recorder.note(|watch| watch.event(&Event::Said { text }));
        }
        return written;
    };
    let at = u64::try_from(sys::position(fd)).unwrap_or(0);
    recorder.change(growth(found, at, data), write, |length, watch| {
        // Where it ends is known afterwards, even when it appends.
        let end = u64::try_from(sys::position(fd)).unwrap_or(0);
        let length = length.unsigned_abs();
        let data = data.get(..length).unwrap_or(data);
        watch.event(&Event::write(found.file, end.saturating_sub(length as u64), data));
    })
}

fn written_at(fd: c_int, data: &[u8], at: i64) -> isize {
    let write = || sys::pwrite(fd, data, at);
    let watched = recorder().and_then(|r: &Recorder| Some((r, r.watched(fd)?)));
    let Some((recorder, found)) = watched else { return write() };
    let at = u64::try_from(at).unwrap_or(0);
    recorder.change(growth(found, at, data), write, |length, watch| {
        let data = data.get(..length.unsigned_abs()).unwrap_or(data);
        watch.event(&Event::write(found.file, at, data));
    })
}

fn growth(found: sys::Found, at: u64, data: &[u8]) -> Call {
    Call::Write { growth_bytes: (at + data.len() as u64).saturating_sub(found.bytes) }
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate(fd: c_int, bytes: i64) -> c_int {
    truncated(fd, bytes)
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate64(fd: c_int, bytes: i64) -> c_int {
    truncated(fd, bytes)
}

fn truncated(fd: c_int, bytes: i64) -> c_int {
    let truncate = || sys::ftruncate(fd, bytes);
    let watched = recorder().and_then(|r: &Recorder| Some((r, r.watched(fd)?)));
    let Some((recorder, found)) = watched else { return int(truncate()) };
    let bytes = u64::try_from(bytes).unwrap_or(0);
    int(recorder.change(Call::Change, truncate, |_, watch| {
        watch.freed(found.bytes.saturating_sub(bytes));
        watch.event(&Event::Truncate { file: found.file, bytes });
    }))
}

// Copies inside the kernel and reservations are refused for watched files.

#[unsafe(no_mangle)]
extern "C" fn copy_file_range(
    from: c_int,
    from_at: *mut c_void,
    to: c_int,
    to_at: *mut c_void,
    bytes: usize,
    flags: c_uint,
) -> isize {
    if recorder().is_some_and(|recorder| recorder.watched(to).is_some()) {
        return sys::fail(libc::ENOSYS);
    }
    let word = |number: usize| std::ptr::without_provenance_mut(number);
    let fd = |fd: c_int| word(usize::try_from(fd).unwrap_or(usize::MAX));
    sys::copy_file_range([fd(from), from_at, fd(to), to_at, word(bytes), word(flags as usize)])
}

#[unsafe(no_mangle)]
extern "C" fn sendfile64(to: c_int, from: c_int, offset: *mut i64, bytes: usize) -> isize {
    if recorder().is_some_and(|recorder| recorder.watched(to).is_some()) {
        return sys::fail(libc::EINVAL);
    }
    sys::sendfile(to, from, offset, bytes)
}

#[unsafe(no_mangle)]
extern "C" fn sendfile(to: c_int, from: c_int, offset: *mut i64, bytes: usize) -> isize {
    sendfile64(to, from, offset, bytes)
}

// Names.

#[unsafe(no_mangle)]
extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    renamed(libc::AT_FDCWD, from, libc::AT_FDCWD, to, 0)
}

#[unsafe(no_mangle)]
extern "C" fn renameat(
    from_dir: c_int,
    from: *const c_char,
    to_dir: c_int,
    to: *const c_char,
) -> c_int {
    renamed(from_dir, from, to_dir, to, 0)
}

#[unsafe(no_mangle)]
extern "C" fn renameat2(
    from_dir: c_int,
    from: *const c_char,
    to_dir: c_int,
    to: *const c_char,
    flags: c_uint,
) -> c_int {
    renamed(from_dir, from, to_dir, to, flags)
}

fn renamed(
    from_dir: c_int,
    from: *const c_char,
    to_dir: c_int,
    to: *const c_char,
    flags: c_uint,
) -> c_int {
    let rename = || sys::rename(from_dir, from, to_dir, to, flags);
    let names = recorder().and_then(|r| Some((r, r.below(from_dir, from)?, r.below(to_dir, to)?)));
    let Some((recorder, old, new)) = names else { return int(rename()) };
    let replaced = sys::keeping_error(|| sys::of_path(to_dir, to));
    int(recorder.change(Call::Change, rename, |_, watch| {
        if let Some(replaced) = replaced {
            watch.end(replaced);
        }
        watch.event(&Event::Rename { from: old, to: new });
    }))
}

#[unsafe(no_mangle)]
extern "C" fn unlink(path: *const c_char) -> c_int {
    removed(libc::AT_FDCWD, path, 0)
}

#[unsafe(no_mangle)]
extern "C" fn unlinkat(dir: c_int, path: *const c_char, flags: c_int) -> c_int {
    removed(dir, path, flags)
}

#[unsafe(no_mangle)]
extern "C" fn rmdir(path: *const c_char) -> c_int {
    removed(libc::AT_FDCWD, path, libc::AT_REMOVEDIR)
}

fn removed(dir: c_int, path: *const c_char, flags: c_int) -> c_int {
    let remove = || sys::unlink(dir, path, flags);
    let named = recorder().and_then(|r: &Recorder| Some((r, r.below(dir, path)?)));
    let Some((recorder, name)) = named else { return int(remove()) };
    let before = sys::keeping_error(|| sys::of_path(dir, path));
    int(recorder.change(Call::Change, remove, |_, watch| {
        if let Some(before) = before {
            watch.end(before);
        }
        watch.event(&Event::Remove { path: name });
    }))
}

#[unsafe(no_mangle)]
extern "C" fn mkdir(path: *const c_char, mode: c_uint) -> c_int {
    made(libc::AT_FDCWD, path, mode)
}

#[unsafe(no_mangle)]
extern "C" fn mkdirat(dir: c_int, path: *const c_char, mode: c_uint) -> c_int {
    made(dir, path, mode)
}

fn made(dir: c_int, path: *const c_char, mode: c_uint) -> c_int {
    let make = || sys::mkdir(dir, path, mode);
    let named = recorder().and_then(|r: &Recorder| Some((r, r.below(dir, path)?)));
    let Some((recorder, name)) = named else { return int(make()) };
    if sys::keeping_error(|| sys::of_path(dir, path)).is_some() {
        // "It is there" is said before "there is no space".
        return int(make());
    }
    int(recorder.change(Call::Create, make, |_, watch| {
        if let Some(found) = sys::of_path(dir, path) {
            watch.begin(found.file);
            watch.event(&Event::Folder { path: name, file: found.file });
        }
    }))
}

// Durability.

#[unsafe(no_mangle)]
extern "C" fn fsync(fd: c_int) -> c_int {
    synced(fd, || sys::fsync(fd))
}

#[unsafe(no_mangle)]
extern "C" fn fdatasync(fd: c_int) -> c_int {
    synced(fd, || sys::fdatasync(fd))
}

fn synced(fd: c_int, sync: impl FnOnce() -> isize) -> c_int {
    let watched = recorder().and_then(|r: &Recorder| Some((r, r.watched(fd)?)));
    int(match watched {
        Some((recorder, found)) => recorder.sync(found.file, sync),
        None => sync(),
    })
}

#[unsafe(no_mangle)]
extern "C" fn sync_file_range(fd: c_int, offset: i64, bytes: i64, flags: c_uint) -> c_int {
    let sync = || sys::sync_file_range(fd, offset, bytes, flags);
    let watched = recorder().and_then(|r: &Recorder| Some((r, r.watched(fd)?)));
    let Some((recorder, found)) = watched else { return int(sync()) };
    int(recorder.change(Call::Change, sync, |_, watch| {
        watch.event(&Event::RangeSync { file: found.file });
    }))
}
