//! Memory body.
/// Memory.
#[derive(Debug, Default)]
pub struct MemoryStore;
