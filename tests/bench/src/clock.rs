//! What this process and its threads have used so far.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Processor time of the whole process, user and system, every thread that
/// ever lived included.
#[must_use]
pub fn process_cpu() -> Duration {
    duration(ClockId::ProcessCPUTime)
}

/// Processor time of the calling thread.
#[must_use]
pub fn thread_cpu() -> Duration {
    duration(ClockId::ThreadCPUTime)
}

fn duration(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// Resident now.
    pub resident_bytes: u64,
    /// Resident at most so far.
    pub peak_bytes: u64,
}

/// The memory of a process; `None` when it is gone.
#[must_use]
pub fn memory(process: u32) -> Option<Memory> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let bytes = |name: &str| -> Option<u64> {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
    };
    Some(Memory { resident_bytes: bytes("VmRSS:")?, peak_bytes: bytes("VmHWM:")? })
}

#[cfg(test)]
mod tests {
    use super::{memory, process_cpu, thread_cpu};

    #[test]
    fn work_is_counted() {
        let (process, thread) = (process_cpu(), thread_cpu());
        let sum = (0..2_000_000_u64).fold(0, |sum, n| sum ^ crate::dice::mix(n));
        assert_ne!(sum, 0);
        assert!(process_cpu() > process);
        assert!(thread_cpu() > thread);
        let memory = memory(std::process::id()).expect("this process lives");
        assert!(memory.resident_bytes > 0 && memory.peak_bytes >= memory.resident_bytes);
    }
}
