//! The engine: how guests are compiled, and the tick that interrupts them.

use std::thread;
use std::time::Duration;

use wasmtime::{Config, Engine};

use crate::limits::{FIBER_STACK_BYTES, TICK_MILLIS};

/// Changes whenever [`config`] changes in a way that compiled code depends on.
pub(crate) const CONFIG_REVISION: &str = "1";

/// Measured (reference/wasm.md): on-demand allocation beats pooling for pages,
/// epochs cost less than fuel.
fn config(stack_bytes_max: usize) -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.epoch_interruption(true);
    config.max_wasm_stack(stack_bytes_max);
    config.async_stack_size(FIBER_STACK_BYTES);
    // What no connector needs is not there to be attacked.
    config.wasm_memory64(false);
    config.wasm_relaxed_simd(false);
    // A number that differs between processors would make a replay differ.
    config.cranelift_nan_canonicalization(true);
    config
}

/// An engine and its ticking thread. The thread lives as long as anything of the
/// engine does, a running guest included: without ticks it could never be stopped.
///
/// # Errors
/// The processor is not one that code can be made for, or there is no thread.
pub(crate) fn ticking(stack_bytes_max: usize) -> Result<Engine, String> {
    let engine = Engine::new(&config(stack_bytes_max)).map_err(|error| format!("{error:#}"))?;
    let ticked = engine.weak();
    thread::Builder::new()
        .name("guest-tick".to_owned())
        .spawn(move || {
            while let Some(engine) = ticked.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(Duration::from_millis(TICK_MILLIS));
            }
        })
        .map_err(|error| error.to_string())?;
    Ok(engine)
}
