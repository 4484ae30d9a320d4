//! What a guest may use. The constants are what no configuration exceeds or
//! what none should need to change; [`Limits`] is what a configuration may set.

use std::time::Duration;

use hub_model::limits::{CURSOR_BYTES_MAX, PAGE_BYTES_MAX, PAGE_ITEMS_MAX};
use hub_model::{Fault, FaultCode};

/// Largest component file in bytes.
pub const COMPONENT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Largest manifest in bytes.
pub const MANIFEST_BYTES_MAX: usize = 256 * 1024;
/// How often a running guest gives its thread back, in milliseconds.
pub const TICK_MILLIS: u64 = 10;
/// Most bytes of one read of a file.
pub const FILE_PART_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The stack that wasmtime switches to: the guest's and the host functions'. At most
/// half of it may be the guest's.
pub const FIBER_STACK_BYTES: usize = 2 * 1024 * 1024;
/// Most core instances within a component. Python's runtime is linked from some forty
/// modules; what they hold together is limited beside this.
pub const CORE_INSTANCES_MAX: usize = 64;
/// Most memories within a component.
pub const MEMORIES_MAX: usize = 4;
/// Most tables within a component.
pub const TABLES_MAX: usize = 16;
/// Most bytes of randomness at once.
pub const RANDOM_BYTES_MAX: u32 = 64 * 1024;
/// Most bytes of a fault's place, of the name and of the value of an argument.
pub const FAULT_TEXT_BYTES_MAX: usize = 2 * 1024;
/// Most arguments of a fault.
pub const FAULT_ARGS_MAX: usize = 16;
/// Most words of a vendor about its limits that wait to be heard.
pub const RATE_HINTS_MAX: usize = 64;
/// Most streams that discovery may return.
pub const STREAMS_MAX: usize = 1_000;
/// Most purposes that a stream may declare.
pub const PURPOSES_MAX: usize = 16;
/// Largest schema of a stream in bytes.
pub const SCHEMA_BYTES_MAX: usize = 1024 * 1024;
/// Most outcomes that a job may tell of.
pub const JOB_OUTCOMES_MAX: usize = 10_000;
/// Longest name of a vendor's job.
pub const JOB_BYTES_MAX: usize = 4 * 1024;
/// Longest line of a page. Parsed JSON takes many times the memory of its text.
pub const ROW_BYTES_MAX: usize = 1024 * 1024;
/// Longest version of a row.
pub const VERSION_BYTES_MAX: usize = 1024;
/// Most containers of one page.
pub const CONTAINERS_MAX: usize = 1_000;
/// Most things that one delivery may mean.
pub const MEANINGS_MAX: usize = 100;
/// Largest answer to a challenge in bytes.
pub const REPLY_BYTES_MAX: usize = 16 * 1024;

/// How long an idle instance is kept, in seconds.
pub const IDLE_SECONDS_MAX: u64 = 60;
/// Most runs of one connection whose processor time is remembered.
pub const RUNS_MAX: usize = 64;

/// What a guest may use, per call unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Memory of one instance, in bytes.
    pub memory_bytes_max: usize,
    /// Elements of all tables of one instance.
    pub table_elements_max: usize,
    /// Bytes that are copied out of a guest by one of its requests or answers.
    pub copied_bytes_max: usize,
    /// Lines that one call may log; the rest is counted.
    pub log_lines_max: u32,
    /// Longest log line in bytes; longer ones are cut.
    pub log_line_bytes_max: usize,
    /// Processor time of one call. Waiting for a vendor does not count.
    pub cpu: Duration,
    /// Processor time of all calls of one run together.
    pub cpu_of_run: Duration,
    /// Time of one call on the wall clock, waiting included.
    pub wall: Duration,
    /// Calls after which an instance is replaced.
    pub calls_per_instance_max: u32,
    /// Memory in bytes above which an instance is replaced after its call.
    pub recycle_above_bytes: usize,
    /// Bytes of a page of rows.
    pub page_bytes_max: usize,
    /// Rows of a page.
    pub page_items_max: usize,
    /// Bytes of a cursor.
    pub cursor_bytes_max: usize,
    /// The guest's stack, in bytes; what the host has counts.
    pub stack_bytes_max: usize,
    /// Calls that run at the same time; the rest waits its turn.
    pub concurrent_calls_max: usize,
    /// Idle instances kept for the next call of their run, in the whole host.
    pub idle_instances_max: usize,
    /// Threads of the guests' runtime.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 64 * 1024 * 1024,
            table_elements_max: 10_000,
            copied_bytes_max: 64 * 1024 * 1024,
            log_lines_max: 1_000,
            log_line_bytes_max: 4 * 1024,
            cpu: Duration::from_secs(10),
            cpu_of_run: Duration::from_secs(3_600),
            wall: Duration::from_secs(300),
            calls_per_instance_max: 100,
            recycle_above_bytes: 24 * 1024 * 1024,
            page_bytes_max: PAGE_BYTES_MAX,
            page_items_max: PAGE_ITEMS_MAX,
            cursor_bytes_max: CURSOR_BYTES_MAX,
            stack_bytes_max: 512 * 1024,
            concurrent_calls_max: 64,
            idle_instances_max: 64,
            threads: 2,
        }
    }
}

/// The fault of a guest that ran into a limit, which is named with its unit.
pub(crate) fn over(name: &str, max: impl std::fmt::Display) -> Fault {
    Fault::new(FaultCode::LimitExceeded).with(name, max)
}
