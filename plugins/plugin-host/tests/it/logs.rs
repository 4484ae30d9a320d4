//! Everything that is logged in this process, down to trace, kept for tests.

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_subscriber::filter::LevelFilter;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Keep;

impl io::Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to keep what is logged; once is enough.
pub fn keep() {
    static KEPT: OnceLock<()> = OnceLock::new();
    KEPT.get_or_init(|| {
        let all = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE);
        let all = all.with_ansi(false).with_writer(|| Keep).finish();
        tracing::subscriber::set_global_default(all).unwrap();
    });
}

/// What was logged so far.
pub fn kept() -> Vec<u8> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The lines about one connection, of events that name it.
pub fn about(connection: &str) -> Vec<String> {
    let name = format!("connection=\"{connection}\"");
    let kept = String::from_utf8_lossy(&kept()).into_owned();
    kept.split('\n').filter(|line| line.contains(&name)).map(str::to_owned).collect()
}
