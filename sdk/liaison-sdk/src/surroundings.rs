//! Log, clock and randomness: the host's, so that a recorded call replays to
//! the same answer.

/// Messages for the run's log. Never log customers' values.
pub mod log {
    use crate::bindings::host::liaison::connector::log::Level;
    use crate::host;

    /// For the author of the connector.
    pub fn debug(message: impl AsRef<str>) {
        host::log(Level::Debug, message.as_ref());
    }

    /// For the curious.
    pub fn info(message: impl AsRef<str>) {
        host::log(Level::Info, message.as_ref());
    }

    /// Something is odd; the call goes on.
    pub fn warn(message: impl AsRef<str>) {
        host::log(Level::Warn, message.as_ref());
    }

    /// The call fails.
    pub fn error(message: impl AsRef<str>) {
        host::log(Level::Error, message.as_ref());
    }
}

/// The only clock. It stands still during a call.
pub mod clock {
    use crate::host;

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn now() -> i64 {
        host::now()
    }
}

/// The only randomness: seeded per call.
pub mod random {
    use crate::host;

    /// So many bytes, at most 65,536.
    pub fn bytes(count: u32) -> Vec<u8> {
        host::random(count)
    }
}
