//! A panic ends the call as a trap; before that its message goes to the log,
//! or nobody would ever know why.

use std::sync::Once;

static INSTALLED: Once = Once::new();

/// Sends panic messages to the host's log from now on.
pub(crate) fn report() {
    if cfg!(target_arch = "wasm32") {
        INSTALLED.call_once(|| {
            std::panic::set_hook(Box::new(|panic| {
                crate::log::error(panic.to_string());
            }));
        });
    }
}
