//! Why a guest ended, as a fault.

use hub_model::{Fault, FaultCode};
use wasmtime::Trap;

use crate::limits::{Limits, over};
use crate::since_v0_1_0::GuestState;

/// What wasmtime says of a guest that handed over too much at once; the type of
/// the error is its own secret.
const COPIED_TOO_MUCH: &str = "fuel allocated for hostcalls has been exhausted";

/// The fault of a trap: the limit that it ran into, with its unit, or a bug.
pub(super) fn fault(error: &wasmtime::Error, limits: &Limits, state: &mut GuestState) -> Fault {
    let text = format!("{error:#}");
    let cause = error.downcast_ref::<Trap>();
    if let Some(exceeded) = state.interrupted.take() {
        return exceeded;
    }
    if let Some(refused) = state.limiter.take_refused() {
        return refused;
    }
    if matches!(cause, Some(Trap::StackOverflow)) {
        return over("stack_bytes_max", limits.stack_bytes_max);
    }
    if text.contains(COPIED_TOO_MUCH) {
        return over("copied_bytes_max", limits.copied_bytes_max);
    }
    // The text names functions of the guest, which helps its author; for people
    // the code is enough.
    tracing::warn!(
        connection = &*state.connection,
        connector = &*state.connector,
        error = %text.escape_debug(),
        "the connector trapped"
    );
    let cause = cause.map_or_else(|| "host".to_owned(), ToString::to_string);
    Fault::new(FaultCode::ConnectorBug).with("trap", cause)
}
