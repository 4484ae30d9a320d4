//! What is watched, and the list of what happened.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{CString, c_char, c_int};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use io_events::{Event, FAULT_VARIABLE, LOG_VARIABLE, ROOT_VARIABLE, encode};

use crate::fault::{Call, Fault};
use crate::sys;

/// Watches the files below one folder.
pub(crate) struct Recorder {
    root: String,
    /// Where the folder lies: a pipe may have the number of one of its files.
    device: u64,
    log: c_int,
    state: Mutex<State>,
}

struct State {
    /// Inodes below the folder that were opened or made.
    watched: BTreeSet<u64>,
    events: u64,
    fault: Option<Fault>,
    buffer: Vec<u8>,
}

/// The recorder, if the environment asks for one.
pub(crate) fn recorder() -> Option<&'static Recorder> {
    static RECORDER: OnceLock<Option<Recorder>> = OnceLock::new();
    RECORDER.get_or_init(|| sys::keeping_error(Recorder::asked_for)).as_ref()
}

impl Recorder {
    fn asked_for() -> Option<Self> {
        let root = env::var(ROOT_VARIABLE).ok()?;
        let fault = env::var(FAULT_VARIABLE).ok();
        let log = env::var(LOG_VARIABLE).ok().and_then(|path| CString::new(path).ok());
        let log = log.map_or(-1, |path| {
            let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_APPEND | libc::O_CLOEXEC;
            c_int::try_from(sys::openat(libc::AT_FDCWD, path.as_ptr(), flags, 0o600)).unwrap_or(-1)
        });
        let fault = match fault.as_deref().map(Fault::read) {
            Some(None) => refuse("the fault cannot be read"),
            Some(fault) => fault,
            None => None,
        };
        if log < 0 {
            refuse("the list of events cannot be written");
        }
        let folder = CString::new(root.as_str()).ok();
        let found = folder.and_then(|path| sys::of_path(libc::AT_FDCWD, path.as_ptr()));
        let Some(sys::Found { device, .. }) = found else { refuse("the folder is not there") };
        let state = State { watched: BTreeSet::new(), events: 0, fault, buffer: Vec::new() };
        Some(Self { root, device, log, state: Mutex::new(state) })
    }

    /// The path below the folder, if it lies there.
    pub(crate) fn below(&self, dir: c_int, path: *const c_char) -> Option<String> {
        let path = sys::keeping_error(|| sys::absolute(dir, path))?;
        let rest = path.strip_prefix(&self.root)?;
        if rest.is_empty() {
            return Some(String::new());
        }
        Some(rest.strip_prefix('/')?.trim_end_matches('/').to_owned())
    }

    /// The inode of an open file, if it is watched.
    pub(crate) fn watched(&self, fd: c_int) -> Option<sys::Found> {
        let found = sys::keeping_error(|| sys::of_open(fd))?;
        let watched = found.device == self.device && self.state().watched.contains(&found.file);
        watched.then_some(found)
    }

    /// Does something that changes files, alone, and writes down what `told`
    /// makes of a good end.
    pub(crate) fn change(
        &self,
        call: Call,
        work: impl FnOnce() -> isize,
        told: impl FnOnce(isize, &mut Watch<'_>),
    ) -> isize {
        let mut state = self.state();
        if let Some(error) = state.fault.as_mut().and_then(|fault| fault.of(call)) {
            return sys::fail(error);
        }
        let answer = work();
        if answer >= 0 {
            sys::keeping_error(|| told(answer, &mut Watch { state: &mut state, log: self.log }));
        }
        answer
    }

    /// Something that changes nothing.
    pub(crate) fn note(&self, told: impl FnOnce(&mut Watch<'_>)) {
        let mut state = self.state();
        sys::keeping_error(|| told(&mut Watch { state: &mut state, log: self.log }));
    }

    /// Makes a file durable, beside whatever else happens meanwhile.
    pub(crate) fn sync(&self, file: u64, work: impl FnOnce() -> isize) -> isize {
        let began = {
            let mut state = self.state();
            if let Some(error) = state.fault.as_mut().and_then(|fault| fault.of(Call::Sync)) {
                return sys::fail(error);
            }
            state.events
        };
        let answer = work();
        if answer == 0 {
            self.note(|watch| watch.event(&Event::Sync { file, began }));
        }
        answer
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The list, while nobody else adds to it.
pub(crate) struct Watch<'a> {
    state: &'a mut State,
    log: c_int,
}

impl Watch<'_> {
    /// Writes an event down.
    pub(crate) fn event(&mut self, event: &Event) {
        let mut bytes = std::mem::take(&mut self.state.buffer);
        bytes.clear();
        encode(event, &mut bytes);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match usize::try_from(sys::write(self.log, rest)) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(_) => refuse("the list of events cannot be written"),
            }
        }
        self.state.buffer = bytes;
        self.state.events += 1;
    }

    /// From now on this file is watched.
    pub(crate) fn begin(&mut self, file: u64) {
        self.state.watched.insert(file);
    }

    /// A file has lost a name; with its last one it is gone.
    pub(crate) fn end(&mut self, found: sys::Found) {
        if found.names <= 1 {
            self.state.watched.remove(&found.file);
            self.freed(found.bytes);
        }
    }

    /// Space was given back.
    pub(crate) fn freed(&mut self, bytes: u64) {
        if let Some(fault) = &mut self.state.fault {
            fault.freed(bytes);
        }
    }
}

/// A recorder that cannot record must not let a test pass.
fn refuse(why: &str) -> ! {
    sys::write(2, format!("io-recorder: {why}\n").as_bytes());
    std::process::abort()
}
