//! Calls to connectors, tried again where trying again can help.

use std::future::Future;
use std::time::Duration;

use hub_model::{Fault, FaultCode};
use hub_schedule::backoff;

use crate::budget::{self, Call};
use crate::run::RunContext;

/// How often a call is made before its run gives up; the next run goes on.
const CALL_TRIES_MAX: u32 = 5;
/// First wait between two tries.
const WAIT_MICROS_FIRST: i64 = 500_000;
/// Longest wait between two tries inside a run.
const WAIT_MICROS_MAX: i64 = 20_000_000;

/// Whether a fault may go away by itself within minutes.
pub(crate) fn passes(code: FaultCode) -> bool {
    matches!(
        code,
        FaultCode::Transient | FaultCode::Timeout | FaultCode::Unreachable | FaultCode::RateLimited
    )
}

/// Makes a call that changes nothing, up to [`CALL_TRIES_MAX`] times, within the
/// budgets of its account where it is a call to a vendor. A vendor
/// that names a wait longer than [`WAIT_MICROS_MAX`] ends the run instead of
/// blocking it.
pub(crate) async fn reading<T, F, Fut>(
    context: &RunContext<'_>,
    kind: impl Into<Option<Call>>,
    call: F,
) -> Result<T, Fault>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, Fault>>,
{
    let kind = kind.into();
    let mut tries = 0;
    loop {
        context.go_on()?;
        let answer = match kind {
            Some(kind) => budget::paced(context, kind, call()).await,
            None => call().await,
        };
        let fault = match answer {
            Ok(answer) => return Ok(answer),
            Err(fault) => fault,
        };
        tries += 1;
        if !passes(fault.code) || tries >= CALL_TRIES_MAX {
            return Err(fault);
        }
        let wait = wait_micros(context, &fault, tries);
        if wait > WAIT_MICROS_MAX {
            return Err(fault);
        }
        tracing::debug!(run = %context.id, %fault, tries, wait_micros = wait, "trying again");
        let wait = Duration::from_micros(u64::try_from(wait).unwrap_or(0));
        context.pause(wait).await;
    }
}

/// The vendor's own word, else full-jitter back-off.
fn wait_micros(context: &RunContext<'_>, fault: &Fault, tries: u32) -> i64 {
    let named = fault.args.get("after_seconds").and_then(|text| text.parse::<i64>().ok());
    named.map_or_else(
        || {
            let seed = context.workspace.env.random();
            backoff(tries - 1, seed, WAIT_MICROS_FIRST, WAIT_MICROS_MAX)
        },
        |seconds| seconds.saturating_mul(1_000_000),
    )
}
