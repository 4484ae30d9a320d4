//! "Not on this machine": an ordinary answer, on which a test skips itself by
//! name instead of failing or pretending.

use std::{env, fs::OpenOptions, io::Write as _};

/// Environment variable that names the file in which skipped tests sign up.
pub const SKIPPED_FILE_VARIABLE: &str = "LIAISON_SKIPPED_FILE";

/// Something a test needs cannot be had here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not available here: {how}")]
pub struct Unavailable {
    /// What is missing, as a person would call it.
    pub what: String,
    /// How to get it.
    pub how: String,
}

impl Unavailable {
    /// States what is missing and how to get it.
    pub fn new(what: impl Into<String>, how: impl Into<String>) -> Self {
        Self { what: what.into(), how: how.into() }
    }

    /// Records that `test` did not run. A passing test's output is swallowed by
    /// the test harness, so the name also goes into a file that
    /// `cargo xtask test` prints at its end.
    pub fn skip(&self, test: &str) {
        let line = format!("SKIPPED {test}: {self}");
        eprintln!("{line}");
        let Some(file) = env::var_os(SKIPPED_FILE_VARIABLE) else {
            return;
        };
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)
            .and_then(|mut file| writeln!(file, "{line}"));
        if let Err(error) = written {
            eprintln!("the skipped test could not be noted: {error}");
        }
    }
}
