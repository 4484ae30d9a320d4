//! What the host knows about a guest while it runs.

use std::sync::Arc;

use plugin_api::CallContext;
use plugin_gateway::ConnectionGateway;
use sha2::{Digest as _, Sha256};

use crate::limiter::GuestLimiter;
use crate::limits::{LOG_LINE_BYTES_MAX, LOG_LINES_MAX};
use crate::meter::CpuMeter;

/// What a call may log: lines are cut, escaped and counted.
#[derive(Debug, Default)]
pub struct CallLog {
    lines: u32,
    dropped: u64,
}

impl CallLog {
    /// The line as it may be shown, or nothing once there are too many.
    pub fn accept(&mut self, message: &str) -> Option<String> {
        if self.lines >= LOG_LINES_MAX {
            self.dropped = self.dropped.saturating_add(1);
            return None;
        }
        self.lines += 1;
        let cut = message.floor_char_boundary(LOG_LINE_BYTES_MAX);
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
    pub(crate) gateway: Arc<ConnectionGateway>,
    pub(crate) limiter: GuestLimiter,
    pub(crate) call: CallContext,
    pub(crate) log: CallLog,
    pub(crate) meter: CpuMeter,
    pub(crate) cpu_exhausted: bool,
    random_blocks: u64,
}

impl GuestState {
    pub(crate) fn new(
        connection: Arc<str>,
        connector: Arc<str>,
        gateway: Arc<ConnectionGateway>,
        limiter: GuestLimiter,
        call: CallContext,
    ) -> Self {
        Self {
            connection,
            connector,
            gateway,
            limiter,
            call,
            log: CallLog::default(),
            meter: CpuMeter::new(),
            cpu_exhausted: false,
            random_blocks: 0,
        }
    }

    /// Starts a call: its own clock, seed, log and budgets.
    pub(crate) fn begin(&mut self, call: CallContext, gateway: Arc<ConnectionGateway>) {
        self.call = call;
        self.gateway = gateway;
        self.log = CallLog::default();
        self.meter = CpuMeter::new();
        self.cpu_exhausted = false;
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
    use crate::limits::{LOG_LINE_BYTES_MAX, LOG_LINES_MAX};

    #[test]
    fn a_flood_of_lines_is_counted_not_kept() {
        let mut log = CallLog::default();
        let kept = (0..LOG_LINES_MAX + 7).filter(|_| log.accept("x").is_some()).count();
        assert_eq!((kept, log.dropped()), (LOG_LINES_MAX as usize, 7));
    }

    #[test]
    fn a_line_is_cut_and_cannot_forge_another() {
        let mut log = CallLog::default();
        assert_eq!(log.accept("a\nERROR \u{1b}[2J").unwrap(), "a\\nERROR \\u{1b}[2J");
        let long = "é".repeat(LOG_LINE_BYTES_MAX);
        assert!(log.accept(&long).unwrap().len() <= LOG_LINE_BYTES_MAX);
    }
}
