//! The one unsafe act of this crate: loading compiled code.

use wasmtime::Engine;
use wasmtime::component::Component;

/// Loads compiled code whose MAC was verified over exactly these bytes.
///
/// # Errors
/// The code is of another engine.
#[expect(
    unsafe_code,
    reason = "compiled code is native code; the caller verified in memory, under a key that only \
              this hub has, that these very bytes are what its own compiler wrote"
)]
pub(crate) fn load_compiled(engine: &Engine, verified: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes come from `Engine::precompile_component` of this hub,
    // unaltered: the caller has checked their MAC after reading them.
    unsafe { Component::deserialize(engine, verified) }
}
