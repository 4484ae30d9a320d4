//! One recording of whatever is asked, kept in memory until it is whole.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use plugin_host::recording::{Header, Recorder, Tape};

/// Records every call, whatever it is made for.
#[derive(Debug, Default)]
pub struct OneRecording {
    tape: Mutex<Option<Arc<Tape>>>,
    bytes: Bytes,
}

/// Bytes that are written in one place and read in another.
#[derive(Debug, Clone, Default)]
pub struct Bytes(Arc<Mutex<Vec<u8>>>);

impl Bytes {
    /// What was written, once.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl OneRecording {
    /// The whole recording.
    ///
    /// # Errors
    /// Nothing was asked.
    pub fn end(&self) -> io::Result<Vec<u8>> {
        let tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner).take();
        tape.ok_or_else(|| io::Error::other("no call was made"))?.end()?;
        Ok(self.bytes.take())
    }
}

impl Recorder for OneRecording {
    fn tape(&self, _run: &str, header: &dyn Fn() -> Header) -> Option<Arc<Tape>> {
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        if tape.is_none() {
            *tape = Tape::begin(Box::new(self.bytes.clone()), header()).ok().map(Arc::new);
        }
        tape.clone()
    }
}
