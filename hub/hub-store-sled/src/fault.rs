//! From the engine's and the system's errors to the port's.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use hub_store::Error;

/// An error of the file system, met while doing something.
pub(crate) fn io(doing: &str, error: &io::Error) -> Error {
    let text = format!("{doing}: {error}");
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full(text),
        _ => Error::Unavailable(text),
    }
}

/// An error of sled, met while doing something.
pub(crate) fn sled(doing: &str, error: &sled::Error) -> Error {
    match error {
        sled::Error::Io(error) => io(doing, error),
        sled::Error::Corruption { .. } => {
            Error::Corrupt(format!("{doing}: the engine found a damaged page or file"))
        }
        other => Error::Corrupt(format!("{doing}: {other}")),
    }
}

/// Calls the engine where a panic of its becomes an error.
pub(crate) fn contained<T>(
    doing: &str,
    call: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let outer = CONTAINED.replace(true);
    let answer = catch_unwind(AssertUnwindSafe(call));
    CONTAINED.set(outer);
    answer.unwrap_or_else(|panic| Err(panicked(doing, &*panic)))
}

thread_local! {
    /// Whether a panic of this thread becomes an error.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// The engine panics on some damage and some errors of the disk. Here each such
/// panic becomes an error, but the process's panic hook has printed it, often
/// with a backtrace, before anybody can catch it. After this call, once per
/// process, a panic that becomes an error is not printed; all others are, as
/// before. For programs: a library does not change the hook by itself.
pub fn hush_panics() {
    static HUSHED: Once = Once::new();
    HUSHED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // While a thread ends its own values may be gone: then it is printed.
            if !CONTAINED.try_with(Cell::get).unwrap_or(false) {
                before(info);
            }
        }));
    });
}

/// What a panic becomes.
fn panicked(doing: &str, panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    Error::Corrupt(format!("{doing}: the engine gave up ({text})"))
}
