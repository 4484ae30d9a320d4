//! What the host knows about a guest while it runs.

use std::sync::Arc;

use hub_model::Fault;
use plugin_api::CallContext;
use sha2::{Digest as _, Sha256};

use crate::budget::Budget;
use crate::limiter::GuestLimiter;
use crate::limits::Limits;
use crate::way::Way;

/// What a call may log: lines are cut, escaped and counted.
#[derive(Debug)]
pub struct CallLog {
    lines_left: u32,
    line_bytes_max: usize,
    dropped: u64,
}

impl CallLog {
    /// An empty log.
    pub const fn new(limits: &Limits) -> Self {
        let (lines_left, line_bytes_max) = (limits.log_lines_max, limits.log_line_bytes_max);
        Self { lines_left, line_bytes_max, dropped: 0 }
    }

    /// The line as it may be shown, or nothing once there are too many.
    pub fn accept(&mut self, message: &str) -> Option<String> {
        let Some(left) = self.lines_left.checked_sub(1) else {
            self.dropped = self.dropped.saturating_add(1);
            return None;
        };
        self.lines_left = left;
        let cut = message.floor_char_boundary(self.line_bytes_max);
        let line = message.get(..cut).unwrap_or_default();
        // Line breaks and terminal escapes would let a guest forge other lines.
        Some(line.escape_debug().to_string())
    }

    /// Lines that were not shown.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Store data of one instance.
pub struct GuestState {
    pub(crate) connection: Arc<str>,
    pub(crate) connector: Arc<str>,
    pub(crate) way: Arc<dyn Way>,
    pub(crate) limiter: GuestLimiter,
    pub(crate) call: CallContext,
    pub(crate) log: CallLog,
    pub(crate) budget: Budget,
    /// The limit at which the call was interrupted.
    pub(crate) interrupted: Option<Fault>,
    random_blocks: u64,
}

impl GuestState {
    pub(crate) fn new(
        connection: Arc<str>,
        connector: Arc<str>,
        way: Arc<dyn Way>,
        limits: &Limits,
        call: CallContext,
        budget: Budget,
    ) -> Self {
        Self {
            connection,
            connector,
            way,
            limiter: GuestLimiter::new(limits),
            call,
            log: CallLog::new(limits),
            budget,
            interrupted: None,
            random_blocks: 0,
        }
    }

    /// Starts a call: its own clock, seed, log and budgets.
    pub(crate) fn begin(
        &mut self,
        limits: &Limits,
        call: CallContext,
        way: Arc<dyn Way>,
        budget: Budget,
    ) {
        self.call = call;
        self.way = way;
        self.log = CallLog::new(limits);
        self.budget = budget;
        self.interrupted = None;
        self.random_blocks = 0;
    }

    /// The next bytes of this call's randomness: SHA-256 over seed and counter,
    /// so that a call with the same seed gets the same bytes.
    pub(crate) fn random(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count.next_multiple_of(32));
        while bytes.len() < count {
            let mut block = Sha256::new();
            block.update(self.call.seed.to_le_bytes());
            block.update(self.random_blocks.to_le_bytes());
            self.random_blocks = self.random_blocks.wrapping_add(1);
            bytes.extend_from_slice(&block.finalize());
        }
        bytes.truncate(count);
        bytes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::CallLog;
    use crate::limits::Limits;

    #[test]
    fn a_flood_of_lines_is_counted_not_kept() {
        let mut log = CallLog::new(&Limits { log_lines_max: 3, ..Limits::default() });
        let kept = (0..10).filter(|_| log.accept("x").is_some()).count();
        assert_eq!((kept, log.dropped()), (3, 7));
    }

    #[test]
    fn a_line_is_cut_and_cannot_forge_another() {
        let limits = Limits { log_line_bytes_max: 999, ..Limits::default() };
        let mut log = CallLog::new(&limits);
        assert_eq!(log.accept("a\nERROR \u{1b}[2J").unwrap(), "a\\nERROR \\u{1b}[2J");
        assert_eq!(log.accept(&"é".repeat(999)).unwrap().len(), 998);
    }
}
