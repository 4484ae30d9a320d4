//! Memory, tables and instances of one guest.

use hub_model::Fault;
use wasmtime::ResourceLimiter;

use crate::limits::{CORE_INSTANCES_MAX, Limits, MEMORIES_MAX, TABLES_MAX, over};

/// Refuses growth beyond the limits, and remembers that it did: the guest then
/// aborts in one way or another, and the fault should name the reason.
#[derive(Debug)]
pub(crate) struct GuestLimiter {
    memory: Sum,
    tables: Sum,
}

/// What all memories, or all tables, of an instance hold together.
#[derive(Debug)]
struct Sum {
    name: &'static str,
    max: usize,
    now: usize,
    refused: bool,
}

impl Sum {
    const fn new(name: &'static str, max: usize) -> Self {
        Self { name, max, now: 0, refused: false }
    }

    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let total = self.now.saturating_sub(current).saturating_add(desired);
        let fits = total <= self.max;
        if fits {
            self.now = total;
        }
        self.refused |= !fits;
        fits
    }

    fn take_refused(&mut self) -> Option<Fault> {
        std::mem::take(&mut self.refused).then(|| over(self.name, self.max))
    }
}

impl GuestLimiter {
    pub(crate) const fn new(limits: &Limits) -> Self {
        Self {
            memory: Sum::new("memory_bytes_max", limits.memory_bytes_max),
            tables: Sum::new("table_elements_max", limits.table_elements_max),
        }
    }

    /// Memory in use by all memories together.
    pub(crate) const fn memory_bytes(&self) -> usize {
        self.memory.now
    }

    /// The limit at which growth was refused since the last time this was asked.
    pub(crate) fn take_refused(&mut self) -> Option<Fault> {
        self.memory.take_refused().or_else(|| self.tables.take_refused())
    }
}

impl ResourceLimiter for GuestLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.memory.grow(current, desired))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.tables.grow(current, desired))
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}
