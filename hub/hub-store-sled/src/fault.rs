//! From the engine's and the system's errors to the port's.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

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
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(panicked(doing, &*panic)))
}

/// What a panic becomes.
pub(crate) fn panicked(doing: &str, panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    Error::Corrupt(format!("{doing}: the engine gave up ({text})"))
}
