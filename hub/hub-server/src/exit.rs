//! Exit codes. Scripts depend on them: they are part of the interface.

use std::process::ExitCode;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok,
    /// Done, and the answer is bad news: a run failed, a check found something,
    /// nobody has that identity.
    Finding,
    /// The command or the configuration is wrong; nothing was changed.
    Usage,
    /// The store is locked, damaged or full.
    Store,
    /// A hub runs but cannot be reached.
    Unreachable,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Finding => 1,
            Self::Usage => 2,
            Self::Store => 3,
            Self::Unreachable => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// What a second signal ends the process with: 128 + SIGINT, as shells say it.
pub const AT_ONCE: i32 = 130;

/// The table for `--help`.
pub const HELP: &str = "\
Exit codes:
  0  done
  1  done, with bad news: a run failed or is held, a check found something, nobody found
  2  the command or the configuration is wrong; nothing was changed
  3  the store is locked, damaged or full
  4  a hub runs but cannot be reached
  130  stopped at once by a second signal";
