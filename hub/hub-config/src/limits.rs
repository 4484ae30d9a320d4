//! `[limits]` and `[connections.*.limits]`: what connectors may use.
//!
//! One table says of each limit how it is written, what it is unless it is written, and
//! within which bounds it may be. The upper bounds are what the hub stands for: nobody
//! can raise a limit beyond them. What stands at a connection counts for it alone, and
//! before what stands for all.

use std::collections::BTreeMap;

use crate::table::TableReader;

/// A limit that can be set. Its key names its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSetting {
    /// As it is written.
    pub key: &'static str,
    /// Least value.
    pub min: u32,
    /// What it is unless it is written.
    pub usual: u32,
    /// Greatest value.
    pub max: u32,
    /// Whether a connection may have one of its own.
    pub of_connection: bool,
}

const KIB: u32 = 1024;
const MIB: u32 = 1024 * KIB;

/// Every limit that can be set.
pub const LIMITS: [LimitSetting; 25] = [
    each("memory_bytes_max", MIB, 64 * MIB, 512 * MIB),
    each("table_elements_max", 1000, 10_000, 1_000_000),
    each("copied_bytes_max", MIB, 64 * MIB, 256 * MIB),
    each("log_lines_max", 0, 1000, 100_000),
    each("log_line_bytes_max", 80, 4 * KIB, 64 * KIB),
    each("cpu_ms_max", 100, 10_000, 600_000),
    each("cpu_of_run_ms_max", 100, 3_600_000, 86_400_000),
    each("wall_seconds_max", 1, 300, 3600),
    each("calls_per_instance_max", 1, 100, 10_000),
    each("recycle_above_bytes", MIB, 24 * MIB, 512 * MIB),
    each("page_bytes_max", KIB, 10 * MIB, 10 * MIB),
    each("page_items_max", 1, 10_000, 10_000),
    each("cursor_bytes_max", 64, 64 * KIB, 64 * KIB),
    each("http_calls_max", 1, 1000, 100_000),
    each("http_connect_seconds_max", 1, 10, 60),
    each("http_seconds_max", 1, 60, 600),
    each("mail_verdict_seconds_max", 1, 180, 600),
    each("request_bytes_max", KIB, 32 * MIB, 256 * MIB),
    each("response_bytes_max", KIB, 32 * MIB, 256 * MIB),
    each("header_bytes_max", KIB, 64 * KIB, MIB),
    each("compression_ratio_max", 1, 100, 1000),
    all("stack_bytes_max", 64 * KIB, 512 * KIB, MIB),
    all("concurrent_calls_max", 1, 64, 1000),
    all("idle_instances_max", 0, 64, 1000),
    all("threads", 1, 2, 64),
];

/// One that a connection may have of its own.
const fn each(key: &'static str, min: u32, usual: u32, max: u32) -> LimitSetting {
    LimitSetting { key, min, usual, max, of_connection: true }
}

/// One for all connections together.
const fn all(key: &'static str, min: u32, usual: u32, max: u32) -> LimitSetting {
    LimitSetting { key, min, usual, max, of_connection: false }
}

/// The limits that are written, by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitsConfig(BTreeMap<&'static str, u32>);

impl LimitsConfig {
    /// Those that are written.
    pub fn written(&self) -> impl Iterator<Item = (&'static str, u32)> {
        self.0.iter().map(|(key, value)| (*key, *value))
    }
}

/// The keys of a table of limits.
pub(crate) fn keys(of_connection: bool) -> Vec<&'static str> {
    let known = LIMITS.iter().filter(|limit| limit.of_connection || !of_connection);
    known.map(|limit| limit.key).collect()
}

/// Reads a table of limits.
pub(crate) fn read(table: &mut TableReader<'_>, of_connection: bool) -> LimitsConfig {
    let Some(mut table) = table.table("limits", "[limits]") else { return LimitsConfig::default() };
    let mut written = BTreeMap::new();
    for limit in LIMITS.iter().filter(|limit| limit.of_connection || !of_connection) {
        let value = table.integer(limit.key, (limit.min, limit.max), limit.usual);
        written.extend(value.map(|value| (limit.key, value.value)));
    }
    table.finish(&keys(of_connection));
    LimitsConfig(written)
}
