//! What a system allows in a time, and whether the hub keeps to it.

use std::collections::VecDeque;

use hub_model::rate::SCOPE_ACCOUNT;
use hub_model::{Fault, FaultCode, RateBudget};

use crate::system::System;

/// A window at least so long is a quota, and what was spent of it outlives the
/// process: 1 h.
const QUOTA_SECONDS_MIN: i64 = 3_600;

/// So many calls in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Calls.
    pub calls: u32,
    /// The window.
    pub seconds: u32,
}

impl Allowance {
    /// As a connector declares it.
    pub fn budget(self) -> RateBudget {
        let Self { calls, seconds } = self;
        RateBudget { scope: SCOPE_ACCOUNT.into(), calls, window_seconds: seconds, concurrency: 0 }
    }
}

/// The calls that a system got, and what can be asked of the hub.
#[derive(Debug, Default)]
pub struct Calls {
    /// When, in true seconds, within the window.
    made: VecDeque<i64>,
    /// It asked to be left alone until then.
    alone_until: i64,
    /// The hub's clock is set now and then: its seconds are not the true ones.
    pub wrong_clock: bool,
    /// The process starts anew now and then, and forgets what is short.
    pub restarts: bool,
}

impl System {
    /// Counts a call.
    ///
    /// # Errors
    /// When it is one too many: it is not answered.
    pub fn count_call(&mut self) -> Result<(), Fault> {
        let now = self.now_seconds;
        let Calls { wrong_clock, restarts, alone_until, .. } = self.calls;
        if now < alone_until && !wrong_clock && !restarts {
            let text = format!("{} was called {} s too early", self.name, alone_until - now);
            self.complaints.push(("R22", text));
        }
        let Some(Allowance { calls, seconds }) = self.character.allows else { return Ok(()) };
        let seconds = i64::from(seconds);
        // Parts of a second are in the hub's favour.
        self.calls.made.retain(|at| *at + seconds - 1 > now);
        if self.calls.made.len() < calls as usize {
            self.calls.made.push_back(now);
            return Ok(());
        }
        self.tally.faults += 1;
        if !wrong_clock && (!restarts || seconds >= QUOTA_SECONDS_MIN) {
            let text = format!("{} got more than {calls} calls in {seconds} s", self.name);
            self.complaints.push(("R22", text));
        }
        let code = match seconds >= QUOTA_SECONDS_MIN {
            true => FaultCode::QuotaExhausted,
            false => FaultCode::RateLimited,
        };
        Err(Fault::new(code).with("after_seconds", seconds))
    }

    /// Asks to be left alone for so many seconds.
    pub fn leave_alone(&mut self, seconds: i64) -> Fault {
        self.calls.alone_until = self.now_seconds + seconds;
        Fault::new(FaultCode::RateLimited).with("after_seconds", seconds)
    }
}
